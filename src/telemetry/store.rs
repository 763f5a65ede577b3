//! The store: closed turns, the history, and the state of the alerts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::clock::{now, unix_now};
use super::export::turn_csv;
use super::record::TurnRecord;
use super::view::{HistoryView, SPANS};
use crate::base::cost::Cost;
use crate::base::retention::Retention;
use crate::base::units::SampleRate;
use crate::profile::AlertSettings;
use crate::telemetry::alert::{Alert, AlertKind, AlertSeverity, Alerts};
use crate::telemetry::diagnosis::{Finding, Typical};
use crate::telemetry::history::{History, Reading};
use crate::telemetry::link_quality::LossWindow;
use crate::telemetry::memory_growth::GrowthDetector;

/// Number of earlier turns that the newest are compared with.
const USUAL_TURNS: usize = 100;
/// Turns that count as the newest.
const RECENT_TURNS: usize = 10;
/// Turns that the waterfall can show.
const SHOWN_TURNS: usize = 20;
/// Interval of writing the history, if it changed.
const KEEP_EVERY: Duration = Duration::from_secs(60);
/// Interval of redrawing the history while no turn closes.
const DRAW_EVERY: Duration = Duration::from_secs(60);

/// Counts since the start: underruns, bytes sent and received, segments sent and sent again, connections.
pub(super) type CountsSoFar = [u64; 7];

/// Whether the history outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeepingHistory {
    No,
    /// The one that is kept is not here yet: nothing may take its place.
    Awaited,
    Yes,
}

/// Closed turns, history and alerts.
#[derive(Debug)]
pub(super) struct TelemetryStore {
    pub(super) alerts: Alerts,
    pub(super) threads: GrowthDetector,
    pub(super) history: History,
    keeping: KeepingHistory,
    kept_at: Instant,
    /// The history has events that are not written, …
    changed: bool,
    /// … or only new readings.
    older: bool,
    turns: VecDeque<Arc<TurnRecord>>,
    /// Limit of their number; the oldest are dropped.
    turns_kept: usize,
    /// The counts of the last reading.
    counted: CountsSoFar,
    pub(super) loss: LossWindow,
    pub(super) shortest_trip: Option<Duration>,
    pub(super) findings: Arc<[Finding]>,
    pub(super) shown: Arc<[Arc<TurnRecord>]>,
    pub(super) drawn: Arc<HistoryView>,
    drawn_at: Option<Instant>,
    /// Whether [`open`](Self::open) was called.
    pub(super) open: bool,
}

impl TelemetryStore {
    /// A store that keeps this many turns, and no history yet.
    pub(super) fn new(turns_kept: usize) -> Self {
        let now = now();
        Self {
            alerts: Alerts::new(AlertSettings::default(), now),
            threads: GrowthDetector::of_threads(now),
            history: History::default(),
            keeping: KeepingHistory::No,
            kept_at: now,
            changed: false,
            older: false,
            turns: VecDeque::new(),
            turns_kept,
            counted: CountsSoFar::default(),
            loss: LossWindow::default(),
            shortest_trip: None,
            findings: Arc::from([]),
            shown: Arc::from([]),
            drawn: Arc::default(),
            drawn_at: None,
            open: false,
        }
    }

    /// Forgets all turns and figures. Where the history is kept, the earlier one is awaited.
    ///
    /// The last values of the counters are kept, or all since the start would count as new.
    pub(super) fn open(&mut self, settings: &AlertSettings, keeps: bool) {
        let keeping = if keeps {
            KeepingHistory::Awaited
        } else {
            KeepingHistory::No
        };
        *self = Self {
            alerts: Alerts::new(settings.clone(), now()),
            counted: self.counted,
            keeping,
            open: true,
            ..Self::new(self.turns_kept)
        };
    }

