//! The collector: takes events and a sample each second, keeps statistics and history, and publishes the view.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::alert::AlertKind;
use super::auto::AutoChooser;
use super::clock::now;
use super::context::{Context, Deps};
use super::event::{Outlets, TelemetryEvent, TelemetryOutput};
use super::export::webhook::Webhook;
use super::link_quality::LinkState;
use super::link_quality::{LinkTime, LinkWatch};
use super::record::{LateTokens, TurnRecord};
use super::statistics::Statistics;
use super::store::TelemetryStore;
use super::summary::{Summary, per_minute};
use super::view::{Meters, TurnStatistics, View};
use crate::base::localized_text::LocalizedText;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::base::thread::off_loop;
use crate::telemetry::history::Reading;

/// Interval of sampling process and machine.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Interval of the diagnosis in samples while no turn closes.
const DIAGNOSE_EVERY: u64 = 10;
/// After lost audio our own share of the load counts for this long.
const SUFFERS_FOR: Duration = Duration::from_secs(10);

/// The notices of raised alerts.
type RaisedTexts = Vec<(AlertKind, LocalizedText)>;

pub(super) struct Collector<'a> {
    pub(super) deps: &'a mut Deps,
    pub(super) outlets: &'a Outlets,
    /// The newest context; kept over a restart, as is the summary.
    pub(super) context: &'a mut Option<Box<Context>>,
    pub(super) summary: &'a mut Summary,
    pub(super) statistics: Statistics,
    pub(super) store: TelemetryStore,
    pub(super) raised: RaisedTexts,
    pub(super) webhook: Webhook,
    auto: Option<AutoChooser>,
    suffering: Suffering,
    link: LinkWatch,
    samples: u64,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        deps: &'a mut Deps,
        outlets: &'a Outlets,
        context: &'a mut Option<Box<Context>>,
        summary: &'a mut Summary,
    ) -> Self {
        Self {
            webhook: Webhook::start(deps.dialer.clone()),
            store: TelemetryStore::new(deps.turns_kept),
            deps,
            outlets,
            context,
            statistics: Statistics::default(),
            raised: RaisedTexts::default(),
            summary,
            auto: None,
            suffering: Suffering::default(),
            link: LinkWatch::default(),
            samples: 0,
        }
    }

    /// Runs until the conversation drops its handle.
    pub(super) async fn run(&mut self, events: &mut mpsc::Receiver<TelemetryEvent>) {
        if let Some(context) = self.context.take() {
            self.take_context(context);
        }
        let mut tick = tokio::time::interval(SAMPLE_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => self.on_event(event).await,
                    None => break,
                },
                request = self.deps.pages.next() => {
                    request.answer(self.monitor_page());
                    continue;
                }
                _ = tick.tick() => self.sample(now()),
            }
            self.publish();
        }
        self.finish().await;
    }

    async fn on_event(&mut self, event: TelemetryEvent) {
        match event {
            TelemetryEvent::Context(context) => self.take_context(context),
            TelemetryEvent::TurnClosed(record) => self.take_turn(now(), *record),
            TelemetryEvent::LateTokens(late) => self.take_late_tokens(&late),
            TelemetryEvent::Lost(utterances) => self.summary.lost += utterances,
            TelemetryEvent::ResetStatistics => {
                if let Some(context) = &self.context {
                    self.statistics.reset(&context.profile.name);
                }
            }
            TelemetryEvent::Figures(text) => self.store.take_earlier(text.as_deref()),
            TelemetryEvent::ExportCsv => self.export_csv().await,
            #[cfg(test)]
            TelemetryEvent::Panic => panic!("asked to"),
        }
    }

    fn take_context(&mut self, context: Box<Context>) {
        let before = self.context.replace(context);
        let Some(context) = &self.context else { return };
        if before
            .as_ref()
            .is_some_and(|before| before.url != context.url)
        {
            self.link.forget_service(now());
        }
        self.link.set(now(), context.link);
        let first = before.is_none() || !self.store.open;
        match &before {
            Some(before) if before.demo != context.demo => {
                // Turns of the demo say nothing of the service.
                self.end_alerts();
                self.keep_history(now(), true);
                self.statistics.reset_all();
                self.open_store();
            }
            _ if first => self.open_store(),
            Some(before) => {
                self.store.alerts.set_rules(context.chosen.alerts.clone());
                if before.profile.name != context.profile.name {
                    self.store.alerts.forget_turns();
                }
            }
            None => {}
        }
        let Some(context) = &self.context else { return };
        let is_new = |link: LinkState| matches!(link, LinkState::Connected(_));
        if before.is_none_or(|before| before.link != context.link && is_new(context.link)) {
            // Another connection may take another route.
            self.store.shortest_trip = None;
        }
        let choice = context.auto.as_ref();
        if self.auto.as_ref().map(|auto| &auto.choice) != choice {
            self.auto = choice.cloned().map(AutoChooser::new);
            self.statistics.together = choice.map(|choice| choice.names.clone());
        }
    }

    /// Asks for the history of the service in use, and begins without turns. The demo has none, because its turns do not
    /// describe the service.
    fn open_store(&mut self) {
        let Some(context) = &self.context else { return };
        self.store.open(&context.chosen.alerts, !context.demo);
        if !context.demo {
            self.outlets.send(TelemetryOutput::ReadFigures);
        }
    }

    #[inline(never)] // what it costs is counted: tests/counts/measuring.rs
    fn take_turn(&mut self, now: Instant, record: TurnRecord) {
        self.summary.add(&record);
        self.statistics.add(&record);
        if let Some(auto) = &mut self.auto {
            auto.answered(now, &record);
        }
        // Like the window: the target of the chosen profile, also with `auto`.
        let target = self.context.as_ref().map(|context| context.chosen.target);
        self.store.turn(now, record, target);
        self.find_causes();
        self.watch_alerts(now);
        self.propose();
    }

    fn take_late_tokens(&mut self, late: &LateTokens) {
        self.summary.add_late_tokens(late);
        self.statistics.add_late_tokens(late);
        self.store.late_tokens(late.tokens.sum(), late.cost);
    }

    /// Once a second: processor, memory and connection.
    #[inline(never)] // what it costs is counted: tests/counts/measuring.rs
    fn sample(&mut self, now: Instant) {
        let usage = self.deps.probe.read();
        if let Some(usage) = usage {
            self.statistics.reading(usage);
        }
        let usage = usage.filter(|_| self.statistics.in_real_time());
        let link = self.take_link_time(now);
        let process = &self.statistics.process;
        let way = &self.deps.counters.link;
        let reading = Reading {
            cpu_percent: usage.and(process.cpu_percent),
            machine_percent: process.machine.cpu_percent,
            rss: usage.map(|usage| usage.rss),
            threads: usage.and_then(|usage| usage.threads),
            round_trip: way.round_trip(),
            variation: way.variation(),
            connect: way.connect(),
            link,
            ..Reading::default()
        };
        let counters = &self.deps.counters;
        let counts = [
            counters.underruns.get(),
            counters.bytes_sent.get(),
            counters.bytes_received.get(),
            way.segments_sent.get(),
            way.segments_resent.get(),
            counters.connections.get(),
            counters.audio_sent.get(),
        ];
        let load = self.load_of_others(now);
        self.store.reading(now, reading, counts, load);
        self.statistics.process.memory_growth = self.store.alerts.growth();
        self.statistics.process.thread_growth = self.store.threads.growth();
        let conditions = super::auto::Conditions {
            round_trip: self.deps.counters.link.round_trip(),
            ..self.statistics.conditions()
        };
        if let Some(auto) = &mut self.auto {
            auto.adapter.conditions(now, conditions);
        }
        self.propose();
        self.samples += 1;
        if self.samples.is_multiple_of(DIAGNOSE_EVERY) {
            self.find_causes();
        }
        self.watch_alerts(now);
        if let Some(context) = &self.context {
            self.store.draw(now, context.keep);
        }
        self.keep_history(now, false);
    }

    /// The time with and without a connection since the last call; the summary has it too.
    fn take_link_time(&mut self, now: Instant) -> LinkTime {
        let time = self.link.take(now);
        self.summary.link += time;
        time
    }

    /// The meters of the link.
    fn meters(&self) -> Meters {
        let counters = &self.deps.counters;
        Meters {
            variation: counters.link.variation(),
            loss_percent: self.store.loss.percent(),
            unsent_bytes: counters.link.unsent_bytes.load(Relaxed).into(),
            connect: counters.link.connect(),
            connections: counters.connections.get(),
            rolls: counters.rolls.get(),
            bytes_per_minute: per_minute(
                counters.bytes_sent.get() + counters.bytes_received.get(),
                self.summary.link.connected,
            ),
            ..Meters::default()
        }
    }

    /// The load of the machine that alerts judge, in percent of all processors: without this program's own, above all for
    /// drawing its window while the user scrolls, as long as the sound does not suffer from it.
    fn load_of_others(&mut self, now: Instant) -> Option<f64> {
        let process = &self.statistics.process;
        let load = process.machine.cpu_percent.map(f64::from)?;
        let own = process.cpu_percent.map_or(0.0, f64::from) / process.cores.max(1) as f64;
        let counters = &self.deps.counters;
        let lost = counters.underruns.get() + counters.capture_dropped.get();
        Some(self.suffering.judged(now, lost, load, own))
    }

    /// Sends the plan of `auto`, if it is another one.
    fn propose(&mut self) {
        let Some(auto) = &mut self.auto else { return };
        if let Some((plan, changes)) = auto.take_plan() {
            let choice = Arc::clone(&auto.choice);
            self.outlets
                .send(TelemetryOutput::Plan(choice, plan, changes));
        }
    }

    fn publish(&self) {
        self.outlets.views.send_replace(Arc::new(self.view()));
    }

    #[inline(never)] // what it costs is counted: tests/counts/measuring.rs
    fn view(&self) -> View {
        let figures = self.context.as_ref().map(|context| {
            self.statistics
                .figures(&context.profile.name, &context.model)
        });
        View {
            figures: TurnStatistics {
                meters: self.meters(),
                ..figures.unwrap_or_default()
            },
            models: Arc::clone(&self.summary.models),
            process: self.statistics.process.clone(),
            alerts: self.store.alerts.raised().cloned().collect(),
            findings: Arc::clone(&self.store.findings),
            turns: Arc::clone(&self.store.shown),
            history: Arc::clone(&self.store.drawn),
        }
    }

    async fn finish(&mut self) {
        self.take_link_time(now());
        self.end_alerts();
        self.keep_history(now(), true);
        std::mem::take(&mut self.webhook).finish().await;
        self.publish();
    }

    /// Has the history kept, if anything changed and it is due or `at_once`.
    fn keep_history(&mut self, now: Instant, at_once: bool) {
        let kept = self.store.take_unkept(now, at_once);
        if let Some(text) = kept {
            self.outlets.send(TelemetryOutput::KeepFigures(text));
        }
    }

    /// Writes turns and history into the state folder, and says where.
    async fn export_csv(&mut self) {
        let Some(folder) = self.deps.state.clone() else {
            let what = t!("there-is-no-folder-to").to_owned();
            return self
                .outlets
                .send(TelemetryOutput::Notice(Severity::Warning, what));
        };
        let stamp = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        let (turns, history) = self.store.to_csv();
        let turns_file = folder.join(format!("turns-{stamp}.csv"));
        let history_file = folder.join(format!("history-{stamp}.csv"));
        let files = [(turns_file.clone(), turns), (history_file.clone(), history)];
        let write = move || {
            files
                .iter()
                .try_for_each(|(file, text)| crate::file::keep(file, text.as_bytes()))
        };
        let (severity, what) = match off_loop("export", write).await {
            Some(Ok(())) => (
                Severity::Info,
                t!(
                    "written-the-turns-of-this",
                    turns = turns_file.display(),
                    history = history_file.display()
                ),
            ),
            Some(Err(error)) => (
                Severity::Warning,
                t!(
                    "the-figures-cannot-be-written",
                    turns = folder.display(),
                    error
                ),
            ),
            None => return,
        };
        self.outlets.send(TelemetryOutput::Notice(severity, what));
    }
}

