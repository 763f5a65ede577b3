//! Reports connection and audio in the terminal, and ends scripts that cannot continue without them.

use std::pin::Pin;

use anyhow::anyhow;
use tokio::time::Sleep;

use super::super::exit_status::print_problem;
use super::super::output::say;
use super::typed::TypedLine;
use super::words::state_words;
use super::{REACHED_WITHIN, Talk};
use crate::base::problem::Problem;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Link, Snapshot};

impl Talk<'_> {
    /// Takes in the present state; returns whether the service cannot be reached.
    pub(super) fn on_state(&mut self, reached: &mut bool, mut unreached: Pin<&mut Sleep>) -> bool {
        let deadline = tokio::time::Instant::now() + REACHED_WITHIN;
        let snapshot = self.session.snapshots.borrow_and_update().clone();
        let connected = matches!(snapshot.link, Link::Connected { .. });
        if *reached && !connected && !self.attended {
            unreached.as_mut().reset(deadline);
        }
        *reached = connected || (*reached && self.attended);
        if self.held && !matches!(snapshot.link, Link::Down { .. }) {
            self.held = false;
            unreached.as_mut().reset(deadline);
        }
        if self.note_fault(&snapshot.link) && !*reached && !self.held {
            return true;
        }
        self.note_trouble(&snapshot);
        self.show_state(&snapshot);
        false
    }

    /// Records why there is no connection; returns whether there is no automatic retry.
    fn note_fault(&mut self, link: &Link) -> bool {
        let Link::Down {
            what,
            hint,
            retry_at,
            ..
        } = link
        else {
            if matches!(link, Link::Connected { .. }) {
                self.last_fault = None;
            }
            return false;
        };
        self.last_fault = Some((what.clone(), hint.clone()));
        retry_at.is_none()
    }

    /// Without a user who could connect a device, a lasting fault ends the conversation.
    fn note_trouble(&mut self, snapshot: &Snapshot) {
        let [input, output] = [&snapshot.input.trouble, &snapshot.output.trouble];
        let trouble = input
            .as_ref()
            .or(output.as_ref())
            .filter(|_| !self.attended);
        self.soundless = trouble.map(|what| {
            let since = self.soundless.take().map(|(at, _)| at);
            let at = since.unwrap_or_else(|| tokio::time::Instant::now() + REACHED_WITHIN);
            (at, what.clone())
        });
    }

    fn show_state(&mut self, snapshot: &Snapshot) {
        let state = state_words(snapshot, !self.args.text.is_empty());
        // The user of a script reads the log, not the JSON.
        let is_wanted = !self.args.json || matches!(snapshot.link, Link::Down { .. });
        if is_wanted && state != self.last_state {
            say(&state);
            self.last_state = state;
        }
    }
}

impl Talk<'_> {
    /// Sends a typed question, or ends the conversation after the last one.
    pub(super) fn ask(&mut self, question: Option<TypedLine>) {
        match question {
            Some(Ok(text)) => {
                self.asked += 1;
                self.session.commands.try_send(Command::SendText(text)).ok();
            }
            Some(Err(what)) => {
                print_problem(&Problem::failed(anyhow!(what)));
                self.incomplete = true;
            }
            None => {
                self.questions = None;
                self.session.commands.try_send(Command::Quit).ok();
            }
        }
    }
}
