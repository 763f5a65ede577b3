//! Polyphase resampling by a ratio of small integers, L : M. The filter has only L phases, so none is interpolated, and
//! every output of a phase is the same sum over the input, M samples further on.
//!
//! The input is de-interleaved into M lanes. There the outputs of a phase are adjacent, and a vector of them is
//! computed at once: for each tap, one weight times a slice of one lane.
//!
//! ```text
//! input   0 1 2 3 4 5 6 7 8 …          3 : 1, one phase          tap 0 × lane 0 from cycle q on
//! lane 0  0     3     6                                        + tap 1 × lane 1 from cycle q on
//! lane 1    1     4     7                                      + tap 2 × lane 2 from cycle q on
//! lane 2      2     5     8                                    + tap 3 × lane 0 from cycle q + 1 on …
//! ```

use std::f64::consts::{PI, TAU};

use fearless_simd::{Simd, SimdBase as _, SimdFloat as _, dispatch, f32x8};

use super::simd::level;

/// Maximum number of phases and lanes, for 16 to 192 kHz and back. Beyond it tables grow and lanes get short.
const MOST: u32 = 12;
/// Outputs in a vector, and in the largest group computed at once.
const WIDTH: usize = 8;
const GROUP: usize = 4 * WIDTH;

pub(super) struct Polyphase {
    phases: Vec<Phase>,
    /// M: the number of lanes.
    lanes: usize,
    /// All lanes, one behind the other; what is beyond their filled part is read but not used.
    held: Vec<f32>,
    /// Capacity of a lane in `held`.
    room: usize,
    /// Cycle of M inputs at which the lanes begin, leading silence included.
    first: u64,
    /// Leading silence: all that the filter of the first output covers before the stream.
    lead: u64,
    block: usize,
    /// In input samples.
    delay: u64,
    taken: u64,
    given: u64,
}

/// One of L filters, by lanes.
struct Phase {
    runs: Vec<Run>,
}

/// Taps that are adjacent in one lane.
struct Run {
    /// Offset of the first in `held`.
    start: usize,
    weights: Vec<f32>,
}

impl Polyphase {
    /// Whether it supports these rates.
    pub(super) fn takes(from: u32, to: u32) -> bool {
        let divisor = greatest_common_divisor(from, to);
        from / divisor <= MOST && to / divisor <= MOST
    }

    /// Creates a filter of `length` taps (even), -6 dB at `cutoff` of half the input rate, that processes `block`
    /// samples at once.
    pub(super) fn new(from: u32, to: u32, length: usize, cutoff: f64, block: usize) -> Self {
        let divisor = greatest_common_divisor(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        let half = length / 2;
        // An output is due with the last input of its step, so the filter's middle can be no further than that from it.
        // Whole steps keep positions integral in the output.
        let delay = half.saturating_sub(down / up).next_multiple_of(down);
        let room = (2 * length + delay + block) / down + GROUP + 2;
        let phases = (0..up).map(|phase| {
            let start = (phase * down).div_ceil(up);
            let ahead = start as f64 - (phase * down) as f64 / up as f64;
            let weights: Vec<f32> = windowed_sinc(length, cutoff, ahead).collect();
            let runs = (0..down.min(length)).map(|first| Run {
                start: (start + first) % down * room + (start + first) / down,
                weights: weights[first..].iter().step_by(down).copied().collect(),
            });
            Phase {
                runs: runs.collect(),
            }
        });
        Self {
            phases: phases.collect(),
            lanes: down,
            held: vec![0.0; down * room],
            room,
            first: 0,
            lead: (delay + half) as u64,
            block,
            delay: delay as u64,
            taken: 0,
            given: 0,
        }
    }

    /// In input samples.
    pub(super) fn delay(&self) -> f64 {
        self.delay as f64
    }

    /// Appends `floor(n · to / from)` samples in total for the `n` taken so far.
    pub(super) fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        for block in input.chunks(self.block) {
            self.deal(block);
            self.make(output);
        }
    }

    /// Appends what is inside, as if silence followed, and starts over.
    pub(super) fn flush(&mut self, output: &mut Vec<f32>) {
        if self.taken == 0 {
            return;
        }
        let (up, down) = (self.phases.len() as u64, self.lanes as u64);
        let due = ((self.taken + self.delay) * up + down / 2) / down;
        while self.given < due {
            self.push(&[0.0; 64], output);
        }
        let surplus = usize::try_from(self.given - due).unwrap_or(usize::MAX);
        output.truncate(output.len().saturating_sub(surplus));
        self.reset();
    }

    pub(super) fn reset(&mut self) {
        self.held.fill(0.0);
        (self.first, self.taken, self.given) = (0, 0, 0);
    }

    /// De-interleaves the input into the lanes.
    fn deal(&mut self, input: &[f32]) {
        let place = (self.lead + self.taken - self.first * self.lanes as u64) as usize;
        for nth in 0..self.lanes.min(input.len()) {
            let (lane, at) = ((place + nth) % self.lanes, (place + nth) / self.lanes);
            let lane = &mut self.held[lane * self.room..][..self.room][at..];
            match self.lanes {
                1 => lane[..input.len()].copy_from_slice(input),
                2 => pick::<2>(&input[nth..], lane),
                3 => pick::<3>(&input[nth..], lane),
                6 => pick::<6>(&input[nth..], lane),
                many => {
                    for (to, from) in lane.iter_mut().zip(input[nth..].iter().step_by(many)) {
                        *to = *from;
                    }
                }
            }
        }
        self.taken += input.len() as u64;
    }

