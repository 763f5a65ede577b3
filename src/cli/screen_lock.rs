//! Tells the conversation when the screen is locked.

use tokio_util::task::AbortOnDropHandle;

use crate::conversation::Session;
#[cfg(all(unix, not(target_os = "macos")))]
use crate::conversation::command::Command;

/// Listens while it is kept; call it inside the runtime.
#[cfg(all(unix, not(target_os = "macos")))]
pub(super) fn follow(session: &Session) -> AbortOnDropHandle<()> {
    let commands = session.commands.clone();
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut lock = crate::desktop::ScreenLock::find().await;
        while let Some(locked) = lock.next().await {
            if commands.send(Command::LockScreen(locked)).await.is_err() {
                return;
            }
        }
    }))
}

/// Not yet on this system.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(super) fn follow(_: &Session) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(std::future::ready(())))
}
