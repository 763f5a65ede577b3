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
        if let Some(done) = take(&theirs).and_then(caught) {
            tell.send(done).ok();
        }
    });
    match started {
        Ok(_) => found.await.ok(),
        Err(refused) => {
            tracing::warn!(%refused, name, "no thread: the work is done in place");
            take(&work).and_then(caught)
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
        return caught(work);
    }
    aside(name, work).await
}

/// What a panic on this thread means now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanicMeaning {
    /// Nobody watches: the thread ends with it.
    Fatal,
    /// A fault of this program, after which its owner goes on.
    Caught,
    /// No fault of this program.
    Expected,
}

thread_local! {
    static MEANING: Cell<PanicMeaning> = const { Cell::new(PanicMeaning::Fatal) };
}

/// Runs a call of this program that may panic. `None` if it did: the caller goes on without it.
pub fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch(PanicMeaning::Caught, work)
}

/// Runs a call that may panic without a fault of this program: libraries do if the system refuses resources.
/// `None` if it did; nothing is said of it.
pub fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch(PanicMeaning::Expected, work)
}

fn catch<T>(meaning: PanicMeaning, work: impl FnOnce() -> T) -> Option<T> {
    let before = MEANING.replace(meaning);
    let done = std::panic::catch_unwind(AssertUnwindSafe(work));
    MEANING.set(before);
    done.ok()
}

/// What a panic on this thread means now.
pub fn panic_meaning() -> PanicMeaning {
    MEANING.get()
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
        let nested = || (quietly(panic_meaning), panic_meaning());
        let meanings = (Some(PanicMeaning::Expected), PanicMeaning::Caught);
        assert_eq!(caught(nested), Some(meanings));
        assert_eq!(quietly(|| -> u32 { panic!("planted") }), None);
        assert_eq!(panic_meaning(), PanicMeaning::Fatal);
    }
}
