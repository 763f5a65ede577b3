//! From arguments, files and devices to a running conversation, on any machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tracing_appender::non_blocking::WorkerGuard;

use super::{Global, Problem, log};
use crate::audio::{self, DeviceChoice, Devices, InputKind, OutputKind};
use crate::client::{self, dial::TcpDialer};
use crate::metrics::counters::Counters;
use crate::profile::{DEFAULT, Profile};
use crate::session::snapshot::Severity;
use crate::session::{self, Choice, Parts, Session, Settings};
use crate::settings::config::{ConfigFile, Window};
use crate::settings::key::{Found, KeyStore};
use crate::settings::paths::Paths;
use crate::settings::profiles::Profiles;
use crate::settings::watch::Watch;

/// What is spoken where there is no microphone: mono, 16 bit.
const BUNDLED_QUESTION: &[u8] = include_bytes!("../../assets/speech/question.wav");

/// Which sound a face wants; `None` is "what there is".
#[derive(Clone, Debug, Default)]
pub struct Voice {
    /// Where sound comes from.
    pub input: Option<Source>,
    /// Where replies go to.
    pub output: Option<Sink>,
    /// A window shows what happens: without a speaker nothing needs to be written to a file.
    pub window: bool,
}

/// Where sound comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The chosen microphone.
    Microphone,
    /// Files, one utterance each.
    Files(Vec<PathBuf>),
}

/// Where replies go to.
#[derive(Clone, Debug)]
pub enum Sink {
    /// The chosen speaker.
    Speaker,
    /// A WAV file.
    File(PathBuf),
    /// Nowhere.
    Nowhere,
}

/// Everything that is decided before the conversation starts.
pub struct Start {
    paths: Paths,
    profiles: Profiles,
    profile: Arc<Profile>,
    choice: Choice,
    setup: audio::Setup,
    choices: [DeviceChoice; 2],
    notices: Vec<(Severity, String)>,
    log: Option<WorkerGuard>,
}

impl Start {
    /// Reads the files, looks at the devices, and decides.
    ///
    /// # Errors
    ///
    /// Wrong usage or configuration, or a microphone was asked for and there is none.
    pub fn new(global: &Global, voice: &Voice) -> Result<Self, Problem> {
        let paths = Paths::find(global.config.as_deref());
        let (config, fault) = ConfigFile::load(paths.config_file());
        if global.config.is_some()
            && let Some(fault) = &fault
        {
            return Err(Problem::usage(fault.clone()));
        }
        let paths = paths.with_state(config.get().state.as_deref());
        let log = log::start(global.log.as_deref(), &paths.state().join("logs"))?;
        let profiles = Profiles::load(paths.profiles());
        let mut notices: Vec<_> = fault
            .into_iter()
            .chain(profiles.faults().iter().cloned())
            .collect();
        let profile = profile(global, &config, &profiles, &mut notices)?;
        let keys = KeyStore::system(paths.key());
        let Found { key, warnings } = keys.find();
        notices.extend(warnings);
        let changes = Watch::start(&paths).unwrap_or_else(|problem| {
            notices.push(problem.to_string());
            Watch::nothing()
        });
        let mut notices: Vec<_> = notices
            .into_iter()
            .map(|text| (Severity::Warning, text))
            .collect();
        let choices = [
            chosen(
                global.input_device.as_ref(),
                config.get().input_device.as_ref(),
            ),
            chosen(
                global.output_device.as_ref(),
                config.get().output_device.as_ref(),
            ),
        ];
        let (setup, missing) = sound(&paths, voice, &choices)?;
        let bundled = missing.iter().any(|what| what.starts_with(NO_MICROPHONE));
        notices.extend(missing.into_iter().map(|text| (Severity::Warning, text)));
        let choice = Choice {
            // Without a microphone the window shows what a turn looks like; the service need not hear that.
            demo: global.demo || (bundled && voice.window),
            endpoint: global.endpoint.clone(),
            greeting: matches!(setup.input, InputKind::Device(_)),
            config,
            keys,
            key,
            changes,
        };
        Ok(Self {
            paths,
            profiles,
            profile,
            choice,
            setup,
            choices,
            notices,
            log,
        })
    }

    /// What the person at the terminal should know before the first word.
    #[must_use]
    pub fn announcement(&self) -> String {
        let mut lines = vec![format!(
            "sovereign {}, profile {}",
            env!("CARGO_PKG_VERSION"),
            self.profile.name
        )];
        if let OutputKind::File(file) = &self.setup.output {
            lines.push(format!("replies are written to {}", file.display()));
        }
        lines.join("\n")
    }

    /// The files and folders of this user.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// How the window shall look.
    #[must_use]
    pub fn window(&self) -> Window {
        self.choice.config.get().window.clone()
    }

