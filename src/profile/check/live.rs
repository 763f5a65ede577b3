//! What the service is asked for, checked.

use super::super::keys::{self, Allowed};
use super::super::raw::{Given, OrDefault, RawLive};
use super::super::shape::{is_language, is_model};
use super::super::{AnswerLength, LiveSettings};
use super::{Checker, fault};
use crate::base::nearest::nearest;
use crate::base::voices::VOICES;

impl Checker<'_> {
    pub(super) fn live(&mut self, raw: RawLive, base: Option<&LiveSettings>) -> LiveSettings {
        let model = self.chosen(
            "live.model",
            raw.model,
            base.map(|base| base.model.clone()),
            String::new(),
        );
        self.refuse_unless(is_model(&model), "live.model", &model);
        let length = base.map(|base| base.answer_length);
        let search = base.map(|base| base.google_search);
        LiveSettings {
            model,
            voice: self.voice(raw.voice, base.map(|base| base.voice.clone())),
            language: self.language(raw.language, base.map(|base| base.language.clone())),
            temperature: self.temperature(raw.temperature, base.map(|base| base.temperature)),
            thinking: self.optional(
                "live.thinking",
                raw.thinking,
                base.map(|base| base.thinking),
            ),
            instruction: self.text(
                "live.instruction",
                raw.instruction,
                base.map(|base| base.instruction.as_str()),
            ),
            answer_length: self.chosen(
                "live.answer_length",
                raw.answer_length,
                length,
                AnswerLength::Free,
            ),
            google_search: self.chosen("live.google_search", raw.google_search, search, false),
            compress_at_tokens: self.whole(
                "live.compress_at_tokens",
                raw.compress_at_tokens,
                base.map(|base| base.compress_at_tokens),
            ),
            compress_to_tokens: self.whole(
                "live.compress_to_tokens",
                raw.compress_to_tokens,
                base.map(|base| base.compress_to_tokens),
            ),
        }
    }

    fn voice(
        &mut self,
        given: Given<OrDefault<String>>,
        base: Option<Option<String>>,
    ) -> Option<String> {
        let voice = self.optional("live.voice", given, base)?;
        if let Some(known) = VOICES
            .iter()
            .find(|known| known.eq_ignore_ascii_case(&voice))
        {
            return Some((*known).to_owned());
        }
        let mut fault = fault(self.text, "live.voice", format!("is `{voice}`"));
        fault.suggestion = nearest(&voice, VOICES).map(Into::into);
        self.faults.push(fault);
        None
    }

    fn language(
        &mut self,
        given: Given<OrDefault<String>>,
        base: Option<Option<String>>,
    ) -> Option<String> {
        let language = self.optional("live.language", given, base)?;
        self.refuse_unless(is_language(&language), "live.language", &language);
        Some(language)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "0 to 2 is checked, and the service has no use for more digits"
    )]
    fn temperature(
        &mut self,
        given: Given<OrDefault<f64>>,
        base: Option<Option<f32>>,
    ) -> Option<f32> {
        let base = base.map(|base| base.map(f64::from));
        let written = given.0.is_some();
        let value = self.optional("live.temperature", given, base)?;
        if let Some(Allowed::NumberOrDefault(least, most)) = keys::allowed("live.temperature")
            && written
            && !(least..=most).contains(&value)
        {
            self.fault("live.temperature", format!("is {value}"));
        }
        Some(value as f32)
    }
}
