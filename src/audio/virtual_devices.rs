//! Many sound sides without devices on few threads: for `load` and `bench`.
//!
//! ```text
//! thread "sound-fleet" (one for each core)
//! ┌───────────────────────────────────────────────────────────────┐
//! │ every ms, a tenth of the members: speaker's blocks that are    │     Handle ─▶ session
//! │ due ▶ microphone's blocks that are due ▶ worker ▶ (owner)      │     Mouth  ─▶ who lets it speak
//! └───────────────────────────────────────────────────────────────┘
//! ```
//!
//! Worker, owner and callback bodies are those of a conversation with devices; the microphone gives 48 kHz, so that it
//! is resampled, and a room's faint noise, so that the detector has work. What a member costs is what a conversation
//! costs, but for the threads. A thread that comes too late is not excused, and it shows in three places: [`Lateness`]
//! counts the rounds that it took, the speaker's blocks take what was there when they were due (a reply that runs dry is an underrun),
//! and a microphone that is more than two seconds late has lost what was said in that time, which is missing from its
//! [`MicrophoneReading`]. Below two seconds it makes up for the time: the reading alone forgives such a stall, the other two do not.

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
