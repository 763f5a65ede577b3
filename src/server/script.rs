//! Scripts: what the server answers, and how it misbehaves, turn by turn.
//!
//! A script is a YAML file (JSON is YAML too). Unknown keys are refused with file, line and column.
//!
//! ```yaml
//! think_ms: 150             # pause before each answer (default 0)
//! setup_delay_ms: 0         # pause before setupComplete
//! transcripts: true         # false: none are sent, although they were asked for
//! turn_complete: playback   # after the assumed end of playback; or: immediate
//! resumption: true          # false: no handles are given, none is known; forgetful: resumed without what was said
//! refuse_setup:             # setups are answered with this close
//!   code: 1008
//!   reason: models/x is not found for API version v1beta
//!   versions: [v1beta]      # under these versions of the API; none: under all
//!   models: [x]             # those for these models; none: for all
//! transcription_hints: true # false: languages and words to expect are refused in a setup (1007)
//! greeting: false           # true: a new conversation is greeted
//! repeat: true              # after the last turn begin again; else what follows is parroted
//! once: false               # true: each list is for one turn, whatever conversation it is in; also one that is asked again
//! turns:                    # one list of actions for each turn of the user, in one conversation
//!   - - say: First reply.
//!       ms: 1200
//!   - - call: get_time
//!       args: {zone: UTC}
//!     - parrot
//! ```
//!
//! | action | what it does |
//! | --- | --- |
//! | `parrot` | the user's own voice; words for a turn without sound |
//! | `say: TEXT` | a tone of `hz` (440) for `ms` (1000), or the file `wav` (beside the script), with TEXT as its transcript |
//! | `wait: MS` | pause |
//! | `call: NAME` | a tool call with `args`; waits for the answer (`timeout_ms`, 20000) unless `async: true`; skipped when not declared |
//! | `thought: TEXT` | a part marked as thought |
//! | `stall` | the turn is never answered, nor ended |
//! | `empty` | nothing: alone, a turn without content |
//! | `drop` | cut the connection without a close frame |
//! | `close: CODE` | close with this code and `reason` |
//! | `go_away: MS` | announce the end of the connection in MS; close it (1008) when they are over |
//! | `late_audio: N` | when this answer is interrupted, send N more chunks before its `turnComplete` |
//! | `phantom_interrupt` | `interrupted` and `turnComplete` although nobody spoke |
//! | `raw: TEXT` | one frame with this text as it is, JSON or not; an object is written as JSON |
//! | `speed: X` | from here on, audio is sent X times as fast as it plays (4); 0: all at once |
//! | `chunk_ms: MS` | from here on, audio per message (40) |
//! | `jitter: MS` | from here on, up to MS of random delay before each chunk, drawn from `seed` (1) |
//! | `pad: MS` | silence before the next sound |
//! | `odd_pcm` | from here on, chunks end in the middle of a sample |

mod refuse;
mod resumption;

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

use self::refuse::can_be_sent;
use super::speech_source;
use crate::base::yaml;

pub use self::refuse::RefuseSetup;
pub use self::resumption::ResumptionMode;

/// What the server answers. The default parrots every turn at once.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// Pause between the end of the user's turn and the first audio of the answer, in milliseconds. 0 by default: the
    /// demo shows what this machine costs, and a made-up pause would be shown as the service's share.
    pub think_ms: u64,
    /// Pause before `setupComplete`, in milliseconds.
    pub setup_delay_ms: u64,
    /// Whether transcripts are sent when they were asked for.
    pub transcripts: bool,
    /// When `turnComplete` follows `generationComplete`.
    pub turn_complete: TurnComplete,
    /// Whether handles are given and taken.
    pub resumption: ResumptionMode,
    /// The close that setups are answered with.
    pub refuse_setup: Option<RefuseSetup>,
    /// Whether a setup may name languages and words to expect; 1007 otherwise.
    pub transcription_hints: bool,
    /// Whether a new conversation is greeted.
    pub greeting: bool,
    /// Whether the turns begin again after the last; else what follows is parroted.
    pub repeat: bool,
    /// Whether turns of all conversations are counted together, and those that are asked again count again.
    pub once: bool,
    /// The turns that were counted so.
    #[serde(skip)]
    pub asked: AskedTurns,
    /// The answers, one list of actions for each turn of the user. Empty: every turn is parroted.
    pub turns: Vec<Vec<ScriptStep>>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            think_ms: 0,
            setup_delay_ms: 0,
            transcripts: true,
            turn_complete: TurnComplete::Playback,
            resumption: ResumptionMode::Yes,
            refuse_setup: None,
            transcription_hints: true,
            greeting: false,
            repeat: false,
            once: false,
            asked: AskedTurns::default(),
            turns: Vec::new(),
        }
    }
}

