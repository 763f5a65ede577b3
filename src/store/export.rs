//! A kept conversation as a text for people, as JSON, and as a sound.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::database::Database;
use super::entry::{ConversationId, ConversationSummary, StoredAudio, StoredTurn};
use super::error::StoreError;
use crate::base::plural::count;
use crate::base::printable;
use crate::base::text::t;
use crate::base::units::SampleRate;
use crate::base::wav;
use crate::dsp::resample::{ResampleError, Resampler};
use crate::report::markdown::escaped;

/// Taps of the resampler: nobody waits for it.
const TAPS: u32 = 256;
/// Between what two people say, in samples: 300 ms.
const PAUSE: usize = 7_200;

/// What an export becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Md,
    Json,
    Wav,
}

impl ExportFormat {
    /// The ending of a file's name.
    const fn ending(self) -> &'static str {
        match self {
            Self::Md => "md",
            Self::Json => "json",
            Self::Wav => "wav",
        }
    }
}

/// Why there is nothing to write.
#[derive(Debug, thiserror::Error)]
pub enum NotExported {
    #[error("{}", t!("there-is-no-such-conversation-any"))]
    Unknown,
    #[error("{}", t!("its-sound-is-not-kept"))]
    NoSound,
    #[error("{}", t!("its-sound-cannot-be-converted", error = _0))]
    Sound(#[from] ResampleError),
}

/// The bytes of a conversation's export.
pub fn export(
    database: &Database,
    id: ConversationId,
    format: ExportFormat,
) -> Result<Result<Vec<u8>, NotExported>, StoreError> {
    let Some(conversation) = database.conversation(id)? else {
        return Ok(Err(NotExported::Unknown));
    };
    if format == ExportFormat::Wav {
        let audio = database.audio(id)?;
        if audio.is_empty() {
            return Ok(Err(NotExported::NoSound));
        }
        return Ok(wav(&audio).map_err(NotExported::from));
    }
    let turns = database.turns(id)?;
    let text = if format == ExportFormat::Md {
        markdown(&conversation, &turns)
    } else {
        format!("{}\n", printable::escaped(&json(&conversation, &turns)))
    };
    Ok(Ok(text.into_bytes()))
}

/// Writes an export of a conversation that began then into a new file of this folder. Returns the file.
pub(super) fn write(
    folder: &Path,
    begun: Timestamp,
    format: ExportFormat,
    bytes: &[u8],
) -> io::Result<PathBuf> {
    let time = begun.to_zoned(TimeZone::system());
    let name = format!("conversation {}", time.strftime("%Y-%m-%d %H.%M"));
    let ending = format.ending();
    let mut names = std::iter::once(format!("{name}.{ending}"))
        .chain((2..1_000).map(|n| format!("{name} ({n}).{ending}")));
    let free = names.find_map(|name| {
        let file = folder.join(name);
        file.symlink_metadata().is_err().then_some(file)
    });
    let file = free.ok_or(io::ErrorKind::AlreadyExists)?;
    crate::file::write_private(&file, bytes)?;
    Ok(file)
}

/// As Markdown. Signs with a meaning there are escaped, and what cannot be seen is left out.
pub fn markdown(conversation: &ConversationSummary, turns: &[StoredTurn]) -> String {
    let title = match conversation.title.as_str() {
        "" => "Conversation",
        title => title,
    };
    let mut text = format!(
        "# {}\n\n{}, {}\n",
        escaped(title),
        local_time(conversation.begun),
        count(conversation.turns, "turn")
    );
    for turn in turns {
        for (speaker, words) in [("You", &turn.user), ("Assistant", &turn.assistant)] {
            let paragraphs: Vec<String> = words
                .lines()
                .map(|line| escaped(line.trim()))
                .filter(|line| !line.is_empty())
                .collect();
            if !paragraphs.is_empty() {
                write!(text, "\n**{speaker}:** {}\n", paragraphs.join("  \n")).ok();
            }
        }
    }
    text
}

/// A conversation in JSON, `sovereign.conversation/1`.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    conversation: SummaryJson<'a>,
    turns: Vec<TurnJson<'a>>,
}

/// A conversation as lists and exports show it.
#[derive(Clone, Debug, Serialize)]
pub struct SummaryJson<'a> {
    id: i64,
    #[serde(serialize_with = "as_text")]
    begun: Timestamp,
    #[serde(serialize_with = "as_text")]
    ended: Timestamp,
    title: &'a str,
    #[serde(rename = "turn_count")]
    turns: u64,
    profile: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_ms: Option<u128>,
}

impl<'a> From<&'a ConversationSummary> for SummaryJson<'a> {
    fn from(conversation: &'a ConversationSummary) -> Self {
        Self {
            id: conversation.id.0,
            begun: conversation.begun,
            ended: conversation.ended,
            title: &conversation.title,
            turns: conversation.turns,
            profile: &conversation.profile,
            response_ms: conversation.response.map(|response| response.as_millis()),
        }
    }
}

