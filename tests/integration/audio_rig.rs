//! What the sound side tells of its instants, held against a recording of microphone and speaker on one clock.
//!
//! Needs the rig, so it is run by hand:
//!
//! ```text
//! export RIG_DIR=… RIG_SERVER=pulse|pipewire
//! tests/rig/rig.sh up
//! tests/rig/rig.sh run cargo test --test integration audio_rig -- --ignored --nocapture
//! ```
//!
//! Pulses are played into the mouth; each is found in the frames that are heard (its instant is told by the frame)
//! and answered by a tone (its first and last instant are told by events). The recording says what the distances
//! really were. The rig's own way from bus to microphone and from speaker to bus is in the difference: its floor.

#![expect(
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "run by hand: it prints a table, and picks the events that it is about"
)]

use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sovereign::audio::{
    AudioHandle, AudioSetup, Direction, Gate, VoiceCommand, VoiceEvent, VoiceSettings, spawn,
};
use sovereign::base::counters::Counters;
use sovereign::base::frame::{Frame, Pcm};
use sovereign::base::ids::TurnId;
use sovereign::base::units::SampleRate;
use sovereign::profile::builtin;

const BUS_HZ: f64 = 48_000.0;
const PULSES: usize = 12;
/// From pulse to pulse.
const PACE: Duration = Duration::from_millis(1_100);
const PULSE: Duration = Duration::from_millis(4);
const TONE: Duration = Duration::from_millis(500);
const FLUSH_AFTER: Duration = Duration::from_millis(200);

#[test]
#[ignore = "needs the rig: see the head of this file"]
fn the_instants_told_are_those_of_the_recording() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pulses = folder.path().join("pulses.wav");
    write_pulses(&pulses);
    println!("program minus recording, ms: median (least … most) of n");
    for name in ["ultra-fast", "balanced", "high-quality"] {
        let both = folder.path().join("both.wav");
        let told = converse(name, &pulses, &both);
        let seen = Seen::read(&both);
        report(name, &told, &seen);
    }
}

/// Instants that the sound side told.
#[derive(Default)]
struct LocalizedText {
    heard: Vec<Instant>,
    audible: Vec<Instant>,
    played: Vec<(usize, Instant)>,
    flushed: Vec<(usize, Instant)>,
    /// When tones were asked for.
    asked: Vec<Instant>,
}

fn converse(profile: &str, pulses: &Path, both: &Path) -> LocalizedText {
    let profile = builtin(profile).expect("a built-in profile");
    let mut handle = spawn(
        AudioSetup::default(),
        Arc::new(Counters::default()),
        &profile,
    )
    .expect("started");
    await_streams(&mut handle);
    handle
        .send(VoiceCommand::Settings(Arc::new(VoiceSettings {
            gate: Gate::Everything,
            ..VoiceSettings::new(profile)
        })))
        .expect("taken");
    let seconds = (PACE * u32::try_from(PULSES).expect("few")).as_secs() + 4;
    let mut recorder = rig(&[
        "record-both".into(),
        both.into(),
        seconds.to_string().into(),
    ]);
    std::thread::sleep(Duration::from_millis(1_500));
    let mut player = rig(&["play".into(), pulses.into()]);
    let until = Instant::now() + Duration::from_secs(seconds - 2);
    let told = answer_pulses(&mut handle, until);
    player.wait().expect("played");
    recorder.wait().expect("recorded");
    told
}

