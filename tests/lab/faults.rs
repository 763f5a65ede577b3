//! Whole conversations under faults: each class of the fault catalogue that can be brought about here, in each state of a
//! turn. Three verdicts: the program goes on; what was said is answered, once and as a whole; the right state is shown.

mod bring_about;
mod computer;
mod network;
mod protocol;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use sovereign::base::ids::Mark;
use sovereign::conversation::Event;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, Link, Snapshot};
use sovereign::telemetry::record::TurnRecord;
use sovereign::turn::machine::Outcome;

pub(crate) use self::bring_about::{Fault, inject};
use crate::parallel::in_parallel;
use crate::questions::{answered, cheap_world, last_turn, said_at_16_khz as said, sleep};
use crate::support::line::Mode;
use crate::support::tcp::Way;
use crate::support::{Running, World, simulate};
use crate::table::{Table, full};

/// A class of the catalogue, and what happens.
#[derive(Clone, Copy, Debug)]
struct Class(&'static str, &'static str, Fault);

/// When it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Speaking,
    Sending,
    Thinking,
    Answering,
    Muted,
    Reconnecting,
}

const STATES: [State; 7] = [
    State::Idle,
    State::Speaking,
    State::Sending,
    State::Thinking,
    State::Answering,
    State::Muted,
    State::Reconnecting,
];

/// Classes that are not in the table, and why.
const ELSEWHERE: &str = "Not in the table, because the simulation has no such part: N3 (TLS over real sockets: tests of \
    `src/provider/connection/tls.rs`), N16 (caps of the service: here they are N15; see `day`), N21 (clocks: the program's \
    logic is told a monotonic time), P13 with late audio and P17 (arguments of calls: no function is offered), A1, A4, A5, A7 to \
    A19, A22 to A27 (the simulated desk has two devices that can be away: tests of `src/audio`; echo: `echo-*`), C1 to C9, C11 \
    to C13, C15 (files: tests of `src/settings` and `src/store`, `tests/stage/hostile_config.py`), U1 to U12 (window, display, \
    signals: `tests/integration/ui`, `tests/stage/hostile_window.py`, `hostile_process.py`), R1, R2 (`day`), R4 to R8, R10 (limits \
    of the system: `tests/stage/hostile_process.py`; the store: `scripts/measure-store`).";

/// A service that answers with three seconds of sound, as fast as it sounds; the second answer may have the fault.
fn world(fault: Fault, state: State, folder: &Path) -> World {
    let good = "[{speed: 1}, {say: Yes., ms: 3000}]";
    let first = if state == State::Thinking {
        "{wait: 300}"
    } else {
        "{say: Half., ms: 1000}"
    };
    let faulty = if let Fault::Script(steps) = fault {
        format!("[{{speed: 1}}, {first}, {steps}, {{say: Yes., ms: 3000}}]")
    } else {
        good.to_owned()
    };
    let resumption = if let Fault::Resumes(how) = fault {
        how
    } else {
        "true"
    };
    let text = format!(
        "think_ms: 1500\nonce: true\nresumption: {resumption}\nturns: [{good}, {faulty}, {good}, {good}, {good}, {good}]\n"
    );
    let mut world = cheap_world(&text);
    world.way = Some(Way::of(Duration::from_millis(50)));
    if let Fault::Drifts(ppm) = fault {
        world.desk.drift_ppm = (ppm, -ppm);
    }
    if matches!(fault, Fault::StateRemoved | Fault::StateReplaced) {
        world.state = Some(folder.to_owned());
    }
    world
}

/// Two repetitions of the voice are said in each cell.
const SAID: usize = 2;

/// Brings a state about. Says whether something was said that is to be answered.
async fn begin(world: &mut Running, state: State) -> bool {
    match state {
        State::Idle => sleep(1_000).await,
        State::Muted => world.tell(Command::SetMuted(true)).await,
        State::Speaking => {
            world.desk.speak(&said(SAID));
            sleep(1_000).await;
        }
        State::Sending | State::Thinking => {
            world.speak(&said(SAID)).await;
            sleep(if state == State::Sending { 305 } else { 1_200 }).await;
        }
        State::Answering => {
            world.speak(&said(SAID)).await;
            world.audible().await;
            sleep(500).await;
        }
        State::Reconnecting => {
            world.line.set(Mode::Refuses);
            world.cut();
            sleep(300).await;
            world.speak(&said(SAID)).await;
        }
    }
    !matches!(state, State::Idle | State::Muted)
}

/// The state that is right when nothing goes on.
fn is_right(snapshot: &Snapshot) -> bool {
    let faults = snapshot
        .notices
        .iter()
        .filter(|notice| notice.text.english().contains("fault in"));
    matches!(snapshot.link, Link::Connected { .. })
        && snapshot.activity == Activity::Listening
        && faults.count() == 0
}

/// A user who tries again where the program says that it does not do so by itself.
fn patient_user(world: &Running) {
    let mut snapshots = world.session.snapshots.clone();
    let commands = world.session.commands.clone();
    tokio::task::spawn_local(async move {
        let gave_up =
            |s: &std::sync::Arc<Snapshot>| matches!(s.link, Link::Down { retry_at: None, .. });
        while snapshots.wait_for(gave_up).await.is_ok() {
            sleep(2_000).await;
            if commands.send(Command::RetryNow).await.is_err() {
                return;
            }
            sleep(1_000).await;
        }
    });
}

