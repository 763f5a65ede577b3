//! Warnings about the models of the profiles in use, and the command that writes a model's successor into a profile.

use super::actor::Conversation;
use crate::base::plural::sentence;
use crate::base::severity::Severity;
use crate::profile::store::ProfileEntry;
use crate::settings::profiles::Profiles;
use crate::telemetry::diagnosis::Remedy;

/// The beginning of a notice that a later success withdraws.
const NOT_CHANGED: &str = "The model was not changed";

impl Conversation {
    /// Shows the warnings of the profiles in use and withdraws those of other profiles.
    pub(super) fn tell_of_models(&mut self) {
        let told = self.model_warnings();
        let others: Vec<String> = (self.profiles.all.entries().iter())
            .flat_map(|entry| self.warnings(entry).map(|(text, _)| text))
            .filter(|text| told.iter().all(|(told, _)| told != text))
            .collect();
        self.notices.retain(|notice| !others.contains(&notice.text));
        for (text, remedy) in told {
            self.notices.show_with(Severity::Warning, text, remedy);
        }
    }

    /// The warnings of the profile in use, or of the profiles it chooses among, each with its remedy.
    pub(super) fn model_warnings(&self) -> Vec<(String, Option<Remedy>)> {
        let names = match &self.profiles.auto {
            Some(auto) => auto.choice().names.clone(),
            None => vec![self.profiles.profile.name.clone()],
        };
        let in_use = |entry: &&ProfileEntry| names.contains(&entry.profile.name);
        let entries = self.profiles.all.entries().iter().filter(in_use);
        entries.flat_map(|entry| self.warnings(entry)).collect()
    }

    /// Writes another model into the file of a profile, which is read again then.
    pub(super) fn write_model(&mut self, profile: &str, model: &str) {
        let profiles = self.profiles.all.clone();
        self.files
            .write_model(profiles, profile.to_owned(), model.to_owned());
    }

    /// Whether the model was written; the profiles were read again then.
    pub(super) fn on_model_written(&mut self, profiles: Profiles, written: Result<(), String>) {
        match written {
            Ok(()) => {
                self.withdraw(NOT_CHANGED);
                let faults = profiles.faults().to_vec();
                self.take_profiles(profiles, faults);
            }
            Err(problem) => {
                let what = sentence(&format!("{NOT_CHANGED}: {problem}"));
                self.notice(Severity::Error, what);
            }
        }
    }

    fn warnings(&self, entry: &ProfileEntry) -> impl Iterator<Item = (String, Option<Remedy>)> {
        let profile = &entry.profile;
        let successor = self.provider.handle.service.successor(&profile.live.model);
        entry.warnings.iter().map(move |warning| {
            let successor = successor.filter(|_| warning.key == "live.model");
            let remedy = successor.map(|model| Remedy::UseModel {
                profile: profile.name.clone(),
                model: model.to_owned(),
            });
            (sentence(&warning.to_string()), remedy)
        })
    }
}
