//! Streaming resampler for one channel: takes any block length and returns what is due at once.
//!
//! A windowed-sinc filter in the time domain, because its delay is half its taps and nothing else: every block is
//! processed as it comes (rubato can change its block length without allocating), so no sample waits for a block to
//! fill up. Where the rates are as small integers, the same filter is applied phase by phase, at a fraction of the
//! instructions.
//!
//! ```text
//! input  n  ├──────────────┤             after n samples in, floor(n·to/from) samples are out
//! output    ├─delay─┤──────────┤         and each is `delay` later than its position
//! ```

use std::time::Duration;

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Resampler as _, SincInterpolationParameters, SincInterpolationType,
    WindowFunction, calculate_cutoff,
};

use super::polyphase::Polyphase;
use crate::base::units::SampleRate;

/// Lowest and highest rate, in hertz: telephone headsets to studio devices.
pub const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=192_000;
/// Supported filter lengths: fewer alias audibly, more only add delay.
pub const TAPS: std::ops::RangeInclusive<u32> = 16..=512;

/// Filter points between two input samples. With linear interpolation the signal to noise ratio of a tone is above 90
/// dB, better than 16 bit samples need.
const OVERSAMPLING: usize = 128;
const WINDOW: WindowFunction = WindowFunction::BlackmanHarris2;
/// Input samples that rubato holds back beyond the filter; as much silence is fed before each stream.
const HELD_BACK: usize = 2;
/// Largest block for rubato, which sizes its buffers by it.
const BLOCK: Duration = Duration::from_millis(20);

/// Errors of creating a resampler.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    /// A rate outside [`RATES_HZ`].
    #[error("a sample rate of {0} Hz is not supported: 8000 to 192000 Hz are")]
    Rate(u32),
    /// A filter length outside [`TAPS`].
    #[error("a filter of {0} taps is not supported: 16 to 512 are")]
    Taps(u32),
    /// The library refused the parameters.
    #[error("no resampler from {from} to {to} Hz: {reason}")]
    Refused {
        /// Input rate in hertz.
        from: u32,
        /// Output rate in hertz.
        to: u32,
        /// The reason, as the library states it.
        reason: String,
    },
}

/// Mono f32 from one rate to another. Equal rates pass through untouched and undelayed.
///
/// ```
/// use sovereign::base::units::SampleRate;
/// use sovereign::dsp::resample::Resampler;
///
/// let device = SampleRate::new(48_000).expect("not zero");
/// let mut resampler = Resampler::new(device, SampleRate::WORKING, 64)?;
/// let mut out = Vec::new();
/// resampler.push(&[0.0; 480], &mut out);
/// assert_eq!(out.len(), 160);
/// # Ok::<(), sovereign::dsp::resample::ResampleError>(())
/// ```
pub struct Resampler {
    from: SampleRate,
    to: SampleRate,
    /// `None` passes samples through.
    engine: Option<Engine>,
    delay: Duration,
}

impl Resampler {
    /// Creates a resampler with a filter of `taps` taps (64: delay 0.6 ms at 48 kHz; 128: 1.3 ms).
    ///
    /// If the input is more than three times as fast as the output, the filter is stretched in proportion: `taps` would
    /// otherwise span too few output samples to suppress aliases. Its duration stays that of `taps` taps at three times
    /// the output rate.
    ///
    /// # Errors
    /// A rate outside [`RATES_HZ`], a filter outside [`TAPS`].
    pub fn new(from: SampleRate, to: SampleRate, taps: u32) -> Result<Self, ResampleError> {
        for rate in [from, to] {
            if !RATES_HZ.contains(&rate.hz()) {
                return Err(ResampleError::Rate(rate.hz()));
            }
        }
        if !TAPS.contains(&taps) {
            return Err(ResampleError::Taps(taps));
        }
        let engine = if from == to {
            None
        } else {
            Some(Engine::new(from, to, taps)?)
        };
        Ok(Self::with(from, to, engine))
    }

    fn with(from: SampleRate, to: SampleRate, engine: Option<Engine>) -> Self {
        let samples = engine.as_ref().map_or(0.0, Engine::delay);
        Self {
            from,
            to,
            engine,
            delay: Duration::from_secs_f64(samples / f64::from(from.hz())),
        }
    }

