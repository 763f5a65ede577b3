//! The virtual microphone and speaker of a member.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::super::backend::{
    Backend, DeviceStream, MakeCapture, MakePlayback, OpenRequest, OpenedStream,
};
use super::super::device::{DeviceInfo, Devices};
use super::super::error::AudioError;
use super::super::format::StreamFormat;
use super::super::null::{NullSink, device, format, info};
use super::super::positioned_resampler::PositionedResampler;
use super::super::stream_fault::{FaultCounts, OpenError};
use super::super::timer_stream::{SampleSource, TimerStream};
use super::super::wav;
use crate::base::units::{Dbfs, SampleRate};

/// Sample rate of the virtual devices: that of nearly all real ones.
pub const RATE: SampleRate = SampleRate::new(48_000).expect("not zero");
/// Inaudible delay: the worker keeps 40 ms of a reply in the ring, and checks it every step.
const INAUDIBLE_LATENESS: Duration = Duration::from_millis(60);
/// Noise of a quiet room in a headset microphone.
const ROOM_NOISE: Dbfs = Dbfs(-66.0);
/// Filter for utterances, which are resampled once, ahead of time.
const TAPS: u32 = 128;

/// Input of a virtual microphone.
#[derive(Clone, Debug)]
pub struct VirtualMicrophone {
    pub(super) cues: SyncSender<SpeechCue>,
    pub(super) progress: Arc<MicrophoneProgress>,
}

pub(super) struct SpeechCue {
    lead: Duration,
    utterance: Arc<[f32]>,
}

impl VirtualMicrophone {
    /// Queues an utterance (mono, at [`RATE`]) after `lead` of silence. Returns false if the queue is full or the
    /// conversation has ended.
    pub fn speak(&self, utterance: Arc<[f32]>, lead: Duration) -> bool {
        self.cues.try_send(SpeechCue { lead, utterance }).is_ok()
    }

    pub fn reading(&self) -> MicrophoneReading {
        MicrophoneReading {
            began: self.progress.began.get().copied(),
            audio: RATE.duration_of(self.progress.captured.load(Relaxed)),
            spoken: self.progress.spoken.load(Relaxed),
        }
    }
}

/// Progress of a virtual microphone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MicrophoneReading {
    /// Capture time of its first sample; `None` before.
    pub began: Option<Instant>,
    pub audio: Duration,
    pub spoken: u64,
}

impl MicrophoneReading {
    /// Delivered duration per real time since the start: 1.0 if every sample was on time. A delay below 60 ms at this
    /// moment does not count: it is inaudible.
    pub fn real_time_ratio(&self, now: Instant) -> Option<f64> {
        let wall = now.saturating_duration_since(self.began?);
        let owed = wall
            .checked_sub(INAUDIBLE_LATENESS)
            .filter(|owed| !owed.is_zero())?;
        Some((self.audio.as_secs_f64() / owed.as_secs_f64()).min(1.0))
    }
}

/// State shared between the microphone and its reader.
#[derive(Debug, Default)]
pub(super) struct MicrophoneProgress {
    began: OnceLock<Instant>,
    captured: AtomicU64,
    spoken: AtomicU64,
}

/// Running streams, each with the id of the token that the stream manager holds.
pub(super) type Streams = Arc<Mutex<Vec<(u64, TimerStream)>>>;

/// The signal source of the microphone.
pub(super) struct SpeechSource {
    cues: Receiver<SpeechCue>,
    progress: Arc<MicrophoneProgress>,
    room: Arc<[f32]>,
    /// Position in the noise of the next block.
    at: usize,
    speaking: Option<Speaking>,
}

struct Speaking {
    /// Samples of silence left.
    lead: usize,
    /// Samples spoken.
    at: usize,
    utterance: Arc<[f32]>,
}

impl SpeechSource {
    pub(super) fn new(
        cues: Receiver<SpeechCue>,
        progress: Arc<MicrophoneProgress>,
        room: Arc<[f32]>,
        nth: usize,
    ) -> Self {
        // A stride without a common factor with the noise's length.
        let at = nth.wrapping_mul(7_919) % room.len().max(1);
        Self {
            cues,
            progress,
            room,
            at,
            speaking: None,
        }
    }

    fn say(&mut self, out: &mut [f32]) {
        if self.speaking.is_none() {
            let Ok(cue) = self.cues.try_recv() else {
                return;
            };
            self.speaking = Some(Speaking {
                lead: RATE.samples_in(cue.lead),
                at: 0,
                utterance: cue.utterance,
            });
        }
        let Some(speaking) = &mut self.speaking else {
            return;
        };
        let lead = speaking.lead.min(out.len());
        speaking.lead -= lead;
        let left = &speaking.utterance[speaking.at..];
        for (out, sample) in out[lead..].iter_mut().zip(left) {
            *out += sample;
        }
        speaking.at += left.len().min(out.len() - lead);
        if speaking.at == speaking.utterance.len() {
            self.progress.spoken.fetch_add(1, Relaxed);
            self.speaking = None;
        }
    }
}

