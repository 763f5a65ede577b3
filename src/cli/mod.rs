//! Floor 4, the terminal: arguments, commands, errors and exit statuses.

pub mod bench;
pub mod core_dumps;
pub mod devices;
pub mod doctor;
mod line_writer;
pub mod load;
mod log;
mod monitor;
pub mod output;
pub mod panics;
pub mod parse;
mod partner;
pub mod profiles;
pub mod room;
pub mod serve;
pub mod signal;
pub mod start;
mod table;
pub mod talk;
mod trial;
mod written;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

pub use output::say;

use crate::base::thread::quietly;

/// Talk to Gemini Live, and see why it is fast or slow. Without a command: the window.
#[derive(Debug, Parser)]
#[command(
    name = "sovereign",
    version,
    about,
    args_conflicts_with_subcommands = false
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command; none is the window.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Profile to begin with: ultra-fast, balanced, high-quality, or one of your own
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Live endpoint to talk to (wss://…, or ws:// on this computer)
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,
    /// The offline demo, even if there is a key
    #[arg(long, global = true)]
    pub demo: bool,
    /// Configuration file; its folder then holds profiles/ and key
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
    /// Microphone, by its id (see `sovereign devices`)
    #[arg(long, global = true, value_name = "ID")]
    pub input_device: Option<String>,
    /// Speaker, by its id
    #[arg(long, global = true, value_name = "ID")]
    pub output_device: Option<String>,
    /// Insist on the window: without a display this fails instead of talking in the terminal
    #[arg(long, global = true)]
    pub window: bool,
    /// Figures for Prometheus and a health page on this port of this computer, behind a token
    #[arg(long, global = true, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub monitor: Option<u16>,
    /// How much is logged: error, warn, info, debug, trace, or a filter as `sovereign=debug`
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A conversation in the terminal, with the microphone, with WAV files, or in writing
    Talk(talk::TalkArgs),
    /// The Live-compatible server on its own, on this computer
    Serve(serve::ServeArgs),
    /// Latency by profile: p50, p95, p99, with a report
    Bench(bench::BenchArgs),
    /// Many conversations at once, with a report
    Load(load::LoadArgs),
    /// What is wrong with configuration, profiles, key, sound and network, and what to do
    Doctor(doctor::DoctorArgs),
    /// List, show and check profiles
    Profiles(profiles::ProfilesArgs),
    /// Microphones and speakers with their ids
    Devices(devices::DevicesArgs),
}

/// How a path is read from an argument: `~` is the home folder, also where no shell made it so.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|path| crate::settings::paths::expanded(&path))
}

/// Runs a command.
///
/// # Errors
///
/// As the commands do; [`Problem`] knows its exit status.
pub fn run(global: &Global, command: &Command) -> Result<ExitCode, Problem> {
    let (mut out, mut err) = (output::out(), output::err());
    if !matches!(command, Command::Talk(_)) {
        // `serve`, `bench` and `load` hold when they have begun.
        signal::nothing_to_lose();
    }
    room_for(command).check()?;
    let ended = match command {
        Command::Talk(args) => return talk::run(global, args),
        Command::Bench(args) => return bench::run(global, args),
        Command::Load(args) => return load::run(global, args),
        Command::Serve(args) => return runtime()?.block_on(serve::run(args.clone())),
        Command::Doctor(args) => {
            let asked = doctor::Asked {
                config: global.config.as_deref(),
                profile: global.profile.as_deref(),
                endpoint: global.endpoint.as_deref(),
                demo: global.demo,
                devices: [
                    global.input_device.as_deref(),
                    global.output_device.as_deref(),
                ],
            };
            doctor::run(args, asked, crate::audio::devices, &mut out)
        }
        Command::Profiles(args) => {
            profiles::run(args, global.config.as_deref(), &mut out, &mut err)
        }
        Command::Devices(args) => devices::run(*args, &crate::audio::devices(), &mut out),
    };
    ended.map_err(|error| written::lost(&error))
}

/// What the command needs of the system.
fn room_for(command: &Command) -> room::Room {
    match command {
        Command::Talk(_) | Command::Bench(_) | Command::Load(_) => room::CONVERSATION,
        Command::Serve(_) | Command::Doctor(_) => room::SERVER,
        Command::Profiles(_) | Command::Devices(_) => room::LIST,
    }
}

/// Why the program ends, what can be done, and its exit status.
#[derive(Debug)]
pub struct Problem {
    status: u8,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Problem {
    /// It failed: status 1.
    #[must_use]
    pub fn failed(error: anyhow::Error) -> Self {
        Self {
            status: 1,
            error,
            hint: None,
        }
    }

    /// Wrong usage or configuration: status 2.
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self {
            status: 2,
            error: anyhow::Error::msg(what.into()),
            hint: None,
        }
    }

    /// Nothing to run on: status 3.
    #[must_use]
    pub fn nothing_to_run_on(what: impl Into<String>) -> Self {
        Self {
            status: 3,
            error: anyhow::Error::msg(what.into()),
            hint: None,
        }
    }

    /// The one thing to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what happened and gives the exit status.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        self.tell();
        ExitCode::from(self.status)
    }

    /// Says what happened, and what to do.
    pub(crate) fn tell(&self) {
        say(&format!("error: {:#}", self.error));
        if let Some(hint) = &self.hint {
            say(&format!("hint: {hint}"));
        }
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self::failed(error)
    }
}

/// Workers of the runtime, as the drawing in `lib.rs` has it.
const WORKERS: usize = 2;
/// They begin within some microseconds; on a machine that starts everything at once it may take longer.
const BEGUN_WITHIN: Duration = Duration::from_secs(5);

/// The runtime of the controller, the client, the probe and the demo.
///
/// # Errors
///
/// When the system refuses what it needs.
pub fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    built(|| {})
}

/// The same for many conversations: their sound goes first.
///
/// # Errors
///
/// When the system refuses what it needs.
pub fn runtime_of_many() -> Result<tokio::runtime::Runtime, Problem> {
    built(|| {
        if let Err(refused) = crate::audio::priority::give_way() {
            tracing::info!(%refused, "priority of the sessions");
        }
    })
}

fn built(at_start: fn()) -> Result<tokio::runtime::Runtime, Problem> {
    let (begin, begun) = sync_channel(WORKERS);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_all();
    builder.on_thread_start(move || {
        at_start();
        begin.try_send(()).ok();
    });
    // It panics where the system gives no thread, and waits for ever where it gives the first and not the second. `room` has
    // tried that, but others may have taken them since. So it is built aside, and left behind if it hangs.
    let no_threads = || std::io::Error::other("it gives no threads");
    let (hand_over, handed) = sync_channel(1);
    let build = move || {
        let built = quietly(|| builder.build());
        hand_over
            .send(built.unwrap_or_else(|| Err(no_threads())))
            .ok();
    };
    let thread = std::thread::Builder::new().name("runtime-start".to_owned());
    let whole = thread.spawn(build).and_then(|_| {
        let built = handed.recv_timeout(BEGUN_WITHIN);
        let runtime = built.unwrap_or_else(|_| Err(no_threads()))?;
        let is_whole = (0..WORKERS).all(|_| begun.recv_timeout(BEGUN_WITHIN).is_ok());
        if is_whole {
            return Ok(runtime);
        }
        runtime.shutdown_background();
        Err(no_threads())
    });
    let refused = |error| {
        let error = anyhow::Error::new(error).context("the system refuses what the program needs");
        Problem::failed(error)
            .hint("Close other programs, or raise the limits of this one (ulimit).")
    };
    whole.map_err(refused)
}
