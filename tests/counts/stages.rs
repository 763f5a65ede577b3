//! Each stage of the chain and each detector alone, frame by frame.
//!
//! High-pass and limiter are in the chain as soon as another stage is, so each figure of a stage holds theirs:
//! `echo + gain − echo-gain` is what the two take.

use std::time::{Duration, Instant};

use sovereign::base::frame::Frame;
use sovereign::base::units::SampleRate;
use sovereign::dsp::chain::{Chain, ChainSettings, NoiseSuppressor};
use sovereign::dsp::downmix::{Downmixer, sanitise};
use sovereign::dsp::echo_detector::EchoDetector;
use sovereign::dsp::resample::Resampler;
use sovereign::profile;
use sovereign::vad::barge_in::{BargeInContext, BargeInDetector};
use sovereign::vad::segment::{FrameContext, Segmenter};
use sovereign::vad::{Detect as _, Detector, VadKind};

use crate::capture::segments;
use crate::sound::{CYCLE, Samples, at_rate, device_rate, reply, talk, with_echo};
use crate::{Done, Workload};

pub(crate) fn workloads() -> Vec<Workload> {
    let noise = |noise| ChainSettings {
        noise,
        ..ChainSettings::default()
    };
    let (echo, gain) = (true, true);
    let off = ChainSettings::default();
    vec![
        unit("stage-sanitise", "480 stereo frames made fit", clean),
        unit("stage-mix", "480 stereo frames made mono", mix),
        unit("stage-resample", "480 frames at 48 kHz to 16 kHz", resample),
        chain("stage-echo", ChainSettings { echo, ..off }),
        chain("stage-noise-light", noise(NoiseSuppressor::Light)),
        chain("stage-noise-on", noise(NoiseSuppressor::On)),
        chain("stage-noise-keyboard", noise(NoiseSuppressor::Keyboard)),
        chain("stage-gain", ChainSettings { gain, ..off }),
        chain("stage-echo-gain", ChainSettings { echo, gain, ..off }),
        unit(
            "stage-leak",
            "a frame in which an echo of the reply is looked for",
            look_for_echo,
        ),
        unit("stage-webrtc", "a frame judged by webrtc-vad", |units| {
            detect(VadKind::Webrtc, units)
        }),
        unit("stage-earshot", "a frame judged by earshot", |units| {
            detect(VadKind::Earshot, units)
        }),
        cheap("stage-segmenter", "a frame segmented", segment),
        cheap("stage-barge-in", "a frame over a reply judged", barge_in),
    ]
}

fn unit(name: &str, what: &str, run: fn(u32) -> Done) -> Workload {
    Workload {
        name: name.to_owned(),
        units: CYCLE,
        what: what.to_owned(),
        only: vec![],
        run: Box::new(run),
    }
}

/// Ten times as many, so that what differs from start to start does not show.
fn cheap(name: &str, what: &str, run: fn(u32) -> Done) -> Workload {
    Workload {
        units: 10 * CYCLE,
        ..unit(name, what, run)
    }
}

fn clean(units: u32) -> Done {
    let mut samples = stereo_cycle();
    samples[0] = f32::NAN;
    let mut faulty = 0;
    for at in 0..units as usize {
        let block = at % CYCLE as usize * 960;
        faulty += sanitise(&mut samples[block..block + 960]) as u64;
    }
    Done::exactly(faulty, 1)
}

fn mix(units: u32) -> Done {
    let samples = stereo_cycle();
    let (mut mixer, mut mono, mut mixed) = (Downmixer::new(2, device_rate()), Vec::new(), 0);
    for block in samples.chunks_exact(960).cycle().take(units as usize) {
        mono.clear();
        mixer.mix(block, &mut mono);
        mixed += mono.len() as u64;
    }
    Done::exactly(mixed, u64::from(units) * 480)
}

