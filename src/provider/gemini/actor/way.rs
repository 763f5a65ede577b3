//! What becomes of the way to the service, and of the age of a connection.

use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use super::Actor;
use super::state::ConnectionState;
use crate::provider::ProviderEvent;
use crate::provider::connection::fault::Fault;
use crate::provider::gemini::way_watch::WayNews;

impl Actor {
    /// The way may have become longer, may be another one, or may be gone; where there is none, there may be one again.
    pub(super) fn look_at_way(&mut self) {
        let ConnectionState::Open(socket) = &self.state else {
            // What only the user can mend is not tried again.
            if self.way.look_for_way() && self.link.poll_timeout().is_some() {
                info!("the network has changed");
                self.link.retry_now(Instant::now().into_std());
            }
            return;
        };
        let speaking = self.uplink.is_speaking();
        match self.way.look(&self.counters.link, socket, speaking) {
            Some(WayNews::Stalled(stalled)) => {
                self.outbox.push_back(ProviderEvent::Stalled(stalled));
            }
            Some(WayNews::Moved) => {
                info!("the network has changed: another connection at the next pause");
                let time_left = Duration::from_secs(60);
                self.outbox
                    .push_back(ProviderEvent::GoingAway { time_left });
            }
            Some(WayNews::Gone) => self.lost(Fault::network_gone()),
            None => {}
        }
    }

    /// The service has not told that it will end this connection, and is about to.
    pub(super) fn announce_end(&mut self) {
        let time_left = self.lifetime.leave();
        self.outbox
            .push_back(ProviderEvent::GoingAway { time_left });
    }
}
