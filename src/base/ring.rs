//! Lock-free ring of samples (or other small values) between one writer and one reader.
//!
//! Both ends count the values that pass, so an index into the flow identifies a sample for the life of the ring. A writer
//! without room counts the values that it could not write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ringbuf::traits::{Consumer as _, Observer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// Makes a ring for `capacity` values (at least one). All its memory is reserved here.
pub fn ring<T: Copy>(capacity: usize) -> (Writer<T>, Reader<T>) {
    let (producer, consumer) = HeapRb::new(capacity.max(1)).split();
    let dropped = Arc::new(AtomicU64::new(0));
    let writer = Writer {
        inner: producer,
        written: 0,
        dropped: dropped.clone(),
    };
    let reader = Reader {
        inner: consumer,
        read: 0,
        dropped,
    };
    (writer, reader)
}

/// The end that values go into.
pub struct Writer<T> {
    inner: HeapProd<T>,
    written: u64,
    dropped: Arc<AtomicU64>,
}

impl<T: Copy> Writer<T> {
    /// Writes what there is room for and says how much that was. The rest is counted by [`Writer::count_dropped`]
    /// if the caller gives it up.
    pub fn push(&mut self, values: &[T]) -> usize {
        let pushed = self.inner.push_slice(values);
        self.written += pushed as u64;
        pushed
    }

    /// Counts values that were dropped without room.
    pub fn count_dropped(&mut self, n: u64) {
        self.dropped.fetch_add(n, Relaxed);
    }

    /// A ring with room for this many values.
    pub fn free(&self) -> usize {
        self.inner.vacant_len()
    }

    /// Values written but not read yet.
    pub fn len(&self) -> usize {
        self.inner.occupied_len()
    }

    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Values written so far: the index of the next one.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Values that the reader has taken so far: the index of the next one that it takes.
    pub fn taken(&self) -> u64 {
        self.written - self.inner.occupied_len() as u64
    }
}

/// The end that values come out of.
pub struct Reader<T> {
    inner: HeapCons<T>,
    read: u64,
    dropped: Arc<AtomicU64>,
}

impl<T: Copy> Reader<T> {
    /// Takes up to `out.len()` values, oldest first; returns their number.
    pub fn pop(&mut self, out: &mut [T]) -> usize {
        let popped = self.inner.pop_slice(out);
        self.read += popped as u64;
        popped
    }

    /// Takes the oldest value.
    pub fn pop_one(&mut self) -> Option<T> {
        let value = self.inner.try_pop();
        self.read += u64::from(value.is_some());
        value
    }

    /// Discards up to `n` values; returns their number.
    pub fn skip(&mut self, n: usize) -> usize {
        let skipped = self.inner.skip(n);
        self.read += skipped as u64;
        skipped
    }

    pub fn len(&self) -> usize {
        self.inner.occupied_len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Values taken so far: the index of the next one.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Values that the writer gave up so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_out_in_order_and_both_ends_count() {
        let (mut writer, mut reader) = ring(4);
        assert_eq!(writer.push(&[1, 2, 3]), 3);
        let mut out = [0; 2];
        assert_eq!(reader.pop(&mut out), 2);
        assert_eq!(out, [1, 2]);
        assert_eq!(writer.push(&[4, 5, 6, 7]), 3);
        assert_eq!((writer.written(), writer.taken(), reader.read()), (6, 2, 2));
        assert_eq!(reader.skip(2), 2);
        assert_eq!(reader.pop_one(), Some(5));
        assert_eq!((reader.len(), writer.free()), (1, 3));
    }

    #[test]
    fn what_was_given_up_is_known_at_the_other_end() {
        let (mut writer, reader) = ring(2);
        let pushed = writer.push(&[0.0; 5]);
        writer.count_dropped(5 - pushed as u64);
        assert_eq!(reader.dropped(), 3);
    }
}
