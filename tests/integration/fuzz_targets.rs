//! What must hold of any bytes that others wrote. The fuzzer (`scripts/fuzz`) and the tests beside this file call each target.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use sovereign::base::printable::is_hidden;
use sovereign::base::units::SampleRate;
use sovereign::profile::Profile;
use sovereign::provider::connection::reconnect::{Due, End, ReconnectPolicy};
use sovereign::provider::gemini::close_frame::Close;
use sovereign::provider::gemini::message::{ClientMessage, ServerMessage};
use sovereign::provider::gemini::pcm::{PcmReader, rate_of, reply_rate};
use sovereign::server::Script;
use sovereign::settings::config::Config;
use sovereign::store::{ConversationId, Database, FILE, Filter, StoreError, StoredTurn, export};
use tempfile::TempDir;

/// Takes any bytes, and panics where something does not hold.
type Target = fn(&[u8]);

/// The targets by their names, which are those of the folders in `fuzz/corpus`.
pub(crate) const TARGETS: [(&str, Target); 8] = [
    ("server_message", server_message),
    ("audio_part", audio_part),
    ("mime_type", mime_type),
    ("close_reason", close_reason),
    ("reconnect_policy", reconnect_policy),
    ("profile", profile),
    ("journal", journal),
    ("script", script),
];

