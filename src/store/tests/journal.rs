//! A log that ends anywhere, as a program that is killed, or a power cut, leaves it.

#![expect(clippy::print_stdout, reason = "for whoever runs the command")]

use std::collections::BTreeSet;
use std::fs;

use super::*;

/// Bytes of the head of a log, and of a frame in it: a head and a page.
const HEAD: usize = 32;
const FRAME: usize = 24 + 4_096;
/// What a disk writes at once.
const SECTOR: usize = 512;
/// Tears are tried at every byte by `scripts/measure-store`, else around each transaction and at every so many bytes.
const SAMPLED: usize = 7_919;
/// What a disk may hold behind the last byte that was written.
const JUNK: u8 = 0xa5;

/// What was on the disk when the log had this length.
struct Committed {
    log: usize,
    turns: Vec<StoredTurn>,
    unsent: Vec<UnsentSpeech>,
}

/// The bytes of a store whose program was killed, and each state that was committed.
struct Left {
    file: Vec<u8>,
    log: Vec<u8>,
    states: Vec<Committed>,
}

const CONVERSATION: ConversationId = ConversationId(1);

/// Turns that run and are closed, and speech that waits and is answered, each in a transaction of its own; of a new store, or
/// of one that there was.
fn left(is_new: bool) -> Left {
    let place = Place::new();
    if !is_new {
        drop(place.open());
    }
    let log = connection::with_end(&place.file(), "-wal");
    let mut database = place.open();
    let mut states = Vec::new();
    let speech = |number: u64, first: u64| SpeechPiece {
        number,
        at: at(0),
        first,
        samples: vec![i16::try_from(number).expect("small"); 800],
    };
    for step in 0..6 {
        let number = step / 4 + 1;
        let open = StoredTurn {
            outcome: StoredTurn::OPEN.into(),
            record: String::new(),
            ..turn(number, "half a", "")
        };
        let kept = database.write(|batch| match step % 4 {
            0 if step == 0 => {
                batch.begin(at(0))?;
                batch.turn(CONVERSATION, &open)
            }
            0 => batch.turn(CONVERSATION, &open),
            1 => batch.speech(CONVERSATION, &speech(number, 0)),
            2 => batch.speech(CONVERSATION, &speech(number, 800)),
            _ => {
                batch.turn(CONVERSATION, &turn(number, "half a question", "an answer"))?;
                batch.answered(CONVERSATION, number)
            }
        });
        kept.expect("kept");
        states.push(Committed {
            log: usize::try_from(fs::metadata(&log).expect("there").len()).expect("small"),
            turns: database.turns(CONVERSATION).expect("read"),
            unsent: database.unsent().expect("read"),
        });
    }
    Left {
        file: fs::read(place.file()).expect("there"),
        log: fs::read(&log).expect("there"),
        states,
    }
}

/// Opens the store with another log, and compares it with what had been committed within the first `whole` bytes of the log.
fn is_restored(place: &Place, left: &Left, log: &[u8], whole: usize, what: &str) {
    fs::write(place.file(), &left.file).expect("written");
    fs::write(connection::with_end(&place.file(), "-wal"), log).expect("written");
    let database = place.open();
    let committed = left.states.iter().rev().find(|state| state.log <= whole);
    let (turns, unsent) =
        committed.map_or((&[][..], &[][..]), |state| (&state.turns, &state.unsent));
    assert_eq!(
        database.turns(CONVERSATION).expect("read"),
        turns,
        "{what} {whole}"
    );
    assert_eq!(database.unsent().expect("read"), unsent, "{what} {whole}");
    let found = database.search("half", 0).expect("read").len();
    assert_eq!(found, turns.len(), "{what} {whole}");
}

#[test]
fn a_log_that_is_torn_anywhere_holds_what_was_committed_before() {
    let is_whole_run = std::env::var_os("SOVEREIGN_MEASURE").is_some();
    for is_new in [true, false] {
        let left = left(is_new);
        let length = left.log.len();
        let around = |end: usize| [end - 1, end, (end + 1).min(length)];
        // Each tear in the log of a new store has the store made anew.
        let tears: BTreeSet<usize> = match (is_whole_run, is_new) {
            (true, false) => (0..=length).collect(),
            (true, true) => (HEAD..=length).step_by(FRAME).flat_map(around).collect(),
            (false, _) => {
                let ends = left.states.iter().flat_map(|state| around(state.log));
                ends.chain((0..length).step_by(SAMPLED)).collect()
            }
        };
        let tears: Vec<usize> = tears.into_iter().collect();
        let is_filled = |tear: usize| !is_whole_run || tear.is_multiple_of(SECTOR);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for part in tears.chunks(tears.len().div_ceil(threads)) {
                scope.spawn(|| tear(&left, part, is_filled));
            }
        });
        let filled = tears.iter().filter(|tear| is_filled(**tear)).count();
        println!(
            "log of {} store, {length} bytes, {} transactions: cut at {} places, and filled with zeros and junk from {filled} on: all that was committed before was restored",
            if is_new { "a new" } else { "an older" },
            left.states.len(),
            tears.len(),
        );
    }
}

fn tear(left: &Left, tears: &[usize], is_filled: impl Fn(usize) -> bool) {
    let place = Place::new();
    for tear in tears.iter().copied() {
        is_restored(&place, left, &left.log[..tear], tear, "cut at");
        // The length was written, and the bytes were not.
        if is_filled(tear) {
            let mut log = left.log.clone();
            for rest in [0, JUNK] {
                log[tear..].fill(rest);
                // What was there may have been the same.
                let mut both = left.log.iter().zip(&log);
                let whole = both.position(|(one, other)| one != other);
                let whole = whole.unwrap_or(log.len());
                is_restored(&place, left, &log, whole, "filled from");
            }
        }
    }
}
