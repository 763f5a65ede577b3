//! What the model still knows of a conversation, and what each turn costs.

use std::time::Duration;

use crate::provider::gemini::message::{ModalityTokens, UsageMetadata};

/// What the Live API counts for a second of audio.
const TOKENS_PER_SECOND: f64 = 25.0;

/// What of a conversation outlives a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ContextWindow {
    /// Turns of the user so far.
    pub(super) turns: u64,
    /// Of those, the ones that went on before anything of their answer was due: with what followed they were one.
    pub(super) gone_on: u64,
    /// Sound in both directions and characters: the context that each turn is billed for.
    pub(super) heard: Duration,
    pub(super) spoken: Duration,
    pub(super) characters: usize,
    pub(super) calls: u64,
}

impl ContextWindow {
    /// What a turn costs whose answer has `spoken` of audio: all that was said before is read again.
    pub(super) fn usage(&self, spoken: Duration) -> UsageMetadata {
        let tokens = |length: Duration| (length.as_secs_f64() * TOKENS_PER_SECOND).round() as u64;
        // A system instruction and the frame of the conversation, roughly; four characters make a token.
        let text = 10 + self.characters as u64 / 4;
        let audio = tokens(self.heard) + tokens(self.spoken);
        let response = tokens(spoken);
        let of = |modality: &str, count| ModalityTokens {
            modality: Some(modality.to_owned()),
            token_count: Some(count),
        };
        UsageMetadata {
            prompt_token_count: Some(text + audio),
            response_token_count: Some(response),
            total_token_count: Some(text + audio + response),
            prompt_tokens_details: vec![of("TEXT", text), of("AUDIO", audio)],
            response_tokens_details: vec![of("AUDIO", response)],
            ..UsageMetadata::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_billed_for_all_that_was_said_before() {
        let context = ContextWindow {
            turns: 3,
            gone_on: 0,
            heard: Duration::from_secs(4),
            spoken: Duration::from_secs(2),
            characters: 40,
            calls: 0,
        };
        let usage = context.usage(Duration::from_millis(1500));
        assert_eq!(usage.prompt_token_count, Some(10 + 10 + 100 + 50));
        assert_eq!(usage.response_token_count, Some(38));
        assert_eq!(usage.total_token_count, Some(208));
        let details: Option<u64> = usage
            .prompt_tokens_details
            .iter()
            .map(|d| d.token_count)
            .sum();
        assert_eq!(details, usage.prompt_token_count);
    }
}