    /// Takes any number of samples and appends the output that is due: in total `floor(n · to / from)` samples for the
    /// `n` taken since the start, or one more.
    ///
    /// Allocates only if `output` lacks room.
    pub fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        match &mut self.engine {
            None => output.extend_from_slice(input),
            Some(engine) => engine.push(input, output),
        }
    }

    /// Appends what is still inside, as if silence followed, and starts a new stream.
    ///
    /// Then the stream has returned `round(n · to / from)` samples and those of the delay.
    pub fn flush(&mut self, output: &mut Vec<f32>) {
        if let Some(engine) = &mut self.engine {
            engine.flush(output);
        }
    }

    /// Drops what is inside and starts a new stream.
    pub fn reset(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.reset();
        }
    }

    /// Delay of a sample against its position in the output: subtract it from instants counted in output samples.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    pub fn from(&self) -> SampleRate {
        self.from
    }

    pub fn to(&self) -> SampleRate {
        self.to
    }
}

enum Engine {
    /// Phase by phase.
    Exact(Polyphase),
    /// By rubato, between any rates.
    Any(Box<Sinc>),
}

impl Engine {
    fn new(from: SampleRate, to: SampleRate, taps: u32) -> Result<Self, ResampleError> {
        let step = f64::from(from.hz()) / f64::from(to.hz());
        let length = stretched(taps, step);
        // Cutoff of the unstretched filter: its shape over the output band stays.
        let cutoff: f32 = calculate_cutoff(taps as usize, WINDOW);
        if Polyphase::takes(from.hz(), to.hz()) {
            let cutoff = f64::from(cutoff) * step.recip().min(1.0);
            let block = from.samples_in(BLOCK);
            let exact = Polyphase::new(from.hz(), to.hz(), length, cutoff, block);
            return Ok(Self::Exact(exact));
        }
        Ok(Self::Any(Box::new(Sinc::new(from, to, length, cutoff)?)))
    }

    fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        match self {
            Self::Exact(exact) => exact.push(input, output),
            Self::Any(sinc) => sinc.push(input, output),
        }
    }

    fn flush(&mut self, output: &mut Vec<f32>) {
        match self {
            Self::Exact(exact) => exact.flush(output),
            Self::Any(sinc) => sinc.flush(output),
        }
    }

    fn reset(&mut self) {
        match self {
            Self::Exact(exact) => exact.reset(),
            Self::Any(sinc) => sinc.reset(),
        }
    }

    /// In input samples.
    fn delay(&self) -> f64 {
        match self {
            Self::Exact(exact) => exact.delay(),
            Self::Any(sinc) => sinc.delay,
        }
    }
}

struct Sinc {
    inner: Async<f32>,
    /// Input samples per output sample.
    step: f64,
    /// In input samples.
    delay: f64,
    block: usize,
    lead: Lead,
    /// Silence for lead and flush.
    silence: Vec<f32>,
    taken: u64,
    given: u64,
}

impl Sinc {
    fn new(
        from: SampleRate,
        to: SampleRate,
        length: usize,
        cutoff: f32,
    ) -> Result<Self, ResampleError> {
        let step = f64::from(from.hz()) / f64::from(to.hz());
        let filter = SincInterpolationParameters::new(length, WINDOW)
            .f_cutoff(cutoff)
            .oversampling_factor(OVERSAMPLING)
            .interpolation(SincInterpolationType::Linear);
        let block = from.samples_in(BLOCK);
        let inner = Async::new_sinc(step.recip(), 1.0, &filter, block, 1, FixedAsync::Input)
            .map_err(|error| ResampleError::Refused {
                from: from.hz(),
                to: to.hz(),
                reason: error.to_string(),
            })?;
        let lead = Lead::new(step);
        let mut sinc = Self {
            inner,
            step,
            // The filter is centred on its middle tap; rubato's first output is one step after the filter touches the
            // first sample.
            delay: length as f64 / 2.0 + lead.delay(step) - step,
            block,
            lead,
            silence: vec![0.0; block],
            taken: 0,
            given: 0,
        };
        sinc.reset();
        Ok(sinc)
    }

