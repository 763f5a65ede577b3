//! Messages of the Live protocol as events of a provider.

use std::collections::VecDeque;
use std::time::Instant;

use tracing::warn;

use crate::base::counters::Counters;
use crate::provider::gemini::message::{
    Blob, FunctionCall, InteractionStatus, ServerContent, ServerMessage, Transcription,
};
use crate::provider::gemini::pcm::{PcmReader, reply_rate};
use crate::provider::gemini::{grounding, turn_end_reason};
use crate::provider::{EndReason, ProviderEvent, ReplyAudio, Speaker, TokenUsage};

/// Translates the messages of one connection.
#[derive(Default)]
pub(super) struct Translator {
    reply: PcmReader,
}

impl Translator {
    /// Another answer begins. An earlier one may have been cut in the middle of a sample: its half belongs to no sound of
    /// this one.
    pub(super) fn reset(&mut self) {
        self.reply.reset();
    }

    /// Every field of a message counts: one may hold audio, words and flags together.
    pub(super) fn translate(
        &mut self,
        at: Instant,
        message: ServerMessage,
        counters: &Counters,
        events: &mut VecDeque<ProviderEvent>,
    ) {
        if let Some(call) = &message.tool_call {
            let calls = &call.function_calls;
            events.push_back(ProviderEvent::ToolCalls {
                count: calls.len(),
                answerable: calls.iter().all(FunctionCall::is_answerable),
            });
        }
        let update = message.session_resumption_update.as_ref();
        let is_alive = message.voice_activity.is_some()
            || message.tool_call_cancellation.is_some()
            // No handle holds while an answer is made.
            || update.is_some_and(|update| !update.resumable);
        if is_alive {
            events.push_back(ProviderEvent::Alive);
        }
        if let Some(usage) = &message.usage_metadata {
            events.push_back(ProviderEvent::Usage(TokenUsage {
                billed: usage.billed(),
                context: usage.prompt_token_count,
            }));
        }
        if let Some(content) = message.server_content {
            self.content(at, content, counters, events);
        }
    }

    fn content(
        &mut self,
        at: Instant,
        content: ServerContent,
        counters: &Counters,
        events: &mut VecDeque<ProviderEvent>,
    ) {
        if let Some(metadata) = content.grounding_metadata.as_ref()
            && content.searched()
        {
            events.push_back(ProviderEvent::Searched(grounding::read(metadata)));
        }
        if content.interrupted {
            self.reset();
            events.push_back(ProviderEvent::Interrupted);
        }
        let transcript = |speaker, words: Option<Transcription>| {
            words.map(|words| ProviderEvent::Transcript {
                speaker,
                text: words.text,
            })
        };
        events.extend(transcript(Speaker::User, content.input_transcription));
        // What is left of an interrupted answer is not played.
        let turn = content.model_turn.filter(|_| !content.interrupted);
        for part in turn.into_iter().flat_map(|turn| turn.parts) {
            // Thoughts are not said. Text beside audio is a transcript's affair; without audio it is the answer.
            let text = part.text.filter(|text| !part.thought && !text.is_empty());
            events.push_back(match (part.inline_data.filter(|_| !part.thought), text) {
                (Some(blob), _) if blob.data.is_empty() => ProviderEvent::Alive,
                (Some(blob), _) => self.audio(at, &blob, counters),
                (None, Some(text)) => ProviderEvent::Text(text),
                (None, None) => ProviderEvent::Content,
            });
        }
        events.extend(transcript(Speaker::Assistant, content.output_transcription));
        if content.generation_complete {
            events.push_back(ProviderEvent::GenerationComplete);
        }
        if let Some(name) = content.turn_complete_reason {
            let kind = turn_end_reason::kind(&name);
            events.push_back(ProviderEvent::EndReason(EndReason { name, kind }));
        }
        if content.turn_complete {
            self.reset();
            // Extended thinking closes a turn several times; only the last one is its end.
            let goes_on = content.interaction_status == Some(InteractionStatus::InProgress);
            events.push_back(ProviderEvent::TurnComplete { goes_on });
        }
    }

