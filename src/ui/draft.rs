//! The text that the user is writing.

use crate::conversation::command::Command;
use crate::conversation::typed::sendable;

/// The text in the field.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) text: String,
    /// Characters of the last paste that found no room.
    pub(super) left_out: usize,
    /// The field had the focus in the last frame.
    pub(super) has_focus: bool,
    /// The field shall have it.
    pub(super) wants_focus: bool,
}

impl Draft {
    /// Requests the focus for the field.
    pub(super) fn focus(&mut self) {
        self.wants_focus = true;
    }

    /// Appends words that are to be corrected.
    pub(super) fn correct(&mut self, words: &str) {
        let words = words.trim();
        if !self.text.ends_with(words) {
            if !self.text.trim().is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(words);
        }
        self.focus();
    }

    /// Sends it, if it can be sent.
    pub(super) fn send(&mut self, commands: &mut Vec<Command>) {
        if let Ok(text) = sendable(&self.text) {
            commands.push(Command::SendText(text));
            self.text.clear();
            self.left_out = 0;
        }
    }
}
