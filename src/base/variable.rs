//! Values of environment variables, without quotation marks and blanks around them.

use std::ffi::{OsStr, OsString};

/// The value of an environment variable without blanks and quotes around it; `None` where it is unset or empty.
///
/// Files that set variables (`.env`, systemd units, container options) hand quotes through that a shell would take
/// off, and scripts switch a variable off by setting it to nothing.
pub fn read(name: &str) -> Option<OsString> {
    std::env::var_os(name).and_then(|value| meant(&value))
}

/// Cleans a value as [`read`] does. A value that is not UTF-8 is kept: only its reader knows whether that is a fault.
pub fn meant(value: &OsStr) -> Option<OsString> {
    let Some(text) = value.to_str() else {
        return Some(value.to_owned());
    };
    let text = unquoted(text);
    (!text.is_empty()).then(|| text.into())
}

/// A text without what surrounds a value where it is written down: blanks, line breaks, invisible characters, and quotes
/// of any sort, in any order and number.
pub fn unquoted(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c) || is_quote(c))
}

/// Whether a character has no shape: a byte order mark, zero-width characters, marks of writing direction.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

/// Whether a character is a quotation mark: ASCII, typographic, or an accent used as one.
pub fn is_quote(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | '`' | '´' | '«' | '»' | '\u{2018}'..='\u{201f}' | '‹' | '›' | '\u{2032}'..='\u{2037}'
            | '\u{300c}'..='\u{300f}' | '\u{301d}'..='\u{301f}' | '＂' | '＇' | '\u{ff62}' | '\u{ff63}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_without_what_surrounds_them() {
        for (written, value) in [
            ("a b", Some("a b")),
            (" \"a\" ", Some("a")),
            ("'a'\r\n", Some("a")),
            ("\u{feff}\u{201c}a\u{201d}", Some("a")),
            ("it's", Some("it's")),
            ("", None),
            ("  ", None),
            ("\"\"", None),
            ("''", None),
        ] {
            assert_eq!(
                meant(OsStr::new(written)),
                value.map(OsString::from),
                "{written:?}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_text_is_left_to_its_reader() {
        use std::os::unix::ffi::OsStrExt as _;
        let bytes = OsStr::from_bytes(b"/tmp/\xff");
        assert_eq!(meant(bytes).as_deref(), Some(bytes));
    }
}
