//! Brings media keys to the conversation, as its configuration wants it.

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use crate::control::WindowWish;
use crate::conversation::Session;

/// Follows this conversation while it is kept, and shows its window, if it has one, when the desktop asks for it; call it inside
/// the runtime.
#[cfg(all(unix, not(target_os = "macos")))]
pub(super) fn follow(
    session: &Session,
    wish: Option<watch::Sender<WindowWish>>,
) -> AbortOnDropHandle<()> {
    let follower = player::Follower {
        snapshots: session.snapshots.clone(),
        commands: session.commands.clone(),
        wish,
        start: crate::desktop::MediaKeys::start,
    };
    AbortOnDropHandle::new(tokio::spawn(follower.run()))
}

/// Not yet on this system.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(super) fn follow(_: &Session, _: Option<watch::Sender<WindowWish>>) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(std::future::ready(())))
}

#[cfg(all(unix, not(target_os = "macos")))]
mod player;
