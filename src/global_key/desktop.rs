//! Which way there is on this desktop, and a key that is listened to.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::event::{GlobalKeyEvent, GlobalKeyState};
use super::{portal, x11};
use crate::base::chord::Chord;
use crate::base::text::t;
use crate::base::variable::read;

/// A key that is given up must be free for whoever wants it next; what hangs is left behind.
const FREE_WITHIN: Duration = Duration::from_secs(2);

/// A key that is listened to, until it is dropped.
pub struct GlobalKey {
    events: mpsc::Receiver<GlobalKeyEvent>,
    stop: Stop,
    is_down: bool,
}

/// What ends it by being dropped.
enum Stop {
    Nothing,
    Task(#[expect(dead_code, reason = "dropped")] oneshot::Sender<()>),
    Thread(#[expect(dead_code, reason = "dropped")] UnixStream),
}

/// Begins to listen to a key in the way of this desktop; call it inside the runtime.
#[must_use]
pub fn start(chord: &Chord) -> GlobalKey {
    // A grab on the X server of a Wayland desktop would hear the key above X11 windows only.
    if wayland_answers() {
        start_by_portal(chord, None)
    } else if read("DISPLAY").is_some() {
        start_on_x11(chord)
    } else {
        nothing(GlobalKeyState::NotPossible {
            why: t!("global-key-no-display").to_owned(),
            hint: t!("global-key-bind-commands").to_owned(),
        })
    }
}

/// The same through the portal, on the bus at this address instead of that of the session.
#[must_use]
pub fn start_by_portal(chord: &Chord, bus: Option<&str>) -> GlobalKey {
    let (events, receiver) = mpsc::channel(16);
    let (stop, stopped) = oneshot::channel();
    let (chord, bus) = (chord.clone(), bus.map(str::to_owned));
    tokio::spawn(async move { portal::run(&chord, bus.as_deref(), &events, stopped).await });
    GlobalKey {
        events: receiver,
        stop: Stop::Task(stop),
        is_down: false,
    }
}

fn start_on_x11(chord: &Chord) -> GlobalKey {
    let (events, receiver) = mpsc::channel(16);
    let chord = chord.clone();
    let started = UnixStream::pair().and_then(|(stop, stopped)| {
        let thread = std::thread::Builder::new().name("global key".to_owned());
        thread.spawn(move || x11::run(&chord, &events, &stopped))?;
        Ok(stop)
    });
    match started {
        Ok(stop) => GlobalKey {
            events: receiver,
            stop: Stop::Thread(stop),
            is_down: false,
        },
        Err(error) => nothing(x11::lost(&error)),
    }
}

/// Whether the key can be had, as far as can be seen without asking the user; call it inside the runtime.
pub async fn look(chord: &Chord) -> GlobalKeyState {
    if wayland_answers() {
        return portal::look(chord).await;
    }
    let mut key = start(chord);
    let state = match key.next().await {
        Some(GlobalKeyEvent::State(state)) => state,
        Some(GlobalKeyEvent::Down | GlobalKeyEvent::Up) | None => GlobalKeyState::Off,
    };
    key.stop().await;
    state
}

fn nothing(state: GlobalKeyState) -> GlobalKey {
    let (events, receiver) = mpsc::channel(1);
    events.try_send(GlobalKeyEvent::State(state)).ok();
    GlobalKey {
        events: receiver,
        stop: Stop::Nothing,
        is_down: false,
    }
}

impl GlobalKey {
    /// What happens next; `None` when it has ended. May be dropped and called again.
    pub async fn next(&mut self) -> Option<GlobalKeyEvent> {
        let event = self.events.recv().await;
        match &event {
            Some(GlobalKeyEvent::Down) => self.is_down = true,
            Some(GlobalKeyEvent::Up) => self.is_down = false,
            Some(GlobalKeyEvent::State(_)) => {}
            // Whoever tells of it is gone, and has not said so.
            None if std::mem::take(&mut self.is_down) => return Some(GlobalKeyEvent::Up),
            None => {}
        }
        event
    }

    /// Gives the key up, and returns when another can be had; says whether it was down.
    pub async fn stop(mut self) -> bool {
        let is_down = self.is_down;
        drop(std::mem::replace(&mut self.stop, Stop::Nothing));
        let ended = async { while self.events.recv().await.is_some() {} };
        tokio::time::timeout(FREE_WITHIN, ended).await.ok();
        is_down
    }
}

/// Whether somebody listens at the Wayland display that the variables name.
fn wayland_answers() -> bool {
    if read("WAYLAND_SOCKET").is_some() {
        return true;
    }
    let Some(name) = read("WAYLAND_DISPLAY") else {
        return false;
    };
    let folder = read("XDG_RUNTIME_DIR").unwrap_or_default();
    UnixStream::connect(Path::new(&folder).join(name)).is_ok()
}
