//! What a conversation and its store tell each other.

use std::path::PathBuf;

use jiff::Timestamp;

use super::entry::{
    ConversationId, ConversationSummary, Filter, SpeechPiece, StoredAudio, StoredTurn, UnsentSpeech,
};
use super::export::ExportFormat;
use crate::base::retention::Retention;

/// Names a conversation from its start on. It is begun in the store by the first write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationKey(pub(super) u64);

/// What is to be kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// The history of figures, in place of the one before.
    Figures(String),
    /// A turn, in place of what was kept under its number. One that is closed is written at once.
    Turn {
        conversation: ConversationKey,
        turn: StoredTurn,
    },
    /// Speech that is not answered yet. Of two programs with one store only the first one keeps it.
    Speech {
        conversation: ConversationKey,
        piece: SpeechPiece,
    },
    /// The speech of this turn need not be kept any more.
    Answered {
        conversation: ConversationKey,
        number: u64,
    },
    /// Sound of a turn, by the user's choice.
    Audio {
        conversation: ConversationKey,
        at: Timestamp,
        audio: StoredAudio,
    },
}

/// What is asked, or to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Answered by [`StoreEvent::Listed`]. Of several that wait the newest one is answered.
    List(Filter),
    /// Answered by [`StoreEvent::Opened`].
    Open(ConversationId),
    /// Answered by [`StoreEvent::Figures`].
    Figures,
    /// Writes a conversation into a new file of this folder; answered by [`StoreEvent::Exported`].
    Export {
        id: ConversationId,
        format: ExportFormat,
        folder: PathBuf,
    },
    /// Deletes one conversation, or all; answered by [`StoreEvent::Deleted`].
    Delete(Option<ConversationId>),
    /// Answered by [`StoreEvent::Left`]; to be asked before anything is written.
    Left,
    /// From now on; what is over is deleted. Not answered.
    SetRetention(Retention),
}

#[derive(Clone, Debug, PartialEq)]
pub enum StoreEvent {
    /// The first write of a conversation is on the disk.
    Begun {
        conversation: ConversationKey,
        id: ConversationId,
    },
    Listed {
        filter: Filter,
        conversations: Vec<ConversationSummary>,
    },
    /// Without turns where there is no such conversation.
    Opened {
        id: ConversationId,
        turns: Vec<StoredTurn>,
    },
    Deleted {
        count: u64,
    },
    /// The history of figures, if one is kept.
    Figures(Option<String>),
    /// The file that was written, or why there is none.
    Exported(Result<PathBuf, String>),
    /// What an earlier program left that did not come to its end: the conversation that was running, and speech without an
    /// answer.
    Left {
        conversation: Option<ConversationId>,
        unsent: Vec<UnsentSpeech>,
    },
    /// From now on nothing is kept, or can be read: a sentence with the reason. It is tried again.
    Trouble(String),
    /// The trouble is over, and what waited is kept.
    Mended,
    /// Something that happened once, as a sentence.
    Notice(String),
}
