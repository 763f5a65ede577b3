//! What the client's loop wakes up for.

use crate::provider::connection::fault::Fault;
use crate::provider::connection::socket::Turn;
use crate::provider::gemini::open::Open;
use crate::provider::{Control, ProviderCommand};

pub(super) enum Happening {
    Command(ProviderCommand),
    Control(Control),
    /// An event was taken.
    Delivered,
    /// Something happened on the connection.
    Link(LinkHappening),
    /// The link's time has come.
    Due,
    /// Nothing of what waits gets away.
    Stuck,
    /// The way has to be looked at.
    Look,
    /// The connection is as old as they become.
    Aged,
    /// Nobody is there any more.
    Stopped,
}

pub(super) enum LinkHappening {
    Opened(Result<Open, Fault>),
    Closed,
    Turn(Turn),
}
