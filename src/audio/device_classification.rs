//! Classification of devices and servers by name: headset, monitor, Bluetooth, which server answers.

#[cfg(target_os = "linux")]
use std::ffi::OsString;
use std::path::{Path, PathBuf};

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

/// Whether PipeWire's socket answers.
#[cfg(target_os = "linux")]
pub(super) fn pipewire_answers() -> bool {
    let name = set("PIPEWIRE_REMOTE").unwrap_or_else(|| "pipewire-0".into());
    runtime_folders(&["PIPEWIRE_RUNTIME_DIR", "XDG_RUNTIME_DIR"])
        .any(|folder| answers(&folder.join(&name)))
}

/// Whether a server that speaks PulseAudio's protocol answers.
#[cfg(target_os = "linux")]
pub(super) fn pulse_answers() -> bool {
    match std::env::var("PULSE_SERVER") {
        // Another machine, or a list: only connecting would show.
        Ok(server) if !server.is_empty() => match server.strip_prefix("unix:") {
            Some(path) => answers(Path::new(path)),
            None => true,
        },
        _ => {
            let own = runtime_folders(&["PULSE_RUNTIME_PATH"]);
            let usual = runtime_folders(&["XDG_RUNTIME_DIR"]).map(|f| f.join("pulse"));
            own.chain(usual)
                .any(|folder| answers(&folder.join("native")))
        }
    }
}

/// Whether the server of PulseAudio's protocol is pipewire-pulse, by the process that it names.
#[cfg(target_os = "linux")]
pub(super) fn pulse_is_pipewire() -> bool {
    runtime_folders(&["XDG_RUNTIME_DIR"]).any(|folder| {
        let pid = crate::file::read(&folder.join("pulse/pid")).ok();
        let pid = pid.and_then(|pid| String::from_utf8(pid).ok()?.trim().parse::<u32>().ok());
        let command = pid.map(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")));
        command.is_some_and(|read| read.is_ok_and(|command| command.starts_with("pipewire")))
    })
}

/// Whether there is anything that ALSA could open. Asking libasound itself makes it complain on standard error.
#[cfg(target_os = "linux")]
pub(super) fn alsa_has_cards() -> bool {
    let cards = std::fs::read_to_string("/proc/asound/cards").unwrap_or_default();
    let card = |line: &str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    cards.lines().any(card) || set("ALSA_CONFIG_PATH").is_some() || pulse_answers()
}

#[cfg(target_os = "linux")]
fn answers(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

/// An environment variable; an empty one counts as unset.
#[cfg(target_os = "linux")]
fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(target_os = "linux")]
fn runtime_folders(variables: &[&str]) -> impl Iterator<Item = PathBuf> {
    // Relative folders are to be ignored (XDG Base Directory Specification).
    let folder = |name: &&str| set(name).map(PathBuf::from);
    let folders: Vec<PathBuf> = variables.iter().filter_map(folder).collect();
    folders.into_iter().filter(|folder| folder.is_absolute())
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
