//! An input stream as the worker sees it: ring, clock, and the check for a microphone that is switched off.

use std::sync::Arc;
use std::time::Duration;

use super::super::capture::CaptureEnd;
use super::super::clock::{Basis, SampleClock};
use super::super::rest_switch::RestSwitch;
use super::super::settings::Gate;
use crate::dsp::downmix::Downmixer;

/// Zeros while the talk key is held after which a microphone counts as switched off: somebody speaks into it.
const ZEROS_WHILE_HELD: Duration = Duration::from_secs(3);
/// Zeros from the first sample on after which a microphone that is listened to counts as switched off. One with a noise gate
/// gives zeros too until somebody speaks.
const ZEROS_FROM_THE_START: Duration = Duration::from_secs(15);

/// Frames of zeros since the last sound.
#[derive(Clone, Copy, Default)]
struct Zeros {
    listening: u64,
    held: u64,
    /// Something else came before: zeros are a quiet room behind a noise gate, unless somebody holds the talk key.
    after_sound: bool,
}

/// Frames of 10 ms in a piece while nothing is said or expected. Speech is heard so much later then, and the pre-roll holds
/// what came before; its end is found as soon as always.
const PIECE_AT_REST: u32 = 4;

/// The worker side of an input stream, and its state.
pub(in crate::audio) struct InputStream {
    pub(super) end: CaptureEnd,
    pub(super) clock: SampleClock,
    rest: Arc<RestSwitch>,
    stamped: Option<u64>,
    /// Number of callbacks at the last poll.
    callbacks: u64,
    pub(super) mixer: Downmixer,
    /// Position of the next frame from the ring.
    pub(super) position: u64,
    /// Samples known to be lost.
    pub(super) dropped: u64,
    /// Frames that a previous stream has already delivered.
    pub(super) skip: u64,
    /// `None` if zeros are normal.
    zeros: Option<Zeros>,
    pub(super) reported_zero: bool,
}

impl InputStream {
    /// Creates the state of a new stream.
    pub(in crate::audio) fn new(end: CaptureEnd, rest: Arc<RestSwitch>, watch_zeros: bool) -> Self {
        Self {
            clock: SampleClock::new(end.format.rate),
            mixer: Downmixer::new(end.format.channels, end.format.rate),
            rest,
            stamped: None,
            callbacks: 0,
            position: 0,
            dropped: 0,
            skip: 0,
            zeros: watch_zeros.then(Zeros::default),
            reported_zero: false,
            end,
        }
    }

    /// Sets whether the sound may come in larger pieces.
    pub(super) fn rest(&mut self, rests: bool) {
        if self.rest.rests() != rests {
            self.end.wake_after(if rests { PIECE_AT_REST } else { 1 });
            self.rest.set(rests);
        }
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
        if self.stamped == Some(stamp.position) {
            return;
        }
        self.stamped = Some(stamp.position);
        let block = self.end.format.rate.duration_of(stamp.frames);
        let (age, basis) = match stamp.latency {
            Some(reported) => (reported, Basis::Reported),
            None => (block * (1 + self.end.format.held_blocks), Basis::Callback),
        };
        if let Some(at) = stamp.at.checked_sub(age) {
            self.clock.observe(stamp.position, at, basis);
        }
    }

    pub(super) fn drop_skipped(&mut self) {
        if self.skip == 0 {
            return;
        }
        let wanted = usize::try_from(self.skip).unwrap_or(usize::MAX);
        let skipped = self.end.ring.skip(wanted * self.mixer.channels()) / self.mixer.channels();
        self.skip -= skipped as u64;
        self.position += skipped as u64;
    }

    /// Returns a change to zeros (`true`) or back to sound (`false`).
    pub(super) fn watch(&mut self, mono: &[f32], gate: Gate) -> Option<bool> {
        let zeros = self.zeros.as_mut()?;
        let frames = mono.len() as u64;
        // One non-zero sample is enough.
        if mono.iter().any(|&s| s != 0.0) {
            *zeros = Zeros {
                after_sound: true,
                ..Zeros::default()
            };
        } else {
            match gate {
                Gate::Held => zeros.held += frames,
                Gate::Voice | Gate::Everything => zeros.listening += frames,
                // Nobody is expected to speak.
                Gate::Muted | Gate::Closed => {}
            }
        }
        let over = |zeros, patience| zeros >= self.end.format.rate.samples_in(patience) as u64;
        let silent = over(zeros.held, ZEROS_WHILE_HELD)
            || !zeros.after_sound && over(zeros.listening, ZEROS_FROM_THE_START);
        let reported = std::mem::replace(&mut self.reported_zero, silent);
        (reported != silent).then_some(silent)
    }
}