/// Whether the sound suffered lately.
#[derive(Debug, Default)]
struct Suffering {
    /// Stutters and lost samples so far.
    lost: u64,
    at: Option<Instant>,
}

impl Suffering {
    /// The load that counts, of that of the machine and our own part of it.
    fn judged(&mut self, now: Instant, lost: u64, load: f64, own: f64) -> f64 {
        if lost > self.lost {
            (self.lost, self.at) = (lost, Some(now));
        }
        let since = |at: Instant| now.saturating_duration_since(at);
        if self.at.is_some_and(|at| since(at) <= SUFFERS_FOR) {
            load
        } else {
            (load - own).max(0.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_drawing_is_no_busy_computer_unless_sound_is_lost() {
        let (mut suffering, start) = (Suffering::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        // The window scrolls in software: 53 of 85 % are its own.
        assert!((suffering.judged(start, 0, 85.0, 53.0) - 32.0).abs() < 1e-9);
        assert!((suffering.judged(start, 0, 95.0, 2.0) - 93.0).abs() < 1e-9);
        assert!((suffering.judged(after(1), 3, 85.0, 53.0) - 85.0).abs() < 1e-9);
        assert!((suffering.judged(after(11), 3, 85.0, 53.0) - 85.0).abs() < 1e-9);
        assert!((suffering.judged(after(12), 3, 85.0, 53.0) - 32.0).abs() < 1e-9);
        assert!(
            suffering.judged(after(13), 3, 10.0, 53.0) >= 0.0,
            "they are not read at the same time"
        );
    }
}
