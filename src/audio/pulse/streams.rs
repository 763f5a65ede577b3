//! The loops of the stream threads: pass blocks to the callback body, and query the latency.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use pulseaudio::protocol::ProtocolError;

use super::super::capture::CaptureBody;
use super::super::device::Direction;
use super::super::playback::PlaybackBody;
use super::super::stream_fault::StreamFault;
use super::block_pace::BlockPace;
use super::connection::{LONGEST, Message, PulseConnection};
use super::frame_shape::{FrameShape, SAMPLE};
use super::timing::Timing;

/// Time between two queries of a microphone that rests, beyond the usual.
const RESTING: Duration = Duration::from_millis(150);
/// Wait of a corked stream for messages, of which there are hardly any.
const CORKED: Duration = Duration::from_secs(3_600);

/// End of a stream: fault and message.
pub(super) type StreamEnd = (StreamFault, String);

/// Captures until the stream ends; returns the reason. `period` is in frames. While `rests` is set, several blocks are
/// read at once, and the latency is queried a quarter as often.
pub(super) fn run_capture(
    connection: &mut PulseConnection,
    stream: u32,
    period: u32,
    rests: &AtomicBool,
    shape: FrameShape,
    mut body: CaptureBody,
) -> StreamEnd {
    let mut timing = Timing::new(shape, Instant::now());
    let mut pace = BlockPace::new(shape, period, Instant::now());
    let mut received = 0;
    let mut step = || -> Result<bool, ProtocolError> {
        if connection.is_drained() {
            let now = Instant::now();
            let resting = rests.load(Relaxed);
            pace.set_resting(resting, now);
            let due = timing.due() + if resting { RESTING } else { Duration::ZERO };
            if now >= due {
                let query = connection.ask_latency(stream, Direction::Input)?;
                timing.asked(query, now, received);
                return Ok(true);
            }
            let look = pace.next_look(received, now);
            let ended = look > now && connection.sleep_until(look.min(due))?;
            if look > now && !ended {
                return Ok(true);
            }
            if !connection.wait_until(now)? {
                if connection.wait_until(due)? {
                    pace.arrived(Instant::now());
                }
                return Ok(true);
            }
        }
        match connection.read(stream, Direction::Input)? {
            Message::Samples(bytes) => {
                let (samples, _) = bytes.as_chunks::<SAMPLE>();
                let (at, age) = timing.age(received, Instant::now());
                body.run(samples, f32::from_le_bytes, at, age);
                received += (bytes.len() / shape.frame) as u64;
            }
            Message::Latency(sequence, latency) => {
                timing.heard(sequence, latency, received, Instant::now());
            }
            Message::Disturbed => timing.disturbed(Instant::now()),
            Message::Ended => return Ok(false),
            Message::Wanted(_) | Message::DevicesChanged | Message::Other => {}
        }
        Ok(true)
    };
    until_the_end(&mut step)
}

/// Plays until the stream ends; returns the reason. The server initially requests `first` bytes. While `rests` is set the
/// stream is corked, and the thread only waits.
pub(super) fn run_playback(
    connection: &mut PulseConnection,
    stream: u32,
    first: u32,
    rests: &AtomicBool,
    shape: FrameShape,
    mut body: PlaybackBody,
) -> StreamEnd {
    let mut timing = Timing::new(shape, Instant::now());
    let mut block = Vec::new();
    let mut written = 0;
    // Bytes that the server requested and has not received.
    let mut wanted = (first as usize).min(LONGEST);
    let mut corked = false;
    let mut step = || -> Result<bool, ProtocolError> {
        if rests.load(Relaxed) != corked {
            corked = !corked;
            connection.cork(stream, corked)?;
            timing.disturbed(Instant::now());
        }
        let whole = wanted / shape.frame * shape.frame;
        if whole > 0 {
            wanted -= whole;
            block.resize(whole, 0);
            let now = Instant::now();
            let (samples, _) = block.as_chunks_mut::<SAMPLE>();
            body.run(samples, f32::to_le_bytes, now, timing.delay(written, now));
            connection.write(stream, &block)?;
            written += (whole / shape.frame) as u64;
        }
        let due = if corked {
            Instant::now() + CORKED
        } else {
            timing.due()
        };
        if !connection.wait_until(due)? {
            let now = Instant::now();
            if !corked && now >= due {
                let query = connection.ask_latency(stream, Direction::Output)?;
                timing.asked(query, now, written);
            }
            return Ok(true);
        }
        match connection.read(stream, Direction::Output)? {
            Message::Wanted(bytes) => wanted = (wanted + bytes as usize).min(LONGEST),
            Message::Latency(sequence, latency) => {
                timing.sounded(sequence, latency, Instant::now());
            }
            Message::Disturbed => timing.disturbed(Instant::now()),
            Message::Ended => return Ok(false),
            Message::Samples(_) | Message::DevicesChanged | Message::Other => {}
        }
        Ok(true)
    };
    until_the_end(&mut step)
}

fn until_the_end(step: &mut dyn FnMut() -> Result<bool, ProtocolError>) -> StreamEnd {
    loop {
        match step() {
            Ok(true) => {}
            // Its device is gone, or it was killed: the stream manager polls the devices.
            Ok(false) => return (StreamFault::StreamInvalidated, "it was killed".to_owned()),
            Err(error) => return (StreamFault::StreamInvalidated, error.to_string()),
        }
    }
}
