//! When a turn is closed: how much patience there is, and how much of it the service's thinking hides.
//!
//! ```text
//! last word       closed early                       patience over
//!     ├── T_e ─────────┤                                  │
//!     │                ├───── S, the service thinks ──────┤▶ reply
//!     ├────────────────── T_c, patience ──────────────────┤
//! ```
//!
//! A reply is heard `max(T_e + S, T_c)` after the last word. Closing sooner than `T_c − S` wins nothing and costs
//! generations in vain, so `T_e = T_c − S`, with S one of the quicker of the last think times: a reply is rarely ready
//! before patience is over. With a service that answers at once nothing is closed early. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::patience::Patience;

/// Think times that are remembered: services get slower and faster within minutes.
const REMEMBERED: usize = 8;
/// Which of them is reckoned with: three of four answers take at least as long.
const LOW: f64 = 0.25;
/// Closing less than this ahead of patience wins nothing: the end of patience itself is noticed a period and two frames
/// late (20 to 35 ms), and that is what an early close saves.
const LEAST_GAIN: Duration = Duration::from_millis(40);

/// What a profile and an endpoint say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaceSettings {
    /// Silence after which a turn is over.
    pub patience: Duration,
    /// Whether it follows the user's pauses.
    pub adaptive: bool,
    /// Whether turns are closed early.
    pub eager: bool,
    /// Silence after which they are at the earliest.
    pub earliest: Duration,
    /// The service's think time before one was measured.
    pub assumed_think: Duration,
}

impl Default for PaceSettings {
    /// The plain timer of the default profile.
    fn default() -> Self {
        Self {
            patience: Duration::from_millis(500),
            adaptive: false,
            eager: false,
            earliest: Duration::from_millis(120),
            assumed_think: Duration::ZERO,
        }
    }
}

/// See the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    pub(super) settings: PaceSettings,
    pub(super) pauses: Patience,
    /// Think times, oldest first.
    thoughts: VecDeque<Duration>,
}

impl Pace {
    /// The service took so long from the end of a turn to the first audio.
    pub(super) fn thought(&mut self, time: Duration) {
        if self.thoughts.len() == REMEMBERED {
            self.thoughts.pop_front();
        }
        self.thoughts.push_back(time);
    }

    /// Another service, or another model, will answer.
    pub(super) fn forget_thoughts(&mut self) {
        self.thoughts.clear();
    }

    /// Silence after which a turn is over.
    #[must_use]
    pub(super) fn patience(&self) -> Duration {
        let wanted = self.settings.patience;
        if !self.settings.adaptive {
            return wanted;
        }
        let learnt = self.pauses.now(wanted);
        if !self.settings.eager {
            return learnt;
        }
        // What thinking hides behind the earliest close costs nobody anything.
        let think = self.low_think();
        if think <= LEAST_GAIN {
            return learnt;
        }
        learnt.max((self.settings.earliest + think).min(2 * wanted))
    }

    /// Silence after which a turn is closed towards the service, where that is sooner.
    #[must_use]
    pub(super) fn early_close(&self) -> Option<Duration> {
        let patience = self.patience();
        let earliest = self.settings.earliest;
        let early = earliest.max(patience.saturating_sub(self.low_think()));
        Some(early).filter(|early| self.settings.eager && *early + LEAST_GAIN <= patience)
    }

    /// A think time that most answers take at least.
    fn low_think(&self) -> Duration {
        // Without a vector: it is asked with every frame.
        let mut sorted = [Duration::ZERO; REMEMBERED];
        for (place, time) in sorted.iter_mut().zip(&self.thoughts) {
            *place = *time;
        }
        let sorted = &mut sorted[..self.thoughts.len().min(REMEMBERED)];
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        let place = (last as f64 * LOW).round() as usize;
        sorted
            .get(place)
            .copied()
            .unwrap_or(self.settings.assumed_think)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn pace(patience: u64, adaptive: bool, assumed: u64, thoughts: &[u64]) -> Pace {
        let mut pace = Pace {
            settings: PaceSettings {
                patience: ms(patience),
                adaptive,
                eager: true,
                assumed_think: ms(assumed),
                ..PaceSettings::default()
            },
            ..Pace::default()
        };
        thoughts.iter().for_each(|&t| pace.thought(ms(t)));
        pace
    }

    #[test]
    fn a_turn_is_closed_as_early_as_thinking_hides_and_no_earlier() {
        for (patience, thoughts, early) in [
            (500, &[0_u64][..], None),
            (500, &[39], None),
            (500, &[150], Some(350)),
            (500, &[380], Some(120)),
            (500, &[5_000], Some(120)),
            (150, &[600], None),
            (750, &[630; 8], Some(120)),
            // The quicker ones count, the quickest is an exception.
            (700, &[100, 400, 420, 430, 450, 500, 900, 2_000], Some(280)),
            (700, &[100, 200, 420, 430, 450, 500, 900, 2_000], Some(280)),
        ] {
            let got = pace(patience, false, 0, thoughts).early_close();
            assert_eq!(got, early.map(ms), "{patience} {thoughts:?}");
        }
    }

    #[test]
    fn before_a_measurement_the_assumption_counts_and_old_ones_are_forgotten() {
        assert_eq!(pace(500, false, 300, &[]).early_close(), Some(ms(200)));
        let mut changed = pace(500, false, 0, &[900; 8]);
        (0..8).for_each(|_| changed.thought(ms(150)));
        assert_eq!(changed.early_close(), Some(ms(350)));
        changed.forget_thoughts();
        assert_eq!(changed.early_close(), None);
    }

    #[test]
    fn patience_that_thinking_hides_is_given_and_no_more_than_twice_the_profiles() {
        assert_eq!(pace(500, true, 0, &[630]).patience(), ms(750));
        assert_eq!(pace(300, true, 0, &[630]).patience(), ms(600));
        assert_eq!(pace(500, true, 0, &[2]).patience(), ms(500));
        assert_eq!(pace(500, false, 0, &[630]).patience(), ms(500));
        let mut plain = pace(500, true, 0, &[630]);
        plain.settings.eager = false;
        assert_eq!((plain.patience(), plain.early_close()), (ms(500), None));
    }
}
