//! Streams of a PulseAudio server in its native protocol. cpal lists the devices, as everywhere.
//!
//! cpal's own streams of this host make the server work in steps of 0.5 ms or less (a request of half of the buffer
//! leaves the device nothing, see [`playback`]), query the latency after every block, and clear a megabyte for each
//! message: 43 % of a core on the rig, where PipeWire takes 4 (`scripts/measure-cost`). Here requests leave the device
//! half a period, and a stream queries the latency twenty times a second; the time of every sample follows from the
//! answers ([`timing`]).
//!
//! ```text
//! thread "pulse-capture", "pulse-playback": one each, with a connection of its own
//! server ── samples ──▶ body of the callback          server ◀── samples ── body of the callback
//!        ◀─ latency? ── 20 times a second                    ── wanted ──▶
//! ```
//!
//! A thread ends when its stream is dropped, which closes the connection, or when the server ends it, which is reported
//! as a fault. Only this file and `audio/pulse/` use the crate `pulseaudio`.

mod block_pace;
mod connection;
mod device_events;
mod frame_shape;
mod remembered_volume;
mod stream_volumes;
mod streams;
#[cfg(test)]
mod tests;
mod timing;

use std::ffi::{CStr, CString};
use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;

use pulseaudio::protocol::{
    ChannelMap, ChannelPosition, Command, CreatePlaybackStreamReply, CreateRecordStreamReply,
    PlaybackStreamParams, Prop, Props, ProtocolError, PulseError, RecordStreamParams, SampleFormat,
    SampleSpec,
    stream::{BufferAttr, StreamFlags},
};

use self::connection::{PulseConnection, connect, explain};
pub(super) use self::device_events::DeviceEvents;
use self::frame_shape::FrameShape;
pub(super) use self::stream_volumes::PulseVolumes;
use self::streams::{StreamEnd, run_capture, run_playback};
use super::backend::DeviceStream;
use super::capture::CaptureBody;
use super::format::StreamFormat;
use super::playback::PlaybackBody;
use super::priority;
use super::stream_fault::{FaultCounts, StreamFault};

