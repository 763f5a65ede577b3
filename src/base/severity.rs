//! Severity of a notice.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// It works, but not as asked.
    Warning,
    /// Something does not work.
    Error,
}