/// A count that copies of a script share.
#[derive(Clone, Debug, Default)]
pub struct AskedTurns(Arc<AtomicUsize>);

impl PartialEq for AskedTurns {
    /// It is no part of what the script says.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TurnComplete {
    /// After the assumed end of playback, as the service does.
    Playback,
    /// With `generationComplete`.
    Immediate,
}

/// One step of an answer; the table above says what each does.
#[derive(Clone, Debug, PartialEq)]
pub enum ScriptStep {
    Parrot,
    Say {
        words: String,
        sound: SpeechKind,
    },
    Wait(Duration),
    Call {
        name: String,
        args: Map<String, Value>,
        wait: bool,
        timeout: Duration,
    },
    Thought(String),
    Stall,
    Empty,
    Drop,
    Close {
        code: u16,
        reason: String,
    },
    GoAway(Duration),
    LateAudio(u32),
    PhantomInterrupt,
    Raw(String),
    Speed(f64),
    Chunk(Duration),
    Jitter {
        max: Duration,
        seed: u64,
    },
    Pad(Duration),
    OddPcm,
}

/// What `say` sounds like.
#[derive(Clone, Debug, PartialEq)]
pub enum SpeechKind {
    Tone {
        /// Its frequency in hertz.
        hz: f32,
        length: Duration,
    },
    /// A file, as it was written in the script; [`Script::load`] turns it into [`SpeechKind::Samples`].
    File(PathBuf),
    /// Mono samples at 24 kHz.
    Samples(Arc<[i16]>),
}

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the script {}", file.display())]
    Read {
        file: PathBuf,
        source: std::io::Error,
    },
    /// It is not a script: file, line, column and what is wrong there.
    #[error("{0}")]
    Parse(Box<yaml::YamlError>),
    /// A sound that it names cannot be used.
    #[error("{}: the sound {}: {why}", script.display(), wav.display())]
    Sound {
        script: PathBuf,
        wav: PathBuf,
        why: String,
    },
}

impl Script {
    /// Reads a script and the sounds that it names.
    pub fn load(file: &Path) -> Result<Self, ScriptError> {
        let text = read(file).map_err(|source| ScriptError::Read {
            file: file.to_owned(),
            source,
        })?;
        let mut script = Self::parse(file, &text)?;
        let folder = file.parent().unwrap_or(Path::new(""));
        for action in script.turns.iter_mut().flatten() {
            if let ScriptStep::Say { sound, .. } = action
                && let SpeechKind::File(wav) = sound
            {
                let samples = speech_source::read_wav(&folder.join(&*wav)).map_err(|why| {
                    ScriptError::Sound {
                        script: file.to_owned(),
                        wav: wav.clone(),
                        why,
                    }
                })?;
                *sound = SpeechKind::Samples(samples);
            }
        }
        Ok(script)
    }

    /// Reads the text of a script; `file` is only named in errors. Sounds stay names.
    pub fn parse(file: &Path, text: &[u8]) -> Result<Self, ScriptError> {
        yaml::parse(&file.display().to_string(), text)
            .map_err(|error| ScriptError::Parse(Box::new(error)))
    }

