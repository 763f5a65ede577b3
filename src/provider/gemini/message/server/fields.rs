//! The fields of the service's messages by their names, and how each is read.

use serde_json::Value;
use serde_json::value::RawValue;

use super::super::content::{Blob, Content, FunctionCall, JsonObject, Part};
use super::super::lenient::{Fields, LenientReader, put};
use super::{
    GoAway, InteractionStatus, ModalityTokens, ResumptionUpdate, ServerContent, ServerMessage,
    SetupComplete, ToolCall, ToolCallCancellation, Transcription, UsageMetadata, VoiceActivity,
};

impl Fields for ServerMessage {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        match name {
            "setupComplete" => reader.sign(&mut self.setup_complete, value),
            "serverContent" => reader.object(&mut self.server_content, value),
            "toolCall" => reader.object(&mut self.tool_call, value),
            "toolCallCancellation" => reader.object(&mut self.tool_call_cancellation, value),
            "usageMetadata" => reader.object(&mut self.usage_metadata, value),
            "sessionResumptionUpdate" => {
                reader.object(&mut self.session_resumption_update, value);
            }
            "goAway" => reader.sign(&mut self.go_away, value),
            "voiceActivity" => reader.object(&mut self.voice_activity, value),
            "voiceActivityDetectionSignal" => {
                put(
                    &mut self.voice_activity_detection_signal,
                    reader.free::<Value>(value),
                );
            }
            _ => {}
        }
    }
}

impl Fields for SetupComplete {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        if name == "sessionId" {
            put(&mut self.session_id, reader.text(value));
        }
    }
}

impl Fields for ServerContent {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        match name {
            "modelTurn" => reader.object(&mut self.model_turn, value),
            "interrupted" => put(&mut self.interrupted, reader.flag(value)),
            "generationComplete" => put(&mut self.generation_complete, reader.flag(value)),
            "turnComplete" => put(&mut self.turn_complete, reader.flag(value)),
            "turnCompleteReason" => put(&mut self.turn_complete_reason, reader.name(value)),
            "interactionStatus" => {
                let status = reader.name(value).map(|name| status(&name));
                put(&mut self.interaction_status, status);
            }
            "waitingForInput" => put(&mut self.waiting_for_input, reader.flag(value)),
            "inputTranscription" => reader.object(&mut self.input_transcription, value),
            "interimInputTranscription" => {
                reader.object(&mut self.interim_input_transcription, value);
            }
            "outputTranscription" => reader.object(&mut self.output_transcription, value),
            "groundingMetadata" => put(&mut self.grounding_metadata, reader.free::<Value>(value)),
            "urlContextMetadata" => {
                put(&mut self.url_context_metadata, reader.free::<Value>(value))
            }
            _ => {}
        }
    }
}

/// A status by its name. The numbers are not published: one that is not known ends a turn, and what is said behind that is
/// heard all the same.
fn status(name: &str) -> InteractionStatus {
    match name {
        "IN_PROGRESS" => InteractionStatus::InProgress,
        "REQUIRES_ACTION" => InteractionStatus::RequiresAction,
        "IDLE" => InteractionStatus::Idle,
        _ => InteractionStatus::InteractionStatusUnspecified,
    }
}

impl Fields for Content {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        match name {
            "parts" => reader.list(&mut self.parts, value),
            "role" => put(&mut self.role, reader.text(value)),
            _ => {}
        }
    }
}

impl Fields for Part {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        match name {
            "text" => put(&mut self.text, reader.text(value)),
            "thought" => put(&mut self.thought, reader.flag(value)),
            "thoughtSignature" => put(&mut self.thought_signature, reader.text(value)),
            "inlineData" => reader.object(&mut self.inline_data, value),
            "functionCall" => reader.object(&mut self.function_call, value),
            _ => {}
        }
    }
}

impl Fields for Blob {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        match name {
            "data" => put(&mut self.data, reader.bytes(value)),
            "mimeType" => put(&mut self.mime_type, reader.text(value)),
            _ => {}
        }
    }
}

impl Fields for Transcription {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        match name {
            "text" => put(&mut self.text, reader.text(value)),
            "finished" => put(&mut self.finished, reader.flag(value)),
            "languageCode" => put(&mut self.language_code, reader.text(value)),
            _ => {}
        }
    }
}

impl Fields for ToolCall {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        if name == "functionCalls" {
            reader.list(&mut self.function_calls, value);
        }
    }
}

impl Fields for FunctionCall {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        match name {
            "id" => put(&mut self.id, reader.text(value)),
            "name" => put(&mut self.name, reader.text(value)),
            "args" => put(&mut self.args, reader.free::<JsonObject>(value)),
            _ => {}
        }
    }
}

impl Fields for ToolCallCancellation {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        if name == "ids" {
            reader.texts(&mut self.ids, value);
        }
    }
}

impl Fields for UsageMetadata {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        let count = match name {
            "promptTokenCount" => &mut self.prompt_token_count,
            "responseTokenCount" => &mut self.response_token_count,
            "toolUsePromptTokenCount" => &mut self.tool_use_prompt_token_count,
            "thoughtsTokenCount" => &mut self.thoughts_token_count,
            "cachedContentTokenCount" => &mut self.cached_content_token_count,
            "totalTokenCount" => &mut self.total_token_count,
            _ => return self.details(name, value, reader),
        };
        put(count, reader.count(value));
    }
}

impl UsageMetadata {
    fn details(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        let details = match name {
            "promptTokensDetails" => &mut self.prompt_tokens_details,
            "responseTokensDetails" => &mut self.response_tokens_details,
            "cacheTokensDetails" => &mut self.cache_tokens_details,
            "toolUsePromptTokensDetails" => &mut self.tool_use_prompt_tokens_details,
            _ => return,
        };
        reader.list(details, value);
    }
}

impl Fields for ModalityTokens {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        match name {
            "modality" => put(&mut self.modality, reader.name(value).map(modality)),
            "tokenCount" => put(&mut self.token_count, reader.count(value)),
            _ => {}
        }
    }
}

/// A modality by its name, also where it came as its number in Google's published interface.
fn modality(name: String) -> String {
    match name.as_str() {
        "1" => "TEXT".to_owned(),
        "2" => "IMAGE".to_owned(),
        "3" => "VIDEO".to_owned(),
        "4" => "AUDIO".to_owned(),
        "5" => "DOCUMENT".to_owned(),
        _ => name,
    }
}

impl Fields for ResumptionUpdate {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        match name {
            "newHandle" => put(&mut self.new_handle, reader.text(value)),
            "resumable" => put(&mut self.resumable, reader.flag(value)),
            "lastConsumedClientMessageIndex" => {
                put(
                    &mut self.last_consumed_client_message_index,
                    reader.count(value),
                );
            }
            _ => {}
        }
    }
}

impl Fields for GoAway {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        if name == "timeLeft" {
            put(&mut self.time_left, reader.duration(value));
        }
    }
}

impl Fields for VoiceActivity {
    fn field(&mut self, name: &str, value: &RawValue, reader: &mut LenientReader) {
        match name {
            "type" | "voiceActivityType" => put(&mut self.kind, reader.name(value)),
            "audioOffset" => put(&mut self.audio_offset, reader.duration(value)),
            _ => {}
        }
    }
}
