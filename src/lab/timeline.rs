//! A run second by second: recovery after a jump, growth of memory. Pure.

use crate::report::load::Second;

/// Most parts that are kept; beyond, pairs are merged. An hour in seconds.
const MOST: usize = 3_600;
/// A response that takes longer is trouble, in milliseconds: the limit of ordinary load.
const TROUBLE_MS: f64 = 2_000.0;
/// Consecutive seconds without trouble that count as recovered.
const WELL_FOR: usize = 3;
/// Least seconds for an hourly trend: a minute of settling must not be extrapolated.
const HOURLY_FROM: f64 = 240.0;
/// Readings of memory that make a trend.
const TREND_FROM: usize = 10;

/// A run second by second; of a run of hours, parts of two seconds, of four, and so on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RunTimeline {
    parts: Vec<Second>,
    /// Seconds that make a part, less one.
    more: usize,
    /// Seconds that wait for the rest of their part.
    waiting: Vec<Second>,
}

/// What memory gained, in megabytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MemoryTrend {
    /// In the time that was looked at.
    pub(crate) gained: f64,
    /// In an hour, where the time was long enough to say.
    pub(crate) per_hour: Option<f64>,
}

/// How soon all was well after a jump.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Recovery {
    /// Recovered after this many seconds: the end of the last second with trouble.
    After(f64),
    /// It never was for three seconds.
    Never,
    /// Unknown: no jump, too little time, or no turn.
    NotShown,
}

impl RunTimeline {
    /// Takes the next second in.
    pub(crate) fn push(&mut self, second: Second) {
        self.waiting.push(second);
        if self.waiting.len() <= self.more {
            return;
        }
        let whole = std::mem::take(&mut self.waiting);
        self.parts.extend(whole.into_iter().reduce(merged));
        if self.parts.len() > MOST {
            let parts = std::mem::take(&mut self.parts);
            let mut parts = parts.into_iter();
            while let Some(first) = parts.next() {
                self.parts.push(match parts.next() {
                    Some(second) => merged(first, second),
                    None => first,
                });
            }
            self.more = self.more * 2 + 1;
        }
    }

    /// All parts, oldest first.
    pub(crate) fn seconds(&self) -> &[Second] {
        &self.parts
    }

    /// The most that were wanted at a time, up to this second.
    pub(crate) fn most_wanted(&self, until_s: f64) -> usize {
        let seconds = self.parts.iter().filter(|second| second.at_s <= until_s);
        seconds.map(|second| second.wanted).max().unwrap_or(0)
    }

    /// How soon all was well after a jump, before the next one; after the jump where that was worst. A run that is not
    /// `whole` proves nothing against its last jump: the time may have been too short. Where a probe talks, from
    /// `probe_from` on, only an answered one shows that all is well; else any turn does.
    pub(crate) fn recovery(&self, jumps: &[f64], probe_from: Option<f64>, whole: bool) -> Recovery {
        let after = |nth: usize| {
            let next = jumps.get(nth + 1).copied();
            let found = self.recovery_between(jumps[nth], next, probe_from);
            if found == Recovery::Never && next.is_none() && !whole {
                Recovery::NotShown
            } else {
                found
            }
        };
        let each: Vec<Recovery> = (0..jumps.len()).map(after).collect();
        let seconds = each.iter().filter_map(|found| match found {
            Recovery::After(seconds) => Some(*seconds),
            Recovery::Never | Recovery::NotShown => None,
        });
        match seconds.reduce(f64::max) {
            _ if each.contains(&Recovery::Never) => Recovery::Never,
            Some(seconds) if !each.contains(&Recovery::NotShown) => Recovery::After(seconds),
            Some(_) | None => Recovery::NotShown,
        }
    }

    fn recovery_between(&self, jump: f64, next: Option<f64>, probe_from: Option<f64>) -> Recovery {
        let next = next.unwrap_or(f64::INFINITY);
        let within = |second: &&Second| second.at_s > jump && second.at_s <= next;
        let seconds: Vec<&Second> = self.parts.iter().filter(within).collect();
        let by_probe = probe_from.is_some_and(|from| jump >= from);
        let shown = |second: &&Second| {
            let turns = if by_probe {
                second.probed
            } else {
                second.turns
            };
            turns > 0
        };
        if seconds.len() < WELL_FOR {
            return Recovery::NotShown;
        }
        let mut stretches = seconds.windows(WELL_FOR);
        if !stretches.any(|stretch| stretch.iter().all(|second| is_well(second))) {
            return Recovery::Never;
        }
        if !seconds.iter().any(shown) {
            return Recovery::NotShown;
        }
        let Some(bad) = seconds.iter().rposition(|second| !is_well(second)) else {
            return Recovery::After(0.0);
        };
        // Errors are of the second that ends; the wrong number is of its end, and was mended in the next one.
        let end = (bad + usize::from(!is_complete(seconds[bad]))).min(seconds.len() - 1);
        Recovery::After(seconds[end].at_s - jump)
    }

