//! The conversation's end of the connection to the service.

use std::collections::VecDeque;
use std::time::Instant;

use super::snapshot::Link;
use crate::base::ids::TurnId;
use crate::client;
use crate::live::message::Setup;
use crate::live::pcm::PcmReader;

/// The connection, and what it was asked for.
pub(super) struct ProviderLink {
    pub(super) client: client::Handle,
    /// What the client has had no room for yet; order is kept.
    pub(super) outbox: VecDeque<Outgoing>,
    pub(super) reply: PcmReader,
    /// What the connection was set up with, and what the next one shall be.
    pub(super) setup: Setup,
    pub(super) wanted: Setup,
    pub(super) link: Link,
    pub(super) ever_connected: bool,
    /// The same, to the place that is dialled now.
    pub(super) was_connected: bool,
    /// The service announced the end of the connection, or the user wants another one.
    pub(super) going_away: bool,
    /// Automatic detection: when a frame was streamed last.
    pub(super) streaming: Option<Instant>,
}

impl ProviderLink {
    /// A client that dials with this setup.
    pub(super) fn new(client: client::Handle, setup: Setup, link: Link) -> Self {
        Self {
            client,
            outbox: VecDeque::new(),
            reply: PcmReader::default(),
            wanted: setup.clone(),
            setup,
            link,
            ever_connected: false,
            was_connected: false,
            going_away: false,
            streaming: None,
        }
    }
}

/// What is to be sent.
#[derive(Debug)]
pub(super) enum Outgoing {
    Command(client::Command),
    /// Words of a turn that have not been sent, up to this sample; they stay in the ledger until they can be.
    Words {
        turn: TurnId,
        until: u64,
    },
}
