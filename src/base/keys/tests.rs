//! What is made from tables of keys for the repository: reference pages, and copies of shipped files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{Key, Role};

/// With this variable set, a comparison writes the files.
const BLESS: &str = "SOVEREIGN_BLESS";

/// Compares a file of the repository with what a table says.
pub(crate) fn up_to_date(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if blessed() {
        fs::write(&path, text).expect("written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    let advice = format!("{BLESS}=1 cargo test --lib up_to_date");
    assert!(
        found == text,
        "{file} is not what its table says: run `{advice}`"
    );
}

/// Whether files that tests make are to be written.
pub(crate) fn blessed() -> bool {
    std::env::var_os(BLESS).is_some()
}

/// A table for each group of keys; the shipped values come under `values`.
pub(crate) fn reference(table: &[&'static Key], groups: &[(&str, &str)], values: &str) -> String {
    let mut text = String::new();
    let mut open = None;
    for key in table.iter().filter(|key| key.role != Role::Old) {
        let (group, _) = key.parts();
        if open.replace(group) != Some(group) {
            let about = groups.iter().find(|(name, _)| *name == group);
            let (_, about) = about.expect("every group has a text");
            let title = match group {
                "" => "At the top".to_owned(),
                group => format!("`{group}`"),
            };
            write!(
                text,
                "\n## {title}\n\n{about}\n\n| key | does | allowed | {values} | a change applies |\n| --- | --- | --- | --- | --- |\n"
            )
            .expect("a string takes all");
        }
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            key.name,
            key.about,
            key.holds(),
            shipped(key),
            key.effect.words()
        )
        .expect("a string takes all");
    }
    text
}

/// The shipped values, once where they are the same.
fn shipped(key: &Key) -> String {
    let quoted = |value: &&str| format!("`{}`", value.trim_matches('"'));
    let values = key.shipped.iter().take(4).map(quoted);
    // Names and sentences have five, one of each shipped file.
    let is_text = key.shipped.len() == 5 && key.shipped[0].parse::<u64>().is_err();
    if is_text {
        return String::new();
    }
    values.collect::<Vec<_>>().join(", ")
}
