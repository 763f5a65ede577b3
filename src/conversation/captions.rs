//! Both sides of the conversation in words, under the turn that they belong to.
//!
//! Nothing that was said is cut. Memory is bounded for the conversation as a whole: the oldest captions go, and how many
//! went is counted, so that a face can say so.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::snapshot::{Caption, CaptionEnd, Speaker};
use crate::base::dates;
use crate::base::ids::TurnId;
use crate::base::text::t;
use crate::provider::grounding::Grounding;
use crate::store::StoredTurn;
use crate::telemetry::record::Answerer;
use crate::turn::timeline::Latencies;

#[cfg(test)]
mod tests;

/// What all captions may take: some hundred hours of talk at 60 kB an hour.
const MOST_BYTES: usize = 8 << 20;
/// What a caption takes besides its words.
const OVERHEAD: usize = 512;
/// Bytes of words after which a caption goes on in another one, so that the beginning of an answer without an end can be
/// dropped. The longest answer that a model gives today has a tenth of that.
const PART: usize = 256 << 10;
/// Turns that were closed last, for words that come late.
const CLOSED: usize = 32;

/// The book of captions.
#[derive(Debug, Default)]
pub(super) struct Captions {
    book: VecDeque<Arc<Caption>>,
    /// What the assistant is called now.
    name: &'static str,
    /// Bytes that the book takes.
    bytes: usize,
    dropped: u64,
    closed: VecDeque<TurnId>,
    /// The copy that was given last, until something changes: most of what is new in a snapshot is something else.
    shared: Option<Arc<[Arc<Caption>]>>,
}

impl Captions {
    /// What the assistant is called in captions that begin from now on.
    pub(super) fn call_assistant(&mut self, name: &'static str) {
        self.name = name;
    }

    /// Adds words of one side to a turn; begins its caption where there is none. Empty words only begin it.
    pub(super) fn add(&mut self, turn: TurnId, speaker: Speaker, words: &str) {
        self.shared = None;
        let mut place = match self.position(turn, speaker) {
            Some(found) => found,
            None => self.begin(turn, speaker),
        };
        let mut rest = words;
        while !rest.is_empty() {
            let room = PART.saturating_sub(self.book[place].text.len());
            let most = rest.floor_char_boundary(room);
            if most == 0 {
                place = self.go_on_after(place);
                continue;
            }
            let (now, later) = rest.split_at(most);
            let caption = Arc::make_mut(&mut self.book[place]);
            caption.text.push_str(now);
            caption.unwritten = false;
            self.bytes += now.len();
            rest = later;
        }
        self.drop_oldest();
    }

    /// Puts down what was said in an earlier run of the program; without words, that a reply was heard.
    pub(super) fn restore(
        &mut self,
        turn: TurnId,
        speaker: Speaker,
        words: &str,
        kept: &StoredTurn,
    ) {
        self.add(turn, speaker, words);
        if words.is_empty() {
            self.mark_unwritten(turn);
        }
        let at = kept.at.to_zoned(jiff::tz::TimeZone::system());
        let time = dates::moment(&at);
        let answerer = Answerer::of_record(&kept.record);
        let stopped = kept.outcome == "interrupted" && speaker == Speaker::Assistant;
        self.change(turn, |caption| {
            (caption.open, caption.time) = (false, time.clone());
            caption.typed = kept.typed && caption.speaker == Speaker::User;
            if let Some(answerer) = answerer.filter(|_| caption.speaker == Speaker::Assistant) {
                caption.name = answerer.shown();
            }
            if stopped && caption.speaker == Speaker::Assistant {
                caption.end = CaptionEnd::Stopped;
            }
        });
    }

    /// Takes everything away: another conversation begins.
    pub(super) fn clear(&mut self) {
        *self = Self {
            name: self.name,
            ..Self::default()
        };
    }

    /// Puts down what the user typed.
    pub(super) fn write(&mut self, turn: TurnId, text: &str) {
        self.add(turn, Speaker::User, text);
        self.change(turn, |caption| caption.typed = true);
    }