fn resample(units: u32) -> Done {
    let samples = at_rate(&talk(), device_rate());
    let mut resampler =
        Resampler::new(device_rate(), SampleRate::WORKING, 64).expect("rates that can be had");
    let (mut out, mut made) = (Vec::new(), 0);
    for block in samples.chunks_exact(480).cycle().take(units as usize) {
        out.clear();
        resampler.push(block, &mut out);
        made += out.len() as u64;
    }
    Done::exactly(made, u64::from(units) * 160)
}

fn stereo_cycle() -> Vec<f32> {
    let mono = at_rate(&talk(), device_rate());
    mono.iter().flat_map(|&s| [s, s]).collect()
}

fn chain(name: &str, settings: ChainSettings) -> Workload {
    Workload {
        name: name.to_owned(),
        units: CYCLE,
        what: "a frame through the stage, between high-pass and limiter".to_owned(),
        only: vec![],
        run: Box::new(move |units| {
            let far = reply();
            let near = with_echo(&talk(), &far);
            let mut chain = Chain::new(settings);
            let mut changed = 0;
            let cycle = near.iter().zip(&far).cycle().take(units as usize);
            for (near, far) in cycle {
                let mut samples = *near;
                chain.process(&mut samples, far);
                changed += u64::from(samples != *near);
            }
            Done::at_least(changed, u64::from(units) / 2)
        }),
    }
}

fn look_for_echo(units: u32) -> Done {
    let far = reply();
    let near = with_echo(&talk(), &far);
    let mut leak = EchoDetector::new();
    let mut sounds = 0;
    for (near, far) in near.iter().zip(&far).cycle().take(units as usize) {
        leak.push(near, far);
        sounds += u64::from(leak.prominence() > 0.0);
    }
    // Nothing is known before the first look, at the tenth frame.
    Done::at_least(sounds, u64::from(units).saturating_sub(10))
}

fn detect(kind: VadKind, units: u32) -> Done {
    let mut detector = Detector::new(kind, 2);
    let mut voiced = 0;
    for frame in frames(&talk(), units) {
        voiced += u64::from(detector.voiced(&frame));
    }
    // Of each cycle at least a quarter of a second.
    Done {
        evidence: voiced,
        within: (u64::from(units / CYCLE * 25), u64::from(units * 4 / 5)),
    }
}

/// The verdicts of a detector that is never wrong.
fn verdicts() -> impl Iterator<Item = bool> + Clone {
    (0..CYCLE).map(|n| n < 45).cycle()
}

fn segment(units: u32) -> Done {
    let profile = profile::builtin(profile::DEFAULT).expect("it is in the program");
    let mut segmenter = Segmenter::new(segments(&profile));
    let (mut out, mut events) = (Vec::new(), 0);
    for (frame, voiced) in frames(&talk(), units).zip(verdicts()) {
        let context = FrameContext {
            voiced,
            ..FrameContext::default()
        };
        segmenter.push(frame, context, &mut out);
        events += out.drain(..).count() as u64;
    }
    // All but the lead, and what follows the end, frame by frame.
    Done::at_least(events, u64::from(units / CYCLE * 50))
}

/// Without the segmenter's events: what is done in most frames while a reply sounds.
fn barge_in(units: u32) -> Done {
    let profile = profile::builtin(profile::DEFAULT).expect("it is in the program");
    let mut barge_in = BargeInDetector::new(profile.turn.backchannel);
    let (mut events, mut orders) = (Vec::new(), 0);
    for (frame, voiced) in frames(&talk(), units).zip(verdicts()) {
        let around = BargeInContext {
            voiced,
            playing: true,
            ..BargeInContext::default()
        };
        let decision = barge_in.push(&frame, around, &mut events);
        orders += u64::from(decision.action.is_some());
    }
    Done::at_least(orders, u64::from(units / CYCLE))
}

fn frames(cycle: &[Samples], units: u32) -> impl Iterator<Item = Frame> {
    let start = Instant::now();
    (0..units).map(move |n| Frame {
        samples: cycle[n as usize % cycle.len()],
        sequence: n.into(),
        captured: start + Duration::from_millis(10) * n,
    })
}
