//! What was spent of a limit.

use crate::base::cost::Cost;

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
    /// While one is reached: what happened, and what "Go on" does.
    pub reached: Option<String>,
    /// The microphone is closed for it: speech that had begun is heard to its end.
    pub closed: bool,
}
