//! Arithmetic on sound: resampling, down-mixing, cleaning, levels. Pure: no clock, no thread, no device.
//!
//! ```text
//! device, N channels ─▶ sanitise ─▶ Mixer (mono) ─▶ Resampler ─▶ 16 kHz frames
//! reply, 24 kHz mono ─▶ Resampler ─▶ device's rate
//! ```

pub mod level;
pub mod mix;
pub mod resample;
