//! Notices about devices: there is none, one was unplugged, another is in use, one is back, one does not work.

use super::super::device::{DeviceChoice, DeviceInfo};
use super::super::stream_fault::StreamFault;
use super::stream_slot::StreamSlot;

impl StreamFault {
    /// Message for the user; `device` is "microphone" or "speaker".
    pub(in super::super) fn words(self, device: &str) -> String {
        match self {
            Self::DeviceBusy => {
                format!(
                    "The {device} is in use by another program. Close that program; we keep trying."
                )
            }
            Self::DeviceNotAvailable => {
                format!("There is no {device}. Plug one in; it is used as soon as it appears.")
            }
            Self::HostUnavailable => {
                "The sound system does not answer. Start it; we keep trying.".to_owned()
            }
            Self::PermissionDenied => format!(
                "The system does not let this program use the {device}. Allow it in the privacy settings."
            ),
            Self::ResourceExhausted => {
                format!(
                    "The system has no resources left to open the {device}. Close other programs."
                )
            }
            Self::UnsupportedConfig | Self::UnsupportedOperation | Self::InvalidInput => {
                format!("The {device} cannot be used as it is set up. Choose another one.")
            }
            Self::DeviceChanged | Self::StreamInvalidated => {
                format!("The {device} was lost. It is opened again as soon as it is there.")
            }
            Self::RealtimeDenied | Self::Xrun | Self::BackendError | Self::Other => {
                format!(
                    "The {device} does not work. It is opened again; if this stays, choose another one."
                )
            }
        }
    }
}

impl StreamSlot {
    /// Message that there is no device at all.
    pub(super) fn absence_notice(&self, noun: &str) -> String {
        match (&self.choice, &self.seen) {
            (DeviceChoice::Default, _) => StreamFault::DeviceNotAvailable.words(noun),
            (DeviceChoice::Id(_), Some(device)) => format!(
                "{} was unplugged, and there is no other {noun}. Plug one in; it is used as soon as it appears.",
                device.name
            ),
            (DeviceChoice::Id(id), None) => format!(
                "The {noun} that was chosen ({id}) is not there, and there is no other. Plug one in, or choose another one."
            ),
        }
    }

    /// Message after a stream of `used` was opened with this device list, if any, and whether the selected device is in
    /// use.
    pub(super) fn arrival_notice(
        &self,
        noun: &str,
        used: &DeviceInfo,
        list: &[DeviceInfo],
    ) -> Option<(String, bool)> {
        let name = &used.name;
        let is_listed = |id: &str| list.iter().any(|d| d.id == id);
        match &self.choice {
            DeviceChoice::Id(id) if *id != used.id => {
                let what = self.seen.as_ref().map_or_else(
                    || format!("The {noun} that was chosen ({id}) is not there"),
                    |chosen| format!("{} was unplugged", chosen.name),
                );
                let what = format!("{what}: using {name} until it is back.");
                let reported = self.moved.as_ref().is_some_and(|moved| moved.what == what);
                return (!reported).then_some((what, false));
            }
            DeviceChoice::Default => {
                // A reported loss is resolved: the new device is news enough.
                if self.reported.is_none()
                    && let Some(gone) = &self.gone
                    && gone.id != used.id
                    && !is_listed(&gone.id)
                {
                    return Some((format!("{} was unplugged: using {name}.", gone.name), false));
                }
            }
            DeviceChoice::Id(_) => {}
        }
        let from = self.moved.as_ref().and_then(|moved| moved.from.as_deref());
        let is_back = from == Some(&used.id) || self.choice == DeviceChoice::Id(used.id.clone());
        let what = match (&self.moved, &self.reported) {
            (Some(_), _) if is_back => format!("{name} is back: it is used again."),
            (None, None) => return None,
            _ => format!("{name} is used now."),
        };
        Some((what, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_words() {
        for fault in StreamFault::ALL {
            let words = fault.words("microphone");
            assert!(words.ends_with('.') && words.len() > 20, "{words}");
        }
    }
}
