//! Tracks which samples of replies were audible, and when.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::event::VoiceEvent;
use super::output_stream::OutputStream;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;

/// Replies in the ring or past it, oldest first, and their pending events.
#[derive(Default)]
pub(super) struct PlayoutTracker {
    replies: VecDeque<Reply>,
    /// Events that become due at the speaker soon.
    due: VecDeque<(Instant, VoiceEvent)>,
}

/// A reply by its indices in the flow through the ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) turn: TurnId,
    pub(super) skipped: Duration,
    /// Index of the first sample.
    pub(super) first: u64,
    /// Index of the first sample that is not silent, until it was reported.
    pub(super) sound: Option<u64>,
    /// Index after the last sample, once all of it is in the ring.
    pub(super) end: Option<u64>,
    /// When its first sample was written to the ring: nothing of it is audible earlier, whatever a clock says.
    pub(super) begun: Instant,
    /// Duration played by previous streams.
    pub(super) heard_before: Duration,
}

impl PlayoutTracker {
    /// Adds a reply that starts to flow into the ring.
    pub(super) fn begin(&mut self, reply: Reply) {
        self.replies.push_back(reply);
    }

    /// Sets the end of the newest reply.
    pub(super) fn end(&mut self, index: Option<u64>) {
        if let Some(reply) = self.replies.back_mut() {
            reply.end = index;
        }
    }

    /// Whether no reply is in progress.
    pub(super) fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }

    /// Whether the newest reply is incomplete.
    pub(super) fn is_open(&self) -> bool {
        self.replies.back().is_some_and(|r| r.end.is_none())
    }

    /// When the next event is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.front().map(|(at, _)| *at)
    }

    pub(super) fn report(&mut self, now: Instant, events: &mut Vec<VoiceEvent>) {
        while self.due.front().is_some_and(|(at, _)| *at <= now) {
            events.extend(self.due.pop_front().map(|(_, event)| event));
        }
    }

    /// Resolves passed indices to instants, as far as the current run is known: indices below `taken` were written.
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

    /// Drops replies that start below `below`, whose samples below `index` were played at `rate`; returns the one that
    /// was audible, and for how long. Earlier pending events are reported first.
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

    /// Renumbers after a stream was lost after `taken` samples: the rest follows `before` others.
    pub(super) fn renumber(&mut self, taken: u64, before: u64, rate: SampleRate) {
        let shift = |index: u64| before + index.saturating_sub(taken);
        for reply in &mut self.replies {
            reply.heard_before += rate.duration_of(taken.saturating_sub(reply.first));
            reply.move_by(shift);
        }
    }

    /// Converts the numbering from one rate to another.
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