    /// Computes the outputs that are due, and drops input that no later output needs.
    fn make(&mut self, output: &mut Vec<f32>) {
        let (up, down) = (self.phases.len() as u64, self.lanes as u64);
        let due = self.taken * up / down;
        let start = output.len();
        output.resize(start + (due - self.given) as usize, 0.0);
        let (given, first) = (self.given, self.first);
        for (nth, phase) in (0_u64..).zip(&self.phases) {
            // Cycles whose output of this phase is due.
            let begin = (given + up - 1 - nth) / up;
            let end = (due + up - 1 - nth) / up;
            if begin == end {
                continue;
            }
            let fresh = &mut output[start + (begin * up + nth - given) as usize..];
            let (count, at) = ((end - begin) as usize, (begin - first) as usize);
            let (runs, held, step) = (&phase.runs[..], &self.held[..], self.phases.len());
            dispatch!(level(), simd => filter(simd, runs, held, at, count, step, fresh));
        }
        self.given = due;
        self.let_go(due / up);
    }

    fn let_go(&mut self, first: u64) {
        let gone = (first - self.first) as usize;
        let filled = (self.lead + self.taken - self.first * self.lanes as u64) as usize;
        let filled = filled.div_ceil(self.lanes);
        for lane in self.held.chunks_exact_mut(self.room) {
            lane.copy_within(gone..filled, 0);
        }
        self.first = first;
    }
}

/// Copies the first of every `STEP` samples; the last run may be incomplete.
fn pick<const STEP: usize>(from: &[f32], to: &mut [f32]) {
    let (whole, rest) = from.as_chunks::<STEP>();
    for (to, from) in to.iter_mut().zip(whole) {
        *to = from[0];
    }
    if let Some(last) = rest.first() {
        to[whole.len()] = *last;
    }
}

/// Writes to the first of every `STEP` samples; the last run may be incomplete.
#[inline(always)]
fn spread<const STEP: usize>(from: &[f32], to: &mut [f32]) {
    let (whole, rest) = to.as_chunks_mut::<STEP>();
    for (to, from) in whole.iter_mut().zip(from) {
        to[0] = *from;
    }
    if let (Some(to), Some(from)) = (rest.first_mut(), from.get(whole.len())) {
        *to = *from;
    }
}

/// Computes outputs of a phase from cycle `at` of `held` on: every `step`-th of `output`, `count` in total.
#[inline(always)]
fn filter<S: Simd>(
    simd: S,
    runs: &[Run],
    held: &[f32],
    at: usize,
    count: usize,
    step: usize,
    output: &mut [f32],
) {
    let mut made = [0.0; GROUP];
    let mut done = 0;
    while done < count {
        let left = count - done;
        if left > 2 * WIDTH {
            group::<S, 4, { 4 * WIDTH }>(simd, runs, held, at + done, &mut made);
        } else if left > WIDTH {
            group::<S, 2, { 2 * WIDTH }>(simd, runs, held, at + done, &mut made);
        } else {
            group::<S, 1, WIDTH>(simd, runs, held, at + done, &mut made);
        }
        let made = &made[..GROUP.min(left)];
        let output = &mut output[done * step..];
        match step {
            1 => output[..made.len()].copy_from_slice(made),
            2 => spread::<2>(made, output),
            3 => spread::<3>(made, output),
            many => {
                for (to, from) in output.iter_mut().step_by(many).zip(made) {
                    *to = *from;
                }
            }
        }
        done += made.len();
    }
}

/// Computes `WIDE` adjacent outputs, in `VECTORS` vectors, at the start of `made`.
#[inline(always)]
fn group<S: Simd, const VECTORS: usize, const WIDE: usize>(
    simd: S,
    runs: &[Run],
    held: &[f32],
    at: usize,
    made: &mut [f32; GROUP],
) {
    let mut sums = [f32x8::splat(simd, 0.0); VECTORS];
    for run in runs {
        let lane = &held[run.start + at..][..run.weights.len() - 1 + WIDE];
        for (piece, &weight) in lane.array_windows::<WIDE>().zip(&run.weights) {
            for (sum, piece) in sums.iter_mut().zip(piece.as_chunks::<WIDTH>().0) {
                *sum = f32x8::from_slice(simd, piece).mul_add(weight, *sum);
            }
        }
    }
    for (sum, made) in sums.iter().zip(made.as_chunks_mut::<WIDTH>().0) {
        sum.store_slice(made);
    }
}

/// Sinc in a squared Blackman-Harris window, whose first tap is `ahead - length / 2` samples from its middle; its sum
/// is 1.
fn windowed_sinc(length: usize, cutoff: f64, ahead: f64) -> impl Iterator<Item = f32> {
    let at = move |tap: usize| {
        let x = tap as f64 + ahead - length as f64 / 2.0;
        let turn = TAU * (x / length as f64 + 0.5);
        let window = 0.358_75 - 0.488_29 * turn.cos() + 0.141_28 * (2.0 * turn).cos()
            - 0.011_68 * (3.0 * turn).cos();
        let phase = PI * x * cutoff;
        let sinc = if phase == 0.0 {
            1.0
        } else {
            phase.sin() / phase
        };
        window * window * sinc
    };
    let sum: f64 = (0..length).map(at).sum();
    (0..length).map(move |tap| (at(tap) / sum) as f32)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
