//! The talk key through the GlobalShortcuts portal: against portals that behave well and badly, on a bus of their own.

use std::collections::HashMap;
use std::time::Duration;

use sovereign::base::chord::Chord;
use sovereign::global_key::{
    ANSWER_WITHIN, GlobalKey, GlobalKeyEvent, GlobalKeyState, start_by_portal,
};
use tokio::sync::mpsc;
use zbus::message::Header;
use zbus::zvariant::{DynamicType, ObjectPath, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, connection};

use crate::support::bus::Bus;

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const SHORTCUTS: &str = "org.freedesktop.portal.GlobalShortcuts";
const SESSION: &str = "/org/freedesktop/portal/desktop/session/1_1/sovereign";

fn key_on(bus: &Bus, chord: &str) -> GlobalKey {
    start_by_portal(&Chord::parse(chord).expect("a chord"), Some(&bus.address))
}

/// A call, and where its answer is awaited.
#[derive(Debug)]
struct Call {
    method: &'static str,
    from: String,
    request: String,
    trigger: Option<String>,
}

struct Shortcuts(mpsc::Sender<Call>);

impl Shortcuts {
    fn call(
        &self,
        method: &'static str,
        header: &Header<'_>,
        options: &HashMap<String, OwnedValue>,
        trigger: Option<String>,
    ) -> OwnedObjectPath {
        let from = header.sender().expect("a sender").to_string();
        let token = options["handle_token"].try_clone().expect("no descriptor");
        let token = String::try_from(token).expect("a text");
        let name = from.trim_start_matches(':').replace('.', "_");
        let request = format!("{PATH}/request/{name}/{token}");
        let path = ObjectPath::try_from(request.clone())
            .expect("a path")
            .into();
        let call = Call {
            method,
            from,
            request,
            trigger,
        };
        self.0.try_send(call).expect("the test listens");
        path
    }
}

#[zbus::interface(name = "org.freedesktop.portal.GlobalShortcuts")]
impl Shortcuts {
    fn create_session(
        &self,
        #[zbus(header)] header: Header<'_>,
        options: HashMap<String, OwnedValue>,
    ) -> OwnedObjectPath {
        self.call("CreateSession", &header, &options, None)
    }

    fn bind_shortcuts(
        &self,
        #[zbus(header)] header: Header<'_>,
        session: OwnedObjectPath,
        shortcuts: Vec<(String, HashMap<String, OwnedValue>)>,
        _parent: String,
        options: HashMap<String, OwnedValue>,
    ) -> OwnedObjectPath {
        assert_eq!(session.as_str(), SESSION);
        let (name, wish) = shortcuts.first().expect("a key");
        assert_eq!(name, "talk");
        let trigger = wish["preferred_trigger"]
            .try_clone()
            .expect("no descriptor");
        let trigger = String::try_from(trigger).ok();
        self.call("BindShortcuts", &header, &options, trigger)
    }
}

/// A portal that answers as the test says.
struct Portal {
    connection: Connection,
    calls: mpsc::Receiver<Call>,
    /// The client that asked last.
    client: String,
}

impl Portal {
    async fn on(bus: &Bus) -> Self {
        let (sender, calls) = mpsc::channel(16);
        let connection = connection::Builder::address(bus.address.as_str())
            .and_then(|builder| builder.name(PORTAL))
            .and_then(|builder| builder.serve_at(PATH, Shortcuts(sender)))
            .expect("a portal");
        Self {
            connection: connection.build().await.expect("on the bus"),
            calls,
            client: String::new(),
        }
    }

    async fn emit<B: serde::Serialize + DynamicType>(
        &self,
        path: &str,
        interface: &str,
        name: &str,
        body: &B,
    ) {
        let sent =
            self.connection
                .emit_signal(Some(self.client.as_str()), path, interface, name, body);
        sent.await.expect("sent");
    }

    /// The next call.
    async fn called(&mut self, method: &str) -> Call {
        let call = self.calls.recv().await.expect("called");
        assert_eq!(call.method, method);
        self.client.clone_from(&call.from);
        call
    }

    async fn respond(&self, call: &Call, code: u32, results: HashMap<&str, Value<'_>>) {
        let interface = "org.freedesktop.portal.Request";
        self.emit(&call.request, interface, "Response", &(code, results))
            .await;
    }

    /// Grants a session; the call that follows asks for the key.
    async fn grant_session(&mut self) -> Call {
        let call = self.called("CreateSession").await;
        self.respond(&call, 0, session()).await;
        self.called("BindShortcuts").await
    }

    /// Grants session and key.
    async fn grant(&mut self) -> Call {
        let call = self.grant_session().await;
        let about = HashMap::from([("trigger_description", Value::from("Press <F9>"))]);
        let bound = vec![("talk", about)];
        self.respond(&call, 0, HashMap::from([("shortcuts", Value::from(bound))]))
            .await;
        call
    }

