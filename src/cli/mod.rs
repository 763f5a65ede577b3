//! The terminal: arguments, commands, errors and exit statuses.

pub mod bench;
pub mod control;
pub mod core_dumps;
pub mod devices;
pub mod doctor;
mod exit_status;
mod global;
mod global_key;
pub mod history;
pub mod ineffective_options;
mod line_writer;
pub mod load;
mod log;
mod media_keys;
mod monitor;
mod newer_version;
mod other_sound;
pub mod output;
mod output_files;
pub mod panics;
mod partner;
pub mod profiles;
pub mod room;
mod runtime;
mod screen_lock;
pub mod serve;
pub mod shutdown;
pub mod signal;
mod stand_in_files;
pub mod start_conversation;
mod table;
pub mod talk;
#[cfg(test)]
mod tests;
mod trial;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::base::problem::Problem;

pub use exit_status::report;
pub use global::Global;
pub use output::say;
pub use runtime::{runtime, runtime_of_many};

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
    pub command: Option<CliCommand>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
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
    /// List, show, search, export and delete kept conversations
    History(history::HistoryArgs),
    /// Microphones and speakers with their ids
    Devices(devices::DevicesArgs),
    #[command(flatten)]
    Control(control::ControlCommand),
    /// Lower the sound of other programs for an assistant, which starts this by itself
    #[command(hide = true)]
    LowerOtherSound(other_sound::LowerArgs),
}

/// Runs a command.
pub fn run(global: &Global, command: &CliCommand) -> Result<ExitCode, Problem> {
    let (mut out, mut err) = (output::out(), output::err());
    if !matches!(
        command,
        CliCommand::Talk(_) | CliCommand::LowerOtherSound(_)
    ) {
        // `serve`, `bench` and `load` call `hold` once they run.
        signal::nothing_to_lose();
    }
    room_for(command).check()?;
    let ended = match command {
        CliCommand::Talk(args) => return talk::run(global, args),
        CliCommand::Bench(args) => return bench::run(global, args),
        CliCommand::Load(args) => return load::run(global, args),
        CliCommand::Serve(args) => return runtime()?.block_on(serve::run(args.clone())),
        CliCommand::Doctor(args) => {
            let asked = doctor::DoctorOptions {
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
        CliCommand::Profiles(args) => {
            profiles::run(args, global.config.as_deref(), &mut out, &mut err)
        }
        CliCommand::History(args) => {
            let (config, profile) = (global.config.as_deref(), global.profile.as_deref());
            return history::run(args, config, profile, &mut out, &mut err);
        }
        CliCommand::Control(command) => return control::run(global, command, &mut out),
        CliCommand::LowerOtherSound(args) => return Ok(other_sound::run(*args)),
        CliCommand::Devices(args) => devices::run(*args, &crate::audio::devices(), &mut out),
    };
    ended.map_err(|error| output_files::lost(&error))
}

/// The resources that a command needs.
fn room_for(command: &CliCommand) -> room::Room {
    match command {
        CliCommand::Talk(_) | CliCommand::Bench(_) | CliCommand::Load(_) => room::CONVERSATION,
        CliCommand::Serve(_) | CliCommand::Doctor(_) => room::SERVER,
        CliCommand::Profiles(_)
        | CliCommand::History(_)
        | CliCommand::Devices(_)
        | CliCommand::Control(_)
        | CliCommand::LowerOtherSound(_) => room::LIST,
    }
}
