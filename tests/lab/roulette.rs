//! Profiles that change ten times a second, at random, while a reply plays and the user speaks, on simulated time: what
//! is heard and what is captured is that of a single profile, sample by sample.
//!
//! Each change of the period opens both devices anew; each change of the filter begins it anew within the sound.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sovereign::audio::playback::FADE;
use sovereign::audio::{
    Gate, PlayedBlock, SimulatedDesk, VoiceCommand, VoiceEvent, VoiceSettings, simulate,
};
use sovereign::base::counters::Counters;
use sovereign::base::frame::{FRAME_SAMPLES, Frame, Pcm};
use sovereign::base::ids::TurnId;
use sovereign::base::units::SampleRate;
use sovereign::profile::{NoiseSuppressor, Profile, VadKind, builtin};

use super::playout::tone;
use super::runs::follow;
use super::table::{Table, full};
use super::voices::{Noise, VOICES, voice};

const SHIPPED: [&str; 3] = ["ultra-fast", "balanced", "high-quality"];
/// Samples of the speaker, and of the simulated microphone of the exact test.
const DEVICE_HZ: u32 = 48_000;
/// -60 dB of the loudest that is played: what filters of different lengths may differ by.
const FILTERS: f32 = 5e-4;
/// Less than a bit of 24: what the undone fade of the first 5 ms may be off by.
const SAME: f32 = 1e-7;

#[test]
fn with_the_stages_off_every_sample_is_that_of_a_single_profile() {
    let mut table = Table::new(
        "roulette",
        "Profiles without stages change at random ten times a second while a reply plays and the user speaks; everything is held \
         against the run of a single profile, at the device's 48 kHz and the working 16 kHz. `seams`: the reply moves to another \
         stream. Errors are the largest outside the fades, in millionths of full scale; `place` is the largest shift of what was \
         captured, in samples of 16 kHz (filters of different lengths round their delays to whole ones).",
        &[
            "profiles differ in",
            "minutes",
            "changes",
            "seams",
            "longest seam, ms",
            "lost or repeated",
            "error heard, below",
            "error captured",
            "place",
        ],
    );
    for (name, profiles) in [
        ("all but filters", plain(&[64])),
        ("all", plain(&[64, 128])),
    ] {
        let (sessions, seconds) = if full() { (30, 60) } else { (1, 20) };
        let desk = SimulatedDesk::default();
        let said = triangle(seconds);
        let single = Session::run(&desk, &profiles[..1], seconds, &said, 0);
        let mut sum = Sum::default();
        for seed in 1..=sessions {
            let mixed = Session::run(&desk, &profiles, seconds, &said, seed);
            sum.add(&single, &mixed, seconds);
        }
        assert_eq!(sum.lost, 0, "each sample of the reply, once");
        let exact = profiles.iter().all(|p| p.audio.resampler_taps == 64);
        assert!(
            sum.heard <= if exact { SAME } else { FILTERS },
            "{}",
            sum.heard
        );
        assert!(
            sum.captured <= if exact { 0.0 } else { FILTERS },
            "{}",
            sum.captured
        );
        assert!(sum.place < if exact { 1e-3 } else { 0.75 }, "{}", sum.place);
        assert!(
            sum.changes > sessions as usize * seconds * 5,
            "{}",
            sum.changes
        );
        assert!(sum.seams > sum.changes / 3, "{} seams", sum.seams);
        // The longest period, and a millisecond for each hand that it passes through.
        assert!(sum.longest < Duration::from_millis(25), "{:?}", sum.longest);
        table.row(&[
            name.to_owned(),
            format!("{:.1}", sessions as f64 * seconds as f64 / 60.0),
            sum.changes.to_string(),
            sum.seams.to_string(),
            format!("{:.1}", sum.longest.as_secs_f64() * 1e3),
            sum.lost.to_string(),
            format!("{:.1}", sum.heard * 1e6),
            format!("{:.1}", sum.captured * 1e6),
            format!("{:.2}", sum.place),
        ]);
    }
    table.finish();
}