/// A turn as exports and searches show it.
#[derive(Clone, Debug, Serialize)]
pub struct TurnJson<'a> {
    turn: u64,
    #[serde(serialize_with = "as_text")]
    at: Timestamp,
    profile: &'a str,
    outcome: &'a str,
    typed: bool,
    user: &'a str,
    assistant: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_ms: Option<u128>,
    /// `sovereign.turn/1`, without the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
}

impl<'a> From<&'a StoredTurn> for TurnJson<'a> {
    fn from(turn: &'a StoredTurn) -> Self {
        Self {
            turn: turn.number,
            at: turn.at,
            profile: &turn.profile,
            outcome: &turn.outcome,
            typed: turn.typed,
            user: &turn.user,
            assistant: &turn.assistant,
            response_ms: turn.response.map(|response| response.as_millis()),
            record: serde_json::from_str(&turn.record).ok(),
        }
    }
}

/// As one JSON object on a line.
pub fn json(conversation: &ConversationSummary, turns: &[StoredTurn]) -> String {
    let document = Document {
        schema: "sovereign.conversation/1",
        conversation: conversation.into(),
        turns: turns.iter().map(TurnJson::from).collect(),
    };
    serde_json::to_string(&document).expect("texts and numbers become JSON")
}

/// The kept sound as one WAV file: 24 kHz, mono, 16 bit; one after the other with pauses in between.
pub fn wav(audio: &[StoredAudio]) -> Result<Vec<u8>, ResampleError> {
    let mut samples = Vec::new();
    for piece in audio {
        if !samples.is_empty() {
            samples.extend([0.0; PAUSE]);
        }
        let sound: Vec<f32> = piece
            .samples
            .iter()
            .map(|s| f32::from(*s) / 32_768.0)
            .collect();
        let mut resampler = Resampler::new(piece.rate, SampleRate::REPLY, TAPS)?;
        resampler.push(&sound, &mut samples);
        resampler.flush(&mut samples);
    }
    let length = u32::try_from(2 * samples.len()).unwrap_or(u32::MAX);
    let mut bytes = wav::header(SampleRate::REPLY, length).to_vec();
    bytes.extend(samples.iter().flat_map(|sample| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "within bounds after the clamp"
        )]
        let sample = (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
        sample.to_le_bytes()
    }));
    Ok(bytes)
}

fn as_text<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(at)
}

/// A time as people write it here: `2026-11-29 18:03`.
pub fn local_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::super::entry::{ConversationId, Side};
    use super::*;

    #[test]
    fn a_conversation_is_exported_whole() {
        let conversation = ConversationSummary {
            id: ConversationId(7),
            title: "What is *this*?".into(),
            turns: 2,
            ..ConversationSummary::default()
        };
        let turns = [
            StoredTurn {
                number: 1,
                user: "What is *this*?\n\u{202e}<b>".into(),
                assistant: "A test.".into(),
                record: "{\"a\":1}".into(),
                ..StoredTurn::default()
            },
            StoredTurn {
                number: 2,
                assistant: "Anything else?".into(),
                ..StoredTurn::default()
            },
        ];
        let text = markdown(&conversation, &turns);
        let (head, rest) = text.split_at(text.find(", 2 turns").expect("the count"));
        assert!(head.starts_with("# What is \\*this\\*?\n\n19"), "{head}");
        let told = "\n**You:** What is \\*this\\*?  \n &lt;b&gt;\n\n**Assistant:** A test.\n\n**Assistant:** Anything else?\n";
        assert_eq!(rest, format!(", 2 turns\n{told}"));
        let json: serde_json::Value =
            serde_json::from_str(&json(&conversation, &turns)).expect("JSON");
        assert_eq!(json["schema"], "sovereign.conversation/1");
        assert_eq!((&json["id"], &json["turn_count"]), (&7.into(), &2.into()));
        assert_eq!(json["turns"][0]["user"], turns[0].user.as_str(), "as it is");
        assert_eq!(json["turns"][0]["record"]["a"], 1);
        assert_eq!(json["turns"][1].get("record"), None);
    }

    #[test]
    fn both_sides_are_in_one_sound() {
        let piece = |side, rate, length| StoredAudio {
            number: 1,
            side,
            rate,
            samples: vec![1_000; length],
        };
        let bytes = wav(&[
            piece(Side::User, SampleRate::WORKING, 1_600),
            piece(Side::Assistant, SampleRate::REPLY, 2_400),
        ]);
        let sound = wav::decode(&*bytes.expect("resampled")).expect("a WAV file");
        assert_eq!(sound.rate, SampleRate::REPLY);
        let least = 2_400 + PAUSE + 2_400;
        assert!((least..least + 500).contains(&sound.samples.len()));
        assert!(wav(&[]).expect("a header").len() == wav::HEADER);
    }
}
