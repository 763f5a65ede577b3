//! Whether the screen is locked: what screen savers say on the session bus, and logind on the system bus.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, SelectAll};
use tokio::time::timeout;
use zbus::message::Type;
use zbus::zvariant::{OwnedObjectPath, OwnedValue};
use zbus::{Connection, MatchRule, MessageStream, connection};

/// A bus that has not answered by then is not listened to.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Interfaces with a signal `ActiveChanged`: of KDE Plasma and others, and of GNOME.
const SAVERS: [&str; 2] = ["org.freedesktop.ScreenSaver", "org.gnome.ScreenSaver"];
const LOGIND: &str = "org.freedesktop.login1";
const SESSION: &str = "org.freedesktop.login1.Session";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// Who says that it is locked: one of the savers, or logind.
const SOURCES: usize = SAVERS.len() + 1;

/// Listens to all who know.
pub struct ScreenLock {
    told: SelectAll<BoxStream<'static, (usize, bool)>>,
    locked: [bool; SOURCES],
}

impl ScreenLock {
    /// Listens to those who are there. Takes some seconds where a bus is silent.
    pub async fn find() -> Self {
        Self::on(
            connection::Builder::session(),
            connection::Builder::system(),
        )
        .await
    }

    async fn on(
        session: zbus::Result<connection::Builder<'_>>,
        system: zbus::Result<connection::Builder<'_>>,
    ) -> Self {
        let mut told = SelectAll::new();
        let (savers, logind) = tokio::join!(
            timeout(ANSWER_WITHIN, savers(session)),
            timeout(ANSWER_WITHIN, logind(system)),
        );
        match savers {
            Ok(Ok(savers)) => told.push(savers),
            Ok(Err(error)) => tracing::debug!(%error, "no screen saver is listened to"),
            Err(_) => tracing::debug!("no screen saver is listened to: the bus is silent"),
        }
        match logind {
            Ok(Ok(logind)) => told.push(logind),
            Ok(Err(error)) => tracing::debug!(%error, "logind is not listened to"),
            Err(_) => tracing::debug!("logind is not listened to: the bus is silent"),
        }
        Self {
            told,
            locked: [false; SOURCES],
        }
    }

    /// Waits until the screen is locked (true) or unlocked; `None` when nobody is left who could say so.
    pub async fn next(&mut self) -> Option<bool> {
        while let Some((source, locked)) = self.told.next().await {
            let before = self.locked.contains(&true);
            self.locked[source] = locked;
            let now = self.locked.contains(&true);
            if now != before {
                return Some(now);
            }
        }
        None
    }
}

/// One stream for all of them: it keeps the order in which they speak.
async fn savers(
    bus: zbus::Result<connection::Builder<'_>>,
) -> zbus::Result<BoxStream<'static, (usize, bool)>> {
    let bus = bus?.build().await?;
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .member("ActiveChanged")?
        .build();
    let signals = MessageStream::for_match_rule(rule, &bus, Some(8)).await?;
    let told_by = |signal: zbus::Result<zbus::Message>| {
        let told = signal.ok().and_then(|signal| active_changed(&signal));
        std::future::ready(told)
    };
    Ok(signals.filter_map(told_by).boxed())
}

fn active_changed(signal: &zbus::Message) -> Option<(usize, bool)> {
    let header = signal.header();
    let interface = header.interface()?;
    let source = SAVERS.iter().position(|saver| interface == saver)?;
    Some((source, signal.body().deserialize().ok()?))
}

/// The hint of the session, which the desktop sets. The signals `Lock` and `Unlock` are requests to it: none follows when the
/// user unlocks the screen.
async fn logind(
    bus: zbus::Result<connection::Builder<'_>>,
) -> zbus::Result<BoxStream<'static, (usize, bool)>> {
    let bus = bus?.build().await?;
    let path = session_of(&bus).await?;
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .path(path)?
        .interface(PROPERTIES)?
        .member("PropertiesChanged")?
        .build();
    let signals = MessageStream::for_match_rule(rule, &bus, Some(8)).await?;
    let told_by = |signal: zbus::Result<zbus::Message>| {
        let changed = signal.ok().and_then(|signal| locked_hint(&signal));
        std::future::ready(changed.map(|locked| (SAVERS.len(), locked)))
    };
    Ok(signals.filter_map(told_by).boxed())
}

