//! From the device to utterances: the callback, and the way of a frame in each profile.
//!
//! The way is put together from the crate's public parts, in the order of the worker. What the worker does besides (the
//! clocks, the place of each sample, counters, events) is in the workloads of `whole`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sovereign::audio::StreamFormat;
use sovereign::audio::capture::{CaptureBody, CaptureEnd, capture};
use sovereign::base::frame::{FRAME_SAMPLES, Frame};
use sovereign::base::units::{Dbfs, SampleRate};
use sovereign::dsp::chain::{Chain, ChainSettings};
use sovereign::dsp::downmix::{Downmixer, sanitise};
use sovereign::dsp::resample::Resampler;
use sovereign::profile::{self, Profile};
use sovereign::vad::barge_in::{BargeInContext, BargeInDetector};
use sovereign::vad::segment::{FrameContext, SegmentSettings, Segmenter};
use sovereign::vad::{Detect as _, Detector, SpeechEvent};

use crate::sound::{CYCLE, Samples, at_rate, device_rate, reply, talk, with_echo};
use crate::{Done, Workload};

/// 10 ms of a device.
const DEVICE_FRAMES: usize = 480;

pub(crate) fn workloads() -> Vec<Workload> {
    let mut all = vec![callback()];
    for &name in &profile::BUILTINS[..3] {
        all.push(way(name, "", "no chain", |_| ChainSettings::default()));
        all.push(way(name, "-chain", "chain, no echo to take out", |p| {
            settings(p, false)
        }));
        all.push(way(
            name,
            "-chain-echo",
            "chain, echo taken out of it",
            |p| settings(p, true),
        ));
    }
    all
}

pub(crate) fn stereo() -> StreamFormat {
    StreamFormat {
        rate: device_rate(),
        channels: 2,
        period: Some(512),
        held_blocks: 0,
    }
}

fn callback() -> Workload {
    Workload {
        name: "capture-callback".to_owned(),
        units: 400,
        what: "480 stereo frames into the ring, and out again".to_owned(),
        only: vec![],
        run: Box::new(|units| {
            let (mut body, mut end) = capture(stereo(), Instant::now(), None);
            let block = [0.25_f32; 2 * DEVICE_FRAMES];
            let mut out = [0.0; 2 * DEVICE_FRAMES];
            let (now, mut taken) = (Instant::now(), 0);
            for _ in 0..units {
                body.run(&block, |s| s, now, None);
                taken += end.ring.pop(&mut out) as u64;
            }
            Done::exactly(taken, u64::from(units) * 2 * DEVICE_FRAMES as u64)
        }),
    }
}

fn way(
    name: &'static str,
    suffix: &str,
    what: &str,
    chain: fn(&Profile) -> ChainSettings,
) -> Workload {
    Workload {
        name: format!("capture-{name}{suffix}"),
        units: CYCLE,
        what: format!("10 ms of 48 kHz stereo from callback to utterance, {what}"),
        only: vec![],
        run: Box::new(move |units| {
            let profile = profile::builtin(name).expect("it is in the program");
            let settings = chain(&profile);
            let far = reply();
            let near = if settings.echo {
                with_echo(&talk(), &far)
            } else {
                talk()
            };
            Way::new(&profile, settings).walk(&near, &far, units)
        }),
    }
}

fn settings(profile: &Profile, echo: bool) -> ChainSettings {
    ChainSettings {
        echo,
        noise: profile.audio.noise_suppression,
        gain: profile.audio.gain_control,
    }
}

pub(crate) fn segments(profile: &Profile) -> SegmentSettings {
    SegmentSettings {
        onset_idle: profile.detector.onset_idle,
        onset_playing: profile.detector.onset_playing,
        patience: profile.turn.patience,
        preroll: profile.audio.preroll,
    }
}

