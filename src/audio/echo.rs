//! Decides whether the echo canceller is on: by the user's choice, the kind of speaker, and whether the microphone
//! picks up the reply.
//!
//! ```text
//! asked on, off ─────────────────────────────▶ on, off
//! auto ─┬─ the reply is heard in the microphone ▶ on      whatever the device claims to be
//!       ├─ it is not, for some seconds of it ───▶ off     a canceller without echo eats first words
//!       └─ not known yet ───────────────────────▶ headset: off, loudspeaker: on
//! ```

use super::echo_learning::EchoLearning;
use crate::base::frame::FRAME_SAMPLES;
use crate::dsp::echo_detector::{EchoDetector, EchoVerdict};

/// Policy for the echo canceller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoPolicy {
    On,
    Off,
    Auto {
        /// The speaker reports to be a headset.
        headset: bool,
    },
}

/// State of the echo canceller, and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoReport {
    pub on: bool,
    pub why: EchoWhy,
}

/// Reason for the state of the echo canceller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoWhy {
    /// Set by the user.
    Asked,
    /// The speaker is a headset.
    Headset,
    /// The speaker is not a headset.
    Loudspeaker,
    /// The microphone picks up the reply.
    Heard,
    /// The microphone does not pick up the reply.
    NotHeard,
}

impl EchoReport {
    /// Whether the reply cannot reach the service as the user's speech.
    pub fn is_safe(self) -> bool {
        self.on || matches!(self.why, EchoWhy::Headset | EchoWhy::NotHeard)
    }
}

/// Decides for each frame.
pub(super) struct EchoChoice {
    policy: EchoPolicy,
    detector: EchoDetector,
    verdict: EchoVerdict,
    report: EchoReport,
    learning: EchoLearning,
}

impl EchoChoice {
    pub(super) fn new() -> Self {
        Self {
            policy: EchoPolicy::Off,
            detector: EchoDetector::new(),
            verdict: EchoVerdict::Unknown,
            report: EchoReport {
                on: false,
                why: EchoWhy::Asked,
            },
            learning: EchoLearning::default(),
        }
    }

    /// Sets the policy; returns the state if it changed. A change of the speaker resets the detection.
    pub(super) fn set_policy(&mut self, policy: EchoPolicy) -> Option<EchoReport> {
        if policy != self.policy {
            self.policy = policy;
            self.forget();
        }
        self.decide()
    }

    /// Resets the detection for another stream.
    pub(super) fn forget(&mut self) {
        self.detector = EchoDetector::new();
        self.verdict = EchoVerdict::Unknown;
        self.learning = EchoLearning::default();
    }

    /// Processes a frame of both ends; returns the state if it changed.
    pub(super) fn push(
        &mut self,
        near: &[f32; FRAME_SAMPLES],
        far: &[f32; FRAME_SAMPLES],
    ) -> Option<EchoReport> {
        if self.report.on {
            self.learning.push(far);
        }
        if !self.is_detecting() {
            return None;
        }
        self.verdict = self.detector.push(near, far)?;
        tracing::debug!(verdict = ?self.verdict, "echo");
        self.decide()
    }

    /// Whether the detection is active.
    pub(super) fn is_detecting(&self) -> bool {
        matches!(self.policy, EchoPolicy::Auto { .. })
    }

    pub(super) fn is_on(&self) -> bool {
        self.report.on
    }

    /// Whether the canceller is still converging, so that its output may contain the reply.
    pub(super) fn is_learning(&self) -> bool {
        self.report.on && !self.learning.is_over() && self.report.why != EchoWhy::Asked
    }

    /// Whether the reply cannot reach the microphone.
    pub(super) fn is_isolated(&self) -> bool {
        !self.report.on && self.report.is_safe()
    }

    fn decide(&mut self) -> Option<EchoReport> {
        let (on, why) = match (self.policy, self.verdict) {
            (EchoPolicy::On, _) => (true, EchoWhy::Asked),
            (EchoPolicy::Off, _) => (false, EchoWhy::Asked),
            (EchoPolicy::Auto { .. }, EchoVerdict::Echo { .. }) => (true, EchoWhy::Heard),
            (EchoPolicy::Auto { .. }, EchoVerdict::None) => (false, EchoWhy::NotHeard),
            (EchoPolicy::Auto { headset: true }, EchoVerdict::Unknown) => (false, EchoWhy::Headset),
            (EchoPolicy::Auto { headset: false }, EchoVerdict::Unknown) => {
                (true, EchoWhy::Loudspeaker)
            }
        };
        let report = EchoReport { on, why };
        let before = std::mem::replace(&mut self.report, report);
        if on && !before.on {
            self.learning = EchoLearning::default();
        }
        (before != report).then_some(report)
    }
}
