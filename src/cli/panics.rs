//! The panic hook: reports and logs each panic without blocking. A panic in a thread that no supervisor watches ends the
//! conversation with a message.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::sync::LazyLock;

use tokio_util::sync::CancellationToken;

use crate::base::thread::{PanicMeaning, panic_meaning};

/// Beginnings of the names of threads whose end is noticed by their owners: the runtime's tasks close their channels. Other
/// owners say so themselves ([`caught`](crate::base::thread::caught)).
const HEARD_OF: [&str; 2] = ["main", "tokio-"];

/// Threads that libraries start, and that nothing depends on. Those of the desktop bus panic if the system refuses their
/// resources, the one of the fonts where the system has none.
const FOREIGN: [&str; 4] = ["async-io", "blocking-", "zbus", "egui_system_font_provider"];

static LOST: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);

/// Installs the hook; call it once, when the process starts.
pub fn listen() {
    std::panic::set_hook(Box::new(|panic| {
        let meaning = panic_meaning();
        if meaning == PanicMeaning::Expected {
            return;
        }
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        let place = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
        // For the file; the terminal gets it below, also before there is a log.
        tracing::warn!(thread = name, place, "a panic");
        if is_one(name, &FOREIGN) {
            return;
        }
        let words = words_of(panic.payload());
        let mut text = format!(
            "error: a fault of this program: thread {name:?} panicked at {place}:\n{words}"
        );
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            text += &format!("\n{trace}");
        }
        text.lines().for_each(super::output::say);
        // The process may end with it.
        super::shutdown::wait_for_words();
        if meaning == PanicMeaning::Fatal && ends_the_conversation(name) {
            LOST.cancel();
        }
    }));
}

/// Cancelled when a thread has ended by a panic without which a conversation cannot go on.
pub fn lost() -> &'static CancellationToken {
    &LOST
}

pub const LOST_A_PART: &str = "a part of the program has failed (see above)";

/// What a panic says. A text that was put together may name what was said or the key, in quotes: it ends before them.
fn words_of(payload: &dyn Any) -> &str {
    let made = payload.downcast_ref::<String>();
    let made = made.map(|made| made.split(['"', '\'', '`']).next().unwrap_or_default());
    let fixed = payload.downcast_ref::<&str>().copied();
    fixed.or(made).unwrap_or_default().trim_end()
}

fn ends_the_conversation(thread: &str) -> bool {
    !is_one(thread, &HEARD_OF) && !is_one(thread, &FOREIGN)
}

fn is_one(thread: &str, names: &[&str]) -> bool {
    names.iter().any(|name| thread.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_does_not_tell_what_was_said() {
        let words_of = |work: fn()| {
            let payload = std::panic::catch_unwind(work).expect_err("it panics");
            super::words_of(&*payload).to_owned()
        };
        let cut = words_of(|| drop("ünsaid words"[1..].to_owned()));
        assert!(
            cut.contains("char boundary") && !cut.contains("words"),
            "{cut}"
        );
        let refused = words_of(|| {
            let read: serde_json::Result<u8> = serde_json::from_str("\"unsaid words\"");
            read.expect("a number");
        });
        assert!(
            refused.starts_with("a number: ") && !refused.contains("words"),
            "{refused}"
        );
        assert_eq!(words_of(|| panic!("asked to")), "asked to");
        let index = words_of(|| assert_eq!(vec![0][std::hint::black_box(7)], 0));
        assert!(index.ends_with("the index is 7"), "{index}");
        assert_eq!(words_of(|| std::panic::panic_any(7)), "");
    }

    #[test]
    fn threads_that_nobody_restarts_end_the_conversation() {
        for thread in ["files-in", "cpal_alsa_in", "live-server"] {
            assert!(ends_the_conversation(thread), "{thread}");
        }
        for thread in ["main", "tokio-rt-worker", "async-io"] {
            assert!(!ends_the_conversation(thread), "{thread}");
        }
    }
}
