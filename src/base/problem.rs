//! Why the program ends, and what to do about it. `cli::exit_status` makes an exit status of it.

/// What kind of problem it is; each has an exit status of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// It failed.
    Failed,
    /// Wrong usage or configuration.
    Usage,
    /// Nothing to run on: no sound, no display.
    NothingToRunOn,
}

/// An error that ends the program.
#[derive(Debug)]
pub struct Problem {
    pub kind: ProblemKind,
    pub error: anyhow::Error,
    pub hint: Option<String>,
}

impl Problem {
    /// It failed.
    pub fn failed(error: anyhow::Error) -> Self {
        Self {
            kind: ProblemKind::Failed,
            error,
            hint: None,
        }
    }

    /// Wrong usage or configuration.
    pub fn usage(what: impl Into<String>) -> Self {
        Self {
            kind: ProblemKind::Usage,
            error: anyhow::Error::msg(what.into()),
            hint: None,
        }
    }

    /// Nothing to run on.
    pub fn nothing_to_run_on(what: impl Into<String>) -> Self {
        Self {
            kind: ProblemKind::NothingToRunOn,
            error: anyhow::Error::msg(what.into()),
            hint: None,
        }
    }

    /// The same, with the one thing to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub fn lines(&self) -> impl Iterator<Item = String> {
        let hint = self.hint.iter().map(|hint| format!("hint: {hint}"));
        std::iter::once(format!("error: {:#}", self.error)).chain(hint)
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(error)
    }
}
