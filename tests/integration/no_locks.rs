//! The callbacks take no lock: nothing that they are made of knows one.
//!
//! What runs in a device callback is `capture.rs` and `playback.rs`, with `stream_timestamps.rs` and `ring.rs` below them, called
//! from the closures in `cpal/streams.rs` and the loops in `pulse/streams.rs`. If none of these names a type that can
//! make a thread wait, no lock that the program owns can be held against a callback, whoever holds it, and no test under
//! load is needed to show it. (RealtimeSanitizer does not see a lock that happens to be free; this does.
//! `scripts/realtime-check` sees what libraries do; this does not.)

use std::path::Path;

/// Files that a callback runs through.
const CALLBACKS: [&str; 6] = [
    "audio/capture.rs",
    "audio/playback.rs",
    "audio/stream_timestamps.rs",
    "audio/cpal/streams.rs",
    "audio/pulse/streams.rs",
    "base/ring.rs",
];

/// What may make a thread wait, or hides something that may.
const WAITING: [&str; 20] = [
    "Mutex",
    "RwLock",
    "Condvar",
    "Barrier",
    "Once",
    "OnceLock",
    "LazyLock",
    "OnceCell",
    "RefCell",
    "mpsc",
    "channel",
    "sync_channel",
    "Semaphore",
    "Notify",
    "park",
    "park_timeout",
    "sleep",
    "join",
    "thread_local",
    "stdout",
];

#[test]
fn the_callbacks_know_nothing_that_waits() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for name in CALLBACKS {
        let text = std::fs::read_to_string(root.join(name)).expect("a source file");
        assert_eq!(waiting_words(&text), [""; 0], "{name}");
    }
}

#[test]
fn a_planted_lock_is_found() {
    let text = "use std::sync::{Arc, Mutex};\n/// A Condvar in words is none.\nlet channels = 2; tx.send(1); // park\n                #[cfg(test)]\nmod tests { use std::sync::RwLock; }";
    assert_eq!(waiting_words(text), ["Mutex"]);
    assert_eq!(
        waiting_words("std::sync::mpsc::sync_channel(1)"),
        ["mpsc", "sync_channel"]
    );
}

/// The forbidden words of a file's code, without its comments and tests.
fn waiting_words(text: &str) -> Vec<&str> {
    let code = text.split("#[cfg(test)]").next().unwrap_or(text);
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or(line));
    let words = lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|word| WAITING.contains(word)).collect()
}
