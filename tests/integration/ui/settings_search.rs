//! The search of the page Settings: everyday words and what they find first.

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use sovereign::base::text::{Locale, within};

use super::rig::Rig;
use super::settings::shown;

fn search(rig: &mut Rig, words: &str) {
    rig.ctrl(Key::F);
    rig.ctrl(Key::A);
    rig.harness.event(Event::Text(words.into()));
    rig.step();
}

/// The names of what is found, in order: what follows the count, without headings and controls.
fn found(rig: &Rig, count: &str) -> Vec<String> {
    let labels = rig.harness.query_all_by(|node| node.role() == Role::Label);
    let labels = labels.filter_map(|node| {
        let node = node.accesskit_node();
        node.label().or_else(|| node.value())
    });
    let after = labels.skip_while(|label| !label.ends_with(count));
    after.skip(1).collect()
}

fn table(locale: Locale, count: &str, table: &[(&str, &str)]) {
    within(locale, || {
        let mut rig = Rig::new(shown());
        rig.ctrl(Key::Comma);
        let mut wrong = Vec::new();
        for (words, first) in table {
            search(&mut rig, words);
            let found = found(&rig, count);
            if found.first().map(String::as_str) != Some(first) {
                let found: Vec<_> = found.iter().take(4).collect();
                wrong.push(format!("{words}: {found:?}, not {first}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn everyday_words_find_the_setting_that_is_meant_first() {
    table(
        Locale::English,
        " found",
        &[
            ("german", "Language of the window"),
            ("language", "Language of the window"),
            ("text size", "Zoom"),
            ("font", "Zoom"),
            ("bigger letters", "Zoom"),
            ("cost", "Spend limit for a conversation"),
            ("price", "Price of a million tokens sent"),
            ("budget", "Spend limit for a conversation"),
            ("cut", "Pause that ends your turn"),
            ("cutting me off", "Pause that ends your turn"),
            ("louder", "Volume of replies"),
            ("delete", "Delete all conversations"),
            ("history", "Delete all conversations"),
            ("key", "Key and account"),
            ("api key", "Your key for Gemini"),
            ("dark", "Colours"),
            ("headset mic", "Microphone"),
            ("headphones", "Speaker"),
            ("interrupt", "Interrupt by speaking"),
            ("kore", "Voice in all profiles"),
            ("prompt", "Instruction"),
            ("shorter answers", "Answer length"),
            ("noise", "Noise suppression"),
            ("privacy", "Privacy"),
            ("VERSION", "About"),
            ("Francais", "Languages you speak, in all profiles"),
            ("too small", "Zoom"),
            ("woman", "Voice in all profiles"),
            ("let me finish", "Pause that ends your turn"),
            ("how much does it cost", "Spend limit for a conversation"),
            (
                "price of this conversation",
                "Spend limit for a conversation",
            ),
        ],
    );
}

#[test]
fn everyday_words_find_the_setting_that_is_meant_first_in_german() {
    table(
        Locale::German,
        " gefunden",
        &[
            ("englisch", "Sprache des Fensters"),
            ("deutsch", "Sprache des Fensters"),
            ("schriftgröße", "Zoom"),
            ("SCHRIFTGROSSE", "Zoom"),
            ("größere schrift", "Zoom"),
            ("kosten", "Ausgabengrenze für ein Gespräch"),
            ("preis", "Preis einer Million gesendeter Tokens"),
            ("budget", "Ausgabengrenze für ein Gespräch"),
            ("abgeschnitten", "Pause, die deinen Beitrag beendet"),
            ("lauter", "Lautstärke der Antworten"),
            ("loschen", "Alle Gespräche löschen"),
            ("verlauf", "Alle Gespräche löschen"),
            ("schlüssel", "Schlüssel und Konto"),
            ("dunkel", "Farben"),
            ("kopfhörer", "Lautsprecher"),
            ("mikro", "Mikrofon"),
            ("unterbrechen", "Durch Sprechen unterbrechen"),
            ("leertaste", "Sprechtaste"),
            ("stumm", "Stumm bleiben"),
            ("datenschutz", "Datenschutz"),
            ("kontrast", "Hoher Kontrast"),
            ("version", "Info"),
        ],
    );
}

#[test]
fn words_are_found_by_their_beginnings_and_of_a_sentence_those_that_name_something() {
    let mut rig = Rig::new(shown());
    rig.ctrl(Key::Comma);
    search(&mut rig, "xecute");
    assert!(rig.says_part("Nothing is called so"));
    search(&mut rig, "zoom louder");
    let found = found(&rig, " found");
    for title in ["Zoom", "Volume of replies"] {
        assert!(found.iter().any(|label| label == title), "{found:?}");
    }
    search(&mut rig, "is it on");
    assert!(!rig.says("Zoom"), "{:?}", rig.texts());
}

#[test]
fn a_misspelt_word_is_answered_with_the_nearest_name() {
    let mut rig = Rig::new(shown());
    rig.ctrl(Key::Comma);
    for (words, nearest) in [
        ("volme", "Volume of replies"),
        ("privcy", "Privacy"),
        ("zom", "Zoom"),
    ] {
        search(&mut rig, words);
        assert!(
            rig.says("Nothing is called so. Do you mean this?"),
            "{words}"
        );
        let button = rig.harness.get_by_role_and_label(Role::Button, nearest);
        button.click();
        rig.step();
        assert_eq!(
            found(&rig, " found").first().map(String::as_str),
            Some(nearest)
        );
    }
    search(&mut rig, "qqqqqqq");
    assert!(rig.says("Nothing is called so. Try another word."));
}

#[test]
fn what_is_no_row_is_gone_to() {
    let mut rig = Rig::new(shown());
    rig.ctrl(Key::Comma);
    search(&mut rig, "erase");
    rig.click("Go to: Delete all conversations");
    rig.step();
    let delete = rig
        .harness
        .get_by_role_and_label(Role::Button, "Delete all conversations");
    assert!(delete.is_focused());
    assert!(rig.harness.ctx.content_rect().contains_rect(delete.rect()));
}
