//! The state of the set-up at the first start: the step, and what was heard and answered there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::audio::DeviceChoice;
use crate::base::units::Dbfs;
use crate::settings::config::WelcomeStep;

/// What is louder is somebody who speaks; rooms and fans are below.
const SPEECH: f32 = -40.0;
/// So much of it is no cough and no knock on the table.
const HEARD_AFTER: Duration = Duration::from_millis(500);
/// Levels come ten times a second. After a longer gap nobody knows what there was.
const LONGEST_GAP: Duration = Duration::from_millis(150);

/// How a step was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepEnd {
    Done,
    Skipped,
}

/// A step of the set-up.
#[derive(Debug)]
pub(super) struct WelcomeState {
    pub(super) step: WelcomeStep,
    /// It is shown for the first time.
    pub(super) is_new: bool,
    /// The user heard nothing from the speaker.
    pub(super) is_silent: bool,
    /// How steps were left, as far as the program saw it since its start.
    pub(super) ended: BTreeMap<WelcomeStep, StepEnd>,
    microphone: DeviceChoice,
    heard: Duration,
    before: Option<Instant>,
}

impl WelcomeState {
    pub(super) fn new(step: WelcomeStep) -> Self {
        Self {
            step,
            is_new: true,
            is_silent: false,
            ended: BTreeMap::new(),
            microphone: DeviceChoice::Default,
            heard: Duration::ZERO,
            before: None,
        }
    }

    /// Takes in the level of this moment. Another microphone is heard anew.
    pub(super) fn hear(&mut self, level: Dbfs, microphone: &DeviceChoice, now: Instant) {
        if self.microphone != *microphone {
            (self.microphone, self.heard) = (microphone.clone(), Duration::ZERO);
        }
        let before = self.before.replace(now);
        if let Some(before) = before.filter(|_| level.0 > SPEECH) {
            self.heard += now.duration_since(before).min(LONGEST_GAP);
        }
    }

    /// Whether somebody was heard.
    pub(super) fn hears_you(&self) -> bool {
        self.heard >= HEARD_AFTER
    }

    /// The steps that are shown.
    pub(super) fn steps() -> impl Iterator<Item = WelcomeStep> {
        let all = WelcomeStep::ALL.iter().copied();
        all.filter(|step| !matches!(step, WelcomeStep::New | WelcomeStep::Done))
    }

    /// The step before this one.
    pub(super) fn before(&self) -> Option<WelcomeStep> {
        Self::steps().filter(|step| *step < self.step).last()
    }

    /// The step after this one, or the end.
    pub(super) fn next(&self) -> WelcomeStep {
        let mut steps = Self::steps();
        let next = steps.find(|step| *step > self.step);
        next.unwrap_or(WelcomeStep::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_of_speech_is_heard_and_another_microphone_anew() {
        let (mut state, start) = (WelcomeState::new(WelcomeStep::Microphone), Instant::now());
        let usual = DeviceChoice::Default;
        let at = |ms| start + Duration::from_millis(ms);
        for ms in (0..=2_000).step_by(100) {
            state.hear(Dbfs(-45.0), &usual, at(ms));
        }
        assert!(!state.hears_you(), "the room is not heard");
        // Syllables and gaps.
        for ms in (2_100..=2_900).step_by(100) {
            let level = if ms % 200 == 0 { -60.0 } else { -20.0 };
            state.hear(Dbfs(level), &usual, at(ms));
        }
        assert!(state.hears_you());
        state.hear(Dbfs(-60.0), &DeviceChoice::Id("other".into()), at(3_000));
        assert!(!state.hears_you());
        // A knock, and nothing is drawn for a while.
        state.hear(Dbfs(-10.0), &DeviceChoice::Id("other".into()), at(60_000));
        assert!(!state.hears_you());
    }

    #[test]
    fn the_steps_lead_from_the_first_to_the_end_and_back() {
        let mut step = WelcomeStep::Welcome;
        for _ in 0..5 {
            let state = WelcomeState::new(step);
            step = state.next();
            let before = WelcomeState::new(step).before();
            assert_eq!(before, Some(state.step));
        }
        assert_eq!(step, WelcomeStep::Done);
        assert_eq!(WelcomeState::new(WelcomeStep::Welcome).before(), None);
    }
}
