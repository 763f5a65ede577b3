//! Checks of the set-up without a connection: files, key, devices, variables.

use std::ffi::OsString;
use std::path::Path;

use url::Url;

use super::check::Check;
use crate::audio::Devices;
use crate::base::cost::Cost;
use crate::base::printable::clipped;
use crate::file;
use crate::profile::Profile;
use crate::provider::gemini::models;
use crate::provider::turn_cost::Pricing;
use crate::settings::api_key::{FoundKey, VARIABLE};
use crate::settings::config::Config;
use crate::settings::paths::Paths;
use crate::settings::profiles::Profiles;

/// Characters of a variable that are shown.
const LONGEST_VALUE: usize = 200;

pub(super) fn configuration(paths: &Paths, faults: &[String]) -> Vec<Check> {
    let name = "configuration";
    if !faults.is_empty() {
        let hint = "Correct it, or remove it; all other lines are used.";
        let bad = |fault: &String| Check::bad(name, fault.clone(), hint);
        return faults.iter().map(bad).collect();
    }
    vec![match paths.config_file() {
        None => Check::warn(
            name,
            "there is no home folder: nothing is kept",
            "Set HOME, or name a file with --config.",
        ),
        Some(file) if file.exists() => Check::ok(name, file.display().to_string()),
        Some(file) => Check::ok(
            name,
            format!("{} (not there yet: the defaults hold)", file.display()),
        ),
    }]
}

pub(super) fn profiles(paths: &Paths, profiles: &Profiles) -> Vec<Check> {
    let name = "profiles";
    if !profiles.faults().is_empty() {
        let bad = |fault: &String| {
            Check::bad(
                name,
                fault.clone(),
                "Correct the file; `sovereign profiles check FILE` says when it is good.",
            )
        };
        return profiles.faults().iter().map(bad).collect();
    }
    let own = profiles
        .entries()
        .iter()
        .filter(|entry| entry.file.is_some())
        .count();
    let folder = paths.profiles().map_or_else(
        || "no folder".to_owned(),
        |folder| folder.display().to_string(),
    );
    vec![Check::ok(
        name,
        format!(
            "{} profiles, {own} of them from {folder}",
            profiles.entries().len()
        ),
    )]
}

/// The model warnings of the user's profiles, and how the model of `wanted` thinks, unless it has ended.
pub(super) fn models(profiles: &Profiles, wanted: Option<&Profile>) -> Vec<Check> {
    let name = "model";
    let hint =
        "Change that line; `sovereign doctor --live` lists the models that this key can talk to.";
    let entries = profiles.entries().iter();
    let warnings = entries.flat_map(|entry| &entry.warnings);
    let mut checks: Vec<_> = warnings
        .map(|warning| Check::warn(name, warning.to_string(), hint))
        .collect();
    if let Some((profile, model)) =
        wanted.and_then(|wanted| Some((wanted, models::known(&wanted.live.model)?)))
        && model.successor().is_none()
    {
        let (live, thinks) = (&profile.live.model, model.thinking_in_words());
        let what = format!("{live}, of `{}`: it {thinks}", profile.name);
        checks.push(Check::ok(name, what));
    }
    checks
}

/// Whether logs and recordings can be written. Makes the folder, as every start does.
pub(super) fn state(paths: &Paths) -> Check {
    let name = "state";
    let folder = paths.state();
    let probe = folder.join(".doctor");
    let written = file::keep(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Check::ok(name, folder.display().to_string()),
        Err(error) => Check::warn(
            name,
            format!(
                "{} cannot be written ({error}): logs and recordings are not kept",
                folder.display()
            ),
            "Make it writable, or name another folder as `state:` in the configuration file.",
        ),
    }
}

/// The spend limits, if any, the amount spent today, and whether they can be enforced with this model.
pub(super) fn spending(
    config: &Config,
    today: impl FnOnce() -> Cost,
    model: Option<(&str, Pricing)>,
) -> Option<Check> {
    let (name, limits) = ("spending", config.spend_limit);
    let dollars = |usd| Cost {
        usd,
        at_most: false,
    };
    let conversation = limits
        .conversation
        .map(|usd| format!("{} for each conversation", dollars(usd)));
    let day = limits.day.map(|usd| {
        let (limit, today) = (dollars(usd), today());
        format!("{limit} for each day, of which {today} is spent today")
    });
    let limits: Vec<String> = [conversation, day].into_iter().flatten().collect();
    if limits.is_empty() {
        return None;
    }
    let what = format!("the limit is {}", limits.join("; "));
    Some(match model.filter(|(_, pricing)| pricing.is_unknown()) {
        Some((model, _)) => Check::warn(
            name,
            format!("{what}; it cannot be kept: what {model} costs there is not known"),
            "Set `price_usd_per_million` with `in` and `out` in the configuration file.",
        ),
        None => Check::ok(name, what),
    })
}

