//! Sentences that explain statistics, causes, alerts and time spans. Pure: nothing is drawn here.

use std::time::Duration;

use super::format::{UNKNOWN, grouped, millis};
use super::key_texts;
use crate::base::cost::Cost;
use crate::base::text::{decimal, t};
use crate::conversation::snapshot::{LimitView, Snapshot, SpendScope};
use crate::profile::{self, Profile};
use crate::provider::turn_cost::Pricing;
use crate::telemetry::alert::AlertKind;
use crate::telemetry::diagnosis::{Finding, LEAST_TURNS};
use crate::telemetry::history::Slice;
use crate::telemetry::history::comparison::{Comparison, Share};
use crate::telemetry::memory_growth::Growth;
use crate::telemetry::record::TurnRecord;
use crate::telemetry::summary::ModelUsage;
use crate::telemetry::view::{ProcessUsage, TurnStatistics};

/// Name and explanation of each stage, in the order of `Stages::values`.
pub(super) fn stages() -> [(&'static str, &'static str); 10] {
    [
        (t!("capture"), t!("the-microphone-and-its-buffers")),
        (t!("dsp"), t!("filters-change-of-the-sample")),
        (t!("endpoint"), t!("silence-until-it-was-decided")),
        (t!("encode-and-queue"), t!("from-that-decision-to-the")),
        (t!("network"), t!("the-way-to-the-service")),
        (t!("service"), t!("the-service-itself-from-your")),
        (t!("decode"), t!("from-the-first-sound-that")),
        (t!("held"), t!("the-answer-was-there-before")),
        (t!("buffer"), t!("the-answer-waited-for-more")),
        (t!("device"), t!("the-speaker-and-its-buffers")),
    ]
}

/// The model of a profile, and how it thinks, for the end of a tooltip.
pub(super) fn model(profile: &Profile) -> String {
    profile::model::in_words(profile).map_or_else(String::new, |words| format!("\n{words}"))
}

/// The sentence without alerts and causes, and whether all is well. Causes are searched in the newest turns from the third
/// on; the median of the panel is that of all turns.
pub(super) fn nothing_found(figures: &TurnStatistics, target: Option<Duration>) -> (String, bool) {
    let over = figures
        .p50
        .zip(target)
        .filter(|(typical, target)| typical > target);
    let Some((typical, target)) = over else {
        return (t!("no-problems-found").into(), true);
    };
    let found = if figures.n < LEAST_TURNS as u64 {
        t!("a-cause-is-looked-for")
    } else {
        t!("the-newest-turns-show-no")
    };
    let (typical, target) = (millis(typical), millis(target));
    let words = t!("the-typical-response-is-ms", typical, target, found);
    (words, false)
}

/// What an alert measures, and where its limit is set.
pub(super) fn alert(kind: AlertKind) -> String {
    let limits = kind.limits();
    let names = limits
        .iter()
        .map(|key| format!("`{}`", key.trim_start_matches("alerts.")));
    let names: Vec<String> = names.collect();
    let key = profile::keys().find(|key| limits.first() == Some(&key.name));
    t!(
        "alert-and-its-limits",
        about = key.map_or("", key_texts::about),
        n = names.len(),
        limits = names.join(t!("and"))
    )
}

/// The source of a likely cause's values.
pub(super) fn finding(finding: &Finding) -> &'static str {
    if finding.costs.is_some() {
        t!("the-part-of-a-turn")
    } else {
        t!("the-part-that-the-cause")
    }
}

/// Tokens, as far as the service counted any, and how many of them were thought.
pub(super) fn tokens(counted: u64, thoughts: u64) -> String {
    match (counted, thoughts) {
        (0, _) => UNKNOWN.to_owned(),
        (counted, 0) => grouped(counted),
        (counted, thoughts) => t!(
            "counted-and-thought",
            counted = grouped(counted),
            thoughts = grouped(thoughts)
        ),
    }
}

