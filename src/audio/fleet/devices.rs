//! The made-up microphone and speaker of a member.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::backend::{
    Backend, Faults, Format, MakeCapture, MakePlayback, OpenError, Opened, Wish,
};
use super::super::null::{Nowhere, device, format, info};
use super::super::paced::{Paced, Source};
use super::super::{DeviceInfo, Devices};
use super::{Cue, Pulse, RATE};

/// The streams that run; each is taken out by the token that the owner holds.
pub(super) type Streams = Arc<Mutex<Vec<(u64, Paced)>>>;

/// What the microphone hears.
pub(super) struct Throat {
    cues: Receiver<Cue>,
    pulse: Arc<Pulse>,
    room: Arc<[f32]>,
    /// Where in the room's noise the next block begins.
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

impl Throat {
    pub(super) fn new(
        cues: Receiver<Cue>,
        pulse: Arc<Pulse>,
        room: Arc<[f32]>,
        nth: usize,
    ) -> Self {
        // A stride that has no factor in common with the noise's length.
        let at = nth.wrapping_mul(7_919) % room.len().max(1);
        Self {
            cues,
            pulse,
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
            self.pulse.spoken.fetch_add(1, Relaxed);
            self.speaking = None;
        }
    }
}

impl Source for Throat {
    fn fill(&mut self, out: &mut [f32], start: Instant) {
        let mut filled = 0;
        while filled < out.len() {
            let n = (self.room.len() - self.at).min(out.len() - filled);
            out[filled..filled + n].copy_from_slice(&self.room[self.at..self.at + n]);
            self.at = (self.at + n) % self.room.len();
            filled += n;
        }
        self.say(out);
        self.pulse.began.get_or_init(|| start);
        self.pulse.captured.fetch_add(out.len() as u64, Relaxed);
    }
}

/// The same throat for a microphone that is opened again.
struct Shared(Arc<Mutex<Throat>>);

impl Source for Shared {
    fn fill(&mut self, out: &mut [f32], start: Instant) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill(out, start);
    }
}

/// A backend whose streams are run by the crew.
pub(super) struct MadeUp {
    streams: Streams,
    throat: Arc<Mutex<Throat>>,
    clock: Arc<Mutex<Instant>>,
    next_id: u64,
}

impl MadeUp {
    /// A microphone with this throat; `clock` shows the time of the round.
    pub(super) fn new(throat: Throat, streams: Streams, clock: Arc<Mutex<Instant>>) -> Self {
        Self {
            streams,
            throat: Arc::new(Mutex::new(throat)),
            clock,
            next_id: 0,
        }
    }

    fn now(&self) -> Instant {
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&mut self, stream: Paced, device: DeviceInfo, format: Format) -> Opened {
        self.next_id += 1;
        let token = Token {
            id: self.next_id,
            streams: self.streams.clone(),
        };
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.push((token.id, stream));
        drop(streams);
        Opened {
            info: info(device, format),
            stream: Box::new(token),
        }
    }
}

impl Backend for MadeUp {
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
        wish: &Wish,
        make: MakeCapture<'_>,
        _: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        let format = format(RATE, wish);
        let source = Box::new(Shared(self.throat.clone()));
        let stream = Paced::input(format, make(format), source, self.now());
        Ok(self.place(stream, microphone(), format))
    }

    fn open_output(
        &mut self,
        wish: &Wish,
        make: MakePlayback<'_>,
        _: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        let format = format(RATE, wish);
        let (body, sink) = (make(format), Box::new(Nowhere));
        let stream = Paced::output(format, body, sink, Duration::ZERO, self.now());
        Ok(self.place(stream, speaker(), format))
    }
}

fn microphone() -> DeviceInfo {
    device("made-up", "Made-up microphone")
}

fn speaker() -> DeviceInfo {
    device("made-up", "Made-up speaker")
}

/// A running stream; dropping it ends it.
struct Token {
    id: u64,
    streams: Streams,
}

impl Drop for Token {
    fn drop(&mut self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|(id, _)| *id != self.id);
    }
}
