//! The window. It shows a [`Snapshot`] and sends
//! [`Command`](crate::conversation::command::Command)s; it holds no lock, never blocks and does no I/O.
//!
//! ```text
//!              main thread                                     tokio
//! ┌───────────────────────────────────┐  watch: Snapshot  ┌─────────────┐
//! │ eframe: UiApp::logic, UiApp::ui   │◄──────────────────│  session    │
//! │   header · banner · captions ·    │  mpsc: Command    │             │
//! │   overlay · toasts · talk · footer│──────────────────►│             │
//! └──────▲────────────────────────────┘                   └──────┬──────┘
//!        │ request_repaint, at a bearable pace                   │ watch
//!        └──────────────────────── wake task ◄───────────────────┘  + level meters
//! ```

mod api_key_page;
mod api_key_state;
mod app;
mod audio_settings;
mod banners;
mod bidi;
mod caption;
mod captions;
mod check_page;
mod connection_figures;
mod conversations_list;
mod conversations_page;
mod conversations_state;
mod copy_button;
mod details_page;
mod diagnostics;
pub mod display;
mod draft;
mod explain;
mod find;
mod find_bar;
mod footer;
mod format;
mod header;
mod history;
mod icon_buttons;
mod icons;
mod key_texts;
mod known_height;
mod latency_panel;
mod link;
mod look;
mod markdown;
mod opened_conversation;
mod overlay;
mod page;
mod past_alerts;
mod plots;
mod profile_editor;
mod remedy_button;
mod repaint;
mod report;
mod screen;
mod sent;
mod setting_control;
mod setting_row;
mod settings_page;
mod settings_sections;
mod settings_state;
mod shortcuts;
mod sound;
mod sources;
mod speech;
mod styled_text;
mod switch;
mod system_fonts;
mod talk;
mod text_block;
pub mod theme;
mod toasts;
mod transcript;
mod typed_field;
mod ui_state;
mod verdict;
mod waterfall;
mod welcome_page;
mod welcome_state;
mod widgets;
mod window_position;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use eframe::egui::{self, ViewportCommand};
use tokio::sync::watch;

pub use app::UiApp;
use display::Display;
pub use link::UiLink;
use repaint::{RepaintScheduler, SnapshotDiff};
pub use system_fonts::SystemFonts;
pub use window_position::USUAL;

use crate::base::counters::Counters;
use crate::base::supervise::{RunOutcome, Supervisor};
use crate::conversation::snapshot::Snapshot;
use crate::settings::config::Window;

/// The look of the window now, for the code that keeps it at the end.
pub type Left = Arc<Mutex<Window>>;

/// Shows the window until it is closed or the session ends. Must be called on the main thread. `left` always holds its
/// look as the user leaves it.
pub fn run(link: UiLink, display: &Display, left: &Left) -> anyhow::Result<()> {
    // The accessibility bus looks for a runtime on this thread.
    let _runtime = link.runtime.enter();
    let options = eframe::NativeOptions {
        viewport: window_position::viewport(link.window.frame)
            .with_title(app::title(link.snapshots.borrow().demo))
            .with_app_id("sovereign")
            .with_icon(icons::app_icon(64)),
        renderer: eframe::Renderer::Glow,
        dithering: false,
        // Ours does without any.
        system_font_fallback: false,
        event_loop_builder: builder(display),
        ..Default::default()
    };
    let kept = left.clone();
    let created: eframe::AppCreator<'_> = Box::new(move |cc| {
        let waker = link.runtime.spawn(keep_awake(
            cc.egui_ctx.clone(),
            link.snapshots.clone(),
            link.counters.clone(),
        ));
        let mut app = UiApp::new(&cc.egui_ctx, &link);
        app.use_fonts(&cc.egui_ctx, SystemFonts::default());
        Ok(Box::new(Opened {
            app,
            counters: Arc::clone(&link.counters),
            left: kept,
            waker,
            passes: 0,
            zoom: 0.0,
            unsettled: 0,
        }))
    });
    eframe::run_native("sovereign", options, created)
        .map_err(|error| anyhow!("{error}"))
        .context(HELP)
}

/// The display to open the window on, if not the default of the library.
fn builder(display: &Display) -> Option<eframe::EventLoopBuilderHook> {
    match display {
        Display::Preferred => None,
        #[cfg(all(unix, not(target_os = "macos")))]
        Display::X11 { .. } => Some(Box::new(|builder| {
            winit::platform::x11::EventLoopBuilderExtX11::with_x11(builder);
        })),
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        Display::X11 { .. } => None,
    }
}

/// What to do when no window can be opened.
const HELP: &str = "no window can be opened: it needs a display (DISPLAY or WAYLAND_DISPLAY) and OpenGL (on Debian and \
                    Ubuntu: the packages libgl1, libegl1, libgl1-mesa-dri and libxkbcommon-x11-0); \
                    `sovereign talk` works without";

/// The window, with its look and its wake task.
struct Opened {
    app: UiApp,
    counters: Arc<Counters>,
    left: Left,
    waker: tokio::task::JoinHandle<()>,
    /// 0: nothing was drawn; 1: the first frame was; 2: and the session was informed.
    passes: u8,
    /// The zoom of the last frame, and how many frames pass until the window's size follows it.
    zoom: f32,
    unsettled: u8,
}

impl eframe::App for Opened {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.app.logic(ctx, frame);
        // The first frame is on the screen now, and the position of the window is known.
        if self.passes == 1 {
            window_position::bring_into_sight(ctx, frame);
            self.app.report_shown();
            self.passes = 2;
        }
        // Uncontended until the window is closed.
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.panel = self.app.panel();
        left.theme = theme::chosen(ctx.options(|options| options.theme_preference));
        let zoom = ctx.zoom_factor();
        left.frame.zoom_percent = (zoom * 100.0).round() as u32;
        if self.zoom.to_bits() != zoom.to_bits() {
            (self.zoom, self.unsettled) = (zoom, 3);
        }
        // For a frame or two the system's sizes are in points of the previous zoom.
        if self.unsettled == 0 {
            window_position::note(&mut left.frame, ctx);
        } else {
            self.unsettled -= 1;
            ctx.request_repaint();
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.app.ui(ui, frame);
        self.counters.window_frames.add(1);
        if self.passes == 0 {
            self.passes = 1;
            ui.ctx().request_repaint();
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        self.app.clear_color(visuals)
    }

    fn on_exit(&mut self, gl: Option<&eframe::glow::Context>) {
        self.app.on_exit(gl);
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.waker.abort();
    }
}

/// Runs [`wake`], and again if it panics. Then the session has ended, or nothing wakes the window any more: it is closed.
async fn keep_awake(
    ctx: egui::Context,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    counters: Arc<Counters>,
) {
    let mut supervisor = Supervisor::default();
    let wake = || wake(ctx.clone(), snapshots.clone(), Arc::clone(&counters));
    while supervisor.run_async(wake()).await == RunOutcome::Restart {}
    ctx.send_viewport_cmd(ViewportCommand::Close);
    ctx.request_repaint();
}

/// The delay with which one frame is drawn: without any, egui draws a second one for what settles late, and each that has to
/// settle asks for it itself.
const ONE_FRAME: Duration = Duration::from_millis(1);

/// Requests frames for changes of the session, until it has ended.
async fn wake(
    ctx: egui::Context,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
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
