//! What the service says.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::audio_decode;
use super::content::{Content, FunctionCall};
use super::lenient::{LeftOut, LenientReader};
use super::proto_json::{is_false, seconds};
use crate::base::tokens::{Kinds, TokenCounts};

mod fields;

/// A message of the service. One kind is set, with `usage_metadata` sometimes beside it; read every field.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerMessage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setup_complete: Option<SetupComplete>,
    /// Part of an answer; may hold sound, transcription and flags at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_content: Option<ServerContent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolCall>,
    /// Calls that need no answer any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_cancellation: Option<ToolCallCancellation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_metadata: Option<UsageMetadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_resumption_update: Option<ResumptionUpdate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub go_away: Option<GoAway>,
    /// The service's detector heard something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_activity: Option<VoiceActivity>,
    /// The same, for some; unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_activity_detection_signal: Option<Value>,
}

impl ServerMessage {
    /// Reads a message leniently, from a text or a binary frame. A field that cannot be read is left out.
    pub fn read(json: &[u8]) -> Result<Self, Unreadable> {
        Self::read_counted(json).map(|(message, _)| message)
    }

    /// The same, and what was left out.
    pub fn read_counted(json: &[u8]) -> Result<(Self, LeftOut), Unreadable> {
        if let Some(turn) = audio_decode::read(json) {
            let message = Self {
                server_content: Some(ServerContent {
                    model_turn: Some(turn),
                    ..ServerContent::default()
                }),
                ..Self::default()
            };
            return Ok((message, LeftOut::default()));
        }
        read_fields(json).or_else(|unreadable| match cleaned(json) {
            Some(clean) => read_fields(&clean),
            None => Err(unreadable),
        })
    }

    /// The JSON of this message, for a frame.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("keys are text, and nothing else can fail in memory")
    }
}

pub(super) fn read_fields(json: &[u8]) -> Result<(ServerMessage, LeftOut), Unreadable> {
    let object: &RawValue =
        serde_json::from_slice(json).map_err(|error| Unreadable(error.to_string()))?;
    if !object.get().starts_with('{') {
        return Err(Unreadable("not a JSON object".to_owned()));
    }
    let (mut message, mut reader) = (ServerMessage::default(), LenientReader::default());
    reader.fields(&mut message, object);
    Ok((message, reader.left_out))
}

/// The text without what JSON forbids and some writers send all the same: a byte order mark, line ends and other control
/// characters inside of text, zeros behind the end, bytes that are no UTF-8. `None` where there is nothing of it.
fn cleaned(json: &[u8]) -> Option<Vec<u8>> {
    let body = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let mut text = String::from_utf8_lossy(body).into_owned().into_bytes();
    for byte in text.iter_mut().filter(|byte| **byte < b' ') {
        *byte = b' ';
    }
    (text != json).then_some(text)
}

/// Why a message of the service cannot be read. Holds no content of the message but the value that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable message of the service: {0}")]
pub struct Unreadable(String);

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetupComplete {
    /// The service's name for this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerContent {
    /// Sound, text, thoughts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_turn: Option<Content>,
    /// The user spoke into the answer.
    #[serde(skip_serializing_if = "is_false")]
    pub interrupted: bool,
    /// All of the answer was sent.
    #[serde(skip_serializing_if = "is_false")]
    pub generation_complete: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub turn_complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_complete_reason: Option<String>,
    /// Whether more follows after `turn_complete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interaction_status: Option<InteractionStatus>,
    /// The model waits for more.
    #[serde(skip_serializing_if = "is_false")]
    pub waiting_for_input: bool,
    /// The user's words; no guaranteed place among the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_transcription: Option<Transcription>,
    /// The same, not final.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interim_input_transcription: Option<Transcription>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_transcription: Option<Transcription>,
    /// Where a search led: an answer that was searched for has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grounding_metadata: Option<Value>,
    /// What was read of the web; unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_context_metadata: Option<Value>,
}

impl ServerContent {
    /// Whether the service searched the web for this answer.
    pub fn searched(&self) -> bool {
        let led = self.grounding_metadata.as_ref().and_then(Value::as_object);
        led.is_some_and(|led| led.values().any(|part| !is_nothing(part)))
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// How far an interaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InteractionStatus {
    /// More audio or calls follow.
    InProgress,
    /// The client is asked to do something.
    RequiresAction,
    /// It is over.
    Idle,
    /// A state that is not known here.
    InteractionStatusUnspecified,
}

/// Words that were heard or spoken.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Transcription {
    /// The words; a piece to be appended.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Whether this was the last piece.
    #[serde(skip_serializing_if = "is_false")]
    pub finished: bool,
    /// BCP 47 code of what was spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language_code: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolCall {
    pub function_calls: Vec<FunctionCall>,
}

/// Calls that need no answer any more.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ToolCallCancellation {
    pub ids: Vec<String>,
}

/// What a turn cost, in tokens. Sums need not agree with details.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageMetadata {
    /// The whole context, read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_use_prompt_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thoughts_token_count: Option<u64>,
    /// Of the context, what was still known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_content_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prompt_tokens_details: Vec<ModalityTokens>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_tokens_details: Vec<ModalityTokens>,
    /// What was still known, by kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cache_tokens_details: Vec<ModalityTokens>,
    /// Results of tools by kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_use_prompt_tokens_details: Vec<ModalityTokens>,
}

impl UsageMetadata {
    /// What is billed: results of tools are read, thoughts are written.
    pub fn billed(&self) -> TokenCounts {
        let mut prompt = kinds(self.prompt_token_count, &self.prompt_tokens_details);
        prompt += kinds(
            self.tool_use_prompt_token_count,
            &self.tool_use_prompt_tokens_details,
        );
        TokenCounts {
            prompt,
            response: kinds(self.response_token_count, &self.response_tokens_details),
            thoughts: self.thoughts_token_count.unwrap_or_default(),
            cached: self.cached_content_token_count.unwrap_or_default(),
            searches: 0,
        }
    }
}

/// A total by kind. What the details do not cover has none; where they are more than the total, they count.
fn kinds(total: Option<u64>, details: &[ModalityTokens]) -> Kinds {
    let mut kinds = Kinds::default();
    for detail in details {
        let count = detail.token_count.unwrap_or_default();
        let kind = match detail.modality.as_deref() {
            Some("TEXT") => &mut kinds.text,
            Some("AUDIO") => &mut kinds.audio,
            Some("IMAGE" | "VIDEO") => &mut kinds.image,
            Some(_) | None => &mut kinds.unassigned,
        };
        *kind = kind.saturating_add(count);
    }
    let rest = total.unwrap_or_default().saturating_sub(kinds.sum());
    kinds.unassigned = kinds.unassigned.saturating_add(rest);
    kinds
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModalityTokens {
    /// `TEXT`, `AUDIO`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_count: Option<u64>,
}

/// A handle to go on from.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResumptionUpdate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_handle: Option<String>,
    /// Whether it holds: it does not while an answer is made.
    #[serde(skip_serializing_if = "is_false")]
    pub resumable: bool,
    /// Vertex only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_consumed_client_message_index: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GoAway {
    #[serde(
        serialize_with = "seconds::serialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub time_left: Option<Duration>,
}

/// The service's detector heard something.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceActivity {
    /// `ACTIVITY_START` or `ACTIVITY_END`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Where, counted from the first sample of the stream.
    #[serde(
        serialize_with = "seconds::serialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub audio_offset: Option<Duration>,
}

#[cfg(test)]
mod tests;
