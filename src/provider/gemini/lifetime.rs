//! How long connections last. The service announces the end of most; one that is ended in silence teaches when to leave the
//! next ones by oneself, at a pause.

use std::time::Duration;

use tokio::time::Instant;

/// Ends that were seen without an announcement: "around 10 minutes" is the documented life of a connection (guide to session
/// management of the Live API), 58 minutes that of single connections to Gemini 3.8.
const ENDS: [Duration; 2] = [Duration::from_secs(10 * 60), Duration::from_secs(58 * 60)];
/// An end so near to one of these is it, and not a fault of the network.
const NEAR: Duration = Duration::from_secs(15);
/// So long before it a pause is looked for.
const AHEAD: Duration = Duration::from_secs(60);

/// The age of the connection, and the age at which it has to be left.
pub(super) struct Lifetime {
    longest: Duration,
    opened: Option<Instant>,
    /// The end was announced by the service, or is by this.
    announced: bool,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self {
            longest: ENDS[1],
            opened: None,
            announced: false,
        }
    }
}

impl Lifetime {
    pub(super) fn opened(&mut self) {
        (self.opened, self.announced) = (Some(Instant::now()), false);
    }

    /// The service announced the end.
    pub(super) fn announced(&mut self) {
        self.announced = true;
    }

    /// When a pause has to be looked for.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let opened = self.opened.filter(|_| !self.announced)?;
        Some(opened + self.longest - AHEAD)
    }

    /// It is due: gives how long the connection will last.
    pub(super) fn leave(&mut self) -> Duration {
        self.announced = true;
        AHEAD
    }

    /// The connection is over.
    pub(super) fn closed(&mut self) {
        let Some(opened) = self.opened.take() else {
            return;
        };
        let age = opened.elapsed();
        let is_it = |end: &&Duration| age.abs_diff(**end) <= NEAR;
        if let Some(end) = ENDS.iter().find(is_it).filter(|_| !self.announced) {
            self.longest = *end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the next connection would be left, after one that ended at this age.
    async fn after(minutes: f64, announced: bool) -> Option<Duration> {
        let mut lifetime = Lifetime::default();
        lifetime.opened();
        if announced {
            lifetime.announced();
        }
        tokio::time::advance(Duration::from_secs_f64(minutes * 60.0)).await;
        lifetime.closed();
        assert_eq!(lifetime.due_at(), None, "there is none");
        lifetime.opened();
        lifetime.due_at().map(|at| at - Instant::now())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_end_is_left_a_minute_ahead_the_next_time() {
        let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
        assert_eq!(after(10.1, false).await, minutes(9));
        assert_eq!(after(9.9, false).await, minutes(9));
        assert_eq!(after(58.0, false).await, minutes(57));
        assert_eq!(
            after(7.0, false).await,
            minutes(57),
            "a fault of the network"
        );
        assert_eq!(after(10.0, true).await, minutes(57), "it was announced");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_once() {
        let mut lifetime = Lifetime::default();
        lifetime.opened();
        tokio::time::advance(Duration::from_secs(57 * 60)).await;
        assert!(lifetime.due_at().is_some_and(|at| at <= Instant::now()));
        assert_eq!(lifetime.leave(), AHEAD);
        assert_eq!(lifetime.due_at(), None);
    }
}
