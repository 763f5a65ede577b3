//! Why nobody can be talked to, in the words that window, terminal and doctor use alike.

use super::snapshot::{Link, Snapshot};
use crate::base::text::t;

impl Snapshot {
    /// Why nobody can be talked to, in the words that every face uses; `None` while somebody can.
    #[must_use]
    pub fn no_link(&self) -> Option<String> {
        let is_first = !self.was_connected;
        match &self.link {
            Link::Connected { .. } => None,
            Link::Connecting { .. } if is_first => Some(t!("connecting-to", place = self.place)),
            Link::Connecting { .. } => Some(t!("connecting-to-again", place = self.place)),
            Link::Down { retry_at, .. } => {
                Some(unreached(&self.place, is_first, retry_at.is_some()))
            }
        }
    }
}

/// The state of a link that is down. `is_first`: there was no connection before. `again`: it is tried again by itself.
#[must_use]
pub fn unreached(place: &str, is_first: bool, again: bool) -> String {
    match (is_first, again) {
        (true, true) => t!("cannot-connect-to-yet", place),
        (true, false) => t!("cannot-connect-to", place),
        (false, true) => t!("connection-to-lost", place),
        (false, false) => t!("not-connected-to", place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_never_was_is_not_called_lost() {
        let words = |was_connected, retry_at: Option<std::time::Instant>| {
            let snapshot = Snapshot {
                place: "live.example".into(),
                was_connected,
                link: Link::Down {
                    what: String::new(),
                    hint: String::new(),
                    retry_at,
                    key_refused: false,
                },
                ..Snapshot::default()
            };
            snapshot.no_link().expect("it is down")
        };
        let soon = Some(std::time::Instant::now());
        assert_eq!(words(false, soon), "Cannot connect to live.example yet");
        assert_eq!(words(false, None), "Cannot connect to live.example");
        assert_eq!(words(true, soon), "Connection to live.example lost");
        assert_eq!(words(true, None), "Not connected to live.example");
        let first = Snapshot {
            place: "live.example".into(),
            ..Snapshot::default()
        };
        assert_eq!(
            first.no_link().as_deref(),
            Some("Connecting to live.example")
        );
    }
}
