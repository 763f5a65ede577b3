//! Writes lines to readers that may be slow or have stopped reading, without blocking the caller.
//!
//! ```text
//!  say, print, log ── offer ──▶ queue, at most 1 MiB ──▶ a thread of its own ──▶ standard output, standard error, a file
//!                     full: left out and counted          waits for the reader
//! ```

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::base::supervise::Failures;
use crate::base::text::t;

/// Capacity of the queue in bytes: some thousand lines. A single entry, such as a report, may be larger.
const MOST: usize = 1 << 20;
/// Bytes per write, which is the resolution of a slow reader's progress.
const PIECE: usize = 512;
/// Interval of checking for a signal that shortens the wait at the end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Lines on their way to a file, a pipe or a terminal. Each is written whole, in order.
pub(crate) struct LineWriter {
    shared: Arc<Shared>,
    /// Whether there is a thread. Without one the caller writes, and blocks.
    threaded: bool,
}

/// Why not everything was written.
#[derive(Debug)]
pub(crate) enum Unwritten {
    Gone,
    /// The system refuses: most often the disk is full.
    Refused(io::Error),
    /// The reader has stopped; this many lines were left out.
    Stuck(u64),
}

impl std::fmt::Display for Unwritten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone => write!(f, "nobody reads it any more"),
            Self::Refused(error) => write!(f, "{error}"),
            Self::Stuck(lines) => write!(f, "it is not read, {lines} lines wait"),
        }
    }
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    sink: Mutex<Box<dyn Write + Send>>,
    gone: CancellationToken,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Length of the entry that is being written, which is still part of `bytes`.
    writing: usize,
    written: u64,
    /// Lines left out since the last gap that was reported.
    untold: u64,
    broken: Option<io::Error>,
}

impl LineWriter {
    /// Writes to `sink`, on a thread of this name. `failures` takes the notices about its restarts.
    pub(crate) fn start(
        name: &'static str,
        sink: Box<dyn Write + Send>,
        failures: Failures,
    ) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            changed: Condvar::new(),
            sink: Mutex::new(sink),
            gone: CancellationToken::new(),
        });
        let ours = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name(name.to_owned());
        let work = move || {
            if !failures.supervise(&t!("writing-to-the", name), || ours.run()) {
                ours.break_off(io::Error::other("repeated faults in this program"));
                ours.end_piece();
            }
        };
        let threaded = thread.spawn(work).is_ok();
        Self { shared, threaded }
    }

    /// Queues lines with their line ends, without blocking. If the queue is full they are left out and counted.
    pub(crate) fn offer(&self, text: Vec<u8>) {
        let mut queue = self.shared.queue();
        if !queue.has_room(text.len()) {
            queue.untold += 1;
            return;
        }
        self.take(queue, text);
    }

    /// The number of lines left out, once there is room again; to be reported before the next line.
    pub(crate) fn gap(&self) -> Option<u64> {
        let mut queue = self.shared.queue();
        let is_over = queue.untold > 0 && queue.bytes < MOST / 2;
        is_over.then(|| std::mem::take(&mut queue.untold))
    }

    /// Cancelled when a line could not be written: the reader is gone, or the disk is full.
    pub(crate) fn gone(&self) -> &CancellationToken {
        &self.shared.gone
    }

    /// Waits until everything is written, but no longer than `limit` without progress, or than `hurried` once `hurry` says so.
    pub(crate) fn finish(
        &self,
        limit: Duration,
        hurried: Duration,
        hurry: impl Fn() -> bool,
    ) -> Result<(), Unwritten> {
        let mut queue = self.shared.queue();
        let (mut written, mut since, mut in_a_hurry) = (queue.written, Instant::now(), false);
        while queue.is_busy() {
            let now = Instant::now();
            if queue.written != written || (!in_a_hurry && hurry()) {
                (written, since) = (queue.written, now);
                in_a_hurry = hurry();
            }
            if now >= since + if in_a_hurry { hurried } else { limit } {
                let rest = queue.waiting.len() as u64 + u64::from(queue.writing > 0);
                return Err(Unwritten::Stuck(rest + queue.untold));
            }
            let waited = self.shared.changed.wait_timeout(queue, LOOK_EVERY);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        match (&queue.broken, queue.untold) {
            (Some(error), _) if is_gone(error) => Err(Unwritten::Gone),
            (Some(error), _) => Err(Unwritten::Refused(copy(error))),
            (None, 0) => Ok(()),
            (None, lines) => Err(Unwritten::Stuck(lines)),
        }
    }

    fn take(&self, mut queue: MutexGuard<'_, Queue>, text: Vec<u8>) {
        if queue.broken.is_some() {
            return;
        }
        if self.threaded {
            queue.bytes += text.len();
            queue.waiting.push_back(text);
            self.shared.changed.notify_all();
        } else {
            drop(queue);
            self.shared.write(&text);
        }
    }
}

