//! Telemetry: statistics, history, alerts, diagnosis and `auto`. A subscriber: the conversation works the same without it.
//!
//! ```text
//!                  Event   ┌───────────┐ watch: View ────▶ conversation ▶ Snapshot
//! conversation ──────────▶ │ Collector │ Output ─────────▶ conversation (notices, alerts, auto)
//! once a second: Probe ──▶ │ its task  │ page ───────────▶ monitor
//!                          └───────────┘ history, CSV, webhook
//! ```
//!
//! The collector runs in a task of its own. A panic in it restarts it, at most [`MOST_RESTARTS`] times.

mod alerting;
pub mod auto;
mod collector;
mod evidence;
pub mod export;
pub mod record;
pub mod stages;
mod statistics;
mod store;
pub mod view;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use url::Url;

use crate::adapt::Plan;
use crate::audio::StreamInfo;
use crate::base::cost::Cost;
use crate::base::severity::Severity;
use crate::base::tokens::TokenCounts;
use crate::metrics::counters::Counters;
use crate::metrics::diagnosis::Remedy;
use crate::monitor;
use crate::probe::Probe;
use crate::profile::{Detection, Profile};
use crate::provider::connection::dial::Dialer;
use collector::Collector;
use record::{Summary, TurnRecord};
pub use store::KEPT_TURNS;
use view::View;

/// Events that may wait. The collector takes microseconds for each.
const EVENTS: usize = 256;
/// Outputs that may wait for the conversation.
const OUTPUTS: usize = 64;
/// A collector that panics again after so many restarts is given up.
const MOST_RESTARTS: u32 = 3;

/// What the conversation reports.
#[derive(Debug)]
pub enum Event {
    /// Profile, devices, service: sent first, and whenever any of it changes.
    Context(Box<Context>),
    /// A turn of the user is over.
    TurnClosed(Box<TurnRecord>),
    /// Tokens that were counted after their turn was closed.
    LateTokens(Box<LateTokens>),
    /// The user resets the statistics of the active profile.
    ResetStatistics,
    /// The user exports turns and history as CSV.
    ExportCsv,
    /// Panics, to test the restart.
    #[cfg(test)]
    Panic,
}

/// Tokens that were counted after their turn was closed.
#[derive(Debug)]
pub struct LateTokens {
    /// Profile in force when they were counted.
    pub profile: String,
    /// The model in use then.
    pub model: String,
    /// How many of which kind.
    pub tokens: TokenCounts,
    /// They belong to a generation that was dropped.
    pub wasted: bool,
    /// What they cost, where the price is known.
    pub cost: Option<Cost>,
}

/// What telemetry asks of the conversation.
#[derive(Debug)]
pub enum Output {
    /// An alert was raised: show it, with what a button can do about it.
    AlertRaised(String, Option<Remedy>),
    /// An alert is over: withdraw the notice with this text.
    AlertCleared(String),
    /// Something else that the user should know.
    Notice(Severity, String),
    /// What `auto` proposes among the candidates of this choice.
    Plan(Arc<auto::Choice>, Plan, u64),
}

/// What telemetry knows of profile, devices and service.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// The profile in force.
    pub profile: Arc<Profile>,
    /// The profile that the user chose: the one in force, or one that chooses among others.
    pub chosen: Arc<Profile>,
    /// All profiles, in the order of the switch.
    pub profiles: Arc<[Arc<Profile>]>,
    /// What the chosen profile chooses among, where it does.
    pub auto: Option<Arc<auto::Choice>>,
    /// The model that the connection was set up with, without `models/`.
    pub model: String,
    /// The embedded server answers.
    pub demo: bool,
    /// What answers runs on this computer.
    pub local: bool,
    /// Where the connection leads.
    pub url: Url,
    /// Who detects the ends of turns.
    pub detection: Detection,
    /// The user switched echo cancellation on.
    pub echo_forced: bool,
    /// Where alerts are posted.
    pub webhook: Option<Url>,
    /// The connection.
    pub link: LinkState,
    /// The microphone's stream, while it runs.
    pub input: Option<StreamInfo>,
    /// Sound files take the place of a microphone.
    pub files: bool,
    /// The speaker's stream, while it runs.
    pub output: Option<StreamInfo>,
    /// Frames of a device period, as asked for.
    pub period_frames: u32,
}

/// State of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Being made.
    Connecting,
    /// Up since then.
    Connected(Instant),
    /// Down.
    Down,
}

/// What the collector needs besides events; by default it keeps and reaches nothing.
pub struct Deps {
    /// What conversation, devices and connection count into.
    pub counters: Arc<Counters>,
    /// Reads what this process uses.
    pub probe: Probe,
    /// The folder that history and exports are kept in.
    pub state: Option<PathBuf>,
    /// Turns that are kept for figures and rows of CSV.
    pub turns_kept: usize,
    /// Tells when the monitor wants a page.
    pub pages: monitor::Asked,
    /// Reaches the address that alerts are posted to.
    pub dialer: Option<Arc<dyn Dialer>>,
}

