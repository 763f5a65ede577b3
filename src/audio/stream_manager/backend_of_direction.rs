//! The backends of both directions.

use super::super::backend::Backend;
use super::super::device::{Devices, Direction};

pub(crate) struct Backends {
    pub(crate) input: Box<dyn Backend>,
    /// `None` if it is the same as `input`.
    pub(crate) output: Option<Box<dyn Backend>>,
    /// Whether all-zero input is a fault: not for files.
    pub(crate) watch_zeros: bool,
}

impl Backends {
    /// The backend of this direction.
    pub(super) fn of(&mut self, direction: Direction) -> &mut dyn Backend {
        match (direction, &mut self.output) {
            (Direction::Output, Some(output)) => output.as_mut(),
            _ => self.input.as_mut(),
        }
    }

    pub(crate) fn devices(&mut self) -> Devices {
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
