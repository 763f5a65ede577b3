//! The open window: what is shown, its look as the user leaves it, and the task that wakes it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use eframe::egui::{Context, Ui, ViewportCommand, Visuals};
use tokio::sync::watch;
use winit::window::Window;

use super::app::UiApp;
use super::closing::WindowClosing;
use super::link::{Left, UiLink};
use super::repaint::{self, RepaintScheduler, SnapshotDiff};
use super::system_fonts::SystemFonts;
use super::{theme, window_position};
use crate::base::counters::Counters;
use crate::base::supervise::{RunOutcome, Supervisor};
use crate::control::WindowWish;
use crate::conversation::snapshot::Snapshot;

/// The window, with its look and its wake task.
pub(super) struct OpenWindow {
    app: UiApp,
    counters: Arc<Counters>,
    left: Left,
    waker: tokio::task::JoinHandle<()>,
    closed: Rc<Cell<WindowClosing>>,
    /// 0: nothing was drawn; 1: the first frame was; 2: and the session was informed.
    passes: u8,
    /// The zoom of the last frame, and how many frames pass until the window's size follows it.
    zoom: f32,
    unsettled: u8,
}

impl OpenWindow {
    /// `closed` will say whether the user or the conversation has closed it.
    pub(super) fn new(
        ctx: &Context,
        link: &UiLink,
        left: &Left,
        closed: Rc<Cell<WindowClosing>>,
    ) -> Self {
        let waker = link.runtime.spawn(keep_awake(
            ctx.clone(),
            link.snapshots.clone(),
            link.wish.subscribe(),
            Arc::clone(&link.counters),
        ));
        let mut app = UiApp::new(ctx, link);
        app.use_fonts(ctx, SystemFonts::default());
        Self {
            app,
            counters: Arc::clone(&link.counters),
            left: Arc::clone(left),
            waker,
            closed,
            passes: 0,
            zoom: 0.0,
            unsettled: 0,
        }
    }

    /// Runs before each frame, and alone while the window is hidden.
    pub(super) fn logic(&mut self, ctx: &Context, window: Option<&Window>) {
        self.app.update(ctx);
        self.closed.set(self.app.closing());
        // The first frame is on the screen now, and the position of the window is known.
        if self.passes == 1 {
            if let Some(window) = window {
                window_position::bring_into_sight(ctx, window);
            }
            self.app.report_shown();
            self.passes = 2;
        }
        // Uncontended until the window is closed.
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.removes_everything = self.app.removes_everything();
        let left = &mut left.look;
        left.panel = self.app.panel();
        left.theme = theme::chosen(ctx.options(|options| options.theme_preference));
        let zoom = ctx.zoom_factor();
        left.frame.zoom_percent = (zoom * 100.0).round() as u32;
        if self.zoom.to_bits() != zoom.to_bits() {
            (self.zoom, self.unsettled) = (zoom, 3);
        }
        // For a frame or two the system's sizes are in points of the previous zoom.
        if self.app.is_small() {
            // The whole window is what the next start brings back.
        } else if self.unsettled == 0 {
            window_position::note(&mut left.frame, ctx);
        } else {
            self.unsettled -= 1;
            ctx.request_repaint();
        }
    }

    pub(super) fn ui(&mut self, ui: &mut Ui) {
        self.app.show(ui);
        self.counters.window_frames.add(1);
        if self.passes == 0 {
            self.passes = 1;
            ui.ctx().request_repaint();
        }
    }
}

impl eframe::App for OpenWindow {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        self.logic(ctx, frame.winit_window().map(AsRef::as_ref));
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.ui(ui);
    }

    fn clear_color(&self, visuals: &Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

impl Drop for OpenWindow {
    fn drop(&mut self) {
        self.waker.abort();
    }
}

/// Runs [`wake`], and again if it panics. Then the session has ended, or nothing wakes the window any more: it is closed.
async fn keep_awake(
    ctx: Context,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    wish: watch::Receiver<WindowWish>,
    counters: Arc<Counters>,
) {
    let mut supervisor = Supervisor::default();
    let wake = || {
        let (snapshots, wish) = (snapshots.clone(), wish.clone());
        wake(ctx.clone(), snapshots, wish, Arc::clone(&counters))
    };
    while supervisor.run_async(wake()).await == RunOutcome::Restart {}
    ctx.send_viewport_cmd(ViewportCommand::Close);
    ctx.request_repaint();
}

/// The delay with which one frame is drawn: without any, egui draws a second one for what settles late, and each that has to
/// settle asks for it itself.
const ONE_FRAME: Duration = Duration::from_millis(1);

/// Requests frames for changes of the session, until it has ended.
async fn wake(
    ctx: Context,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    mut wish: watch::Receiver<WindowWish>,
    counters: Arc<Counters>,
) {
    let mut pace = RepaintScheduler::default();
    let mut shown = snapshots.borrow_and_update().clone();
    loop {
        let now = Instant::now();
        if pace.take(now) {
            ctx.request_repaint_after(ONE_FRAME);
        }
        let saving = shown.auto.as_ref().is_some_and(|auto| auto.power_saving);
        let look = repaint::poll_interval(shown.activity, saving).map(|apart| now + apart);
        let until = pace.deadline().into_iter().chain(look).min();
        tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                let new = snapshots.borrow_and_update().clone();
                pace.note(SnapshotDiff::between(&shown, &new), Instant::now());
                shown = new;
            }
            Ok(()) = wish.changed() => {
                if !wish.borrow_and_update().is_open {
                    ctx.send_viewport_cmd(ViewportCommand::Close);
                    ctx.request_repaint();
                    continue;
                }
                for command in [
                    ViewportCommand::Visible(true),
                    ViewportCommand::Minimized(false),
                    ViewportCommand::Focus,
                ] {
                    ctx.send_viewport_cmd(command);
                }
                ctx.request_repaint();
            }
            () = sleep_until(until) => {}
        }
        pace.note_levels(
            [counters.input_level.get(), counters.output_level.get()],
            Instant::now(),
        );
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
