//! `sovereign doctor`: finds faults and names remedies.

mod ask_desktop;
mod bundle;
mod check;
mod global_key;
mod media_keys;
mod network;
mod other_sound;
mod setup;
mod sound_check;
mod tray;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use self::check::{Check, Status};
use self::sound_check::SoundFigures;
use super::profiles::put;
use crate::audio::{DeviceChoice, Devices};
use crate::provider::gemini::price_list::published;
use crate::provider::turn_cost::Pricing;
use crate::settings::api_key::{FoundKey, KeyStore};
use crate::settings::config::{Config, ConfigFile};
use crate::settings::endpoint::{self, Endpoint, Wishes};
use crate::settings::key_destination;
use crate::settings::paths::Paths;
use crate::settings::profiles::Profiles;

/// Check configuration, profiles, key, sound and network: what is wrong, and what to do
#[derive(Args, Clone, Debug, Default)]
pub struct DoctorArgs {
    /// Also connect to the service: whether it takes the key and the set-up, and which models the key can talk to
    #[arg(long)]
    pub live: bool,
    /// Do not listen to the microphone, and play no sound
    #[arg(long)]
    pub no_sound_check: bool,
    /// As one JSON object
    #[arg(long)]
    pub json: bool,
    /// Write all that helps to find a fault into a zip file: findings, settings, profiles, figures, logs; without keys and
    /// words of the conversation
    #[arg(long, value_name = "FILE.zip", value_parser = super::global::path())]
    pub bundle: Option<PathBuf>,
}

/// What the other options of the command line say.
#[derive(Clone, Copy, Debug, Default)]
pub struct DoctorOptions<'a> {
    pub config: Option<&'a Path>,
    pub profile: Option<&'a str>,
    pub endpoint: Option<&'a str>,
    pub demo: bool,
    pub devices: [Option<&'a str>; 2],
}

