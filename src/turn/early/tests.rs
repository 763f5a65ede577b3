//! Habits and budget, each by itself and together: a service that thinks for long, and 500 ms of patience.

use super::budget::{TURNS, TokenBudget, TokenShare};
use super::*;

const FIRST: Duration = ms(120);
const LAST: Duration = ms(460);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What is done after so many milliseconds of speech, with the limit of the shipped profiles.
fn close(early: &Early, spoken: u64) -> EarlyClose {
    early.close(Some(ms(spoken)), FIRST, LAST, 10)
}

const fn turn(own: u64) -> TurnTokens {
    TurnTokens {
        own: Some(own),
        dropped: 0,
        reopened: 0,
        false_endpoints: 0,
    }
}

/// A turn that was closed in vain so often, each for as many tokens as its own.
const fn false_endpoint(own: u64, times: u32) -> TurnTokens {
    TurnTokens {
        dropped: own * times as u64,
        reopened: times,
        false_endpoints: times,
        ..turn(own)
    }
}

#[test]
fn who_never_pauses_is_never_waited_for() {
    let mut early = Early::default();
    for n in 0..60 {
        let spoken = 500 + 700 * (n % 7);
        assert_eq!(close(&early, spoken), EarlyClose::After(FIRST), "turn {n}");
        early.ended(ms(spoken));
        early.billed(turn(1_000));
    }
}

#[test]
fn a_limit_that_pays_for_no_dropped_reply_is_told_apart() {
    let early = Early::default();
    for (percent, wanted) in [
        (0, EarlyClose::Never),
        (8, EarlyClose::Never),
        (9, EarlyClose::After(FIRST)),
    ] {
        assert_eq!(
            early.close(Some(ms(1_000)), FIRST, LAST, percent),
            wanted,
            "{percent}"
        );
    }
}

#[test]
fn a_pause_is_waited_out_after_the_first_of_its_kind() {
    let mut early = Early::default();
    early.went_on(ms(1_100), ms(200));
    let EarlyClose::After(silence) = close(&early, 1_100) else {
        panic!("{:?}", close(&early, 1_100));
    };
    assert!((ms(240)..ms(300)).contains(&silence), "{silence:?}");
    early.went_on(ms(1_100), ms(400));
    assert_eq!(close(&early, 1_100), EarlyClose::Pauses);
}

#[test]
fn how_long_the_sentence_is_tells_its_pause_from_its_end() {
    let mut early = Early::default();
    for _ in 0..12 {
        early.went_on(ms(1_130), ms(400));
        early.ended(ms(2_200));
        early.billed(turn(1_000));
    }
    assert_eq!(close(&early, 1_130), EarlyClose::Pauses);
    assert_eq!(close(&early, 1_250), EarlyClose::Pauses);
    assert_eq!(close(&early, 2_200), EarlyClose::After(FIRST));
    let usual = early.close(None, FIRST, LAST, 10);
    assert_eq!(usual, EarlyClose::After(FIRST), "as in the last turn");
    assert_eq!(
        early.close(Some(ms(1_130)), FIRST, LAST, 100),
        EarlyClose::After(FIRST),
        "without a limit"
    );
}

#[test]
fn it_comes_back_by_itself_when_the_user_pauses_no_more() {
    let mut early = Early::default();
    for _ in 0..30 {
        early.went_on(ms(1_000), ms(350));
        early.ended(ms(1_100));
    }
    assert_eq!(close(&early, 1_000), EarlyClose::Pauses);
    // Nothing is closed early meanwhile.
    let back = (1..60).find(|_| {
        early.ended(ms(1_000));
        close(&early, 1_000) == EarlyClose::After(FIRST)
    });
    assert!(back.is_some_and(|turns| turns <= 25), "{back:?}");
}

#[test]
fn one_close_in_vain_is_affordable_at_once_and_the_next_when_it_is_earned() {
    for own in [None, Some(700)] {
        let tokens = |times| TurnTokens {
            own,
            dropped: own.unwrap_or(0) * u64::from(times),
            ..false_endpoint(0, times)
        };
        let mut budget = TokenBudget::default();
        let limit = TokenShare::percent(10);
        assert!(budget.affords_another(limit));
        budget.false_endpoint();
        assert!(!budget.affords_another(limit), "before it is billed");
        budget.billed(tokens(1));
        let turns = (1..=TURNS).find(|_| {
            budget.billed(tokens(0));
            budget.affords_another(limit)
        });
        assert_eq!(turns, Some(16), "{own:?}");
        assert!(!budget.affords_another(TokenShare::percent(5)));
        budget.billed(tokens(7));
        assert!(!budget.affords_another(limit));
        assert!(budget.affords_another(TokenShare::percent(100)), "no limit");
    }
}

#[test]
fn what_plain_patience_dropped_is_not_charged() {
    let mut budget = TokenBudget::default();
    let cut_off = TurnTokens {
        false_endpoints: 0,
        ..false_endpoint(900, 3)
    };
    (0..TURNS).for_each(|_| budget.billed(cut_off));
    assert!(budget.affords_another(TokenShare::percent(10)));
}

#[test]
fn a_reply_that_was_dropped_at_little_cost_is_dared_more_readily() {
    let mut budget = TokenBudget::default();
    assert!((budget.relative_cost() - 1.0).abs() < 1e-9);
    budget.billed(TurnTokens {
        dropped: 700,
        ..false_endpoint(1_000, 1)
    });
    assert!((budget.relative_cost() - 0.7).abs() < 1e-9);
    budget.billed(TurnTokens {
        dropped: 10,
        ..false_endpoint(1_000, 1)
    });
    assert!(
        (budget.relative_cost() - 0.7).abs() < 1e-9,
        "the dearest one"
    );
}

/// The worst user: goes on after every early close that there is. The context grows and is halved.
#[test]
fn the_limit_holds_in_every_window_whatever_the_user_does() {
    for (percent, grows) in [(10, 0), (10, 40), (10, 300), (20, 300), (50, 100)] {
        let limit = TokenShare::percent(percent);
        let (mut budget, mut all, mut context) = (TokenBudget::default(), Vec::new(), 300);
        for _ in 0..400 {
            let mut times = 0;
            while budget.affords_another(limit) {
                budget.false_endpoint();
                times += 1;
            }
            let tokens = false_endpoint(context + 100, times);
            budget.billed(tokens);
            all.push(tokens);
            context += grows;
            if context > 12_000 {
                context = 6_000;
            }
        }
        let closes: u32 = all.iter().map(|tokens| tokens.false_endpoints).sum();
        assert!(
            closes >= 400 / 20,
            "{percent} {grows}: it is used, {closes}"
        );
        for window in all.windows(TURNS) {
            let wasted: u64 = window.iter().map(|tokens| tokens.dropped).sum();
            let own: u64 = window.iter().filter_map(|tokens| tokens.own).sum();
            let share = 100.0 * wasted as f64 / (own + wasted) as f64;
            assert!(share <= f64::from(percent), "{percent} {grows}: {share}");
        }
    }
}

#[test]
fn a_service_that_counts_nothing_begins_anew() {
    let uncounted = TurnTokens {
        own: None,
        ..turn(0)
    };
    let mut early = Early::default();
    early.billed(turn(1_000));
    early.forget_bills();
    for n in 0..60 {
        assert_eq!(close(&early, 900), EarlyClose::After(FIRST), "turn {n}");
        early.ended(ms(900));
        early.billed(uncounted);
    }
}
