//! Device selection: the chosen device, or its fallback.
//!
//! ```text
//! a certain one ──▶ it, if it is there ─┐
//! the default ────▶ the system's ───────┴─ else ─▶ the system's default, else the first;
//!                                                  a Bluetooth microphone only if there is no other
//! ```
//!
//! Monitors of speakers are not listed, so they are never selected. A user whose system default is a Bluetooth
//! microphone gets it: that was a choice too.

use super::device::{DeviceChoice, DeviceInfo, Direction};
use super::device_classification::is_bluetooth;

/// Selects the device to use; `None` if there is none.
pub(super) fn select_device<'a>(
    direction: Direction,
    choice: &DeviceChoice,
    list: &'a [DeviceInfo],
) -> Option<&'a DeviceInfo> {
    let chosen = match choice {
        DeviceChoice::Default => list.iter().find(|d| d.is_default),
        DeviceChoice::Id(id) => list.iter().find(|d| d.id == *id),
    };
    chosen.or_else(|| fallback(direction, list))
}

/// The best device that nobody chose.
fn fallback(direction: Direction, list: &[DeviceInfo]) -> Option<&DeviceInfo> {
    // Opening a Bluetooth microphone limits the whole headset to telephone quality: 8 or 16 kHz, both ways.
    let costly = |d: &DeviceInfo| direction == Direction::Input && is_bluetooth(&d.name, &d.id);
    // The first among equals.
    list.iter().min_by_key(|d| (costly(d), !d.is_default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_one_then_the_default_then_the_first_but_no_bluetooth_microphone() {
        let id = |id: &str| DeviceChoice::Id(id.to_owned());
        let list = [
            device("bluez_input.AA", false),
            device("usb", false),
            device("built-in", true),
        ];
        let bluetooth_default = [device("bluez_input.AA", true), device("usb", false)];
        let no_default = [device("usb", false), device("built-in", false)];
        let only = [device("bluez_input.AA", false)];
        let cases = [
            (id("usb"), &list[..], Some("usb")),
            (id("away"), &list, Some("built-in")),
            (DeviceChoice::Default, &list, Some("built-in")),
            (
                DeviceChoice::Default,
                &bluetooth_default,
                Some("bluez_input.AA"),
            ),
            (id("away"), &bluetooth_default, Some("usb")),
            (id("bluez_input.AA"), &list, Some("bluez_input.AA")),
            (DeviceChoice::Default, &no_default, Some("usb")),
            (id("away"), &only, Some("bluez_input.AA")),
            (id("away"), &[], None),
            (DeviceChoice::Default, &[], None),
        ];
        for (choice, list, expected) in cases {
            let found = select_device(Direction::Input, &choice, list);
            assert_eq!(
                found.map(|d| d.id.as_str()),
                expected,
                "{choice:?} of {list:?}"
            );
        }
        // A Bluetooth speaker costs nothing.
        let found = select_device(Direction::Output, &id("away"), &bluetooth_default);
        assert_eq!(found.map(|d| d.id.as_str()), Some("bluez_input.AA"));
    }

    fn device(id: &str, is_default: bool) -> DeviceInfo {
        DeviceInfo {
            id: id.to_owned(),
            name: id.to_owned(),
            is_default,
            headset: false,
        }
    }
}
