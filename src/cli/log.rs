//! The log: errors go to standard error, more goes to a daily file in the state folder. Neither blocks, bursts of lines are
//! rate limited ([`thinned`]), and the files are bounded ([`files`]).

mod fields;
mod files;
mod thinned;

use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::fields::fields;
use self::files::LogFiles;
use self::thinned::{Sites, Thinned};
use super::line_writer::LineWriter;
use super::output::Shown;
use super::output::say;
use crate::base::problem::Problem;
use crate::base::supervise::Failures;

/// At the end, what the disk may take.
const WRITTEN_WITHIN: Duration = Duration::from_secs(1);

/// The log file, from its start to the end of the process.
static FILE: OnceLock<(LineWriter, Arc<Sites>)> = OnceLock::new();

/// Starts logging. `level` is the value of `--log`, for both outputs; without it errors are shown (window and terminal report
/// the rest in words) and INFO goes to the file. If the folder cannot be written, there is a warning and no file.
pub(super) fn start(
    level: Option<&str>,
    folder: &Path,
    failures: &Failures,
) -> Result<(), Problem> {
    let filter = |otherwise| parse(level.unwrap_or(otherwise));
    let shown = tracing_subscriber::fmt::layer()
        .with_writer(|| Shown)
        .with_ansi(io::stderr().is_terminal() && !colours_are_off())
        .fmt_fields(fields())
        .event_format(Thinned::new(format::Format::default(), Arc::default()))
        .with_filter(filter("error,sovereign=error")?);
    let filed = filter("warn,sovereign=info")?;
    let files = LogFiles::open(folder)
        .inspect_err(|error| {
            let folder = folder.display();
            say(&format!("warning: no log is kept in {folder}: {error}"));
        })
        .ok();
    let file = files.map(|files| {
        let (_, sites) = FILE.get_or_init(|| {
            let writer = LineWriter::start("log", Box::new(files), failures.clone());
            (writer, Arc::default())
        });
        let format = format::Format::default().with_ansi(false);
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(|| Filed)
            .fmt_fields(fields())
            .event_format(Thinned::new(format, Arc::clone(sites)))
            .with_filter(filed)
    });
    // A second start in one process (tests) keeps the first subscriber.
    tracing_subscriber::registry()
        .with(shown)
        .with(file)
        .try_init()
        .ok();
    Ok(())
}

/// Writes the rest, within a time limit.
pub(super) fn finish() {
    if let Some((writer, sites)) = FILE.get() {
        let rest = sites.rest();
        if !rest.is_empty() {
            writer.offer(rest.into_bytes());
        }
        writer.finish(WRITTEN_WITHIN, WRITTEN_WITHIN, || false).ok();
    }
}

/// Lines for the log file.
struct Filed;

impl Write for Filed {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if let Some((writer, _)) = FILE.get() {
            if let Some(lines) = writer.gap() {
                let note = format!("{lines} lines were left out here: the disk was too slow\n");
                writer.offer(note.into_bytes());
            }
            writer.offer(text.to_vec());
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether `NO_COLOR` is set to something (no-color.org).
fn colours_are_off() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

fn parse(level: &str) -> Result<Targets, Problem> {
    let bare = level.parse::<tracing::Level>().is_ok();
    let filter = if bare {
        format!("warn,sovereign={level}")
    } else {
        level.to_owned()
    };
    filter.parse().map_err(|error| {
        Problem::usage(format!("--log {level}: {error}"))
            .hint("Use error, warn, info, debug or trace.")
    })
}
