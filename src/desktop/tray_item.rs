//! The icon in the tray of a Linux desktop: a StatusNotifierItem with a menu, on the session bus.

use std::time::Duration;

use ksni::menu::{CheckmarkItem, MenuItem, RadioGroup, RadioItem, StandardItem, SubMenu};
use ksni::{Category, Handle, Icon, OfflineReason, ToolTip, Tray, TrayMethods as _};
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use super::tray::{TrayEvent, TrayLook, TrayPicture};
use crate::base::text::t;

/// A bus that has not answered by then shows no icon.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const NAME: &str = "sovereign";

/// The icon, while it is kept.
pub struct TrayItem(#[expect(dead_code, reason = "kept to be dropped")] AbortOnDropHandle<()>);

impl TrayItem {
    /// Shows an icon that follows `looks`; call it inside the runtime. A tray that appears later shows it too.
    #[must_use]
    pub fn start(looks: watch::Receiver<TrayLook>, events: mpsc::Sender<TrayEvent>) -> Self {
        Self(AbortOnDropHandle::new(tokio::spawn(run(looks, events))))
    }
}

async fn run(mut looks: watch::Receiver<TrayLook>, events: mpsc::Sender<TrayEvent>) {
    let (shown, mut shows) = watch::channel(true);
    let item = Item {
        look: looks.borrow_and_update().clone(),
        events: events.clone(),
        shown,
    };
    let started = item.assume_sni_available(true).spawn();
    let item = match tokio::time::timeout(ANSWER_WITHIN, started).await {
        Ok(Ok(handle)) => Shutdown(handle),
        Ok(Err(error)) => return tracing::info!(%error, "no icon in the tray"),
        Err(_) => return tracing::info!("no icon in the tray: the bus is silent"),
    };
    shows.mark_changed();
    loop {
        tokio::select! {
            Ok(()) = shows.changed() => {
                let is_shown = *shows.borrow_and_update();
                if !is_shown {
                    tracing::info!("no icon in the tray: this desktop has no tray, or it ended");
                }
                if events.send(TrayEvent::Shown(is_shown)).await.is_err() {
                    return;
                }
            }
            changed = looks.changed() => {
                let look = looks.borrow_and_update().clone();
                if changed.is_err() || item.0.update(|item| item.look = look).await.is_none() {
                    return;
                }
            }
        }
    }
}

/// Takes the icon away when it is dropped.
struct Shutdown(Handle<Item>);

impl Drop for Shutdown {
    fn drop(&mut self) {
        drop(self.0.shutdown());
    }
}

struct Item {
    look: TrayLook,
    events: mpsc::Sender<TrayEvent>,
    shown: watch::Sender<bool>,
}

impl Item {
    /// One that finds no room was asked while sixteen others wait: nobody misses it.
    fn tell(&self, event: TrayEvent) {
        self.events.try_send(event).ok();
    }

    fn asks(label: &str, event: TrayEvent) -> MenuItem<Self> {
        StandardItem {
            label: label.to_owned(),
            activate: Box::new(move |item: &mut Self| item.tell(event)),
            ..StandardItem::default()
        }
        .into()
    }
}

impl Tray for Item {
    fn id(&self) -> String {
        NAME.to_owned()
    }

    fn category(&self) -> Category {
        Category::Communications
    }

    fn title(&self) -> String {
        t!("sovereign").to_owned()
    }

    fn icon_pixmap(&self) -> Vec<Icon> {
        let icon = |picture: &TrayPicture| Icon {
            width: picture.side as i32,
            height: picture.side as i32,
            data: picture.argb.clone(),
        };
        self.look.pictures.iter().map(icon).collect()
    }

    fn tool_tip(&self) -> ToolTip {
        ToolTip {
            title: t!("sovereign").to_owned(),
            description: self.look.state.clone(),
            ..ToolTip::default()
        }
    }

    fn activate(&mut self, _: i32, _: i32) {
        self.tell(TrayEvent::Open(!self.look.is_open));
    }

    fn secondary_activate(&mut self, _: i32, _: i32) {
        self.tell(TrayEvent::Mute(!self.look.muted));
    }

    fn menu(&self) -> Vec<MenuItem<Self>> {
        let look = &self.look;
        let window = if look.is_open {
            t!("tray-hide-window")
        } else {
            t!("tray-show-window")
        };
        let muted = look.muted;
        let names = look.profiles.iter();
        vec![
            StandardItem {
                label: look.state.clone(),
                enabled: false,
                ..StandardItem::default()
            }
            .into(),
            MenuItem::Separator,
            Self::asks(window, TrayEvent::Open(!look.is_open)),
            CheckmarkItem {
                label: t!("tray-mute").to_owned(),
                checked: muted,
                activate: Box::new(move |item: &mut Self| item.tell(TrayEvent::Mute(!muted))),
                ..CheckmarkItem::default()
            }
            .into(),
            StandardItem {
                label: t!("tray-stop").to_owned(),
                enabled: look.stops,
                activate: Box::new(|item: &mut Self| item.tell(TrayEvent::Stop)),
                ..StandardItem::default()
            }
            .into(),
            SubMenu {
                label: t!("tray-profile").to_owned(),
                submenu: vec![
                    RadioGroup {
                        selected: look.chosen,
                        select: Box::new(|item: &mut Self, nth| item.tell(TrayEvent::Profile(nth))),
                        options: names
                            .map(|name| RadioItem {
                                // A single one marks a key.
                                label: name.replace('_', "__"),
                                ..RadioItem::default()
                            })
                            .collect(),
                    }
                    .into(),
                ],
                ..SubMenu::default()
            }
            .into(),
            MenuItem::Separator,
            Self::asks(t!("tray-quit"), TrayEvent::Quit),
        ]
    }

    fn watcher_online(&self) {
        self.shown.send_replace(true);
    }

    fn watcher_offline(&self, _: OfflineReason) -> bool {
        self.shown.send_replace(false);
        true
    }
}
