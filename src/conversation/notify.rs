//! Notices of the conversation as a whole.

use std::fmt::Display;

use super::actor::Conversation;
use super::event::Event;
use super::notices::Topic;
use crate::base::localized_text::LocalizedText;
use crate::base::severity::Severity;

impl Conversation {
    /// Shows a notice; the same text is not shown twice.
    pub(super) fn notice(&mut self, severity: Severity, text: impl Into<LocalizedText>) {
        self.notices.show(severity, text);
    }

    /// Takes a notice away that is not true any more.
    pub(super) fn withdraw<T: Display>(&mut self, begins_with: impl Fn() -> T) {
        self.notices.withdraw(begins_with);
    }

    /// Takes the warnings about files away: they have just been read again. What is still true of the models stays.
    pub(super) fn withdraw_file_warnings(&mut self) {
        self.notices.withdraw_about(Topic::Files, &[]);
        self.withdraw_model_warnings();
    }

    /// Tells listeners what was announced since the last time.
    pub(super) fn emit_announced(&mut self) {
        while let Some((severity, text)) = self.notices.next_announced() {
            self.emit_now(Event::Notice(severity, text));
        }
    }
}
