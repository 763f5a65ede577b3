//! Every page in German: nothing that has a German text is said in English.
//!
//! The language is that of the test's own thread, on which its windows are drawn (`text::within`), so that no other test sees
//! it, in whatever order and beside whatever they run.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

use sovereign::base::localized_text::LocalizedText;
use sovereign::base::severity::Severity;
use sovereign::base::text::{self, Locale, within};
use sovereign::conversation::snapshot::{
    Activity, Caption, CaptionEnd, CheckStep, CheckView, Link, Notice, Snapshot, SpendView,
};
use sovereign::settings::config::WelcomeStep;
use sovereign::telemetry::view::TurnStatistics;

use super::rig::{Rig, caption, down, notice, snapshot};
use super::{connection, conversations, figures, room, settings};

/// A text of a catalogue: what stands between its arguments.
type Pieces = Vec<String>;

/// All forms of a text: of those that choose, each.
fn forms(pattern: &Pattern<&str>) -> Vec<Pieces> {
    let mut forms: Vec<Pieces> = vec![vec![String::new()]];
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => add(&mut forms, value),
            PatternElement::Placeable {
                expression: Expression::Inline(InlineExpression::StringLiteral { value }),
            } => add(&mut forms, value),
            PatternElement::Placeable {
                expression: Expression::Inline(_),
            } => forms.iter_mut().for_each(|form| form.push(String::new())),
            PatternElement::Placeable {
                expression: Expression::Select { variants, .. },
            } => {
                let chosen = variants
                    .iter()
                    .flat_map(|variant| self::forms(&variant.value));
                let chosen: Vec<Pieces> = chosen.collect();
                let with = |form: &Pieces| {
                    let form = form.clone();
                    let joined = chosen.iter().map(move |more| {
                        let mut form = form.clone();
                        if let (Some(last), Some((first, rest))) =
                            (form.last_mut(), more.split_first())
                        {
                            last.push_str(first);
                            form.extend_from_slice(rest);
                        }
                        form
                    });
                    joined.collect::<Vec<_>>()
                };
                forms = forms.iter().flat_map(with).collect();
            }
        }
    }
    forms
}

fn add(forms: &mut [Pieces], text: &str) {
    for last in forms.iter_mut().filter_map(|form| form.last_mut()) {
        last.push_str(text);
    }
}

fn catalogue(source: &str) -> Vec<(String, Vec<Pieces>)> {
    let resource = fluent_syntax::parser::parse(source).expect("a catalogue");
    let text = |entry: &Entry<&str>| {
        let Entry::Message(message) = entry else {
            return None;
        };
        Some((message.id.name.to_owned(), forms(message.value.as_ref()?)))
    };
    resource.body.iter().filter_map(text).collect()
}

/// An id, with the pieces of its text in English and in German.
type TextPieces = (String, Vec<Pieces>, Vec<Pieces>);

/// English texts, each with its German ones.
static TEXTS: LazyLock<Vec<TextPieces>> = LazyLock::new(|| {
    let german: std::collections::HashMap<_, _> =
        catalogue(include_str!("../../../locales/de.ftl"))
            .into_iter()
            .collect();
    catalogue(include_str!("../../../locales/en.ftl"))
        .into_iter()
        .filter_map(|(id, english)| {
            let german = german.get(&id)?.clone();
            (german != english).then_some((id, english, german))
        })
        .collect()
});

/// Whether a text is this one, with something in place of its arguments: figures alone, where a single word is around them, as
/// that may be in any text. What is drawn in capitals is read so too.
fn is(said: &str, pieces: &Pieces) -> bool {
    let said = said.to_lowercase();
    let pieces: Vec<String> = pieces.iter().map(|piece| piece.to_lowercase()).collect();
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
        return false;
    };
    if pieces.len() == 1 {
        return said.trim() == first.trim();
    }
    let words = pieces.iter().flat_map(|piece| piece.split_whitespace());
    let anything = words
        .filter(|word| word.contains(char::is_alphabetic))
        .count()
        > 1;
    let fits = |argument: &str| anything || !argument.contains(char::is_alphabetic);
    let Some(mut rest) = said.strip_prefix(&**first) else {
        return false;
    };
    for piece in &pieces[1..pieces.len() - 1] {
        let Some((argument, after)) = rest.split_once(&**piece) else {
            return false;
        };
        if !fits(argument) {
            return false;
        }
        rest = after;
    }
    rest.strip_suffix(&**last).is_some_and(fits)
}

