//! A backend without devices: a silent microphone and a speaker that discards, both at real-time pace.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backend::{Backend, MakeCapture, MakePlayback, OpenRequest, OpenedStream};
use super::device::{DeviceInfo, Devices, StreamInfo};
use super::format::StreamFormat;
use super::stream_fault::{FaultCounts, OpenError};
use super::timer_stream::{SampleSink, SampleSource, TimerStream};
use crate::base::units::SampleRate;

/// Longest block of a virtual device, whatever period is requested.
const LONGEST_BLOCK: Duration = Duration::from_millis(10);

pub(super) struct Null;

pub(super) struct SilentSource;

pub(super) struct NullSink;

impl Backend for Null {
    fn takes_choice(&self) -> bool {
        false
    }

    fn devices(&mut self) -> Devices {
        Devices {
            host: "none".to_owned(),
            inputs: vec![device("none", "No microphone")],
            outputs: vec![device("none", "No speaker")],
        }
    }

    fn poll_every(&self) -> Option<Duration> {
        None
    }

    fn open_input(
        &mut self,
        request: &OpenRequest,
        make: MakeCapture<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        let format = format(SampleRate::WORKING, request);
        let stream =
            TimerStream::input(format, make(format), Box::new(SilentSource), Instant::now());
        Ok(OpenedStream {
            info: info(device("none", "No microphone"), format),
            stream: Box::new(stream.spawn("no-microphone")?),
        })
    }

    fn open_output(
        &mut self,
        request: &OpenRequest,
        make: MakePlayback<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        let format = format(SampleRate::REPLY, request);
        let sink = Box::new(NullSink);
        let stream =
            TimerStream::output(format, make(format), sink, Duration::ZERO, Instant::now());
        Ok(OpenedStream {
            info: info(device("none", "No speaker"), format),
            stream: Box::new(stream.spawn("no-speaker")?),
        })
    }
}

impl SampleSource for SilentSource {
    fn fill(&mut self, out: &mut [f32], _: Instant) {
        out.fill(0.0);
    }
}

impl SampleSink for NullSink {
    fn take(&mut self, _: &[f32], _: bool, _: Instant) {}

    fn tick(&mut self, _: Instant) {}
}

/// Format of a virtual device: mono, in blocks as long as the period would be at 48 kHz, at most 10 ms.
pub(super) fn format(rate: SampleRate, request: &OpenRequest) -> StreamFormat {
    let asked = Duration::from_secs_f64(f64::from(request.period) / 48_000.0);
    let frames = rate.samples_in(asked.min(LONGEST_BLOCK)).max(1);
    StreamFormat {
        rate,
        channels: 1,
        period: u32::try_from(frames).ok(),
        held_blocks: 0,
    }
}

/// A virtual device. It cannot echo.
pub(super) fn device(id: &str, name: &str) -> DeviceInfo {
    DeviceInfo {
        id: id.to_owned(),
        name: name.to_owned(),
        is_default: true,
        headset: true,
    }
}

/// Description of a virtual stream.
pub(super) fn info(device: DeviceInfo, format: StreamFormat) -> StreamInfo {
    StreamInfo {
        device,
        rate: format.rate,
        channels: format.channels,
        period_frames: format.period,
    }
}
