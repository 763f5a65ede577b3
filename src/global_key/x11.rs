//! The key on an X server.
//!
//! A passive grab (XGrabKey, XGrabButton) brings the press, and keeps it from the window that has the focus. The active grab
//! that it begins is ended at once, so that other keys go on to work while this one is held. The release comes as a raw event
//! (XInput 2), which no grab of another program hides; raw events are asked for while the key is down only. That it may have
//! come before they were asked for, or that they fail, is covered by a look at the state of the key.
//!
//! ```text
//!  KeyPress ─▶ Down, ungrab, select raw releases, is it still down? ──no──▶ Up
//!  KeyPress again (auto-repeat) ─▶ ungrab            raw release, or half a second's look, or a sleep ──▶ Up
//! ```

use std::fmt::Display;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant, SystemTime};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::mpsc::Sender;
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::xinput::{
    ConnectionExt as _, DeviceId, DeviceType, EventMask as RawMask, XIEventMask,
};
use x11rb::protocol::xproto::{
    ButtonIndex, ConnectionExt as _, EventMask, GrabMode, ModMask, Window,
};
use x11rb::protocol::{ErrorKind, Event};
use x11rb::rust_connection::RustConnection;

use super::event::{GlobalKeyEvent, GlobalKeyState};
use crate::base::chord::{Chord, Modifier, Trigger};
use crate::base::sleep::SleepWatch;
use crate::base::text::t;

/// While the key is down, its state is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

const NUM_LOCK: u32 = 0xff7f;
const SCROLL_LOCK: u32 = 0xff14;
/// All keys, in an end of grabs.
const ANY_KEY: u8 = 0;
/// All master devices, in a selection of events.
const ALL_MASTERS: DeviceId = 1;

/// Listens until the other end of `stopped` is closed, or the connection is lost.
pub(super) fn run(chord: &Chord, events: &Sender<GlobalKeyEvent>, stopped: &UnixStream) {
    let say = |event| events.blocking_send(event).is_ok();
    let mut key = match X11Key::grab(chord) {
        Ok(key) => key,
        Err(state) => {
            say(GlobalKeyEvent::State(state));
            return;
        }
    };
    say(GlobalKeyEvent::State(GlobalKeyState::Works {
        called: None,
    }));
    let end = key.listen(stopped, &say);
    if key.is_down {
        say(GlobalKeyEvent::Up);
    }
    if let Err(error) = end {
        say(GlobalKeyEvent::State(lost(&error)));
    }
}

/// The X server cannot be talked with.
pub(super) fn lost(error: &dyn Display) -> GlobalKeyState {
    GlobalKeyState::NotPossible {
        why: t!("global-key-display-lost", error),
        hint: t!("global-key-try-again").to_owned(),
    }
}

struct X11Key {
    connection: RustConnection,
    root: Window,
    chord: Chord,
    pointer: DeviceId,
    /// What is grabbed: the codes of the key, or the number of the button.
    codes: Vec<u8>,
    /// What went down last.
    pressed: u8,
    is_down: bool,
}

impl X11Key {
    fn grab(chord: &Chord) -> Result<Self, GlobalKeyState> {
        let (connection, screen) = RustConnection::connect(None).map_err(|error| lost(&error))?;
        let root = connection.setup().roots[screen].root;
        let pointer = pointer(&connection).map_err(|error| lost(&error))?;
        let mut this = Self {
            connection,
            root,
            chord: chord.clone(),
            pointer,
            codes: Vec::new(),
            pressed: 0,
            is_down: false,
        };
        this.grab_all().map_err(|error| match error {
            GrabError::Unknown => GlobalKeyState::NotPossible {
                why: t!("global-key-not-on-this-keyboard", chord),
                hint: t!("global-key-choose-another").to_owned(),
            },
            GrabError::Failed(ReplyError::X11Error(error))
                if error.error_kind == ErrorKind::Access =>
            {
                GlobalKeyState::NotPossible {
                    why: t!("global-key-taken", chord),
                    hint: t!("global-key-choose-another").to_owned(),
                }
            }
            GrabError::Failed(error) => lost(&error),
        })?;
        Ok(this)
    }

