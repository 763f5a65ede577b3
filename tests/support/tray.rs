//! A tray that a test plays, and what it sees of the icon.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, connection};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";

/// What is waited for comes at once, or never.
pub(crate) async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
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

/// The tray of a desktop, on the session bus.
pub(crate) struct PlayedTray {
    connection: Connection,
    registered: mpsc::Receiver<String>,
    /// The icon, on the bus.
    item: String,
}

impl PlayedTray {
    pub(crate) async fn begin() -> Self {
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

    pub(crate) async fn takes_the_icon(&mut self) {
        let item = soon("the icon", self.registered.recv()).await;
        self.item = item.expect("an icon");
    }

    pub(crate) async fn ends(self) {
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

    /// Which is a method of the icon.
    pub(crate) async fn click(&self, method: &str) {
        self.call(ITEM, method, &(0, 0)).await;
    }

    /// Sides and bytes of the pictures that the tray would draw.
    pub(crate) async fn pictures(&self) -> Vec<(i32, Vec<u8>)> {
        let properties = "org.freedesktop.DBus.Properties";
        let answer = self.call(properties, "Get", &(ITEM, "IconPixmap")).await;
        let value: OwnedValue = answer.body().deserialize().expect("a value");
        let pictures = Vec::<(i32, i32, Vec<u8>)>::try_from(value).expect("pictures");
        let pictures = pictures.into_iter();
        pictures.map(|(side, _, bytes)| (side, bytes)).collect()
    }
}
