//! Notices about devices: there is none, one was unplugged, another is in use, one is back, one does not work.

use super::super::device::{DeviceChoice, DeviceInfo};
use super::super::stream_fault::StreamFault;
use super::stream_slot::StreamSlot;
use crate::base::text::t;

impl StreamFault {
    /// Message for the user; `device` is "microphone" or "speaker".
    pub(in super::super) fn words(self, device: &str) -> String {
        match self {
            Self::DeviceBusy => t!("the-device-is-in-use", device),
            Self::DeviceNotAvailable => t!("there-is-no-device", device),
            Self::HostUnavailable => t!("the-sound-system-does-not").to_owned(),
            Self::PermissionDenied => t!("the-system-does-not-let", device),
            Self::ResourceExhausted => t!("the-system-has-no-resources", device),
            Self::UnsupportedConfig | Self::UnsupportedOperation | Self::InvalidInput => {
                t!("the-device-cannot-be-used", device)
            }
            Self::DeviceChanged | Self::StreamInvalidated => t!("the-device-was-lost", device),
            Self::RealtimeDenied | Self::Xrun | Self::BackendError | Self::Other => {
                t!("the-device-does-not-work", device)
            }
        }
    }
}

impl StreamSlot {
    /// Message that there is no device at all.
    pub(super) fn absence_notice(&self, device: &str) -> String {
        match (&self.choice, &self.seen) {
            (DeviceChoice::Default, _) => StreamFault::DeviceNotAvailable.words(device),
            (DeviceChoice::Id(_), Some(seen)) => {
                t!("was-unplugged-and-there-is", name = seen.name, device)
            }
            (DeviceChoice::Id(id), None) => t!("the-chosen-device-and-no-other", device, id),
        }
    }

    /// Message after a stream of `used` was opened with this device list, if any, and whether the selected device is in
    /// use.
    pub(super) fn arrival_notice(
        &self,
        device: &str,
        used: &DeviceInfo,
        list: &[DeviceInfo],
    ) -> Option<(String, bool)> {
        let name = &used.name;
        let is_listed = |id: &str| list.iter().any(|d| d.id == id);
        match &self.choice {
            DeviceChoice::Id(id) if *id != used.id => {
                let what = match &self.seen {
                    Some(gone) => t!("was-unplugged-using-until", gone = gone.name, name),
                    None => t!("the-chosen-device-using-until", device, id, name),
                };
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
                    return Some((t!("was-unplugged-using", gone = gone.name, name), false));
                }
            }
            DeviceChoice::Id(_) => {}
        }
        let from = self.moved.as_ref().and_then(|moved| moved.from.as_deref());
        let is_back = from == Some(&used.id) || self.choice == DeviceChoice::Id(used.id.clone());
        let what = match (&self.moved, &self.reported) {
            (Some(_), _) if is_back => t!("is-back-it-is-used", name),
            (None, None) => return None,
            _ => t!("is-used-now", name),
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
