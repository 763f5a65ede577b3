use super::*;

const DAY: i64 = 86_400;

/// Whether bytes occur in any file of the folder, as they are or as UTF-16.
fn is_anywhere(folder: &Path, words: &str, bytes: &[u8]) -> bool {
    let utf16: Vec<u8> = words.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let files = std::fs::read_dir(folder).expect("a folder").flatten();
    files
        .map(|file| std::fs::read(file.path()).expect("read"))
        .any(|found| {
            [words.as_bytes(), &utf16, bytes]
                .iter()
                .any(|needle| memchr::memmem::find(&found, needle).is_some())
        })
}

fn secret_turns() -> Vec<StoredTurn> {
    (1..40)
        .map(|number| {
            let words = "xylophone marmalade ".repeat(if number % 7 == 0 { 500 } else { 1 });
            turn(number, &format!("{words}{number}"), "quetzalcoatl")
        })
        .collect()
}

fn is_gone(place: &Place) {
    let pcm = batch::bytes_of(&[12_345; 64]);
    for words in [
        "xylophone",
        "marmalade",
        "quetzalcoatl",
        "quetzalco",
        "xylo",
    ] {
        assert!(!is_anywhere(place.folder(), words, &pcm), "{words}");
    }
}

fn with_secrets(place: &Place) -> (Database, ConversationId) {
    let mut database = place.open();
    keep(&mut database, &[turn(1, "unrelated", "stays")]);
    let id = keep(&mut database, &secret_turns());
    let samples = vec![12_345; 5_000];
    database
        .write(|batch| {
            let piece = SpeechPiece {
                number: 9,
                at: at(0),
                first: 0,
                samples: samples.clone(),
            };
            batch.speech(id, &piece)?;
            let audio = StoredAudio {
                number: 1,
                side: Side::User,
                rate: crate::base::units::SampleRate::WORKING,
                samples,
            };
            batch.audio(id, at(0), &audio)
        })
        .expect("kept");
    // Words that were replaced are not kept either.
    database
        .write(|batch| batch.turn(id, &turn(3, "other", "")))
        .expect("kept");
    keep(&mut database, &[turn(1, "unrelated too", "stays")]);
    std::fs::write(
        place.folder().join("conversations.damaged-1.db"),
        "xylophone",
    )
    .expect("written");
    assert!(is_anywhere(
        place.folder(),
        "xylophone",
        &batch::bytes_of(&[12_345; 64])
    ));
    (database, id)
}

#[test]
fn what_is_deleted_is_in_no_file() {
    let place = Place::new();
    let (mut database, id) = with_secrets(&place);
    assert!(database.delete(id).expect("deleted"));
    is_gone(&place);
    assert!(!database.delete(id).expect("there is none"));
    assert_eq!(database.search("xylophone", 0).expect("read"), []);
    assert_eq!(database.search("unrelated", 0).expect("read").len(), 2);
    assert_eq!(database.unsent().expect("read"), []);
    // The number is not used again, and a running conversation goes on under it.
    let next = keep(&mut database, &[turn(1, "next", "")]);
    assert!(next > id);
    database
        .write(|batch| batch.turn(id, &turn(50, "goes on", "")))
        .expect("kept");
    assert_eq!(database.turns(id).expect("read").len(), 1);
}

#[test]
fn all_that_is_deleted_is_in_no_file() {
    let place = Place::new();
    let (mut database, _) = with_secrets(&place);
    let before = database.sizes().expect("read").bytes;
    assert_eq!(database.delete_all().expect("deleted"), 3);
    is_gone(&place);
    let size = database.sizes().expect("read");
    assert_eq!((size.conversations, size.turns), (0, 0));
    assert!(size.bytes < before / 2, "{size:?}, before {before}");
    let id = keep(&mut database, &[turn(1, "begun again", "")]);
    assert!(database.delete(id).expect("deleted"));
    assert_eq!(database.search("again", 0).expect("read"), []);
}

#[test]
fn what_another_program_still_reads_is_scrubbed_later() {
    let place = Place::new();
    let (mut database, id) = with_secrets(&place);
    let mut reader = connection::open(&place.file()).expect("opened");
    let reading = reader.transaction().expect("begun");
    reading
        .query_row("SELECT count(*) FROM turns", [], |_| Ok(()))
        .expect("read");
    assert!(database.delete(id).expect("deleted"));
    assert!(database.is_unscrubbed());
    let error = database.scrub().expect_err("not yet");
    assert!(matches!(error, StoreError::Busy), "{error}");
    assert_eq!(database.turns(id).expect("read"), []);
    drop(reading);
    database.scrub().expect("now");
    drop(reader);
    is_gone(&place);
}

#[test]
fn conversations_expire_after_their_last_turn_whatever_the_clock_does() {
    let place = Place::new();
    let mut database = place.open();
    let month = Retention::For(Duration::from_secs(30 * 86_400));
    let of_day = |day: i64, number: u64| StoredTurn {
        at: at(day * DAY),
        ..turn(number, "words", "")
    };
    let old = keep(&mut database, &[of_day(0, 1)]);
    let continued = keep(&mut database, &[of_day(1, 1), of_day(40, 2)]);
    // The clock is set back by weeks, and lost altogether, and then right again.
    let set_back = keep(&mut database, &[of_day(5, 1)]);
    let lost = keep(
        &mut database,
        &[StoredTurn {
            at: Timestamp::UNIX_EPOCH,
            ..of_day(0, 1)
        }],
    );
    let mut expire = |retention, day| {
        database
            .expire(retention, at(day * DAY), 10)
            .expect("expired")
    };
    assert_eq!(expire(month, -400), 0, "in the past");
    assert_eq!(expire(Retention::Forever, 999), 0);
    assert_eq!(expire(Retention::Off, 999), 0);
    assert_eq!(expire(month, 29), 0);
    assert_eq!(expire(month, 31), 1);
    assert_eq!(expire(month, 69), 0);
    let ids: Vec<ConversationId> = database
        .list(&Filter::default())
        .expect("read")
        .iter()
        .map(|found| found.id)
        .collect();
    assert_eq!(ids, [continued, set_back, lost]);
    assert_eq!(database.turns(old).expect("read"), []);
    assert_eq!(database.expire(month, at(71 * DAY), 2).expect("expired"), 2);
    assert_eq!(database.expire(month, at(71 * DAY), 2).expect("expired"), 1);
    // A clock that was years ahead does not keep for years what comes after it.
    keep(&mut database, &[of_day(4_000, 1)]);
    let after = keep(&mut database, &[of_day(80, 1)]);
    assert_eq!(
        database.expire(month, at(120 * DAY), 9).expect("expired"),
        1
    );
    assert_eq!(database.turns(after).expect("read"), []);
}
