//! `sovereign press`, `mute`, `status` and the like: asks the running assistant; and that assistant's side of it.

#[cfg(unix)]
mod desk;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::global::Global;
use super::global_key::{self, GlobalKeyTask};
use super::media_keys;
use super::other_sound::{self, OtherSoundTask};
use super::output_files;
use super::profiles::put;
use super::screen_lock;
use crate::base::printable::in_a_line;
use crate::base::problem::Problem;
use crate::control::{
    Claim, ControlAnswer, ControlPlace, ControlRequest, ControlStatus, WindowWish,
};
use crate::conversation::Session;

/// Time for the running assistant to answer; it takes some milliseconds.
#[cfg(unix)]
const WITHIN: Duration = Duration::from_secs(2);

/// Requests to the running assistant, for a desktop that binds keys to commands
#[derive(Clone, Debug, Subcommand)]
pub enum ControlCommand {
    /// The running assistant: the talk key goes down
    Press,
    /// The running assistant: the talk key goes up
    Release,
    /// The running assistant: the talk key goes down, or up again if it is down
    Toggle,
    /// The running assistant: mute, or listen again
    Mute(MuteArgs),
    /// The running assistant: stop the answer
    Stop,
    /// The running assistant: use another profile
    Profile(ProfileArgs),
    /// The running assistant: what it is doing
    Status(StatusArgs),
}

