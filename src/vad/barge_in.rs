//! Barge-in: decides whether speech over a reply is an interruption, or a cough, a key press, an "uh-huh". Pure: time
//! comes with the frames.
//!
//! ```text
//!                voiced for 20 ms            the segmenter's onset           goes on longer than a backchannel
//!      ┌─────┐ ─────────────────▶ ┌───────┐ ─────────────────▶ ┌───────┐ ─────────────────────────▶ ┌───────┐
//!      │quiet│       duck         │suspect│       pause        │holding│     its events go out      │passing│
//!      └─────┘ ◀───────────────── └───────┘                    └───────┘                            └───────┘
//!         ▲          restore, unvoiced for 150 ms                  │                                    │
//!         ├──────────── restore, and the events are dropped ◀──────┘ over sooner                        │
//!         └─────────────────────────────────────────────────────────────────────────────────────────────┘ ended
//! ```
//!
//! While undecided, the whole utterance is kept here: if it is an interruption, nothing of it is missing, from its
//! pre-roll on. The reply pauses and continues from the same position, so nothing of it is lost either.
//!
//! The player drops the reply when the utterance is released. If that does not happen (the reply had just ended), the
//! rest of it is restored after a moment.
//!
//! After the end of a reply its echo is still in the room, and what a canceller leaves of it may pass for a voice.
//! Speech that starts then must last too, though not as long: a "yes" is no echo.
//!
//! Continuous noise is no voice: a suspicion without an onset is dropped after half a second.
//!
//! Length is the only criterion, so a single "stop" may pass for an "uh-huh". People then repeat it: a second sound
//! soon after the first is accepted as soon as it is longer than a cough or residual echo.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use super::event::SpeechEvent;
use crate::base::frame::Frame;

/// Voiced frames after which the reply is ducked: two, one of which could be a click.
const SUSPECT_FRAMES: u32 = 2;
/// Voiced frames after which the reply pauses if it cannot reach the microphone: 40 ms, less than a syllable.
const PAUSE_FRAMES: u32 = 4;
/// Window for both.
const WINDOW: u32 = 6;
/// Silence after which a suspicion is dropped: longer than the stops inside words.
const UNVOICED: Duration = Duration::from_millis(150);
/// Time after which a suspicion without an utterance is noise: the reply continues, and the noise is ignored until it
/// stops.
const DOUBT: Duration = Duration::from_millis(500);
/// Silence after which an utterance no longer than a backchannel is over. Syllables of an "uh-huh" are about 100 ms
/// apart.
const OVER: Duration = Duration::from_millis(200);
/// Longest gap between voiced frames that counts as voice: dips inside a syllable.
const MOST_BETWEEN: Duration = Duration::from_millis(20);
/// Time after which a reply that an utterance did not end is restored: dropping it takes some milliseconds.
const NOT_DROPPED: Duration = Duration::from_millis(300);
/// Length of voice from which a sound in the tail of a reply is speech. Residual echo on the rig, 60 ms behind replies,
/// lasted 150 ms at most.
const NO_ECHO: Duration = Duration::from_millis(200);
/// Time within which a second sound after a dropped one counts as meant.
const AGAIN_WITHIN: Duration = Duration::from_millis(1_500);

/// An action on the reply that plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyAction {
    /// Lower the reply.
    Duck,
    /// Pause.
    Pause,
    /// Restore the reply.
    Restore,
}

/// The context of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BargeInContext {
    /// The detector is positive, and the frame is above the noise.
    pub voiced: bool,
    /// A reply sounds or pauses, and speech may interrupt it.
    pub playing: bool,
    /// No reply sounds, but its echo may still be in the room.
    pub tail: bool,
    /// The reply cannot reach the microphone: suspicions may be acted on sooner.
    pub apart: bool,
    /// Last voiced sample of the open utterance, by level, without the detector's tail.
    pub last_voiced: Option<Instant>,
}

/// Amount of voice without pauses: two coughs are 300 ms, however far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Voice {
    amount: Duration,
    until: Instant,
}

impl Voice {
    fn since(first_voiced: Instant, around: BargeInContext) -> Self {
        let until = around.last_voiced.unwrap_or(first_voiced);
        Self {
            amount: until.saturating_duration_since(first_voiced),
            until,
        }
    }

