//! Signal processing: resampling, down-mixing, echo cancellation, noise suppression, gain and levels. Pure: no clock,
//! no thread, no device.
//!
//! ```text
//! device, N channels ─▶ sanitise ─▶ Downmixer (mono) ─▶ Resampler ─▶ 16 kHz frames ─▶ Chain ─▶ detector
//! reply, 24 kHz mono ─▶ Resampler ─▶ device's rate                                      ▲
//!                                          └───── what was played, 16 kHz ──────────────┘
//! ```

mod agc;
mod apm;
pub mod chain;
mod chain_stage;
mod crossfade_slot;
mod denoise;
pub mod downmix;
pub mod echo;
pub mod echo_detector;
mod filter;
mod limiter;
pub mod noise_floor;
mod polyphase;
pub mod resample;
pub(crate) mod simd;
pub mod sound_check;
