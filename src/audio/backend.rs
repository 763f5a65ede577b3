//! What the owner thread needs of a sound system, and what can go wrong with it.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::capture::CaptureBody;
use super::device::{DeviceChoice, Devices, StreamInfo};
use super::fault::{Faults, OpenError};
use super::format::StreamFormat;
use super::playback::PlaybackBody;

/// What is asked of a device.
#[derive(Clone, Debug)]
pub(super) struct OpenRequest {
    pub(super) choice: DeviceChoice,
    /// Frames at the device's rate.
    pub(super) period: u32,
}

/// A stream that runs until it is dropped.
pub(super) struct OpenedStream {
    pub(super) info: StreamInfo,
    pub(super) stream: Box<dyn Any + Send>,
}

/// Makes the callback's body once the format of the stream is known; called again if another format is tried.
pub(super) type MakeCapture<'a> = &'a mut dyn FnMut(StreamFormat) -> CaptureBody;
/// The same for playback.
pub(super) type MakePlayback<'a> = &'a mut dyn FnMut(StreamFormat) -> PlaybackBody;

/// A sound system: real devices, files, or nothing.
pub(super) trait Backend {
    /// The devices that there are now. May take some milliseconds.
    fn devices(&mut self) -> Devices;

    /// How often devices are to be looked for, where the host does not tell of changes; `None`: they never change.
    fn poll_every(&self) -> Option<Duration>;

    /// Whether there are devices to choose from; files and nothing are what they are.
    fn takes_choice(&self) -> bool {
        true
    }

    /// Opens and starts an input stream.
    fn open_input(
        &mut self,
        request: &OpenRequest,
        make: MakeCapture<'_>,
        faults: &Arc<Faults>,
    ) -> Result<OpenedStream, OpenError>;

    /// Opens and starts an output stream.
    fn open_output(
        &mut self,
        request: &OpenRequest,
        make: MakePlayback<'_>,
        faults: &Arc<Faults>,
    ) -> Result<OpenedStream, OpenError>;
}
