//! Whole conversations under faults of network and service: each class in each state of a turn. Three verdicts: the program goes on; what was said is answered, once; the state shown
//! afterwards is right.

use sovereign::conversation::Event;
use sovereign::conversation::command::Command;
use sovereign::conversation::snapshot::{Activity, Link, Snapshot};
use sovereign::server::Script;

use crate::questions::{answered, last_turn, said, sleep};
use crate::support::line::Mode;
use crate::support::{Running, World, simulate};
use crate::table::{Table, full};

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The line does this for so many milliseconds.
    Line(Mode, u64),
    /// The connection breaks, and none comes about for so many milliseconds.
    Cut(u64),
    /// The service does this, in the script's words, before or within its answer.
    Service(&'static str),
}

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

/// Classes of `N` (network) and `P` (protocol), each with a sentence.
const CLASSES: &[(&str, &str, Fault)] = &[
    ("N2", "cut, back at once", Fault::Cut(0)),
    ("N2", "cut, refused for 1 s", Fault::Cut(1_000)),
    ("N2", "cut, refused for 5 s", Fault::Cut(5_000)),
    ("N7", "cut, refused for 25 s", Fault::Cut(25_000)),
    ("N7", "cut, refused for 60 s", Fault::Cut(60_000)),
    (
        "N5",
        "half open for 5 s",
        Fault::Line(Mode::Swallows, 5_000),
    ),
    (
        "N5",
        "half open for 30 s",
        Fault::Line(Mode::Swallows, 30_000),
    ),
    (
        "N6",
        "stands still for 0.2 s",
        Fault::Line(Mode::Stands, 200),
    ),
    (
        "N6",
        "stands still for 2 s",
        Fault::Line(Mode::Stands, 2_000),
    ),
    (
        "N6",
        "stands still for 5 s",
        Fault::Line(Mode::Stands, 5_000),
    ),
    (
        "N7",
        "stands still for 15 s",
        Fault::Line(Mode::Stands, 15_000),
    ),
    (
        "N10",
        "32 kbit/s for 10 s",
        Fault::Line(Mode::Slow(4_000), 10_000),
    ),
    (
        "N10",
        "64 kbit/s for 10 s",
        Fault::Line(Mode::Slow(8_000), 10_000),
    ),
    (
        "N10",
        "128 kbit/s for 10 s",
        Fault::Line(Mode::Slow(16_000), 10_000),
    ),
    ("N14", "close 1000", Fault::Service("{close: 1000}")),
    (
        "N14",
        "close 1001",
        Fault::Service("{close: 1001, reason: going away}"),
    ),
    ("N14", "close 1002", Fault::Service("{close: 1002}")),
    ("N14", "close 1003", Fault::Service("{close: 1003}")),
    (
        "N14",
        "close 1007",
        Fault::Service("{close: 1007, reason: Request contains an invalid argument.}"),
    ),
    (
        "N14",
        "close 1008",
        Fault::Service("{close: 1008, reason: Operation is not implemented}"),
    ),
    ("N14", "close 1009", Fault::Service("{close: 1009}")),
    (
        "N14",
        "close 1011",
        Fault::Service("{close: 1011, reason: Internal error encountered.}"),
    ),
    ("N14", "close 1012", Fault::Service("{close: 1012}")),
    ("N14", "close 1013", Fault::Service("{close: 1013}")),
    (
        "N14",
        "close 4000",
        Fault::Service("{close: 4000, reason: custom}"),
    ),
    (
        "N18",
        "close 1011, quota",
        Fault::Service("{close: 1011, reason: You exceeded your current quota}"),
    ),
    ("N15", "goAway, 60 s", Fault::Service("{go_away: 60000}")),
    ("N15", "goAway, 5 s", Fault::Service("{go_away: 5000}")),
    ("N15", "goAway, 0 s", Fault::Service("{go_away: 0}")),
    (
        "N15",
        "goAway without a time",
        Fault::Service("{raw: '{\"goAway\":{}}'}"),
    ),
    ("N2", "end without a close frame", Fault::Service("drop")),
    ("N22", "all at once", Fault::Service("{speed: 0}")),
    ("N9", "jitter of 400 ms", Fault::Service("{jitter: 400}")),
    (
        "P1",
        "no JSON",
        Fault::Service("{raw: '{\"serverContent\":'}"),
    ),
    ("P2", "an empty frame", Fault::Service("{raw: ''}")),
    ("P3", "null", Fault::Service("{raw: 'null'}")),
    ("P4", "a list", Fault::Service("{raw: '[]'}")),
    (
        "P5",
        "keys twice",
        Fault::Service("{raw: '{\"serverContent\":{},\"serverContent\":{}}'}"),
    ),
    (
        "P6",
        "a wrong type",
        Fault::Service("{raw: '{\"serverContent\":[1,2]}'}"),
    ),
    (
        "P8",
        "unknown fields",
        Fault::Service("{raw: '{\"newsOfTomorrow\":{\"a\":[1]}}'}"),
    ),
    (
        "P9",
        "base64 that is none",
        Fault::Service(
            "{raw: '{\"serverContent\":{\"modelTurn\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/pcm\",\"data\":\"*!*\"}}]}}}'}",
        ),
    ),
    ("P10", "an odd number of bytes", Fault::Service("odd_pcm")),
    (
        "P11",
        "rate=0",
        Fault::Service(
            "{raw: '{\"serverContent\":{\"modelTurn\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/pcm;rate=0\",\"data\":\"AAAA\"}}]}}}'}",
        ),
    ),
    (
        "P12",
        "audio/opus",
        Fault::Service(
            "{raw: '{\"serverContent\":{\"modelTurn\":{\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/opus\",\"data\":\"AAAA\"}}]}}}'}",
        ),
    ),
    (
        "P14",
        "generationComplete twice",
        Fault::Service("{raw: '{\"serverContent\":{\"generationComplete\":true}}'}"),
    ),
    (
        "P15",
        "a transcript without sound",
        Fault::Service("{raw: '{\"serverContent\":{\"outputTranscription\":{\"text\":\"x\"}}}'}"),
    ),
    (
        "P16",
        "a call of an unknown function",
        Fault::Service(
            "{raw: '{\"toolCall\":{\"functionCalls\":[{\"id\":\"1\",\"name\":\"f\"}]}}'}",
        ),
    ),
    (
        "P18",
        "the same call twice",
        Fault::Service(
            "{raw: '{\"toolCall\":{\"functionCalls\":[{\"id\":\"1\",\"name\":\"f\"},{\"id\":\"1\",\"name\":\"f\"}]}}'}",
        ),
    ),
    (
        "P19",
        "a cancelled unknown call",
        Fault::Service("{raw: '{\"toolCallCancellation\":{\"ids\":[\"x\"]}}'}"),
    ),
    (
        "P21",
        "control and bidi marks",
        Fault::Service(
            "{raw: '{\"serverContent\":{\"outputTranscription\":{\"text\":\"\\u001b[31m\\u202e\"}}}'}",
        ),
    ),
];

