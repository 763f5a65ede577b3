//! Forecasts the response with each profile from the turns with all of them.
//!
//! A response has three shares: the service's, which a profile changes by a factor (length of context and answer); the
//! network's, which is the round trip; and our own, which depends on the profile. The factor starts at 1 and is learnt
//! from the turns on both sides of a change. The round trip is known while there is traffic, so turns on an earlier
//! network remain useful: the present round trip replaces theirs. Where it is unknown, the network counts as service.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::types::{Answered, Candidate};
use super::worth::wait_cost;

/// Window in turns. Twelve give a mean within 10 % when turns vary by a third, as they do with hosted models.
const TURNS: usize = 12;
/// Older turns are ignored.
const OLDEST: Duration = Duration::from_secs(900);
/// Weight of a turn relative to the next newer one.
const FADE: f64 = 0.9;
/// Consecutive turns that are all longer or shorter than the earlier ones by this factor mark a new state of network or
/// service: the earlier ones are forgotten.
const SHIFT_TURNS: usize = 3;
const SHIFT: f64 = 1.35;
/// Variance of the logarithm of a profile's factor before anything is known: ± 20 %.
const FACTOR_VARIANCE: f64 = 0.04;
/// Variance of the logarithm of one turn's service time: a third, as hosted models have it.
const TURN_VARIANCE: f64 = 0.11;
/// Variance of the drift of conditions between the compared turns.
const DRIFT_VARIANCE: f64 = 0.02;
/// Turns on each side of a change that are compared.
const COMPARED: usize = 6;
/// Our own share of a profile is the median of this many turns: a speaker that wakes up, or a stalled machine, makes single
/// turns long. The earlier estimate counts as a turn until there are enough.
const OWN_TURNS: usize = 5;
/// Largest factor between expected and measured own shares.
const MOST_UNLIKE: f64 = 4.0;
/// Services faster than this, in seconds, count as equal: on the same computer one millisecond more is no new state, and
/// after an overestimated round trip the rest of a response carries no information.
const LEAST_LEVEL: f64 = 0.01;

/// Forecasts responses; see the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Forecast {
    profiles: Vec<Known>,
    turns: VecDeque<Turn>,
    /// The present round trip in seconds; `None` without a connection or if the system does not report it.
    trip: Option<f64>,
    /// Service times before the last change, newest last, and those after it.
    before: Option<Before>,
}

#[derive(Clone, Debug)]
struct Known {
    /// Our share in seconds.
    own: f64,
    /// The assumed share, and the estimate at its first turn.
    expected: f64,
    before: f64,
    /// The shares of the last turns, with their times.
    measured: VecDeque<(Instant, f64)>,
    /// Logarithm of the factor on the service's share, and its variance.
    factor: f64,
    variance: f64,
}

#[derive(Clone, Copy, Debug)]
struct Turn {
    at: Instant,
    candidate: usize,
    /// The service's share in seconds.
    service: f64,
    /// The network's, if known; else it is part of the service's.
    network: Option<f64>,
}

impl Turn {
    /// Logarithm of the service's share.
    fn level(&self) -> f64 {
        self.service.max(LEAST_LEVEL).ln()
    }
}

#[derive(Clone, Debug)]
struct Before {
    candidate: usize,
    level: f64,
    n: usize,
    after: Vec<f64>,
}

impl Known {
    fn measure(&mut self, at: Instant, own: f64) {
        if self.measured.len() == OWN_TURNS {
            self.measured.pop_front();
        }
        self.measured.push_back((at, own));
        let mut shares: Vec<f64> = self.measured.iter().map(|&(_, own)| own).collect();
        if shares.len() < OWN_TURNS {
            shares.push(self.before);
        }
        shares.sort_by(f64::total_cmp);
        self.own = shares[(shares.len() - 1) / 2];
    }
}

impl Forecast {
    pub(super) fn new(candidates: &[Candidate]) -> Self {
        let known = |candidate: &Candidate| Known {
            own: candidate.own_share.as_secs_f64(),
            expected: candidate.own_share.as_secs_f64(),
            before: candidate.own_share.as_secs_f64(),
            measured: VecDeque::with_capacity(OWN_TURNS),
            factor: 0.0,
            variance: FACTOR_VARIANCE,
        };
        Self {
            profiles: candidates.iter().map(known).collect(),
            turns: VecDeque::new(),
            trip: None,
            before: None,
        }
    }

    /// Takes in a round trip.
    pub(super) fn trip(&mut self, seen: Option<Duration>) {
        self.trip = seen.map(|trip| trip.as_secs_f64());
    }

