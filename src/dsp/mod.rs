//! Arithmetic on sound: resampling, down-mixing, cleaning, levels, echo, noise, gain. Pure: no clock, no thread, no
//! device.
//!
//! ```text
//! device, N channels ─▶ sanitise ─▶ Mixer (mono) ─▶ Resampler ─▶ 16 kHz frames ─▶ Chain ─▶ detector
//! reply, 24 kHz mono ─▶ Resampler ─▶ device's rate                                  ▲
//!                                          └──── what was played, 16 kHz ───────────┘
//! ```

mod apm;
pub mod chain;
mod denoise;
pub mod echo;
mod filter;
pub mod floor;
mod gain;
pub mod leak;
pub mod level;
mod limiter;
pub mod mix;
mod polyphase;
pub mod resample;
mod slot;
pub mod soundcheck;
mod stage;
pub(crate) mod wide;
