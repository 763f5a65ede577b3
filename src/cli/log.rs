//! Where the log goes: errors to standard error, more to a daily file in the state folder.

use std::io::IsTerminal as _;
use std::path::Path;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use super::Problem;

/// Daily files that are kept.
const DAYS: usize = 7;
/// Lines that may wait for the disk; more are dropped. The crate's own default takes 4 MB of memory.
const WAITING: usize = 1_024;

/// Starts logging; the guard writes what is left when it is dropped. `level` is what `--log` says, for both places;
/// without it errors are shown (the faces say the rest in words) and INFO is filed. A folder that cannot be written costs the file, nothing else.
///
/// # Errors
///
/// When `level` is no level and no filter.
pub(super) fn start(level: Option<&str>, folder: &Path) -> Result<Option<WorkerGuard>, Problem> {
    let filter = |otherwise: &str| match level {
        None => Ok(EnvFilter::new(otherwise)),
        Some(level) => parse(level),
    };
    let shown = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(filter("error")?);
    let (file, guard) = match appender(folder) {
        None => (None, None),
        Some(appender) => {
            let (writer, guard) = NonBlockingBuilder::default()
                .buffered_lines_limit(WAITING)
                .finish(appender);
            let layer = tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(writer);
            (
                Some(layer.with_filter(filter("warn,sovereign=info")?)),
                Some(guard),
            )
        }
    };
    // A second start in one process (tests) keeps the first subscriber.
    tracing_subscriber::registry()
        .with(shown)
        .with(file)
        .try_init()
        .ok();
    Ok(guard)
}

fn parse(level: &str) -> Result<EnvFilter, Problem> {
    let bare = level.parse::<tracing::Level>().is_ok();
    let filter = if bare {
        format!("warn,sovereign={level}")
    } else {
        level.to_owned()
    };
    EnvFilter::try_new(&filter).map_err(|error| {
        Problem::usage(format!("--log {level}: {error}"))
            .hint("Use error, warn, info, debug or trace.")
    })
}

fn appender(folder: &Path) -> Option<RollingFileAppender> {
    std::fs::create_dir_all(folder).ok()?;
    let builder = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .max_log_files(DAYS);
    builder
        .filename_prefix("sovereign")
        .filename_suffix("log")
        .build(folder)
        .ok()
}