    /// Factor between measured and assumed own shares, applied to unused profiles: faster devices, for instance, affect all.
    fn expect_alike(&mut self) {
        let sum = |of: fn(&Known) -> f64| {
            let measured = self
                .profiles
                .iter()
                .filter(|known| !known.measured.is_empty());
            measured.map(of).sum::<f64>()
        };
        let (own, expected) = (sum(|known| known.own), sum(|known| known.expected));
        if expected <= 0.0 {
            return;
        }
        let share = (own / expected).clamp(1.0 / MOST_UNLIKE, MOST_UNLIKE);
        let unknown = |known: &&mut Known| known.measured.is_empty();
        for known in self.profiles.iter_mut().filter(unknown) {
            known.own = known.expected * share;
            known.before = known.own;
        }
    }

    /// Switches power saving, which lengthens the own share of each profile.
    pub(super) fn save_power(&mut self, saves: bool, longer: impl Iterator<Item = Duration>) {
        for (known, longer) in self.profiles.iter_mut().zip(longer) {
            let longer = longer.as_secs_f64();
            let longer = if saves { longer } else { -longer };
            let measured = known.measured.iter_mut().map(|(_, own)| own);
            let shares = [&mut known.own, &mut known.expected, &mut known.before];
            for share in shares.into_iter().chain(measured) {
                *share = (*share + longer).max(0.0);
            }
        }
    }

    pub(super) fn add(&mut self, turn: Answered) {
        let Some(known) = self.profiles.get_mut(turn.candidate) else {
            return;
        };
        known.measure(turn.at, turn.own.as_secs_f64());
        // Measurements of another profile on a busy machine no longer apply.
        let old = |at: Instant| turn.at.saturating_duration_since(at) > OLDEST;
        for known in &mut self.profiles {
            known.measured.retain(|&(at, _)| !old(at));
        }
        self.expect_alike();
        let server = turn.response.saturating_sub(turn.own).as_secs_f64();
        let network = turn.round_trip.map(|trip| trip.as_secs_f64().min(server));
        let new = Turn {
            at: turn.at,
            candidate: turn.candidate,
            service: (server - network.unwrap_or(0.0)).max(1e-4),
            network,
        };
        self.compare(&new);
        self.turns.push_back(new);
        self.forget(turn.at);
    }

    /// Records a change of profile: later turns are compared with earlier ones.
    pub(super) fn changed(&mut self, from: usize) {
        let same = self
            .turns
            .iter()
            .rev()
            .take_while(|turn| turn.candidate == from);
        let times: Vec<f64> = same.take(COMPARED).map(Turn::level).collect();
        self.before = (times.len() >= SHIFT_TURNS).then(|| Before {
            candidate: from,
            level: mean(&times),
            n: times.len(),
            after: Vec::new(),
        });
    }

    /// Learns a profile's factor once there are enough turns on both sides of a change.
    fn compare(&mut self, turn: &Turn) {
        let Some(before) = &mut self.before else {
            return;
        };
        if turn.candidate == before.candidate {
            return;
        }
        before.after.push(turn.level());
        if before.after.len() < COMPARED {
            return;
        }
        let (from, to) = (before.candidate, turn.candidate);
        let seen = mean(&before.after) - before.level;
        let noise =
            TURN_VARIANCE / before.n as f64 + TURN_VARIANCE / COMPARED as f64 + DRIFT_VARIANCE;
        self.before = None;
        // The difference of two factors was observed; each is corrected in proportion to its variance (a Kalman step for two
        // states).
        let (a, b) = (&self.profiles[from], &self.profiles[to]);
        let surprise = seen - (b.factor - a.factor);
        let total = a.variance + b.variance + noise;
        let (gain_a, gain_b) = (a.variance / total, b.variance / total);
        for (index, gain) in [(from, -gain_a), (to, gain_b)] {
            let known = &mut self.profiles[index];
            known.factor = (known.factor + gain * surprise).clamp(-0.5, 0.5);
            known.variance *= 1.0 - gain.abs();
        }
    }

    fn forget(&mut self, now: Instant) {
        while self.turns.len() > TURNS
            || self.turns.front().is_some_and(|turn| {
                // A restarted conversation keeps its last turns.
                self.turns.len() > SHIFT_TURNS && now.saturating_duration_since(turn.at) > OLDEST
            })
        {
            self.turns.pop_front();
        }
        let n = self.turns.len();
        if n < 2 * SHIFT_TURNS {
            return;
        }
        let level = |turn: &Turn| turn.level() - self.profiles[turn.candidate].factor;
        let mut earlier: Vec<f64> = self.turns.iter().take(n - SHIFT_TURNS).map(level).collect();
        earlier.sort_by(f64::total_cmp);
        let median = earlier[earlier.len() / 2];
        let mut newest = self.turns.iter().skip(n - SHIFT_TURNS).map(level);
        let limit = SHIFT.ln();
        let (up, down) = newest
            .try_fold((true, true), |(up, down), level| {
                let both = (up && level > median + limit, down && level < median - limit);
                (both.0 || both.1).then_some(both)
            })
            .unwrap_or((false, false));
        if up || down {
            self.turns.drain(..n - SHIFT_TURNS);
        }
    }

