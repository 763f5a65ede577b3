//! Schedules repaints for changes of the session: at once for a new state, ten times a second for words and levels, twice a
//! second for statistics, and never for statistics alone while muted. Pure: time comes in as an argument.
//!
//! ```text
//! watch channel ── changed ──▶ RepaintScheduler ── due ──▶ request_repaint
//! level meters  ── four to ten a second, unless muted ──▲
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::units::Dbfs;
use crate::conversation::snapshot::{Activity, Snapshot};
use crate::telemetry::alert::{AlertKind, AlertSeverity};

/// Interval of frames for words and levels: a repaint every 100 ms costs 2.3 % of a core in software, one every 16 ms seven
/// times that.
const WORDS_APART: Duration = Duration::from_millis(100);

/// Interval of frames for new states: one frame of a 60 Hz screen.
const STATES_APART: Duration = Duration::from_millis(16);

/// Interval of frames for statistics.
const FIGURES_APART: Duration = Duration::from_millis(500);

/// Interval of polling the meters without speech: the bar only shows that the microphone works.
const QUIET_LOOKS_APART: Duration = Duration::from_millis(250);

/// Factor of that interval while power is saved.
const SAVING: u32 = 3;

/// Smallest change of a level that is worth a frame.
const LEVEL_STEP_DB: f32 = 1.5;

/// Levels below this are not shown.
const LEVEL_FLOOR_DB: f32 = -60.0;

/// The most urgent visible change between two snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SnapshotDiff {
    Nothing,
    Figures,
    Words,
    State,
}

impl SnapshotDiff {
    pub(super) fn between(old: &Snapshot, new: &Snapshot) -> Self {
        let still = old.demo == new.demo
            && old.muted == new.muted
            && old.input == new.input
            && old.output == new.output
            && same(&old.devices, &new.devices)
            && old.speech == new.speech
            && old.volume.to_bits() == new.volume.to_bits()
            && old.barge_in == new.barge_in
            && old.talk == new.talk
            && old.repeat == new.repeat
            && old.echo == new.echo
            && old.auto == new.auto
            && old.check == new.check
            && each_same(&old.profiles, &new.profiles)
            && same(&old.captions, &new.captions)
            && same(&old.notices, &new.notices)
            && raised(old).eq(raised(new))
            && old.spending.reached == new.spending.reached
            && old.key == new.key
            && old.service == new.service;
        let moved = old.activity != new.activity
            || old.ducked != new.ducked
            || old.link != new.link
            || old.chosen != new.chosen;
        if moved {
            Self::State
        } else if !still {
            Self::Words
        } else if new.activity != Activity::Muted
            && (old.figures != new.figures
                || old.spending != new.spending
                || old.process != new.process
                || !same(&old.alerts, &new.alerts)
                || !same(&old.findings, &new.findings)
                || !each_same(&old.turns, &new.turns)
                || !Arc::ptr_eq(&old.history, &new.history))
        {
            Self::Figures
        } else {
            Self::Nothing
        }
    }

    const fn apart(self) -> Option<Duration> {
        match self {
            Self::Nothing => None,
            Self::Figures => Some(FIGURES_APART),
            Self::Words => Some(WORDS_APART),
            Self::State => Some(STATES_APART),
        }
    }
}

/// What is raised, without its values, which move with every reading.
fn raised(snapshot: &Snapshot) -> impl Iterator<Item = (AlertKind, AlertSeverity)> {
    let alerts = snapshot.alerts.iter();
    alerts.map(|alert| (alert.kind, alert.severity()))
}

fn same<T: PartialEq + ?Sized>(old: &Arc<T>, new: &Arc<T>) -> bool {
    Arc::ptr_eq(old, new) || old == new
}

/// For a new list of shared elements.
fn each_same<T>(old: &[Arc<T>], new: &[Arc<T>]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(old, new)| Arc::ptr_eq(old, new))
}

/// Interval of polling the meters, which send no change events.
pub(super) fn poll_interval(activity: Activity, save_power: bool) -> Option<Duration> {
    let apart = usual_poll_interval(activity)?;
    Some(if save_power { SAVING * apart } else { apart })
}

