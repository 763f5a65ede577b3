//! Run-time dispatch to the widest SIMD instructions of the processor.
//!
//! The program is built for the baseline of its architecture, so the compiler vectorises loops for the oldest
//! processor. A closure inside [`widest`] is compiled once for each instruction set, and the best is chosen at run
//! time.

use std::sync::LazyLock;

use fearless_simd::{Level, dispatch};

/// The instruction set of the processor, detected once.
static LEVEL: LazyLock<Level> = LazyLock::new(Level::new);

/// Returns the instruction set of the processor.
pub(super) fn level() -> Level {
    *LEVEL
}

/// Runs a loop with the widest instructions. The closure and all that it calls must be `#[inline(always)]`: other
/// functions are silently compiled for the baseline.
#[inline(always)]
pub(crate) fn widest<R>(run: impl FnOnce() -> R) -> R {
    dispatch!(level(), _simd => run())
}
