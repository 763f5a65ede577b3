//! Lowers the sound of other programs while the assistant is talked with, and restores it after, also after a crash.
//!
//! A process of its own does it, because it must outlive the assistant: it restores what it lowered as soon as its standard
//! input ends, for whatever reason. What it lowered is also written to a file of this session, so that even its own end by
//! force is made good by the next one.
//!
//! ```text
//! assistant ── lower, restore ──▶ standard input │ VolumeKeeper ── volumes ──▶ PulseAudio, pipewire-pulse
//!           ◀── OtherSoundReport, a line each ── │             ◀── streams that come, go or change
//! ```
//!
//! PulseAudio and PipeWire speak the same protocol here. Both remember the volume of each program for its next stream: that
//! of a stream which ends while it is lowered is put right there too. A volume that somebody else changes meanwhile is a wish,
//! and is left as it is.

mod keeper;
mod lowered_streams;
pub(super) mod stream;
#[cfg(test)]
mod tests;

pub use keeper::{KeeperOptions, OtherSoundReport, keep_volumes, look};
pub use lowered_streams::LoweredFile;
