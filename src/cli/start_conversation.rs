//! Builds a running conversation from arguments, files and devices.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::control::{self, Controlled};
use super::global::Global;
use super::log;
use super::output::say;
use super::output_files::{may_write, not_begun};
use super::stand_in_files::{bundled_question, reply_file};
use crate::audio::{self, AudioError, DeviceChoice, Devices, InputKind, OutputKind};
use crate::base::counters::Counters;
use crate::base::problem::Problem;
use crate::base::severity::Severity;
use crate::base::supervise::Failures;
use crate::base::text::t;
use crate::control::Claim;
use crate::conversation::{self, Choice, ConversationDeps, Session, Settings};
use crate::desktop::Autostart;
use crate::file;
use crate::monitor::{Monitor, PageRequests};
use crate::probe::Probe;
use crate::profile::{DEFAULT, Profile};
use crate::provider::choose;
use crate::provider::connection::dial::{Dialer, TcpDialer};
use crate::server::ServerError;
use crate::settings::api_key::{FoundKey, KeyStore};
use crate::settings::config::{Config, ConfigFile, WelcomeStep, Window};
use crate::settings::endpoint::{self, Endpoint, Wishes};
use crate::settings::key_destination;
use crate::settings::paths::Paths;
use crate::settings::profiles::Profiles;
use crate::settings::watch::Watch;
use crate::store;
use crate::telemetry;

/// Requested audio input and output; `None` takes the available devices.
#[derive(Clone, Debug, Default)]
pub struct Voice {
    pub input: Option<InputSource>,
    pub output: Option<Sink>,
    /// In a window no file is written in place of a missing speaker.
    pub window: bool,
}

/// Where sound comes from.
#[derive(Clone, Debug)]
pub enum InputSource {
    Microphone,
    /// Files, one utterance each.
    Files(Vec<PathBuf>),
    /// No audio: questions are typed.
    Nothing,
}

/// Where replies go to.
#[derive(Clone, Debug)]
pub enum Sink {
    Speaker,
    File(PathBuf),
    Nowhere,
}

/// The decisions before the conversation starts.
pub struct Start {
    paths: Paths,
    profiles: Profiles,
    profile: Arc<Profile>,
    choice: Choice,
    setup: audio::AudioSetup,
    choices: [DeviceChoice; 2],
    /// Whether there is a window.
    window: bool,
    /// Whether there is a talk key: in a window or in any window, over a microphone.
    talk_key: bool,
    notices: Vec<(Severity, String)>,
    monitor: Option<u16>,
    claim: Option<Claim>,
    autostart: Autostart,
}

/// A conversation with its dependencies.
pub struct Started {
    /// The partner, for the terminal.
    pub partner: String,
    session: Session,
    /// The endpoint for other programs.
    monitor: Option<Monitor>,
    controlled: Controlled,
}

impl Started {
    /// The parts; the endpoint for figures ends with the second, the socket for commands and the key in any window with the
    /// third.
    #[must_use]
    pub fn into_parts(self) -> (Session, Option<Monitor>, Controlled) {
        (self.session, self.monitor, self.controlled)
    }
}

