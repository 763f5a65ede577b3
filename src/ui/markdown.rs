//! The words of a caption as blocks: paragraphs, headings, list items, code and tables, each a plain text with styled spans.
//!
//! Answers are read as Markdown (CommonMark with tables and struck-out text); what was said or typed by the user is taken as
//! it is, but for its links. Nothing that was said is left out: what is no Markdown here, such as HTML, stays as text.

use std::ops::Range;

use eframe::egui::Align;
use pulldown_cmark::{
    Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeStream,
};

/// A block of words, drawn by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct MarkdownBlock {
    pub(super) kind: BlockKind,
    /// How deep it is within lists and quotes.
    pub(super) depth: usize,
    /// What is beside its first line: the bullet or number of a list item.
    pub(super) marker: Option<String>,
    pub(super) text: String,
    pub(super) spans: Vec<StyledSpan>,
    /// The rows of a table, in place of the text of a paragraph; the first is its head.
    pub(super) rows: Vec<Vec<StyledWords>>,
    /// The side that the cells of each column of it begin at.
    pub(super) columns: Vec<Align>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BlockKind {
    #[default]
    Paragraph,
    /// 1 is the largest.
    Heading(u8),
    Code,
    Rule,
    Table,
}

/// A text with its spans: the cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StyledWords {
    pub(super) text: String,
    pub(super) spans: Vec<StyledSpan>,
}

/// A part of a text that looks other than the rest. Spans are in order and do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StyledSpan {
    /// Bytes of the text.
    pub(super) range: Range<usize>,
    pub(super) style: Style,
    /// Where it leads.
    pub(super) link: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) strong: bool,
    pub(super) italic: bool,
    pub(super) code: bool,
    pub(super) struck: bool,
}

/// A text as it is, with its links.
pub(super) fn plain(text: &str) -> Vec<MarkdownBlock> {
    let mut words = StyledWords::default();
    words.push(text, Style::default(), None);
    vec![MarkdownBlock {
        text: words.text,
        spans: words.spans,
        ..MarkdownBlock::default()
    }]
}

/// The blocks of a text in Markdown; at least one.
pub(super) fn parse(text: &str) -> Vec<MarkdownBlock> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut reader = Reader::default();
    // An address may hold what could have been a mark: its pieces come together.
    for event in TextMergeStream::new(Parser::new_ext(text, options)) {
        reader.take(event);
    }
    reader.close();
    if reader.blocks.is_empty() {
        // White space, or the definition of a link that nothing refers to.
        return plain(text);
    }
    reader.blocks
}

impl StyledWords {
    /// Appends words; those that are addresses lead there.
    fn push(&mut self, words: &str, style: Style, link: Option<&str>) {
        let mut at = 0;
        if link.is_none() && !style.code {
            for address in addresses(words) {
                self.piece(&words[at..address.start], style, None);
                let link = &words[address.clone()];
                self.piece(link, style, Some(link));
                at = address.end;
            }
        }
        self.piece(&words[at..], style, link);
    }

    fn piece(&mut self, words: &str, style: Style, link: Option<&str>) {
        let range = self.text.len()..self.text.len() + words.len();
        self.text.push_str(words);
        if range.is_empty() || style == Style::default() && link.is_none() {
            return;
        }
        let link = link.map(ToOwned::to_owned);
        match self.spans.last_mut() {
            Some(last)
                if last.range.end == range.start && last.style == style && last.link == link =>
            {
                last.range.end = range.end;
            }
            _ => self.spans.push(StyledSpan { range, style, link }),
        }
    }
}

/// The addresses in a text that can be opened: of the web and of mail, without the punctuation behind them.
fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = next_address(text, at) {
        let rest = &text[start..];
        let end = rest
            .find(|c: char| {
                c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '«' | '»' | '“' | '”')
            })
            .unwrap_or(rest.len());
        let address = without_punctuation(&rest[..end]);
        // More than the name of the protocol.
        if address
            .split_once("://")
            .is_some_and(|(_, host)| host.starts_with(char::is_alphanumeric))
        {
            found.push(start..start + address.len());
        }
        at = start + address.len().max(1);
    }
    found
}

