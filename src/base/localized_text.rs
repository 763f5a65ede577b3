//! A text in the language of the window and in English.

use std::fmt;

use super::text::in_english;

/// A text in the language of the window, and in English for logs, exports and other programs. It displays as the user reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalizedText {
    shown: String,
    english: String,
}

impl LocalizedText {
    /// What `say` gives in either language.
    pub fn new<T: fmt::Display>(say: impl Fn() -> T) -> Self {
        Self {
            shown: say().to_string(),
            english: in_english(|| say().to_string()),
        }
    }

    /// In English.
    pub fn english(&self) -> &str {
        &self.english
    }

    /// This, and what explains it: `no answer: the connection broke off`.
    #[must_use]
    pub fn because(&self, why: &Self) -> Self {
        Self {
            shown: format!("{}: {}", self.shown, why.shown),
            english: format!("{}: {}", self.english, why.english),
        }
    }
}

impl fmt::Display for LocalizedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
