//! What was spent, and the limits that close the microphone.
//!
//! ```text
//!            80 %             100 %, and the utterance is over            "Go on"
//!   within ───────▶ a warning ────────────────────────────────▶ closed ───────────▶ within, as much again from here
//! ```
//!
//! An upper bound counts as spent. A limit that is raised or taken out of the configuration opens the microphone too, and a
//! new day does for the limit of the day.

mod day;

use std::path::Path;

use jiff::civil::Date;
use tokio::task::JoinSet;

use super::notices::Notices;
use super::snapshot::{LimitView, SpendScope, SpendView};
use crate::base::cost::Cost;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::base::thread::off_loop;
use crate::settings::config::SpendLimit;
use day::{Day, DayFileJob, DayFileResult, today};

/// The share of a limit from which it is told that it is near.
const NEAR: f64 = 0.8;
/// Seconds after which what other programs spent today is read again.
const READ_EVERY: u64 = 10;

/// How far one limit is used up.
#[derive(Clone, Debug, Default, PartialEq)]
struct LimitState {
    /// What was spent when the user last said "go on", in US dollars; the limit counts from there.
    from: f64,
    reached: bool,
    /// The warning that stands.
    warning: Option<String>,
}

/// What was spent, and which limits are reached.
#[derive(Debug)]
pub(super) struct Spending {
    day: Day,
    /// Under way, on threads of their own.
    jobs: JoinSet<Option<DayFileResult>>,
    /// In the order of [`SCOPES`].
    meters: [LimitState; 2],
    /// The microphone is closed.
    closed: bool,
    /// What this conversation cost so far.
    conversation: Cost,
    /// Seconds until other programs' spending is read again.
    until_read: u64,
    /// Why a limit cannot be kept, where that was said.
    unknown: Option<String>,
}

/// What the limits are compared in.
pub(super) struct LimitContext {
    /// The user speaks, or pauses in a sentence: the microphone closes later.
    pub(super) speaking: bool,
    /// Sound files take the place of a microphone.
    pub(super) files: bool,
    /// Why the price of tokens is not known, if it is not.
    pub(super) unknown_price: Option<String>,
}

const SCOPES: [SpendScope; 2] = [SpendScope::Conversation, SpendScope::Day];

impl Spending {
    /// Reads what was spent today, of what is kept in the state folder.
    pub(super) fn new(state: Option<&Path>) -> Self {
        Self {
            day: Day::read(state, today()),
            jobs: JoinSet::new(),
            meters: Default::default(),
            closed: false,
            conversation: Cost::default(),
            until_read: 0,
            unknown: None,
        }
    }

    /// Whether the service may be asked nothing more.
    pub(super) fn is_reached(&self) -> bool {
        self.meters.iter().any(|meter| meter.reached)
    }

    /// Whether the microphone is closed for it: an utterance that had begun is heard to its end.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// A new day's limit counts from its beginning.
    fn begin_day(&mut self, date: Date) {
        if self.day.begin(date) {
            self.meters[1].from = 0.0;
            let job = self.day.open();
            self.send(job);
        }
    }

    fn add(&mut self, cost: Cost, date: Date) {
        self.conversation += cost;
        self.begin_day(date);
        let job = self.day.add(cost);
        self.send(job);
    }

    fn send(&mut self, job: Option<DayFileJob>) {
        if let Some(job) = job {
            let run = off_loop("spending", move || job.run());
            self.jobs.spawn(run);
        }
    }

    /// Something was billed.
    pub(super) fn bill(&mut self, cost: Cost) {
        self.add(cost, today());
    }

    /// Once a second: takes in what was written, and reads what other programs spent. `of_day`: the day has a limit.
    pub(super) fn look(&mut self, of_day: bool, notices: &mut Notices) {
        while let Some(done) = self.jobs.try_join_next() {
            self.take_done(done.ok().flatten(), notices);
        }
        self.until_read = self.until_read.saturating_sub(1);
        if of_day && self.until_read == 0 && self.jobs.is_empty() {
            self.until_read = READ_EVERY;
            let job = self.day.look();
            self.send(job);
        }
    }

