//! The marks of a turn, and the latencies between them.
//!
//! ```text
//! speech_end ─ endpointing ─ endpoint ─ uplink ─ sent ─ server ─ first_audio ─ downlink ─ first_audible
//!                                       └──────────────────── response ─────────────────────────────┘
//! └───────────────────────────────────────── total ─────────────────────────────────────────────────┘
//! ```

use std::time::{Duration, Instant};

use crate::base::ids::Mark;

/// From the decision to the flush there are a message and a system call; what takes longer is a wait for the connection.
const LONG_UPLINK: Duration = Duration::from_millis(40);

/// The uplink, if it was a wait for the connection: on a slow line, or until there was one again.
pub fn connection_wait(uplink: Option<Duration>) -> Option<Duration> {
    uplink.filter(|uplink| *uplink > LONG_UPLINK)
}

/// The instants of one turn; a mark that did not happen is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    marks: [Option<Instant>; 6],
    /// Leading silence of the reply that was not played.
    pub skipped_silence: Duration,
    /// How long a finished reply waited for patience; part of the downlink.
    pub held: Duration,
}

impl Timeline {
    /// The instant of a mark.
    pub fn get(&self, mark: Mark) -> Option<Instant> {
        self.marks[mark as usize]
    }

    /// Stamps a mark, in place of an earlier stamp.
    pub fn set(&mut self, mark: Mark, at: Instant) {
        self.marks[mark as usize] = Some(at);
    }

    /// Stamps a mark unless it has a stamp.
    pub fn set_first(&mut self, mark: Mark, at: Instant) {
        self.marks[mark as usize].get_or_insert(at);
    }

    /// Takes a stamp away: the turn was reopened.
    pub fn clear(&mut self, mark: Mark) {
        self.marks[mark as usize] = None;
    }

    /// The latencies that the marks allow. A pair in the wrong order has none and is counted.
    pub fn latencies(&self) -> Latencies {
        let mut negative = 0;
        let mut between = |from: Mark, to: Mark| {
            let (from, to) = (self.get(from)?, self.get(to)?);
            let elapsed = to.checked_duration_since(from);
            negative += u32::from(elapsed.is_none());
            elapsed
        };
        let manual = self.get(Mark::Sent).is_some();
        let endpointing = between(Mark::SpeechEnd, Mark::Endpoint);
        let uplink = between(Mark::Endpoint, Mark::Sent);
        let server = between(
            if manual { Mark::Sent } else { Mark::SpeechEnd },
            Mark::FirstAudio,
        );
        let downlink = between(Mark::FirstAudio, Mark::FirstAudible);
        // A text turn has no endpoint, automatic detection neither endpoint nor sent: the parts that exist add up.
        let client = downlink.map(|d| d + uplink.unwrap_or_default());
        let response = client.zip(server).map(|(c, s)| c + s);
        let total = response.map(|r| r + endpointing.unwrap_or_default());
        Latencies {
            endpointing,
            uplink,
            server,
            downlink,
            client,
            response,
            total,
            skipped_silence: self.skipped_silence,
            held: self.held,
            negative,
        }
    }
}

impl Latencies {
    /// What this computer has of the response: its own share without the wait for the connection, and without the time for
    /// which a finished reply was held for patience. `None` without a response.
    pub fn computer(&self) -> Option<Duration> {
        let wait = connection_wait(self.uplink).unwrap_or_default();
        Some(self.client?.saturating_sub(self.held + wait))
    }
}

/// The latencies of one turn (`docs`: the table of the README). Absent where a mark is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// Patience before it: end of speech to the decision that it ended.
    pub endpointing: Option<Duration>,
    /// To the service: decision to last byte sent; on a slow line, until it got through.
    pub uplink: Option<Duration>,
    /// Service and network: flushed to first reply audio read.
    pub server: Option<Duration>,
    /// To your ear: first reply audio read to first audible sample.
    pub downlink: Option<Duration>,
    /// Our own share: uplink + downlink.
    pub client: Option<Duration>,
    /// What a profile's target judges: client + server.
    pub response: Option<Duration>,
    /// What the user waited: endpointing + response.
    pub total: Option<Duration>,
    /// Leading silence of the reply that was not played.
    pub skipped_silence: Duration,
    /// How long a finished reply waited for patience; inside the downlink.
    pub held: Duration,
    /// Pairs of marks in the wrong order: a measurement fault, never a good value.
    pub negative: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(origin: Instant, ms: u64) -> Instant {
        origin + Duration::from_millis(ms)
    }

    fn full(origin: Instant) -> Timeline {
        let mut line = Timeline::default();
        for (mark, ms) in Mark::ALL
            .into_iter()
            .zip([100, 2_000, 2_500, 2_501, 2_751, 2_770])
        {
            line.set(mark, at(origin, ms));
        }
        line
    }

    #[test]
    fn the_parts_add_up() {
        let got = full(Instant::now()).latencies();
        let ms = |d: Option<Duration>| d.expect("present").as_millis();
        assert_eq!(
            [
                ms(got.endpointing),
                ms(got.uplink),
                ms(got.server),
                ms(got.downlink)
            ],
            [500, 1, 250, 19]
        );
        assert_eq!(
            [ms(got.client), ms(got.response), ms(got.total)],
            [20, 270, 770]
        );
        assert_eq!(got.negative, 0);
    }

    #[test]
    fn automatic_detection_counts_the_service_from_the_end_of_speech() {
        let mut line = full(Instant::now());
        line.clear(Mark::Endpoint);
        line.clear(Mark::Sent);
        let got = line.latencies();
        assert_eq!(got.server, Some(Duration::from_millis(751)));
        assert_eq!(got.client, got.downlink);
        assert_eq!((got.endpointing, got.uplink), (None, None));
        assert_eq!(got.response, got.total);
    }

    #[test]
    fn a_text_turn_starts_when_it_was_sent() {
        let mut line = full(Instant::now());
        for mark in [Mark::SpeechStart, Mark::SpeechEnd, Mark::Endpoint] {
            line.clear(mark);
        }
        let got = line.latencies();
        assert_eq!(got.response, Some(Duration::from_millis(269)));
    }

    #[test]
    fn a_swapped_pair_is_counted_and_never_a_perfect_zero() {
        let origin = Instant::now();
        let mut line = full(origin);
        line.set(Mark::FirstAudible, at(origin, 2_700));
        let got = line.latencies();
        assert_eq!(got.negative, 1);
        assert_eq!(
            (got.downlink, got.client, got.response, got.total),
            (None, None, None, None)
        );
    }

    #[test]
    fn a_missing_mark_is_missing() {
        assert_eq!(Timeline::default().latencies(), Latencies::default());
    }
}