const fn usual_poll_interval(activity: Activity) -> Option<Duration> {
    match activity {
        Activity::UserSpeaks | Activity::Held | Activity::Answering | Activity::Repeating => {
            Some(WORDS_APART)
        }
        Activity::Listening
        | Activity::Thinking
        | Activity::Connecting
        | Activity::Reconnecting => Some(QUIET_LOOKS_APART),
        Activity::Muted | Activity::Offline | Activity::NoMicrophone | Activity::LimitReached => {
            None
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct RepaintScheduler {
    last: Option<Instant>,
    due: Option<Instant>,
    levels: [f32; 2],
}

impl RepaintScheduler {
    pub(super) fn note(&mut self, change: SnapshotDiff, now: Instant) {
        let Some(apart) = change.apart() else {
            return;
        };
        let at = self.last.map_or(now, |last| now.max(last + apart));
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Takes in the levels of microphone and speaker.
    pub(super) fn note_levels(&mut self, levels: [Dbfs; 2], now: Instant) {
        let levels = levels.map(|level| level.0.max(LEVEL_FLOOR_DB));
        let moved = levels
            .iter()
            .zip(self.levels)
            .any(|(new, old)| (new - old).abs() >= LEVEL_STEP_DB);
        if moved {
            self.levels = levels;
            self.note(SnapshotDiff::Words, now);
        }
    }

    /// When a frame is due.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn take(&mut self, now: Instant) -> bool {
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.due = None;
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::snapshot::Link;
    use crate::telemetry::alert::Alert;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn what_is_new_is_sorted_by_how_soon_it_must_be_seen() {
        let old = snapshot();
        let after = |change: fn(&mut Snapshot)| {
            let mut new = old.clone();
            change(&mut new);
            SnapshotDiff::between(&old, &new)
        };
        assert_eq!(after(|_| {}), SnapshotDiff::Nothing);
        assert_eq!(
            after(|s| s.activity = Activity::Thinking),
            SnapshotDiff::State
        );
        assert_eq!(after(|s| s.chosen = 1), SnapshotDiff::State);
        assert_eq!(after(|s| s.ducked = true), SnapshotDiff::State);
        assert_eq!(after(|s| s.talk.closing = true), SnapshotDiff::Words);
        assert_eq!(
            after(|s| s.link = Link::Connecting { attempt: 2 }),
            SnapshotDiff::State
        );
        assert_eq!(after(|s| s.volume = 0.5), SnapshotDiff::Words);
        assert_eq!(after(|s| s.notices = Arc::from([])), SnapshotDiff::Nothing);
        assert_eq!(after(|s| s.demo = false), SnapshotDiff::Words);
        assert_eq!(
            after(|s| s.figures.meters.bytes_sent = 9),
            SnapshotDiff::Figures
        );
        assert_eq!(
            after(|s| s.process.cpu_percent = Some(1.0)),
            SnapshotDiff::Figures
        );
    }

    #[test]
    fn figures_alone_are_not_worth_a_frame_while_muted() {
        let mut old = snapshot();
        old.activity = Activity::Muted;
        let busy = |value| Alert {
            kind: AlertKind::Cpu,
            value,
            limit: 80.0,
            n: 10,
            trend: None,
        };
        old.alerts = Arc::from([busy(81.0)]);
        let mut new = old.clone();
        new.process.cpu_percent = Some(1.0);
        new.alerts = Arc::from([busy(82.0)]);
        assert_eq!(SnapshotDiff::between(&old, &new), SnapshotDiff::Nothing);
        assert_eq!(poll_interval(Activity::Muted, true), None);
        let usual = poll_interval(Activity::Listening, false).expect("the meter lives");
        assert_eq!(poll_interval(Activity::Listening, true), Some(3 * usual));
    }

    #[test]
    fn the_first_change_is_drawn_at_once_and_the_next_wait_their_turn() {
        let start = Instant::now();
        for (change, wait) in [
            (SnapshotDiff::State, 16),
            (SnapshotDiff::Words, 100),
            (SnapshotDiff::Figures, 500),
        ] {
            let mut pace = RepaintScheduler::default();
            pace.note(change, start);
            assert!(pace.take(start));
            pace.note(change, after(start, 1));
            assert!(!pace.take(after(start, wait - 1)));
            assert_eq!(pace.deadline(), Some(after(start, wait)));
            assert!(pace.take(after(start, wait)));
            assert_eq!(pace.deadline(), None);
        }
    }

    #[test]
    fn a_new_state_does_not_wait_for_figures() {
        let (mut pace, start) = (RepaintScheduler::default(), Instant::now());
        pace.note(SnapshotDiff::State, start);
        assert!(pace.take(start));
        pace.note(SnapshotDiff::Figures, after(start, 20));
        pace.note(SnapshotDiff::State, after(start, 30));
        assert!(pace.take(after(start, 30)));
    }

    #[test]
    fn levels_are_worth_a_frame_when_the_bar_moves() {
        let (mut pace, start) = (RepaintScheduler::default(), Instant::now());
        pace.note_levels([Dbfs(-20.0), Dbfs::SILENCE], start);
        assert!(pace.take(start));
        for (ms, level, frame) in [
            (200, -21.4, false),
            (400, -21.6, true),
            (600, -90.0, true),
            (800, -61.0, false),
        ] {
            pace.note_levels([Dbfs(level), Dbfs(-100.0)], after(start, ms));
            assert_eq!(pace.take(after(start, ms)), frame, "{level}");
        }
    }

    fn snapshot() -> Snapshot {
        Snapshot {
            activity: Activity::Listening,
            demo: true,
            barge_in: (true, String::new()),
            ..Snapshot::default()
        }
    }
}
