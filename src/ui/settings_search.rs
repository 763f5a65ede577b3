//! The search of the page Settings. All words that are typed must be beginnings of words of a setting: best of its name, then of
//! its choices, of everyday words for it (`search-for-…` in the catalogues), of its section, and last of its explanation.

use std::sync::Arc;

use eframe::egui::{Id, Ui};

use super::setting_control::SettingControl;
use super::settings_state::{RowId, SettingsSection, group_title, id};
use super::{format, key_texts};
use crate::audio::Devices;
use crate::base::did_you_mean::nearest;
use crate::base::keys::{Key, Value};
use crate::base::languages::LANGUAGES;
use crate::base::text::{Locale, locale, plain_if_known, t};
use crate::conversation::snapshot::{SettingView, SettingsView, Snapshot, SpeechView};
use crate::profile::Profile;

/// What is found.
#[derive(Clone, Debug)]
pub(super) enum SearchHit {
    Row(RowId, SettingView),
    /// Something else that a section has, by its title.
    Place(SettingsSection, &'static str),
}

/// A hit with the heading above it.
pub(super) type HeadedHit = (String, SearchHit);

/// Where a word was found: the first is best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum MatchLevel {
    Name,
    Choice,
    Synonym,
    Section,
    Explanation,
}

/// Words of a sentence with fewer letters mostly tell nothing ("how", "der").
const TELLING: usize = 4;

/// What can be found, with its words.
struct SearchEntry {
    hit: SearchHit,
    section: SettingsSection,
    heading: String,
    title: String,
    words: Vec<(MatchLevel, Vec<String>)>,
}

/// What was typed, searched for.
#[derive(Debug)]
pub(super) enum SettingsFound {
    Hits(Vec<HeadedHit>),
    /// Nothing; what is called most alike, if anything is.
    Nothing(Option<String>),
}

/// A search and what was found: the same words find the same until what is searched is another.
#[derive(Clone)]
struct SettingsSearched {
    typed: String,
    language: Locale,
    settings: Arc<SettingsView>,
    devices: Arc<Devices>,
    profiles: Arc<[Arc<Profile>]>,
    speech: SpeechView,
    found: Arc<SettingsFound>,
}

impl SettingsSearched {
    fn is_of(&self, typed: &str, snapshot: &Snapshot) -> bool {
        self.typed == typed
            && self.language == locale()
            && Arc::ptr_eq(&self.settings, &snapshot.settings)
            && Arc::ptr_eq(&self.devices, &snapshot.devices)
            && Arc::ptr_eq(&self.profiles, &snapshot.profiles)
            && self.speech == snapshot.speech
    }
}

/// What the words find, the best first. The last search is kept, as it is asked for in every frame.
pub(super) fn search(ui: &Ui, typed: &str, snapshot: &Snapshot) -> Arc<SettingsFound> {
    let id = Id::unique("the last search for settings");
    let last: Option<SettingsSearched> = ui.data(|data| data.get_temp(id));
    if let Some(last) = last.filter(|last| last.is_of(typed, snapshot)) {
        return last.found;
    }
    let found = Arc::new(searched(ui, typed, snapshot));
    let searched = SettingsSearched {
        typed: typed.to_owned(),
        language: locale(),
        settings: Arc::clone(&snapshot.settings),
        devices: Arc::clone(&snapshot.devices),
        profiles: Arc::clone(&snapshot.profiles),
        speech: snapshot.speech.clone(),
        found: Arc::clone(&found),
    };
    ui.data_mut(|data| data.insert_temp(id, searched));
    found
}

fn searched(ui: &Ui, typed: &str, snapshot: &Snapshot) -> SettingsFound {
    let entries = entries(ui, snapshot);
    let typed = words(typed);
    let mut hits = ranked(&typed, &entries);
    if hits.is_empty() {
        hits = nearest_to_sentence(&typed, &entries);
    }
    if hits.is_empty() {
        return SettingsFound::Nothing(alike(&typed, &entries));
    }
    let headed = |entry: &SearchEntry| (entry.heading.clone(), entry.hit.clone());
    SettingsFound::Hits(hits.into_iter().map(headed).collect())
}

