//! The user's files and keys: read and written by tasks, so that the loop never waits for a disk or a keyring.

use std::collections::VecDeque;

use secrecy::SecretString;
use tokio::task::JoinHandle;

use super::settings::Settings;
use crate::base::text::t;
use crate::base::thread::off_loop;
use crate::desktop::{Autostart, AutostartState};
use crate::settings::api_key::{ApiKey, KeyStore};
use crate::settings::config::Config;
use crate::settings::config::writer_task::{ConfigWriter, FileReport};
use crate::settings::profile_edit::ProfileEdit;
use crate::settings::profiles::Profiles;
use crate::settings::watch::{FileChange, Watch};

/// What the tasks report.
#[derive(Debug)]
pub(super) enum FileEvent {
    /// A file changed on the disk.
    Changed(FileChange),
    /// The configuration file was read or written.
    Config(Box<FileReport>),
    /// A key was kept, or why not.
    KeySaved(Result<ApiKey, String>),
    /// The key file was removed, and this key is still found elsewhere; or why it was not removed.
    KeyRemoved(Result<Option<ApiKey>, String>),
    /// The profiles were read again, with what is wrong with them.
    Profiles(Profiles, Vec<String>),
    /// The file of a profile was to be changed.
    ProfileEdited(Box<EditedProfile>),
    /// Whether the program starts with the desktop; and why that was not changed.
    Autostart(AutostartState, Option<String>),
    /// A task panicked; a sentence.
    Failed(String),
}

/// What became of a change of a profile's file.
#[derive(Debug)]
pub(super) struct EditedProfile {
    /// All profiles, read again.
    pub(super) profiles: Profiles,
    /// The profile that was to be changed, and how.
    pub(super) name: String,
    pub(super) edit: ProfileEdit,
    /// The profile that it is about now; or why it was not changed.
    pub(super) done: Result<String, String>,
}

/// The tasks.
pub(super) struct Files {
    writer: ConfigWriter,
    keys: KeyStore,
    watch: Watch,
    autostart: Autostart,
    jobs: Jobs,
    /// Changes of profiles, the first of them under way: each is made in what the one before has left.
    edits: VecDeque<(String, ProfileEdit)>,
    /// The last change that the writer was given.
    version: u64,
}

impl Files {
    /// Starts the tasks; call it inside the runtime.
    pub(super) fn start(settings: &mut Settings, autostart: Autostart) -> Self {
        let (file, keys, watch) = settings.take_files();
        Self {
            writer: ConfigWriter::start(file),
            keys,
            watch,
            autostart,
            jobs: Jobs::default(),
            edits: VecDeque::new(),
            version: 0,
        }
    }

    /// Keeps what differs between two configurations.
    pub(super) fn keep(&mut self, before: &Config, wanted: &Config) {
        self.version = self.writer.keep(before, wanted);
    }

    /// Takes a key out of the configuration file, after a change to its usual value.
    pub(super) fn take_back(&self, key: &'static str) {
        self.writer.take_back(key);
    }

    /// Whether a report has all changes in it.
    pub(super) fn is_newest(&self, report: &FileReport) -> bool {
        report.version == self.version
    }

    /// Has the watch on files panic.
    #[cfg(test)]
    pub(super) fn panic_in_watch(&self) {
        self.watch.panic();
    }

    /// Reads the configuration file again.
    pub(super) fn reload_config(&self) {
        self.writer.reload();
    }

    /// Keeps a key in the key file.
    pub(super) fn save_key(&mut self, key: SecretString) {
        let keys = self.keys.clone();
        self.run("key", move || {
            let saved = keys.save(&key);
            FileEvent::KeySaved(saved.map_err(|problem| t!("the-key-was-not-saved", problem)))
        });
    }

    /// Removes the key file, and looks for another key: the keyring may take its two seconds.
    pub(super) fn remove_key(&mut self) {
        let keys = self.keys.clone();
        self.run("key", move || {
            let removed = keys.remove().map(|()| keys.find().key);
            FileEvent::KeyRemoved(removed.map_err(|problem| t!("the-key-was-not-removed", problem)))
        });
    }