/// What is read of a message is what is read of its JSON, on both sides of the wire.
pub(crate) fn server_message(json: &[u8]) {
    if let Ok((message, left_out)) = ServerMessage::read_counted(json) {
        assert_eq!(left_out.count == 0, left_out.first.is_empty());
        let written = message.to_json();
        let again = ServerMessage::read_counted(written.as_bytes());
        let (again, left_out) = again.expect("our own JSON");
        assert_eq!(left_out, Default::default(), "{written}");
        // The last digit of a fraction may change on its way.
        if !serde_json::from_str(&written).is_ok_and(|value| has_fraction(&value)) {
            assert_eq!(again, message, "{written}");
        }
    }
    if let Ok(message) = ClientMessage::read(json) {
        let written = message.to_json();
        let again = ClientMessage::read(written.as_bytes()).expect("our own JSON");
        if !serde_json::from_str(&written).is_ok_and(|value| has_fraction(&value)) {
            assert_eq!(again, message, "{written}");
        }
    }
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(values) => values.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// The short way to a piece of sound leads where the parser leads, and its samples do not depend on how it was cut.
pub(crate) fn audio_part(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first() else {
        return;
    };
    let (mime, data) = rest.split_at(usize::from(*length).min(rest.len()));
    let message = |flag: &str| {
        let mut json = format!("{{\"serverContent\":{{{flag}\"modelTurn\":{{\"parts\":[{{\"inlineData\":{{\"mimeType\":\"").into_bytes();
        json.extend_from_slice(mime);
        json.extend_from_slice(b"\",\"data\":\"");
        json.extend_from_slice(data);
        json.extend_from_slice(b"\"}}]}}}");
        ServerMessage::read(&json)
    };
    let (short, parsed) = (message(""), message("\"turnComplete\":false,"));
    assert_eq!(short.is_ok(), parsed.is_ok());
    let (Ok(short), Ok(parsed)) = (short, parsed) else {
        return;
    };
    assert_eq!(short, parsed);
    let turn = short.server_content.and_then(|content| content.model_turn);
    for part in turn.into_iter().flat_map(|turn| turn.parts) {
        let sound = part.inline_data.map_or_else(Vec::new, |blob| blob.data);
        let whole = PcmReader::default().read(&sound);
        let mut reader = PcmReader::default();
        let piece = usize::from(*length) % 7 + 1;
        let pieces: Vec<i16> = sound
            .chunks(piece)
            .flat_map(|piece| reader.read(piece))
            .collect();
        assert_eq!(whole, pieces);
        assert_eq!(whole.len(), sound.len() / 2);
    }
}

/// Only rates that are sound are played, and a refusal is short.
pub(crate) fn mime_type(bytes: &[u8]) {
    let mime = String::from_utf8_lossy(bytes);
    for rate in [reply_rate(&mime), rate_of(&mime, SampleRate::WORKING)] {
        match rate {
            Ok(rate) => assert!((8_000..=48_000).contains(&rate.hz())),
            Err(refused) => assert!(refused.mime.chars().count() <= 60),
        }
    }
    let samples = PcmReader::default().read_as(&mime, bytes);
    assert_eq!(samples.len(), bytes.len() / 2);
}

/// Of a reason only what is known counts, and only with the codes that come with one.
pub(crate) fn close_reason(bytes: &[u8]) {
    let Some((code, reason)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let code = u16::from_le_bytes(*code);
    let reason = String::from_utf8_lossy(reason);
    let close = Close::of(code, &reason);
    if !matches!(code, 1_007 | 1_008 | 1_011) {
        assert_eq!(close, Close::of(code, ""), "its reason says nothing");
    }
    if matches!(code, 1_000 | 1_001) {
        assert_eq!(close.end(), End::Closed);
    }
    // What is appended changes nothing in what a beginning means.
    if matches!(close, Close::Key | Close::Region | Close::Quota) {
        assert_eq!(close, Close::of(code, &format!("{reason} models/")));
    }
}

/// Where a link is, as far as its owner knows.
#[derive(Clone, Copy, PartialEq)]
enum Link {
    Waiting,
    Dialling,
    Ready,
}

/// Whatever happens to a link, in any order and at any time: it waits within bounds, does not spin, and resumes only what it
/// was offered.
pub(crate) fn reconnect_policy(bytes: &[u8]) {
    const ENDS: [End; 9] = [
        End::Cut,
        End::Silent,
        End::Unanswered,
        End::NeedsUser,
        End::Quota,
        End::Refused,
        End::Handle,
        End::Policy,
        End::Closed,
    ];
    let mut now = Instant::now();
    let (mut policy, mut link) = (ReconnectPolicy::new(now), Link::Waiting);
    let (mut dials, mut handles, mut offered) = (Vec::new(), 0_u32, Option::<String>::None);
    for step in bytes.chunks_exact(3) {
        let (what, long, short) = (step[0], u64::from(step[1]), u64::from(step[2]));
        now += Duration::from_millis(long * short);
        if what & 0x80 != 0 {
            now = policy.poll_timeout().map_or(now, |at| at.max(now));
        }
        let due = policy.due(now);
        let next = policy.poll_timeout();
        assert!(
            due.is_some() || next.is_none_or(|at| at > now),
            "nothing is due, and it wants to be asked again at once"
        );
        assert_eq!(
            due == Some(Due::Dial),
            due.is_some() && link == Link::Waiting
        );
        let end = ENDS[usize::from(step[2]) % ENDS.len()];
        match (what % 8, link) {
            (0..=2, Link::Waiting) if due.is_some() => {
                let attempt = policy.dial(now);
                dials.push(now);
                assert!(attempt.number > 0);
                assert!(attempt.handle.is_none() || attempt.handle == offered);
                link = Link::Dialling;
            }
            (0..=2, Link::Dialling) => {
                policy.ready(now);
                link = Link::Ready;
            }
            (3, Link::Ready) => {
                handles += 1;
                let name = format!("handle {handles}");
                policy.resumption(Some(&name), long % 2 == 0);
                if long % 2 == 0 {
                    offered = Some(name);
                }
            }
            (4, Link::Ready) => policy.served(),
            (5, Link::Ready) => {
                let left = (long > 9).then(|| Duration::from_millis(long << short.min(55)));
                let told = policy.go_away(now, left);
                assert!(told <= Duration::from_secs(24 * 60 * 60));
            }
            (6 | 7, Link::Dialling | Link::Ready) => {
                lost(&mut policy, now, end, f64::from(step[1]) / 255.0, &dials);
                if end == End::Refused {
                    offered = None;
                }
                link = Link::Waiting;
            }
            (3, Link::Waiting) => policy.retry_now(now),
            (4, Link::Waiting | Link::Dialling) => {
                policy.again(now);
                link = Link::Waiting;
            }
            (5, Link::Waiting) => policy.roll(now),
            (6, Link::Waiting) => {
                policy.redial(now);
                offered = None;
            }
            _ => {}
        }
    }
}

fn lost(policy: &mut ReconnectPolicy, now: Instant, end: End, random: f64, dials: &[Instant]) {
    let minute = Duration::from_secs(60);
    let recent = dials.iter().filter(|at| now - **at < minute).count();
    let wait = policy.lost(now, end, random);
    assert_eq!(policy.poll_timeout(), wait.map(|wait| now + wait));
    assert!(end != End::NeedsUser || wait.is_none());
    let Some(wait) = wait else {
        return;
    };
    assert!(wait <= Duration::from_secs(38), "{wait:?}");
    // Without the handle that was refused it is another attempt.
    let may_be_at_once = matches!(end, End::Refused | End::Handle | End::Policy);
    if recent >= 20 && !may_be_at_once {
        assert!(
            wait >= Duration::from_secs(30),
            "{recent} dials in a minute, and {wait:?}"
        );
    }
}

/// A file of the user is read or refused with its place, and a profile is the one that its own YAML says.
pub(crate) fn profile(text: &[u8]) {
    match Profile::parse("mine.yaml", text) {
        Ok(profile) => {
            let again = Profile::parse("mine.yaml", profile.to_yaml().as_bytes());
            profile.warnings("mine.yaml", text);
            assert_eq!(again.ok(), Some(profile));
        }
        Err(faults) => assert!(!faults.0.is_empty()),
    }
    Config::parse("config.yaml", text).ok();
}

/// A script of the embedded server is read or refused.
pub(crate) fn script(text: &[u8]) {
    if let Err(error) = Script::parse(Path::new("script.yaml"), text) {
        assert!(error.to_string().starts_with("script.yaml"), "{error}");
    }
}

/// A store whose program was killed, and one that was closed.
struct Store {
    file: Vec<u8>,
    log: Vec<u8>,
    closed: Vec<u8>,
    /// Its turns, and how long the log was when they were kept.
    turns: Vec<(StoredTurn, usize)>,
}

/// The conversation in it.
const CONVERSATION: ConversationId = ConversationId(1);

static STORE: LazyLock<Store> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, log) = (folder.path().join(FILE), folder.path().join(LOG));
    let (mut database, _) = Database::open(&path).expect("opened");
    let mut turns = Vec::new();
    for number in 1..=6 {
        let turn = turn(number, &format!("question {number}"));
        let kept = database.write(|batch| {
            if number == 1 {
                batch.begin(turn.at)?;
            }
            batch.turn(CONVERSATION, &turn)
        });
        kept.expect("kept");
        let length = fs::read(&log).expect("there").len();
        turns.push((turn, length));
    }
    let (file, log) = (fs::read(&path), fs::read(&log));
    drop(database);
    Store {
        file: file.expect("there"),
        log: log.expect("there"),
        closed: fs::read(&path).expect("there"),
        turns,
    }
});