/// A service that answers with three seconds of sound, as fast as it sounds; the second answer has the fault.
fn world(fault: Fault, state: State) -> World {
    let good = "[{speed: 1}, {say: Yes., ms: 3000}]";
    let faulty = match (fault, state) {
        (Fault::Service(steps), State::Thinking) => {
            format!("[{{speed: 1}}, {{wait: 300}}, {steps}, {{say: Yes., ms: 3000}}]")
        }
        (Fault::Service(steps), _) => {
            format!("[{{speed: 1}}, {{say: Half., ms: 1000}}, {steps}, {{say: Yes., ms: 3000}}]")
        }
        _ => good.to_owned(),
    };
    let text = format!(
        "think_ms: 1500\nonce: true\nturns: [{good}, {faulty}, {good}, {good}, {good}, {good}]\n"
    );
    let mut world = World::new("balanced");
    world.script = Script::parse("faults.yaml".as_ref(), text.as_bytes()).expect("a script");
    world
}

pub(crate) async fn inject(world: &Running, fault: Fault) {
    match fault {
        Fault::Line(mode, ms) => {
            world.line.set(mode);
            sleep(ms).await;
        }
        Fault::Cut(ms) => {
            world.line.set(Mode::Refuses);
            world.cut();
            sleep(ms).await;
        }
        Fault::Service(_) => {}
    }
    world.line.set(Mode::Open);
}

/// Two repetitions of the voice are said in each cell.
const SAID: usize = 2;

