//! What is asked of the store.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use super::batch::{side_number, whole};
use super::entry::{
    ConversationId, ConversationSummary, Filter, Hit, Side, StoredAudio, StoredTurn, UnsentSpeech,
};
use super::error::StoreError;
use super::match_text::{TextMatch, passage};
use crate::base::units::SampleRate;

/// Silence that takes the place of a gap within unsent speech, at most: half a second. What was left out was silence.
const GAP: usize = 8_000;

/// The columns of a turn, for [`turn_of`].
const TURN: &str = "t.conversation, t.number, t.at, t.profile, t.outcome, t.typed, t.user, t.assistant, t.response, \
    (SELECT record FROM records r WHERE r.conversation = t.conversation AND r.number = t.number)";
/// The same without the record.
pub(super) const TURN_ALONE: &str = "t.conversation, t.number, t.at, t.profile, t.outcome, t.typed, t.user, t.assistant, t.response, NULL";
const SUMMARY: &str = "c.id, c.begun, c.ended, c.title, c.turns, c.profile";

pub(super) fn list(
    connection: &Connection,
    filter: &Filter,
) -> Result<Vec<ConversationSummary>, StoreError> {
    let most = most(filter.most);
    let mut found = Vec::new();
    if filter.text.trim().is_empty() {
        let mut values = Vec::new();
        let mut conditions = String::from("c.turns > 0");
        if let Some(since) = filter.since {
            // Decides most of them without looking at turns.
            values.push(since.as_millisecond().into());
            conditions += " AND c.ended >= ?";
        }
        if filter.profile.is_some() || !filter.outcomes.is_empty() {
            let of_turn = of_turn(filter, &mut values);
            conditions +=
                &format!(" AND EXISTS(SELECT 1 FROM turns t WHERE t.conversation = c.id{of_turn})");
        }
        values.push(whole(most).into());
        let select = format!(
            "SELECT {SUMMARY} FROM conversations c WHERE {conditions} ORDER BY c.ended DESC, c.id DESC LIMIT ?"
        );
        let mut select = connection.prepare(&select)?;
        let rows = select.query_map(params_from_iter(values), summary_of)?;
        for row in rows {
            found.push(row?);
        }
    } else {
        let mut newest = HashMap::new();
        each_match(connection, filter, "t.conversation, t.id", |row| {
            let id = row.get::<_, i64>(1)?;
            newest.entry(row.get::<_, i64>(0)?).or_insert(id);
            Ok(newest.len() < most)
        })?;
        let mut summary = summary_without_median(connection)?;
        let mut said = connection.prepare("SELECT user, assistant FROM turns WHERE id = ?")?;
        for (id, turn) in newest {
            let Some(summary) = summary(ConversationId(id))? else {
                continue;
            };
            let passage = said.query_row([turn], |row| {
                let sides = [row.get::<_, String>(0)?, row.get::<_, String>(1)?];
                Ok(sides.iter().find_map(|side| passage(side, &filter.text)))
            })?;
            found.push(ConversationSummary { passage, ..summary });
        }
        found.sort_unstable_by_key(|found| std::cmp::Reverse((found.ended, found.id)));
    }
    let mut median = median_of(connection)?;
    for found in &mut found {
        found.response = median(found.id)?;
    }
    Ok(found)
}

pub(super) fn summary(
    connection: &Connection,
    id: ConversationId,
) -> Result<Option<ConversationSummary>, StoreError> {
    let Some(found) = summary_without_median(connection)?(id)? else {
        return Ok(None);
    };
    let response = median_of(connection)?(id)?;
    Ok(Some(ConversationSummary { response, ..found }))
}

pub(super) fn search(
    connection: &Connection,
    text: &str,
    most: usize,
) -> Result<Vec<Hit>, StoreError> {
    let (text, most) = (text.to_owned(), self::most(most));
    let filter = Filter {
        text,
        ..Filter::default()
    };
    let mut hits = Vec::new();
    each_match(connection, &filter, TURN, |row| {
        let conversation = ConversationId(row.get(0)?);
        let turn = turn_of(row)?;
        hits.push(Hit { conversation, turn });
        Ok(hits.len() < most)
    })?;
    Ok(hits)
}

