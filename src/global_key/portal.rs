//! The key through the GlobalShortcuts portal of a Wayland desktop.
//!
//! ```text
//! CreateSession ─▶ Response ─▶ BindShortcuts ─▶ Response ─▶ Activated, Deactivated … until Session.Closed, or the portal
//!                              (the desktop may ask the user)                          or the bus is gone
//! ```
//!
//! The futures of zbus run by its own thread and need no runtime; the time limits are those of ours.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use futures_util::StreamExt as _;
use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;
use tokio::time::timeout;
use zbus::message::{Body, Type};
use zbus::zvariant::{ObjectPath, OwnedValue, Value};
use zbus::{Connection, Message, MessageStream, connection};

use super::event::{GlobalKeyEvent, GlobalKeyState};
use crate::base::chord::Chord;
use crate::base::printable::in_a_line;
use crate::base::sleep::SleepWatch;
use crate::base::text::t;

/// The portal must answer within this time.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// The desktop may ask the user whether this program may have the key.
const CONSENT_WITHIN: Duration = Duration::from_mins(3);
/// While the key is down, it is looked so often whether the system has slept.
const LOOK_EVERY: Duration = Duration::from_millis(500);

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const SHORTCUTS: &str = "org.freedesktop.portal.GlobalShortcuts";
const SESSION: &str = "org.freedesktop.portal.Session";
const BUS: &str = "org.freedesktop.DBus";
/// What this program calls itself, in the window too.
const APP: &str = "sovereign";
/// What it calls the key.
const TALK: &str = "talk";

type Options<'a> = HashMap<&'a str, Value<'a>>;

/// Listens until `stopped` is dropped, or the portal ends the key.
pub(super) async fn run(
    chord: &Chord,
    bus: Option<&str>,
    events: &Sender<GlobalKeyEvent>,
    stopped: oneshot::Receiver<()>,
) {
    let mut is_down = false;
    tokio::select! {
        Err(state) = listen(chord, bus, events, &mut is_down) => {
            if is_down {
                events.send(GlobalKeyEvent::Up).await.ok();
            }
            events.send(GlobalKeyEvent::State(state)).await.ok();
        }
        // Its connection ends with the session.
        _ = stopped => {}
    }
}

/// Whether the desktop has such a portal; nothing is asked of it.
pub(super) async fn look(chord: &Chord) -> GlobalKeyState {
    let looked = async {
        trigger(chord)?;
        let portal = Portal::connect(None).await?;
        let version = (SHORTCUTS, "version");
        let properties = "org.freedesktop.DBus.Properties";
        let asked = portal.call(PORTAL, (PATH, properties), "Get", &version);
        // What is not there has no version either, whatever the error is called.
        asked.await.map_err(|_| no_portal())
    };
    match looked.await {
        Ok(_) => GlobalKeyState::Works { called: None },
        Err(state) => state,
    }
}

/// The chord as the portal writes it.
fn trigger(chord: &Chord) -> Result<String, GlobalKeyState> {
    chord.xdg().ok_or_else(|| GlobalKeyState::NotPossible {
        why: t!("global-key-no-mouse").to_owned(),
        hint: t!("global-key-choose-another").to_owned(),
    })
}

/// Asks for the key and listens; ends with the reason why there is none any more.
async fn listen(
    chord: &Chord,
    bus: Option<&str>,
    events: &Sender<GlobalKeyEvent>,
    is_down: &mut bool,
) -> Result<(), GlobalKeyState> {
    let trigger = trigger(chord)?;
    events
        .send(GlobalKeyEvent::State(GlobalKeyState::Asking))
        .await
        .ok();
    let mut portal = Portal::connect(bus).await?;
    let called = portal.bind(&trigger).await?;
    let works = GlobalKeyState::Works { called };
    events.send(GlobalKeyEvent::State(works)).await.ok();
    loop {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let watch = SleepWatch::begin(now, wall, now + LOOK_EVERY);
        let change = if *is_down {
            let change = timeout(LOOK_EVERY, portal.change()).await;
            if watch.slept(Instant::now(), SystemTime::now()) {
                *is_down = false;
                events.send(GlobalKeyEvent::Up).await.ok();
            }
            match change {
                Ok(change) => change?,
                Err(_) => continue,
            }
        } else {
            portal.change().await?
        };
        if change != *is_down {
            *is_down = change;
            let event = if change {
                GlobalKeyEvent::Down
            } else {
                GlobalKeyEvent::Up
            };
            events.send(event).await.ok();
        }
    }
}

