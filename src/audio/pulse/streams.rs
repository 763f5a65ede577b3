//! What the thread of a stream does: hands blocks to the body of the callback, and asks for the latency.

use std::time::Instant;

use pulseaudio::protocol::ProtocolError;

use super::super::Direction;
use super::super::backend::{Fault, Format};
use super::super::capture::CaptureBody;
use super::super::playback::PlaybackBody;
use super::SAMPLE;
use super::line::{LONGEST, Line, Message};
use super::timing::Timing;

/// What became of a stream, and in words.
pub(super) type End = (Fault, String);

/// The size of a frame, and how many there are in a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    frame: usize,
    rate: f64,
}

impl Shape {
    pub(super) fn of(format: Format) -> Self {
        Self {
            frame: SAMPLE * usize::from(format.channels.max(1)),
            rate: f64::from(format.rate.hz()),
        }
    }

    /// Frames per second.
    pub(super) fn rate(self) -> f64 {
        self.rate
    }

    pub(super) fn bytes(self, frames: u32) -> u32 {
        let frame = u32::try_from(self.frame).unwrap_or(u32::MAX);
        frames.saturating_mul(frame)
    }

    pub(super) fn frames(self, bytes: u32) -> u32 {
        bytes / u32::try_from(self.frame).unwrap_or(u32::MAX)
    }

    /// Frames, and parts of one, in so many bytes.
    pub(super) fn frames_in(self, bytes: i64) -> f64 {
        bytes as f64 / self.frame as f64
    }
}

/// Takes what the microphone gives until the stream ends; says why it did.
pub(super) fn listen(line: &mut Line, stream: u32, shape: Shape, mut body: CaptureBody) -> End {
    let mut timing = Timing::new(shape, Instant::now());
    let mut received = 0;
    let mut step = || -> Result<bool, ProtocolError> {
        if !line.wait_until(timing.due())? {
            let now = Instant::now();
            timing.asked(line.ask_latency(stream, Direction::Input)?, now, received);
            return Ok(true);
        }
        match line.read(stream, Direction::Input)? {
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
pub(super) fn play(
    line: &mut Line,
    stream: u32,
    first: u32,
    shape: Shape,
    mut body: PlaybackBody,
) -> End {
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
            line.write(stream, &block)?;
            written += (whole / shape.frame) as u64;
        }
        if !line.wait_until(timing.due())? {
            let now = Instant::now();
            timing.asked(line.ask_latency(stream, Direction::Output)?, now, written);
            return Ok(true);
        }
        match line.read(stream, Direction::Output)? {
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

fn until_the_end(step: &mut dyn FnMut() -> Result<bool, ProtocolError>) -> End {
    loop {
        match step() {
            Ok(true) => {}
            // Its device is gone, or somebody ended it: the owner looks for what is there.
            Ok(false) => return (Fault::StreamInvalidated, "it was killed".to_owned()),
            Err(error) => return (Fault::StreamInvalidated, error.to_string()),
        }
    }
}
