//! Hints at what the user says: which languages, and which names. A service that refuses them is set up without.
//!
//! ```text
//!            refused in answer to a setup with hints              taken
//! untried ─────────────────────────────────────────▶ doubted ───────────────▶ without, to the end of the run
//!    └─ taken: the model takes them                     └─ refused too: they are not to blame, and nothing is learnt
//! ```

use std::collections::HashMap;

use crate::live::close::End;
use crate::live::message::{Part, Setup, TranscriptionConfig};

/// What is known of the models, and how the last attempt was made.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Whether a model takes hints, by its name.
    known: HashMap<String, bool>,
    /// A setup with hints was refused to this model, and is tried without.
    doubted: Option<String>,
    attempt: Attempt,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Attempt {
    /// There was no hint in it.
    #[default]
    Plain,
    /// With hints.
    Hinted,
    /// Without those that were just refused.
    Trial,
}

impl Hints {
    /// The setup to send: without hints where its model refuses them, or seems to.
    pub(super) fn applied(&mut self, setup: &Setup) -> Setup {
        let Some(without) = without_hints(setup) else {
            self.attempt = Attempt::Plain;
            return setup.clone();
        };
        if self.known.get(&setup.model) == Some(&false) {
            self.attempt = Attempt::Plain;
            return without;
        }
        if self.doubted.as_ref() == Some(&setup.model) {
            self.attempt = Attempt::Trial;
            return without;
        }
        self.attempt = Attempt::Hinted;
        setup.clone()
    }

    /// The attempt failed; whether it is to be made again at once without hints.
    pub(super) fn failed(&mut self, model: &str, end: End) -> bool {
        if !matches!(end, End::Refused | End::Policy) {
            return false;
        }
        let suspect = self.attempt == Attempt::Hinted && !self.known.contains_key(model);
        self.doubted = suspect.then(|| model.to_owned());
        suspect
    }

    /// The setup was taken; whether it is known since now that the model refuses hints.
    pub(super) fn taken(&mut self, model: &str) -> bool {
        self.doubted = None;
        let takes = match self.attempt {
            Attempt::Plain => return false,
            Attempt::Hinted => true,
            Attempt::Trial => false,
        };
        self.known.insert(model.to_owned(), takes);
        !takes
    }
}

/// The same setup without hints, with the names that the user says in its instruction; `None` where there is no hint.
fn without_hints(setup: &Setup) -> Option<Setup> {
    let config = setup.input_audio_transcription.as_ref()?;
    let spoken = setup
        .generation_config
        .as_ref()
        .and_then(|generation| generation.speech_config.as_ref())
        .and_then(|speech| speech.language_code.as_ref());
    if config.language_codes.is_none() && config.custom_vocabulary.is_none() && spoken.is_none() {
        return None;
    }
    let mut setup = setup.clone();
    let config = setup
        .input_audio_transcription
        .replace(TranscriptionConfig::default())?;
    if let Some(generation) = &mut setup.generation_config {
        generation.speech_config = generation.speech_config.take().map(|mut speech| {
            speech.language_code = None;
            speech
        });
    }
    if let Some(terms) = config.custom_vocabulary {
        let instruction = setup.system_instruction.get_or_insert_default();
        instruction.parts.push(Part {
            text: Some(vocabulary_sentence(&terms)),
            ..Part::default()
        });
    }
    Some(setup)
}

/// What the model is told of the names that the user says.
pub(super) fn vocabulary_sentence(terms: &[String]) -> String {
    format!(
        "The user may say these names and terms; if you hear something that sounds like one of them, it is meant: {}.",
        terms.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::live::message::Content;

    fn hinted() -> Setup {
        Setup {
            model: "models/m".to_owned(),
            system_instruction: Some(Content::text("user", "Be kind.")),
            input_audio_transcription: Some(TranscriptionConfig {
                language_codes: Some(vec!["de".to_owned()]),
                custom_vocabulary: Some(vec!["Ada".to_owned(), "Kubernetes".to_owned()]),
                ..TranscriptionConfig::default()
            }),
            ..Setup::default()
        }
    }

    #[test]
    fn what_is_refused_is_left_out_once_and_remembered_if_that_helps() {
        let (mut hints, setup) = (Hints::default(), hinted());
        assert_eq!(hints.applied(&setup), setup);
        assert!(hints.failed(&setup.model, End::Refused), "once without");
        let without = hints.applied(&setup);
        assert_eq!(
            without.input_audio_transcription,
            Some(TranscriptionConfig::default())
        );
        let told = without.system_instruction.clone().expect("there");
        assert_eq!(told.parts[0].text.as_deref(), Some("Be kind."));
        let sentence = told.parts[1].text.as_deref().expect("text");
        assert!(sentence.ends_with("meant: Ada, Kubernetes."), "{sentence}");
        assert!(hints.taken(&setup.model), "they were to blame");
        assert_eq!(hints.applied(&setup), without, "to the end of the run");
        assert!(!hints.taken(&setup.model), "which is known");
        let other = Setup {
            model: "models/other".to_owned(),
            ..setup
        };
        assert_eq!(hints.applied(&other), other, "another model is asked anew");
    }

    #[test]
    fn what_is_refused_without_hints_too_is_refused_for_another_reason() {
        let (mut hints, setup) = (Hints::default(), hinted());
        hints.applied(&setup);
        assert!(hints.failed(&setup.model, End::Policy));
        assert_ne!(hints.applied(&setup), setup);
        assert!(!hints.failed(&setup.model, End::Refused), "not again");
        assert_eq!(hints.applied(&setup), setup);
    }

    #[test]
    fn hints_that_were_taken_and_faults_of_other_kinds_are_not_suspected() {
        let (mut hints, setup) = (Hints::default(), hinted());
        hints.applied(&setup);
        for end in [End::Cut, End::NeedsUser, End::Quota, End::Handle] {
            assert!(!hints.failed(&setup.model, end), "{end:?}");
        }
        assert!(!hints.taken(&setup.model));
        hints.applied(&setup);
        assert!(
            !hints.failed(&setup.model, End::Refused),
            "it took them before"
        );
        let plain = Setup {
            model: "models/m".to_owned(),
            ..Setup::default()
        };
        let mut hints = Hints::default();
        assert_eq!(hints.applied(&plain), plain);
        assert!(!hints.failed(&plain.model, End::Refused), "there is none");
    }
}
