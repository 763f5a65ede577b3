//! Tables of figures: printed always, kept in `tests/measured/` by `scripts/measure`.

use std::fmt::Write as _;
use std::path::PathBuf;

/// Set by `scripts/measure`: run at full length and keep the tables.
const MEASURE: &str = "SOVEREIGN_MEASURE";

/// Whether this is a run of `scripts/measure`; else the short version is enough.
pub(crate) fn full() -> bool {
    std::env::var_os(MEASURE).is_some()
}

/// A table in Markdown.
pub(crate) struct Table {
    name: &'static str,
    text: String,
    columns: usize,
}

impl Table {
    /// A table that is kept as `tests/measured/NAME.md`; `about` says what was done, and how, in some sentences.
    pub(crate) fn new(name: &'static str, about: &str, columns: &[&str]) -> Self {
        let mut table = Self {
            name,
            text: format!("# {name}\n\n{about}\n\nMade by `scripts/measure {name}`.\n\n"),
            columns: columns.len(),
        };
        table.line(columns.iter().map(ToString::to_string));
        table.line(columns.iter().map(|_| "---".to_owned()));
        table
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[String]) {
        assert_eq!(
            cells.len(),
            self.columns,
            "{}: a cell for each column",
            self.name
        );
        self.line(cells.iter().cloned());
    }

    fn line(&mut self, cells: impl Iterator<Item = String>) {
        let cells: Vec<String> = cells.collect();
        writeln!(self.text, "| {} |", cells.join(" | ")).expect("text takes all");
    }

    /// Prints the table, and keeps it if asked.
    #[expect(clippy::print_stdout, reason = "the table is what the run is for")]
    pub(crate) fn finish(self) {
        println!("{}", self.text);
        if full() {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/measured");
            let path = folder.join(format!("{}.md", self.name));
            std::fs::write(&path, self.text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
}
