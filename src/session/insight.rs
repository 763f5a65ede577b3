//! What the figures say over time: the history, the alerts, and what the cause of trouble is likely to be.
//!
//! ```text
//! closed turn ──▶ ┌─────────┐ ──▶ history (kept on the disk once a minute)
//! each second ──▶ │ insight │ ──▶ alerts ──▶ notice · log · webhook
//!                 └─────────┘ ──▶ findings, once a turn and every ten seconds
//! ```

use std::collections::VecDeque;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::record::{TurnRecord, place};
use super::snapshot::{HistoryView, SPANS, TurnView};
use super::turn_sheet;
use crate::base::cost::Cost;
use crate::file::{self, ReadError};
use crate::metrics::alert::{Alerts, Change, Turn};
use crate::metrics::diagnosis::{Finding, Typical};
use crate::metrics::leak::Leak;
use crate::metrics::series::{History, Reading, TurnSample};
use crate::profile::AlertSettings;
use crate::turn::machine::Outcome;

/// Turns that the newest are compared with.
const USUAL_TURNS: usize = 100;
/// Turns that count as the newest.
const RECENT_TURNS: usize = 10;
/// Turns that the waterfall can show.
const SHOWN_TURNS: usize = 20;
/// Turns that are kept, and can be handed over as rows: some hours of talk, a kilobyte each.
pub(super) const KEPT_TURNS: usize = 1_000;
/// How often the history is written, if anything changed.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// How often the history is drawn anew although no turn was closed.
const DRAW_EVERY: Duration = Duration::from_secs(60);

/// See the drawing above.
#[derive(Debug)]
pub(super) struct Insight {
    pub(super) alerts: Alerts,
    pub(super) threads: Leak,
    pub(super) history: History,
    file: Option<PathBuf>,
    /// Held while this process keeps the history: another one only reads it.
    _lock: Option<std::fs::File>,
    /// Why the history is not kept, until that was said.
    pub(super) trouble: Option<String>,
    kept_at: Instant,
    /// Something happened since the history was kept, …
    changed: bool,
    /// … or at least time has passed.
    older: bool,
    turns: VecDeque<TurnRecord>,
    /// Of the turns the newest so many.
    turns_kept: usize,
    /// Underruns, bytes sent, bytes received at the last reading.
    counted: [u64; 3],
    pub(super) shortest_trip: Option<Duration>,
    pub(super) findings: Arc<[Finding]>,
    pub(super) shown: Arc<[TurnView]>,
    pub(super) drawn: Arc<HistoryView>,
    drawn_at: Option<Instant>,
    /// Whether the sound suffered lately.
    pub(super) suffering: super::watching::Suffering,
}

impl Insight {
    /// Reads the history that is kept in `file`. One that is damaged is put aside, and the log says so; where something else
    /// than a file of this user is in its place, [`trouble`](Self::trouble) does.
    pub(super) fn new(settings: &AlertSettings, file: Option<PathBuf>) -> Self {
        let now = super::controller::now();
        let mut trouble = None;
        let mut history = History::default();
        let mut lock = None;
        if let Some(file) = &file {
            match keep(file) {
                Ok(kept) => (history, lock) = kept,
                Err(why) => {
                    trouble = Some(format!(
                        "The figures of this conversation are not kept: {why}."
                    ));
                }
            }
        }
        Self {
            alerts: Alerts::new(settings.clone(), now),
            threads: Leak::of_threads(now),
            history,
            file: file.filter(|_| lock.is_some()),
            _lock: lock,
            trouble,
            kept_at: now,
            changed: false,
            older: false,
            turns: VecDeque::new(),
            turns_kept: KEPT_TURNS,
            counted: [0; 3],
            shortest_trip: None,
            findings: Arc::from([]),
            shown: Arc::from([]),
            drawn: Arc::default(),
            drawn_at: None,
            suffering: super::watching::Suffering::default(),
        }
    }

    /// Keeps fewer turns, or more.
    pub(super) fn keeping(self, turns_kept: usize) -> Self {
        Self { turns_kept, ..self }
    }

    /// Forgets all turns; what the counters showed last stays known, or all since the start would count as new.
    pub(super) fn begin_anew(&mut self, settings: &AlertSettings, file: Option<PathBuf>) {
        let (counted, turns_kept) = (self.counted, self.turns_kept);
        let suffering = std::mem::take(&mut self.suffering);
        *self = Self {
            suffering,
            counted,
            turns_kept,
            ..Self::new(settings, file)
        };
    }