async fn session_of(bus: &Connection) -> zbus::Result<OwnedObjectPath> {
    let manager = "org.freedesktop.login1.Manager";
    let path = "/org/freedesktop/login1";
    let asked = bus.call_method(Some(LOGIND), path, Some(manager), "GetSession", &"auto");
    asked.await?.body().deserialize()
}

fn locked_hint(signal: &zbus::Message) -> Option<bool> {
    let body = signal.body();
    let (interface, mut changed, _): (String, HashMap<String, OwnedValue>, Vec<String>) =
        body.deserialize().ok()?;
    let hint = changed.remove("LockedHint")?;
    (interface == SESSION).then(|| bool::try_from(hint).ok())?
}

#[cfg(test)]
mod tests {
    use zbus::zvariant::Value;

    use super::super::bus::Bus;
    use super::*;

    const PATH: &str = "/org/freedesktop/login1/session/_31";

    fn at(bus: &Bus) -> zbus::Result<connection::Builder<'_>> {
        connection::Builder::address(&*bus.address)
    }

    /// What the test says to the bus, in the place of the desktop.
    async fn desktop(bus: &Bus) -> Connection {
        let desktop = at(bus).expect("an address").name(LOGIND).expect("a name");
        let desktop = desktop.serve_at("/org/freedesktop/login1", Manager);
        desktop.expect("a path").build().await.expect("the bus")
    }

    /// The next change; a test that waits for none that comes fails.
    async fn next(lock: &mut ScreenLock) -> Option<bool> {
        let next = timeout(Duration::from_secs(30), lock.next());
        next.await.expect("told in time")
    }

    struct Manager;

    #[zbus::interface(name = "org.freedesktop.login1.Manager")]
    impl Manager {
        #[expect(clippy::unused_self, reason = "a method of the bus")]
        fn get_session(&self, id: &str) -> zbus::fdo::Result<OwnedObjectPath> {
            assert_eq!(id, "auto");
            Ok(OwnedObjectPath::try_from(PATH).expect("a path"))
        }
    }

    async fn hint(desktop: &Connection, locked: bool) {
        let changed = HashMap::from([("LockedHint", Value::from(locked))]);
        let body = (SESSION, changed, Vec::<String>::new());
        let name = "PropertiesChanged";
        let sent = desktop.emit_signal(None::<&str>, PATH, PROPERTIES, name, &body);
        sent.await.expect("sent");
    }

    async fn saver(desktop: &Connection, interface: &str, active: bool) {
        let (path, name) = ("/ScreenSaver", "ActiveChanged");
        let sent = desktop.emit_signal(None::<&str>, path, interface, name, &active);
        sent.await.expect("sent");
    }

    #[tokio::test]
    async fn screen_savers_and_logind_are_believed_and_the_last_to_unlock_counts() {
        let bus = Bus::new();
        let desktop = desktop(&bus).await;
        let mut lock = ScreenLock::on(at(&bus), at(&bus)).await;
        // What else is said there is nothing to it.
        saver(&desktop, "org.example.ScreenSaver", true).await;
        for interface in SAVERS {
            saver(&desktop, interface, true).await;
            assert_eq!(next(&mut lock).await, Some(true), "{interface}");
            saver(&desktop, interface, false).await;
            assert_eq!(next(&mut lock).await, Some(false), "{interface}");
        }
        hint(&desktop, true).await;
        assert_eq!(next(&mut lock).await, Some(true));
        hint(&desktop, false).await;
        assert_eq!(next(&mut lock).await, Some(false));
        for interface in SAVERS {
            saver(&desktop, interface, true).await;
        }
        assert_eq!(next(&mut lock).await, Some(true));
        for interface in SAVERS {
            saver(&desktop, interface, false).await;
        }
        assert_eq!(next(&mut lock).await, Some(false), "both have unlocked");
    }

    #[tokio::test]
    async fn when_the_buses_end_nobody_is_left() {
        let mut bus = Bus::new();
        let _desktop = desktop(&bus).await;
        let mut lock = ScreenLock::on(at(&bus), at(&bus)).await;
        bus.end();
        assert_eq!(next(&mut lock).await, None);
    }

    #[tokio::test]
    async fn without_a_bus_nothing_is_waited_for() {
        let nowhere = || connection::Builder::address("unix:path=/nowhere/bus");
        let mut lock = ScreenLock::on(nowhere(), nowhere()).await;
        assert_eq!(next(&mut lock).await, None);
    }
}
