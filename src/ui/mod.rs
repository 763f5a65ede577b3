//! The window. It shows a [`Snapshot`](crate::conversation::snapshot::Snapshot) and sends
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

mod announcements;
mod api_key_page;
mod api_key_state;
mod app;
mod audio_settings;
mod autostart;
mod banners;
mod bidi;
mod caption;
mod captions;
mod check_page;
mod closing;
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
mod global_key;
mod header;
mod heading;
mod hidden;
mod history;
mod icon_buttons;
mod icons;
mod key_texts;
mod known_height;
mod latency_panel;
mod limited_text;
mod link;
mod look;
mod markdown;
mod open_window;
mod opened_conversation;
mod overlay;
mod page;
mod past_alerts;
mod plots;
mod profile_editor;
mod remedy_button;
mod renderer;
mod repaint;
mod report;
mod screen;
mod sent;
mod setting_control;
mod setting_row;
mod settings_page;
mod settings_search;
mod settings_sections;
mod settings_state;
mod shortcuts;
mod small_window;
pub mod software;
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
#[cfg(all(unix, not(target_os = "macos")))]
mod tray;
#[cfg(all(unix, not(target_os = "macos")))]
mod tray_icon;
mod typed_field;
mod ui_state;
mod verdict;
mod waterfall;
mod welcome_page;
mod welcome_state;
mod widgets;
mod window_position;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::PoisonError;

use anyhow::{Context as _, anyhow};
use eframe::UserEvent;
use winit::event_loop::EventLoop;
use winit::platform::run_on_demand::EventLoopExtRunOnDemand as _;

pub use app::UiApp;
use closing::WindowClosing;
use display::Display;
pub use link::{Left, UiLink, WindowEnd};
use open_window::OpenWindow;
use software::window::SoftwareWindow;
pub use system_fonts::SystemFonts;
pub use window_position::USUAL;

use crate::base::supervise::restarted;
use crate::base::text::t;

/// Shows the window, and again whenever it is asked for, until the user or the conversation ends. Must be called on the main
/// thread. `left` always holds its look as the user leaves it.
pub fn run(link: &UiLink, display: &Display, left: &Left) -> anyhow::Result<()> {
    // The accessibility bus looks for a runtime on this thread.
    let _runtime = link.runtime.enter();
    let mut events = event_loop(display)
        .map_err(|error| anyhow!("{error}"))
        .context(HELP)?;
    #[cfg(all(unix, not(target_os = "macos")))]
    let _tray = tray::start(link);
    let mut link = link.clone();
    let wait = |events: &mut _, link: &_| {
        hidden::wait(events, link)
            .map_err(|error| anyhow!("{error}"))
            .context(HELP)
    };
    while wait(&mut events, &link)? {
        if open(&mut events, &link, left)? != WindowClosing::Hides {
            break;
        }
        let look = left.lock().unwrap_or_else(PoisonError::into_inner);
        link.window = look::as_now(look.look.clone(), &link.snapshots.borrow().settings);
    }
    Ok(())
}

/// Opens the window until it is closed. Where OpenGL does not start, or is lost with the graphics processor, it is drawn
/// without it.
fn open(
    events: &mut EventLoop<UserEvent>,
    link: &UiLink,
    left: &Left,
) -> anyhow::Result<WindowClosing> {
    let viewport = window_position::viewport(link.window.frame)
        .with_title(look::title(link.snapshots.borrow().demo))
        .with_app_id("sovereign")
        .with_icon(icons::app_icon(64));
    let closed = Rc::new(Cell::new(WindowClosing::No));
    if renderer::uses_opengl(link.window.renderer) {
        let opened = Rc::new(Cell::new(false));
        run_opengl(events, viewport.clone(), link, left, (&opened, &closed))?;
        if closed.get() != WindowClosing::No {
            return Ok(closed.get());
        }
        tracing::warn!("the window is drawn without OpenGL: it does not start, or was lost");
        if opened.get() {
            link.failures.add(restarted(t!("the-window")));
        }
    }
    let create = |ctx: &_| OpenWindow::new(ctx, link, left, Rc::clone(&closed));
    let mut window = SoftwareWindow::new(viewport, events.create_proxy(), create);
    events
        .run_app_on_demand(&mut window)
        .map_err(|error| anyhow!("{error}"))
        .and_then(|()| window.result())
        .context(HELP)?;
    Ok(closed.get())
}

/// Runs a window drawn by OpenGL, and notes whether it opened, and whether it was closed by the user or the conversation.
fn run_opengl(
    events: &mut EventLoop<UserEvent>,
    viewport: eframe::egui::ViewportBuilder,
    link: &UiLink,
    left: &Left,
    (opened, closed): (&Rc<Cell<bool>>, &Rc<Cell<WindowClosing>>),
) -> anyhow::Result<()> {
    let options = eframe::NativeOptions {
        viewport,
        renderer: eframe::Renderer::Glow,
        dithering: false,
        // Ours does without any.
        system_font_fallback: false,
        ..Default::default()
    };
    let create: eframe::AppCreator<'_> = Box::new(|cc| {
        opened.set(true);
        let window = OpenWindow::new(&cc.egui_ctx, link, left, Rc::clone(closed));
        Ok(Box::new(window))
    });
    let mut app = eframe::create_native("sovereign", options, create, events);
    events
        .run_app_on_demand(&mut app)
        .map_err(|error| anyhow!("{error}"))
        .context(HELP)
}

/// The loop of window events, on the display to use.
fn event_loop(display: &Display) -> Result<EventLoop<UserEvent>, winit::error::EventLoopError> {
    let mut builder = EventLoop::with_user_event();
    #[cfg(all(unix, not(target_os = "macos")))]
    if let Display::X11 { .. } = display {
        winit::platform::x11::EventLoopBuilderExtX11::with_x11(&mut builder);
    }
    builder.build()
}

/// What to do when no window can be opened.
const HELP: &str = "no window can be opened: it needs a display (DISPLAY or WAYLAND_DISPLAY; on Debian and Ubuntu for X11: \
                    the packages libx11-6, libx11-xcb1 and libxkbcommon-x11-0); `sovereign talk` works without";
