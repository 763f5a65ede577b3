//! New sessions of the same conversation: when one is due, what it is told, and what the user is told of it.

use std::borrow::Cow;

use super::actor::Conversation;
use super::carry_over::NewSession;
use super::snapshot::Speaker;
use crate::base::ids::TurnId;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::provider::{Control, Ready};
use crate::telemetry::record::TurnRecord;
use crate::turn::machine::Outcome;

/// Rejected turns in a row after which a new session begins: one may be the question's fault.
const REJECTIONS: u32 = 2;

impl Conversation {
    /// Counts answers that the service keeps back, one after the other.
    pub(super) fn count_rejection(&mut self, record: &TurnRecord, rejected: bool) {
        if record.silence.is_some() && rejected {
            self.turns.asking.rejections += 1;
        } else if !matches!(record.outcome, Outcome::Cancelled | Outcome::Failed(_)) {
            self.turns.asking.rejections = 0;
        }
        if self.turns.asking.rejections >= REJECTIONS {
            self.turns.asking.rejections = 0;
            self.turns.carry_over.due = Some(NewSession::Rejected);
            self.counters.fresh_starts.add(1);
        }
    }

    /// The control that opens the planned connection. It resumes the session, or begins a new one where that is due.
    pub(super) fn reconnect_control(&mut self) -> Control {
        let config = Box::new(self.provider.config.clone());
        if self.turns.carry_over.take_due() {
            Control::Redial(Box::new(self.settings.target.clone()), config)
        } else {
            Control::Roll(config)
        }
    }

    /// A turn is over that the service answered: a new session is told of it. `heard`: aloud.
    pub(super) fn carry(&mut self, turn: TurnId, heard: bool) {
        let [user, assistant] = self.words_of(turn);
        if let Some(user) = told_of(&user, &assistant, heard) {
            self.turns.carry_over.seed.put(turn, &user, &assistant);
            self.tell_provider();
        }
    }

    /// Words of a turn came after it was over.
    pub(super) fn correct_carried(&mut self, turn: TurnId) {
        let [user, assistant] = self.words_of(turn);
        // What was put in was answered.
        let told = told_of(&user, &assistant, true).unwrap_or_default();
        if self.turns.carry_over.seed.correct(turn, &told, &assistant) {
            self.tell_provider();
        }
        self.turns.keeping.correct(turn, &[user, assistant]);
    }

    pub(super) fn words_of(&self, turn: TurnId) -> [String; 2] {
        let captions = &self.turns.captions;
        [Speaker::User, Speaker::Assistant].map(|speaker| captions.text(turn, speaker))
    }

    /// What the provider tells the next new session.
    pub(super) fn tell_provider(&mut self) {
        let budget = self.profiles.profile.live.compress_to_tokens as usize;
        let told = self.turns.carry_over.build(budget);
        self.provider.handle.history.send_replace(told.into());
    }

    /// A session is there: says what became of the conversation, where it is not simply resumed.
    pub(super) fn show_session(&mut self, ready: &Ready) {
        let carry = &mut self.turns.carry_over;
        let begun = carry.session(ready.resumed, ready.told);
        let nothing_said = match begun {
            None => self.turns.captions.is_empty() || !self.provider.ever_connected,
            Some(begun) => begun == NewSession::Asked,
        };
        if ready.resumed || nothing_said {
            return;
        }
        let unwritten = self.provider.config.unwritten_replies;
        let what = session_words(
            begun,
            ready.told,
            self.turns.carry_over.seed.len(),
            unwritten,
        );
        self.notice(Severity::Info, what);
    }

    /// The service counted a prompt.
    pub(super) fn check_context(&mut self, prompt: u64, text: u64) {
        let compressed_to = u64::from(self.profiles.profile.live.compress_to_tokens);
        if self.turns.carry_over.counted(prompt, text, compressed_to) {
            tracing::warn!(prompt, "the session was resumed without its conversation");
            self.turns.carry_over.due = Some(NewSession::ContextLost);
            self.counters.fresh_starts.add(1);
        }
    }
}

/// What a new session is told that the user said in a turn; `None` where it was not answered. An answer that was heard and not
/// written down is mentioned, or the model would answer the question once more. The user's side does so: a model repeats its
/// own words.
pub(super) fn told_of<'a>(user: &'a str, assistant: &str, heard: bool) -> Option<Cow<'a, str>> {
    if assistant.is_empty() && heard && !user.is_empty() {
        return Some(format!("{user} (You have answered this aloud.)").into());
    }
    // Words of the user may still come.
    (heard || !assistant.is_empty()).then_some(user.into())
}

/// What the user is told of a session that begins without a handle.
fn session_words(begun: Option<NewSession>, told: usize, turns: usize, unwritten: bool) -> String {
    let why = match begun {
        None => t!("the-service-started-over"),
        Some(NewSession::Rejected) => {
            t!("the-service-rejected-two-answers")
        }
        Some(NewSession::Continued | NewSession::Asked) => t!("the-earlier-conversation-goes-on"),
        Some(NewSession::ContextLost) => {
            t!("the-service-had-forgotten-what")
        }
    };
    let carried = if told == 0 {
        t!("it-does-not-remember-what")
    } else if unwritten {
        t!("it-was-told-what-you")
    } else if told >= turns {
        t!("it-was-told-all-that")
    } else {
        t!("it-was-told-how-the")
    };
    format!("{why} {carried}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_told_what_was_carried_over() {
        let words = |begun, told, turns| session_words(begun, told, turns, false);
        assert!(words(None, 0, 4).ends_with("does not remember what was said before."));
        assert!(words(None, 4, 4).contains("told all"));
        assert!(words(Some(NewSession::ContextLost), 11, 40).contains("a summary of the rest"));
        let unwritten = session_words(None, 4, 4, true);
        assert!(unwritten.contains("does not know them"), "{unwritten}");
    }

    #[test]
    fn a_question_whose_answer_was_not_written_down_is_told_as_answered() {
        for (user, assistant, heard, told) in [
            ("Hi?", "Hello.", true, Some("Hi?")),
            ("", "Hello.", false, Some("")),
            ("Hi?", "", true, Some("Hi? (You have answered this aloud.)")),
            ("Hi?", "", false, None),
            ("", "", true, Some("")),
        ] {
            assert_eq!(told_of(user, assistant, heard).as_deref(), told);
        }
    }
}