    /// The actions of the conversation's turn number `position`, counted from 0.
    pub(super) fn actions(&self, position: usize) -> &[ScriptStep] {
        let position = match self.once {
            true => self.asked.0.fetch_add(1, Relaxed),
            false => position,
        };
        let turn = match self.turns.len() {
            0 => None,
            n if self.repeat => self.turns.get(position % n),
            _ => self.turns.get(position),
        };
        turn.map_or(&[ScriptStep::Parrot], Vec::as_slice)
    }
}

/// At most one byte more than a script may have, which is then refused: a device never ends.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let limit = yaml::MAX_BYTES as u64 + 1;
    std::fs::File::open(file)?
        .take(limit)
        .read_to_end(&mut text)?;
    Ok(text)
}

/// An action as it is written in a mapping: one of the actions, and what belongs to it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    #[serde(deserialize_with = "flag")]
    parrot: bool,
    say: Option<String>,
    ms: Option<u64>,
    hz: Option<f32>,
    wav: Option<PathBuf>,
    wait: Option<u64>,
    call: Option<String>,
    args: Option<Map<String, Value>>,
    #[serde(rename = "async")]
    asynchronous: Option<bool>,
    timeout_ms: Option<u64>,
    thought: Option<String>,
    #[serde(deserialize_with = "flag")]
    stall: bool,
    #[serde(deserialize_with = "flag")]
    empty: bool,
    #[serde(deserialize_with = "flag")]
    drop: bool,
    close: Option<u16>,
    reason: Option<String>,
    go_away: Option<u64>,
    late_audio: Option<u32>,
    #[serde(deserialize_with = "flag")]
    phantom_interrupt: bool,
    raw: Option<Value>,
    speed: Option<f64>,
    chunk_ms: Option<u64>,
    jitter: Option<u64>,
    seed: Option<u64>,
    pad: Option<u64>,
    #[serde(deserialize_with = "flag")]
    odd_pcm: bool,
}

/// `true`, or 1 as in scripts written for other servers.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match (value.as_bool(), value.as_u64()) {
        (Some(set), _) => Ok(set),
        (None, Some(1)) => Ok(true),
        (None, _) => Err(D::Error::custom("expected true")),
    }
}

impl<'de> Deserialize<'de> for ScriptStep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ActionVisitor)
    }
}

struct ActionVisitor;

