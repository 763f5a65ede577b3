//! How long writing and reading take with 100 000 turns. Run by `scripts/measure-store`.

#![expect(clippy::print_stdout, reason = "for whoever runs the command")]

use std::time::Instant;

use super::*;

const TURNS: u64 = 100_000;
const TURNS_OF_A_CONVERSATION: u64 = 10;
const GOAL_WRITE: f64 = 100.0;
const GOAL_READ: f64 = 50.0;

/// Words of a made-up language, as frequent as words are: the first ones come everywhere, the last ones hardly ever.
fn words(seed: &mut u64, count: u64) -> String {
    const SYLLABLES: [&str; 16] = [
        "ka", "lo", "mi", "ner", "tu", "sha", "vel", "or", "pin", "da", "rus", "em", "ti", "gol",
        "an", "be",
    ];
    let mut next = |below: u64| {
        *seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    };
    let mut text = String::new();
    for _ in 0..count {
        let reach = 1 + next(14);
        let mut rank = next(1 << reach);
        loop {
            text += SYLLABLES[usize::try_from(rank % 16).expect("small")];
            rank /= 16;
            if rank == 0 {
                break;
            }
        }
        text.push(' ');
    }
    text
}

fn made(number: u64, seed: &mut u64) -> StoredTurn {
    let cjk = ["明日の天気を教えてください", "東京は晴れ、気温は二十度です"];
    let (user, assistant) = match number % 20 {
        0 => (cjk[0].repeat(2), cjk[1].repeat(6)),
        _ => (words(seed, 12), words(seed, 45)),
    };
    StoredTurn {
        at: at(i64::try_from(number).expect("small") * 20),
        outcome: if number.is_multiple_of(97) {
            "cut_off"
        } else {
            "answered"
        }
        .into(),
        record: "{\"schema\":\"sovereign.turn/1\",\"stages\":".to_owned()
            + &"{\"a\":1},".repeat(80)
            + "}",
        ..turn(number % TURNS_OF_A_CONVERSATION + 1, &user, &assistant)
    }
}

/// Prints the median and the slowest of some runs.
fn measured<T>(what: &str, goal: f64, mut run: impl FnMut() -> T) {
    let mut times: Vec<f64> = (0..15)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    let verdict = if slowest <= goal {
        ""
    } else {
        "  over the goal"
    };
    println!("{what:44} {median:8.2} ms {slowest:8.2} ms  goal {goal:3.0} ms{verdict}");
}

#[test]
#[ignore = "takes minutes, and gives figures: scripts/measure-store"]
fn a_store_of_100_000_turns() {
    let place = Place::new();
    let mut database = place.open();
    let mut seed = 7;
    let start = Instant::now();
    for conversation in 0..TURNS / TURNS_OF_A_CONVERSATION {
        let first = conversation * TURNS_OF_A_CONVERSATION;
        let turns: Vec<StoredTurn> = (first..first + TURNS_OF_A_CONVERSATION)
            .map(|number| made(number, &mut seed))
            .collect();
        keep(&mut database, &turns);
    }
    let size = database.sizes().expect("read");
    let took = start.elapsed().as_secs_f64();
    println!(
        "{} turns, {} MB, filled in {took:.0} s",
        size.turns,
        size.bytes / 1_000_000
    );
    println!("{:44} {:>11} {:>11}", "", "median", "slowest");

    let running = keep(&mut database, &[made(0, &mut seed)]);
    let mut number = 0;
    measured("write: a closed turn", GOAL_WRITE, || {
        number += 1;
        let turn = StoredTurn {
            number: number + 1,
            ..made(number, &mut seed)
        };
        database
            .write(|batch| batch.turn(running, &turn))
            .expect("kept");
    });
    measured("write: the same turn with other words", GOAL_WRITE, || {
        let turn = StoredTurn {
            number: 1,
            ..made(1, &mut seed)
        };
        database
            .write(|batch| batch.turn(running, &turn))
            .expect("kept");
    });
    measured("write: half a second of speech", GOAL_WRITE, || {
        number += 1;
        let piece = SpeechPiece {
            number: 1,
            at: at(0),
            first: number * 8_000,
            samples: vec![1; 8_000],
        };
        database
            .write(|batch| batch.speech(running, &piece))
            .expect("kept");
    });
    let mut victim = 100;
    measured("delete one conversation, for good", GOAL_WRITE, || {
        victim += 37;
        assert!(database.delete(ConversationId(victim)).expect("deleted"));
    });
    let listed = |filter: Filter| database.list(&Filter { most: 50, ..filter }).expect("read");
    measured("list: the newest 50", GOAL_READ, || {
        listed(Filter::default())
    });
    measured("list: all", GOAL_READ, || {
        database.list(&Filter::default()).expect("read")
    });
    let since = || Filter {
        since: Some(at(1_900_000)),
        ..Filter::default()
    };
    measured("list: of the last day", GOAL_READ, || listed(since()));
    for outcome in ["cut_off", "none such"] {
        let filter = || Filter {
            outcomes: vec![outcome.into()],
            ..Filter::default()
        };
        measured(&format!("list: outcome `{outcome}`"), GOAL_READ, || {
            listed(filter())
        });
    }
    let rare = "tishavel";
    for text in [
        "ka",
        "k",
        "lomi",
        "lo mi ner tu",
        rare,
        "zzzz",
        "天気",
        "気温は",
        "晴",
        "龍",
    ] {
        let filter = || Filter {
            text: text.into(),
            ..Filter::default()
        };
        measured(&format!("search as you type: `{text}`"), GOAL_READ, || {
            // As many as the window asks for.
            let filter = Filter {
                most: 100,
                ..filter()
            };
            database.list(&filter).expect("read")
        });
    }
    let narrow = || Filter {
        text: "ka".into(),
        outcomes: vec!["none such".into()],
        ..Filter::default()
    };
    measured("search: a common word, no such outcome", GOAL_READ, || {
        listed(narrow())
    });
    measured("search: 50 turns", GOAL_READ, || {
        database.search("lomi", 50).expect("read")
    });
    measured("open a conversation", GOAL_READ, || {
        database.turns(ConversationId(5_000)).expect("read")
    });
    let start = Instant::now();
    drop(database);
    let mut database = place.open();
    println!(
        "close and open again: {:.1} ms",
        start.elapsed().as_secs_f64() * 1_000.0
    );
    let start = Instant::now();
    database.delete_all().expect("deleted");
    println!(
        "delete all, for good: {:.1} s",
        start.elapsed().as_secs_f64()
    );
}
