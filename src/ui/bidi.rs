//! Lines that hold Arabic, Hebrew or another script from right to left, in the order in which they are drawn.
//!
//! The toolkit shapes each piece of one face in its own direction, but puts the pieces from left to right, so that words of
//! such a script appear in reversed order. Here lines are broken in the order of speech, and each is then put into the order
//! of the eye by the Unicode bidirectional algorithm (UAX #9); the toolkit draws what it is given.
//!
//! ```text
//! paragraph ──▶ levels (rules P, X, W, N, I) ──▶ lines by width ──▶ runs of a line (rule L) ──▶ pieces from the left
//! ```

use std::ops::Range;

use unicode_bidi::{BidiClass, BidiInfo, ParagraphInfo, bidi_class};

/// A line as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its pieces from the left.
    pub(super) pieces: Vec<DrawnPiece>,
    /// It belongs to a paragraph from right to left, and begins at the right edge.
    pub(super) from_right: bool,
}

/// A part of a line that is of one direction and one look, and is shaped by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DrawnPiece {
    pub(super) text: String,
    /// A byte of the whole text that is drawn with it, or looks as it does.
    pub(super) at: usize,
}

/// Whether a text holds a script that is written from right to left.
pub(super) fn is_needed(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(is_from_right)
}

/// A text of one line in the order of the eye; most texts are that already.
pub(super) fn shown(text: &str) -> String {
    if !is_needed(text) {
        return text.to_owned();
    }
    let info = BidiInfo::new(text, None);
    let whole = |paragraph: &ParagraphInfo| pieces(&info, paragraph, paragraph.range.clone(), &[]);
    let pieces = info.paragraphs.iter().flat_map(whole);
    pieces.map(|piece| piece.text).collect()
}

/// The lines of a text in the order of the eye, none wider than `most`; `width` measures a piece. Trailing blanks hang over
/// the edge. The look changes at the `edges`, bytes of the text in order.
pub(super) fn lines(
    text: &str,
    edges: &[usize],
    most: f32,
    mut width: impl FnMut(&str) -> f32,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut base = 0;
    for paragraph_text in text.split(['\n', '\u{2029}']) {
        let info = BidiInfo::new(paragraph_text, None);
        let start = base;
        let rest = &text[start + paragraph_text.len()..];
        base = text.len() - rest.len() + rest.chars().next().map_or(0, char::len_utf8);
        let Some(paragraph) = info.paragraphs.first() else {
            lines.push(Line {
                pieces: Vec::new(),
                from_right: false,
            });
            continue;
        };
        let edges = edges.iter().filter_map(|edge| edge.checked_sub(start));
        let edges: Vec<usize> = edges.collect();
        for range in broken(paragraph_text, most, &mut width) {
            let mut pieces = pieces(&info, paragraph, range, &edges);
            pieces.iter_mut().for_each(|piece| piece.at += start);
            lines.push(Line {
                pieces,
                from_right: paragraph.level.is_rtl(),
            });
        }
    }
    lines
}

/// Where a paragraph is broken: after blanks, between characters of scripts without them, and within a word that is wider
/// than a line.
fn broken(text: &str, most: f32, width: &mut impl FnMut(&str) -> f32) -> Vec<Range<usize>> {
    let (mut ranges, mut start, mut used) = (Vec::new(), 0, 0.0);
    let mut at = 0;
    for word in words(text) {
        let solid = word.trim_end();
        let wide = width(solid);
        if used + wide > most && at > start {
            ranges.push(start..at);
            (start, used) = (at, 0.0);
        }
        if wide > most {
            for part in parts(solid, (most / wide).max(0.0)) {
                ranges.push(start..start + part.len());
                start += part.len();
            }
            // The last part continues with the next one.
            if let Some(last) = ranges.pop() {
                start = last.start;
                used = width(&text[last]);
            }
        } else {
            used += wide;
        }
        used += width(&word[solid.len()..]);
        at += word.len();
    }
    ranges.push(start..text.len());
    ranges
}

/// The words of a text, each with the blanks behind it.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut start) = (Vec::new(), 0);
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let begins = before.is_some_and(|before| {
            before.is_whitespace() || is_ideograph(before) || is_ideograph(c)
        });
        if begins && !c.is_whitespace() && !joins(c) {
            words.push(&text[start..at]);
            start = at;
        }
        before = Some(c);
    }
    words.push(&text[start..]);
    words
}