/// The model of a turn, its tokens and its cost; `None` where nothing of it is known.
pub(super) fn billed(turn: &TurnRecord) -> Option<String> {
    let (counted, thoughts) = (turn.all_tokens(), turn.thoughts());
    if turn.model.is_empty() || counted == 0 {
        return None;
    }
    let mut words = t!(
        "model-and-tokens",
        model = turn.model,
        counted = grouped(counted)
    );
    if thoughts > 0 {
        words += &t!("and-thought", thoughts = grouped(thoughts));
    }
    if let Some(cost) = turn.cost {
        words += &format!(" · {cost}");
    }
    Some(words)
}

/// What a model did with a profile.
pub(super) fn of_model(of: &ModelUsage) -> String {
    let turns = t!("n-turns", n = of.turns.all());
    let median = of
        .response
        .quantile(0.5)
        .map_or_else(|| UNKNOWN.to_owned(), |p50| format!("{} ms", millis(p50)));
    format!("{turns} · {median} · {}", cost(of.turns.cost))
}

/// The amount spent of a limit.
pub(super) fn spent(limit: &LimitView) -> String {
    let allowed = Cost {
        usd: limit.limit_usd,
        at_most: false,
    };
    t!("spent-of-allowed", spent = limit.spent, allowed)
}

/// The name of a limit, and what it means.
pub(super) fn limit(scope: SpendScope) -> (&'static str, &'static str) {
    match scope {
        SpendScope::Conversation => (t!("spent-conversation"), t!("spent-since-the-start-of")),
        SpendScope::Day => (t!("spent-today"), t!("spent-today-with-all-programs")),
    }
}

/// What tokens and their cost are, and why the cost may be unknown.
pub(super) fn pricing(pricing: Pricing) -> &'static str {
    match pricing {
        Pricing::Configured(_) => {
            t!("tokens-that-the-service-counted-and-their-cost")
        }
        Pricing::Published(_) => {
            t!("tokens-that-the-service-counted-and-their")
        }
        Pricing::Free => {
            t!("tokens-that-the-service-counted-and")
        }
        Pricing::Unpublished => {
            t!("tokens-that-the-service-counted-what")
        }
        Pricing::Elsewhere => {
            t!("tokens-that-the-service-counted")
        }
    }
}

/// The profiles whose turns the statistics contain.
pub(super) fn whose(snapshot: &Snapshot) -> String {
    let active = snapshot.profiles.get(snapshot.chosen);
    match active.filter(|_| snapshot.auto.is_some()) {
        Some(chooser) => t!(
            "with-the-profiles-that-chooses",
            label = chooser.shown_label()
        ),
        None => t!("with-this-profile").to_owned(),
    }
}

/// A share of turns: "3 of 42 · 7 %".
pub(super) fn share(part: u64, all: u64) -> String {
    if all == 0 {
        return UNKNOWN.to_owned();
    }
    let percent = part as f64 / all as f64 * 100.0;
    t!(
        "part-of-all",
        part = grouped(part),
        all = grouped(all),
        percent = format!("{percent:.0}")
    )
}

/// The share of turns with an answer, without those that the user ended.
pub(super) fn success(answered: u64, failed: u64) -> String {
    share(answered, answered + failed)
}

/// US dollars, and whether they are an upper bound.
pub(super) fn cost(cost: Option<Cost>) -> String {
    cost.map_or_else(|| UNKNOWN.to_owned(), |cost| cost.to_string())
}

pub(super) fn per_minute(figures: &TurnStatistics) -> String {
    figures.turns_per_minute.map_or_else(
        || UNKNOWN.to_owned(),
        |rate| t!("rate-a-minute", rate = decimal(rate, 1)),
    )
}

/// What waits, in the three queues.
pub(super) fn queues(figures: &TurnStatistics) -> String {
    t!(
        "ms-in-out-ms-reply",
        capture_queued = millis(figures.meters.capture_queued),
        outbox = figures.meters.outbox,
        reply_queued = millis(figures.meters.reply_queued)
    )
}

/// Whether memory grows, and how fast.
pub(super) fn trend(process: &ProcessUsage) -> String {
    match process.memory_growth {
        Growth::PerHour(growth) => t!(
            "grows-by-mb-an-hour",
            amount = format!("{:.0}", growth / 1e6)
        ),
        Growth::Steady => t!("steady").into(),
        Growth::Unknown => UNKNOWN.to_owned(),
    }
}

