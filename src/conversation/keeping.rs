//! What is kept of the conversation in the store: its turns, and speech until it is answered.
//!
//! ```text
//! words of an open turn ── once a second ──▶ ┐
//! turn closed ──────────────────────────────▶├─ store
//! speech ── a quarter of a second each ─────▶│
//! answered, or given up ── its speech goes ─▶┘
//! ```

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::resend_buffer::ResendBuffer;
use super::snapshot::KeptView;
use crate::base::dates::clock;
use crate::base::ids::TurnId;
use crate::base::text::t;
use crate::store::{
    ConversationId, ConversationKey, Filter, Query, Retention, Side, SpeechPiece, Store,
    StoredAudio, StoredTurn, Write,
};
use crate::telemetry::record::TurnRecord;

/// Samples of speech that are kept together: a quarter of a second.
const PIECE: usize = 4_000;

/// The conversation's part of the store.
pub(super) struct Keeping {
    pub(super) store: Store,
    conversation: ConversationKey,
    /// Where it stands in the store, once it does.
    pub(super) id: Option<ConversationId>,
    /// A turn's number in the conversation is that of this run and so many more.
    offset: i64,
    pub(super) retention: Retention,
    /// Whether there is a folder to keep anything in.
    has_file: bool,
    /// Whether speech is kept until it is answered: by a window, which can ask what to do with it.
    keeps_speech: bool,
    pub(super) keeps_audio: bool,
    /// Turns whose speech is in the store.
    speech: HashMap<TurnId, (ConversationKey, u64)>,
    /// The turn that was closed last: its words may still come.
    last: Option<(TurnId, StoredTurn)>,
    /// What the conversation is called, where its first words say nothing of it: those of the demo.
    title: Option<String>,
    /// Bytes of words that were kept of an open turn.
    open: Option<(TurnId, usize)>,
    pub(super) page: KeptPage,
}

/// What is shown of kept conversations, and what is awaited of the store.
#[derive(Debug, Default)]
pub(super) struct KeptPage {
    pub(super) view: Arc<KeptView>,
    /// This one is to go on when its turns are there.
    pub(super) continues: Option<ConversationId>,
    /// The page is open: its list follows what is kept.
    pub(super) filter: Option<Filter>,
}

impl Keeping {
    /// Keeps in this file, if there is one.
    pub(super) fn new(file: Option<PathBuf>, keep: Retention, keeps_speech: bool) -> Self {
        let has_file = file.is_some();
        let retention = if has_file { keep } else { Retention::Off };
        let mut store = Store::start(file, retention);
        let conversation = store.begin();
        if keeps_speech {
            store.ask(Query::Left);
        }
        Self {
            store,
            conversation,
            id: None,
            offset: 0,
            retention,
            has_file,
            keeps_speech,
            keeps_audio: false,
            speech: HashMap::new(),
            last: None,
            title: None,
            open: None,
            page: KeptPage::default(),
        }
    }

    /// Whether anything is kept.
    pub(super) fn is_on(&self) -> bool {
        self.retention != Retention::Off
    }

    /// Whether what was said outlives the program until it is answered.
    pub(super) fn keeps_speech(&self) -> bool {
        self.keeps_speech && self.is_on()
    }

    pub(super) fn set_retention(&mut self, retention: Retention) {
        if self.retention != retention && self.has_file {
            self.retention = retention;
            self.store.ask(Query::SetRetention(retention));
        }
    }

    /// Another conversation begins; this run has had so many turns.
    pub(super) fn begin_another(&mut self, turns: u64) {
        self.conversation = self.store.begin();
        (self.id, self.last, self.title, self.open) = (None, None, None, None);
        self.offset = -(turns as i64);
    }

    /// An earlier conversation goes on, which had so many turns.
    pub(super) fn go_on(&mut self, id: ConversationId, turns_there: u64, turns: u64) {
        self.conversation = self.store.go_on(id);
        (self.id, self.last, self.title, self.open) = (Some(id), None, None, None);
        self.offset = turns_there as i64 - turns as i64;
    }

