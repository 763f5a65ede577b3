//! The server's own voice activity detection, for clients that leave it to the service when speech begins and ends.

use std::time::{Duration, Instant};

use crate::base::frame::{FRAME_DURATION, FRAME_SAMPLES, Frame};
use crate::provider::gemini::message::{ActivityDetection, EndSensitivity, StartSensitivity};
use crate::vad::segment::{FrameContext, SegmentNote, SegmentSettings, Segmenter};
use crate::vad::{Detect as _, Detector, SpeechEvent, VadKind};

use super::speech_source;

/// Speech needed for a start, by sensitivity, where `prefixPaddingMs` says nothing: what our own profiles use, and
/// twice as much.
const ONSET_HIGH: Duration = Duration::from_millis(60);
const ONSET_LOW: Duration = Duration::from_millis(120);
/// Silence needed for an end, where `silenceDurationMs` says nothing. The service does not publish its own; half a
/// second is what it seems to be.
const SILENCE_HIGH: Duration = Duration::from_millis(500);
const SILENCE_LOW: Duration = Duration::from_millis(1000);
/// Sound before the onset that belongs to the utterance.
const PREROLL: Duration = Duration::from_millis(300);
/// Whatever a client asks for, decisions are made within these.
const LONGEST: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum ServerVadEvent {
    Started,
    /// Sound of the open utterance, at the working rate.
    Sound(Vec<i16>),
    Ended,
}

/// A detector and a segmenter behind one door.
pub(super) struct ServerVad {
    detector: Detector,
    aggressiveness: u8,
    segmenter: Segmenter,
    /// Less than a frame.
    rest: Vec<i16>,
    sequence: u64,
    /// The stream has its own clock, which counts samples from here.
    origin: Instant,
}

impl ServerVad {
    pub(super) fn new(detection: &ActivityDetection, now: Instant) -> Self {
        let reluctant = detection.start_of_speech_sensitivity == Some(StartSensitivity::Low);
        let patient = detection.end_of_speech_sensitivity == Some(EndSensitivity::Low);
        let asked = |ms: Option<u32>| ms.map(|ms| Duration::from_millis(ms.into()).min(LONGEST));
        let onset = asked(detection.prefix_padding_ms).unwrap_or(if reluctant {
            ONSET_LOW
        } else {
            ONSET_HIGH
        });
        let patience = asked(detection.silence_duration_ms).unwrap_or(if patient {
            SILENCE_LOW
        } else {
            SILENCE_HIGH
        });
        let aggressiveness = if reluctant { 3 } else { 2 };
        Self {
            detector: Detector::new(VadKind::Webrtc, aggressiveness),
            aggressiveness,
            segmenter: Segmenter::new(SegmentSettings {
                onset_idle: onset,
                onset_playing: onset,
                patience,
                preroll: PREROLL,
            }),
            rest: Vec::new(),
            sequence: 0,
            origin: now,
        }
    }

    /// Listens to the next samples, at the working rate.
    pub(super) fn push(&mut self, samples: &[i16]) -> Vec<ServerVadEvent> {
        self.rest.extend_from_slice(samples);
        let mut events = Vec::new();
        let whole = self.rest.len() / FRAME_SAMPLES * FRAME_SAMPLES;
        let ready: Vec<i16> = self.rest.drain(..whole).collect();
        for block in ready.chunks_exact(FRAME_SAMPLES) {
            let frame = self.frame(block);
            let context = FrameContext {
                voiced: self.detector.voiced(&frame),
                ..FrameContext::default()
            };
            match self.segmenter.push(frame, context, &mut events) {
                Some(SegmentNote::Rearm) => self.detector.set_aggressiveness(3),
                Some(SegmentNote::Relax) => self.detector.set_aggressiveness(self.aggressiveness),
                None => {}
            }
        }
        events.into_iter().flat_map(told).collect()
    }

    /// The stream pauses: decides what is open.
    pub(super) fn flush(&mut self) -> Vec<ServerVadEvent> {
        self.rest.clear();
        let mut events = Vec::new();
        self.segmenter.close(&mut events);
        events.into_iter().flat_map(told).collect()
    }

    fn frame(&mut self, block: &[i16]) -> Frame {
        let mut samples = [0.0; FRAME_SAMPLES];
        for (sample, &value) in samples.iter_mut().zip(block) {
            *sample = speech_source::to_f32(value);
        }
        let sequence = self.sequence;
        self.sequence += 1;
        let offset = FRAME_DURATION * u32::try_from(sequence).unwrap_or(u32::MAX);
        Frame {
            samples,
            sequence,
            captured: self.origin + offset,
        }
    }
}

fn told(event: SpeechEvent) -> Vec<ServerVadEvent> {
    let pcm = |frame: &Frame| frame.samples.map(speech_source::to_i16);
    match event {
        SpeechEvent::Started { lead, .. } => {
            vec![
                ServerVadEvent::Started,
                ServerVadEvent::Sound(lead.iter().flat_map(pcm).collect()),
            ]
        }
        SpeechEvent::Frame(frame) => vec![ServerVadEvent::Sound(pcm(&frame).to_vec())],
        SpeechEvent::SilenceStarted { .. } | SpeechEvent::Resumed { .. } => Vec::new(),
        SpeechEvent::Ended { .. } => vec![ServerVadEvent::Ended],
    }
}
