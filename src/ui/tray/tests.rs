//! The icon in a tray that is played by the test, on a bus of its own.

use std::time::Duration;

use tokio::time::timeout;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, connection};

use super::*;
use crate::base::keys::Value;
use crate::conversation::snapshot::{SettingOrigin, SettingView, SettingsView};
use crate::desktop::bus::{Bus, is_on};
use crate::desktop::look_for_tray;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";

/// What is waited for comes at once, or never.
async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    let come = timeout(Duration::from_secs(30), coming).await;
    come.unwrap_or_else(|_| panic!("{what} does not come"))
}

struct Watcher(mpsc::Sender<String>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    async fn register_status_notifier_item(&self, service: String) {
        self.0.send(service).await.expect("the test listens");
    }

    #[zbus(property)]
    #[expect(clippy::unused_self, reason = "a property of the bus")]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }
}

/// A desktop with a tray.
struct Desktop {
    connection: Connection,
    registered: mpsc::Receiver<String>,
    /// The icon, on the bus.
    item: String,
}

impl Desktop {
    async fn with_a_tray() -> Self {
        let (told, registered) = mpsc::channel(8);
        let builder = connection::Builder::session()
            .and_then(|builder| builder.name(WATCHER))
            .and_then(|builder| builder.serve_at("/StatusNotifierWatcher", Watcher(told)));
        Self {
            connection: builder.expect("a tray").build().await.expect("on the bus"),
            registered,
            item: String::new(),
        }
    }

    async fn takes_the_icon(&mut self) {
        let item = soon("the icon", self.registered.recv()).await;
        self.item = item.expect("an icon");
    }

    async fn ends(self) {
        self.connection.close().await.expect("closed");
    }

    async fn call<B: serde::Serialize + zbus::zvariant::DynamicType>(
        &self,
        interface: &str,
        method: &str,
        body: &B,
    ) -> zbus::Message {
        let item = Some(self.item.as_str());
        let path = "/StatusNotifierItem";
        let asked = self
            .connection
            .call_method(item, path, Some(interface), method, body);
        soon(method, asked).await.expect("answered")
    }

    /// Sides and bytes of the pictures that the tray would draw.
    async fn pictures(&self) -> Vec<(i32, Vec<u8>)> {
        let properties = "org.freedesktop.DBus.Properties";
        let answer = self.call(properties, "Get", &(ITEM, "IconPixmap")).await;
        let value: OwnedValue = answer.body().deserialize().expect("a value");
        let pictures = Vec::<(i32, i32, Vec<u8>)>::try_from(value).expect("pictures");
        let pictures = pictures.into_iter();
        pictures.map(|(side, _, bytes)| (side, bytes)).collect()
    }
}

/// A conversation that wants an icon.
struct Talk {
    snapshots: watch::Sender<Arc<Snapshot>>,
    commands: mpsc::Receiver<Command>,
    wish: watch::Sender<WindowWish>,
    _tray: AbortOnDropHandle<()>,
}

impl Talk {
    fn start() -> Self {
        let (snapshots, theirs) = watch::channel(Arc::new(snapshot(Activity::Listening)));
        let (to_talk, commands) = mpsc::channel(64);
        let wish = WindowWish::channel(true);
        let tray = Tray {
            snapshots: theirs,
            commands: to_talk,
            wish: wish.clone(),
            state: TrayState::Off,
            drawn: None,
        };
        Self {
            snapshots,
            commands,
            wish,
            _tray: AbortOnDropHandle::new(tokio::spawn(tray.follow())),
        }
    }

    async fn next(&mut self) -> Command {
        let next = soon("a command", self.commands.recv()).await;
        next.expect("a command")
    }

    async fn state(&mut self) -> TrayState {
        match self.next().await {
            Command::ShowTray(state) => state,
            other => panic!("{other:?}"),
        }
    }

