//! What the service says.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::{Content, FunctionCall};
use super::notation::{integer, is_false, nullable, seconds};
use super::sound;

/// A message of the service. One kind is set, with `usage_metadata` sometimes beside it; read every field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServerMessage {
    /// The setup was taken.
    #[serde(alias = "setup_complete", skip_serializing_if = "Option::is_none")]
    pub setup_complete: Option<SetupComplete>,
    /// Part of an answer; may hold sound, transcription and flags at once.
    #[serde(alias = "server_content", skip_serializing_if = "Option::is_none")]
    pub server_content: Option<ServerContent>,
    /// Functions to call.
    #[serde(alias = "tool_call", skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolCall>,
    /// Calls that need no answer any more.
    #[serde(
        alias = "tool_call_cancellation",
        skip_serializing_if = "Option::is_none"
    )]
    pub tool_call_cancellation: Option<ToolCallCancellation>,
    /// What a turn cost.
    #[serde(alias = "usage_metadata", skip_serializing_if = "Option::is_none")]
    pub usage_metadata: Option<UsageMetadata>,
    /// A handle to go on from.
    #[serde(
        alias = "session_resumption_update",
        skip_serializing_if = "Option::is_none"
    )]
    pub session_resumption_update: Option<ResumptionUpdate>,
    /// The connection ends soon.
    #[serde(alias = "go_away", skip_serializing_if = "Option::is_none")]
    pub go_away: Option<GoAway>,
    /// The service's detector heard something.
    #[serde(alias = "voice_activity", skip_serializing_if = "Option::is_none")]
    pub voice_activity: Option<VoiceActivity>,
    /// The same, for some; unread.
    #[serde(
        alias = "voice_activity_detection_signal",
        skip_serializing_if = "Option::is_none"
    )]
    pub voice_activity_detection_signal: Option<Value>,
}

impl ServerMessage {
    /// Reads a message leniently, from a text or a binary frame.
    ///
    /// # Errors
    /// It is no JSON object, or a field that is known has a wrong type.
    pub fn read(json: &[u8]) -> Result<Self, Unreadable> {
        if let Some(message) = sound::read(json) {
            return Ok(message);
        }
        let first = json.iter().find(|b| !b.is_ascii_whitespace());
        if first != Some(&b'{') {
            // serde would take an array for a struct.
            return Err(Unreadable("not a JSON object".to_owned()));
        }
        serde_json::from_slice(json).map_err(|error| Unreadable(error.to_string()))
    }

    /// The JSON of this message, for a frame.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("keys are text, and nothing else can fail in memory")
    }
}

/// Why a message of the service cannot be read. Holds no content of the message but the value that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable message of the service: {0}")]
pub struct Unreadable(String);

/// The setup was taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SetupComplete {
    /// The service's name for this session.
    #[serde(alias = "session_id", skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

/// Part of an answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServerContent {
    /// Sound, text, thoughts.
    #[serde(alias = "model_turn", skip_serializing_if = "Option::is_none")]
    pub model_turn: Option<Content>,
    /// The user spoke into the answer.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub interrupted: bool,
    /// All of the answer was sent.
    #[serde(
        alias = "generation_complete",
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub generation_complete: bool,
    /// The turn is over.
    #[serde(
        alias = "turn_complete",
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub turn_complete: bool,
    /// Why it is over.
    #[serde(
        alias = "turn_complete_reason",
        skip_serializing_if = "Option::is_none"
    )]
    pub turn_complete_reason: Option<String>,
    /// Whether more follows after `turn_complete`.
    #[serde(alias = "interaction_status", skip_serializing_if = "Option::is_none")]
    pub interaction_status: Option<InteractionStatus>,
    /// The model waits for more.
    #[serde(
        alias = "waiting_for_input",
        deserialize_with = "nullable",
        skip_serializing_if = "is_false"
    )]
    pub waiting_for_input: bool,
    /// The user's words; no guaranteed place among the rest.
    #[serde(alias = "input_transcription", skip_serializing_if = "Option::is_none")]
    pub input_transcription: Option<Transcription>,
    /// The same, not final.
    #[serde(
        alias = "interim_input_transcription",
        skip_serializing_if = "Option::is_none"
    )]
    pub interim_input_transcription: Option<Transcription>,
    /// The model's words.
    #[serde(
        alias = "output_transcription",
        skip_serializing_if = "Option::is_none"
    )]
    pub output_transcription: Option<Transcription>,
    /// Where a search led: an answer that was searched for has some.
    #[serde(alias = "grounding_metadata", skip_serializing_if = "Option::is_none")]
    pub grounding_metadata: Option<Value>,
    /// What was read of the web; unread.
    #[serde(
        alias = "url_context_metadata",
        skip_serializing_if = "Option::is_none"
    )]
    pub url_context_metadata: Option<Value>,
}

impl ServerContent {
    /// Whether the service searched the web for this answer.
    #[must_use]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InteractionStatus {
    /// More audio or calls follow.
    InProgress,
    /// The client is asked to do something.
    RequiresAction,
    /// It is over.
    Idle,
    /// A state that is not known here.
    #[serde(other)]
    InteractionStatusUnspecified,
}

