//! What the desktop shows of the conversation as a player, and what its keys ask for.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::base::keys::Value;
use crate::control::WindowWish;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Activity, Snapshot};
use crate::desktop::{MediaKeyEvent, MediaKeys, MediaKeysState, PlayerLook};

/// The key of the configuration.
const KEY: &str = "media_keys";

pub(super) struct Follower<S> {
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(super) commands: mpsc::Sender<Command>,
    /// Of a conversation with a window.
    pub(super) wish: Option<watch::Sender<WindowWish>>,
    pub(super) start: S,
}

impl<S: Fn(watch::Receiver<PlayerLook>) -> MediaKeys> Follower<S> {
    pub(super) async fn run(mut self) {
        let looks = watch::Sender::default();
        let mut keys: Option<MediaKeys> = None;
        self.snapshots.mark_changed();
        loop {
            let event = async {
                match &mut keys {
                    Some(keys) => keys.next().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                changed = self.snapshots.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let snapshot = Arc::clone(&self.snapshots.borrow_and_update());
                    if !is_on(&snapshot) {
                        if keys.take().is_some() {
                            self.tell(Command::ShowMediaKeys(MediaKeysState::Off)).await;
                        }
                        continue;
                    }
                    let look = look(&snapshot, self.wish.is_some());
                    looks.send_if_modified(|shown| {
                        let is_other = *shown != look;
                        *shown = look;
                        is_other
                    });
                    if keys.is_none() {
                        keys = Some((self.start)(looks.subscribe()));
                    }
                }
                event = event => match event {
                    Some(MediaKeyEvent::State(state)) => self.tell(Command::ShowMediaKeys(state)).await,
                    Some(MediaKeyEvent::Pressed(key)) => self.tell(Command::PressMediaKey(key)).await,
                    Some(MediaKeyEvent::Raise) => {
                        if let Some(wish) = &self.wish {
                            WindowWish::ask(wish, true);
                        }
                    }
                    // It tries for as long as it is kept.
                    None => return,
                },
            }
        }
    }

    async fn tell(&self, command: Command) {
        self.commands.send(command).await.ok();
    }
}

fn is_on(snapshot: &Snapshot) -> bool {
    let mut settings = snapshot.settings.config.iter();
    settings.any(|setting| setting.key.name == KEY && setting.value == Value::Flag(true))
}

fn look(snapshot: &Snapshot, has_window: bool) -> PlayerLook {
    let profile = snapshot.profiles.get(snapshot.chosen);
    let is_playing = matches!(
        snapshot.activity,
        Activity::Held | Activity::Thinking | Activity::Answering | Activity::Repeating
    );
    PlayerLook {
        title: profile.map_or_else(String::new, |profile| profile.shown_label().to_owned()),
        is_playing,
        can_repeat: snapshot.repeat.hindrance.is_none(),
        has_window,
    }
}
