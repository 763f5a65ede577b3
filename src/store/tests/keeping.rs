use super::*;
use crate::base::units::SampleRate;

#[test]
fn what_is_kept_is_there_after_a_restart() {
    let place = Place::new();
    let mut database = place.open();
    assert_eq!(database.list(&Filter::default()).expect("read"), []);
    let open = StoredTurn {
        outcome: StoredTurn::OPEN.into(),
        response: None,
        record: String::new(),
        ..turn(1, "What is", "")
    };
    let id = keep(&mut database, &[open]);
    let turns = [
        turn(1, "What is\nthe time?", "Noon."),
        turn(2, "", "Anything else?"),
    ];
    database
        .write(|batch| turns.iter().try_for_each(|turn| batch.turn(id, turn)))
        .expect("kept");
    let other = StoredTurn {
        profile: "ultra-fast".into(),
        ..turn(7, "Another one", "Yes.")
    };
    let other = keep(&mut database, &[other]);
    assert!(other > id);
    drop(database);
    let database = place.open();
    assert_eq!(database.turns(id).expect("read"), turns);
    let found = database.list(&Filter::default()).expect("read");
    assert_eq!(found.len(), 2);
    let summary = ConversationSummary {
        id,
        begun: at(10),
        ended: at(20),
        title: "What is the time?".into(),
        turns: 2,
        profile: "balanced".into(),
        response: Some(Duration::from_millis(501)),
        passage: None,
    };
    assert_eq!((found[0].id, &found[1]), (other, &summary), "newest first");
    assert_eq!(database.conversation(id).expect("read"), Some(summary));
    let missing = ConversationId(99);
    assert_eq!(database.conversation(missing).expect("read"), None);
    assert_eq!(database.turns(missing).expect("read"), []);
    let size = database.sizes().expect("read");
    assert_eq!((size.conversations, size.turns), (2, 3));
    assert!(size.bytes > 4_096);
}

#[test]
fn a_turn_of_one_conversation_meets_all_conditions() {
    let place = Place::new();
    let mut database = place.open();
    let of = |number: u64, profile: &str, outcome: &str| StoredTurn {
        profile: profile.into(),
        outcome: outcome.into(),
        ..turn(number, "the same words", "")
    };
    let mixed = keep(
        &mut database,
        &[of(1, "a", "answered"), of(2, "b", "cut_off")],
    );
    let plain = keep(&mut database, &[of(3, "a", "answered")]);
    let ids = |filter: Filter| -> Vec<ConversationId> {
        let found = database.list(&filter).expect("read");
        found.iter().map(|found| found.id).collect()
    };
    for text in ["", "words"] {
        let filter = |since: Option<i64>, profile: Option<&str>, outcome: Option<&str>| Filter {
            text: text.into(),
            since: since.map(at),
            profile: profile.map(str::to_owned),
            outcomes: outcome.into_iter().map(str::to_owned).collect(),
            most: 0,
        };
        assert_eq!(ids(filter(None, None, None)), [plain, mixed]);
        assert_eq!(ids(filter(None, Some("b"), None)), [mixed]);
        assert_eq!(ids(filter(None, Some("b"), Some("cut_off"))), [mixed]);
        assert_eq!(ids(filter(None, Some("a"), Some("cut_off"))), []);
        assert_eq!(ids(filter(Some(25), None, None)), [plain]);
        assert_eq!(ids(filter(Some(15), None, Some("answered"))), [plain]);
        let newest = Filter {
            most: 1,
            ..filter(None, None, None)
        };
        assert_eq!(ids(newest), [plain]);
    }
}

#[test]
fn unsent_speech_waits_for_its_answer() {
    let place = Place::new();
    let mut database = place.open();
    let piece = |number, first: u64, samples: &[i16]| SpeechPiece {
        number,
        at: at(i64::try_from(first % 100).expect("small")),
        first,
        samples: samples.to_vec(),
    };
    let id = database.write(|batch| batch.begin(at(0))).expect("begun");
    let pieces = [
        piece(1, 0, &[1, 2, 3]),
        piece(1, 3, &[-4, i16::MIN]),
        // Again, and further.
        piece(1, 4, &[i16::MIN, 6]),
        piece(1, 8, &[9]),
        piece(2, 0, &[7]),
        piece(3, 1 << 40, &[8]),
        piece(3, 1 << 50, &[8]),
    ];
    database
        .write(|batch| pieces.iter().try_for_each(|piece| batch.speech(id, piece)))
        .expect("kept");
    let listed = database.list(&Filter::default()).expect("read");
    assert_eq!(listed, [], "no turn yet");
    drop(database);
    let mut database = place.open();
    let unsent = database.unsent().expect("read");
    assert_eq!(unsent.len(), 3);
    let first = UnsentSpeech {
        conversation: id,
        number: 1,
        begun: at(0),
        samples: vec![1, 2, 3, -4, i16::MIN, 6, 0, 0, 9],
    };
    assert_eq!(unsent[0], first);
    assert_eq!(unsent[2].samples.len(), 8_002, "a gap is bounded");
    database
        .write(|batch| batch.answered(id, 1).and(batch.answered(id, 3)))
        .expect("forgotten");
    assert_eq!(database.unsent().expect("read")[0].number, 2);
}

