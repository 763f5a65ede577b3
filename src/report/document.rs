//! The content of a report, independent of HTML and Markdown.

use super::limit_verdict::RunStatus;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    pub title: String,
    /// One sentence that says how it went.
    pub verdict: String,
    /// What that sentence comes to.
    pub standing: RunStatus,
    /// What it says, in order.
    pub sections: Vec<Section>,
}

/// A part of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    pub heading: String,
    pub blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A sentence or two.
    Words(String),
    /// Sentences of equal rank.
    List(Vec<String>),
    /// Rows of cells; the first column is text, the others are numbers.
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// A drawing; HTML only, since what it shows is in the tables too.
    Plot(Plot),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// What it shows, also for those who cannot see it.
    pub title: String,
    /// What the horizontal axis counts.
    pub axis: String,
    pub shape: Shape,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// How many values fall where, with lines at marked values.
    Histogram {
        /// Width of a bin, in the axis' unit.
        bin: f64,
        /// How many values each bin holds, from 0 on.
        counts: Vec<usize>,
        /// Names and values of the lines.
        marks: Vec<(String, f64)>,
    },
    /// A row for each name: from the first to the last value, a dot at each, and a limit.
    Ranges {
        /// Name, values from the smallest on, limit.
        rows: Vec<(String, Vec<f64>, Option<f64>)>,
        /// What the values are, in order.
        values: Vec<String>,
    },
    /// A row for each name: its parts one behind the other.
    Waterfall {
        parts: Vec<String>,
        /// Name, lengths of the parts.
        rows: Vec<(String, Vec<f64>)>,
    },
    /// Values over time, each series on a scale of its own.
    Lines {
        /// Name with unit, points from left to right.
        series: Vec<(String, Vec<(f64, f64)>)>,
    },
}

impl Section {
    pub fn new(heading: &str) -> Self {
        Self {
            heading: heading.to_owned(),
            blocks: Vec::new(),
        }
    }

    /// The same with some words more.
    #[must_use]
    pub fn words(mut self, words: impl Into<String>) -> Self {
        self.blocks.push(Block::Words(words.into()));
        self
    }

    /// The same with a table more, unless it has no rows.
    #[must_use]
    pub fn table(mut self, head: &[&str], rows: Vec<Vec<String>>) -> Self {
        if !rows.is_empty() {
            let head = head.iter().map(|name| (*name).to_owned()).collect();
            self.blocks.push(Block::Table { head, rows });
        }
        self
    }

    /// The same with a list more, unless it is empty.
    #[must_use]
    pub fn list(mut self, items: Vec<String>) -> Self {
        if !items.is_empty() {
            self.blocks.push(Block::List(items));
        }
        self
    }

    /// The same with a drawing more.
    #[must_use]
    pub fn plot(mut self, title: impl Into<String>, axis: &str, shape: Shape) -> Self {
        self.blocks.push(Block::Plot(Plot {
            title: title.into(),
            axis: axis.to_owned(),
            shape,
        }));
        self
    }
}
