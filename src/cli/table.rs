//! The table of turns that `talk --csv` writes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::line_writer::{LineWriter, Unwritten};
use super::{Problem, signal};
use crate::session::record::TurnRecord;
use crate::session::turn_sheet;

/// What is left for the last row at the end.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// The file of `--csv`, each row in it as soon as its turn is closed.
pub(super) struct Table {
    pub(super) path: PathBuf,
    file: LineWriter,
}

impl Table {
    pub(super) fn create(path: &Path) -> Result<Self, Problem> {
        let create = || {
            let mut file = File::create(path)?;
            io::Write::write_all(&mut file, turn_sheet::turn_header().as_bytes())?;
            Ok(LineWriter::start("csv", Box::new(file)))
        };
        let file = create().map_err(|error: io::Error| {
            let what = format!("--csv {}: {error}", path.display());
            Problem::usage(what).hint("Name a file in a folder that you can write to.")
        })?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    pub(super) fn add(&self, record: &TurnRecord) -> Result<(), Unwritten> {
        self.file.offer(turn_sheet::turn_row(record).into_bytes());
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
