//! The window's loop: input from the system to the toolkit, its shapes to the canvas, and what changed to the screen.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use eframe::UserEvent;
use eframe::egui::{self, Context, RawInput, ViewportCommand, ViewportEvent, ViewportId};
use egui_winit::accesskit_winit::WindowEvent as AccessEvent;
use egui_winit::{ActionRequested, EventResponse, State};
use softbuffer::Rect;
use winit::application::ApplicationHandler;
use winit::event::{StartCause, WindowEvent};
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoopProxy};
use winit::raw_window_handle::{HasWindowHandle as _, RawWindowHandle};
use winit::window::{Window, WindowId};

use super::canvas::Canvas;
use crate::ui::open_window::OpenWindow;
use crate::ui::window_position;

/// Frames are at least this far apart, as on a screen of 60 Hz: nothing else slows them down.
const FRAMES_APART: Duration = Duration::from_millis(16);

/// A window that the system does not ask to draw for so long is not seen: it runs its logic only.
const UNSEEN_AFTER: Duration = Duration::from_millis(250);

/// Pause between two runs of a window that is not seen.
const UNSEEN_APART: Duration = Duration::from_millis(100);

/// A surface keeps room for the largest picture that it has shown. One that is this many times smaller gets a new surface.
const MUCH_SMALLER: usize = 4;

type Surface = softbuffer::Surface<Arc<Window>, Arc<Window>>;

/// The program within a loop of window events.
pub(in crate::ui) struct SoftwareWindow<'a> {
    builder: egui::ViewportBuilder,
    create: Option<Create<'a>>,
    proxy: EventLoopProxy<UserEvent>,
    running: Option<Running>,
    failed: Option<anyhow::Error>,
}

/// Creates what is shown, once the window is there.
type Create<'a> = Box<dyn FnOnce(&Context) -> OpenWindow + 'a>;

impl<'a> SoftwareWindow<'a> {
    pub(in crate::ui) fn new(
        builder: egui::ViewportBuilder,
        proxy: EventLoopProxy<UserEvent>,
        create: impl FnOnce(&Context) -> OpenWindow + 'a,
    ) -> Self {
        Self {
            builder,
            create: Some(Box::new(create)),
            proxy,
            running: None,
            failed: None,
        }
    }

    /// What ended it, other than its user and the conversation.
    pub(in crate::ui) fn result(self) -> anyhow::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    fn fail(&mut self, event_loop: &ActiveEventLoop, error: anyhow::Error) {
        self.failed.get_or_insert(error);
        event_loop.exit();
    }

    /// Runs what is due, and sets when to wake up next.
    fn run_due(&mut self, event_loop: &ActiveEventLoop) {
        let Some(running) = &mut self.running else {
            return;
        };
        match running.run_due(event_loop) {
            Some(at) => event_loop.set_control_flow(ControlFlow::WaitUntil(at)),
            None => event_loop.set_control_flow(ControlFlow::Wait),
        }
    }
}

impl ApplicationHandler<UserEvent> for SoftwareWindow<'_> {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        let Some(create) = self.create.take() else {
            return;
        };
        match Running::new(event_loop, &self.builder, &self.proxy, create) {
            Ok(running) => {
                self.running = Some(running);
                self.run_due(event_loop);
            }
            Err(error) => self.fail(event_loop, error),
        }
    }

    fn new_events(&mut self, event_loop: &ActiveEventLoop, _: StartCause) {
        self.run_due(event_loop);
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, event: UserEvent) {
        if let Some(running) = &mut self.running {
            running.on_user_event(event);
        }
        self.run_due(event_loop);
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, id: WindowId, event: WindowEvent) {
        // A window of before, drawn by OpenGL, may have left some.
        let of_this = |running: &&mut Running| running.window.id() == id;
        let Some(running) = self.running.as_mut().filter(of_this) else {
            return;
        };
        if let Err(error) = running.on_window_event(event_loop, &event) {
            self.fail(event_loop, error);
        }
        self.run_due(event_loop);
    }
}

struct Running {
    window: Arc<Window>,
    screen: softbuffer::Context<Arc<Window>>,
    surface: Surface,
    /// The most pixels that the surface has shown.
    most_pixels: usize,
    canvas: Canvas,
    ctx: Context,
    state: State,
    info: egui::ViewportInfo,
    opened: OpenWindow,
    /// Input that no frame has taken yet.
    pending: RawInput,
    /// When the next frame is due.
    due: Option<Instant>,
    /// Since when the system owes us the drawing of a frame.
    asked: Option<Instant>,
    last: Option<Instant>,
    is_shown: bool,
    /// Whether the screen keeps what was shown. An X server forgets what was hidden, and its request to draw it again looks
    /// like any other: there, each frame is shown whole.
    keeps: bool,
}

