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

use super::Event;
use super::controller::Controller;
use super::snapshot::{LimitView, SpendScope, SpendView};
use crate::base::cost::Cost;
use crate::base::severity::Severity;
use crate::base::thread::aside;
use crate::base::words::count;
use crate::provider::price::Pricing;
use crate::settings::config::SpendLimit;
use crate::turn::machine::Phase;
use day::{Day, Done, Errand, today};

/// The share of a limit from which it is told that it is near.
const NEAR: f64 = 0.8;
/// What notices begin with that are taken away when they are not true any more.
const CANNOT_BE_KEPT: &str = "The spend limit cannot be kept";
const LIFTED: &str = "The spend limit is lifted";
/// What a limit does that is reached, and before that while the user speaks.
const CLOSED: &str = "The microphone is closed.";
const CLOSES: &str = "The microphone closes when you have finished speaking.";
/// Seconds after which what other programs spent today is read again.
const READ_EVERY: u64 = 10;

/// How far one limit is used up.
#[derive(Clone, Debug, Default, PartialEq)]
struct Meter {
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
    errands: JoinSet<Option<Done>>,
    /// In the order of [`SCOPES`].
    meters: [Meter; 2],
    /// The microphone is closed.
    closed: bool,
    /// What this conversation cost so far.
    conversation: Cost,
    /// Seconds until other programs' spending is read again.
    until_read: u64,
    /// Why a limit cannot be kept, where that was said.
    unknown: Option<String>,
}

const SCOPES: [SpendScope; 2] = [SpendScope::Conversation, SpendScope::Day];

impl Spending {
    /// Reads what was spent today, of what is kept in the state folder.
    pub(super) fn new(state: Option<&Path>) -> Self {
        Self {
            day: Day::read(state, today()),
            errands: JoinSet::new(),
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
        }
    }

    fn add(&mut self, cost: Cost, date: Date) {
        self.conversation += cost;
        self.begin_day(date);
        let errand = self.day.add(cost);
        self.send(errand);
    }

    fn send(&mut self, errand: Option<Errand>) {
        if let Some(errand) = errand {
            let run = aside("spending", move || errand.run());
            self.errands.spawn(run);
        }
    }

    /// The notices about it were taken away with others; what is still true is said again.
    pub(super) fn forget_told(&mut self) {
        self.unknown = None;
        for meter in &mut self.meters {
            meter.warning = None;
        }
    }
}

/// What all programs of this user spent today, as it is kept in the state folder.
#[must_use]
pub fn spent_today(state: &Path) -> Cost {
    Day::read(Some(state), today()).spent()
}

impl Controller {
    /// Something was billed.
    pub(super) fn spend(&mut self, cost: Option<Cost>) {
        if let Some(cost) = cost {
            self.spending.add(cost, today());
        }
        self.keep_spend_limit();
    }

    /// Looks at the limits once a second, and at what other programs spend.
    pub(super) fn look_at_spending(&mut self) {
        while let Some(done) = self.spending.errands.try_join_next() {
            self.take_done(done.ok().flatten());
        }
        let limits = self.settings.spend_limit();
        self.spending.until_read = self.spending.until_read.saturating_sub(1);
        let due = self.spending.until_read == 0 && self.spending.errands.is_empty();
        if limits.day.is_some() && due {
            self.spending.until_read = READ_EVERY;
            let errand = self.spending.day.look();
            self.spending.send(errand);
        }
        self.keep_spend_limit();
    }

    /// Waits until all that was spent is kept.
    pub(super) async fn finish_spending(&mut self) {
        while let Some(done) = self.spending.errands.join_next().await {
            self.take_done(done.ok().flatten());
        }
    }

    fn take_done(&mut self, done: Option<Done>) {
        if let Some(Err(why)) = done.map(|done| self.spending.day.take(done)) {
            self.notice(Severity::Warning, why);
        }
    }

