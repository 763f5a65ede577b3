//! The window: opens it over a conversation, or says why it cannot and talks in the terminal.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use sovereign::cli::start::{Start, Voice};
use sovereign::cli::talk::{self, OVER_WITHIN, TalkArgs};
use sovereign::cli::{Global, Problem, runtime, say};
use sovereign::session::Event;
use sovereign::session::command::Command;
use sovereign::settings::config::{ConfigFile, Theme};
use sovereign::settings::paths::Paths;
use sovereign::ui::{self, Preferences, ThemeChoice, UiLink};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The window; where there is no display the same assistant in the terminal.
///
/// # Errors
///
/// As `talk`; 3 when the window was insisted on and cannot be.
pub(crate) fn run(global: &Global) -> Result<ExitCode, Problem> {
    if !has_display() {
        if global.window {
            let hint =
                "Start it in a desktop session, or without --window to talk in the terminal.";
            return Err(
                Problem::nothing_to_run_on("there is no display to open a window on").hint(hint),
            );
        }
        say("no display: talking in the terminal (sovereign talk)");
        return talk::run(global, &TalkArgs::default());
    }
    match open_window(global) {
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

fn open_window(global: &Global) -> Result<ExitCode, Opened> {
    let start = Start::new(
        global,
        &Voice {
            window: true,
            ..Voice::default()
        },
    )
    .map_err(Opened::Failed)?;
    let (paths, window) = (start.paths().clone(), start.window());
    let key_file = paths.key().unwrap_or_default();
    let runtime = runtime().map_err(Opened::Failed)?;
    let entered = runtime.enter();
    let (session, log, monitor) = start.session(None).map_err(Opened::Failed)?.into_parts();
    drop(entered);
    let preferences = Preferences {
        panel: window.panel,
        theme: theme(window.theme),
        ..Preferences::default()
    };
    let link = UiLink {
        snapshots: session.snapshots.clone(),
        commands: session.commands.clone(),
        counters: Arc::clone(&session.counters),
        key_file,
        preferences,
        runtime: runtime.handle().clone(),
    };
    // Listened to all the time, although only the end matters: events that nobody takes would pile up.
    let over = runtime.spawn(until_over(session.events));
    let shown = ui::run(link);
    session.commands.try_send(Command::Quit).ok();
    let ended = runtime.block_on(end(over));
    runtime.shutdown_timeout(Duration::from_millis(100));
    drop((log, monitor));
    let left = shown.map_err(Opened::No)?;
    if left != preferences {
        keep(&paths, left);
    }
    ended.map_err(Opened::Failed)
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
            Event::Over(_) => break,
            Event::Broken(what) => return Err(Problem::failed(anyhow!(what))),
            Event::Audible { .. } | Event::Closed(_) | Event::Notice(..) | Event::InputOver => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn keep(paths: &Paths, left: Preferences) {
    let (mut file, _) = ConfigFile::load(paths.config_file());
    let kept = file.save(|config| {
        config.window.panel = left.panel;
        config.window.theme = match left.theme {
            ThemeChoice::System => Theme::System,
            ThemeChoice::Dark => Theme::Dark,
            ThemeChoice::Light => Theme::Light,
        };
    });
    if let Err(problem) = kept {
        tracing::warn!(%problem, "the look of the window is not kept");
    }
}

fn theme(theme: Theme) -> ThemeChoice {
    match theme {
        Theme::System => ThemeChoice::System,
        Theme::Dark => ThemeChoice::Dark,
        Theme::Light => ThemeChoice::Light,
    }
}

/// Whether a window can be tried at all. On other systems there always is a display.
fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_os = "macos")))
        || set("DISPLAY")
        || set("WAYLAND_DISPLAY")
        || set("WAYLAND_SOCKET")
}
