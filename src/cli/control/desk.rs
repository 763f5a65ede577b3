//! What answers the requests of other programs, from the conversation and its newest snapshot.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::control::{ControlAnswer, ControlRequest, ControlStatus, WindowWish};
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Activity, Link, Snapshot};
use crate::settings::config::TalkKey;

/// What answers requests.
pub(super) struct ControlDesk {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Of a conversation with a window.
    pub(super) wish: Option<watch::Sender<WindowWish>>,
}

impl ControlDesk {
    pub(super) fn answer(&self, request: ControlRequest) -> ControlAnswer {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        match request {
            ControlRequest::Press => self.send(Command::HoldToTalk(true)),
            ControlRequest::Release => self.send(Command::HoldToTalk(false)),
            ControlRequest::Toggle => {
                // A key that is tapped knows no release.
                let is_tapped = snapshot.talk.key == TalkKey::Tap;
                self.send(Command::HoldToTalk(is_tapped || !is_held(&snapshot)))
            }
            ControlRequest::Mute { muted } => {
                let muted = muted.unwrap_or(!snapshot.muted);
                let sent = self.send(Command::SetMuted(muted));
                if sent == ControlAnswer::Done {
                    ControlAnswer::Muted { muted }
                } else {
                    sent
                }
            }
            ControlRequest::Stop => self.send(Command::StopReply),
            ControlRequest::Profile { name } => {
                if snapshot
                    .profiles
                    .iter()
                    .any(|profile| *profile.name == *name)
                {
                    return self.send(Command::UseProfile(name));
                }
                let names: Vec<&str> = snapshot.profiles.iter().map(|p| &*p.name).collect();
                ControlAnswer::Refused {
                    what: format!("there is no profile `{name}`"),
                    hint: format!("There are: {}.", names.join(", ")),
                }
            }
            ControlRequest::Show => match &self.wish {
                Some(wish) => {
                    WindowWish::ask(wish, true);
                    ControlAnswer::Done
                }
                None => ControlAnswer::Refused {
                    what: "it runs in a terminal and has no window".to_owned(),
                    hint: "Start the window beside it.".to_owned(),
                },
            },
            ControlRequest::Status => ControlAnswer::Status(status(&snapshot)),
        }
    }

    fn send(&self, command: Command) -> ControlAnswer {
        match self.commands.try_send(command) {
            Ok(()) => ControlAnswer::Done,
            Err(_) => ControlAnswer::Refused {
                what: "it is busy or ending".to_owned(),
                hint: "Try it again.".to_owned(),
            },
        }
    }
}

fn is_held(snapshot: &Snapshot) -> bool {
    matches!(snapshot.activity, Activity::Held)
}

fn status(snapshot: &Snapshot) -> ControlStatus {
    let state = match snapshot.activity {
        Activity::Connecting => "connecting",
        Activity::Listening => "listening",
        Activity::UserSpeaks | Activity::Held => "hearing",
        Activity::Thinking => "thinking",
        Activity::Answering => "answering",
        Activity::Repeating => "repeating",
        Activity::Muted => "muted",
        Activity::Reconnecting => "reconnecting",
        Activity::Offline => "offline",
        Activity::NoMicrophone => "no-microphone",
        Activity::LimitReached => "limit-reached",
    };
    let profile = snapshot.profiles.get(snapshot.chosen);
    ControlStatus {
        schema: "sovereign.status/1".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        state: state.to_owned(),
        muted: snapshot.muted,
        held: is_held(snapshot),
        profile: profile.map_or_else(String::new, |profile| profile.name.to_string()),
        connected: matches!(snapshot.link, Link::Connected { .. }),
        demo: snapshot.demo,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::snapshot::TalkView;

    #[test]
    fn toggle_opens_and_closes_whatever_the_talk_key_does() {
        for (key, activity, down) in [
            (TalkKey::Hold, Activity::Listening, true),
            (TalkKey::Hold, Activity::Held, false),
            (TalkKey::Tap, Activity::Listening, true),
            // A second tap closes.
            (TalkKey::Tap, Activity::Held, true),
        ] {
            let (commands, mut sent) = mpsc::channel(1);
            let talk = TalkView {
                key,
                ..TalkView::default()
            };
            let snapshot = Snapshot {
                activity,
                talk,
                ..Snapshot::default()
            };
            let desk = ControlDesk {
                commands,
                snapshots: watch::channel(Arc::new(snapshot)).1,
                wish: None,
            };
            assert_eq!(desk.answer(ControlRequest::Toggle), ControlAnswer::Done);
            let told = sent.try_recv().expect("a command");
            let wanted = matches!(told, Command::HoldToTalk(d) if d == down);
            assert!(wanted, "{key:?}, {activity:?}: {told:?}");
        }
    }
}
