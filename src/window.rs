//! The window: opens it over a conversation, or says why it cannot and talks in the terminal.

use std::process::ExitCode;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use sovereign::base::problem::Problem;
use sovereign::base::text::{self, Locale};
use sovereign::base::thread::caught;
use sovereign::cli::control::{self, FirstStart};
use sovereign::cli::signal::{self, Stop};
use sovereign::cli::start_conversation::{Start, Voice};
use sovereign::cli::talk::{self, OVER_WITHIN, TalkArgs};
use sovereign::cli::{Global, panics, room, runtime, say, shutdown};
use sovereign::control::{Claim, WindowWish};
use sovereign::conversation::Event;
use sovereign::conversation::command::Command;
use sovereign::desktop::Autostart;
use sovereign::settings::config::{Config, ConfigFile, Window};
use sovereign::settings::paths::Paths;
use sovereign::settings::removal;
use sovereign::ui::display::{self, Display};
use sovereign::ui::{self, Left, UiLink, WindowEnd};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// After a signal, the end must not take longer, whatever hangs.
const ENDED_WITHIN: Duration = Duration::from_secs(10);
/// After a signal, a window that has not closed by itself is left behind.
const CLOSED_WITHIN: Duration = Duration::from_secs(4);

/// The window; where there is no display the same assistant in the terminal.
///
/// # Errors
///
/// As `talk`; 3 when the window was insisted on and cannot be.
pub(crate) fn run(global: &Global, inherited: bool) -> Result<ExitCode, Problem> {
    let display = match display::find(inherited) {
        Ok(display) => display,
        Err(silent) if global.window => {
            let hint =
                "Start it in a desktop session, or without --window to talk in the terminal.";
            let what = format!("there is no display to open a window on: {silent}");
            return Err(Problem::nothing_to_run_on(what).hint(hint));
        }
        Err(silent) => {
            say(&format!(
                "{silent}: talking in the terminal (sovereign talk)"
            ));
            room::CONVERSATION.check()?;
            return talk::run(global, &TalkArgs::default());
        }
    };
    if let Display::X11 { silent } = &display {
        say(&format!(
            "note: the window is opened through X11: nothing answers at {silent}"
        ));
    }
    let claim = match control::first_start(global) {
        FirstStart::Yes(claim) => claim,
        FirstStart::Shown => {
            say("Sovereign is running already: its window is shown");
            return Ok(ExitCode::SUCCESS);
        }
        FirstStart::Hidden => {
            say("Sovereign is running already");
            return Ok(ExitCode::SUCCESS);
        }
    };
    room::WINDOW.check()?;
    signal::hold(ENDED_WITHIN);
    let opened = open_window(global, &display, claim);
    if opened.is_err() {
        // What follows is said in the terminal.
        text::set(Locale::English);
    }
    match opened {
        Err(Opened::No(error)) if global.window => {
            Err(Problem::nothing_to_run_on(format!("{error:#}")))
        }
        Err(Opened::No(error)) => {
            say(&format!("{error:#}"));
            say("talking in the terminal instead (sovereign talk)");
            talk::run(global, &TalkArgs::default())
        }
        Err(Opened::Failed(problem)) => Err(problem),
        Ok(status) => Ok(status),
    }
}

enum Opened {
    No(anyhow::Error),
    Failed(Problem),
}

fn open_window(
    global: &Global,
    display: &Display,
    claim: Option<Claim>,
) -> Result<ExitCode, Opened> {
    let hidden = starts_hidden(global, claim.as_ref());
    let start = Start::new(
        global,
        &Voice {
            window: true,
            ..Voice::default()
        },
        claim,
    )
    .map_err(Opened::Failed)?;
    let (paths, mut window) = (start.paths().clone(), start.window());
    let key_file = paths.key().unwrap_or_default();
    let runtime = runtime().map_err(Opened::Failed)?;
    let entered = runtime.enter();
    let stop = Stop::new().map_err(Problem::from).map_err(Opened::Failed)?;
    let (session, monitor, controlled) = start.session(None).map_err(Opened::Failed)?.into_parts();
    drop(entered);
    window.frame.size.get_or_insert(ui::USUAL);
    if hidden {
        WindowWish::ask(&controlled.wish, false);
    } else {
        session.commands.try_send(Command::SetShown(false)).ok();
    }
    if window.keep_muted && window.muted {
        session.commands.try_send(Command::SetMuted(true)).ok();
    }
    let link = UiLink {
        snapshots: session.snapshots.clone(),
        commands: session.commands.clone(),
        counters: Arc::clone(&session.counters),
        failures: session.failures.clone(),
        key_file,
        window: window.clone(),
        wish: controlled.wish.clone(),
        runtime: runtime.handle().clone(),
    };
    let as_begun = WindowEnd {
        look: window.clone(),
        removes_everything: false,
    };
    let left = Left::new(as_begun.into());
    let leftovers = Leftovers {
        paths,
        autostart: Autostart::find(global.config.as_deref()),
        left: left.clone(),
        before: window,
    };
    runtime.spawn(end_without_window(
        stop,
        session.commands.clone(),
        leftovers.clone(),
    ));
    // Listened to all the time, although only the end matters: events that nobody takes would pile up.
    let over = runtime.spawn(until_over(session.events));
    let shown = caught(|| ui::run(&link, display, &left));
    session.commands.try_send(Command::Quit).ok();
    let ended = runtime.block_on(end(over));
    runtime.shutdown_timeout(Duration::from_millis(100));
    drop((monitor, controlled));
    leftovers.tidy_up();
    let mut failed = panics::lost().is_cancelled();
    match shown {
        // A display that is closed with the session takes the window with it: that is the end that was asked for.
        Some(Err(_)) if signal::is_asked() => {}
        Some(Err(error)) => return Err(Opened::No(error)),
        Some(Ok(())) => {}
        None => failed = true,
    }
    if failed {
        let problem = Problem::failed(anyhow!(panics::LOST_A_PART));
        return Err(Opened::Failed(problem));
    }
    ended.map_err(Opened::Failed)
}