    fn goes_on(self, around: BargeInContext) -> Self {
        let until = around.last_voiced.unwrap_or(self.until);
        let more = until.saturating_duration_since(self.until);
        Self {
            amount: self.amount + more.min(MOST_BETWEEN),
            until,
        }
    }
}

/// The decision for a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Action on the reply.
    pub action: Option<ReplyAction>,
    /// The open utterance is no interruption: close it and discard it.
    pub abandon: bool,
}

/// The barge-in detector.
#[derive(Debug)]
pub struct BargeInDetector {
    backchannel: Duration,
    state: State,
    /// Voiced bits of the newest frames.
    recent: u32,
    last_voiced: Option<Instant>,
    /// Events of the undecided utterance.
    held: Vec<SpeechEvent>,
    /// When to restore a lowered reply that nobody dropped.
    restore_at: Option<Instant>,
    /// Ignores continuous noise after a suspicion that timed out.
    ignores_noise: bool,
    /// When a sound was last dropped.
    passed_over: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Quiet,
    Suspect {
        since: Instant,
        paused: bool,
    },
    /// `enough`: length from which a voice is an interruption.
    Holding {
        voice: Voice,
        enough: Duration,
        tail: bool,
    },
    Passing,
}

impl BargeInDetector {
    /// Creates a detector for which sounds up to `backchannel` long do not interrupt; with zero, every onset does.
    pub fn new(backchannel: Duration) -> Self {
        Self {
            backchannel,
            state: State::Quiet,
            recent: 0,
            last_voiced: None,
            held: Vec::new(),
            restore_at: None,
            ignores_noise: false,
            passed_over: None,
        }
    }

    /// Sets the length from the next frame on.
    pub fn set_backchannel(&mut self, backchannel: Duration) {
        self.backchannel = backchannel;
    }

    /// Processes a frame and its events from the segmenter; then `events` holds those that may be released.
    pub fn push(
        &mut self,
        frame: &Frame,
        around: BargeInContext,
        events: &mut Vec<SpeechEvent>,
    ) -> Decision {
        let now = frame.end();
        self.recent = (self.recent << 1 | u32::from(around.voiced)) & ((1 << WINDOW) - 1);
        if around.voiced {
            self.last_voiced = Some(now);
        }
        self.ignores_noise &= !self.is_unvoiced_for(now, UNVOICED);
        let decision = match self.state {
            State::Quiet => self.quiet(now, around, events),
            State::Suspect { since, paused } => self.suspect(now, around, (since, paused), events),
            State::Holding {
                voice,
                enough,
                tail,
            } => {
                let voice = voice.goes_on(around);
                self.state = State::Holding {
                    voice,
                    enough,
                    tail,
                };
                let long = voice.amount >= enough;
                self.holding(now, around, long || !(around.playing || tail), events)
            }
            State::Passing => self.passing(now),
        };
        if self.state == State::Passing && events.iter().any(is_end) {
            self.state = State::Quiet;
            if self.restore_at.take().is_some() {
                return action(ReplyAction::Restore);
            }
        }
        decision
    }

    /// Releases everything: the talk key is down, or the microphone was lost. Held events go before `events`.
    pub fn release(&mut self, events: &mut Vec<SpeechEvent>) -> Option<ReplyAction> {
        let lowered = matches!(self.state, State::Suspect { .. } | State::Holding { .. })
            || self.restore_at.take().is_some();
        self.release_held(events);
        let open = events.iter().any(is_start) && !events.iter().any(is_end);
        self.state = if open || (self.state == State::Passing && !events.iter().any(is_end)) {
            State::Passing
        } else {
            State::Quiet
        };
        lowered.then_some(ReplyAction::Restore)
    }

    /// The microphone is gone: drops an undecided utterance, releases any other.
    pub fn drop_undecided(&mut self, events: &mut Vec<SpeechEvent>) -> Option<ReplyAction> {
        if matches!(self.state, State::Holding { .. }) {
            self.held.clear();
            events.clear();
            self.state = State::Quiet;
            return Some(ReplyAction::Restore);
        }
        self.release(events)
    }

    fn quiet(
        &mut self,
        now: Instant,
        around: BargeInContext,
        events: &mut Vec<SpeechEvent>,
    ) -> Decision {
        if events.iter().any(is_start) {
            let enough = self.enough(now, around);
            if (around.playing || around.tail) && !enough.is_zero() {
                return self.hold(enough, around, events);
            }
            self.state = State::Passing;
        } else if around.playing
            && !self.ignores_noise
            && self.recent.count_ones() >= SUSPECT_FRAMES
        {
            self.state = State::Suspect {
                since: now,
                paused: false,
            };
            return action(ReplyAction::Duck);
        }
        Decision::default()
    }

