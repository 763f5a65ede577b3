//! What the user asks, and what changes in the user's files.

use std::time::Instant;

use super::actor::Conversation;
use super::clock::now;
use super::command::Command;
use super::files::FileEvent;
use super::notices::Topic;
use super::settings::Settings;
use super::snapshot::Link;
use crate::audio;
use crate::base::keys::Value;
use crate::base::localized_text::LocalizedText;
use crate::base::plural::sentence;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::settings::config::Config;
use crate::settings::config::writer_task::FileReport;
use crate::settings::watch::FileChange;
use crate::turn::machine::Input;
use crate::{provider, telemetry};

impl Conversation {
    pub(super) fn on_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::SetMuted(muted) => self.set_muted(muted),
            Command::SetShown(shown) => self.set_shown(shown),
            Command::HoldToTalk(held) => self.hold(now, held),
            Command::ShowGlobalKey(state) => self.show_global_key(state),
            Command::RetryGlobalKey => self.microphone.global_key.tries += 1,
            Command::PressMediaKey(key) => self.press_media_key(now, key),
            Command::ShowMediaKeys(state) => self.show_media_keys(now, state),
            Command::ShowOtherSound(trouble) => self.show_other_sound(trouble),
            Command::StopReply => self.stop_pressed(now),
            Command::CheckSound { with_voice } => self.check_sound(now, with_voice),
            Command::CancelCheck => self.cancel_check(),
            Command::ListKept(filter) => self.list_kept(filter),
            Command::OpenKept(id) => self.open_kept(id),
            Command::ExportKept { id, format, folder } => self.export_kept(id, format, folder),
            Command::ContinueKept(id) => self.continue_kept(id),
            Command::DeleteKept(id) => self.delete_kept(now, id),
            Command::BeginConversation => self.begin_conversation(now),
            Command::SendText(text) => self.send_text(now, &text),
            Command::SayIt => self.say_it(now),
            Command::Repeat => self.hear_again(now),
            Command::UseProfile(name) => {
                if self.take_profile(&name) {
                    self.save(|config| config.profile = Some(name));
                }
            }
            Command::UseInput(choice) => {
                self.voice.input.choice = choice.clone();
                self.save(|config| config.input_device = id(choice));
            }
            Command::UseOutput(choice) => {
                self.voice.output.choice = choice.clone();
                self.save(|config| config.output_device = id(choice));
            }
            Command::SetConfig(key, value) => self.set_config(key, value),
            Command::EditProfile(name, edit) => self.edit_profile(name, edit),
            Command::SetKey(key) => self.files.save_key(key),
            Command::RemoveKey => self.files.remove_key(),
            // A look at the file: where nothing tells of its changes, this is how one is noticed.
            Command::RetryNow if self.settings.held().is_some() => self.files.reload_config(),
            Command::RetryNow => self.control(provider::Control::RetryNow),
            Command::ResetStatistics => self
                .telemetry
                .send(telemetry::TelemetryEvent::ResetStatistics),
            Command::Apply(remedy) => self.apply_remedy(now, remedy),
            Command::ExportCsv => self.telemetry.send(telemetry::TelemetryEvent::ExportCsv),
            Command::SpendMore => self.spend_more(),
            Command::LookAtAutostart => self.files.autostart(None),
            Command::SetAutostart(on) => self.files.autostart(Some(on)),
            Command::ShowTray(state) => self.shown_settings.desktop.tray = state,
            Command::LockScreen(locked) => self.lock_screen(locked),
            Command::ShowNewerVersion(newer) => self.notices.show_newer_version(newer),
            Command::Dismiss(id) => self.notices.retain(|notice| notice.id != id),
            Command::Quit => {}
            #[cfg(test)]
            Command::Panic(part) => self.have_panic(part),
        }
    }

    fn set_muted(&mut self, muted: bool) {
        self.microphone.set_muted(muted);
        self.microphone.muted_by_lock = false;
        if self.settings.config().window.keep_muted {
            self.save(|config| config.window.muted = muted);
        }
        if muted {
            self.cancel_check();
        }
    }

    fn show_other_sound(&mut self, trouble: Option<LocalizedText>) {
        self.notices.withdraw_about(Topic::OtherSound, &[]);
        if let Some(trouble) = trouble {
            self.notices
                .show_about(Topic::OtherSound, Severity::Warning, trouble);
        }
    }

    /// The next connection asks for something else, which is made at the next pause.
    fn ask_anew(&mut self) {
        let config = self.settings.session_config(&self.profiles.profile);
        if self.provider.want(config) && !self.turns.machine.is_quiet() {
            self.notice(Severity::Info, t!("the-new-voice-or-language"));
        }
    }

    /// A key was kept or removed, and the settings follow: connects with what they name now.
    fn follow_key(&mut self, changed: anyhow::Result<()>) {
        match changed {
            Ok(()) => self.redial(),
            Err(problem) => self.key_trouble(&problem),
        }
    }

    fn key_trouble(&mut self, problem: &anyhow::Error) {
        let what = sentence(&format!("{problem:#}"));
        self.notices.show_about(Topic::Key, Severity::Error, what);
    }

    /// Connects to what the settings name now. An open turn is asked there again.
    fn redial(&mut self) {
        match self.settings.choose_target() {
            Ok(()) => {
                self.notices.withdraw_information();
                self.notices.withdraw_about(Topic::Key, &[]);
                self.name_assistant();
                self.settings.refresh_user_context();
                self.provider.config = self.settings.session_config(&self.profiles.profile);
                self.provider.wanted = self.provider.config.clone();
                self.forget_asked();
                self.turns.machine.forget_thinking();
                self.turns.machine.forget_bills();
                self.apply_turn_settings();
                self.feed(now(), Input::LinkDown);
                self.provider.link = Link::Connecting { attempt: 1 };
                self.provider.was_connected = false;
                self.provider.outbox.clear();
                let target = Box::new(self.settings.target.clone());
                let config = Box::new(self.provider.config.clone());
                self.control(provider::Control::Redial(target, config));
            }
            Err(problem) => self.key_trouble(&problem),
        }
    }

    /// Another endpoint is configured; one that was given at the start goes before it.
    fn follow_endpoint(&mut self) {
        let place = |settings: &Settings| {
            let target = &settings.target;
            (target.url.clone(), target.key.is_some(), settings.is_demo())
        };
        let before = place(&self.settings);
        if self.settings.choose_target().is_err() || place(&self.settings) != before {
            self.redial();
        }
    }

    /// Changes the configuration; the file follows.
    pub(super) fn save(&mut self, change: impl FnOnce(&mut Config)) {
        let before = self.settings.change(change);
        self.files.keep(&before, self.settings.config());
    }

    /// What the tasks for files and keys report.
    pub(super) fn on_file(&mut self, event: FileEvent) {
        match event {
            FileEvent::Changed(FileChange::Profiles) => {
                self.files.reload_profiles(self.profiles.all.clone());
            }
            FileEvent::Changed(FileChange::Config) => self.files.reload_config(),
            FileEvent::Config(report) => self.on_config(*report),
            FileEvent::KeySaved(Ok(key)) => {
                let changed = self.settings.use_key(key);
                self.follow_key(changed);
            }
            FileEvent::KeyRemoved(Ok(other)) => {
                let place = other.as_ref().map(|key| key.source.words());
                let changed = self.settings.forget_key(other);
                self.follow_key(changed);
                if let Some(place) = place {
                    let what = t!("another-key-is-in-and", place);
                    self.notice(Severity::Warning, what);
                }
            }
            FileEvent::KeySaved(Err(problem)) | FileEvent::KeyRemoved(Err(problem)) => {
                self.notices
                    .show_about(Topic::Key, Severity::Error, problem);
            }
            FileEvent::Failed(problem) => self.notice(Severity::Error, problem),
            FileEvent::Profiles(profiles, faults) => self.take_profiles(profiles, faults),
            FileEvent::ProfileEdited(done) => self.on_profile_edited(*done),
            FileEvent::Autostart(state, problem) => {
                self.shown_settings.desktop.autostart = state;
                if let Some(problem) = problem {
                    self.notice(Severity::Error, t!("autostart-was-not-changed", problem));
                }
            }
        }
    }

    #[cfg(test)]
    fn have_panic(&mut self, part: super::command::FailingPart) {
        use super::command::FailingPart;
        match part {
            FailingPart::Audio(thread) => self.command_voice(audio::VoiceCommand::Panic(thread)),
            FailingPart::Connection => self.control(crate::provider::Control::Panic),
            FailingPart::Telemetry => drop(
                self.telemetry
                    .handle
                    .send(crate::telemetry::TelemetryEvent::Panic),
            ),
            FailingPart::Server => self.settings.panic_in_demo(),
            FailingPart::Watch => self.files.panic_in_watch(),
        }
    }

    /// The configuration file was read or written.
    fn on_config(&mut self, report: FileReport) {
        match &report.kept {
            Some(Ok(())) => self.withdraw(|| t!("this-choice-could-not-be")),
            Some(Err(problem)) => {
                self.notice(
                    Severity::Warning,
                    format!("{}: {problem}", t!("this-choice-could-not-be")),
                );
            }
            None => {}
        }
        // Otherwise newer changes are on their way, and the report about them has everything.
        if !self.files.is_newest(&report) {
            return;
        }
        let was_blocked = self.settings.held().is_some();
        let (before, new_faults, mended) = self.settings.take_report(report);
        let changed = before != *self.settings.config();
        if (changed || mended) && self.settings.config_faults().is_empty() {
            self.withdraw_file_warnings();
        }
        for fault in new_faults {
            let what = t!("the-earlier-settings-stay-in", fault = sentence(&fault));
            self.notices
                .show_about(Topic::Files, Severity::Warning, what);
        }
        if mended {
            let what = t!("the-configuration-is-correct-again").to_owned();
            self.notice(Severity::Info, what);
        }
        if changed {
            self.follow_config(&before);
        }
        self.apply_spend_limit();
        match self.settings.held() {
            Some(held) => self.provider.link = hold(held),
            None if was_blocked => self.redial(),
            None if before.endpoint != self.settings.config().endpoint => self.follow_endpoint(),
            None => {}
        }
    }

    /// Sets a key of the configuration and follows it.
    fn set_config(&mut self, key: &'static str, value: Option<Value>) {
        let mut config = self.settings.config().clone();
        let is_reset = value.is_none();
        if let Err(problem) = config.set(key, value) {
            let what = LocalizedText::new(move || t!("was-not-changed", key, problem));
            return self.notice(Severity::Error, what);
        }
        let before = self.settings.config().clone();
        self.save(|current| *current = config);
        if is_reset {
            self.files.take_back(key);
        }
        self.follow_config(&before);
        self.apply_spend_limit();
        let is_held = self.settings.held().is_some();
        if !is_held && before.endpoint != self.settings.config().endpoint {
            self.follow_endpoint();
        }
    }

    /// Applies what changed in the configuration, but for the endpoint.
    fn follow_config(&mut self, before: &Config) {
        self.apply_keeping();
        let after = self.settings.config().clone();
        let asks_anew = before.detection != after.detection
            || before.voice != after.voice
            || before.languages != after.languages;
        let talk = |config: &Config| {
            (
                config.talk_key,
                config.release_delay,
                config.voice_activation,
            )
        };
        if talk(before) != talk(&after) {
            self.follow_talk_choice();
        }
        if before.profile != after.profile
            && let Some(name) = &after.profile
        {
            self.take_profile(name);
        }
        if before.window.language != after.window.language {
            // Their faults are reported in the new language.
            self.files.reload_profiles(self.profiles.all.clone());
        }
        if before.input_device != after.input_device {
            self.voice.input.choice = choice(after.input_device);
        }
        if before.output_device != after.output_device {
            self.voice.output.choice = choice(after.output_device);
        }
        if before.volume != after.volume {
            self.voice.volume = after.volume.clamp(0.0, 1.0);
        }
        if asks_anew {
            self.ask_anew();
        }
        let at_start = [
            ("monitor", before.monitor != after.monitor),
            ("state", before.state != after.state),
        ];
        for (key, _) in at_start.iter().filter(|(_, changed)| *changed) {
            let what = t!("in-the-configuration-applies-from", key);
            self.notice(Severity::Info, what);
        }
    }
}

/// The link while nothing may be dialled.
pub(super) fn hold(why: String) -> Link {
    Link::Down {
        what: why,
        hint: t!("correct-the-file").to_owned(),
        retry_at: None,
        key_refused: false,
    }
}

fn id(choice: audio::DeviceChoice) -> Option<String> {
    match choice {
        audio::DeviceChoice::Default => None,
        audio::DeviceChoice::Id(id) => Some(id),
    }
}

fn choice(id: Option<String>) -> audio::DeviceChoice {
    id.map_or(audio::DeviceChoice::Default, audio::DeviceChoice::Id)
}
