//! Warnings about a valid profile: its model has ended or is not known, or a setting has no effect on it.

use super::settings::Profile;
use crate::base::did_you_mean::nearest;
use crate::base::text::t;
use crate::base::voices::VOICES;
use crate::base::yaml::{Text, YamlError};
use crate::provider::gemini::models::{self, MODELS, Model, ModelState, Purpose, ThinkingControl};

impl Profile {
    /// Warnings with their positions in `text`, from which the profile was read: the model has ended or is not known to this
    /// version, or a setting has no effect on it.
    pub fn warnings(&self, file: &str, text: &[u8]) -> Vec<YamlError> {
        let text = Text::new(file, text);
        text.map_or_else(|_| Vec::new(), |text| warnings(&text, self))
    }
}

/// The warnings, each with the position of its key in `text`, from which the profile was read.
fn warnings(text: &Text<'_>, profile: &Profile) -> Vec<YamlError> {
    let live = &profile.live;
    let warn = |key: &str, what: String, advice: String| text.fault(key, what, advice);
    let name = &live.model;
    let Some(model) = models::known(name) else {
        let mut warning = warn(
            "live.model",
            t!("is-which-this-version-does", name),
            t!("only-settings-that-every-model").to_owned(),
        );
        let usable = MODELS
            .iter()
            .filter(|model| model.successor().is_none() && model.purpose != Purpose::Transcription);
        warning.suggestion = nearest(name, usable.map(|model| model.name)).map(Into::into);
        return vec![warning];
    };
    let ended = ended(model).map(|(what, successor)| {
        let what = t!("is-name-which", name, what);
        warn("live.model", what, t!("use-successor", successor))
    });
    let no_choice = match model.thinking {
        ThinkingControl::None => Some(t!("as-it-does-not-think", name)),
        ThinkingControl::Interleaved => Some(t!("as-it-thinks-by-itself", name)),
        ThinkingControl::Level(_) | ThinkingControl::Budget => None,
    };
    let thinking = no_choice
        .filter(|_| live.thinking.is_some())
        .map(|why| warn("live.thinking", t!("does-nothing").to_owned(), why));
    // The profile is valid, so a voice that is not prebuilt is of the catalogue.
    let of_catalogue =
        |voice: &&String| !model.catalogue_voices && !VOICES.contains(&voice.as_str());
    let voice = live.voice.as_ref().filter(of_catalogue).map(|voice| {
        warn(
            "live.voice",
            t!("is-of-the-catalogue-which", voice),
            t!("use-one-of-the-prebuilt").to_owned(),
        )
    });
    ended.into_iter().chain(thinking).chain(voice).collect()
}

/// Says that a model has ended or may have, in words that follow its name, and names its successor.
fn ended(model: &Model) -> Option<(String, &'static str)> {
    match model.state {
        ModelState::Stable | ModelState::Preview => None,
        ModelState::Ended { on, successor } => Some((t!("ended-on", on), successor)),
        ModelState::MayHaveEnded { successor } => {
            Some((t!("may-have-ended-with-its").to_owned(), successor))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::{AUTO, BUILTINS};
    use super::*;

    #[test]
    fn what_a_model_does_not_do_is_told_at_its_place() {
        for (text, expected) in [
            ("live: {model: gemini-3.8-live, voice: en-us-tavi}", vec![]),
            (
                "live: {model: gemini-3.8-live-extended-thinking, thinking: high}",
                vec![],
            ),
            ("live: {model: gemini-3.5-live-translate-preview}", vec![]),
            ("target_ms: 250", vec![]),
            (
                "live:\n  model: gemini-3.1-flash-live-preview\n",
                vec![
                    "mine.yaml:2:10: live.model: is `gemini-3.1-flash-live-preview`, which ended on 2026-11-17, use gemini-3.8-live",
                ],
            ),
            (
                "live:\n  model: gemini-2.5-flash-native-audio-latest\n",
                vec![
                    "mine.yaml:2:10: live.model: is `gemini-2.5-flash-native-audio-latest`, which may have ended with its last preview on 2026-11-17, use gemini-3.8-live",
                ],
            ),
            (
                "live: {model: gemini-2.0-flash-live-001, voice: en-us-tavi, thinking: low}",
                vec![
                    "mine.yaml:1:15: live.model: is `gemini-2.0-flash-live-001`, which ended on 2025-12-09, use gemini-3.8-live",
                    "mine.yaml:1:71: live.thinking: does nothing, as gemini-2.0-flash-live-001 does not think and cannot be told how much: remove it",
                    "mine.yaml:1:49: live.voice: is `en-us-tavi`, of the catalogue, which models before 3.8 do not know, use one of the prebuilt voices, such as Kore, or gemini-3.8-live",
                ],
            ),
            (
                "live: {thinking: low}",
                vec![
                    "mine.yaml:1:18: live.thinking: does nothing, as gemini-3.8-live thinks by itself and cannot be told how much: remove it",
                ],
            ),
            (
                "live: {model: gemini-3.5-transcribe-life}",
                vec![
                    "mine.yaml:1:15: live.model: is `gemini-3.5-transcribe-life`, which this version does not know, only settings that every model takes are sent to it",
                ],
            ),
            (
                "live: {model: gemini-3.9-live, thinking: low, voice: en-us-tavi}",
                vec![
                    "mine.yaml:1:15: live.model: is `gemini-3.9-live`, which this version does not know, only settings that every model takes are sent to it; did you mean `gemini-3.8-live`?",
                ],
            ),
        ] {
            let profile = Profile::parse("mine.yaml", text.as_bytes()).expect(text);
            let told: Vec<_> = profile.warnings("mine.yaml", text.as_bytes());
            let told: Vec<_> = told.iter().map(ToString::to_string).collect();
            assert_eq!(told, expected, "{text}");
        }
    }
    #[test]
    fn no_shipped_profile_asks_for_what_it_will_not_get() {
        for name in BUILTINS.into_iter().chain([AUTO]) {
            let profile = crate::profile::builtin(name).expect("it is built in");
            let text = crate::profile::shipped(name).expect("it is built in");
            let told = profile.warnings(name, text.as_bytes());
            assert!(told.is_empty(), "{name}: {told:?}");
        }
    }
}
