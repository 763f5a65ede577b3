//! A program that is killed while it writes. Run by `scripts/measure-store`.

#![expect(clippy::print_stdout, reason = "for whoever runs the command")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::*;

/// Tells the child where to write.
const FOLDER: &str = "SOVEREIGN_TEST_STORE";
const KILLS: u32 = 1_000;

/// Writes turns and speech without an end, and says which are kept.
#[test]
#[ignore = "the child of the test below"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let (mut database, _) = Database::open(&Path::new(&folder).join(FILE)).expect("opened");
    let id = ConversationId(1);
    let first = database.turns(id).expect("read").len() as u64 + 1;
    for number in first.. {
        let turn = turn(
            number,
            &format!("turn number {number}"),
            &"answer ".repeat(100),
        );
        let piece = SpeechPiece {
            number,
            at: at(0),
            first: 0,
            samples: vec![1; 8_000],
        };
        database
            .write(|batch| {
                batch.turn(id, &turn)?;
                batch.speech(id, &piece)?;
                batch.answered(id, number.saturating_sub(1))
            })
            .expect("kept");
        let mut out = std::io::stdout();
        writeln!(out, "kept {number}")
            .and_then(|()| out.flush())
            .expect("read by the parent");
    }
}

#[test]
#[ignore = "takes minutes: scripts/measure-store"]
fn a_thousand_kills_lose_nothing() {
    let place = Place::new();
    let this = std::env::current_exe().expect("this program");
    let mut newest = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(&this)
            .args([
                "--exact",
                "store::tests::crash::child",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, place.folder())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let after = Duration::from_micros(rand::random_range(5_000..60_000));
        std::thread::sleep(after);
        child.kill().expect("killed");
        let output = child.stdout.take().expect("piped");
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // The test harness writes on the same line.
            if let Some((_, number)) = line.rsplit_once("kept ") {
                newest = number.parse().expect("a number");
            }
        }
        child.wait().expect("ended");
        let database = place.open();
        let kept = database.turns(ConversationId(1)).expect("read");
        assert!(
            kept.len() as u64 >= newest,
            "kill {kill}: {} of {newest}",
            kept.len()
        );
        let is_whole = |(turn, number): (&StoredTurn, u64)| {
            turn.number == number && turn.user == format!("turn number {number}")
        };
        assert!(kept.iter().zip(1..).all(is_whole), "kill {kill}");
        let unsent = database.unsent().expect("read");
        let numbers: Vec<u64> = unsent.iter().map(|speech| speech.number).collect();
        let last: Vec<u64> = kept.last().map(|turn| turn.number).into_iter().collect();
        assert_eq!(numbers, last, "kill {kill}: the last turn is not answered");
        if kept.len() > 2_000 {
            drop(database);
            place.open().delete_all().expect("deleted");
            newest = 0;
        }
    }
    println!("{KILLS} kills, nothing lost");
}