impl Start {
    /// Reads files and devices, and decides. With `claim` the conversation listens to commands of other programs.
    pub fn new(global: &Global, voice: &Voice, claim: Option<Claim>) -> Result<Self, Problem> {
        let paths = Paths::find(global.config.as_deref());
        // A sound server takes its time: it is asked while the files are read.
        let devices = list_devices(voice);
        // Before the files are read, so that later changes are noticed.
        let failures = Failures::default();
        let changes = Watch::start(&paths, failures.clone());
        let (config, _) = ConfigFile::load_for(paths.config_file(), voice.window);
        refuse_named(global, &config)?;
        let paths = if config.is_stateless() {
            paths.with_temporary_state()
        } else {
            paths.with_state(config.get().state.as_deref())
        };
        // Also if an earlier version left it open; obstacles are reported where the folder is needed.
        file::own_folder(paths.state()).ok();
        log::start(
            global.log.as_deref(),
            &paths.state().join("logs"),
            &failures,
        )?;
        let profiles = Profiles::load(paths.profiles());
        let faults = config.faults().iter().chain(profiles.faults());
        let mut notices: Vec<_> = faults.cloned().collect();
        notices.extend(config.left_out().map(str::to_owned));
        if let Some(file) = &global.config
            && config.path().is_some_and(|file| !file.exists())
        {
            let file = file.display();
            notices.push(t!("is-not-there-the-defaults", file));
        }
        let profile = profile(global, &config, &profiles, &mut notices)?;
        let keys = KeyStore::system(paths.key());
        let FoundKey { key, warnings, .. } = keys.find();
        notices.extend(warnings);
        let changes = changes.unwrap_or_else(|problem| {
            notices.push(problem.to_string());
            Watch::nothing()
        });
        let choices = chosen(global, config.get());
        let (setup, missing) = sound(&paths, voice, &choices, &devices())?;
        let bundled = voice.input.is_none() && matches!(setup.input, InputKind::Files(_));
        notices.extend(missing);
        let warning = |text| (Severity::Warning, text);
        let notices = notices.into_iter().map(warning).collect();
        let has_key = voice.window || config.get().global_key.is_some();
        let talk_key = has_key && matches!(setup.input, InputKind::Device(_));
        let choice = Choice {
            // Without a microphone the window shows a sample turn, which the service need not get.
            demo: global.demo || (bundled && voice.window),
            endpoint: global.endpoint.clone(),
            greeting: matches!(setup.input, InputKind::Device(_)),
            config,
            keys,
            key,
            changes,
            failures,
        };
        Ok(Self {
            paths,
            profiles,
            profile,
            choice,
            setup,
            choices,
            window: voice.window,
            talk_key,
            notices,
            monitor: global.monitor,
            claim,
            autostart: Autostart::find(global.config.as_deref()),
        })
    }

    /// Whether nothing is dialled until the configuration file is corrected.
    pub fn is_held(&self) -> bool {
        self.choice.held().is_some()
    }