/// Blocks until there is room: for commands whose only purpose is one text.
impl Write for &LineWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut queue = self.shared.queue();
        while !queue.has_room(text.len()) {
            let waited = self.shared.changed.wait(queue);
            queue = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(error) = &queue.broken {
            return Err(copy(error));
        }
        self.take(queue, text.to_vec());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        loop {
            // What a panic was about is lost.
            self.end_piece();
            let mut queue = self.queue();
            let text = loop {
                match queue.waiting.pop_front() {
                    Some(text) => break text,
                    None => {
                        let waited = self.changed.wait(queue);
                        queue = waited.unwrap_or_else(PoisonError::into_inner);
                    }
                }
            };
            queue.writing = text.len();
            drop(queue);
            self.write(&text);
        }
    }

    /// Makes room behind a piece that was written, or cannot be.
    fn end_piece(&self) {
        let mut queue = self.queue();
        queue.bytes = queue.bytes.saturating_sub(queue.writing);
        queue.writing = 0;
        if queue.broken.is_some() {
            (queue.waiting, queue.bytes) = (VecDeque::new(), 0);
        }
        self.changed.notify_all();
    }

    fn write(&self, text: &[u8]) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = text;
        while !rest.is_empty() {
            match sink.write(&rest[..rest.len().min(PIECE)]) {
                Ok(0) => return self.break_off(io::ErrorKind::WriteZero.into()),
                Ok(taken) => {
                    rest = &rest[taken..];
                    // A slow reader has not stopped.
                    self.queue().written += 1;
                    self.changed.notify_all();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Some parents pass non-blocking pipes; this thread may wait.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(LOOK_EVERY);
                }
                Err(error) => return self.break_off(error),
            }
        }
        if let Err(error) = sink.flush()
            && error.kind() != io::ErrorKind::WouldBlock
        {
            self.break_off(error);
        }
    }

    fn break_off(&self, error: io::Error) {
        self.queue().broken = Some(error);
        self.gone.cancel();
    }
}

impl Queue {
    /// Whether this many more bytes fit into the queue; one entry always does.
    fn has_room(&self, bytes: usize) -> bool {
        self.waiting.is_empty() || self.bytes.saturating_add(bytes) <= MOST
    }

    fn is_busy(&self) -> bool {
        self.writing > 0 || !self.waiting.is_empty()
    }
}

/// Whether the error means that the reader is gone: a closed pipe, or a terminal that has hung up (EIO).
pub(crate) fn is_gone(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    error.kind() == io::ErrorKind::BrokenPipe || (cfg!(unix) && error.raw_os_error() == Some(EIO))
}

