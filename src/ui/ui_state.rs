//! The state of the window between frames, which the session does not need to know.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::egui::{Rect, Vec2};
use secrecy::SecretString;
use secrecy::zeroize::Zeroize as _;

use super::conversations_state::ConversationsState;
use super::draft::Draft;
use super::find::Search;
use super::format::METER_FLOOR;
use super::screen::Screen;
use super::settings_state::{RowId, SettingsSection, SettingsState};
use super::toasts::Toasts;
use super::transcript::Transcript;
use super::verdict::{self, Usual};
use super::welcome_state::WelcomeState;
use crate::base::keys::Scalar as _;
use crate::base::retention::Retention;
use crate::base::units::Dbfs;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::settings::config::WelcomeStep;
use crate::telemetry::view::{ProcessUsage, TurnStatistics};

/// Least time between two changes of a number: two changes a second can be read.
pub(super) const FIGURES_STAND: Duration = Duration::from_millis(500);

/// Hold time of the peak mark.
const PEAK_STANDS: Duration = Duration::from_millis(1_500);

/// How much room there is, in points: zoom makes a window smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayoutSize {
    /// Everything side by side.
    Wide,
    /// The panel is slim, the header has two rows.
    Narrow,
    /// One column that scrolls.
    Tight,
}

impl LayoutSize {
    /// `talks`: of the conversation without the panel, which needs the least room.
    pub(super) fn of(size: Vec2, talks: bool) -> Self {
        let fits_talk = talks && size.x >= 500.0 && size.y >= 340.0;
        if (size.x < 600.0 || size.y < 420.0) && !fits_talk {
            Self::Tight
        } else if size.x < 960.0 {
            Self::Narrow
        } else {
            Self::Wide
        }
    }
}

pub(super) struct UiState {
    /// The time of this frame.
    pub(super) now: Instant,
    /// What the user asked for and the session has not taken yet, oldest first.
    pub(super) commands: Vec<Command>,
    pub(super) page: Screen,
    /// The set-up, until it is over: pages that it opens lead back to it.
    pub(super) welcome: Option<WelcomeState>,
    /// How much the latency panel shows, 0 to 3.
    pub(super) panel: u8,
    pub(super) sound_open: bool,
    pub(super) key: KeyEntry,
    pub(super) draft: Draft,
    pub(super) hold: Hold,
    pub(super) meter: MeterView,
    pub(super) numbers: Numbers,
    pub(super) transcript: Transcript,
    /// Where the captions were drawn last.
    pub(super) captions_at: Option<CaptionsAt>,
    /// Where a key wants to scroll them to.
    pub(super) scroll: Option<Scroll>,
    pub(super) find: Search,
    /// What the banners show; kept while the pointer marks words below them.
    pub(super) banners_of: Option<Arc<Snapshot>>,
    /// Whether all banners are shown, not the first only.
    pub(super) all_banners: bool,
    pub(super) toasts: Toasts,
    /// The report was copied at this time; said for a moment.
    pub(super) copied_at: Option<Instant>,
    /// The newest notice at the last export of statistics: a later one reports its result.
    pub(super) exported: Option<u64>,
    /// The turn that is shown stage by stage; `None`: the newest.
    pub(super) turn: Option<u64>,
    /// The span of the history, as an index.
    pub(super) span: usize,
    /// Whether all alerts of the last days are shown, not the newest only.
    pub(super) all_alerts: bool,
    pub(super) conversations: ConversationsState,
    pub(super) settings: SettingsState,
    /// Whether another conversation shall begin, although the words of this one are gone then: asked, and just now.
    pub(super) begins: Option<bool>,
    /// Everything that the program keeps is to be removed, which ends it.
    pub(super) removes_everything: bool,
    /// The window is small and in front of others; what it was before.
    pub(super) whole: Option<WholeWindow>,
    /// A key asks to make it small, or whole again.
    pub(super) resizes: bool,
}

/// What the window was before it was made small: its size in points, and whether it filled the screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeWindow {
    pub(super) size: Vec2,
    pub(super) maximized: bool,
}