    /// Other limits; with `another` profile its turns begin anew.
    pub(super) fn set_profile(&mut self, settings: &AlertSettings, another: bool) {
        self.alerts.set_rules(settings.clone());
        if another {
            self.alerts.forget_turns();
        }
    }

    /// Takes in a closed turn.
    pub(super) fn turn(&mut self, now: Instant, record: &TurnRecord) {
        self.alerts.turn(now, alert_turn(record));
        self.history.turn(unix_now(), &sample(record));
        let mut record = record.clone();
        // Nobody needs the words here.
        (record.user, record.assistant) = (String::new(), String::new());
        self.turns.push_back(record);
        if self.turns.len() > self.turns_kept {
            self.turns.pop_front();
        }
        let newest = self.turns.iter().rev().take(SHOWN_TURNS);
        self.shown = newest.map(TurnView::of).collect();
        (self.changed, self.drawn_at) = (true, None);
    }

    /// Tokens were counted after their turn was closed.
    pub(super) fn late_tokens(&mut self, tokens: u64, cost: Option<Cost>) {
        self.history.late_tokens(unix_now(), tokens, cost);
        self.changed = true;
    }

    /// Takes in the reading of a second; `counts` are underruns, bytes sent and bytes received since the start, `load` is
    /// what alerts judge of the machine's, in percent.
    pub(super) fn reading(
        &mut self,
        now: Instant,
        mut reading: Reading,
        counts: [u64; 3],
        load: Option<f64>,
    ) {
        let [underruns, sent, received] =
            std::array::from_fn(|i| counts[i].saturating_sub(self.counted[i]));
        self.counted = counts;
        (
            reading.underruns,
            reading.bytes_sent,
            reading.bytes_received,
        ) = (underruns, sent, received);
        self.alerts.stuttered(now, underruns);
        self.alerts.reading(now, load, reading.rss);
        if let Some(threads) = reading.threads {
            self.threads.reading(now, u64::from(threads));
        }
        if let Some(trip) = reading.round_trip {
            self.shortest_trip = Some(self.shortest_trip.map_or(trip, |least| least.min(trip)));
        }
        self.history.reading(unix_now(), &reading);
        self.changed |= [underruns, sent, received] != [0; 3];
        self.older = true;
    }

    /// Another connection has another way.
    pub(super) fn forget_trip(&mut self) {
        self.shortest_trip = None;
    }

    /// What is to be told.
    pub(super) fn look(&mut self, now: Instant) -> Vec<Change> {
        self.alerts.look(now)
    }

    /// Draws the history, if that is due; whether it was.
    pub(super) fn draw(&mut self, now: Instant) -> bool {
        let stands = |at: Instant| now.saturating_duration_since(at) < DRAW_EVERY;
        if self.drawn_at.is_some_and(stands) {
            return false;
        }
        let wall = unix_now();
        let spans = SPANS.map(|(_, span, columns)| self.history.columns(wall, span, columns));
        (self.drawn, self.drawn_at) = (Arc::new(HistoryView { spans }), Some(now));
        true
    }

    /// The newest turns, and those before them. A profile is compared with itself, and with the same model.
    pub(super) fn typical(&self, profile: &str, model: &str) -> [Typical; 2] {
        let of_profile = || {
            self.turns
                .iter()
                .rev()
                .filter(|turn| turn.profile == profile && turn.model == model)
        };
        [
            typical(of_profile().take(RECENT_TURNS)),
            typical(of_profile().skip(RECENT_TURNS).take(USUAL_TURNS)),
        ]
    }

    /// Times that the replies of the newest turns ran dry.
    pub(super) fn recent_underruns(&self) -> u64 {
        let recent = self.turns.iter().rev().take(RECENT_TURNS);
        recent.map(|turn| turn.underruns).sum()
    }

    /// Whether the service searched the web for half of the newest turns of a profile, or more: then their median is made
    /// of such turns.
    pub(super) fn mostly_searched(&self, profile: &str) -> bool {
        let of_profile = self
            .turns
            .iter()
            .rev()
            .filter(|turn| turn.profile == profile);
        let recent: Vec<bool> = of_profile
            .take(RECENT_TURNS)
            .map(|turn| turn.searches > 0)
            .collect();
        let searched = recent.iter().filter(|searched| **searched).count();
        searched > 0 && searched * 2 >= recent.len()
    }

