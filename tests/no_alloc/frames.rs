//! What is done to each frame while nothing begins or ends takes no memory from the heap.

use std::time::{Duration, Instant};

use assert_no_alloc::assert_no_alloc;
use sovereign::base::frame::Frame;
use sovereign::base::units::SampleRate;
use sovereign::dsp::downmix::{Downmixer, sanitise};
use sovereign::dsp::resample::Resampler;
use sovereign::vad::segment::{FrameContext, SegmentSettings, Segmenter};
use sovereign::vad::{Detect as _, Detector, VadKind};

#[test]
fn resampling_takes_no_memory() {
    for (from, to) in [
        (48_000, 16_000),
        (44_100, 16_000),
        (8_000, 16_000),
        (24_000, 48_000),
    ] {
        let rate = |hz| SampleRate::new(hz).expect("not zero");
        let mut resampler = Resampler::new(rate(from), rate(to), 64).expect("allowed");
        let input = vec![0.1; 2_000];
        let mut output = Vec::with_capacity(16_000);
        for length in [480, 1, 17, 0, 256, 2_000, 441] {
            assert_no_alloc(|| {
                output.clear();
                resampler.push(&input[..length], &mut output);
            });
        }
        assert_no_alloc(|| {
            output.clear();
            resampler.flush(&mut output);
            resampler.reset();
        });
    }
}

#[test]
fn mixing_and_cleaning_take_no_memory() {
    let mut samples = vec![0.1; 960];
    let mut mono = Vec::with_capacity(480);
    let mut mixer = Downmixer::new(2, SampleRate::WORKING);
    assert_no_alloc(|| {
        sanitise(&mut samples);
        mixer.mix(&samples, &mut mono);
    });
}

#[test]
fn detecting_and_segmenting_take_no_memory_between_utterances() {
    for kind in [VadKind::Webrtc, VadKind::Earshot] {
        detect_without_memory(kind);
    }
}

fn detect_without_memory(kind: VadKind) {
    let mut detector = Detector::new(kind, 2);
    let mut segmenter = Segmenter::new(SegmentSettings {
        onset_idle: Duration::from_millis(60),
        onset_playing: Duration::from_millis(100),
        patience: Duration::from_millis(300),
        preroll: Duration::from_millis(200),
    });
    let mut out = Vec::with_capacity(1);
    let base = Instant::now();
    for sequence in 0..1_000 {
        assert_no_alloc(|| {
            let frame = Frame {
                samples: [0.0; 160],
                sequence,
                captured: base + Duration::from_millis(10 * sequence),
            };
            let voiced = detector.voiced(&frame);
            segmenter.push(
                frame,
                FrameContext {
                    voiced,
                    ..FrameContext::default()
                },
                &mut out,
            );
        });
    }
    assert!(out.is_empty());
}
