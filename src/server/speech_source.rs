//! What the server can say: the words in `assets/speech`, tones, files, and the user's own voice.
//!
//! Sounds are made chunk by chunk while they are sent, so that the first chunk of a long echo costs no more than the
//! first of a short one.

use std::f32::consts::TAU;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::base::units::{Dbfs, SampleRate};
use crate::base::wav;
use crate::dsp::downmix::{downmix, sanitise};
use crate::dsp::resample::Resampler;

/// Taps of the resampler between 16 and 24 kHz: speech needs no more, and many conversations share a core.
const TAPS: u32 = 32;
/// Voice is judged in blocks of this many samples at the working rate: 10 ms.
const BLOCK: usize = 160;
/// Nothing below this is voice: quiet rooms measure −70 to −55 dBFS.
const FLOOR: Dbfs = Dbfs(-50.0);
/// How far below its loudest block an utterance's own voice may fall.
const SPAN_DB: f32 = 30.0;
/// Voiced blocks that make an utterance; a click has fewer.
const LEAST_BLOCKS: usize = 6;
/// What is kept ahead of and behind the voice, in blocks: the echo starts within 20 ms and ends without a cut.
const LEAD_BLOCKS: usize = 1;
const TAIL_BLOCKS: usize = 10;

pub(super) struct RecordedWords {
    pub(super) caption: &'static str,
    pub(super) samples: Arc<[i16]>,
}

/// The demo's greeting.
pub(super) fn greeting() -> &'static RecordedWords {
    static WORDS: LazyLock<RecordedWords> = LazyLock::new(|| {
        words(
            "Hello, I am the offline demo. Say something, and I will say it back.",
            include_bytes!("../../assets/speech/greeting.wav"),
        )
    });
    &WORDS
}

/// The second sentence of the greeting: it answers text, which cannot be echoed.
pub(super) fn invitation() -> Arc<[i16]> {
    /// Within the pause between both sentences.
    const FROM: usize = 41_000;
    greeting().samples.get(FROM..).unwrap_or_default().into()
}

/// The answer to silence.
pub(super) fn nothing() -> &'static RecordedWords {
    static WORDS: LazyLock<RecordedWords> = LazyLock::new(|| {
        words(
            "I heard nothing.",
            include_bytes!("../../assets/speech/nothing.wav"),
        )
    });
    &WORDS
}

fn words(caption: &'static str, bytes: &[u8]) -> RecordedWords {
    let samples = decode(bytes).expect("the recorded words are checked by a test of this module");
    RecordedWords { caption, samples }
}

/// Reads a WAV file as mono at 24 kHz.
pub(super) fn read_wav(file: &Path) -> Result<Arc<[i16]>, String> {
    // Opening a pipe would wait for its writer.
    if std::fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        return Err("it is a folder, a pipe or a device".to_owned());
    }
    let file = std::fs::File::open(file).map_err(|error| error.to_string())?;
    decode(file)
}

fn decode(bytes: impl Read) -> Result<Arc<[i16]>, String> {
    let mut sound = wav::decode(bytes).map_err(|error| error.to_string())?;
    sanitise(&mut sound.samples);
    let mono = downmix(sound.channels, sound.rate, &sound.samples);
    let mut out = Vec::new();
    let mut resampler =
        Resampler::new(sound.rate, SampleRate::REPLY, 64).map_err(|e| e.to_string())?;
    resampler.push(&mono, &mut out);
    resampler.flush(&mut out);
    let late = SampleRate::REPLY.samples_in(resampler.delay());
    Ok(out.iter().skip(late).map(|&s| to_i16(s)).collect())
}

/// The voice found in an utterance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct VoicedSpan {
    /// Its place in the utterance, in samples, with a little silence around it.
    pub(super) from: usize,
    /// One past its last sample.
    pub(super) to: usize,
    /// From the first to the last voiced sample.
    pub(super) length: Duration,
    /// Its mean level.
    pub(super) level: Dbfs,
}

