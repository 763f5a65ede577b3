//! Hints at what the user says: which languages, and which names. A service that refuses them is set up without.
//!
//! ```text
//!            refused in answer to a setup with hints              taken
//! untried ─────────────────────────────────────────▶ doubted ───────────────▶ without, to the end of the run
//!    └─ taken: the model takes them                     └─ refused too: not to blame, until the user tries again
//! ```
//!
//! A model that has refused hints and taken none is told none. One that has taken some may refuse another language.

use std::collections::HashMap;

use crate::provider::connection::reconnect::End;
use crate::provider::gemini::message::{Part, Setup, TranscriptionConfig};

/// What is known of the models, and how the last attempt was made.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Whether a model takes these hints.
    known: HashMap<Told, bool>,
    /// They were refused, and the setup is tried without.
    doubted: Option<Told>,
    /// They were refused, and the setup without them too.
    cleared: Option<Told>,
    attempt: Attempt,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Told {
    model: String,
    languages: Option<Vec<String>>,
    vocabulary: Option<Vec<String>>,
    spoken: Option<String>,
}

#[derive(Debug, Default)]
enum Attempt {
    /// There was no hint in it.
    #[default]
    Plain,
    Hinted(Told),
    /// Without those that were just refused.
    Trial {
        of: Told,
        /// It had a handle, which may be what is refused.
        resumes: bool,
    },
}

impl Hints {
    /// The setup to send: without hints where its model refuses them, or seems to.
    pub(super) fn applied(&mut self, setup: Setup) -> Setup {
        self.attempt = Attempt::Plain;
        let Some((told, without)) = without_hints(&setup) else {
            return setup;
        };
        if self.refuses(&told) {
            return without;
        }
        if self.doubted.as_ref() == Some(&told) {
            let resumption = setup.session_resumption.as_ref();
            self.attempt = Attempt::Trial {
                of: told,
                resumes: resumption.is_some_and(|resumption| resumption.handle.is_some()),
            };
            return without;
        }
        self.attempt = Attempt::Hinted(told);
        setup
    }

    fn refuses(&self, told: &Told) -> bool {
        if let Some(takes) = self.known.get(told) {
            return !takes;
        }
        let same = self
            .known
            .iter()
            .filter(|(other, _)| other.model == told.model);
        let (taken, refused): (Vec<_>, Vec<_>) = same.partition(|(_, takes)| **takes);
        taken.is_empty() && !refused.is_empty()
    }

    /// The attempt failed; whether it is to be made again at once without hints.
    pub(super) fn failed(&mut self, end: End) -> bool {
        if !matches!(end, End::Refused | End::Policy) {
            return false;
        }
        self.doubted = None;
        match std::mem::take(&mut self.attempt) {
            Attempt::Hinted(told) => {
                let suspect =
                    !self.known.contains_key(&told) && self.cleared.as_ref() != Some(&told);
                self.doubted = suspect.then_some(told);
                suspect
            }
            Attempt::Trial { of, resumes: false } => {
                self.cleared = Some(of);
                false
            }
            Attempt::Trial { resumes: true, .. } | Attempt::Plain => false,
        }
    }

    /// The setup was taken; whether it is known since now that the model refuses these hints.
    pub(super) fn taken(&mut self) -> bool {
        self.doubted = None;
        let (told, takes) = match std::mem::take(&mut self.attempt) {
            Attempt::Plain => return false,
            Attempt::Hinted(told) => (told, true),
            Attempt::Trial { of, .. } => (of, false),
        };
        self.known.insert(told, takes);
        !takes
    }

    /// The user tries again: what was to blame for a refusal may be mended by now, and hide the hints no longer.
    pub(super) fn tried_again(&mut self) {
        self.cleared = None;
    }
}

