//! The whole audio side on simulated time: simulated devices, the real worker, stream manager, callback bodies and
//! handle.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::AudioHandle;
use super::{Desk, Gate, SimulatedDesk, VoiceCommand, VoiceEvent, VoiceSettings, simulate};
use crate::base::counters::Counters;
use crate::base::frame::Pcm;
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;
use crate::profile::{NoiseSuppressor, Profile, builtin};
use crate::vad::SpeechEvent;

const TURN: TurnId = TurnId(1);

#[tokio::test(start_paused = true)]
async fn first_audible_is_when_the_speaker_sounds() {
    for latency_ms in [2, 7, 40] {
        let mut rig = rig(SimulatedDesk {
            speaker_latency: ms(latency_ms),
            ..SimulatedDesk::default()
        });
        rig.settle().await;
        let asked = now();
        rig.play(&tone(500));
        rig.end();
        let (at, skipped) = rig.first_audible().await;
        assert_eq!(skipped, Duration::ZERO);
        let truth = rig.desk.first_sound(asked, 0.001).expect("it sounds");
        assert_near(at, truth, ms(2));
        let (end, heard) = rig.played().await;
        assert_near(end, at + ms(500), ms(2));
        assert!(heard.abs_diff(ms(500)) < ms(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_speaker_that_nobody_uses_rests_and_makes_no_reply_later() {
    let mut rig = rig(SimulatedDesk::default());
    let plays = |rig: &Rig| !rig.desk.take_heard().is_empty();
    let mut waits = Vec::new();
    for idle in [ms(100), ms(10_000)] {
        tokio::time::sleep(idle).await;
        rig.desk.take_heard();
        tokio::time::sleep(ms(100)).await;
        assert_eq!(plays(&rig), idle == ms(100), "after {idle:?}");
        let asked = now();
        rig.play(&tone(500));
        rig.end();
        let (at, _) = rig.first_audible().await;
        let truth = rig.desk.first_sound(asked, 0.001).expect("it sounds");
        assert_near(at, truth, ms(2));
        waits.push(truth - asked);
        let (end, _) = rig.played().await;
        assert_near(end, at + ms(500), ms(2));
    }
    // A period of the device, in which the wish to wake it may come.
    assert!(waits[1] <= waits[0] + ms(12), "{waits:?}");
    // Speech wakes it, and a reply that takes its time finds it awake.
    tokio::time::sleep(ms(10_000)).await;
    rig.desk.take_heard();
    rig.desk.speak(&voice(600));
    tokio::time::sleep(ms(500)).await;
    assert!(plays(&rig), "while the user speaks");
    rig.change(|wanted| wanted.awaits_reply = true);
    tokio::time::sleep(ms(30_000)).await;
    rig.desk.take_heard();
    tokio::time::sleep(ms(100)).await;
    assert!(plays(&rig), "while a reply is to come");
}

#[tokio::test(start_paused = true)]
async fn a_known_delay_in_the_playback_path_is_read_back() {
    let mut delays = Vec::new();
    for latency_ms in [5, 12] {
        let mut rig = rig(SimulatedDesk {
            speaker_latency: ms(latency_ms),
            ..SimulatedDesk::default()
        });
        rig.settle().await;
        let asked = now();
        rig.play(&tone(200));
        rig.end();
        delays.push(rig.first_audible().await.0 - asked);
    }
    let read = delays[1] - delays[0];
    assert!(read.abs_diff(ms(7)) < ms(2), "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reply_starts_with_its_first_chunk_or_with_the_prebuffer() {
    for (name, prebuffer) in [("ultra-fast", 0), ("balanced", 20), ("high-quality", 40)] {
        let mut rig = rig_with(SimulatedDesk::default(), name);
        rig.settle().await;
        assert_eq!(rig.profile.audio.prebuffer, ms(prebuffer));
        // The service sends 10 ms every 10 ms; the first chunk is sent now.
        let asked = now();
        for chunk in tone(200).chunks(240) {
            rig.play(chunk);
            tokio::time::sleep(ms(10)).await;
        }
        rig.end();
        let (at, _) = rig.first_audible().await;
        let waited = at - asked;
        let period = Duration::from_secs_f64(f64::from(rig.profile.audio.period_frames) / 48_000.0);
        let gathered = ms(prebuffer.saturating_sub(10));
        let most = gathered + period + ms(5 + 3);
        assert!(
            waited >= gathered && waited <= most,
            "{name}: {waited:?}, at most {most:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_played_is_what_was_sent() {
    // At the reply's own rate nothing is resampled: every sample must come out once.
    let mut rig = rig(SimulatedDesk {
        speaker_rate: SampleRate::REPLY,
        ..SimulatedDesk::default()
    });
    rig.settle().await;
    let sent = tone(3_000);
    for chunk in sent.chunks(1_111) {
        rig.play(chunk);
    }
    rig.end();
    rig.played().await;
    assert_same(&rig.desk.heard_replies(), &sent);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_stutters_loses_nothing_and_does_not_click() {
    let mut rig = rig_with(
        SimulatedDesk {
            speaker_rate: SampleRate::REPLY,
            ..SimulatedDesk::default()
        },
        "ultra-fast",
    );
    rig.settle().await;
    let sent = tone(600);
    for chunk in sent.chunks(24 * 40) {
        rig.play(chunk);
        tokio::time::sleep(ms(70)).await;
    }
    rig.end();
    let (_, heard) = rig.played().await;
    assert!(heard.abs_diff(ms(600)) < ms(1));
    assert!(rig.counters.underruns.get() > 0);
    let all: Vec<f32> = rig
        .desk
        .heard()
        .into_iter()
        .flat_map(|h| h.samples)
        .collect();
    let steps = all.windows(2).map(|w| (w[1] - w[0]).abs());
    // The tone's own steps are 0.02; a fade of 5 ms over half of full scale adds 0.007.
    assert!(steps.fold(0.0, f32::max) < 0.03);
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_silence_within_a_period_and_the_fade() {
    let mut rig = rig(SimulatedDesk::default());
    rig.settle().await;
    rig.play(&tone(60_000));
    let (first, _) = rig.first_audible().await;
    tokio::time::sleep(ms(500)).await;
    let asked = now();
    rig.send(VoiceCommand::StopReply);
    let (turn, at, heard) = rig.flushed().await;
    assert_eq!(turn, Some(TURN));
    // One period of 512 frames, the fade, the device, and a step of the simulation.
    assert!(at - asked <= ms(11 + 5 + 5 + 2), "{:?}", at - asked);
    assert_near(first + heard, at, ms(2));
    tokio::time::sleep(ms(100)).await;
    assert_eq!(rig.desk.first_sound(at + ms(1), 0.001), None);
    // Late chunks of the flushed turn are dropped, the next turn is heard.
    rig.play(&tone(300));
    tokio::time::sleep(ms(500)).await;
    assert_eq!(rig.desk.first_sound(at + ms(1), 0.001), None);
    rig.send(VoiceCommand::Play(pcm(TurnId(2), &tone(100))));
    rig.send(VoiceCommand::EndReply(TurnId(2)));
    let (again, _) = rig.first_audible().await;
    assert!(again > at);
}

#[tokio::test(start_paused = true)]
async fn a_profile_switch_in_a_reply_loses_no_sample() {
    let mut rig = rig(SimulatedDesk {
        speaker_rate: SampleRate::REPLY,
        ..SimulatedDesk::default()
    });
    rig.settle().await;
    let sent = tone(3_000);
    rig.play(&sent);
    rig.end();
    for name in ["ultra-fast", "high-quality", "balanced"] {
        tokio::time::sleep(ms(700)).await;
        rig.change(|wanted| {
            *wanted = VoiceSettings {
                gate: wanted.gate,
                ..VoiceSettings::new(profile(name))
            }
        });
    }
    let (_, heard) = rig.played().await;
    assert!(heard.abs_diff(ms(3_000)) < ms(1));
    let got = rig.desk.heard_replies();
    // The old stream fades its last sample, the new one fades in: samples are kept, not levels at the seams.
    let energy = |s: &[f32]| s.iter().map(|x| x * x).sum::<f32>();
    let wanted: Vec<f32> = sent.iter().map(|&s| f32::from(s) / 32_768.0).collect();
    assert!((energy(&got) / energy(&wanted) - 1.0).abs() < 0.02);
}

#[tokio::test(start_paused = true)]
async fn a_profile_switch_in_an_utterance_loses_no_sample() {
    let mut rig = rig(SimulatedDesk::default());
    rig.settle().await;
    rig.change(|wanted| wanted.gate = Gate::Everything);
    // A ramp: every sample is identifiable.
    let ramp: Vec<f32> = (0..4 * 48_000).map(|i| i as f32 / 192_000.0).collect();
    rig.desk.speak(&ramp);
    let mut events = Vec::new();
    for name in ["ultra-fast", "high-quality", "balanced", "ultra-fast"] {
        rig.collect(ms(800), &mut events).await;
        rig.change(|wanted| {
            *wanted = VoiceSettings {
                gate: wanted.gate,
                ..VoiceSettings::new(profile(name))
            }
        });
    }
    rig.collect(ms(1_500), &mut events).await;
    let mut samples = Vec::new();
    let mut sequence = None;
    for event in events {
        if let VoiceEvent::Heard(frame) = event {
            if let Some(last) = sequence.replace(frame.sequence) {
                assert_eq!(frame.sequence, last + 1);
            }
            samples.extend(frame.samples);
        }
    }
    let begin = samples.iter().position(|&s| s > 0.01).expect("the ramp");
    let end = samples.iter().position(|&s| s > 0.98).expect("its end");
    let step = 1.0 / 64_000.0;
    for pair in samples[begin..end].windows(2) {
        let error = (pair[1] - pair[0] - step).abs();
        // A lost or repeated sample is an error of a whole step.
        assert!(error < 0.6 * step, "{pair:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn speech_becomes_an_utterance_with_its_instants() {
    let mut rig = rig(SimulatedDesk::default());
    tokio::time::sleep(ms(1_000)).await;
    let began = now();
    rig.desk.speak(&voice(1_000));
    tokio::time::sleep(ms(2_500)).await;
    let (mut first, mut last) = (None, None);
    while let Ok(event) = rig.handle.events.try_recv() {
        match event {
            VoiceEvent::Speech(SpeechEvent::Started { first_voiced, .. }) => {
                first = Some(first_voiced)
            }
            VoiceEvent::Speech(SpeechEvent::Ended { last_voiced }) => last = Some(last_voiced),
            _ => {}
        }
    }
    // A block that is being captured was begun before.
    assert_near(first.expect("an onset"), began, ms(30));
    assert_near(last.expect("an end"), began + ms(1_000), ms(30));
}

#[tokio::test(start_paused = true)]
async fn without_barge_in_nothing_starts_while_a_reply_sounds() {
    for barge_in in [false, true] {
        let mut rig = rig(SimulatedDesk::default());
        tokio::time::sleep(ms(500)).await;
        rig.change(|wanted| wanted.barge_in = barge_in);
        rig.play(&tone(2_000));
        rig.end();
        rig.first_audible().await;
        rig.desk.speak(&voice(1_000));
        tokio::time::sleep(ms(4_000)).await;
        let started = std::iter::from_fn(|| rig.handle.events.try_recv().ok())
            .any(|e| matches!(e, VoiceEvent::Speech(SpeechEvent::Started { .. })));
        assert_eq!(started, barge_in);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_speaker_resumes_from_the_last_sample_played() {
    let mut rig = rig(SimulatedDesk {
        speaker_rate: SampleRate::REPLY,
        ..SimulatedDesk::default()
    });
    rig.settle().await;
    let sent = tone(2_000);
    rig.play(&sent);
    rig.end();
    tokio::time::sleep(ms(700)).await;
    rig.desk.plug_speaker(false);
    tokio::time::sleep(ms(3_000)).await;
    rig.desk.plug_speaker(true);
    let (_, heard) = rig.played().await;
    assert!(heard.abs_diff(ms(2_000)) < ms(1));
    assert!((rig.desk.heard_replies().len() as i64 - sent.len() as i64).abs() <= 240);
}

#[tokio::test(start_paused = true)]
async fn muting_releases_the_microphone_and_ends_the_utterance() {
    let mut rig = rig(SimulatedDesk::default());
    tokio::time::sleep(ms(1_000)).await;
    rig.desk.speak(&voice(5_000));
    tokio::time::sleep(ms(1_000)).await;
    rig.change(|wanted| wanted.gate = Gate::Muted);
    tokio::time::sleep(ms(50)).await;
    let events: Vec<VoiceEvent> =
        std::iter::from_fn(|| rig.handle.events.try_recv().ok()).collect();
    let ended = |e: &VoiceEvent| matches!(e, VoiceEvent::Speech(SpeechEvent::Ended { .. }));
    assert!(events.iter().any(ended));
    assert_eq!(rig.desk.spoken_until(), None, "nobody listens any more");
    tokio::time::sleep(ms(5_000)).await;
    assert_eq!(rig.desk.spoken_until(), None);
    rig.change(|wanted| wanted.gate = Gate::Voice);
    tokio::time::sleep(ms(2_000)).await;
    rig.desk.speak(&voice(100));
    tokio::time::sleep(ms(2_000)).await;
    assert!(rig.desk.spoken_until().is_some(), "somebody listens again");
}

#[tokio::test(start_paused = true)]
async fn what_was_said_until_the_microphone_went_is_an_utterance() {
    let mut rig = rig(SimulatedDesk::default());
    tokio::time::sleep(ms(1_000)).await;
    let began = now();
    rig.desk.speak(&voice(5_000));
    tokio::time::sleep(ms(1_500)).await;
    rig.desk.plug_microphone(false);
    let mut events = Vec::new();
    rig.collect(ms(1_500), &mut events).await;
    let mut frames = 0;
    let mut ended = None;
    for event in events {
        match event {
            VoiceEvent::Speech(SpeechEvent::Started { lead, .. }) => frames += lead.len(),
            VoiceEvent::Speech(SpeechEvent::Frame(_)) => frames += 1,
            VoiceEvent::Speech(SpeechEvent::Ended { last_voiced }) => ended = Some(last_voiced),
            _ => {}
        }
    }
    assert_near(ended.expect("it is closed"), began + ms(1_500), ms(40));
    // All of it, with the pre-roll before it; a block of the device may have been under way.
    let preroll = rig.profile.audio.preroll.as_millis() as usize / 10;
    assert!((148..=152 + preroll).contains(&frames), "{frames} frames");
}

#[tokio::test(start_paused = true)]
async fn files_are_spoken_when_asked_for() {
    let mut rig = rig(SimulatedDesk {
        files: vec![vec![0.2; 16_000], vec![0.3; 8_000]],
        ..SimulatedDesk::default()
    });
    rig.change(|wanted| wanted.gate = Gate::Everything);
    tokio::time::sleep(ms(500)).await;
    let mut level = Vec::new();
    for (file, length) in [(0, 1_000), (1, 500)] {
        let asked = now();
        rig.send(VoiceCommand::SpeakNext { lead: ms(300) });
        loop {
            match rig.handle.events.recv().await.expect("alive") {
                VoiceEvent::FileSpoken(index) => {
                    assert_eq!(index, file);
                    break;
                }
                VoiceEvent::Heard(frame) => level.push(frame.samples[0]),
                _ => {}
            }
        }
        assert_near(now(), asked + ms(300 + length), ms(25));
    }
    assert!(level.contains(&0.2) && level.contains(&0.0));
}

#[tokio::test(start_paused = true)]
async fn a_microphone_of_zeros_from_the_start_is_reported_and_revoked() {
    let mut rig = rig(SimulatedDesk::default());
    tokio::time::sleep(ms(14_000)).await;
    assert!(rig.zeros().is_empty(), "it may have a noise gate");
    tokio::time::sleep(ms(1_500)).await;
    rig.desk.speak(&[0.1; 480]);
    tokio::time::sleep(ms(100)).await;
    assert_eq!(rig.zeros(), [true, false]);
    tokio::time::sleep(ms(60_000)).await;
    assert!(rig.zeros().is_empty(), "it has given sound");
}

#[tokio::test(start_paused = true)]
async fn zeros_count_where_somebody_speaks() {
    let mut rig = rig(SimulatedDesk::default());
    rig.desk.speak(&[0.1; 480]);
    rig.change(|wanted| wanted.gate = Gate::Closed);
    tokio::time::sleep(ms(60_000)).await;
    assert!(rig.zeros().is_empty(), "nobody is expected to speak");
    // Held twice without a sound: a switch, although there was sound before.
    for wanted in [&[][..], &[true]] {
        rig.change(|wanted| wanted.gate = Gate::Held);
        tokio::time::sleep(ms(2_000)).await;
        rig.change(|wanted| wanted.gate = Gate::Closed);
        tokio::time::sleep(ms(500)).await;
        assert_eq!(rig.zeros(), wanted);
    }
    rig.desk.speak(&[0.1; 480]);
    tokio::time::sleep(ms(100)).await;
    assert_eq!(rig.zeros(), [false]);
}

struct Rig {
    handle: AudioHandle,
    desk: Desk,
    counters: Arc<Counters>,
    profile: Arc<Profile>,
    wanted: RefCell<VoiceSettings>,
}

impl Rig {
    /// Changes the voice settings.
    fn change(&self, change: impl FnOnce(&mut VoiceSettings)) {
        let mut wanted = self.wanted.borrow_mut();
        change(&mut wanted);
        self.send(VoiceCommand::Settings(Arc::new(wanted.clone())));
    }

    fn send(&self, command: VoiceCommand) {
        self.handle.send(command).expect("the sound side lives");
    }

    /// What was reported since the last call of a microphone that gives only zeros.
    fn zeros(&mut self) -> Vec<bool> {
        let events = std::iter::from_fn(|| self.handle.events.try_recv().ok());
        events
            .filter_map(|e| match e {
                VoiceEvent::AllZero(zero) => Some(zero),
                _ => None,
            })
            .collect()
    }

    fn play(&self, samples: &[i16]) {
        self.send(VoiceCommand::Play(pcm(TURN, samples)));
    }

    fn end(&self) {
        self.send(VoiceCommand::EndReply(TURN));
    }

    /// Until the devices run and the clocks know them.
    async fn settle(&self) {
        tokio::time::sleep(ms(100)).await;
    }

    async fn first_audible(&mut self) -> (Instant, Duration) {
        loop {
            if let VoiceEvent::FirstAudible {
                at,
                skipped_silence,
                ..
            } = self.next().await
            {
                return (at, skipped_silence);
            }
        }
    }

    async fn played(&mut self) -> (Instant, Duration) {
        loop {
            if let VoiceEvent::Played { at, heard, .. } = self.next().await {
                return (at, heard);
            }
        }
    }

    async fn flushed(&mut self) -> (Option<TurnId>, Instant, Duration) {
        loop {
            if let VoiceEvent::ReplyStopped {
                turn, at, heard, ..
            } = self.next().await
            {
                return (turn, at, heard);
            }
        }
    }

    /// Takes all events for so long.
    async fn collect(&mut self, length: Duration, events: &mut Vec<VoiceEvent>) {
        let end = tokio::time::Instant::now() + length;
        while let Ok(event) = tokio::time::timeout_at(end, self.handle.events.recv()).await {
            events.extend(event);
        }
    }

    async fn next(&mut self) -> VoiceEvent {
        let next = tokio::time::timeout(Duration::from_secs(20), self.handle.events.recv());
        next.await.expect("something happens").expect("alive")
    }
}

fn rig(desk: SimulatedDesk) -> Rig {
    rig_with(desk, "balanced")
}

fn rig_with(desk: SimulatedDesk, name: &str) -> Rig {
    let counters = Arc::new(Counters::default());
    let profile = profile(name);
    let (handle, desk) = simulate(desk, counters.clone(), &profile).expect("a thread");
    Rig {
        handle,
        desk,
        counters,
        wanted: RefCell::new(VoiceSettings::new(Arc::clone(&profile))),
        profile,
    }
}

/// A built-in profile without what changes the sound on purpose: the chain has its own tests.
fn profile(name: &str) -> Arc<Profile> {
    let mut profile = Profile::clone(&builtin(name).expect("a built-in profile"));
    profile.audio.noise_suppression = NoiseSuppressor::Off;
    profile.audio.gain_control = false;
    Arc::new(profile)
}

fn pcm(turn: TurnId, samples: &[i16]) -> Pcm {
    Pcm {
        turn,
        rate: SampleRate::REPLY,
        samples: samples.to_vec(),
    }
}

/// 220 Hz at half of full scale, beginning loud.
fn tone(length_ms: usize) -> Vec<i16> {
    let samples = (0..24 * length_ms).map(|i| (i as f32 * 0.0576 + 1.0).sin() * 16_000.0);
    samples.map(|s| s as i16).collect()
}

/// Something that the detector takes for a voice, at 48 kHz: a buzz of 140 Hz with two formants.
fn voice(length_ms: usize) -> Vec<f32> {
    (0..48 * length_ms)
        .map(|i| {
            let t = i as f32 / 48_000.0;
            let buzz: f32 = (1..20)
                .map(|h| {
                    let f = 140.0 * h as f32;
                    let formant = (-((f - 600.0) / 250.0).powi(2)).exp()
                        + 0.5 * (-((f - 1_700.0) / 300.0).powi(2)).exp();
                    formant * (f * t * std::f32::consts::TAU).sin()
                })
                .sum();
            0.1 * buzz * (1.0 + 0.5 * (t * 25.0).sin())
        })
        .collect()
}

/// The same samples, but for the fade-in and a tail of the last one.
fn assert_same(got: &[f32], sent: &[i16]) {
    assert!(
        (sent.len()..=sent.len() + 120).contains(&got.len()),
        "{} of {}",
        got.len(),
        sent.len()
    );
    for (i, (got, sent)) in got.iter().zip(sent).enumerate().skip(120) {
        assert_eq!(*got, f32::from(*sent) / 32_768.0, "sample {i}");
    }
}

fn assert_near(a: Instant, b: Instant, most: Duration) {
    let apart = if a > b { a - b } else { b - a };
    assert!(apart <= most, "{apart:?} apart");
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
