//! Warnings about the models of the profiles in use.

use super::actor::Conversation;
use super::notices::Topic;
use crate::base::localized_text::LocalizedText;
use crate::base::plural::sentence;
use crate::profile::store::ProfileEntry;
use crate::telemetry::diagnosis::Remedy;

impl Conversation {
    /// Shows the warnings about models of the profiles in use, and withdraws those of others.
    pub(super) fn show_model_warnings(&mut self) {
        self.withdraw_model_warnings();
        for (text, remedy) in self.model_warnings() {
            self.notices.show_model(text, remedy);
        }
    }

    /// Withdraws the warnings that are not true of the profiles in use any more.
    pub(super) fn withdraw_model_warnings(&mut self) {
        let told = self.model_warnings().into_iter().map(|(text, _)| text);
        let told: Vec<LocalizedText> = told.map(Into::into).collect();
        self.notices.withdraw_about(Topic::Models, &told);
    }

    /// The warnings of the profile in use, or of the profiles it chooses among, each with its remedy.
    fn model_warnings(&self) -> Vec<(String, Option<Remedy>)> {
        let names = match &self.profiles.auto {
            Some(auto) => auto.choice().names.clone(),
            None => vec![self.profiles.profile.name.clone()],
        };
        let in_use = |entry: &&ProfileEntry| names.contains(&entry.profile.name);
        let entries = self.profiles.all.entries().iter().filter(in_use);
        entries.flat_map(|entry| self.warnings(entry)).collect()
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
