//! Speech of six voices, at five levels, in silence and in noise, through detector and segmenter: each sentence is
//! one utterance, its beginning is not cut, and both its ends are found to a few milliseconds.
//!
//! `cargo test --test integration detection:: -- --nocapture` prints what was measured.

use std::path::Path;
use std::time::{Duration, Instant};

use sovereign::base::frame::{FRAME_SAMPLES, Frame};
use sovereign::base::units::{Dbfs, SampleRate};
use sovereign::vad::segment::{FrameContext, SegmentNote, SegmentSettings, Segmenter};
use sovereign::vad::{Detect as _, Detector, SpeechEvent, VadKind};

const VOICES: [&str; 6] = [
    "american-man",
    "british-woman",
    "german-man",
    "french-woman",
    "spanish-man",
    "american-child",
];
const LEVELS: [f32; 5] = [-40.0, -32.0, -26.0, -18.0, -10.0];
/// Of all three profiles: with 3 the soft beginnings of sentences are cut and in noise a sentence is missed, below 2
/// steady noise is taken for speech.
const AGGRESSIVENESS: u8 = 2;
/// Silence ahead of the sentence and after it.
const BEFORE: usize = 16_000;
const AFTER: usize = 24_000;

/// The three shipped profiles: name, onset in milliseconds, patience, pre-roll.
const PROFILES: [(&str, u64, u64, u64); 3] = [
    ("ultra-fast", 60, 300, 200),
    ("balanced", 64, 500, 300),
    ("high-quality", 80, 700, 400),
];

#[test]
fn sentences_in_silence_are_found_to_ten_milliseconds() {
    for profile in PROFILES {
        let seen = survey(profile, VadKind::Webrtc, None, &LEVELS);
        seen.print(profile.0, "silence");
        seen.assert(10.0, 10.0);
    }
}

#[test]
fn sentences_in_noise_are_found_to_forty_milliseconds() {
    for profile in PROFILES {
        let seen = survey(profile, VadKind::Webrtc, Some(20.0), &LEVELS);
        seen.print(profile.0, "pink 20 dB");
        seen.assert(40.0, 150.0);
    }
}

#[test]
fn sentences_in_loud_noise_are_found() {
    for profile in PROFILES {
        let seen = survey(profile, VadKind::Webrtc, Some(10.0), &LEVELS);
        seen.print(profile.0, "pink 10 dB");
        // The hissing ends of words drown.
        seen.assert(200.0, 160.0);
    }
}

#[test]
fn the_late_detector_finds_the_same_ends() {
    for profile in PROFILES {
        // Of a quiet talker in loud noise it misses the first word; that is for the gain control.
        for (snr, off, levels) in [
            (None, 10.0, &LEVELS[..]),
            (Some(20.0), 40.0, &LEVELS[..]),
            (Some(10.0), 200.0, &LEVELS[1..]),
        ] {
            let seen = survey(profile, VadKind::Earshot, snr, levels);
            seen.print(profile.0, &format!("earshot {snr:?}"));
            seen.assert(off, 150.0);
        }
    }
}

#[test]
fn noise_of_any_level_is_at_most_one_utterance_and_not_a_lasting_one() {
    for level in [-70.0, -50.0, -40.0, -30.0, -20.0, -10.0] {
        // From the start, and after five seconds of a quiet room.
        for (sets_in, kind) in [
            (0, VadKind::Webrtc),
            (5 * 16_000, VadKind::Webrtc),
            (5 * 16_000, VadKind::Earshot),
        ] {
            let noise = pink(16_000 * 30);
            let unit = Dbfs::rms(&noise).amplitude();
            let gain = |at| Dbfs(if at < sets_in { -65.0 } else { level }).amplitude() / unit;
            let samples = noise.iter().enumerate().map(|(at, s)| s * gain(at));
            let samples: Vec<f32> = samples.collect();
            let base = Instant::now();
            let heard = hear(&samples, base, settings(PROFILES[0]), kind);
            let name = format!("{kind:?}: {level} dBFS from sample {sets_in} on");
            assert!(heard.starts() <= 1 && heard.notes.len() <= 1, "{name}");
            assert!(sets_in > 0 || heard.starts() == 0, "{name}");
            let [
                (SpeechEvent::Started { first_voiced, .. }, _),
                ..,
                (last, ended),
            ] = &heard.events[..]
            else {
                continue;
            };
            assert!(matches!(last, SpeechEvent::Ended { .. }), "{name}: it ends");
            assert!(
                *ended - *first_voiced < Duration::from_millis(8_500),
                "{name}: in time"
            );
        }
    }
}

