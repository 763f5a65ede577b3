//! What connects the window with the session and the settings.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use crate::base::counters::Counters;
use crate::base::supervise::Failures;
use crate::control::WindowWish;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::settings::config::Window;

/// What the user leaves behind, for the code at the end.
#[derive(Clone, Debug)]
pub struct WindowEnd {
    /// The look of the window, to be kept.
    pub look: Window,
    /// Everything that the program keeps is to be removed.
    pub removes_everything: bool,
}

/// What the window leaves behind, while it is open.
pub type Left = Arc<Mutex<WindowEnd>>;

/// The ends of the channels to the session, and the settings of the window.
#[derive(Clone)]
pub struct UiLink {
    /// The newest snapshot. When its sender is gone, the window closes.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub commands: mpsc::Sender<Command>,
    /// Meters, read with every frame.
    pub counters: Arc<Counters>,
    /// Takes what becomes of the window itself.
    pub failures: Failures,
    /// Where a typed key will be kept: shown to the user, never opened here.
    pub key_file: PathBuf,
    /// How the window looked last time.
    pub window: Window,
    /// Whether the window shall be open; each request to open it brings it to the front.
    pub wish: watch::Sender<WindowWish>,
    /// Runs the task that wakes the window, and what the system's accessibility bus needs.
    pub runtime: Handle,
}
