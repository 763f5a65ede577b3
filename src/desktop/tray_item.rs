//! The icon in the tray of a Linux desktop: a StatusNotifierItem with a menu, on the session bus.

use std::time::Duration;

use ksni::menu::{CheckmarkItem, MenuItem, RadioGroup, RadioItem, StandardItem, SubMenu};
use ksni::{Category, Handle, Icon, OfflineReason, ToolTip, Tray, TrayMethods as _};
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use super::tray::{TrayEvent, TrayLook, TrayPicture, TrayState};
use crate::base::printable::in_a_line;
use crate::base::text::t;
use crate::base::thread::aside;

/// A desktop that has not answered by then shows no icon.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const NAME: &str = "sovereign";
/// Who knows the trays, and shows an icon in them.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// The icon, while it is kept.
pub struct TrayItem(#[expect(dead_code, reason = "kept to be dropped")] AbortOnDropHandle<()>);

impl TrayItem {
    /// Shows an icon that follows `looks`; call it inside the runtime. A tray that appears later shows it too.
    #[must_use]
    pub fn start(looks: watch::Receiver<TrayLook>, events: mpsc::Sender<TrayEvent>) -> Self {
        Self(AbortOnDropHandle::new(tokio::spawn(run(looks, events))))
    }
}

/// Whether this desktop has a tray now: [`TrayState::Shown`] if so. No icon is shown.
pub async fn look_for_tray() -> TrayState {
    let looked = async {
        let bus = zbus::Connection::session().await?;
        let daemon = zbus::fdo::DBusProxy::new(&bus).await?;
        let has_owner = daemon.name_has_owner(WATCHER.try_into()?).await?;
        Ok::<_, zbus::Error>(has_owner)
    };
    match looked.await {
        Ok(true) => TrayState::Shown,
        Ok(false) => no_tray(),
        Err(error) => no_bus(&error),
    }
}

async fn run(mut looks: watch::Receiver<TrayLook>, events: mpsc::Sender<TrayEvent>) {
    let (states, mut state) = watch::channel(TrayState::Asking);
    let tell = async |state: TrayState| {
        tracing::info!(?state, "the icon in the tray");
        events.send(TrayEvent::State(state)).await.ok();
    };
    tell(TrayState::Asking).await;
    let item = Item {
        look: looks.borrow_and_update().clone(),
        events: events.clone(),
        states: states.clone(),
    };
    let item = match started(item).await {
        Ok(handle) => Shutdown(handle),
        Err(state) => return tell(state).await,
    };
    // Unless it has said otherwise, a tray took it.
    states.send_if_modified(|state| {
        let is_shown = *state == TrayState::Asking;
        if is_shown {
            *state = TrayState::Shown;
        }
        is_shown
    });
    loop {
        tokio::select! {
            Ok(()) = state.changed() => {
                let state = state.borrow_and_update().clone();
                tell(state).await;
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

/// Starts it from a thread with a name, which the one that serves it takes over.
async fn started(item: Item) -> Result<Handle<Item>, TrayState> {
    let start = move || {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }
            .enable_time()
            .build()
            .map_err(|error| fault(&error))?;
        runtime.block_on(async {
            let start = item.assume_sni_available(true).spawn();
            match tokio::time::timeout(ANSWER_WITHIN, start).await {
                Ok(Ok(handle)) => Ok(handle),
                Ok(Err(ksni::Error::Dbus(error))) => Err(no_bus(&error)),
                Ok(Err(error)) => Err(fault(&error)),
                Err(_) => Err(not_shown(t!("tray-silent"))),
            }
        })
    };
    let started = aside("tray", start).await;
    started.unwrap_or_else(|| Err(not_shown(t!("tray-silent"))))
}

fn not_shown(why: impl Into<String>) -> TrayState {
    TrayState::NotShown { why: why.into() }
}

fn no_tray() -> TrayState {
    not_shown(t!("tray-none"))
}

fn no_bus(error: &zbus::Error) -> TrayState {
    let error = in_a_line(&error.to_string());
    not_shown(t!("tray-no-bus", error))
}

fn fault(error: &dyn std::error::Error) -> TrayState {
    let error = in_a_line(&error.to_string());
    not_shown(t!("tray-fault", error))
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
    states: watch::Sender<TrayState>,
}

impl Item {
    /// One that finds no room was asked while sixteen others wait: nobody misses it.
    fn tell(&self, event: TrayEvent) {
        self.events.try_send(event).ok();
    }

    fn asks(label: &str, event: TrayEvent) -> MenuItem<Self> {
        StandardItem {
            label: label.to_owned(),
            activate: Box::new(move |item: &mut Self| item.tell(event.clone())),
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
        self.states.send_replace(TrayState::Shown);
    }

    fn watcher_offline(&self, reason: OfflineReason) -> bool {
        let state = if let OfflineReason::Error(ksni::Error::Dbus(error)) = reason {
            no_bus(&error)
        } else {
            no_tray()
        };
        self.states.send_replace(state);
        true
    }
}
