//! Errors as the terminal shows them: what happened, what to do, exit status.

use std::process::ExitCode;

use super::output::say;

/// Why the program ends, what can be done, and its exit status.
#[derive(Debug)]
pub struct Problem {
    pub(super) status: u8,
    pub(super) error: anyhow::Error,
    pub(super) hint: Option<String>,
}

impl Problem {
    /// It failed: status 1.
    #[must_use]
    pub fn failed(error: anyhow::Error) -> Self {
        Self {
            status: 1,
            error,
            hint: None,
        }
    }

    /// Wrong usage or configuration: status 2.
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self {
            status: 2,
            error: anyhow::Error::msg(what.into()),
            hint: None,
        }
    }

    /// Nothing to run on: status 3.
    #[must_use]
    pub fn nothing_to_run_on(what: impl Into<String>) -> Self {
        Self {
            status: 3,
            error: anyhow::Error::msg(what.into()),
            hint: None,
        }
    }

    /// The one thing to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what happened and gives the exit status.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        self.print();
        ExitCode::from(self.status)
    }

    /// Says what happened, and what to do.
    pub(crate) fn print(&self) {
        say(&format!("error: {:#}", self.error));
        if let Some(hint) = &self.hint {
            say(&format!("hint: {hint}"));
        }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(error)
    }
}
