//! The table of turns that `talk --csv` writes.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::line_writer::{LineWriter, Unwritten};
use super::output_files::not_begun;
use super::signal;
use crate::base::problem::Problem;
use crate::base::supervise::Failures;
use crate::telemetry::export::turn_csv;
use crate::telemetry::record::TurnRecord;

/// Time for the last row at the end.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// The file of `--csv`; each row is written when its turn is closed.
pub(super) struct Table {
    pub(super) path: PathBuf,
    file: LineWriter,
}

impl Table {
    pub(super) fn create(path: &Path) -> Result<Self, Problem> {
        File::create(path)
            .and_then(|mut file| file.write_all(turn_csv::turn_header().as_bytes()))
            .map_err(|error| not_begun(format!("--csv {}", path.display()), &error))?;
        Ok(Self {
            path: path.to_owned(),
            file: LineWriter::start(
                "csv",
                Box::new(ByName(path.to_owned())),
                Failures::default(),
            ),
        })
    }

    pub(super) fn add(&self, record: &TurnRecord) -> Result<(), Unwritten> {
        self.file.offer(turn_csv::turn_row(record).into_bytes());
        if self.file.gone().is_cancelled() {
            return self.finish();
        }
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), Unwritten> {
        let hurry = signal::is_asked;
        self.file
            .finish(WRITTEN_WITHIN, signal::LAST_WORDS_WITHIN, hurry)
    }
}

/// A file that is opened by name for each row, in case it is deleted meanwhile.
struct ByName(PathBuf);

impl io::Write for ByName {
    fn write(&mut self, row: &[u8]) -> io::Result<usize> {
        let mut file = File::options().append(true).open(&self.0)?;
        file.write_all(row)?;
        Ok(row.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
