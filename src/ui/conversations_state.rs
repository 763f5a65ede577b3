//! What the page of conversations knows between frames: what is searched, the rows of the list, what was opened.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

use super::find::Search;
use super::transcript::Transcript;
use crate::base::dates;
use crate::base::ids::TurnId;
use crate::base::localized_text::LocalizedText;
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Caption, CaptionEnd, KeptConversation, KeptView, Speaker};
use crate::store::{ConversationId, ConversationSummary, Filter, StoredTurn};
use crate::telemetry::record::Answerer;
use crate::turn::machine::Outcome;
use crate::turn::timeline::Latencies;

/// How far back the list goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Period {
    Today,
    /// Today and the six days before.
    Week,
    #[default]
    All,
}

/// What the keyboard goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Search,
    Row(usize),
}

#[derive(Debug, Default)]
pub(super) struct ConversationsState {
    pub(super) text: String,
    pub(super) period: Period,
    pub(super) profile: Option<String>,
    /// Only conversations with a turn that failed.
    pub(super) failed: bool,
    /// What the store was asked for, and what was known then.
    asked: Option<(Filter, Arc<KeptView>)>,
    pub(super) rows: Rows,
    /// The row with the focus in the last frame.
    pub(super) row: Option<usize>,
    pub(super) goal: Option<Goal>,
    /// How far the list is scrolled, and its height, in points.
    pub(super) scrolled: (f32, f32),
    pub(super) opened: Option<OpenedConversation>,
    /// Whether the opened conversation, or all, shall be deleted: asked, and just now.
    pub(super) deletes: Option<bool>,
}

impl ConversationsState {
    /// Goes to the search.
    pub(super) fn search(&mut self) {
        self.close();
        self.goal = Some(Goal::Search);
    }

    /// Looks for words in the opened conversation; without one, goes to the search.
    pub(super) fn find(&mut self) {
        match &mut self.opened {
            Some(opened) => opened.find.open(),
            None => self.search(),
        }
    }

    /// One step back: from a question, what was found or a conversation; false if there is none of them.
    pub(super) fn back(&mut self) -> bool {
        if self.deletes.take().is_some() {
            return true;
        }
        match self.opened.as_mut().filter(|opened| opened.find.is_open) {
            Some(opened) => {
                opened.find.close();
                true
            }
            None => self.close(),
        }
    }

    /// Returns from the opened conversation, if there is one, to its row.
    pub(super) fn close(&mut self) -> bool {
        self.deletes = None;
        let closed = self.opened.take();
        self.goal = closed.as_ref().and_then(|opened| {
            let id = opened.summary.id;
            self.rows.place(id).map(Goal::Row)
        });
        closed.is_some()
    }

    pub(super) fn open(&mut self, conversation: &ConversationSummary, commands: &mut Vec<Command>) {
        commands.push(Command::OpenKept(conversation.id));
        self.deletes = None;
        self.opened = Some(OpenedConversation {
            summary: conversation.clone(),
            of: None,
            captions: Arc::from([]),
            endings: Vec::new(),
            transcript: Transcript::default(),
            find: Search::of_hit(&self.text),
            new: true,
            copied_at: None,
        });
    }

    /// Asks the store for what is chosen, once, and takes in its answer.
    pub(super) fn update(
        &mut self,
        kept: &Arc<KeptView>,
        now: &Zoned,
        commands: &mut Vec<Command>,
    ) {
        let filter = self.filter(now);
        if self
            .asked
            .as_ref()
            .is_none_or(|(asked, _)| *asked != filter)
        {
            if self.asked.is_none() {
                self.goal = Some(Goal::Search);
            }
            commands.push(Command::ListKept(Some(filter.clone())));
            self.asked = Some((filter, Arc::clone(kept)));
        }
        self.rows.update(&kept.list, now);
    }

    /// Whether the list is the answer to what is chosen now.
    pub(super) fn is_answered(&self, kept: &Arc<KeptView>) -> bool {
        self.asked
            .as_ref()
            .is_some_and(|(asked, before)| *asked == kept.filter && !Arc::ptr_eq(before, kept))
    }

    /// Whether any choice leaves conversations out.
    pub(super) fn is_filtered(&self) -> bool {
        !self.text.trim().is_empty()
            || self.period != Period::All
            || self.profile.is_some()
            || self.failed
    }

    pub(super) fn show_all(&mut self) {
        self.text.clear();
        (self.period, self.profile, self.failed) = (Period::All, None, false);
        self.goal = Some(Goal::Search);
    }