#[test]
fn a_minute_of_sentences_does_not_rearm_the_detector() {
    let mut samples = vec![0.0; BEFORE];
    while samples.len() < 60 * 16_000 {
        for voice in VOICES {
            samples.extend(fixture(voice));
        }
    }
    for kind in [VadKind::Webrtc, VadKind::Earshot] {
        let heard = hear(&samples, Instant::now(), settings(PROFILES[2]), kind);
        assert_eq!((heard.starts(), heard.notes.len()), (1, 0), "{kind:?}");
    }
}

#[test]
fn a_crowd_does_not_hold_the_detector_on() {
    // Forty voices at once: speech without a syllable, as level as noise.
    let mut samples = vec![0.0_f32; 40 * 16_000];
    for turn in 0..40 {
        let words = fixture(VOICES[turn % VOICES.len()]);
        let from = turn * 3_001 % words.len();
        for (sample, word) in samples.iter_mut().zip(words.iter().cycle().skip(from)) {
            *sample += word;
        }
    }
    // It sets in after five seconds; else it would be the room.
    let unit = Dbfs::rms(&samples).amplitude();
    for (at, sample) in samples.iter_mut().enumerate() {
        let level = if at < 5 * 16_000 { -75.0 } else { -30.0 };
        *sample *= Dbfs(level).amplitude() / unit;
    }
    let heard = hear(
        &samples,
        Instant::now(),
        settings(PROFILES[1]),
        VadKind::Webrtc,
    );
    let told: Vec<SegmentNote> = heard.notes.iter().map(|note| note.1).collect();
    assert_eq!(told, [SegmentNote::Rearm]);
    // Eight seconds, and 200 ms of doubt.
    assert!(heard.notes[0].0 < 500 + 850, "{:?}", heard.notes);
    let heard = hear(
        &samples,
        Instant::now(),
        settings(PROFILES[1]),
        VadKind::Earshot,
    );
    assert_eq!(
        heard.notes,
        [],
        "the other does not hear speech in it to begin with"
    );
}

/// Why the microphone has no quick ear beside webrtc-vad: it would be one of the same kind, at its strictest.
#[test]
fn what_the_strictest_hears_every_laxer_one_hears_in_the_same_frame() {
    for snr in [None, Some(20.0), Some(10.0)] {
        let mut heard = 0;
        for (voice, level) in VOICES.iter().flat_map(|v| LEVELS.map(|level| (v, level))) {
            let samples = scene(voice, level, snr).0;
            let strictest = verdicts(&samples, 3);
            heard += strictest.iter().filter(|voiced| **voiced).count();
            for aggressiveness in 0..3 {
                let lax = verdicts(&samples, aggressiveness);
                let alone = strictest.iter().zip(&lax).position(|(is, lax)| *is && !lax);
                assert_eq!(alone, None, "{voice} {level} {snr:?} {aggressiveness}");
            }
        }
        assert!(heard > 4_000, "{heard} frames of speech");
    }
}

fn verdicts(samples: &[f32], aggressiveness: u8) -> Vec<bool> {
    let mut detector = Detector::new(VadKind::Webrtc, aggressiveness);
    let frames = samples.as_chunks::<FRAME_SAMPLES>().0;
    let verdict = |(sequence, samples): (u64, &[f32; FRAME_SAMPLES])| {
        detector.voiced(&Frame {
            samples: *samples,
            sequence,
            captured: Instant::now(),
        })
    };
    (0..).zip(frames).map(verdict).collect()
}

