//! Alert rules: thresholds of the profile, with hysteresis, a minimum sample size, and a cooldown.
//!
//! ```text
//!           over the limit, enough turns                  under the lower limit, or nothing to judge by
//!  quiet ─────────────────────────────────────▶ raised ──────────────────────────────────────────▶ quiet
//!                                                 └ notified: once, and again after the cooldown
//! ```
//!
//! A raised alert is shown at once, here and to other programs. Notifications (notice, log, webhook) obey the cooldown.

mod kind;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::memory_growth::{Growth, GrowthDetector};
use super::record::TurnRecord;
use crate::profile::AlertSettings;
use crate::turn::machine::Outcome;
pub use kind::{Alert, AlertKind, AlertSeverity};

/// Cooldown between two notifications of the same alert: people ignore an alert that flickers.
pub const REST: Duration = Duration::from_secs(300);
/// Window of rates in turns, and the minimum sample size.
const RATE_TURNS: usize = 20;
const LEAST_FOR_RATE: usize = 10;
/// Window of medians in turns, and the minimum sample size: one slow turn raises no alert.
const TYPICAL_TURNS: usize = 5;
const LEAST_FOR_TYPICAL: usize = 3;
/// Older turns are ignored.
const TURNS_COUNT_FOR: Duration = Duration::from_secs(900);
/// Window of the mean processor load in readings, one a second.
const LOAD_READINGS: usize = 10;
/// Stutters within this time are one burst.
const BURST_WITHIN: Duration = Duration::from_secs(10);
/// A burst ends after this time without a stutter.
const BURST_OVER_AFTER: Duration = Duration::from_secs(60);

/// What became of an alert.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertChange {
    /// The alert is raised, and a notification is due.
    Raised(Alert),
    /// The alert is over, and a notification had been sent.
    Cleared(AlertKind),
    /// The alert is raised again within the cooldown, or such an alert is over: it is shown, but not notified.
    Shown,
}

#[derive(Clone, Debug)]
struct RaisedAlert {
    alert: Alert,
    notified: bool,
}

/// Checks turns and readings against the rules.
#[derive(Debug)]
pub struct Alerts {
    rules: AlertSettings,
    turns: VecDeque<(Instant, Arc<TurnRecord>)>,
    loads: VecDeque<f64>,
    stutters: VecDeque<Instant>,
    leak: GrowthDetector,
    first_rss: Option<u64>,
    rss: Option<u64>,
    /// The memory alert was raised by the limit of the amount, not by that of the growth.
    high: bool,
    raised: [Option<RaisedAlert>; AlertKind::ALL.len()],
    /// When each was told last.
    notified: [Option<Instant>; AlertKind::ALL.len()],
}

/// The result of a rule: the value, its limit, the limit at which the alert ends, and whether high values are bad.
struct Judged {
    alert: Alert,
    over: bool,
    under: bool,
}

impl Alerts {
    /// The initial state for a process that began at `start`.
    pub fn new(rules: AlertSettings, start: Instant) -> Self {
        Self {
            rules,
            turns: VecDeque::new(),
            loads: VecDeque::new(),
            stutters: VecDeque::new(),
            leak: GrowthDetector::new(start),
            first_rss: None,
            rss: None,
            high: false,
            raised: Default::default(),
            notified: [None; AlertKind::ALL.len()],
        }
    }

    /// Other limits from now on. What is raised is judged by them with the next look.
    pub fn set_rules(&mut self, rules: AlertSettings) {
        self.rules = rules;
    }

    /// Takes in a turn that was closed.
    pub fn turn(&mut self, now: Instant, turn: Arc<TurnRecord>) {
        self.turns.push_back((now, turn));
        if self.turns.len() > RATE_TURNS {
            self.turns.pop_front();
        }
    }

    /// Forgets turns after a change of profile: they say nothing about the new one.
    pub fn forget_turns(&mut self) {
        self.turns.clear();
    }

    /// Takes in the load of the machine in percent and the memory of this program in bytes, once a second.
    pub fn reading(&mut self, now: Instant, machine_percent: Option<f64>, rss: Option<u64>) {
        if let Some(load) = machine_percent {
            self.loads.push_back(load);
            if self.loads.len() > LOAD_READINGS {
                self.loads.pop_front();
            }
        }
        if let Some(rss) = rss {
            self.first_rss.get_or_insert(rss);
            self.rss = Some(rss);
            self.leak.reading(now, rss);
        }
    }

