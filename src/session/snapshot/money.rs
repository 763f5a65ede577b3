//! What models cost, and what was spent of a limit.

use std::time::Duration;

use crate::base::cost::Cost;

/// What one model did and cost with one profile, since the start.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelView {
    /// Name of the profile.
    pub profile: String,
    /// The model, as it was asked for.
    pub model: String,
    /// Turns of any outcome.
    pub turns: u64,
    /// Median response.
    pub p50: Option<Duration>,
    /// 95th percentile of the response.
    pub p95: Option<Duration>,
    /// What the turns cost, where the price of the model is known.
    pub cost: Option<Cost>,
}

/// What a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpendScope {
    /// The time since the program was started.
    Conversation,
    /// The calendar day, of all programs of this user.
    Day,
}

/// A limit, and how much of it is spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitView {
    /// What it is for.
    pub scope: SpendScope,
    /// Spent so far.
    pub spent: Cost,
    /// What may be spent, in US dollars: the limit, and what "Go on" added.
    pub limit_usd: f64,
    /// What "Go on" adds, in US dollars: the limit as it is configured.
    pub more_usd: f64,
}

/// What was spent, and how much may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpendView {
    /// The limits that are set.
    pub limits: Vec<LimitView>,
    /// While the microphone is closed for one: what happened, and what "Go on" does.
    pub reached: Option<String>,
}
