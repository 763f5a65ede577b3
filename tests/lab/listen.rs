//! Sentences with known bounds, and what detector and segmenter hear of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sovereign::base::frame::{FRAME_SAMPLES, Frame};
use sovereign::profile::{self, Profile};
use sovereign::vad::segment::{FrameContext, SegmentNote, SegmentSettings, Segmenter};
use sovereign::vad::{Detect as _, Detector, SpeechEvent, VadKind};

use super::noises;
use super::voices::{Noise, VOICES, at_level, voice};

/// The level of an ordinary talker.
pub(crate) const SPEECH: f32 = -26.0;
/// A quiet room: no silence is without sound.
const ROOM: f32 = -70.0;
/// Before the first sentence.
const LEAD: usize = 3 * 16_000;

/// Both detectors.
pub(crate) const KINDS: [VadKind; 2] = [VadKind::Webrtc, VadKind::Earshot];

/// A name, the level of the speech, and a noise with how much weaker it is.
pub(crate) type Scene = (&'static str, f32, Option<(noises::Kind, f32)>);

/// The shipped profiles.
pub(crate) fn profiles() -> [Arc<Profile>; 3] {
    ["ultra-fast", "balanced", "high-quality"].map(|name| profile::builtin(name).expect("shipped"))
}

/// What a profile says of detection, as the audio worker takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ears {
    pub(crate) kind: VadKind,
    pub(crate) aggressiveness: u8,
    pub(crate) settings: SegmentSettings,
}

impl Ears {
    /// What a table calls a detector, which may be another one than these ears have.
    pub(crate) fn name(self, kind: VadKind) -> String {
        let mark = if kind == self.kind {
            ""
        } else {
            " (not shipped)"
        };
        format!("{kind:?}{mark}")
    }

    pub(crate) fn of(profile: &Profile) -> Self {
        Self {
            kind: profile.detector.kind,
            aggressiveness: profile.detector.aggressiveness,
            settings: SegmentSettings {
                onset_idle: profile.detector.onset_idle,
                onset_playing: profile.detector.onset_playing,
                patience: profile.turn.patience,
                preroll: profile.audio.preroll,
            },
        }
    }
}

/// Sentences one after the other.
pub(crate) struct Talk {
    pub(crate) samples: Vec<f32>,
    /// First audible sample of each, and the one after the last.
    pub(crate) spoken: Vec<(usize, usize)>,
    level: f32,
}

impl Talk {
    /// Each voice so many times, 1.6 to 2.2 s apart, in a quiet room.
    pub(crate) fn new(level: f32, rounds: usize, seed: u64) -> Self {
        let mut noise = Noise::new(seed);
        let mut samples = vec![0.0; LEAD];
        let mut spoken = Vec::new();
        for name in (0..rounds).flat_map(|_| VOICES) {
            let words = at_level(audible(&voice(name, SPEECH)), level);
            spoken.push((samples.len(), samples.len() + words.len()));
            samples.extend(words);
            let gap = 16_000.0 * (1.9 + 0.3 * noise.next());
            samples.resize(samples.len() + gap as usize, 0.0);
        }
        let mut talk = Self {
            samples,
            spoken,
            level,
        };
        talk.add(noises::Kind::Pink, ROOM, seed);
        talk
    }

    /// Adds noise that is weaker than the speech by so many decibels.
    pub(crate) fn with(mut self, kind: noises::Kind, snr: f32, seed: u64) -> Self {
        self.add(kind, self.level - snr, seed);
        self
    }

    fn add(&mut self, kind: noises::Kind, level: f32, seed: u64) {
        let noise = at_level(kind.make(self.samples.len(), seed), level);
        for (sample, noise) in self.samples.iter_mut().zip(noise) {
            *sample += noise;
        }
    }
}

