//! SIGINT (Ctrl-C), SIGTERM and SIGHUP: one rule for all commands and the window. SIGXFSZ is ignored.
//!
//! | | after [`nothing_to_lose`] (lists, checks) | else |
//! | --- | --- | --- |
//! | first signal | the end, at once, status 0 | the wish to end in good order: [`Stop::wait`]; status 0 |
//! | second signal, of any kind | – | the end, at once, status 130 |
//! | good order takes longer than [`hold`] allows | – | the end, said, status 1 |
//!
//! Ends "at once" happen in the handler itself, without a thread, a lock or a reader of the output. Other signals keep the
//! behaviour of the system.

use std::io;
use std::time::Duration;

/// Time for the last output after a first signal.
pub(crate) const LAST_WORDS_WITHIN: Duration = Duration::from_millis(600);

#[cfg(unix)]
pub use unix::{Stop, hold, is_asked, leave, listen, nothing_to_lose};

#[cfg(not(unix))]
pub use other::{Stop, hold, is_asked, leave, listen, nothing_to_lose};

#[cfg(unix)]
mod unix {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
    use std::sync::{Arc, LazyLock};

    use anyhow::Context as _;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::low_level::{exit, pipe};
    use signal_hook::{SigId, flag};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::{Duration, LAST_WORDS_WITHIN, io};

    /// Signals this soon after the first are part of it: a terminal that hangs up sends SIGHUP, and so does its shell.
    const SAME: Duration = Duration::from_millis(50);
    /// 128 + SIGINT, as shells have it.
    const AT_ONCE: i32 = 130;

    static NOTHING_TO_LOSE: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
    static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
    static INSISTING: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
    /// A start takes no longer.
    static LIMIT_MS: AtomicU64 = AtomicU64::new(10_000);

    /// Installs the handlers; call it first in a process.
    ///
    /// # Errors
    ///
    /// When the system refuses a handler: the signals end the process then, as they do any.
    pub fn listen() -> io::Result<()> {
        let watch = UnixStream::pair().and_then(|(ours, theirs)| {
            let thread = std::thread::Builder::new().name("signals".to_owned());
            thread.spawn(move || watch(theirs))?;
            Ok(ours)
        });
        for number in caught() {
            // In the order of execution in the handler.
            flag::register_conditional_shutdown(number, 0, Arc::clone(&NOTHING_TO_LOSE))?;
            flag::register_conditional_shutdown(number, AT_ONCE, Arc::clone(&INSISTING))?;
            flag::register(number, Arc::clone(&ASKED))?;
            match &watch {
                Ok(wake) => wake_by(number, wake)?,
                // Without a timer the next signal insists, however soon it comes.
                Err(_) => flag::register(number, Arc::clone(&INSISTING))?,
            };
        }
        outlive_file_limits();
        Ok(())
    }

    /// A write beyond a limit on the size of files (`ulimit -f`) fails then, as on a full disk, and is said; the signal would
    /// end the process without a word.
    fn outlive_file_limits() {
        if let Err(error) = flag::register(SIGXFSZ, Arc::default()) {
            tracing::debug!(%error, "the signal of file limits is not caught");
        }
    }

    fn wake_by(number: i32, wake: &UnixStream) -> io::Result<SigId> {
        pipe::register(number, wake.try_clone()?)
    }

    /// From now on a signal ends the process at once, because nothing would be lost; an earlier signal does so now.
    pub fn nothing_to_lose() {
        NOTHING_TO_LOSE.store(true, Relaxed);
        if is_asked() {
            exit(0);
        }
    }

    /// From now on the first signal asks for an orderly end, which may take this long.
    pub fn hold(at_most: Duration) {
        let ms = u64::try_from(at_most.as_millis()).unwrap_or(u64::MAX);
        LIMIT_MS.store(ms, Relaxed);
        NOTHING_TO_LOSE.store(false, Relaxed);
    }

    /// Whether a first signal came.
    pub fn is_asked() -> bool {
        ASKED.load(Relaxed)
    }

    /// Ends the process at once.
    pub fn leave(status: i32) -> ! {
        exit(status)
    }

    /// Enforces the time limit of an orderly end.
    fn watch(mut asked: UnixStream) {
        if !matches!(asked.read(&mut [0]), Ok(1)) {
            return;
        }
        std::thread::sleep(SAME);
        INSISTING.store(true, Relaxed);
        std::thread::sleep(Duration::from_millis(LIMIT_MS.load(Relaxed)));
        crate::cli::output::say("error: the end in good order took too long: something hangs");
        std::thread::sleep(LAST_WORDS_WITHIN);
        exit(1)
    }

    /// The signals of the rule. SIGHUP that is ignored when the process starts stays so (`nohup`).
    fn caught() -> impl Iterator<Item = i32> {
        let ignored = ignored_at_start();
        let is_caught = move |number: &i32| *number != SIGHUP || !is_in(ignored, *number);
        [SIGINT, SIGTERM, SIGHUP].into_iter().filter(is_caught)
    }

    fn is_in(mask: u64, number: i32) -> bool {
        (mask >> (number - 1)) & 1 == 1
    }

    /// The mask of ignored signals, read once: later on they are ours.
    fn ignored_at_start() -> u64 {
        static IGNORED: LazyLock<u64> = LazyLock::new(|| {
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            ignored_in(&status)
        });
        *IGNORED
    }

    fn ignored_in(status: &str) -> u64 {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or(0)
    }

    /// Waits for the wish to end.
    #[derive(Debug)]
    pub struct Stop {
        signals: Vec<Signal>,
    }

    impl Stop {
        /// Waits for signals, including earlier ones; call it inside the runtime.
        pub fn new() -> anyhow::Result<Self> {
            let listen = |number| signal(SignalKind::from_raw(number));
            let signals: io::Result<_> = caught().map(listen).collect();
            let signals = signals.context("cannot listen for signals")?;
            Ok(Self { signals })
        }

        /// Returns on a signal, at once after an earlier one.
        pub async fn wait(&mut self) {
            std::future::poll_fn(|cx| {
                let mut came = is_asked();
                for signal in &mut self.signals {
                    came |= signal.poll_recv(cx).is_ready();
                }
                if came {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_is_ignored_is_read_from_the_mask() {
            let status = "Name:\tsovereign\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
            let mask = ignored_in(status);
            assert!(is_in(mask, SIGHUP) && is_in(mask, 13));
            assert!(!is_in(mask, SIGINT) && !is_in(mask, SIGTERM));
            assert_eq!(ignored_in("Name:\tx\n"), 0, "elsewhere nothing is known");
        }
    }
}

#[cfg(not(unix))]
mod other {
    use super::{Duration, io};

    /// Nothing is needed on this system.
    #[expect(clippy::unnecessary_wraps, reason = "on other systems it may fail")]
    pub fn listen() -> io::Result<()> {
        Ok(())
    }

    /// Nothing is needed on this system.
    pub fn nothing_to_lose() {}

    /// Nothing is needed on this system.
    pub fn hold(_: Duration) {}

    /// Never known on this system.
    pub fn is_asked() -> bool {
        false
    }

    /// Ends the process.
    pub fn leave(status: i32) -> ! {
        std::process::exit(status)
    }

    /// Waits for the wish to end.
    #[derive(Debug)]
    pub struct Stop {}

    impl Stop {
        /// Listens from now on.
        #[expect(clippy::unnecessary_wraps, reason = "on other systems it may fail")]
        pub fn new() -> anyhow::Result<Self> {
            Ok(Self {})
        }

        /// Returns when Ctrl-C came.
        pub async fn wait(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