fn copy(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(
        || io::Error::new(error.kind(), error.to_string()),
        io::Error::from_raw_os_error,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    const LONG: Duration = Duration::from_secs(60);

    /// Takes a line each time it is let.
    struct Slow {
        let_go: Receiver<()>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let closed = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            self.let_go.recv().map_err(closed)?;
            self.taken.lock().expect("sound").extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (LineWriter, SyncSender<()>, Arc<Mutex<Vec<u8>>>) {
        let (let_one, let_go) = sync_channel(1 << 16);
        let taken = Arc::new(Mutex::default());
        let sink = Slow {
            let_go,
            taken: Arc::clone(&taken),
        };
        (
            LineWriter::start("slow", Box::new(sink), Failures::default()),
            let_one,
            taken,
        )
    }

    #[test]
    fn a_reader_that_stops_keeps_nobody_waiting_and_gaps_are_counted() {
        let (writer, let_one, taken) = slow();
        let line = vec![b'x'; PIECE];
        for _ in 0..4_000 {
            writer.offer(line.clone());
        }
        assert_eq!(writer.gap(), None, "there is no room yet to tell it");
        let stuck = writer.finish(Duration::from_millis(30), LONG, || false);
        assert!(
            matches!(stuck, Err(Unwritten::Stuck(4_000))),
            "nothing was read: {stuck:?}"
        );
        let hurried = writer.finish(LONG, Duration::from_millis(30), || true);
        assert!(matches!(hurried, Err(Unwritten::Stuck(_))), "{hurried:?}");
        for _ in 0..4_000 {
            let_one.send(()).expect("room for all");
        }
        let rest = writer.finish(LONG, LONG, || false);
        assert!(matches!(rest, Err(Unwritten::Stuck(_))), "{rest:?}");
        let lost = writer.gap().expect("the reader is back");
        let kept = taken.lock().expect("sound").len() as u64;
        assert_eq!(kept % PIECE as u64, 0, "lines are whole");
        assert_eq!(kept / PIECE as u64 + lost, 4_000);
        writer
            .finish(LONG, LONG, || false)
            .expect("everything is written");
    }

    #[test]
    fn a_reader_that_goes_away_is_heard_of_and_the_rest_is_dropped() {
        let (writer, let_one, _) = slow();
        writer.offer(b"one\n".to_vec());
        writer.offer(b"two\n".to_vec());
        drop(let_one);
        let ended = writer.finish(LONG, LONG, || false);
        assert!(matches!(ended, Err(Unwritten::Gone)), "{ended:?}");
        assert!(writer.gone().is_cancelled());
        let refused = (&writer).write(b"three\n").map_err(|error| error.kind());
        assert_eq!(refused, Err(io::ErrorKind::BrokenPipe));
    }

    /// Takes some bytes, and says "not now" between, as a pipe does that does not wait.
    struct Impatient {
        ready: bool,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Impatient {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.ready = !self.ready;
            if !self.ready {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let some = &text[..text.len().min(100)];
            self.taken.lock().expect("sound").extend_from_slice(some);
            Ok(some.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    #[test]
    fn a_pipe_that_does_not_wait_gets_everything() {
        let taken = Arc::new(Mutex::default());
        let sink = Impatient {
            ready: false,
            taken: Arc::clone(&taken),
        };
        let writer = LineWriter::start("impatient", Box::new(sink), Failures::default());
        writer.offer(vec![b'x'; 1_000]);
        writer.offer(vec![b'y'; 1_000]);
        writer.finish(LONG, LONG, || false).expect("written");
        let expected = [vec![b'x'; 1_000], vec![b'y'; 1_000]].concat();
        assert_eq!(*taken.lock().expect("sound"), expected);
    }

    #[test]
    fn a_long_text_is_taken_as_one_and_the_next_waits_for_room() {
        let (writer, let_one, taken) = slow();
        let report = vec![b'r'; 3 * MOST];
        (&writer).write_all(&report).expect("taken whole");
        for _ in 0..=3 * MOST / PIECE {
            let_one.send(()).expect("room");
        }
        (&writer).write_all(b"end\n").expect("taken later");
        writer.finish(LONG, LONG, || false).expect("written");
        assert_eq!(taken.lock().expect("sound").len(), 3 * MOST + 4);
    }
}
