//! A key or mouse button with the keys that are held down for it, as it is written in the configuration: `Ctrl+Alt+Space`,
//! `F9`, `Mouse8`.

use std::fmt;

use crate::base::did_you_mean::nearest;
use crate::base::keys::{Scalar, Value};
use crate::base::text::t;

/// A key or button that is pressed while others are held down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chord {
    /// Each once, in the order of [`Modifier`].
    modifiers: Vec<Modifier>,
    pub trigger: Trigger,
}

/// A key that is held down for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Modifier {
    Ctrl,
    Alt,
    Shift,
    /// The key with the sign of the system.
    Super,
}

/// What is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Key(ChordKey),
    /// A button of the mouse, as X11 counts: 1 is the left one, 8 and 9 are at the side.
    Mouse(u8),
}

/// A key of the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChordKey {
    /// What it is called in the configuration.
    pub name: &'static str,
    /// What it is called in the XDG shortcuts specification, by which desktops are asked for it.
    pub xdg: &'static str,
    /// Its X11 keysym.
    pub keysym: u32,
}

const MODIFIERS: [(&str, Modifier); 9] = [
    ("Ctrl", Modifier::Ctrl),
    ("Alt", Modifier::Alt),
    ("Shift", Modifier::Shift),
    ("Super", Modifier::Super),
    ("Control", Modifier::Ctrl),
    ("Option", Modifier::Alt),
    ("Meta", Modifier::Super),
    ("Win", Modifier::Super),
    ("Cmd", Modifier::Super),
];

const fn key(name: &'static str, xdg: &'static str, keysym: u32) -> ChordKey {
    ChordKey { name, xdg, keysym }
}

/// Keys that do nothing by themselves in most programs: each may be taken from all of them.
const FREE: &[ChordKey] = &[
    key("F1", "F1", 0xffbe),
    key("F2", "F2", 0xffbf),
    key("F3", "F3", 0xffc0),
    key("F4", "F4", 0xffc1),
    key("F5", "F5", 0xffc2),
    key("F6", "F6", 0xffc3),
    key("F7", "F7", 0xffc4),
    key("F8", "F8", 0xffc5),
    key("F9", "F9", 0xffc6),
    key("F10", "F10", 0xffc7),
    key("F11", "F11", 0xffc8),
    key("F12", "F12", 0xffc9),
    key("F13", "F13", 0xffca),
    key("F14", "F14", 0xffcb),
    key("F15", "F15", 0xffcc),
    key("F16", "F16", 0xffcd),
    key("F17", "F17", 0xffce),
    key("F18", "F18", 0xffcf),
    key("F19", "F19", 0xffd0),
    key("F20", "F20", 0xffd1),
    key("F21", "F21", 0xffd2),
    key("F22", "F22", 0xffd3),
    key("F23", "F23", 0xffd4),
    key("F24", "F24", 0xffd5),
    key("Pause", "Pause", 0xff13),
    key("ScrollLock", "Scroll_Lock", 0xff14),
    key("PrintScreen", "Print", 0xff61),
    key("Insert", "Insert", 0xff63),
    key("Menu", "Menu", 0xff67),
    key("RightCtrl", "Control_R", 0xffe4),
    key("MicMute", "XF86AudioMicMute", 0x1008_ffb2),
    key("MediaPlay", "XF86AudioPlay", 0x1008_ff14),
    key("MediaStop", "XF86AudioStop", 0x1008_ff15),
];

/// Keys that are needed for writing, and so need Ctrl, Alt or Super.
const WRITING: &[ChordKey] = &[
    key("Space", "space", 0x20),
    key("Enter", "Return", 0xff0d),
    key("Tab", "Tab", 0xff09),
    key("Backspace", "BackSpace", 0xff08),
    key("Escape", "Escape", 0xff1b),
    key("Delete", "Delete", 0xffff),
    key("Home", "Home", 0xff50),
    key("End", "End", 0xff57),
    key("PageUp", "Page_Up", 0xff55),
    key("PageDown", "Page_Down", 0xff56),
    key("Left", "Left", 0xff51),
    key("Up", "Up", 0xff52),
    key("Right", "Right", 0xff53),
    key("Down", "Down", 0xff54),
    key("Comma", "comma", 0x2c),
    key("Period", "period", 0x2e),
    key("Minus", "minus", 0x2d),
    key("Slash", "slash", 0x2f),
    key("Backquote", "grave", 0x60),
    key("A", "a", 0x61),
    key("B", "b", 0x62),
    key("C", "c", 0x63),
    key("D", "d", 0x64),
    key("E", "e", 0x65),
    key("F", "f", 0x66),
    key("G", "g", 0x67),
    key("H", "h", 0x68),
    key("I", "i", 0x69),
    key("J", "j", 0x6a),
    key("K", "k", 0x6b),
    key("L", "l", 0x6c),
    key("M", "m", 0x6d),
    key("N", "n", 0x6e),
    key("O", "o", 0x6f),
    key("P", "p", 0x70),
    key("Q", "q", 0x71),
    key("R", "r", 0x72),
    key("S", "s", 0x73),
    key("T", "t", 0x74),
    key("U", "u", 0x75),
    key("V", "v", 0x76),
    key("W", "w", 0x77),
    key("X", "x", 0x78),
    key("Y", "y", 0x79),
    key("Z", "z", 0x7a),
    key("0", "0", 0x30),
    key("1", "1", 0x31),
    key("2", "2", 0x32),
    key("3", "3", 0x33),
    key("4", "4", 0x34),
    key("5", "5", 0x35),
    key("6", "6", 0x36),
    key("7", "7", 0x37),
    key("8", "8", 0x38),
    key("9", "9", 0x39),
];

