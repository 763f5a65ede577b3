//! Devices that come and go: what the list of devices means for the two streams.
//!
//! ```text
//!                  gone from the list                     back for 300 ms, and a second after the last change
//! chosen one ────────────────────────▶ stand-in ─────────────────────────────▶ chosen one
//!     │              Moved: "X was unplugged: using Y until it is back."       Moved: "X is back: it is used again."
//!     └── nothing left ──▶ none, Lost
//! ```
//!
//! A host may move a stream of its own accord, even to the monitor of the speaker; it says so only in its list. So a
//! stream whose device is not listed any more is closed, whether sound still comes from it or not.

use std::time::{Duration, Instant};

use super::super::choice::meant;
use super::super::{DeviceChoice, DeviceInfo, Devices, Direction, Event};
use super::{BOTH, Owner, noun};

/// Devices that never change are looked at no more often than this.
const UNCHANGING: Duration = Duration::from_secs(2);
/// A device that comes back is used once it has stayed for so long: plugs bounce, Bluetooth changes its mind.
const SETTLED: Duration = Duration::from_millis(300);

impl Owner {
    /// Asks for the list of devices, when that is due.
    pub(super) fn look_for_devices(&mut self, now: Instant) {
        if now < self.next_look {
            return;
        }
        let every = BOTH
            .into_iter()
            .filter_map(|d| self.backends.of(d).poll_every())
            .min();
        if every.is_none() && self.devices.is_some() {
            self.next_look = now + UNCHANGING;
            return;
        }
        let devices = self.backends.devices();
        self.next_look = now + every.unwrap_or(UNCHANGING);
        let changed = self.devices.as_ref() != Some(&devices);
        let first = self.devices.is_none();
        for direction in BOTH {
            // Files and the like are not devices that could be missing.
            if self.backends.of(direction).poll_every().is_some() {
                let list = list_of(&devices, direction);
                self.follow(direction, list, changed && !first, now);
                if list.is_empty() && !devices.host.is_empty() {
                    self.tell_absence(direction);
                }
            }
        }
        if changed {
            self.outbox.push(Event::Devices(devices.clone()));
            self.devices = Some(devices);
        }
    }

    /// Lets go of what is no more, follows the default, returns to what was chosen, tries again what was missing.
    fn follow(&mut self, direction: Direction, list: &[DeviceInfo], changed: bool, now: Instant) {
        let port = self.port(direction);
        port.remember(list);
        let Some(live) = &port.live else {
            if changed {
                port.forget_trouble(now);
                port.retry_at = port.not_before(now);
            }
            return;
        };
        let here = live.info.device.id.clone();
        let is_here = list.iter().any(|d| d.id == here);
        match meant(direction, &port.choice, list).cloned() {
            Some(meant) if meant.id == here => port.better_since = None,
            Some(meant) if is_here => self.change_over(direction, &meant, now),
            other => {
                self.end(direction);
                let port = self.port(direction);
                port.retry_at = port.not_before(now);
                if other.is_none() {
                    let what = port.absence(noun(direction));
                    self.tell_lost(direction, what);
                }
            }
        }
    }

    /// A stream ended because its device was the last: said at once, not only when the next try fails.
    fn tell_absence(&mut self, direction: Direction) {
        let port = self.port(direction);
        if port.wanted && port.live.is_none() && port.gone.is_some() {
            let what = port.absence(noun(direction));
            self.tell_lost(direction, what);
        }
    }

    /// Another device than the one that runs is meant, and both are there.
    fn change_over(&mut self, direction: Direction, meant: &DeviceInfo, now: Instant) {
        let port = self.port(direction);
        let is_chosen = port.choice == DeviceChoice::Id(meant.id.clone());
        if !is_chosen && !meant.is_default {
            // Hosts that know no default: what runs is as good as any.
            return;
        }
        let since = *port.better_since.get_or_insert(now);
        let settled = if is_chosen { since + SETTLED } else { now };
        let due = port.not_before(settled);
        if now >= due {
            self.replace(direction, now);
        } else {
            self.next_look = self.next_look.min(due);
        }
    }

    /// The device to ask for: the chosen one, or the one that stands in for it.
    pub(super) fn choice_now(&mut self, direction: Direction, now: Instant) -> DeviceChoice {
        let choice = self.port(direction).choice.clone();
        let DeviceChoice::Id(_) = &choice else {
            return choice;
        };
        if self.backends.of(direction).poll_every().is_none() {
            return choice;
        }
        if self.devices.is_none() {
            self.look_for_devices(now);
        }
        let list = self.devices.as_ref().map(|d| list_of(d, direction));
        let found = list.and_then(|list| meant(direction, &choice, list));
        found.map_or(choice, |device| DeviceChoice::Id(device.id.clone()))
    }

    /// A stream runs: says so if it is not the device that was meant, or is it again.
    pub(super) fn tell_moved(&mut self, direction: Direction, now_used: &DeviceInfo) {
        let devices = self.devices.clone().unwrap_or_default();
        let list = list_of(&devices, direction);
        let port = self.port(direction);
        let Some((what, settled)) = port.arrival(noun(direction), now_used, list) else {
            return;
        };
        let before = if settled {
            port.moved.take().map(|moved| moved.what)
        } else {
            let from = port.gone.as_ref().map(|d| d.id.clone());
            port.moved
                .replace(super::port::Moved {
                    what: what.clone(),
                    from,
                })
                .map(|moved| moved.what)
        };
        tracing::info!(?direction, what, "another sound device is used");
        self.outbox.push(Event::Moved {
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
