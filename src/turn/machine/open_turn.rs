//! The state of the open turn.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::action::{Action, Retry};
use super::limits::{
    COMPLETE_WITHIN, CONTENT_WITHIN, FIRST_SIGN_WITHIN, NEXT_SIGN_WITHIN, UNANSWERABLE_WITHIN,
};
use crate::base::ids::{Mark, TurnId};
use crate::base::localized_text::LocalizedText;
use crate::turn::early::EarlyClose;
use crate::turn::timeline::Timeline;

/// Most that a slow connection adds to the wait for an answer: the buffers on the way, some 200 kB, take this long at
/// 32 kbit/s.
const LONGEST_LAG: Duration = Duration::from_secs(60);

/// Phase of the open turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Idle,
    Speaking,
    Awaiting,
    /// The reply has begun to arrive.
    Replying,
}

/// How the turn was closed towards the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Not at all yet, or when patience was over.
    Plain,
    /// Before patience was over, which has not run out: the reply is held back.
    Early,
    /// Before patience was over, which it was at this instant.
    Confirmed(Instant),
}

/// A silence of the user that is long enough to be reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pause {
    /// Last voiced sample before it.
    pub(super) since: Instant,
    /// From the turn's first voiced sample to there.
    pub(super) spoken: Duration,
    /// State of the early close in it.
    pub(super) close: EarlyClose,
}

#[derive(Debug)]
pub(super) struct OpenTurn {
    pub(super) id: TurnId,
    pub(super) asked: bool,
    /// It was typed: no speech belongs to it.
    pub(super) typed: bool,
    pub(super) phase: Phase,
    pub(super) timeline: Timeline,
    pub(super) reopened: u32,
    pub(super) cut_offs: u32,
    pub(super) false_endpoints: u32,
    /// The newest silence, until the user goes on.
    pub(super) silence: Option<Pause>,
    pub(super) ending: Ending,
    /// It was begun on this connection.
    pub(super) offered: bool,
    /// The service showed that all of it had arrived.
    pub(super) received: bool,
    /// Connections that ended after it, in the middle of it, and without a sign.
    pub(super) offers: u32,
    pub(super) broken_offers: u32,
    pub(super) silent_offers: u32,
    pub(super) generated: bool,
    pub(super) completed: bool,
    /// The service closed it without content, but that end may be another turn's: content may still come.
    pub(super) doubtful: bool,
    /// The service said that it will say more.
    pub(super) more: bool,
    /// Ended parts of the reply that are not played out, with more after them.
    pub(super) parts_ahead: u32,
    /// Heard audio of the parts before the last one.
    pub(super) heard: Duration,
    /// It replays an earlier reply, without the service.
    pub(super) repeats: bool,
    /// The reply broke off; its received part is still played.
    pub(super) broken: Option<LocalizedText>,
    /// The service stopped its answer by itself.
    pub(super) broken_off: bool,
    pub(super) retry: Retry,
    /// When the user had said or typed all of it.
    pub(super) said: Instant,
    /// The service waits for an answer that cannot be given, and has been silent since.
    pub(super) stuck: bool,
    pub(super) played: Option<(Instant, Duration)>,
    pub(super) last_sign: Instant,
    /// When its end was handed to the socket, and how long the flush took on a slow connection.
    pub(super) ended: Instant,
    pub(super) lag: Duration,
}

impl OpenTurn {
    pub(super) fn new(id: TurnId, asked: bool, phase: Phase, now: Instant) -> Self {
        Self {
            id,
            asked,
            typed: false,
            phase,
            timeline: Timeline::default(),
            reopened: 0,
            cut_offs: 0,
            false_endpoints: 0,
            silence: None,
            ending: Ending::Plain,
            offered: false,
            received: false,
            offers: 0,
            broken_offers: 0,
            silent_offers: 0,
            generated: false,
            completed: false,
            doubtful: false,
            more: false,
            parts_ahead: 0,
            heard: Duration::ZERO,
            repeats: false,
            broken: None,
            broken_off: false,
            retry: Retry::None,
            said: now,
            stuck: false,
            played: None,
            last_sign: now,
            ended: now,
            lag: Duration::ZERO,
        }
    }