    /// Puts down what the user typed and what is not sent.
    pub(super) fn refuse(&mut self, turn: TurnId, text: &str) {
        self.write(turn, text);
        self.change(turn, |caption| {
            (caption.unsent, caption.open) = (true, false);
        });
    }

    /// The turn under which words belong that the service wrote down for this one. What was typed needs none: words of the
    /// user that come for it are late ones, of what was spoken before.
    #[must_use]
    pub(super) fn caption_turn(&self, turn: TurnId, speaker: Speaker) -> Option<TurnId> {
        let is_typed = |caption: &&Arc<Caption>| caption.turn == turn && caption.typed;
        if speaker == Speaker::Assistant || !self.book.iter().rev().any(|c| is_typed(&c)) {
            return Some(turn);
        }
        let spoken = |caption: &&Arc<Caption>| {
            caption.speaker == Speaker::User && caption.turn < turn && !caption.typed
        };
        self.book.iter().rfind(spoken).map(|caption| caption.turn)
    }

    /// What was said is sent again, and will be written down and answered again, under the name of who answers then.
    pub(super) fn begin_again(&mut self, turn: TurnId) {
        let name = self.name;
        self.retain(|caption| caption.turn != turn || !caption.continued);
        self.change(turn, |caption| {
            // What was typed is known without the service.
            if !caption.typed {
                caption.text.clear();
            }
            if caption.speaker == Speaker::Assistant {
                caption.name = name;
            }
        });
    }

    /// The user goes on with a turn: more of the user's words will follow, and the words of the reply that was dropped
    /// were not heard.
    pub(super) fn go_on(&mut self, turn: TurnId) {
        let of_reply = |caption: &Caption| caption.speaker == Speaker::Assistant;
        self.retain(|caption| caption.turn != turn || !caption.continued || !of_reply(caption));
        let last = self.position(turn, Speaker::User);
        self.change(turn, |caption| {
            if of_reply(caption) {
                caption.text.clear();
            }
        });
        if let Some(last) = last {
            let text = &mut Arc::make_mut(&mut self.book[last]).text;
            if text.ends_with(|c: char| !c.is_whitespace()) {
                text.push(' ');
                self.bytes += 1;
            }
        }
    }

    /// The words of one side of a turn so far.
    #[must_use]
    pub(super) fn text(&self, turn: TurnId, speaker: Speaker) -> String {
        let its = |caption: &&Arc<Caption>| caption.turn == turn && caption.speaker == speaker;
        let parts = self.book.iter().filter(its);
        let text: String = parts.map(|caption| caption.text.as_str()).collect();
        text.trim().to_owned()
    }

    /// A turn is over. What its reply took stands beside the reply, with the target that held; a caption in which nobody
    /// said anything goes.
    pub(super) fn close(
        &mut self,
        turn: TurnId,
        stopped: bool,
        measured: Option<(&Latencies, Duration)>,
    ) {
        self.retain(|caption| {
            caption.turn != turn || caption.unwritten || !caption.text.trim().is_empty()
        });
        let last = self.position(turn, Speaker::Assistant);
        self.change(turn, |caption| caption.open = false);
        if let Some(last) = last {
            let reply = Arc::make_mut(&mut self.book[last]);
            reply.end = match stopped {
                true => CaptionEnd::Stopped,
                false => CaptionEnd::Whole,
            };
            (reply.latencies, reply.target) = measured
                .map(|(latencies, target)| (latencies.clone(), target))
                .unzip();
        }
        if self.closed.len() == CLOSED {
            self.closed.pop_front();
        }
        self.closed.push_back(turn);
    }

    /// The reply to a turn was heard, and there are no words of it.
    pub(super) fn mark_unwritten(&mut self, turn: TurnId) {
        self.add(turn, Speaker::Assistant, "");
        if let Some(at) = self.position(turn, Speaker::Assistant) {
            Arc::make_mut(&mut self.book[at]).unwritten = true;
        }
    }

    /// What is to be known of a turn's reply besides its words: whether they were only written, and where they come from.
    pub(super) fn mark_reply(
        &mut self,
        turn: TurnId,
        unspoken: bool,
        found: Option<Arc<Grounding>>,
    ) {
        let is_new = unspoken || found.is_some();
        if let Some(at) = self.position(turn, Speaker::Assistant).filter(|_| is_new) {
            self.shared = None;
            let reply = Arc::make_mut(&mut self.book[at]);
            (reply.unspoken, reply.found) = (unspoken, found);
        }
    }

