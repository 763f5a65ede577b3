//! What the desktop around the window does with the program: starts it at login, shows its icon in the tray, says when the
//! screen is locked.
//!
//! ```text
//! tray   TrayLook ─▶ StatusNotifierItem on the session bus ─▶ TrayEvent
//! lock   session bus (screen savers), system bus (logind)  ─▶ locked or not
//! ```
//!
//! Where there is no bus or nobody answers, there is no icon, and nobody mutes; nothing here is waited for.

mod autostart;
#[cfg(all(unix, not(target_os = "macos")))]
mod lock;
mod tray;
#[cfg(all(unix, not(target_os = "macos")))]
mod tray_item;

#[cfg(all(test, unix, not(target_os = "macos")))]
#[path = "../../tests/support/bus.rs"]
pub(crate) mod bus;
#[cfg(all(test, unix, not(target_os = "macos")))]
#[path = "../../tests/support/tray.rs"]
pub(crate) mod played_tray;

pub use autostart::{Autostart, AutostartState};
#[cfg(all(unix, not(target_os = "macos")))]
pub use lock::ScreenLock;
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub use tray::look_for_tray;
pub use tray::{TrayEvent, TrayLook, TrayPicture, TrayState};
#[cfg(all(unix, not(target_os = "macos")))]
pub use tray_item::{TrayItem, look_for_tray};