/// A word in parts that each have about the `share` of its width.
fn parts(word: &str, share: f32) -> Vec<&str> {
    let characters = word.chars().count();
    let most = ((characters as f32 * share) as usize).max(1);
    let (mut parts, mut start, mut n) = (Vec::new(), 0, 0);
    for (at, c) in word.char_indices() {
        if n >= most && !joins(c) {
            parts.push(&word[start..at]);
            (start, n) = (at, 0);
        }
        n += 1;
    }
    parts.push(&word[start..]);
    parts
}

/// The pieces of a line from the left.
fn pieces(
    info: &BidiInfo<'_>,
    paragraph: &ParagraphInfo,
    line: Range<usize>,
    edges: &[usize],
) -> Vec<DrawnPiece> {
    if line.is_empty() {
        return Vec::new();
    }
    let (levels, runs) = info.visual_runs(paragraph, line);
    let mut out = Vec::new();
    for run in runs {
        let is_rtl = levels[run.start].is_rtl();
        let mut parts = cut(run, edges);
        if is_rtl {
            parts.reverse();
        }
        for part in parts {
            let (text, at) = (&info.text[part.clone()], part.start);
            let piece = |text: String| DrawnPiece { text, at };
            if is_rtl {
                out.extend(from_right(text).map(piece));
            } else {
                out.push(piece(text.to_owned()));
            }
        }
    }
    out
}

/// The parts of a range between the edges within it.
fn cut(range: Range<usize>, edges: &[usize]) -> Vec<Range<usize>> {
    let mut parts = vec![range.clone()];
    for &edge in edges.iter().filter(|edge| range.contains(edge)) {
        if let Some(last) = parts.last_mut().filter(|last| last.start < edge) {
            let end = std::mem::replace(&mut last.end, edge);
            parts.push(edge..end);
        }
    }
    parts
}

/// The pieces of a right-to-left run, from the left: words of its scripts, which the shaper reverses itself, and the text
/// between them, which it does not.
fn from_right(run: &str) -> impl Iterator<Item = String> {
    let mut out: Vec<String> = Vec::new();
    let mut in_word = false;
    let mut joined = false;
    for c in run.chars() {
        let word = is_from_right(c);
        let goes_on = word && in_word || joins(c) || joined;
        match out.last_mut() {
            Some(piece) if goes_on => piece.push(c),
            _ => {
                out.push(if word { c } else { mirrored(c) }.to_string());
                in_word = word;
            }
        }
        joined = c == '\u{200d}';
    }
    out.into_iter().rev()
}

/// Letters, marks and punctuation of the scripts from right to left, which faces of theirs hold. Digits are none.
fn is_from_right(c: char) -> bool {
    let class = bidi_class(c);
    let of_their_blocks =
        matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    matches!(class, BidiClass::R | BidiClass::AL)
        || of_their_blocks && !matches!(class, BidiClass::AN | BidiClass::EN)
}

/// Whether a character belongs to the one before it: marks, joiners, tones of skin.
fn joins(c: char) -> bool {
    matches!(bidi_class(c), BidiClass::NSM | BidiClass::BN)
        || matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
}

