//! Tells a new session of the conversation so far: as content before its first turn, or, where the model refuses that, within
//! its instruction.

use std::sync::Arc;

use tokio::sync::watch;

use crate::provider::connection::reconnect::End;
use crate::provider::gemini::message::{
    ClientContent, ClientMessage, Content, HistoryConfig, Setup,
};
use crate::turn::context_seed::HistoryTurn;

pub(super) struct SessionHistory {
    newest: watch::Receiver<Arc<[HistoryTurn]>>,
    /// The model refuses it as content.
    refused: bool,
    /// Turns that the last attempt tells of.
    told: usize,
}

impl SessionHistory {
    pub(super) fn new(newest: watch::Receiver<Arc<[HistoryTurn]>>) -> Self {
        Self {
            newest,
            refused: false,
            told: 0,
        }
    }

    /// The setup to send, and what follows it. A session that is resumed knows what was said.
    pub(super) fn applied(&mut self, mut setup: Setup) -> (Setup, Option<ClientMessage>) {
        let turns = Arc::clone(&self.newest.borrow());
        let resumption = setup.session_resumption.as_ref();
        let resumes = resumption.is_some_and(|resumption| resumption.handle.is_some());
        self.told = if resumes { 0 } else { turns.len() };
        if self.told == 0 {
            return (setup, None);
        }
        if self.refused {
            let instruction = setup.system_instruction.get_or_insert_default();
            instruction
                .parts
                .extend(Content::text("user", in_words(&turns)).parts);
            return (setup, None);
        }
        setup.history_config = Some(HistoryConfig {
            initial_history_in_client_content: Some(true),
        });
        let content = ClientMessage::ClientContent(ClientContent {
            turns: turns.iter().flat_map(contents).collect(),
            turn_complete: Some(true),
        });
        (setup, Some(content))
    }

    /// The attempt failed; whether it is to be made again at once with the history in the instruction.
    pub(super) fn failed(&mut self, end: End) -> bool {
        let suspect = self.told > 0 && !self.refused && matches!(end, End::Refused | End::Policy);
        self.refused |= suspect;
        suspect
    }

    /// Turns that the session was told of.
    pub(super) fn told(&self) -> usize {
        self.told
    }
}

fn contents(turn: &HistoryTurn) -> impl Iterator<Item = Content> {
    let sides = [("user", &turn.user), ("model", &turn.assistant)];
    let said = sides.into_iter().filter(|(_, words)| !words.is_empty());
    said.map(|(role, words)| Content::text(role, words.as_str()))
}

fn in_words(turns: &[HistoryTurn]) -> String {
    let mut text = "The conversation goes on. What was said before:".to_owned();
    for turn in turns {
        for (who, words) in [("User", &turn.user), ("You", &turn.assistant)] {
            if !words.is_empty() {
                text.push_str(&format!("\n{who}: {words}"));
            }
        }
    }
    text
}
