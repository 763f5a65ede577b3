//! Renders a report as Markdown, for issues and mails. Drawings are left out: the tables hold the same values.

use std::fmt::Write as _;

use super::document::{Block, Document};
use crate::base::printable::is_hidden;

pub fn markdown(document: &Document) -> String {
    let mut text = format!(
        "# {}\n\n**{}**\n",
        escaped(&document.title),
        escaped(&document.verdict)
    );
    let is_written = |block: &Block| !matches!(block, Block::Plot(_));
    let sections = document.sections.iter();
    for section in sections.filter(|section| section.blocks.iter().any(is_written)) {
        write!(text, "\n## {}\n", escaped(&section.heading)).ok();
        for block in &section.blocks {
            match block {
                Block::Words(words) => {
                    write!(text, "\n{}\n", escaped(words)).ok();
                }
                Block::List(items) => {
                    text.push('\n');
                    for item in items {
                        writeln!(text, "- {}", escaped(item)).ok();
                    }
                }
                Block::Table { head, rows } => table(&mut text, head, rows),
                Block::Plot(_) => {}
            }
        }
    }
    text
}

fn table(text: &mut String, head: &[String], rows: &[Vec<String>]) {
    let row = |text: &mut String, cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        writeln!(text, "| {} |", cells.join(" | ")).ok();
    };
    text.push('\n');
    row(text, head);
    let marks = (0..head.len()).map(|i| if i == 0 { "---" } else { "---:" });
    writeln!(text, "| {} |", marks.collect::<Vec<_>>().join(" | ")).ok();
    for cells in rows {
        row(text, cells);
    }
}

/// Escapes Markdown and HTML: the text comes from profile names, hosts, server messages and speech.
pub fn escaped(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for sign in words.chars() {
        match sign {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                text.push('\\');
                text.push(sign);
            }
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            sign if is_hidden(sign) => text.push(' '),
            sign => text.push(sign),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::document::{Section, Shape};
    use super::*;

    #[test]
    fn a_document_is_headings_words_lists_and_tables() {
        let section = Section::new("Turns")
            .words("Some <b>words</b>.")
            .list(vec!["one".into(), "two".into()])
            .table(&["profile", "n"], vec![vec!["a|b".into(), "3".into()]])
            .table(&["empty"], Vec::new());
        let lines = Shape::Lines { series: Vec::new() };
        let drawn = Section::new("Drawn").plot("nothing but a drawing", "s", lines);
        let document = Document {
            title: "Load".into(),
            verdict: "All well".into(),
            standing: crate::report::limit_verdict::RunStatus::Kept,
            sections: vec![section, drawn],
        };
        let expected = "# Load\n\n**All well**\n\n## Turns\n\nSome &lt;b&gt;words&lt;/b&gt;.\n\n- one\n- two\n\n\
                        | profile | n |\n| --- | ---: |\n| a\\|b | 3 |\n";
        assert_eq!(markdown(&document), expected);
    }

    #[test]
    fn a_message_cannot_break_out_of_its_cell() {
        assert_eq!(
            escaped("a\n| b `c` # <i>&"),
            "a \\| b \\`c\\` \\# &lt;i&gt;&amp;"
        );
    }
}