    /// Opens sound and connection and starts the conversation; call it inside the runtime.
    ///
    /// # Errors
    ///
    /// When a part cannot be started.
    pub fn session(
        self,
        interrupt_after: Option<Duration>,
    ) -> Result<(Session, Option<WorkerGuard>), Problem> {
        let counters = Arc::new(Counters::default());
        let volume = self.choice.config.get().volume;
        let files = match &self.setup.input {
            InputKind::Files(files) => Some(
                files
                    .iter()
                    .map(|file| file.display().to_string())
                    .collect(),
            ),
            InputKind::Device(_) | InputKind::None => None,
        };
        // A faulty address or device is a fault of usage or configuration.
        let settings =
            Settings::new(self.choice).map_err(|error| Problem::usage(format!("{error:#}")))?;
        let audio = audio::spawn(self.setup, Arc::clone(&counters), &self.profile)
            .map_err(|error| Problem::usage(error.to_string()))?;
        let dialer = Arc::new(TcpDialer::default());
        let wanted = settings.setup(&self.profile);
        let client = client::spawn(
            dialer,
            settings.target.clone(),
            wanted,
            Arc::clone(&counters),
        );
        let parts = Parts {
            audio,
            client,
            counters,
            profiles: self.profiles,
            profile: self.profile,
            settings,
            files,
            interrupt_after,
            volume,
            choices: self.choices,
            notices: self.notices,
        };
        Ok((session::start(parts), self.log))
    }
}

/// The profile to begin with. An unknown one on the command line ends the program; one in the file is said.
fn profile(
    global: &Global,
    config: &ConfigFile,
    profiles: &Profiles,
    notices: &mut Vec<String>,
) -> Result<Arc<Profile>, Problem> {
    if let Some(name) = &global.profile {
        return profiles
            .get(name)
            .map_err(|unknown| Problem::usage(format!("--profile: {unknown}")));
    }
    if let Some(name) = &config.get().profile {
        match profiles.get(name) {
            Ok(profile) => return Ok(profile),
            Err(unknown) => {
                notices.push(format!("configuration file: {unknown}. {DEFAULT} is used."))
            }
        }
    }
    let built_in = || crate::profile::builtin(DEFAULT).context("the default profile is built in");
    profiles.get(DEFAULT).or_else(|_| Ok(built_in()?))
}

const NO_MICROPHONE: &str = "There is no microphone";

fn chosen(flag: Option<&String>, kept: Option<&String>) -> DeviceChoice {
    flag.or(kept)
        .cloned()
        .map_or(DeviceChoice::Default, DeviceChoice::Id)
}

/// The sound side, and in words what is missing. What was asked for is not replaced; what was not is found.
fn sound(
    paths: &Paths,
    voice: &Voice,
    [input, output]: &[DeviceChoice; 2],
) -> Result<(audio::Setup, Vec<String>), Problem> {
    let needs_devices = !matches!(voice.input, Some(Source::Files(_))) || voice.output.is_none();
    let devices = if needs_devices {
        audio::devices()
    } else {
        Devices::default()
    };
    let mut missing = Vec::new();
    let input = match &voice.input {
        Some(Source::Files(files)) => InputKind::Files(files.clone()),
        Some(Source::Microphone) if devices.inputs.is_empty() => {
            let hint = "Connect a microphone, or speak files: --input FILE.wav";
            return Err(Problem::nothing_to_run_on("there is no microphone").hint(hint));
        }
        None if devices.inputs.is_empty() => {
            missing.push(format!(
                "{NO_MICROPHONE}: a bundled question is spoken instead. Connect one and start again to talk yourself."
            ));
            InputKind::Files(vec![bundled_question(paths)?])
        }
        Some(Source::Microphone) | None => InputKind::Device(input.clone()),
    };
    let output = match &voice.output {
        Some(Sink::File(file)) => OutputKind::File(file.clone()),
        Some(Sink::Nowhere) => OutputKind::None,
        None if devices.outputs.is_empty() => {
            missing.push("There is no speaker or headphone: replies cannot be heard.".into());
            if voice.window {
                OutputKind::None
            } else {
                OutputKind::File(reply_file(paths)?)
            }
        }
        Some(Sink::Speaker) | None => OutputKind::Device(output.clone()),
    };
    Ok((audio::Setup { input, output }, missing))
}

/// The bundled question as a file, which the file microphone can speak.
fn bundled_question(paths: &Paths) -> anyhow::Result<PathBuf> {
    let file = state_file(paths, "question.wav")?;
    std::fs::write(&file, BUNDLED_QUESTION)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

fn reply_file(paths: &Paths) -> anyhow::Result<PathBuf> {
    state_file(
        paths,
        &format!("reply-{}.wav", jiff::Zoned::now().strftime("%Y%m%d-%H%M%S")),
    )
}

fn state_file(paths: &Paths, name: &str) -> anyhow::Result<PathBuf> {
    // A state folder that cannot be written (read-only home) must not keep anybody from trying the program.
    let temporary = std::env::temp_dir().join(format!("sovereign-{}", std::process::id()));
    let folder = [paths.state().to_owned(), temporary]
        .into_iter()
        .find(|folder| std::fs::create_dir_all(folder).is_ok());
    Ok(folder
        .context("no folder can be written, not even the temporary one")?
        .join(name))
}
