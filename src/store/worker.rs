//! The work of the store thread: opens the file when it is needed, writes, answers, deletes what is over, and tries again
//! where something failed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::batch::Batch;
use super::database::Database;
use super::entry::ConversationId;
use super::error::StoreError;
use super::export::{self, ExportFormat, NotExported};
use super::message::{ConversationKey, Query, StoreEvent, Write};
use super::salvage::SetAside;
use crate::base::retention::Retention;
use crate::base::text::{in_english, t};
use crate::file;

/// What is over is deleted at the start, and then so often.
const EXPIRE_EVERY: Duration = Duration::from_secs(60 * 60);
/// Conversations that are deleted in one go: in between others are served.
const EXPIRED_AT_ONCE: usize = 3;
/// After a pause of so much time the log is emptied of speech that was answered.
const SCRUB_AFTER: Duration = Duration::from_secs(2);
/// Bytes of the note in the lock file: the longest number of a conversation.
const NOTE: usize = 20;
/// After a failure it is tried again: at first, and at most.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MOST: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct StoreWorker {
    path: Option<PathBuf>,
    retention: Retention,
    database: Option<Database>,
    /// Held while this is the program that keeps unsent speech and figures. The conversation that is running stands in it, until the
    /// program comes to its end.
    lock: Option<File>,
    /// The conversation that stands in the lock file.
    running: Option<ConversationId>,
    /// It was said that the lock cannot be used.
    lock_told: bool,
    ids: HashMap<ConversationKey, ConversationId>,
    trouble: Option<String>,
    /// After writing failed: when it is tried again, and after which time then.
    retry: Option<(Instant, Duration)>,
    expire_at: Instant,
    scrub_at: Option<Instant>,
    events: Vec<StoreEvent>,
}

impl StoreWorker {
    pub(super) fn new(path: Option<PathBuf>, retention: Retention) -> Self {
        Self {
            path,
            retention,
            database: None,
            lock: None,
            running: None,
            lock_told: false,
            ids: HashMap::new(),
            trouble: None,
            retry: None,
            expire_at: Instant::now(),
            scrub_at: None,
            events: Vec::new(),
        }
    }

    /// Writes go on in a conversation that is kept already.
    pub(super) fn continues(&mut self, key: ConversationKey, id: ConversationId) {
        self.ids.insert(key, id);
    }

    /// Begins again after a panic, whose cause may be the connection.
    pub(super) fn reset(&mut self) {
        self.database = None;
    }

    /// Closes the file, and lets another program keep its speech.
    pub(super) fn close(&mut self) {
        self.note_running(None);
        (self.database, self.lock) = (None, None);
    }

    /// Notes which conversation is running, for the next program, if this one is killed.
    fn note_running(&mut self, id: Option<ConversationId>) {
        if let Some(lock) = self.lock.as_mut().filter(|_| self.running != id) {
            // In one write over the earlier note: a program that is killed leaves the one or the other.
            let text = id.map_or(String::new(), |id| id.0.to_string());
            let text = format!("{text:NOTE$}");
            let written = lock.rewind().and_then(|()| lock.write_all(text.as_bytes()));
            if let Err(error) = written {
                tracing::warn!(%error, "the running conversation is not noted");
            }
            self.running = id;
        }
    }

    /// When writes may be tried again after a failure.
    pub(super) fn retry_at(&self) -> Option<Instant> {
        self.retry.map(|(at, _)| at)
    }

    /// When something is to be done besides writes and queries.
    pub(super) fn chore_at(&self) -> Option<Instant> {
        let is_on = self.path.is_some() && self.retention != Retention::Off;
        let expire_at = is_on.then_some(self.expire_at);
        expire_at.into_iter().chain(self.scrub_at).min()
    }

    pub(super) fn trouble(&self) -> Option<&String> {
        self.trouble.as_ref()
    }

    pub(super) fn take_events(&mut self) -> Vec<StoreEvent> {
        std::mem::take(&mut self.events)
    }

    /// Writes, in one transaction. Gives back what could not be written.
    pub(super) fn write(&mut self, writes: Vec<Write>) -> Vec<Write> {
        if writes.is_empty() || self.path.is_none() {
            return Vec::new();
        }
        match self.try_write(&writes) {
            Ok(begun) => {
                for (conversation, id) in begun {
                    self.ids.insert(conversation, id);
                    self.events.push(StoreEvent::Begun { conversation, id });
                }
                self.mended();
                let mut turns = writes.iter().filter_map(|write| {
                    if let Write::Turn { conversation, .. } = write {
                        self.ids.get(conversation)
                    } else {
                        None
                    }
                });
                if let Some(id) = turns.next_back().copied() {
                    self.note_running(Some(id));
                }
                if writes
                    .iter()
                    .any(|write| matches!(write, Write::Answered { .. }))
                {
                    if let Some(database) = &mut self.database {
                        database.forget_log();
                    }
                    self.scrub_at = Some(Instant::now() + SCRUB_AFTER);
                }
                Vec::new()
            }
            Err(error) => {
                let after = self.retry.map_or(RETRY, |(_, after)| after);
                self.retry = Some((Instant::now() + after, (2 * after).min(RETRY_MOST)));
                self.failed(|| t!("the-conversation-is-not-kept"), &error);
                writes
            }
        }
    }

