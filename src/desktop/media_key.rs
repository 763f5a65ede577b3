//! Media keys in words: which was pressed, whether they arrive, and what the desktop shows of their player.

/// A key for players on a keyboard, or the button of a headset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKey {
    PlayPause,
    Play,
    /// Stop, or Pause where it has a key of its own.
    Stop,
    Next,
}

/// What the desktop shows of this program among its players.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlayerLook {
    /// What "plays"; never what was said.
    pub title: String,
    /// Whether the microphone is open for the talk key, or an answer is awaited or heard.
    pub is_playing: bool,
    /// Whether there is an answer to be heard again.
    pub can_repeat: bool,
    /// Whether there is a window to be shown.
    pub has_window: bool,
}

/// Whether media keys arrive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MediaKeysState {
    /// They are not wanted, or the desktop was not reached yet.
    #[default]
    Off,
    /// The desktop knows this program as a player.
    Works,
    NotPossible {
        /// Why, in a sentence.
        why: String,
    },
}

/// What happens to the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaKeyEvent {
    State(MediaKeysState),
    Pressed(MediaKey),
    /// The user wants to see the window.
    Raise,
}

/// This system gives no media keys to those that are known here.
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[expect(
    clippy::unused_async,
    reason = "as where there is something to wait for"
)]
pub async fn look_for_media_keys() -> MediaKeysState {
    MediaKeysState::Off
}