/// Whether a text holds this one, where that is long enough to be no chance.
fn holds(said: &str, pieces: &Pieces) -> bool {
    let words = |piece: &String| piece.split_whitespace().count();
    let longest = pieces.iter().max_by_key(|piece| words(piece));
    longest.is_some_and(|piece| words(piece) >= 4 && said.contains(piece.trim()))
}

/// Letters enough to know a language by.
fn tells(pieces: &Pieces) -> bool {
    let letters = pieces.iter().flat_map(|piece| piece.chars());
    letters.filter(|c| c.is_alphabetic()).count() >= 3
}

/// The id of the English text that is said, if it is one.
fn english(said: &str) -> Option<&'static str> {
    let is_german = |german: &[Pieces]| german.iter().any(|form| tells(form) && is(said, form));
    if TEXTS.iter().any(|(_, _, german)| is_german(german)) {
        return None;
    }
    let found = TEXTS.iter().find(|(_, english, german)| {
        let mut forms = english.iter().filter(|form| tells(form));
        forms.any(|form| !german.contains(form) && (is(said, form) || holds(said, form)))
    });
    found.map(|(id, ..)| id.as_str())
}

/// What a page says in English: its name, the text, and the id of that.
#[derive(Default)]
struct Seen {
    english: Vec<String>,
    /// What the pointer was over, by role and name: each is explained alike wherever it is.
    pointed_at: HashSet<(Role, String)>,
    /// Texts that are cut off or lie over another.
    faults: Vec<String>,
    texts: HashSet<String>,
}

impl Seen {
    /// What the page says, and what it says where the pointer rests.
    fn look(&mut self, page: &str, rig: &mut Rig) {
        let faults = room::faults(rig);
        self.faults
            .extend(faults.iter().map(|fault| format!("{page}: {fault}")));
        self.read(page, rig);
        rig.harness.ctx.all_styles_mut(|style| {
            style.interaction.tooltip_delay = 0.0;
            style.interaction.show_tooltips_only_when_still = false;
        });
        let window = rig.harness.ctx.content_rect();
        let nodes = rig.harness.query_all_by(|node| node.label().is_some());
        let nodes = nodes.filter(|node| node.accesskit_node().bounding_box().is_some());
        let places: Vec<_> = nodes
            .filter(|node| window.contains(node.rect().center()))
            .filter_map(|node| {
                let shown = node.accesskit_node();
                Some(((shown.role(), shown.label()?), node.rect().center()))
            })
            .collect();
        let new = places.into_iter();
        let new: Vec<_> = new
            .filter(|(name, _)| self.pointed_at.insert(name.clone()))
            .collect();
        for ((_, name), place) in new {
            rig.harness.event(Event::PointerMoved(place));
            rig.harness.run_steps(2);
            self.read(&format!("{page}, over {name:?}"), rig);
        }
        rig.harness.event(Event::PointerGone);
        rig.harness.run_steps(2);
    }

    fn read(&mut self, page: &str, rig: &Rig) {
        let nodes = rig.harness.query_all_by(|_| true);
        let said = nodes.flat_map(|node| {
            let node = node.accesskit_node();
            // What is typed is written as it is in files.
            let typed = matches!(node.role(), Role::TextInput | Role::TextRun);
            let value = (!typed).then(|| node.value());
            [node.label(), value.flatten()].into_iter().flatten()
        });
        for said in said.collect::<HashSet<_>>() {
            if !self.texts.contains(&said) {
                if let Some(id) = english(&said) {
                    self.english.push(format!("{page}: {said:?} is `{id}`"));
                }
                self.texts.insert(said);
            }
        }
    }
}

/// What the rig's conversation says itself, in German.
fn german(mut snapshot: Snapshot) -> Snapshot {
    let captions = snapshot.captions.iter().map(|caption| {
        let name = if caption.name == "You" {
            "Du"
        } else {
            caption.name
        };
        Arc::new(Caption {
            name,
            ..(**caption).clone()
        })
    });
    snapshot.captions = captions.collect();
    snapshot
}

