//! Which backend serves which direction.

use super::super::backend::Backend;
use super::super::{Devices, Direction};

/// Where the streams come from.
pub(in crate::audio) struct Backends {
    pub(in crate::audio) input: Box<dyn Backend>,
    /// `None`: the same as `input`.
    pub(in crate::audio) output: Option<Box<dyn Backend>>,
    /// Whether a microphone that gives nothing but zeros is at fault: not so for files.
    pub(in crate::audio) watch_zeros: bool,
}

impl Backends {
    /// The one that serves this direction.
    pub(super) fn of(&mut self, direction: Direction) -> &mut dyn Backend {
        match (direction, &mut self.output) {
            (Direction::Output, Some(output)) => output.as_mut(),
            _ => self.input.as_mut(),
        }
    }

    pub(in crate::audio) fn devices(&mut self) -> Devices {
        let mut devices = self.input.devices();
        if let Some(output) = &mut self.output {
            let other = output.devices();
            devices.outputs = other.outputs;
            if devices.host != other.host {
                devices.host = format!("{}, {}", devices.host, other.host);
            }
        }
        devices
    }
}