/// Whether to mute.
#[derive(Args, Clone, Copy, Debug)]
pub struct MuteArgs {
    /// `on` or `off` [default: the other of the two]
    #[arg(value_name = "on|off")]
    state: Option<OnOff>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnOff {
    On,
    Off,
}

/// Which profile.
#[derive(Args, Clone, Debug)]
pub struct ProfileArgs {
    /// Name of the profile (see `sovereign profiles`)
    #[arg(value_name = "NAME")]
    profile_name: String,
}

/// How the status is shown.
#[derive(Args, Clone, Copy, Debug)]
pub struct StatusArgs {
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

/// Asks the running assistant, and prints its answer.
pub fn run(
    global: &Global,
    command: &ControlCommand,
    out: &mut dyn Write,
) -> Result<ExitCode, Problem> {
    let request = match command {
        ControlCommand::Press => ControlRequest::Press,
        ControlCommand::Release => ControlRequest::Release,
        ControlCommand::Toggle => ControlRequest::Toggle,
        ControlCommand::Mute(args) => ControlRequest::Mute {
            muted: args.state.map(|state| state == OnOff::On),
        },
        ControlCommand::Stop => ControlRequest::Stop,
        ControlCommand::Profile(args) => ControlRequest::Profile {
            name: args.profile_name.clone(),
        },
        ControlCommand::Status(_) => ControlRequest::Status,
    };
    let json = matches!(command, ControlCommand::Status(StatusArgs { json: true }));
    let lines = match asked(&place(global), &request)? {
        ControlAnswer::Done => Vec::new(),
        ControlAnswer::Muted { muted: true } => vec!["muted".to_owned()],
        ControlAnswer::Muted { muted: false } => vec!["listening".to_owned()],
        ControlAnswer::Status(status) if json => {
            vec![serde_json::to_string(&status).expect("texts and truths become JSON")]
        }
        ControlAnswer::Status(status) => in_words(&status),
        ControlAnswer::Refused { what, hint } => {
            return Err(Problem::usage(in_a_line(&what)).hint(in_a_line(&hint)));
        }
    };
    put(out, lines).map_err(|error: io::Error| output_files::lost(&error))?;
    Ok(ExitCode::SUCCESS)
}

fn place(global: &Global) -> ControlPlace {
    ControlPlace::find(global.config.as_deref())
}

#[cfg(unix)]
fn asked(place: &ControlPlace, request: &ControlRequest) -> Result<ControlAnswer, Problem> {
    use crate::control::{AskError, ask};
    ask(place, request, WITHIN).map_err(|error| match error {
        AskError::NotRunning => Problem::nothing_to_run_on("Sovereign is not running")
            .hint("Start it with `sovereign`; with another configuration, name it here too (--config FILE)."),
        AskError::Silent(_) => Problem::failed(anyhow::anyhow!("Sovereign: {error}"))
            .hint("If it hangs, end it and start it again."),
    })
}

#[cfg(not(unix))]
fn asked(_: &ControlPlace, _: &ControlRequest) -> Result<ControlAnswer, Problem> {
    let what = "this system has no commands to a running assistant";
    Err(Problem::nothing_to_run_on(what).hint("Use the keys of its window."))
}

fn in_words(status: &ControlStatus) -> Vec<String> {
    let partner = match (status.connected, status.demo) {
        (_, true) => "the offline demo answers",
        (true, false) => "connected",
        (false, false) => "not connected",
    };
    let held = if status.held {
        ", the talk key is down"
    } else {
        ""
    };
    vec![format!(
        "{}{held}; profile {}; {partner}",
        in_a_line(&status.state),
        in_a_line(&status.profile)
    )]
}

/// What a second start of the window finds.
pub enum FirstStart {
    /// It is the first: it may listen, unless there is no place for a socket.
    Yes(Option<Claim>),
    /// There is a first, and its window is shown.
    Shown,
    /// There is a first, and this one was to be hidden.
    Hidden,
}

/// Shows the window of an assistant that runs already, if there is one with the same configuration; not for a start that is
/// hidden itself. A demo or an endpoint
/// that is asked for is another conversation, and gets a window of its own.
pub fn first_start(global: &Global) -> FirstStart {
    let place = place(global);
    let claimed = place.claim();
    match claimed {
        Ok(Some(claim)) => return FirstStart::Yes(Some(claim)),
        Ok(None) if global.demo || global.endpoint.is_some() => {}
        Ok(None) => {
            // It may have claimed the place and not listen yet.
            let request = if global.hidden {
                ControlRequest::Status
            } else {
                ControlRequest::Show
            };
            for _ in 0..10 {
                match asked(&place, &request) {
                    Ok(ControlAnswer::Done) => return FirstStart::Shown,
                    Ok(ControlAnswer::Status(_)) => return FirstStart::Hidden,
                    // It is the terminal's.
                    Ok(_) => break,
                    Err(_) => std::thread::sleep(Duration::from_millis(100)),
                }
            }
        }
        Err(error) => not_listened_at(&error),
    }
    FirstStart::Yes(None)
}

/// Claims the place for a conversation without a window.
pub(super) fn claim(global: &Global) -> Option<Claim> {
    place(global).claim().unwrap_or_else(|error| {
        not_listened_at(&error);
        None
    })
}

fn not_listened_at(error: &io::Error) {
    tracing::warn!(%error, "commands such as `sovereign press` do not reach this assistant");
}

/// The assistant's side, while it is kept.
pub struct Controlled {
    #[cfg(unix)]
    _socket: Option<crate::control::ControlSocket>,
    _media_keys: Option<AbortOnDropHandle<()>>,
    _global_key: Option<GlobalKeyTask>,
    _lock: Option<AbortOnDropHandle<()>>,
    _other_sound: OtherSoundTask,
    /// What is asked of the window.
    pub wish: watch::Sender<WindowWish>,
}

/// Answers requests to this conversation, and with a microphone takes the talk key for any window and media
/// keys, and mutes while the screen is locked; call it inside the runtime.
pub(super) fn serve(
    claim: Option<Claim>,
    session: &Session,
    window: bool,
    has_microphone: bool,
) -> Controlled {
    let wish = WindowWish::channel(true);
    #[cfg(unix)]
    let socket = claim.and_then(|claim| {
        let (asked, mut asks) = tokio::sync::mpsc::channel::<crate::control::ControlQuestion>(8);
        let socket = claim.listen(asked).inspect_err(not_listened_at).ok()?;
        let desk = desk::ControlDesk {
            commands: session.commands.clone(),
            snapshots: session.snapshots.clone(),
            wish: window.then(|| wish.clone()),
        };
        tokio::spawn(async move {
            while let Some(asked) = asks.recv().await {
                asked.answer.send(desk.answer(asked.request)).ok();
            }
        });
        Some(socket)
    });
    #[cfg(not(unix))]
    drop((claim, session));
    Controlled {
        #[cfg(unix)]
        _socket: socket,
        _media_keys: has_microphone
            .then(|| media_keys::follow(session, window.then(|| wish.clone()))),
        _global_key: has_microphone.then(|| global_key::follow(session)),
        _lock: has_microphone.then(|| screen_lock::follow(session)),
        _other_sound: other_sound::follow(session),
        wish,
    }
}