    /// Number of turns that a forecast is based on.
    pub(super) fn n(&self) -> usize {
        self.turns.len()
    }

    /// Expected response with a candidate: the weighted mean of the converted last turns.
    pub(super) fn response(&self, candidate: usize) -> Option<Duration> {
        let mean = self.weighted(candidate, |response| response.as_secs_f64())?;
        Some(Duration::from_secs_f64(mean))
    }

    /// The shares of service and network in the last turns, converted to a candidate.
    pub(super) fn server(&self, candidate: usize) -> Option<Duration> {
        let own = Duration::from_secs_f64(self.profiles.get(candidate)?.own);
        Some(self.response(candidate)?.saturating_sub(own))
    }

    /// The network's share of it, if known.
    pub(super) fn network(&self) -> Option<Duration> {
        self.turns.back()?.network?;
        self.trip.map(Duration::from_secs_f64)
    }

    /// The response of a turn converted to a candidate, with this round trip if its own is known.
    fn as_with(&self, turn: &Turn, candidate: &Known, trip: Option<f64>) -> Duration {
        let factor = (candidate.factor - self.profiles[turn.candidate].factor).exp();
        let network = turn.network.map_or(0.0, |then| trip.unwrap_or(then));
        Duration::from_secs_f64(turn.service * factor + network + candidate.own)
    }

    /// Expected [`wait_cost`] of a turn with a candidate, in milliseconds.
    pub(super) fn cost(&self, candidate: usize, target: Duration) -> Option<f64> {
        self.weighted(candidate, |response| wait_cost(response, target))
    }

    /// Cost of the last turn converted to a candidate.
    pub(super) fn last_cost(&self, candidate: usize, target: Duration) -> Option<f64> {
        let (known, turn) = (self.profiles.get(candidate)?, self.turns.back()?);
        Some(wait_cost(self.as_with(turn, known, turn.network), target))
    }

