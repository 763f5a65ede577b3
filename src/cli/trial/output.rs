//! Writes the reports. The folder is checked before the run: an hour of load must not end in "cannot be written".

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::super::output_files::{not_begun, remedy};
use crate::base::problem::Problem;
use crate::report::document::Document;
use crate::report::results::TurnRow;
use crate::report::{html, markdown, sheet};

/// A folder that reports can be written to.
pub(in crate::cli) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if it is missing, and writes a file into it for trial.
    pub(in crate::cli) fn open(folder: &Path) -> Result<Self, Problem> {
        let this = Self(folder.to_owned());
        let tried = fs::create_dir_all(folder).and_then(|()| {
            let trial = this.fresh("trial");
            let written = write_whole(&trial, "trial");
            fs::remove_file(&trial).and(written)
        });
        match tried {
            Ok(()) => Ok(this),
            Err(error) => {
                let what = format!("--report {}: it cannot be written to", folder.display());
                Err(not_begun(what, &error))
            }
        }
    }

    /// Writes all forms of a report: `NAME.html`, `.md`, `.csv`, `.json`. Each appears as a whole or not at all.
    pub(in crate::cli) fn write(
        &self,
        name: &str,
        document: &Document,
        turns: &[TurnRow],
        json: &str,
    ) -> Result<(), Problem> {
        // All are tried; the first fault is returned.
        let mut all = Ok(());
        let forms = [
            ("html", html::page(document)),
            ("md", markdown::markdown(document)),
            ("csv", sheet::turns(turns).map_err(anyhow::Error::from)?),
            ("json", format!("{json}\n")),
        ];
        for (ending, text) in forms {
            let file = self.0.join(format!("{name}.{ending}"));
            let fresh = self.fresh(ending);
            let written = write_whole(&fresh, &text).and_then(|()| fs::rename(&fresh, &file));
            let written = written.map_err(|error| self.fault(&fresh, &file, error));
            all = all.and(written);
        }
        all
    }

    pub(in crate::cli) fn path(&self) -> &Path {
        &self.0
    }

    fn fresh(&self, ending: &str) -> PathBuf {
        self.0
            .join(format!(".report.{}.{ending}.tmp", std::process::id()))
    }

    fn fault(&self, fresh: &Path, file: &Path, error: io::Error) -> Problem {
        fs::remove_file(fresh).ok();
        let hint = remedy(&error);
        let what = format!("{} was not written", file.display());
        Problem::failed(anyhow::Error::new(error).context(what)).hint(hint)
    }
}

/// Writes a file, and waits until the disk has it: some say only then that they are full.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_written_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inside = folder.path().join("a/b");
        let out = Folder::open(&inside).expect("made");
        out.write("load", &Document::default(), &[], "{}")
            .expect("written");
        let mut names: Vec<_> = fs::read_dir(&inside)
            .expect("there")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        names.sort();
        assert_eq!(names, ["load.csv", "load.html", "load.json", "load.md"]);
        out.write("load", &Document::default(), &[], "{}")
            .expect("replaced");
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_refused_before_the_run() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        assert!(Folder::open(&file.join("inside")).is_err());
    }
}
