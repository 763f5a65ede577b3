//! What the service is asked for, checked.

use super::super::keys::{self, Allowed};
use super::super::raw::{Given, OrDefault, RawLive};
use super::super::shape::is_model;
use super::super::{AnswerLength, Languages, LiveSettings};
use super::{Checker, fault};
use crate::base::did_you_mean::nearest;
use crate::base::languages::is_code;
use crate::base::voices::{self, VOICES};
use crate::live::models::{self, Purpose};

/// What is allowed in the place of a model that does not answer.
const TALKS: &str = "allowed is a model that talks, such as gemini-3.8-live";

/// More terms, or longer ones, would crowd out what is said.
const MOST_TERMS: usize = 100;
const LONGEST_TERM: usize = 100;

impl Checker<'_> {
    pub(super) fn live(&mut self, raw: RawLive, base: Option<&LiveSettings>) -> LiveSettings {
        let model = self.chosen(
            "live.model",
            raw.model,
            base.map(|base| base.model.clone()),
            String::new(),
        );
        self.refuse_unless(is_model(&model), "live.model", &model);
        if models::model(&model).purpose == Purpose::Transcription {
            let what = format!("is `{model}`, which writes down what it hears and answers nothing");
            self.refuse("live.model", what, TALKS);
        }
        let length = base.map(|base| base.answer_length);
        let search = base.map(|base| base.google_search);
        LiveSettings {
            model,
            voice: self.voice(raw.voice, base.map(|base| base.voice.clone())),
            languages: self.languages(raw.languages, raw.language, base),
            vocabulary: self.vocabulary(raw.vocabulary, base),
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
            reply_deadline: self.millis(
                "live.reply_deadline_ms",
                raw.reply_deadline_ms,
                base.map(|base| base.reply_deadline),
            ),
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
        if let Some(known) = voices::spelled(&voice) {
            return Some(known);
        }
        let mut fault = fault(self.text, "live.voice", format!("is `{voice}`"));
        fault.suggestion = nearest(&voice, VOICES).map(Into::into);
        self.faults.push(fault);
        None
    }

    /// What is spoken; `old` is the name that older profiles have for one language.
    fn languages(
        &mut self,
        given: Given<Languages>,
        old: Given<OrDefault<String>>,
        base: Option<&LiveSettings>,
    ) -> Languages {
        if let Some(OrDefault(language)) = old.0 {
            if given.0.is_some() {
                let allowed = "write `live.languages` alone: this is its old name";
                self.refuse("live.language", "is written besides".to_owned(), allowed);
            }
            if let Some(language) = &language {
                self.refuse_unless(is_code(language), "live.language", language);
            }
            return language.map_or(Languages::System, |one| Languages::These(vec![one]));
        }
        let base = base.map(|base| base.languages.clone());
        let languages = self.chosen("live.languages", given, base, Languages::System);
        if let Some(what) = languages.fault() {
            self.fault("live.languages", what);
        }
        languages
    }

    fn vocabulary(
        &mut self,
        given: Given<Vec<String>>,
        base: Option<&LiveSettings>,
    ) -> Vec<String> {
        let key = "live.vocabulary";
        let base = base.map(|base| base.vocabulary.clone());
        let written = self.chosen(key, given, base, Vec::new());
        if written.len() > MOST_TERMS {
            self.fault(key, format!("has {} entries", written.len()));
            return written;
        }
        let terms: Vec<String> = written.iter().map(|term| term.trim().to_owned()).collect();
        for (term, place) in terms.iter().zip(1..) {
            let length = term.chars().count();
            if term.contains(char::is_control) {
                let what =
                    format!("has a line break or another control character in entry {place}");
                self.fault(key, what);
            } else if !(1..=LONGEST_TERM).contains(&length) {
                self.fault(key, format!("has {length} characters in entry {place}"));
            }
        }
        terms
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
