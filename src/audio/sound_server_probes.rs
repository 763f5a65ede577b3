//! Which sound server of Linux answers: PipeWire, PulseAudio, pipewire-pulse in its place, or a card of ALSA.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Whether PipeWire's socket answers.
pub(super) fn pipewire_answers() -> bool {
    let name = set("PIPEWIRE_REMOTE").unwrap_or_else(|| "pipewire-0".into());
    runtime_folders(&["PIPEWIRE_RUNTIME_DIR", "XDG_RUNTIME_DIR"])
        .any(|folder| answers(&folder.join(&name)))
}

/// Whether a server that speaks PulseAudio's protocol answers.
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
pub(super) fn pulse_is_pipewire() -> bool {
    runtime_folders(&["XDG_RUNTIME_DIR"]).any(|folder| {
        let pid = crate::file::read(&folder.join("pulse/pid")).ok();
        let pid = pid.and_then(|pid| String::from_utf8(pid).ok()?.trim().parse::<u32>().ok());
        let command = pid.map(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")));
        command.is_some_and(|read| read.is_ok_and(|command| command.starts_with("pipewire")))
    })
}

/// Whether there is anything that ALSA could open. Asking libasound itself makes it complain on standard error.
pub(super) fn alsa_has_cards() -> bool {
    let cards = std::fs::read_to_string("/proc/asound/cards").unwrap_or_default();
    let card = |line: &str| line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    cards.lines().any(card) || set("ALSA_CONFIG_PATH").is_some() || pulse_answers()
}

fn answers(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

/// An environment variable; an empty one counts as unset.
fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn runtime_folders(variables: &[&str]) -> impl Iterator<Item = PathBuf> {
    // Relative folders are to be ignored (XDG Base Directory Specification).
    let folder = |name: &&str| set(name).map(PathBuf::from);
    let folders: Vec<PathBuf> = variables.iter().filter_map(folder).collect();
    folders.into_iter().filter(|folder| folder.is_absolute())
}