#[test]
fn sound_is_kept_by_side() {
    let place = Place::new();
    let mut database = place.open();
    let id = keep(&mut database, &[turn(1, "a", "b")]);
    let audio = |number, side, rate| StoredAudio {
        number,
        side,
        rate,
        samples: vec![1, -2],
    };
    let kept = [
        audio(1, Side::User, SampleRate::WORKING),
        audio(1, Side::Assistant, SampleRate::REPLY),
        audio(2, Side::User, SampleRate::WORKING),
    ];
    database
        .write(|batch| {
            kept.iter()
                .rev()
                .chain(&kept[..1])
                .try_for_each(|audio| batch.audio(id, at(0), audio))
        })
        .expect("kept");
    assert_eq!(database.audio(id).expect("read"), kept);
}

#[test]
fn two_programs_keep_their_turns_in_one_store() {
    let place = Place::new();
    let databases = [place.open(), place.open()];
    std::thread::scope(|scope| {
        for mut database in databases {
            scope.spawn(move || {
                for number in 1..=50 {
                    keep(&mut database, &[turn(number, "hello", "world")]);
                }
            });
        }
    });
    let size = place.open().sizes().expect("read");
    assert_eq!((size.conversations, size.turns), (100, 100));
}

#[test]
fn what_a_transcript_may_hold_comes_back_as_it_was() {
    let place = Place::new();
    let mut database = place.open();
    let long = "words and more words ".repeat(500_000);
    for text in ["\u{202e}abc\u{0}def\u{1b}[2J", "", "\u{10ffff}👩‍👩‍👧", &long] {
        let kept = [turn(1, text, text)];
        let id = keep(&mut database, &kept);
        assert_eq!(database.turns(id).expect("read"), kept);
        assert!(database.delete(id).expect("deleted"));
    }
}

#[test]
fn earlier_schemas_are_brought_up_to_date_and_later_ones_left_alone() {
    use crate::store::schema::{STEPS, migrate};
    let place = Place::new();
    let mut database = place.open();
    let id = keep(&mut database, &[turn(1, "kept by the earlier program", "")]);
    drop(database);
    let mut connection = connection::open(&place.file()).expect("opened");
    let mut steps = STEPS.to_vec();
    steps.push("ALTER TABLE turns ADD COLUMN mood TEXT; SELECT nonsense;");
    migrate(&mut connection, &steps).expect_err("a step that fails");
    steps.pop();
    steps.push("ALTER TABLE turns ADD COLUMN mood TEXT NOT NULL DEFAULT 'fine'");
    migrate(&mut connection, &steps).expect("the failed step left nothing");
    migrate(&mut connection, &steps).expect("nothing to do");
    let mood: String = connection
        .query_row(
            "SELECT mood FROM turns WHERE conversation = ?",
            [id.0],
            |row| row.get(0),
        )
        .expect("read");
    assert_eq!(mood, "fine");
    drop(connection);
    // This program is the older one now.
    let before = std::fs::read(place.file()).expect("there");
    let error = Database::open(&place.file()).expect_err("newer");
    assert!(error.to_string().contains("newer version"), "{error}");
    assert!(std::fs::read(place.file()).expect("there") == before);
    assert_eq!(
        std::fs::read_dir(place.folder()).expect("a folder").count(),
        1
    );
}

#[test]
fn a_conversation_is_called_by_its_first_words_or_as_it_is_told_once() {
    let place = Place::new();
    let mut database = place.open();
    let titles = |database: &Database| {
        let list = database.list(&Filter::default()).expect("a list");
        list.into_iter()
            .map(|summary| summary.title)
            .collect::<Vec<_>>()
    };
    let id = keep(&mut database, &[turn(1, "You spoke", "")]);
    assert_eq!(titles(&database), ["You spoke"]);
    let keep = |database: &mut Database, turn: &StoredTurn| {
        database.write(|batch| batch.turn(id, turn)).expect("kept");
    };
    let whole = turn(1, "You spoke for 2.1 seconds.", "Your own voice.");
    keep(&mut database, &whole);
    let named = StoredTurn {
        title: Some("Demo, 14:05".into()),
        ..turn(2, "Hello.", "Hi.")
    };
    assert_eq!(titles(&database), ["You spoke for 2.1 seconds."]);
    keep(&mut database, &named);
    // After a restart nobody tells it again.
    keep(&mut database, &turn(3, "What is the time?", "Noon."));
    assert_eq!(titles(&database), ["Demo, 14:05"]);
}
