//! Why the program ends, what to do about it, and its exit status.

/// An error that ends the program.
#[derive(Debug)]
pub struct Problem {
    /// Exit status.
    pub status: u8,
    pub error: anyhow::Error,
    pub hint: Option<String>,
}

impl Problem {
    /// It failed: status 1.
    pub fn failed(error: anyhow::Error) -> Self {
        Self {
            status: 1,
            error,
            hint: None,
        }
    }

    /// Wrong usage or configuration: status 2.
    pub fn usage(what: impl Into<String>) -> Self {
        Self {
            status: 2,
            error: anyhow::Error::msg(what.into()),
            hint: None,
        }
    }

    /// Nothing to run on: status 3.
    pub fn nothing_to_run_on(what: impl Into<String>) -> Self {
        Self {
            status: 3,
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