    fn push(&mut self, input: &[f32], output: &mut Vec<f32>) {
        if self.taken == 0 && !input.is_empty() {
            output.resize(output.len() + self.lead.output, 0.0);
            self.given += self.lead.output as u64;
        }
        self.taken += input.len() as u64;
        for block in input.chunks(self.block) {
            self.given += feed(&mut self.inner, block, output) as u64;
        }
    }

    fn flush(&mut self, output: &mut Vec<f32>) {
        if self.taken == 0 {
            return;
        }
        let due = ((self.taken as f64 + self.delay) / self.step).round() as u64;
        while self.given < due {
            self.given += feed(&mut self.inner, &self.silence, output) as u64;
        }
        let surplus = usize::try_from(self.given - due).unwrap_or(usize::MAX);
        output.truncate(output.len().saturating_sub(surplus));
        self.reset();
    }

    fn reset(&mut self) {
        self.inner.reset();
        self.taken = 0;
        self.given = 0;
        let due = feed(
            &mut self.inner,
            &self.silence[..self.lead.input],
            &mut Vec::new(),
        );
        debug_assert_eq!(due, 0, "the lead is too short to complete an output sample");
    }
}

/// Leading silence of a stream, so that 10 ms in give 10 ms out from the first block on: what rubato holds back, and
/// the smaller of an input and an output sample against the rounding of its position.
#[derive(Clone, Copy)]
struct Lead {
    input: usize,
    output: usize,
}

impl Lead {
    fn new(step: f64) -> Self {
        if step > 1.0 {
            Self {
                input: HELD_BACK + 1,
                output: 0,
            }
        } else {
            Self {
                input: HELD_BACK,
                output: 1,
            }
        }
    }

    /// In input samples.
    fn delay(self, step: f64) -> f64 {
        self.input as f64 + self.output as f64 * step
    }
}

/// Processes one block, appends the output and returns its length.
fn feed(inner: &mut Async<f32>, block: &[f32], output: &mut Vec<f32>) -> usize {
    const SIZED: &str = "the buffers are as long as rubato says that it needs";
    inner
        .as_resizable()
        .expect("asynchronous resamplers can be resized")
        .set_chunk_size(block.len())
        .expect("no block is empty or longer than the first");
    let due = inner.output_frames_next();
    let start = output.len();
    output.resize(start + due, 0.0);
    let input = InterleavedSlice::new(block, 1, block.len()).expect(SIZED);
    let mut room = InterleavedSlice::new_mut(&mut output[start..], 1, due).expect(SIZED);
    inner
        .process_into_buffer(&input, &mut room, None)
        .expect(SIZED);
    due
}