    /// Grabs every code of the key, with each state of the locks, which must not matter.
    fn grab_all(&mut self) -> Result<(), GrabError> {
        let (codes, locks) = self.codes_and_locks()?;
        if codes.is_empty() {
            return Err(GrabError::Unknown);
        }
        let held = [
            (Modifier::Ctrl, ModMask::CONTROL),
            (Modifier::Alt, ModMask::M1),
            (Modifier::Shift, ModMask::SHIFT),
            (Modifier::Super, ModMask::M4),
        ];
        let held = held.into_iter().filter(|(held, _)| self.chord.holds(*held));
        let held = held.fold(ModMask::from(0_u16), |all, (_, mask)| all | mask);
        for &code in &codes {
            for &lock in &locks {
                self.grab_one(code, held | lock)?;
            }
        }
        self.codes = codes;
        Ok(())
    }

    fn grab_one(&self, code: u8, held: ModMask) -> Result<(), ReplyError> {
        let (x, mode) = (&self.connection, GrabMode::ASYNC);
        match self.chord.trigger {
            Trigger::Key(_) => x
                .grab_key(false, self.root, held, code, mode, mode)?
                .check(),
            Trigger::Mouse(_) => {
                let wanted = EventMask::BUTTON_PRESS | EventMask::BUTTON_RELEASE;
                let (no_window, no_cursor) = (x11rb::NONE, x11rb::NONE);
                let button = ButtonIndex::from(code);
                let root = self.root;
                x.grab_button(
                    false, root, wanted, mode, mode, no_window, no_cursor, button, held,
                )?
                .check()
            }
        }
    }

    /// The codes that the key has on this keyboard, and each combination of the locks.
    fn codes_and_locks(&self) -> Result<(Vec<u8>, Vec<ModMask>), ReplyError> {
        let (first, last) = {
            let setup = self.connection.setup();
            (setup.min_keycode, setup.max_keycode)
        };
        let x = &self.connection;
        let map = x.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let width = usize::from(map.keysyms_per_keycode).max(1);
        let rows = || (first..=last).zip(map.keysyms.chunks(width));
        let codes_of = |keysym: u32| -> Vec<u8> {
            // By its first sign where there is one: on a Cyrillic keyboard the Latin letters are others.
            let by = |column: usize| {
                let has = rows().filter(move |(_, row)| row.get(column) == Some(&keysym));
                has.map(|(code, _)| code).collect::<Vec<_>>()
            };
            let found = (0..width).map(by).find(|codes| !codes.is_empty());
            found.unwrap_or_default()
        };
        let modifiers = x.get_modifier_mapping()?.reply()?;
        let per_mask = modifiers.keycodes.len().div_ceil(8).max(1);
        let mask_of = |keysym: u32| {
            let codes = codes_of(keysym);
            let masks = modifiers.keycodes.chunks(per_mask).zip(0_u16..);
            let mut masks = masks.filter(|(keys, _)| keys.iter().any(|code| codes.contains(code)));
            masks.next().map(|(_, bit)| ModMask::from(1_u16 << bit))
        };
        let mut locks = vec![ModMask::from(0_u16)];
        let all = [Some(ModMask::LOCK), mask_of(NUM_LOCK), mask_of(SCROLL_LOCK)];
        for lock in all.into_iter().flatten() {
            let with: Vec<_> = locks.iter().map(|others| *others | lock).collect();
            locks.extend(with);
        }
        let codes = match self.chord.trigger {
            Trigger::Key(key) => codes_of(key.keysym),
            Trigger::Mouse(button) => vec![button],
        };
        Ok((codes, locks))
    }

    /// Grabs again: the keyboard has changed.
    fn grab_again(&mut self) -> Result<(), ReplyError> {
        let (x, root) = (&self.connection, self.root);
        x.ungrab_key(ANY_KEY, root, ModMask::ANY)?.check()?;
        x.ungrab_button(ButtonIndex::ANY, root, ModMask::ANY)?
            .check()?;
        match self.grab_all() {
            Ok(()) | Err(GrabError::Unknown) => Ok(()),
            Err(GrabError::Failed(error)) => Err(error),
        }
    }

    fn listen(
        &mut self,
        stopped: &UnixStream,
        say: &impl Fn(GlobalKeyEvent) -> bool,
    ) -> Result<(), ReplyError> {
        let mut looks = false;
        loop {
            // Answers bring events along, so all of both are taken before it waits.
            if let Some(event) = self.connection.poll_for_event()? {
                self.on_event(&event, say)?;
                looks = self.is_down;
                continue;
            }
            if std::mem::take(&mut looks) {
                if !self.is_pressed()? {
                    self.up(say)?;
                }
                continue;
            }
            self.connection.flush()?;
            let (now, wall) = (Instant::now(), SystemTime::now());
            let watch = SleepWatch::begin(now, wall, now + LOOK_EVERY);
            if self.wait(stopped)? {
                return Ok(());
            }
            if self.is_down && watch.slept(Instant::now(), SystemTime::now()) {
                self.up(say)?;
            }
            looks = self.is_down;
        }
    }