    /// What memory of this process gained from this second on, by the straight line that fits its readings best: neither
    /// the first nor the last reading decides alone.
    pub(crate) fn growth(&self, from_s: f64) -> Option<MemoryTrend> {
        let points: Vec<(f64, f64)> = self
            .parts
            .iter()
            .filter(|second| second.at_s >= from_s)
            .filter_map(|second| Some((second.at_s, second.client_mb?)))
            .collect();
        let ((first, _), (last, _)) = (points.first()?, points.last()?);
        if points.len() < TREND_FROM {
            return None;
        }
        let n = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
        let (time, memory) = (mean(|p| p.0), mean(|p| p.1));
        let spread: f64 = points.iter().map(|(at, _)| (at - time).powi(2)).sum();
        let shared: f64 = points
            .iter()
            .map(|(at, mb)| (at - time) * (mb - memory))
            .sum();
        let slope = shared / spread;
        slope.is_finite().then(|| MemoryTrend {
            gained: slope * (last - first),
            per_hour: (last - first >= HOURLY_FROM).then_some(slope * 3_600.0),
        })
    }
}

/// As many as are wanted, without an error and without a late response.
fn is_well(second: &Second) -> bool {
    let prompt = second.response_p95_ms.is_none_or(|p95| p95 <= TROUBLE_MS);
    second.errors == 0 && is_complete(second) && prompt
}

/// As many as are wanted, neither fewer nor more.
fn is_complete(second: &Second) -> bool {
    second.connected == second.wanted
}

