//! Many audio sides without devices on few threads, for `load` and `bench`.
//!
//! ```text
//! thread "sound-pool" (one per core)
//! ┌───────────────────────────────────────────────────────────────┐
//! │ every ms, a tenth of the members: due blocks of the speaker   │  Handle            ─▶ conversation
//! │ ▶ due blocks of the microphone ▶ worker ▶ (stream manager)    │  VirtualMicrophone ─▶ caller
//! └───────────────────────────────────────────────────────────────┘
//! ```
//!
//! Worker, stream manager and callback bodies are those of a conversation with devices. The microphone delivers 48 kHz,
//! so that resampling is included, and a room's faint noise, so that the detector has work. A member costs what a
//! conversation costs, except for the threads. A late thread shows in three places: [`Lateness`] counts its rounds; the
//! speaker's blocks take what was available when they were due (an underrun if a reply runs dry); and a microphone that
//! is more than two seconds late loses that time, which is missing from its [`MicrophoneReading`]. Below two seconds
//! the microphone catches up: the reading alone does not show such a stall.

mod device;
mod hearing;
mod lateness;
mod pool;
#[cfg(test)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test picks the events that it is about"
)]
mod tests;
mod worker;

pub use self::device::{MicrophoneReading, RATE, VirtualMicrophone, utterance, utterance_of};
pub use self::hearing::is_heard;
pub use self::lateness::{LATE, Lateness};
pub use self::pool::{JOINING, VirtualDevicePool};
pub use self::worker::PoolSchedule;
