//! Telemetry: statistics, history, alerts, diagnosis and `auto`. A subscriber: the conversation works the same without it.
//!
//! ```text
//!                  Event   ┌───────────┐ watch: View ────▶ conversation ▶ Snapshot
//! conversation ──────────▶ │ Collector │ Output ─────────▶ conversation (notices, alerts, auto)
//! once a second: Probe ──▶ │ its task  │ page ───────────▶ monitor
//!                          └───────────┘ history, CSV, webhook
//! ```
//!
//! The collector runs in a task of its own, which restarts it if it panics.

pub mod alert;
mod alert_delivery;
pub mod auto;
mod clock;
mod collector;
mod context;
pub mod diagnosis;
mod diagnosis_evidence;
pub mod distribution;
mod event;
pub mod export;
pub mod history;
pub mod link_quality;
pub mod memory_growth;
pub mod record;
pub mod stages;
mod statistics;
mod store;
pub mod summary;
pub mod turn_counts;
pub mod view;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::base::severity::Severity;
use crate::base::supervise::{RunOutcome, Supervisor, given_up, restarted};
use crate::base::text::t;
use collector::Collector;
pub use context::{Context, Deps, KEPT_TURNS};
use event::Outlets;
pub use event::{TelemetryEvent, TelemetryOutput};
pub use link_quality::LinkState;
pub use record::LateTokens;
use summary::Summary;
use view::View;

/// Capacity of the event queue. The collector takes microseconds for each.
const EVENTS: usize = 256;
/// Capacity of the output queue.
const OUTPUTS: usize = 64;

/// The handle of the conversation.
#[derive(Debug)]
pub struct TelemetryHandle {
    running: Option<(mpsc::Sender<TelemetryEvent>, JoinHandle<Summary>)>,
    outputs: mpsc::Receiver<TelemetryOutput>,
    views: watch::Receiver<Arc<View>>,
}

/// The result of [`TelemetryHandle::next`].
#[derive(Debug)]
pub enum Signal {
    /// An output to act on.
    Output(TelemetryOutput),
    /// There is a newer [`View`].
    View,
}

/// Starts the collector; call it inside the runtime.
#[must_use]
pub fn start(deps: Deps) -> TelemetryHandle {
    let (events, inlet) = mpsc::channel(EVENTS);
    let (outlet, outputs) = mpsc::channel(OUTPUTS);
    let (views_in, views) = watch::channel(Arc::default());
    let outlets = Outlets {
        outputs: outlet,
        views: views_in,
    };
    let task = tokio::spawn(supervise(deps, inlet, outlets));
    TelemetryHandle {
        running: Some((events, task)),
        outputs,
        views,
    }
}

impl TelemetryHandle {
    /// No telemetry: events go nowhere and the view stays empty.
    #[must_use]
    pub fn off() -> Self {
        Self {
            running: None,
            outputs: mpsc::channel(1).1,
            views: watch::channel(Arc::default()).1,
        }
    }

    /// Reports an event, without waiting.
    /// Says whether it was taken.
    pub fn send(&self, event: TelemetryEvent) -> bool {
        let taken = match &self.running {
            Some((events, _)) => events.try_send(event).is_ok(),
            None => true,
        };
        if !taken {
            tracing::warn!("telemetry does not keep up: an event is missing from the statistics");
        }
        taken
    }

    /// The next output or view. Cancel safe.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            Some(output) = self.outputs.recv() => Signal::Output(output),
            Ok(()) = self.views.changed() => Signal::View,
            else => std::future::pending().await,
        }
    }

    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.views.borrow())
    }

    /// Ends the collector: alerts end, the history is kept. Returns the totals and the last outputs.
    pub async fn finish(&mut self) -> (Summary, Vec<TelemetryOutput>) {
        let mut summary = Summary::default();
        if let Some((events, task)) = self.running.take() {
            drop(events);
            match task.await {
                Ok(totals) => summary = totals,
                Err(error) => tracing::warn!(%error, "telemetry did not finish"),
            }
        }
        let outputs = std::iter::from_fn(|| self.outputs.try_recv().ok()).collect();
        (summary, outputs)
    }
}

