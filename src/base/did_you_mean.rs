//! "Did you mean …?": the known word nearest to a misspelt one.

/// The candidate that `word` most likely misspells, if any.
///
/// A slip is fewer than three insertions, deletions or replacements away, and fewer than the word has letters (or any
/// two words of two letters would be alike); a part of exactly one candidate counts too: `fast` for `ultra-fast`.
pub fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let word = word.trim().to_lowercase();
    let slip = candidates
        .clone()
        .into_iter()
        .map(|candidate| {
            (
                strsim::levenshtein(&word, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| {
            *distance < 3 && *distance < word.len().min(candidate.len())
        })
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, candidate)) = slip {
        return Some(candidate);
    }
    let mut wholes = candidates
        .into_iter()
        .filter(|candidate| word.len() >= 3 && candidate.contains(&word));
    let only = wholes.next()?;
    wholes.next().is_none().then_some(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_parts_are_recognised_and_strangers_are_not() {
        let names = ["ultra-fast", "balanced", "high-quality"];
        let table = [
            ("balancd", Some("balanced")),
            ("Balanced", Some("balanced")),
            ("fast", Some("ultra-fast")),
            ("quality", Some("high-quality")),
            ("ultrafast", Some("ultra-fast")),
            ("a", None),
            ("", None),
            ("slow", None),
        ];
        for (word, meant) in table {
            assert_eq!(nearest(word, names), meant, "{word}");
        }
        assert_eq!(
            nearest("no", ["auto", "on", "off"]),
            None,
            "every letter would change"
        );
        assert_eq!(nearest("onn", ["auto", "on", "off"]), Some("on"));
    }
}
