//! Adaptive patience: learns how long the user pauses within a turn. Pure.
//!
//! ```text
//! pauses ─▶ mean and variance of their logarithms ─┐
//! prior: the profile's patience, worth 8 pauses ───┴▶ 95 % quantile ─▶ at least the last cut-off ─▶ 0.5 to 2 × profile
//! ```
//!
//! Pauses are log-normal: many short ones and a few long ones. The shortest are neither reported nor learnt; the quantile is
//! that of the pauses that could end a turn.

use std::time::Duration;

/// Patience outlasts 95 % of the pauses: this many standard deviations above their mean. 5 % is what the most patient
/// of the published timers (1600 ms) cuts off.
const DEVIATIONS: f64 = 1.644_854;
/// Spread of the logarithms before anything is known: that of the published curve between 300 ms (55.6 % cut off) and
/// 600 ms (21.7 %), where the patience of the profiles lies.
const PRIOR_SPREAD: f64 = 0.75;
/// Weight of the prior in pauses: with less a single pause dominates; with more a conversation ends before it adapts.
const PRIOR_PAUSES: f64 = 8.0;
/// Older pauses fade beyond this many: some minutes of talk, so that another person at the microphone is noticed.
const REMEMBERED: f64 = 64.0;
/// Shorter ones are stops inside words; the segmenter reports none below 120 ms.
const SHORTEST: Duration = Duration::from_millis(100);
/// Longer silences are no pauses: 1 s after the longest patience that a shipped profile grows to (1400 ms), rounded up.
const LONGEST: Duration = Duration::from_secs(3);
/// Decay of a cut-off's pause per turn without another: half after seven turns.
const FADE: f64 = 0.9;
/// Patience stays within these multiples of the profile's.
const BOUNDS: [f64; 2] = [0.5, 2.0];

/// Statistics of the user's pauses.
#[derive(Clone, Debug, Default)]
pub(super) struct AdaptivePatience {
    /// How many pauses count, faded ones partly.
    n: f64,
    /// Mean of the logarithm of the pause in milliseconds.
    mean: f64,
    /// Sum of the squared distances from it.
    squares: f64,
    /// The pause that was last taken for an end, in milliseconds, fading.
    cut_off: f64,
}

impl AdaptivePatience {
    /// The user paused within a turn.
    pub(super) fn paused(&mut self, pause: Duration) {
        if !(SHORTEST..=LONGEST).contains(&pause) {
            return;
        }
        if self.n >= REMEMBERED {
            let kept = (REMEMBERED - 1.0) / self.n;
            self.n *= kept;
            self.squares *= kept;
        }
        let x = (pause.as_secs_f64() * 1e3).ln();
        self.n += 1.0;
        let before = x - self.mean;
        self.mean += before / self.n;
        self.squares += before * (x - self.mean);
    }

    /// The user paused within a turn, and patience was too short for it: it grows at once.
    pub(super) fn cut_off(&mut self, pause: Duration) {
        self.paused(pause);
        if pause <= LONGEST {
            self.cut_off = self.cut_off.max(pause.as_secs_f64() * 1e3);
        }
    }

    /// A turn ended, and nothing was cut off.
    pub(super) fn ended_well(&mut self) {
        self.cut_off *= FADE;
    }

    /// The patience for this user where the profile says `wanted`.
    pub(super) fn now(&self, wanted: Duration) -> Duration {
        let base = wanted.as_secs_f64() * 1e3;
        let quantile = self.quantile(base);
        let ms = quantile
            .max(self.cut_off)
            .clamp(base * BOUNDS[0], base * BOUNDS[1]);
        // Whole milliseconds: smaller changes are not reported.
        Duration::from_millis(ms.round() as u64)
    }

    /// The quantile of the pauses, the prior counted in.
    fn quantile(&self, base: f64) -> f64 {
        let prior = base.ln() - DEVIATIONS * PRIOR_SPREAD;
        let all = PRIOR_PAUSES + self.n;
        let mean = (PRIOR_PAUSES * prior + self.n * self.mean) / all;
        let apart = PRIOR_PAUSES * self.n / all * (self.mean - prior).powi(2);
        let squares = PRIOR_PAUSES * PRIOR_SPREAD.powi(2) + self.squares + apart;
        (mean + DEVIATIONS * (squares / all).sqrt()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Duration = Duration::from_millis(500);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn after(pauses: &[u64]) -> u128 {
        let mut patience = AdaptivePatience::default();
        pauses.iter().for_each(|&p| patience.paused(ms(p)));
        patience.now(WANTED).as_millis()
    }

    #[test]
    fn it_begins_with_the_profiles_and_few_pauses_move_it_little() {
        assert_eq!(after(&[]), 500);
        assert!((400..600).contains(&after(&[200])), "{}", after(&[200]));
        assert!((450..700).contains(&after(&[450])), "{}", after(&[450]));
        assert_eq!(after(&[50, 99, 3_001, 60_000]), 500, "these are no pauses");
    }

    #[test]
    fn a_quick_talker_waits_less_and_a_slow_one_is_waited_for_within_bounds() {
        let quick = after(&[150, 180, 220, 160, 200].repeat(8));
        let slow = after(&[350, 500, 700, 420, 600].repeat(8));
        assert!((250..350).contains(&quick), "{quick}");
        assert!((750..=1_000).contains(&slow), "{slow}");
        assert_eq!(after(&[125; 500]), 250, "half of the profile's");
        assert_eq!(after(&[2_500; 500]), 1_000, "twice the profile's");
    }

    #[test]
    fn another_person_at_the_microphone_is_noticed() {
        let first = [400, 600, 800].repeat(60);
        let both = [first.clone(), [140, 160, 180].repeat(60)].concat();
        assert!(after(&first) > 900, "{}", after(&first));
        assert!(after(&both) < 400, "{}", after(&both));
    }

    #[test]
    fn a_cut_off_counts_at_once_and_fades() {
        let mut patience = AdaptivePatience::default();
        patience.cut_off(ms(800));
        assert_eq!(patience.now(WANTED), ms(800));
        (0..30).for_each(|_| patience.ended_well());
        let left = patience.now(WANTED);
        assert!((ms(500)..ms(800)).contains(&left), "{left:?}");
    }
}
