//! Sentences with a full stop, and counts with their nouns.

/// The text as a sentence: with a full stop, unless it ends as one already.
pub fn sentence(text: &str) -> String {
    let text = text.trim_end();
    let end = if text.is_empty() || text.ends_with(['.', '!', '?', '…']) {
        ""
    } else {
        "."
    };
    format!("{text}{end}")
}

/// A count with its noun, given in the singular; the plural ends with an s.
pub fn count(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_once() {
        for (text, found) in [
            ("The server is gone", "The server is gone."),
            ("It is gone. ", "It is gone."),
            ("Did you mean `auto`?", "Did you mean `auto`?"),
            ("", ""),
        ] {
            assert_eq!(sentence(text), found);
        }
    }

    #[test]
    fn one_is_singular() {
        let found = [0, 1, 2].map(|n| count(n, "turn"));
        assert_eq!(found, ["0 turns", "1 turn", "2 turns"]);
    }
}
