//! The whole window: a snapshot and the user's input go in, shapes and commands come out.

mod pages;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{Context, Ui, ViewportCommand, accesskit_root_id};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use super::closing::{ClosingWindow, WindowClosing};
use super::link::UiLink;
use super::look::{WindowLook, title};
use super::screen::Screen;
use super::system_fonts::{FontHint, SystemFonts};
use super::ui_state::{FIGURES_STAND, UiState};
use super::{format, shortcuts, small_window, theme, window_position};
use crate::base::counters::Counters;
use crate::base::supervise::{Failures, RunOutcome, Supervisor, given_up, restarted};
use crate::base::text::t;
use crate::base::units::Dbfs;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Activity, Link, Snapshot};
use crate::settings::config::WelcomeStep;

/// Commands kept while the session is busy; beyond that the oldest are dropped.
const OUTBOX: usize = 64;

/// Interval of sending a command again that found no room.
const OFFER_AGAIN: Duration = Duration::from_millis(50);

/// The window. It reads snapshots and meters, and sends commands; it never blocks.
pub struct UiApp {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    snapshot: Arc<Snapshot>,
    commands: mpsc::Sender<Command>,
    counters: Arc<Counters>,
    key_file: PathBuf,
    view: UiState,
    look: WindowLook,
    shown_demo: Option<bool>,
    closing: ClosingWindow,
    clock: Box<dyn Fn() -> Instant>,
    failures: Failures,
    font_hint: FontHint,
    supervisor: Supervisor,
    /// Drawing panicked too often.
    given_up: bool,
}

impl UiApp {
    /// Creates the window and installs fonts and themes.
    pub fn new(ctx: &Context, link: &UiLink) -> Self {
        let look = WindowLook::begin(ctx, &link.window);
        ctx.set_theme(theme::preference(link.window.theme));
        ctx.set_zoom_factor(link.window.frame.zoom_percent as f32 / 100.0);
        let mut view = UiState::new(link.window.panel);
        let step = link.window.welcome;
        if step != WelcomeStep::Done {
            view.set_up(step.max(WelcomeStep::Welcome));
        }
        Self {
            snapshots: link.snapshots.clone(),
            snapshot: link.snapshots.borrow().clone(),
            look,
            commands: link.commands.clone(),
            counters: link.counters.clone(),
            key_file: link.key_file.clone(),
            view,
            shown_demo: None,
            closing: ClosingWindow::new(link.wish.clone()),
            clock: Box::new(Instant::now),
            failures: link.failures.clone(),
            font_hint: FontHint::default(),
            supervisor: Supervisor::default(),
            given_up: false,
        }
    }

    /// Takes the time from elsewhere: for tests.
    pub fn set_clock(&mut self, clock: impl Fn() -> Instant + 'static) {
        self.clock = Box::new(clock);
    }

    /// Draws with these fonts what its own ones lack.
    pub fn use_fonts(&mut self, ctx: &Context, fonts: SystemFonts) {
        let fonts = Arc::new(fonts);
        ctx.add_font_provider(fonts.clone());
        self.font_hint.fonts = Some(fonts);
    }

    /// How much the latency panel shows, 0 to 3.
    pub fn panel(&self) -> u8 {
        self.view.panel
    }

    /// Whether the user has everything removed that the program keeps.
    pub fn removes_everything(&self) -> bool {
        self.view.removes_everything
    }

    /// Reports that the first frame is on the screen.
    pub(super) fn report_shown(&mut self) {
        self.view.commands.push(Command::SetShown(true));
        self.send();
    }

    /// Whether the window is small, in front of others.
    pub(super) fn is_small(&self) -> bool {
        self.view.whole.is_some()
    }

    /// Whether the window is about to close.
    pub(super) fn closing(&self) -> WindowClosing {
        self.closing.is
    }

    /// Says that the user is leaving, once.
    fn quit(&mut self) {
        if self.closing.is != WindowClosing::Quits {
            self.closing.is = WindowClosing::Quits;
            self.view.commands.push(Command::Quit);
        }
        self.send();
    }

    /// Sends the commands; those that find no room are sent with the next frame. Returns whether all were sent.
    fn send(&mut self) -> bool {
        let mut waiting = std::mem::take(&mut self.view.commands).into_iter();
        while let Some(command) = waiting.next() {
            match self.commands.try_send(command) {
                Ok(()) => {}
                Err(TrySendError::Full(command)) => {
                    let surplus = (waiting.len() + 1).saturating_sub(OUTBOX);
                    let rest = std::iter::once(command).chain(waiting);
                    self.view.commands = rest.skip(surplus).collect();
                    return false;
                }
                // The session ended; the window is about to be closed.
                Err(TrySendError::Closed(_)) => break,
            }
        }
        true
    }

    /// The level that the bars of the talk button move with: the voice that sounds.
    fn voice(&self) -> Dbfs {
        if self.look.reduced_motion {
            return Dbfs::SILENCE;
        }
        match self.snapshot.activity {
            Activity::Answering | Activity::Repeating => self.counters.output_level.get(),
            Activity::Listening | Activity::UserSpeaks | Activity::Held => {
                self.counters.input_level.get()
            }
            Activity::Connecting
            | Activity::Thinking
            | Activity::Muted
            | Activity::LimitReached
            | Activity::Reconnecting
            | Activity::Offline
            | Activity::NoMicrophone => Dbfs::SILENCE,
        }
    }

