//! The clocks of telemetry.

use std::time::{Instant, SystemTime};

/// The clock of the runtime, so that tests can simulate it.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Seconds since 1970.
pub(super) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