/// Whether what was said during the fault got the answer that can be expected.
fn served(turn: &TurnRecord, fault: Fault, state: State) -> Result<(), String> {
    // What was said into no microphone is not heard.
    let deaf = matches!(
        fault,
        Fault::Unplugged {
            microphone: true,
            ..
        } | Fault::Flaps { microphone: true }
            | Fault::Stands(_)
    );
    if matches!(fault, Fault::Ends(_)) {
        // The service itself had no answer.
        Ok(())
    } else if deaf && matches!(state, State::Speaking | State::Reconnecting) {
        let completed = (turn.outcome == Outcome::Completed).then_some(());
        completed.ok_or_else(|| format!("{:?}", turn.outcome))
    } else {
        answered(turn, SAID)
    }
}

/// A cell: the verdicts that failed.
async fn cell(fault: Fault, state: State) -> Vec<String> {
    let mut faults = Vec::new();
    let mut note = |what: &str, result: Result<(), String>| {
        faults.extend(result.err().map(|why| format!("{what}: {why}")));
    };
    let kept = tempfile::tempdir().expect("a folder");
    let folder = kept.path().join("state");
    let mut world = world(fault, state, &folder).start();
    patient_user(&world);
    world.ready().await;
    world.speak(&said(1)).await;
    let first = last_turn(&mut world).await;
    note("before", first.and_then(|turn| answered(&turn, 1)));
    let asked = begin(&mut world, state).await;
    if state == State::Reconnecting && fault.is_on_a_connection() {
        world.line.set(Mode::Open);
        world.ready().await;
    }
    let opened = world.line.opened();
    note("shown", inject(&world, fault, &folder).await);
    if state == State::Muted {
        world.tell(Command::SetMuted(false)).await;
    }
    if asked {
        let turn = last_turn(&mut world).await;
        note("during", turn.and_then(|turn| served(&turn, fault, state)));
    }
    sleep(10_000).await;
    while let Ok(event) = world.session.events.try_recv() {
        // What the service says unasked answers nobody twice.
        if let Event::Closed(turn) = event
            && turn.timeline.get(Mark::SpeechStart).is_some()
            && !matches!(fault, Fault::Ends(_))
        {
            note("doubled", Err(format!("{:?}", turn.outcome)));
        }
    }
    // A quota is waited for by the minute.
    let mut snapshots = world.session.snapshots.clone();
    let right = snapshots.wait_for(|snapshot| is_right(snapshot));
    let right = tokio::time::timeout(Duration::from_secs(120), right).await;
    note(
        "shown",
        right.map(|_| ()).map_err(|_| "not listening".to_owned()),
    );
    let came = !fault.ends_a_connection() || world.line.opened() > opened;
    note(
        "brought about",
        came.then_some(())
            .ok_or_else(|| "the connection lived on".to_owned()),
    );
    world.speak(&said(1)).await;
    let after = last_turn(&mut world).await;
    note("after", after.and_then(|turn| answered(&turn, 1)));
    let lost = world.quit().await.lost;
    note(
        "lost",
        (lost == 0).then_some(()).ok_or_else(|| lost.to_string()),
    );
    faults
}

/// The same; a panic is a fault like others.
fn verdict(fault: Fault, state: State) -> Vec<String> {
    let run = || simulate(cell(fault, state));
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| vec!["panicked".to_owned()])
}

/// Whether a class can be brought about in a state: an answer goes wrong only where there is one.
fn applies(fault: Fault, state: State) -> bool {
    !matches!(fault, Fault::Script(_)) || matches!(state, State::Thinking | State::Answering)
}

#[test]
fn faults_in_every_state() {
    let about = format!(
        "Faults (classes of the fault catalogue: N network, P protocol, A devices, C files, U user, R resources) in each state \
        of a turn, on simulated time: the real sound side (`ultra-fast`), turn machine, client and dialler, with doubles of devices, name server \
        and TCP (a round trip of 50 ms), and the embedded server. A cell is good where the program went on, what was said was \
        answered once and as a whole, and the state shown was right (without a connection within a second, and listening \
        afterwards); else it says what was not. Where the program waits for the user, he tries again after 2 s.\n\n{ELSEWHERE}"
    );
    let columns = [
        "class",
        "fault",
        "idle",
        "speaking",
        "sending",
        "thinking",
        "answering",
        "muted",
        "reconnecting",
    ];
    let mut table = Table::new("faults", &about, &columns);
    let classes = [network::CLASSES, protocol::CLASSES, computer::CLASSES].concat();
    let cells: Vec<(Class, State)> = (classes.iter())
        .flat_map(|class| STATES.map(|state| (*class, state)))
        .enumerate()
        // The short run takes a part of them, in every row another one.
        .filter(|(at, (class, state))| applies(class.2, *state) && (full() || at % 29 == 0))
        .map(|(_, cell)| cell)
        .collect();
    let verdicts = in_parallel(&cells, |(class, state)| verdict(class.2, *state));
    let mut came = cells.iter().zip(&verdicts).peekable();
    let mut bad = Vec::new();
    for class in classes {
        let mut row = vec![class.0.to_owned(), class.1.to_owned()];
        for state in STATES {
            let of_cell = |((other, when), _): &(&(Class, State), _)| {
                (other.0, other.1, *when) == (class.0, class.1, state)
            };
            row.push(match came.next_if(of_cell) {
                None => "–".to_owned(),
                Some((_, faults)) if faults.is_empty() => "good".to_owned(),
                Some((_, faults)) => {
                    bad.extend(
                        faults
                            .iter()
                            .map(|fault| format!("{class:?}, {state:?}: {fault}")),
                    );
                    faults.join("; ")
                }
            });
        }
        table.row(&row);
    }
    let cells = cells.len();
    let counts = vec![format!("{cells} cells"), format!("{} bad", bad.len())];
    table.row(&[counts, vec![String::new(); 7]].concat());
    table.finish();
    assert!(!full() || cells >= 600, "{cells}");
    assert!(bad.is_empty(), "{bad:#?}");
}