/// The mirrored character in a right-to-left run (rule L4): brackets and the like open to the other side.
fn mirrored(c: char) -> char {
    const PAIRS: [(char, char); 12] = [
        ('(', ')'),
        ('[', ']'),
        ('{', '}'),
        ('<', '>'),
        ('«', '»'),
        ('‹', '›'),
        ('≤', '≥'),
        ('⟨', '⟩'),
        ('「', '」'),
        ('『', '』'),
        ('【', '】'),
        ('≪', '≫'),
    ];
    let pair = PAIRS
        .iter()
        .find(|(open, close)| [open, close].contains(&&c));
    match pair {
        Some(&(open, close)) if c == open => close,
        Some(&(open, _)) => open,
        None => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one_line(text: &str) -> (String, bool) {
        let lines = lines(text, &[], f32::INFINITY, |_| 0.0);
        assert_eq!(lines.len(), 1);
        (texts(&lines[0]).join("|"), lines[0].from_right)
    }

    fn texts(line: &Line) -> Vec<&str> {
        line.pieces.iter().map(|piece| &*piece.text).collect()
    }

    #[test]
    fn each_piece_is_of_one_look() {
        // The look changes around "עולם b", in the second paragraph.
        let text = "א\nשלום עולם bc";
        let from = text.find('ע').expect("it is there");
        let edges = [from, text.len() - 1];
        let lines = lines(text, &edges, f32::INFINITY, |_| 0.0);
        let pieces = lines[1].pieces.iter();
        let pieces: Vec<_> = pieces
            .map(|piece| {
                (
                    &*piece.text,
                    edges.iter().filter(|edge| piece.at >= **edge).count(),
                )
            })
            .collect();
        let drawn = [
            ("b", 1),
            ("c", 2),
            (" ", 1),
            ("עולם", 1),
            (" ", 0),
            ("שלום", 0),
        ];
        assert_eq!(pieces, drawn);
    }

    #[test]
    fn words_stand_from_the_right_and_letters_are_left_to_the_shaper() {
        for (spoken, drawn, from_right) in [
            ("صباح الخير", "الخير| |صباح", true),
            ("שלום עולם", "עולם| |שלום", true),
            ("שלום, עולם!", "!|עולם| |,|שלום", true),
            ("كيف حالك؟", "حالك؟| |كيف", true),
            ("hello", "hello", false),
            ("", "", false),
        ] {
            assert_eq!(one_line(spoken), (drawn.into(), from_right), "{spoken}");
        }
    }

    #[test]
    fn numbers_and_latin_names_keep_their_direction() {
        for (spoken, drawn, from_right) in [
            // Both kinds of digits read from the left.
            ("عندي 25 كتابا", "كتابا| |25| |عندي", true),
            ("عام ٢٠٢٤م", "م|٢٠٢٤| |عام", true),
            (
                "שאל את Gemini Live עכשיו",
                "עכשיו| |Gemini Live| |את| |שאל",
                true,
            ),
            (
                "He said שלום עולם to me",
                "He said |עולם| |שלום| to me",
                false,
            ),
            ("(שלום)", "(|שלום|)", true),
            ("a (שלום) b", "a (|שלום|) b", false),
            ("מחיר: 3.50 ₪", "₪| |3.50| |:|מחיר", true),
        ] {
            let (got, right) = one_line(spoken);
            // Where one piece ends is no matter of order.
            let plain = |text: &str| text.replace('|', "");
            assert_eq!((plain(&got), right), (plain(drawn), from_right), "{got}");
        }
    }

    #[test]
    fn marks_stay_with_their_letters_and_emoji_whole() {
        assert_eq!(one_line("שָׁלוֹם רב").0, "רב| |שָׁלוֹם");
        assert_eq!(one_line("שלום 👩\u{200d}👧").0, "👩\u{200d}👧| |שלום");
        assert_eq!(one_line("می\u{200c}خواهم بروم").0, "بروم| |می\u{200c}خواهم");
    }

    #[test]
    fn lines_are_broken_in_the_order_of_speech() {
        // Every character is one wide.
        let drawn = |text: &str, most: f32| -> Vec<String> {
            let lines = lines(text, &[], most, |piece| piece.chars().count() as f32);
            lines.iter().map(|line| texts(line).concat()).collect()
        };
        assert_eq!(
            drawn("אחד שתיים שלוש ארבע", 10.0),
            [" שתיים אחד", "ארבע שלוש"]
        );
        assert_eq!(
            drawn("אחת\n\ntwo words", 4.0),
            ["אחת", "", "two ", "word", "s"]
        );
        assert_eq!(drawn("日本語 שלום", 3.0), ["日本語 ", "שלו", "ם"]);
        assert_eq!(drawn("שלום", 0.0), ["ש", "ל", "ו", "ם"]);
    }

    #[test]
    fn a_text_of_one_line_is_shown_as_it_is_read() {
        assert_eq!(shown("USB microphone"), "USB microphone");
        assert_eq!(shown("מיקרופון USB 2"), "USB 2 מיקרופון");
        assert_eq!(shown("Microphone (סמן כחול)"), "Microphone (כחול סמן)");
    }

    fn sorted(text: &str) -> Vec<char> {
        let mut all: Vec<char> = text.chars().filter(|c| *c == mirrored(*c)).collect();
        all.sort_unstable();
        all
    }

    proptest! {
        #[test]
        fn no_character_is_lost_or_made(text in "[a-z אבגדabc١٢3 4()،؟\u{300}日🎉\\-]{0,60}", most in 0.0f32..40.0) {
            let edges = [2, 7].map(|at| text.floor_char_boundary(at));
            let lines = lines(&text, &edges, most, |piece| piece.chars().count() as f32);
            let drawn: String = lines.iter().flat_map(texts).collect();
            prop_assert_eq!(sorted(&drawn), sorted(&text));
            prop_assert_eq!(drawn.chars().count(), text.chars().count());
            // Marks hang together with what is before them.
            prop_assert!(shown(&text).chars().count() == text.chars().count());
        }
    }
}