/// What was measured over all voices and levels, in milliseconds.
#[derive(Default)]
struct Survey {
    sentences: usize,
    /// Sentences that were not exactly one utterance.
    split: Vec<String>,
    /// From the true beginning back to the first sample sent.
    lead: Vec<f64>,
    /// Measured minus true.
    first: Vec<f64>,
    last: Vec<f64>,
    /// From the true beginning to the decision.
    onset: Vec<f64>,
    /// From the measured end to the decision, less patience.
    over: Vec<f64>,
}

impl Survey {
    /// Most that the ends may be off, and that the decision may come after patience.
    fn assert(&self, off: f64, over: f64) {
        assert!(self.split.is_empty(), "not one utterance: {:?}", self.split);
        assert_eq!(self.last.len(), self.sentences, "each has ended");
        assert!(
            self.lead.iter().all(|lead| *lead >= 100.0),
            "lead {:?}",
            self.lead
        );
        for ends in [&self.first, &self.last] {
            assert!(ends.iter().all(|end| end.abs() <= off), "off by {ends:?}");
        }
        let in_time = |late: &f64| (-0.01..=over).contains(late);
        assert!(
            self.over.iter().all(in_time),
            "over patience by {:?}",
            self.over
        );
    }

    #[expect(clippy::print_stderr, reason = "the measurement is worth reading")]
    fn print(&self, profile: &str, noise: &str) {
        let text = |name: &str, values: &[f64]| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            let at = |q: f64| {
                sorted
                    .get((q * (sorted.len().max(1) - 1) as f64).round() as usize)
                    .copied()
                    .unwrap_or(f64::NAN)
            };
            format!("{name} {:.0}/{:.0}/{:.0}", at(0.0), at(0.5), at(1.0))
        };
        eprintln!(
            "{profile:12} {noise:10} n {} not one {:?} | {} | {} | {} | {} | {}",
            self.sentences,
            self.split,
            text("lead", &self.lead),
            text("onset", &self.onset),
            text("first", &self.first),
            text("last", &self.last),
            text("over", &self.over),
        );
    }
}

fn survey(
    profile: (&str, u64, u64, u64),
    kind: VadKind,
    snr: Option<f32>,
    levels: &[f32],
) -> Survey {
    let settings = settings(profile);
    let mut survey = Survey::default();
    for voice in VOICES {
        for &level in levels {
            let (samples, truth) = scene(voice, level, snr);
            let base = Instant::now();
            let heard = hear(&samples, base, settings, kind);
            survey.sentences += 1;
            let at = |instant: Instant| instant.duration_since(base).as_secs_f64() * 1e3;
            if heard.starts() != 1 {
                survey.split.push(format!("{voice} {level}"));
                continue;
            }
            for (event, decided) in &heard.events {
                match event {
                    SpeechEvent::Started { first_voiced, lead } => {
                        survey.lead.push(truth.0 - at(lead[0].captured));
                        survey.first.push(at(*first_voiced) - truth.0);
                        survey.onset.push(at(*decided) - truth.0);
                    }
                    SpeechEvent::Frame(_)
                    | SpeechEvent::SilenceStarted { .. }
                    | SpeechEvent::Resumed { .. } => {}
                    SpeechEvent::Ended { last_voiced } => {
                        survey.last.push(at(*last_voiced) - truth.1);
                        survey
                            .over
                            .push(at(*decided) - at(*last_voiced) - profile.2 as f64);
                    }
                }
            }
        }
    }
    survey
}

#[derive(Default)]
struct Heard {
    /// Each with the end of the frame at which it was decided.
    events: Vec<(SpeechEvent, Instant)>,
    /// Each with the frame's number.
    notes: Vec<(u64, SegmentNote)>,
}

