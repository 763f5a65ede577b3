//! Severity of a notice.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Info,
    /// It works, but not as asked.
    Warning,
    Error,
}
