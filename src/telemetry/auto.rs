//! Auto: chooses the profile that fits service, network and machine, and says why.
//!
//! ```text
//! turns (response, whose it was) ─┬▶ forecast ─┐ response with each profile on the present network
//! round trip ─────────────────────┘            ├─▶ policy ─▶ Plan: profile, tuning, the reason in words
//! processor, memory, battery ──────▶ limits ───┤
//!                                    worth ────┘ cost of a wait, value of a step of quality
//! ```
//!
//! The common rule (mean of the last ten responses over 400 ms: the fastest profile, over 300: the middle one, else the
//! best) ignores where the time is spent: a model that thinks for 700 ms would lower the quality forever, without gain.
//! Here a change needs two conditions: the forecast prefers the other profile, and the saving since it last did not
//! exceeds the cost of a change. `tests/lab/adaptation.rs` compares this with that rule, with each fixed profile and with
//! an oracle that knows the future, over days of changing conditions.
//!
//! Pure: time and readings come in as arguments.

mod forecast;
mod limits;
mod policy;
mod types;
mod worth;

use std::sync::Arc;
use std::time::Instant;

use super::record::TurnRecord;
pub use policy::{Adapter, Plan, Tuning};
pub use types::{Answered, AutoGoals, Candidate, Conditions};
pub use worth::{step_worth, wait_cost};

/// The candidates of an `auto` profile, and its goals.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoChoice {
    /// Names of the candidates, from the fastest to the best.
    pub names: Vec<String>,
    /// Their properties, in the same order.
    pub candidates: Vec<Candidate>,
    pub wishes: AutoGoals,
    /// Tells one choice of the user from another of the same profile.
    pub serial: u64,
}

impl AutoChoice {
    /// An adapter that starts with the middle candidate.
    pub fn adapter(&self) -> Adapter {
        let start = self.candidates.len().saturating_sub(1) / 2;
        Adapter::new(self.candidates.clone(), start, self.wishes)
    }
}

#[derive(Debug)]
pub(super) struct AutoChooser {
    pub(super) choice: Arc<AutoChoice>,
    pub(super) adapter: Adapter,
    /// The plan that was proposed last.
    plan: Option<Plan>,
}

impl AutoChooser {
    pub(super) fn new(choice: Arc<AutoChoice>) -> Self {
        let adapter = choice.adapter();
        Self {
            plan: None,
            choice,
            adapter,
        }
    }

    /// Takes in a closed turn that was answered aloud.
    pub(super) fn answered(&mut self, at: Instant, record: &TurnRecord) {
        // A typed turn carries no information on patience and early closes, which also depend on the profile.
        if record.typed {
            return;
        }
        let mut names = self.choice.names.iter();
        let (Some(candidate), Some(response), Some(own)) = (
            names.position(|name| *name == record.profile),
            record.latencies.response,
            record.latencies.computer(),
        ) else {
            return;
        };
        // Time held for patience belongs neither to us nor to the service.
        let held = record.latencies.held;
        self.adapter.answered(Answered {
            at,
            candidate,
            response: response.saturating_sub(held),
            own,
            round_trip: record.round_trip,
        });
    }

    /// The plan and the number of changes so far, if the plan has changed.
    pub(super) fn take_plan(&mut self) -> Option<(Plan, u64)> {
        let plan = self.adapter.plan();
        (self.plan.as_ref() != Some(&plan)).then(|| {
            self.plan = Some(plan.clone());
            (plan, self.adapter.changes())
        })
    }
}