const LOG: &str = "conversations.db-wal";

fn turn(number: u64, words: &str) -> StoredTurn {
    StoredTurn {
        number,
        profile: "balanced".into(),
        outcome: "completed".into(),
        user: words.into(),
        assistant: "an answer".into(),
        record: "{}".into(),
        ..StoredTurn::default()
    }
}

/// The first byte says whether words are kept, or bytes of a store are damaged: of its log, or of its file.
pub(crate) fn journal(bytes: &[u8]) {
    match bytes.split_first() {
        Some((b'a'..=b'z' | b'A'..=b'Z', _)) => kept_words(&String::from_utf8_lossy(bytes)),
        Some((first, damage)) if first % 2 == 0 => damaged_log(damage),
        Some((_, damage)) => damaged_file(damage),
        None => {}
    }
}

thread_local! {
    /// A store that words are kept in and deleted from again, with its folder.
    static EMPTY: RefCell<(TempDir, Database)> = {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (database, _) = Database::open(&folder.path().join(FILE)).expect("opened");
        RefCell::new((folder, database))
    };
}

/// Words come back as they were, are no question to the index, and nothing of them acts on what shows them.
fn kept_words(words: &str) {
    EMPTY.with_borrow_mut(|(_, database)| keep_words(database, words));
}

fn keep_words(database: &mut Database, words: &str) {
    let kept = [turn(1, words)];
    let id = database.write(|batch| {
        let id = batch.begin(kept[0].at)?;
        batch.turn(id, &kept[0])?;
        Ok(id)
    });
    let id = id.expect("kept");
    assert_eq!(database.turns(id).expect("read"), kept);
    database.search(words, 5).expect("found or not");
    let found = database.list(&Filter {
        text: words.into(),
        ..Filter::default()
    });
    found.expect("found or not");
    let conversation = database.conversation(id).expect("read").expect("there");
    assert!(!conversation.title.contains(['\n', '\r', '\t']));
    let text = export::markdown(&conversation, &kept);
    assert!(!text.contains(|c| is_hidden(c) && c != '\n'), "{text:?}");
    let json: Value = serde_json::from_str(&export::json(&conversation, &kept)).expect("JSON");
    assert_eq!(json["turns"][0]["user"], words);
    assert!(database.delete(id).expect("deleted"));
}

