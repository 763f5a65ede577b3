//! Kept conversations, as a page shows them.

use std::sync::Arc;

use crate::store::{ConversationId, ConversationSummary, Filter, Retention, StoredTurn};

/// What is kept of conversations.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptView {
    pub retention: Retention,
    /// Why nothing is kept at the moment, in a sentence.
    pub trouble: Option<String>,
    /// The conversation that is running, once something of it is kept.
    pub current: Option<ConversationId>,
    /// What `list` was asked for.
    pub filter: Filter,
    /// The newest first.
    pub list: Arc<[ConversationSummary]>,
    /// The one that was opened to be read.
    pub opened: Option<Arc<KeptConversation>>,
}

/// A kept conversation in full.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptConversation {
    pub id: ConversationId,
    /// Oldest first.
    pub turns: Vec<StoredTurn>,
}

impl Default for KeptView {
    fn default() -> Self {
        Self {
            retention: Retention::Off,
            trouble: None,
            current: None,
            filter: Filter::default(),
            list: Arc::from([]),
            opened: None,
        }
    }
}
