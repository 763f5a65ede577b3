//! The tables, and the way from each earlier schema to this one.

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;

/// Tells this program's files from those of others ("SOVR").
const APPLICATION: i64 = 0x534f_5652;

/// Step `n` leads from schema `n` to `n + 1`; 0 is an empty file. A step that was released is never changed.
pub(super) const STEPS: &[&str] = &[FIRST];

/// The schema that this program writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// Times are milliseconds since 1970, durations milliseconds, samples 16 bit little endian.
///
/// `conversations` holds what a list shows, so that it reads no turn. `mark` is what retention counts from (see `Batch`).
/// The record of a turn is apart from its words, because a search for one or two letters reads all turns.
/// `figures` is the telemetry's history, in its own words.
/// `words` finds whole words and their beginnings, `letters` any three letters in a row, for languages without blanks between
/// words. Both read the text from `turns`; [`Batch`](super::Batch) has to
/// tell them of each change.
const FIRST: &str = "
CREATE TABLE conversations(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    begun INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    title TEXT NOT NULL DEFAULT '',
    turns INTEGER NOT NULL DEFAULT 0,
    last INTEGER NOT NULL DEFAULT 0,
    profile TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX conversations_by_end ON conversations(ended, id);
CREATE INDEX conversations_by_mark ON conversations(mark);

CREATE TABLE turns(
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    profile TEXT NOT NULL,
    outcome TEXT NOT NULL,
    typed INTEGER NOT NULL,
    user TEXT NOT NULL,
    assistant TEXT NOT NULL,
    response INTEGER,
    UNIQUE(conversation, number)
) STRICT;
CREATE TABLE records(
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    number INTEGER NOT NULL,
    record TEXT NOT NULL,
    UNIQUE(conversation, number)
) STRICT;
CREATE INDEX turns_by_response ON turns(conversation, response) WHERE response IS NOT NULL;
CREATE INDEX turns_by_kind ON turns(conversation, outcome, profile, at);

CREATE TABLE speech(
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    number INTEGER NOT NULL,
    first INTEGER NOT NULL,
    at INTEGER NOT NULL,
    samples BLOB NOT NULL,
    UNIQUE(conversation, number, first)
) STRICT;

CREATE TABLE audio(
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    number INTEGER NOT NULL,
    side INTEGER NOT NULL,
    rate INTEGER NOT NULL,
    samples BLOB NOT NULL,
    UNIQUE(conversation, number, side)
) STRICT;

CREATE TABLE figures(id INTEGER PRIMARY KEY CHECK(id = 1), text TEXT NOT NULL) STRICT;

CREATE VIRTUAL TABLE words USING fts5(
    user, assistant, content='turns', content_rowid='id', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
CREATE VIRTUAL TABLE letters USING fts5(
    user, assistant, content='turns', content_rowid='id', tokenize='trigram remove_diacritics 1'
);
INSERT INTO words(words, rank) VALUES('secure-delete', 1);
INSERT INTO letters(letters, rank) VALUES('secure-delete', 1);
";

/// Whether a file is ours, or empty, and not of a newer program.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found > VERSION {
        return Err(newer(found, VERSION));
    }
    Ok(())
}

/// Brings a file to the newest schema; one of a newer program, or of another one, is an error.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
    let newest = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    if version(connection)? == newest {
        return Ok(());
    }
    // Read again within the transaction: another program may be at it.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    let done = usize::try_from(found)
        .ok()
        .filter(|done| *done <= steps.len());
    for step in &steps[done.ok_or_else(|| newer(found, newest))?..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", newest)?;
    Ok(transaction.commit()?)
}

fn newer(found: i64, known: i64) -> StoreError {
    StoreError::Newer { found, known }
}

/// The schema of a file; 0 of an empty one.
fn version(connection: &Connection) -> Result<i64, StoreError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match application {
        APPLICATION if version > 0 => Ok(version),
        0 if version == 0 && tables == 0 => Ok(0),
        _ => Err(StoreError::Foreign),
    }
}