#[test]
fn with_the_shipped_profiles_no_frame_is_lost_and_nothing_clicks() {
    let (sessions, seconds) = if full() { (60, 60) } else { (1, 20) };
    let desk = SimulatedDesk {
        microphone_rate: SampleRate::WORKING,
        ..SimulatedDesk::default()
    };
    let profiles = SHIPPED.map(|name| builtin(name).expect("a built-in profile"));
    let said = sentences(seconds);
    let singles: Vec<Session> = profiles
        .iter()
        .map(|p| Session::run(&desk, std::slice::from_ref(p), seconds, &said, 0))
        .collect();
    let plain = &singles[0];
    let steepest = singles
        .iter()
        .map(|s| steepest(&s.samples()))
        .fold(0.0, f32::max);
    let delays: Vec<Duration> = singles.iter().map(|s| delay_told(plain, s, 500)).collect();
    let latest = delays.iter().max().expect("three");
    assert!(
        *latest <= Duration::from_millis(15),
        "the chain's: {delays:?}"
    );
    let lag_most = SampleRate::WORKING.samples_in(*latest) as i64 + 16;
    for seed in 1..=sessions {
        let mixed = Session::run(&desk, &profiles, seconds, &said, seed);
        mixed.assert_whole();
        let step = self::steepest(&mixed.samples());
        assert!(step <= 1.2 * steepest, "a step of {step}, alone {steepest}");
        for frame in 0..mixed.frames.len().min(plain.frames.len()) {
            let told = delay_told(plain, &mixed, frame);
            // While one stage is in and another is not yet, less.
            let most = *latest + Duration::from_micros(100);
            assert!(
                told <= most,
                "frame {frame} says it is {told:?} late, not one of {delays:?}"
            );
        }
        for lag in lags_of(plain, &mixed) {
            // And a millisecond for the filters that the sound passes.
            assert!(lag <= lag_most, "{lag} samples late, not {lag_most}");
        }
        let wanted = plain.reply();
        let found = follow(&mixed.heard, rate(), &wanted, FILTERS).expect("what was sent");
        assert_eq!(found.samples, wanted.len(), "all of the reply");
    }
}

/// A profile without stages for each period and filter.
fn plain(taps: &[u32]) -> Vec<Arc<Profile>> {
    let periods = [512, 256, 1_024, 480];
    let kinds = [VadKind::Webrtc, VadKind::Earshot];
    let all = taps
        .iter()
        .flat_map(|taps| periods.map(|period| (*taps, period)));
    all.enumerate()
        .map(|(n, (taps, period))| {
            let mut profile = Profile::clone(&builtin(SHIPPED[n % 3]).expect("built in"));
            profile.audio.noise_suppression = NoiseSuppressor::Off;
            profile.audio.gain_control = false;
            profile.audio.resampler_taps = taps;
            profile.audio.period_frames = period;
            profile.audio.prebuffer = Duration::from_millis(30 * n as u64);
            profile.detector.kind = kinds[n % 2];
            Arc::new(profile)
        })
        .collect()
}

/// A run of the desk: what was heard and captured.
struct Session {
    began: Instant,
    heard: Vec<PlayedBlock>,
    frames: Vec<Frame>,
    /// Of the reply, at 24 kHz.
    sent: usize,
    changes: usize,
}

impl Session {
    /// Speaks, and plays a reply that is a second shorter, until that has been heard. Seed 0 never changes the profile.
    fn run(
        desk: &SimulatedDesk,
        profiles: &[Arc<Profile>],
        seconds: usize,
        said: &[f32],
        seed: u64,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(Self::go(desk, profiles, seconds, said, seed))
    }

