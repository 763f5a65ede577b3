//! What the icon in the tray shows, and what its user asks for.

use std::sync::Arc;

/// A picture, square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrayPicture {
    /// In pixels.
    pub side: u32,
    /// Four bytes a pixel: opacity, red, green, blue; line by line.
    pub argb: Vec<u8>,
}

/// What the icon and its menu show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrayLook {
    /// The same in several sizes.
    pub pictures: Arc<[TrayPicture]>,
    /// What the assistant is doing, in a word or two.
    pub state: String,
    /// Whether the window is open.
    pub is_open: bool,
    pub muted: bool,
    /// Whether there is an answer to be stopped.
    pub stops: bool,
    /// Names of the profiles, and which is in use.
    pub profiles: Vec<String>,
    pub chosen: usize,
}

/// Whether a tray shows the icon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrayState {
    /// None is wanted, or this system has none.
    #[default]
    Off,
    /// The desktop is asked.
    Asking,
    Shown,
    NotShown {
        /// Why, in a sentence.
        why: String,
    },
}

/// This system has no tray that is known here.
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[expect(
    clippy::unused_async,
    reason = "as where there is something to wait for"
)]
pub async fn look_for_tray() -> TrayState {
    TrayState::Off
}

/// What becomes of the icon, and what its user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrayEvent {
    State(TrayState),
    /// Open the window or close it.
    Open(bool),
    Mute(bool),
    Stop,
    /// Use the profile at this place of the list.
    Profile(usize),
    Quit,
}
