//! The shapes of texts in a profile: names, models, languages.

/// Small letters and digits, with single hyphens between them.
pub(super) fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    name.len() <= 40 && name.split('-').all(part)
}

/// A model of the service, without `models/`.
pub(super) fn is_model(model: &str) -> bool {
    let sign =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_');
    (1..=100).contains(&model.len()) && model.bytes().all(sign)
}

/// The shape of a BCP 47 tag: a language of two or three letters, then parts of letters and digits.
pub(super) fn is_language(tag: &str) -> bool {
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
    fn shapes_are_told_apart() {
        for (text, name, model, language) in [
            ("ultra-fast", true, true, false),
            ("gemini-3.8-live", false, true, false),
            ("en-US", false, false, true),
            ("zh-Hans-CN", false, false, true),
            ("de", true, true, true),
            ("a--b", false, true, false),
            ("-a", false, true, false),
            ("models/x", false, false, false),
            ("en_US", false, false, false),
            ("", false, false, false),
        ] {
            assert_eq!(
                (is_name(text), is_model(text), is_language(text)),
                (name, model, language),
                "{text}"
            );
        }
    }
}
