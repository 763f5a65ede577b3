//! Classification of devices by name: headset, monitor, Bluetooth.

/// Lower-case parts of names and ids of devices worn on the ear: their sound does not reach a microphone. Bluetooth
/// telephone profiles (HFP, HSP) are headsets; a Bluetooth device in general may be a loudspeaker.
const HEADSET_WORDS: [&str; 16] = [
    "headset",
    "headphone",
    "head-phone",
    "earphone",
    "earpod",
    "earbud",
    "airpods",
    "buds",
    "in-ear",
    "kopfhörer",
    "casque",
    "auriculares",
    "handsfree",
    "hands-free",
    "hfp",
    "hsp",
];

/// Whether a device is worn on the ear, by its name or id.
pub(super) fn is_headset(name: &str, id: &str) -> bool {
    holds_word(&HEADSET_WORDS, name, id)
}

fn holds_word(wanted: &[&str], name: &str, id: &str) -> bool {
    let text = format!("{name} {id}").to_lowercase();
    // Short words must stand alone: "hsp" is part of "earthspeaker".
    let words = || text.split(|c: char| !c.is_alphanumeric() && c != '-');
    wanted
        .iter()
        .any(|word| words().any(|w| w == *word) || (word.len() > 3 && text.contains(word)))
}

/// Lower-case parts of names and ids of Bluetooth devices: Linux names them `bluez`, the telephone profiles are
/// recognisable everywhere.
const BLUETOOTH_WORDS: [&str; 8] = [
    "bluez",
    "bluetooth",
    "airpods",
    "handsfree",
    "hands-free",
    "hfp",
    "hsp",
    "headset-head-unit",
];

/// Whether a device is connected by Bluetooth, by name or id.
pub(super) fn is_bluetooth(name: &str, id: &str) -> bool {
    holds_word(&BLUETOOTH_WORDS, name, id)
}

/// Whether a source is the monitor of a speaker.
pub(super) fn is_monitor(name: &str, id: &str) -> bool {
    id.ends_with(".monitor") || name.to_lowercase().starts_with("monitor of ")
}

/// Whether an ALSA name is a card or a sound server. The rest (rate converters, up-mixers, `null` …) are plugins that
/// claim to be input and output alike.
pub(super) fn is_real_alsa(pcm: &str) -> bool {
    matches!(pcm, "default" | "pulse" | "pipewire") || pcm.starts_with("plughw:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headsets_are_known_by_their_names() {
        for name in [
            "Jabra Evolve Headset",
            "AirPods Pro",
            "Galaxy Buds2",
            "Kopfhörer",
            "WH-1000XM4 (HFP)",
            "USB Headphones",
        ] {
            assert!(is_headset(name, ""), "{name}");
        }
        assert!(is_headset(
            "WH-1000",
            "bluez_output.AA_BB.headset-head-unit"
        ));
        for name in [
            "Earthspeaker",
            "Built-in Audio",
            "Bluetooth speaker",
            "MacBook Pro Speakers",
        ] {
            assert!(!is_headset(name, "alsa_output.pci"), "{name}");
        }
    }

    #[test]
    fn bluetooth_is_known_by_its_names() {
        assert!(is_bluetooth(
            "WH-1000XM4",
            "pulseaudio:bluez_source.AA.handsfree_head_unit"
        ));
        assert!(is_bluetooth(
            "Headset (WH-1000XM4 Hands-Free AG Audio)",
            "{0.0.1}"
        ));
        assert!(is_bluetooth("AirPods Pro", "AA-BB"));
        assert!(!is_bluetooth(
            "Jabra Evolve Headset",
            "alsa_input.usb-Jabra"
        ));
        assert!(!is_bluetooth("Built-in Audio", "alsa_input.pci-0000"));
    }

    #[test]
    fn monitors_and_plumbing_are_no_devices() {
        assert!(is_monitor("Monitor of Built-in Audio", "x"));
        assert!(is_monitor("Speaker", "pulseaudio:spk.monitor"));
        assert!(!is_monitor("Monitor microphone", "pulseaudio:mic"));
        assert!(is_real_alsa("plughw:CARD=0,DEV=0") && is_real_alsa("default"));
        for pcm in [
            "lavrate",
            "upmix",
            "jack",
            "oss",
            "null",
            "sysdefault",
            "hw:CARD=0,DEV=0",
        ] {
            assert!(!is_real_alsa(pcm), "{pcm}");
        }
    }
}