    fn suspect(
        &mut self,
        now: Instant,
        around: BargeInContext,
        (since, paused): (Instant, bool),
        events: &mut Vec<SpeechEvent>,
    ) -> Decision {
        if events.iter().any(is_start) {
            let enough = self.enough(now, around);
            if around.playing && !enough.is_zero() {
                let around = BargeInContext {
                    tail: false,
                    ..around
                };
                return self.hold(enough, around, events);
            }
            self.pass(now);
            return Decision::default();
        }
        let timed_out = now.saturating_duration_since(since) >= DOUBT;
        if timed_out || self.is_unvoiced_for(now, UNVOICED) || !around.playing {
            self.ignores_noise = timed_out;
            self.state = State::Quiet;
            return action(ReplyAction::Restore);
        }
        if !paused && around.apart && self.recent.count_ones() >= PAUSE_FRAMES {
            self.state = State::Suspect {
                since,
                paused: true,
            };
            return action(ReplyAction::Pause);
        }
        Decision::default()
    }

    fn hold(
        &mut self,
        enough: Duration,
        around: BargeInContext,
        events: &mut Vec<SpeechEvent>,
    ) -> Decision {
        let first_voiced = events.iter().find_map(|event| match event {
            SpeechEvent::Started { first_voiced, .. } => Some(*first_voiced),
            SpeechEvent::Frame(_)
            | SpeechEvent::SilenceStarted { .. }
            | SpeechEvent::Resumed { .. }
            | SpeechEvent::Ended { .. } => None,
        });
        let Some(first_voiced) = first_voiced else {
            return Decision::default();
        };
        self.held.append(events);
        self.state = State::Holding {
            voice: Voice::since(first_voiced, around),
            enough,
            tail: around.tail,
        };
        if around.tail {
            return Decision::default();
        }
        action(ReplyAction::Pause)
    }

    fn holding(
        &mut self,
        now: Instant,
        around: BargeInContext,
        is_speech: bool,
        events: &mut Vec<SpeechEvent>,
    ) -> Decision {
        let ended = events.iter().any(is_end);
        self.held.append(events);
        if is_speech {
            self.release_held(events);
            self.pass(now);
            return Decision::default();
        }
        let silent = |last: Instant| now.saturating_duration_since(last) >= OVER;
        if ended || around.last_voiced.is_none_or(silent) {
            self.held.clear();
            self.passed_over = Some(now);
            self.recent = 0;
            self.state = State::Quiet;
            return Decision {
                action: Some(ReplyAction::Restore),
                abandon: !ended,
            };
        }
        Decision::default()
    }

    fn pass(&mut self, now: Instant) {
        self.state = State::Passing;
        self.restore_at = Some(now + NOT_DROPPED);
    }

    fn passing(&mut self, now: Instant) -> Decision {
        if self.restore_at.is_some_and(|at| now >= at) {
            self.restore_at = None;
            return action(ReplyAction::Restore);
        }
        Decision::default()
    }

    fn release_held(&mut self, events: &mut Vec<SpeechEvent>) {
        self.held.append(events);
        std::mem::swap(&mut self.held, events);
    }

    /// Length from which a voice that starts now is an interruption.
    fn enough(&self, now: Instant, around: BargeInContext) -> Duration {
        let again = |at: Instant| now.saturating_duration_since(at) < AGAIN_WITHIN;
        if around.tail {
            NO_ECHO
        } else if !self.passed_over.is_some_and(again) {
            self.backchannel
        } else {
            // Coughs come in pairs too, but are shorter.
            self.backchannel.min(NO_ECHO)
        }
    }

    fn is_unvoiced_for(&self, now: Instant, long: Duration) -> bool {
        self.last_voiced
            .is_none_or(|last| now.saturating_duration_since(last) >= long)
    }
}

fn action(action: ReplyAction) -> Decision {
    Decision {
        action: Some(action),
        abandon: false,
    }
}

fn is_start(event: &SpeechEvent) -> bool {
    matches!(event, SpeechEvent::Started { .. })
}

fn is_end(event: &SpeechEvent) -> bool {
    matches!(event, SpeechEvent::Ended { .. })
}