/// Where the next address begins, at the beginning of a word.
fn next_address(text: &str, from: usize) -> Option<usize> {
    ["https://", "http://"]
        .iter()
        .filter_map(|protocol| {
            let mut places = text[from..]
                .match_indices(protocol)
                .map(|(at, _)| from + at);
            places.find(|at| !text[..*at].ends_with(char::is_alphanumeric))
        })
        .min()
}

/// An address without what ends the sentence around it. A closing bracket belongs to it if one was opened in it.
fn without_punctuation(address: &str) -> &str {
    let mut address = address;
    loop {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_']);
        let count = |bracket| shorter.matches(bracket).count();
        let shorter = match shorter.chars().last() {
            Some(last @ (')' | ']' | '}')) => {
                let opens = match last {
                    ')' => '(',
                    ']' => '[',
                    _ => '{',
                };
                if count(last) > count(opens) {
                    &shorter[..shorter.len() - 1]
                } else {
                    shorter
                }
            }
            _ => shorter,
        };
        if shorter.len() == address.len() {
            return address;
        }
        address = shorter;
    }
}

/// Collects blocks from the events of the parser.
#[derive(Default)]
struct Reader {
    blocks: Vec<MarkdownBlock>,
    /// The words of the block that is open.
    words: StyledWords,
    kind: BlockKind,
    /// The lists around it, each with the number of its next item, and the quotes.
    lists: Vec<Option<u64>>,
    quotes: usize,
    marker: Option<String>,
    styles: [usize; 3],
    links: Vec<String>,
    rows: Vec<Vec<StyledWords>>,
    columns: Vec<Align>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(words) | Event::Html(words) | Event::InlineHtml(words) => {
                self.push(&words, false);
            }
            Event::Code(words) | Event::InlineMath(words) | Event::DisplayMath(words) => {
                self.push(&words, true);
            }
            Event::FootnoteReference(name) => self.push(&format!("[^{name}]"), false),
            // Who reads an answer sees the lines that were written.
            Event::SoftBreak | Event::HardBreak => self.push("\n", false),
            Event::Rule => {
                self.close();
                self.kind = BlockKind::Rule;
                self.add();
            }
            Event::TaskListMarker(done) => self.push(if done { "☑ " } else { "☐ " }, false),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.close();
                self.kind = BlockKind::Heading(match level {
                    HeadingLevel::H1 => 1,
                    HeadingLevel::H2 => 2,
                    HeadingLevel::H3 | HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => 3,
                });
            }
            Tag::CodeBlock(kind) => {
                self.close();
                // Spaces before a sentence make no program of it.
                if let CodeBlockKind::Fenced(_) = kind {
                    self.kind = BlockKind::Code;
                }
            }
            Tag::List(first) => {
                self.close();
                self.lists.push(first);
            }
            Tag::Item => {
                self.close();
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}.", *number - 1)
                    }
                    Some(None) | None => "•".to_owned(),
                });
            }
            Tag::BlockQuote(_) => {
                self.close();
                self.quotes += 1;
            }
            Tag::Table(columns) => {
                self.close();
                self.rows.clear();
                let side = |column: &Alignment| match column {
                    Alignment::None | Alignment::Left => Align::Min,
                    Alignment::Center => Align::Center,
                    Alignment::Right => Align::Max,
                };
                self.columns = columns.iter().map(side).collect();
            }
            Tag::TableHead | Tag::TableRow => self.rows.push(Vec::new()),
            Tag::TableCell => self.words = StyledWords::default(),
            Tag::Strong => self.styles[0] += 1,
            Tag::Emphasis => self.styles[1] += 1,
            Tag::Strikethrough => self.styles[2] += 1,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push(dest_url.into_string());
            }
            Tag::Paragraph
            | Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => self.close(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::List(_) => {
                self.close();
                self.lists.pop();
            }
            TagEnd::BlockQuote(_) => {
                self.close();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::Table => {
                self.kind = BlockKind::Table;
                self.add();
            }
            TagEnd::TableCell => {
                let words = std::mem::take(&mut self.words);
                if let Some(row) = self.rows.last_mut() {
                    row.push(words);
                }
            }
            TagEnd::TableHead | TagEnd::TableRow => {}
            TagEnd::Strong => self.styles[0] = self.styles[0].saturating_sub(1),
            TagEnd::Emphasis => self.styles[1] = self.styles[1].saturating_sub(1),
            TagEnd::Strikethrough => self.styles[2] = self.styles[2].saturating_sub(1),
            TagEnd::Link | TagEnd::Image => {
                self.links.pop();
            }
            TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::CodeBlock
            | TagEnd::Item
            | TagEnd::HtmlBlock
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => self.close(),
        }
    }

    fn push(&mut self, words: &str, code: bool) {
        let [strong, italic, struck] = self.styles.map(|open| open > 0);
        let style = Style {
            strong,
            italic,
            code,
            struck,
        };
        if self.kind == BlockKind::Code {
            self.words.text.push_str(words);
        } else {
            // What cannot be opened is no link: an address within a page that is not there.
            let link = self.links.last().filter(|link| opens(link));
            self.words.push(words, style, link.map(String::as_str));
        }
    }

    /// Ends the open block, if there is one.
    fn close(&mut self) {
        if self.words.text.trim().is_empty() && self.kind != BlockKind::Code {
            self.words = StyledWords::default();
            self.kind = BlockKind::Paragraph;
            return;
        }
        self.add();
    }

    fn add(&mut self) {
        let StyledWords { mut text, spans } = std::mem::take(&mut self.words);
        let (rows, columns) = if self.kind == BlockKind::Table {
            (
                std::mem::take(&mut self.rows),
                std::mem::take(&mut self.columns),
            )
        } else {
            (Vec::new(), Vec::new())
        };
        if self.kind == BlockKind::Table {
            let row = |row: &Vec<StyledWords>| {
                row.iter()
                    .map(|cell| &*cell.text)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            text = rows.iter().map(row).collect::<Vec<_>>().join("\n");
        } else {
            text.truncate(text.trim_end().len());
        }
        let end = text.len();
        let spans = spans.into_iter().filter(|span| span.range.end <= end);
        self.blocks.push(MarkdownBlock {
            kind: std::mem::take(&mut self.kind),
            depth: self.lists.len() + self.quotes,
            marker: self.marker.take(),
            text,
            spans: spans.collect(),
            rows,
            columns,
        });
    }
}