/// Finds the voice in `samples` (working rate); `None` if there is none.
pub(super) fn find_voice(samples: &[i16]) -> Option<VoicedSpan> {
    let powers: Vec<f32> = samples.chunks_exact(BLOCK).map(power).collect();
    let loudest = powers.iter().copied().fold(0.0, f32::max);
    let floor = FLOOR.amplitude().powi(2);
    let threshold = floor.max(loudest * 10.0_f32.powf(-SPAN_DB / 10.0));
    let voiced = || powers.iter().enumerate().filter(|(_, p)| **p > threshold);
    let count = voiced().count();
    if count < LEAST_BLOCKS {
        return None;
    }
    let (first, last) = (voiced().next()?.0, voiced().next_back()?.0);
    let mean = voiced().map(|(_, p)| p).sum::<f32>() / count as f32;
    Some(VoicedSpan {
        from: first.saturating_sub(LEAD_BLOCKS) * BLOCK,
        to: ((last + 1 + TAIL_BLOCKS) * BLOCK).min(samples.len()),
        length: SampleRate::WORKING.duration_of(((last + 1 - first) * BLOCK) as u64),
        level: Dbfs::from_amplitude(mean.sqrt()),
    })
}

fn power(block: &[i16]) -> f32 {
    let sum: f32 = block.iter().map(|&s| to_f32(s).powi(2)).sum();
    sum / block.len() as f32
}

/// Sound that is being sent: mono at 24 kHz, made as it is taken.
pub(super) enum SoundSource {
    Samples { samples: Arc<[i16]>, at: usize },
    Tone { hz: f32, at: usize, length: usize },
    Silence { left: usize },
    Echo(Box<Echo>),
}

impl SoundSource {
    pub(super) fn samples(samples: Arc<[i16]>) -> Self {
        Self::Samples { samples, at: 0 }
    }

    pub(super) fn tone(hz: f32, length: Duration) -> Self {
        Self::Tone {
            hz,
            at: 0,
            length: SampleRate::REPLY.samples_in(length),
        }
    }

    pub(super) fn silence(length: Duration) -> Self {
        Self::Silence {
            left: SampleRate::REPLY.samples_in(length),
        }
    }

    /// `samples` at the working rate.
    pub(super) fn echo(samples: Vec<i16>) -> Self {
        Self::Echo(Box::new(Echo::new(samples)))
    }

    /// The next `count` samples; fewer at the end, none after it.
    pub(super) fn take(&mut self, count: usize) -> Vec<i16> {
        match self {
            Self::Samples { samples, at } => {
                let end = (*at + count).min(samples.len());
                let taken = samples[*at..end].to_vec();
                *at = end;
                taken
            }
            Self::Tone { hz, at, length } => {
                let end = (*at + count).min(*length);
                let taken = (*at..end).map(|n| tone_at(*hz, n, *length)).collect();
                *at = end;
                taken
            }
            Self::Silence { left } => {
                let taken = count.min(*left);
                *left -= taken;
                vec![0; taken]
            }
            Self::Echo(echo) => echo.take(count),
        }
    }

    /// How many samples are left.
    pub(super) fn left(&self) -> usize {
        match self {
            Self::Samples { samples, at } => samples.len() - at,
            Self::Tone { at, length, .. } => length - at,
            Self::Silence { left } => *left,
            Self::Echo(echo) => echo.left,
        }
    }
}

/// A quarter of full scale, with 5 ms of fade at both ends.
fn tone_at(hz: f32, n: usize, length: usize) -> i16 {
    let fade = 120.0_f32.min(length as f32 / 2.0);
    let edge = (n as f32 / fade).min((length - n) as f32 / fade).min(1.0);
    // The phase in f64: at ten minutes f32 no longer knows where in its period the tone is.
    let phase = (n as f64 * f64::from(hz) / f64::from(SampleRate::REPLY.hz())).fract() as f32;
    to_i16(0.25 * edge * (TAU * phase).sin())
}

/// The user's voice on its way from the working rate to the reply's.
pub(super) struct Echo {
    input: std::vec::IntoIter<i16>,
    resampler: Resampler,
    ready: Vec<f32>,
    /// Samples at the front of the resampler's output that are only its delay.
    skip: usize,
    left: usize,
}

impl Echo {
    fn new(samples: Vec<i16>) -> Self {
        let resampler = Resampler::new(SampleRate::WORKING, SampleRate::REPLY, TAPS)
            .expect("both rates and the taps are within what it supports");
        Self {
            skip: SampleRate::REPLY.samples_in(resampler.delay()),
            left: samples.len() * 3 / 2,
            input: samples.into_iter(),
            resampler,
            ready: Vec::new(),
        }
    }