struct Portal {
    connection: Connection,
    signals: MessageStream,
    /// The unique name of the portal: others may not speak for it.
    owner: String,
    session: String,
}

impl Portal {
    async fn connect(bus: Option<&str>) -> Result<Self, GlobalKeyState> {
        let connecting = async {
            let builder = match bus {
                Some(address) => connection::Builder::address(address)?,
                None => connection::Builder::session()?,
            };
            builder.build().await
        };
        let connection = match timeout(ANSWER_WITHIN, connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                return Err(GlobalKeyState::NotPossible {
                    why: t!("global-key-no-bus", error = line(&error)),
                    hint: t!("global-key-bind-commands").to_owned(),
                });
            }
            Err(_) => return Err(silent()),
        };
        let mut this = Self {
            signals: MessageStream::from(&connection),
            connection,
            owner: String::new(),
            session: String::new(),
        };
        for rule in [
            format!("type='signal',sender='{PORTAL}'"),
            format!("type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{PORTAL}'"),
        ] {
            this.call(BUS, ("/org/freedesktop/DBus", BUS), "AddMatch", &(rule,))
                .await?;
        }
        // A desktop that asks for the name of the program takes it so; an older one has no such call.
        let names: (&str, Options<'_>) = (APP, HashMap::new());
        let registry = "org.freedesktop.host.portal.Registry";
        this.call(PORTAL, (PATH, registry), "Register", &names)
            .await
            .ok();
        let owner = this
            .call(
                BUS,
                ("/org/freedesktop/DBus", BUS),
                "GetNameOwner",
                &(PORTAL,),
            )
            .await?;
        this.owner = owner.body().deserialize().map_err(|error| fault(&error))?;
        Ok(this)
    }

    /// Asks for a session and in it for the key; gives what the desktop calls it.
    async fn bind(&mut self, trigger: &str) -> Result<Option<String>, GlobalKeyState> {
        let create = HashMap::from([
            ("handle_token", Value::from("sovereign1")),
            ("session_handle_token", Value::from("sovereign")),
        ]);
        let mut results = self
            .ask("CreateSession", "sovereign1", &(create,), ANSWER_WITHIN)
            .await?;
        let session = results.remove("session_handle").map(Value::from);
        self.session = match session {
            Some(Value::Str(path)) => path.to_string(),
            Some(Value::ObjectPath(path)) => path.to_string(),
            _ => return Err(fault(&"CreateSession")),
        };
        let session = self.session.clone();
        let path = ObjectPath::try_from(session.as_str()).map_err(|error| fault(&error))?;
        let wish: Options<'_> = HashMap::from([
            ("description", Value::from(t!("global-key-description"))),
            ("preferred_trigger", Value::from(trigger)),
        ]);
        let options: Options<'_> = HashMap::from([("handle_token", Value::from("sovereign2"))]);
        let bind = (path, vec![(TALK, wish)], "", options);
        let mut results = self
            .ask("BindShortcuts", "sovereign2", &bind, CONSENT_WITHIN)
            .await?;
        let bound: Vec<(String, HashMap<String, OwnedValue>)> = results
            .remove("shortcuts")
            .and_then(|bound| bound.try_into().ok())
            .unwrap_or_default();
        let ours = bound.into_iter().find(|(name, _)| name == TALK);
        let called = ours.and_then(|(_, mut about)| about.remove("trigger_description"));
        let called = called.and_then(|called| String::try_from(called).ok());
        Ok(called
            .map(|called| in_a_line(&called))
            .filter(|called| !called.is_empty()))
    }

    /// A call of the portal that is answered by a signal; its results.
    async fn ask<B: serde::Serialize + zbus::zvariant::DynamicType>(
        &mut self,
        method: &str,
        token: &str,
        body: &B,
        within: Duration,
    ) -> Result<HashMap<String, OwnedValue>, GlobalKeyState> {
        let name = self.connection.unique_name().map(ToString::to_string);
        let name = name.unwrap_or_default();
        let name = name.trim_start_matches(':').replace('.', "_");
        let request = format!("{PATH}/request/{name}/{token}");
        let answer = self.call(PORTAL, (PATH, SHORTCUTS), method, body).await?;
        // Portals of old choose another path.
        let request = answer
            .body()
            .deserialize::<ObjectPath<'_>>()
            .map_or(request, |path| path.to_string());
        let answered = timeout(within, self.response(&request)).await;
        let (code, results) = answered.map_err(|_| silent())??;
        match code {
            0 => Ok(results),
            1 => Err(GlobalKeyState::NotPossible {
                why: t!("global-key-refused").to_owned(),
                hint: t!("global-key-try-again").to_owned(),
            }),
            _ => Err(fault(&format!("{method}: {code}"))),
        }
    }

    async fn response(
        &mut self,
        request: &str,
    ) -> Result<(u32, HashMap<String, OwnedValue>), GlobalKeyState> {
        loop {
            let message = self.signal().await?;
            let header = message.header();
            if header.path().is_some_and(|path| path.as_str() == request)
                && header
                    .member()
                    .is_some_and(|member| member.as_str() == "Response")
            {
                return message.body().deserialize().map_err(|error| fault(&error));
            }
        }
    }

    /// Whether the key went down (true) or up.
    async fn change(&mut self) -> Result<bool, GlobalKeyState> {
        loop {
            let message = self.signal().await?;
            let header = message.header();
            let down = match header.member().map(|member| member.as_str()) {
                Some("Activated") => true,
                Some("Deactivated") => false,
                Some("Closed")
                    if header
                        .interface()
                        .is_some_and(|name| name.as_str() == SESSION)
                        && header
                            .path()
                            .is_some_and(|path| path.as_str() == self.session) =>
                {
                    return Err(GlobalKeyState::NotPossible {
                        why: t!("global-key-ended").to_owned(),
                        hint: t!("global-key-try-again").to_owned(),
                    });
                }
                _ => continue,
            };
            if is_ours(&message.body(), &self.session) {
                return Ok(down);
            }
        }
    }

    /// The next signal of the portal; an error when it, or the bus, is gone.
    async fn signal(&mut self) -> Result<Message, GlobalKeyState> {
        while let Some(message) = self.signals.next().await {
            let message = message.map_err(|error| fault(&error))?;
            let header = message.header();
            if header.message_type() != Type::Signal {
                continue;
            }
            let sender = header.sender().map(|sender| sender.as_str());
            if sender == Some(BUS)
                && header
                    .member()
                    .is_some_and(|member| member.as_str() == "NameOwnerChanged")
            {
                return Err(gone());
            }
            if sender == Some(self.owner.as_str()) {
                drop(header);
                return Ok(message);
            }
        }
        Err(gone())
    }

    async fn call<B: serde::Serialize + zbus::zvariant::DynamicType>(
        &self,
        name: &str,
        (path, interface): (&str, &str),
        method: &str,
        body: &B,
    ) -> Result<Message, GlobalKeyState> {
        let call = self
            .connection
            .call_method(Some(name), path, Some(interface), method, body);
        match timeout(ANSWER_WITHIN, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(zbus::Error::MethodError(error, ..))) if is_missing(error.as_str()) => {
                Err(no_portal())
            }
            Ok(Err(error)) => Err(fault(&error)),
            Err(_) => Err(silent()),
        }
    }
}