/// Two neighbours as one, by the worse of both where there is one.
fn merged(first: Second, second: Second) -> Second {
    let worse = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
    let mean = |a: Option<f64>, b: Option<f64>| Some(f64::midpoint(a?, b?)).or(a).or(b);
    Second {
        at_s: second.at_s,
        wanted: second.wanted,
        connected: second.connected,
        turns: first.turns + second.turns,
        probed: first.probed + second.probed,
        errors: first.errors + second.errors,
        response_p95_ms: worse(first.response_p95_ms, second.response_p95_ms),
        client_cpu: mean(first.client_cpu, second.client_cpu),
        server_cpu: mean(first.server_cpu, second.server_cpu),
        client_mb: mean(first.client_mb, second.client_mb),
        server_mb: mean(first.server_mb, second.server_mb),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(seconds: impl IntoIterator<Item = Second>) -> RunTimeline {
        let mut timeline = RunTimeline::default();
        for second in seconds {
            timeline.push(second);
        }
        timeline
    }

    fn second(at_s: f64, connected: usize, errors: u64, p95: f64) -> Second {
        Second {
            at_s,
            wanted: 10,
            connected,
            errors,
            turns: 1,
            response_p95_ms: Some(p95),
            ..Second::default()
        }
    }

    #[test]
    fn recovery_lasts_until_the_end_of_the_last_bad_second() {
        let run = timeline([
            second(1.0, 0, 0, 20.0),
            second(2.0, 10, 0, 2_500.0),
            second(3.0, 10, 0, 20.0),
            second(4.0, 10, 1, 20.0),
            second(5.0, 10, 0, 20.0),
            second(6.0, 10, 0, 20.0),
            second(7.0, 10, 0, 20.0),
        ]);
        let found = |run: &RunTimeline, jumps: &[f64]| run.recovery(jumps, None, true);
        assert_eq!(found(&run, &[0.5]), Recovery::After(3.5));
        assert_eq!(
            found(&run, &[4.0]),
            Recovery::After(0.0),
            "nothing was wrong"
        );
        // Before the next jump one good second proves nothing.
        assert_eq!(found(&run, &[0.5, 5.0]), Recovery::Never);
        assert_eq!(
            found(&run, &[5.5]),
            Recovery::NotShown,
            "two seconds neither"
        );
        assert_eq!(found(&run, &[]), Recovery::NotShown);
        let cut = timeline([
            second(1.0, 0, 0, 20.0),
            second(2.0, 10, 0, 2_500.0),
            second(3.0, 10, 1, 20.0),
        ]);
        assert_eq!(found(&cut, &[0.5]), Recovery::Never);
        let short = cut.recovery(&[0.5], None, false);
        assert_eq!(short, Recovery::NotShown, "it had no time for more");
        // A fault long after the recovery is reported with its time.
        let late = (1..=9).map(|s| second(f64::from(s), 10, u64::from(s == 8), 20.0));
        assert_eq!(found(&timeline(late), &[0.0]), Recovery::After(8.0));
    }

    #[test]
    fn trouble_late_in_the_crowd_is_not_hidden_by_a_calm_beginning() {
        // No turn can be over in the first seconds: they look well.
        let quiet = |at_s| Second {
            turns: 0,
            response_p95_ms: None,
            ..second(at_s, 10, 0, 0.0)
        };
        let calm = timeline((1..=6).map(|s| quiet(f64::from(s))));
        let found = calm.recovery(&[0.0], None, true);
        assert_eq!(found, Recovery::NotShown, "no turn, no proof");
        let late = (1..=4).map(|s| quiet(f64::from(s)));
        let late = late.chain((5..=8).map(|s| second(f64::from(s), 10, 0, 9_000.0)));
        let late = timeline(late.chain((9..=12).map(|s| second(f64::from(s), 10, 0, 20.0))));
        assert_eq!(late.recovery(&[0.0], None, true), Recovery::After(8.0));
    }

    #[test]
    fn after_the_crowd_has_left_a_probe_shows_it_and_nobody_may_linger() {
        let empty = |at_s, connected, probed| Second {
            at_s,
            connected,
            probed,
            ..Second::default()
        };
        let run = |probed| {
            timeline([
                empty(1.0, 7, 0),
                empty(2.0, 1, 0),
                empty(3.0, 0, 0),
                empty(4.0, 0, probed),
                empty(5.0, 0, 0),
            ])
        };
        let found = |run: RunTimeline, jump| run.recovery(&[jump], Some(jump), true);
        assert_eq!(found(run(1), 0.2), Recovery::After(2.8));
        assert_eq!(found(run(0), 0.2), Recovery::NotShown);
        let failing = timeline([
            empty(1.0, 0, 1),
            Second {
                errors: 1,
                ..empty(2.0, 0, 0)
            },
            empty(3.0, 0, 0),
            empty(4.0, 0, 1),
            empty(5.0, 0, 0),
        ]);
        assert_eq!(found(failing, 0.0), Recovery::After(2.0));
    }

    #[test]
    fn growth_is_a_trend_after_the_ramp_and_not_the_ramp() {
        let reading = |s: u32, mb: f64| Second {
            at_s: f64::from(s),
            client_mb: Some(mb),
            ..Second::default()
        };
        // 50 MB in the ramp, then a saw tooth of 3 MB that goes nowhere; its last reading is its highest.
        let steady = (0..400).map(|s| reading(s, f64::from(s.min(50)) + f64::from(s % 4)));
        let steady = timeline(steady).growth(60.0).expect("readings");
        assert!(steady.gained.abs() < 0.2, "{steady:?}");
        // A leak of 10 MB a minute.
        let leak = (0..400).map(|s| reading(s, f64::from(s.min(50)) + f64::from(s) / 6.0));
        let leak = timeline(leak).growth(60.0).expect("readings");
        assert!((leak.gained - 339.0 / 6.0).abs() < 0.1, "{leak:?}");
        let hour = leak.per_hour.expect("339 s are enough");
        assert!((hour - 600.0).abs() < 1.0, "{leak:?}");
        let short = (0..100).map(|s| reading(s, f64::from(s)));
        let short = timeline(short).growth(60.0).expect("readings");
        assert_eq!(short.per_hour, None, "{short:?}");
        // All at once, late.
        let step = (0..400).map(|s| reading(s, if s < 340 { 50.0 } else { 100.0 }));
        let step = timeline(step).growth(60.0).expect("readings");
        assert!(step.gained > 35.0, "{step:?}");
        assert_eq!(timeline([reading(1, 9.0)]).growth(0.0), None);
    }

    #[test]
    fn a_run_of_hours_is_kept_in_fewer_parts_and_loses_no_count() {
        let seconds = 20_000_u32;
        let run = timeline((1..=seconds).map(|s| Second {
            at_s: f64::from(s),
            turns: 1,
            wanted: 20,
            client_mb: Some(10.0),
            response_p95_ms: Some(if s == 5_000 { 900.0 } else { 20.0 }),
            ..Second::default()
        }));
        let parts = run.seconds();
        assert!((MOST / 2..=MOST).contains(&parts.len()), "{}", parts.len());
        let seen: u64 = parts.iter().map(|part| part.turns).sum();
        assert!(u64::from(seconds) - seen < 8, "{seen}");
        assert!(parts.is_sorted_by(|a, b| a.at_s < b.at_s));
        assert!(parts.iter().any(|part| part.response_p95_ms == Some(900.0)));
        assert_eq!(run.most_wanted(9.0), 20);
        assert_eq!(run.most_wanted(0.5), 0);
    }
}
