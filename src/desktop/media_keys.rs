//! Media keys of a Linux desktop: it gives them to a player on the session bus (MPRIS), so that is what this program is there.
//!
//! ```text
//! PlayerLook ─▶ org.mpris.MediaPlayer2.sovereign ─▶ MediaKeyEvent, until the bus is gone; then again, every half minute
//! ```

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use zbus::fdo::{self, RequestNameFlags};
use zbus::zvariant::{ObjectPath, Value};
use zbus::{Connection, connection};

use super::media_key::{MediaKey, MediaKeyEvent, MediaKeysState, PlayerLook};
use crate::base::printable::in_a_line;
use crate::base::text::t;

/// A bus that has not answered by then gives no keys.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const TRY_EVERY: Duration = Duration::from_secs(30);

const NAME: &str = "org.mpris.MediaPlayer2.sovereign";
const PATH: &str = "/org/mpris/MediaPlayer2";
/// Name of the desktop entry, without its ending.
const ENTRY: &str = "sovereign";
const TRACK: &str = "/local/sovereign/conversation";

/// The keys, while they are kept.
pub struct MediaKeys {
    events: mpsc::Receiver<MediaKeyEvent>,
    _task: AbortOnDropHandle<()>,
}

impl MediaKeys {
    /// Takes the keys of this desktop; call it inside the runtime.
    #[must_use]
    pub fn start(looks: watch::Receiver<PlayerLook>) -> Self {
        Self::start_on(None, looks)
    }