/// All that a frame passes.
struct Way {
    body: CaptureBody,
    end: CaptureEnd,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    partial: Vec<f32>,
    mixer: Downmixer,
    resampler: Resampler,
    chain: Chain,
    detector: Detector,
    segmenter: Segmenter,
    barge_in: BargeInDetector,
    speech: Vec<SpeechEvent>,
    start: Instant,
    sequence: u32,
    loudest: Dbfs,
    utterances: u64,
}

impl Way {
    fn new(profile: &Arc<Profile>, chain: ChainSettings) -> Self {
        let start = Instant::now();
        let (body, end) = capture(stereo(), start, None);
        let kind = profile.detector.kind;
        let taps = profile.audio.resampler_taps;
        Self {
            body,
            end,
            interleaved: vec![0.0; 2 * DEVICE_FRAMES],
            mono: Vec::new(),
            partial: Vec::new(),
            mixer: Downmixer::new(2, device_rate()),
            resampler: Resampler::new(device_rate(), SampleRate::WORKING, taps).expect("allowed"),
            chain: Chain::new(chain),
            detector: Detector::new(kind, profile.detector.aggressiveness),
            segmenter: Segmenter::new(segments(profile)),
            barge_in: BargeInDetector::new(profile.turn.backchannel),
            speech: Vec::new(),
            start,
            sequence: 0,
            loudest: Dbfs::SILENCE,
            utterances: 0,
        }
    }

    fn walk(mut self, near: &[Samples], far: &[Samples], units: u32) -> Done {
        let device = at_rate(near, device_rate());
        let stereo: Vec<f32> = device.iter().flat_map(|&s| [s, s]).collect();
        let blocks = stereo.chunks_exact(2 * DEVICE_FRAMES).cycle();
        for (block, far) in blocks.zip(far.iter().cycle()).take(units as usize) {
            self.step(block, far);
        }
        assert!(self.loudest > Dbfs(-40.0), "the voice was heard");
        if self.chain.settings().echo {
            // Before the canceller has learnt the room it takes the voice out with the echo.
            return Done::exactly(self.sequence.into(), units.into());
        }
        Done::at_least(self.utterances, u64::from(units / CYCLE))
    }

    fn step(&mut self, block: &[f32], far: &Samples) {
        self.body.run(block, |s| s, self.start, None);
        let n = self.end.ring.pop(&mut self.interleaved);
        let samples = &mut self.interleaved[..n];
        sanitise(samples);
        self.mono.clear();
        self.mixer.mix(samples, &mut self.mono);
        self.resampler.push(&self.mono, &mut self.partial);
        let whole = self.partial.len() / FRAME_SAMPLES * FRAME_SAMPLES;
        for at in (0..whole).step_by(FRAME_SAMPLES) {
            let mut samples = [0.0; FRAME_SAMPLES];
            samples.copy_from_slice(&self.partial[at..at + FRAME_SAMPLES]);
            self.frame(samples, far);
        }
        self.partial.drain(..whole);
    }

    fn frame(&mut self, mut samples: Samples, far: &Samples) {
        let level = Dbfs::rms(&samples);
        if level > self.loudest {
            self.loudest = level;
        }
        self.chain.process(&mut samples, far);
        let frame = Frame {
            samples,
            sequence: self.sequence.into(),
            captured: self.start + Duration::from_millis(10) * self.sequence,
        };
        self.sequence += 1;
        let context = FrameContext {
            voiced: self.detector.voiced(&frame),
            ..FrameContext::default()
        };
        self.chain.judge(context.voiced);
        self.segmenter
            .push(frame.clone(), context, &mut self.speech);
        let around = BargeInContext {
            voiced: context.voiced,
            last_voiced: self.segmenter.last_voiced(),
            ..BargeInContext::default()
        };
        self.barge_in.push(&frame, around, &mut self.speech);
        let starts = self.speech.drain(..).map(|event| match event {
            SpeechEvent::Started { .. } => 1,
            SpeechEvent::Frame(_)
            | SpeechEvent::SilenceStarted { .. }
            | SpeechEvent::Resumed { .. }
            | SpeechEvent::Ended { .. } => 0,
        });
        self.utterances += starts.sum::<u64>();
    }
}
