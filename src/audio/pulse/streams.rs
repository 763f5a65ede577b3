//! What the thread of a stream does: hands blocks to the body of the callback, and asks for the latency.

use std::time::Instant;

use pulseaudio::protocol::ProtocolError;

use super::super::capture::CaptureBody;
use super::super::device::Direction;
use super::super::fault::Fault;
use super::super::playback::PlaybackBody;
use super::connection::{Connection, LONGEST, Message};
use super::frame_shape::{FrameShape, SAMPLE};
use super::timing::Timing;

/// What became of a stream, and in words.
pub(super) type StreamEnd = (Fault, String);

/// Takes what the microphone gives until the stream ends; says why it did.
pub(super) fn run_capture(
    connection: &mut Connection,
    stream: u32,
    shape: FrameShape,
    mut body: CaptureBody,
) -> StreamEnd {
    let mut timing = Timing::new(shape, Instant::now());
    let mut received = 0;
    let mut step = || -> Result<bool, ProtocolError> {
        if !connection.wait_until(timing.due())? {
            let now = Instant::now();
            timing.asked(
                connection.ask_latency(stream, Direction::Input)?,
                now,
                received,
            );
            return Ok(true);
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
            Message::Wanted(_) | Message::Other => {}
        }
        Ok(true)
    };
    until_the_end(&mut step)
}

/// Gives the speaker what it wants until the stream ends; says why it did. The server wants `first` bytes to begin with.
pub(super) fn run_playback(
    connection: &mut Connection,
    stream: u32,
    first: u32,
    shape: FrameShape,
    mut body: PlaybackBody,
) -> StreamEnd {
    let mut timing = Timing::new(shape, Instant::now());
    let mut block = Vec::new();
    let mut written = 0;
    // Bytes that the server wants and has not got.
    let mut wanted = (first as usize).min(LONGEST);
    let mut step = || -> Result<bool, ProtocolError> {
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
        if !connection.wait_until(timing.due())? {
            let now = Instant::now();
            timing.asked(
                connection.ask_latency(stream, Direction::Output)?,
                now,
                written,
            );
            return Ok(true);
        }
        match connection.read(stream, Direction::Output)? {
            Message::Wanted(bytes) => wanted = (wanted + bytes as usize).min(LONGEST),
            Message::Latency(sequence, latency) => {
                timing.sounded(sequence, latency, Instant::now());
            }
            Message::Disturbed => timing.disturbed(Instant::now()),
            Message::Ended => return Ok(false),
            Message::Samples(_) | Message::Other => {}
        }
        Ok(true)
    };
    until_the_end(&mut step)
}

fn until_the_end(step: &mut dyn FnMut() -> Result<bool, ProtocolError>) -> StreamEnd {
    loop {
        match step() {
            Ok(true) => {}
            // Its device is gone, or somebody ended it: the owner looks for what is there.
            Ok(false) => return (Fault::StreamInvalidated, "it was killed".to_owned()),
            Err(error) => return (Fault::StreamInvalidated, error.to_string()),
        }
    }
}
