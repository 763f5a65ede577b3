//! What the desktop shows of the conversation as a player, and what its keys ask for.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

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
    snapshot.settings.is_on(KEY)
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;
    use tokio_util::task::AbortOnDropHandle;

    use super::*;
    use crate::conversation::snapshot::SettingsView;
    use crate::desktop::MediaKey;
    use crate::desktop::bus::Bus;
    use crate::desktop::played_player::PlayedDesktop;

    /// A conversation on a bus of its own, and its desktop.
    struct Talk {
        bus: Bus,
        desktop: PlayedDesktop,
        snapshots: watch::Sender<Arc<Snapshot>>,
        commands: mpsc::Receiver<Command>,
        wish: watch::Sender<WindowWish>,
        _task: AbortOnDropHandle<()>,
    }

    impl Talk {
        async fn start() -> Self {
            let bus = Bus::new();
            let desktop = PlayedDesktop::on(&bus.address).await;
            let (snapshots, theirs) = watch::channel(Arc::default());
            let (sender, commands) = mpsc::channel(8);
            let (wish, address) = (WindowWish::channel(false), bus.address.clone());
            let follower = Follower {
                snapshots: theirs,
                commands: sender,
                wish: Some(wish.clone()),
                start: move |looks| MediaKeys::start_on(Some(&address), looks),
            };
            Self {
                bus,
                desktop,
                snapshots,
                commands,
                wish,
                _task: AbortOnDropHandle::new(tokio::spawn(follower.run())),
            }
        }

        fn shows(&self, on: bool, activity: Activity) {
            let settings = SettingsView::of_switch(KEY, on);
            self.snapshots.send_replace(Arc::new(Snapshot {
                activity,
                settings: Arc::new(settings),
                ..Snapshot::default()
            }));
        }

        async fn next(&mut self) -> Command {
            let next = timeout(Duration::from_secs(30), self.commands.recv()).await;
            next.expect("it comes").expect("a command")
        }

        async fn state(&mut self) -> MediaKeysState {
            let told = self.next().await;
            let Command::ShowMediaKeys(state) = told else {
                panic!("{told:?}");
            };
            state
        }
    }

    #[tokio::test]
    async fn switched_on_and_off_while_it_runs_a_hundred_presses_and_the_window() {
        let mut talk = Talk::start().await;
        talk.shows(false, Activity::Listening);
        assert!(!talk.desktop.press("PlayPause").await, "not wanted");
        for _ in 0..2 {
            talk.shows(true, Activity::Listening);
            assert_eq!(talk.state().await, MediaKeysState::Works);
            for _ in 0..100 {
                assert!(talk.desktop.press("PlayPause").await);
                let told = talk.next().await;
                let is_press = matches!(told, Command::PressMediaKey(MediaKey::PlayPause));
                assert!(is_press, "{told:?}");
            }
            for (activity, status) in [
                (Activity::Listening, "Paused"),
                (Activity::Held, "Playing"),
                (Activity::Thinking, "Playing"),
                (Activity::UserSpeaks, "Paused"),
                (Activity::Answering, "Playing"),
                (Activity::Muted, "Paused"),
            ] {
                talk.shows(true, activity);
                while talk.desktop.status().await != status {}
            }
            talk.shows(false, Activity::Listening);
            assert_eq!(talk.state().await, MediaKeysState::Off);
            while talk.desktop.press("PlayPause").await {}
            while talk.commands.try_recv().is_ok() {}
        }
        talk.shows(true, Activity::Listening);
        assert_eq!(talk.state().await, MediaKeysState::Works);
        assert!(talk.desktop.raise().await);
        let mut wish = talk.wish.subscribe();
        let opened = wish.wait_for(|wish| wish.is_open);
        let opened = timeout(Duration::from_secs(30), opened).await;
        opened.expect("shown").expect("a window");
        talk.bus.end();
        assert!(matches!(
            talk.state().await,
            MediaKeysState::NotPossible { .. }
        ));
    }
}