    fn weighted(&self, candidate: usize, value: impl Fn(Duration) -> f64) -> Option<f64> {
        let known = self.profiles.get(candidate)?;
        let (mut sum, mut weights, mut weight) = (0.0, 0.0, 1.0);
        for turn in self.turns.iter().rev() {
            sum += weight * value(self.as_with(turn, known, self.trip));
            weights += weight;
            weight *= FADE;
        }
        (weights > 0.0).then(|| sum / weights)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates() -> Vec<Candidate> {
        [11, 47, 89]
            .map(|ms| Candidate {
                label: ms.to_string(),
                own_share: Duration::from_millis(ms),
                saving_share: Duration::ZERO,
            })
            .to_vec()
    }

    fn turn(at: Instant, candidate: usize, service: u64, own: u64) -> Answered {
        Answered {
            at,
            candidate,
            response: Duration::from_millis(service + own),
            own: Duration::from_millis(own),
            round_trip: None,
        }
    }

    #[test]
    fn a_profile_that_was_not_used_is_forecast_by_its_own_share() {
        let (now, mut forecast) = (Instant::now(), Forecast::new(&candidates()));
        assert_eq!(forecast.response(0), None);
        for n in 0..5 {
            forecast.add(turn(now + Duration::from_secs(n), 2, 300, 89));
        }
        let ms = |candidate| {
            forecast
                .response(candidate)
                .expect("turns are there")
                .as_millis()
        };
        assert_eq!((ms(0), ms(1), ms(2)), (311, 347, 389));
        assert_eq!(forecast.server(1).map(|d| d.as_millis()), Some(300));
    }

    #[test]
    fn profiles_that_were_not_used_are_expected_as_the_others_were_found() {
        let (now, mut forecast) = (Instant::now(), Forecast::new(&candidates()));
        for n in 0..40 {
            forecast.add(turn(now + Duration::from_secs(n), 1, 300, 20));
        }
        let own = |forecast: &Forecast, nth| {
            let response = forecast.response(nth).expect("a turn");
            response.as_secs_f64() * 1e3 - 300.0
        };
        // 20 of 47 expected: 11 and 89 shrink alike.
        for (nth, expected) in [(0, 11.0), (1, 47.0), (2, 89.0)] {
            let found = own(&forecast, nth);
            assert!(
                (found - expected * 20.0 / 47.0).abs() < 0.5,
                "{nth}: {found}"
            );
        }
        let shrunk = own(&forecast, 2);
        forecast.add(turn(now + Duration::from_secs(41), 2, 300, 89));
        assert!(
            (own(&forecast, 2) - shrunk).abs() < 0.5,
            "one turn may be chance"
        );
        forecast.add(turn(now + Duration::from_secs(42), 2, 300, 89));
        assert!(
            (own(&forecast, 2) - 89.0).abs() < 0.5,
            "its own turns count"
        );
    }

    #[test]
    fn on_another_network_the_old_turns_are_forecast_with_the_round_trip_of_now() {
        let (now, mut forecast) = (Instant::now(), Forecast::new(&candidates()));
        let ms = Duration::from_millis;
        for n in 0..12 {
            let mut turn = turn(now + Duration::from_secs(n), 1, 300, 47);
            turn.round_trip = Some(ms(40));
            forecast.trip(turn.round_trip);
            forecast.add(turn);
        }
        let shown = |forecast: &Forecast| {
            let response = forecast.response(1).map(|d| d.as_millis());
            (response, forecast.network().map(|d| d.as_millis()))
        };
        assert_eq!(shown(&forecast), (Some(347), Some(40)));
        forecast.trip(Some(ms(140)));
        assert_eq!(shown(&forecast), (Some(447), Some(140)));
        // Who does not know the round trip any more goes by what it was.
        forecast.trip(None);
        assert_eq!(shown(&forecast), (Some(347), None));
        // What the turn had cost is what it had cost.
        let was = wait_cost(ms(347), ms(300));
        forecast.trip(Some(ms(900)));
        let cost = forecast.last_cost(1, ms(300)).expect("a turn");
        assert!((cost - was).abs() < 1e-6, "{cost}, {was}");
    }

    #[test]
    fn a_round_trip_that_was_taken_too_long_teaches_nothing() {
        let (now, mut forecast) = (Instant::now(), Forecast::new(&candidates()));
        for n in 0..12 {
            let candidate = if n < 6 { 2 } else { 0 };
            let mut turn = turn(now + Duration::from_secs(n), candidate, 200, 11);
            // As long as all of it in one half of the turns, and nearly so in the other.
            turn.round_trip = Some(Duration::from_millis(if n < 6 { 250 } else { 195 }));
            forecast.add(turn);
            if n == 5 {
                forecast.changed(2);
            }
        }
        let [fast, best] = [0, 2].map(|nth| forecast.response(nth).expect("turns are there"));
        let apart = best.saturating_sub(fast).as_millis();
        assert!(apart <= 89, "{apart} ms are more than their own shares");
    }

    #[test]
    fn a_change_of_the_network_is_no_new_state_of_the_service() {
        let (now, mut forecast) = (Instant::now(), Forecast::new(&candidates()));
        for n in 0..12 {
            let trip = if n < 9 { 20 } else { 420 };
            let mut turn = turn(now + Duration::from_secs(n), 1, 200 + trip, 47);
            turn.round_trip = Some(Duration::from_millis(trip));
            forecast.trip(turn.round_trip);
            forecast.add(turn);
        }
        assert_eq!(forecast.n(), TURNS);
    }

    #[test]
    fn three_turns_of_another_kind_are_a_new_state() {
        let (now, mut forecast) = (Instant::now(), Forecast::new(&candidates()));
        for n in 0..12 {
            forecast.add(turn(now + Duration::from_secs(n), 1, 300, 47));
        }
        for n in 12..14 {
            forecast.add(turn(now + Duration::from_secs(n), 1, 900, 47));
        }
        assert!(forecast.n() > SHIFT_TURNS, "two may be chance");
        forecast.add(turn(now + Duration::from_secs(14), 1, 900, 47));
        assert_eq!(forecast.n(), SHIFT_TURNS);
        assert_eq!(forecast.response(1).map(|d| d.as_millis()), Some(947));
    }

    #[test]
    fn what_a_profile_does_to_the_service_is_learnt_from_a_change() {
        let (now, mut forecast) = (Instant::now(), Forecast::new(&candidates()));
        for round in 0..4 {
            let start = now + Duration::from_secs(1_000 * round);
            for n in 0..6 {
                forecast.add(turn(start + Duration::from_secs(n), 2, 500, 89));
            }
            forecast.changed(2);
            for n in 6..12 {
                forecast.add(turn(start + Duration::from_secs(n), 0, 400, 11));
            }
            forecast.changed(0);
        }
        let (fast, best) = (forecast.server(0), forecast.server(2));
        let ratio = fast.expect("known").as_secs_f64() / best.expect("known").as_secs_f64();
        assert!((0.78..0.88).contains(&ratio), "{ratio}: 0.8 was so");
    }

    #[test]
    fn old_turns_are_forgotten_but_not_all() {
        let (now, mut forecast) = (Instant::now(), Forecast::new(&candidates()));
        for n in 0..10 {
            forecast.add(turn(now + Duration::from_secs(n), 1, 300, 47));
        }
        forecast.add(turn(now + Duration::from_secs(10_000), 1, 310, 47));
        assert_eq!(forecast.n(), SHIFT_TURNS);
    }
}
