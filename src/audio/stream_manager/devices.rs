//! Hot-plugging: what the list of devices means for the two streams.
//!
//! ```text
//!                  gone from the list                     back for 300 ms, and a second after the last change
//! chosen one ────────────────────────▶ stand-in ─────────────────────────────▶ chosen one
//!     │              Moved: "X was unplugged: using Y until it is back."       Moved: "X is back: it is used again."
//!     └── nothing left ──▶ none, Lost
//! ```
//!
//! A host may move a stream on its own, even to the monitor of the speaker, which only its list shows. So a stream
//! whose device is no longer listed is closed, whether it still delivers sound or not.

use std::time::{Duration, Instant};

use super::super::device::{DeviceChoice, DeviceInfo, Devices, Direction};
use super::super::device_selection::select_device;
use super::super::event::VoiceEvent;
use super::{BOTH, StreamManager};

/// Polling interval for devices that never change.
const UNCHANGING: Duration = Duration::from_secs(2);
/// Time for which a returning device must stay before it is used: plugs bounce, Bluetooth reconnects.
const SETTLED: Duration = Duration::from_millis(300);

impl StreamManager {
    /// Polls the list of devices when that is due.
    pub(super) fn poll_devices(&mut self, now: Instant) {
        if now < self.next_poll {
            return;
        }
        let every = BOTH
            .into_iter()
            .filter_map(|d| self.backends.of(d).poll_every())
            .min();
        if every.is_none() && self.devices.is_some() {
            self.next_poll = now + UNCHANGING;
            return;
        }
        let devices = self.backends.devices();
        self.last_poll = now;
        self.next_poll = now + every.unwrap_or(UNCHANGING);
        let changed = self.devices.as_ref() != Some(&devices);
        let first = self.devices.is_none();
        for direction in BOTH {
            // Files and the like cannot be missing.
            if self.backends.of(direction).poll_every().is_some() {
                let list = list_of(&devices, direction);
                self.follow(direction, list, changed && !first, now);
                if list.is_empty() && !devices.host.is_empty() {
                    self.report_absence(direction);
                }
            }
        }
        if changed {
            self.outbox.push(VoiceEvent::Devices(devices.clone()));
            self.devices = Some(devices);
        }
    }

    /// Closes a stream whose device is gone, follows the default, returns to the selected device, retries a missing
    /// one.
    fn follow(&mut self, direction: Direction, list: &[DeviceInfo], changed: bool, now: Instant) {
        let slot = self.slot(direction);
        slot.remember(list);
        let Some(running) = &slot.running else {
            if changed {
                slot.reset_back_off(now);
                slot.retry_at = slot.not_before(now);
            }
            return;
        };
        let here = running.info.device.id.clone();
        let is_here = list.iter().any(|d| d.id == here);
        match select_device(direction, &slot.choice, list).cloned() {
            Some(meant) if meant.id == here => slot.better_since = None,
            Some(meant) if is_here => self.change_over(direction, &meant, now),
            other => {
                self.end(direction);
                let slot = self.slot(direction);
                slot.retry_at = slot.not_before(now);
                if other.is_none() {
                    let what = slot.absence_notice(direction.noun());
                    self.report_lost(direction, what);
                }
            }
        }
    }

    /// Reports at once that the last device is gone, before the next try fails.
    fn report_absence(&mut self, direction: Direction) {
        let slot = self.slot(direction);
        if slot.wanted && slot.running.is_none() && slot.gone.is_some() {
            let what = slot.absence_notice(direction.noun());
            self.report_lost(direction, what);
        }
    }

    /// Handles a better device than the current one, while both are present.
    fn change_over(&mut self, direction: Direction, meant: &DeviceInfo, now: Instant) {
        let slot = self.slot(direction);
        let is_chosen = slot.choice == DeviceChoice::Id(meant.id.clone());
        if !is_chosen && !meant.is_default {
            // Without a default, the current device is as good as any.
            return;
        }
        let since = *slot.better_since.get_or_insert(now);
        let settled = if is_chosen { since + SETTLED } else { now };
        let due = slot.not_before(settled);
        if now >= due {
            self.replace(direction, now);
        } else {
            self.next_poll = self.next_poll.min(due);
        }
    }

    /// Returns the device to open: the selected one or its fallback.
    pub(super) fn effective_choice(&mut self, direction: Direction, now: Instant) -> DeviceChoice {
        let choice = self.slot(direction).choice.clone();
        let DeviceChoice::Id(_) = &choice else {
            return choice;
        };
        if self.backends.of(direction).poll_every().is_none() {
            return choice;
        }
        if self.devices.is_none() {
            self.poll_devices(now);
        }
        let list = self.devices.as_ref().map(|d| list_of(d, direction));
        let found = list.and_then(|list| select_device(direction, &choice, list));
        found.map_or(choice, |device| DeviceChoice::Id(device.id.clone()))
    }

    /// Reports if a new stream uses a fallback, or the selected device again.
    pub(super) fn report_moved(&mut self, direction: Direction, now_used: &DeviceInfo) {
        let devices = self.devices.clone().unwrap_or_default();
        let list = list_of(&devices, direction);
        let slot = self.slot(direction);
        let Some((what, settled)) = slot.arrival_notice(direction.noun(), now_used, list) else {
            return;
        };
        let before = if settled {
            slot.moved.take().map(|moved| moved.what)
        } else {
            let from = slot.gone.as_ref().map(|d| d.id.clone());
            slot.moved
                .replace(super::stream_slot::Moved {
                    what: what.clone(),
                    from,
                })
                .map(|moved| moved.what)
        };
        tracing::info!(?direction, what, "audio device changed");
        self.outbox.push(VoiceEvent::Moved {
            direction,
            what: Some(what),
            before,
            settled,
        });
    }
}

fn list_of(devices: &Devices, direction: Direction) -> &[DeviceInfo] {
    match direction {
        Direction::Input => &devices.inputs,
        Direction::Output => &devices.outputs,
    }
}
