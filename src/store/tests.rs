//! The store on real files.

mod crash;
mod damage;
mod deletion;
mod faults;
mod journal;
mod keeping;
mod measure;
mod searching;
mod threaded;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::*;

/// A second of 2026.
pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).expect("a time")
}

pub(super) fn turn(number: u64, user: &str, assistant: &str) -> StoredTurn {
    StoredTurn {
        number,
        at: at(i64::try_from(number).expect("small") * 10),
        profile: "balanced".into(),
        outcome: "answered".into(),
        typed: false,
        user: user.into(),
        assistant: assistant.into(),
        response: Some(Duration::from_millis(500 + number)),
        record: format!("{{\"schema\":\"sovereign.turn/1\",\"number\":{number}}}"),
        title: None,
    }
}

pub(super) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    pub(super) fn open(&self) -> Database {
        let (database, aside) = Database::open(&self.file()).expect("opened");
        assert_eq!(aside, None);
        database
    }
}

/// Keeps a conversation with these turns.
pub(super) fn keep(database: &mut Database, turns: &[StoredTurn]) -> ConversationId {
    let kept = database.write(|batch| {
        let id = batch.begin(turns[0].at)?;
        for turn in turns {
            batch.turn(id, turn)?;
        }
        Ok(id)
    });
    kept.expect("kept")
}