impl Heard {
    fn starts(&self) -> usize {
        let start =
            |event: &&(SpeechEvent, Instant)| matches!(event.0, SpeechEvent::Started { .. });
        self.events.iter().filter(start).count()
    }
}

/// What the audio worker does with each frame.
fn hear(samples: &[f32], base: Instant, settings: SegmentSettings, kind: VadKind) -> Heard {
    let mut detector = Detector::new(kind, AGGRESSIVENESS);
    let mut segmenter = Segmenter::new(settings);
    let mut heard = Heard::default();
    for (sequence, samples) in (0_u64..).zip(samples.chunks_exact(FRAME_SAMPLES)) {
        let frame = Frame {
            samples: samples.try_into().expect("chunks are exact"),
            sequence,
            captured: base + Duration::from_millis(10 * sequence),
        };
        let end = frame.end();
        let context = FrameContext {
            voiced: detector.voiced(&frame),
            ..FrameContext::default()
        };
        let mut out = Vec::new();
        let note = segmenter.push(frame, context, &mut out);
        heard
            .events
            .extend(out.into_iter().map(|event| (event, end)));
        match note {
            Some(SegmentNote::Rearm) => detector.set_aggressiveness(3),
            Some(SegmentNote::Relax) => detector.set_aggressiveness(AGGRESSIVENESS),
            None => {}
        }
        heard.notes.extend(note.map(|note| (sequence, note)));
    }
    heard
}

fn settings(profile: (&str, u64, u64, u64)) -> SegmentSettings {
    let ms = Duration::from_millis;
    SegmentSettings {
        onset_idle: ms(profile.1),
        onset_playing: ms(profile.1 * 3 / 2),
        patience: ms(profile.2),
        preroll: ms(profile.3),
    }
}

/// A sentence at a level in its surroundings, and where it truly begins and ends, in milliseconds.
fn scene(voice: &str, level: f32, snr: Option<f32>) -> (Vec<f32>, (f64, f64)) {
    let words = fixture(voice);
    let peak = words.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    // Below a hundredth of the loudest, nobody hears it.
    let audible = |s: &f32| s.abs() > 0.01 * peak;
    let first = words.iter().position(audible).expect("a fixture speaks");
    let last = words.iter().rposition(audible).expect("a fixture speaks");
    let gain = Dbfs(level).amplitude() / Dbfs::rms(&words[first..=last]).amplitude();
    let mut samples = vec![0.0; BEFORE];
    samples.extend(words.iter().map(|s| s * gain));
    samples.resize(samples.len() + AFTER, 0.0);
    if let Some(snr) = snr {
        let noise = pink(samples.len());
        let gain = Dbfs(level - snr).amplitude() / Dbfs::rms(&noise).amplitude();
        for (sample, noise) in samples.iter_mut().zip(noise) {
            *sample += noise * gain;
        }
    }
    let ms = |sample: usize| {
        SampleRate::WORKING
            .duration_of((BEFORE + sample) as u64)
            .as_secs_f64()
            * 1e3
    };
    (samples, (ms(first), ms(last + 1)))
}

fn fixture(name: &str) -> Vec<f32> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/speech/{name}.wav"));
    let mut file = hound::WavReader::open(&path).expect("the fixtures are committed");
    assert_eq!(file.spec().sample_rate, SampleRate::WORKING.hz());
    let samples = file.samples::<i16>();
    samples
        .map(|s| f32::from(s.expect("a whole file")) / 32_768.0)
        .collect()
}

/// Pink noise: white noise through Kellet's filter, the same each time.
fn pink(length: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut b = [0.0_f32; 3];
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let white = (state >> 40) as f32 / 8_388_608.0 - 1.0;
            b[0] = 0.997_65 * b[0] + white * 0.099_046;
            b[1] = 0.963 * b[1] + white * 0.296_516_4;
            b[2] = 0.57 * b[2] + white * 1.052_691_3;
            b[0] + b[1] + b[2] + white * 0.1848
        })
        .collect()
}
