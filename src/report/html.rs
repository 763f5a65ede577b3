//! Renders a report as a self-contained HTML page: no script, no external file, inline drawings.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::document::{Block, Document, Section};
use super::limit_verdict::RunStatus;
use super::plot::plot;
use crate::base::printable::visible;

/// The colours of the window, light and dark.
const STYLE: &str = include_str!("report.css");

pub fn page(document: &Document) -> String {
    let (class, sign) = match document.standing {
        RunStatus::Kept => ("kept", "●"),
        RunStatus::Open => ("open", "○"),
        RunStatus::Missed => ("missed", "✕"),
    };
    let whole = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (document.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (document.title) }
                    p class={ "verdict " (class) } {
                        span class="sign" aria-hidden="true" { (sign) }
                        " " (document.verdict)
                    }
                    @for section in &document.sections { (section_html(section)) }
                }
            }
        }
    };
    visible(&whole.into_string()).into_owned()
}

fn section_html(section: &Section) -> Markup {
    html! {
        section {
            h2 { (section.heading) }
            @for block in &section.blocks {
                @match block {
                    Block::Words(words) => { p { (words) } }
                    Block::List(items) => { ul { @for item in items { li { (item) } } } }
                    Block::Table { head, rows } => (table(head, rows)),
                    Block::Plot(drawing) => (plot(drawing)),
                }
            }
        }
    }
}

fn table(head: &[String], rows: &[Vec<String>]) -> Markup {
    html! {
        div class="wide" {
            table {
                thead { tr { @for name in head { th scope="col" { (name) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (i, cell) in row.iter().enumerate() {
                                @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Shape;
    use super::*;

    fn full() -> Document {
        let evil = "</title><script>alert(1)</script>\"'&\u{1b}\u{202e}";
        let section = Section::new(evil)
            .words(evil)
            .list(vec![evil.into()])
            .table(&[evil, "n"], vec![vec![evil.into(), "1".into()]])
            .plot(
                evil,
                evil,
                Shape::Histogram {
                    bin: 20.0,
                    counts: vec![0, 3, 1],
                    marks: vec![(evil.into(), 25.0)],
                },
            )
            .plot(
                evil,
                "ms",
                Shape::Ranges {
                    rows: vec![
                        (evil.into(), vec![1.0, 2.0, 3.0], Some(4.0)),
                        ("none".into(), Vec::new(), None),
                    ],
                    values: vec!["p50".into(), "p95".into(), "p99".into()],
                },
            )
            .plot(
                evil,
                "ms",
                Shape::Waterfall {
                    parts: vec![evil.into()],
                    rows: vec![(evil.into(), vec![1.0]), ("none".into(), Vec::new())],
                },
            )
            .plot(
                evil,
                "s",
                Shape::Lines {
                    series: vec![
                        (evil.into(), vec![(0.0, 1.0), (1.0, f64::NAN)]),
                        ("none".into(), Vec::new()),
                    ],
                },
            );
        Document {
            title: evil.into(),
            verdict: evil.into(),
            standing: RunStatus::Missed,
            sections: vec![section],
        }
    }

    #[test]
    fn every_element_is_closed_in_order_and_nothing_written_becomes_one() {
        let page = page(&full());
        assert!(
            !page.contains(['\u{1b}', '\u{202e}']),
            "something is hidden"
        );
        let mut open: Vec<&str> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for part in page.split('<').skip(1) {
            let (tag, _) = part.split_once('>').expect("a tag ends");
            let name = tag
                .trim_start_matches('/')
                .split([' ', '/'])
                .next()
                .expect("a name");
            if tag.starts_with('!') || name == "meta" {
                continue;
            }
            seen.insert(name);
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "in {open:?}");
            } else {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
        for needed in [
            "svg", "polyline", "circle", "rect", "table", "li", "h2", "style",
        ] {
            assert!(seen.contains(needed), "{needed} is missing in {seen:?}");
        }
        assert!(
            !seen.contains("script"),
            "what was written became an element"
        );
    }

    #[test]
    fn the_page_refers_to_nothing_outside() {
        let page = page(&full());
        for outside in [
            "http:", "https:", "src=", "href=", "url(", "@import", "<link", "<script", "<iframe",
        ] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
        assert!(
            !page.contains("NaN") && !page.contains("inf"),
            "a coordinate is none"
        );
    }
}
