//! A log that ends anywhere, as a program that is killed, or a power cut, leaves it.

#![expect(clippy::print_stdout, reason = "for whoever runs the command")]

use std::collections::BTreeSet;
use std::fs;

use super::*;

/// Bytes of the head of a log, and of a frame in it: a head and a page.
const HEAD: usize = 32;
const FRAME: usize = 24 + 4_096;
/// Tears are tried at every byte by `scripts/measure-store`, else at each frame and at every so many bytes.
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

/// Turns that run, are closed and change, and speech that waits and is answered, each in a transaction of its own.
fn left() -> Left {
    let place = Place::new();
    let log = connection::with_end(&place.file(), "-wal");
    let mut database = place.open();
    let mut states = Vec::new();
    let speech = |number: u64, first: u64| SpeechPiece {
        number,
        at: at(0),
        first,
        samples: vec![i16::try_from(number).expect("small"); 800],
    };
    for step in 0..12 {
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
                // The last one waits.
                if number == 3 {
                    return Ok(());
                }
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
    let left = left();
    let length = left.log.len();
    assert_eq!((length - HEAD) % FRAME, 0, "the log has whole frames");
    let is_whole_run = std::env::var_os("SOVEREIGN_MEASURE").is_some();
    let frames = (HEAD..=length).step_by(FRAME);
    let tears: BTreeSet<usize> = if is_whole_run {
        (0..=length).collect()
    } else {
        let around = frames.clone().flat_map(|end| [end - 1, end, end + 1]);
        let around = around.filter(|tear| *tear <= length);
        around.chain((0..length).step_by(SAMPLED)).collect()
    };
    let tears: Vec<usize> = tears.into_iter().collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for part in tears.chunks(tears.len().div_ceil(threads)) {
            let left = &left;
            scope.spawn(move || {
                let place = Place::new();
                for tear in part.iter().copied() {
                    is_restored(&place, left, &left.log[..tear], tear, "cut at");
                    // The length was written, and the bytes were not: by sectors.
                    if tear % 512 == HEAD {
                        let mut log = left.log.clone();
                        for rest in [0, JUNK] {
                            log[tear..].fill(rest);
                            is_restored(&place, left, &log, tear, "filled from");
                        }
                    }
                }
            });
        }
    });
    println!(
        "log of {length} bytes, {} transactions: torn at {} places, and filled with zeros or junk from {} on; what was committed before was restored each time",
        left.states.len(),
        tears.len(),
        tears.iter().filter(|tear| **tear % 512 == HEAD).count(),
    );
}