    /// Takes in `n` playback underruns.
    pub fn stuttered(&mut self, now: Instant, n: u64) {
        // More cannot be distinguished from a burst anyway.
        let n = usize::try_from(n.min(100)).unwrap_or(100);
        self.stutters.extend(std::iter::repeat_n(now, n));
        while self.stutters.len() > 100 {
            self.stutters.pop_front();
        }
    }

    /// Growth of memory, as far as known.
    pub fn growth(&self) -> Growth {
        self.leak.growth()
    }

    /// Percentage of the newest answers that the user interrupted; `None` with too few.
    pub fn interruptions_percent(&self) -> Option<f64> {
        Some(self.interruptions()?.0)
    }

    /// Percentage of the newest turns that were cut off; `None` with too few.
    pub fn cut_offs_percent(&self) -> Option<f64> {
        Some(self.cut_offs()?.0)
    }

    fn cut_offs(&self) -> Option<(f64, usize)> {
        // What is typed cannot be cut off.
        self.share(|turn| !turn.typed, |turn| turn.cut_offs > 0)
    }

    fn interruptions(&self) -> Option<(f64, usize)> {
        self.share(
            |turn| turn.latencies.response.is_some(),
            |turn| turn.outcome == Outcome::Interrupted,
        )
    }

    /// The raised alerts, in the order of [`AlertKind::ALL`].
    pub fn raised(&self) -> impl Iterator<Item = &Alert> {
        self.raised.iter().flatten().map(|standing| &standing.alert)
    }

    /// The raised kinds that were notified.
    pub fn notified(&self) -> impl Iterator<Item = AlertKind> {
        let standing = self.raised.iter().flatten();
        let notified = standing.filter(|standing| standing.notified);
        notified.map(|standing| standing.alert.kind)
    }

    /// Checks all rules. Call it after every turn and every reading.
    pub fn poll(&mut self, now: Instant) -> Vec<AlertChange> {
        let fresh = |at: &Instant| now.saturating_duration_since(*at) <= TURNS_COUNT_FOR;
        self.turns.retain(|(at, _)| fresh(at));
        self.stutters
            .retain(|at| now.saturating_duration_since(*at) <= BURST_OVER_AFTER);
        let mut changes = Vec::new();
        for (i, &kind) in AlertKind::ALL.iter().enumerate() {
            let judged = self.judge(kind, now);
            let rested =
                self.notified[i].is_none_or(|at| now.saturating_duration_since(at) >= REST);
            let before = self.raised[i].take();
            let holds = judged.filter(|judged| match &before {
                None => judged.over,
                Some(_) => !judged.under,
            });
            let Some(Judged { alert, over, .. }) = holds else {
                changes.extend(before.map(|before| match before.notified {
                    true => AlertChange::Cleared(kind),
                    false => AlertChange::Shown,
                }));
                continue;
            };
            let was_notified = before.as_ref().is_some_and(|before| before.notified);
            // An alert that only the hysteresis keeps raised is not notified.
            let notifies = !was_notified && rested && over;
            if notifies {
                self.notified[i] = Some(now);
                changes.push(AlertChange::Raised(alert.clone()));
            } else if before.is_none() {
                changes.push(AlertChange::Shown);
            }
            let notified = was_notified || notifies;
            self.raised[i] = Some(RaisedAlert { alert, notified });
        }
        let stands = self.raised().any(|alert| alert.kind == AlertKind::Memory);
        self.high = stands && (self.high || self.too_much());
        changes
    }