    /// Waits until all that was spent is kept.
    pub(super) async fn finish(&mut self, notices: &mut Notices) {
        while let Some(done) = self.jobs.join_next().await {
            self.take_done(done.ok().flatten(), notices);
        }
    }

    fn take_done(&mut self, done: Option<DayFileResult>, notices: &mut Notices) {
        if let Some(Err(why)) = done.map(|done| self.day.take(done)) {
            notices.show(Severity::Warning, why);
        }
    }

    /// Compares what was spent with the limits. Says whether the microphone opens again.
    pub(super) fn compare(
        &mut self,
        limits: SpendLimit,
        around: &LimitContext,
        notices: &mut Notices,
    ) -> bool {
        let none = limits == SpendLimit::default();
        if none && self.meters == <[LimitState; 2]>::default() && self.unknown.is_none() {
            return false;
        }
        self.begin_day(today());
        self.say_unknown_price(around.unknown_price.clone().filter(|_| !none), notices);
        for (nth, scope) in SCOPES.into_iter().enumerate() {
            self.compare_one(nth, scope, of(limits, scope), around, notices);
        }
        let opens = self.closed && !self.is_reached();
        self.closed &= !opens;
        opens
    }

    fn compare_one(
        &mut self,
        nth: usize,
        scope: SpendScope,
        limit: Option<f64>,
        around: &LimitContext,
        notices: &mut Notices,
    ) {
        let spent = self.spent(scope);
        let closing = self.closing_words(around.speaking);
        let meter = &mut self.meters[nth];
        let Some(limit) = limit else {
            if let Some(warning) = std::mem::take(meter).warning {
                notices.withdraw(|| &warning);
            }
            return;
        };
        let allowed = meter.from + limit;
        let reached = spent.usd >= allowed;
        let is_near = !reached && spent.usd >= meter.from + NEAR * limit;
        let was_reached = std::mem::replace(&mut meter.reached, reached);
        if is_near && meter.warning.is_none() {
            let text = near_words(scope, spent, allowed);
            meter.warning = Some(text.clone());
            notices.show(Severity::Warning, text);
        } else if let Some(warning) = meter.warning.take_if(|_| !is_near) {
            notices.withdraw(|| &warning);
        }
        if reached && !was_reached {
            notices.withdraw(|| t!("the-spend-limit-is-raised"));
            let key = key(scope);
            tracing::warn!(key, spent = spent.usd, limit, "spend limit reached");
            // The window shows it beside the button, and of files it is told how many are left: see `stop_files`.
            if !around.files {
                let what = reached_words(scope, spent, allowed);
                let help = t!("to-go-on-raise-in", key);
                notices.announce(Severity::Warning, format!("{what} {closing} {help}"));
            }
        }
    }

    /// A limit says nothing where the price is not known, and says so.
    fn say_unknown_price(&mut self, why: Option<String>, notices: &mut Notices) {
        if why == self.unknown {
            return;
        }
        notices.withdraw(|| t!("the-spend-limit-cannot-be"));
        if let Some(why) = &why {
            let help = t!("set-price-usd-per-million");
            notices.show(
                Severity::Warning,
                format!("{}: {why}. {help}", t!("the-spend-limit-cannot-be")),
            );
        }
        self.unknown = why;
    }

    /// Closes the microphone for a limit, unless the user speaks; says whether it does.
    pub(super) fn close(&mut self, speaking: bool) -> bool {
        let closes = !self.closed && !speaking && self.is_reached();
        self.closed |= closes;
        closes
    }

    /// The user wants to spend as much again.
    pub(super) fn go_on(&mut self, limits: SpendLimit, notices: &mut Notices) {
        for (nth, scope) in SCOPES.into_iter().enumerate() {
            let spent = self.spent(scope);
            let meter = &mut self.meters[nth];
            if let Some(limit) = of(limits, scope).filter(|_| meter.reached) {
                meter.from = spent.usd;
                let more = dollars(limit);
                let what = match scope {
                    SpendScope::Conversation => {
                        t!(
                            "this-conversation-may-cost-more",
                            lifted = t!("the-spend-limit-is-raised"),
                            more
                        )
                    }
                    SpendScope::Day => t!(
                        "today-more-may-be-spent",
                        lifted = t!("the-spend-limit-is-raised"),
                        more
                    ),
                };
                notices.show(Severity::Info, what);
            }
        }
    }

