//! What a person typed into the search, as questions to the two indexes. It is data: no sign in it has a meaning.

/// How turns with a text are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextMatch {
    /// Whole words, the last one from its beginning: a question to `words`.
    Words(String),
    /// Any letters in a row: a question to `letters`, and patterns for what is too short for it.
    Letters(Option<String>, Vec<String>),
}

impl TextMatch {
    /// The ways to find a text, the better one first; none where there is nothing to look for.
    pub(super) fn of(text: &str) -> Vec<Self> {
        // SQLite ends a text there.
        let text = text.replace('\0', " ");
        let parts: Vec<&str> = text.split_whitespace().collect();
        let Some(last) = parts.last() else {
            return Vec::new();
        };
        // Signs alone are no words. (A phrase without words is left out by the index: others would match alone.)
        let is_words = parts
            .iter()
            .all(|part| part.contains(char::is_alphanumeric));
        let mut ways = Vec::with_capacity(2);
        if is_words && !text.contains(is_without_blanks) {
            let words: Vec<String> = parts.iter().map(|part| quoted(part)).collect();
            let begins = if last.ends_with(char::is_alphanumeric) {
                "*"
            } else {
                ""
            };
            ways.push(Self::Words(format!("{}{begins}", words.join(" "))));
        }
        let (long, short): (Vec<&str>, Vec<&str>) =
            parts.iter().partition(|part| part.chars().nth(2).is_some());
        let long: Vec<String> = long.into_iter().map(quoted).collect();
        let long = (!long.is_empty()).then(|| long.join(" "));
        ways.push(Self::Letters(
            long,
            short.into_iter().map(pattern).collect(),
        ));
        ways
    }
}

/// What was said around the first of the searched words, in one line. `None` where it is not found by its letters: accents
/// and endings may differ.
pub(super) fn passage(said: &str, searched: &str) -> Option<String> {
    /// Letters before the word.
    const BEFORE: usize = 24;
    /// And in all.
    const ALL: usize = 120;
    let fold = |c: char| c.to_lowercase().next().unwrap_or(c);
    let said: Vec<char> = said
        .split_whitespace()
        .flat_map(|word| word.chars().chain([' ']))
        .collect();
    let at = searched.split_whitespace().find_map(|word| {
        let word: Vec<char> = word.chars().map(fold).collect();
        let is_here = |here: &[char]| here.iter().copied().map(fold).eq(word.iter().copied());
        said.windows(word.len()).position(is_here)
    })?;
    let begin = at.saturating_sub(BEFORE);
    // From the beginning of a word on, if one begins there.
    let begin = (begin..at)
        .find(|i| begin == 0 || said[*i - 1] == ' ')
        .unwrap_or(begin);
    let end = said.len().min(begin + ALL);
    let words: String = said[begin..end].iter().collect();
    let cut = |cut: bool| if cut { "…" } else { "" };
    Some(format!(
        "{}{}{}",
        cut(begin > 0),
        words.trim_end(),
        cut(end < said.len())
    ))
}

fn quoted(part: &str) -> String {
    format!("\"{}\"", part.replace('"', "\"\""))
}

/// A pattern of `LIKE … ESCAPE '\'`.
fn pattern(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Whether a letter belongs to a script that puts no blanks between words: Thai to Myanmar, Khmer, and from the Japanese and
/// Chinese ones on. (Korean has blanks, but its words take endings.)
fn is_without_blanks(c: char) -> bool {
    matches!(
        c,
        '\u{0e00}'..='\u{0eff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1100}'..='\u{11ff}'
            | '\u{1780}'..='\u{17ff}'
            | '\u{2e80}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}'
            | '\u{ff66}'..='\u{ffdc}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_data() {
        let words = |text: &str| TextMatch::Words(text.to_owned());
        assert_eq!(TextMatch::of(" \0\n"), []);
        assert_eq!(TextMatch::of("hel")[0], words("\"hel\"*"));
        assert_eq!(
            TextMatch::of("say \"no\" NEAR(x) OR y")[0],
            words("\"say\" \"\"\"no\"\"\" \"NEAR(x)\" \"OR\" \"y\"*")
        );
        assert_eq!(TextMatch::of("50%")[0], words("\"50%\""));
        let letters = |long: Option<&str>, short: &[&str]| {
            TextMatch::Letters(
                long.map(str::to_owned),
                short.iter().map(|s| (*s).to_owned()).collect(),
            )
        };
        assert_eq!(TextMatch::of("日本"), [letters(None, &["%日本%"])]);
        assert_eq!(
            TextMatch::of("東京都 _a"),
            [letters(Some("\"東京都\""), &["%\\_a%"])]
        );
        assert_eq!(TextMatch::of("👩‍👩‍👧"), [letters(Some("\"👩‍👩‍👧\""), &[])]);
    }

    #[test]
    fn a_passage_is_what_was_said_around_the_word() {
        let said = "We talked for an hour,\nand decided that the roof waits until spring.";
        let found = |searched: &str| passage(said, searched);
        let around = "…and decided that the roof waits until spring.";
        assert_eq!(found("ROOF").as_deref(), Some(around));
        assert_eq!(found("castle roo").as_deref(), Some(around));
        let beginning = "We talked for an hour, and decided that the roof waits until spring.";
        assert_eq!(found("we").as_deref(), Some(beginning));
        assert_eq!(found("ruf"), None);
        assert_eq!(passage("", "roof"), None);
        assert_eq!(
            passage("日本語を話す", "本語").as_deref(),
            Some("日本語を話す")
        );
        let long = passage(&"roof ".repeat(100), "roof").expect("it is there");
        assert!(long.ends_with('…') && long.chars().count() <= 122, "{long}");
    }
}