impl Running {
    fn new(
        event_loop: &ActiveEventLoop,
        builder: &egui::ViewportBuilder,
        proxy: &EventLoopProxy<UserEvent>,
        create: Create<'_>,
    ) -> anyhow::Result<Self> {
        let ctx = Context::default();
        let wake = proxy.clone();
        ctx.set_request_repaint_callback(move |asked| {
            let when = Instant::now().checked_add(asked.delay);
            let Some(when) = when else { return };
            // Nobody listens only when the loop has ended.
            let _ended = wake.send_event(UserEvent::RequestRepaint {
                viewport_id: asked.viewport_id,
                when,
                cumulative_pass_nr: asked.current_cumulative_pass_nr,
            });
        });
        // Hidden until there is something to see.
        let builder = window_position::within_screens(builder.clone(), event_loop);
        let window = egui_winit::create_window(&ctx, event_loop, &builder.with_visible(false))
            .context("the system opens no window")?;
        let window = Arc::new(window);
        let failed = |error| anyhow!("nothing can be drawn in the window: {error}");
        let screen = softbuffer::Context::new(Arc::clone(&window)).map_err(failed)?;
        let surface = Surface::new(&screen, Arc::clone(&window)).map_err(failed)?;
        let scale = window.scale_factor() as f32;
        let mut state = State::new(
            ctx.clone(),
            ViewportId::ROOT,
            event_loop,
            Some(scale),
            window.theme(),
            None,
        );
        state.init_accesskit(event_loop, &window, proxy.clone());
        let mut info = egui::ViewportInfo::default();
        egui_winit::update_viewport_info(&mut info, &ctx, &window, true);
        let keeps = window
            .window_handle()
            .is_ok_and(|handle| matches!(handle.as_raw(), RawWindowHandle::Wayland(_)));
        Ok(Self {
            opened: create(&ctx),
            window,
            screen,
            surface,
            most_pixels: 0,
            canvas: Canvas::default(),
            ctx,
            state,
            info,
            pending: RawInput::default(),
            due: Some(Instant::now()),
            asked: None,
            last: None,
            is_shown: false,
            keeps,
        })
    }

