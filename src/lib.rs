//! Sovereign: a native desktop voice assistant for Gemini Live that shows why it is fast or slow.
//!
//! # Rows
//!
//! A module uses lower rows only; modules of a row do not know each other (`tests/floors.rs` checks it).
//!
//! ```text
//! program  main.rs  window.rs                          choose a face; a crate of their own
//! row 8    ui  cli                                     faces: window, terminal, bench, load, doctor
//! row 7    lab                                         runs of many conversations on virtual devices
//! row 6    conversation                                the actor: voice, turns and provider; Command in, Snapshot out
//! row 5    telemetry                                   a subscriber: turns and samples in, views and proposals out
//! row 4    audio  server  settings  probe  monitor     each owns one kind of I/O
//! row 3    profile                                     the table of profile keys, and the profiles
//! row 2    provider                                    services: Event, Command; choose, connection/, gemini/, echo
//! row 1    dsp  vad  turn  report  file                pure logic (time is an argument); file: careful file access
//! row 0    base                                        units, frames, rings, counters, YAML text, WAV bytes
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
//! While needed, one thread each: the demo's server, the watch on files, the writers of standard output, standard error and
//! the log, the watch on signals. What panics is restarted within bounds, and the user is told.
//!
//! # Walks
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
//! profile: named settings · patience: silence that ends a turn · cut-off: patience too short · response: the judged wait ·
//! duck: lower a reply · roll: planned reconnect

// The whole conversation that the tests outside talk with serves the tests inside too.
#[cfg(test)]
extern crate self as sovereign;

pub mod audio;
pub mod base;
pub mod cli;
pub mod conversation;
pub mod dsp;
pub mod file;
pub mod lab;
pub mod monitor;
pub mod probe;
pub mod profile;
pub mod provider;
pub mod report;
pub mod server;
pub mod settings;
pub mod telemetry;
pub mod turn;
pub mod ui;
pub mod vad;