    /// Messages before the conversation.
    pub fn announcement(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "sovereign {}, profile {}",
            env!("CARGO_PKG_VERSION"),
            self.profile.name
        )];
        if let Some(source) = self.key_source() {
            lines[0] += &format!(", API key from {source}");
        }
        if let OutputKind::File(file) = &self.setup.output {
            lines.push(format!("replies are written to {}", file.display()));
        }
        lines
    }

    /// Source of the key for the endpoint.
    fn key_source(&self) -> Option<&'static str> {
        let config = self.choice.config.get().endpoint.as_deref();
        let key = self.choice.key.as_ref()?;
        let wishes = Wishes {
            demo: self.choice.demo,
            flag: self.choice.endpoint.as_deref(),
            config,
            has_key: true,
        };
        match endpoint::choose(wishes) {
            Ok(Endpoint::Live(url)) if key_destination::may_have_key(key.source, &url, config) => {
                Some(key.source.words())
            }
            Ok(Endpoint::Live(_) | Endpoint::Demo) | Err(_) => None,
        }
    }

    /// Whether the input is a microphone, not a file.
    pub fn hears_a_microphone(&self) -> bool {
        matches!(self.setup.input, InputKind::Device(_))
    }

    /// The files and folders of this user.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// How the window shall look. It sets up what a new user needs, and goes on with a set-up that was begun; not where the
    /// command line or the configuration says what is to answer.
    pub fn window(&self) -> Window {
        let mut window = self.choice.config.get().window.clone();
        let is_chosen = self.choice.demo
            || self.choice.endpoint.is_some()
            || self.choice.config.get().endpoint.is_some()
            || self.is_held();
        let is_known =
            || self.choice.key.is_some() || self.paths.state().join(store::FILE).exists();
        if is_chosen || window.welcome == WelcomeStep::New && is_known() {
            window.welcome = WelcomeStep::Done;
        }
        window
    }

    /// Opens audio and connection and starts the conversation; call it inside the runtime.
    pub fn session(mut self, interrupt_after: Option<Duration>) -> Result<Started, Problem> {
        let counters = Arc::new(Counters::default());
        let volume = self.choice.config.get().volume;
        let wanted_monitor = super::monitor::start(
            self.monitor,
            &self.choice.config.get().monitor,
            self.paths.state(),
        );
        let files = match &self.setup.input {
            InputKind::Files(files) => Some(
                files
                    .iter()
                    .map(|file| file.display().to_string())
                    .collect(),
            ),
            InputKind::Device(_) | InputKind::None => None,
        };
        let has_microphone = self.hears_a_microphone();
        // A faulty address or device is a fault of usage or configuration.
        let newer_versions = self.choice.config.get().newer_versions;
        let mut settings = Settings::new(self.choice).map_err(refused)?;
        if !self.talk_key {
            settings.open_by_speech();
        }
        let audio =
            audio::spawn(self.setup, Arc::clone(&counters), &self.profile).map_err(no_sound)?;
        let dialer: Arc<dyn Dialer> = Arc::new(TcpDialer::default());
        let (asked, monitor) = match wanted_monitor {
            Ok(Some(running)) => {
                say(&running.announcement);
                (running.asked, Some(running.monitor))
            }
            Ok(None) => (PageRequests::default(), None),
            Err(problem) => {
                self.notices
                    .push((Severity::Warning, format!("{problem:#}")));
                (PageRequests::default(), None)
            }
        };
        let partner = super::partner::words(&settings);
        let wanted = settings.session_config(&self.profile);
        let (dial, counted) = (Arc::clone(&dialer), Arc::clone(&counters));
        let target = settings.held().is_none().then(|| settings.target.clone());
        let provider = choose::spawn(dial, target, wanted, counted);
        let state = Some(self.paths.state().to_owned());
        let telemetry = telemetry::start(telemetry::Deps {
            probe: Probe::default(),
            state: state.clone(),
            pages: asked,
            dialer: Some(Arc::clone(&dialer)),
            ..telemetry::Deps::new(Arc::clone(&counters))
        });
        let parts = ConversationDeps {
            audio,
            provider,
            counters,
            profiles: self.profiles,
            profile: self.profile,
            settings,
            files,
            interrupt_after,
            volume,
            choices: self.choices,
            notices: self.notices,
            telemetry,
            window: self.window,
            autostart: self.autostart,
            state,
        };
        let session = conversation::start(parts);
        if newer_versions {
            super::newer_version::look(&session, dialer);
        }
        Ok(Started {
            partner,
            controlled: control::serve(self.claim, &session, self.window, has_microphone),
            session,
            monitor,
        })
    }
}

/// A file that `--config` names must be good: each of its faults is an error, the last one the reason for the end.
pub(super) fn refuse_named(global: &Global, config: &ConfigFile) -> Result<(), Problem> {
    let Some((last, others)) = config.faults().split_last() else {
        return Ok(());
    };
    if global.config.is_none() {
        return Ok(());
    }
    for fault in others {
        say(&format!("error: {fault}"));
    }
    Err(Problem::usage(last.clone()))
}

/// A faulty address is a fault of usage or configuration; that the demo does not start is not.
fn refused(error: anyhow::Error) -> Problem {
    if error.is::<ServerError>() {
        return Problem::failed(error).hint(HINT_LIMITS);
    }
    Problem::usage(format!("{error:#}"))
}

fn no_sound(error: AudioError) -> Problem {
    match error {
        AudioError::NotWritten { path, source } => {
            let what = format!("--output {}: it cannot be written", path.display());
            not_begun(what, &source)
        }
        AudioError::File { .. } => Problem::usage(error.to_string()).hint(HINT_FILES),
        AudioError::Thread(_) | AudioError::Gone => Problem::failed(error.into()).hint(HINT_LIMITS),
    }
}