impl SampleSource for SpeechSource {
    fn fill(&mut self, out: &mut [f32], start: Instant) {
        let mut filled = 0;
        while filled < out.len() {
            let n = (self.room.len() - self.at).min(out.len() - filled);
            out[filled..filled + n].copy_from_slice(&self.room[self.at..self.at + n]);
            self.at = (self.at + n) % self.room.len();
            filled += n;
        }
        self.say(out);
        self.progress.began.get_or_init(|| start);
        self.progress.captured.fetch_add(out.len() as u64, Relaxed);
    }
}

/// The same source for a microphone that is reopened.
struct Shared(Arc<Mutex<SpeechSource>>);

impl SampleSource for Shared {
    fn fill(&mut self, out: &mut [f32], start: Instant) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill(out, start);
    }
}

/// A backend whose streams are run by the pool worker.
pub(super) struct VirtualBackend {
    streams: Streams,
    speech: Arc<Mutex<SpeechSource>>,
    clock: Arc<Mutex<Instant>>,
    next_id: u64,
}

impl VirtualBackend {
    /// Creates a backend with this source; `clock` is the time of the round.
    pub(super) fn new(speech: SpeechSource, streams: Streams, clock: Arc<Mutex<Instant>>) -> Self {
        Self {
            streams,
            speech: Arc::new(Mutex::new(speech)),
            clock,
            next_id: 0,
        }
    }

    fn now(&self) -> Instant {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(
        &mut self,
        stream: TimerStream,
        device: DeviceInfo,
        format: StreamFormat,
    ) -> OpenedStream {
        self.next_id += 1;
        let token = Token {
            id: self.next_id,
            streams: self.streams.clone(),
        };
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push((token.id, stream));
        drop(streams);
        OpenedStream {
            info: info(device, format),
            stream: Box::new(token),
        }
    }
}

impl Backend for VirtualBackend {
    fn devices(&mut self) -> Devices {
        Devices {
            host: "none".to_owned(),
            inputs: vec![microphone()],
            outputs: vec![speaker()],
        }
    }

    fn poll_every(&self) -> Option<Duration> {
        None
    }

    fn open_input(
        &mut self,
        request: &OpenRequest,
        make: MakeCapture<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        let format = format(RATE, request);
        let source = Box::new(Shared(self.speech.clone()));
        let stream = TimerStream::input(format, make(format), source, self.now());
        Ok(self.place(stream, microphone(), format))
    }

    fn open_output(
        &mut self,
        request: &OpenRequest,
        make: MakePlayback<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        let format = format(RATE, request);
        let (body, sink) = (make(format), Box::new(NullSink));
        let stream = TimerStream::output(format, body, sink, Duration::ZERO, self.now());
        Ok(self.place(stream, speaker(), format))
    }
}

fn microphone() -> DeviceInfo {
    device("made-up", "Made-up microphone")
}

fn speaker() -> DeviceInfo {
    device("made-up", "Made-up speaker")
}

/// A running stream; dropping the token ends it.
struct Token {
    id: u64,
    streams: Streams,
}

impl DeviceStream for Token {
    fn rest(&mut self, rests: bool) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let own = streams.iter_mut().find(|(id, _)| *id == self.id);
        if let Some((_, stream)) = own.filter(|(_, stream)| !stream.is_input()) {
            stream.rest(rests);
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|(id, _)| *id != self.id);
    }
}

/// Reads a WAV file as an utterance.
pub fn utterance(file: &Path) -> Result<Arc<[f32]>, AudioError> {
    at_rate(&wav::read(file)?.samples, file)
}

/// Decodes the bytes of a WAV file as an utterance.
pub fn utterance_of(bytes: &[u8]) -> Result<Arc<[f32]>, AudioError> {
    let name = Path::new("(bundled)");
    at_rate(&wav::decode(bytes, name)?.samples, name)
}

fn at_rate(samples: &[f32], file: &Path) -> Result<Arc<[f32]>, AudioError> {
    let fail = |what: String| AudioError::File {
        path: file.to_owned(),
        what,
    };
    let mut resampler = PositionedResampler::new(SampleRate::WORKING, RATE, TAPS)
        .map_err(|e| fail(e.to_string()))?;
    let mut converted = Vec::new();
    resampler.push(samples, &mut converted);
    resampler.finish(&mut converted);
    Ok(converted.into())
}

/// One second of noise, which every microphone starts at another position.
pub(super) fn room_noise() -> Arc<[f32]> {
    let amplitude = 10_f32.powf(ROOM_NOISE.0 / 20.0) * 3_f32.sqrt();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut noise = || {
        // xorshift64: any noise that does not repeat within a second will do.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..RATE.hz()).map(|_| amplitude * noise()).collect()
}
