//! What the workloads hear: cycles of 1.2 s, the same in every run, so that each N units do what the N before did.
//!
//! ```text
//! |◀──────── a voice, 0.4 s ────────▶|◀──────── a quiet room, 0.8 s ────────▶|   and again
//! ```
//!
//! 0.8 s is longer than the patience of every profile, so that each cycle is an utterance with all that belongs to it.

use sovereign::base::frame::FRAME_SAMPLES;
use sovereign::base::units::SampleRate;
use sovereign::dsp::resample::Resampler;

use crate::voices::{Noise, VOICES, voice};

/// Frames in a cycle. Whole cycles of all that is in blocks of its own: 16 ms (earshot), 64 samples (the canceller).
pub(crate) const CYCLE: u32 = 120;
/// Frames of it with a voice.
const SPOKEN: usize = 40;
/// Where the fixtures are in the middle of their sentence.
const FROM: usize = 4_800;
/// A quiet room: -66 dBFS.
const ROOM: f32 = 0.001;

pub(crate) type Samples = [f32; FRAME_SAMPLES];

/// The rate that nearly all devices run at.
pub(crate) fn device_rate() -> SampleRate {
    SampleRate::new(48_000).expect("not zero")
}

/// A cycle at the working rate, frame by frame.
pub(crate) fn talk() -> Vec<Samples> {
    let voice = voice(VOICES[0], -26.0);
    let mut noise = Noise::new(1);
    let spoken = &voice[FROM..FROM + SPOKEN * FRAME_SAMPLES];
    let all = (0..CYCLE as usize * FRAME_SAMPLES)
        .map(|i| spoken.get(i).copied().unwrap_or(0.0) + ROOM * noise.next());
    frames(&all.collect::<Vec<_>>())
}

/// A reply that speaks all the time.
pub(crate) fn reply() -> Vec<Samples> {
    let voice = voice(VOICES[1], -23.0);
    let length = CYCLE as usize * FRAME_SAMPLES;
    frames(&voice[FROM..FROM + length])
}

/// What a microphone hears of both: the reply arrives 10 ms late and 20 dB down.
pub(crate) fn with_echo(near: &[Samples], far: &[Samples]) -> Vec<Samples> {
    let late = far.iter().cycle().skip(far.len() - 1);
    let add = |(near, far): (&Samples, &Samples)| std::array::from_fn(|i| near[i] + 0.1 * far[i]);
    near.iter().zip(late).map(add).collect()
}

/// A cycle at another rate.
pub(crate) fn at_rate(frames: &[Samples], rate: SampleRate) -> Vec<f32> {
    let mut resampler =
        Resampler::new(SampleRate::WORKING, rate, 64).expect("rates that can be had");
    let mut out = Vec::new();
    resampler.push(frames.as_flattened(), &mut out);
    // The filter holds a little back; a cycle must be whole.
    let length = frames.len() * FRAME_SAMPLES * rate.hz() as usize / 16_000;
    out.resize(length, 0.0);
    out
}

fn frames(samples: &[f32]) -> Vec<Samples> {
    samples.as_chunks::<FRAME_SAMPLES>().0.to_vec()
}
