//! Voice and languages: two lists in the popup of the sound.

use eframe::egui::{Align, ComboBox, Label, Layout, Ui};

use super::theme::{Weight, font, space, text, tokens};
use super::widgets::list_choice;
use super::{bidi, format};
use crate::base::languages::{self, LANGUAGES, Language};
use crate::base::text::t;
use crate::base::voices::VOICES;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Snapshot, SpeechView};
use crate::profile::Languages;

/// Widest name beside a list.
const NAME_WIDTH: f32 = 76.0;
/// Height of a closed list, so that its label is centred beside it.
const ROW_HEIGHT: f32 = 30.0;

/// Both lists. A choice takes effect with the next connection, in a pause.
pub(super) fn speech_ui(ui: &mut Ui, snapshot: &Snapshot, commands: &mut Vec<Command>) {
    let speech = &snapshot.speech;
    let voices = VOICES.iter().map(|voice| Some((*voice).to_owned()));
    let voices: Vec<_> = std::iter::once(None).chain(voices).collect();
    let name = |_: &Ui, voice: &Option<String>| voice_name(voice.as_ref(), speech);
    if let Some(taken) = list(ui, t!("voice"), &voices, &speech.voice, name) {
        commands.push(Command::set("voice", &taken));
    }
    demo_voice_ui(ui, snapshot);
    ui.add_space(space::XS);
    let single = |language: &Language| Some(Languages::These(vec![language.code.to_owned()]));
    let mut choices = vec![
        None,
        Some(Languages::System),
        Some(Languages::These(Vec::new())),
    ];
    choices.extend(LANGUAGES.iter().map(single));
    let name =
        |ui: &Ui, languages: &Option<Languages>| languages_name(ui, languages.as_ref(), speech);
    if let Some(taken) = list(ui, t!("you-speak"), &choices, &speech.languages, name) {
        commands.push(Command::set("languages", &taken));
    }
}

/// While the demo answers: why another voice is not heard.
pub(super) fn demo_voice_ui(ui: &mut Ui, snapshot: &Snapshot) {
    if snapshot.demo {
        let words = t!("the-demo-has-one-voice");
        let words = text(words, Weight::Regular, 12.0, tokens(ui).muted);
        ui.add(Label::new(words).wrap());
    }
}

/// A name and a list that opens beside it; returns the choice. A value written by hand need not be among the choices.
fn list<T: Clone + PartialEq>(
    ui: &mut Ui,
    title: &str,
    choices: &[T],
    chosen: &T,
    name: impl Fn(&Ui, &T) -> String,
) -> Option<T> {
    let t = tokens(ui);
    let mut taken = None;
    ui.horizontal(|ui| {
        ui.set_min_height(ROW_HEIGHT);
        let label = ui.label(text(title, Weight::Regular, 13.0, t.normal));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let shown = name(ui, chosen);
            let width = ui.max_rect().width() - NAME_WIDTH;
            let below = ui.layer_id();
            let inner = ComboBox::from_id_salt(title)
                .width(width.max(80.0))
                .truncate()
                .selected_text(bidi::shown(&shown))
                .show_ui(ui, |ui| {
                    // A press into the menu below would else bring that to the front.
                    if below.order == ui.layer_id().order {
                        ui.ctx().set_sublayer(below, ui.layer_id());
                    }
                    for choice in choices {
                        let is_chosen = choice == chosen;
                        let words = bidi::shown(&name(ui, choice));
                        if list_choice(ui, is_chosen, words).clicked() && !is_chosen {
                            taken = Some(choice.clone());
                        }
                    }
                });
            inner.response.labelled_by(label.id);
        });
    });
    taken
}

/// What a choice of voice is called.
pub(super) fn voice_name(voice: Option<&String>, speech: &SpeechView) -> String {
    match (voice, &speech.profile_voice) {
        (Some(voice), _) => format::name(voice),
        (None, Some(voice)) => t!("as-the-profile-says-voice", voice = format::name(voice)),
        (None, None) => t!("as-the-profile-says-plain").to_owned(),
    }
}

/// What a choice of languages is called.
pub(super) fn languages_name(
    ui: &Ui,
    languages: Option<&Languages>,
    speech: &SpeechView,
) -> String {
    let names = |codes: &[String]| {
        let names: Vec<String> = codes.iter().map(|code| language_name(ui, code)).collect();
        names.join(", ")
    };
    match languages {
        None => match &speech.profile_languages {
            Languages::These(codes) if !codes.is_empty() => {
                t!("as-the-profile-says-languages", codes = names(codes))
            }
            Languages::System if !speech.system_languages.is_empty() => {
                t!(
                    "as-the-profile-says-system",
                    languages = names(&speech.system_languages)
                )
            }
            Languages::These(_) | Languages::System => t!("as-the-profile-says-plain").to_owned(),
        },
        Some(Languages::System) if speech.system_languages.is_empty() => {
            t!("as-the-system").to_owned()
        }
        Some(Languages::System) => t!(
            "as-the-system-languages",
            languages = names(&speech.system_languages)
        ),
        Some(Languages::These(codes)) if codes.is_empty() => t!("whatever-i-speak").to_owned(),
        Some(Languages::These(codes)) => names(codes),
    }
}

/// A language by its own name, or by its English one where there are no letters for that.
fn language_name(ui: &Ui, code: &str) -> String {
    let Some(language) = languages::of(code) else {
        return format::name(code);
    };
    let font = font(Weight::Regular, 13.0);
    let has_letters = ui.fonts_mut(|fonts| fonts.has_glyphs(&font, language.own_name));
    let name = if has_letters {
        language.own_name
    } else {
        language.name
    };
    name.to_owned()
}
