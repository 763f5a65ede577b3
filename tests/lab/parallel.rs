//! Simulations that know nothing of each other, several at a time.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Runs each of these; gives what came of them, in their order.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], run: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        // A simulation waits for its sound side at each step, and the sound side for it.
        for _ in 0..2 * cores {
            scope.spawn(|| {
                while let Some((at, item)) = take(items, &next) {
                    let came = run(item);
                    found
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((at, came));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, came)| came).collect()
}

fn take<'a, T>(items: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let at = next.fetch_add(1, Relaxed);
    items.get(at).map(|item| (at, item))
}