    /// Waits for something to happen, while the key is down for half a second at most; says whether it is to end.
    fn wait(&self, stopped: &UnixStream) -> Result<bool, ReplyError> {
        let patience = if self.is_down {
            PollTimeout::try_from(LOOK_EVERY).unwrap_or(PollTimeout::ZERO)
        } else {
            PollTimeout::NONE
        };
        let mut waits = [
            PollFd::new(self.connection.stream().as_fd(), PollFlags::POLLIN),
            PollFd::new(stopped.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut waits, patience) {
            Ok(_) => Ok(waits[1].any() != Some(false)),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(ConnectionError::from(std::io::Error::from(error)).into()),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all extensions of X11, none of which is asked for"
    )]
    fn on_event(
        &mut self,
        event: &Event,
        say: &impl Fn(GlobalKeyEvent) -> bool,
    ) -> Result<(), ReplyError> {
        match event {
            Event::KeyPress(press) => {
                self.connection.ungrab_keyboard(CURRENT_TIME)?;
                self.down(press.detail, say)?;
            }
            Event::ButtonPress(press) => {
                self.connection.ungrab_pointer(CURRENT_TIME)?;
                self.down(press.detail, say)?;
            }
            Event::XinputRawKeyRelease(release) if release.detail == u32::from(self.pressed) => {
                self.up(say)?;
            }
            Event::XinputRawButtonRelease(release) if release.detail == u32::from(self.pressed) => {
                self.up(say)?;
            }
            Event::MappingNotify(_) => self.grab_again()?,
            _ => {}
        }
        Ok(())
    }

    fn down(&mut self, code: u8, say: &impl Fn(GlobalKeyEvent) -> bool) -> Result<(), ReplyError> {
        // Held, it repeats.
        if !std::mem::replace(&mut self.is_down, true) {
            self.pressed = code;
            self.select(match self.chord.trigger {
                Trigger::Key(_) => XIEventMask::RAW_KEY_RELEASE,
                Trigger::Mouse(_) => XIEventMask::RAW_BUTTON_RELEASE,
            })?;
            say(GlobalKeyEvent::Down);
        }
        Ok(())
    }

    fn up(&mut self, say: &impl Fn(GlobalKeyEvent) -> bool) -> Result<(), ReplyError> {
        if std::mem::take(&mut self.is_down) {
            say(GlobalKeyEvent::Up);
            self.select(XIEventMask::from(0_u16))?;
        }
        Ok(())
    }

    fn select(&self, wanted: XIEventMask) -> Result<(), ReplyError> {
        let mask = RawMask {
            deviceid: ALL_MASTERS,
            mask: vec![wanted],
        };
        self.connection
            .xinput_xi_select_events(self.root, &[mask])?;
        Ok(())
    }

    /// Whether the X server sees the key or button as pressed.
    fn is_pressed(&self) -> Result<bool, ReplyError> {
        let (x, code) = (&self.connection, usize::from(self.pressed));
        Ok(match self.chord.trigger {
            Trigger::Key(_) => {
                let state = x.query_keymap()?.reply()?;
                state.keys[code / 8] >> (code % 8) & 1 == 1
            }
            Trigger::Mouse(_) => {
                let state = x
                    .xinput_xi_query_pointer(self.root, self.pointer)?
                    .reply()?;
                let word = state.buttons.get(code / 32).copied().unwrap_or(0);
                word >> (code % 32) & 1 == 1
            }
        })
    }
}

/// Why a key is not grabbed.
enum GrabError {
    /// This keyboard has none.
    Unknown,
    Failed(ReplyError),
}

impl<E: Into<ReplyError>> From<E> for GrabError {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// The master pointer. Asking for the version tells the server that raw events are wanted as XInput 2.2 has them.
fn pointer(x: &RustConnection) -> Result<DeviceId, ReplyError> {
    x.xinput_xi_query_version(2, 2)?.reply()?;
    let devices = x.xinput_xi_query_device(ALL_MASTERS)?.reply()?.infos;
    let mut pointers = devices
        .iter()
        .filter(|device| device.type_ == DeviceType::MASTER_POINTER);
    // Each server has one.
    Ok(pointers
        .next()
        .map_or(ALL_MASTERS, |device| device.deviceid))
}