fn conversation_pages(seen: &mut Seen) {
    let activities = [
        Activity::Connecting,
        Activity::Listening,
        Activity::UserSpeaks,
        Activity::Held,
        Activity::Thinking,
        Activity::Answering,
        Activity::Repeating,
        Activity::Muted,
        Activity::Reconnecting,
        Activity::Offline,
        Activity::NoMicrophone,
        Activity::LimitReached,
    ];
    for level in 0..=3 {
        let mut rig = Rig::at_level(level, german(snapshot()), 1_100.0, 720.0);
        seen.look(&format!("conversation, level {level}"), &mut rig);
        for activity in activities {
            rig.show(|s| (s.activity, s.muted) = (activity, activity == Activity::Muted));
            seen.look(&format!("{activity:?}, level {level}"), &mut rig);
        }
        rig.show(|s| {
            s.captions = Arc::from([]);
            s.figures = TurnStatistics::default();
        });
        seen.look(&format!("before the first turn, level {level}"), &mut rig);
    }
    let mut rig = Rig::new(german(snapshot()));
    rig.show(|s| {
        let ends = [
            (CaptionEnd::Stopped, true, false),
            (CaptionEnd::CutOff, false, false),
            (CaptionEnd::Whole, true, true),
            (CaptionEnd::Whole, false, true),
        ];
        let captions = ends.map(|(end, unwritten, unsent)| {
            Arc::new(Caption {
                end,
                unwritten,
                unsent,
                name: "Gemini",
                unspoken: !unwritten,
                text: if unwritten {
                    String::new()
                } else {
                    "Ja.".into()
                },
                ..caption(sovereign::conversation::snapshot::Speaker::Assistant, "")
            })
        });
        s.captions = captions.into();
    });
    seen.look("captions", &mut rig);
    rig.ctrl(Key::F);
    seen.look("find", &mut rig);
    rig.click("Ton");
    seen.look("sound", &mut rig);
}

fn banners_and_toasts(seen: &mut Seen) {
    let mut rig = Rig::at_level(1, german(snapshot()), 1_100.0, 720.0);
    let mut shown = |name: &str, change: &mut dyn FnMut(&mut Snapshot)| {
        rig.show(|s| {
            *s = german(snapshot());
            change(s);
        });
        rig.step();
        seen.look(name, &mut rig);
    };
    shown("link down", &mut |s| s.link = down(None, false));
    shown("key refused", &mut |s| s.link = down(None, true));
    shown("limit", &mut |s| {
        s.spending = SpendView {
            reached: Some("Genug.".into()),
            closed: true,
            ..SpendView::default()
        };
    });
    shown("no microphone", &mut |s| {
        s.input.trouble = Some("Weg.".into());
    });
    shown("no speaker", &mut |s| {
        s.output.trouble = Some("Weg.".into());
    });
    shown("demo", &mut |s| (s.demo, s.key) = (true, None));
    shown("toasts", &mut |s| {
        s.notices = Arc::from([
            notice(1, Severity::Info, "Hinweis.", false),
            notice(2, Severity::Warning, "Warnung.", false),
        ]);
    });
    shown("several", &mut |s| {
        s.link = Link::Connecting { attempt: 3 };
        s.notices = Arc::from([
            notice(3, Severity::Error, "Schlimm.", true),
            notice(4, Severity::Warning, "Weniger schlimm.", true),
        ]);
    });
}

fn details(seen: &mut Seen) {
    for (name, of) in [
        ("details, slow", figures::slow()),
        ("details, a history", connection::lived()),
        ("details, nothing", snapshot()),
    ] {
        let mut of = german(of);
        // What causes say is made where they are found, in English here.
        of.findings = of
            .findings
            .iter()
            .map(|finding| {
                let mut finding = finding.clone();
                (finding.what, finding.remedy) = ("Langsam.".into(), "Abhilfe.".into());
                finding
            })
            .collect();
        let mut rig = Rig::sized(of, 1_100.0, 3_000.0);
        rig.ctrl(Key::D);
        seen.look(name, &mut rig);
    }
}

fn settings_pages(seen: &mut Seen) {
    let mut shown = settings::shown();
    Arc::make_mut(&mut shown.settings).folders[0].0 = "Konfiguration";
    let mut rig = Rig::sized(german(shown), 1_100.0, 6_000.0);
    rig.ctrl(Key::Comma);
    for section in [
        "Allgemein",
        "Ton",
        "Sprechen",
        "Profileinstellungen",
        "Schlüssel und Konto",
        "Darstellung",
        "Datenschutz",
        "Info",
    ] {
        settings::click(&mut rig, Role::RadioButton, section);
        seen.look(&format!("settings, {section}"), &mut rig);
    }
    settings::click(&mut rig, Role::RadioButton, "Profileinstellungen");
    rig.click("Duplizieren");
    seen.look("a copy of a profile", &mut rig);
    let mut rig = Rig::new(german(snapshot()));
    rig.show(|s| s.link = down(None, true));
    rig.click("Anderer Schlüssel");
    seen.look("a refused key", &mut rig);
}

