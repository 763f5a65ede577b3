//! What became of the replies: which of their samples were heard, and when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::event::VoiceEvent;
use super::output_stream::OutputStream;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;

/// The replies that are in the ring or were, oldest first, and what is to be told of them.
#[derive(Default)]
pub(super) struct PlayoutTracker {
    replies: VecDeque<Reply>,
    /// What happens at the speaker in a moment.
    due: VecDeque<(Instant, VoiceEvent)>,
}

/// A reply by its places in the flow through the ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) turn: TurnId,
    pub(super) skipped: Duration,
    /// Index of its first sample.
    pub(super) first: u64,
    /// Index of its first sample that is not silent, until that was reported.
    pub(super) sound: Option<u64>,
    /// Index after its last sample, once all of it is in the ring.
    pub(super) end: Option<u64>,
    /// When its first sample was handed to the ring: nothing of it sounds earlier, whatever a clock says.
    pub(super) begun: Instant,
    /// Heard from an earlier stream.
    pub(super) heard_before: Duration,
}

impl PlayoutTracker {
    /// A reply begins to flow into the ring.
    pub(super) fn begin(&mut self, reply: Reply) {
        self.replies.push_back(reply);
    }

    /// All of the newest reply is in the ring, up to this index.
    pub(super) fn end(&mut self, index: Option<u64>) {
        if let Some(reply) = self.replies.back_mut() {
            reply.end = index;
        }
    }

    /// Whether there is no reply under way.
    pub(super) fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }

    /// Whether more of the newest reply is to come.
    pub(super) fn is_open(&self) -> bool {
        self.replies.back().is_some_and(|r| r.end.is_none())
    }

    /// When something is to be told next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.front().map(|(at, _)| *at)
    }

    /// Tells what has happened by now.
    pub(super) fn report(&mut self, now: Instant, events: &mut Vec<VoiceEvent>) {
        while self.due.front().is_some_and(|(at, _)| *at <= now) {
            events.extend(self.due.pop_front().map(|(_, event)| event));
        }
    }

    /// Turns indices that were passed by into instants, as far as the run that is known goes: indices below `taken`
    /// were written.
    pub(super) fn resolve(&mut self, taken: u64, out: &OutputStream, now: Instant) {
        for reply in &mut self.replies {
            if let Some(sound) = reply.sound.filter(|&s| s < taken)
                && let Some(at) = out.instant_of_index(sound, now)
            {
                reply.sound = None;
                let at = at.max(reply.begun);
                let event = VoiceEvent::FirstAudible {
                    turn: reply.turn,
                    at,
                    begun: reply.begun,
                    skipped_silence: reply.skipped,
                };
                self.due.push_back((at, event));
            }
        }
        while let Some(reply) = self.replies.front()
            && let Some(end) = reply.end.filter(|&end| end <= taken)
        {
            let at = if end == reply.first {
                Some(now)
            } else {
                out.instant_of_index(end, now)
            };
            let Some(at) = at else { break };
            let at = at.max(reply.begun);
            let here = out.end.format.rate.duration_of(end - reply.first);
            let event = VoiceEvent::Played {
                turn: reply.turn,
                at,
                heard: reply.heard_before + here,
            };
            self.due.push_back((at, event));
            self.replies.pop_front();
        }
    }

    /// Drops the replies that begin below `below`, of which the samples below `index` were heard at `rate`; says
    /// which of them was heard, and how much of it. What was heard before comes before it.
    pub(super) fn flush(
        &mut self,
        below: u64,
        index: u64,
        rate: Option<SampleRate>,
        events: &mut Vec<VoiceEvent>,
    ) -> Option<(TurnId, Duration)> {
        events.extend(self.due.drain(..).map(|(_, event)| event));
        let mut sounded = None;
        while self.replies.front().is_some_and(|r| r.first < below) {
            let Some(reply) = self.replies.pop_front() else {
                break;
            };
            let here = rate.map_or(Duration::ZERO, |rate| {
                rate.duration_of(index.saturating_sub(reply.first))
            });
            let heard = reply.heard_before + here;
            if !heard.is_zero() {
                sounded.get_or_insert((reply.turn, heard));
            }
        }
        sounded
    }

    /// The stream was lost after `taken` samples: the rest is numbered anew, behind `before` others.
    pub(super) fn renumber(&mut self, taken: u64, before: u64, rate: SampleRate) {
        let shift = |index: u64| before + index.saturating_sub(taken);
        for reply in &mut self.replies {
            reply.heard_before += rate.duration_of(taken.saturating_sub(reply.first));
            reply.move_by(shift);
        }
    }

    /// What was numbered at one rate is numbered at another.
    pub(super) fn rescale(&mut self, from: SampleRate, to: SampleRate) {
        let scale = |index: u64| index * u64::from(to.hz()) / u64::from(from.hz());
        for reply in &mut self.replies {
            reply.move_by(scale);
        }
    }
}

impl Reply {
    fn move_by(&mut self, place: impl Fn(u64) -> u64) {
        self.first = place(self.first);
        self.sound = self.sound.map(&place);
        self.end = self.end.map(&place);
    }
}
