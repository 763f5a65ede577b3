//! What the window calls a profile. English is in the table of keys; the catalogue of another language has the shipped labels and
//! descriptions as `profile-<name>` and `profile-<name>-about`.

use super::read::builtin;
use super::settings::Profile;
use crate::base::text::plain_if_known;

/// A label as the window shows it: that of a shipped profile in the language of the window, unless the user chose another.
pub fn shown_label<'a>(name: &str, label: &'a str) -> &'a str {
    shown(name, "", label, |shipped| &shipped.label)
}

impl Profile {
    /// Its label as the window shows it.
    pub fn shown_label(&self) -> &str {
        shown_label(&self.name, &self.label)
    }

    /// Its description as the window shows it.
    pub fn shown_description(&self) -> &str {
        shown(&self.name, "-about", &self.description, |shipped| {
            &shipped.description
        })
    }
}

fn shown<'a>(name: &str, end: &str, text: &'a str, of: fn(&Profile) -> &String) -> &'a str {
    let is_shipped = builtin(name).is_some_and(|shipped| of(&shipped) == text);
    let translated = is_shipped.then(|| plain_if_known(&format!("profile-{name}{end}")));
    translated.flatten().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::{Locale, within};
    use crate::profile::SWITCH;

    #[test]
    fn every_language_has_labels_and_descriptions_of_all_shipped_profiles() {
        let others = |locale: &&Locale| !matches!(locale, Locale::System | Locale::English);
        for locale in Locale::ALL.iter().filter(others) {
            for name in SWITCH {
                for end in ["", "-about"] {
                    let id = format!("profile-{name}{end}");
                    let is_there = within(*locale, || plain_if_known(&id).is_some());
                    assert!(is_there, "`{id}` in {locale:?}");
                }
            }
        }
    }

    #[test]
    fn what_the_user_called_a_profile_is_not_translated() {
        let mut profile = Profile::clone(&builtin("balanced").expect("it is shipped"));
        let label = |profile: &Profile| profile.shown_label().to_owned();
        assert_eq!(label(&profile), "Balanced");
        within(Locale::German, || {
            assert_eq!(label(&profile), "Ausgewogen");
            profile.label = "Mine".into();
            assert_eq!(label(&profile), "Mine");
            assert_ne!(profile.shown_description(), profile.description);
        });
    }
}
