//! Audio input and output: the handle for the conversation, and the messages through it.
//!
//! ```text
//! conversation ── VoiceCommand ──▶ stream manager thread (opens, watches, reopens streams)
//!              ── VoiceCommand ──▶ worker thread (resample, detect, feed the speaker)
//! conversation ◀── VoiceEvent ──── both
//! ```
//!
//! Streams come from a backend: real devices, WAV files, or nothing ([`AudioSetup`]). Worker and stream manager know no
//! clock; [`simulate()`] runs the same code on simulated time.

mod aec_reference;
mod audible;
mod backend;
pub mod capture;
mod clock;
mod command;
mod cpal;
mod device;
mod device_classification;
mod device_selection;
mod echo;
mod echo_learning;
mod error;
mod event;
mod format;
mod handle;
mod jitter_buffer;
mod leading_silence;
mod microphone;
mod null;
pub mod other_sound;
pub mod playback;
mod positioned_resampler;
pub mod priority;
#[cfg(all(target_os = "linux", feature = "pulseaudio"))]
mod pulse;
mod rest_switch;
mod room;
mod settings;
mod sound_check;
#[cfg(target_os = "linux")]
mod sound_server_probes;
mod source_and_sink;
mod speaker;
mod stream_fault;
mod stream_manager;
pub mod stream_timestamps;
#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the events that it is about"
)]
mod tests;
mod timer_stream;
pub mod virtual_devices;
mod wav;
mod worker;

pub use audible::{AUDIBLE_FOR, INAUDIBLE};
pub use command::VoiceCommand;
pub use device::{DeviceChoice, DeviceInfo, Devices, Direction, StreamInfo};
pub use echo::{EchoPolicy, EchoReport, EchoWhy};
pub use error::AudioError;
pub use event::{AudioThread, CheckEvent, VoiceEvent};
pub use format::StreamFormat;
pub use handle::{AudioHandle, devices, spawn};
pub use room::{Desk, EchoPath, PlayedBlock, SimulatedDesk, simulate};
pub use settings::{Gate, VoiceSettings};
pub use source_and_sink::{AudioSetup, InputKind, OutputKind};