/// The initial profile. An unknown one on the command line ends the program; one in the file is reported.
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
                notices.push(t!("configuration-file-is-used", unknown, default = DEFAULT))
            }
        }
    }
    let built_in = || crate::profile::builtin(DEFAULT).context("the default profile is built in");
    profiles.get(DEFAULT).or_else(|_| Ok(built_in()?))
}

const HINT_LIMITS: &str = "Close other programs, or raise the limits of this one (ulimit).";
const HINT_FILES: &str = "Check the names after --input. `sox FILE -c 1 -r 16000 -b 16 OUT.wav` makes a WAV file of most recordings.";

/// The microphone and the speaker that the command line names, or else the configuration.
fn chosen(global: &Global, config: &Config) -> [DeviceChoice; 2] {
    [
        (&global.input_device, &config.input_device),
        (&global.output_device, &config.output_device),
    ]
    .map(|(flag, kept)| {
        let id = flag.as_ref().or(kept.as_ref()).cloned();
        id.map_or(DeviceChoice::Default, DeviceChoice::Id)
    })
}

/// Begins to list the devices, where the conversation needs any; the answer waits for the list.
fn list_devices(voice: &Voice) -> impl FnOnce() -> Devices + use<> {
    let needed = matches!(voice.input, None | Some(InputSource::Microphone))
        || matches!(voice.output, None | Some(Sink::Speaker));
    let name = "sound-list".to_owned();
    let begin = || std::thread::Builder::new().name(name).spawn(audio::devices);
    let listed = needed.then(begin);
    move || match listed {
        Some(Ok(thread)) => thread.join().unwrap_or_default(),
        Some(Err(_)) => audio::devices(),
        None => Devices::default(),
    }
}

/// The audio, and messages about missing devices. Requested devices are not replaced; others are chosen.
fn sound(
    paths: &Paths,
    voice: &Voice,
    [input, output]: &[DeviceChoice; 2],
    devices: &Devices,
) -> Result<(audio::AudioSetup, Vec<String>), Problem> {
    let mut missing = Vec::new();
    let input = match &voice.input {
        Some(InputSource::Files(files)) => InputKind::Files(files.clone()),
        Some(InputSource::Nothing) => InputKind::None,
        Some(InputSource::Microphone) if devices.inputs.is_empty() => {
            let hint = "Connect a microphone, or speak files: --input FILE.wav";
            return Err(Problem::nothing_to_run_on("there is no microphone").hint(hint));
        }
        None if devices.inputs.is_empty() => {
            missing.push(t!(
                "a-bundled-question-is-spoken",
                none = t!("there-is-no-microphone")
            ));
            InputKind::Files(vec![bundled_question(paths)?])
        }
        Some(InputSource::Microphone) | None => InputKind::Device(input.clone()),
    };
    let output = match &voice.output {
        Some(Sink::File(file)) => OutputKind::File(recording(file, &input)?),
        Some(Sink::Nowhere) => OutputKind::None,
        Some(Sink::Speaker) if devices.outputs.is_empty() => {
            let hint = "Connect one, or write the replies to a file: --output FILE.wav";
            return Err(Problem::nothing_to_run_on("there is no speaker or headphone").hint(hint));
        }
        None if devices.outputs.is_empty() => {
            missing.push(t!("there-is-no-speaker-or").into());
            if voice.window {
                OutputKind::None
            } else {
                OutputKind::File(reply_file(paths)?)
            }
        }
        Some(Sink::Speaker) | None => OutputKind::Device(output.clone()),
    };
    Ok((audio::AudioSetup { input, output }, missing))
}

/// The file for the replies, if writing it neither blocks nor overwrites an input.
fn recording(file: &Path, input: &InputKind) -> Result<PathBuf, Problem> {
    let spoken = match input {
        InputKind::Files(files) => files.as_slice(),
        InputKind::Device(_) | InputKind::None => &[],
    };
    may_write("--output", file, spoken)?;
    Ok(file.to_owned())
}