/// Brings about a state and the fault in it. Says whether something was said that is to be answered.
async fn suffer(world: &mut Running, fault: Fault, state: State) -> bool {
    match state {
        State::Idle => sleep(1_000).await,
        State::Muted => world.tell(Command::SetMuted(true)).await,
        State::Speaking => {
            world.desk.speak(&said(SAID));
            sleep(1_000).await;
        }
        State::Sending | State::Thinking => {
            world.speak(&said(SAID)).await;
            sleep(if state == State::Sending { 505 } else { 1_200 }).await;
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
    inject(world, fault).await;
    if state == State::Muted {
        world.tell(Command::SetMuted(false)).await;
    }
    !matches!(state, State::Idle | State::Muted)
}

/// The state that is right when nothing goes on.
fn is_right(snapshot: &Snapshot) -> bool {
    let faults = snapshot
        .notices
        .iter()
        .filter(|notice| notice.text.contains("fault in"));
    matches!(snapshot.link, Link::Connected { .. })
        && snapshot.activity == Activity::Listening
        && faults.count() == 0
}

/// A cell: the verdicts that failed.
async fn cell(fault: Fault, state: State) -> Vec<String> {
    let mut faults = Vec::new();
    let mut note = |what: &str, result: Result<(), String>| {
        faults.extend(result.err().map(|why| format!("{what}: {why}")));
    };
    let mut world = world(fault, state).start();
    world.ready().await;
    world.speak(&said(1)).await;
    let first = last_turn(&mut world)
        .await
        .and_then(|turn| answered(&turn, 1));
    note("before", first);
    if suffer(&mut world, fault, state).await {
        let turn = last_turn(&mut world).await;
        note("during", turn.and_then(|turn| answered(&turn, SAID)));
    }
    sleep(20_000).await;
    while let Ok(event) = world.session.events.try_recv() {
        if let Event::Closed(turn) = event {
            note("doubled", Err(format!("{:?}", turn.outcome)));
        }
    }
    // A quota is waited for by the minute.
    let shown = world
        .session
        .snapshots
        .clone()
        .wait_for(|snapshot| is_right(snapshot))
        .await
        .is_ok();
    note(
        "shown",
        shown
            .then_some(())
            .ok_or_else(|| "not listening".to_owned()),
    );
    world.speak(&said(1)).await;
    let after = last_turn(&mut world)
        .await
        .and_then(|turn| answered(&turn, 1));
    note("after", after);
    let lost = world.quit().await.lost;
    note(
        "lost",
        (lost == 0).then_some(()).ok_or_else(|| lost.to_string()),
    );
    faults
}

/// Whether a class can be brought about in a state: the service says something only when it is asked.
fn applies(fault: Fault, state: State) -> bool {
    match fault {
        Fault::Service(_) => matches!(state, State::Thinking | State::Answering),
        Fault::Line(..) | Fault::Cut(_) => true,
    }
}

#[test]
fn faults_in_every_state() {
    let about = "Faults of network and service (classes of the fault catalogue: N network, P protocol) in each state of a turn, \
        on simulated time with the real client, turn machine and server. A cell is good where the program went on, what was said \
        was answered once and as a whole, and the state shown afterwards was right; else it says what was not.";
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
    let mut table = Table::new("faults", about, &columns);
    let (mut cells, mut bad, mut at) = (0, Vec::new(), 0);
    for (class, what, fault) in CLASSES {
        let mut row = vec![(*class).to_owned(), (*what).to_owned()];
        for state in STATES {
            at += 1;
            // The short run takes a part of them, in every row another one.
            if !applies(*fault, state) || (!full() && at % 9 != 0) {
                row.push("–".to_owned());
                continue;
            }
            cells += 1;
            let faults = simulate(cell(*fault, state));
            row.push(if faults.is_empty() {
                "good".to_owned()
            } else {
                faults.join("; ")
            });
            bad.extend(
                faults
                    .into_iter()
                    .map(|fault| format!("{what}, {state:?}: {fault}")),
            );
        }
        table.row(&row);
    }
    table.row(
        &[
            vec![format!("{cells} cells"), format!("{} bad", bad.len())],
            vec![String::new(); 7],
        ]
        .concat(),
    );
    table.finish();
    assert!(bad.is_empty(), "{bad:#?}");
}
