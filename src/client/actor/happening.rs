//! What the client's loop wakes up for.

use crate::client::error::Fault;
use crate::client::open::Open;
use crate::client::socket::Turn;
use crate::provider::Control;

pub(super) enum Happening {
    /// The inbox holds commands.
    Commands,
    Control(Control),
    /// An event was taken.
    Delivered,
    /// Something happened on the connection.
    Link(LinkHappening),
    /// The link's time has come.
    Due,
    /// Nothing of what waits gets away.
    Stuck,
    /// Nobody is there any more.
    Stopped,
}

pub(super) enum LinkHappening {
    Opened(Result<Open, Fault>),
    Closed,
    Turn(Turn),
}