    async fn go(
        desk: &SimulatedDesk,
        profiles: &[Arc<Profile>],
        seconds: usize,
        said: &[f32],
        seed: u64,
    ) -> Self {
        let began = tokio::time::Instant::now();
        let counters = Arc::new(Counters::default());
        let started = simulate(desk.clone(), counters.clone(), &profiles[0]);
        let (mut handle, desk) = started.expect("a thread");
        let settings = |profile: &Arc<Profile>| {
            VoiceCommand::Settings(Arc::new(VoiceSettings {
                gate: Gate::Everything,
                ..VoiceSettings::new(Arc::clone(profile))
            }))
        };
        handle.send(settings(&profiles[0])).expect("it lives");
        tokio::time::sleep(Duration::from_millis(500)).await;
        desk.speak(said);
        let sent = (seconds - 1) * 24_000;
        handle
            .send(VoiceCommand::Play(reply(sent)))
            .expect("it lives");
        handle
            .send(VoiceCommand::EndReply(TurnId(1)))
            .expect("it lives");
        let mut chance = Noise::new(seed);
        let (mut frames, mut changes, mut played) = (Vec::new(), 0, false);
        let end = tokio::time::Instant::now() + Duration::from_secs(seconds as u64 + 1);
        while !played || tokio::time::Instant::now() < end {
            let wait = 100.0 + 50.0 * chance.next();
            tokio::time::sleep(Duration::from_millis(wait as u64)).await;
            if seed > 0 {
                let pick = (chance.next() + 1.0) / 2.0 * profiles.len() as f32;
                let profile = &profiles[(pick as usize).min(profiles.len() - 1)];
                handle.send(settings(profile)).expect("it lives");
                changes += 1;
            }
            while let Ok(event) = handle.events.try_recv() {
                played |= matches!(event, VoiceEvent::Played { .. });
                if let VoiceEvent::Heard(frame) = event {
                    frames.push(frame);
                }
            }
        }
        assert_eq!(counters.capture_dropped.get(), 0);
        assert_eq!(counters.underruns.get(), 0);
        Self {
            began: began.into_std(),
            heard: desk.heard(),
            frames,
            sent,
            changes,
        }
    }

    /// No frame is missing or there twice.
    fn assert_whole(&self) {
        for pair in self.frames.windows(2) {
            assert_eq!(pair[1].sequence, pair[0].sequence + 1);
        }
    }

    fn samples(&self) -> Vec<f32> {
        let frames = self.frames.iter();
        frames.flat_map(|frame| frame.samples).collect()
    }

    /// The reply of a single profile at the device, without its fades: they are undone, and the tail is left out.
    fn reply(&self) -> Vec<f32> {
        let sounding = self.heard.iter().filter(|block| block.sounding);
        let mut all: Vec<f32> = sounding.flat_map(|b| b.samples.iter().copied()).collect();
        let samples = self.sent * DEVICE_HZ as usize / 24_000;
        assert!(
            (samples..=samples + 240).contains(&all.len()),
            "in one piece"
        );
        all.truncate(samples);
        let full = rate().samples_in(FADE);
        for (i, sample) in all.iter_mut().enumerate().take(full) {
            let place = (i + 1) as f32 / full as f32;
            *sample /= 0.5 - 0.5 * (std::f32::consts::PI * place).cos();
        }
        all
    }
}

/// The worst of what was found.
#[derive(Default)]
struct Sum {
    changes: usize,
    seams: usize,
    longest: Duration,
    /// Samples of the replies that were not found, once and in order.
    lost: usize,
    heard: f32,
    captured: f32,
    place: f32,
}

impl Sum {
    fn add(&mut self, single: &Session, mixed: &Session, seconds: usize) {
        self.changes += mixed.changes;
        let wanted = single.reply();
        let followed = [SAME, 1e-6, 1e-5, 1e-4, FILTERS]
            .into_iter()
            .map(|error| (error, follow(&mixed.heard, rate(), &wanted, error)));
        let mut last = None;
        for (error, found) in followed {
            last = Some((error, found));
            if last.as_ref().is_some_and(|(_, found)| found.is_ok()) {
                break;
            }
        }
        let (error, found) = last.expect("tried");
        let found = found.expect("what was sent");
        self.lost += wanted.len().abs_diff(found.samples);
        self.heard = self.heard.max(error);
        self.seams += found.gaps.len();
        let longest = found.gaps.iter().map(|gap| gap.length).max();
        self.longest = self.longest.max(longest.unwrap_or_default());
        single.assert_whole();
        mixed.assert_whole();
        assert_eq!(single.frames[0].sequence, mixed.frames[0].sequence);
        let (one, other) = (single.samples(), mixed.samples());
        let length = (one.len().min(other.len())).min(seconds * 16_000);
        for (i, (a, b)) in one[..length].iter().zip(&other).enumerate() {
            self.captured = self.captured.max((a - b).abs());
            // On a slope, how far it is along.
            if i > 0 && i + 1 < length && (one[i + 1] - a - (a - one[i - 1])).abs() < 1e-6 {
                let slope = a - one[i - 1];
                if slope.abs() > 0.5 * SLOPE {
                    self.place = self.place.max(((b - a) / slope).abs());
                }
            }
        }
    }
}