    /// `None` if the rule is off or the sample is too small.
    fn judge(&self, kind: AlertKind, now: Instant) -> Option<Judged> {
        let rules = &self.rules;
        match kind {
            AlertKind::FirstAudio => {
                self.typical(kind, rules.first_audio?, TurnRecord::first_audio)
            }
            AlertKind::Response => {
                self.typical(kind, rules.response?, |turn| turn.latencies.response)
            }
            AlertKind::Success => {
                let limit = rules.success_percent?.into();
                // What the user ended before anything was heard is neither a success nor a failure. What is asked again by
                // itself is judged by the turn that is asked for it.
                let (share, n) = self.share(
                    |turn| turn.outcome != Outcome::Cancelled && !turn.retried,
                    |turn| !matches!(turn.outcome, Outcome::Failed(_) | Outcome::Empty),
                )?;
                Some(Judged {
                    alert: alert(kind, share, limit, n),
                    over: share < limit,
                    under: share >= f64::midpoint(limit, 100.0),
                })
            }
            AlertKind::Memory => self.memory(),
            AlertKind::Cpu => {
                let limit = rules.cpu_percent?.into();
                if self.loads.len() < LOAD_READINGS {
                    return None;
                }
                let load = self.loads.iter().sum::<f64>() / self.loads.len() as f64;
                Some(upwards(kind, load, limit, 0.875, self.loads.len()))
            }
            AlertKind::Interruptions => {
                let limit = rules.interruptions_percent?.into();
                let (share, n) = self.interruptions()?;
                Some(upwards(kind, share, limit, 0.67, n))
            }
            AlertKind::CutOffs => {
                let limit = rules.cut_offs_percent?.into();
                let (share, n) = self.cut_offs()?;
                Some(upwards(kind, share, limit, 0.67, n))
            }
            AlertKind::Stutters => {
                let limit = rules.stutters?;
                let fresh = |at: &&Instant| now.saturating_duration_since(**at) <= BURST_WITHIN;
                let burst = self.stutters.iter().filter(fresh).count();
                Some(Judged {
                    alert: alert(kind, burst as f64, limit.into(), burst),
                    over: burst >= limit as usize,
                    under: self.stutters.is_empty(),
                })
            }
        }
    }

    fn typical(
        &self,
        kind: AlertKind,
        limit: Duration,
        of: impl Fn(&TurnRecord) -> Option<Duration>,
    ) -> Option<Judged> {
        let newest = self.turns.iter().rev();
        let mut values: Vec<Duration> = newest
            .filter_map(|(_, turn)| of(turn))
            .take(TYPICAL_TURNS)
            .collect();
        if values.len() < LEAST_FOR_TYPICAL {
            return None;
        }
        values.sort_unstable();
        let ms = |value: Duration| value.as_secs_f64() * 1e3;
        let median = values[values.len() / 2];
        Some(upwards(kind, ms(median), ms(limit), 0.8, values.len()))
    }

    /// Percentage of `these` turns for which `holds` is true.
    fn share(
        &self,
        these: impl Fn(&TurnRecord) -> bool,
        holds: impl Fn(&TurnRecord) -> bool,
    ) -> Option<(f64, usize)> {
        let counted = self.turns.iter().filter(|(_, turn)| these(turn));
        let (n, good) = counted.fold((0, 0), |(n, good), (_, turn)| {
            (n + 1, good + usize::from(holds(turn)))
        });
        (n >= LEAST_FOR_RATE).then(|| (good as f64 / n as f64 * 100.0, n))
    }

    /// Checks the amount of memory, and its growth while it continues.
    fn memory(&self) -> Option<Judged> {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        let (rss, first) = (self.rss?, self.first_rss?);
        let trend = self.leak.trend();
        let most = self.most_memory();
        let growth = self.rules.memory_growth_mb.map(|mb| first + bytes(mb));
        let too_much = self.too_much();
        let still = self.high && most.is_some_and(|most| rss as f64 > most as f64 * 0.9);
        let grown = trend.is_some() && growth.is_some_and(|limit| rss > limit);
        let limit = if too_much || still {
            most
        } else {
            growth.or(most)
        }?;
        Some(Judged {
            alert: Alert {
                trend,
                ..alert(AlertKind::Memory, mb(rss), mb(limit), 1)
            },
            over: too_much || grown,
            under: !too_much && !still && !grown,
        })
    }

    fn too_much(&self) -> bool {
        let limit = self.rss.zip(self.most_memory());
        limit.is_some_and(|(rss, most)| rss > most)
    }

    fn most_memory(&self) -> Option<u64> {
        self.rules.memory_mb.map(bytes)
    }
}

/// Megabytes as profiles count them.
fn bytes(mb: u32) -> u64 {
    u64::from(mb) * 1_000_000
}

