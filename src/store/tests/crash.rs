//! A program that is killed while it keeps a conversation. Run by `scripts/measure-store`.

#![expect(clippy::print_stdout, reason = "for whoever runs the command")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use super::*;

/// Tells the child where to write.
const FOLDER: &str = "SOVEREIGN_TEST_STORE";
const KILLS: u32 = 1_000;
/// Samples of a piece of speech.
const PIECE: u64 = 4_000;

fn words(number: u64) -> String {
    format!("turn number {number}")
}

fn open_turn(number: u64) -> StoredTurn {
    StoredTurn {
        outcome: StoredTurn::OPEN.into(),
        record: String::new(),
        ..turn(number, &words(number), "")
    }
}

fn closed_turn(number: u64) -> StoredTurn {
    turn(number, &words(number), &"answer ".repeat(100))
}

fn piece(number: u64, first: u64) -> SpeechPiece {
    let sample = i16::try_from(number % 1_000).expect("small");
    SpeechPiece {
        number,
        at: at(0),
        first,
        samples: vec![sample; usize::try_from(PIECE).expect("small")],
    }
}

/// Waits until all that was written before is on the disk.
async fn synchronise(store: &mut Store, id: ConversationId) {
    store.ask(Query::Open(id));
    while !matches!(store.next().await, StoreEvent::Opened { .. }) {}
}

fn say(words: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{words}")
        .and_then(|()| out.flush())
        .expect("read by the parent");
}

/// Keeps a conversation without an end as the program does, and says what is kept of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "the child of the test below"]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let file = Path::new(&folder).join(FILE);
    let mut store = Store::start(Some(file), Retention::Forever);
    store.ask(Query::Left);
    let unsent = loop {
        if let StoreEvent::Left { unsent, .. } = store.next().await {
            break unsent;
        }
    };
    for speech in unsent {
        let (conversation, number) = (store.go_on(speech.conversation), speech.number);
        store.write(Write::Answered {
            conversation,
            number,
        });
    }
    let conversation = store.begin();
    let write = |store: &Store, turn| store.write(Write::Turn { conversation, turn });
    write(&store, open_turn(1));
    let id = loop {
        if let StoreEvent::Begun { id, .. } = store.next().await {
            break id;
        }
    };
    say(&format!("\nbegun {}", id.0));
    for number in 1.. {
        write(&store, open_turn(number));
        for first in [0, PIECE] {
            let piece = piece(number, first);
            store.write(Write::Speech {
                conversation,
                piece,
            });
        }
        synchronise(&mut store, id).await;
        say(&format!("spoken {number}"));
        write(&store, closed_turn(number));
        store.write(Write::Answered {
            conversation,
            number,
        });
        synchronise(&mut store, id).await;
        say(&format!("answered {number}"));
    }
}

/// What the child said before it was killed.
#[derive(Debug, Default)]
struct Confirmed {
    id: Option<ConversationId>,
    spoken: u64,
    answered: u64,
}

/// Runs the child until it has said so many lines, and a moment longer.
fn run_and_kill(folder: &Path, lines: u32, moment: Duration) -> Confirmed {
    let this = std::env::current_exe().expect("this program");
    let name = "store::tests::crash::child";
    let mut child = Command::new(this)
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let mut output = output.lines().map_while(Result::ok);
    let mut confirmed = Confirmed::default();
    let mut said = 0;
    while said < lines {
        let line = output.next().expect("it goes on");
        said += u32::from(confirmed.take(&line));
    }
    std::thread::sleep(moment);
    child.kill().expect("killed");
    for line in output {
        confirmed.take(&line);
    }
    child.wait().expect("ended");
    confirmed
}

impl Confirmed {
    /// Takes a line in; says whether it is one of the child, and not of the harness.
    fn take(&mut self, line: &str) -> bool {
        let Some((what, Ok(number))) = line.split_once(' ').map(|(what, n)| (what, n.parse()))
        else {
            return false;
        };
        match what {
            "begun" => self.id = Some(ConversationId(number)),
            "spoken" => self.spoken = number.unsigned_abs(),
            "answered" => self.answered = number.unsigned_abs(),
            _ => return false,
        }
        true
    }
}

/// Holds what is kept of a conversation to what was confirmed; gives the number of its turns.
fn assert_kept(database: &Database, confirmed: &Confirmed) -> usize {
    let Some(id) = confirmed.id else {
        return 0;
    };
    let kept = database.turns(id).expect("read");
    let least = confirmed.spoken.max(1);
    assert!(
        kept.len() as u64 >= least,
        "{} turns, {confirmed:?}",
        kept.len()
    );
    for (turn, number) in kept.iter().zip(1..) {
        let is_last = number == kept.len() as u64;
        let may_be_open = is_last && number > confirmed.answered;
        let is_whole = *turn == closed_turn(number) || may_be_open && *turn == open_turn(number);
        assert!(is_whole, "{turn:?}, {confirmed:?}");
    }
    let unsent = database.unsent().expect("read");
    let unsent = unsent.iter().filter(|speech| speech.conversation == id);
    let mut numbers = Vec::new();
    for speech in unsent {
        assert!(speech.number > confirmed.answered, "{confirmed:?}");
        let sample = piece(speech.number, 0).samples[0];
        assert!(speech.samples.iter().all(|found| *found == sample));
        let is_confirmed = speech.number == confirmed.spoken;
        assert!(
            !is_confirmed || speech.samples.len() as u64 == 2 * PIECE,
            "{confirmed:?}"
        );
        numbers.push(speech.number);
    }
    let is_waiting =
        kept.last().is_some_and(StoredTurn::is_open) && confirmed.spoken > confirmed.answered;
    let last = kept.len() as u64;
    assert!(
        !is_waiting || last > confirmed.spoken || numbers.contains(&last),
        "{numbers:?}, {confirmed:?}"
    );
    kept.len()
}

/// The conversation that the next program goes on with.
fn left_running(place: &Place) -> Option<ConversationId> {
    let text = std::fs::read_to_string(place.file().with_extension("lock")).ok()?;
    text.trim().parse().ok().map(ConversationId)
}

#[test]
#[ignore = "takes minutes: scripts/measure-store"]
fn a_thousand_kills_lose_nothing() {
    let place = Place::new();
    let (mut turns, mut all) = (0, Vec::new());
    let (mut spoken, mut begun) = (0, 0);
    for _ in 0..KILLS {
        let moment = Duration::from_micros(rand::random_range(0..12_000));
        let lines = rand::random_range(0..24);
        let confirmed = run_and_kill(place.folder(), lines, moment);
        let database = place.open();
        turns += assert_kept(&database, &confirmed);
        if confirmed.spoken > 0 {
            assert!(left_running(&place) >= confirmed.id, "{confirmed:?}");
        }
        spoken += u32::from(confirmed.spoken > confirmed.answered);
        begun += u32::from(confirmed.id.is_some());
        all.push((confirmed.id, confirmed.answered));
    }
    let database = place.open();
    for (id, answered) in &all {
        let kept = id.map_or_else(Vec::new, |id| database.turns(id).expect("read"));
        let whole = kept
            .iter()
            .zip(1..)
            .filter(|(turn, number)| **turn == closed_turn(*number));
        assert!(whole.count() as u64 >= *answered, "{id:?}");
    }
    println!(
        "{KILLS} kills at random points, {begun} of them within a conversation and {spoken} with speech that waited: {turns} turns, nothing lost"
    );
}