fn ranked<'a>(typed: &[String], entries: &'a [SearchEntry]) -> Vec<&'a SearchEntry> {
    let score = |entry: &'a SearchEntry| Some((entry.score(typed)?, entry));
    let mut found: Vec<_> = entries.iter().filter_map(score).collect();
    // What is no row comes before rows that fit as well: there is less of it.
    found.sort_by_key(|(score, entry)| {
        let is_row = matches!(entry.hit, SearchHit::Row(..));
        (*score, is_row, entry.section)
    });
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// Of a sentence in which no entry has every word: the entries that have most of those that tell something.
fn nearest_to_sentence<'a>(typed: &[String], entries: &'a [SearchEntry]) -> Vec<&'a SearchEntry> {
    if typed.len() < 2 {
        return Vec::new();
    }
    let telling = typed.iter().filter(|word| word.chars().count() >= TELLING);
    let found: Vec<_> = telling.map(|word| ranked_by_name(word, entries)).collect();
    let is_in = |hits: &Vec<&SearchEntry>, entry: &SearchEntry| {
        hits.iter().any(|hit| std::ptr::eq(*hit, entry))
    };
    let count = |entry: &SearchEntry| found.iter().filter(|hits| is_in(hits, entry)).count();
    let most = entries.iter().map(count).max().unwrap_or(0);
    // Those of a rare word first: it says more than a common one.
    let mut all: Vec<_> = found.iter().collect();
    all.sort_by_key(|hits| hits.len());
    let mut nearest: Vec<&SearchEntry> = Vec::new();
    for entry in all.into_iter().flatten() {
        if count(entry) == most && !nearest.iter().any(|hit| std::ptr::eq(*hit, *entry)) {
            nearest.push(entry);
        }
    }
    nearest
}

/// The entries that are called so, or that offer something of this name, the best first.
fn ranked_by_name<'a>(word: &String, entries: &'a [SearchEntry]) -> Vec<&'a SearchEntry> {
    let named = |entry: &SearchEntry| {
        let lists = entry
            .words
            .iter()
            .filter(|(level, _)| *level <= MatchLevel::Synonym);
        lists
            .flat_map(|(_, words)| words)
            .any(|known| known.starts_with(&**word))
    };
    let hits = ranked(std::slice::from_ref(word), entries);
    hits.into_iter().filter(|entry| named(entry)).collect()
}

impl SearchEntry {
    /// How well it fits, 0 best; `None` where a word is not in it. Whole words are better than beginnings.
    fn score(&self, typed: &[String]) -> Option<u32> {
        let of_word = |typed: &String| {
            let scores = self.words.iter().flat_map(|(level, words)| {
                let begun = words.iter().filter(|word| word.starts_with(&**typed));
                begun.map(|word| 2 * *level as u32 + u32::from(word != typed))
            });
            scores.min()
        };
        typed.iter().map(of_word).sum()
    }
}

/// The title of what fits best when each word that nothing begins with is taken for a misspelt one.
fn alike(typed: &[String], entries: &[SearchEntry]) -> Option<String> {
    let known = || {
        let lists = entries.iter().flat_map(|entry| &entry.words);
        let named = lists.filter(|(level, _)| *level != MatchLevel::Explanation);
        named.flat_map(|(_, words)| words).map(String::as_str)
    };
    let all: Vec<&str> = known().collect();
    let meant = typed.iter().filter_map(|typed| {
        let is_known = all.iter().any(|word| word.starts_with(&**typed));
        let meant = if is_known {
            Some(&**typed)
        } else {
            nearest(typed, all.iter().copied())
        };
        meant.map(str::to_owned)
    });
    let meant: Vec<String> = meant.collect();
    let best = |words: &[String]| {
        let words = Some(words).filter(|words| !words.is_empty())?;
        Some(ranked(words, entries).first()?.title.clone())
    };
    // Of words that are nowhere together, the first leads somewhere.
    best(&meant).or_else(|| {
        meant
            .iter()
            .find_map(|word| best(std::slice::from_ref(word)))
    })
}

fn entries(ui: &Ui, snapshot: &Snapshot) -> Vec<SearchEntry> {
    let config = snapshot.settings.config.iter().filter_map(|setting| {
        let section = SettingsSection::of(setting.key)?;
        Some(row(ui, snapshot, (false, setting), section))
    });
    let profile = snapshot.settings.profile.keys.iter();
    let profile =
        profile.map(|setting| row(ui, snapshot, (true, setting), SettingsSection::Profile));
    places().chain(config).chain(profile).collect()
}

