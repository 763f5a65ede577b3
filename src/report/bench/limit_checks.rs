//! Checks of a bench against its limits: our share of a profile's turns, errors, and an earlier report.

use super::super::compare::{Change, Difference};
use super::super::limit_verdict::{LimitCheck, MOST_ERRORS, Verdict};
use super::super::results::{OWN, interval, ms};
use super::{Bench, ProfileResults};

impl ProfileResults {
    /// `turns` were asked for; a run that was cut short is judged by those that were tried.
    pub(super) fn checks(&self, turns: u64, cut_short: bool) -> Vec<LimitCheck> {
        let mut checks = Vec::new();
        if let Some(budget) = self.budget_ms {
            let own = self.of(OWN);
            checks.push(LimitCheck {
                what: format!("{}: our share, p95", self.profile),
                limit: format!("{} ms", ms(budget)),
                found: own.map_or_else(
                    || "–".to_owned(),
                    |own| format!("{} ms", interval(&own.p95)),
                ),
                verdict: Verdict::of_p95(own, budget),
            });
        }
        let failures = self.failures();
        let tried = self.turns.all() + failures;
        let turns = if cut_short { turns.min(tried) } else { turns };
        let most = (turns as f64 * MOST_ERRORS).floor();
        let verdict = match tried {
            0 => Verdict::Unknown,
            _ if failures as f64 <= most => Verdict::Kept,
            _ => Verdict::Missed,
        };
        checks.push(LimitCheck {
            what: format!("{}: errors", self.profile),
            limit: format!("at most {most:.0} of {turns} turns"),
            found: failures.to_string(),
            verdict,
        });
        checks
    }
}

impl Bench {
    /// Whether anything became worse than in the earlier report.
    pub(super) fn no_worse(comparison: &[Difference]) -> LimitCheck {
        let worse: Vec<String> = comparison
            .iter()
            .filter(|d| d.change == Change::Worse)
            .map(|d| format!("{}, {}", d.of, d.what))
            .collect();
        let unsure = comparison
            .iter()
            .filter(|d| d.change == Change::Unsure)
            .count();
        let all = comparison.len();
        let (verdict, found) = if all == 0 {
            (Verdict::Unknown, "nothing in common".to_owned())
        } else if !worse.is_empty() {
            (Verdict::Missed, worse.join("; "))
        } else if unsure == 0 {
            (Verdict::Kept, "nothing".to_owned())
        } else {
            let found = format!("nothing certain; of {unsure} of {all} figures it cannot be told");
            (Verdict::Uncertain, found)
        };
        LimitCheck {
            what: "against the earlier report".to_owned(),
            limit: "nothing worse".to_owned(),
            found,
            verdict,
        }
    }
}
