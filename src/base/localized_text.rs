//! A text in the language of the window, whichever that is when it is read, and in English.

use std::fmt;
use std::sync::Arc;

use super::text::{Locale, in_english, locale, within};

/// A text that displays in the language that is in use then; in English for logs, exports and other programs.
#[derive(Clone)]
pub struct LocalizedText(Arc<dyn Fn() -> String + Send + Sync>);

impl LocalizedText {
    /// What `say` gives in each language.
    pub fn new<T: fmt::Display>(say: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || say().to_string()))
    }

    /// The same where `say` cannot be asked later: it is asked in every language now.
    pub fn now<T: fmt::Display>(say: impl Fn() -> T) -> Self {
        let told = |of: &Locale| (*of, within(*of, || say().to_string()));
        let told: Vec<(Locale, String)> = Locale::ALL.iter().map(told).collect();
        Self::new(move || {
            let mut told = told.iter();
            let now = told.find(|(of, _)| *of == locale());
            now.map_or_else(String::new, |(_, said)| said.clone())
        })
    }

    /// In English.
    pub fn english(&self) -> String {
        in_english(|| self.to_string())
    }

    /// This, and what explains it: `no answer: the connection broke off`.
    #[must_use]
    pub fn because(&self, why: &Self) -> Self {
        let (what, why) = (self.clone(), why.clone());
        Self::new(move || format!("{what}: {why}"))
    }
}

/// A text that stays as it was said.
impl From<String> for LocalizedText {
    fn from(said: String) -> Self {
        Self::new(move || said.clone())
    }
}

/// A text that stays as it was said.
impl From<&'static str> for LocalizedText {
    fn from(said: &'static str) -> Self {
        Self::new(move || said)
    }
}

impl Default for LocalizedText {
    fn default() -> Self {
        Self::from("")
    }
}

impl PartialEq for LocalizedText {
    fn eq(&self, other: &Self) -> bool {
        self.english() == other.english()
    }
}

impl Eq for LocalizedText {}

impl fmt::Debug for LocalizedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.english())
    }
}

impl fmt::Display for LocalizedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&(self.0)())
    }
}