impl<'de> Visitor<'de> for ActionVisitor {
    type Value = ScriptStep;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an action, as `parrot` or `wait: 300`")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<ScriptStep, E> {
        match word {
            "parrot" => Ok(ScriptStep::Parrot),
            "stall" => Ok(ScriptStep::Stall),
            "empty" => Ok(ScriptStep::Empty),
            "drop" => Ok(ScriptStep::Drop),
            "phantom_interrupt" => Ok(ScriptStep::PhantomInterrupt),
            "odd_pcm" => Ok(ScriptStep::OddPcm),
            _ => Err(E::unknown_variant(
                word,
                &[
                    "parrot",
                    "stall",
                    "empty",
                    "drop",
                    "phantom_interrupt",
                    "odd_pcm",
                ],
            )),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ScriptStep, A::Error> {
        let written = Written::deserialize(MapAccessDeserializer::new(map))?;
        check(written).map_err(A::Error::custom)
    }
}

/// Makes the one action of what was written, or says what is wrong with it.
fn check(mut w: Written) -> Result<ScriptStep, String> {
    let mut found = simple(&mut w)?;
    if let Some(words) = w.say.take() {
        found.push(say(words, &mut w)?);
    }
    if let Some(name) = w.call.take() {
        found.push(ScriptStep::Call {
            name,
            args: w.args.take().unwrap_or_default(),
            wait: !w.asynchronous.take().unwrap_or(false),
            timeout: millis("timeout_ms", w.timeout_ms.take().unwrap_or(20_000), 600_000)?,
        });
    }
    if let Some(code) = w.close.take() {
        can_be_sent(code).map_err(|why| format!("close: {why}"))?;
        let reason = w.reason.take().unwrap_or_default();
        if reason.len() > 123 {
            return Err("reason: at most 123 bytes fit into a close frame".to_owned());
        }
        found.push(ScriptStep::Close { code, reason });
    }
    if let Some(max) = w.jitter.take() {
        found.push(ScriptStep::Jitter {
            max: millis("jitter", max, 60_000)?,
            seed: w.seed.take().unwrap_or(1),
        });
    }
    let lonely = [
        ("ms", w.ms.is_some()),
        ("hz", w.hz.is_some()),
        ("wav", w.wav.is_some()),
        ("args", w.args.is_some()),
        ("async", w.asynchronous.is_some()),
        ("timeout_ms", w.timeout_ms.is_some()),
        ("reason", w.reason.is_some()),
        ("seed", w.seed.is_some()),
    ];
    if let Some((key, _)) = lonely.iter().find(|(_, given)| *given) {
        return Err(format!("{key} belongs to another action"));
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err("no action; see `sovereign serve --help`".to_owned()),
        _ => Err("more than one action; begin each with a dash of its own".to_owned()),
    }
}

/// The actions of one key.
fn simple(w: &mut Written) -> Result<Vec<ScriptStep>, String> {
    let mut found = Vec::new();
    let flags = [
        (w.parrot, ScriptStep::Parrot),
        (w.stall, ScriptStep::Stall),
        (w.empty, ScriptStep::Empty),
        (w.drop, ScriptStep::Drop),
        (w.phantom_interrupt, ScriptStep::PhantomInterrupt),
        (w.odd_pcm, ScriptStep::OddPcm),
    ];
    found.extend(
        flags
            .into_iter()
            .filter(|(set, _)| *set)
            .map(|(_, action)| action),
    );
    if let Some(ms) = w.wait {
        found.push(ScriptStep::Wait(millis("wait", ms, 600_000)?));
    }
    if let Some(ms) = w.go_away {
        found.push(ScriptStep::GoAway(millis("go_away", ms, 600_000)?));
    }
    if let Some(ms) = w.pad {
        found.push(ScriptStep::Pad(millis("pad", ms, 60_000)?));
    }
    if let Some(ms) = w.chunk_ms {
        if ms == 0 {
            return Err("chunk_ms: 1 to 1000".to_owned());
        }
        found.push(ScriptStep::Chunk(millis("chunk_ms", ms, 1000)?));
    }
    if let Some(n) = w.late_audio {
        if n > 100 {
            return Err("late_audio: at most 100".to_owned());
        }
        found.push(ScriptStep::LateAudio(n));
    }
    if let Some(x) = w.speed {
        if !(0.0..=1000.0).contains(&x) || (x > 0.0 && x < 0.1) {
            return Err("speed: 0.1 to 1000, or 0 for all at once".to_owned());
        }
        found.push(ScriptStep::Speed(x));
    }
    found.extend(w.thought.take().map(ScriptStep::Thought));
    found.extend(w.raw.take().map(|raw| match raw.as_str() {
        Some(text) => ScriptStep::Raw(text.to_owned()),
        None => ScriptStep::Raw(raw.to_string()),
    }));
    Ok(found)
}

fn say(words: String, w: &mut Written) -> Result<ScriptStep, String> {
    let sound = match w.wav.take() {
        Some(_) if w.ms.is_some() || w.hz.is_some() => {
            return Err("wav has its own length and sound: leave ms and hz out".to_owned());
        }
        Some(file) => SpeechKind::File(file),
        None => {
            let hz = w.hz.take().unwrap_or(440.0);
            if !(20.0..=11_000.0).contains(&hz) {
                return Err("hz: 20 to 11000".to_owned());
            }
            SpeechKind::Tone {
                hz,
                length: millis("ms", w.ms.take().unwrap_or(1000), 600_000)?,
            }
        }
    };
    Ok(ScriptStep::Say { words, sound })
}

fn millis(key: &str, ms: u64, most: u64) -> Result<Duration, String> {
    if ms > most {
        return Err(format!("{key}: at most {most} ms"));
    }
    Ok(Duration::from_millis(ms))
}