/// Whether an error says that there is no such portal on this desktop.
fn is_missing(error: &str) -> bool {
    let name = error.rsplit('.').next().unwrap_or_default();
    matches!(
        name,
        "ServiceUnknown"
            | "NameHasNoOwner"
            | "UnknownMethod"
            | "UnknownInterface"
            | "UnknownObject"
    )
}

/// Whether the signal reports a change of our shortcut.
fn is_ours(body: &Body, session: &str) -> bool {
    type Change = (
        zbus::zvariant::OwnedObjectPath,
        String,
        u64,
        HashMap<String, OwnedValue>,
    );
    body.deserialize::<Change>()
        .is_ok_and(|(path, name, ..)| path.as_str() == session && name == TALK)
}

fn no_portal() -> GlobalKeyState {
    GlobalKeyState::NotPossible {
        why: t!("global-key-no-portal").to_owned(),
        hint: t!("global-key-bind-commands").to_owned(),
    }
}

fn silent() -> GlobalKeyState {
    GlobalKeyState::NotPossible {
        why: t!("global-key-silent").to_owned(),
        hint: t!("global-key-try-again").to_owned(),
    }
}

fn gone() -> GlobalKeyState {
    GlobalKeyState::NotPossible {
        why: t!("global-key-gone").to_owned(),
        hint: t!("global-key-try-again").to_owned(),
    }
}

fn fault(error: &dyn std::fmt::Display) -> GlobalKeyState {
    GlobalKeyState::NotPossible {
        why: t!("global-key-fault", error = line(error)),
        hint: t!("global-key-bind-commands").to_owned(),
    }
}

/// The words of another program, for a line of ours.
fn line(error: &dyn std::fmt::Display) -> String {
    in_a_line(&error.to_string())
}