fn conversations_pages(seen: &mut Seen) {
    let mut rig = Rig::new(german(snapshot()));
    rig.ctrl(Key::H);
    seen.look("no conversations", &mut rig);
    conversations::answer(&mut rig, conversations::some());
    seen.look("conversations", &mut rig);
    conversations::row(&mut rig, "tallest tree");
    let turns = vec![
        conversations::turn(1, "completed", "Hallo", "Guten Tag"),
        conversations::turn(2, "failed", "Und?", ""),
        conversations::turn(3, "interrupted", "Wie?", "So"),
    ];
    conversations::read(&mut rig, 7, turns);
    seen.look("a conversation", &mut rig);
    rig.click("Löschen");
    seen.look("deleting", &mut rig);
}

fn sound_check(seen: &mut Seen) {
    let mut rig = Rig::new(german(snapshot()));
    rig.ctrl(Key::Comma);
    settings::click(&mut rig, Role::RadioButton, "Ton");
    rig.click("Ton prüfen");
    seen.look("the sound check before it begins", &mut rig);
    for step in [
        CheckStep::Quiet,
        CheckStep::Speak,
        CheckStep::Chirp,
        CheckStep::Over,
    ] {
        rig.show(|s| {
            s.check = Some(CheckView {
                with_voice: true,
                step,
                progress: 0.5,
                lines: Arc::from([]),
            });
        });
        seen.look(&format!("the sound check, {step:?}"), &mut rig);
    }
}

fn set_up(seen: &mut Seen) {
    for step in [
        WelcomeStep::Welcome,
        WelcomeStep::Microphone,
        WelcomeStep::Speaker,
        WelcomeStep::Connect,
        WelcomeStep::Try,
    ] {
        for demo in [true, false] {
            let mut of = german(snapshot());
            (of.demo, of.captions) = (demo, Arc::from([]));
            if demo {
                of.key = None;
            }
            let mut rig = Rig::at_step(step, of, 1_100.0, 720.0);
            rig.step();
            seen.look(&format!("set-up, {step:?}"), &mut rig);
        }
    }
}

#[test]
fn no_page_in_german_says_a_text_in_english() {
    within(Locale::German, || {
        let mut seen = Seen::default();
        conversation_pages(&mut seen);
        banners_and_toasts(&mut seen);
        details(&mut seen);
        settings_pages(&mut seen);
        conversations_pages(&mut seen);
        sound_check(&mut seen);
        set_up(&mut seen);
        seen.english.sort();
        seen.english.dedup();
        assert!(seen.english.is_empty(), "{:#?}", seen.english);
        assert!(seen.faults.is_empty(), "{:#?}", seen.faults);
        // Every page was there: each says something that no other does.
        for page in [
            "Antwortzeit",
            "Einstellungen",
            "Gespräche",
            "Willkommen",
            "Ton prüfen",
            "Probleme und Abhilfe",
            // Where the pointer rests.
            "Nur Gespräche",
        ] {
            let is_said = |said: &String| said.contains(page);
            assert!(seen.texts.iter().any(is_said), "{page}");
        }
    });
}

#[test]
fn a_notice_that_stands_follows_the_language() {
    let words = || text::plain("the-network-does-not-answer").to_owned();
    let mut rig = Rig::new(snapshot());
    rig.show(|s| {
        s.notices = Arc::from([Notice {
            text: LocalizedText::new(words),
            ..notice(1, Severity::Warning, "", true)
        }]);
    });
    for language in [Locale::English, Locale::German, Locale::English] {
        within(language, || {
            rig.step();
            assert!(rig.says(&words()), "{language:?}: {:?}", rig.texts());
        });
    }
}

#[test]
fn what_is_english_is_found() {
    assert_eq!(english("Copy report"), Some("copy-report"));
    assert_eq!(english("COPY REPORT"), Some("copy-report"));
    assert_eq!(english("typical 251"), Some("typical-of"));
    let long = "Mehr. How full it is. On battery the processor may be slower.";
    assert_eq!(english(long), Some("how-full-it-is-on"));
    for said in ["Bericht kopieren", "typisch 251", "251 ms", "Gemini", "–"] {
        assert_eq!(english(said), None, "{said}");
    }
}
