//! Everything that a user can ask.

use secrecy::SecretString;

use crate::audio::DeviceChoice;

/// A wish of the user, from the window or the terminal.
#[derive(Clone, Debug)]
pub enum Command {
    /// Stop or resume listening.
    SetMuted(bool),
    /// The talk key went down (true) or up.
    HoldToTalk(bool),
    /// Stop the reply that is sounding or awaited.
    StopReply,
    /// Change to the profile of this name.
    UseProfile(String),
    /// Use this microphone.
    UseInput(DeviceChoice),
    /// Use this speaker.
    UseOutput(DeviceChoice),
    /// Volume of replies, 0.0 to 1.0.
    SetVolume(f32),
    /// Keep this key (in the 0600 file) and connect to the service with it.
    SetKey(SecretString),
    /// Forget the stored key and return to the demo.
    RemoveKey,
    /// Do not wait for the next attempt to connect.
    RetryNow,
    /// Begin the statistics anew.
    ResetStatistics,
    /// Take away the notice with this id.
    Dismiss(u64),
    /// End: write what is to be written and stop.
    Quit,
}
