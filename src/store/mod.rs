//! Kept conversations: one SQLite file in the state folder, written by a thread of its own.
//!
//! ```text
//! conversation ─ Write (turn, speech, sound) ─▶ ┌────────────────┐     conversations.db
//!              ─ Query ───────────────────────▶ │ store thread   │ ◀─▶ (WAL; FTS5 by words and by letters)
//!              ◀─ StoreEvent ─────────────────  │ batches writes │
//!                                               └────────────────┘
//! sovereign history ─────── Database, in place ───────────────────▶
//! ```
//!
//! What was handed over is on the disk within half a second, and outlives the program from then on. What cannot be written waits
//! (see [`Store`]); what is deleted leaves nothing behind (see [`Database::delete`]).

mod batch;
mod connection;
mod database;
mod entry;
mod error;
pub mod export;
mod match_text;
mod message;
mod queue;
mod raw_pages;
mod read;
mod salvage;
mod schema;
#[cfg(test)]
mod tests;
mod thread;
mod worker;

pub use crate::base::retention::Retention;
pub use batch::Batch;
pub use database::Database;
pub use entry::{
    ConversationId, ConversationSummary, Filter, Hit, Side, SpeechPiece, StoreSize, StoredAudio,
    StoredTurn, UnsentSpeech,
};
pub use error::StoreError;
pub use message::{ConversationKey, Query, StoreEvent, Write};
pub use salvage::SetAside;
pub use thread::Store;

/// Name of the file in the state folder.
pub const FILE: &str = "conversations.db";