    /// The demo answers: the conversation that begins now is called so, with the time.
    pub(super) fn name_demo(&mut self) {
        let is_new = self.last.is_none() && self.open.is_none() && self.offset <= 0;
        if is_new && self.title.is_none() {
            let time = clock(&jiff::Zoned::now());
            self.title = Some(t!("demo-conversation", time));
        }
    }

    fn number(&self, number: u64) -> u64 {
        number.saturating_add_signed(self.offset)
    }

    /// Keeps the words so far of a turn that is open.
    pub(super) fn open(&mut self, turn: TurnId, number: u64, profile: &str, words: [String; 2]) {
        let bytes = words.iter().map(String::len).sum();
        if !self.is_on() || bytes == 0 || self.open == Some((turn, bytes)) {
            return;
        }
        self.open = Some((turn, bytes));
        let [user, assistant] = words;
        self.write_turn(StoredTurn {
            number: self.number(number),
            at: jiff::Timestamp::now(),
            profile: profile.to_owned(),
            outcome: StoredTurn::OPEN.to_owned(),
            user,
            assistant,
            ..StoredTurn::default()
        });
    }

    /// Keeps a turn that is over.
    pub(super) fn close(&mut self, record: &TurnRecord) {
        if !self.is_on() {
            return;
        }
        let wordless = TurnRecord {
            user: String::new(),
            assistant: String::new(),
            ..record.clone()
        };
        let turn = StoredTurn {
            number: self.number(record.number),
            at: record.closed_at,
            profile: record.profile.clone(),
            outcome: record.outcome.name().to_owned(),
            typed: record.typed,
            user: record.user.clone(),
            assistant: record.assistant.clone(),
            response: record.latencies.response,
            record: wordless.to_json(),
            title: None,
        };
        self.last = Some((record.turn, turn.clone()));
        self.write_turn(turn);
    }

    /// Words came after their turn was over.
    pub(super) fn correct(&mut self, turn: TurnId, [user, assistant]: &[String; 2]) {
        if let Some((_, last)) = self.last.as_mut().filter(|(last, _)| *last == turn) {
            (last.user, last.assistant) = (user.clone(), assistant.clone());
            let last = last.clone();
            self.write_turn(last);
        }
    }

    fn write_turn(&self, mut turn: StoredTurn) {
        turn.title.clone_from(&self.title);
        self.store.write(Write::Turn {
            conversation: self.conversation,
            turn,
        });
    }

    /// Keeps what was said of a turn and is not kept yet; less than a quarter of a second waits, unless the turn is `over`.
    pub(super) fn speech(
        &mut self,
        turn: TurnId,
        number: u64,
        resend: &mut ResendBuffer,
        over: bool,
    ) {
        if !self.keeps_speech() {
            return;
        }
        let (conversation, number) = *self
            .speech
            .entry(turn)
            .or_insert((self.conversation, number.saturating_add_signed(self.offset)));
        while let Some((first, samples)) = resend.take_unkept(turn, PIECE, over) {
            let piece = SpeechPiece {
                number,
                at: jiff::Timestamp::now(),
                first,
                samples,
            };
            self.store.write(Write::Speech {
                conversation,
                piece,
            });
        }
    }

    /// Speech that an earlier run left is this turn's.
    pub(super) fn adopt(&mut self, turn: TurnId, id: ConversationId, number: u64) {
        let conversation = self.store.go_on(id);
        self.speech.insert(turn, (conversation, number));
    }

    /// The speech of a turn is not needed any more.
    pub(super) fn forget_speech(&mut self, turn: TurnId) {
        if let Some((conversation, number)) = self.speech.remove(&turn) {
            self.store.write(Write::Answered {
                conversation,
                number,
            });
        }
    }

    /// Keeps one side of a turn's sound, where the user wants that.
    pub(super) fn audio(
        &mut self,
        number: u64,
        side: Side,
        rate: crate::base::units::SampleRate,
        samples: Vec<i16>,
    ) {
        if self.keeps_audio && self.is_on() && !samples.is_empty() {
            self.store.write(Write::Audio {
                conversation: self.conversation,
                at: jiff::Timestamp::now(),
                audio: StoredAudio {
                    number: self.number(number),
                    side,
                    rate,
                    samples,
                },
            });
        }
    }
}