    fn filter(&self, now: &Zoned) -> Filter {
        let days_before = match self.period {
            Period::Today => Some(0),
            Period::Week => Some(6),
            Period::All => None,
        };
        let since = days_before.and_then(|days| {
            let first = now.date().checked_sub(days.days()).ok()?;
            let begins = first.to_zoned(now.time_zone().clone()).ok()?;
            Some(begins.timestamp())
        });
        Filter {
            text: self.text.trim().to_owned(),
            since,
            profile: self.profile.clone(),
            outcomes: match self.failed {
                true => StoredTurn::problems().map(str::to_owned).to_vec(),
                false => Vec::new(),
            },
            most: if self.text.trim().is_empty() {
                0
            } else {
                MOST_FOUND
            },
        }
    }
}

/// So many conversations are searched for, the newest first: who looks for one goes on typing, and all of them would take a second
/// with 100 000 turns.
pub(super) const MOST_FOUND: usize = 100;

fn failed() -> &'static str {
    Outcome::Failed(LocalizedText::default()).name()
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListRow {
    /// The heading of a day.
    Day(String),
    /// A conversation, by its index.
    Conversation(usize),
}

/// The list with a heading for each day; prepared once per answer of the store and per day.
#[derive(Debug, Default)]
pub(super) struct Rows {
    of: Option<(Arc<[ConversationSummary]>, Date)>,
    pub(super) rows: Vec<ListRow>,
    /// Profiles of conversations that were listed so far.
    pub(super) profiles: BTreeSet<String>,
}

impl Rows {
    fn update(&mut self, list: &Arc<[ConversationSummary]>, now: &Zoned) {
        let today = now.date();
        if let Some((of, day)) = &self.of
            && Arc::ptr_eq(of, list)
            && *day == today
        {
            return;
        }
        self.rows.clear();
        let mut last = None;
        for (place, conversation) in list.iter().enumerate() {
            let zone = now.time_zone().clone();
            let date = conversation.ended.to_zoned(zone).date();
            if last != Some(date) {
                self.rows.push(ListRow::Day(day(date, today)));
                last = Some(date);
            }
            self.rows.push(ListRow::Conversation(place));
            if !self.profiles.contains(&conversation.profile) {
                self.profiles.insert(conversation.profile.clone());
            }
        }
        self.of = Some((Arc::clone(list), today));
    }

    pub(super) fn list(&self) -> &[ConversationSummary] {
        self.of.as_ref().map_or(&[], |(list, _)| list)
    }

    /// Where this conversation stands.
    fn place(&self, id: ConversationId) -> Option<usize> {
        let list = self.list();
        let is_it = |row: &ListRow| matches!(row, ListRow::Conversation(at) if list[*at].id == id);
        self.rows.iter().position(is_it)
    }

    /// The row with a conversation that is `by` rows from this one, or the nearest to it.
    pub(super) fn step(&self, from: usize, by: isize) -> usize {
        let last = self.rows.len().saturating_sub(1);
        let to = from.saturating_add_signed(by).min(last);
        let is_day = |at: usize| matches!(self.rows.get(at), Some(ListRow::Day(_)));
        match is_day(to) {
            // A heading stands above its conversations: there is one below it.
            true if by > 0 || to == 0 => (to + 1).min(last),
            true => to - 1,
            false => to,
        }
    }
}

/// A day as people say it.
pub(super) fn day(date: Date, today: Date) -> String {
    if date == today {
        t!("today").to_owned()
    } else if today.yesterday().is_ok_and(|yesterday| date == yesterday) {
        t!("yesterday").to_owned()
    } else {
        dates::day(date, today.year())
    }
}

/// A conversation that was opened to be read.
#[derive(Debug)]
pub(super) struct OpenedConversation {
    pub(super) summary: ConversationSummary,
    of: Option<Arc<KeptConversation>>,
    captions: Arc<[Arc<Caption>]>,
    /// What is said behind each caption.
    pub(super) endings: Vec<Option<&'static str>>,
    pub(super) transcript: Transcript,
    /// What is looked for in it: at first what it was found by.
    pub(super) find: Search,
    /// Opened just now.
    pub(super) new: bool,
    pub(super) copied_at: Option<Instant>,
}

impl OpenedConversation {
    /// Takes in the words, once the store has read them. Returns whether it has.
    pub(super) fn update(&mut self, kept: &KeptView) -> bool {
        let is_it = |opened: &&Arc<KeptConversation>| opened.id == self.summary.id;
        if let Some(opened) = kept.opened.as_ref().filter(is_it)
            && !self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, opened))
        {
            let said = opened.turns.iter().flat_map(captions);
            let (captions, endings): (Vec<_>, Vec<_>) = said.unzip();
            (self.captions, self.endings) = (captions.into(), endings);
            self.of = Some(Arc::clone(opened));
        }
        self.transcript.update(&self.captions);
        let is_read = self.of.is_some();
        if is_read && self.transcript.find(&mut self.find) {
            let entries = &self.transcript.entries;
            let turn = |at: usize| entries.get(at).map(|entry| entry.caption.turn);
            self.find.go_to_newest_turn(turn);
        }
        is_read
    }

    /// Both sides as a text.
    pub(super) fn text(&self) -> String {
        let entries = self.transcript.entries.iter();
        let said = entries.map(|entry| {
            let Caption { name, time, .. } = &*entry.caption;
            format!("{name}, {time}\n{}\n", entry.text().trim())
        });
        said.collect::<Vec<_>>().join("\n")
    }
}

