//! Limits of the machine: processor, memory and battery, each with hysteresis.

use std::time::{Duration, Instant};

use super::types::Conditions;

/// Above the first load a machine has no time left for audio (the limit); below the second it has again.
const CPU_HIGH: f32 = 0.80;
const CPU_LOW: f32 = 0.65;
/// The same for memory.
const MEMORY_HIGH: f32 = 0.85;
const MEMORY_LOW: f32 = 0.78;
/// A limit must be exceeded this long; a program start is shorter.
const RAISE_AFTER: Duration = Duration::from_secs(10);
/// The same for the next step down, if the first did not help.
const RAISE_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// The load must stay low this long before the restriction is lifted.
const CLEAR_AFTER: Duration = Duration::from_secs(60);

/// Restrictions by the state of the machine.
#[derive(Clone, Debug, Default)]
pub(super) struct MachineLimits {
    cpu: Gate,
    memory: Gate,
    pub(super) on_battery: bool,
    pub(super) seen: Conditions,
}

/// A value with two thresholds and a time for each.
#[derive(Clone, Debug, Default)]
struct Gate {
    /// Steps: 0 is free.
    steps: u32,
    /// Since when the value has been beyond the threshold of the next change.
    above_since: Option<Instant>,
    below_since: Option<Instant>,
}

impl Gate {
    fn take(&mut self, now: Instant, value: Option<f32>, high: f32, low: f32, most: u32) {
        let Some(value) = value else {
            return *self = Self::default();
        };
        let lasted = |since: Option<Instant>, time| {
            since.is_some_and(|since| now.saturating_duration_since(since) >= time)
        };
        if value > high {
            self.above_since.get_or_insert(now);
        } else {
            self.above_since = None;
        }
        if value < low {
            self.below_since.get_or_insert(now);
        } else {
            self.below_since = None;
        }
        let wait = if self.steps == 0 {
            RAISE_AFTER
        } else {
            RAISE_AGAIN_AFTER
        };
        if self.steps < most && lasted(self.above_since, wait) {
            self.steps += 1;
            self.above_since = Some(now);
        } else if self.steps > 0 && lasted(self.below_since, CLEAR_AFTER) {
            self.steps -= 1;
            self.below_since = Some(now);
        }
    }
}

impl MachineLimits {
    /// Takes in a reading; `profiles` is the number of candidates.
    pub(super) fn take(&mut self, now: Instant, seen: Conditions, profiles: usize) {
        // The first step reduces signal processing, each further one selects a faster profile.
        let most = u32::try_from(profiles).unwrap_or(1);
        self.cpu.take(now, seen.cpu, CPU_HIGH, CPU_LOW, most);
        self.memory.take(
            now,
            seen.memory,
            MEMORY_HIGH,
            MEMORY_LOW,
            most.saturating_sub(1),
        );
        self.on_battery = seen.on_battery == Some(true);
        self.seen = seen;
    }

    /// Whether signal processing is reduced.
    pub(super) fn spares_dsp(&self) -> bool {
        self.cpu.steps > 0
    }

    /// Number of the best profiles that are not allowed, and the reason.
    pub(super) fn steps_down(&self) -> (usize, Option<Pressure>) {
        let cpu = self.cpu.steps.saturating_sub(1);
        match (cpu, self.memory.steps) {
            (0, 0) => (0, None),
            (cpu, memory) if cpu >= memory => (cpu as usize, Some(Pressure::Processor)),
            (_, memory) => (memory as usize, Some(Pressure::Memory)),
        }
    }
}

/// The resource that restricts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pressure {
    Processor,
    Memory,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(limits: &mut MachineLimits, from: Instant, seconds: u64, cpu: f32) -> Instant {
        for second in 0..seconds {
            let seen = Conditions {
                cpu: Some(cpu),
                ..Conditions::default()
            };
            limits.take(from + Duration::from_secs(second), seen, 3);
        }
        from + Duration::from_secs(seconds)
    }

    #[test]
    fn a_busy_processor_first_costs_signal_processing_and_then_profiles() {
        let (mut limits, now) = (MachineLimits::default(), Instant::now());
        let now = run(&mut limits, now, 9, 0.95);
        assert!(!limits.spares_dsp(), "it may be over in a moment");
        let now = run(&mut limits, now, 3, 0.95);
        assert!(limits.spares_dsp());
        assert_eq!(limits.steps_down(), (0, None));
        let now = run(&mut limits, now, 60, 0.95);
        assert_eq!(limits.steps_down(), (1, Some(Pressure::Processor)));
        let now = run(&mut limits, now, 600, 0.95);
        assert_eq!(limits.steps_down().0, 2, "never more than there are");
        let now = run(&mut limits, now, 300, 0.75);
        assert_eq!(
            limits.steps_down().0,
            2,
            "between the thresholds nothing changes"
        );
        run(&mut limits, now, 200, 0.2);
        assert!(!limits.spares_dsp() && limits.steps_down().0 == 0);
    }

    #[test]
    fn what_is_not_told_limits_nothing() {
        let (mut limits, now) = (MachineLimits::default(), Instant::now());
        run(&mut limits, now, 100, 0.95);
        limits.take(now + Duration::from_secs(101), Conditions::default(), 3);
        assert!(!limits.spares_dsp() && !limits.on_battery);
    }

    #[test]
    fn full_memory_costs_a_profile() {
        let (mut limits, now) = (MachineLimits::default(), Instant::now());
        for second in 0..=11 {
            let seen = Conditions {
                memory: Some(0.9),
                ..Conditions::default()
            };
            limits.take(now + Duration::from_secs(second), seen, 3);
        }
        assert_eq!(limits.steps_down(), (1, Some(Pressure::Memory)));
    }
}