    /// The same on the bus at this address instead of that of the session.
    pub(crate) fn start_on(bus: Option<&str>, looks: watch::Receiver<PlayerLook>) -> Self {
        let (sender, events) = mpsc::channel(16);
        let bus = bus.map(str::to_owned);
        let task = tokio::spawn(run(bus, looks, sender));
        Self {
            events,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// What happens next; `None` when nothing will any more.
    pub async fn next(&mut self) -> Option<MediaKeyEvent> {
        self.events.recv().await
    }
}

/// Whether the desktop can give media keys. It asks for none.
pub async fn look_for_media_keys() -> MediaKeysState {
    match answered(Connection::session()).await {
        Ok(_) => MediaKeysState::Works,
        Err(why) => MediaKeysState::NotPossible { why },
    }
}

async fn run(
    bus: Option<String>,
    mut looks: watch::Receiver<PlayerLook>,
    events: mpsc::Sender<MediaKeyEvent>,
) {
    while let Some(why) = serve(bus.as_deref(), &mut looks, &events).await {
        tracing::info!(why, "media keys do not arrive");
        let state = MediaKeysState::NotPossible { why };
        events.send(MediaKeyEvent::State(state)).await.ok();
        sleep(TRY_EVERY).await;
    }
}

/// Is a player until the bus is gone, and says why there is none any more; `None` when nobody wants it.
async fn serve(
    bus: Option<&str>,
    looks: &mut watch::Receiver<PlayerLook>,
    events: &mpsc::Sender<MediaKeyEvent>,
) -> Option<String> {
    let bus = match answered(appear(bus, looks.clone(), events.clone())).await {
        Ok(bus) => bus,
        Err(why) => return Some(why),
    };
    let works = MediaKeyEvent::State(MediaKeysState::Works);
    events.send(works).await.ok()?;
    let mut told = PlayerLook::default();
    looks.mark_changed();
    loop {
        tokio::select! {
            () = bus.closed() => return Some(t!("media-keys-bus-gone").to_owned()),
            changed = looks.changed() => {
                changed.ok()?;
                let look = looks.borrow_and_update().clone();
                if let Err(error) = tell(&bus, &told, &look).await {
                    return Some(no_bus(&error));
                }
                told = look;
            }
        }
    }
}

/// Within the time that a bus has, or why not.
async fn answered<T>(asked: impl Future<Output = zbus::Result<T>>) -> Result<T, String> {
    match timeout(ANSWER_WITHIN, asked).await {
        Ok(answer) => answer.map_err(|error| no_bus(&error)),
        Err(_) => Err(t!("tray-silent").to_owned()),
    }
}

fn no_bus(error: &zbus::Error) -> String {
    let error = in_a_line(&error.to_string());
    t!("tray-no-bus", error)
}

async fn appear(
    bus: Option<&str>,
    looks: watch::Receiver<PlayerLook>,
    events: mpsc::Sender<MediaKeyEvent>,
) -> zbus::Result<Connection> {
    let builder = match bus {
        Some(address) => connection::Builder::address(address)?,
        None => connection::Builder::session()?,
    };
    let root = Root {
        looks: looks.clone(),
        events: events.clone(),
    };
    let bus = builder
        .serve_at(PATH, root)?
        .serve_at(PATH, Player { looks, events })?
        .build()
        .await?;
    let flags = RequestNameFlags::DoNotQueue;
    let taken = bus.request_name_with_flags(NAME, flags.into()).await;
    // Another one runs.
    if matches!(taken, Err(zbus::Error::NameTaken)) {
        let name = format!("{NAME}.instance{}", std::process::id());
        bus.request_name_with_flags(name, flags.into()).await?;
    } else {
        taken?;
    }
    Ok(bus)
}

/// Tells what differs.
async fn tell(bus: &Connection, told: &PlayerLook, look: &PlayerLook) -> zbus::Result<()> {
    let player = bus.object_server().interface::<_, Player>(PATH).await?;
    let (emitter, player) = (player.signal_emitter(), player.get().await);
    if look.is_playing != told.is_playing {
        player.playback_status_changed(emitter).await?;
    }
    if look.can_repeat != told.can_repeat {
        player.can_go_next_changed(emitter).await?;
    }
    if look.title != told.title {
        player.metadata_changed(emitter).await?;
    }
    Ok(())
}

/// What is the same of every player.
struct Root {
    looks: watch::Receiver<PlayerLook>,
    events: mpsc::Sender<MediaKeyEvent>,
}

#[zbus::interface(name = "org.mpris.MediaPlayer2")]
#[expect(clippy::unused_self, reason = "properties of the bus")]
impl Root {
    async fn raise(&self) {
        self.events.send(MediaKeyEvent::Raise).await.ok();
    }

    /// Keys do not end it.
    fn quit(&self) {}

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_quit(&self) -> bool {
        false
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_raise(&self) -> bool {
        self.looks.borrow().has_window
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn has_track_list(&self) -> bool {
        false
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn identity(&self) -> &str {
        t!("sovereign")
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn desktop_entry(&self) -> &str {
        ENTRY
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn supported_uri_schemes(&self) -> Vec<String> {
        Vec::new()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn supported_mime_types(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What plays, and the keys.
struct Player {
    looks: watch::Receiver<PlayerLook>,
    events: mpsc::Sender<MediaKeyEvent>,
}

impl Player {
    async fn press(&self, key: MediaKey) {
        self.events.send(MediaKeyEvent::Pressed(key)).await.ok();
    }
}

#[zbus::interface(name = "org.mpris.MediaPlayer2.Player")]
#[expect(clippy::unused_self, reason = "properties of the bus")]
impl Player {
    async fn play_pause(&self) {
        self.press(MediaKey::PlayPause).await;
    }

    async fn play(&self) {
        self.press(MediaKey::Play).await;
    }

    async fn pause(&self) {
        self.press(MediaKey::Stop).await;
    }

    async fn stop(&self) {
        self.press(MediaKey::Stop).await;
    }

    async fn next(&self) {
        self.press(MediaKey::Next).await;
    }

    /// There is none.
    fn previous(&self) {}

    /// It cannot.
    fn seek(&self, _offset: i64) {}

    /// It cannot.
    fn set_position(&self, _track: ObjectPath<'_>, _position: i64) {}

    fn open_uri(&self, _uri: &str) -> fdo::Result<()> {
        Err(fdo::Error::NotSupported(t!("sovereign").to_owned()))
    }

    #[zbus(property)]
    fn playback_status(&self) -> &str {
        if self.looks.borrow().is_playing {
            "Playing"
        } else {
            "Paused"
        }
    }

    #[zbus(property)]
    fn metadata(&self) -> HashMap<&str, Value<'_>> {
        let track = ObjectPath::from_static_str_unchecked(TRACK);
        HashMap::from([
            ("mpris:trackid", Value::from(track)),
            (
                "xesam:title",
                Value::from(self.looks.borrow().title.clone()),
            ),
        ])
    }

    #[zbus(property)]
    fn can_go_next(&self) -> bool {
        self.looks.borrow().can_repeat
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_go_previous(&self) -> bool {
        false
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_play(&self) -> bool {
        true
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_pause(&self) -> bool {
        true
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_seek(&self) -> bool {
        false
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn can_control(&self) -> bool {
        true
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn position(&self) -> i64 {
        0
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn rate(&self) -> f64 {
        1.0
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn minimum_rate(&self) -> f64 {
        1.0
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn maximum_rate(&self) -> f64 {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use zbus::proxy::{CacheProperties, PropertyChanged, PropertyStream};
    use zbus::zvariant::OwnedValue;
    use zbus::{Proxy, proxy};

    use super::super::bus::Bus;
    use super::*;

    const PLAYER: &str = "org.mpris.MediaPlayer2.Player";

    /// What comes comes at once, or never.
    async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
        let come = timeout(Duration::from_secs(30), coming).await;
        come.unwrap_or_else(|_| panic!("{what} does not come"))
    }

    fn looks() -> watch::Sender<PlayerLook> {
        watch::Sender::new(PlayerLook {
            title: "Balanced".to_owned(),
            is_playing: false,
            can_repeat: false,
            has_window: true,
        })
    }

    /// Keys that arrive.
    async fn working(bus: &Bus, looks: &watch::Sender<PlayerLook>) -> MediaKeys {
        let mut keys = MediaKeys::start_on(Some(&bus.address), looks.subscribe());
        let works = MediaKeyEvent::State(MediaKeysState::Works);
        assert_eq!(next(&mut keys).await, works);
        keys
    }

    async fn next(keys: &mut MediaKeys) -> MediaKeyEvent {
        soon("an event", keys.next()).await.expect("an event")
    }

    async fn problem(keys: &mut MediaKeys) -> String {
        let event = next(keys).await;
        let MediaKeyEvent::State(MediaKeysState::NotPossible { why }) = event else {
            panic!("{event:?}");
        };
        why
    }

    /// The desktop, on the same bus.
    async fn desktop(bus: &Bus) -> Connection {
        let desktop = connection::Builder::address(&*bus.address).expect("an address");
        desktop.build().await.expect("the bus")
    }

    async fn player(desktop: &Connection, name: &str, interface: &'static str) -> Proxy<'static> {
        let player = proxy::Builder::<Proxy<'_>>::new(desktop)
            .destination(name.to_owned())
            .and_then(|player| player.path(PATH))
            .and_then(|player| player.interface(interface))
            .expect("a name")
            .cache_properties(CacheProperties::Yes);
        player.build().await.expect("a player")
    }

    async fn owned(desktop: &Connection, name: &str) -> bool {
        let daemon = fdo::DBusProxy::new(desktop).await.expect("a bus");
        let name = name.to_owned().try_into().expect("a name");
        daemon.name_has_owner(name).await.expect("answered")
    }

    /// The value of the next signal.
    async fn changed<T>(signals: &mut PropertyStream<'_, T>) -> T
    where
        T: TryFrom<OwnedValue> + Unpin,
        T::Error: Into<zbus::Error>,
    {
        let change: PropertyChanged<'_, T> = soon("a signal", signals.next()).await.expect("one");
        change.get().await.expect("a value")
    }

    #[tokio::test]
    async fn a_desktop_finds_a_player_and_nothing_that_was_said() {
        let bus = Bus::new();
        let (looks, desktop) = (looks(), desktop(&bus).await);
        let _keys = working(&bus, &looks).await;
        let root = player(&desktop, NAME, "org.mpris.MediaPlayer2").await;
        let text = async |name: &str| root.get_property::<String>(name).await.expect("a text");
        assert_eq!(text("Identity").await, "Sovereign");
        assert_eq!(text("DesktopEntry").await, "sovereign");
        let truth = async |name: &str| root.get_property::<bool>(name).await.expect("a truth");
        assert!(truth("CanRaise").await && !truth("CanQuit").await);
        let player = player(&desktop, NAME, PLAYER).await;
        let properties = fdo::PropertiesProxy::new(&desktop, NAME, PATH).await;
        let all = properties.expect("a player");
        let all = all.get_all(PLAYER.try_into().expect("a name")).await;
        let mut names: Vec<String> = all.expect("properties").into_keys().collect();
        names.sort_unstable();
        let wanted = "CanControl CanGoNext CanGoPrevious CanPause CanPlay CanSeek MaximumRate Metadata MinimumRate PlaybackStatus \
                      Position Rate";
        assert_eq!(names.join(" "), wanted);
        let metadata = player.get_property::<HashMap<String, OwnedValue>>("Metadata");
        let metadata = metadata.await.expect("metadata");
        assert_eq!(metadata.len(), 2, "{metadata:?}");
        assert_eq!(
            metadata["xesam:title"],
            Value::from("Balanced").try_into().expect("owned")
        );
        let refused = player.call_method("OpenUri", &"file:///a.ogg").await;
        assert!(refused.is_err());
    }

    #[tokio::test]
    async fn each_press_arrives_once_and_in_order() {
        let bus = Bus::new();
        let (looks, desktop) = (looks(), desktop(&bus).await);
        let mut keys = working(&bus, &looks).await;
        let player = player(&desktop, NAME, PLAYER).await;
        for (method, key) in [
            ("PlayPause", MediaKey::PlayPause),
            ("Play", MediaKey::Play),
            ("Pause", MediaKey::Stop),
            ("Stop", MediaKey::Stop),
            ("Next", MediaKey::Next),
        ] {
            player.call_method(method, &()).await.expect("taken");
            assert_eq!(next(&mut keys).await, MediaKeyEvent::Pressed(key));
        }
        let nothing = player.call_method("Previous", &()).await;
        nothing.expect("answered");
        let presses = async {
            for _ in 0..100 {
                player.call_method("PlayPause", &()).await.expect("taken");
            }
        };
        let heard = async {
            for _ in 0..100 {
                let pressed = MediaKeyEvent::Pressed(MediaKey::PlayPause);
                assert_eq!(next(&mut keys).await, pressed);
            }
        };
        tokio::join!(presses, heard);
        let root = self::player(&desktop, NAME, "org.mpris.MediaPlayer2").await;
        root.call_method("Quit", &()).await.expect("answered");
        root.call_method("Raise", &()).await.expect("taken");
        assert_eq!(next(&mut keys).await, MediaKeyEvent::Raise, "nothing else");
    }

    #[tokio::test]
    async fn the_desktop_is_told_what_changes() {
        let bus = Bus::new();
        let (looks, desktop) = (looks(), desktop(&bus).await);
        let _keys = working(&bus, &looks).await;
        let player = player(&desktop, NAME, PLAYER).await;
        let status = player.get_property::<String>("PlaybackStatus").await;
        assert_eq!(status.expect("a status"), "Paused");
        let mut status = player
            .receive_property_changed::<String>("PlaybackStatus")
            .await;
        let mut next = player.receive_property_changed::<bool>("CanGoNext").await;
        for playing in [true, false, true] {
            looks.send_modify(|look| look.is_playing = playing);
            let wanted = if playing { "Playing" } else { "Paused" };
            while changed(&mut status).await != wanted {}
        }
        looks.send_modify(|look| look.can_repeat = true);
        while !changed(&mut next).await {}
    }

    #[tokio::test]
    async fn a_second_one_has_a_name_of_its_own_and_names_go_with_the_keys() {
        let bus = Bus::new();
        let (looks, desktop) = (looks(), desktop(&bus).await);
        let first = working(&bus, &looks).await;
        let second = working(&bus, &looks).await;
        let other = format!("{NAME}.instance{}", std::process::id());
        assert!(owned(&desktop, NAME).await && owned(&desktop, &other).await);
        drop((first, second));
        soon("the end of the names", async {
            while owned(&desktop, NAME).await || owned(&desktop, &other).await {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// The time until it is tried again passes.
    async fn wait_for_the_next_try() {
        tokio::time::pause();
        tokio::time::advance(TRY_EVERY).await;
        tokio::time::resume();
    }

    #[tokio::test]
    async fn a_bus_that_ends_is_told_and_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bus");
        let leads_to = |bus: &Bus| {
            std::fs::remove_file(&path).ok();
            let socket = bus.address.trim_start_matches("unix:path=");
            let socket = socket.split(',').next().expect("a path");
            std::os::unix::fs::symlink(socket, &path).expect("a link");
        };
        let mut bus = Bus::new();
        leads_to(&bus);
        let address = format!("unix:path={}", path.display());
        let looks = looks();
        let mut keys = MediaKeys::start_on(Some(&address), looks.subscribe());
        let works = MediaKeyEvent::State(MediaKeysState::Works);
        assert_eq!(next(&mut keys).await, works);
        bus.end();
        let why = problem(&mut keys).await;
        assert!(why.contains("has ended"), "{why}");
        for _ in 0..3 {
            wait_for_the_next_try().await;
            let why = problem(&mut keys).await;
            assert!(why.contains("does not answer"), "{why}");
        }
        let other = Bus::new();
        leads_to(&other);
        wait_for_the_next_try().await;
        assert_eq!(next(&mut keys).await, works);
    }

    #[tokio::test]
    async fn a_bus_that_is_silent_is_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bus");
        let _silent = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
        let address = format!("unix:path={}", path.display());
        let looks = looks();
        tokio::time::pause();
        let mut keys = MediaKeys::start_on(Some(&address), looks.subscribe());
        let why = problem(&mut keys).await;
        assert!(why.contains("in time"), "{why}");
    }
}
