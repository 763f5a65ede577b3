//! Sovereign: a native desktop voice assistant for Gemini Live that shows why it is fast or slow.
//!
//! # Floors
//!
//! A module uses lower floors only; siblings do not know each other (`tests/floors.rs` checks it).
//!
//! ```text
//! program   main.rs  window.rs                            choose a face; a crate of their own
//! floor 7   ui   cli                                    faces
//! floor 6   conversation                                  wires all: Command in, Snapshot out
//! floor 5   telemetry                                   a subscriber: turns and samples in, views and proposals out
//! floor 4   audio  server  settings  probe  monitor     shells: each owns one kind of I/O
//! floor 3   profile                                     every choice that trades speed for quality, checked
//! floor 2   provider                                    speech services: what they share (mod), connection/, gemini/, echo
//! floor 1   dsp  vad  turn  metrics  adapt              pure logic; time comes in as an argument
//!           report  file                                (file: opens files with care, for all above)
//! floor 0   base                                        units, frames, rings, YAML text, WAV bytes
//! ```
//!
//! # Threads
//!
//! ```text
//!  device                          audio worker                        tokio, 2 workers
//! ┌──────────────┐ ring f32  ┌────────────────────────────┐ mpsc    ┌─────────────────────────┐
//! │ capture cb   │──────────►│ resample → clean → detect →│────────►│ controller: turn machine│
//! └──────────────┘           │ segment → interruption?    │ bounded │  one loop, one enum     │
//! ┌──────────────┐ ring f32  │ jitter buffer → resample   │◄────────│      ▲  │               │
//! │ playback cb  │◄──────────│ → fade                     │ bounded │      │  ▼               │
//! └──────────────┘           └────────────────────────────┘         │ provider actor          │
//!    │ tap: what was played, to be taken out of what is heard         └──────┬───────────▲──────┘
//!    ▲ flush, level, counters    ▲ stream manager: watches and              │           │
//!    └───────────────────────────┘ reopens streams                Snapshot ▼ watch     │ Command, bounded
//!                                                                   main thread: eframe │
//!
//! besides, while needed: the demo's server, the watch on the user's files, the writers of standard output, standard error and
//! the log, the watch on signals, one thread each
//! ```

pub mod audio;
pub mod base;
pub mod cli;
pub mod conversation;
pub mod dsp;
pub mod file;
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
