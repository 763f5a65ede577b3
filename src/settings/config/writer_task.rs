//! The task that owns the configuration file: reads and writes it, off the loop that carries audio.
//!
//! ```text
//! conversation ─ keep(before, wanted) ─▶ slot, newest wins ─▶ 300 ms of quiet ─▶ read, edit, write ─▶ Report
//!              ─ reload() ─────────────▶                  ─▶ at once ──────────▶ read ─────────────▶ Report
//! ```
//!
//! A volume that is dragged is one write. [`ConfigWriter::finish`] writes what waits.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Config, ConfigFile, Places};
use crate::base::thread::off_loop;

/// A change is written after so much time without another one.
const QUIET: Duration = Duration::from_millis(300);
/// Reports that may wait for the conversation.
const REPORTS: usize = 8;

/// What the file says after it was read or written.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// All changes up to this number are in it.
    pub version: u64,
    pub config: Config,
    /// What is wrong with the file, with places.
    pub faults: Vec<String>,
    /// Why nothing may be dialled, see [`ConfigFile::held`].
    pub held: Option<String>,
    /// Whether the changes were kept; `None` if there were none.
    pub kept: Option<Result<(), String>>,
    /// Where the keys are written.
    pub places: Arc<Places>,
}

/// The conversation's end of the task.
#[derive(Debug)]
pub struct ConfigWriter {
    shared: Arc<Shared>,
    reports: mpsc::Receiver<FileReport>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    slot: Mutex<Slot>,
    wake: Notify,
}