/// What the setup tells its model, and the same setup without it, with the names that the user says in its instruction;
/// `None` where there is no hint.
fn without_hints(setup: &Setup) -> Option<(Told, Setup)> {
    let config = setup.input_audio_transcription.as_ref()?;
    let spoken = setup
        .generation_config
        .as_ref()
        .and_then(|generation| generation.speech_config.as_ref())
        .and_then(|speech| speech.language_code.as_ref());
    if config.language_codes.is_none() && config.custom_vocabulary.is_none() && spoken.is_none() {
        return None;
    }
    let told = Told {
        model: setup.model.clone(),
        languages: config.language_codes.clone(),
        vocabulary: config.custom_vocabulary.clone(),
        spoken: spoken.cloned(),
    };
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
    Some((told, setup))
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

    use crate::provider::gemini::message::{Content, Resumption};

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
        assert_eq!(hints.applied(setup.clone()), setup);
        assert!(hints.failed(End::Refused), "once without");
        let without = hints.applied(setup.clone());
        assert_eq!(
            without.input_audio_transcription,
            Some(TranscriptionConfig::default())
        );
        let told = without.system_instruction.clone().expect("there");
        assert_eq!(told.parts[0].text.as_deref(), Some("Be kind."));
        let sentence = told.parts[1].text.as_deref().expect("text");
        assert!(sentence.ends_with("meant: Ada, Kubernetes."), "{sentence}");
        assert!(hints.taken(), "they were to blame");
        assert_eq!(
            hints.applied(setup.clone()),
            without,
            "to the end of the run"
        );
        assert!(!hints.taken(), "which is known");
        let mut other = setup.clone();
        other.model = "models/other".to_owned();
        let mut fewer = setup;
        fewer.input_audio_transcription = Some(TranscriptionConfig {
            language_codes: Some(vec!["en".to_owned()]),
            ..TranscriptionConfig::default()
        });
        assert_eq!(hints.applied(other.clone()), other, "another model");
        assert_ne!(hints.applied(fewer.clone()), fewer, "of the same model");
    }

    #[test]
    fn what_is_refused_without_hints_too_is_refused_for_another_reason() {
        let (mut hints, setup) = (Hints::default(), hinted());
        hints.applied(setup.clone());
        assert!(hints.failed(End::Policy));
        assert_ne!(hints.applied(setup.clone()), setup);
        assert!(!hints.failed(End::Refused), "not again");
        assert_eq!(hints.applied(setup.clone()), setup);
        assert!(!hints.failed(End::Policy), "they are not to blame");
        hints.tried_again();
        hints.applied(setup.clone());
        assert!(hints.failed(End::Policy), "that may be mended by now");
        // With a handle, that may be to blame: the hints are not cleared by it.
        let mut resumed = setup.clone();
        resumed.session_resumption = Some(Resumption {
            handle: Some("h".to_owned()),
            ..Resumption::default()
        });
        assert_ne!(hints.applied(resumed.clone()), resumed);
        assert!(!hints.failed(End::Policy));
        hints.applied(setup);
        assert!(hints.failed(End::Policy));
    }

    #[test]
    fn hints_that_were_taken_and_faults_of_other_kinds_are_not_suspected() {
        let (mut hints, setup) = (Hints::default(), hinted());
        hints.applied(setup.clone());
        for end in [End::Cut, End::NeedsUser, End::Quota, End::Handle] {
            assert!(!hints.failed(end), "{end:?}");
        }
        assert!(!hints.taken());
        hints.applied(setup.clone());
        assert!(!hints.failed(End::Refused), "it took them before");
        let mut other = setup.clone();
        if let Some(config) = &mut other.input_audio_transcription {
            config.language_codes = Some(vec!["xx".to_owned()]);
        }
        hints.applied(other.clone());
        assert!(hints.failed(End::Refused), "it did not take these");
        hints.applied(other);
        assert!(hints.taken());
        assert_eq!(hints.applied(setup.clone()), setup, "these it takes");
        let plain = Setup {
            model: "models/m".to_owned(),
            ..Setup::default()
        };
        let mut hints = Hints::default();
        assert_eq!(hints.applied(plain.clone()), plain);
        assert!(!hints.failed(End::Refused), "there is none");
    }
}
