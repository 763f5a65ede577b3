use super::*;

#[test]
fn words_their_beginnings_and_letters_are_found() {
    let place = Place::new();
    let mut database = place.open();
    let texts = [
        ("Where is the Café in Zürich?", "At the station."),
        ("", "東京都の天気は晴れです"),
        ("สวัสดีครับ", "สบายดีไหม"),
        ("한국어로 말해요", "네"),
        ("Stop it now 👩‍👩‍👧", "100% certain_ly"),
    ];
    for (user, assistant) in texts {
        keep(&mut database, &[turn(1, user, assistant)]);
    }
    let found = |text: &str| -> Vec<i64> {
        let hits = database.search(text, 10).expect("no text is an error");
        let listed = database
            .list(&Filter {
                text: text.into(),
                ..Filter::default()
            })
            .expect("no text is an error");
        let mut ids: Vec<i64> = listed.iter().map(|found| found.id.0).collect();
        ids.sort_unstable_by(|one, other| other.cmp(one));
        let hits: Vec<i64> = hits.iter().map(|hit| hit.conversation.0).collect();
        assert_eq!(hits, ids, "{text}");
        hits
    };
    for (text, expected) in [
        ("cafe zurich", &[1][..]),
        ("CAFÉ station", &[1]),
        ("zür", &[1]),
        ("zuri caf", &[1]),
        ("afé", &[1]),
        ("rich?", &[1]),
        ("天気", &[2]),
        ("東京都", &[2]),
        ("東", &[2]),
        ("สบาย", &[3]),
        ("말해", &[4]),
        ("s", &[5, 1]),
        ("👩‍👩‍👧", &[5]),
        ("👩", &[5]),
        ("0% c", &[5]),
        ("n_l", &[5]),
        ("%", &[5]),
        ("nothing like it", &[]),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
    assert_eq!(database.search("", 10).expect("read"), []);
    assert_eq!(database.search("s", 1).expect("read").len(), 1);
}

#[test]
fn a_query_is_data() {
    let place = Place::new();
    let mut database = place.open();
    keep(
        &mut database,
        &[turn(1, "say \"hello\" AND goodbye", "NEAR(here)")],
    );
    for text in [
        "\"",
        "\"\"",
        "'",
        "*",
        "hello*",
        "^hello",
        "-hello",
        "user:hello",
        "{user}: x",
        "(",
        ")",
        "NEAR(",
        "NOT",
        "AND",
        "OR x",
        "a + b",
        "\0",
        "hello\0goodbye",
        "\u{202e}",
        "👩",
        "\\",
        "%",
        "'; DROP TABLE turns; --",
        "\u{301}",
        "\u{fffd}",
        "a\u{0}",
        "…",
        "- -",
        "\" OR \"\"",
        &"long ".repeat(10_000),
        &"x".repeat(100_000),
        &"日".repeat(50_000),
    ] {
        let filter = Filter {
            text: text.into(),
            ..Filter::default()
        };
        database.list(&filter).expect(text);
        database.search(text, 5).expect(text);
    }
    assert_eq!(database.search("AND goodbye", 5).expect("read").len(), 1);
    assert_eq!(database.search("NEAR(here)", 5).expect("read").len(), 1);
}

proptest::proptest! {
    #[test]
    fn no_text_is_an_error(text in proptest::prelude::any::<String>()) {
        thread_local! {
            static STORE: (Place, Database) = {
                let place = Place::new();
                let mut database = place.open();
                keep(&mut database, &[turn(1, "hello", "world")]);
                (place, database)
            };
        }
        STORE.with(|(_, database)| database.search(&text, 5).map(drop)).expect("found or not");
    }
}
