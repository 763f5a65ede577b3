//! The stages of a turn, into which its four parts divide.
//!
//! ```text
//! endpointing = capture + dsp + endpoint      uplink = encode_queue      server = network + service
//! downlink    = decode + held + buffer + device
//! ```

use std::time::{Duration, Instant};

use crate::base::ids::Mark;
use crate::turn::timeline::{Latencies, Timeline};

/// Measurements of a turn besides its marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StageTimings {
    /// Age of the newest frame on arrival.
    pub lag: Option<Duration>,
    /// The filters' share of it.
    pub dsp: Duration,
    /// Round trip of the connection.
    pub round_trip: Option<Duration>,
    /// When the first reply audio was read from the socket, and when it was decoded.
    pub decoded: Option<(Instant, Instant)>,
    /// When the first sample of the reply was handed to the speaker's ring.
    pub begun: Option<Instant>,
}

/// The stages; unknown ones are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stages {
    /// The microphone and its buffers.
    pub capture: Option<Duration>,
    /// Filters: resampling, echo, noise, gain.
    pub dsp: Option<Duration>,
    /// Silence until the decision that the turn is over.
    pub endpoint: Option<Duration>,
    /// From the decision to the last byte on its way.
    pub encode_queue: Option<Duration>,
    /// One round trip to the service.
    pub network: Option<Duration>,
    pub service: Option<Duration>,
    /// From the socket to samples.
    pub decode: Option<Duration>,
    /// Time for which a finished reply was held for patience.
    pub held: Option<Duration>,
    /// Time in the jitter buffer.
    pub buffer: Option<Duration>,
    /// The speaker and its buffers.
    pub device: Option<Duration>,
}

/// Names of the stages in JSON, in the order in which a turn passes through them.
pub const STAGES: [&str; 10] = [
    "capture",
    "dsp",
    "endpoint",
    "encode_queue",
    "network",
    "service",
    "decode",
    "held",
    "buffer",
    "device",
];

impl Stages {
    /// Computes the stages from marks and measurements.
    pub fn new(timeline: &Timeline, latencies: &Latencies, noted: &StageTimings) -> Self {
        let mut this = Self {
            encode_queue: latencies.uplink,
            ..Self::default()
        };
        if let (Some(whole), Some(lag)) = (latencies.endpointing, noted.lag) {
            let lag = lag.min(whole);
            let dsp = noted.dsp.min(lag);
            this.capture = Some(lag - dsp);
            this.dsp = Some(dsp);
            this.endpoint = Some(whole - lag);
        }
        if let (Some(server), Some(trip)) = (latencies.server, noted.round_trip) {
            let network = trip.min(server);
            this.network = Some(network);
            this.service = Some(server - network);
        }
        this.downlink(timeline, latencies, noted);
        this
    }

    fn downlink(&mut self, timeline: &Timeline, latencies: &Latencies, noted: &StageTimings) {
        let Some(((read, decoded), begun)) = noted.decoded.zip(noted.begun) else {
            return;
        };
        let first_audio = timeline.get(Mark::FirstAudio);
        let Some(audible) = timeline.get(Mark::FirstAudible) else {
            return;
        };
        // The measurements are of an earlier, dropped reply of this turn.
        if first_audio != Some(read) || latencies.downlink.is_none() {
            return;
        }
        let (Some(decode), Some(waited), Some(device)) = (
            decoded.checked_duration_since(read),
            begun.checked_duration_since(decoded),
            audible.checked_duration_since(begun),
        ) else {
            return;
        };
        let held = timeline.held.min(waited);
        self.decode = Some(decode);
        self.held = Some(held);
        self.buffer = Some(waited - held);
        self.device = Some(device);
    }