fn await_streams(handle: &mut AudioHandle) {
    let mut missing = vec![Direction::Input, Direction::Output];
    let until = Instant::now() + Duration::from_secs(5);
    while !missing.is_empty() {
        assert!(Instant::now() < until, "no stream: {missing:?}");
        if let Ok(VoiceEvent::Opened(direction, info)) = handle.events.try_recv() {
            println!("  {direction:?} period {:?}", info.period_frames);
            missing.retain(|d| *d != direction);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn answer_pulses(handle: &mut AudioHandle, until: Instant) -> LocalizedText {
    let mut told = LocalizedText::default();
    let mut last: Option<Frame> = None;
    let mut flush_at = None;
    while Instant::now() < until {
        if flush_at.is_some_and(|at| Instant::now() >= at) {
            flush_at = None;
            handle.send(VoiceCommand::StopReply).expect("taken");
        }
        let Ok(event) = handle.events.try_recv() else {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        };
        let tone = told.asked.len().saturating_sub(1);
        match event {
            VoiceEvent::Heard(frame) => {
                if let Some(at) = last.as_ref().and_then(|before| pulse_in(before, &frame))
                    && told
                        .heard
                        .last()
                        .is_none_or(|&earlier| at - earlier > PACE / 2)
                {
                    told.heard.push(at);
                    told.asked.push(Instant::now());
                    let turn = TurnId(told.heard.len() as u64);
                    handle
                        .send(VoiceCommand::Play(tone_of(turn)))
                        .expect("taken");
                    handle.send(VoiceCommand::EndReply(turn)).expect("taken");
                }
                last = Some(frame);
            }
            VoiceEvent::FirstAudible { at, .. } => {
                told.audible.push(at);
                if tone % 2 == 1 {
                    flush_at = Some(at + FLUSH_AFTER);
                }
            }
            VoiceEvent::Played { at, .. } => told.played.push((tone, at)),
            VoiceEvent::ReplyStopped { at, .. } => told.flushed.push((tone, at)),
            _ => {}
        }
    }
    told
}

/// The instant of the pulse's middle, if it lies in these two frames: in the first, or over the edge.
fn pulse_in(first: &Frame, second: &Frame) -> Option<Instant> {
    let both: Vec<f32> = first
        .samples
        .iter()
        .chain(&second.samples)
        .copied()
        .collect();
    let middle = middle_of(&both)?;
    // Half a pulse from the edges: whole.
    let (low, high) = (64.0, 64.0 + first.samples.len() as f64);
    (low..high)
        .contains(&middle)
        .then(|| first.captured + Duration::from_secs_f64(middle / 16_000.0))
}

/// The centre of the energy, if there is any to speak of.
fn middle_of(samples: &[f32]) -> Option<f64> {
    let energy = samples.iter().map(|&s| f64::from(s).powi(2));
    let total: f64 = energy.clone().sum();
    let moment: f64 = energy.enumerate().map(|(i, e)| i as f64 * e).sum();
    (total > 1.0).then(|| moment / total)
}

/// A flat tone: its first and last sample show in a recording.
fn tone_of(turn: TurnId) -> Pcm {
    Pcm {
        turn,
        rate: SampleRate::REPLY,
        samples: vec![16_000; SampleRate::REPLY.samples_in(TONE)],
    }
}

fn write_pulses(path: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("created");
    let pace = (PACE.as_secs_f64() * BUS_HZ) as usize;
    let pulse = (PULSE.as_secs_f64() * BUS_HZ) as usize;
    for n in 0..pace * PULSES {
        let at = n % pace;
        let arch = (std::f64::consts::PI * at as f64 / pulse as f64).sin();
        let sample = if at < pulse { arch * 28_000.0 } else { 0.0 };
        writer.write_sample(sample as i16).expect("written");
    }
    writer.finalize().expect("finished");
}

/// What the recording shows, in seconds.
struct Seen {
    pulses: Vec<f64>,
    /// First sample, last sample at full level, last sample of each tone.
    tones: Vec<(f64, f64, f64)>,
}

impl Seen {
    fn read(path: &Path) -> Self {
        let reader = hound::WavReader::open(path).expect("a recording");
        let samples: Vec<f32> = reader
            .into_samples::<i16>()
            .map_while(Result::ok)
            .map(|s| f32::from(s) / 32_768.0)
            .collect();
        let channel = |n: usize| {
            samples
                .chunks_exact(3)
                .map(move |f| f[n])
                .collect::<Vec<f32>>()
        };
        let (mouth, speaker) = (channel(0), channel(1));
        let mut pulses = Vec::new();
        let mut at = 0;
        while let Some(start) = mouth[at..].iter().position(|&s| s > 0.2).map(|n| n + at) {
            let from = start.saturating_sub(240);
            let to = (start + 480).min(mouth.len());
            let middle = middle_of(&mouth[from..to]).unwrap_or_default();
            pulses.push((from as f64 + middle) / BUS_HZ);
            at = to;
        }
        let mut tones = Vec::new();
        let mut at = 0;
        while let Some(first) = speaker[at..]
            .iter()
            .position(|&s| s.abs() > 0.002)
            .map(|n| n + at)
        {
            // A gap of 100 ms ends it: on a busy machine the rig itself stutters.
            let mut last = first;
            let mut full = first;
            for (n, &s) in speaker.iter().enumerate().skip(first) {
                if s.abs() > 0.002 {
                    last = n;
                }
                if s > 0.46 {
                    full = n;
                }
                if n > last + 4_800 {
                    break;
                }
            }
            tones.push((
                first as f64 / BUS_HZ,
                (full + 1) as f64 / BUS_HZ,
                (last + 1) as f64 / BUS_HZ,
            ));
            at = (last + 4_801).min(speaker.len());
        }
        Self { pulses, tones }
    }
}

fn report(name: &str, told: &LocalizedText, seen: &Seen) {
    println!(
        "{name}: {} pulses heard of {}, {} tones audible of {}",
        told.heard.len(),
        seen.pulses.len(),
        told.audible.len(),
        seen.tones.len()
    );
    if told.heard.len() != seen.pulses.len() || told.audible.len() != seen.tones.len() {
        return;
    }
    let ms = |from: Instant, to: Instant| {
        let ahead = to.saturating_duration_since(from).as_secs_f64();
        (ahead - from.saturating_duration_since(to).as_secs_f64()) * 1e3
    };
    let truth =
        |n: usize, pick: fn(&(f64, f64, f64)) -> f64| (pick(&seen.tones[n]) - seen.pulses[n]) * 1e3;
    let n = 0..told.audible.len();
    show(
        "  total, recording   ",
        n.clone().map(|n| truth(n, |t| t.0)),
    );
    show(
        "  total, program     ",
        n.clone().map(|n| ms(told.heard[n], told.audible[n])),
    );
    show(
        "  asked to audible   ",
        n.clone().map(|n| ms(told.asked[n], told.audible[n])),
    );
    show(
        "  heard: spacing     ",
        (1..told.heard.len()).map(|n| {
            ms(told.heard[n - 1], told.heard[n]) - (seen.pulses[n] - seen.pulses[n - 1]) * 1e3
        }),
    );
    show(
        "  audible: spacing   ",
        (1..told.audible.len()).map(|n| {
            ms(told.audible[n - 1], told.audible[n]) - (seen.tones[n].0 - seen.tones[n - 1].0) * 1e3
        }),
    );
    show(
        "  error of audible   ",
        n.map(|n| ms(told.heard[n], told.audible[n]) - truth(n, |t| t.0)),
    );
    let played = told.played.iter();
    show(
        "  error of played    ",
        played.map(|&(n, at)| ms(told.heard[n], at) - truth(n, |t| t.1)),
    );
    let flushed = told.flushed.iter();
    show(
        "  error of flushed   ",
        flushed.map(|&(n, at)| ms(told.heard[n], at) - truth(n, |t| t.2)),
    );
}

fn show(what: &str, values: impl Iterator<Item = f64>) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (values.first(), values.last()) else {
        println!("{what} none");
        return;
    };
    let median = values[values.len() / 2];
    println!(
        "{what} {median:7.2} ({least:.2} … {most:.2}) of {}",
        values.len()
    );
}

fn rig(arguments: &[PathBuf]) -> std::process::Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/rig.sh");
    Process::new(script)
        .args(arguments)
        .spawn()
        .expect("the rig's script")
}
