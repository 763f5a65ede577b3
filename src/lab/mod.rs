//! Runs of `bench` and `load`: conversations with the ordinary session and client, on virtual devices, with our own server or
//! any endpoint.
//!
//! ```text
//!  load_profile ─ number ─▶ session_pool ─ start, stop ─▶ conversation ×n ─ Report ─▶ aggregate ─▶ report::…
//!                                                         │ session, client          ▲
//!  fleet (audio) ◀── speak ───────────────────────────────┤        resource_sampler ─┘ processor, memory, once a second
//!  target: servers in separate processes ◀────────────────┘ sockets
//! ```

pub(crate) mod aggregate;
pub(crate) mod conversation;
pub(crate) mod load_profile;
pub(crate) mod resource_sampler;
pub(crate) mod session_pool;
pub(crate) mod spend_budget;
pub(crate) mod timeline;
pub(crate) mod trial_endpoint;
mod turn_row;
pub(crate) mod user_files;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use crate::audio::virtual_devices;
use crate::base::problem::Problem;
use crate::profile::Profile;
use crate::report::results::Circumstances;

/// Default utterance: mono, 16 bit.
const QUESTION: &[u8] = include_bytes!("../../assets/speech/question.wav");

/// Utterances, mono at the fleet's rate.
pub(crate) type Utterances = Vec<Arc<[f32]>>;

/// The utterances and their description. Each file is tried with each profile: a file without detectable speech would look
/// like a fault of the service.
pub(crate) fn utterances(
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

/// The circumstances of a run that begins now.
pub(crate) fn circumstances(
    place: &trial_endpoint::Target,
    sound: &str,
    spoken: String,
) -> Circumstances {
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
