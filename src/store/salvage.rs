//! A damaged file: what can still be read is copied into a new one, and the old one is set aside.
//!
//! ```text
//! conversations.db ── read row by row, over torn pages ──▶ conversations.rescue.db
//!        └─ renamed ▶ conversations.damaged-20261129-180345.db     └─ renamed ▶ conversations.db
//! ```
//!
//! The names change at the end: who is killed before that begins again.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, MAIN_DB, Row, Transaction};

use super::batch::{Batch, whole};
use super::connection::{BESIDE, FileIdentity, configure, identity, open, open_as_it_is, with_end};
use super::entry::{ConversationId, SpeechPiece, StoredTurn};
use super::error::StoreError;
use super::raw_pages;
use super::read::{TURN_ALONE, audio_of, count, figures, samples_of, time, turn_of};
use super::schema::{STEPS, migrate};
use crate::file;

/// Rows that are looked for one by one behind a torn page: more than a page, or a branch of pages, holds.
const MISSING: i64 = 100_000;
/// Pages are read in order, nearly.
const READ_AHEAD: usize = 1 << 20;

/// A damaged store that made place for a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    pub path: PathBuf,
    /// Turns that could be read, and are in the new store.
    pub turns: u64,
}

/// Puts a new store with what can be read in the place of a damaged one, unless another program has done it.
pub(super) fn replace(
    path: &Path,
    damaged: Option<FileIdentity>,
) -> Result<Option<SetAside>, StoreError> {
    let failed = |error: std::io::Error| StoreError::Failed(error.to_string());
    let lock = file::open_lock(&path.with_extension("repair.lock")).map_err(failed)?;
    lock.try_lock().map_err(|_| StoreError::Busy)?;
    if identity(path) != damaged {
        return Ok(None);
    }
    let (rescue, patched) = (named(path, "rescue"), named(path, "patched"));
    for stale in [&rescue, &patched] {
        remove(stale);
    }
    let rescued = salvage(path, &rescue, &patched);
    remove(&patched);
    let turns = rescued.inspect_err(|_| remove(&rescue))?;
    let aside = free_name(path);
    fs::rename(path, &aside).map_err(failed)?;
    for end in BESIDE {
        fs::rename(with_end(path, end), with_end(&aside, end)).ok();
    }
    fs::rename(&rescue, path).map_err(failed)?;
    tracing::warn!(aside = %aside.display(), turns, "the store is damaged: a new one is begun");
    Ok(Some(SetAside { path: aside, turns }))
}

/// The stores that were set aside.
pub(super) fn set_aside(path: &Path) -> Vec<PathBuf> {
    let start = path.with_extension("damaged-");
    let start = start.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(&*start);
    entries
        .filter(|entry| ours(&entry.file_name()))
        .map(|entry| entry.path())
        .collect()
}

/// Copies what can be read of a store into a new one; gives the number of turns.
fn salvage(path: &Path, rescue: &Path, patched: &Path) -> Result<u64, StoreError> {
    let mut to = open(rescue)?;
    let transaction = to.transaction()?;
    let mut turns = 0;
    if let Some(from) = readable(path, patched) {
        turns = copy(&from, &transaction)?;
    }
    turns += copy_lost_turns(path, &transaction)?;
    transaction.commit()?;
    to.close().map_err(|(_, error)| error)?;
    Ok(turns)
}

/// A damaged file, opened; where its first page is torn, a copy with the first page that such a file has.
fn readable(path: &Path, patched: &Path) -> Option<Connection> {
    let has_turns = |from: &Connection| {
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('conversations', 'turns')";
        let count = from.query_row(tables, [], |row| row.get::<_, i64>(0));
        count.is_ok_and(|count| count == 2)
    };
    if let Ok(from) = open_as_it_is(path)
        && has_turns(&from)
    {
        return Some(from);
    }
    let pages = first_pages()?;
    // The header alone, the first page, or the list of tables too: its place is the same in each file of a schema.
    let header: PagePatch = (0, pages.first()?.1[..100].to_vec());
    let patches = [std::slice::from_ref(&header), &pages[..1], &pages];
    patches.into_iter().find_map(|patches| {
        remove(patched);
        patch(path, patched, patches).ok()?;
        open_as_it_is(patched).ok().filter(has_turns)
    })
}

/// Bytes, and where they belong.
type PagePatch = (u64, Vec<u8>);

