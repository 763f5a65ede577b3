//! State of a sound check that runs, or whose results are read.
//!
//! ```text
//! CheckSound ──▶ running ── Done, fifteen seconds, a lost microphone ──▶ results ── CancelCheck ──▶ (none)
//!                   └──────────────── CancelCheck, mute ───────────────────────────────────────────▶ (none)
//! ```

use std::time::{Duration, Instant};

use super::snapshot::{CheckStep, CheckView};

/// All phases take ten seconds at most; a microphone that gives nothing ends none of them.
pub(super) const OVER_AFTER: Duration = Duration::from_secs(15);

/// A check that runs or whose results are read.
#[derive(Debug)]
pub(super) struct ShownCheck {
    pub(super) view: CheckView,
    /// Gives up then, while it runs.
    pub(super) until: Instant,
}

impl ShownCheck {
    pub(super) fn is_running(&self) -> bool {
        self.view.step != CheckStep::Over
    }
}
