//! Events into the collector, outputs and views out of it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::auto::{self, Plan};
use super::context::Context;
use super::diagnosis::Remedy;
use super::record::{LateTokens, TurnRecord};
use super::view::View;
use crate::base::localized_text::LocalizedText;
use crate::base::severity::Severity;

/// An event that the conversation reports.
#[derive(Debug)]
pub enum TelemetryEvent {
    /// Profile, devices, service: sent first, and whenever any of it changes.
    Context(Box<Context>),
    /// A turn of the user is over.
    TurnClosed(Box<TurnRecord>),
    /// Tokens that were counted after their turn was closed.
    LateTokens(Box<LateTokens>),
    /// So many utterances were kept to be asked again, and never were.
    Lost(u64),
    /// The history that is kept, if there is one: answers [`TelemetryOutput::ReadFigures`].
    Figures(Option<String>),
    /// The user resets the statistics of the active profile.
    ResetStatistics,
    /// The user exports turns and history as CSV.
    ExportCsv,
    /// Panics, to test the restart.
    #[cfg(test)]
    Panic,
}

/// A request of telemetry to the conversation.
#[derive(Debug)]
pub enum TelemetryOutput {
    /// An alert was raised: show it, with what a button can do about it.
    AlertRaised(LocalizedText, Option<Remedy>),
    /// An alert is over: withdraw the notice with this text.
    AlertCleared(LocalizedText),
    /// Read the history that is kept.
    ReadFigures,
    /// Keep this history.
    KeepFigures(String),
    /// Something else that the user should know.
    Notice(Severity, String),
    /// What `auto` proposes among the candidates of this choice.
    Plan(Arc<auto::AutoChoice>, Plan, u64),
}

/// The collector's ends.
pub(super) struct Outlets {
    pub(super) outputs: mpsc::Sender<TelemetryOutput>,
    pub(super) views: watch::Sender<Arc<View>>,
}

impl Outlets {
    pub(super) fn send(&self, output: TelemetryOutput) {
        if self.outputs.try_send(output).is_err() {
            tracing::warn!("the conversation does not take what telemetry asks");
        }
    }
}