    /// Compares what was spent with the limits.
    pub(super) fn keep_spend_limit(&mut self) {
        let limits = self.settings.spend_limit();
        let none = limits == SpendLimit::default();
        if none
            && self.spending.meters == <[Meter; 2]>::default()
            && self.spending.unknown.is_none()
        {
            return;
        }
        self.spending.begin_day(today());
        self.say_unknown_price(limits);
        for (nth, scope) in SCOPES.into_iter().enumerate() {
            self.keep_limit(nth, scope, of(limits, scope));
        }
        let reached = self.spending.is_reached();
        self.turns.machine.hold_waiting(reached);
        if self.spending.closed && !reached {
            self.spending.closed = false;
            self.turns.machine.handle_timeout(super::controller::now());
            self.perform();
        }
    }

    fn keep_limit(&mut self, nth: usize, scope: SpendScope, limit: Option<f64>) {
        let spent = self.spent(scope);
        let meter = &mut self.spending.meters[nth];
        let Some(limit) = limit else {
            let told = std::mem::take(meter).warning;
            return self.withdraw_told(told);
        };
        let allowed = meter.from + limit;
        let reached = spent.usd >= allowed;
        let is_near = !reached && spent.usd >= meter.from + NEAR * limit;
        let was_reached = std::mem::replace(&mut meter.reached, reached);
        let told = if is_near { None } else { meter.warning.take() };
        if is_near && meter.warning.is_none() {
            let text = near_words(scope, spent, allowed);
            meter.warning = Some(text.clone());
            self.notice(Severity::Warning, text);
        }
        self.withdraw_told(told);
        if reached && !was_reached {
            self.withdraw(LIFTED);
            let key = key(scope);
            tracing::warn!(key, spent = spent.usd, limit, "spend limit reached");
            self.changed = true;
            // The window shows it beside the button, and of files it is told how many are left: see `stop_files`.
            if self.playlist.is_none() {
                let what = reached_words(scope, spent, allowed);
                let help = format!("To go on, raise `{key}` in config.yaml and save the file.");
                let what = format!("{what} {} {help}", self.closing_words());
                self.tell(Event::Notice(Severity::Warning, what));
            }
        }
    }

    fn withdraw_told(&mut self, told: Option<String>) {
        if let Some(told) = told {
            self.withdraw(&told);
        }
    }

    /// A limit says nothing where the price is not known, and says so.
    fn say_unknown_price(&mut self, limits: SpendLimit) {
        let why = match self.pricing() {
            _ if limits == SpendLimit::default() => None,
            Pricing::Unpublished => Some(format!("no price is published for {}", self.model())),
            Pricing::Elsewhere => Some(format!(
                "what {} takes for tokens is not known",
                self.settings.host()
            )),
            Pricing::Configured(_) | Pricing::Published(_) | Pricing::Free => None,
        };
        if why == self.spending.unknown {
            return;
        }
        self.withdraw(CANNOT_BE_KEPT);
        if let Some(why) = &why {
            let help = "Set `price_usd_per_million` with `in` and `out` in config.yaml.";
            let what = format!("{CANNOT_BE_KEPT}: {why}. {help}");
            self.notice(Severity::Warning, what);
        }
        self.spending.unknown = why;
    }

    /// Closes the microphone for a limit, as soon as nobody speaks, nor pauses in a sentence; a reply that sounds goes on.
    pub(super) fn close_if_spent(&mut self) {
        if self.spending.closed || self.is_speaking() || !self.spending.is_reached() {
            return;
        }
        self.spending.closed = true;
        self.microphone.key.close();
        self.changed = true;
    }

    /// Whether the user speaks, or pauses in a sentence.
    fn is_speaking(&self) -> bool {
        self.turns.machine.phase() == Phase::Speaking || self.turns.machine.is_closed_early()
    }