    pub(super) fn answer(&mut self, query: Query) {
        match query {
            Query::List(filter) => {
                let conversations = self.read(|database| database.list(&filter));
                self.events.push(StoreEvent::Listed {
                    filter,
                    conversations,
                });
            }
            Query::Open(id) => {
                let turns = self.read(|database| database.turns(id));
                self.events.push(StoreEvent::Opened { id, turns });
            }
            Query::Figures => {
                let figures = self.read(|database| database.figures());
                self.events.push(StoreEvent::Figures(figures));
            }
            Query::Export { id, format, folder } => {
                let exported = self.export(id, format, &folder);
                self.events.push(StoreEvent::Exported(exported));
            }
            Query::Delete(id) => {
                let count = self.read(|database| match id {
                    Some(id) => database.delete(id).map(u64::from),
                    None => database.delete_all(),
                });
                self.scrub_at = Some(Instant::now() + SCRUB_AFTER);
                self.events.push(StoreEvent::Deleted { count });
            }
            Query::Left => {
                // What the other program waits with is not lost.
                let unsent = if self.is_first() {
                    self.read(|database| database.unsent())
                } else {
                    Vec::new()
                };
                self.events.push(StoreEvent::Left {
                    conversation: self.running.filter(|_| self.lock.is_some()),
                    unsent,
                });
            }
            Query::SetRetention(retention) => {
                self.retention = retention;
                self.expire_at = Instant::now();
                if retention == Retention::Off {
                    self.close();
                    self.mended();
                }
            }
        }
    }

    fn export(
        &mut self,
        id: ConversationId,
        format: ExportFormat,
        folder: &Path,
    ) -> Result<PathBuf, String> {
        let found = self.read(|database| {
            let begun = database.conversation(id)?.map(|found| found.begun);
            Ok(begun.zip(Some(export::export(database, id, format)?)))
        });
        let (begun, bytes) = found.ok_or_else(|| NotExported::Unknown.to_string())?;
        let bytes = bytes.map_err(|why| why.to_string())?;
        export::write(folder, begun, format, &bytes)
            .map_err(|error| format!("{}: {error}", folder.display()))
    }

    /// Deletes what is over, and scrubs, where that is due.
    pub(super) fn do_chores(&mut self) {
        let now = Instant::now();
        let is_on = self.path.is_some() && self.retention != Retention::Off;
        if is_on && now >= self.expire_at {
            self.expire_at = now + EXPIRE_EVERY;
            let retention = self.retention;
            let expired =
                self.read(|database| database.expire(retention, Timestamp::now(), EXPIRED_AT_ONCE));
            if expired == EXPIRED_AT_ONCE {
                self.expire_at = now;
            }
        }
        if self.scrub_at.is_some_and(|at| now >= at) {
            let scrubbed = self.database.as_mut().map_or(Ok(()), Database::scrub);
            self.scrub_at = matches!(scrubbed, Err(StoreError::Busy)).then(|| now + RETRY_MOST);
            if let Err(error) = scrubbed
                && self.scrub_at.is_none()
            {
                self.failed(|| t!("what-was-deleted-may-still"), &error);
            }
        }
    }

    fn try_write(
        &mut self,
        writes: &[Write],
    ) -> Result<Vec<(ConversationKey, ConversationId)>, StoreError> {
        let by_one = |write: &Write| matches!(write, Write::Speech { .. } | Write::Figures(_));
        let is_it = writes.iter().any(by_one) && self.is_first();
        let ids = std::mem::take(&mut self.ids);
        let written = self.with_database(|database| {
            database.write(|batch| {
                let begun = Vec::new();
                let mut ids = Ids { known: &ids, begun };
                for write in writes {
                    if is_it || !by_one(write) {
                        write_one(batch, &mut ids, write)?;
                    }
                }
                Ok(ids.begun)
            })
        });
        self.ids = ids;
        written
    }

    /// Reads; what cannot be read is as if it were not there. Where nothing is kept, no file is made for that.
    fn read<T: Default>(&mut self, read: impl Fn(&mut Database) -> Result<T, StoreError>) -> T {
        let is_there = self.path.as_ref().is_some_and(|path| path.exists());
        if !is_there && (self.path.is_none() || self.retention == Retention::Off) {
            return T::default();
        }
        let found = self.with_database(read);
        if self.retention == Retention::Off && self.scrub_at.is_none() {
            self.database = None;
        }
        match found {
            Ok(found) => {
                // What could not be written is another trouble.
                if self.retry.is_none() {
                    self.mended();
                }
                found
            }
            Err(error) => {
                self.failed(|| t!("the-kept-conversations-cannot"), &error);
                T::default()
            }
        }
    }