    /// Puts the history that was kept before that of this run, once.
    pub(super) fn take_earlier(&mut self, text: Option<&str>) {
        if self.keeping != KeepingHistory::Awaited {
            return;
        }
        self.keeping = KeepingHistory::Yes;
        let Some(text) = text else { return };
        match History::from_text(text.as_bytes(), unix_now()) {
            Ok(earlier) => {
                let since = std::mem::replace(&mut self.history, earlier);
                self.history.append(since);
                self.drawn_at = None;
            }
            Err(error) => {
                tracing::warn!(%error, "the history cannot be used: a new one is started");
            }
        }
    }

    /// Takes in a closed turn, whose response is judged by `target`.
    pub(super) fn turn(&mut self, now: Instant, mut record: TurnRecord, target: Option<Duration>) {
        // The words are not needed here.
        (record.user, record.assistant) = (String::new(), String::new());
        self.history.turn(unix_now(), &record, target);
        let record = Arc::new(record);
        self.alerts.turn(now, Arc::clone(&record));
        self.turns.push_back(record);
        if self.turns.len() > self.turns_kept {
            self.turns.pop_front();
        }
        let newest = self.turns.iter().rev().take(SHOWN_TURNS);
        self.shown = newest.cloned().collect();
        (self.changed, self.drawn_at) = (true, None);
    }

    /// Tokens were counted after their turn was closed.
    pub(super) fn late_tokens(&mut self, tokens: u64, cost: Option<Cost>) {
        self.history.late_tokens(unix_now(), tokens, cost);
        self.changed = true;
    }

    /// Takes in the reading of a second. It says what a connection takes to come about; whether there was a new one follows
    /// from the `counts` since the start. `load` is the load of the machine for the alerts, in percent.
    pub(super) fn reading(
        &mut self,
        now: Instant,
        mut reading: Reading,
        counts: CountsSoFar,
        load: Option<f64>,
    ) {
        let [
            underruns,
            sent,
            received,
            segments,
            resent,
            connections,
            audio,
        ] = std::array::from_fn(|i| counts[i].saturating_sub(self.counted[i]));
        self.counted = counts;
        (
            reading.underruns,
            reading.bytes_sent,
            reading.bytes_received,
            reading.segments,
        ) = (underruns, sent, received, [segments, resent]);
        reading.audio_sent = SampleRate::WORKING.duration_of(audio);
        reading.connect = reading.connect.filter(|_| connections > 0);
        self.loss.reading(reading.segments);
        self.alerts.stuttered(now, underruns);
        self.alerts.reading(now, load, reading.rss);
        if let Some(threads) = reading.threads {
            self.threads.reading(now, u64::from(threads));
        }
        if let Some(trip) = reading.round_trip {
            self.shortest_trip = Some(self.shortest_trip.map_or(trip, |least| least.min(trip)));
        }
        self.history.reading(unix_now(), &reading);
        self.changed |= [underruns, sent, received, reading.link.outages] != [0; 4];
        self.older = true;
    }

    /// An alert was raised.
    pub(super) fn alert_raised(&mut self, alert: &Alert) {
        self.history.alert_raised(unix_now(), alert);
        (self.changed, self.drawn_at) = (true, None);
    }

    /// An alert is over.
    pub(super) fn alert_cleared(&mut self, kind: AlertKind) {
        self.history.alert_cleared(unix_now(), kind);
        (self.changed, self.drawn_at) = (true, None);
    }

    /// Notes which of the raised alerts are critical by now.
    pub(super) fn note_critical(&mut self) {
        let critical = |alert: &&Alert| alert.severity() == AlertSeverity::Critical;
        for alert in self.alerts.raised().filter(critical) {
            self.history.alert_is_critical(alert);
        }
    }

