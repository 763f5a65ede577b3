//! What the desktop around the window does with the program: starts it at login, shows its icon in the tray, gives it media
//! keys, says when the screen is locked.
//!
//! ```text
//! tray   TrayLook ─▶ StatusNotifierItem on the session bus ─▶ TrayEvent
//! keys   PlayerLook ─▶ MPRIS player on the session bus     ─▶ MediaKeyEvent
//! lock   session bus (screen savers), system bus (logind)  ─▶ locked or not
//! ```
//!
//! Where there is no bus or nobody answers, there is no icon, no key comes, and nobody mutes; nothing here is waited for.

mod autostart;
#[cfg(all(unix, not(target_os = "macos")))]
mod lock;
mod media_key;
#[cfg(all(unix, not(target_os = "macos")))]
mod media_keys;
mod tray;
#[cfg(all(unix, not(target_os = "macos")))]
mod tray_item;

#[cfg(all(test, unix, not(target_os = "macos")))]
#[path = "../../tests/support/bus.rs"]
pub(crate) mod bus;
#[cfg(all(test, unix, not(target_os = "macos")))]
#[path = "../../tests/support/player.rs"]
pub(crate) mod played_player;
#[cfg(all(test, unix, not(target_os = "macos")))]
#[path = "../../tests/support/tray.rs"]
pub(crate) mod played_tray;

pub use autostart::{Autostart, AutostartState};
#[cfg(all(unix, not(target_os = "macos")))]
pub use lock::ScreenLock;
pub use media_key::{MediaKey, MediaKeyEvent, MediaKeysState, PlayerLook};
#[cfg(all(unix, not(target_os = "macos")))]
pub use media_keys::{MediaKeys, look_for_media_keys};
pub use tray::{TrayEvent, TrayLook, TrayPicture, TrayState};
#[cfg(all(unix, not(target_os = "macos")))]
pub use tray_item::{TrayItem, look_for_tray};
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub use {media_key::look_for_media_keys, tray::look_for_tray};
