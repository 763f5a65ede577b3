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
//! What was handed over is on the disk within half a second, and outlives the program from then on.

mod batch;
mod connection;
mod database;
mod entry;
mod error;
mod match_text;
mod read;
mod salvage;
mod schema;
#[cfg(test)]
mod tests;

pub use batch::Batch;
pub use database::Database;
pub use entry::{
    ConversationId, ConversationSummary, Filter, Hit, Retention, Side, SpeechPiece, StoreSize,
    StoredAudio, StoredTurn, UnsentSpeech,
};
pub use error::StoreError;
pub use salvage::SetAside;

/// Name of the file in the state folder.
pub const FILE: &str = "conversations.db";
