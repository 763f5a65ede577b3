//! A profile that chooses among others: what it chose is in force, and changes as telemetry proposes.

use std::sync::Arc;
use std::time::Duration;

use super::notices::{Notices, Topic};
use super::snapshot::AutoView;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::profile::{DEFAULT, NoiseSuppressor, Profile};
use crate::settings::profiles::Profiles;
use crate::telemetry::auto::{AutoChoice, AutoGoals, Candidate, Plan, Tuning};

/// Period of the devices while power is saved: 21 ms at 48 kHz, the fewest wake-ups of the shipped profiles.
const SAVING_PERIOD: u32 = 1_024;
/// Delay of suppression and gain control (measured, see `profiles/balanced.yaml`).
const PROCESSING: Duration = Duration::from_millis(6);

/// The profiles, and which is in force.
pub(super) struct ProfileControl {
    pub(super) all: Profiles,
    /// The one in force.
    pub(super) profile: Arc<Profile>,
    /// What chose it, where it was not the user.
    pub(super) auto: Option<Auto>,
    /// Choices of the user so far.
    choices: u64,
}

impl ProfileControl {
    /// Begins with `profile`.
    pub(super) fn new(all: Profiles, profile: Arc<Profile>) -> Self {
        Self {
            all,
            profile,
            auto: None,
            choices: 0,
        }
    }

    /// The profile that the user chose: the one in force, or one that chooses among others.
    pub(super) fn chosen(&self) -> &Arc<Profile> {
        self.auto.as_ref().map_or(&self.profile, Auto::chooser)
    }

    /// Takes the profile that the user chose; the one that is in force now.
    pub(super) fn choose(&mut self, profile: Arc<Profile>, notices: &mut Notices) -> Arc<Profile> {
        self.choices += 1;
        self.auto = self.begin_auto(&profile, notices);
        self.auto.as_ref().map_or(profile, Auto::profile)
    }

    /// The profiles were read again. The chosen one, if it is another now and to be used.
    pub(super) fn reread(&self, notices: &mut Notices) -> Option<Arc<Profile>> {
        let name = self.chosen().name.clone();
        let Ok(new) = self.all.get(&name) else {
            let what = t!("the-file-of-the-profile", name);
            notices.show(Severity::Info, what);
            return None;
        };
        let same = match &self.auto {
            Some(auto) => *new == *auto.chooser && auto.is_current(&self.all),
            None => *new == *self.profile,
        };
        (!same).then_some(new)
    }

    /// Follows the plan that telemetry proposes for a choice; one for an earlier choice is ignored. The profile that is in
    /// force now and why, if it is another.
    pub(super) fn follow(
        &mut self,
        of: &Arc<AutoChoice>,
        plan: Plan,
        changes: u64,
    ) -> Option<(Arc<Profile>, String)> {
        let auto = self.auto.as_mut().filter(|auto| auto.choice == *of)?;
        auto.changes = changes;
        let before = std::mem::replace(&mut auto.plan, plan);
        let (candidate, tuning) = (auto.plan.candidate, auto.plan.tuning);
        let is_another = (before.candidate, before.tuning) != (candidate, tuning);
        is_another.then(|| (auto.profile(), auto.plan.why.clone()))
    }

    /// A choice among the profiles that this one names; `None` where it chooses among none.
    fn begin_auto(&self, chooser: &Arc<Profile>, notices: &mut Notices) -> Option<Auto> {
        let how = chooser.auto.as_ref()?;
        let (mut candidates, mut missing) = (Vec::new(), Vec::new());
        for name in &how.among {
            let found = self.all.get(name);
            if !matches!(&found, Ok(profile) if profile.auto.is_none()) {
                missing.push(name.clone());
            }
            match found {
                Ok(profile) if profile.auto.is_none() => candidates.push(profile),
                Ok(_) => notices.show_about(
                    Topic::Files,
                    Severity::Warning,
                    t!("the-profile-lists-which-is", chooser = chooser.name, name),
                ),
                Err(unknown) => notices.show_about(
                    Topic::Files,
                    Severity::Warning,
                    t!(
                        "the-profile-lists-a-profile",
                        chooser = chooser.name,
                        unknown
                    ),
                ),
            }
        }
        if candidates.is_empty() {
            candidates.push(crate::profile::builtin(DEFAULT)?);
        }
        let wishes = AutoGoals {
            target: chooser.target,
            preference: how.prefer,
            changes_per_hour: how.changes_per_hour,
            power_saving: how.power_saving,
        };
        let choice = AutoChoice {
            names: candidates.iter().map(|of| of.name.clone()).collect(),
            candidates: candidates.iter().map(candidate).collect(),
            wishes,
            serial: self.choices,
        };
        Some(Auto {
            chooser: Arc::clone(chooser),
            plan: choice.adapter().plan(),
            choice: Arc::new(choice),
            changes: 0,
            candidates,
            missing,
        })
    }

    /// All profiles, in the order of the switch; the chosen one last, if its file is gone.
    pub(super) fn shared(&self) -> Arc<[Arc<Profile>]> {
        let chosen = self.chosen();
        let entries = self.all.entries().iter();
        let is_gone = entries
            .clone()
            .all(|entry| entry.profile.name != chosen.name);
        let shared = entries.map(|entry| &entry.profile);
        shared.chain(is_gone.then_some(chosen)).cloned().collect()
    }
}