impl UiState {
    pub(super) fn new(panel: u8) -> Self {
        Self {
            now: Instant::now(),
            commands: Vec::new(),
            page: Screen::Talk,
            welcome: None,
            panel: panel.min(3),
            sound_open: false,
            key: KeyEntry::default(),
            draft: Draft::default(),
            hold: Hold::default(),
            meter: MeterView::default(),
            numbers: Numbers::default(),
            transcript: Transcript::default(),
            captions_at: None,
            scroll: None,
            find: Search::default(),
            banners_of: None,
            all_banners: false,
            toasts: Toasts::default(),
            copied_at: None,
            exported: None,
            turn: None,
            span: 0,
            all_alerts: false,
            conversations: ConversationsState::default(),
            settings: SettingsState::default(),
            begins: None,
            removes_everything: false,
            whole: None,
            resizes: false,
        }
    }
}

/// Where the captions were drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct CaptionsAt {
    /// Their place on the screen.
    pub(super) rect: Rect,
    /// Their top below that of what they are in.
    pub(super) top: f32,
    /// How far they were scrolled, and whether that was to the end.
    pub(super) offset: f32,
    pub(super) at_end: bool,
    /// How far they can be.
    pub(super) most: f32,
    /// The free space above a conversation that is not as high as its place.
    pub(super) above: f32,
    /// The newest words that were in view: which caption they are in, and how many they are.
    pub(super) seen: (u64, usize),
}

/// A wish to scroll the captions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scroll {
    PageUp,
    PageDown,
    Start,
    End,
}

impl UiState {
    /// Returns to the conversation, or the set-up, and discards the state of the page.
    pub(super) fn leave(&mut self) {
        self.key.clear();
        if self.page == Screen::Check {
            self.commands.push(Command::CancelCheck);
        }
        if self.page == Screen::Conversations {
            self.commands.push(Command::ListKept(None));
            self.conversations = ConversationsState::default();
        }
        if self.page == Screen::Settings {
            // The section is shown again; what was typed is not.
            self.settings.show(self.settings.section);
        }
        self.page = match self.welcome {
            Some(_) => Screen::Welcome,
            None => Screen::Talk,
        };
        self.exported = None;
    }

    /// Has something written; a newer notice says where, or why not.
    pub(super) fn export(&mut self, snapshot: &Snapshot, command: Command) {
        self.exported = Some(snapshot.notices.last().map_or(0, |notice| notice.id));
        self.commands.push(command);
    }

    /// Opens a page, unless it is open.
    pub(super) fn open(&mut self, page: Screen) {
        if self.page != page {
            self.leave();
            self.page = page;
            if page == Screen::Settings {
                self.commands.push(Command::LookAtAutostart);
            }
        }
    }

    /// Opens a page, or returns from it.
    pub(super) fn toggle(&mut self, page: Screen) {
        if self.page == page {
            self.leave();
        } else {
            self.open(page);
        }
    }

    /// One step back: from what a page has opened, then from the page.
    pub(super) fn back(&mut self) {
        let stays = match self.page {
            Screen::Conversations => self.conversations.back(),
            Screen::Settings => self.settings.back(),
            Screen::Welcome => self.step_back(),
            Screen::Talk | Screen::Key | Screen::Check | Screen::Details => false,
        };
        if !stays {
            self.leave();
        }
    }

    /// Goes to a step of the set-up, which the next start goes on with.
    pub(super) fn set_up(&mut self, step: WelcomeStep) {
        let before = self.welcome.take();
        self.welcome = (step != WelcomeStep::Done).then(|| {
            let mut state = WelcomeState::new(step);
            state.ended = before.map(|before| before.ended).unwrap_or_default();
            state
        });
        self.leave();
        let step = Some(step.to_value());
        self.commands
            .push(Command::SetConfig("window.welcome", step));
    }

    /// One step back in the set-up; the first one stays.
    fn step_back(&mut self) -> bool {
        if let Some(before) = self.welcome.as_ref().and_then(WelcomeState::before) {
            self.set_up(before);
        }
        true
    }

    /// Shows a section of the settings.
    pub(super) fn show_section(&mut self, section: SettingsSection) {
        self.key.clear();
        self.exported = None;
        self.settings.show(section);
    }

