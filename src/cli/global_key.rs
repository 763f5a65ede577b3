//! Holds the talk key that works in any window, as the configuration of the conversation wants it.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::base::chord::Chord;
use crate::conversation::Session;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::global_key::{self, GlobalKey, GlobalKeyEvent, GlobalKeyState};

/// The key, while it is kept.
pub(super) struct GlobalKeyTask(JoinHandle<()>);

impl Drop for GlobalKeyTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes the key for this conversation, and another when another one is wanted; call it inside the runtime.
pub(super) fn follow(session: &Session) -> GlobalKeyTask {
    let (snapshots, commands) = (session.snapshots.clone(), session.commands.clone());
    GlobalKeyTask(tokio::spawn(follow_wishes(
        snapshots,
        commands,
        global_key::start,
    )))
}

async fn follow_wishes(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    commands: mpsc::Sender<Command>,
    start: impl Fn(&Chord) -> GlobalKey,
) {
    let mut wish = (None, 0);
    let mut key: Option<GlobalKey> = None;
    snapshots.mark_changed();
    loop {
        let event = async {
            match &mut key {
                Some(key) => key.next().await,
                None => pending().await,
            }
        };
        tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                let Some(other) = other_wish(&snapshots.borrow_and_update(), &wish) else {
                    continue;
                };
                wish = other;
                if let Some(old) = key.take()
                    && old.stop().await
                {
                    commands.send(Command::HoldToTalk(false)).await.ok();
                }
                key = wish.0.as_ref().map(&start);
                if key.is_none() {
                    commands.send(Command::ShowGlobalKey(GlobalKeyState::Off)).await.ok();
                }
            }
            event = event => match event {
                Some(event) => drop(commands.send(command(event)).await),
                None => key = None,
            },
        }
    }
}

/// What is wanted, and how often it was to be tried again, where that is not the same as before.
fn other_wish(snapshot: &Snapshot, wish: &(Option<Chord>, u64)) -> Option<(Option<Chord>, u64)> {
    let view = &snapshot.global_key;
    let is_same = view.chord == wish.0 && view.tries == wish.1;
    (!is_same).then(|| (view.chord.clone(), view.tries))
}

fn command(event: GlobalKeyEvent) -> Command {
    match event {
        GlobalKeyEvent::State(state) => Command::ShowGlobalKey(state),
        GlobalKeyEvent::Down => Command::HoldToTalk(true),
        GlobalKeyEvent::Up => Command::HoldToTalk(false),
    }
}
