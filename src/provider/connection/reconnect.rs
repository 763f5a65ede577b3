//! The state of the link to the service, without the link: when to dial, with which handle, how long to wait.
//!
//! ```text
//!              dial()            ready()                 go_away()
//!  Waiting ───────────► Dialling ───────► Ready ──────────────────► GoingAway
//!     ▲  until due         │ lost()         │ lost(), roll()           │ lost(), roll(),
//!     └────────────────────┴────────────────┴──────────────────────────┘ 2 s before the deadline
//! ```
//!
//! A handle that is refused is dropped at once, and a new conversation is begun without waiting.
//!
//! Back-off 0, 0.25, 0.5, 1, 2, 4, 8 s, each multiplied by a random number between 0 and 1 (full jitter, so that clients of
//! one fallen server do not return at once), counted anew once a connection has proved itself: it lived for 5 s, or the
//! service finished a turn. More than 20 attempts in a minute open a breaker of 30 s.
//!
//! All that is for the sake of the service. An attempt that reached nobody is no burden to it: it counts for nothing, and the
//! next one follows after a hundredth of the time without a connection, 0.25 to 8 s.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Waits before the attempts after a loss, before jitter; the last one repeats.
const BACKOFF_MS: [u64; 7] = [0, 250, 500, 1_000, 2_000, 4_000, 8_000];
/// A connection that lives this long has proved itself.
pub const PROOF: Duration = Duration::from_secs(5);
/// Attempts within [`BUDGET_WINDOW`] from which the breaker opens.
const BUDGET: usize = 20;
const BUDGET_WINDOW: Duration = Duration::from_secs(60);
/// How long nothing is tried then.
const BREAKER: Duration = Duration::from_secs(30);
/// The least wait when the service has had enough: quotas are counted by the minute.
const QUOTA_WAIT: Duration = Duration::from_secs(30);
/// An attempt that reached nobody is followed by the next after this part of the time without a connection, …
const OF_OUTAGE: u32 = 100;
/// … but not sooner than this, …
const UNREACHED_LEAST: Duration = Duration::from_millis(250);
/// … nor later.
const UNREACHED_MOST: Duration = Duration::from_secs(8);
/// A connection that is about to be ended is left this long before it: the service closes with 1008 otherwise, in mid-turn.
const ROLL_MARGIN: Duration = Duration::from_secs(2);
/// What a `goAway` without a time is taken for; the service names 50 to 60 s.
const UNNAMED_TIME_LEFT: Duration = Duration::from_secs(10);
/// No connection lasts longer; a clock that counts further may end.
const LONGEST_TIME_LEFT: Duration = Duration::from_secs(24 * 60 * 60);
/// Closes 1011 and the like in a row after which a handle is not trusted any more.
const RESUMES_AFTER_TROUBLE: u32 = 2;

/// Why a connection ended, as far as it matters for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The network: no close frame, or no connection at all.
    Cut,
    /// The network leads nowhere: nobody was reached who could have answered.
    Unreached,
    /// The service said nothing in answer to the setup.
    Silent,
    /// The service stopped answering: an answer is owed, and nothing comes.
    Unanswered,
    /// Only the user can help: key, certificate, address, model, place.
    NeedsUser,
    /// The service has had enough for now.
    Quota,
    /// 1007: the service refuses what was said.
    Refused,
    /// The service does not know the conversation that was to be resumed.
    Handle,
    /// 1008: against a rule of the service.
    Policy,
    /// Any other close: the service's own trouble, or its wish to end.
    Closed,
}

#[derive(Debug)]
pub struct ReconnectPolicy {
    phase: Phase,
    /// The newest handle that can be resumed.
    handle: Option<String>,
    /// Whether the current connection was set up with a handle.
    resumed: bool,
    /// Whether the current or last connection proved itself.
    proven: bool,
    /// Attempts since a connection proved itself.
    attempts: u32,
    /// Those of them that reached nobody.
    unreached: u32,
    /// Since when there has been no connection.
    down_since: Option<Instant>,
    /// Losses of one kind since then.
    policy: u32,
    trouble: u32,
    cut_after_resume: u32,
    /// Connections in a row that stopped answering; a connection that only lives has not proved the contrary.
    unanswered: u32,
    /// When attempts were made, within the window.
    dials: VecDeque<Instant>,
    connections: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `None`: until the user does something.
    Waiting {
        until: Option<Instant>,
    },
    Dialling,
    Ready {
        since: Instant,
    },
    GoingAway {
        since: Instant,
        deadline: Instant,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Call [`ReconnectPolicy::dial`] and connect.
    Dial,
    /// The connection ends within seconds: close it, call [`ReconnectPolicy::lost`] with [`End::Cut`].
    Roll,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Counts from 1 since a connection proved itself.
    pub number: u32,
    /// Where to go on, in the setup.
    pub handle: Option<String>,
}

/// A connection that was set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Counts from 1.
    pub number: u32,
    /// Whether it goes on from a handle.
    pub resumed: bool,
}