fn rate() -> SampleRate {
    SampleRate::new(DEVICE_HZ).expect("not zero")
}

/// Silence of 5 ms, as much as the queue keeps, and tones that fade out: where sound breaks off, filters differ.
fn reply(samples: usize) -> Pcm {
    let sound = |i: usize| {
        let left = ((samples - i) as f32 / 2_400.0).min(1.0);
        (f32::from(tone(i.saturating_sub(119))) * left) as i16
    };
    Pcm {
        turn: TurnId(1),
        rate: SampleRate::REPLY,
        samples: (0..samples).map(sound).collect(),
    }
}

/// Slope of the triangle at the working rate.
const SLOPE: f32 = 1.6 / 7_976.0;

/// Up and down between -0.4 and 0.4 in 997 ms: nearly every sample is told from its neighbours.
fn triangle(seconds: usize) -> Vec<f32> {
    let half = 23_928;
    let wave = (0..seconds * DEVICE_HZ as usize).map(|i| {
        let place = i % (2 * half);
        let up = place.min(2 * half - place);
        (up as f64 / half as f64 * 0.8 - 0.4) as f32
    });
    wave.collect()
}

/// Sentences, and each second a burst of noise in 300 ms of silence: a voice is too much like itself a pitch later to
/// tell delays by.
fn sentences(seconds: usize) -> Vec<f32> {
    let mut said = Vec::new();
    for name in VOICES.iter().cycle() {
        said.extend(voice(name, -26.0));
        if said.len() > seconds * 16_000 {
            break;
        }
    }
    said.truncate(seconds * 16_000);
    let mut noise = Noise::new(5);
    for second in said.chunks_mut(16_000) {
        for (i, sample) in second.iter_mut().take(4_000).enumerate() {
            *sample = if i < 480 { 0.2 * noise.next() } else { 0.0 };
        }
        second.iter_mut().rev().take(800).for_each(|s| *s = 0.0);
    }
    said
}

/// Where the first burst is in what was captured.
fn begin(samples: &[f32]) -> usize {
    samples
        .iter()
        .position(|s| s.abs() > 1e-3)
        .expect("a burst")
}

/// The largest step outside the bursts.
fn steepest(samples: &[f32]) -> f32 {
    let begin = begin(samples);
    let steps = samples[begin..].windows(2).enumerate();
    let voice = steps.filter(|(i, _)| (3_000..15_500).contains(&(i % 16_000)));
    voice.map(|(_, w)| (w[1] - w[0]).abs()).fold(0.0, f32::max)
}

/// How much older a frame says it is than that of a run without stages.
fn delay_told(plain: &Session, other: &Session, frame: usize) -> Duration {
    assert_eq!(plain.frames[frame].sequence, other.frames[frame].sequence);
    let since = |session: &Session| session.frames[frame].captured - session.began;
    since(plain).saturating_sub(since(other))
}

/// How many samples later than without stages the sound comes, by correlation of the bursts.
fn lags_of(plain: &Session, other: &Session) -> Vec<i64> {
    const WINDOW: usize = 5 * FRAME_SAMPLES;
    const MOST: usize = 400;
    let (plain, other) = (plain.samples(), other.samples());
    let length = plain.len().min(other.len());
    let bursts = (begin(&plain)..length.saturating_sub(WINDOW + MOST)).step_by(16_000);
    let bursts = bursts.filter(|at| plain[at + 100].abs().max(plain[at + 200].abs()) > 1e-3);
    // The first second: suppressors learn.
    bursts
        .skip(1)
        .filter_map(|at| {
            let given = &plain[at..at + WINDOW];
            let likeness = |lag: usize| -> f32 {
                let taken = &other[at + lag..at + lag + WINDOW];
                given.iter().zip(taken).map(|(a, b)| a * b).sum()
            };
            let all = (0..MOST).map(|lag| (lag, likeness(lag)));
            let (best, _) = all.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
            Some(best as i64)
        })
        .collect()
}
