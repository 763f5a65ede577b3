//! The store on the disk. All calls wait for it: see [`Store`](super::Store) for a loop that may not.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use super::batch::{Batch, whole};
use super::connection::{self, FileIdentity, identity, with_end};
use super::entry::{
    ConversationId, ConversationSummary, Filter, Hit, StoreSize, StoredAudio, StoredTurn,
    UnsentSpeech,
};
use super::error::StoreError;
use super::read;
use super::salvage::{self, SetAside};
use crate::base::retention::Retention;

/// An open store. An error that [is damage](StoreError::is_damage) calls for [`repair`](Self::repair).
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    path: PathBuf,
    identity: Option<FileIdentity>,
    /// Something was deleted that another program may keep in the log.
    unscrubbed: bool,
}

impl Database {
    /// Opens the store, and makes it if it is missing. A damaged one is set aside, which is not an error.
    pub fn open(path: &Path) -> Result<(Self, Option<SetAside>), StoreError> {
        let found = identity(path);
        match Self::open_whole(path) {
            Err(error) if error.is_damage() => {
                let aside = salvage::replace(path, found)?;
                Ok((Self::open_whole(path)?, aside))
            }
            opened => Ok((opened?, None)),
        }
    }

    /// Sets the store aside, and goes on with a new one that holds what can still be read; with that of another program, where
    /// one has done it already.
    pub fn repair(self) -> Result<(Self, Option<SetAside>), StoreError> {
        let (path, damaged) = (self.path.clone(), self.identity);
        drop(self);
        let aside = salvage::replace(&path, damaged)?;
        Ok((Self::open_whole(&path)?, aside))
    }

    fn open_whole(path: &Path) -> Result<Self, StoreError> {
        let connection = connection::open(path)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            identity: identity(path),
            unscrubbed: false,
        })
    }

    /// Whether the file was removed or replaced since it was opened: what is written now would be lost.
    pub fn is_moved(&self) -> bool {
        identity(&self.path) != self.identity
    }

    /// Writes what `work` does, all of it or nothing. It is on the disk when this returns.
    pub fn write<T>(
        &mut self,
        work: impl FnOnce(&Batch<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let begin = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(begin)?;
        let done = work(&Batch(&transaction))?;
        transaction.commit()?;
        Ok(done)
    }

    /// The conversations that a filter names, the newest first.
    pub fn list(&self, filter: &Filter) -> Result<Vec<ConversationSummary>, StoreError> {
        read::list(&self.connection, filter)
    }

    /// One of them.
    pub fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<ConversationSummary>, StoreError> {
        read::summary(&self.connection, id)
    }

    /// The turns of a conversation in order; none where there is no such conversation.
    pub fn turns(&self, id: ConversationId) -> Result<Vec<StoredTurn>, StoreError> {
        read::turns(&self.connection, id)
    }

    /// The turns in which all words of a text occur, the newest first; at most so many, 0 is all. Text that is not found as
    /// words is looked for as letters in a row.
    pub fn search(&self, text: &str, most: usize) -> Result<Vec<Hit>, StoreError> {
        read::search(&self.connection, text, most)
    }

    /// The speech that waits for an answer.
    pub fn unsent(&self) -> Result<Vec<UnsentSpeech>, StoreError> {
        read::unsent(&self.connection)
    }

    /// The sound of a conversation, in the order of its turns, the user first.
    pub fn audio(&self, id: ConversationId) -> Result<Vec<StoredAudio>, StoreError> {
        read::audio(&self.connection, id)
    }

    /// What [`Batch::figures`] kept last.
    pub fn figures(&self) -> Result<Option<String>, StoreError> {
        read::figures(&self.connection)
    }

    /// How much is kept.
    pub fn sizes(&self) -> Result<StoreSize, StoreError> {
        let select =
            "SELECT count(*) FILTER (WHERE turns > 0), coalesce(sum(turns), 0) FROM conversations";
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
        let bytes = size(&self.path) + size(&with_end(&self.path, "-wal"));
        Ok(self.connection.query_row(select, [], |row| {
            Ok(StoreSize {
                conversations: read::count(row, 0)?,
                turns: read::count(row, 1)?,
                bytes,
            })
        })?)
    }

    /// Deletes a conversation for good: nothing of it is left in the files, once [`scrub`](Self::scrub) is done. Says whether
    /// there was one.
    ///
    /// Stores that were set aside are removed as well: nobody knows what they hold.
    pub fn delete(&mut self, id: ConversationId) -> Result<bool, StoreError> {
        let deleted = self.write(|batch| batch.delete("id = ?1", &[id.0]))?;
        self.remove_set_aside();
        self.scrub_now()?;
        Ok(deleted > 0)
    }

    /// Deletes everything for good. Gives the number of conversations.
    pub fn delete_all(&mut self) -> Result<u64, StoreError> {
        let deleted = self.write(|batch| {
            let count = "SELECT count(*) FROM conversations WHERE turns > 0";
            let count = batch.0.query_row(count, [], |row| read::count(row, 0))?;
            batch.delete_all()?;
            Ok(count)
        })?;
        self.remove_set_aside();
        self.scrub_now()?;
        Ok(deleted)
    }

    /// Deletes conversations whose time is over, the oldest first and at most so many. Gives their number.
    pub fn expire(
        &mut self,
        retention: Retention,
        now: Timestamp,
        most: usize,
    ) -> Result<usize, StoreError> {
        let Retention::For(time) = retention else {
            return Ok(0);
        };
        let limit = now.as_millisecond().saturating_sub(whole(time.as_millis()));
        let over = "id IN (SELECT id FROM conversations WHERE mark < ?1 ORDER BY mark LIMIT ?2)";
        let deleted = self.write(|batch| batch.delete(over, &[limit, whole(most)]))?;
        if deleted > 0 {
            self.scrub_now()?;
        }
        Ok(deleted)
    }

    /// Whether something that was deleted may still be in the files, because another program was reading.
    pub fn is_unscrubbed(&self) -> bool {
        self.unscrubbed
    }

    fn scrub_now(&mut self) -> Result<(), StoreError> {
        self.unscrubbed = true;
        match self.scrub() {
            Err(StoreError::Busy) => Ok(()),
            scrubbed => scrubbed,
        }
    }

    /// Removes what was deleted from the log and the free pages, where that is still to be done. [`StoreError::Busy`]: another
    /// program reads; to be called again later.
    pub fn scrub(&mut self) -> Result<(), StoreError> {
        if !self.unscrubbed {
            return Ok(());
        }
        let mut vacuum = self.connection.prepare("PRAGMA incremental_vacuum")?;
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
        drop(steps);
        drop(vacuum);
        let busy: i64 =
            self.connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy != 0 {
            return Err(StoreError::Busy);
        }
        self.unscrubbed = false;
        Ok(())
    }

    /// Has the next [`scrub`](Self::scrub) empty the log, in which speech may be that was answered.
    pub(super) fn forget_log(&mut self) {
        self.unscrubbed = true;
    }

    /// Has the disk be full after so many pages.
    #[cfg(test)]
    pub(super) fn limit(&self, pages: u32) {
        let limit = self.connection.pragma_update(None, "max_page_count", pages);
        limit.expect("an open store");
    }

    fn remove_set_aside(&self) {
        for path in salvage::set_aside(&self.path) {
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "a damaged store cannot be removed");
            }
        }
    }
}
