//! Tells the stream manager whether the worker has a use for an output stream.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::Thread;

/// The switch of one stream: a new stream does not rest.
#[derive(Default)]
pub(super) struct RestSwitch {
    rests: AtomicBool,
    manager: Option<Thread>,
}

impl RestSwitch {
    /// A switch that wakes this thread, if given (not in a simulation).
    pub(super) fn new(manager: Option<Thread>) -> Self {
        Self {
            rests: AtomicBool::new(false),
            manager,
        }
    }

    pub(super) fn set(&self, rests: bool) {
        self.rests.store(rests, Relaxed);
        if let Some(manager) = &self.manager {
            manager.unpark();
        }
    }

    pub(super) fn rests(&self) -> bool {
        self.rests.load(Relaxed)
    }
}
