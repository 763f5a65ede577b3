//! The context of the collector: profile, devices, connection, and its dependencies.

use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use super::auto;
use super::link_quality::LinkState;
use super::summary::Summary;
use crate::audio::StreamInfo;
use crate::base::counters::Counters;
use crate::base::retention::Retention;
use crate::monitor;
use crate::probe::Probe;
use crate::profile::{Detection, Profile};
use crate::provider::connection::dial::Dialer;

/// Turns kept for the export: some hours of talk, a kilobyte each.
pub const KEPT_TURNS: usize = 1_000;

/// Profile, devices and service of the conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    pub profile: Arc<Profile>,
    /// The profile that the user chose: the active one, or `auto`.
    pub chosen: Arc<Profile>,
    /// All profiles, in the order of the switch.
    pub profiles: Arc<[Arc<Profile>]>,
    /// The candidates of `auto`, if it is chosen.
    pub auto: Option<Arc<auto::AutoChoice>>,
    /// The model that the connection was set up with, without `models/`.
    pub model: String,
    /// The embedded server answers.
    pub demo: bool,
    /// How long figures are kept, as what was said is; never longer than seven days.
    pub keep: Retention,
    /// The service runs on this computer.
    pub local: bool,
    pub url: Url,
    /// Who detects the ends of turns.
    pub detection: Detection,
    /// The user switched echo cancellation on.
    pub echo_forced: bool,
    /// Address that alerts are posted to.
    pub webhook: Option<Url>,
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

/// Dependencies of the collector; by default it has no files and no network.
pub struct Deps {
    /// Counters of conversation, devices and connection.
    pub counters: Arc<Counters>,
    /// Reads the resource usage of this process.
    pub probe: Probe,
    /// The folder of history and exports.
    pub state: Option<PathBuf>,
    /// Number of turns kept for statistics and CSV rows.
    pub turns_kept: usize,
    /// Page requests of the monitor.
    pub pages: monitor::PageRequests,
    /// Dials the address of the webhook.
    pub dialer: Option<Arc<dyn Dialer>>,
}

impl Deps {
    /// No files and no network.
    pub fn new(counters: Arc<Counters>) -> Self {
        Self {
            counters,
            probe: Probe::off(),
            state: None,
            turns_kept: KEPT_TURNS,
            pages: monitor::PageRequests::default(),
            dialer: None,
        }
    }

    /// Fills in what is counted elsewhere.
    pub(super) fn complete(&mut self, summary: &mut Summary) {
        let counters = &self.counters;
        summary.connections = counters.connections.get();
        summary.resumes = counters.resumes.get();
        summary.rolls = counters.rolls.get();
        summary.fresh_starts = counters.fresh_starts.get();
        summary.underruns = counters.underruns.get();
        summary.capture_dropped = counters.capture_dropped.get();
        summary.bytes = (counters.bytes_sent.get(), counters.bytes_received.get());
        let way = &counters.link;
        summary.segments = (way.segments_sent.get(), way.segments_resent.get());
        summary.connect = way.connect();
        if let Some(usage) = self.probe.read() {
            summary.cpu = Some((usage.cpu, usage.wall));
            summary.memory = Some((usage.rss, self.probe.peak()));
        }
    }
}
