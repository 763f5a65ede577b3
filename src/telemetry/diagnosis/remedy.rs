//! What a button of a finding, an alert or a notice does.

/// An action that a button offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    UseProfile(String),
    /// Reconnect at the next pause; the conversation continues.
    Reconnect,
    /// Check microphone, speaker and echo.
    CheckSound,
    /// Switch echo cancellation back to automatic.
    EchoAutomatic,
    /// Write another model into the file of a profile.
    UseModel {
        profile: String,
        model: String,
    },
    /// Send the last question again.
    AskAgain,
    /// Send what waits for a connection and was not answered.
    SendNow,
}