/// Threads, and whether they become more.
pub(super) fn threads(process: &ProcessUsage) -> String {
    let Some(threads) = process.threads else {
        return UNKNOWN.to_owned();
    };
    let trend = match process.thread_growth {
        Growth::PerHour(growth) => t!("grows-by-an-hour", growth = format!("{growth:.0}")),
        Growth::Steady => t!("steady").into(),
        Growth::Unknown => UNKNOWN.to_owned(),
    };
    format!("{threads} · {trend}")
}

/// The machine's load and memory.
pub(super) fn machine(process: &ProcessUsage) -> String {
    let machine = process.machine;
    let percent = |value: Option<f64>| {
        value.map_or_else(|| UNKNOWN.to_owned(), |value| format!("{value:.0} %"))
    };
    t!(
        "load-and-memory",
        from = percent(machine.cpu_percent.map(f64::from)),
        memory_percent = percent(machine.memory_percent())
    )
}

/// The battery, where there is one.
pub(super) fn battery(process: &ProcessUsage) -> Option<String> {
    let battery = process.machine.battery?;
    let state = if battery.discharging {
        t!("in-use")
    } else {
        t!("charging-or-full")
    };
    Some(format!("{:.0} %, {state}", battery.percent))
}

/// A span of the history as one sentence, for those who cannot see the plot.
pub(super) fn span(name: &str, total: &Slice) -> String {
    let value = |quantile: f64| {
        let value = total.response.quantile(quantile);
        value.map_or_else(
            || UNKNOWN.to_owned(),
            |value| format!("{} ms", millis(value)),
        )
    };
    t!(
        "responses-of-the-last-turns",
        name,
        response = grouped(total.response.n()),
        value = value(0.5),
        p95 = value(0.95)
    )
}

