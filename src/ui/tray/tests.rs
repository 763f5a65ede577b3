//! The icon in a tray that is played by the test, on a bus of its own.

use super::*;
use crate::base::keys::Value;
use crate::conversation::snapshot::{SettingOrigin, SettingView, SettingsView};
use crate::desktop::bus::{Bus, is_on};
use crate::desktop::look_for_tray;
use crate::desktop::played_tray::{PlayedTray, soon};

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
    let mut tray = PlayedTray::begin().await;
    assert_eq!(soon("an answer", look_for_tray()).await, TrayState::Shown);
    let mut talk = Talk::start();
    tray.takes_the_icon().await;
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
            while tray.pictures().await != of_state {
                tokio::task::yield_now().await;
            }
        };
        soon(&format!("the shape of {activity:?}"), shown).await;
    }
    tray.click("SecondaryActivate").await;
    assert!(matches!(talk.next().await, Command::SetMuted(true)));
    tray.click("Activate").await;
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
    let mut tray = PlayedTray::begin().await;
    tray.takes_the_icon().await;
    assert_eq!(talk.state().await, TrayState::Shown);
    assert!(!talk.wish.borrow().is_open);
    tray.ends().await;
    talk.is_not_shown("has no tray").await;
    talk.opens(true).await;
    // Where nothing leads back it is not hidden, whoever asks.
    WindowWish::ask(&talk.wish, false);
    talk.opens(true).await;
    let mut tray = PlayedTray::begin().await;
    tray.takes_the_icon().await;
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
