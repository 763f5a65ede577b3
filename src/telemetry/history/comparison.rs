//! Today compared with yesterday: whether answers took longer or shorter, and because of what.

use std::time::Duration;

use super::{History, Slice};

/// Turns that each day must have.
const LEAST_TURNS: u64 = 10;
/// Smaller differences say nothing, in percent.
const NOTABLE_PERCENT: f64 = 10.0;

/// What made the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    Service,
    Network,
    Computer,
}

/// How today's answers compare with yesterday's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// How much longer the median response is today, in percent; negative where it is shorter.
    pub longer_percent: f64,
    pub cause: Share,
}

impl History {
    /// Compares the day that began at `today` with the one that began at `yesterday`, in seconds since 1970. `None` with too few
    /// turns on either, or without a notable difference.
    pub fn compare_days(&self, yesterday: u64, today: u64) -> Option<Comparison> {
        compare(
            &self.between(yesterday, today),
            &self.between(today, u64::MAX),
        )
    }

    /// All that happened from one moment to another, in seconds since 1970.
    pub fn between(&self, from: u64, to: u64) -> Slice {
        let mut all = Slice::default();
        // An hour in which a day ends belongs to the day that has more of it.
        let slices = self
            .slices()
            .filter(|slice| (from..to).contains(&(slice.start + slice.length / 2)));
        slices.for_each(|slice| all.merge(slice));
        all
    }
}

fn compare(before: &Slice, now: &Slice) -> Option<Comparison> {
    if before.response.n().min(now.response.n()) < LEAST_TURNS {
        return None;
    }
    let change = |of: fn(&Slice) -> Option<Duration>| {
        let ms = |slice| Some(of(slice)?.as_secs_f64() * 1e3);
        Some(ms(now)? - ms(before)?)
    };
    let median = before.response.quantile(0.5)?.as_secs_f64() * 1e3;
    let longer = change(|slice| slice.response.quantile(0.5))?;
    let longer_percent = longer / median * 100.0;
    if longer_percent.abs() <= NOTABLE_PERCENT {
        return None;
    }
    // What changed the other way is no cause.
    let towards = |change: Option<f64>| change.map_or(0.0, |change| change * longer.signum());
    let service = towards(change(|slice| slice.server.quantile(0.5)));
    let computer = towards(change(|slice| slice.client.quantile(0.5)));
    let network = now.round_trip_ms.mean().zip(before.round_trip_ms.mean());
    let network = towards(network.map(|(now, before)| now - before));
    let cause = if computer >= service {
        Share::Computer
    } else if network * 2.0 >= service {
        Share::Network
    } else {
        Share::Service
    };
    Some(Comparison {
        longer_percent,
        cause,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Reading, tests::START};
    use super::*;
    use crate::telemetry::record::TurnRecord;

    /// A day of turns with this share of ours and of the service, in milliseconds, at this round trip.
    fn add(history: &mut History, start: u64, turns: u64, [ours, service, trip]: [u64; 3]) {
        for n in 0..turns {
            let ms = |ms: u64| Some(Duration::from_millis(ms));
            let mut turn = TurnRecord::default();
            turn.latencies.response = ms(ours + service);
            (turn.latencies.client, turn.latencies.server) = (ms(ours), ms(service));
            history.turn(start + n * 60, &turn, None);
            let reading = Reading {
                round_trip: ms(trip),
                ..Reading::default()
            };
            history.reading(start + n * 60, &reading);
        }
    }

    #[test]
    fn the_larger_change_is_the_cause_and_too_little_says_nothing() {
        let (today, yesterday) = (START, START - 86_400);
        let usual = [50, 300, 30];
        for (turns, now, expected) in [
            (12, [50, 380, 30], Some((23, Share::Service))),
            (12, [50, 200, 30], Some((-29, Share::Service))),
            (12, [150, 310, 30], Some((31, Share::Computer))),
            (12, [50, 380, 90], Some((23, Share::Network))),
            // This computer became quicker meanwhile.
            (12, [20, 400, 30], Some((20, Share::Service))),
            (12, [50, 330, 30], None),
            (9, [50, 900, 30], None),
        ] {
            let mut history = History::default();
            add(&mut history, yesterday, 10, usual);
            add(&mut history, today, turns, now);
            let found = history.compare_days(yesterday, today);
            let found = found.map(|found| (found.longer_percent.round() as i32, found.cause));
            let is_near = found.zip(expected).is_some_and(|(found, expected)| {
                found.0.abs_diff(expected.0) <= 3 && found.1 == expected.1
            });
            assert!(
                is_near || found.is_none() && expected.is_none(),
                "{now:?}: {found:?}"
            );
        }
    }
}
