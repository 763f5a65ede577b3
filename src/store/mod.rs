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

mod entry;

pub use entry::{
    ConversationId, ConversationSummary, Filter, Hit, Retention, StoredAudio, StoredTurn,
    UnsentSpeech,
};
