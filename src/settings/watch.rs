//! Tells when the configuration file or the profiles changed on the disk.
//!
//! ```text
//! system ─ events ─▶ [64, surplus dropped] ─▶ thread "settings-watch" ─ Change ─▶ [8, waits] ─▶ session
//!                                              waits for quiet, re-arms, compares
//! ```
//!
//! Folders are watched, not files: editors write a new file and rename it over the old one. A folder that is missing is
//! looked out for in the nearest one above it. An event only says "look": what changed is found by comparing sizes, times
//! and numbers of the files, so it does no harm that surplus events are dropped. Without changes the thread sleeps.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::paths::Paths;
use crate::base::supervise::Failures;
use crate::base::text::t;
use crate::base::thread::{caught, quietly};

/// Quiet that is waited for after an event: editors write a file in several steps.
const DEBOUNCE: Duration = Duration::from_millis(150);
/// Quiet is waited for no longer: another program may never stop to write into the same folder.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileChange {
    /// `config.yaml`.
    Config,
    /// A file in `profiles/`.
    Profiles,
}

/// Hears of changes until it is dropped.
#[derive(Debug)]
pub struct Watch {
    changes: Option<mpsc::Receiver<FileChange>>,
    wake: SyncSender<Look>,
}

#[derive(Debug, thiserror::Error)]
#[error("{}", t!("changes-of-files-are-not", error = _0))]
pub struct WatchError(String);

impl Watch {
    /// Watches the configuration file and the folder of profiles of `paths`.
    /// What becomes of its thread is told to `failures`.
    pub fn start(paths: &Paths, failures: Failures) -> Result<Self, WatchError> {
        let wanted = Wanted {
            config: paths.config_file(),
            profiles: paths.profiles(),
        };
        let (wake, woken) = sync_channel(64);
        let (sender, changes) = mpsc::channel(8);
        let (event, interest) = (wake.clone(), wanted.clone());
        let watcher = notify::recommended_watcher(move |result: notify::Result<notify::Event>| {
            // Reading is no change (and looking reads the folder: that would never end).
            let concerns = || {
                result.is_ok_and(|event| {
                    !event.kind.is_access()
                        && (event.need_rescan()
                            || event.paths.iter().any(|path| interest.concerns(path)))
                })
            };
            // The thread of the library has no owner that would start it again.
            if caught(concerns) != Some(false) {
                event.try_send(Look::Again).ok();
            }
        });
        let watcher = watcher.map_err(|error| WatchError(error.to_string()))?;
        let mut worker = Worker {
            seen: wanted.look(),
            wanted,
            watcher,
            woken,
            changes: sender,
        };
        // Without a thread of its own the library panics here, and again when it is dropped: it is left as it is.
        if quietly(|| worker.arm()).is_none() {
            std::mem::forget(worker);
            return Err(WatchError(t!("the-system-gives-no-thread").to_owned()));
        }
        // What changed between the look and the arming is seen by the first look of the thread.
        wake.try_send(Look::Again).ok();
        let thread = std::thread::Builder::new().name("settings-watch".to_owned());
        thread
            .spawn(move || {
                failures.supervise(t!("the-watch-on-your-files"), || worker.run());
            })
            .map_err(|error| WatchError(error.to_string()))?;
        Ok(Self {
            changes: Some(changes),
            wake,
        })
    }

    /// A watch that never hears anything, for where there is nothing to watch.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            changes: None,
            wake: sync_channel(1).0,
        }
    }

    /// Has its thread panic.
    #[cfg(test)]
    pub fn panic(&self) {
        self.wake.try_send(Look::Panic).ok();
    }

    /// The next change; `None` once, when the watch has ended, and never anything after that. Dropping the future loses
    /// nothing.
    pub async fn recv(&mut self) -> Option<FileChange> {
        let Some(changes) = &mut self.changes else {
            return std::future::pending().await;
        };
        let change = changes.recv().await;
        if change.is_none() {
            self.changes = None;
        }
        change
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Frees the thread where it waits for room, then wakes it where it waits for events.
        self.changes = None;
        self.wake.try_send(Look::Again).ok();
    }
}

/// What wakes the thread.
enum Look {
    /// Something may have changed, or the watch was dropped.
    Again,
    #[cfg(test)]
    Panic,
}