/// The part of a sentence that is louder than a hundredth of its peak: the rest, nobody hears.
fn audible(words: &[f32]) -> Vec<f32> {
    let peak = words.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    let loud = |s: &f32| s.abs() > 0.01 * peak;
    let first = words.iter().position(loud).expect("a fixture speaks");
    let last = words.iter().rposition(loud).expect("a fixture speaks");
    words[first..=last].to_vec()
}

/// What was made of a stretch of sound.
pub(crate) struct Heard {
    /// Events but frames; when each was told, and the instant that it names, in milliseconds.
    pub(crate) told: Vec<LocalizedText>,
    /// For each frame: whether it was sent, and whether an utterance was open after it.
    pub(crate) frames: Vec<(bool, bool)>,
    pub(crate) rearmed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Started,
    SilenceStarted,
    Resumed,
    Ended,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct LocalizedText {
    pub(crate) what: What,
    pub(crate) at_ms: f64,
}

impl Heard {
    pub(crate) fn starts(&self) -> usize {
        let started = |told: &&LocalizedText| told.what == What::Started;
        self.told.iter().filter(started).count()
    }

    /// When a kind of event was told between two instants, in milliseconds.
    pub(crate) fn within(&self, what: What, from: f64, to: f64) -> impl Iterator<Item = f64> {
        let told = self.told.iter().filter(move |told| told.what == what);
        told.map(|told| told.at_ms)
            .filter(move |at| (from..to).contains(at))
    }
}

/// What the audio worker does with each frame.
pub(crate) fn hear(samples: &[f32], ears: Ears, playing: bool) -> Heard {
    let base = Instant::now();
    let mut detector = Detector::new(ears.kind, ears.aggressiveness);
    let mut segmenter = Segmenter::new(ears.settings);
    let whole = samples.len() / FRAME_SAMPLES;
    let mut heard = Heard {
        told: Vec::new(),
        frames: vec![(false, false); whole],
        rearmed: 0,
    };
    let mut out = Vec::new();
    for (sequence, samples) in (0_u64..).zip(samples.chunks_exact(FRAME_SAMPLES)) {
        let frame = Frame {
            samples: samples.try_into().expect("chunks are exact"),
            sequence,
            captured: base + Duration::from_millis(10 * sequence),
        };
        let context = FrameContext {
            voiced: detector.voiced(&frame),
            playing,
            ..FrameContext::default()
        };
        match segmenter.push(frame, context, &mut out) {
            Some(SegmentNote::Rearm) => {
                heard.rearmed += 1;
                detector.set_aggressiveness(3);
            }
            Some(SegmentNote::Relax) => detector.set_aggressiveness(ears.aggressiveness),
            None => {}
        }
        heard.take(&mut out, 10.0 * (sequence + 1) as f64);
        heard.frames[sequence as usize].1 = segmenter.is_open();
    }
    heard
}

impl Heard {
    fn take(&mut self, out: &mut Vec<SpeechEvent>, at_ms: f64) {
        for event in out.drain(..) {
            let what = match event {
                SpeechEvent::Frame(frame) => {
                    self.frames[frame.sequence as usize].0 = true;
                    continue;
                }
                SpeechEvent::Started { lead, .. } => {
                    for frame in lead {
                        self.frames[frame.sequence as usize].0 = true;
                    }
                    What::Started
                }
                SpeechEvent::SilenceStarted { .. } => What::SilenceStarted,
                SpeechEvent::Resumed { .. } => What::Resumed,
                SpeechEvent::Ended { .. } => What::Ended,
            };
            self.told.push(LocalizedText { what, at_ms });
        }
    }
}

/// Values of which quantiles are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(pub(crate) Vec<f64>);

impl Values {
    /// The value below which the share `q` lies; not a number if there are none.
    pub(crate) fn at(&self, q: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1) as f64;
        sorted
            .get((q * last).round() as usize)
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// Median and 95th percentile.
    pub(crate) fn text(&self) -> String {
        if self.0.is_empty() {
            return "–".to_owned();
        }
        format!("{:.0} / {:.0}", self.at(0.5), self.at(0.95))
    }
}
