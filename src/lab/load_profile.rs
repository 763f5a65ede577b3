//! The load profile: the number of conversations over time. Pure.

use std::time::Duration;

use clap::ValueEnum;

use crate::report::load::{FREE, Limits};

/// Shapes of load that are asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// 50 conversations for a minute
    Normal,
    /// 100 conversations for a minute
    Peak,
    /// 200 conversations for a minute; responses may take up to 3 s
    Stress,
    /// None, 100 at once in the middle of a minute, then none; a probe goes on talking, to tell how soon all is well again
    Spike,
    /// 20 conversations for an hour; memory must not grow
    Soak,
    /// 1000 connections that were set up and say nothing, for a minute
    Idle,
}

/// Responses of ordinary load, and of stress, in milliseconds.
const RESPONSE: f64 = 2_000.0;
const RESPONSE_UNDER_STRESS: f64 = 3_000.0;
/// Limit of the recovery after a jump, in seconds.
const RECOVERY: f64 = 10.0;
/// What a soak may gain, in megabytes: as the window in eight hours.
const GROWTH: f64 = 20.0;
/// Conversations begin over this time at most, so that they do not speak in step.
const LONGEST_RAMP: f64 = 10.0;
/// Parts of a spike: until it begins, until it ends.
const SPIKE: (f64, f64) = (0.2, 0.6);

/// How many conversations are wanted when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LoadProfile {
    pub(crate) name: &'static str,
    /// Whether the conversations talk; else they only hold their connection.
    pub(crate) talks: bool,
    /// What the run is held to.
    pub(crate) limits: Limits,
    /// When the number jumps, in seconds.
    pub(crate) jumps: Vec<f64>,
    /// From then on, in seconds, one conversation after the other is tried beside those that are wanted.
    pub(crate) probe_from: Option<f64>,
    /// When as many as are wanted have begun, in seconds.
    pub(crate) ramp: f64,
    /// Corners of the curve: seconds and conversations.
    corners: Vec<(f64, f64)>,
}

impl LoadProfile {
    /// The plan of a scenario (without one: a free load), with other numbers where they are given.
    pub(crate) fn new(
        scenario: Option<Scenario>,
        sessions: Option<usize>,
        seconds: Option<u64>,
    ) -> Self {
        let (name, usual, length) = match scenario {
            None => (FREE, 10, 30),
            Some(Scenario::Normal) => ("normal", 50, 60),
            Some(Scenario::Peak) => ("peak", 100, 60),
            Some(Scenario::Stress) => ("stress", 200, 60),
            Some(Scenario::Spike) => ("spike", 100, 60),
            Some(Scenario::Soak) => ("soak", 20, 3_600),
            Some(Scenario::Idle) => ("idle", 1_000, 60),
        };
        let most = sessions.unwrap_or(usual) as f64;
        let length = seconds.unwrap_or(length) as f64;
        let is = |one| scenario == Some(one);
        let talks = !is(Scenario::Idle);
        let response = if is(Scenario::Stress) {
            RESPONSE_UNDER_STRESS
        } else {
            RESPONSE
        };
        let limits = Limits {
            response_p95_ms: talks.then_some(response),
            recovery_s: is(Scenario::Spike).then_some(RECOVERY),
            growth_mb: is(Scenario::Soak).then_some(GROWTH),
        };
        let ramp = (length / 5.0).min(LONGEST_RAMP);
        let (corners, jumps) = if is(Scenario::Spike) {
            let (up, down) = (length * SPIKE.0, length * SPIKE.1);
            let corners = vec![
                (0.0, 0.0),
                (up, 0.0),
                (up, most),
                (down, most),
                (down, 0.0),
                (length, 0.0),
            ];
            (corners, vec![up, down])
        } else {
            (vec![(0.0, 1.0), (ramp, most), (length, most)], Vec::new())
        };
        Self {
            name,
            talks,
            limits,
            probe_from: jumps.last().copied(),
            ramp: jumps.first().copied().unwrap_or(ramp),
            jumps,
            corners,
        }
    }

    /// How many are wanted at this moment; `None` when the run is over.
    pub(crate) fn wanted(&self, at: Duration) -> Option<usize> {
        let at = at.as_secs_f64();
        let next = self.corners.iter().position(|(when, _)| *when > at)?;
        let (from, n) = self.corners[next.saturating_sub(1)];
        let (to, m) = self.corners[next];
        let share = ((at - from) / (to - from).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        Some((n + (m - n) * share).round() as usize)
    }

    /// Whether a probe is wanted at this moment.
    pub(crate) fn probes(&self, at: Duration) -> bool {
        self.probe_from.is_some_and(|from| at.as_secs_f64() >= from)
    }

    /// The most that are wanted at a time.
    pub(crate) fn most(&self) -> usize {
        self.corners
            .iter()
            .fold(0.0_f64, |most, (_, n)| most.max(*n)) as usize
    }

    /// How long the run takes.
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs_f64(self.corners.last().map_or(0.0, |(when, _)| *when))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(plan: &LoadProfile, seconds: f64) -> Option<usize> {
        plan.wanted(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn a_load_rises_stays_and_ends() {
        let plan = LoadProfile::new(Some(Scenario::Normal), None, None);
        assert_eq!((plan.most(), plan.length().as_secs()), (50, 60));
        assert_eq!(
            [0.0, 5.0, 10.0, 59.9].map(|s| at(&plan, s)),
            [Some(1), Some(26), Some(50), Some(50)]
        );
        assert_eq!(at(&plan, 60.0), None);
        assert_eq!(plan.limits.response_p95_ms, Some(2_000.0));
    }

    #[test]
    fn a_spike_is_at_once_from_nothing_to_nothing_and_then_probed() {
        let plan = LoadProfile::new(Some(Scenario::Spike), None, Some(50));
        assert_eq!(
            [9.9, 10.0, 29.9, 30.0, 49.9].map(|s| at(&plan, s)),
            [Some(0), Some(100), Some(100), Some(0), Some(0)]
        );
        let probes = [9.9, 29.9, 30.0, 49.9].map(|s| plan.probes(Duration::from_secs_f64(s)));
        assert_eq!(probes, [false, false, true, true]);
        assert_eq!(
            (plan.jumps, plan.limits.recovery_s),
            (vec![10.0, 30.0], Some(10.0))
        );
    }

    #[test]
    fn each_scenario_is_held_to_its_own_limits() {
        let limits = |scenario| LoadProfile::new(Some(scenario), None, None).limits;
        assert_eq!(limits(Scenario::Stress).response_p95_ms, Some(3_000.0));
        assert_eq!(limits(Scenario::Idle).response_p95_ms, None);
        assert_eq!(limits(Scenario::Soak).growth_mb, Some(20.0));
        let free = LoadProfile::new(None, Some(3), Some(2));
        assert_eq!(
            (free.name, free.most(), at(&free, 1.0)),
            ("free", 3, Some(3))
        );
    }
}
