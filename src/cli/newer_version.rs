//! Looks for a newer version while a conversation runs, and tells it.

use std::sync::Arc;
use std::time::Duration;

use crate::conversation::Session;
use crate::conversation::command::Command;
use crate::newer_version::ReleaseSource;
use crate::provider::connection::dial::Dialer;

/// The first look: when the first questions were asked, which it must not delay.
const FIRST: Duration = Duration::from_secs(120);
const APART: Duration = Duration::from_secs(24 * 60 * 60);

/// Looks once a day until one was found; call it inside the runtime. Builds that know no releases never do.
pub(super) fn look(session: &Session, dialer: Arc<dyn Dialer>) {
    let Some(source) = ReleaseSource::of_this_build() else {
        return;
    };
    let commands = session.commands.clone();
    tokio::spawn(async move {
        tokio::time::sleep(FIRST).await;
        loop {
            let found = source.newer_than(env!("CARGO_PKG_VERSION"), &*dialer).await;
            match found {
                Ok(Some(newer)) => {
                    commands.send(Command::ShowNewerVersion(newer)).await.ok();
                    return;
                }
                Ok(None) => tracing::info!("this is the newest version"),
                Err(why) => tracing::info!(%why, "whether there is a newer version is not known"),
            }
            tokio::time::sleep(APART).await;
        }
    });
}
