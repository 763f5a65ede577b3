//! How replies arrive: patterns with fixed seeds, after what was seen of services, and an oracle that knows all of it.
//!
//! ```text
//! arrival − place in the reply      ●                        worst: with so much start delay nothing runs dry
//!                          ●   ●  ●   ●  ●
//!  first chunk ──▶ ●  ●  ●                 ●  ●
//! ```

use std::time::Duration;

use sovereign::base::units::SampleRate;

use super::voices::Noise;

/// A chunk of a reply.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    /// Since the reply was asked for.
    pub(crate) at: Duration,
    /// At [`SampleRate::REPLY`].
    pub(crate) samples: usize,
}

/// A way in which chunks come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Sentences of 1.5 to 3.5 s at six times real time, each begun well before the one before is over: the usual.
    Bursts,
    /// Real time, each chunk up to 60 ms late.
    Jitter,
    /// Real time, delays of a Pareto distribution: 7 ms at the median, over 100 ms for 1.5 of a hundred chunks.
    HeavyTail,
    /// Real time, but every 5 s nothing comes for 500 ms, and then all that was held up.
    Stalls,
    /// Real time; from 1 s on the service makes 0.8 s of sound a second, for 2.5 s, and then 1.5 s a second.
    Behind,
    /// Real time, but the first chunk is 300 to 700 ms late, and all that was due by then comes with it.
    LateFirst,
}

impl Pattern {
    pub(crate) const ALL: [Self; 6] = [
        Self::Bursts,
        Self::Jitter,
        Self::HeavyTail,
        Self::Stalls,
        Self::Behind,
        Self::LateFirst,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bursts => "bursts",
            Self::Jitter => "jitter 0-60 ms",
            Self::HeavyTail => "heavy tail",
            Self::Stalls => "stalls of 500 ms",
            Self::Behind => "falls behind",
            Self::LateFirst => "late first chunk",
        }
    }

    /// A reply of so many milliseconds, in chunks of 20, 30 or 40.
    pub(crate) fn reply(self, length_ms: u64, chance: &mut Noise) -> Vec<Arrival> {
        let chunk = 20.0 + 10.0 * (uniform(chance) * 3.0).floor();
        let count = (length_ms as f64 / chunk).ceil() as usize;
        let mut made = Maker::new(self, chance);
        let mut latest = 0.0_f64;
        let chunks = (0..count).map(|n| {
            // One connection: nothing overtakes.
            latest = latest.max(made.arrival(n as f64 * chunk, chance));
            Arrival {
                at: Duration::from_secs_f64(latest / 1e3),
                samples: (chunk * 24.0) as usize,
            }
        });
        chunks.collect()
    }
}

/// What differs from reply to reply.
struct Maker {
    pattern: Pattern,
    /// When the first stall begins, or how late the first chunk is.
    offset: f64,
    /// Where the sentence begins and ends in the reply, and when it began to arrive.
    sentence: (f64, f64, f64),
}

impl Maker {
    fn new(pattern: Pattern, chance: &mut Noise) -> Self {
        let offset = match pattern {
            Pattern::Stalls => 500.0 + 1_500.0 * uniform(chance),
            Pattern::LateFirst => 300.0 + 400.0 * uniform(chance),
            Pattern::Bursts | Pattern::Jitter | Pattern::HeavyTail | Pattern::Behind => 0.0,
        };
        Self {
            pattern,
            offset,
            sentence: (0.0, 0.0, 0.0),
        }
    }

    /// When the chunk at this place of the reply comes, in milliseconds.
    fn arrival(&mut self, place: f64, chance: &mut Noise) -> f64 {
        let chance = uniform(chance);
        match self.pattern {
            Pattern::Bursts => self.burst(place, chance) + 10.0 * chance,
            Pattern::Jitter => place + 60.0 * chance,
            Pattern::HeavyTail => {
                place + (4.0 * (1.0 - chance).max(1e-9).powf(-1.0 / 1.3)).min(400.0)
            }
            Pattern::Stalls => {
                let since = (place - self.offset).rem_euclid(5_000.0);
                let stalled = place >= self.offset && since < 500.0;
                let held = if stalled { 500.0 - since } else { 0.0 };
                place + held + 10.0 * chance
            }
            Pattern::Behind => behind(place) + 10.0 * chance,
            Pattern::LateFirst => (place + 10.0 * chance).max(self.offset),
        }
    }

    fn burst(&mut self, place: f64, chance: f64) -> f64 {
        let (from, to, began) = self.sentence;
        if place >= to {
            let length = 1_500.0 + 2_000.0 * chance;
            let began = if to == 0.0 {
                0.0
            } else {
                began + 0.6 * (to - from)
            };
            self.sentence = (place, place + length, began);
        }
        let (from, _, began) = self.sentence;
        began + (place - from) / 6.0
    }
}

/// When a service has made the sound at a place that makes 0.8 s a second from 1 to 3.5 s, and 1.5 s a second then.
fn behind(place: f64) -> f64 {
    let slow = (place - 1_000.0).clamp(0.0, 2_000.0);
    let quick = (place - 3_000.0).max(0.0);
    place.min(1_000.0) + slow / 0.8 + quick / 1.5
}

fn uniform(chance: &mut Noise) -> f64 {
    f64::from(chance.next() + 1.0) / 2.0
}

/// The least delay of the start, counted from the first chunk, with which a reply never runs dry.
pub(crate) fn least_delay(reply: &[Arrival]) -> Duration {
    let mut place = 0;
    let late = reply.iter().map(|chunk| {
        let needed = SampleRate::REPLY.duration_of(place as u64);
        place += chunk.samples;
        (chunk.at - reply[0].at).saturating_sub(needed)
    });
    late.max().unwrap_or_default()
}

#[test]
fn the_oracle_knows_the_worst_chunk() {
    let at = |ms, samples| Arrival {
        at: Duration::from_millis(ms),
        samples,
    };
    // Due at 100, 120 and 160 ms, there at 100, 150 and 155.
    let reply = [at(100, 480), at(150, 960), at(155, 480)];
    assert_eq!(least_delay(&reply), Duration::from_millis(30));
    for pattern in Pattern::ALL {
        let mut chance = Noise::new(3);
        for _ in 0..20 {
            let reply = pattern.reply(5_000, &mut chance);
            let sound: usize = reply.iter().map(|chunk| chunk.samples).sum();
            assert!((120_000..121_000).contains(&sound), "{pattern:?}: {sound}");
            assert!(reply.is_sorted_by(|a, b| a.at <= b.at), "{pattern:?}");
            let need = least_delay(&reply).as_millis();
            let expected = match pattern {
                Pattern::Bursts => 0..=10,
                Pattern::Jitter => 0..=60,
                Pattern::HeavyTail => 10..=400,
                Pattern::Stalls => 460..=510,
                Pattern::Behind => 450..=510,
                Pattern::LateFirst => 0..=10,
            };
            assert!(expected.contains(&need), "{pattern:?}: {need} ms");
        }
    }
}
