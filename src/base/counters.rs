//! Counters and meters that the audio callbacks, the worker and the socket write with relaxed atomics.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::base::units::Dbfs;

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A level that is written often and read occasionally; the newest value wins.
#[derive(Debug)]
pub struct Meter(AtomicU32);

impl Default for Meter {
    fn default() -> Self {
        Self(AtomicU32::new(Dbfs::SILENCE.0.to_bits()))
    }
}

impl Meter {
    pub fn set(&self, level: Dbfs) {
        self.0.store(level.0.to_bits(), Relaxed);
    }

    /// The level shown last.
    pub fn get(&self) -> Dbfs {
        Dbfs(f32::from_bits(self.0.load(Relaxed)))
    }
}

/// A duration that is written often and read occasionally; the newest value wins.
#[derive(Debug, Default)]
pub struct Span(AtomicU32);

impl Span {
    /// Shows a length of time, in microseconds.
    pub fn set(&self, span: Duration) {
        let micros = u32::try_from(span.as_micros()).unwrap_or(u32::MAX);
        self.0.store(micros, Relaxed);
    }

    /// The length of time shown last.
    pub fn get(&self) -> Duration {
        Duration::from_micros(u64::from(self.0.load(Relaxed)))
    }
}

/// All counters and meters of one session.
#[derive(Debug, Default)]
pub struct Counters {
    /// RMS of the newest captured frame, before the gate.
    pub input_level: Meter,
    /// RMS of the newest block written to the speaker.
    pub output_level: Meter,
    /// Frames of the window that were drawn.
    pub window_frames: Counter,
    /// Captured samples that were lost because the ring was full, at the device's rate.
    pub capture_dropped: Counter,
    /// Times that a reply ran dry before its end.
    pub underruns: Counter,
    /// Errors that streams reported, of any kind.
    pub stream_errors: Counter,
    /// Samples that the client dropped because no connection would take them, at the working rate.
    pub uplink_dropped: Counter,
    /// Samples of sound that were sent to the service, at the working rate.
    pub audio_sent: Counter,
    /// Bytes written to the service, WebSocket payload.
    pub bytes_sent: Counter,
    /// Bytes read from the service, WebSocket payload.
    pub bytes_received: Counter,
    /// Messages of the service that could not be read, or held what could not be used.
    pub bad_messages: Counter,
    /// Captured audio that waited for the worker at its last tick.
    pub capture_queued: Span,
    /// Reply audio that waits for its time to be played.
    pub reply_queued: Span,
    /// Delay of captured audio through the worker's filters.
    pub chain_delay: Span,
    /// Connections that were set up.
    pub connections: Counter,
    /// Connections that resumed an earlier conversation.
    pub resumes: Counter,
    /// Planned changes of connection.
    pub rolls: Counter,
    /// Fresh starts of the conversation because the service rejected its answers.
    pub fresh_starts: Counter,
    /// Commands that wait for the connection.
    pub outbox: AtomicU32,
    /// The way to the service.
    pub link: LinkCounters,
}

/// What is known of the way to the service. What is not known is zero, as is everything but the counts while there is no
/// connection.
#[derive(Debug, Default)]
pub struct LinkCounters {
    /// Round trip of the connection.
    pub round_trip: Span,
    /// Mean deviation of the round trips.
    pub variation: Span,
    /// Bytes that the system has taken and not sent once.
    pub unsent_bytes: AtomicU32,
    /// Segments with data that were sent since the start, those sent again included.
    pub segments_sent: Counter,
    /// Segments that were sent again.
    pub segments_resent: Counter,
    /// From the dial to the answer to the setup, of the last connection; stays when that one ends.
    pub connect: Span,
}

impl LinkCounters {
    /// Round trip of the connection, if known.
    pub fn round_trip(&self) -> Option<Duration> {
        known(&self.round_trip)
    }

    /// Mean deviation of the round trips, if known.
    pub fn variation(&self) -> Option<Duration> {
        known(&self.variation)
    }

    /// What the last connection took to come about, if there was one.
    pub fn connect(&self) -> Option<Duration> {
        known(&self.connect)
    }
}

fn known(span: &Span) -> Option<Duration> {
    Some(span.get()).filter(|span| !span.is_zero())
}