    /// The values in the order of [`STAGES`].
    pub fn values(&self) -> [Option<Duration>; 10] {
        [
            self.capture,
            self.dsp,
            self.endpoint,
            self.encode_queue,
            self.network,
            self.service,
            self.decode,
            self.held,
            self.buffer,
            self.device,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A turn of six marks, and what was noted of it.
    fn turn(origin: Instant, marks: [u64; 6]) -> (Timeline, StageTimings) {
        let mut timeline = Timeline::default();
        for (mark, at) in Mark::ALL.into_iter().zip(marks) {
            timeline.set(mark, origin + ms(at));
        }
        timeline.held = ms(8);
        let noted = StageTimings {
            lag: Some(ms(17)),
            dsp: ms(4),
            round_trip: Some(ms(40)),
            decoded: Some((origin + ms(1_000), origin + ms(1_001))),
            begun: Some(origin + ms(1_029)),
        };
        (timeline, noted)
    }

    fn stages(timeline: &Timeline, noted: &StageTimings) -> [Option<u128>; 10] {
        let stages = Stages::new(timeline, &timeline.latencies(), noted);
        stages.values().map(|value| value.map(|v| v.as_millis()))
    }

    #[test]
    fn the_stages_are_the_pieces_of_the_parts() {
        let (timeline, noted) = turn(Instant::now(), [0, 100, 600, 602, 1_000, 1_041]);
        let wanted = [13, 4, 483, 2, 40, 358, 1, 8, 20, 12];
        assert_eq!(stages(&timeline, &noted), wanted.map(Some));
        let total = timeline.latencies().total.expect("complete");
        assert_eq!(wanted.iter().sum::<u128>(), total.as_millis());
    }

    #[test]
    fn a_delay_in_one_stage_moves_that_stage_only() {
        let origin = Instant::now();
        let (timeline, noted) = turn(origin, [0, 100, 600, 602, 1_000, 1_041]);
        let before = stages(&timeline, &noted);
        let late = ms(25);
        let mut planted: Vec<(&str, Timeline, StageTimings)> = Vec::new();
        let mut plant = |name, from: usize, change: &dyn Fn(&mut Timeline, &mut StageTimings)| {
            let (mut timeline, mut noted) = (timeline.clone(), noted);
            // All that happens later is later.
            for mark in Mark::ALL.into_iter().skip(from) {
                let at = timeline.get(mark).expect("complete") + late;
                timeline.set(mark, at);
            }
            let move_on = |at: &mut Instant| *at += late;
            if from <= 4 {
                noted.decoded.iter_mut().for_each(|(read, _)| move_on(read));
            }
            if name != "device" {
                noted.begun.iter_mut().for_each(move_on);
            }
            if name != "device" && !matches!(name, "buffer" | "held") {
                noted.decoded.iter_mut().for_each(|(_, at)| move_on(at));
            }
            change(&mut timeline, &mut noted);
            planted.push((name, timeline, noted));
        };
        let lag =
            |_: &mut Timeline, noted: &mut StageTimings| noted.lag = noted.lag.map(|l| l + late);
        plant("capture", 2, &lag);
        plant("dsp", 2, &|timeline, noted| {
            lag(timeline, noted);
            noted.dsp += late;
        });
        plant("endpoint", 2, &|_, _| {});
        plant("encode_queue", 3, &|_, _| {});
        plant("network", 4, &|_, noted| noted.round_trip = Some(ms(65)));
        plant("service", 4, &|_, _| {});
        plant("decode", 5, &|_, _| {});
        plant("held", 5, &|timeline, _| timeline.held += late);
        plant("buffer", 5, &|_, _| {});
        plant("device", 5, &|_, _| {});
        for (name, timeline, noted) in planted {
            let after = stages(&timeline, &noted);
            for (i, stage) in STAGES.into_iter().enumerate() {
                let moved = after[i].expect("known") - before[i].expect("known");
                let wanted = if stage == name { late.as_millis() } else { 0 };
                assert_eq!(moved, wanted, "{name} planted, {stage} looked at");
            }
        }
    }

    #[test]
    fn what_is_not_known_or_of_another_reply_is_absent() {
        let origin = Instant::now();
        let (timeline, noted) = turn(origin, [0, 100, 600, 602, 1_000, 1_041]);
        let without = StageTimings {
            round_trip: None,
            lag: None,
            ..noted
        };
        let stages_without = stages(&timeline, &without);
        assert_eq!(stages_without[..3], [None; 3]);
        assert_eq!(stages_without[4..6], [None; 2]);
        let earlier = StageTimings {
            decoded: Some((origin + ms(800), origin + ms(801))),
            ..noted
        };
        assert_eq!(stages(&timeline, &earlier)[6..], [None; 4]);
    }
}
