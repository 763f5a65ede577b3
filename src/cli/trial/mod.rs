//! The common part of `bench` and `load`: conversations with the ordinary session and client, on virtual devices, with our
//! own server or any endpoint.
//!
//! ```text
//!  load_profile ─ number ─▶ session_pool ─ start, stop ─▶ conversation ×n ─ Report ─▶ aggregate ─▶ report::…
//!                                                         │ session, client          ▲
//!  fleet (audio) ◀── speak ───────────────────────────────┤        resource_sampler ─┘ processor, memory, once a second
//!  target: servers in separate processes ◀────────────────┘ sockets
//! ```

pub(super) mod aggregate;
pub(super) mod budget;
pub(super) mod conversation;
pub(super) mod files;
pub(super) mod load_profile;
pub(super) mod output;
pub(super) mod progress;
pub(super) mod resource_sampler;
pub(super) mod session_pool;
pub(super) mod target;
pub(super) mod timeline;
mod turn_row;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;

use super::problem::Problem;
use crate::audio::virtual_devices;
use crate::profile::Profile;
use crate::report::results::{Circumstances, LimitCheck, failed};

/// Default utterance: mono, 16 bit.
const QUESTION: &[u8] = include_bytes!("../../../assets/speech/question.wav");

/// Utterances, mono at the fleet's rate.
pub(super) type Utterances = Vec<Arc<[f32]>>;

/// The utterances and their description. Each file is tried with each profile: a file without detectable speech would look
/// like a fault of the service.
///
/// # Errors
///
/// A file that cannot be used, or holds no speech.
pub(super) fn utterances(
    files: &[PathBuf],
    profiles: &[Arc<Profile>],
) -> Result<(Utterances, String), Problem> {
    if files.is_empty() {
        let question = virtual_devices::utterance_of(QUESTION).context("the bundled question")?;
        return Ok((vec![question], "the bundled question".to_owned()));
    }
    let mut found = Vec::new();
    for file in files {
        let read = virtual_devices::utterance(file);
        let utterance = read.map_err(|error| {
            Problem::usage(error.to_string()).hint("Check the names after --input.")
        })?;
        if let Some(deaf) = profiles
            .iter()
            .find(|p| !virtual_devices::is_heard(&utterance, p))
        {
            let what = format!(
                "{}: it holds no speech that the detector of profile {:?} hears",
                file.display(),
                deaf.name
            );
            let hint = "Name a file in which somebody speaks, well above the noise, after --input.";
            return Err(Problem::usage(what).hint(hint));
        }
        found.push(utterance);
    }
    let samples: usize = found.iter().map(|utterance| utterance.len()).sum();
    let seconds = virtual_devices::RATE
        .duration_of(samples as u64)
        .as_secs_f64();
    let files = match found.len() {
        1 => "a file".to_owned(),
        n => format!("{n} files"),
    };
    Ok((found, format!("{files}, {seconds:.1} s of sound")))
}

/// Refuses to compare runs with `differences`.
///
/// # Errors
///
/// If there are any.
pub(super) fn alike(differences: Vec<String>) -> Result<(), Problem> {
    if differences.is_empty() {
        return Ok(());
    }
    let what = format!(
        "--compare: the earlier run was another one: {}",
        differences.join("; ")
    );
    Err(Problem::usage(what).hint("Repeat the run with the options of the earlier one."))
}

/// The exit status of a judged run: 1 if a limit was missed, or could not be judged although the run came to its end.
pub(super) fn status(checks: &[LimitCheck], run: &Circumstances) -> ExitCode {
    if failed(checks, run.cut_short.is_some()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// The circumstances of a run that begins now.
pub(super) fn circumstances(place: &target::Target, sound: &str, spoken: String) -> Circumstances {
    Circumstances {
        made: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: if cfg!(debug_assertions) {
            "test"
        } else {
            "optimised"
        }
        .to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cores: crate::probe::Probe::cores(),
        endpoint: place.words.clone(),
        sound: sound.to_owned(),
        spoken,
        think_ms: place.think_ms,
        cut_short: None,
        spent_usd: None,
    }
}

/// Reads an earlier report.
///
/// # Errors
///
/// A file that is none.
pub(super) fn earlier<T: serde::de::DeserializeOwned>(
    file: &Path,
    schema: &str,
) -> Result<T, Problem> {
    let fail = |what: String| {
        let hint = format!("--compare takes the JSON file of an earlier report ({schema}).");
        Err(Problem::usage(format!("{}: {what}", file.display())).hint(hint))
    };
    if super::written::is_pipe(file) {
        return fail("it is a pipe".to_owned());
    }
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) => return fail(format!("it cannot be read: {error}")),
    };
    let value: serde_json::Value = match serde_json::from_slice(&text) {
        Ok(value) => value,
        Err(error) => return fail(format!("it is no JSON: {error}")),
    };
    match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(found) if found == schema => {}
        Some(found) => return fail(format!("it is a {found:?}, expected is {schema:?}")),
        None => return fail("it names no schema".to_owned()),
    }
    serde_json::from_value(value)
        .or_else(|error| fail(format!("it does not hold to its schema: {error}")))
}
