//! The test against rooms that are known.

use proptest::prelude::*;

use super::*;

#[test]
fn delay_and_loss_are_found_in_clean_and_noisy_rooms() {
    let table = [
        (0, 0.5, 1e-4),
        (37, 0.1, 1e-3),
        (640, 0.05, 1e-2),
        (1_923, 0.1, 1e-2),
        (5_600, 0.3, 1e-3),
    ];
    for (delay, gain, noise) in table {
        let report = Desk {
            delay,
            gain,
            noise,
            ..Desk::default()
        }
        .run(false);
        let truth_ms = delay as f32 / 16.0;
        let found = report.echo_delay.expect("heard").as_secs_f32() * 1e3;
        assert!((found - truth_ms).abs() < 0.5, "{found} ms of {truth_ms}");
        let loss = report.echo_loss_db.expect("heard");
        let truth_db = -20.0 * gain.log10();
        assert!(
            (loss - truth_db).abs() < 2.0,
            "{loss} dB of {truth_db}, noise {noise}"
        );
        assert_eq!(
            report.findings.contains(&SoundCheckFinding::DelayLong),
            delay == 5_600
        );
        let noise_db = report.noise.expect("measured").0;
        assert!((noise_db - 20.0 * (noise / 3.0_f32.sqrt()).log10()).abs() < 1.0);
    }
}

#[test]
fn a_headset_differs_from_a_speaker_that_does_not_play() {
    let report = Desk {
        gain: 0.0,
        ..Desk::default()
    }
    .run(false);
    assert_eq!((report.echo_delay, report.echo_loss_db), (None, None));
    assert_eq!(report.findings, [SoundCheckFinding::NoEcho]);
    let report = Desk {
        plays: false,
        ..Desk::default()
    }
    .run(false);
    assert_eq!(report.findings, [SoundCheckFinding::NotPlayed]);
    assert!(!report.played);
}

#[test]
fn a_muted_microphone_is_named() {
    let report = Desk {
        gain: 0.0,
        noise: 0.0,
        ..Desk::default()
    }
    .run(true);
    assert_eq!(report.findings, [SoundCheckFinding::AllZero]);
    assert_eq!(report.voice, None);
}

#[test]
fn the_voice_is_measured_without_its_pauses() {
    let report = Desk {
        voice: 0.1,
        ..Desk::default()
    }
    .run(true);
    let level = report.voice.expect("spoken").0;
    // A sine of amplitude 0.1.
    assert!((level + 23.0).abs() < 0.5, "{level}");
    assert_eq!(report.findings, []);
    let table = [
        (0.004, 1e-4, SoundCheckFinding::TooQuiet),
        (4.0, 1e-4, SoundCheckFinding::Clipping),
        (0.1, 0.04, SoundCheckFinding::Noisy),
        (0.0, 1e-3, SoundCheckFinding::NoVoice),
    ];
    for (voice, noise, finding) in table {
        let report = Desk {
            voice,
            noise,
            ..Desk::default()
        }
        .run(true);
        assert_eq!(report.findings, [finding], "{report:?}");
    }
}

#[test]
fn a_loud_echo_is_named() {
    let report = Desk {
        gain: 0.9,
        ..Desk::default()
    }
    .run(false);
    assert_eq!(report.findings, [SoundCheckFinding::EchoStrong]);
}

#[test]
fn it_asks_in_order_and_ends() {
    let mut asked = Vec::new();
    let desk = Desk {
        voice: 0.1,
        ..Desk::default()
    };
    let frames = desk.run_with(true, |step| asked.push(step.clone()));
    assert_eq!(
        asked[..3],
        [
            Step::Prompt(SoundCheckPhase::Quiet),
            Step::Prompt(SoundCheckPhase::Speak),
            Step::Prompt(SoundCheckPhase::Chirp)
        ]
    );
    let Step::Play(samples) = &asked[3] else {
        panic!("the chirp is played: {:?}", asked[3]);
    };
    assert_eq!(samples.len(), 6_000, "250 ms at 24 kHz");
    assert!((8_000..=8_300).contains(&samples.iter().copied().max().unwrap_or(0)));
    assert!(matches!(asked[4], Step::Done(_)));
    assert_eq!(asked.len(), 5);
    assert!(frames < 600, "{frames} frames");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    #[test]
    fn it_ends_with_figures_whatever_comes(values in prop::collection::vec(any::<f32>(), 1..40), voice in any::<bool>()) {
        let mut check = SoundCheck::new(voice);
        let mut place = 0;
        let mut next = || {
            place += 1;
            values[place * 7 % values.len()]
        };
        let mut report = None;
        for _ in 0..1_000 {
            let near = std::array::from_fn(|_| next());
            let far = std::array::from_fn(|_| next());
            if let Step::Done(done) = check.push(&near, &far) {
                report = Some(done);
            }
        }
        let report = report.expect("it is over within ten seconds");
        prop_assert!(report.echo_loss_db.is_none_or(f32::is_finite));
        prop_assert!(report.noise.is_none_or(|n| n.0.is_finite()));
        prop_assert!(report.voice.is_none_or(|v| v.0.is_finite()));
    }
}

/// A desk: speaker, air, microphone, and perhaps somebody who speaks when asked.
struct Desk {
    /// In samples at 16 kHz.
    delay: usize,
    gain: f32,
    noise: f32,
    voice: f32,
    plays: bool,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            delay: 640,
            gain: 0.3,
            noise: 1e-3,
            voice: 0.0,
            plays: true,
        }
    }
}

impl Desk {
    fn run(&self, with_voice: bool) -> SoundCheckReport {
        let mut report = None;
        self.run_with(with_voice, |step| {
            if let Step::Done(done) = step {
                report = Some(done.clone());
            }
        });
        report.expect("it ends")
    }

    /// Frames until the end; `see` gets what was to be done, but for nothing.
    fn run_with(&self, with_voice: bool, mut see: impl FnMut(&Step)) -> usize {
        let mut check = SoundCheck::new(with_voice);
        let (mut played, mut far_all) = (Vec::new(), vec![0.0; self.delay]);
        let (mut speaking, mut seed) = (false, 77_u64);
        for frame in 0..1_000 {
            let far: Samples = std::array::from_fn(|i| played.get(i).copied().unwrap_or(0.0));
            played.drain(..FRAME_SAMPLES.min(played.len()));
            far_all.extend(far);
            let near: Samples = std::array::from_fn(|i| {
                let at = frame * FRAME_SAMPLES + i;
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let hiss = (seed >> 40) as f32 / 8_388_608.0 - 1.0;
                let talks = speaking && at % 8_000 < 5_000;
                let tone = if talks { (at as f32 * 0.1).sin() } else { 0.0 };
                let sum = self.gain * far_all[at] + self.noise * hiss + self.voice * tone;
                sum.clamp(-1.0, 1.0)
            });
            let step = check.push(&near, &far);
            match &step {
                Step::Nothing => continue,
                Step::Prompt(phase) => speaking = *phase == SoundCheckPhase::Speak,
                // After 60 ms in the queue, at half the volume.
                Step::Play(_) if self.plays => {
                    played = vec![0.0; 960];
                    played.extend(chirp(SampleRate::WORKING).iter().map(|s| s * 0.5));
                }
                Step::Play(_) => {}
                Step::Done(_) => {
                    see(&step);
                    return frame;
                }
            }
            see(&step);
        }
        panic!("ten seconds are enough");
    }
}
