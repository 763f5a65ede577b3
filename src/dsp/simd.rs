//! The widest instructions that this processor has, for loops over samples.
//!
//! The program is built for every processor of its architecture, so a loop that the compiler makes vectors of gets those
//! that the oldest has. What runs inside of [`widest`] is built once for each generation, and the best is chosen.

use std::sync::LazyLock;

use fearless_simd::{Level, dispatch};

/// What the processor has; looked up once.
static LEVEL: LazyLock<Level> = LazyLock::new(Level::new);

/// What the processor has.
pub(super) fn level() -> Level {
    *LEVEL
}

/// Runs a loop with the widest instructions. It must be `#[inline(always)]`, and so must all that it calls: what is not is
/// built for the oldest processor, and nothing says so.
#[inline(always)]
pub(crate) fn widest<R>(run: impl FnOnce() -> R) -> R {
    dispatch!(level(), _simd => run())
}
