//! What models cost, and the spend limit with its button.

use std::sync::Arc;

use super::rig::{Rig, snapshot};
use sovereign::base::cost::Cost;
use sovereign::base::tokens::TokenCounts;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, LimitView, SpendScope};
use sovereign::telemetry::distribution::Distribution;
use sovereign::telemetry::record::TurnRecord;
use sovereign::telemetry::summary::ModelUsage;
use sovereign::telemetry::turn_counts::TurnCounts;

const BOUND: Cost = Cost {
    usd: 0.002_955,
    at_most: true,
};

#[test]
fn the_limit_stands_with_its_button_until_the_user_goes_on() {
    let mut rig = Rig::new(snapshot());
    assert!(!rig.says("Go on"));
    rig.show(|s| {
        s.activity = Activity::LimitReached;
        s.spending.closed = true;
        s.spending.reached = Some(
            "The spend limit is reached: at most $1.02 is spent of this conversation's limit of $1.00. The \
             microphone is closed. \"Go on\" allows $1.00 more."
                .into(),
        );
    });
    assert_eq!(
        rig.texts()
            .iter()
            .filter(|t| *t == "Spend limit reached")
            .count(),
        2,
        "the state, and the banner: {:?}",
        rig.texts()
    );
    assert!(rig.says_part("at most $1.02 is spent of this conversation's limit of $1.00"));
    assert!(rig.says("Nothing is heard until you choose Go on"));
    assert!(!rig.says("Dismiss"), "it is no notice");
    assert!(rig.says("spend limit reached: no audio leaves this computer"));
    // A reply that was sounding goes on.
    rig.show(|s| s.activity = Activity::Answering);
    assert!(rig.says("spend limit reached: no audio leaves this computer"));
    rig.click("Go on");
    assert!(matches!(rig.sent()[..], [Command::SpendMore]));
    rig.show(|s| {
        s.activity = Activity::Listening;
        s.spending.reached = None;
        s.spending.closed = false;
    });
    assert!(!rig.says("Go on") && rig.says("Listening"));
}

#[test]
fn the_page_of_figures_tells_thoughts_models_and_upper_bounds() {
    let mut told = snapshot();
    (told.figures.turns.thoughts, told.figures.turns.cost) = (136, Some(BOUND));
    let mut response = Distribution::default();
    response.record(told.figures.p50.expect("shown"));
    let usage = ModelUsage {
        turns: TurnCounts {
            outcomes: [12, 0, 0, 0, 0],
            cost: Some(BOUND),
            ..TurnCounts::default()
        },
        response: Arc::new(response),
    };
    let of = ("mine".to_owned(), "gemini-3.8-live".to_owned());
    told.models = Arc::new([(of, usage)].into());
    told.spending.limits = vec![LimitView {
        scope: SpendScope::Day,
        spent: BOUND,
        limit_usd: 5.0,
        more_usd: 5.0,
    }];
    let mut counts = TokenCounts {
        thoughts: 136,
        ..TokenCounts::default()
    };
    counts.prompt.audio = 564;
    told.turns = Arc::from([Arc::new(TurnRecord {
        number: 1,
        model: "gemini-3.8-live".into(),
        tokens: Some(counts),
        cost: Some(BOUND),
        ..TurnRecord::default()
    })]);
    let mut rig = Rig::sized(told, 1100.0, 2400.0);
    rig.click("Details");
    for words in [
        "8\u{a0}140, thought 136 · at most $0.0030",
        "mine · gemini-3.8-live",
        "12 turns · 251 ms · at most $0.0030",
        "at most $0.0030 of $5.00",
        "gemini-3.8-live · 700 tokens, thought 136 · at most $0.0030",
    ] {
        assert!(rig.says(words), "{words}: {:?}", rig.texts());
    }
    rig.show(|s| s.demo = true);
    assert!(!rig.says("mine · gemini-3.8-live"), "the demo is no model");
}