/// Variables that are set and have no effect: relative folders (XDG Base Directory Specification 0.8), sound servers that
/// cannot be talked to.
pub(super) fn variables(read: impl Fn(&str) -> Option<OsString>) -> Vec<Check> {
    let set = |name: &str| read(name).filter(|value| !value.is_empty());
    let ignored = |name: &str, value: &OsString, why: &str, hint: &str| {
        let value = value.to_string_lossy();
        let what = format!(
            "{name} is set to `{}`, {why}, and ignored",
            clipped(&value, LONGEST_VALUE)
        );
        Check::warn("environment", what, hint)
    };
    let mut checks = Vec::new();
    for name in [
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "XDG_RUNTIME_DIR",
    ] {
        if let Some(value) = set(name).filter(|value| !Path::new(value).is_absolute()) {
            let hint = "Write the whole path, from / on and without quotes, or unset it.";
            checks.push(ignored(name, &value, "which is not an absolute path", hint));
        }
    }
    let is_socket = |value: &OsString| value.to_str().is_some_and(|text| text.starts_with("unix:"));
    if let Some(value) = set("PULSE_SERVER").filter(|value| !is_socket(value)) {
        let hint = "Write unix:PATH, without quotes, or unset it.";
        let why = "which is not a server on this computer";
        checks.push(ignored("PULSE_SERVER", &value, why, hint));
    }
    checks
}

pub(super) fn key(found: &FoundKey) -> Vec<Check> {
    let name = "key";
    let mut checks: Vec<Check> = found
        .warnings
        .iter()
        .map(|warning| Check::warn(name, warning.clone(), "Do as it says, then run this again."))
        .collect();
    checks.push(match &found.key {
        Some(key) => {
            let ending = key.ending();
            let ending = if ending.is_empty() {
                String::new()
            } else {
                format!(", ending in {ending}")
            };
            let unused = found.unused.map_or_else(String::new, |variable| {
                format!("; {variable} holds another one, which is not used")
            });
            let source = key.source.words();
            Check::ok(name, format!("from {source}{ending}{unused}"))
        }
        None => Check::warn(
            name,
            "none: the offline demo answers",
            format!(
                "Make a key in Google AI Studio, and set {VARIABLE} or type it into the window."
            ),
        ),
    });
    checks
}

pub(super) fn sound(devices: &Devices) -> Vec<Check> {
    let host = if devices.host.is_empty() {
        "none"
    } else {
        &devices.host
    };
    let without = |what: &str| format!("no {what} (sound system: {host})");
    let names = |list: &[crate::audio::DeviceInfo]| {
        let name = |device: &crate::audio::DeviceInfo| {
            let default = if device.is_default { " (default)" } else { "" };
            format!("{}{default}", device.name)
        };
        format!(
            "{} through {host}",
            list.iter().map(name).collect::<Vec<_>>().join(", ")
        )
    };
    let microphone = if devices.inputs.is_empty() {
        Check::warn(
            "microphone",
            without("microphone"),
            "Plug one in and start PipeWire or PulseAudio; until then, use `talk --input FILE.wav`.",
        )
    } else {
        Check::ok("microphone", names(&devices.inputs))
    };
    let speaker = if devices.outputs.is_empty() {
        Check::warn(
            "speaker",
            without("speaker"),
            "Plug one in and start PipeWire or PulseAudio; until then, use `talk --output FILE.wav`.",
        )
    } else {
        Check::ok("speaker", names(&devices.outputs))
    };
    vec![microphone, speaker]
}

/// Whether the audio worker thread gets real-time priority.
pub(super) fn priority(granted: Result<&'static str, crate::audio::priority::Refused>) -> Check {
    match granted {
        Ok(what) => Check::ok("priority", format!("sound goes first: {what}")),
        // Optional; without it a busy machine may stutter.
        Err(refused) => Check::ok(
            "priority",
            format!("ordinary, {refused}: replies may stutter while the computer is busy"),
        ),
    }
}

/// Host and port of an address, without its query, which may hold a secret.
pub(super) fn place(url: &Url) -> String {
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or(""))
}