/// The sections, and what they have besides rows.
fn places() -> impl Iterator<Item = SearchEntry> {
    use SettingsSection::{About, Account, Diagnostics, General, Privacy, Sound};
    let sections = SettingsSection::ALL.map(|section| {
        let more = if section == About {
            t!("search-for-about")
        } else {
            ""
        };
        (section, section.title(), more, t!("sections").to_owned())
    });
    let cards = [
        (General, t!("set-up-again"), t!("search-for-set-up")),
        (
            General,
            t!("start-with-desktop"),
            t!("search-for-autostart"),
        ),
        (Sound, t!("check-the-sound"), t!("search-for-check")),
        (Account, t!("your-key-for-gemini"), t!("search-for-key")),
        (
            Privacy,
            t!("what-leaves-this-computer"),
            t!("search-for-sent"),
        ),
        (
            Privacy,
            t!("delete-all-conversations"),
            t!("search-for-delete"),
        ),
        (Privacy, t!("remove-everything"), t!("search-for-removal")),
        (Privacy, t!("files-and-folders"), t!("search-for-files")),
        (Diagnostics, t!("copy-report"), t!("search-for-report")),
    ];
    let cards = cards.map(|(section, title, more)| (section, title, more, section.title().into()));
    let all = sections.into_iter().chain(cards);
    all.map(|(section, title, more, heading)| SearchEntry {
        words: vec![
            (MatchLevel::Name, words(title)),
            (MatchLevel::Synonym, words(more)),
            (MatchLevel::Section, words(section.title())),
        ],
        hit: SearchHit::Place(section, title),
        title: title.to_owned(),
        heading,
        section,
    })
}

fn row(
    ui: &Ui,
    snapshot: &Snapshot,
    (of_profile, setting): (bool, &SettingView),
    section: SettingsSection,
) -> SearchEntry {
    let (key, id) = (setting.key, id(of_profile, setting));
    let group = key.parts().0;
    let title = key_texts::title(key).into_owned();
    let heading = if of_profile {
        t!("profile-group", group = group_title(group))
    } else {
        section.title().to_owned()
    };
    // An alert tells of a trouble: what changes it comes first.
    let named = if of_profile && group == "alerts" {
        MatchLevel::Synonym
    } else {
        MatchLevel::Name
    };
    let base = &*snapshot.settings.profile.base.0;
    let why = key_texts::why(key, base).filter(|_| of_profile);
    let explained = [
        key_texts::about(key),
        why.unwrap_or_default(),
        key.name,
        key.unit(),
    ];
    SearchEntry {
        words: vec![
            (named, words(&title)),
            (
                MatchLevel::Choice,
                words(&choices(ui, id, setting, snapshot)),
            ),
            (MatchLevel::Synonym, words(&synonyms(key))),
            (MatchLevel::Section, words(&heading)),
            (MatchLevel::Explanation, words(&explained.join(" "))),
        ],
        hit: SearchHit::Row(id, setting.clone()),
        title,
        heading,
        section,
    }
}

/// What a setting offers; languages by their English names too.
fn choices(ui: &Ui, id: RowId, setting: &SettingView, snapshot: &Snapshot) -> String {
    let SettingControl::List(choices) = SettingControl::of(ui, id, setting, snapshot) else {
        return String::new();
    };
    let mut all = String::new();
    for (value, name) in &choices {
        // What holds while nothing is chosen is no name of its own.
        if *value == Value::None && setting.key.none.is_none() {
            continue;
        }
        all = format!("{all} {}", format::name(name));
        let code = match value {
            Value::Text(code) => Some(code),
            Value::List(codes) => codes.first(),
            Value::None | Value::Whole(_) | Value::Number(_) | Value::Flag(_) => None,
        };
        if let Some(language) = LANGUAGES
            .iter()
            .find(|known| Some(known.code) == code.map(|code| &**code))
        {
            all = format!("{all} {} {}", language.own_name, language.name);
        }
    }
    all
}

