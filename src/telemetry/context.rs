//! The context of the collector: profile, devices, connection, and its dependencies.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use url::Url;

use super::auto;
use super::store::KEPT_TURNS;
use crate::audio::StreamInfo;
use crate::base::counters::Counters;
use crate::monitor;
use crate::probe::Probe;
use crate::profile::{Detection, Profile};
use crate::provider::connection::dial::Dialer;

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
    /// Number of turns kept for statistics and CSV rows.
    pub turns_kept: usize,
    /// Page requests of the monitor.
    pub pages: monitor::PageRequests,
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
            pages: monitor::PageRequests::default(),
            dialer: None,
        }
    }

    /// The file of the history. The demo keeps none: its turns say nothing of the service.
    pub(super) fn history(&self, demo: bool) -> Option<PathBuf> {
        let folder = self.state.as_ref().filter(|_| !demo)?;
        Some(folder.join("history.json"))
    }
}
