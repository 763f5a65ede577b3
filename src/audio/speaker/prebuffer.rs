//! How much of a reply is gathered before it is played.

use std::time::{Duration, Instant};

/// How much each underrun adds to the prebuffer, and how long without one takes it away again.
const PREBUFFER_STEP: Duration = Duration::from_millis(20);
const PREBUFFER_MOST: Duration = Duration::from_millis(200);
const PREBUFFER_DECAY: Duration = Duration::from_secs(10);

/// How much to gather before a reply is played: the profile's wish, more after underruns.
pub(super) struct Prebuffer {
    pub(super) base: Duration,
    extra: Duration,
    changed: Option<Instant>,
}

impl Prebuffer {
    pub(super) fn new(base: Duration) -> Self {
        Self {
            base,
            extra: Duration::ZERO,
            changed: None,
        }
    }

    pub(super) fn now(&self) -> Duration {
        (self.base + self.extra).min(self.base.max(PREBUFFER_MOST))
    }

    pub(super) fn underrun(&mut self, now: Instant) {
        self.extra = (self.extra + PREBUFFER_STEP).min(PREBUFFER_MOST);
        self.changed = Some(now);
    }

    pub(super) fn decay(&mut self, now: Instant) {
        if let Some(changed) = self.changed
            && now.saturating_duration_since(changed) >= PREBUFFER_DECAY
        {
            self.extra = self.extra.saturating_sub(PREBUFFER_STEP);
            self.changed = (!self.extra.is_zero()).then_some(now);
        }
    }
}