/// The first page of a file of the newest schema, and the pages with its list of tables.
fn first_pages() -> Option<Vec<PagePatch>> {
    let mut empty = Connection::open_in_memory().ok()?;
    configure(&empty).ok()?;
    migrate(&mut empty, STEPS).ok()?;
    let size: u32 = empty
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .ok()?;
    let size = usize::try_from(size).ok()?;
    let bytes = empty.serialize(MAIN_DB).ok()?;
    let mut first = bytes.get(..size)?.to_vec();
    let big_endian = |at: usize| Some(u32::from_be_bytes(first.get(at..at + 4)?.try_into().ok()?));
    let short = |at: usize| {
        Some(usize::from(u16::from_be_bytes(
            first.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    // A page that only points to others (5) has their numbers at 108 and where its cells begin.
    let mut numbers = Vec::new();
    if first.get(100) == Some(&5) {
        numbers.push(big_endian(108)?);
        for cell in 0..short(103)? {
            numbers.push(big_endian(short(112 + 2 * cell)?)?);
        }
    }
    // Says that the number of pages in it is out of date: the length of the file counts.
    first.get_mut(92..96)?.fill(0xff);
    let mut pages = vec![(0, first)];
    for number in numbers {
        let start = usize::try_from(number).ok()?.checked_sub(1)? * size;
        let page = bytes.get(start..start + size)?.to_vec();
        pages.push((u64::try_from(start).ok()?, page));
    }
    Some(pages)
}

/// A copy of a file with other bytes at some places.
fn patch(path: &Path, to: &Path, patches: &[PagePatch]) -> std::io::Result<()> {
    fs::copy(path, to)?;
    fs::copy(with_end(path, "-wal"), with_end(to, "-wal")).ok();
    let mut file = fs::File::options().write(true).open(to)?;
    for (place, bytes) in patches {
        file.seek(SeekFrom::Start(*place))?;
        file.write_all(bytes)?;
    }
    Ok(())
}

/// Copies all rows that can be read.
fn copy(from: &Connection, to: &Transaction<'_>) -> Result<u64, StoreError> {
    let batch = Batch(to);
    each_row(
        from,
        "conversations c",
        "c.id, c.begun, c.ended, c.mark",
        |row| {
            let Ok([id, begun, ended, mark]) = numbers(row) else {
                return Ok(());
            };
            batch.ensure(id, begun, mark)?;
            to.execute(
                "UPDATE conversations SET ended = ?2 WHERE id = ?1",
                [id, ended],
            )?;
            Ok(())
        },
    )?;
    if let Ok(Some(figures)) = figures(from) {
        batch.figures(&figures)?;
    }
    let mut turns = 0;
    each_row(from, "turns t", TURN_ALONE, |row| {
        if let (Ok(id), Ok(turn)) = (row.get(0), turn_of(row)) {
            turns += 1;
            batch.turn_marked(ConversationId(id), &turn, turn.at.as_millisecond())?;
        }
        Ok(())
    })?;
    each_row(
        from,
        "records r",
        "r.conversation, r.number, r.record",
        |row| match (row.get(0), count(row, 1), row.get::<_, String>(2)) {
            (Ok(id), Ok(number), Ok(record)) => {
                batch.ensure(id, 0, 0)?;
                batch.record(ConversationId(id), number, &record)
            }
            _ => Ok(()),
        },
    )?;
    each_row(
        from,
        "speech s",
        "s.conversation, s.number, s.at, s.first, s.samples",
        |row| {
            let piece = || {
                Ok::<_, rusqlite::Error>(SpeechPiece {
                    number: count(row, 1)?,
                    at: time(row, 2)?,
                    first: count(row, 3)?,
                    samples: samples_of(row, 4)?,
                })
            };
            match (row.get(0), piece()) {
                (Ok(id), Ok(piece)) => batch.speech(ConversationId(id), &piece),
                _ => Ok(()),
            }
        },
    )?;
    each_row(
        from,
        "audio a",
        "a.number, a.side, a.rate, a.samples, a.conversation",
        |row| match (row.get(4), audio_of(row)) {
            (Ok(id), Ok(audio)) => batch.audio(ConversationId(id), row_time(to, id), &audio),
            _ => Ok(()),
        },
    )?;
    Ok(turns)
}

/// Copies the turns that nothing leads to any more, and that were not copied. Gives their number.
fn copy_lost_turns(path: &Path, to: &Transaction<'_>) -> Result<u64, StoreError> {
    let Ok(file) = fs::File::open(path) else {
        return Ok(0);
    };
    let mut known = to.prepare("SELECT 1 FROM turns WHERE conversation = ? AND number = ?")?;
    let (mut turns, mut failed) = (0, Ok(()));
    raw_pages::each_row(std::io::BufReader::with_capacity(READ_AHEAD, file), |row| {
        if let (Ok(()), Some((id, turn))) = (&failed, lost_turn(row)) {
            let number = whole(turn.number);
            let batch = Batch(to);
            let at = turn.at.as_millisecond();
            match known.exists([id, number]) {
                Ok(true) => {}
                Ok(false) => {
                    turns += 1;
                    failed = batch.turn_marked(ConversationId(id), &turn, at);
                }
                Err(error) => failed = Err(error.into()),
            }
        }
    });
    failed.map(|()| turns)
}

/// A row of the table of turns: no other has such columns.
fn lost_turn(row: &[Value]) -> Option<(i64, StoredTurn)> {
    use Value::{Integer, Text};
    let [
        Value::Null,
        Integer(conversation),
        Integer(number),
        Integer(at),
        Text(profile),
        Text(outcome),
        Integer(typed),
        Text(user),
        Text(assistant),
        response,
        ..,
    ] = row
    else {
        return None;
    };
    let response = match response {
        Integer(ms) => Some(Duration::from_millis(u64::try_from(*ms).ok()?)),
        Value::Null | Value::Real(_) | Text(_) | Value::Blob(_) => None,
    };
    let turn = StoredTurn {
        number: u64::try_from(*number).ok()?,
        at: Timestamp::from_millisecond(*at).ok()?,
        profile: profile.clone(),
        outcome: outcome.clone(),
        typed: *typed != 0,
        user: user.clone(),
        assistant: assistant.clone(),
        response,
        record: String::new(),
        title: None,
    };
    Some((*conversation, turn))
}

/// When a conversation that was copied had begun.
fn row_time(to: &Transaction<'_>, id: i64) -> Timestamp {
    let begun = to.query_row(
        "SELECT begun FROM conversations WHERE id = ?",
        [id],
        |row| time(row, 0),
    );
    begun.unwrap_or_default()
}

fn numbers<const N: usize>(row: &Row<'_>) -> rusqlite::Result<[i64; N]> {
    let mut numbers = [0; N];
    for (column, number) in numbers.iter_mut().enumerate() {
        *number = row.get(column)?;
    }
    Ok(numbers)
}

/// Gives the rows of a table in order, over places that cannot be read. Errors of `each` end it.
fn each_row(
    from: &Connection,
    table: &str,
    columns: &str,
    mut each: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let select = format!("SELECT {columns}, rowid FROM {table} WHERE rowid");
    let id = columns.split(',').count();
    let mut after = i64::MIN;
    let mut missing = 0;
    while missing <= MISSING {
        // To the end, or to a place that cannot be read.
        let Ok(mut rows) = from.prepare(&format!("{select} > ? ORDER BY rowid")) else {
            return Ok(());
        };
        let mut rows = rows.query([after])?;
        loop {
            match rows.next() {
                Ok(None) => return Ok(()),
                Ok(Some(row)) => {
                    let Ok(found) = row.get(id) else { break };
                    each(row)?;
                    (after, missing) = (found, 0);
                }
                Err(_) => break,
            }
        }
        // Behind it, row by row.
        after = after.max(0);
        let Ok(mut row) = from.prepare(&format!("{select} = ?")) else {
            return Ok(());
        };
        while missing <= MISSING {
            (after, missing) = (after.saturating_add(1), missing + 1);
            let mut rows = row.query([after])?;
            if let Ok(Some(row)) = rows.next() {
                each(row)?;
                missing = 0;
                break;
            }
        }
    }
    Ok(())
}

/// `conversations.rescue.db` of `conversations.db`.
fn named(path: &Path, what: &str) -> PathBuf {
    path.with_extension(format!("{what}.db"))
}

/// A name that is not taken.
fn free_name(path: &Path) -> PathBuf {
    let now = Timestamp::now().strftime("%Y%m%d-%H%M%S");
    let names = (0..).map(|number| {
        let number = if number == 0 {
            String::new()
        } else {
            format!("-{number}")
        };
        named(path, &format!("damaged-{now}{number}"))
    });
    let mut free = names.filter(|name| fs::symlink_metadata(name).is_err());
    free.next().unwrap_or_else(|| named(path, "damaged"))
}

fn remove(path: &Path) {
    fs::remove_file(path).ok();
    for end in BESIDE {
        fs::remove_file(with_end(path, end)).ok();
    }
}