/// Hidden only where a second start finds it: nobody knows yet whether there is a tray.
fn starts_hidden(global: &Global, claim: Option<&Claim>) -> bool {
    let hidden = global.hidden && claim.is_some();
    if hidden {
        say("the window is hidden: start Sovereign again to see it, or use its icon in the tray");
    } else if global.hidden {
        say("the window is shown: nothing would lead to a hidden one");
    }
    hidden
}

/// After a signal, or when a part of the program is lost.
async fn end_without_window(mut stop: Stop, commands: mpsc::Sender<Command>, leftovers: Leftovers) {
    tokio::select! {
        () = stop.wait() => {}
        () = panics::lost().cancelled() => {}
    }
    // The end of the conversation closes the window.
    commands.send(Command::Quit).await.ok();
    tokio::time::sleep(CLOSED_WITHIN).await;
    // It does not draw, and so does not close: hidden windows of some desktops do not, nor does one whose display is gone.
    leftovers.tidy_up();
    let _status = shutdown::end(ExitCode::SUCCESS);
    signal::leave(i32::from(panics::lost().is_cancelled()));
}

/// Waits for the conversation to write its summary; it has been asked to end.
async fn end(over: JoinHandle<Result<ExitCode, Problem>>) -> Result<ExitCode, Problem> {
    match tokio::time::timeout(OVER_WITHIN, over).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(_)) | Err(_) => Ok(ExitCode::SUCCESS),
    }
}

async fn until_over(mut events: mpsc::Receiver<Event>) -> Result<ExitCode, Problem> {
    while let Some(event) = events.recv().await {
        match event {
            Event::Over(_) => return Ok(ExitCode::SUCCESS),
            Event::Broken(what) => return Err(Problem::failed(anyhow!(what))),
            Event::Audible { .. }
            | Event::Closed(_)
            | Event::Notice(..)
            | Event::NotWritten(_)
            | Event::InputOver
            | Event::LimitReached(_) => {}
        }
    }
    // Its task panicked.
    Err(Problem::failed(anyhow!(panics::LOST_A_PART)))
}

/// What the window leaves behind, and where it belongs.
#[derive(Clone)]
struct Leftovers {
    paths: Paths,
    autostart: Autostart,
    left: Left,
    /// The look as it was at the start.
    before: Window,
}

impl Leftovers {
    /// Keeps what the user changed, or removes everything.
    fn tidy_up(&self) {
        let left = self.left.lock();
        let end = left.unwrap_or_else(PoisonError::into_inner).clone();
        if !end.removes_everything {
            return keep(&self.paths, end.look, &self.before);
        }
        if let Err(error) = self.autostart.remove_own() {
            say(&format!("it still starts with the desktop: {error}"));
        }
        for (path, error) in removal::remove_everything(&self.paths) {
            say(&format!("{} is not removed: {error}", path.display()));
        }
    }
}

fn keep(paths: &Paths, left: Window, before: &Window) {
    if left == *before {
        return;
    }
    let (mut file, _) = ConfigFile::load(paths.config_file());
    let look = |config: &mut Config| {
        // What else there is was written at once.
        config.window.panel = left.panel;
        config.window.theme = left.theme;
        config.window.frame = left.frame;
    };
    if let Err(problem) = file.save(look) {
        tracing::warn!(%problem, "the look of the window is not kept");
    }
}