    fn audio(&mut self, at: Instant, blob: &Blob, counters: &Counters) -> ProviderEvent {
        match reply_rate(&blob.mime_type) {
            Ok(rate) => ProviderEvent::ReplyAudio(ReplyAudio {
                rate,
                samples: self.reply.read_as(&blob.mime_type, &blob.data),
                read_at: at,
                decoded_at: tokio::time::Instant::now().into_std(),
            }),
            Err(problem) => {
                counters.bad_messages.add(1);
                warn!(%problem, "reply audio that cannot be played");
                ProviderEvent::UnplayableAudio { mime: problem.mime }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn all_that_a_message_holds_is_told_in_order() {
        let sound = json!({"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": "AQACAA=="}});
        let content = json!({
            "groundingMetadata": {"webSearchQueries": ["rain"]},
            "inputTranscription": {"text": "you"},
            "modelTurn": {"parts": [
                sound, {"text": "seen"}, {"text": "secret", "thought": true},
                {"inlineData": {"mimeType": "audio/wav", "data": "AAA="}},
                {"inlineData": {"mimeType": "audio/pcm", "data": ""}},
            ]},
            "outputTranscription": {"text": "me"},
            "generationComplete": true, "turnCompleteReason": "NEED_MORE_INPUT", "turnComplete": true,
        });
        let message = json!({
            "toolCall": {"functionCalls": [{"id": "1", "name": "f"}, {"name": "g"}]},
            "sessionResumptionUpdate": {"resumable": false},
            "usageMetadata": {"promptTokenCount": 5},
            "serverContent": content,
        });
        let counters = Counters::default();
        let told = told(&mut Translator::default(), message, &counters);
        let expected = [
            "ToolCalls { count: 2, answerable: false }",
            "Alive",
            "Usage(",
            "Searched(Grounding { sources: [], queries: [\"rain\"] })",
            "Transcript { speaker: User, text: \"you\" }",
            "ReplyAudio(ReplyAudio { rate: SampleRate(24000), samples: [1, 2]",
            "Text(\"seen\")",
            "Content",
            "UnplayableAudio { mime: \"audio/wav\" }",
            "Alive",
            "Transcript { speaker: Assistant, text: \"me\" }",
            "GenerationComplete",
            "EndReason(EndReason { name: \"NEED_MORE_INPUT\", kind: Some(NeedsMore) })",
            "TurnComplete { goes_on: false }",
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (event, expected) in told.iter().zip(expected) {
            assert!(event.starts_with(expected), "{event}");
        }
        assert_eq!(counters.bad_messages.get(), 1);
    }

    #[test]
    fn half_a_sample_waits_for_its_other_half_within_one_answer() {
        let (mut translator, counters) = (Translator::default(), Counters::default());
        let sound = |data: &str| json!({"parts": [{"inlineData": {"mimeType": "audio/pcm", "data": data}}]});
        let mut samples = |content: Value| {
            let told = told(
                &mut translator,
                json!({"serverContent": content}),
                &counters,
            );
            let sound = told
                .into_iter()
                .find(|event| event.starts_with("ReplyAudio"))?;
            let (_, rest) = sound.split_once("samples: ")?;
            Some(rest.split_once(']')?.0.to_owned())
        };
        let half = || json!({"modelTurn": sound("AQ==")});
        let rest = || json!({"modelTurn": sound("AAIA")});
        assert_eq!(samples(half()).as_deref(), Some("["));
        assert_eq!(samples(rest()).as_deref(), Some("[1, 2"));
        for end in ["turnComplete", "interrupted"] {
            samples(half());
            assert_eq!(
                samples(json!({end: true, "modelTurn": sound("")})),
                None,
                "{end}"
            );
            assert_eq!(samples(rest()).as_deref(), Some("[512"), "{end}");
            samples(json!({"turnComplete": true}));
        }
        let cut = json!({"interrupted": true, "modelTurn": sound("AQACAA==")});
        assert_eq!(samples(cut), None, "nothing of it is played");
    }

    fn told(translator: &mut Translator, message: Value, counters: &Counters) -> Vec<String> {
        let message = ServerMessage::read(message.to_string().as_bytes()).expect("a message");
        let mut events = VecDeque::new();
        translator.translate(Instant::now(), message, counters, &mut events);
        events.iter().map(|event| format!("{event:?}")).collect()
    }
}