fn alert(kind: AlertKind, value: f64, limit: f64, n: usize) -> Alert {
    Alert {
        kind,
        value,
        limit,
        n,
        trend: None,
    }
}

/// High values are bad; the alert ends when the value has fallen to the share `back` of the limit.
fn upwards(kind: AlertKind, value: f64, limit: f64, back: f64, n: usize) -> Judged {
    Judged {
        alert: alert(kind, value, limit, n),
        over: value > limit,
        under: value <= limit * back,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::localized_text::LocalizedText;
    use crate::turn::timeline::Latencies;

    /// The defaults of the profiles.
    fn rules() -> AlertSettings {
        let profile = crate::profile::builtin(crate::profile::DEFAULT);
        profile.expect("built in").alerts.clone()
    }

    fn answered(first_audio: u64, response: u64) -> TurnRecord {
        TurnRecord {
            latencies: Latencies {
                server: Some(Duration::from_millis(first_audio)),
                response: Some(Duration::from_millis(response)),
                ..Latencies::default()
            },
            ..TurnRecord::default()
        }
    }

    fn good() -> TurnRecord {
        answered(600, 640)
    }

    fn slow(ms: u64) -> TurnRecord {
        answered(ms, ms + 50)
    }

    /// A bench with a clock of its own: a turn every ten seconds.
    struct Desk {
        alerts: Alerts,
        now: Instant,
        notified: Vec<(&'static str, AlertKind)>,
    }

    impl Desk {
        fn new(rules: AlertSettings) -> Self {
            let now = Instant::now();
            Self {
                alerts: Alerts::new(rules, now),
                now,
                notified: Vec::new(),
            }
        }

        fn poll(&mut self) {
            for change in self.alerts.poll(self.now) {
                match change {
                    AlertChange::Raised(alert) => self.notified.push(("raised", alert.kind)),
                    AlertChange::Cleared(kind) => self.notified.push(("cleared", kind)),
                    AlertChange::Shown => {}
                }
            }
        }

        fn turns(&mut self, n: usize, turn: TurnRecord) {
            let turn = Arc::new(turn);
            for _ in 0..n {
                self.now += Duration::from_secs(10);
                self.alerts.turn(self.now, Arc::clone(&turn));
                self.poll();
            }
        }

        fn seconds(&mut self, n: usize, load: f64, rss: u64) {
            for _ in 0..n {
                self.now += Duration::from_secs(1);
                self.alerts.reading(self.now, Some(load), Some(rss));
                self.poll();
            }
        }

        fn take(&mut self) -> Vec<(&'static str, AlertKind)> {
            std::mem::take(&mut self.notified)
        }
    }

    #[test]
    fn two_slow_turns_are_no_reason_and_three_of_five_are() {
        let mut desk = Desk::new(rules());
        desk.turns(3, good());
        desk.turns(2, slow(2_400));
        assert_eq!(desk.take(), []);
        desk.turns(1, slow(2_400));
        assert_eq!(desk.take(), [("raised", AlertKind::FirstAudio)]);
        // Between the limits it stays raised.
        desk.turns(5, slow(1_800));
        assert_eq!(desk.take(), []);
        desk.turns(5, good());
        assert_eq!(desk.take(), [("cleared", AlertKind::FirstAudio)]);
    }

    #[test]
    fn a_flickering_figure_is_told_once_in_five_minutes() {
        let mut desk = Desk::new(rules());
        let (mut raised, start) = (0, desk.now);
        while desk.now - start < Duration::from_secs(3_600) {
            desk.turns(5, slow(6_000));
            desk.turns(5, good());
            let notified = desk.take();
            raised += notified
                .iter()
                .filter(|notified| **notified == ("raised", AlertKind::Response))
                .count();
        }
        assert!((9..=12).contains(&raised), "{raised} times in an hour");
    }

    #[test]
    fn what_is_back_is_shown_at_once_and_told_when_the_rest_is_over() {
        let mut desk = Desk::new(rules());
        let stands = |desk: &Desk| {
            desk.alerts
                .raised()
                .any(|alert| alert.kind == AlertKind::Response)
        };
        desk.turns(5, slow(6_000));
        let first = desk.now;
        desk.turns(5, good());
        desk.take();
        assert!(!stands(&desk));
        desk.turns(3, slow(6_000));
        assert!(stands(&desk));
        assert!(desk.take().is_empty() && desk.alerts.notified().next().is_none());
        // It goes again, untold; and is back.
        desk.turns(5, good());
        assert!(!stands(&desk) && desk.take().is_empty());
        while desk.now - first < REST + Duration::from_secs(20) {
            desk.turns(1, slow(6_000));
        }
        let notified = desk.take();
        let of_response = notified
            .iter()
            .filter(|(_, kind)| *kind == AlertKind::Response);
        assert_eq!(of_response.count(), 1, "{notified:?}");
        assert!(
            desk.alerts
                .notified()
                .any(|kind| kind == AlertKind::Response)
        );
    }

    #[test]
    fn what_is_within_its_limit_again_is_not_told_when_the_rest_is_over() {
        let mut desk = Desk::new(rules());
        desk.alerts.stuttered(desk.now, 3);
        desk.seconds(1, 1.0, 1);
        assert_eq!(desk.take(), [("raised", AlertKind::Stutters)]);
        desk.seconds(248, 1.0, 1);
        desk.take();
        desk.alerts.stuttered(desk.now, 3);
        desk.seconds(1, 1.0, 1);
        assert_eq!(desk.alerts.raised().count(), 1);
        // The burst is over before the cooldown ends.
        desk.seconds(55, 1.0, 1);
        assert_eq!(desk.alerts.raised().count(), 1);
        assert_eq!(desk.take(), []);
    }

    #[test]
    fn rates_want_ten_turns() {
        let ended = |outcome| TurnRecord {
            outcome,
            ..TurnRecord::default()
        };
        let mut desk = Desk::new(rules());
        desk.turns(1, ended(Outcome::Empty));
        desk.turns(8, good());
        assert_eq!(desk.take(), [], "nine turns");
        desk.turns(1, ended(Outcome::Failed(LocalizedText::default())));
        assert_eq!(desk.take(), [("raised", AlertKind::Success)], "8 of 10");
        desk.turns(19, good());
        assert_eq!(desk.take(), [("cleared", AlertKind::Success)]);
        // A turn that the user ended is no failure, and one that is asked again is judged when it ends.
        let mut desk = Desk::new(rules());
        desk.turns(15, good());
        desk.turns(5, ended(Outcome::Cancelled));
        let again = TurnRecord {
            retried: true,
            ..ended(Outcome::Failed(LocalizedText::default()))
        };
        desk.turns(3, again);
        desk.turns(3, good());
        assert_eq!(desk.take(), []);
    }

    #[test]
    fn interruptions_and_cut_offs_are_told_apart() {
        let interrupted = TurnRecord {
            outcome: Outcome::Interrupted,
            ..good()
        };
        let cut_off = TurnRecord {
            cut_offs: 1,
            ..good()
        };
        let mut desk = Desk::new(rules());
        desk.turns(10, good());
        desk.turns(3, interrupted);
        assert_eq!(desk.take(), [("raised", AlertKind::Interruptions)]);
        let mut desk = Desk::new(rules());
        desk.turns(10, good());
        desk.turns(2, cut_off);
        assert_eq!(desk.take(), [("raised", AlertKind::CutOffs)]);
    }

    #[test]
    fn load_is_a_mean_of_ten_seconds() {
        let mut desk = Desk::new(rules());
        desk.seconds(20, 20.0, 50_000_000);
        desk.seconds(3, 100.0, 50_000_000);
        assert_eq!(desk.take(), [], "a peak");
        desk.seconds(10, 95.0, 50_000_000);
        assert_eq!(desk.take(), [("raised", AlertKind::Cpu)]);
        desk.seconds(20, 75.0, 50_000_000);
        assert_eq!(desk.take(), [], "between the limits");
        desk.seconds(10, 30.0, 50_000_000);
        assert_eq!(desk.take(), [("cleared", AlertKind::Cpu)]);
    }

    #[test]
    fn memory_is_told_when_it_is_high_or_grows_and_goes_on_growing() {
        let mut desk = Desk::new(rules());
        desk.seconds(10, 1.0, 50_000_000);
        desk.seconds(10, 1.0, 1_100_000_000);
        assert_eq!(desk.take(), [("raised", AlertKind::Memory)]);
        desk.seconds(10, 1.0, 950_000_000);
        assert_eq!(desk.take(), []);
        desk.seconds(10, 1.0, 700_000_000);
        assert_eq!(
            desk.take(),
            [("cleared", AlertKind::Memory)],
            "high, and not growing"
        );

        let mut desk = Desk::new(rules());
        for minute in 0..180_u64 {
            desk.seconds(60, 1.0, 50_000_000 + minute * 1_000_000);
        }
        assert_eq!(desk.take(), [("raised", AlertKind::Memory)]);
        let alert = desk.alerts.raised().next().expect("it stands").clone();
        let per_hour = alert.trend.expect("it grows").per_hour;
        assert!((55e6..65e6).contains(&per_hour), "{alert:?}");
        assert!(
            alert.what().contains("it grows by 60 MB an hour"),
            "{}",
            alert.what()
        );
    }

    #[test]
    fn memory_is_told_by_the_limit_that_raised_it() {
        let limit = |desk: &Desk| desk.alerts.raised().next().expect("it stands").limit;
        let mut desk = Desk::new(rules());
        desk.seconds(10, 1.0, 50_000_000);
        desk.seconds(10, 1.0, 1_100_000_000);
        assert!((limit(&desk) - 1_000.0).abs() < 0.1);
        desk.seconds(10, 1.0, 950_000_000);
        let alert = desk.alerts.raised().next().expect("it stands").clone();
        assert_eq!(alert.what(), "Memory is high: 950 MB, 1000 MB is the limit");

        // Raised by growth, near the other limit: it is over when the growth is.
        let mut desk = Desk::new(rules());
        for minute in 0..60_u64 {
            desk.seconds(60, 1.0, 850_000_000 + minute * 2_000_000);
        }
        desk.seconds(1, 1.0, 968_000_000);
        assert_eq!(desk.take(), [("raised", AlertKind::Memory)]);
        assert!((limit(&desk) - 950.0).abs() < 0.1, "100 MB of growth");
        desk.seconds(3_600, 1.0, 970_000_000);
        assert_eq!(desk.take(), [("cleared", AlertKind::Memory)]);
    }

    #[test]
    fn a_burst_of_stutters_is_told_and_a_single_one_is_not() {
        let mut desk = Desk::new(rules());
        for _ in 0..5 {
            desk.alerts.stuttered(desk.now, 1);
            desk.seconds(30, 1.0, 1);
        }
        assert_eq!(desk.take(), []);
        desk.alerts.stuttered(desk.now, 3);
        desk.seconds(1, 1.0, 1);
        assert_eq!(desk.take(), [("raised", AlertKind::Stutters)]);
        desk.seconds(70, 1.0, 1);
        assert_eq!(desk.take(), [("cleared", AlertKind::Stutters)]);
    }

    #[test]
    fn what_is_off_is_not_told_and_what_is_old_does_not_count() {
        let off = AlertSettings::default();
        let mut desk = Desk::new(off);
        for outcome in [Outcome::Interrupted, Outcome::Empty] {
            let bad = TurnRecord {
                outcome,
                cut_offs: 1,
                ..slow(9_000)
            };
            desk.turns(20, bad);
        }
        desk.alerts.stuttered(desk.now, 50);
        desk.seconds(30, 100.0, 3_000_000_000);
        assert_eq!(desk.take(), []);

        let mut desk = Desk::new(rules());
        desk.turns(5, slow(3_000));
        assert_eq!(desk.take(), [("raised", AlertKind::FirstAudio)]);
        desk.now += Duration::from_secs(1_000);
        desk.poll();
        assert_eq!(
            desk.take(),
            [("cleared", AlertKind::FirstAudio)],
            "nothing to judge by"
        );
        // Nothing was said while rules were off, and what stood is cleared when its rule goes.
        desk.turns(5, slow(3_000));
        desk.take();
        desk.alerts.set_rules(AlertSettings {
            first_audio: None,
            ..rules()
        });
        desk.poll();
        assert_eq!(desk.take(), [("cleared", AlertKind::FirstAudio)]);
    }
}
