//! Opens a device of the PulseAudio host as a stream of our own.

use super::super::backend::OpenedStream;
use super::super::device::{DeviceInfo, Direction, StreamInfo};
use super::super::format::StreamFormat;
use super::super::pulse::StartedStream;
use super::super::stream_fault::{OpenError, StreamFault};
use super::plans::StreamPlan;

/// The server maps two channels to those of a speaker; all channels of a microphone are captured, since the voice may
/// be on any of them.
const STEREO: u16 = 2;

/// Opens the device with the best candidate: the server converts, so no other needs to be tried.
pub(super) fn open(
    plans: &[StreamPlan],
    direction: Direction,
    device: DeviceInfo,
    open: impl FnOnce(&str, StreamFormat) -> Result<StartedStream, (StreamFault, String)>,
) -> Result<OpenedStream, OpenError> {
    let refused = |kind: StreamFault| OpenError {
        kind,
        what: kind.words(direction.noun()),
    };
    let plan = plans
        .first()
        .ok_or(refused(StreamFault::UnsupportedConfig))?;
    let mut format = plan.format();
    if direction == Direction::Output {
        format.channels = format.channels.min(STEREO);
    }
    // The host prefixes device names with its own.
    let name = device
        .id
        .split_once(':')
        .map_or(&*device.id, |(_, name)| name);
    let (stream, granted) = open(name, format).map_err(|(kind, error)| {
        tracing::debug!(error, ?direction, "cannot open the device");
        refused(kind)
    })?;
    Ok(OpenedStream {
        info: StreamInfo {
            rate: format.rate,
            channels: format.channels,
            period_frames: Some(granted).filter(|&frames| frames > 0),
            device,
        },
        stream: Box::new(stream),
    })
}
