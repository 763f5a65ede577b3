//! The interface between the stream manager and a sound system.

use std::sync::Arc;
use std::time::Duration;

use super::capture::CaptureBody;
use super::device::{DeviceChoice, Devices, StreamInfo};
use super::format::StreamFormat;
use super::playback::PlaybackBody;
use super::stream_fault::{FaultCounts, OpenError};

/// Parameters of a stream to open.
#[derive(Clone, Debug)]
pub(super) struct OpenRequest {
    pub(super) choice: DeviceChoice,
    /// Frames at the device's rate.
    pub(super) period: u32,
}

/// A running stream; dropping it closes it.
pub(super) trait DeviceStream: Send {
    /// A speaker stops its callbacks without being closed, or goes on; a microphone may deliver its sound in larger pieces.
    /// Does nothing where that is impossible.
    fn rest(&mut self, rests: bool);
}

/// A stream that was opened.
pub(super) struct OpenedStream {
    pub(super) info: StreamInfo,
    pub(super) stream: Box<dyn DeviceStream>,
}

/// Creates the callback body once the format is known; called again for each further format that is tried.
pub(super) type MakeCapture<'a> = &'a mut dyn FnMut(StreamFormat) -> CaptureBody;
/// The same for playback.
pub(super) type MakePlayback<'a> = &'a mut dyn FnMut(StreamFormat) -> PlaybackBody;

/// A sound system: real devices, files, or nothing.
pub(super) trait Backend {
    /// Lists the available devices. May take some milliseconds.
    fn devices(&mut self) -> Devices;

    /// Polling interval for devices; `None` if they never change.
    fn poll_every(&self) -> Option<Duration>;

    /// Whether the host has reported a change of the devices since the last call.
    fn take_changed(&mut self) -> bool {
        false
    }

    /// Whether devices can be selected, unlike files and nothing.
    fn takes_choice(&self) -> bool {
        true
    }

    /// Opens and starts an input stream.
    fn open_input(
        &mut self,
        request: &OpenRequest,
        make: MakeCapture<'_>,
        faults: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError>;

    /// Opens and starts an output stream.
    fn open_output(
        &mut self,
        request: &OpenRequest,
        make: MakePlayback<'_>,
        faults: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError>;
}
