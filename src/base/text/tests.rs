use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{CallArguments, Message};

use super::*;
use crate::base::localized_text::LocalizedText;

/// The ids of a catalogue with the arguments that each takes.
fn ids(locale: Locale) -> BTreeMap<String, BTreeSet<String>> {
    let resource = FluentResource::try_new(locale.source().to_owned());
    let resource = resource
        .map_err(|(_, faults)| faults)
        .expect("the catalogue can be read");
    let mut found = BTreeMap::new();
    for entry in resource.entries() {
        if let Entry::Message(Message {
            id,
            value: Some(pattern),
            ..
        }) = entry
        {
            let mut names = BTreeSet::new();
            arguments(pattern, &mut names);
            assert!(
                found.insert(id.name.to_owned(), names).is_none(),
                "{} is twice in {locale:?}",
                id.name
            );
        }
    }
    found
}

fn arguments(pattern: &Pattern<&str>, names: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { .. } => {}
            PatternElement::Placeable { expression } => of_expression(expression, names),
        }
    }
}

fn of_expression(expression: &Expression<&str>, names: &mut BTreeSet<String>) {
    match expression {
        Expression::Inline(inline) => of_inline(inline, names),
        Expression::Select { selector, variants } => {
            of_inline(selector, names);
            for variant in variants {
                arguments(&variant.value, names);
            }
        }
    }
}

fn of_inline(inline: &InlineExpression<&str>, names: &mut BTreeSet<String>) {
    match inline {
        InlineExpression::VariableReference { id } => {
            names.insert(id.name.to_owned());
        }
        InlineExpression::FunctionReference {
            arguments: CallArguments { positional, .. },
            ..
        } => {
            for argument in positional {
                of_inline(argument, names);
            }
        }
        InlineExpression::Placeable { expression } => of_expression(expression, names),
        InlineExpression::StringLiteral { .. }
        | InlineExpression::NumberLiteral { .. }
        | InlineExpression::MessageReference { .. }
        | InlineExpression::TermReference { .. } => {}
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.file_name().is_none_or(|name| name != "tests.rs")
        {
            found.push(path);
        }
    }
}

/// The ids that the sources name, with the arguments that each place gives.
fn named() -> Vec<(String, BTreeSet<String>, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        for (at, _) in text.match_indices("t!(") {
            let is_name =
                text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
            let Some(id) = text[at + 3..]
                .trim_start()
                .strip_prefix('"')
                .filter(|_| !is_name)
            else {
                continue;
            };
            let Some((id, rest)) = id.split_once('"') else {
                continue;
            };
            found.push((id.to_owned(), given(rest), file.display().to_string()));
        }
    }
    found
}

/// The names of the arguments up to the end of the macro: what follows a comma of its own, up to `=` or another comma.
fn given(rest: &str) -> BTreeSet<String> {
    let (mut depth, mut quoted, mut names, mut name) = (0, false, BTreeSet::new(), None);
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => drop(chars.next()),
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                names.extend(name.replace(String::new()));
                continue;
            }
            '=' if depth == 0 => names.extend(name.take()),
            _ => {}
        }
        if depth == 0
            && !quoted
            && let Some(name) = &mut name
            && !c.is_whitespace()
        {
            name.push(c);
        }
    }
    names.extend(name);
    names.retain(|name: &String| !name.is_empty());
    names
}

#[test]
fn every_text_that_is_named_is_there_with_its_arguments_and_none_is_left_over() {
    let (english, named) = (ids(Locale::English), named());
    let mut unused: BTreeSet<&str> = english.keys().map(String::as_str).collect();
    assert!(named.len() > 500, "{} places were found", named.len());
    for (id, given, file) in &named {
        let takes = english.get(id);
        assert_eq!(
            takes,
            Some(given),
            "`{id}` in {file}: the catalogue takes the left, the source gives the right"
        );
        unused.remove(id.as_str());
    }
    // These are named by keys: `ui::settings_search` tests them.
    unused.retain(|id| !id.starts_with("search-for-"));
    assert!(unused.is_empty(), "named nowhere: {unused:?}");
}

#[test]
fn every_language_has_every_text_with_the_same_arguments() {
    let english = ids(Locale::English);
    for locale in Locale::ALL
        .iter()
        .copied()
        .filter(|locale| *locale != Locale::System)
    {
        let other = ids(locale);
        for (id, takes) in &english {
            assert_eq!(other.get(id), Some(takes), "`{id}` in {locale:?}");
        }
        let more: Vec<_> = other
            .keys()
            .filter(|id| {
                !english.contains_key(*id)
                    && !id.starts_with("key-")
                    && !id.starts_with("word-")
                    && !id.starts_with("profile-")
            })
            .collect();
        assert!(more.is_empty(), "only in {locale:?}: {more:?}");
    }
}

#[test]
fn numbers_choose_the_plural_and_the_rest_is_shown_as_it_is() {
    assert_eq!(t!("n-turns", n = 1_u64), "1 turn");
    assert_eq!(t!("n-turns", n = 2_u64), "2 turns");
    assert_eq!(t!("key-from", source = "file 1"), "from file 1");
    assert_eq!(plain("no-such-id"), "no-such-id");
    assert_eq!(decimal(2.25_f64, 1), "2.2");
}

#[test]
fn a_thread_may_have_a_language_of_its_own_and_files_are_english() {
    let turns = |n: u64| t!("n-turns", n = n);
    let german = |text: &LocalizedText| within(Locale::German, || text.to_string());
    let told = LocalizedText::new(move || turns(2));
    assert_eq!(
        (german(&told), told.english()),
        ("2 Runden".to_owned(), "2 turns".to_owned())
    );
    assert_eq!(turns(2), "2 turns", "as before");
    let both = told.because(&LocalizedText::new(move || turns(1)));
    assert_eq!(german(&both), "2 Runden: 1 Runde");
    assert_eq!(both.english(), "2 turns: 1 turn");
}

#[test]
fn a_language_that_is_not_there_is_english() {
    for (locale, language) in [
        (Locale::German, "Deutsch"),
        (Locale::English, "English"),
        (Locale::System, ""),
    ] {
        assert_eq!(locale.own_name(), language);
        assert_ne!(locale.resolved(), Locale::System);
    }
}
