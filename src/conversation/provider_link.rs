//! The conversation's end of the connection to the service.

use std::collections::VecDeque;
use std::time::Instant;

use super::snapshot::Link;
use crate::base::ids::TurnId;
use crate::provider::{ProviderCommand, ProviderHandle, SessionConfig};

/// The connection, and what it was asked for.
pub(super) struct ProviderLink {
    pub(super) handle: ProviderHandle,
    /// What the provider has had no room for yet; order is kept.
    pub(super) outbox: VecDeque<Outgoing>,
    /// What the connection was asked for, and what the next one shall be asked for.
    pub(super) config: SessionConfig,
    pub(super) wanted: SessionConfig,
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
    /// A provider that asks for this.
    pub(super) fn new(handle: ProviderHandle, config: SessionConfig, link: Link) -> Self {
        Self {
            handle,
            outbox: VecDeque::new(),
            wanted: config.clone(),
            config,
            link,
            ever_connected: false,
            was_connected: false,
            going_away: false,
            streaming: None,
        }
    }

    /// Notes what the next connection shall be asked for; says whether that needs another connection than this one.
    pub(super) fn want(&mut self, config: SessionConfig) -> bool {
        if !self.handle.service.needs_reconnect(&self.config, &config) {
            self.config = config.clone();
        }
        self.wanted = config;
        self.wanted != self.config
    }
}

/// What is to be sent.
#[derive(Debug)]
pub(super) enum Outgoing {
    Command(ProviderCommand),
    /// Speech of a turn that has not been sent, up to this sample; it stays in the resend buffer until it can be.
    Speech {
        turn: TurnId,
        until: u64,
    },
}
