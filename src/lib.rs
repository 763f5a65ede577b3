//! Sovereign: a native desktop voice assistant for Gemini Live that shows why it is fast or slow.
//!
//! # Layers
//!
//! A module uses lower layers only; modules of a layer do not know each other (`tests/floors.rs` checks it).
//!
//! ```text
//! program  main.rs  window.rs                          choose the front end; a crate of their own
//! layer 8  ui  cli                                     front ends: window, terminal, bench, load, doctor
//! layer 7  lab                                         runs of many conversations on virtual devices
//! layer 6  conversation                                the actor: voice, turns and provider; Command in, Snapshot out
//! layer 5  telemetry                                   a subscriber: turns and samples in, views and proposals out
//! layer 4  audio server settings store probe monitor control desktop global_key newer_version   each owns one kind of I/O
//! layer 3  profile                                     the table of profile keys, and the profiles
//! layer 2  provider                                    services: Event, Command; choose, connection/, gemini/, echo
//! layer 1  dsp  vad  turn  report  file                pure logic (time is an argument); file: careful file access
//! layer 0  base                                        units, frames, rings, counters, YAML text, WAV bytes
//! ```
//!
//! # Threads
//!
//! ```text
//!  device                         audio worker                      tokio, 2 workers
//! ┌─────────────┐ ring f32  ┌───────────────────────────┐ mpsc    ┌───────────────────────┐
//! │ capture cb  │──────────►│ resample → preprocess →   │────────►│ conversation          │
//! └─────────────┘           │ detect → segment          │ bounded │  one loop, one enum   │──► telemetry (task)
//! ┌─────────────┐ ring f32  │ jitter buffer → resample  │◄────────│      ▲  │             │──► files (tasks)
//! │ playback cb │◄──────────│ → fade                    │ bounded │      │  ▼             │
//! └─────────────┘           └───────────────────────────┘         │ provider actor        │
//!    │ reference for echo cancellation                            └────┬───────────▲──────┘
//!    ▲ streams               ▲ stream manager: opens, watches     Snapshot ▼ watch │ Command, bounded
//!    └───────────────────────┘ and reopens streams                     main thread: eframe
//! ```
//!
//! While needed, one thread each: the store of conversations, the changes of sound devices, the demo's server, the watch on files, the writers of standard output, standard error and
//! the log, the watch on signals. What panics is restarted within bounds, and the user is told. And one process of our own:
//! it lowers the sound of other programs, and outlives a crash to restore it (`audio::other_sound`).
//!
//! # Paths through the code
//!
//! - **A frame in**: capture callback → ring → `audio::microphone` (10 ms at 16 kHz; echo, noise, gain) → `vad` (speech or not)
//!   → segmenter (utterance) → `VoiceEvent::Speech` → `conversation::on_voice` → `turn::machine` → resend buffer →
//!   `ProviderCommand::Audio` → `provider::gemini::uplink` → socket.
//! - **A reply out**: socket → `provider::gemini::translate` → `ProviderEvent::ReplyAudio` → `conversation::on_provider` →
//!   `turn::machine` (play it, or hold it for patience) → `VoiceCommand::Play` → `audio::speaker` (jitter buffer, resampler,
//!   fade) → ring → playback callback; `VoiceEvent::FirstAudible` comes back when it sounds.
//! - **A profile switch**: `Command::UseProfile` → `conversation::profile_switch` → one `audio::VoiceSettings`, applied at a
//!   frame edge; another device period waits for a pause, another session config for the next connection.
//!
//! # Words of this project
//!
//! - profile: named settings; one may choose among others (`auto`)
//! - turn: what the user says or types, and the answer to it; an unasked turn is one that the service begins
//! - patience: silence that ends a turn · cut-off: patience was too short · early close: a turn ended before its patience was
//!   over, whose reply is held until then
//! - response: the wait that is judged, from the end of the turn to the first sound
//! - pre-roll: sound from before the onset, sent first · pause: frames between two parts of an utterance
//! - gate: what opens the microphone (speech, the talk key) · duck: lower a reply while the user may be interrupting
//! - roll: planned reconnect · handle: what the service resumes a session by · quiet: nothing is being said or answered

// The whole conversation that the tests outside talk with serves the tests inside too.
#[cfg(test)]
extern crate self as sovereign;

pub mod audio;
pub mod base;
pub mod cli;
pub mod control;
pub mod conversation;
pub mod desktop;
pub mod dsp;
pub mod file;
pub mod global_key;
pub mod lab;
pub mod monitor;
pub mod newer_version;
pub mod probe;
pub mod profile;
pub mod provider;
pub mod report;
pub mod server;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod turn;
pub mod ui;
pub mod vad;
