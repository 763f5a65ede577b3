//! Disks and files that fail while a conversation is kept: it is told, it goes on, and nothing that was handed over is lost.

use std::fs;

use super::*;

/// Turns of a conversation that meets a fault.
const TURNS: u64 = 40;

fn long_turn(number: u64) -> StoredTurn {
    turn(number, &"many words ".repeat(500), "an answer")
}

/// Waits until all that can be done is done; gives what was told on the way.
async fn told(store: &mut Store) -> Vec<StoreEvent> {
    store.ask(Query::List(Filter::default()));
    let mut told = Vec::new();
    loop {
        let event = store.next().await;
        if matches!(event, StoreEvent::Listed { .. }) {
            return told;
        }
        told.push(event);
    }
}

/// The newest trouble.
fn trouble(told: &[StoreEvent]) -> Option<&str> {
    told.iter().rev().find_map(|event| {
        let StoreEvent::Trouble(why) = event else {
            return None;
        };
        Some(why.as_str())
    })
}

#[tokio::test(start_paused = true)]
async fn the_store_of_a_newer_program_is_left_alone_and_the_conversation_waits() {
    let place = Place::new();
    keep(&mut place.open(), &[turn(1, "of the newer program", "")]);
    let newer = connection::open(&place.file()).expect("opened");
    newer
        .pragma_update(None, "user_version", 99)
        .expect("written");
    drop(newer);
    let before = fs::read(place.file()).expect("there");
    let mut store = Store::start(Some(place.file()), Retention::Forever);
    let conversation = store.begin();
    let write = |store: &Store, turn| store.write(Write::Turn { conversation, turn });
    write(&store, turn(1, "waits", ""));
    let events = told(&mut store).await;
    let why = trouble(&events).expect("it is told");
    assert!(
        why.contains("newer version") && why.contains("left alone"),
        "{why}"
    );
    assert!(fs::read(place.file()).expect("there") == before);
    fs::remove_file(place.file()).expect("moved away by the user");
    write(&store, turn(2, "comes through", ""));
    assert!(told(&mut store).await.contains(&StoreEvent::Mended));
    assert_eq!(store.finish().await, None);
    assert_eq!(place.open().sizes().expect("read").turns, 2);
}

#[test]
fn what_may_not_be_written_is_an_error_in_words() {
    let place = Place::new();
    keep(&mut place.open(), &[turn(1, "before", "")]);
    let read_only = connection::open(&place.file()).expect("opened");
    read_only
        .pragma_update(None, "query_only", true)
        .expect("set");
    let error = Batch(&read_only).begin(at(0)).expect_err("read-only");
    assert_eq!(error.to_string(), "it may not be written there (read-only)");
    // Nobody may make a folder there, whoever he is.
    if cfg!(target_os = "linux") {
        let error = Database::open(Path::new("/proc/sovereign/conversations.db"));
        let error = error.expect_err("a folder of the kernel").to_string();
        assert!(
            error.starts_with("/proc/sovereign cannot be used: "),
            "{error}"
        );
    }
}

/// Tells a child where to write.
#[cfg(target_os = "linux")]
const FOLDER: &str = "SOVEREIGN_TEST_STORE";
/// Tells it that no file may grow any more after some turns.
#[cfg(target_os = "linux")]
const LIMITED: &str = "SOVEREIGN_TEST_LIMIT";

/// Keeps turns while the disk fails for a time.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "the child of the tests below"]
async fn child() {
    use std::sync::Arc;

    use rlimit::Resource;
    use signal_hook::consts::SIGXFSZ;

    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let file = Path::new(&folder).join(FILE);
    let mut store = Store::start(Some(file.clone()), Retention::Forever);
    let conversation = store.begin();
    // Without this the signal ends the process.
    signal_hook::flag::register(SIGXFSZ, Arc::default()).expect("a signal");
    let (_, hard) = Resource::FSIZE.get().expect("a limit");
    let mut events = Vec::new();
    for number in 1..=TURNS {
        if number == 10 && std::env::var_os(LIMITED).is_some() {
            let log = fs::metadata(connection::with_end(&file, "-wal")).expect("there");
            Resource::FSIZE.set(log.len() + 9_000, hard).expect("set");
        }
        let turn = long_turn(number);
        store.write(Write::Turn { conversation, turn });
        events.extend(told(&mut store).await);
    }
    let why = trouble(&events).expect("it is told");
    assert!(why.contains("the disk reports an error"), "{why}");
    // The disk takes it again.
    Resource::FSIZE.set(hard, hard).expect("set");
    while events.last() != Some(&StoreEvent::Mended) {
        events.push(store.next().await);
    }
    assert_eq!(store.finish().await, None);
    let (database, aside) = Database::open(&file).expect("opened");
    assert_eq!(aside, None);
    let expected: Vec<StoredTurn> = (1..=TURNS).map(long_turn).collect();
    assert!(database.turns(ConversationId(1)).expect("read") == expected);
}

#[cfg(target_os = "linux")]
fn run_child(command: &mut std::process::Command) {
    let place = Place::new();
    let output = command
        .args(["--exact", "store::tests::faults::child", "--ignored"])
        .env(FOLDER, place.folder())
        .output()
        .expect("started");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_refuses_what_is_written_loses_nothing() {
    let this = std::env::current_exe().expect("this program");
    run_child(std::process::Command::new(this).env(LIMITED, "yes"));
}

/// `fsync` fails some times in the middle, as strace has it do. Where there is no strace the test says so.
#[cfg(target_os = "linux")]
#[test]
#[expect(clippy::print_stderr, reason = "for whoever runs the test")]
fn a_disk_that_does_not_keep_what_it_took_loses_nothing() {
    let fault = "inject=fsync,fdatasync:error=EIO:when=20..23";
    let mut strace = std::process::Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", fault]);
    let can_trace = std::process::Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if can_trace {
        run_child(strace.arg(std::env::current_exe().expect("this program")));
    } else {
        eprintln!("not done: strace is missing, or may not trace");
    }
}