impl Deps {
    /// Keeps and reaches nothing.
    #[must_use]
    pub fn new(counters: Arc<Counters>) -> Self {
        Self {
            counters,
            probe: Probe::off(),
            state: None,
            turns_kept: KEPT_TURNS,
            pages: monitor::Asked::default(),
            dialer: None,
        }
    }

    /// The file of the history. The demo keeps none: its turns say nothing of the service.
    fn history(&self, demo: bool) -> Option<PathBuf> {
        let folder = self.state.as_ref().filter(|_| !demo)?;
        Some(folder.join("history.json"))
    }
}

/// The conversation's end.
#[derive(Debug)]
pub struct Handle {
    running: Option<(mpsc::Sender<Event>, JoinHandle<Summary>)>,
    outputs: mpsc::Receiver<Output>,
    views: watch::Receiver<Arc<View>>,
}

/// What [`Handle::next`] brings.
#[derive(Debug)]
pub enum Signal {
    /// Something to do.
    Output(Output),
    /// There is a newer [`View`].
    View,
}

/// Starts the collector; call it inside the runtime.
#[must_use]
pub fn start(deps: Deps) -> Handle {
    let (events, inlet) = mpsc::channel(EVENTS);
    let (outlet, outputs) = mpsc::channel(OUTPUTS);
    let (views_in, views) = watch::channel(Arc::default());
    let outlets = Outlets {
        outputs: outlet,
        views: views_in,
    };
    let task = tokio::spawn(supervise(deps, inlet, outlets));
    Handle {
        running: Some((events, task)),
        outputs,
        views,
    }
}

impl Handle {
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
    pub fn send(&self, event: Event) {
        if let Some((events, _)) = &self.running
            && events.try_send(event).is_err()
        {
            tracing::warn!("telemetry does not keep up: an event is missing from the statistics");
        }
    }

    /// The next output or view; nothing is lost when the call is dropped.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            Some(output) = self.outputs.recv() => Signal::Output(output),
            Ok(()) = self.views.changed() => Signal::View,
            else => std::future::pending().await,
        }
    }

    /// The newest view.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.views.borrow())
    }

    /// Ends the collector: alerts end, the history is kept. Returns the totals and the last outputs.
    pub async fn finish(mut self) -> (Summary, Vec<Output>) {
        let mut summary = Summary::default();
        if let Some((events, task)) = self.running {
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

/// The collector's ends.
struct Outlets {
    outputs: mpsc::Sender<Output>,
    views: watch::Sender<Arc<View>>,
}

impl Outlets {
    fn send(&self, output: Output) {
        if self.outputs.try_send(output).is_err() {
            tracing::warn!("the conversation does not take what telemetry asks");
        }
    }
}

/// Runs the collector until the conversation ends, and again if it panics.
async fn supervise(mut deps: Deps, mut events: mpsc::Receiver<Event>, outlets: Outlets) -> Summary {
    let mut context = None;
    let mut summary = Summary::default();
    for _ in 0..=MOST_RESTARTS {
        let mut collector = Collector::new(&mut deps, &outlets, &mut context, &mut summary);
        let run = AssertUnwindSafe(collector.run(&mut events)).catch_unwind();
        if run.await.is_ok() {
            drop(collector);
            return summary;
        }
        let what = "The figures of this conversation begin again after a fault in the program; the conversation goes on.";
        outlets.send(Output::Notice(Severity::Warning, what.to_owned()));
    }
    tracing::error!("telemetry is switched off: it failed again and again");
    while events.recv().await.is_some() {}
    summary
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{DEFAULT, builtin};

    fn context() -> Box<Context> {
        let profile = builtin(DEFAULT).expect("built in");
        Box::new(Context {
            profile: Arc::clone(&profile),
            chosen: profile,
            profiles: Arc::from([]),
            auto: None,
            model: "gemini-3.8-live".into(),
            demo: false,
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

    async fn figures_after(telemetry: &mut Handle, turns: u64) {
        while telemetry.view().figures.turns != turns {
            telemetry.next().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_panics_is_restarted_with_what_it_knew() {
        let counters = Arc::new(Counters::default());
        counters.rolls.add(2);
        let mut telemetry = start(Deps::new(counters));
        telemetry.send(Event::Context(context()));
        let closed = || Event::TurnClosed(Box::new(record::tests::record()));
        telemetry.send(closed());
        figures_after(&mut telemetry, 1).await;
        telemetry.send(Event::Panic);
        let Signal::Output(Output::Notice(Severity::Warning, what)) = telemetry.next().await else {
            panic!("the user is told");
        };
        assert!(what.contains("begin again"), "{what}");
        telemetry.send(closed());
        telemetry.send(closed());
        figures_after(&mut telemetry, 2).await;
        let (summary, outputs) = telemetry.finish().await;
        assert_eq!(
            (summary.turns[0], summary.rolls),
            (3, 2),
            "the totals go on"
        );
        assert!(outputs.is_empty(), "{outputs:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_panics_for_ever_is_given_up() {
        let telemetry = start(Deps::new(Arc::default()));
        for _ in 0..10 {
            telemetry.send(Event::Panic);
        }
        let (_, outputs) = telemetry.finish().await;
        assert_eq!(outputs.len() as u32, MOST_RESTARTS + 1);
    }
}
