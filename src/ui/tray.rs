//! The icon in the tray of a Linux desktop: shows what the assistant is doing, and asks for what its menu offers. Nothing is
//! told to the desktop unless it looks different.
use std::sync::Arc;

use eframe::egui::Color32;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use super::link::UiLink;
use super::look;
use super::tray_icon::{TrayShape, pictures, shape_of};
use crate::base::text::t;
use crate::control::WindowWish;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Activity, Snapshot};
use crate::desktop::{TrayEvent, TrayItem, TrayLook, TrayPicture, TrayState};

/// Shows the icon while it is kept and wanted.
pub(super) fn start(link: &UiLink) -> AbortOnDropHandle<()> {
    let tray = Tray {
        snapshots: link.snapshots.clone(),
        commands: link.commands.clone(),
        wish: link.wish.clone(),
        state: TrayState::Off,
        drawn: None,
    };
    AbortOnDropHandle::new(link.runtime.spawn(tray.follow()))
}

struct Tray {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    commands: mpsc::Sender<Command>,
    wish: watch::Sender<WindowWish>,
    state: TrayState,
    /// The pictures of the last look, and what they show.
    drawn: Option<((TrayShape, Color32), Arc<[TrayPicture]>)>,
}

impl Tray {
    async fn follow(mut self) {
        let (events_in, mut events) = mpsc::channel(16);
        let mut wish = self.wish.subscribe();
        let looks = watch::Sender::new(self.look());
        let mut item = None;
        self.snapshots.mark_changed();
        loop {
            tokio::select! {
                changed = self.snapshots.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                _ = wish.changed() => self.keep_a_way_back(),
                Some(event) = events.recv() => self.obey(event).await,
            }
            let is_wanted = {
                let snapshot = self.snapshots.borrow_and_update();
                // Before the settings are known, so is that.
                look::value(&snapshot.settings, "window.tray") == Some(true)
            };
            if !is_wanted {
                if item.take().is_some() {
                    self.obey(TrayEvent::State(TrayState::Off)).await;
                }
                continue;
            }
            let new = self.look();
            looks.send_if_modified(|look| {
                let differs = *look != new;
                *look = new;
                differs
            });
            if item.is_none() {
                item = Some(TrayItem::start(looks.subscribe(), events_in.clone()));
            }
        }
    }

    fn look(&mut self) -> TrayLook {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let shape = shape_of(snapshot.activity);
        let drawn = self.drawn.take().filter(|(of, _)| *of == shape);
        let (_, pictures) = self
            .drawn
            .insert(drawn.unwrap_or_else(|| (shape, pictures(shape))));
        let names = snapshot.profiles.iter();
        TrayLook {
            pictures: Arc::clone(pictures),
            state: words(snapshot.activity).to_owned(),
            is_open: self.wish.borrow().is_open,
            muted: snapshot.muted,
            stops: matches!(
                snapshot.activity,
                Activity::Thinking | Activity::Answering | Activity::Repeating
            ),
            profiles: names.map(|profile| profile.label.to_string()).collect(),
            chosen: snapshot.chosen,
        }
    }

    /// A window that is hidden by its user must not stay so where no icon shows it: the desktop may have ended its tray.
    fn keep_a_way_back(&self) {
        let is_lost = match self.state {
            TrayState::Off | TrayState::NotShown { .. } => true,
            TrayState::Asking | TrayState::Shown => false,
        };
        if is_lost && !self.wish.borrow().is_open {
            WindowWish::ask(&self.wish, true);
        }
    }

    async fn obey(&mut self, event: TrayEvent) {
        let command = match event {
            TrayEvent::Open(is_open) => return WindowWish::ask(&self.wish, is_open),
            TrayEvent::State(state) => {
                // A start that is hidden stays hidden: the tray may start later.
                let was_shown = self.state == TrayState::Shown;
                self.state = state.clone();
                if was_shown {
                    self.keep_a_way_back();
                }
                Command::ShowTray(state)
            }
            TrayEvent::Mute(muted) => Command::SetMuted(muted),
            TrayEvent::Stop => Command::StopReply,
            TrayEvent::Quit => Command::Quit,
            TrayEvent::Profile(nth) => {
                let profile = self.snapshots.borrow().profiles.get(nth).cloned();
                let Some(profile) = profile else { return };
                Command::UseProfile(profile.name.to_string())
            }
        };
        self.commands.send(command).await.ok();
    }
}

/// The state without what changes while it lasts.
fn words(activity: Activity) -> &'static str {
    match activity {
        Activity::Connecting => t!("connecting-now"),
        Activity::Listening => t!("listening"),
        Activity::UserSpeaks => t!("hearing-you"),
        Activity::Held => t!("recording"),
        Activity::Thinking => t!("thinking"),
        Activity::Answering => t!("answering"),
        Activity::Repeating => t!("repeating"),
        Activity::Muted => t!("muted"),
        Activity::Reconnecting => t!("reconnecting-now"),
        Activity::Offline => t!("offline"),
        Activity::NoMicrophone => t!("no-microphone"),
        Activity::LimitReached => t!("spend-limit-reached"),
    }
}

#[cfg(test)]
mod tests;
