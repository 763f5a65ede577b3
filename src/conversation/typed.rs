//! Text that the user types instead of talking: what may be sent, and how it gets on its way.
//!
//! ```text
//! Command::SendText ─▶ sendable ─▶ machine: a turn ─▶ Begin, End
//!                                                      │
//!      start · text · end ◀────────────────────────────┤ this program decides about turns
//!                    text ◀────────────────────────────┘ the service decides
//! ```

use std::time::Instant;

use super::actor::Conversation;
use super::turn_notes::TurnNotes;
use crate::base::ids::TurnId;
use crate::base::printable;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::provider;

/// Characters that a typed turn may have: some three pages. A message of the service may be far longer; what is longer than
/// this was most likely pasted by mistake, and every later turn is billed for it again.
pub const MOST_CHARACTERS: usize = 8_000;

/// Why a text is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// There is nothing in it but blanks.
    #[error("{}", t!("there-is-nothing-to-send"))]
    Empty,
    /// It has more characters than [`MOST_CHARACTERS`].
    #[error("{}", t!("the-text-is-too-long", n = *over as u64, most = MOST_CHARACTERS))]
    TooLong {
        /// So many.
        over: usize,
    },
}

/// The text as it is sent: without control characters and invisible signs, without blanks around it; line breaks stay.
///
/// # Errors
/// There is nothing left, or too much.
pub fn sendable(text: &str) -> Result<String, Unsendable> {
    let lines = text
        .replace("\r\n", "\n")
        .replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let shown = printable::visible(&lines);
    let clean = shown.trim();
    match clean.chars().count() {
        0 => Err(Unsendable::Empty),
        length if length > MOST_CHARACTERS => Err(Unsendable::TooLong {
            over: length - MOST_CHARACTERS,
        }),
        _ => Ok(clean.to_owned()),
    }
}

impl Conversation {
    /// Asks what was typed. It is answered as what is spoken; muted, and without a microphone, too.
    pub(super) fn send_text(&mut self, now: Instant, text: &str) {
        let text = match sendable(text) {
            Ok(text) => text,
            Err(Unsendable::Empty) => return,
            Err(problem @ Unsendable::TooLong { .. }) => {
                let what = t!("not-sent-send-it-in", problem);
                return self.notice(Severity::Warning, what);
            }
        };
        if self.is_checking() {
            let what = t!("not-sent-the-sound-is");
            return self.notice(Severity::Warning, what.to_owned());
        }
        self.ask_typed(now, text.clone(), &text);
    }

    /// Asks a text that can be sent; the conversation shows `shown` in its place.
    pub(super) fn ask_typed(&mut self, now: Instant, text: String, shown: &str) {
        if self.spending.is_reached() {
            return self.refuse_typed(shown);
        }
        let turn = self.turns.machine.ask_typed(now);
        self.turns.captions.write(turn, shown);
        let notes = TurnNotes {
            typed: Some(text),
            ..self.take_kept(turn).unwrap_or_default()
        };
        self.begin_notes(turn, notes);
        self.perform();
    }

    /// Whether a turn that is not closed was typed.
    pub(super) fn is_typed(&self, turn: TurnId) -> bool {
        self.typed_text(turn).is_some()
    }

    /// Sends a typed turn up to its end; says whether it is one.
    pub(super) fn begin_typed(&mut self, turn: TurnId) -> bool {
        let Some(text) = self.typed_text(turn).map(str::to_owned) else {
            return false;
        };
        // What an earlier connection answered is answered again.
        self.turns.captions.begin_again(turn);
        self.forget_answer(turn);
        if self.is_manual() {
            self.send(provider::ProviderCommand::StartUtterance);
        }
        self.send(provider::ProviderCommand::Text(text));
        true
    }

    fn typed_text(&self, turn: TurnId) -> Option<&str> {
        self.turns.notes.get(&turn)?.typed.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_can_be_seen_and_keeps_its_lines() {
        for (typed, sent) in [
            ("  What time is it?\n", "What time is it?"),
            ("one\r\ntwo\rthree\u{2028}four", "one\ntwo\nthree\nfour"),
            ("a\tb\u{1b}[31mc\u{202e}\u{0}", "a b[31mc"),
            ("ümläut 👩‍👩‍👧 नमस्ते", "ümläut 👩‍👩‍👧 नमस्ते"),
        ] {
            assert_eq!(sendable(typed), Ok(sent.to_owned()), "{typed:?}");
        }
        for nothing in ["", " \n\t ", "\u{200b}\u{1b}"] {
            assert_eq!(sendable(nothing), Err(Unsendable::Empty), "{nothing:?}");
        }
    }

    #[test]
    fn characters_are_counted_not_bytes_and_too_many_are_told() {
        let most = "ä".repeat(MOST_CHARACTERS);
        assert_eq!(sendable(&format!(" {most} ")), Ok(most.clone()));
        let problem = sendable(&format!("{most}äöü")).expect_err("too long");
        assert_eq!(problem, Unsendable::TooLong { over: 3 });
        assert_eq!(
            problem.to_string(),
            "the text is 3 characters too long: at most 8000 can be sent at once"
        );
    }
}