    /// Takes in levels and statistics, and requests the frames that they need.
    fn keep_time(&mut self, ctx: &Context) {
        let now = self.view.now;
        let muted = self.snapshot.muted;
        let level = if muted {
            Dbfs::SILENCE
        } else {
            self.counters.input_level.get()
        };
        self.view.meter.update(level, now);
        if let Some(welcome) = &mut self.view.welcome {
            welcome.hear(level, &self.snapshot.input.choice, now);
        }
        let idle = self.snapshot.activity == Activity::Muted;
        if !idle && self.view.meter.peak_is_marked() {
            // So that the peak mark falls without other changes.
            ctx.request_repaint_after(FIGURES_STAND);
        }
        let notices = &self.snapshot.notices;
        let toasts = &mut self.view.toasts;
        if let Some(hint) = self.font_hint.look(&self.snapshot.captions) {
            toasts.tell(hint, now);
        }
        // Beside another page nobody has seen them.
        if self.view.page == Screen::Talk
            && let Some(wait) = toasts.update(notices, now, &mut self.view.commands)
        {
            ctx.request_repaint_after(wait);
        }
        let wait = self.view.numbers.update(&self.snapshot, now);
        if let Some(wait) = wait.filter(|_| !idle) {
            ctx.request_repaint_after(wait);
        }
        match &self.snapshot.link {
            Link::Down { .. } => {
                if format::retry_in(&self.snapshot.link, now).is_some_and(|seconds| seconds > 0) {
                    ctx.request_repaint_after(Duration::from_millis(500));
                }
            }
            Link::Connected { since, .. } if !idle => {
                // The minute in the footer.
                let into = now.saturating_duration_since(*since).as_secs() % 60;
                ctx.request_repaint_after(Duration::from_secs(60 - into));
            }
            Link::Connected { .. } | Link::Connecting { .. } => {}
        }
    }

    fn frame_ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        self.view.now = (self.clock)();
        // What a screen reader calls the window; the toolkit tells it to the system alone.
        let name = title(self.snapshot.demo);
        ctx.accesskit_node_builder(accesskit_root_id(), |node| node.set_label(name));
        shortcuts::handle(&ctx, &self.snapshot, &mut self.view);
        let leaves = self.view.whole.is_some() && self.view.page != Screen::Talk;
        if std::mem::take(&mut self.view.resizes) || leaves {
            small_window::toggle(&ctx, &mut self.view);
        }
        self.keep_time(&ctx);
        window_position::fit_tooltips(&ctx);
        self.window_ui(ui);
        if self.view.removes_everything {
            self.quit();
        }
        if !self.send() {
            ctx.request_repaint_after(OFFER_AGAIN);
        }
    }

    /// Returns to the conversation after a panic: what is open beside it may be what cannot be drawn. What was typed stays.
    fn restart(&mut self, ui: &Ui, what: &str) {
        self.view.leave();
        self.view.hold.release(&mut self.view.commands);
        self.view = UiState {
            draft: std::mem::take(&mut self.view.draft),
            commands: std::mem::take(&mut self.view.commands),
            ..UiState::new(0)
        };
        self.send();
        self.failures.add(what.to_owned());
        ui.ctx().request_repaint();
    }

    /// All that is drawn when the window panicked too often.
    fn given_up_ui(&mut self, ui: &mut Ui) {
        ui.heading(t!("the-window-cannot-be-drawn"));
        ui.label(t!("it-failed-repeatedly-because-of"));
        if ui.button(t!("try-again")).clicked() {
            (self.given_up, self.supervisor) = (false, Supervisor::default());
        }
        if ui.button(t!("quit")).clicked() {
            self.quit();
            ui.ctx().send_viewport_cmd(ViewportCommand::Close);
        }
    }
}

impl UiApp {
    /// Takes over the newest snapshot; runs also while the window is hidden.
    pub(super) fn update(&mut self, ctx: &Context) {
        let shown = Arc::clone(&self.snapshot.settings);
        self.snapshot = self.snapshots.borrow().clone();
        if !Arc::ptr_eq(&shown, &self.snapshot.settings) {
            self.look.follow(ctx, &self.snapshot.settings);
        }
        if self.shown_demo != Some(self.snapshot.demo) {
            self.shown_demo = Some(self.snapshot.demo);
            ctx.send_viewport_cmd(ViewportCommand::Title(title(self.snapshot.demo).to_owned()));
        }
        let (closing, away) = ctx.input(|i| {
            (
                i.viewport().close_requested(),
                i.viewport().focused == Some(false),
            )
        });
        let hides = closing && self.closing.hides(&self.snapshot);
        if closing && !hides {
            self.quit();
        }
        if away || hides {
            self.view.hold.release(&mut self.view.commands);
            self.send();
        }
    }

    /// Draws a frame.
    pub(super) fn show(&mut self, ui: &mut Ui) {
        if self.given_up {
            return self.given_up_ui(ui);
        }
        let mut supervisor = std::mem::take(&mut self.supervisor);
        match supervisor.run(|| self.frame_ui(ui)) {
            RunOutcome::Done(()) => {}
            RunOutcome::Restart => self.restart(ui, &restarted(t!("the-window"))),
            RunOutcome::GiveUp => {
                self.restart(ui, &given_up(t!("the-window")));
                self.given_up = true;
            }
        }
        self.supervisor = supervisor;
    }
}

impl eframe::App for UiApp {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.update(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.show(ui);
    }
}
