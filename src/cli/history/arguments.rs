//! The arguments of `sovereign history`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::{Span, Timestamp, civil, tz::TimeZone};

use crate::store::StoredTurn;
use crate::store::export::ExportFormat;

/// Kept conversations: list, show, search, export, delete
#[derive(Args, Clone, Debug)]
pub struct HistoryArgs {
    /// What to do
    #[command(subcommand)]
    pub command: HistoryCommand,
}

/// What to do with kept conversations.
#[derive(Clone, Debug, Subcommand)]
pub enum HistoryCommand {
    /// Conversations, the newest first; with `--profile NAME` those with a turn under this profile
    List {
        /// Only those with a turn since then: a day (2026-11-29), a time (2026-11-29T18:00:00Z), or so many days ago (7d)
        #[arg(long, value_name = "WHEN", value_parser = since)]
        since: Option<Timestamp>,
        /// Only those with a turn that ended so; an open one runs, or its program was killed
        #[arg(long, value_parser = ["completed", "interrupted", "cancelled", "empty", "failed", StoredTurn::OPEN])]
        outcome: Option<String>,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// What was said in a conversation
    Show {
        /// Its number in the list
        #[arg(value_parser = id())]
        id: i64,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Turns in which all these words occur, the newest first: a line for each side that has one
    Search {
        /// Words; the last one may be the beginning of a word
        #[arg(required = true)]
        text: Vec<String>,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// A conversation as Markdown, JSON or sound
    Export {
        /// Its number in the list
        #[arg(value_parser = id())]
        id: i64,
        /// What it becomes; wav needs sound that was kept (`keep_audio: on`)
        #[arg(long, value_enum)]
        format: ExportFormat,
        /// The file, which is replaced; without it standard output
        #[arg(long, value_name = "FILE", value_parser = super::super::global::path())]
        output: Option<PathBuf>,
        /// What was written, as one JSON object on standard output
        #[arg(long, requires = "output")]
        json: bool,
    },
    /// Deletes a conversation, or all, for good
    Delete {
        /// Its number in the list
        #[arg(value_parser = id(), required_unless_present = "all")]
        id: Option<i64>,
        /// All conversations
        #[arg(long, conflicts_with = "id")]
        all: bool,
        /// Without asking
        #[arg(long)]
        yes: bool,
        /// The number of deleted conversations, as one JSON object
        #[arg(long)]
        json: bool,
    },
}

fn id() -> clap::builder::RangedI64ValueParser {
    clap::value_parser!(i64).range(1..)
}

/// A day, a time, or so many days ago.
fn since(text: &str) -> Result<Timestamp, String> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u32>().ok())
        .map(i64::from);
    let ago = |days: i64| {
        let now = Timestamp::now().to_zoned(TimeZone::system());
        let span = Span::new().try_days(days).ok()?;
        Some(now.checked_sub(span).ok()?.timestamp())
    };
    let midnight = |day: civil::Date| {
        day.to_zoned(TimeZone::system())
            .ok()
            .map(|time| time.timestamp())
    };
    let found = days
        .and_then(ago)
        .or_else(|| text.parse().ok().and_then(midnight))
        .or_else(|| text.parse().ok());
    found.ok_or_else(|| "allowed is a day such as 2026-11-29, a time such as 2026-11-29T18:00:00Z, or days such as 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_or_moments() {
        for text in [
            "2026-11-29",
            "2026-11-29T18:00:00Z",
            "2026-11-29T18:00:00+01:00",
            "0d",
            "400d",
        ] {
            since(text).expect(text);
        }
        for text in [
            "",
            "d",
            "-1d",
            "yesterday",
            "2026-13-01",
            "4000000000d",
            "99999999d",
        ] {
            since(text).expect_err(text);
        }
    }
}
