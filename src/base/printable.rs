//! Escapes foreign text (device names, file names, profiles, servers, recordings) for display.
//!
//! A terminal executes control characters, a log reader counts lines, and direction marks reorder a text: `gpj.exe` looks
//! like `exe.jpg`. Text for people is escaped here when it leaves the program, so that no caller can forget it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character acts on what shows it, or is not seen: control characters (C0, C1, DEL), separators of lines, marks of
/// direction, invisible signs and tags. The joiners of emoji, Persian and Indian writing (U+200C, U+200D) are not among
/// them: without these such text is wrong.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
        )
}

/// One line of text, with what [is hidden](is_hidden) written out as JSON does: `\n`, `\u001b`. A JSON text stays the
/// same JSON.
pub fn escaped(line: &str) -> Cow<'_, str> {
    escaped_but(line, |_| false)
}

/// A cell that no spreadsheet takes for a formula. Numbers stay what they are, and line breaks too: what writes the table
/// puts them in quotes.
pub fn cell(text: &str) -> Cow<'_, str> {
    let begins_formula = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let formula =
        text.starts_with(['\n', '\r', '\t']) || text.trim_start().starts_with(begins_formula);
    let shown = escaped_but(text, |c| matches!(c, '\n' | '\r'));
    if formula && text.parse::<f64>().is_err() {
        // Spreadsheets do not show the apostrophe.
        return format!("'{shown}").into();
    }
    shown
}

/// Text for the window: without hidden characters, with its lines.
pub fn visible(text: &str) -> Cow<'_, str> {
    let acts = |c: char| is_hidden(c) && c != '\n';
    if !text.contains(acts) {
        return text.into();
    }
    let keep = |c: char| match c {
        '\t' => Some(' '),
        c => (!acts(c)).then_some(c),
    };
    text.chars().filter_map(keep).collect::<String>().into()
}

/// The beginning of a text that may be endless, with an ellipsis where something is missing.
pub fn clipped(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]).into(),
    }
}

/// Several lines in one, as a terminal shows what was said: breaks and tabs become blanks.
pub fn in_a_line(words: &str) -> String {
    words.replace(['\n', '\r', '\t'], " ")
}

/// As [`escaped`], but what `keeps` names stays as it is.
pub fn escaped_but(text: &str, keeps: fn(char) -> bool) -> Cow<'_, str> {
    // Nearly all text is plain, and that is seen without decoding it.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.into();
    }
    let acts = |c: char| is_hidden(c) && !keeps(c);
    if !text.contains(acts) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !acts(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").ok();
                }
            }
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_written_out() {
        for (text, shown) in [
            ("plain, ümläut, 👩‍👩‍👧, नमस्ते", "plain, ümläut, 👩‍👩‍👧, नमस्ते"),
            ("a\u{1b}]0;title\u{7}b", "a\\u001b]0;title\\u0007b"),
            ("line\nerror: forged\r", "line\\nerror: forged\\r"),
            ("\u{9b}31m\u{7f}", "\\u009b31m\\u007f"),
            ("photo\u{202e}gpj.exe", "photo\\u202egpj.exe"),
            (
                "\u{2028}\u{2066}\u{200f}\u{61c}\u{feff}",
                "\\u2028\\u2066\\u200f\\u061c\\ufeff",
            ),
            ("tag\u{e0041}", "tag\\udb40\\udc41"),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }

    #[test]
    fn no_cell_is_a_formula_and_numbers_stay_numbers() {
        for (text, written) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            (" \t=1+1", "' \\t=1+1"),
            ("＝1+1", "'＝1+1"),
            ("\n@SUM(A1)", "'\n@SUM(A1)"),
            ("-12.5", "-12.5"),
            ("-dash", "'-dash"),
            ("two\r\nlines", "two\r\nlines"),
            ("\u{1b}[2J", "\\u001b[2J"),
        ] {
            assert_eq!(cell(text), written);
        }
    }

    #[test]
    fn a_window_shows_what_can_be_seen() {
        assert_eq!(
            visible("two\nlines\tand \u{1b}\u{202e}a mark"),
            "two\nlines and a mark"
        );
        assert_eq!(clipped("äöü", 3), "äöü");
        assert_eq!(clipped("äöüß", 3), "äöü…");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left_and_json_means_the_same(text in any::<String>()) {
            prop_assert!(!escaped(&text).contains(is_hidden));
            let json = serde_json::to_string(&text).expect("a text");
            let back: String = serde_json::from_str(&escaped(&json)).expect("still JSON");
            prop_assert_eq!(back, text);
        }
    }
}