/// What is to be done.
#[derive(Debug, Default)]
struct Slot {
    /// The configuration with the changes, and the keys that changed.
    wanted: Option<(Config, BTreeSet<&'static str>)>,
    /// Those of them that are taken out of the file.
    taken_back: BTreeSet<&'static str>,
    version: u64,
    changed_at: Option<Instant>,
    reload: bool,
    closed: bool,
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ConfigWriter {
    /// Starts the task; call it inside the runtime.
    #[must_use]
    pub fn start(file: ConfigFile) -> Self {
        let shared = Arc::new(Shared::default());
        let (sender, reports) = mpsc::channel(REPORTS);
        let task = tokio::spawn(run(file, Arc::clone(&shared), sender));
        Self {
            shared,
            reports,
            task,
        }
    }

    /// Keeps what differs between two configurations. Returns the number of the change.
    pub fn keep(&self, before: &Config, wanted: &Config) -> u64 {
        let mut slot = self.shared.slot();
        let mut touched = slot.wanted.take().map(|(_, keys)| keys).unwrap_or_default();
        for key in wanted.changes(before) {
            touched.insert(key);
            slot.taken_back.remove(key);
        }
        slot.wanted = Some((wanted.clone(), touched));
        slot.version += 1;
        slot.changed_at = Some(Instant::now());
        let version = slot.version;
        drop(slot);
        self.shared.wake.notify_one();
        version
    }

    /// Takes a key out of the file, after a change to its usual value.
    pub fn take_back(&self, key: &'static str) {
        self.shared.slot().taken_back.insert(key);
    }

    pub fn reload(&self) {
        self.shared.slot().reload = true;
        self.shared.wake.notify_one();
    }

    /// The next report; nothing is lost when the call is dropped.
    pub async fn next(&mut self) -> FileReport {
        match self.reports.recv().await {
            Some(report) => report,
            None => std::future::pending().await,
        }
    }

    /// Writes what waits, and ends the task. Returns why changes were not kept, if so.
    pub async fn finish(&mut self) -> Option<String> {
        self.shared.slot().closed = true;
        self.shared.wake.notify_one();
        if let Err(error) = (&mut self.task).await {
            tracing::warn!(%error, "the configuration file was not written");
        }
        let reports = std::iter::from_fn(|| self.reports.try_recv().ok());
        reports.filter_map(|report| report.kept).last()?.err()
    }
}

async fn run(mut file: ConfigFile, shared: Arc<Shared>, reports: mpsc::Sender<FileReport>) {
    loop {
        shared.wake.notified().await;
        let (work, closed) = until_due(&shared).await;
        if let Some(work) = work {
            let before = file.clone();
            let done = off_loop("config", move || work.run(file)).await;
            // A panic there leaves the file as it was known.
            let report;
            (file, report) = match done {
                Some((file, report)) => (file, Some(report)),
                None => (before, None),
            };
            if let Some(report) = report
                && reports.try_send(report).is_err()
            {
                tracing::debug!("nobody takes the reports of the configuration file");
            }
        }
        if closed {
            return;
        }
    }
}

/// Waits until changes are quiet; what is to be done then, and whether it is the last of all.
async fn until_due(shared: &Shared) -> (Option<Work>, bool) {
    loop {
        let due = {
            let mut slot = shared.slot();
            let due = slot.changed_at.map(|at| at + QUIET);
            let due = due.filter(|at| !slot.reload && !slot.closed && *at > Instant::now());
            let Some(due) = due else {
                let work = Work {
                    wanted: slot.wanted.take(),
                    taken_back: std::mem::take(&mut slot.taken_back),
                    version: slot.version,
                };
                let reload = std::mem::take(&mut slot.reload);
                let is_some = reload || work.wanted.is_some();
                slot.changed_at = None;
                return (is_some.then_some(work), slot.closed);
            };
            due
        };
        tokio::select! {
            () = tokio::time::sleep_until(due) => {}
            () = shared.wake.notified() => {}
        }
    }
}

/// One reading of the file, with the changes to write.
struct Work {
    wanted: Option<(Config, BTreeSet<&'static str>)>,
    taken_back: BTreeSet<&'static str>,
    version: u64,
}

impl Work {
    fn run(self, mut file: ConfigFile) -> (ConfigFile, FileReport) {
        // What was edited by hand in the meantime holds first.
        file.reload();
        let kept = self.wanted.map(|(wanted, touched)| {
            let saved = file.save_without(&self.taken_back, |config| {
                for key in touched {
                    config.adopt(key, &wanted);
                }
            });
            saved.map_err(|problem| problem.to_string())
        });
        let report = FileReport {
            version: self.version,
            config: file.get().clone(),
            faults: file.faults().to_vec(),
            held: file.held().map(str::to_owned),
            places: file.places(),
            kept,
        };
        (file, report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &str) -> (tempfile::TempDir, std::path::PathBuf, ConfigFile) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("config.yaml");
        std::fs::write(&path, text).expect("written");
        let (file, fault) = ConfigFile::load(Some(path.clone()));
        assert_eq!(fault, None);
        (folder, path, file)
    }

    fn with_volume(config: &Config, volume: f32) -> Config {
        Config {
            volume,
            ..config.clone()
        }
    }

    #[tokio::test]
    async fn a_drag_is_one_write_and_the_last_value_wins() {
        let (_folder, path, file) = opened("# mine\nvolume: 1.0\n");
        let first = file.get().clone();
        let mut writer = ConfigWriter::start(file);
        let mut config = first.clone();
        for n in 0..200_u8 {
            let wanted = with_volume(&config, f32::from(n) / 400.0);
            writer.keep(&config, &wanted);
            config = wanted;
        }
        let report = writer.next().await;
        assert_eq!((report.version, report.kept), (200, Some(Ok(()))));
        assert_eq!(report.config, config);
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(text, format!("# mine\nvolume: {}\n", config.volume));
        let more = tokio::time::timeout(QUIET * 2, writer.next()).await;
        assert!(more.is_err(), "one write: {more:?}");
    }

    #[tokio::test]
    async fn the_end_writes_what_waits() {
        let (_folder, path, file) = opened("volume: 1.0\n");
        let first = file.get().clone();
        let mut writer = ConfigWriter::start(file);
        writer.keep(&first, &with_volume(&first, 0.25));
        let begun = std::time::Instant::now();
        writer.finish().await;
        assert!(begun.elapsed() < QUIET, "the quiet is not waited for");
        assert_eq!(
            std::fs::read_to_string(&path).expect("there"),
            "volume: 0.25\n"
        );
    }

    #[tokio::test]
    async fn what_is_taken_back_is_taken_out_of_the_file() {
        let text =
            "volume: 0.5 # low\nkeep: 30d\nspend_limit_usd: {\"day\": 5}\nwindow:\n  theme: dark\n";
        let (_folder, path, file) = opened(text);
        let mut config = file.get().clone();
        let mut writer = ConfigWriter::start(file);
        for key in ["volume", "keep", "spend_limit_usd.day", "window.theme"] {
            let before = config.clone();
            config.set(key, None).expect("allowed");
            writer.keep(&before, &config);
            writer.take_back(key);
        }
        let report = writer.next().await;
        assert_eq!(report.kept, Some(Ok(())));
        assert_eq!(report.config, Config::default());
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(text, "# low\nspend_limit_usd: {\"day\": off}\n");
        let place = report.places.get("spend_limit_usd.day").expect("written");
        assert!(place.ends_with("config.yaml:2"), "{place}");
        assert_eq!(report.places.len(), 1);
    }

    #[tokio::test]
    async fn an_edit_by_hand_in_the_meantime_stays() {
        let (_folder, path, file) = opened("volume: 1.0\nprofile: balanced\n");
        let first = file.get().clone();
        let mut writer = ConfigWriter::start(file);
        writer.keep(&first, &with_volume(&first, 0.5));
        std::fs::write(&path, "volume: 1.0\nprofile: ultra-fast\n").expect("written");
        let report = writer.next().await;
        assert_eq!(report.config.profile.as_deref(), Some("ultra-fast"));
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(text, "volume: 0.5\nprofile: ultra-fast\n");
        std::fs::write(&path, "volume: x\n").expect("written");
        writer.reload();
        let report = writer.next().await;
        assert!(
            report.faults[0].contains("config.yaml:1:9"),
            "{:?}",
            report.faults
        );
        assert_eq!(
            report.config.profile.as_deref(),
            Some("ultra-fast"),
            "it holds"
        );
    }
}