    fn take(&mut self, count: usize) -> Vec<i16> {
        let count = count.min(self.left);
        while self.ready.len() < count + self.skip {
            let block: Vec<f32> = self.input.by_ref().take(BLOCK).map(to_f32).collect();
            if block.is_empty() {
                self.resampler.flush(&mut self.ready);
                self.ready
                    .resize(self.ready.len().max(count + self.skip), 0.0);
            } else {
                self.resampler.push(&block, &mut self.ready);
            }
        }
        self.ready.drain(..self.skip);
        self.skip = 0;
        self.left -= count;
        self.ready.drain(..count).map(to_i16).collect()
    }
}

/// Full scale 1.0.
pub(super) fn to_f32(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

/// Clips what is beyond full scale.
pub(super) fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_words_are_loud_and_start_at_once() {
        for words in [greeting(), nothing()] {
            let peak = words
                .samples
                .iter()
                .map(|s| i32::from(s.unsigned_abs()))
                .max();
            assert!((14_000..=18_500).contains(&peak.unwrap_or(0)), "{peak:?}");
            let first = words.samples.iter().position(|s| s.abs() > 300);
            assert!(
                first.is_some_and(|n| n < 24 * 40),
                "{first:?}: {}",
                words.caption
            );
        }
        let invitation = invitation();
        assert!(
            invitation[..24 * 20].iter().all(|s| s.abs() < 150),
            "it begins in a pause"
        );
        assert!(
            invitation[..24 * 120].iter().any(|s| s.abs() > 1_000),
            "and at once"
        );
        let seconds = greeting().samples.len() as f64 / 24_000.0;
        assert!((3.0..5.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn voice_is_found_between_silence_with_its_level() {
        let mut samples = vec![0; 16_000 / 2];
        samples.extend(buzz(Duration::from_millis(1200), 0.1));
        samples.extend(vec![3; 16_000]);
        let voice = find_voice(&samples).expect("there is voice");
        assert_eq!(
            voice.from,
            8_000 - 160,
            "10 ms ahead of the first voiced block"
        );
        assert_eq!(voice.to, 8_000 + 19_200 + 1_600, "100 ms behind the last");
        assert_eq!(voice.length, Duration::from_millis(1200));
        assert!((voice.level.0 + 23.0).abs() < 0.5, "{:?}", voice.level);
    }

    #[test]
    fn silence_clicks_and_nothing_are_no_voice() {
        let mut click = vec![0; 16_000];
        click[8_000..8_300].fill(20_000);
        for samples in [vec![], vec![0; 16_000], vec![40; 16_000], click] {
            assert_eq!(find_voice(&samples), None);
        }
    }

    #[test]
    fn an_echo_is_the_same_sound_at_the_replys_rate_however_it_is_taken() {
        let said = buzz(Duration::from_millis(500), 0.5);
        let wanted = SoundSource::echo(said.clone()).take(usize::MAX);
        assert_eq!(wanted.len(), 12_000);
        let mut pieces = SoundSource::echo(said.clone());
        let mut taken = Vec::new();
        while pieces.left() > 0 {
            taken.extend(pieces.take(963));
        }
        assert_eq!(taken, wanted);
        // Every second sample of the input falls on every third of the output; no delay, no gain.
        let error = said
            .iter()
            .step_by(2)
            .zip(wanted.iter().step_by(3))
            .skip(40)
            .take(3_900)
            .map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs())
            .max();
        assert!(error.is_some_and(|e| e < 400), "{error:?}");
    }

    #[test]
    fn tones_and_silence_have_their_length_and_end_softly() {
        let mut tone = SoundSource::tone(440.0, Duration::from_millis(100));
        assert_eq!(tone.left(), 2_400);
        let all = tone.take(5_000);
        assert_eq!((all.len(), tone.left()), (2_400, 0));
        assert!(tone.take(10).is_empty());
        assert!(all[0].abs() < 10 && all[2_399].abs() < 100);
        assert!(all.iter().any(|s| *s > 8_000));
        assert_eq!(
            SoundSource::silence(Duration::from_millis(10)).take(999),
            vec![0; 240]
        );
    }

    fn buzz(length: Duration, amplitude: f32) -> Vec<i16> {
        let count = SampleRate::WORKING.samples_in(length);
        (0..count)
            .map(|n| to_i16(amplitude * (TAU * (n as f32 * 0.025).fract()).sin()))
            .collect()
    }
}
