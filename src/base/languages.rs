//! Languages by their codes, with names for users and for models.

/// A language that the Live API speaks and hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language {
    /// BCP 47.
    pub code: &'static str,
    /// What those who speak it call it.
    pub own_name: &'static str,
    /// Its English name.
    pub name: &'static str,
}

/// Those of Google's documentation of the Live API (November 2026) that most people speak, by their own names.
pub const LANGUAGES: [Language; 27] = [
    language("id", "Bahasa Indonesia", "Indonesian"),
    language("de", "Deutsch", "German"),
    language("en", "English", "English"),
    language("es", "Español", "Spanish"),
    language("fr", "Français", "French"),
    language("it", "Italiano", "Italian"),
    language("nl", "Nederlands", "Dutch"),
    language("pl", "Polski", "Polish"),
    language("pt", "Português", "Portuguese"),
    language("ro", "Română", "Romanian"),
    language("vi", "Tiếng Việt", "Vietnamese"),
    language("tr", "Türkçe", "Turkish"),
    language("uk", "Українська", "Ukrainian"),
    language("ru", "Русский", "Russian"),
    language("ar", "العربية", "Arabic"),
    language("hi", "हिन्दी", "Hindi"),
    language("mr", "मराठी", "Marathi"),
    language("bn", "বাংলা", "Bengali"),
    language("gu", "ગુજરાતી", "Gujarati"),
    language("ta", "தமிழ்", "Tamil"),
    language("te", "తెలుగు", "Telugu"),
    language("kn", "ಕನ್ನಡ", "Kannada"),
    language("ml", "മലയാളം", "Malayalam"),
    language("th", "ไทย", "Thai"),
    language("ja", "日本語", "Japanese"),
    language("ko", "한국어", "Korean"),
    language("zh", "中文", "Chinese"),
];

const fn language(code: &'static str, own_name: &'static str, name: &'static str) -> Language {
    Language {
        code,
        own_name,
        name,
    }
}

/// The language of a code, whatever its region and script; `None` for one that is not among [`LANGUAGES`].
pub fn of(code: &str) -> Option<&'static Language> {
    let bare = code.split('-').next().unwrap_or_default();
    LANGUAGES
        .iter()
        .find(|language| language.code.eq_ignore_ascii_case(bare))
}

/// The shape of a BCP 47 tag: a language of two or three letters, then parts of letters and digits.
pub fn is_code(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or("");
    let part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && tag.len() <= 35
        && parts.all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_does_not_hide_a_language() {
        for (code, name) in [
            ("de-AT", Some("German")),
            ("PT-br", Some("Portuguese")),
            ("en", Some("English")),
            ("gsw", None),
            ("", None),
        ] {
            assert_eq!(of(code).map(|language| language.name), name, "{code}");
        }
        assert!(LANGUAGES.iter().all(|language| is_code(language.code)));
        for (tag, is_one) in [
            ("en-US", true),
            ("zh-Hans-CN", true),
            ("de", true),
            ("english", false),
            ("en_US", false),
            ("", false),
        ] {
            assert_eq!(is_code(tag), is_one, "{tag}");
        }
    }
}
