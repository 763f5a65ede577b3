//! The microphone while the screen is locked.

use super::actor::Conversation;
use crate::base::localized_text::LocalizedText;
use crate::base::severity::Severity;
use crate::base::text::t;

impl Conversation {
    /// Mutes with the screen, where the user wants that, and unmutes what was muted so.
    pub(super) fn lock_screen(&mut self, locked: bool) {
        if locked {
            if self.settings.config().mute_when_locked && !self.microphone.muted {
                self.microphone.set_muted(true);
                self.microphone.muted_by_lock = true;
                self.cancel_check();
            }
        } else if std::mem::take(&mut self.microphone.muted_by_lock) {
            self.microphone.set_muted(false);
            let what = LocalizedText::new(|| t!("muted-while-locked").to_owned());
            self.notice(Severity::Info, what);
        }
    }
}
