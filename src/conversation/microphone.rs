//! Microphone control: mute and the talk key. The key is held or tapped, with a time after which the microphone closes. The state is pure; time comes in.
//!
//! ```text
//!            press                         release (hold), press (tap)
//!   closed ────────▶ open ───────────────────────────────────────────▶ closing ── delay ──▶ closed
//!      ▲               ▲                                                  │ │
//!      │               └────────────── press: the utterance goes on ──────┘ │
//!      └──────────────────────────── Esc, mute, no delay ───────────────────┘
//! ```

use std::time::{Duration, Instant};

use super::snapshot::GlobalKeyView;
use crate::settings::config::TalkKey;

/// What the user does to the microphone.
#[derive(Debug, Default)]
pub(super) struct MicrophoneControl {
    pub(super) muted: bool,
    /// It was muted because the screen was locked, and nobody has said otherwise since.
    pub(super) muted_by_lock: bool,
    pub(super) key: TalkKeyState,
    /// The talk key is held down while the microphone is muted.
    pub(super) held_in_vain: bool,
    /// The talk key that works in any window.
    pub(super) global_key: GlobalKeyView,
    /// The voice has fallen silent within an utterance, or was when it ended.
    pub(super) is_silent: bool,
}

impl MicrophoneControl {
    /// Mutes, which closes a microphone that the talk key opened; or unmutes.
    pub(super) fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
        self.held_in_vain = false;
        if muted {
            self.key.close();
        }
    }
}

/// The talk key and how long the microphone stays open for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TalkKeyState {
    open: bool,
    closes_at: Option<Instant>,
    /// A media key opened it: it is open until the next press, whatever the talk key does.
    by_media_key: bool,
}

impl TalkKeyState {
    /// Takes a press (`down`) or a release; says whether the key opened the microphone now.
    pub(super) fn turn(
        &mut self,
        now: Instant,
        down: bool,
        mode: TalkKey,
        delay: Duration,
    ) -> bool {
        let is_open = self.is_pressed();
        let opens = match mode {
            TalkKey::Hold => down,
            TalkKey::Tap if down => !is_open,
            TalkKey::Tap => return false,
        };
        if opens {
            let was_closed = !self.open;
            (self.open, self.closes_at) = (true, None);
            self.by_media_key = false;
            return was_closed;
        }
        if is_open {
            self.closes_at = Some(now + delay);
            self.handle_timeout(now);
        }
        false
    }

    /// Takes a press of a media key, which tells of no release; says whether it opened the microphone now.
    pub(super) fn press_media_key(&mut self, now: Instant, delay: Duration) -> bool {
        let opened = self.turn(now, !self.is_pressed(), TalkKey::Hold, delay);
        self.by_media_key = self.is_pressed();
        opened
    }

    /// Closes the microphone at once.
    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    /// Whether the microphone is open for the key.
    pub(super) const fn is_open(self) -> bool {
        self.open
    }

    /// Whether it is open, and not until a delay is over.
    pub(super) const fn is_pressed(self) -> bool {
        self.open && self.closes_at.is_none()
    }

    /// Whether a media key opened it.
    pub(super) const fn is_by_media_key(self) -> bool {
        self.by_media_key
    }

    /// Whether the key was let go, and the microphone is open until its time is over.
    pub(super) const fn is_closing(self) -> bool {
        self.closes_at.is_some()
    }

    /// When [`TalkKeyState::handle_timeout`] wants to be called.
    pub(super) const fn poll_timeout(self) -> Option<Instant> {
        self.closes_at
    }

    /// Closes the microphone when its time is over.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.closes_at.is_some_and(|at| now >= at) {
            self.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(300);

    /// What is done with the key at which millisecond, and whether the microphone is open or closing afterwards.
    type Row = (u64, bool, (bool, bool));

    fn run(mode: TalkKey, delay: Duration, rows: &[Row]) {
        let (mut key, origin) = (TalkKeyState::default(), Instant::now());
        for (nth, &(ms, down, wanted)) in rows.iter().enumerate() {
            let now = origin + Duration::from_millis(ms);
            key.handle_timeout(now);
            key.turn(now, down, mode, delay);
            assert_eq!((key.is_open(), key.is_closing()), wanted, "row {nth}");
        }
    }

    #[test]
    fn held_it_is_open_while_it_is_down() {
        let open = (true, false);
        let rows = [
            (0, true, open),
            (10, true, open),
            (400, false, (false, false)),
            (410, false, (false, false)),
            (500, true, open),
        ];
        run(TalkKey::Hold, Duration::ZERO, &rows);
    }

    #[test]
    fn tapped_it_is_open_from_one_press_to_the_next() {
        let (open, closed) = ((true, false), (false, false));
        let rows = [
            (0, true, open),
            (50, false, open),
            (900, true, closed),
            (950, false, closed),
            (1_000, true, open),
        ];
        run(TalkKey::Tap, Duration::ZERO, &rows);
    }

    #[test]
    fn it_closes_late_and_a_press_meanwhile_goes_on() {
        let closing = (true, true);
        let held = [
            (0, true, (true, false)),
            (500, false, closing),
            (799, true, (true, false)),
            (900, false, closing),
            // A second release does not begin the time anew.
            (1_100, false, closing),
            (1_200, false, (false, false)),
        ];
        run(TalkKey::Hold, DELAY, &held);
        let tapped = [
            (0, true, (true, false)),
            (500, true, closing),
            (700, true, (true, false)),
            (800, true, closing),
            (1_100, false, (false, false)),
        ];
        run(TalkKey::Tap, DELAY, &tapped);
    }

    #[test]
    fn only_the_press_that_opens_is_told() {
        let (mut key, now) = (TalkKeyState::default(), Instant::now());
        assert!(key.turn(now, true, TalkKey::Hold, DELAY));
        assert!(!key.turn(now, true, TalkKey::Hold, DELAY));
        assert!(!key.turn(now, false, TalkKey::Hold, DELAY));
        assert_eq!(key.poll_timeout(), Some(now + DELAY));
        assert!(!key.turn(now, true, TalkKey::Hold, DELAY), "it goes on");
        assert_eq!(key.poll_timeout(), None);
    }
}