    /// Draws the history, if that is due, without what is kept no longer.
    pub(super) fn draw(&mut self, now: Instant, keep: Retention) {
        let is_fresh = |at: Instant| now.saturating_duration_since(at) < DRAW_EVERY;
        if self.drawn_at.is_some_and(is_fresh) {
            return;
        }
        let wall = unix_now();
        if let Retention::For(time) = keep {
            self.history
                .forget_before(wall.saturating_sub(time.as_secs()));
        }
        let spans = SPANS.map(|(_, span, columns)| self.history.columns(wall, span, columns));
        let days = days(wall);
        let view = HistoryView {
            spans,
            compared: days
                .and_then(|[yesterday, today]| self.history.compare_days(yesterday, today)),
            today: days
                .map(|[_, today]| self.history.between(today, u64::MAX))
                .unwrap_or_default(),
            alerts: self.history.alerts().cloned().collect(),
        };
        (self.drawn, self.drawn_at) = (Arc::new(view), Some(now));
    }

    /// Medians of the newest turns and of those before, of the same profile and model.
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

    /// Playback underruns during the newest replies.
    pub(super) fn recent_underruns(&self) -> u64 {
        let recent = self.turns.iter().rev().take(RECENT_TURNS);
        recent.map(|turn| turn.underruns).sum()
    }

    /// Whether the service searched the web for at least half of the newest turns of a profile, which then determine the
    /// median.
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
        let turns = std::iter::once(turn_csv::turn_header())
            .chain(self.turns.iter().map(|turn| turn_csv::turn_row(turn)));
        (turns.collect(), turn_csv::history(&self.history))
    }

    /// The history to keep, if due or `at_once`.
    pub(super) fn take_unkept(&mut self, now: Instant, at_once: bool) -> Option<String> {
        let due = at_once || now.saturating_duration_since(self.kept_at) >= KEEP_EVERY;
        // An idle window does not wake the disk.
        let news = self.changed || at_once && self.older;
        if !due || !news || self.keeping != KeepingHistory::Yes {
            return None;
        }
        (self.kept_at, self.changed, self.older) = (now, false, false);
        Some(self.history.to_text())
    }
}

/// When yesterday and today began where the user is, in seconds since 1970.
fn days(wall: u64) -> Option<[u64; 2]> {
    let now = jiff::Timestamp::from_second(wall.cast_signed()).ok()?;
    let today = now.to_zoned(jiff::tz::TimeZone::system());
    let begin = |day: &jiff::Zoned| {
        day.start_of_day()
            .ok()?
            .timestamp()
            .as_second()
            .try_into()
            .ok()
    };
    Some([begin(&today.yesterday().ok()?)?, begin(&today)?])
}