    /// Opens the settings at the row of a key.
    pub(super) fn open_setting(&mut self, row: RowId) {
        self.open(Screen::Settings);
        self.settings.show_row(row);
    }

    /// Begins a new conversation, after a question where the words of this one are gone then.
    pub(super) fn begin_conversation(&mut self, snapshot: &Snapshot) {
        self.open(Screen::Talk);
        let kept = snapshot.kept.retention != Retention::Off && snapshot.kept.trouble.is_none();
        if kept || snapshot.captions.is_empty() {
            self.commands.push(Command::BeginConversation);
        } else {
            self.begins = Some(true);
        }
    }
}

/// The key while it is typed. It has no `Debug`, and leaves no trace in memory.
#[derive(Default)]
pub(super) struct KeyEntry {
    pub(super) typed: String,
    /// Shown in clear while the user asks for it.
    pub(super) visible: bool,
    /// The field was given the focus when its page was opened.
    pub(super) focused: bool,
    /// What is in the field was saved, and is being tried or was refused.
    pub(super) tried: bool,
    /// Characters of the last paste that found no room.
    pub(super) left_out: usize,
}

impl KeyEntry {
    /// Overwrites the typed key and resets the page.
    pub(super) fn clear(&mut self) {
        self.typed.zeroize();
        (self.visible, self.focused, self.tried, self.left_out) = (false, false, false, 0);
    }

    /// The key without spaces around it; `None` if nothing was typed. It stays in the field, hidden, until the service takes it.
    pub(super) fn give(&mut self) -> Option<SecretString> {
        let key = self.typed.trim();
        let secret = (!key.is_empty()).then(|| SecretString::from(key));
        (self.visible, self.tried) = (false, secret.is_some());
        secret
    }
}

impl Drop for KeyEntry {
    fn drop(&mut self) {
        self.typed.zeroize();
    }
}

/// What holds the talk key down. The session is informed of the first press and the last release.
#[derive(Debug, Default)]
pub(super) struct Hold {
    space: bool,
    pointer: bool,
}

/// One of the ways to hold the talk key down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Space,
    Pointer,
}

impl Hold {
    pub(super) fn set(&mut self, holder: Holder, down: bool, commands: &mut Vec<Command>) {
        let before = self.held();
        match holder {
            Holder::Space => self.space = down,
            Holder::Pointer => self.pointer = down,
        }
        if self.held() != before {
            commands.push(Command::HoldToTalk(self.held()));
        }
    }

    /// Presses and releases the key: for users who cannot hold a button.
    pub(super) fn tap(&mut self, commands: &mut Vec<Command>) {
        if !self.held() {
            self.set(Holder::Space, true, commands);
            self.set(Holder::Space, false, commands);
        }
    }

    /// Releases everything: the window lost the focus and will see no release.
    pub(super) fn release(&mut self, commands: &mut Vec<Command>) {
        self.set(Holder::Space, false, commands);
        self.set(Holder::Pointer, false, commands);
    }

    pub(super) fn held(&self) -> bool {
        self.space || self.pointer
    }
}

/// The level meter: bar, peak mark, and a number that changes every half second.
#[derive(Debug)]
pub(super) struct MeterView {
    pub(super) level: Dbfs,
    pub(super) peak: Dbfs,
    pub(super) figure: Dbfs,
    /// The highest level since the last change of the number.
    highest: f32,
    peak_at: Option<Instant>,
    figure_at: Option<Instant>,
}

impl Default for MeterView {
    fn default() -> Self {
        Self {
            level: Dbfs::SILENCE,
            peak: Dbfs::SILENCE,
            figure: Dbfs::SILENCE,
            highest: f32::NEG_INFINITY,
            peak_at: None,
            figure_at: None,
        }
    }
}

impl MeterView {
    /// Whether the highest level is marked apart from the bar.
    pub(super) fn peak_is_marked(&self) -> bool {
        self.peak > self.level && self.peak.0 > METER_FLOOR
    }

