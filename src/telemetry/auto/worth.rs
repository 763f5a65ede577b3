//! Cost of waiting and value of quality on one scale.

use std::time::Duration;

use crate::profile::Preference;

/// Value of a step to the next better profile, in milliseconds of [`wait_cost`] per turn.
///
/// Our own share grows by 20 to 40 ms from one built-in profile to the next (`design.md` budgets 20, 35 and 90 ms). With 20,
/// a response slightly over its target leads to a faster profile; one far over it, where the gain is a few percent, does
/// not.
pub fn step_worth(preference: Preference) -> f64 {
    match preference {
        Preference::Speed => 10.0,
        Preference::Balance => 20.0,
        Preference::Quality => 40.0,
    }
}

/// Cost of a response in milliseconds: zero up to the target, then target × ln(response / target).
///
/// Just over the target a millisecond counts as one; far beyond it only relative differences count, as in the perception of
/// durations (Weber's law).
pub fn wait_cost(response: Duration, target: Duration) -> f64 {
    let (response, target) = (response.as_secs_f64(), target.as_secs_f64().max(1e-3));
    if response <= target {
        return 0.0;
    }
    target * 1e3 * (response / target).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_costs_from_the_target_on_and_less_and_less() {
        let cost = |ms| wait_cost(Duration::from_millis(ms), Duration::from_millis(300));
        assert_eq!((cost(10), cost(300)), (0.0, 0.0));
        assert!((cost(303) - 3.0).abs() < 0.1, "{}", cost(303));
        assert!(cost(400) - cost(330) > 50.0);
        assert!(cost(870) - cost(800) < 26.0);
    }
}