/// Checks everything and prints the findings. The status is 1 if any is bad.
pub fn run(
    args: &DoctorArgs,
    asked: DoctorOptions<'_>,
    devices: impl FnOnce() -> Devices,
    out: &mut dyn Write,
) -> io::Result<ExitCode> {
    let paths = Paths::find(asked.config);
    let keys = KeyStore::system(paths.key());
    let mut found = examine(args, asked, paths.clone(), &keys, &devices());
    if let Some(file) = &args.bundle {
        let report = json(&found);
        found.checks.push(bundle::check(file, &paths, &report));
    }
    if args.json {
        put(out, [json(&found)])?;
    } else {
        put(out, text(&found.checks))?;
    }
    let bad = found.checks.iter().any(|check| check.status == Status::Bad);
    Ok(if bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

#[derive(Debug, Default)]
struct Findings {
    checks: Vec<Check>,
    sound: Option<SoundFigures>,
    /// The models that the key can talk to.
    models: Option<Vec<network::Usable>>,
}

fn examine(
    args: &DoctorArgs,
    asked: DoctorOptions<'_>,
    paths: Paths,
    keys: &KeyStore,
    devices: &Devices,
) -> Findings {
    let (file, _) = ConfigFile::load(paths.config_file());
    let config = file.get();
    let paths = paths.with_state(config.state.as_deref());
    let profiles = Profiles::load(paths.profiles());
    let key = keys.find();
    let mut checks = setup::configuration(&paths, file.faults());
    checks.extend(setup::profiles(&paths, &profiles));
    let wanted = asked
        .profile
        .or(config.profile.as_deref())
        .unwrap_or(crate::profile::DEFAULT);
    let profile = profiles.get(wanted);
    if let Err(unknown) = &profile {
        checks.push(Check::bad(
            "profile",
            unknown.to_string(),
            "Choose one of these, with --profile or in the configuration file.",
        ));
    }
    checks.extend(setup::models(&profiles, profile.as_deref().ok()));
    if !file.is_stateless() {
        checks.push(setup::state(&paths));
    }
    checks.extend(setup::variables(|name| std::env::var_os(name)));
    checks.extend(config.global_key.as_ref().map(global_key::check));
    checks.extend(config.media_keys.then(media_keys::check).flatten());
    checks.extend(tray::check(&config.window));
    checks.extend(setup::key(&key));
    checks.extend(setup::sound(devices));
    checks.extend(config.lower_other_sound.then(other_sound::check));
    checks.push(setup::priority(crate::audio::priority::probe()));
    let mut found = Findings::default();
    if let (Ok(profile), false, true) = (
        &profile,
        args.no_sound_check,
        sound_check::is_possible(devices),
    ) {
        let heard = sound_check::listen(profile, chosen(asked.devices, config));
        checks.extend(sound_check::checks(&heard));
        found.sound = heard.ok().map(|(report, _)| SoundFigures::of(&report));
    }
    checks.push(network::demo());
    let wishes = Wishes {
        demo: asked.demo,
        flag: asked.endpoint,
        config: config.endpoint.as_deref(),
        has_key: key.key.is_some(),
    };
    let model = profile.as_ref().ok().map(|profile| {
        let model = profile.live.model.as_str();
        (model, pricing(wishes, config, model))
    });
    let today = || crate::conversation::spent_today(paths.state());
    checks.extend(setup::spending(config, today, model));
    match file
        .held()
        .filter(|_| !asked.demo && asked.endpoint.is_none())
    {
        Some(_) => checks.push(Check::bad(
            "endpoint",
            "nothing is dialled: a line of the configuration file that protects you cannot be read",
            "Correct the line that is named above, or name an endpoint with --endpoint.",
        )),
        None => {
            let profile = profile.ok().filter(|_| args.live);
            let (more, models) = connection(args.live, wishes, &key, profile.as_deref(), config);
            checks.extend(more);
            found.models = models;
        }
    }
    found.checks = checks;
    found
}

/// What is known of the price of what is asked.
fn pricing(wishes: Wishes<'_>, config: &Config, model: &str) -> Pricing {
    let chosen = endpoint::choose(wishes);
    let is_demo = matches!(chosen, Ok(Endpoint::Demo));
    let host = match &chosen {
        Ok(Endpoint::Live(url)) => url.host_str().unwrap_or_default(),
        Ok(Endpoint::Demo) | Err(_) => "",
    };
    Pricing::new(
        is_demo,
        config.price_usd_per_million,
        published(host, model),
    )
}

/// The devices of the command line, else of the configuration.
fn chosen(flags: [Option<&str>; 2], config: &Config) -> [DeviceChoice; 2] {
    let kept = [&config.input_device, &config.output_device];
    std::array::from_fn(|n| {
        flags[n]
            .or(kept[n].as_deref())
            .map_or(DeviceChoice::Default, |id| DeviceChoice::Id(id.to_owned()))
    })
}

/// What would be dialled, and with `live` whether it answers; with a profile also how it takes that, and its models.
fn connection(
    live: bool,
    wishes: Wishes<'_>,
    found: &FoundKey,
    profile: Option<&crate::profile::Profile>,
    config: &Config,
) -> (Vec<Check>, Option<Vec<network::Usable>>) {
    let name = "endpoint";
    let url = match endpoint::choose(wishes) {
        Err(error) => {
            let check = Check::bad(
                name,
                format!("the endpoint {error}"),
                "Correct --endpoint, or `endpoint:` in the configuration file.",
            );
            return (vec![check], None);
        }
        Ok(Endpoint::Demo) => {
            let demo = if live {
                let what = "the demo, which needs no network: there is nothing to try";
                Check::warn(
                    name,
                    what,
                    "Set a key, or name an endpoint with --endpoint.",
                )
            } else {
                Check::ok(name, "the demo inside this program")
            };
            let checks = std::iter::once(demo).chain(network::way(None)).collect();
            return (checks, None);
        }
        Ok(Endpoint::Live(url)) => url,
    };
    let host = setup::place(&url);
    let key = found
        .key
        .as_ref()
        .filter(|key| key_destination::may_have_key(key.source, &url, wishes.config));
    let mut checks = vec![match (&found.key, key) {
        (Some(_), None) => Check::warn(
            name,
            format!(
                "{host}, without the key: a stored key goes to Google or to the configured endpoint only"
            ),
            "If this endpoint may have it, write it as `endpoint:` into the configuration file, or set GEMINI_API_KEY.",
        ),
        (None, _) if url.host_str() == Some(endpoint::GOOGLE_HOST) => Check::bad(
            name,
            format!("{host} wants an API key, and there is none"),
            "Make a key in Google AI Studio, and set GEMINI_API_KEY or type it into the window.",
        ),
        _ => Check::ok(name, host),
    }];
    checks.extend(network::way(Some(&url)));
    let mut models = None;
    if let Some(profile) = profile {
        let service = network::service(url, key.map(|key| key.secret.clone()), profile, config);
        checks.extend(service.checks);
        models = service.models;
    }
    (checks, models)
}

fn text(checks: &[Check]) -> Vec<String> {
    let mut text = Vec::new();
    for check in checks {
        let status = match check.status {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Bad => "BAD",
        };
        text.push(format!("{status:4}  {:13}  {}", check.name, check.what));
        if let Some(hint) = &check.hint {
            text.push(format!("{:21}→ {hint}", ""));
        }
    }
    text
}

fn json(found: &Findings) -> String {
    #[derive(Serialize)]
    struct Report<'a> {
        schema: &'static str,
        checks: &'a [Check],
        #[serde(skip_serializing_if = "Option::is_none")]
        sound_check: Option<&'a SoundFigures>,
        #[serde(skip_serializing_if = "Option::is_none")]
        models: Option<&'a [network::Usable]>,
    }
    let report = Report {
        schema: "sovereign.doctor/1",
        checks: &found.checks,
        sound_check: found.sound.as_ref(),
        models: found.models.as_deref(),
    };
    serde_json::to_string(&report).expect("texts become JSON")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use secrecy::SecretString;

    use super::*;
    use crate::settings::api_key::Keyring;

    const KEY: &str = "AIzaSyCanary-0123456789_abcdefghijklmnop";

    fn shown_with(checks: &[Check], sound: Option<SoundFigures>) -> String {
        json(&Findings {
            checks: checks.to_vec(),
            sound,
            models: None,
        })
    }

    fn shown(checks: &[Check]) -> String {
        text(checks).join("\n")
    }

    #[test]
    fn a_fresh_machine_has_nothing_bad() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let checks = examined(folder.path(), None, DoctorOptions::default());
        assert!(
            checks.iter().all(|check| check.status != Status::Bad),
            "{}",
            shown(&checks)
        );
        assert_eq!(status(&checks, "key"), Status::Warn);
        assert_eq!(status(&checks, "demo"), Status::Ok);
        assert!(
            checks
                .iter()
                .all(|check| (check.status == Status::Ok) == check.hint.is_none()),
            "what is not ok has a hint"
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("config.yaml"), "volum: 1\n").expect("written");
        fs::create_dir(folder.path().join("profiles")).expect("made");
        fs::write(folder.path().join("profiles/mine.yaml"), "target_ms: 1\n").expect("written");
        let asked = DoctorOptions {
            profile: Some("fast"),
            endpoint: Some("http://x"),
            ..DoctorOptions::default()
        };
        let checks = examined(folder.path(), None, asked);
        for name in ["configuration", "profiles", "profile", "endpoint"] {
            assert_eq!(
                status(&checks, name),
                Status::Bad,
                "{name}: {}",
                shown(&checks)
            );
        }
        assert!(
            shown(&checks).contains("config.yaml:1:1: volum: unknown key")
                && shown(&checks).contains("mine.yaml:1:12: target_ms")
        );
    }

    #[test]
    fn variables_without_effect_are_named() {
        let set = |name: &str| match name {
            "HOME" => Some("/home/me".into()),
            "XDG_CONFIG_HOME" => Some("config".into()),
            "XDG_STATE_HOME" => Some("".into()),
            "XDG_RUNTIME_DIR" => Some("\"/run/user/1\"".into()),
            "PULSE_SERVER" => Some("tcp:192.0.2.1".into()),
            _ => None,
        };
        let found = setup::variables(set);
        let seen = text(&found).join("\n");
        for part in [
            "XDG_CONFIG_HOME is set to `config`",
            "`\"/run/user/1\"`",
            "`tcp:192.0.2.1`",
        ] {
            assert!(seen.contains(part), "no {part}: {seen}");
        }
        assert_eq!(found.len(), 3, "{seen}");
        assert!(setup::variables(|_| None).is_empty());
    }

    #[test]
    fn what_was_heard_is_told_with_its_figures() {
        use crate::base::units::Dbfs;
        use crate::dsp::sound_check::{SoundCheckFinding, SoundCheckReport};
        let report = SoundCheckReport {
            noise: Some(Dbfs(-61.0)),
            clipped: Some(0.0),
            played: true,
            echo_delay: Some(std::time::Duration::from_millis(40)),
            echo_loss_db: Some(3.0),
            findings: vec![SoundCheckFinding::EchoStrong],
            ..SoundCheckReport::default()
        };
        let heard = Ok((report.clone(), false));
        let checks = sound_check::checks(&heard);
        let seen = shown(&checks);
        assert!(
            seen.contains("echo: it comes back after 40 ms, 3 dB quieter")
                && seen.contains("Turn the speaker down"),
            "{seen}"
        );
        let figures = SoundFigures::of(&report);
        let json: serde_json::Value =
            serde_json::from_str(&shown_with(&checks, Some(figures))).expect("JSON");
        assert_eq!(json["sound_check"]["noise_dbfs"], -61.0);
        assert_eq!(json["sound_check"]["echo_delay_ms"], 40.0);
        let deaf = sound_check::checks(&Err("the microphone gave no sound".into()));
        assert_eq!(status(&deaf, "sound check"), Status::Warn);
    }

    #[test]
    fn the_key_is_never_printed_and_never_promised_to_strangers() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("key");
        KeyStore::new(None, Arc::new(NoKeyring), Some(path))
            .save(&SecretString::from(KEY))
            .expect("kept");
        let asked = DoctorOptions {
            endpoint: Some("wss://gate.example"),
            ..DoctorOptions::default()
        };
        let checks = examined(folder.path(), None, asked);
        assert_eq!(status(&checks, "endpoint"), Status::Warn);
        for shown in [
            shown(&checks),
            shown_with(&checks, None),
            shown(&examined(
                folder.path(),
                Some(KEY),
                DoctorOptions::default(),
            )),
        ] {
            assert!(
                shown.contains("mnop") && !shown.contains("Canary"),
                "{shown}"
            );
        }
        let report: serde_json::Value =
            serde_json::from_str(&shown_with(&checks, None)).expect("JSON");
        assert_eq!(report["schema"], "sovereign.doctor/1");
        assert_eq!(report["checks"][0]["name"], "configuration");
    }

    #[test]
    fn the_service_is_tried_where_that_is_asked() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = crate::server::Options {
            access: crate::server::Access::Open,
            ..Default::default()
        };
        let server =
            crate::server::Server::start(([127, 0, 0, 1], 0).into(), options).expect("started");
        let url = format!("ws://{}", server.address());
        let live = |endpoint| {
            let asked = DoctorOptions {
                endpoint: Some(endpoint),
                ..DoctorOptions::default()
            };
            found(
                &DoctorArgs {
                    live: true,
                    ..DoctorArgs::default()
                },
                folder.path(),
                None,
                asked,
            )
        };
        let found = live(&url);
        assert_eq!(status(&found.checks, "service"), Status::Ok);
        assert_eq!(status(&found.checks, "models"), Status::Ok);
        let report: serde_json::Value = serde_json::from_str(&json(&found)).expect("JSON");
        let model =
            serde_json::json!({"name": "gemini-3.8-live", "state": "stable", "talks": true});
        assert_eq!(report["models"][0], model, "{report}");
        // As a conversation would: with the voice of the configuration, which this model does not have.
        let profiles = folder.path().join("profiles");
        std::fs::create_dir(&profiles).expect("made");
        let old = "live: {model: gemini-3.1-flash-live-preview}\n";
        std::fs::write(profiles.join("old.yaml"), old).expect("written");
        let config = folder.path().join("config.yaml");
        std::fs::write(&config, "voice: en-us-tavi\nprofile: old\n").expect("written");
        let seen = shown(&live(&url).checks);
        assert!(seen.contains("does not know this voice"), "{seen}");
        std::fs::remove_file(config).expect("removed");
        server.stop();
        let Findings { checks, models, .. } = live(&url);
        assert_eq!(models, None);
        assert_eq!(
            status(&checks, "service"),
            Status::Bad,
            "{}",
            shown(&checks)
        );
        let asked = DoctorOptions {
            demo: true,
            ..DoctorOptions::default()
        };
        let checks = looked(
            &DoctorArgs {
                live: true,
                ..DoctorArgs::default()
            },
            folder.path(),
            None,
            asked,
        );
        assert_eq!(status(&checks, "endpoint"), Status::Warn);
    }

    #[test]
    fn a_model_that_is_refused_is_told_with_those_that_can_be_had() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reason = "models/x is not supported for bidiGenerateContent";
        let script = format!("refuse_setup: {{code: 1008, reason: {reason}}}");
        let script = crate::server::Script::parse(Path::new("x.yaml"), script.as_bytes());
        let options = crate::server::Options {
            script: Arc::new(script.expect("a script")),
            access: crate::server::Access::Key(SecretString::from(KEY)),
            ..Default::default()
        };
        let server =
            crate::server::Server::start(([127, 0, 0, 1], 0).into(), options).expect("started");
        let url = format!("ws://{}", server.address());
        let asked = DoctorOptions {
            endpoint: Some(&url),
            ..DoctorOptions::default()
        };
        let live = DoctorArgs {
            live: true,
            ..DoctorArgs::default()
        };
        let checks = looked(&live, folder.path(), Some(KEY), asked);
        let seen = shown(&checks);
        assert_eq!(status(&checks, "service"), Status::Bad, "{seen}");
        assert!(
            seen.contains("the model is not made for live talk (code 1008: models/x is")
                && seen.contains(
                    "this key can talk to gemini-3.8-live, gemini-3.8-live-extended-thinking"
                ),
            "{seen}"
        );
        let wrong = looked(&live, folder.path(), Some("AIzaSyWrong-0123456789"), asked);
        assert!(
            wrong.iter().all(|check| check.name != "models"),
            "a refused key is told once: {}",
            shown(&wrong)
        );
        server.stop();
    }

    #[test]
    fn what_is_known_of_the_model_is_told_without_a_connection() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let checks = examined(folder.path(), None, DoctorOptions::default());
        assert_eq!(status(&checks, "model"), Status::Ok);
        let seen = "gemini-3.8-live, of `balanced`: it thinks by itself";
        assert!(shown(&checks).contains(seen), "{}", shown(&checks));
        fs::create_dir(folder.path().join("profiles")).expect("made");
        let text = "live:\n  model: gemini-3.1-flash-live-preview";
        fs::write(folder.path().join("profiles/mine.yaml"), text).expect("written");
        let asked = DoctorOptions {
            profile: Some("mine"),
            ..DoctorOptions::default()
        };
        let checks = examined(folder.path(), None, asked);
        assert_eq!(status(&checks, "model"), Status::Warn);
        let seen = "mine.yaml:2:10: live.model: is `gemini-3.1-flash-live-preview`, which ended on 2026-11-17, use gemini-3.8-live";
        assert!(shown(&checks).contains(seen), "{}", shown(&checks));
    }

    fn examined(folder: &Path, environment: Option<&str>, asked: DoctorOptions<'_>) -> Vec<Check> {
        looked(&DoctorArgs::default(), folder, environment, asked)
    }

    fn looked(
        args: &DoctorArgs,
        folder: &Path,
        environment: Option<&str>,
        asked: DoctorOptions<'_>,
    ) -> Vec<Check> {
        found(args, folder, environment, asked).checks
    }

    fn found(
        args: &DoctorArgs,
        folder: &Path,
        environment: Option<&str>,
        asked: DoctorOptions<'_>,
    ) -> Findings {
        let paths =
            Paths::find(Some(&folder.join("config.yaml"))).with_state(Some(Path::new("state")));
        let keys = KeyStore::new(
            environment.map(|value| ("GEMINI_API_KEY", value.into())),
            Arc::new(NoKeyring),
            paths.key(),
        );
        examine(args, asked, paths, &keys, &Devices::default())
    }

    fn status(checks: &[Check], name: &str) -> Status {
        checks
            .iter()
            .find(|check| check.name == name)
            .unwrap_or_else(|| panic!("{name} is not among {checks:?}"))
            .status
    }

    struct NoKeyring;

    impl Keyring for NoKeyring {
        fn get(&self) -> Result<Option<SecretString>, String> {
            Ok(None)
        }
    }
}