    fn request(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    fn on_user_event(&mut self, event: UserEvent) {
        match event {
            UserEvent::RequestRepaint {
                when,
                cumulative_pass_nr,
                viewport_id,
            } => {
                // One of before the last frame was answered by it.
                let now = self.ctx.cumulative_pass_nr_for(viewport_id);
                if now == cumulative_pass_nr || now == cumulative_pass_nr + 1 {
                    self.request(when);
                }
            }
            UserEvent::AccessKitActionRequest(event) => match event.window_event {
                AccessEvent::InitialTreeRequested => {
                    self.ctx.enable_accesskit();
                    self.request(Instant::now());
                }
                AccessEvent::ActionRequested(request) => {
                    self.state.on_accesskit_action_request(request);
                    self.request(Instant::now());
                }
                AccessEvent::AccessibilityDeactivated => self.ctx.disable_accesskit(),
            },
        }
    }

    fn on_window_event(
        &mut self,
        event_loop: &ActiveEventLoop,
        event: &WindowEvent,
    ) -> anyhow::Result<()> {
        if let WindowEvent::RedrawRequested = event {
            self.asked = None;
            return self.run_frame(event_loop);
        }
        if let WindowEvent::Occluded(is_occluded) = event {
            self.info.occluded = Some(*is_occluded);
        }
        if let WindowEvent::CloseRequested = event {
            self.info.events.push(ViewportEvent::Close);
            self.request(Instant::now());
        }
        if let WindowEvent::Destroyed = event {
            event_loop.exit();
        }
        let EventResponse { repaint, .. } = self.state.on_window_event(&self.window, event);
        if repaint {
            self.request(Instant::now());
        }
        Ok(())
    }

    /// Asks the system to draw when a frame is due, or runs a window that is not seen. Returns when to come again.
    fn run_due(&mut self, event_loop: &ActiveEventLoop) -> Option<Instant> {
        let now = Instant::now();
        let earliest = self.last.map_or(now, |last| last + FRAMES_APART);
        if self.due.is_some_and(|due| due.max(earliest) <= now) {
            self.due = None;
            if self.is_unseen() {
                self.run_logic(event_loop);
                self.due = self.due.map(|due| due.max(now + UNSEEN_APART));
            } else {
                self.window.request_redraw();
                self.asked.get_or_insert(now);
            }
        }
        if self.asked.is_some_and(|asked| asked + UNSEEN_AFTER <= now) {
            self.asked = None;
            self.run_logic(event_loop);
        }
        let due = self.due.map(|due| due.max(earliest));
        let overdue = self.asked.map(|asked| asked + UNSEEN_AFTER);
        due.into_iter().chain(overdue).min()
    }

    /// Whether no request to draw will come: not before the first frame, for which the window is hidden on purpose.
    fn is_unseen(&self) -> bool {
        self.is_shown
            && (self.window.is_visible() == Some(false) || self.window.is_minimized() == Some(true))
    }

    fn take_input(&mut self) -> RawInput {
        egui_winit::update_viewport_info(&mut self.info, &self.ctx, &self.window, false);
        let mut input = std::mem::take(&mut self.pending);
        input.append(self.state.take_egui_input(&self.window));
        input.viewports = std::iter::once((ViewportId::ROOT, self.info.clone())).collect();
        input
    }

    /// Runs a window that is not seen.
    fn run_logic(&mut self, event_loop: &ActiveEventLoop) {
        let input = self.take_input();
        let is_closing = input.viewport().close_requested();
        let opened = &mut self.opened;
        let window = &self.window;
        let output = self
            .ctx
            .run_logic(&input, |ctx| opened.logic(ctx, Some(window)));
        self.pending = input;
        self.info.events.clear();
        self.state.handle_platform_output_with_event_loop(
            window,
            event_loop,
            output.platform_output,
        );
        let commands = output.viewport_commands.into_values().flatten().collect();
        self.follow(event_loop, is_closing, commands);
    }

    /// Runs a frame and shows it.
    fn run_frame(&mut self, event_loop: &ActiveEventLoop) -> anyhow::Result<()> {
        if self.is_shown && !self.info.visible().unwrap_or(true) {
            self.run_logic(event_loop);
            return Ok(());
        }
        self.last = Some(Instant::now());
        let input = self.take_input();
        let is_closing = input.viewport().close_requested();
        let opened = &mut self.opened;
        let window = Arc::clone(&self.window);
        let output = self.ctx.run_ui(input, |ui| {
            opened.logic(ui.ctx(), Some(&window));
            opened.ui(ui);
        });
        self.info.events.clear();
        self.state.handle_platform_output_with_event_loop(
            &window,
            event_loop,
            output.platform_output,
        );
        self.canvas.update_textures(output.textures_delta);
        self.show(output.shapes, output.pixels_per_point)?;
        if !self.is_shown {
            self.is_shown = true;
            window.set_visible(true);
        }
        let commands = output.viewport_output.into_values();
        let commands = commands.flat_map(|viewport| viewport.commands).collect();
        self.follow(event_loop, is_closing, commands);
        Ok(())
    }

    /// Does what the program asks of its window.
    fn follow(
        &mut self,
        event_loop: &ActiveEventLoop,
        is_closing: bool,
        commands: Vec<ViewportCommand>,
    ) {
        if is_closing && !commands.contains(&ViewportCommand::CancelClose) {
            event_loop.exit();
        }
        let mut actions = Vec::new();
        let (ctx, info) = (&self.ctx, &mut self.info);
        egui_winit::process_viewport_commands(ctx, info, commands, &self.window, &mut actions);
        for action in actions {
            let event = match action {
                ActionRequested::Cut => egui::Event::Cut,
                ActionRequested::Copy => egui::Event::Copy,
                ActionRequested::Paste => match self.state.clipboard_text() {
                    Some(text) => egui::Event::Paste(text.replace("\r\n", "\n")),
                    None => continue,
                },
                // Only tests ask for them, and have their own.
                ActionRequested::Screenshot(_) | ActionRequested::PaintWhileHidden => continue,
            };
            self.state.egui_input_mut().events.push(event);
        }
    }

    fn show(&mut self, shapes: Vec<egui::epaint::ClippedShape>, scale: f32) -> anyhow::Result<()> {
        let size = self.window.inner_size();
        let (Some(width), Some(height)) =
            (NonZeroU32::new(size.width), NonZeroU32::new(size.height))
        else {
            return Ok(());
        };
        let background = self.ctx.global_style().visuals.panel_fill;
        let pixels = [size.width, size.height].map(|side| side as usize);
        let damaged = self
            .canvas
            .paint(&self.ctx, pixels, scale, background, shapes);
        if damaged.is_empty() && self.keeps {
            return Ok(());
        }
        let failed = |error| anyhow!("the window cannot be drawn any more: {error}");
        let area = pixels[0] * pixels[1];
        if area * MUCH_SMALLER <= self.most_pixels {
            self.surface = Surface::new(&self.screen, Arc::clone(&self.window)).map_err(failed)?;
            self.most_pixels = 0;
        }
        self.most_pixels = self.most_pixels.max(area);
        self.surface.resize(width, height).map_err(failed)?;
        let mut buffer = self.surface.buffer_mut().map_err(failed)?;
        let stride = pixels[0];
        // What the buffer holds is the last frame, or unknown.
        let is_known = buffer.age() == 1;
        if !is_known {
            buffer.copy_from_slice(self.canvas.pixels());
        } else {
            for [left, top, width, height] in &damaged {
                for y in *top..top + height {
                    let start = y as usize * stride + *left as usize;
                    let line = start..start + *width as usize;
                    buffer[line.clone()].copy_from_slice(&self.canvas.pixels()[line]);
                }
            }
        }
        self.window.pre_present_notify();
        if !is_known || !self.keeps {
            return buffer.present().map_err(failed);
        }
        let rect = |[x, y, width, height]: [u32; 4]| {
            let (width, height) = (NonZeroU32::new(width)?, NonZeroU32::new(height)?);
            Some(Rect {
                x,
                y,
                width,
                height,
            })
        };
        let damaged: Vec<Rect> = damaged.into_iter().filter_map(rect).collect();
        buffer.present_with_damage(&damaged).map_err(failed)
    }
}