    /// The turns of this conversation as comma-separated values, and the history.
    pub(super) fn to_csv(&self) -> (String, String) {
        let turns = std::iter::once(turn_sheet::turn_header())
            .chain(self.turns.iter().map(turn_sheet::turn_row));
        (turns.collect(), turn_sheet::history(&self.history))
    }

    /// Where and what to write, if it is time or `at_once`.
    pub(super) fn take_unkept(&mut self, now: Instant, at_once: bool) -> Option<(PathBuf, String)> {
        let due = at_once || now.saturating_duration_since(self.kept_at) >= KEEP_EVERY;
        // A window that is left alone all day does not wake the disk.
        let news = self.changed || at_once && self.older;
        if !due || !news {
            return None;
        }
        (self.kept_at, self.changed, self.older) = (now, false, false);
        Some((self.file.clone()?, self.history.to_text()))
    }
}

/// Largest file that is read: seven days have some hundred kilobytes.
const LARGEST: usize = 8 << 20;

/// What is kept in the file, and the right to keep it.
fn keep(file: &Path) -> Result<(History, Option<File>), String> {
    let at = |path: &Path, error: ReadError| format!("{} {error}", path.display());
    let lock_file = file.with_extension("lock");
    if let Some(folder) = file.parent() {
        file::own_folder(folder).map_err(|error| at(folder, error.into()))?;
    }
    let lock = lock(&lock_file).map_err(|error| at(&lock_file, error))?;
    let bytes = match file::read_own(file, LARGEST) {
        Ok(bytes) => bytes,
        Err(ReadError::Missing) => return Ok((History::default(), lock)),
        Err(error) => return Err(at(file, error)),
    };
    let history = History::from_text(&bytes, unix_now()).unwrap_or_else(|error| {
        tracing::warn!(%error, "the history file cannot be used: a new one is started");
        // For who wants to look into it; the next one is written under the old name.
        std::fs::rename(file, file.with_extension("damaged")).ok();
        History::default()
    });
    Ok((history, lock))
}