    fn closing_words(&self) -> &'static str {
        if self.is_speaking() && !self.spending.closed {
            CLOSES
        } else {
            CLOSED
        }
    }

    /// The user wants to spend as much again.
    pub(super) fn go_on_spending(&mut self) {
        let limits = self.settings.spend_limit();
        for (nth, scope) in SCOPES.into_iter().enumerate() {
            let spent = self.spent(scope);
            let meter = &mut self.spending.meters[nth];
            if let Some(limit) = of(limits, scope).filter(|_| meter.reached) {
                meter.from = spent.usd;
                let more = dollars(limit);
                let what = match scope {
                    SpendScope::Conversation => {
                        format!("{LIFTED}: this conversation may cost {more} more.")
                    }
                    SpendScope::Day => format!("{LIFTED}: today {more} more may be spent."),
                };
                self.notice(Severity::Info, what);
            }
        }
        self.keep_spend_limit();
    }

    /// Input files wait that may not be asked any more.
    pub(super) fn stop_files(&mut self) {
        let left = self
            .playlist
            .as_mut()
            .map_or(0, super::file_playlist::FilePlaylist::stop);
        let first = self.view_of_limits().find(|(_, reached)| *reached);
        let Some((limit, _)) = first else { return };
        let was = if left == 1 { "was" } else { "were" };
        let what = format!(
            "{} {} {was} not asked.",
            reached_words(limit.scope, limit.spent, limit.limit_usd),
            count(left as u64, "file")
        );
        self.tell(Event::LimitReached(what));
    }

    /// A text was typed that may not be asked any more. The conversation shows it, so that it is not lost.
    pub(super) fn refuse_typed(&mut self, text: &str) {
        let turn = self.turns.machine.skip_turn();
        self.turns.captions.refuse(turn, text);
        self.changed = true;
        let first = self.view_of_limits().find(|(_, reached)| *reached);
        let Some((limit, _)) = first else { return };
        let reached = reached_words(limit.scope, limit.spent, limit.limit_usd);
        self.tell(Event::LimitReached(format!(
            "{reached} The text was not asked."
        )));
    }

    /// For the snapshot.
    pub(super) fn spend_view(&self) -> SpendView {
        let reached: Vec<String> = self
            .view_of_limits()
            .filter(|(_, reached)| *reached)
            .map(|(limit, _)| {
                format!(
                    "{} {} \"Go on\" allows {} more.",
                    reached_words(limit.scope, limit.spent, limit.limit_usd),
                    self.closing_words(),
                    dollars(limit.more_usd)
                )
            })
            .collect();
        SpendView {
            limits: self.view_of_limits().map(|(limit, _)| limit).collect(),
            reached: (!reached.is_empty()).then(|| reached.join(" ")),
            closed: self.spending.closed,
        }
    }

    /// The limits that are set, and whether they are reached.
    fn view_of_limits(&self) -> impl Iterator<Item = (LimitView, bool)> {
        let limits = self.settings.spend_limit();
        let meters = SCOPES.into_iter().zip(&self.spending.meters);
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

    fn spent(&self, scope: SpendScope) -> Cost {
        match scope {
            SpendScope::Conversation => self.spending.conversation,
            SpendScope::Day => self.spending.day.spent(),
        }
    }
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

const fn whose(scope: SpendScope) -> &'static str {
    match scope {
        SpendScope::Conversation => "this conversation's",
        SpendScope::Day => "today's",
    }
}

fn dollars(usd: f64) -> Cost {
    Cost {
        usd,
        at_most: false,
    }
}

fn near_words(scope: SpendScope, spent: Cost, allowed: f64) -> String {
    let (whose, allowed) = (whose(scope), dollars(allowed));
    format!(
        "The spend limit is near: {spent} is spent of {whose} limit of {allowed}. At {allowed} the microphone closes."
    )
}

fn reached_words(scope: SpendScope, spent: Cost, allowed: f64) -> String {
    let (whose, allowed) = (whose(scope), dollars(allowed));
    format!("The spend limit is reached: {spent} is spent of {whose} limit of {allowed}.")
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
