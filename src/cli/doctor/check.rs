//! Results of single checks.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    /// It works, but not as it could.
    Warn,
    /// It does not work.
    Bad,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) status: Status,
    /// The finding, without any secret.
    pub(super) what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

impl Check {
    pub(super) fn ok(name: &'static str, what: impl Into<String>) -> Self {
        Self {
            name,
            status: Status::Ok,
            what: what.into(),
            hint: None,
        }
    }

    pub(super) fn warn(
        name: &'static str,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            name,
            status: Status::Warn,
            what: what.into(),
            hint: Some(hint.into()),
        }
    }

    pub(super) fn bad(
        name: &'static str,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            name,
            status: Status::Bad,
            what: what.into(),
            hint: Some(hint.into()),
        }
    }
}