    async fn change(&self, name: &str, session: &str, shortcut: &str) {
        let path = ObjectPath::try_from(session).expect("a path");
        let options: HashMap<&str, Value<'_>> = HashMap::new();
        let body = (path, shortcut, 17_u64, options);
        self.emit(PATH, SHORTCUTS, name, &body).await;
    }
}

fn session() -> HashMap<&'static str, Value<'static>> {
    HashMap::from([("session_handle", Value::from(SESSION))])
}

/// The words of a state in which there is no key.
async fn trouble(key: &mut GlobalKey) -> String {
    match key.next().await {
        Some(GlobalKeyEvent::State(GlobalKeyState::NotPossible { why, hint })) => {
            assert_eq!(key.next().await, None, "nothing follows");
            format!("{why} {hint}")
        }
        other => panic!("{other:?}"),
    }
}

async fn asking(key: &mut GlobalKey) {
    let state = GlobalKeyEvent::State(GlobalKeyState::Asking);
    assert_eq!(key.next().await, Some(state));
}

/// A key that works, and its portal.
async fn working(bus: &Bus) -> (GlobalKey, Portal) {
    let mut portal = Portal::on(bus).await;
    let mut key = key_on(&bus, "Ctrl+F9");
    asking(&mut key).await;
    let call = portal.grant().await;
    assert_eq!(call.trigger.as_deref(), Some("CTRL+F9"));
    let Some(GlobalKeyEvent::State(GlobalKeyState::Works { called })) = key.next().await else {
        panic!("it does not work");
    };
    let called = called.expect("it is called");
    assert!(called.contains("F9"), "{called:?}");
    (key, portal)
}

/// The same, with the key down.
async fn held(bus: &Bus) -> (GlobalKey, Portal) {
    let (mut key, portal) = working(bus).await;
    portal.change("Activated", SESSION, "talk").await;
    assert_eq!(key.next().await, Some(GlobalKeyEvent::Down));
    (key, portal)
}

