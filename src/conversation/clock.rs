//! The clock of the session: tokio's, so that tests can simulate it.

use std::time::Instant;

/// Now.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
