//! A desktop that a test plays, which calls the player as its media keys are pressed.

use zbus::{Connection, Proxy, connection};

const NAME: &str = "org.mpris.MediaPlayer2.sovereign";
const PATH: &str = "/org/mpris/MediaPlayer2";
const PLAYER: &str = "org.mpris.MediaPlayer2.Player";

/// The desktop, on the bus at an address.
pub(crate) struct PlayedDesktop(Connection);

impl PlayedDesktop {
    pub(crate) async fn on(address: &str) -> Self {
        let desktop = connection::Builder::address(address).expect("an address");
        Self(desktop.build().await.expect("the bus"))
    }

    /// Whether there is a player that took the key.
    pub(crate) async fn press(&self, key: &str) -> bool {
        self.call(PLAYER, key).await
    }

    /// Whether there is a player that was asked to show itself.
    pub(crate) async fn raise(&self) -> bool {
        self.call("org.mpris.MediaPlayer2", "Raise").await
    }

    async fn call(&self, interface: &str, method: &str) -> bool {
        let call = self
            .0
            .call_method(Some(NAME), PATH, Some(interface), method, &());
        call.await.is_ok()
    }

    /// What the player says it is doing.
    pub(crate) async fn status(&self) -> String {
        let player = Proxy::new(&self.0, NAME, PATH, PLAYER).await;
        let player = player.expect("a player");
        let status = player.get_property("PlaybackStatus").await;
        status.expect("a status")
    }
}