#[tokio::test]
async fn each_press_and_release_arrives_once() {
    let bus = Bus::new();
    let (mut key, portal) = working(&bus).await;
    for _ in 0..100 {
        portal.change("Activated", SESSION, "talk").await;
        // Repeated, of another key, of another session: none is ours.
        portal.change("Activated", SESSION, "talk").await;
        portal.change("Deactivated", SESSION, "other").await;
        portal.change("Deactivated", PATH, "talk").await;
        portal.change("Deactivated", SESSION, "talk").await;
        assert_eq!(key.next().await, Some(GlobalKeyEvent::Down));
        assert_eq!(key.next().await, Some(GlobalKeyEvent::Up));
    }
    let client = portal.client.clone();
    assert!(!key.stop().await, "it is up");
    // The portal ends a session with its client.
    let owned = || async {
        let (bus, name) = ("org.freedesktop.DBus", (client.as_str(),));
        let asked = portal.connection.call_method(
            Some(bus),
            "/org/freedesktop/DBus",
            Some(bus),
            "NameHasOwner",
            &name,
        );
        let answer = asked.await.expect("answered");
        answer.body().deserialize::<bool>().expect("a truth")
    };
    while owned().await {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_is_not_the_portal_presses_nothing() {
    let bus = Bus::new();
    let (mut key, portal) = working(&bus).await;
    let stranger = connection::Builder::address(bus.address.as_str()).expect("an address");
    let stranger = Portal {
        connection: stranger.build().await.expect("on the bus"),
        calls: mpsc::channel(1).1,
        client: portal.client.clone(),
    };
    stranger.change("Activated", SESSION, "talk").await;
    let closed = "org.freedesktop.portal.Session";
    stranger.emit(SESSION, closed, "Closed", &()).await;
    // The bus keeps the order of those who wait for its answer.
    portal.change("Deactivated", SESSION, "talk").await;
    portal.emit(SESSION, closed, "Closed", &()).await;
    assert!(trouble(&mut key).await.contains("has ended it"));
}

#[tokio::test]
async fn a_hold_ends_with_the_session_the_portal_and_the_bus() {
    let mut bus = Bus::new();
    let (mut key, portal) = held(&bus).await;
    let closed = "org.freedesktop.portal.Session";
    portal.emit(SESSION, closed, "Closed", &()).await;
    assert_eq!(key.next().await, Some(GlobalKeyEvent::Up));
    assert!(trouble(&mut key).await.contains("Try again"));
    drop(portal);

    let bus_of_portal = Bus::new();
    let (mut key, portal) = held(&bus_of_portal).await;
    portal.connection.close().await.expect("closed");
    assert_eq!(key.next().await, Some(GlobalKeyEvent::Up));
    assert!(trouble(&mut key).await.contains("has ended"));

    let (mut key, _portal) = held(&bus).await;
    bus.end();
    assert_eq!(key.next().await, Some(GlobalKeyEvent::Up));
    trouble(&mut key).await;
}

#[tokio::test]
async fn a_key_that_is_given_up_while_it_is_down_says_so() {
    let bus = Bus::new();
    let (key, _portal) = held(&bus).await;
    assert!(key.stop().await);
}

#[tokio::test]
async fn without_bus_or_portal_the_commands_are_named() {
    let mut bus = Bus::new();
    let mut key = key_on(&bus, "F9");
    asking(&mut key).await;
    let told = trouble(&mut key).await;
    assert!(
        told.contains("no keys for all windows") && told.contains("`sovereign press`"),
        "{told}"
    );
    bus.end();
    let mut key = key_on(&bus, "F9");
    asking(&mut key).await;
    let told = trouble(&mut key).await;
    assert!(
        told.contains("bus does not answer") && told.contains("`sovereign press`"),
        "{told}"
    );
    let told = trouble(&mut key_on(&bus, "Mouse8")).await;
    assert!(told.contains("no buttons of the mouse"), "{told}");
}

#[tokio::test]
async fn a_refusal_and_answers_that_make_no_sense_are_told() {
    let bus = Bus::new();
    let mut portal = Portal::on(&bus).await;
    for (code, told) in [(1, "refused"), (2, "fault"), (77, "fault")] {
        let mut key = key_on(&bus, "F9");
        asking(&mut key).await;
        let call = portal.grant_session().await;
        portal.respond(&call, code, HashMap::new()).await;
        let words = trouble(&mut key).await;
        assert!(words.contains(told), "{code}: {words}");
    }
    for results in [
        HashMap::new(),
        HashMap::from([("session_handle", Value::from(7_u32))]),
        HashMap::from([("session_handle", Value::from("no path"))]),
    ] {
        let mut key = key_on(&bus, "F9");
        asking(&mut key).await;
        let call = portal.called("CreateSession").await;
        portal.respond(&call, 0, results).await;
        assert!(trouble(&mut key).await.contains("fault"));
    }
    // An answer of another shape altogether.
    let mut key = key_on(&bus, "F9");
    asking(&mut key).await;
    let call = portal.called("CreateSession").await;
    let interface = "org.freedesktop.portal.Request";
    portal
        .emit(&call.request, interface, "Response", &("what?",))
        .await;
    assert!(trouble(&mut key).await.contains("fault"));
    // That the key is bound is enough: not every desktop tells what it calls it.
    let mut key = key_on(&bus, "F9");
    asking(&mut key).await;
    let call = portal.grant_session().await;
    portal.respond(&call, 0, HashMap::new()).await;
    let works = GlobalKeyState::Works { called: None };
    assert_eq!(key.next().await, Some(GlobalKeyEvent::State(works)));
}

#[tokio::test]
async fn a_portal_is_waited_for_half_a_minute() {
    let bus = Bus::new();
    let mut portal = Portal::on(&bus).await;
    let mut key = key_on(&bus, "F9");
    asking(&mut key).await;
    let call = portal.called("CreateSession").await;
    tokio::time::pause();
    tokio::time::advance(ANSWER_WITHIN - Duration::from_secs(1)).await;
    tokio::time::resume();
    portal.respond(&call, 0, session()).await;
    let call = portal.called("BindShortcuts").await;
    portal.respond(&call, 0, HashMap::new()).await;
    let works = GlobalKeyState::Works { called: None };
    assert_eq!(key.next().await, Some(GlobalKeyEvent::State(works)));

    let mut late = key_on(&bus, "F9");
    asking(&mut late).await;
    let call = portal.called("CreateSession").await;
    tokio::time::pause();
    tokio::time::advance(ANSWER_WITHIN + Duration::from_secs(1)).await;
    tokio::time::resume();
    let told = trouble(&mut late).await;
    assert!(told.contains("in time"), "{told}");
    // An answer after that finds nobody, and does no harm.
    portal.respond(&call, 0, session()).await;
    portal.client = key_client(&mut portal, &bus).await;
    portal.change("Activated", SESSION, "talk").await;
}

/// Another key can be had after all.
async fn key_client(portal: &mut Portal, bus: &Bus) -> String {
    let mut key = key_on(&bus, "F9");
    asking(&mut key).await;
    portal.grant().await;
    assert!(matches!(
        key.next().await,
        Some(GlobalKeyEvent::State(GlobalKeyState::Works { .. }))
    ));
    portal.client.clone()
}