/// A running stream; dropping it closes it.
pub(super) struct PulseStream {
    socket: UnixStream,
    closing: Arc<AtomicBool>,
    rests: Arc<AtomicBool>,
    /// A byte written here wakes the thread.
    bell: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl DeviceStream for PulseStream {
    fn rest(&mut self, rests: bool) {
        self.rests.store(rests, Relaxed);
        // Full only if the thread has not looked for long: then it will.
        self.bell.write_all(&[0]).ok();
    }
}

impl Drop for PulseStream {
    fn drop(&mut self) {
        self.closing.store(true, Relaxed);
        // Wakes the thread from any wait; harmless if the socket is closed already.
        self.socket.shutdown(Shutdown::Both).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// A started stream, and the granted period in frames.
pub(super) type StartedStream = (PulseStream, u32);

/// Opens and starts a stream from this source.
pub(super) fn open_input(
    source: &str,
    format: StreamFormat,
    body: CaptureBody,
    faults: Arc<FaultCounts>,
) -> Result<StartedStream, (StreamFault, String)> {
    record(connect()?, source, format, body, faults).map_err(explain)
}

/// Opens and starts a stream to this sink.
pub(super) fn open_output(
    sink: &str,
    format: StreamFormat,
    body: PlaybackBody,
    faults: Arc<FaultCounts>,
) -> Result<StartedStream, (StreamFault, String)> {
    playback(connect()?, sink, format, body, faults).map_err(explain)
}

fn record(
    mut connection: PulseConnection,
    source: &str,
    format: StreamFormat,
    body: CaptureBody,
    faults: Arc<FaultCounts>,
) -> Result<StartedStream, ProtocolError> {
    let shape = FrameShape::of(format);
    let fragment = shape.bytes(format.period.unwrap_or(0));
    let created: CreateRecordStreamReply =
        connection.request(&Command::CreateRecordStream(RecordStreamParams {
            sample_spec: spec(format),
            channel_map: channel_map(format),
            source_name: Some(name(source)?),
            buffer_attr: BufferAttr {
                fragment_size: fragment,
                ..BufferAttr::default()
            },
            flags: prompt(format.channels > 2),
            props: titled(c"Microphone"),
            ..RecordStreamParams::default()
        }))?;
    let granted = shape.frames(created.buffer_attr.fragment_size);
    let stream = run(
        "pulse-capture",
        connection,
        faults,
        move |connection, rests| {
            run_capture(connection, created.channel, granted, rests, shape, body)
        },
    )?;
    Ok((stream, granted))
}

fn playback(
    mut connection: PulseConnection,
    sink: &str,
    format: StreamFormat,
    body: PlaybackBody,
    faults: Arc<FaultCounts>,
) -> Result<StartedStream, ProtocolError> {
    let shape = FrameShape::of(format);
    let frames = format.period.unwrap_or(0);
    let (period, half) = (shape.bytes(frames), frames.div_ceil(2));
    let created: CreatePlaybackStreamReply =
        connection.request(&Command::CreatePlaybackStream(PlaybackStreamParams {
            sample_spec: spec(format),
            channel_map: channel_map(format),
            sink_name: Some(name(sink)?),
            buffer_attr: BufferAttr {
                // Two periods in total, as with other hosts. The server gives the device half of what two requests
                // leave: half a period here. A request of a whole period would leave nothing, which means steps of 0.5
                // ms for the device and all its listeners. The length does not exceed the server's own limit: a device
                // with longer steps than requested (wireless, or without a precise timer) gets the longer buffer that
                // it needs.
                target_length: period.saturating_mul(2),
                minimum_request_length: shape.bytes(half),
                ..BufferAttr::default()
            },
            flags: prompt(false),
            props: titled(c"Speaker"),
            ..PlaybackStreamParams::default()
        }))?;
    let granted = shape
        .frames(created.buffer_attr.minimum_request_length)
        .saturating_mul(2);
    let (channel, wanted) = (created.channel, created.requested_bytes);
    let stream = run(
        "pulse-playback",
        connection,
        faults,
        move |connection, rests| run_playback(connection, channel, wanted, rests, shape, body),
    )?;
    Ok((stream, granted))
}

/// Runs a stream on a thread of its own; its end is a fault, unless it was requested.
fn run(
    thread: &str,
    mut connection: PulseConnection,
    faults: Arc<FaultCounts>,
    work: impl FnOnce(&mut PulseConnection, &AtomicBool) -> StreamEnd + Send + 'static,
) -> Result<PulseStream, ProtocolError> {
    connection.wait_without_limit()?;
    let socket = connection.socket()?;
    let closing = Arc::new(AtomicBool::new(false));
    let rests = Arc::new(AtomicBool::new(false));
    let (ours, wanted) = (closing.clone(), rests.clone());
    let bell = connection.bell()?;
    let thread = std::thread::Builder::new()
        .name(thread.to_owned())
        .spawn(move || {
            // The worker thread reports a refusal.
            priority::raise().ok();
            let (fault, why) = work(&mut connection, &wanted);
            if !ours.load(Relaxed) {
                tracing::debug!(why, "sound server closed a stream");
                faults.report(fault);
            }
        })?;
    Ok(PulseStream {
        socket,
        closing,
        rests,
        bell,
        thread: Some(thread),
    })
}

fn spec(format: StreamFormat) -> SampleSpec {
    SampleSpec {
        format: SampleFormat::Float32Le,
        channels: u8::try_from(format.channels).unwrap_or(u8::MAX),
        sample_rate: format.rate.hz(),
    }
}

fn channel_map(format: StreamFormat) -> ChannelMap {
    use ChannelPosition::{Aux0, Aux1, Aux2, Aux3, Aux4, Aux5, Aux6, Aux7};
    match format.channels {
        1 => ChannelMap::mono(),
        2 => ChannelMap::stereo(),
        more => {
            let named = [Aux0, Aux1, Aux2, Aux3, Aux4, Aux5, Aux6, Aux7];
            ChannelMap::new(named.into_iter().take(usize::from(more)))
        }
    }
}

/// Flags of a stream: device steps that fit the period; `as_they_are` keeps the channels unmapped.
fn prompt(as_they_are: bool) -> StreamFlags {
    StreamFlags {
        adjust_latency: true,
        no_remap_channels: as_they_are,
        ..StreamFlags::default()
    }
}

/// Properties that a volume control shows.
fn titled(what: &CStr) -> Props {
    let mut props = Props::new();
    props.set(Prop::MediaName, what);
    props
}

fn name(device: &str) -> Result<CString, ProtocolError> {
    CString::new(device).map_err(|_| ProtocolError::ServerError(PulseError::NoEntity))
}
