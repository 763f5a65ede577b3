//! Code that must not allocate, run under an allocator that ends the process when it does.

mod callbacks;
mod frames;

use assert_no_alloc::AllocDisabler;

#[global_allocator]
static GUARD: AllocDisabler = AllocDisabler;