/// Everyday words for a key: those of its own name, wherever it is, and those of its group.
fn synonyms(key: &Key) -> String {
    let ids = synonym_ids(key);
    ids.iter()
        .filter_map(|id| plain_if_known(id))
        .collect::<Vec<_>>()
        .join(" ")
}

/// `search-for-patience_ms` and `search-for-turn`.
fn synonym_ids(key: &Key) -> [String; 2] {
    let (group, name) = key.parts();
    [name, group].map(|part| format!("search-for-{}", part.replace('.', "-")))
}

/// The words of a text, in small letters without accents. Signs of units are letters here.
fn words(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    text.chars()
        .flat_map(char::to_lowercase)
        .for_each(|c| add(&mut plain, c));
    let is_apart = |c: char| !c.is_alphanumeric() && !matches!(c, '$' | '%');
    plain
        .split(is_apart)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Adds a small letter without its accent.
fn add(plain: &mut String, c: char) {
    plain.push(match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì'..='ï' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ő' => 'o',
        'ś' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ț' => 't',
        'ù'..='ü' | 'ů' | 'ű' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        'ß' => return plain.push_str("ss"),
        // Marks that stand on the letter before them.
        '\u{300}'..='\u{36f}' => return,
        c => c,
    });
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Context, RawInput};

    use super::*;
    use crate::base::text::within;
    use crate::settings::config;

    #[test]
    fn words_are_compared_without_accents_case_and_signs() {
        assert_eq!(words("Größe, 5 % (US$)"), ["grosse", "5", "%", "us$"]);
        assert_eq!(words("turn.patience_ms"), ["turn", "patience", "ms"]);
        assert_eq!(words("Türkçe e\u{301}tait"), ["turkce", "etait"]);
    }

    #[test]
    fn the_list_is_made_once_for_each_search() {
        let (ctx, mut shown) = (Context::default(), Snapshot::default());
        let search = |typed: &str, shown: &Snapshot| {
            let mut found = None;
            let mut drawn = ctx.run_ui(RawInput::default(), |ui| {
                found = Some(search(ui, typed, shown));
            });
            drawn.textures_delta.clear();
            found.expect("a frame")
        };
        let mut made: Vec<Arc<SettingsFound>> = Vec::new();
        let mut frames = |typed: &str, shown: &Snapshot| {
            for _ in 0..10 {
                let found = search(typed, shown);
                if !made.iter().any(|known| Arc::ptr_eq(known, &found)) {
                    made.push(found);
                }
            }
            made.len()
        };
        assert_eq!(frames("volume", &shown), 1);
        shown.volume = 0.5;
        assert_eq!(frames("volume", &shown), 1, "nothing that is searched");
        assert_eq!(frames("voice", &shown), 2);
        assert_eq!(within(Locale::German, || frames("voice", &shown)), 3);
        shown.settings = Arc::new((*shown.settings).clone());
        assert_eq!(frames("voice", &shown), 4);
    }

    #[test]
    fn everyday_words_belong_to_keys_and_are_there_in_every_language() {
        let keys = || crate::profile::fields().chain(config::keys());
        for locale in [Locale::English, Locale::German] {
            let lacking: Vec<_> = within(locale, || {
                let shown = keys().filter(|key| key.name != "name").filter(|key| {
                    let of_config = config::keys().any(|other| other.name == key.name);
                    !of_config || SettingsSection::of(key).is_some()
                });
                shown
                    .filter(|key| synonyms(key).is_empty())
                    .map(|key| key.name)
                    .collect()
            });
            assert!(lacking.is_empty(), "{locale:?}: {lacking:?} have none");
        }
    }

    #[test]
    fn every_text_of_everyday_words_is_used() {
        let keys = || crate::profile::fields().chain(config::keys());
        let of_keys: Vec<String> = keys().flat_map(synonym_ids).collect();
        let source = include_str!("settings_search.rs");
        for line in include_str!("../../locales/en.ftl").lines() {
            let Some((id, _)) = line
                .split_once(" = ")
                .filter(|(id, _)| id.starts_with("search-for-"))
            else {
                continue;
            };
            let is_named = source.contains(&format!("\"{id}\""));
            assert!(
                is_named || of_keys.iter().any(|of_key| of_key == id),
                "{id}"
            );
        }
    }
}