/// Words that were heard or spoken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Transcription {
    /// The words; a piece to be appended.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub text: String,
    /// Whether this was the last piece.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub finished: bool,
    /// BCP 47 code of what was spoken.
    #[serde(alias = "language_code", skip_serializing_if = "Option::is_none")]
    pub language_code: Option<String>,
}

/// Functions to call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ToolCall {
    /// The calls.
    #[serde(alias = "function_calls", deserialize_with = "nullable")]
    pub function_calls: Vec<FunctionCall>,
}

/// Calls that need no answer any more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolCallCancellation {
    /// Their ids.
    #[serde(deserialize_with = "nullable")]
    pub ids: Vec<String>,
}

/// What a turn cost, in tokens. Sums need not agree with details.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct UsageMetadata {
    /// The whole context, read again.
    #[serde(
        alias = "prompt_token_count",
        deserialize_with = "integer::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub prompt_token_count: Option<u64>,
    /// The answer.
    #[serde(
        alias = "response_token_count",
        deserialize_with = "integer::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub response_token_count: Option<u64>,
    /// Results of tools.
    #[serde(
        alias = "tool_use_prompt_token_count",
        deserialize_with = "integer::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub tool_use_prompt_token_count: Option<u64>,
    /// Thoughts.
    #[serde(
        alias = "thoughts_token_count",
        deserialize_with = "integer::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub thoughts_token_count: Option<u64>,
    /// Of the context, what was still known.
    #[serde(
        alias = "cached_content_token_count",
        deserialize_with = "integer::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub cached_content_token_count: Option<u64>,
    /// All.
    #[serde(
        alias = "total_token_count",
        deserialize_with = "integer::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_token_count: Option<u64>,
    /// The context by kind.
    #[serde(
        alias = "prompt_tokens_details",
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub prompt_tokens_details: Vec<ModalityTokens>,
    /// The answer by kind.
    #[serde(
        alias = "response_tokens_details",
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub response_tokens_details: Vec<ModalityTokens>,
    /// What was still known, by kind.
    #[serde(
        alias = "cache_tokens_details",
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub cache_tokens_details: Vec<ModalityTokens>,
    /// Results of tools by kind.
    #[serde(
        alias = "tool_use_prompt_tokens_details",
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub tool_use_prompt_tokens_details: Vec<ModalityTokens>,
}

impl UsageMetadata {
    /// Tokens that are billed as prompt and as response: results of tools are read, thoughts are written.
    #[must_use]
    pub fn billed(&self) -> (u64, u64) {
        let sum = |a: Option<u64>, b: Option<u64>| {
            a.unwrap_or_default().saturating_add(b.unwrap_or_default())
        };
        (
            sum(self.prompt_token_count, self.tool_use_prompt_token_count),
            sum(self.response_token_count, self.thoughts_token_count),
        )
    }
}

/// Tokens of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ModalityTokens {
    /// `TEXT`, `AUDIO`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modality: Option<String>,
    /// How many.
    #[serde(
        alias = "token_count",
        deserialize_with = "integer::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub token_count: Option<u64>,
}

/// A handle to go on from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResumptionUpdate {
    /// The handle.
    #[serde(alias = "new_handle", skip_serializing_if = "Option::is_none")]
    pub new_handle: Option<String>,
    /// Whether it holds: it does not while an answer is made.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub resumable: bool,
    /// Vertex only.
    #[serde(
        alias = "last_consumed_client_message_index",
        deserialize_with = "integer::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_consumed_client_message_index: Option<u64>,
}

/// The connection ends soon.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GoAway {
    /// How soon.
    #[serde(
        alias = "time_left",
        with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub time_left: Option<Duration>,
}

/// The service's detector heard something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VoiceActivity {
    /// `ACTIVITY_START` or `ACTIVITY_END`.
    #[serde(
        rename = "type",
        alias = "voiceActivityType",
        alias = "voice_activity_type",
        skip_serializing_if = "Option::is_none"
    )]
    pub kind: Option<String>,
    /// Where, counted from the first sample of the stream.
    #[serde(
        alias = "audio_offset",
        with = "seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub audio_offset: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_and_results_of_tools_are_billed_too() {
        let json = r#"{"promptTokenCount":45,"responseTokenCount":30,"toolUsePromptTokenCount":5,"thoughtsTokenCount":"12"}"#;
        let usage: UsageMetadata = serde_json::from_str(json).expect("readable");
        assert_eq!(usage.billed(), (50, 42));
        assert_eq!(UsageMetadata::default().billed(), (0, 0));
    }

    #[test]
    fn only_an_answer_with_places_was_searched_for() {
        for (json, searched) in [
            ("{}", false),
            (r#"{"groundingMetadata":{}}"#, false),
            (r#"{"groundingMetadata":{"webSearchQueries":[]}}"#, false),
            (r#"{"grounding_metadata":{"webSearchQueries":["x"]}}"#, true),
            (
                r#"{"groundingMetadata":{"groundingChunks":[{"web":{}}]}}"#,
                true,
            ),
        ] {
            let content: ServerContent = serde_json::from_str(json).expect("readable");
            assert_eq!(content.searched(), searched, "{json}");
        }
    }
}
