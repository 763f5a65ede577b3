//! What is written together: all of it is kept, or nothing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::entry::{ConversationId, Side, SpeechPiece, StoredAudio, StoredTurn};
use super::error::StoreError;
use crate::base::printable::{clipped, in_a_line};

const INDEXES: [&str; 2] = ["words", "letters"];
/// Characters of a title: a line of a list.
const TITLE: usize = 120;
/// A clock that is this far behind the newest entry is right: the one before was wrong.
const SET_BACK: i64 = 366 * 24 * 60 * 60 * 1000;
/// The year 2026. A clock that shows less was never set.
const UNSET_CLOCK: i64 = 1_767_225_600_000;

/// A transaction on the store, see [`Database::write`](super::Database::write).
///
/// What is kept of a conversation that was deleted meanwhile begins it again under its number.
pub struct Batch<'a>(pub(super) &'a Connection);

impl Batch<'_> {
    /// Begins a conversation.
    pub fn begin(&self, at: Timestamp) -> Result<ConversationId, StoreError> {
        let at = at.as_millisecond();
        let mark = self.mark(at)?;
        let insert = "INSERT INTO conversations(begun, ended, mark) VALUES(?1, ?1, ?2)";
        self.0.prepare(insert)?.execute([at, mark])?;
        Ok(ConversationId(self.0.last_insert_rowid()))
    }

    /// Keeps the history of figures, in place of the one before.
    pub fn figures(&self, text: &str) -> Result<(), StoreError> {
        let insert = "INSERT OR REPLACE INTO figures(id, text) VALUES(1, ?)";
        self.0.prepare(insert)?.execute([text])?;
        Ok(())
    }

    /// Keeps a turn, in place of what was kept under its number.
    pub fn turn(&self, conversation: ConversationId, turn: &StoredTurn) -> Result<(), StoreError> {
        let mark = self.mark(turn.at.as_millisecond())?;
        self.turn_marked(conversation, turn, mark)?;
        self.record(conversation, turn.number, &turn.record)
    }

    /// The same without its record, with the time that retention counts from.
    pub(super) fn turn_marked(
        &self,
        conversation: ConversationId,
        turn: &StoredTurn,
        mark: i64,
    ) -> Result<(), StoreError> {
        let ConversationId(id) = conversation;
        let named = match &turn.title {
            Some(title) => Some(title.clone()),
            None => self.own_title(id)?,
        };
        let (at, number) = (turn.at.as_millisecond(), whole(turn.number));
        self.ensure(id, at, mark)?;
        let insert = "INSERT INTO turns(conversation, number, at, profile, outcome, typed, user, assistant, response) \
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";
        let update = "UPDATE turns SET at = ?3, profile = ?4, outcome = ?5, typed = ?6, user = ?7, assistant = ?8, \
             response = ?9 WHERE conversation = ?1 AND number = ?2";
        let response = turn.response.map(|response| whole(response.as_millis()));
        let values = params![
            id,
            number,
            at,
            turn.profile,
            turn.outcome,
            turn.typed,
            turn.user,
            turn.assistant,
            response
        ];
        let this = "conversation = ?1 AND number = ?2";
        let new = self.0.prepare(insert)?.execute(values)?;
        if new == 0 {
            let same =
                format!("SELECT count(*) FROM turns WHERE {this} AND user = ?3 AND assistant = ?4");
            let words = params![id, number, turn.user, turn.assistant];
            let same: i64 = self.0.query_row(&same, words, |row| row.get(0))?;
            if same == 0 {
                self.unindex(this, &[id, number])?;
            }
            self.0.prepare(update)?.execute(values)?;
            if same == 0 {
                self.index(this, &[id, number])?;
            }
        } else {
            self.index(this, &[id, number])?;
        }
        let summary = "UPDATE conversations SET ended = max(ended, ?2), mark = max(mark, ?3), title = ?4, turns = turns + ?5, \
             profile = iif(?6 >= last, ?7, profile), last = max(last, ?6) WHERE id = ?1";
        let title = match named {
            Some(title) => title,
            None => self.title(id)?,
        };
        let values = params![id, at, mark, title, whole(new), number, turn.profile];
        self.0.prepare(summary)?.execute(values)?;
        Ok(())
    }

    /// Keeps the record of a turn.
    pub(super) fn record(
        &self,
        conversation: ConversationId,
        number: u64,
        record: &str,
    ) -> Result<(), StoreError> {
        let change = if record.is_empty() {
            "DELETE FROM records WHERE conversation = ?1 AND number = ?2 AND ?3 = ''"
        } else {
            "INSERT INTO records(conversation, number, record) VALUES(?1, ?2, ?3) \
             ON CONFLICT(conversation, number) DO UPDATE SET record = ?3"
        };
        let values = params![conversation.0, whole(number), record];
        self.0.prepare(change)?.execute(values)?;
        Ok(())
    }

    /// Keeps a piece of speech until its turn is answered.
    pub fn speech(
        &self,
        conversation: ConversationId,
        piece: &SpeechPiece,
    ) -> Result<(), StoreError> {
        let ConversationId(id) = conversation;
        let at = piece.at.as_millisecond();
        self.ensure(id, at, self.mark(at)?)?;
        let insert = "INSERT OR REPLACE INTO speech(conversation, number, first, at, samples) VALUES(?1, ?2, ?3, ?4, ?5)";
        let samples = bytes_of(&piece.samples);
        self.0.prepare(insert)?.execute(params![
            id,
            whole(piece.number),
            whole(piece.first),
            at,
            samples
        ])?;
        Ok(())
    }

    /// Forgets the speech of a turn.
    pub fn answered(&self, conversation: ConversationId, number: u64) -> Result<(), StoreError> {
        let delete = "DELETE FROM speech WHERE conversation = ?1 AND number = ?2";
        let values = [conversation.0, whole(number)];
        self.0.prepare(delete)?.execute(values)?;
        Ok(())
    }

    /// Keeps one side of a turn's sound.
    pub fn audio(
        &self,
        conversation: ConversationId,
        at: Timestamp,
        audio: &StoredAudio,
    ) -> Result<(), StoreError> {
        let ConversationId(id) = conversation;
        let at = at.as_millisecond();
        self.ensure(id, at, self.mark(at)?)?;
        let insert = "INSERT OR REPLACE INTO audio(conversation, number, side, rate, samples) VALUES(?1, ?2, ?3, ?4, ?5)";
        self.0.prepare(insert)?.execute(params![
            id,
            whole(audio.number),
            side_number(audio.side),
            audio.rate.hz(),
            bytes_of(&audio.samples)
        ])?;
        Ok(())
    }

    /// Deletes the conversations that a condition names. Gives their number.
    pub(super) fn delete(&self, condition: &str, values: &[i64]) -> Result<usize, StoreError> {
        let turns = format!("conversation IN (SELECT id FROM conversations WHERE {condition})");
        self.unindex(&turns, values)?;
        let delete = format!("DELETE FROM conversations WHERE {condition}");
        Ok(self.0.execute(&delete, params_from_iter(values))?)
    }

    /// Deletes everything.
    pub(super) fn delete_all(&self) -> Result<(), StoreError> {
        // Turn by turn the indexes would take minutes.
        Ok(self.0.execute_batch(
            "INSERT INTO words(words) VALUES('delete-all');
             INSERT INTO letters(letters) VALUES('delete-all');
             DELETE FROM conversations;",
        )?)
    }

    /// Has the turns that a condition names found.
    fn index(&self, condition: &str, values: &[i64]) -> Result<(), StoreError> {
        for index in INDEXES {
            let insert = format!(
                "INSERT INTO {index}(rowid, user, assistant) SELECT id, user, assistant FROM turns WHERE {condition}"
            );
            self.0.execute(&insert, params_from_iter(values))?;
        }
        Ok(())
    }

    /// Has the indexes forget turns, with the words that were indexed.
    fn unindex(&self, condition: &str, values: &[i64]) -> Result<(), StoreError> {
        for index in INDEXES {
            let delete = format!(
                "INSERT INTO {index}({index}, rowid, user, assistant) SELECT 'delete', id, user, assistant FROM turns WHERE {condition}"
            );
            self.0.execute(&delete, params_from_iter(values))?;
        }
        Ok(())
    }

    /// Begins a conversation under its number, if there is none.
    pub(super) fn ensure(&self, id: i64, at: i64, mark: i64) -> Result<(), StoreError> {
        let insert = "INSERT INTO conversations(id, begun, ended, mark) VALUES(?1, ?2, ?2, ?3) ON CONFLICT DO NOTHING";
        self.0.prepare(insert)?.execute([id, at, mark])?;
        Ok(())
    }

    /// What retention counts from: the time of an entry, or that of the newest one where the clock was set back, so that
    /// nothing is deleted once it is right again.
    fn mark(&self, at: i64) -> Result<i64, StoreError> {
        let newest = "SELECT max(mark) FROM conversations";
        let mut newest = self.0.prepare(newest)?;
        let newest: Option<i64> = newest.query_row([], |row| row.get(0))?;
        Ok(match newest {
            Some(newest) if at < newest && (newest - at <= SET_BACK || at < UNSET_CLOCK) => newest,
            _ => at,
        })
    }

    /// What it is called, where that is not its first words.
    fn own_title(&self, id: i64) -> Result<Option<String>, StoreError> {
        let mut select = self
            .0
            .prepare("SELECT title FROM conversations WHERE id = ?1 AND title <> ''")?;
        let title: Option<String> = select.query_row([id], |row| row.get(0)).optional()?;
        let first_words = self.title(id)?;
        Ok(title.filter(|title| *title != first_words))
    }

    fn title(&self, id: i64) -> Result<String, StoreError> {
        // The first turns tell what it is about; where they have no words, none is looked for further on.
        let first = |words: &str| {
            let select = format!(
                "SELECT {words} FROM (SELECT substr(user, 1, 400) AS user, substr(assistant, 1, 400) AS assistant \
                 FROM turns WHERE conversation = ?1 ORDER BY number LIMIT 16) WHERE trim({words}) <> '' LIMIT 1"
            );
            let mut select = self.0.prepare(&select)?;
            select
                .query_row([id], |row| row.get::<_, String>(0))
                .optional()
        };
        let words = match first("user")? {
            Some(words) => words,
            None => first("assistant")?.unwrap_or_default(),
        };
        Ok(clipped(in_a_line(&words).trim(), TITLE).into_owned())
    }
}

/// A number as SQLite holds it.
pub(super) fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

pub(super) fn bytes_of(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

pub(super) fn side_number(side: Side) -> i64 {
    match side {
        Side::User => 0,
        Side::Assistant => 1,
    }
}
