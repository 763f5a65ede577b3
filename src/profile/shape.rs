//! The shapes of texts in a profile: names, models.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_told_apart() {
        for (text, name, model) in [
            ("ultra-fast", true, true),
            ("gemini-3.8-live", false, true),
            ("en-US", false, false),
            ("a--b", false, true),
            ("-a", false, true),
            ("models/x", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_name(text), is_model(text)), (name, model), "{text}");
        }
    }
}