/// What was committed before the damage is there, and the store is not set aside.
fn damaged_log(damage: &[u8]) {
    let mut log = STORE.log.clone();
    let first = damaged(&mut log, damage);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(FILE);
    fs::write(&path, &STORE.file).expect("written");
    fs::write(folder.path().join(LOG), log).expect("written");
    let (database, aside) = Database::open(&path).expect("opened");
    assert_eq!(aside, None);
    let turns = database.turns(CONVERSATION).expect("read");
    let whole = STORE.turns.iter().filter(|(_, end)| *end <= first);
    assert!(turns.len() >= whole.count(), "damaged from {first} on");
    assert!(
        turns
            .iter()
            .eq(STORE.turns.iter().map(|(turn, _)| turn).take(turns.len()))
    );
}

/// A damaged file is used, or replaced, or left alone as that of another program; what comes next is kept.
fn damaged_file(damage: &[u8]) {
    let mut file = STORE.closed.clone();
    damaged(&mut file, damage);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(FILE);
    fs::write(&path, file).expect("written");
    let mut database = match Database::open(&path) {
        Ok((database, _)) => database,
        Err(StoreError::Foreign | StoreError::Newer { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    let next = turn(99, "life goes on");
    let use_it = |database: &mut Database| {
        database.list(&Filter::default())?;
        database.search("question", 0)?;
        database.turns(CONVERSATION)?;
        database.write(|batch| batch.turn(CONVERSATION, &next))?;
        database.turns(CONVERSATION)
    };
    let mut turns = use_it(&mut database);
    if let Err(error) = &turns {
        assert!(error.is_damage(), "{error}");
        (database, _) = database.repair().expect("repaired");
        turns = use_it(&mut database);
    }
    assert_eq!(turns.expect("whole").last(), Some(&next));
}

/// Changes bytes at places that four bytes each name; gives the first one.
fn damaged(bytes: &mut Vec<u8>, damage: &[u8]) -> usize {
    let mut first = usize::MAX;
    for [high, low, byte, how] in damage.as_chunks::<4>().0.iter().take(16) {
        let share = usize::from(u16::from_be_bytes([*high, *low]));
        let place = share * bytes.len() / 65_536;
        let length = match how % 4 {
            0 => 1,
            1 => 64,
            2 => 512,
            _ => {
                bytes.truncate(place);
                0
            }
        };
        let end = (place + length).min(bytes.len());
        bytes[place..end].fill(*byte);
        first = first.min(place);
    }
    first
}
