//! The acoustic side of the simulated desk: speech into the microphone, output of the speaker.

use std::time::{Duration, Instant};

use super::super::timer_stream::{SampleSink, SampleSource};
use super::desk::{Desk, PlayedBlock};
use super::echo_path::EchoPath;
use crate::base::units::SampleRate;

/// Time for which spoken samples are kept, for streams that lag behind.
const FORGOTTEN: Duration = Duration::from_secs(1);

/// The input of the simulated microphone.
pub(super) struct RoomMicrophone {
    pub(super) desk: Desk,
    pub(super) rate: SampleRate,
    pub(super) room: Option<EchoPath>,
}

impl SampleSource for RoomMicrophone {
    fn fill(&mut self, out: &mut [f32], start: Instant) {
        let mut air = self.desk.air();
        out.fill(0.0);
        if let Some(room) = self.room {
            let rates = (self.desk.speaker_rate, self.rate);
            air.played.add_echo(room, out, start, rates);
        }
        if air.spoken.is_empty() {
            return;
        }
        let rate = self.rate;
        let from = *air.spoken_from.get_or_insert(start);
        // Two streams may be open at a time: both capture the same.
        let begun = rate.samples_in(start.saturating_duration_since(from));
        let ahead = rate.samples_in(from.saturating_duration_since(start));
        let sounds = air.spoken.iter().skip(begun);
        for (to, from) in out.iter_mut().skip(ahead).zip(sounds) {
            *to += *from;
        }
        let end = from + rate.duration_of(air.spoken.len() as u64);
        if start < end && end <= start + rate.duration_of(out.len() as u64) {
            air.spoken_until = Some(end);
        }
        if start > end + FORGOTTEN {
            air.spoken.clear();
            air.spoken_from = None;
        }
    }
}

/// The output of the simulated speaker, recorded.
pub(super) struct RoomSpeaker {
    pub(super) desk: Desk,
    pub(super) keeps: bool,
    pub(super) echoes: bool,
}

impl SampleSink for RoomSpeaker {
    fn take(&mut self, block: &[f32], sounding: bool, start: Instant) {
        if block.is_empty() {
            return;
        }
        let mut air = self.desk.air();
        if self.echoes {
            air.played.push(start, block);
        }
        if self.keeps {
            air.heard.push(PlayedBlock {
                start,
                samples: block.to_vec(),
                sounding,
            });
        }
    }

    fn tick(&mut self, _: Instant) {}
}