    /// A turn's reply broke off, and is asked for again by itself: what there is of it is no whole answer.
    pub(super) fn mark_cut_off(&mut self, turn: TurnId) {
        if let Some(at) = self.position(turn, Speaker::Assistant) {
            self.shared = None;
            Arc::make_mut(&mut self.book[at]).end = CaptionEnd::CutOff;
        }
    }

    /// The newest turn with a caption that was asked.
    #[must_use]
    pub(super) fn last_turn(&self) -> Option<TurnId> {
        let asked = self.book.iter().rfind(|caption| !caption.unsent);
        asked.map(|caption| caption.turn)
    }

    /// Whether nobody has said anything.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.book.is_empty()
    }

    /// How many of the oldest were dropped.
    #[must_use]
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// A copy for the snapshot.
    #[must_use]
    pub(super) fn shared(&mut self) -> Arc<[Arc<Caption>]> {
        let book = &self.book;
        let made = || book.iter().cloned().collect();
        self.shared.get_or_insert_with(made).clone()
    }

    /// Changes the captions of a turn.
    fn change(&mut self, turn: TurnId, change: impl Fn(&mut Caption)) {
        self.shared = None;
        for caption in self.book.iter_mut().filter(|its| its.turn == turn) {
            let caption = Arc::make_mut(caption);
            let before = caption.text.len();
            change(caption);
            self.bytes = self.bytes + caption.text.len() - before;
        }
    }

    /// Keeps what `stays`; the rest is not counted as dropped, since nobody misses it.
    fn retain(&mut self, stays: impl Fn(&Caption) -> bool) {
        self.shared = None;
        let bytes = &mut self.bytes;
        self.book.retain(|caption| {
            let stays = stays(caption);
            if !stays {
                *bytes -= caption.text.len() + OVERHEAD;
            }
            stays
        });
    }

    /// The user's words come before the assistant's of the same turn, even when the service writes them down later, and
    /// before those of later turns. Gives its place.
    fn begin(&mut self, turn: TurnId, speaker: Speaker) -> usize {
        let after = |caption: &Arc<Caption>| {
            caption.turn > turn || caption.turn == turn && speaker == Speaker::User
        };
        let place = self.book.iter().position(after).unwrap_or(self.book.len());
        let caption = Caption {
            speaker,
            name: match speaker {
                Speaker::User => t!("you"),
                Speaker::Assistant => self.name,
            },
            turn,
            time: jiff::Zoned::now().strftime("%H:%M:%S").to_string(),
            text: String::new(),
            typed: false,
            unsent: false,
            // Words may come after their turn was closed: nothing will close it then.
            open: !self.closed.contains(&turn),
            end: CaptionEnd::Whole,
            unspoken: false,
            unwritten: false,
            found: None,
            latencies: None,
            target: None,
            continued: false,
        };
        self.insert(place, caption);
        place
    }

    /// Goes on with a caption in another one right behind it; gives its place.
    fn go_on_after(&mut self, place: usize) -> usize {
        let before = &self.book[place];
        let part = Caption {
            text: String::new(),
            time: before.time.clone(),
            latencies: None,
            target: None,
            continued: true,
            ..Caption::clone(before)
        };
        self.insert(place + 1, part);
        place + 1
    }

    fn insert(&mut self, place: usize, caption: Caption) {
        self.bytes += OVERHEAD;
        self.book.insert(place, Arc::new(caption));
    }

    /// Keeps within the memory. What was said last stays in any case.
    fn drop_oldest(&mut self) {
        while self.bytes > MOST_BYTES && self.book.len() > 1 {
            if let Some(oldest) = self.book.pop_front() {
                self.bytes -= oldest.text.len() + OVERHEAD;
                self.dropped += 1;
            }
        }
    }

    fn position(&self, turn: TurnId, speaker: Speaker) -> Option<usize> {
        self.book
            .iter()
            .rposition(|caption| caption.turn == turn && caption.speaker == speaker)
    }
}
