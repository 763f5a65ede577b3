//! Follows what a speaker gave through what it should have given, sample by sample: the fades where sound begins, the held
//! sample that fades where it runs out, silence between, and several streams that take over from each other.
//!
//! ```text
//! Silent ──▶ Playing: the next samples, faded in over 5 ms ──▶ Tail: the last one, faded out over 5 ms ──▶ Silent
//! ```
//!
//! A block of the desk is of one of these and of one stream; whatever fits none is a fault.

use std::time::{Duration, Instant};

use sovereign::audio::PlayedBlock;
use sovereign::audio::playback::FADE;
use sovereign::base::units::SampleRate;

/// Sound that stopped in the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Gap {
    /// Place of the next sample.
    pub(crate) place: usize,
    /// From the last sample to the next.
    pub(crate) length: Duration,
}

/// What was found of what should sound.
pub(crate) struct Followed {
    /// Samples that sounded, each once and in order.
    pub(crate) samples: usize,
    pub(crate) gaps: Vec<Gap>,
    /// Instant of the first sample of each stretch without a gap, and its place.
    pub(crate) starts: Vec<(usize, Instant)>,
}

#[derive(Clone, Copy)]
enum State {
    Silent,
    Playing { step: usize, last: f32 },
    Tail { step: usize, last: f32 },
}

#[derive(Clone, Copy)]
struct Stream {
    next: Instant,
    state: State,
}

struct Follower<'a> {
    wanted: &'a [f32],
    rate: SampleRate,
    error: f32,
    fade: Vec<f32>,
    streams: Vec<Stream>,
    ended: Option<Instant>,
    found: Followed,
}

/// Finds `wanted` in what was heard; samples may differ by `error`.
pub(crate) fn follow(
    heard: &[PlayedBlock],
    rate: SampleRate,
    wanted: &[f32],
    error: f32,
) -> Result<Followed, String> {
    let full = rate.samples_in(FADE);
    let mut follower = Follower {
        wanted,
        rate,
        error,
        fade: (0..=full)
            .map(|i| 0.5 - 0.5 * (std::f32::consts::PI * i as f32 / full as f32).cos())
            .collect(),
        streams: Vec::new(),
        ended: None,
        found: Followed {
            samples: 0,
            gaps: Vec::new(),
            starts: Vec::new(),
        },
    };
    for block in heard {
        if !follower.block(block) {
            let place = follower.found.samples;
            let pairs = block.samples.iter().zip(wanted.iter().skip(place));
            let off = pairs
                .clone()
                .position(|(got, wanted)| (got - wanted).abs() > error);
            let there = pairs.skip(off.unwrap_or(0)).take(3);
            return Err(format!(
                "a block of {} samples fits nothing at sample {place}: off at {off:?}: {:?}",
                block.samples.len(),
                there.collect::<Vec<_>>()
            ));
        }
    }
    Ok(follower.found)
}

impl Follower<'_> {
    /// Blocks of a stream meet. Where several would (one of them may have been closed just then), the first whose state
    /// it fits; else it is of a new one.
    fn block(&mut self, block: &PlayedBlock) -> bool {
        let near = |next: Instant| {
            next.max(block.start) - next.min(block.start) < Duration::from_micros(2)
        };
        let end = block.start + self.rate.duration_of(block.samples.len() as u64);
        for stream in 0..self.streams.len() {
            let Stream { next, state } = self.streams[stream];
            if near(next)
                && let Some(state) = self.goes_on(state, block, end)
            {
                self.streams[stream] = Stream { next: end, state };
                return true;
            }
        }
        let state = self.goes_on(State::Silent, block, end);
        self.streams
            .extend(state.map(|state| Stream { next: end, state }));
        state.is_some()
    }

    fn goes_on(&mut self, before: State, block: &PlayedBlock, end: Instant) -> Option<State> {
        if block.sounding {
            return self.sound(before, block, end);
        }
        let may = match before {
            State::Silent | State::Tail { step: 0, .. } => true,
            State::Playing { last, .. } => last.abs() <= 1e-4 + self.error,
            State::Tail { .. } => false,
        };
        (may && block.samples.iter().all(|&s| s == 0.0)).then_some(State::Silent)
    }

    fn sound(&mut self, before: State, block: &PlayedBlock, end: Instant) -> Option<State> {
        match before {
            State::Silent => self.plays(0, block, end),
            State::Playing { step, last } => self
                .plays(step, block, end)
                .or_else(|| self.falls(step, last, &block.samples))
                // It ended where it could not be heard: there is no tail.
                .or_else(|| self.plays(0, block, end)),
            State::Tail { step: 0, .. } => self.plays(0, block, end),
            State::Tail { step, last } => self.falls(step, last, &block.samples),
        }
    }

    fn plays(&mut self, mut step: usize, block: &PlayedBlock, end: Instant) -> Option<State> {
        let begins = step == 0;
        let place = self.found.samples;
        let wanted = self.wanted.get(place..place + block.samples.len())?;
        for (got, wanted) in block.samples.iter().zip(wanted) {
            step = (step + 1).min(self.fade.len() - 1);
            if !self.fits(*got, wanted * self.fade[step]) {
                return None;
            }
        }
        if begins {
            self.found.starts.push((place, block.start));
            self.found.gaps.extend(self.ended.map(|ended| Gap {
                place,
                length: block.start.saturating_duration_since(ended),
            }));
        }
        self.found.samples += block.samples.len();
        self.ended = Some(end);
        let last = *wanted.last()?;
        Some(State::Playing { step, last })
    }

    fn falls(&self, mut step: usize, last: f32, got: &[f32]) -> Option<State> {
        for got in got {
            step = step.checked_sub(1)?;
            if !self.fits(*got, last * self.fade[step]) {
                return None;
            }
        }
        Some(State::Tail { step, last })
    }

    fn fits(&self, got: f32, wanted: f32) -> bool {
        (got - wanted).abs() <= self.error
    }
}
