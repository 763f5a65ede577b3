//! Which way there is on this desktop.

use std::os::unix::net::UnixStream;
use std::path::Path;

use tokio::sync::{mpsc, oneshot};

use super::event::{GlobalKeyEvent, GlobalKeyState};
use super::key::GlobalKey;
use super::{portal, x11};
use crate::base::chord::Chord;
use crate::base::text::t;
use crate::base::variable::read;

/// Begins to listen to a key in the way of this desktop; call it inside the runtime.
#[must_use]
pub fn start(chord: &Chord) -> GlobalKey {
    // A grab on the X server of a Wayland desktop would hear the key above X11 windows only.
    if wayland_answers() {
        start_by_portal(chord, None)
    } else if read("DISPLAY").is_some() {
        start_on_x11(chord)
    } else {
        GlobalKey::nothing(GlobalKeyState::NotPossible {
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
    GlobalKey::new(receiver, stop)
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
        Ok(stop) => GlobalKey::new(receiver, stop),
        Err(error) => GlobalKey::nothing(x11::lost(&error)),
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
