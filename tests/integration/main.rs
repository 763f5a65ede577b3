//! The library and the built program from outside. One binary, because each test binary links the whole program.
//! Plain `cargo test` runs these tests in one process: none changes its environment, working directory or limits.

mod audio_rig;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "shared with the tests of the library")]
#[path = "../support/bus.rs"]
mod bus;
mod carry_over;
mod cli;
mod dead_line;
mod detection;
mod fuzz_targets;
#[cfg(target_os = "linux")]
mod global_key;
mod kept;
mod link;
mod low_data;
mod models;
mod mutations;
mod no_locks;
mod profiles;
mod protocol;
mod providers;
mod push_to_talk;
mod server;
mod session;
mod settings;
mod speech;
mod spending;
#[expect(
    dead_code,
    reason = "shared by test files, each of which is a crate and uses its part"
)]
#[path = "../support/mod.rs"]
mod support;
mod typed;
mod ui;
mod unheard;
