use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};

use super::*;

/// A store of many turns in a closed file.
fn full(place: &Place) -> u64 {
    let mut database = place.open();
    for conversation in 0..30 {
        let turns: Vec<StoredTurn> = (1..=20)
            .map(|number| {
                turn(
                    number,
                    &format!("question {conversation} about {number}"),
                    &"answer ".repeat(40),
                )
            })
            .collect();
        keep(&mut database, &turns);
    }
    let speech = SpeechPiece {
        number: 21,
        at: at(0),
        first: 0,
        samples: vec![7; 30_000],
    };
    database
        .write(|batch| {
            batch.figures("figures of a month")?;
            batch.speech(ConversationId(30), &speech)
        })
        .expect("kept");
    database.sizes().expect("read").turns
}

fn overwrite(path: &Path, from: u64, bytes: &[u8]) {
    let mut file = fs::File::options().write(true).open(path).expect("there");
    file.seek(SeekFrom::Start(from)).expect("found");
    file.write_all(bytes).expect("written");
}

/// Opens a damaged store, reads all of it, and repairs it where that is needed; gives the turns that are left.
fn recovered(place: &Place) -> (u64, SetAside) {
    let (mut database, mut aside) =
        Database::open(&place.file()).expect("a damaged store is replaced");
    let whole = |database: &Database| -> Result<(), StoreError> {
        for found in database.list(&Filter::default())? {
            database.turns(found.id)?;
        }
        database.search("question answer", 0)?;
        database.unsent().map(drop)
    };
    if let Err(error) = whole(&database) {
        assert!(error.is_damage(), "{error}");
        let set_aside;
        (database, set_aside) = database.repair().expect("repaired");
        aside = set_aside;
    }
    whole(&database).expect("whole");
    keep(&mut database, &[turn(1, "life goes on", "")]);
    assert_eq!(database.search("life", 0).expect("read").len(), 1);
    let turns = database.sizes().expect("read").turns - 1;
    let aside = aside.expect("set aside");
    assert_eq!(aside.turns, turns);
    for found in database.list(&Filter::default()).expect("read") {
        assert!(found.ended > Timestamp::UNIX_EPOCH, "{found:?}");
    }
    assert!(aside.path.exists() && aside.path.parent() == Some(place.folder()));
    (turns, aside)
}

#[test]
fn garbage_is_set_aside_and_a_new_store_begun() {
    for bytes in [
        &b"this is no database, but long enough to be read as one"[..],
        &[0; 10_000],
        b"x",
    ] {
        let place = Place::new();
        fs::write(place.file(), bytes).expect("written");
        let (database, aside) = Database::open(&place.file()).expect("replaced");
        let aside = aside.expect("set aside");
        assert!(fs::read(&aside.path).expect("kept") == bytes);
        assert_eq!(aside.turns, 0);
        assert_eq!(database.list(&Filter::default()).expect("read"), []);
        let name = aside
            .path
            .file_name()
            .expect("named")
            .to_string_lossy()
            .into_owned();
        assert!(
            name.starts_with("conversations.damaged-20") && name.ends_with(".db"),
            "{name}"
        );
    }
    let place = Place::new();
    fs::write(place.file(), "").expect("written");
    drop(place.open());
}

#[test]
fn a_torn_header_or_first_page_loses_no_turn() {
    for (length, byte) in [(16, 0), (100, 0), (100, 0xa5), (4_096, 0)] {
        let place = Place::new();
        let turns = full(&place);
        overwrite(&place.file(), 0, &vec![byte; length]);
        let (left, _) = recovered(&place);
        assert_eq!(left, turns, "{length} bytes of {byte}");
        let database = place.open();
        let unsent = database.unsent().expect("read");
        assert_eq!((unsent.len(), unsent[0].samples.len()), (1, 30_000));
        let figures = database.figures().expect("read");
        assert_eq!(figures.as_deref(), Some("figures of a month"));
    }
}

#[test]
fn a_column_that_lost_its_name_is_damage() {
    let place = Place::new();
    let turns = full(&place);
    let mut bytes = fs::read(place.file()).expect("there");
    let column = b"assistant TEXT NOT NULL";
    let at = memchr::memmem::find(&bytes, column).expect("in the list of tables");
    bytes[at] = b'z';
    fs::write(place.file(), bytes).expect("written");
    let (left, _) = recovered(&place);
    assert_eq!(left, turns);
}