    /// Takes in the level of this moment.
    pub(super) fn update(&mut self, level: Dbfs, now: Instant) {
        self.level = level;
        self.highest = self.highest.max(level.0);
        let stale =
            |at: Option<Instant>, after| at.is_none_or(|at| now.duration_since(at) >= after);
        if level >= self.peak || stale(self.peak_at, PEAK_STANDS) {
            self.peak = level;
            self.peak_at = Some(now);
        }
        // The number matches the bar: never below it, and above it only until its next change.
        let due = stale(self.figure_at, FIGURES_STAND);
        if due || level > self.figure {
            self.figure = Dbfs(self.highest);
            self.figure_at = Some(now);
            self.highest = f32::NEG_INFINITY;
        }
    }
}

/// The statistics as shown: they change at most twice a second.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) figures: TurnStatistics,
    pub(super) process: ProcessUsage,
    /// What reply time is usual.
    pub(super) usual: Option<Usual>,
    at: Option<Instant>,
}

impl Numbers {
    /// Takes over the newest statistics, or returns the remaining time until it does.
    pub(super) fn update(&mut self, snapshot: &Snapshot, now: Instant) -> Option<Duration> {
        if self.figures == snapshot.figures && self.process == snapshot.process {
            return None;
        }
        let stood = self.at.map_or(FIGURES_STAND, |at| now.duration_since(at));
        if stood < FIGURES_STAND {
            return Some(FIGURES_STAND - stood);
        }
        self.figures.clone_from(&snapshot.figures);
        self.process.clone_from(&snapshot.process);
        self.usual = verdict::usual(snapshot.turns.iter().map(|turn| &**turn));
        self.at = Some(now);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_hears_of_the_first_press_and_the_last_release() {
        let (mut hold, mut said) = (Hold::default(), Vec::new());
        for (holder, down) in [
            (Holder::Space, true),
            (Holder::Space, true),
            (Holder::Pointer, true),
            (Holder::Space, false),
            (Holder::Pointer, false),
        ] {
            hold.set(holder, down, &mut said);
        }
        hold.release(&mut said);
        assert!(
            matches!(
                said[..],
                [Command::HoldToTalk(true), Command::HoldToTalk(false)]
            ),
            "{said:?}"
        );
    }

    #[test]
    fn the_peak_stays_and_falls() {
        let (mut meter, start) = (MeterView::default(), Instant::now());
        meter.update(Dbfs(-10.0), start);
        meter.update(Dbfs(-40.0), start + Duration::from_millis(1_400));
        assert_eq!((meter.level, meter.peak), (Dbfs(-40.0), Dbfs(-10.0)));
        meter.update(Dbfs(-40.0), start + PEAK_STANDS);
        assert_eq!(meter.peak, Dbfs(-40.0));
    }

    #[test]
    fn the_figure_of_the_meter_stands_for_half_a_second() {
        let (mut meter, start) = (MeterView::default(), Instant::now());
        meter.update(Dbfs(-10.0), start);
        meter.update(Dbfs(-20.0), start + Duration::from_millis(499));
        assert_eq!(meter.figure, Dbfs(-10.0));
        meter.update(Dbfs(-20.0), start + FIGURES_STAND);
        assert_eq!(meter.figure, Dbfs(-20.0));
    }

    #[test]
    fn the_figure_of_the_meter_is_never_below_its_bar() {
        let (mut meter, start) = (MeterView::default(), Instant::now());
        for (ms, level) in [
            (0, -74.0),
            (100, -35.0),
            (200, -74.0),
            (650, -74.0),
            (660, -20.0),
        ] {
            meter.update(Dbfs(level), start + Duration::from_millis(ms));
            assert!(meter.figure >= meter.level, "{ms}: {:?}", meter.figure);
        }
        assert_eq!(meter.figure, Dbfs(-20.0));
    }

    #[test]
    fn a_pasted_key_loses_its_spaces_and_stays_hidden_until_it_is_cleared() {
        use secrecy::ExposeSecret as _;
        let mut entry = KeyEntry {
            typed: " AIzaSECRET\n".into(),
            visible: true,
            focused: true,
            ..KeyEntry::default()
        };
        let key = entry.give().expect("something was typed");
        assert_eq!(key.expose_secret(), "AIzaSECRET");
        assert!(entry.tried && !entry.visible);
        entry.clear();
        assert!(entry.typed.is_empty() && !entry.tried);
        entry.typed = "  ".into();
        assert!(entry.give().is_none() && !entry.tried);
    }
}