    /// The first limit that is reached, in words.
    pub(super) fn reached(&self, limits: SpendLimit) -> Option<String> {
        let (limit, _) = self.limits(limits).find(|(_, reached)| *reached)?;
        Some(reached_words(limit.scope, limit.spent, limit.limit_usd))
    }

    /// For the snapshot.
    pub(super) fn view(&self, limits: SpendLimit, speaking: bool) -> SpendView {
        let closing = self.closing_words(speaking);
        let reached: Vec<String> = self
            .limits(limits)
            .filter(|(_, reached)| *reached)
            .map(|(limit, _)| {
                t!(
                    "go-on-allows-more",
                    limit_usd = reached_words(limit.scope, limit.spent, limit.limit_usd),
                    closing,
                    more_usd = dollars(limit.more_usd)
                )
            })
            .collect();
        SpendView {
            limits: self.limits(limits).map(|(limit, _)| limit).collect(),
            reached: (!reached.is_empty()).then(|| reached.join(" ")),
            closed: self.closed,
        }
    }

    /// The limits that are set, and whether they are reached.
    fn limits(&self, limits: SpendLimit) -> impl Iterator<Item = (LimitView, bool)> {
        let meters = SCOPES.into_iter().zip(&self.meters);
        meters.filter_map(move |(scope, meter)| {
            let more_usd = of(limits, scope)?;
            let limit = LimitView {
                scope,
                spent: self.spent(scope),
                limit_usd: meter.from + more_usd,
                more_usd,
            };
            Some((limit, meter.reached))
        })
    }

    fn closing_words(&self, speaking: bool) -> &'static str {
        if speaking && !self.closed {
            t!("the-microphone-closes-when-you")
        } else {
            t!("the-microphone-is-closed")
        }
    }

    fn spent(&self, scope: SpendScope) -> Cost {
        match scope {
            SpendScope::Conversation => self.conversation,
            SpendScope::Day => self.day.spent(),
        }
    }
}

/// What all programs of this user spent today, as it is kept in the state folder.
#[must_use]
pub fn spent_today(state: &Path) -> Cost {
    Day::read(Some(state), today()).spent()
}

const fn of(limits: SpendLimit, scope: SpendScope) -> Option<f64> {
    match scope {
        SpendScope::Conversation => limits.conversation,
        SpendScope::Day => limits.day,
    }
}

const fn key(scope: SpendScope) -> &'static str {
    match scope {
        SpendScope::Conversation => "spend_limit_usd.conversation",
        SpendScope::Day => "spend_limit_usd.day",
    }
}

fn dollars(usd: f64) -> Cost {
    Cost {
        usd,
        at_most: false,
    }
}

fn near_words(scope: SpendScope, spent: Cost, allowed: f64) -> String {
    let allowed = dollars(allowed);
    match scope {
        SpendScope::Conversation => t!("the-spend-limit-of-this-is-near", spent, allowed),
        SpendScope::Day => t!("the-spend-limit-of-today-is-near", spent, allowed),
    }
}

fn reached_words(scope: SpendScope, spent: Cost, allowed: f64) -> String {
    let allowed = dollars(allowed);
    match scope {
        SpendScope::Conversation => t!("the-spend-limit-of-this-is-reached", spent, allowed),
        SpendScope::Day => t!("the-spend-limit-of-today-is-reached", spent, allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_bill_of_a_day_begins_its_limit_anew() {
        let mut spending = Spending::new(None);
        let today = today();
        spending.add(dollars(3.0), today);
        spending.meters[0].from = 2.0;
        spending.meters[1].from = 3.0;
        spending.add(dollars(1.0), today);
        assert!((spending.meters[1].from - 3.0).abs() < 1e-9);
        let tomorrow = today.tomorrow().expect("there is one");
        spending.add(dollars(1.0), tomorrow);
        assert!((spending.day.spent().usd - 1.0).abs() < 1e-9);
        let from = [spending.meters[0].from, spending.meters[1].from];
        assert!(
            (from[0] - 2.0).abs() < 1e-9 && from[1].abs() < 1e-9,
            "{from:?}"
        );
    }
}