    async fn is_not_shown(&mut self, because: &str) {
        match self.state().await {
            TrayState::NotShown { why } => assert!(why.contains(because), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    async fn opens(&self, is_open: bool) {
        let mut wish = self.wish.subscribe();
        let wished = wish.wait_for(|wish| wish.is_open == is_open);
        soon("the window", wished).await.expect("a wish");
    }
}

fn snapshot(activity: Activity) -> Snapshot {
    let key = crate::settings::config::keys().find(|key| key.name == "window.tray");
    let wanted = SettingView {
        key: key.expect("this key"),
        value: Value::Flag(true),
        usual: Value::Flag(true),
        origin: SettingOrigin::Shipped,
    };
    let settings = SettingsView {
        config: vec![wanted],
        ..SettingsView::default()
    };
    Snapshot {
        activity,
        settings: Arc::new(settings),
        ..Snapshot::default()
    }
}

#[tokio::test]
async fn the_tray_is_given_the_shape_of_each_state_and_its_clicks_arrive() {
    let bus = Bus::new();
    let this = "ui::tray::tests::the_tray_is_given_the_shape_of_each_state_and_its_clicks_arrive";
    if !is_on(&bus.address, this) {
        return;
    }
    let mut desktop = Desktop::with_a_tray().await;
    assert_eq!(soon("an answer", look_for_tray()).await, TrayState::Shown);
    let mut talk = Talk::start();
    desktop.takes_the_icon().await;
    assert_eq!(talk.state().await, TrayState::Asking);
    assert_eq!(talk.state().await, TrayState::Shown);
    let is_named = |task: std::fs::DirEntry| {
        let name = std::fs::read_to_string(task.path().join("comm"));
        name.is_ok_and(|name| name.trim() == "tray")
    };
    let tasks = std::fs::read_dir("/proc/self/task").expect("threads");
    assert!(tasks.flatten().any(is_named), "its thread has a name");
    for activity in [
        Activity::Listening,
        Activity::UserSpeaks,
        Activity::Thinking,
        Activity::Answering,
        Activity::Muted,
        Activity::Reconnecting,
        Activity::Offline,
        Activity::NoMicrophone,
    ] {
        talk.snapshots.send_replace(Arc::new(snapshot(activity)));
        let drawn = pictures(shape_of(activity));
        let of_state = |picture: &TrayPicture| (picture.side as i32, picture.argb.clone());
        let of_state: Vec<_> = drawn.iter().map(of_state).collect();
        let shown = async {
            while desktop.pictures().await != of_state {
                tokio::task::yield_now().await;
            }
        };
        soon(&format!("the shape of {activity:?}"), shown).await;
    }
    desktop.call(ITEM, "SecondaryActivate", &(0, 0)).await;
    assert!(matches!(talk.next().await, Command::SetMuted(true)));
    desktop.call(ITEM, "Activate", &(0, 0)).await;
    talk.opens(false).await;
}

#[tokio::test]
async fn a_hidden_window_comes_back_when_the_tray_ends_and_the_icon_with_the_next_tray() {
    let bus = Bus::new();
    let this = "ui::tray::tests::a_hidden_window_comes_back_when_the_tray_ends_and_the_icon_with_the_next_tray";
    if !is_on(&bus.address, this) {
        return;
    }
    let mut talk = Talk::start();
    // One that starts hidden stays so: the tray may start later.
    WindowWish::ask(&talk.wish, false);
    assert_eq!(talk.state().await, TrayState::Asking);
    talk.is_not_shown("has no tray").await;
    assert!(!talk.wish.borrow().is_open);
    let mut desktop = Desktop::with_a_tray().await;
    desktop.takes_the_icon().await;
    assert_eq!(talk.state().await, TrayState::Shown);
    assert!(!talk.wish.borrow().is_open);
    desktop.ends().await;
    talk.is_not_shown("has no tray").await;
    talk.opens(true).await;
    // Where nothing leads back it is not hidden, whoever asks.
    WindowWish::ask(&talk.wish, false);
    talk.opens(true).await;
    let mut desktop = Desktop::with_a_tray().await;
    desktop.takes_the_icon().await;
    assert_eq!(talk.state().await, TrayState::Shown);
    WindowWish::ask(&talk.wish, false);
    let mut without = snapshot(Activity::Listening);
    Arc::make_mut(&mut without.settings).config[0].value = Value::Flag(false);
    talk.snapshots.send_replace(Arc::new(without));
    assert_eq!(talk.state().await, TrayState::Off);
    talk.opens(true).await;
}

#[tokio::test]
async fn without_a_bus_it_is_said_that_there_is_none() {
    let this = "ui::tray::tests::without_a_bus_it_is_said_that_there_is_none";
    if !is_on("unix:path=/nowhere/bus", this) {
        return;
    }
    let mut talk = Talk::start();
    assert_eq!(talk.state().await, TrayState::Asking);
    talk.is_not_shown("bus does not answer").await;
    match soon("an answer", look_for_tray()).await {
        TrayState::NotShown { why } => assert!(why.contains("bus does not answer"), "{why}"),
        other => panic!("{other:?}"),
    }
}