/// The choice while it runs.
#[derive(Debug)]
pub(super) struct Auto {
    /// The profile that chooses.
    chooser: Arc<Profile>,
    /// From the fastest to the best.
    candidates: Vec<Arc<Profile>>,
    /// Profiles that it names, and that could not be had.
    missing: Vec<String>,
    choice: Arc<AutoChoice>,
    /// What is in force.
    plan: Plan,
    /// Changes of profile since it was chosen.
    changes: u64,
}

impl Auto {
    /// The profile that chooses.
    pub(super) fn chooser(&self) -> &Arc<Profile> {
        &self.chooser
    }

    /// What it chooses among.
    pub(super) fn choice(&self) -> &Arc<AutoChoice> {
        &self.choice
    }

    /// Whether what it chooses among is as it was.
    fn is_current(&self, all: &Profiles) -> bool {
        let is_there = |name: &String| all.get(name).is_ok_and(|of| of.auto.is_none());
        let is_same = |old: &Arc<Profile>| all.get(&old.name).is_ok_and(|new| *new == **old);
        !self.missing.iter().any(is_there) && self.candidates.iter().all(is_same)
    }

    pub(super) fn view(&self) -> AutoView {
        AutoView {
            uses: self.candidates[self.plan.candidate]
                .shown_label()
                .to_owned(),
            why: self.plan.why.clone(),
            changes: self.changes,
            power_saving: self.plan.tuning.save_power,
        }
    }

    fn profile(&self) -> Arc<Profile> {
        tuned(&self.candidates[self.plan.candidate], self.plan.tuning)
    }
}

/// What is known of a profile before it was used.
fn candidate(profile: &Arc<Profile>) -> Candidate {
    let saving = Tuning {
        save_power: true,
        ..Tuning::default()
    };
    let (own, saved) = (own_share(profile), own_share(&tuned(profile, saving)));
    Candidate {
        label: profile.shown_label().to_owned(),
        own_share: own,
        saving_share: saved.saturating_sub(own),
    }
}

fn own_share(profile: &Profile) -> Duration {
    // Of the way out the device holds one period and asks for the next; the last sample of the way in waits for none.
    let period = Duration::from_secs_f64(f64::from(profile.audio.period_frames) / 48_000.0);
    let processed = profile.audio.noise_suppression != NoiseSuppressor::Off;
    2 * period
        + profile.audio.prebuffer
        + if processed {
            PROCESSING
        } else {
            Duration::ZERO
        }
}

/// The profile with what the machine's state asks for.
fn tuned(profile: &Arc<Profile>, tuning: Tuning) -> Arc<Profile> {
    if tuning == Tuning::default() {
        return Arc::clone(profile);
    }
    let mut tuned = Profile::clone(profile);
    if tuning.spare_dsp || tuning.save_power {
        tuned.audio.noise_suppression = NoiseSuppressor::Off;
        tuned.audio.gain_control = false;
    }
    if tuning.save_power {
        tuned.audio.period_frames = tuned.audio.period_frames.max(SAVING_PERIOD);
    }
    Arc::new(tuned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::builtin;

    #[test]
    fn a_profile_whose_file_is_deleted_stays_in_use_and_in_the_list() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("mine.yaml");
        std::fs::write(&file, "target_ms: 300\n").expect("written");
        let profiles = Profiles::load(Some(folder.path().to_owned()));
        let mine = profiles.get("mine").expect("there");
        let mut control = ProfileControl::new(profiles, mine);
        let listed = control.shared().len();
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(control.all.reload(), Vec::<String>::new());
        let mut notices = Notices::default();
        assert_eq!(control.reread(&mut notices), None);
        let (_, said) = notices.next_announced().expect("it is said");
        assert!(said.starts_with("The file of the profile mine was deleted."));
        let shared = control.shared();
        assert_eq!(shared.len(), listed);
        assert_eq!(shared.last().map(|profile| &*profile.name), Some("mine"));
        assert_eq!(control.chosen().name, "mine");
    }

    #[test]
    fn tuning_changes_what_it_says_and_nothing_else() {
        let profile = builtin("high-quality").expect("built in");
        assert!(Arc::ptr_eq(&tuned(&profile, Tuning::default()), &profile));
        let spared = tuned(
            &profile,
            Tuning {
                spare_dsp: true,
                ..Tuning::default()
            },
        );
        assert!(!spared.audio.gain_control);
        assert_eq!(
            (spared.audio.period_frames, &spared.turn),
            (1_024, &profile.turn)
        );
        let fast = builtin("ultra-fast").expect("built in");
        let saving = Tuning {
            save_power: true,
            ..Tuning::default()
        };
        let saving = tuned(&fast, saving);
        assert_eq!(saving.audio.period_frames, SAVING_PERIOD);
        assert_eq!(
            (&saving.name, &saving.live, &saving.turn),
            (&fast.name, &fast.live, &fast.turn)
        );
    }

    #[test]
    fn the_shares_of_the_shipped_profiles_are_in_the_order_of_their_names() {
        let shares = ["ultra-fast", "balanced", "high-quality"].map(|name| {
            candidate(&builtin(name).expect("built in"))
                .own_share
                .as_millis()
        });
        assert_eq!(shares, [10, 47, 88]);
        let longer = ["ultra-fast", "balanced", "high-quality"].map(|name| {
            let candidate = candidate(&builtin(name).expect("built in"));
            candidate.saving_share.as_millis()
        });
        assert_eq!(longer, [32, 15, 0], "without the delay of what rests");
    }
}