    /// Does something with the open store; one that shows damage is set aside, and the new one used.
    fn with_database<T>(
        &mut self,
        work: impl Fn(&mut Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.database.as_ref().is_some_and(Database::is_moved) {
            self.database = None;
        }
        let mut database = match (self.database.take(), &self.path) {
            (Some(database), _) => database,
            (None, Some(path)) => {
                let (database, aside) = Database::open(path)?;
                self.set_aside(aside);
                database
            }
            (None, None) => return Err(StoreError::Failed(t!("there-is-no-folder-for").into())),
        };
        let mut done = work(&mut database);
        if done.as_ref().is_err_and(StoreError::is_damage) {
            let (repaired, aside) = database.repair()?;
            self.set_aside(aside);
            database = repaired;
            done = work(&mut database);
        }
        if !matches!(done, Err(StoreError::Disk(_))) {
            self.database = Some(database);
        }
        done
    }

    fn set_aside(&mut self, aside: Option<SetAside>) {
        self.events.extend(aside.map(|aside| {
            let name = aside.path.display();
            let turns = aside.turns;
            StoreEvent::Notice(t!("the-file-of-kept-conversations", n = turns, name))
        }));
    }

    /// Whether this is the program that keeps unsent speech and figures, which the lock decides.
    fn is_first(&mut self) -> bool {
        if self.lock.is_some() || self.retention == Retention::Off {
            return self.lock.is_some();
        }
        let Some(path) = &self.path else {
            return false;
        };
        if let Some(folder) = path.parent()
            && let Err(error) = file::own_folder(folder)
        {
            tracing::debug!(%error, "no folder for the lock");
            return false;
        }
        let path = path.with_extension("lock");
        match file::open_lock(&path) {
            Ok(lock) => self.lock = Some(lock).filter(|lock| lock.try_lock().is_ok()),
            Err(error) if !self.lock_told => {
                self.lock_told = true;
                let what = t!("figures-and-words-without", path = path.display(), error);
                self.events.push(StoreEvent::Notice(what));
            }
            Err(_) => {}
        }
        if let Some(lock) = &self.lock {
            let mut text = String::new();
            lock.take(NOTE as u64).read_to_string(&mut text).ok();
            self.running = text.trim().parse().ok().map(ConversationId);
        }
        self.lock.is_some()
    }

    fn failed(&mut self, what: fn() -> &'static str, error: &StoreError) {
        let trouble = format!("{}: {error}.", what());
        if self.trouble.as_ref() != Some(&trouble) {
            tracing::warn!(%error, "{}", in_english(what));
            self.events.push(StoreEvent::Trouble(trouble.clone()));
            self.trouble = Some(trouble);
        }
    }

    fn mended(&mut self) {
        self.retry = None;
        if self.trouble.take().is_some() {
            self.events.push(StoreEvent::Mended);
        }
    }
}

/// The conversations of a batch.
struct Ids<'a> {
    known: &'a HashMap<ConversationKey, ConversationId>,
    begun: Vec<(ConversationKey, ConversationId)>,
}

impl Ids<'_> {
    fn known(&self, key: ConversationKey) -> Option<ConversationId> {
        let begun = || self.begun.iter().find(|(other, _)| *other == key);
        let known = self.known.get(&key);
        known.or_else(|| begun().map(|(_, id)| id)).copied()
    }

    /// The one of this key, which is begun where it is not known.
    fn of(
        &mut self,
        batch: &Batch<'_>,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<ConversationId, StoreError> {
        if let Some(id) = self.known(key) {
            return Ok(id);
        }
        let id = batch.begin(at)?;
        self.begun.push((key, id));
        Ok(id)
    }
}

fn write_one(batch: &Batch<'_>, ids: &mut Ids<'_>, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Figures(text) => batch.figures(text),
        Write::Turn { conversation, turn } => {
            batch.turn(ids.of(batch, *conversation, turn.at)?, turn)
        }
        Write::Speech {
            conversation,
            piece,
        } => batch.speech(ids.of(batch, *conversation, piece.at)?, piece),
        Write::Answered {
            conversation,
            number,
        } => match ids.known(*conversation) {
            Some(id) => batch.answered(id, *number),
            // What was not begun has no speech.
            None => Ok(()),
        },
        Write::Audio {
            conversation,
            at,
            audio,
        } => batch.audio(ids.of(batch, *conversation, *at)?, *at, audio),
    }
}