/// The buttons that every program needs, and those that a wheel presses.
const MOUSE_NEEDED: std::ops::RangeInclusive<u8> = 1..=3;
const MOUSE_WHEEL: std::ops::RangeInclusive<u8> = 4..=7;
const MOUSE_LAST: u8 = 20;

impl Chord {
    /// Reads a chord; capital letters and blanks around the signs do not matter.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts: Vec<&str> = text.split('+').map(str::trim).collect();
        let last = parts.pop().unwrap_or_default();
        let mut modifiers = Vec::new();
        for part in parts {
            let named = MODIFIERS.iter().find(|(name, _)| same(name, part));
            let (_, modifier) = named.ok_or_else(|| t!("chord-no-modifier", part))?;
            modifiers.push(*modifier);
        }
        modifiers.sort_unstable();
        modifiers.dedup();
        let is_held = modifiers.iter().any(|held| *held != Modifier::Shift);
        let trigger = Trigger::parse(last)?;
        let needs_modifier = match trigger {
            Trigger::Key(key) => WRITING.contains(&key),
            Trigger::Mouse(button) => MOUSE_NEEDED.contains(&button),
        };
        if needs_modifier && !is_held {
            return Err(t!("chord-needs-modifier", name = trigger));
        }
        Ok(Self { modifiers, trigger })
    }

    /// Whether a key is held down for it.
    #[must_use]
    pub fn holds(&self, modifier: Modifier) -> bool {
        self.modifiers.contains(&modifier)
    }

    /// As the XDG shortcuts specification writes it: `CTRL+ALT+space`; `None` for a button of the mouse.
    #[must_use]
    pub fn xdg(&self) -> Option<String> {
        let Trigger::Key(key) = self.trigger else {
            return None;
        };
        let held = self.modifiers.iter().map(|held| match held {
            Modifier::Ctrl => "CTRL",
            Modifier::Alt => "ALT",
            Modifier::Shift => "SHIFT",
            Modifier::Super => "LOGO",
        });
        Some(held.chain([key.xdg]).collect::<Vec<_>>().join("+"))
    }
}

impl Trigger {
    fn parse(text: &str) -> Result<Self, String> {
        let mut keys = FREE.iter().chain(WRITING);
        if let Some(key) = keys.find(|key| same(key.name, text)) {
            return Ok(Self::Key(*key));
        }
        let (word, number) = text.split_at_checked("mouse".len()).unwrap_or_default();
        if same(word, "mouse")
            && let Ok(button) = number.parse()
        {
            return match button {
                button if MOUSE_WHEEL.contains(&button) => Err(t!("chord-is-wheel", button)),
                1..=MOUSE_LAST => Ok(Self::Mouse(button)),
                _ => Err(t!("chord-no-button", last = MOUSE_LAST)),
            };
        }
        if MODIFIERS.iter().any(|(name, _)| same(name, text)) {
            return Err(t!("chord-only-modifiers").to_owned());
        }
        if text.is_empty() {
            return Err(t!("chord-empty").to_owned());
        }
        let names = FREE.iter().chain(WRITING).map(|key| key.name);
        Err(match nearest(text, names) {
            Some(name) => t!("chord-no-key-like", text, name),
            None => t!("chord-no-key", text),
        })
    }
}

fn same(name: &str, text: &str) -> bool {
    name.eq_ignore_ascii_case(text)
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for modifier in &self.modifiers {
            write!(f, "{modifier:?}+")?;
        }
        write!(f, "{}", self.trigger)
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key.name),
            Self::Mouse(button) => write!(f, "Mouse{button}"),
        }
    }
}

impl Scalar for Chord {
    fn from_value(value: Value) -> Option<Self> {
        Self::parse(&String::from_value(value)?).ok()
    }

    fn to_value(&self) -> Value {
        Value::Text(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chord_is_read_however_it_is_written_and_shown_in_one_way() {
        for (text, shown, xdg) in [
            ("F9", "F9", Some("F9")),
            ("f13", "F13", Some("F13")),
            ("ctrl+alt+space", "Ctrl+Alt+Space", Some("CTRL+ALT+space")),
            (
                "  Shift + CONTROL + control + a ",
                "Ctrl+Shift+A",
                Some("CTRL+SHIFT+a"),
            ),
            ("win+PAGEUP", "Super+PageUp", Some("LOGO+Page_Up")),
            ("Shift+F1", "Shift+F1", Some("SHIFT+F1")),
            ("Mouse8", "Mouse8", None),
            ("alt+mouse1", "Alt+Mouse1", None),
        ] {
            let chord = Chord::parse(text).expect(text);
            assert_eq!(chord.to_string(), shown);
            assert_eq!(chord.xdg().as_deref(), xdg);
            assert_eq!(Chord::parse(shown).as_ref(), Ok(&chord));
        }
    }

    #[test]
    fn what_is_no_chord_is_told_with_what_to_write() {
        for (text, told) in [
            ("", "no key"),
            ("Ctrl+", "no key"),
            ("Ctrl", "press"),
            ("Hyper+F9", "`Hyper`"),
            ("Ctrl++", "``"),
            ("Ctrl+Spce", "`Space`"),
            ("a", "Ctrl, Alt or Super"),
            ("Shift+Space", "Ctrl, Alt or Super"),
            ("Mouse1", "Ctrl, Alt or Super"),
            ("Mouse4", "wheel"),
            ("Mouse0", "Mouse1 to Mouse20"),
            ("Mouse300", "no key"),
            ("ä", "no key"),
            ("Mous\u{e9}8", "no key"),
        ] {
            let fault = Chord::parse(text).expect_err(text);
            assert!(fault.contains(told), "{text}: {fault}");
        }
    }
}