pub(super) fn turns(
    connection: &Connection,
    id: ConversationId,
) -> Result<Vec<StoredTurn>, StoreError> {
    let select = format!("SELECT {TURN} FROM turns t WHERE t.conversation = ? ORDER BY t.number");
    let mut select = connection.prepare(&select)?;
    let turns = select.query_map([id.0], turn_of)?;
    Ok(turns.collect::<Result<_, _>>()?)
}

/// The speech of all turns without an answer, the oldest first.
pub(super) fn unsent(connection: &Connection) -> Result<Vec<UnsentSpeech>, StoreError> {
    let select = "SELECT conversation, number, at, first, samples FROM speech ORDER BY conversation, number, first";
    let mut select = connection.prepare(select)?;
    let mut rows = select.query([])?;
    let mut unsent: Vec<UnsentSpeech> = Vec::new();
    while let Some(row) = rows.next()? {
        let (conversation, number) = (ConversationId(row.get(0)?), count(row, 1)?);
        let first = usize::try_from(row.get::<_, i64>(3)?).unwrap_or(0);
        let piece = samples_of(row, 4)?;
        match unsent.last_mut() {
            Some(speech) if (speech.conversation, speech.number) == (conversation, number) => {
                let length = speech.samples.len();
                speech.samples.resize(first.clamp(length, length + GAP), 0);
                let again = length.saturating_sub(first).min(piece.len());
                speech.samples.extend_from_slice(&piece[again..]);
            }
            _ => unsent.push(UnsentSpeech {
                conversation,
                number,
                begun: time(row, 2)?,
                samples: piece,
            }),
        }
    }
    Ok(unsent)
}

/// The kept sound of a conversation, in the order of its turns, the user first.
pub(super) fn audio(
    connection: &Connection,
    id: ConversationId,
) -> Result<Vec<StoredAudio>, StoreError> {
    let select = "SELECT number, side, rate, samples FROM audio WHERE conversation = ? ORDER BY number, side";
    let mut select = connection.prepare(select)?;
    let audio = select.query_map([id.0], audio_of)?;
    Ok(audio.collect::<Result<_, _>>()?)
}

pub(super) fn figures(connection: &Connection) -> Result<Option<String>, StoreError> {
    let text = connection.query_row("SELECT text FROM figures", [], |row| row.get(0));
    Ok(text.optional()?)
}

/// Gives the rows of matching turns, the newest first, until `each` has enough; letters are looked for where words are not
/// found.
fn each_match(
    connection: &Connection,
    filter: &Filter,
    columns: &str,
    mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>,
) -> Result<(), StoreError> {
    for way in TextMatch::of(&filter.text) {
        let mut values: Vec<Value> = Vec::new();
        let (from, matches, order) = match &way {
            TextMatch::Words(words) => {
                values.push(words.clone().into());
                (
                    "words JOIN turns t ON t.id = words.rowid",
                    "words MATCH ?",
                    "words.rowid",
                )
            }
            TextMatch::Letters(Some(letters), _) => {
                values.push(letters.clone().into());
                (
                    "letters JOIN turns t ON t.id = letters.rowid",
                    "letters MATCH ?",
                    "letters.rowid",
                )
            }
            TextMatch::Letters(None, _) => ("turns t", "1", "t.id"),
        };
        let mut conditions = matches.to_owned();
        if let TextMatch::Letters(_, patterns) = &way {
            for pattern in patterns {
                conditions += " AND (t.user LIKE ? ESCAPE '\\' OR t.assistant LIKE ? ESCAPE '\\')";
                values.extend([pattern.clone().into(), pattern.clone().into()]);
            }
        }
        let of_turn = of_turn(filter, &mut values);
        if !of_turn.is_empty() {
            // By an index alone, before a turn is read.
            conditions += &format!(" AND +{order} IN (SELECT t.id FROM turns t WHERE 1{of_turn})");
        }
        let select =
            format!("SELECT {columns} FROM {from} WHERE {conditions} ORDER BY {order} DESC");
        let mut select = connection.prepare(&select)?;
        let mut rows = select.query(params_from_iter(values))?;
        let mut found = false;
        while let Some(row) = rows.next()? {
            found = true;
            if !each(row)? {
                break;
            }
        }
        if found {
            break;
        }
    }
    Ok(())
}

