//! Fuzzes the target that `FUZZ_TARGET` names. See `scripts/fuzz`.
#![no_main]

#[path = "../tests/integration/fuzz_targets.rs"]
mod fuzz_targets;

use std::sync::LazyLock;

use fuzz_targets::TARGETS;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(name, _)| *name == wanted);
    found.unwrap_or_else(|| panic!("FUZZ_TARGET: no target {wanted:?}")).1
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));