#[test]
fn torn_pages_lose_their_turns_alone() {
    let place = Place::new();
    let turns = full(&place);
    let whole = fs::read(place.file()).expect("there");
    let pages = whole.len() / 4_096;
    drop(place);
    let mut worst = turns;
    for page in (1..pages).filter(|page| page % 7 == 1 || whole[page * 4_096] == 5) {
        let place = Place::new();
        let mut torn = whole.clone();
        torn[page * 4_096..(page + 1) * 4_096].fill(if page % 2 == 0 { 0 } else { 0xff });
        fs::write(place.file(), torn).expect("written");
        let (mut database, aside) = Database::open(&place.file()).expect("opened");
        // Whatever the page was: nothing panics, and what can be read is read.
        let mut aside = aside;
        if let Err(error) =
            database.write(|batch| batch.turn(ConversationId(3), &turn(99, "more", "")))
        {
            assert!(error.is_damage(), "{error}");
            let set_aside;
            (database, set_aside) = database.repair().expect("repaired");
            aside = set_aside;
        }
        let read = |database: &Database| {
            let found = database.list(&Filter::default())?;
            found.iter().try_fold(0, |sum, found| {
                Ok::<_, StoreError>(sum + database.turns(found.id)?.len() as u64)
            })
        };
        let left = match read(&database) {
            Ok(left) => left,
            Err(error) => {
                assert!(error.is_damage(), "{error}");
                let (database, set_aside) = database.repair().expect("repaired");
                aside = set_aside;
                read(&database).expect("whole")
            }
        };
        assert!(
            left + 60 >= turns,
            "page {page}: {left} of {turns} turns, {aside:?}"
        );
        worst = worst.min(left);
    }
    assert!(worst < turns, "some page held turns");
}

#[test]
fn two_programs_replace_a_damaged_store_once() {
    let place = Place::new();
    full(&place);
    let (one, other) = (place.open(), place.open());
    let (one, aside) = one.repair().expect("replaced");
    assert!(aside.is_some());
    let (other, aside) = other.repair().expect("found whole");
    assert_eq!(aside, None);
    assert_eq!(
        one.sizes().expect("read").turns,
        other.sizes().expect("read").turns
    );
}

#[test]
fn half_a_file_keeps_its_half() {
    let place = Place::new();
    let turns = full(&place);
    let length = fs::metadata(place.file()).expect("there").len();
    let file = fs::File::options()
        .write(true)
        .open(place.file())
        .expect("there");
    file.set_len(length / 2).expect("cut");
    let (left, _) = recovered(&place);
    assert!(left > 0 && left < turns, "{left} of {turns}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_of_ours_is_an_error_in_words() {
    use std::os::unix::fs::PermissionsExt as _;
    for name in [FILE, "conversations.db-wal", "conversations.db-shm"] {
        let place = Place::new();
        let victim = place.folder().join("victim");
        fs::write(&victim, "precious").expect("written");
        std::os::unix::fs::symlink(&victim, place.folder().join(name)).expect("linked");
        let error = Database::open(&place.file())
            .expect_err("a link")
            .to_string();
        assert!(
            error.contains(name) && error.contains("is a link"),
            "{error}"
        );
        assert_eq!(fs::read(&victim).expect("there"), b"precious");
    }
    let place = Place::new();
    let made = std::process::Command::new("mkfifo")
        .arg(place.file())
        .status();
    assert!(made.expect("there is such a program").success());
    let error = Database::open(&place.file())
        .expect_err("a pipe")
        .to_string();
    assert!(error.contains("is a pipe or a device"), "{error}");
    let place = Place::new();
    fs::create_dir(place.file()).expect("made");
    let error = Database::open(&place.file())
        .expect_err("a folder")
        .to_string();
    assert!(error.contains("is a folder"), "{error}");
    // A database of somebody else is not touched.
    let place = Place::new();
    let other = rusqlite::Connection::open(place.file()).expect("made");
    other
        .execute_batch("CREATE TABLE x(y); INSERT INTO x VALUES(1);")
        .expect("made");
    drop(other);
    let before = fs::read(place.file()).expect("there");
    let error = Database::open(&place.file())
        .expect_err("foreign")
        .to_string();
    assert!(error.contains("another program"), "{error}");
    assert!(fs::read(place.file()).expect("there") == before);
    // Ours are for us alone, also where they were not.
    let place = Place::new();
    let mut database = place.open();
    keep(&mut database, &[turn(1, "a", "b")]);
    for file in [FILE, "conversations.db-wal", "conversations.db-shm"] {
        let mode = fs::metadata(place.folder().join(file))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    drop(database);
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o644)).expect("set");
    drop(place.open());
    let mode = fs::metadata(place.file())
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_full_disk_is_an_error_in_words_and_loses_nothing() {
    let place = Place::new();
    let mut database = place.open();
    let id = keep(&mut database, &[turn(1, "before", "")]);
    database.limit(1);
    let long = turn(2, &"many words ".repeat(10_000), "");
    let error = database
        .write(|batch| batch.turn(id, &long))
        .expect_err("no room");
    assert_eq!(error.to_string(), "the disk is full");
    assert_eq!(database.turns(id).expect("read").len(), 1);
    database.limit(1_000_000);
    database.write(|batch| batch.turn(id, &long)).expect("kept");
    assert_eq!(database.turns(id).expect("read").len(), 2);
}

#[test]
fn a_file_that_was_removed_or_replaced_is_noticed() {
    let place = Place::new();
    let mut database = place.open();
    keep(&mut database, &[turn(1, "a", "b")]);
    assert!(!database.is_moved());
    fs::rename(place.file(), place.folder().join("conversations.old.db")).expect("renamed");
    assert!(database.is_moved());
    drop(place.open());
    assert!(database.is_moved());
}
