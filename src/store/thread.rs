//! The store for a loop that may not wait: hands writes and questions to a thread of its own.
//!
//! ```text
//! write, ask ─▶ Queue (32 MiB; the newest state of a turn, the newest list) ─▶ thread: one transaction for 500 ms,
//! next       ◀─ events ◀──────────────────────────────────────────────────────        a closed turn at once
//! ```
//!
//! On a runtime of one thread, which is that of simulated time, and where the system gives no thread, the work is done in
//! place.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Notify;

use super::entry::ConversationId;
use super::message::{ConversationKey, Query, StoreEvent, Write};
use super::queue::Queue;
use super::worker::StoreWorker;
use crate::base::retention::Retention;
use crate::base::supervise::Failures;
use crate::base::text::t;

/// Writes wait for others so long.
const TOGETHER_WITHIN: Duration = Duration::from_millis(500);
/// Nothing is to be done before.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// The last writes take milliseconds; a disk that does not answer is not waited for.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// The conversation's end of the store thread. None of its calls wait for the disk.
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    in_place: bool,
    keys: u64,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    worker: Mutex<StoreWorker>,
    events: Mutex<VecDeque<StoreEvent>>,
    /// There are events, or the thread has ended.
    news: Notify,
    failures: Failures,
    ended: Mutex<bool>,
    finished: Notify,
}

impl Store {
    /// Starts the thread. Without a path, and with [`Retention::Off`], nothing is opened or written.
    #[must_use]
    pub fn start(path: Option<PathBuf>, retention: Retention) -> Self {
        let queue = Queue::new(path.is_none() || retention == Retention::Off);
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            changed: Condvar::new(),
            worker: Mutex::new(StoreWorker::new(path, retention)),
            events: Mutex::default(),
            news: Notify::new(),
            failures: Failures::default(),
            ended: Mutex::new(false),
            finished: Notify::new(),
        });
        let simulated = Handle::try_current()
            .is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::CurrentThread);
        let ours = Arc::clone(&shared);
        let run = move || {
            if !ours
                .failures
                .supervise(t!("the-store-of-conversations"), || ours.run())
            {
                ours.give_up();
            }
            ours.end();
        };
        let thread = std::thread::Builder::new().name("store".to_owned());
        let in_place = simulated || thread.spawn(run).is_err();
        let store = Self {
            shared,
            in_place,
            keys: 0,
        };
        store.wake();
        store
    }

    /// A name for a new conversation.
    pub fn begin(&mut self) -> ConversationKey {
        self.keys += 1;
        ConversationKey(self.keys)
    }

    /// A name for a conversation that is kept already, to go on in it.
    pub fn go_on(&mut self, id: ConversationId) -> ConversationKey {
        let key = self.begin();
        self.shared.queue().go_on(key, id);
        key
    }

    /// Keeps something; what waits together is bounded, and the least important is given up then.
    pub fn write(&self, write: Write) {
        self.shared.queue().write(write);
        self.wake();
    }

    /// Asks something; [`next`](Self::next) gives the answer.
    pub fn ask(&self, query: Query) {
        self.shared.queue().ask(query);
        self.wake();
    }

    /// The next event; nothing is lost when the call is dropped.
    pub async fn next(&mut self) -> StoreEvent {
        loop {
            let event = lock(&self.shared.events).pop_front();
            match event {
                Some(event) => return event,
                None => self.shared.news.notified().await,
            }
        }
    }

    /// Writes what waits, and ends the thread. Gives why something is not kept, if so.
    pub async fn finish(&mut self) -> Option<String> {
        self.shared.queue().closed = true;
        self.wake();
        if self.in_place {
            lock(&self.shared.worker).close();
            self.shared.end();
        }
        let ended = async {
            while !*lock(&self.shared.ended) {
                self.shared.finished.notified().await;
            }
        };
        if tokio::time::timeout(FINISH_WITHIN, ended).await.is_err() {
            return Some(t!("the-end-is-not-kept-the").to_owned());
        }
        if !self.shared.queue().has_writes() {
            return None;
        }
        let worker = lock(&self.shared.worker);
        let why = worker.trouble().cloned();
        Some(why.unwrap_or_else(|| t!("the-end-is-not-kept").to_owned()))
    }

    fn wake(&self) {
        if self.in_place {
            self.shared.step(&mut lock(&self.shared.worker));
        } else {
            self.shared.changed.notify_all();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    /// The thread.
    fn run(&self) {
        let mut worker = lock(&self.worker);
        worker.reset();
        self.send(
            self.failures
                .take()
                .into_iter()
                .map(StoreEvent::Notice)
                .collect(),
        );
        while self.wait(&worker) {
            self.step(&mut worker);
        }
        self.step(&mut worker);
        worker.close();
    }

    /// Waits until there is something to do; `false` at the end of the program.
    fn wait(&self, worker: &StoreWorker) -> bool {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                return false;
            }
            let now = Instant::now();
            let writes_at = queue.has_writes().then(|| match worker.retry_at() {
                Some(retry) => retry,
                None if queue.urgent => now,
                None => queue.since.unwrap_or(now) + TOGETHER_WITHIN,
            });
            let due = writes_at.into_iter().chain(worker.chore_at()).min();
            if queue.has_queries() || due.is_some_and(|due| due <= now) {
                return true;
            }
            let rest = due.map_or(LONGEST, |due| due - now);
            let waited = self.changed.wait_timeout(queue, rest);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Does what is to be done now.
    fn step(&self, worker: &mut StoreWorker) {
        let (writes, queries, continued) = {
            let mut queue = self.queue();
            (
                queue.take_writes(),
                queue.take_queries(),
                queue.take_continued(),
            )
        };
        for (key, id) in continued {
            worker.continues(key, id);
        }
        let unwritten = worker.write(writes);
        if unwritten.is_empty() {
            let lost = std::mem::take(&mut self.queue().lost);
            if lost > 0 {
                let notice = t!("while-nothing-could-be-written", n = lost);
                self.send(vec![StoreEvent::Notice(notice)]);
            }
        } else {
            self.queue().restore(unwritten);
        }
        self.send(worker.take_events());
        for query in queries {
            worker.answer(query);
            self.send(worker.take_events());
        }
        worker.do_chores();
        self.send(worker.take_events());
    }

    fn send(&self, events: Vec<StoreEvent>) {
        if !events.is_empty() {
            lock(&self.events).extend(events);
            self.news.notify_one();
        }
    }

    /// The thread has panicked too often.
    fn give_up(&self) {
        let notices = self.failures.take();
        self.queue().off = true;
        self.send(notices.into_iter().map(StoreEvent::Trouble).collect());
    }

    fn end(&self) {
        *lock(&self.ended) = true;
        self.finished.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