/// Both sides of a turn, as far as words of them are kept, and what is said behind them.
fn captions(
    turn: &StoredTurn,
) -> impl Iterator<Item = (Arc<Caption>, Option<&'static str>)> + use<> {
    let failed = turn.outcome == failed() || turn.is_open();
    let answered = !turn.assistant.trim().is_empty();
    let user = caption(turn, Speaker::User, &turn.user);
    let unanswered = (failed && !answered).then_some(t!("not-answered"));
    let ending = failed.then_some(t!("broken-off"));
    let assistant = caption(turn, Speaker::Assistant, &turn.assistant);
    [(user, unanswered), (assistant, ending)]
        .into_iter()
        .filter(|(caption, _)| caption.unwritten || !caption.text.trim().is_empty())
}

fn caption(turn: &StoredTurn, speaker: Speaker, words: &str) -> Arc<Caption> {
    let response = turn.response.filter(|_| speaker == Speaker::Assistant);
    Arc::new(Caption {
        speaker,
        name: match speaker {
            Speaker::User => t!("you"),
            Speaker::Assistant => {
                Answerer::of_record(&turn.record).map_or(t!("assistant"), Answerer::shown)
            }
        },
        turn: TurnId(turn.number),
        time: moment(turn.at),
        text: words.to_owned(),
        typed: turn.typed && speaker == Speaker::User,
        unsent: false,
        open: false,
        end: match turn.outcome == Outcome::Interrupted.name() && speaker == Speaker::Assistant {
            true => CaptionEnd::Stopped,
            false => CaptionEnd::Whole,
        },
        unspoken: false,
        unwritten: turn.is_unwritten() && speaker == Speaker::Assistant,
        found: None,
        latencies: response.map(|response| Latencies {
            response: Some(response),
            ..Latencies::default()
        }),
        target: None,
        continued: false,
    })
}

/// A moment of this year by the clock of this place.
pub(super) fn moment(at: Timestamp) -> String {
    dates::moment(&at.to_zoned(TimeZone::system()))
}

/// A time of the day by the clock of this place.
pub(super) fn clock_time(at: Timestamp) -> String {
    dates::clock(&at.to_zoned(TimeZone::system()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Zoned {
        text.parse().expect("a time with its zone")
    }

    #[test]
    fn a_period_begins_with_a_day_of_this_place() {
        let now = at("2026-11-29T00:30:00+01:00[Europe/Vienna]");
        for (period, since) in [
            (
                Period::Today,
                Some("2026-11-29T00:00:00+01:00[Europe/Vienna]"),
            ),
            (
                Period::Week,
                Some("2026-11-23T00:00:00+01:00[Europe/Vienna]"),
            ),
            (Period::All, None),
        ] {
            let state = ConversationsState {
                period,
                ..ConversationsState::default()
            };
            let wanted = since.map(|since| at(since).timestamp());
            assert_eq!(state.filter(&now).since, wanted, "{period:?}");
        }
    }

    #[test]
    fn days_are_named_as_people_do() {
        let today = at("2026-01-01T08:00:00+00:00[UTC]").date();
        for (days_ago, name) in [
            (0, "Today"),
            (1, "Yesterday"),
            (2, "Tuesday, 30 December 2025"),
        ] {
            assert_eq!(day(today - days_ago.days(), today), name);
        }
        assert_eq!(
            day(today, today + 20.days()),
            "Thursday, 1 January",
            "this year"
        );
    }

    #[test]
    fn steps_skip_the_headings() {
        let now = at("2026-11-29T12:00:00+00:00[UTC]");
        let list = [0, 0, 1, 2].map(|days_ago: i64| ConversationSummary {
            id: ConversationId(9 - days_ago),
            ended: (&now - days_ago.days()).timestamp(),
            ..ConversationSummary::default()
        });
        let mut rows = Rows::default();
        rows.update(&Arc::from(list), &now);
        let days = |row: &ListRow| matches!(row, ListRow::Day(_));
        let headings: Vec<bool> = rows.rows.iter().map(days).collect();
        assert_eq!(
            headings,
            [true, false, false, true, false, true, false],
            "{:?}",
            rows.rows
        );
        for (from, by, to) in [
            (1, 1, 2),
            (2, 1, 4),
            (4, -1, 2),
            (1, -1, 1),
            (6, 1, 6),
            (1, 100, 6),
            (6, -100, 1),
        ] {
            assert_eq!(rows.step(from, by), to, "{from} {by}");
        }
    }
}
