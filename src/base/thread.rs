//! Helper threads, with a fallback to the caller's thread if the system gives none; and calls that may panic.

use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// Runs work that may wait on a thread of its own, and gives its result; `None` if it panicked. Where the system refuses a
/// thread the work is done on the thread of the caller: late is better than never. (The runtime's own pool panics there, or
/// never begins.)
pub async fn aside<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, found) = oneshot::channel();
    let work = Arc::new(Mutex::new(Some(work)));
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&work);
    let thread = std::thread::Builder::new().name(name.to_owned());
    let started = thread.spawn(move || {
        if let Some(work) = take(&theirs) {
            tell.send(work()).ok();
        }
    });
    match started {
        Ok(_) => found.await.ok(),
        Err(refused) => {
            tracing::warn!(%refused, name, "no thread: the work is done in place");
            take(&work).map(|work| work())
        }
    }
}

/// As [`aside`], for files. On a runtime of one thread the work is done in place: that is simulated time, which would leap
/// while a real thread works.
pub async fn off_loop<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let runtime = tokio::runtime::Handle::current();
    if runtime.runtime_flavor() == tokio::runtime::RuntimeFlavor::CurrentThread {
        return std::panic::catch_unwind(AssertUnwindSafe(work)).ok();
    }
    aside(name, work).await
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call that may panic without a fault of this program: libraries do if the system refuses resources.
/// `None` if it did; nothing is said of it.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    QUIET.set(true);
    let done = std::panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    done.ok()
}

/// Whether a panic on this thread now is one of [`quietly`].
#[must_use]
pub fn is_quiet() -> bool {
    QUIET.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_aside_and_a_panic_in_it_stays_there() {
        let name = || std::thread::current().name().map(str::to_owned);
        assert_eq!(aside("beside", name).await, Some(Some("beside".to_owned())));
        assert_eq!(aside("beside", || -> u32 { panic!("planted") }).await, None);
    }

    #[test]
    fn a_panic_that_was_reckoned_with_is_an_answer() {
        assert_eq!(quietly(is_quiet), Some(true));
        assert_eq!(quietly(|| -> u32 { panic!("planted") }), None);
        assert!(!is_quiet());
    }
}