/// How today's answers compare with yesterday's: in a sentence, and whether they are slower.
pub(super) fn compared(days: Comparison) -> (String, bool) {
    let is_slower = days.longer_percent > 0.0;
    let how = if is_slower {
        t!("slower")
    } else {
        t!("faster")
    };
    let cause = match days.cause {
        Share::Service => t!("the-service"),
        Share::Network => t!("the-network"),
        Share::Computer => t!("this-computer"),
    };
    let percent = days.longer_percent.abs();
    let words = t!(
        "today-than-yesterday",
        percent = format!("{percent:.0}"),
        how,
        cause
    );
    (words, is_slower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::{Locale, within};
    use crate::base::tokens::TokenCounts;

    const fn usd(usd: f64, at_most: bool) -> Cost {
        Cost { usd, at_most }
    }

    #[test]
    fn a_turn_tells_its_model_its_thoughts_and_that_its_cost_is_a_bound() {
        let mut counts = TokenCounts {
            thoughts: 136,
            ..TokenCounts::default()
        };
        counts.prompt.text = 564;
        let mut turn = TurnRecord {
            model: "gemini-3.8-live".into(),
            tokens: Some(counts),
            cost: Some(usd(0.002_955, true)),
            ..TurnRecord::default()
        };
        let wanted = "gemini-3.8-live · 700 tokens, thought 136 · at most $0.0030";
        assert_eq!(billed(&turn).as_deref(), Some(wanted));
        turn.cost = None;
        assert!(billed(&turn).is_some_and(|words| words.ends_with("thought 136")));
        turn.tokens = None;
        assert_eq!(billed(&turn), None, "nothing was counted");
    }

    #[test]
    fn unknown_is_a_dash_and_known_is_told() {
        assert_eq!(share(0, 0), "–");
        assert_eq!(share(3, 42), "3 of 42 · 7 %");
        assert_eq!(success(9, 1), "9 of 10 · 90 %");
        assert_eq!(
            [
                cost(None),
                cost(Some(usd(0.001_23, false))),
                cost(Some(usd(1.5, true)))
            ],
            ["–", "$0.0012", "at most $1.50"]
        );
        assert_eq!(per_minute(&TurnStatistics::default()), "–");
        let mut process = ProcessUsage::default();
        assert_eq!(
            (trend(&process), machine(&process), battery(&process)),
            ("–".into(), "– · memory –".into(), None)
        );
        process.rss = Some(1);
        assert_eq!(trend(&process), "–", "not known yet is not steady");
        process.memory_growth = Growth::Steady;
        assert_eq!(trend(&process), "steady");
        process.memory_growth = Growth::PerHour(61e6);
        assert_eq!(trend(&process), "grows by 61 MB an hour");
        assert_eq!(threads(&process), "–");
        process.threads = Some(12);
        assert_eq!(threads(&process), "12 · –");
        process.thread_growth = Growth::PerHour(6.0);
        assert_eq!(threads(&process), "12 · grows by 6 an hour");
    }

    #[test]
    fn today_is_compared_with_yesterday_in_one_sentence_that_names_the_cause() {
        for (longer_percent, cause, wanted) in [
            (
                15.2,
                Share::Service,
                ("Today 15 % slower than yesterday: the service.", true),
            ),
            (
                -22.0,
                Share::Network,
                ("Today 22 % faster than yesterday: the network.", false),
            ),
            (
                40.0,
                Share::Computer,
                ("Today 40 % slower than yesterday: this computer.", true),
            ),
        ] {
            let (words, is_slower) = compared(Comparison {
                longer_percent,
                cause,
            });
            assert_eq!((words.as_str(), is_slower), wanted);
        }
    }

    #[test]
    fn nothing_is_called_well_while_the_typical_response_is_over_the_target() {
        let ms = |ms| Some(Duration::from_millis(ms));
        let mut figures = TurnStatistics::default();
        assert!(nothing_found(&figures, ms(300)).1, "no turn");
        (figures.n, figures.p50) = (2, ms(290));
        assert!(nothing_found(&figures, ms(300)).1);
        figures.p50 = ms(640);
        let (words, fine) = nothing_found(&figures, ms(300));
        assert!(
            !fine && words.contains("640 ms, over 300: a cause is looked for"),
            "{words}"
        );
        figures.n = 40;
        let (words, fine) = nothing_found(&figures, ms(300));
        assert!(!fine && words.contains("the newest turns"), "{words}");
    }

    #[test]
    fn what_was_not_counted_is_a_dash_and_an_unknown_price_names_its_place() {
        assert_eq!([tokens(0, 0), tokens(8_140, 0)], ["–", "8\u{a0}140"]);
        assert_eq!(tokens(700, 136), "700, thought 136");
        for unknown in [Pricing::Unpublished, Pricing::Elsewhere] {
            let words = pricing(unknown);
            assert!(words.contains("Settings, Key and account"), "{words}");
            assert!(words.contains("not known"), "{words}");
        }
        assert!(pricing(Pricing::Unpublished).contains("no price is published for this model"));
    }

    #[test]
    fn figures_of_a_profile_that_chooses_are_those_of_all_that_it_chooses_among() {
        let mut snapshot = Snapshot {
            profiles: [crate::profile::builtin("auto").expect("built in")].into(),
            ..Snapshot::default()
        };
        assert_eq!(whose(&snapshot), "with this profile");
        snapshot.auto = Some(crate::conversation::snapshot::AutoView {
            uses: "Balanced".into(),
            why: String::new(),
            changes: 0,
            power_saving: false,
        });
        assert_eq!(
            whose(&snapshot),
            "with the profiles that Auto chooses among"
        );
    }

    #[test]
    fn every_limit_that_an_alert_names_is_a_documented_key() {
        let documented = include_str!("../../docs/monitoring.md");
        for &kind in AlertKind::ALL {
            for key in alert(kind).split('`').skip(1).step_by(2) {
                assert!(documented.contains(&format!("`{key}`")), "{kind:?}: {key}");
            }
            let english = profile::about(kind.limits()[0]).expect("a documented key");
            assert!(alert(kind).contains(english));
            within(Locale::German, || assert!(!alert(kind).contains(english)));
        }
    }
}