impl ReconnectPolicy {
    /// A link that wants to be dialled at once.
    pub fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Waiting { until: Some(now) },
            handle: None,
            resumed: false,
            proven: false,
            attempts: 0,
            unreached: 0,
            down_since: None,
            policy: 0,
            trouble: 0,
            cut_after_resume: 0,
            unanswered: 0,
            dials: VecDeque::with_capacity(BUDGET),
            connections: 0,
        }
    }

    /// When [`ReconnectPolicy::due`] is to be asked again; `None`: not before something happens.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting { until } => until,
            Phase::Dialling => None,
            Phase::Ready { since } => (!self.proven).then(|| since + PROOF),
            Phase::GoingAway { since, deadline } if !self.proven => {
                Some(deadline.min(since + PROOF))
            }
            Phase::GoingAway { deadline, .. } => Some(deadline),
        }
    }

    pub fn due(&mut self, now: Instant) -> Option<Due> {
        match self.phase {
            Phase::Waiting { until: Some(until) } if now >= until => Some(Due::Dial),
            Phase::Ready { since } | Phase::GoingAway { since, .. } => {
                if now >= since + PROOF {
                    self.prove();
                }
                let over =
                    matches!(self.phase, Phase::GoingAway { deadline, .. } if now >= deadline);
                over.then_some(Due::Roll)
            }
            Phase::Waiting { .. } | Phase::Dialling => None,
        }
    }

    pub fn dial(&mut self, now: Instant) -> Attempt {
        if self.dials.len() == BUDGET {
            self.dials.pop_front();
        }
        self.dials.push_back(now);
        self.attempts += 1;
        self.proven = false;
        self.phase = Phase::Dialling;
        self.resumed = self.handle.is_some();
        Attempt {
            number: self.attempts,
            handle: self.handle.clone(),
        }
    }

    /// `setupComplete` was read.
    pub fn ready(&mut self, now: Instant) -> Connection {
        self.phase = Phase::Ready { since: now };
        self.down_since = None;
        self.connections += 1;
        Connection {
            number: self.connections,
            resumed: self.resumed,
        }
    }

    /// The service named a handle. One that cannot be resumed leaves the last one that could.
    pub fn resumption(&mut self, handle: Option<&str>, resumable: bool) {
        if let Some(handle) = handle.filter(|handle| resumable && !handle.is_empty()) {
            self.handle = Some(handle.to_owned());
        }
    }

    /// The service finished a turn: the connection has proved itself.
    pub fn served(&mut self) {
        self.unanswered = 0;
        self.prove();
    }

    /// The service announced the end. Returns how long the connection will last.
    pub fn go_away(&mut self, now: Instant, time_left: Option<Duration>) -> Duration {
        let time_left = time_left
            .unwrap_or(UNNAMED_TIME_LEFT)
            .min(LONGEST_TIME_LEFT);
        let deadline = now + time_left.saturating_sub(ROLL_MARGIN);
        match &mut self.phase {
            Phase::Ready { since } => {
                let since = *since;
                self.phase = Phase::GoingAway { since, deadline };
            }
            Phase::GoingAway {
                deadline: earlier, ..
            } => *earlier = deadline.min(*earlier),
            Phase::Waiting { .. } | Phase::Dialling => {}
        }
        time_left
    }

    /// The connection is gone, or the attempt failed. `random` is uniform in 0.0 to 1.0.
    /// Returns when the next attempt is due; `None`: not before the user does something.
    pub fn lost(&mut self, now: Instant, end: End, random: f64) -> Option<Duration> {
        self.due(now); // it may have proved itself just now
        self.down_since.get_or_insert(now);
        if end == End::Unreached {
            self.dials.pop_back();
            self.unreached += 1;
        }
        let offered = self.resumed && self.handle.is_some();
        let again = self.decide(end);
        // Without the handle that was refused it is another attempt, which nothing speaks against.
        let refused = offered && self.handle.is_none() && matches!(self.phase, Phase::Dialling);
        let at_once = refused && matches!(end, End::Refused | End::Handle | End::Policy);
        let wait = again.then(|| match at_once {
            true => Duration::ZERO,
            false => self.wait(now, end, random),
        });
        self.phase = Phase::Waiting {
            until: wait.map(|wait| now + wait),
        };
        wait
    }

    /// The user does not want to wait.
    pub fn retry_now(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Waiting { .. }) {
            self.phase = Phase::Waiting { until: Some(now) };
        }
    }

    /// The attempt is made once more, in another way: at once, and what was counted against it stands.
    pub fn again(&mut self, now: Instant) {
        self.phase = Phase::Waiting { until: Some(now) };
    }

    /// A planned change: another connection at once, with the newest handle.
    pub fn roll(&mut self, now: Instant) {
        self.again(now);
        self.forgive();
    }

    /// Another endpoint, key or model: another connection at once, and the handle is worth nothing.
    pub fn redial(&mut self, now: Instant) {
        self.handle = None;
        self.roll(now);
    }

    /// Whether to try again by itself; drops the handle where it is to blame.
    fn decide(&mut self, end: End) -> bool {
        let fresh_and_unproven = !self.resumed && !self.proven;
        let was_ready = !matches!(self.phase, Phase::Dialling);
        match end {
            End::NeedsUser => return false,
            // The same setup would be refused again, but a handle may be what is refused.
            End::Refused => {
                self.handle = None;
                return !fresh_and_unproven;
            }
            // A conversation that is not known now will not be known later.
            End::Handle | End::Policy if self.resumed && !was_ready => {
                self.handle = None;
                return true;
            }
            End::Handle | End::Policy => {
                self.policy += 1;
                if self.policy > 1 {
                    self.handle = None;
                }
                return self.policy <= 2;
            }
            End::Closed => {
                self.trouble += 1;
                if self.trouble > RESUMES_AFTER_TROUBLE {
                    self.handle = None;
                }
            }
            End::Cut => {
                self.cut_after_resume += u32::from(self.resumed && was_ready && !self.proven)
            }
            End::Unanswered => {
                self.unanswered += 1;
                if self.unanswered > 1 {
                    self.handle = None;
                }
            }
            End::Silent => {}
            End::Quota | End::Unreached => return true,
        }
        // A conversation that dies within seconds of being restored was restored with what killed it.
        // A cut alone is the network's fault until it happens twice.
        let poisoned =
            end == End::Silent || (end == End::Closed && was_ready) || self.cut_after_resume > 1;
        if self.resumed && !self.proven && poisoned {
            self.handle = None;
        }
        true
    }

    fn wait(&self, now: Instant, end: End, random: f64) -> Duration {
        if end == End::Unreached {
            let down = (self.down_since).map_or(Duration::ZERO, |since| now - since);
            return (down / OF_OUTAGE).clamp(UNREACHED_LEAST, UNREACHED_MOST);
        }
        let spent = |at: &&Instant| now.saturating_duration_since(**at) < BUDGET_WINDOW;
        if self.dials.iter().filter(spent).count() >= BUDGET {
            return BREAKER;
        }
        // A connection that proved itself is restored at once: attempts count from the next one.
        let step =
            usize::try_from(self.attempts.saturating_sub(self.unreached)).unwrap_or(usize::MAX);
        let step = step.min(BACKOFF_MS.len() - 1);
        let wait = Duration::from_millis(BACKOFF_MS[step]).mul_f64(random.clamp(0.0, 1.0));
        if end == End::Quota {
            QUOTA_WAIT + wait
        } else {
            wait
        }
    }

    fn prove(&mut self) {
        self.proven = true;
        self.forgive();
    }

    fn forgive(&mut self) {
        self.attempts = 0;
        self.unreached = 0;
        self.policy = 0;
        self.trouble = 0;
        self.cut_after_resume = 0;
    }
}

#[cfg(test)]
mod tests;
