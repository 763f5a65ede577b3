//! An output stream as the worker sees it: ring and clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::aec_reference::Tap;
use super::super::clock::{Basis, SampleClock};
use super::super::format::StreamFormat;
use super::super::playback::PlaybackEnd;
use super::super::rest_switch::RestSwitch;

/// Duration kept in the ring beyond the device period: the time the worker may be late without a gap. The rest of a
/// reply stays in the queue, where a flush costs nothing.
const AHEAD: Duration = Duration::from_millis(40);

/// The worker side of an output stream, and its state.
pub(super) struct OutputStream {
    pub(super) end: PlaybackEnd,
    pub(super) clock: SampleClock,
    stamped: Option<u64>,
    /// Number of callbacks at the last poll.
    callbacks: u64,
    /// Ring index and stream position of the last start after silence.
    pub(super) run: Option<(u64, u64)>,
    rest: Arc<RestSwitch>,
    /// Newest samples written to the ring, including all that were not played.
    pub(super) in_ring: VecDeque<f32>,
}

impl OutputStream {
    pub(super) fn new(end: PlaybackEnd, rest: Arc<RestSwitch>) -> Self {
        let out = Self {
            clock: SampleClock::new(end.format.rate),
            stamped: None,
            callbacks: 0,
            run: None,
            rest,
            in_ring: VecDeque::new(),
            end,
        };
        out.end.wake_below(out.ahead() / 2);
        out
    }

    /// Rests or wakes the stream; returns whether that is a change.
    pub(super) fn rest(&mut self, rests: bool) -> bool {
        let changed = self.rest.rests() != rests;
        if changed {
            self.rest.set(rests);
            if !rests {
                self.clock = SampleClock::new(self.end.format.rate);
            }
        }
        changed
    }

    pub(super) fn tap(&mut self) -> Tap<'_> {
        Tap {
            samples: &mut self.end.tap,
            rate: self.end.format.rate,
        }
    }

    /// Target fill of the ring in samples.
    pub(super) fn ahead(&self) -> usize {
        let StreamFormat { rate, period, .. } = self.end.format;
        rate.samples_in(AHEAD) + period.unwrap_or(0) as usize
    }

    /// Instant of a ring index, if it belongs to the current run.
    pub(super) fn instant_of_index(&self, index: u64, now: Instant) -> Option<Instant> {
        let (from, position) = self.run?;
        let passed = index.checked_sub(from)?;
        Some(self.clock.instant_of(position + passed).unwrap_or(now))
    }

    /// Drops samples that the ring no longer holds.
    pub(super) fn forget_played(&mut self) {
        let surplus = self.in_ring.len().saturating_sub(self.end.ring.len());
        self.in_ring.drain(..surplus);
    }

    pub(super) fn observe(&mut self) {
        // Most polls find nothing new.
        let callbacks = self.end.timestamps.callbacks();
        if std::mem::replace(&mut self.callbacks, callbacks) == callbacks {
            return;
        }
        let Some(stamp) = self.end.timestamps.newest() else {
            return;
        };
        if self.stamped != Some(stamp.position) {
            self.stamped = Some(stamp.position);
            let block = self.end.format.rate.duration_of(stamp.frames);
            let (latency, basis) = match stamp.latency {
                Some(reported) => (reported, Basis::Reported),
                None => (block * self.end.format.held_blocks, Basis::Callback),
            };
            self.clock
                .observe_causal(stamp.position, stamp.at, latency, basis);
        }
    }

    pub(super) fn push(&mut self, samples: &[f32]) {
        let pushed = self.end.ring.push(samples);
        if pushed < samples.len() {
            // The ring is many times larger than its target fill.
            self.end.ring.count_dropped((samples.len() - pushed) as u64);
            tracing::error!(lost = samples.len() - pushed, "playback ring full");
        }
        self.in_ring.extend(&samples[..pushed]);
        self.forget_played();
    }
}