    /// Has the program start with the desktop or not, if that is asked, and looks what holds.
    pub(super) fn autostart(&mut self, wanted: Option<bool>) {
        let autostart = self.autostart.clone();
        self.run("autostart", move || {
            let done = wanted.map_or(Ok(()), |on| autostart.set(on));
            let problem = done.err().map(|problem| problem.to_string());
            FileEvent::Autostart(autostart.look(), problem)
        });
    }

    /// Reads the profiles again.
    pub(super) fn reload_profiles(&mut self, mut profiles: Profiles) {
        self.run("profiles", move || {
            let faults = profiles.reload();
            FileEvent::Profiles(profiles, faults)
        });
    }

    /// Changes the file of a profile.
    pub(super) fn edit_profile(&mut self, profiles: &Profiles, name: String, edit: ProfileEdit) {
        self.edits.push_back((name, edit));
        if self.edits.len() == 1 {
            self.next_edit(profiles);
        }
    }

    /// A change was made, or not: the next one.
    pub(super) fn edit_is_done(&mut self, profiles: &Profiles) {
        self.edits.pop_front();
        self.next_edit(profiles);
    }

    fn next_edit(&mut self, profiles: &Profiles) {
        let Some((name, edit)) = self.edits.front().cloned() else {
            return;
        };
        let mut profiles = profiles.clone();
        self.run("profiles", move || {
            let done = profiles
                .edit(&name, &edit)
                .map_err(|problem| problem.to_string());
            FileEvent::ProfileEdited(Box::new(EditedProfile {
                profiles,
                name,
                edit,
                done,
            }))
        });
    }

    fn run(&mut self, name: &'static str, work: impl FnOnce() -> FileEvent + Send + 'static) {
        self.jobs.waiting.push_back((name, Box::new(work)));
        self.jobs.start_next();
    }

    /// The next event; nothing is lost when the call is dropped.
    pub(super) async fn next(&mut self) -> FileEvent {
        tokio::select! {
            biased;
            event = self.jobs.next() => event,
            report = self.writer.next() => FileEvent::Config(Box::new(report)),
            Some(change) = self.watch.recv() => FileEvent::Changed(change),
        }
    }

    /// Writes what waits: the configuration, and a key that is being kept. Returns what could not be kept, in words.
    pub(super) async fn finish(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(problem) = self.writer.finish().await {
            problems.push(t!("the-last-choice-was-not", problem));
        }
        while let Some(done) = self.jobs.next_done().await {
            match done {
                FileEvent::KeySaved(Err(problem))
                | FileEvent::KeyRemoved(Err(problem))
                | FileEvent::Failed(problem) => problems.push(problem),
                FileEvent::Autostart(_, Some(problem)) => {
                    problems.push(t!("autostart-was-not-changed", problem));
                }
                FileEvent::ProfileEdited(edited) => {
                    problems.extend(edited.done.err());
                    self.edit_is_done(&edited.profiles);
                }
                FileEvent::KeySaved(Ok(_))
                | FileEvent::KeyRemoved(Ok(_))
                | FileEvent::Changed(_)
                | FileEvent::Config(_)
                | FileEvent::Autostart(_, None)
                | FileEvent::Profiles(..) => {}
            }
        }
        problems
    }
}

/// Work on files, one at a time and in order: of two keys the later one is kept.
#[derive(Default)]
struct Jobs {
    waiting: VecDeque<(&'static str, Work)>,
    running: Option<JoinHandle<Option<FileEvent>>>,
}

type Work = Box<dyn FnOnce() -> FileEvent + Send>;

impl Jobs {
    fn start_next(&mut self) {
        if self.running.is_none()
            && let Some((name, work)) = self.waiting.pop_front()
        {
            self.running = Some(tokio::spawn(off_loop(name, work)));
        }
    }

    /// The result of the next job, if there is one.
    async fn next_done(&mut self) -> Option<FileEvent> {
        let job = self.running.as_mut()?;
        let done = job.await.ok().flatten();
        self.running = None;
        self.start_next();
        Some(done.unwrap_or_else(|| FileEvent::Failed(t!("a-fault-stopped-the-work").to_owned())))
    }

    /// The next result; it waits for ever while there is no job.
    async fn next(&mut self) -> FileEvent {
        match self.next_done().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
}