/// The right to keep the history: one process at a time, or each would undo what the other wrote.
fn lock(path: &Path) -> Result<Option<File>, ReadError> {
    let lock = file::open_lock(path)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => {
            tracing::info!(
                "another Sovereign keeps the history: the turns of this one are not in it"
            );
            Ok(None)
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Seconds since 1970.
pub(super) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn alert_turn(record: &TurnRecord) -> Turn {
    let latencies = &record.latencies;
    // With automatic detection there is no uplink, and the service's silence is in it.
    let first_audio = latencies
        .server
        .map(|server| server + latencies.uplink.unwrap_or_default());
    Turn {
        first_audio,
        response: latencies.response,
        failed: matches!(record.outcome, Outcome::Failed(_) | Outcome::Empty),
        cancelled: record.outcome == Outcome::Cancelled,
        interrupted: record.outcome == Outcome::Interrupted,
        cut_off: record.cut_offs > 0,
        typed: record.typed,
    }
}

fn sample(record: &TurnRecord) -> TurnSample {
    TurnSample {
        outcome: place(&record.outcome),
        response: record.latencies.response,
        client: record.latencies.client,
        server: record.latencies.server,
        cut_offs: u32::from(record.cut_offs > 0),
        tool_calls: record.tool_calls,
        tokens: record.all_tokens(),
        cost: record.cost,
    }
}

fn typical<'a>(turns: impl Iterator<Item = &'a TurnRecord> + Clone) -> Typical {
    let heard = turns.filter(|turn| turn.latencies.response.is_some());
    let median = |of: &dyn Fn(&TurnRecord) -> Option<Duration>| {
        let mut values: Vec<Duration> = heard.clone().filter_map(of).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied()
    };
    let mut tokens: Vec<u64> = heard
        .clone()
        .filter_map(|turn| turn.context_tokens)
        .collect();
    tokens.sort_unstable();
    Typical {
        n: heard.clone().count(),
        endpointing: median(&|turn| turn.latencies.endpointing),
        uplink: median(&|turn| turn.latencies.uplink),
        server: median(&|turn| turn.latencies.server),
        decode: median(&|turn| turn.stages.decode),
        held: median(&|turn| turn.stages.held),
        buffer: median(&|turn| turn.stages.buffer),
        device: median(&|turn| turn.stages.device),
        response: median(&|turn| turn.latencies.response),
        heard: median(&|turn| Some(turn.heard)),
        prompt_tokens: tokens.get(tokens.len() / 2).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;
    use crate::profile::{DEFAULT, builtin};

    fn insight(file: Option<PathBuf>) -> Insight {
        let profile = builtin(DEFAULT).expect("built in");
        Insight::new(&profile.alerts, file)
    }

    #[test]
    fn the_history_outlives_the_process_and_a_damaged_file_is_put_aside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("history.json");
        let mut first = insight(Some(file.clone()));
        first.turn(Instant::now(), &record());
        assert_eq!(first.take_unkept(Instant::now(), false), None, "not yet");
        let later = Instant::now() + KEEP_EVERY;
        let (path, text) = first.take_unkept(later, false).expect("a minute later");
        assert!(!text.contains("hello"), "no words");
        std::fs::write(&path, &text).expect("written");
        assert_eq!(
            first.take_unkept(later + KEEP_EVERY, false),
            None,
            "unchanged"
        );
        let second = insight(Some(file.clone()));
        assert_eq!(second.history, first.history);
        std::fs::write(&file, &text[..text.len() / 2]).expect("written");
        let third = insight(Some(file.clone()));
        assert_eq!(third.history, History::default());
        assert!(folder.path().join("history.damaged").exists() && !file.exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_in_the_place_of_history_or_lock_is_told_and_left_alone() {
        for name in ["history.json", "history.lock"] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let (file, victim) = (
                folder.path().join("history.json"),
                folder.path().join("victim"),
            );
            std::fs::write(&victim, "precious").expect("written");
            std::os::unix::fs::symlink(&victim, folder.path().join(name)).expect("linked");
            let mut insight = insight(Some(file));
            let told = insight.trouble.clone().expect("told");
            assert!(told.contains(name) && told.contains("is a link"), "{told}");
            insight.turn(Instant::now(), &record());
            assert_eq!(insight.take_unkept(Instant::now(), true), None);
            assert_eq!(std::fs::read(&victim).expect("there"), b"precious");
        }
    }

    #[test]
    fn one_process_keeps_the_history_and_idleness_writes_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("history.json");
        let (mut first, mut second) = (insight(Some(file.clone())), insight(Some(file.clone())));
        let later = Instant::now() + KEEP_EVERY;
        for insight in [&mut first, &mut second] {
            insight.turn(Instant::now(), &record());
        }
        assert_eq!(second.take_unkept(later, true), None, "the first keeps it");
        assert!(first.take_unkept(later, false).is_some());
        first.reading(later, Reading::default(), [0; 3], None);
        assert_eq!(first.take_unkept(later + KEEP_EVERY, false), None, "idle");
        assert!(first.take_unkept(later, true).is_some(), "at the end");
        drop(first);
        let mut third = insight(Some(file));
        third.turn(later, &record());
        assert!(third.take_unkept(later, true).is_some());
    }

    #[test]
    fn what_was_counted_before_is_not_new_when_figures_begin_anew() {
        let mut insight = insight(None);
        insight.reading(Instant::now(), Reading::default(), [9, 100, 100], None);
        let profile = builtin(DEFAULT).expect("built in");
        insight.begin_anew(&profile.alerts, None);
        insight.reading(Instant::now(), Reading::default(), [9, 100, 100], None);
        assert!(!insight.changed, "no stutters, no bytes");
    }

    #[test]
    fn the_newest_turns_are_compared_with_those_before_them() {
        let mut insight = insight(None);
        for n in 0..60_u64 {
            let mut turn = record();
            turn.latencies.server = Some(Duration::from_millis(if n < 50 { 300 } else { 900 }));
            insight.turn(Instant::now(), &turn);
        }
        let mut other = record();
        other.profile = "ultra-fast".into();
        insight.turn(Instant::now(), &other);
        let [recent, usual] = insight.typical("balanced", "gemini-3.8-live");
        assert_eq!((recent.n, usual.n), (10, 50));
        assert_eq!(insight.typical("balanced", "another")[0].n, 0);
        assert_eq!(recent.server, Some(Duration::from_millis(900)));
        assert_eq!(usual.server, Some(Duration::from_millis(300)));
        assert_eq!(insight.shown.len(), SHOWN_TURNS);
        assert_eq!(insight.shown[0].profile, "ultra-fast", "newest first");
        let (turns, history) = insight.to_csv();
        assert_eq!((turns.lines().count(), history.lines().count()), (62, 2));
    }
}