/// Whether an address is of a kind that a browser or a mail program takes.
fn opens(address: &str) -> bool {
    ["https://", "http://", "mailto:"]
        .iter()
        .any(|protocol| address.starts_with(protocol))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block as `kind depth marker text {span}` in one line.
    fn told(block: &MarkdownBlock) -> String {
        let spans: Vec<_> = block
            .spans
            .iter()
            .map(|span| {
                let style = span.style;
                let letters = [
                    (style.strong, "b"),
                    (style.italic, "i"),
                    (style.code, "c"),
                    (style.struck, "s"),
                ];
                let letters: String = letters
                    .iter()
                    .filter(|(on, _)| *on)
                    .map(|(_, letter)| *letter)
                    .collect();
                let link = span
                    .link
                    .as_ref()
                    .map_or(String::new(), |link| format!("→{link}"));
                format!("{{{letters}{link}:{}}}", &block.text[span.range.clone()])
            })
            .collect();
        let marker = block.marker.as_deref().unwrap_or("");
        format!(
            "{:?} {}{marker} {:?} {}",
            block.kind,
            block.depth,
            block.text,
            spans.join("")
        )
    }

    #[test]
    fn each_kind_of_block_is_found() {
        for (text, wanted) in [
            ("Plain words.", vec!["Paragraph 0 \"Plain words.\" "]),
            ("two\nlines", vec!["Paragraph 0 \"two\\nlines\" "]),
            (
                "one\n\ntwo",
                vec!["Paragraph 0 \"one\" ", "Paragraph 0 \"two\" "],
            ),
            (
                "# Big\n### small",
                vec!["Heading(1) 0 \"Big\" ", "Heading(3) 0 \"small\" "],
            ),
            (
                "a **bold** *word*",
                vec!["Paragraph 0 \"a bold word\" {b:bold}{i:word}"],
            ),
            (
                "`x = 1` ~~gone~~",
                vec!["Paragraph 0 \"x = 1 gone\" {c:x = 1}{s:gone}"],
            ),
            (
                "- one\n- two\n  - deep",
                vec![
                    "Paragraph 1• \"one\" ",
                    "Paragraph 1• \"two\" ",
                    "Paragraph 2• \"deep\" ",
                ],
            ),
            (
                "3. three\n4. four",
                vec!["Paragraph 13. \"three\" ", "Paragraph 14. \"four\" "],
            ),
            ("> said", vec!["Paragraph 1 \"said\" "]),
            (
                "```rust\nlet a = 1;\n\nb\n```",
                vec!["Code 0 \"let a = 1;\\n\\nb\" "],
            ),
            ("    no code", vec!["Paragraph 0 \"no code\" "]),
            (
                "a\n\n---\n\nb",
                vec!["Paragraph 0 \"a\" ", "Rule 0 \"\" ", "Paragraph 0 \"b\" "],
            ),
            (
                "[name](https://a.example/x)",
                vec!["Paragraph 0 \"name\" {→https://a.example/x:name}"],
            ),
            ("[name](#within)", vec!["Paragraph 0 \"name\" "]),
            (
                "2 * 3 * 4 and snake_case_name",
                vec!["Paragraph 0 \"2 * 3 * 4 and snake_case_name\" "],
            ),
            ("a <b>tag</b>", vec!["Paragraph 0 \"a <b>tag</b>\" "]),
            ("  ", vec!["Paragraph 0 \"  \" "]),
            ("", vec!["Paragraph 0 \"\" "]),
        ] {
            let found: Vec<_> = parse(text).iter().map(told).collect();
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn a_table_has_rows_of_cells() {
        let blocks = parse("before\n\n| a | b |\n| --- | --- |\n| **1** | 2 |\n");
        assert_eq!(blocks.len(), 2);
        let table = &blocks[1];
        assert_eq!((table.kind, &*table.text), (BlockKind::Table, "a, b\n1, 2"));
        let texts: Vec<Vec<_>> = table
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| &*cell.text).collect())
            .collect();
        assert_eq!(texts, [["a", "b"], ["1", "2"]]);
        assert!(table.rows[1][0].spans[0].style.strong);
    }

    #[test]
    fn addresses_are_links_without_the_sentence_around_them() {
        for (text, wanted) in [
            (
                "See https://a.example/b?c=d, or not.",
                vec!["https://a.example/b?c=d"],
            ),
            ("(http://a.example/x_(y)).", vec!["http://a.example/x_(y)"]),
            (
                "https://a.example http://b.example",
                vec!["https://a.example", "http://b.example"],
            ),
            ("xhttps://a.example https:// none", vec![]),
            ("“https://ä.example/ö”", vec!["https://ä.example/ö"]),
            ("no link", vec![]),
        ] {
            for blocks in [plain(text), parse(text)] {
                let links = blocks.iter().flat_map(|block| &block.spans);
                let links: Vec<_> = links.filter_map(|span| span.link.as_deref()).collect();
                assert_eq!(links, wanted, "{text}");
            }
        }
        let bold = &parse("**go to https://a.example now**")[0];
        assert_eq!(
            told(bold),
            "Paragraph 0 \"go to https://a.example now\" {b:go to }{b→https://a.example:https://a.example}{b: now}"
        );
    }

    #[test]
    fn what_strangers_write_is_read_in_time_and_spans_lie_within_their_text() {
        for text in [
            "[".repeat(20_000),
            "*a **b ".repeat(5_000),
            "> ".repeat(3_000) + "deep",
            "- ".repeat(2_000) + "deep",
            "|a|\n|-|\n".to_owned() + &"|b|\n".repeat(2_000),
            "`".repeat(20_001),
            "https://".repeat(3_000),
            "👩\u{200d}🚀 **é**\n".repeat(500),
        ] {
            let blocks = parse(&text);
            assert!(!blocks.is_empty());
            for block in &blocks {
                let mut at = 0;
                for span in &block.spans {
                    assert!(span.range.start >= at && block.text.get(span.range.clone()).is_some());
                    at = span.range.end;
                }
            }
        }
    }
}
