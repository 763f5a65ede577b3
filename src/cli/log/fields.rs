//! Formats the fields of log events.

use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{FormatFields, debug_fn};

use crate::base::printable::escaped;

/// What an event says, with what a terminal would obey and what would begin another line written out: a device, a file or a
/// server may have named it so.
pub(super) fn fields() -> impl for<'w> FormatFields<'w> {
    debug_fn(|writer, field, value| {
        let shown = format!("{value:?}");
        match field.name() {
            "message" => write!(writer, "{}", escaped(&shown)),
            name => write!(writer, "{name}={}", escaped(&shown)),
        }
    })
    .delimited(" ")
}
