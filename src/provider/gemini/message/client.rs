//! What a client says.

use std::fmt;

use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};

use super::content::{Blob, Content, Empty, FunctionResponse};
use super::proto_json::nullable;
use super::setup::Setup;
use super::tools::Tool;

/// A message of the client: exactly one of these in a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "RawMessage")]
pub enum ClientMessage {
    /// First and once.
    Setup(Box<Setup>),
    /// Ordered content: interrupts a running answer.
    ClientContent(ClientContent),
    /// A piece of the live stream.
    RealtimeInput(RealtimeInput),
    ToolResponse(ToolResponse),
    /// Another preamble within the connection.
    ContextUpdate(ContextUpdate),
}

impl ClientMessage {
    /// Reads a message strictly.
    pub fn read(json: &[u8]) -> Result<Self, Refusal> {
        let mut parser = serde_json::Deserializer::from_slice(json);
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(&mut parser, &mut track);
        let mut unknown = None;
        let read = serde_ignored::deserialize(tracked, |path| {
            unknown.get_or_insert_with(|| place(&path));
        });
        let message = read.map_err(|error: serde_json::Error| Refusal {
            path: track.path().to_string().trim_start_matches('.').to_owned(),
            problem: error.to_string(),
        })?;
        parser.end().map_err(|error| Refusal {
            path: String::new(),
            problem: error.to_string(),
        })?;
        match unknown {
            Some(path) => Err(Refusal {
                path,
                problem: "unknown field".to_owned(),
            }),
            None => Ok(message),
        }
    }

    /// The JSON of this message, for a text frame.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("keys are text, and nothing else can fail in memory")
    }
}

impl From<RealtimeInput> for ClientMessage {
    fn from(input: RealtimeInput) -> Self {
        Self::RealtimeInput(input)
    }
}

/// Why a client's message is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// The field, as `setup.generationConfig.topP`; empty for the message as a whole.
    pub path: String,
    pub problem: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.problem)
        } else {
            write!(f, "{}: {}", self.path, self.problem)
        }
    }
}

/// Ordered content: a history, or something to answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientContent {
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub turns: Vec<Content>,
    /// Whether an answer is asked for.
    #[serde(alias = "turn_complete", skip_serializing_if = "Option::is_none")]
    pub turn_complete: Option<bool>,
}

/// A piece of the live stream: exactly one of these in a message.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "RawInput")]
pub enum RealtimeInput {
    /// Raw PCM, 16 bit, little endian, mono; 20 to 40 ms.
    Audio(Blob),
    Video(Blob),
    /// Text; counts as activity.
    Text(String),
    /// Manual detection: speech begins.
    ActivityStart,
    /// Manual detection: speech is over.
    ActivityEnd,
    /// Automatic detection: the microphone stops for more than about a second.
    AudioStreamEnd,
}

impl Serialize for RealtimeInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Audio(blob) => map.serialize_entry("audio", blob)?,
            Self::Video(blob) => map.serialize_entry("video", blob)?,
            Self::Text(text) => map.serialize_entry("text", text)?,
            Self::ActivityStart => map.serialize_entry("activityStart", &Empty {})?,
            Self::ActivityEnd => map.serialize_entry("activityEnd", &Empty {})?,
            Self::AudioStreamEnd => map.serialize_entry("audioStreamEnd", &true)?,
        }
        map.end()
    }
}

/// Answers to calls of the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ToolResponse {
    #[serde(alias = "function_responses", deserialize_with = "nullable")]
    pub function_responses: Vec<FunctionResponse>,
}

/// Another preamble within the connection; costs the prefix cache.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContextUpdate {
    /// Who the model is to be from now on.
    #[serde(alias = "system_instruction", skip_serializing_if = "Option::is_none")]
    pub system_instruction: Option<Content>,
    /// What it may use from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<ContextTools>,
}

/// A list of tools, wrapped so that an empty one can be told from none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContextTools {
    #[serde(deserialize_with = "nullable")]
    pub tools: Vec<Tool>,
}

/// A message as it stands on the wire, before it is known to hold exactly one kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMessage {
    setup: Option<Box<Setup>>,
    #[serde(alias = "client_content")]
    client_content: Option<ClientContent>,
    #[serde(alias = "realtime_input")]
    realtime_input: Option<RealtimeInput>,
    #[serde(alias = "tool_response")]
    tool_response: Option<ToolResponse>,
    #[serde(alias = "context_update")]
    context_update: Option<ContextUpdate>,
}

impl TryFrom<RawMessage> for ClientMessage {
    type Error = String;

    fn try_from(raw: RawMessage) -> Result<Self, String> {
        let kinds = [
            raw.setup.map(Self::Setup),
            raw.client_content.map(Self::ClientContent),
            raw.realtime_input.map(Self::RealtimeInput),
            raw.tool_response.map(Self::ToolResponse),
            raw.context_update.map(Self::ContextUpdate),
        ];
        exactly_one(kinds).ok_or_else(|| {
            "a message holds exactly one of setup, clientContent, realtimeInput, toolResponse, contextUpdate"
                .to_owned()
        })
    }
}

/// `realtimeInput` as it stands on the wire.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawInput {
    audio: Option<Blob>,
    video: Option<Blob>,
    text: Option<String>,
    #[serde(alias = "activity_start")]
    activity_start: Option<Empty>,
    #[serde(alias = "activity_end")]
    activity_end: Option<Empty>,
    #[serde(alias = "audio_stream_end")]
    audio_stream_end: Option<bool>,
    #[serde(alias = "media_chunks")]
    media_chunks: Option<serde::de::IgnoredAny>,
}

impl TryFrom<RawInput> for RealtimeInput {
    type Error = String;

    fn try_from(raw: RawInput) -> Result<Self, String> {
        if raw.media_chunks.is_some() {
            return Err("mediaChunks was removed; use audio, video or text".to_owned());
        }
        let kinds = [
            raw.audio.map(Self::Audio),
            raw.video.map(Self::Video),
            raw.text.map(Self::Text),
            raw.activity_start.map(|Empty {}| Self::ActivityStart),
            raw.activity_end.map(|Empty {}| Self::ActivityEnd),
            raw.audio_stream_end
                .filter(|&over| over)
                .map(|_| Self::AudioStreamEnd),
        ];
        exactly_one(kinds).ok_or_else(|| {
            "realtimeInput holds exactly one of audio, video, text, activityStart, activityEnd, audioStreamEnd"
                .to_owned()
        })
    }
}

/// The one that is there; `None` for none or more.
fn exactly_one<T, const N: usize>(all: [Option<T>; N]) -> Option<T> {
    let mut there = all.into_iter().flatten();
    match (there.next(), there.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// A path as `setup.tools[0].name`.
fn place(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Map { parent, key } => match place(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Seq { parent, index } => format!("{}[{index}]", place(parent)),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => place(parent),
    }
}
