//! Tables of keys: each row says what one key of a YAML file may hold, what is shipped, and what the key does.
//!
//! ```text
//!               ┌─ read ───▶ values and faults        (of a user's file)
//! rows of Key ──┼─ Settings ▶ fields of a struct       (from values, and back)
//!               ├─ yaml ───▶ a value as it is written
//!               └─ schema ─▶ JSON Schema
//! ```
//!
//! `bind!` ties rows to the fields of a struct. A field without a row, and a row without a field, do not compile.

mod key;
mod kind;
mod read;
#[cfg(test)]
pub(crate) mod tests;
mod value;

pub use key::{Effect, Key, Role};
pub use kind::{Items, Kind, TextShape, Wrong, any_text, number, plain, whole};
pub use read::{Row, fault, known, read};
pub use value::{Keyed, Scalar, Value};
pub(crate) use value::{bind, words};