/// Runs the collector until the conversation ends, and again if it panics.
async fn supervise(
    mut deps: Deps,
    mut events: mpsc::Receiver<TelemetryEvent>,
    outlets: Outlets,
) -> Summary {
    let mut context = None;
    let mut summary = Summary::default();
    let mut supervisor = Supervisor::default();
    loop {
        let mut collector = Collector::new(&mut deps, &outlets, &mut context, &mut summary);
        let outcome = supervisor.run_async(collector.run(&mut events)).await;
        // The next collector knows nothing of the alerts that this one raised.
        for (_, text) in std::mem::take(&mut collector.raised) {
            outlets.send(TelemetryOutput::AlertCleared(text));
        }
        drop(collector);
        let what = match outcome {
            RunOutcome::Done(()) => break,
            RunOutcome::Restart => {
                t!(
                    "the-statistics-begin-again",
                    restarted = restarted(t!("the-part-that-collects-statistics"))
                )
            }
            RunOutcome::GiveUp => given_up(t!("the-part-that-collects-statistics")),
        };
        outlets.views.send_replace(Arc::default());
        outlets.send(TelemetryOutput::Notice(Severity::Warning, what));
        if outcome == RunOutcome::GiveUp {
            break;
        }
    }
    // Nobody makes pages any more: who asks is refused at once.
    deps.pages = crate::monitor::PageRequests::default();
    while events.recv().await.is_some() {}
    deps.complete(&mut summary);
    summary
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::base::counters::Counters;
    use crate::base::retention::Retention;
    use crate::base::supervise::MOST_RESTARTS;
    use crate::profile::{DEFAULT, Detection, builtin};

    fn context() -> Box<Context> {
        let profile = builtin(DEFAULT).expect("built in");
        Box::new(Context {
            profile: Arc::clone(&profile),
            chosen: profile,
            profiles: Arc::from([]),
            auto: None,
            model: "gemini-3.8-live".into(),
            demo: false,
            keep: Retention::days(30),
            local: false,
            url: Url::parse("wss://service.example/").expect("an address"),
            detection: Detection::Manual,
            echo_forced: false,
            webhook: None,
            link: LinkState::Connecting,
            input: None,
            files: false,
            output: None,
            period_frames: 480,
        })
    }

    async fn figures_after(telemetry: &mut TelemetryHandle, turns: u64) {
        while telemetry.view().figures.turns.all() != turns {
            telemetry.next().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_panics_is_restarted_with_what_it_knew() {
        let counters = Arc::new(Counters::default());
        counters.rolls.add(2);
        let mut telemetry = start(Deps::new(counters));
        telemetry.send(TelemetryEvent::Context(context()));
        let closed = || TelemetryEvent::TurnClosed(Box::new(record::tests::record()));
        telemetry.send(closed());
        figures_after(&mut telemetry, 1).await;
        telemetry.send(TelemetryEvent::Panic);
        let what = loop {
            let signal = telemetry.next().await;
            if let Signal::Output(TelemetryOutput::Notice(Severity::Warning, what)) = signal {
                break what;
            }
        };
        assert!(what.contains("begin again"), "{what}");
        telemetry.send(closed());
        telemetry.send(closed());
        figures_after(&mut telemetry, 2).await;
        let (summary, outputs) = telemetry.finish().await;
        assert_eq!(
            (summary.turns.outcomes[0], summary.rolls),
            (3, 2),
            "the totals go on"
        );
        assert!(outputs.is_empty(), "{outputs:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_panics_for_ever_is_given_up() {
        let mut telemetry = start(Deps::new(Arc::default()));
        for _ in 0..10 {
            telemetry.send(TelemetryEvent::Panic);
        }
        let (_, outputs) = telemetry.finish().await;
        assert_eq!(outputs.len(), MOST_RESTARTS + 1);
    }
}
