//! What the connections of a server share.

#[cfg(test)]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::access::Access;
use super::registry::Registry;
use super::script::Script;
use super::told_event::ServerEvent;
use crate::base::supervise::Failures;

#[derive(Clone, Debug)]
pub struct Options {
    pub script: Arc<Script>,
    pub access: Access,
    /// Send text frames; the service sends binary ones.
    pub text_frames: bool,
    /// Connections at a time; more are answered with HTTP 503.
    pub most_connections: usize,
    /// Where events go. When it is full they are dropped: no conversation waits for who watches.
    pub watcher: Option<mpsc::Sender<ServerEvent>>,
    /// Takes what becomes of the thread.
    pub failures: Failures,
    /// Panics with so many of the next connections.
    #[cfg(test)]
    pub panics: Arc<AtomicUsize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            script: Arc::new(Script::default()),
            access: Access::Open,
            text_frames: false,
            most_connections: 1024,
            watcher: None,
            failures: Failures::default(),
            #[cfg(test)]
            panics: Arc::default(),
        }
    }
}

/// Everything that connections share. It serves any byte stream; [`Server`](super::Server) feeds it with TCP connections.
#[derive(Debug)]
pub struct StreamServer {
    pub(super) options: Options,
    registry: Mutex<Registry>,
    connections: AtomicU64,
}

impl StreamServer {
    /// A service without connections and conversations.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            registry: Mutex::default(),
            connections: AtomicU64::new(0),
        }
    }

    /// Counts connections from 1.
    pub(super) fn next_connection(&self) -> u64 {
        1 + self.connections.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn registry(&self) -> MutexGuard<'_, Registry> {
        // Nothing that holds it can panic half-way through a change.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, event: ServerEvent) {
        tracing::debug!(?event, "live server");
        if let Some(watcher) = &self.options.watcher {
            watcher.try_send(event).ok();
        }
    }
}