/// Returns `taps` for ratios up to three, more in proportion above; a multiple of 8, as rubato rounds to.
fn stretched(taps: u32, step: f64) -> usize {
    let wanted = f64::from(taps) * (step / 3.0).max(1.0);
    (wanted.ceil() as usize).next_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_milliseconds_in_give_ten_out_from_the_first_block_on() {
        for (from, to) in [
            (48_000, 16_000),
            (44_100, 16_000),
            (44_100, 48_000),
            (24_000, 48_000),
            (8_000, 16_000),
        ] {
            let mut resampler = made(from, to, 64);
            let block = vec![0.0; from as usize / 100];
            for count in 1..=500 {
                let mut out = Vec::new();
                resampler.push(&block, &mut out);
                // rubato gives one more at the start where it has to make more than it takes.
                let more = usize::from((from, to) == (44_100, 48_000) && count == 1);
                let due = to as usize / 100 + more;
                assert_eq!(out.len(), due, "{from} to {to}, block {count}");
            }
        }
    }

    #[test]
    fn the_delay_is_as_reported() {
        for (from, to) in [
            (48_000, 16_000),
            (44_100, 16_000),
            (192_000, 16_000),
            (8_000, 16_000),
            (24_000, 48_000),
        ] {
            for taps in [64, 128] {
                let mut resampler = made(from, to, taps);
                // A bell curve one step of it wide enough to pass any of the filters whole.
                let centre = 0.050;
                let bell: Vec<f32> = (0..from / 10)
                    .map(|i| (-((f64::from(i) / f64::from(from) - centre) / 0.001).powi(2)).exp())
                    .map(|x| x as f32)
                    .collect();
                let mut out = Vec::new();
                resampler.push(&bell, &mut out);
                let mass: f64 = out.iter().map(|x| f64::from(*x)).sum();
                let moment: f64 = out
                    .iter()
                    .enumerate()
                    .map(|(i, x)| i as f64 * f64::from(*x))
                    .sum();
                let late = moment / mass / f64::from(to) - centre;
                let told = resampler.delay().as_secs_f64();
                assert!(
                    (late - told).abs() < 2e-6,
                    "{from} to {to}, {taps}: {late} but {told}"
                );
            }
        }
    }

    #[test]
    fn delays_are_short() {
        let table = [
            (48_000, 16_000, 64, 0.70),
            (48_000, 16_000, 128, 1.4),
            (24_000, 48_000, 64, 1.5),
        ];
        for (from, to, taps, most_ms) in table {
            let delay = made(from, to, taps).delay().as_secs_f64() * 1e3;
            assert!(delay <= most_ms, "{from} to {to}, {taps} taps: {delay} ms");
        }
    }

    #[test]
    fn tones_pass_and_aliases_do_not() {
        for from in [48_000, 44_100, 96_000, 192_000] {
            let passed = gain_db(from, 16_000, 1_000.0);
            assert!(passed.abs() < 0.1, "{from}: 1 kHz changed by {passed} dB");
            let alias = gain_db(from, 16_000, 11_000.0);
            assert!(alias < -70.0, "{from}: 11 kHz comes through at {alias} dB");
        }
    }

    #[test]
    fn a_tone_comes_out_of_the_phases_as_it_went_in() {
        for (from, to) in [
            (24_000, 48_000),
            (16_000, 48_000),
            (16_000, 24_000),
            (24_000, 16_000),
            (48_000, 16_000),
            (192_000, 16_000),
        ] {
            let hz = 0.1 * f64::from(from.min(to)) * std::f64::consts::TAU;
            let tone = |place: f64, rate: u32| (place / f64::from(rate) * hz).sin();
            let sound: Vec<f32> = (0..from / 4).map(|i| tone(i.into(), from) as f32).collect();
            let mut resampler = made(from, to, 64);
            let mut out = Vec::new();
            resampler.push(&sound, &mut out);
            // A whole number of samples.
            let delay = resampler.delay().as_secs_f64() * f64::from(to);
            assert!((delay - delay.round()).abs() < 1e-3, "{delay}");
            for (place, sample) in (0_u32..).zip(&out).skip(200) {
                let true_one = tone(f64::from(place) - delay, to);
                let error = (f64::from(*sample) - true_one).abs();
                assert!(error < 2e-5, "{from} to {to}: {sample} for {true_one}");
            }
        }
    }

    #[test]
    fn phases_keep_out_what_rubato_keeps_out() {
        // Not 8 kHz itself: a tone at half the rate may be sampled where it is zero.
        for hz in [
            300.0, 3_000.0, 6_000.0, 7_000.0, 7_500.0, 8_500.0, 9_000.0, 10_000.0, 15_000.0,
        ] {
            let exact = gain_db_of(made(48_000, 16_000, 64), hz);
            let any = gain_db_of(by_rubato(48_000, 16_000), hz);
            let silent = exact < -90.0 && any < -90.0;
            assert!(
                (exact - any).abs() < 0.1 || silent,
                "{hz} Hz: {exact} dB for {any} dB"
            );
        }
    }

    /// As it is for rates without a small common ratio.
    fn by_rubato(from: u32, to: u32) -> Resampler {
        let rate = |hz| SampleRate::new(hz).expect("not zero");
        let (from, to) = (rate(from), rate(to));
        let step = f64::from(from.hz()) / f64::from(to.hz());
        let cutoff = calculate_cutoff(64, WINDOW);
        let sinc = Sinc::new(from, to, stretched(64, step), cutoff).expect("allowed");
        Resampler::with(from, to, Some(Engine::Any(Box::new(sinc))))
    }

    #[test]
    fn equal_rates_pass_through() {
        let mut resampler = made(16_000, 16_000, 64);
        let mut out = Vec::new();
        resampler.push(&[0.1, 0.2], &mut out);
        resampler.flush(&mut out);
        assert_eq!(out, [0.1, 0.2]);
        assert_eq!(resampler.delay(), Duration::ZERO);
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let rate = |hz| SampleRate::new(hz).expect("not zero");
        let refusal = |from, to, taps| Resampler::new(rate(from), rate(to), taps).err();
        assert_eq!(refusal(7_999, 16_000, 64), Some(ResampleError::Rate(7_999)));
        assert_eq!(
            refusal(16_000, 192_001, 64),
            Some(ResampleError::Rate(192_001))
        );
        assert_eq!(refusal(48_000, 16_000, 0), Some(ResampleError::Taps(0)));
        assert_eq!(
            refusal(48_000, 16_000, 4_096),
            Some(ResampleError::Taps(4_096))
        );
    }

    #[test]
    fn a_reset_or_flushed_stream_starts_over() {
        let mut resampler = made(44_100, 16_000, 64);
        let sound: Vec<f32> = (0..1_000).map(|i| (i as f32 * 0.1).sin()).collect();
        let run = |resampler: &mut Resampler| {
            let mut out = Vec::new();
            resampler.push(&sound, &mut out);
            resampler.flush(&mut out);
            out
        };
        let first = run(&mut resampler);
        assert_eq!(run(&mut resampler), first);
        resampler.push(&[1.0; 77], &mut Vec::new());
        resampler.reset();
        assert_eq!(run(&mut resampler), first);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn lengths_come_out_right(
            from in prop_oneof![Just(8_000_u32), Just(11_025), Just(44_100), Just(48_000), 8_000_u32..=192_000],
            to in prop_oneof![Just(16_000_u32), Just(24_000), Just(48_000)],
            down in any::<bool>(),
            blocks in prop::collection::vec(0_usize..5_000, 1..12),
        ) {
            let (from, to) = if down { (from, to) } else { (to, from) };
            let mut resampler = made(from, to, 64);
            let mut out = Vec::new();
            let mut taken = 0_u64;
            for length in blocks {
                taken += length as u64;
                resampler.push(&vec![0.5; length], &mut out);
                let least = taken * u64::from(to) / u64::from(from);
                let given = out.len() as u64;
                prop_assert!((least..=least + 1).contains(&given), "{given} of {least}");
            }
            let delay = resampler.delay();
            resampler.flush(&mut out);
            let due = (taken as f64 / f64::from(from) + delay.as_secs_f64()) * f64::from(to);
            let due = if taken == 0 { 0.0 } else { due };
            prop_assert!((out.len() as f64 - due).abs() <= 1.0, "{} of {due}", out.len());
        }

        #[test]
        fn how_the_input_is_cut_makes_no_difference(cuts in prop::collection::vec(1_usize..700, 1..20)) {
            let length: usize = cuts.iter().sum();
            let sound: Vec<f32> = (0..length).map(|i| (i as f32 * 0.05).sin()).collect();
            let mut whole = Vec::new();
            made(48_000, 16_000, 64).push(&sound, &mut whole);
            let mut pieces = Vec::new();
            let mut resampler = made(48_000, 16_000, 64);
            let mut rest = &sound[..];
            for cut in cuts {
                let (piece, after) = rest.split_at(cut);
                resampler.push(piece, &mut pieces);
                rest = after;
            }
            prop_assert_eq!(whole.len(), pieces.len());
            for (a, b) in whole.iter().zip(&pieces) {
                prop_assert!((a - b).abs() < 1e-5);
            }
        }
    }

    /// Level of a tone after resampling, relative to before, in dB.
    fn gain_db(from: u32, to: u32, hz: f64) -> f64 {
        gain_db_of(made(from, to, 64), hz)
    }

    fn gain_db_of(mut resampler: Resampler, hz: f64) -> f64 {
        let from = resampler.from().hz();
        let tone: Vec<f32> = (0..from)
            .map(|i| (f64::from(i) / f64::from(from) * hz * std::f64::consts::TAU).sin() as f32)
            .collect();
        let mut out = Vec::new();
        resampler.push(&tone, &mut out);
        let settled = &out[out.len() / 4..];
        let power = settled.iter().map(|x| f64::from(x * x)).sum::<f64>() / settled.len() as f64;
        10.0 * (power * 2.0).max(1e-30).log10()
    }

    fn made(from: u32, to: u32, taps: u32) -> Resampler {
        let rate = |hz| SampleRate::new(hz).expect("not zero");
        Resampler::new(rate(from), rate(to), taps).expect("rates and taps are allowed")
    }
}