    pub(super) fn is_audible(&self) -> bool {
        self.timeline.get(Mark::FirstAudible).is_some()
    }

    /// Whether its end was sent on this connection.
    pub(super) fn is_sent(&self) -> bool {
        self.timeline.get(Mark::Sent).is_some()
    }

    pub(super) fn is_early(&self) -> bool {
        self.ending == Ending::Early
    }

    /// The user goes on: forgets its end and its reply.
    pub(super) fn open_again(&mut self) {
        for mark in [
            Mark::SpeechEnd,
            Mark::Endpoint,
            Mark::Sent,
            Mark::FirstAudio,
        ] {
            self.timeline.clear(mark);
        }
        self.timeline.held = Duration::ZERO;
        self.received = false;
        (self.phase, self.ending, self.silence) = (Phase::Speaking, Ending::Plain, None);
        (self.generated, self.completed, self.played) = (false, false, None);
        (self.doubtful, self.more, self.stuck) = (false, false, false);
    }

    /// More of its reply comes, maybe after an end: the ended part is played first.
    pub(super) fn take_up_reply(&mut self) {
        if self.phase == Phase::Replying && self.generated {
            match self.played.take() {
                Some((_, heard)) => self.heard = heard,
                None => self.parts_ahead += 1,
            }
        }
        (self.generated, self.completed) = (false, false);
        (self.doubtful, self.more, self.stuck) = (false, false, false);
        self.broken = None;
    }

    /// A part of its reply was played out.
    pub(super) fn part_played(&mut self, now: Instant, heard: Duration) {
        let heard = self.heard + heard;
        if self.parts_ahead > 0 {
            self.parts_ahead -= 1;
            self.heard = heard;
        } else {
            self.played = Some((now, heard));
        }
    }

    /// Speech before the newest silence, in which it may have been closed early.
    pub(super) fn spoken(&self) -> Option<Duration> {
        self.silence.map(|silence| silence.spoken)
    }

    /// The silence between its last voiced sample and this onset.
    pub(super) fn pause_until(&self, onset: Instant) -> Option<Duration> {
        onset.checked_duration_since(self.timeline.get(Mark::SpeechEnd)?)
    }

    /// Drops its reply so far, and ends it, so that chunks of the next reply are not taken for late ones of this.
    pub(super) fn drop_reply(&mut self, actions: &mut VecDeque<Action>) {
        (self.parts_ahead, self.heard) = (0, Duration::ZERO);
        actions.push_back(Action::StopReply);
        if !self.generated {
            actions.push_back(Action::EndReply(self.id));
        }
    }

    pub(super) fn end_reply(&mut self, actions: &mut VecDeque<Action>) {
        if !self.generated && self.phase == Phase::Replying {
            self.generated = true;
            actions.push_back(Action::EndReply(self.id));
        }
    }

    /// The deadline of the present wait. `asked`: the turn was sent to the service.
    pub(super) fn deadline(&self, asked: bool) -> Option<Instant> {
        match (self.phase, self.played) {
            (Phase::Idle | Phase::Speaking, _) => None,
            (Phase::Awaiting, _) if self.is_early() && self.completed => None,
            (Phase::Awaiting, _) if self.stuck => Some(self.last_sign + UNANSWERABLE_WITHIN),
            (Phase::Awaiting, _) if self.doubtful => Some(self.last_sign + CONTENT_WITHIN),
            (Phase::Replying, Some((at, _))) if self.more => {
                Some(self.last_sign.max(at) + FIRST_SIGN_WITHIN)
            }
            (Phase::Awaiting, _) => {
                let patience = FIRST_SIGN_WITHIN + self.lag.min(LONGEST_LAG);
                asked.then(|| self.last_sign + patience)
            }
            (Phase::Replying, Some((at, _))) => Some(at + COMPLETE_WITHIN),
            // The reply is complete: the speaker reports `Played` in any case.
            (Phase::Replying, None) if self.generated || self.broken.is_some() => None,
            (Phase::Replying, None) => Some(self.last_sign + NEXT_SIGN_WITHIN),
        }
    }
}
