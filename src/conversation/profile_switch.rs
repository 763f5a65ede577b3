//! Switches of profile: by the user, by an edited file, by `auto`.

use std::sync::Arc;

use super::actor::Conversation;
use super::files::EditedProfile;
use super::notices::Topic;
use crate::base::localized_text::LocalizedText;
use crate::base::plural::sentence;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::profile::Profile;
use crate::settings::profile_edit::ProfileEdit;
use crate::settings::profiles::Profiles;
use crate::telemetry::auto::AutoChoice;
use crate::telemetry::auto::Plan;

impl Conversation {
    /// Begins with the profile that the parts came with.
    pub(super) fn begin_with_profile(&mut self) {
        if self.profiles.profile.auto.is_some() {
            self.choose_profile(Arc::clone(&self.profiles.profile));
        } else {
            self.show_model_warnings();
        }
    }

    /// Takes the profile of this name, or says that there is none. Says whether it was taken.
    pub(super) fn take_profile(&mut self, name: &str) -> bool {
        let found = self.profiles.all.get(name);
        self.notices.withdraw_about(Topic::Profile, &[]);
        match found {
            Ok(profile) => {
                self.notices.withdraw_information();
                self.choose_profile(profile);
                true
            }
            Err(unknown) => {
                self.notices.show_about(
                    Topic::Profile,
                    Severity::Error,
                    LocalizedText::new(move || unknown.to_string()),
                );
                false
            }
        }
    }

    fn choose_profile(&mut self, profile: Arc<Profile>) {
        let in_force = self.profiles.choose(profile, &mut self.notices);
        self.adopt_profile(in_force);
        self.show_model_warnings();
    }

    /// What only a new connection can take waits for the next pause.
    fn adopt_profile(&mut self, profile: Arc<Profile>) {
        self.profiles.profile = profile;
        self.apply_turn_settings();
        let config = self.settings.session_config(&self.profiles.profile);
        if self.provider.want(config) && !self.turns.machine.is_quiet() {
            self.notice(Severity::Info, t!("the-new-profile-applies-to"));
        }
    }

    /// The profiles were read again, with what is wrong with them.
    pub(super) fn take_profiles(&mut self, profiles: Profiles, faults: Vec<String>) {
        self.profiles.all = profiles;
        let of_models = self.notices.are_about(Topic::Models);
        self.withdraw_file_warnings();
        if of_models {
            self.show_model_warnings();
        }
        for fault in faults {
            self.notices
                .show_about(Topic::Files, Severity::Warning, fault);
        }
        if let Some(profile) = self.profiles.reread(&mut self.notices) {
            let name = profile.name.clone();
            self.choose_profile(profile);
            let what = t!("the-profile-was-read-again-and", name);
            self.notice(Severity::Info, what);
        }
    }

    /// Changes a profile in the user's files.
    pub(super) fn edit_profile(&mut self, name: String, edit: ProfileEdit) {
        self.files.edit_profile(&self.profiles.all, name, edit);
    }

    /// A profile's file was changed, or not; the profiles were read again then.
    pub(super) fn on_profile_edited(&mut self, edited: EditedProfile) {
        let EditedProfile {
            profiles,
            name,
            edit,
            done,
        } = edited;
        self.files.edit_is_done(&profiles);
        let about = match done {
            Ok(about) => about,
            Err(problem) => {
                let what = sentence(&format!("{}: {problem}", t!("the-profile-was-not-changed")));
                return self.notice(Severity::Error, what);
            }
        };
        self.withdraw(|| t!("the-profile-was-not-changed"));
        let was_chosen = self.profiles.chosen().name == name;
        let faults = profiles.faults().to_vec();
        self.take_profiles(profiles, faults);
        // Who changed it knows.
        self.withdraw(|| t!("the-profile-was-read-again", about));
        let moves = match edit {
            ProfileEdit::Duplicate(_) => true,
            ProfileEdit::Remove => was_chosen && about != name,
            ProfileEdit::Set(..) => false,
        };
        if moves && self.take_profile(&about) {
            self.save(|config| config.profile = Some(about));
        }
    }

    /// Follows the plan of `auto`.
    pub(super) fn follow_plan(&mut self, of: &Arc<AutoChoice>, plan: Plan, changes: u64) {
        if let Some((profile, why)) = self.profiles.follow(of, plan, changes) {
            tracing::info!(profile = profile.name, why, "auto");
            self.adopt_profile(profile);
            // The window shows it at the profile; who listens without a window is told.
            self.notices
                .announce(Severity::Info, t!("auto-notice", why));
        }
    }
}