fn typical<'a>(turns: impl Iterator<Item = &'a Arc<TurnRecord>>) -> Typical {
    let heard: Vec<&TurnRecord> = turns
        .map(|turn| &**turn)
        .filter(|turn| turn.latencies.response.is_some())
        .collect();
    let mut values = Vec::with_capacity(heard.len());
    let mut median = |of: fn(&TurnRecord) -> Option<Duration>| {
        values.clear();
        values.extend(heard.iter().filter_map(|turn| of(turn)));
        values.sort_unstable();
        values.get(values.len() / 2).copied()
    };
    let mut tokens: Vec<u64> = heard
        .iter()
        .filter_map(|turn| turn.context_tokens)
        .collect();
    tokens.sort_unstable();
    Typical {
        n: heard.len(),
        endpointing: median(|turn| turn.latencies.endpointing),
        uplink: median(|turn| turn.latencies.uplink),
        server: median(|turn| turn.latencies.server),
        decode: median(|turn| turn.stages.decode),
        held: median(|turn| turn.stages.held),
        buffer: median(|turn| turn.stages.buffer),
        device: median(|turn| turn.stages.device),
        response: median(|turn| turn.latencies.response),
        heard: median(|turn| Some(turn.heard)),
        prompt_tokens: tokens.get(tokens.len() / 2).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;
    use crate::profile::{DEFAULT, builtin};
    use crate::telemetry::context::KEPT_TURNS;
    use crate::telemetry::history::Slice;

    /// A store that keeps its history, or not.
    fn store(keeps: bool) -> TelemetryStore {
        let profile = builtin(DEFAULT).expect("built in");
        let mut store = TelemetryStore::new(KEPT_TURNS);
        store.open(&profile.alerts, keeps);
        store
    }

    #[test]
    fn the_history_outlives_the_process() {
        let mut first = store(true);
        let later = Instant::now() + KEEP_EVERY;
        first.turn(Instant::now(), record(), None);
        let early = first.take_unkept(later, true);
        assert_eq!(early, None, "the earlier one is not known yet");
        first.take_earlier(None);
        let soon = first.take_unkept(Instant::now(), false);
        assert_eq!(soon, None, "not yet");
        let text = first.take_unkept(later, false).expect("a minute later");
        assert!(!text.contains("hello"), "no words");
        let again = first.take_unkept(later + KEEP_EVERY, false);
        assert_eq!(again, None, "unchanged");
        let mut second = store(true);
        second.turn(Instant::now(), record(), None);
        for _ in 0..2 {
            // An answer counts once.
            second.take_earlier(Some(&text));
        }
        let turns: u64 = second.history.slices().map(Slice::all_turns).sum();
        assert_eq!(turns, 2);
        let mut third = store(true);
        third.take_earlier(Some(&text[..text.len() / 2]));
        third.turn(Instant::now(), record(), None);
        assert!(third.take_unkept(later, true).is_some(), "a new one");
        let mut demo = store(false);
        demo.take_earlier(Some(&text));
        demo.turn(Instant::now(), record(), None);
        assert_eq!(demo.take_unkept(later, true), None);
    }

    #[test]
    fn idleness_writes_nothing_and_what_is_kept_no_longer_goes() {
        let mut store = store(true);
        store.take_earlier(None);
        let later = Instant::now() + KEEP_EVERY;
        store.reading(later, Reading::default(), [0; 7], None);
        assert_eq!(store.take_unkept(later + KEEP_EVERY, false), None, "idle");
        assert!(store.take_unkept(later, true).is_some(), "at the end");
        let keep = Retention::For(Duration::from_secs(60 * 60));
        store
            .history
            .turn(unix_now() - 2 * 60 * 60, &record(), None);
        store.draw(later, keep);
        let turns: u64 = store.history.slices().map(Slice::all_turns).sum();
        assert_eq!(turns, 0);
    }

    #[test]
    fn what_was_counted_before_is_not_new_when_figures_begin_anew() {
        let mut store = store(false);
        store.reading(
            Instant::now(),
            Reading::default(),
            [9, 100, 100, 7, 0, 1, 16_000],
            None,
        );
        let sent: f64 = store
            .history
            .slices()
            .map(|slice| slice.audio_sent_seconds)
            .sum();
        assert!((sent - 1.0).abs() < 1e-9, "{sent} seconds of sound");
        let profile = builtin(DEFAULT).expect("built in");
        store.open(&profile.alerts, false);
        store.reading(
            Instant::now(),
            Reading::default(),
            [9, 100, 100, 7, 0, 1, 16_000],
            None,
        );
        assert!(!store.changed, "no stutters, no bytes");
    }

    #[test]
    fn the_newest_turns_are_compared_with_those_before_them() {
        let mut store = store(false);
        for n in 0..60_u64 {
            let mut turn = record();
            turn.latencies.server = Some(Duration::from_millis(if n < 50 { 300 } else { 900 }));
            store.turn(Instant::now(), turn, None);
        }
        let mut other = record();
        other.profile = "ultra-fast".into();
        store.turn(Instant::now(), other, None);
        let [recent, usual] = store.typical("balanced", "gemini-3.8-live");
        assert_eq!((recent.n, usual.n), (10, 50));
        assert_eq!(store.typical("balanced", "another")[0].n, 0);
        assert_eq!(recent.server, Some(Duration::from_millis(900)));
        assert_eq!(usual.server, Some(Duration::from_millis(300)));
        assert_eq!(store.shown.len(), SHOWN_TURNS);
        assert_eq!(store.shown[0].profile, "ultra-fast", "newest first");
        let (turns, history) = store.to_csv();
        assert_eq!((turns.lines().count(), history.lines().count()), (62, 2));
    }
}
