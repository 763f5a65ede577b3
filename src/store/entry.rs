//! What is kept of conversations, and what is asked of them.

use std::time::Duration;

use jiff::Timestamp;

use crate::base::localized_text::LocalizedText;
use crate::base::units::SampleRate;
use crate::turn::machine::Outcome;

/// Names a conversation within the store; later ones have larger numbers, and no number is used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub i64);

/// A turn as it is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredTurn {
    /// Counts the turns of its conversation from 1. A turn that is kept again under its number replaces the earlier state.
    pub number: u64,
    /// When it was kept last.
    pub at: Timestamp,
    /// Active profile.
    pub profile: String,
    /// How it ended, as in the JSON of a turn; `open` while it runs.
    pub outcome: String,
    pub typed: bool,
    /// The user's words.
    pub user: String,
    /// The assistant's words.
    pub assistant: String,
    /// From the end of the turn to the first sound.
    pub response: Option<Duration>,
    /// Its record as JSON (`sovereign.turn/1`) without the words; empty while it runs.
    pub record: String,
    /// What its conversation is called, where that is not its first words. Written only.
    pub title: Option<String>,
}

impl StoredTurn {
    /// The outcome of a turn that runs.
    pub const OPEN: &str = "open";

    /// The outcomes of turns whose answer is missing or broken off; of a turn that runs, because its program was killed.
    pub fn problems() -> [&'static str; 3] {
        let failed = Outcome::Failed(LocalizedText::default());
        [failed.name(), Outcome::Empty.name(), Self::OPEN]
    }

    /// Whether it runs, or did when its program ended.
    pub fn is_open(&self) -> bool {
        self.outcome == Self::OPEN
    }

    /// Whether something of an answer was heard.
    pub fn is_heard(&self) -> bool {
        let heard = [Outcome::Completed, Outcome::Interrupted];
        heard.iter().any(|outcome| outcome.name() == self.outcome)
    }

    /// Whether an answer was heard of which there are no words.
    pub fn is_unwritten(&self) -> bool {
        self.is_heard() && self.assistant.trim().is_empty()
    }
}

/// A conversation in a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConversationSummary {
    pub id: ConversationId,
    /// When its first turn began, and when its last one was kept.
    pub begun: Timestamp,
    pub ended: Timestamp,
    /// The first words of the user, of the assistant, if the user's are not known, or what it was called. One line.
    pub title: String,
    pub turns: u64,
    /// Profile of its last turn.
    pub profile: String,
    /// Median of the turns with a response.
    pub response: Option<Duration>,
    /// What was said around the searched words, in the newest turn with them; one line. `None` where nothing was searched
    /// for.
    pub passage: Option<String>,
}

/// Which conversations are asked for: those with one turn that meets every condition, the newest first. Without a condition:
/// all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Words that all occur in the turn; the last one may be the beginning of a word.
    pub text: String,
    /// The turn was kept at or after this time.
    pub since: Option<Timestamp>,
    pub profile: Option<String>,
    /// The turn ended in one of these ways; without any: in whichever.
    pub outcomes: Vec<String>,
    /// At most so many conversations; 0 is all.
    pub most: usize,
}

/// A turn in which searched words occur.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    pub conversation: ConversationId,
    pub turn: StoredTurn,
}

/// A piece of the speech of a turn that is not answered yet.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeechPiece {
    /// The turn's number in its conversation.
    pub number: u64,
    pub at: Timestamp,
    /// Where it begins in the speech of the turn, in samples.
    pub first: u64,
    /// Mono, 16 bit, 16 kHz.
    pub samples: Vec<i16>,
}

/// Speech of a turn that was not answered before its program ended.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsentSpeech {
    pub conversation: ConversationId,
    /// The turn's number in its conversation.
    pub number: u64,
    pub begun: Timestamp,
    /// Mono, 16 bit, 16 kHz.
    pub samples: Vec<i16>,
}

/// Whose sound or words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    User,
    Assistant,
}

/// One side of a turn's sound, kept by the user's choice. Sound that is kept again replaces the earlier one.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredAudio {
    /// The turn's number in its conversation.
    pub number: u64,
    pub side: Side,
    pub rate: SampleRate,
    /// Mono, 16 bit.
    pub samples: Vec<i16>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSize {
    pub conversations: u64,
    pub turns: u64,
    /// On the disk, with what waits in the write-ahead log.
    pub bytes: u64,
}
