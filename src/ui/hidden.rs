//! The time without a window: the loop of window events goes on, and sleeps until the window is asked for.

use std::time::Instant;

use eframe::UserEvent;
use eframe::egui::ViewportId;
use tokio_util::task::AbortOnDropHandle;
use winit::application::ApplicationHandler;
use winit::error::EventLoopError;
use winit::event::WindowEvent;
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop};
use winit::platform::run_on_demand::EventLoopExtRunOnDemand as _;
use winit::window::WindowId;

use super::link::UiLink;

/// Waits until the window shall be open; says whether that is so, and not the conversation over.
pub(super) fn wait(
    events: &mut EventLoop<UserEvent>,
    link: &UiLink,
) -> Result<bool, EventLoopError> {
    if !is_over(link) {
        let (proxy, mut wish) = (events.create_proxy(), link.wish.subscribe());
        let commands = link.commands.clone();
        let _waker = AbortOnDropHandle::new(link.runtime.spawn(async move {
            tokio::select! {
                _ = wish.wait_for(|wish| wish.is_open) => {}
                () = commands.closed() => {}
            }
            // Nobody listens only when the loop has ended.
            let _ended = proxy.send_event(UserEvent::RequestRepaint {
                viewport_id: ViewportId::ROOT,
                when: Instant::now(),
                cumulative_pass_nr: 0,
            });
        }));
        events.run_app_on_demand(&mut WithoutWindow(link))?;
    }
    Ok(!link.commands.is_closed())
}

fn is_over(link: &UiLink) -> bool {
    link.wish.borrow().is_open || link.commands.is_closed()
}

struct WithoutWindow<'a>(&'a UiLink);

impl ApplicationHandler<UserEvent> for WithoutWindow<'_> {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        event_loop.set_control_flow(ControlFlow::Wait);
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, _: UserEvent) {
        // What the last window asked for may still arrive.
        if is_over(self.0) {
            event_loop.exit();
        }
    }

    // Those of the last window.
    fn window_event(&mut self, _: &ActiveEventLoop, _: WindowId, _: WindowEvent) {}
}