impl Look {
    fn heed(self) {
        match self {
            Self::Again => {}
            #[cfg(test)]
            Self::Panic => panic!("asked to"),
        }
    }
}

/// What is watched for.
#[derive(Clone, Debug)]
struct Wanted {
    config: Option<PathBuf>,
    profiles: Option<PathBuf>,
}

impl Wanted {
    /// Whether an event at `path` can matter.
    fn concerns(&self, path: &Path) -> bool {
        let ours = [&self.config, &self.profiles];
        let above = ours
            .into_iter()
            .flatten()
            .any(|wanted| wanted.starts_with(path));
        above
            || self
                .profiles
                .as_deref()
                .is_some_and(|folder| path.starts_with(folder))
            || self.linked(path)
    }

    /// Events in a folder that is reached through a link come with its real path.
    fn linked(&self, path: &Path) -> bool {
        let folder = path.parent().unwrap_or(path);
        self.folders()
            .iter()
            .any(|wanted| std::fs::canonicalize(wanted).is_ok_and(|real| real == folder))
    }

    /// The folders to watch: those of the files, and those of what the files are links to.
    fn folders(&self) -> Vec<PathBuf> {
        let parent = |path: &Path| path.parent().map(Path::to_owned);
        let config = self.config.as_deref();
        let real = config.and_then(|config| std::fs::canonicalize(config).ok());
        // Also where that is not there yet.
        let link = config.and_then(|config| Some(config.parent()?.join(config.read_link().ok()?)));
        [
            config.and_then(parent),
            real.as_deref().and_then(parent),
            link.as_deref().and_then(parent),
            self.profiles.clone(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn look(&self) -> Seen {
        let mut profiles: Vec<(OsString, Option<Print>)> = Vec::new();
        for entry in self
            .profiles
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .flatten()
        {
            profiles.push((entry.file_name(), Print::of(&entry.path())));
        }
        profiles.sort_by(|a, b| a.0.cmp(&b.0));
        Seen {
            config: self.config.as_deref().and_then(Print::of),
            profiles,
        }
    }
}

/// How the files were at the last look.
#[derive(PartialEq)]
struct Seen {
    config: Option<Print>,
    profiles: Vec<(OsString, Option<Print>)>,
}

/// What tells one state of a file from another without reading it.
#[derive(PartialEq)]
struct Print {
    length: u64,
    modified: Option<SystemTime>,
    number: u64,
    /// When its owner or mode was changed last: a file that could not be read may be readable now.
    changed: (i64, i64),
}

impl Print {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let (number, changed) = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.ino(), (metadata.ctime(), metadata.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let (number, changed) = (0, (0, 0));
        Some(Self {
            length: metadata.len(),
            modified: metadata.modified().ok(),
            number,
            changed,
        })
    }
}

struct Worker {
    wanted: Wanted,
    watcher: RecommendedWatcher,
    seen: Seen,
    woken: Receiver<Look>,
    changes: mpsc::Sender<FileChange>,
}

impl Worker {
    /// Ends when the [`Watch`] is dropped.
    fn run(&mut self) {
        while let Ok(look) = self.woken.recv() {
            look.heed();
            let end = Instant::now() + LONGEST_WAIT;
            loop {
                if self.changes.is_closed() {
                    return;
                }
                let left = end.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                match self.woken.recv_timeout(DEBOUNCE.min(left)) {
                    Ok(look) => look.heed(),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            // Armed first: what changes after the look makes a new event.
            self.arm();
            let now = self.wanted.look();
            let config = now.config != self.seen.config;
            let profiles = now.profiles != self.seen.profiles;
            self.seen = now;
            for (changed, change) in [
                (config, FileChange::Config),
                (profiles, FileChange::Profiles),
            ] {
                if changed && self.changes.blocking_send(change).is_err() {
                    return;
                }
            }
        }
    }

    /// Watches each folder, or the nearest one above it. Watching one again costs nothing, and finds it if it was replaced.
    fn arm(&mut self) {
        for folder in self.wanted.folders() {
            let mut above = folder.ancestors();
            // One that is there but cannot be watched (no right to read it) leaves the next one above.
            let armed = above.any(|folder| {
                folder.is_dir()
                    && self
                        .watcher
                        .watch(folder, RecursiveMode::NonRecursive)
                        .is_ok()
            });
            if !armed {
                tracing::warn!(folder = %folder.display(), "this folder cannot be watched");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn edits_renames_and_removals_are_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config.yaml");
        fs::create_dir(folder.path().join("profiles")).expect("made");
        let mut watch =
            Watch::start(&Paths::find(Some(&file)), Failures::default()).expect("watched");
        fs::write(&file, "volume: 1").expect("written");
        until(&mut watch, FileChange::Config).await;
        let fresh = folder.path().join("fresh");
        fs::write(&fresh, "volume: 0").expect("written");
        fs::rename(&fresh, &file).expect("renamed over it");
        until(&mut watch, FileChange::Config).await;
        fs::rename(&file, &fresh).expect("renamed away");
        until(&mut watch, FileChange::Config).await;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt as _, symlink};
            symlink("elsewhere/config.yaml", &file).expect("linked");
            let elsewhere = folder.path().join("elsewhere");
            fs::create_dir(&elsewhere).expect("made");
            fs::rename(&fresh, elsewhere.join("config.yaml")).expect("put where the link leads");
            until(&mut watch, FileChange::Config).await;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("ours");
            until(&mut watch, FileChange::Config).await;
        }
        let mine = folder.path().join("profiles/mine.yaml");
        fs::write(&mine, "target_ms: 100").expect("written");
        until(&mut watch, FileChange::Profiles).await;
        fs::remove_file(&mine).expect("removed");
        until(&mut watch, FileChange::Profiles).await;
    }

    #[tokio::test]
    async fn folders_that_appear_later_are_picked_up() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let deep = folder.path().join("not/yet");
        let mut watch = Watch::start(
            &Paths::find(Some(&deep.join("config.yaml"))),
            Failures::default(),
        )
        .expect("watched");
        fs::create_dir_all(deep.join("profiles")).expect("made");
        fs::write(deep.join("profiles/mine.yaml"), "target_ms: 100").expect("written");
        until(&mut watch, FileChange::Profiles).await;
        fs::remove_dir_all(folder.path().join("not")).expect("removed");
        until(&mut watch, FileChange::Profiles).await;
        fs::create_dir_all(&deep).expect("made again");
        fs::write(deep.join("config.yaml"), "volume: 1").expect("written");
        until(&mut watch, FileChange::Config).await;
    }

    #[tokio::test]
    async fn a_neighbour_that_is_written_all_the_time_hides_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("config.yaml");
        let mut watch =
            Watch::start(&Paths::find(Some(&file)), Failures::default()).expect("watched");
        let neighbour = folder.path().join("neighbour");
        let writing = tokio::spawn(async move {
            for n in 0_u64.. {
                fs::write(&neighbour, n.to_string()).expect("written");
                tokio::time::sleep(DEBOUNCE / 10).await;
            }
        });
        fs::write(&file, "volume: 1").expect("written");
        until(&mut watch, FileChange::Config).await;
        writing.abort();
    }

    #[tokio::test]
    async fn a_watch_of_nothing_says_nothing() {
        let mut watch = Watch::nothing();
        tokio::time::pause();
        assert!(
            tokio::time::timeout(Duration::from_secs(3600), watch.recv())
                .await
                .is_err()
        );
    }

    #[test]
    fn strangers_do_not_concern_us() {
        let wanted = Wanted {
            config: Some("/none/such/config.yaml".into()),
            profiles: Some("/none/such/profiles".into()),
        };
        for (path, concerns) in [
            ("/none/such/config.yaml", true),
            ("/none/such", true),
            ("/none", true),
            ("/none/such/profiles/x.yaml", true),
            ("/none/such/key", false),
            ("/none/else", false),
        ] {
            assert_eq!(wanted.concerns(Path::new(path)), concerns, "{path}");
        }
    }

    /// Waits for a change; others may be told again before it, where the machine stalls amid one. The limit is there for a
    /// watch that is broken; a good one answers in a fraction of a second.
    async fn until(watch: &mut Watch, wanted: FileChange) {
        let limit = Duration::from_secs(30);
        let told = async { while watch.recv().await.expect("the watch lives") != wanted {} };
        tokio::time::timeout(limit, told)
            .await
            .expect("the change is told");
    }
}