/// The conditions of a filter on a turn, besides its text.
fn of_turn(filter: &Filter, values: &mut Vec<Value>) -> String {
    let mut conditions = String::new();
    if let Some(since) = filter.since {
        values.push(since.as_millisecond().into());
        conditions += " AND t.at >= ?";
    }
    if let Some(profile) = &filter.profile {
        values.push(profile.clone().into());
        conditions += " AND t.profile = ?";
    }
    if !filter.outcomes.is_empty() {
        values.extend(filter.outcomes.iter().map(|outcome| outcome.clone().into()));
        let any = vec!["?"; filter.outcomes.len()].join(", ");
        conditions += &format!(" AND t.outcome IN ({any})");
    }
    conditions
}

fn summary_without_median(
    connection: &Connection,
) -> Result<impl FnMut(ConversationId) -> Result<Option<ConversationSummary>, StoreError>, StoreError>
{
    let select = format!("SELECT {SUMMARY} FROM conversations c WHERE c.id = ? AND c.turns > 0");
    let mut select = connection.prepare(&select)?;
    Ok(move |id: ConversationId| Ok(select.query_row([id.0], summary_of).optional()?))
}

/// The median of a conversation, by an index: cheap enough to be asked for with each list.
fn median_of(
    connection: &Connection,
) -> Result<impl FnMut(ConversationId) -> Result<Option<Duration>, StoreError>, StoreError> {
    let of = "FROM turns WHERE conversation = ? AND response IS NOT NULL";
    let mut counts = connection.prepare(&format!("SELECT count(*) {of}"))?;
    let select = format!("SELECT response {of} ORDER BY response LIMIT 1 OFFSET ?");
    let mut middles = connection.prepare(&select)?;
    Ok(move |id: ConversationId| {
        let count: i64 = counts.query_row([id.0], |row| row.get(0))?;
        let middle = middles.query_row([id.0, (count - 1).max(0) / 2], |row| row.get(0));
        Ok(middle.optional()?.map(duration))
    })
}

fn summary_of(row: &Row<'_>) -> rusqlite::Result<ConversationSummary> {
    Ok(ConversationSummary {
        id: ConversationId(row.get(0)?),
        begun: time(row, 1)?,
        ended: time(row, 2)?,
        title: row.get(3)?,
        turns: count(row, 4)?,
        profile: row.get(5)?,
        response: None,
        passage: None,
    })
}

pub(super) fn turn_of(row: &Row<'_>) -> rusqlite::Result<StoredTurn> {
    Ok(StoredTurn {
        number: count(row, 1)?,
        at: time(row, 2)?,
        profile: row.get(3)?,
        outcome: row.get(4)?,
        typed: row.get(5)?,
        user: row.get(6)?,
        assistant: row.get(7)?,
        response: row.get::<_, Option<i64>>(8)?.map(duration),
        record: row.get::<_, Option<String>>(9)?.unwrap_or_default(),
        title: None,
    })
}

pub(super) fn audio_of(row: &Row<'_>) -> rusqlite::Result<StoredAudio> {
    let rate = u32::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
    let side = if row.get::<_, i64>(1)? == side_number(Side::User) {
        Side::User
    } else {
        Side::Assistant
    };
    Ok(StoredAudio {
        number: count(row, 0)?,
        side,
        rate: SampleRate::new(rate).unwrap_or(SampleRate::WORKING),
        samples: samples_of(row, 3)?,
    })
}

pub(super) fn samples_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<i16>> {
    let bytes = row.get_ref(column)?.as_blob()?;
    let (samples, _) = bytes.as_chunks::<2>();
    Ok(samples.iter().copied().map(i16::from_le_bytes).collect())
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Ok(Timestamp::from_millisecond(row.get(column)?).unwrap_or_default())
}

pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

fn duration(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}

/// 0 is all.
fn most(most: usize) -> usize {
    if most == 0 { usize::MAX } else { most }
}
