//! Whether the echo canceller works, and why: the user's choice, the kind of speaker, and what the microphone hears.
//!
//! ```text
//! asked on, off ─────────────────────────────▶ on, off
//! auto ─┬─ the reply is heard in the microphone ▶ on      whatever the device claims to be
//!       ├─ it is not, for some seconds of it ───▶ off     a canceller without echo eats first words
//!       └─ not known yet ───────────────────────▶ headset: off, loudspeaker: on
//! ```

use crate::base::frame::FRAME_SAMPLES;
use crate::base::units::Dbfs;
use crate::dsp::echo_detector::{EchoDetector, EchoVerdict};

/// Reply that a canceller must have heard before its output is believed: it converges within 1.5 s (`audio.md` §1.3).
const CONVERGES: u32 = 150;
/// The far end sounds above this level.
const SOUNDS: Dbfs = Dbfs(-50.0);

/// What is asked of the echo canceller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoPolicy {
    /// Always work.
    On,
    /// Never.
    Off,
    /// As needed.
    Auto {
        /// The speaker says that it is a headset.
        headset: bool,
    },
}

/// Whether the echo canceller works, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoReport {
    /// It works.
    pub on: bool,
    /// Why it does or does not.
    pub why: EchoWhy,
}

/// Why the echo canceller works or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoWhy {
    /// The user said so.
    Asked,
    /// The speaker is a headset.
    Headset,
    /// The speaker is none.
    Loudspeaker,
    /// The microphone hears the reply.
    Heard,
    /// The microphone does not hear the reply.
    NotHeard,
}

impl EchoReport {
    /// Whether the reply cannot reach the service as the user's speech.
    #[must_use]
    pub fn is_safe(self) -> bool {
        self.on || matches!(self.why, EchoWhy::Headset | EchoWhy::NotHeard)
    }
}

/// Decides frame by frame.
pub(super) struct EchoChoice {
    policy: EchoPolicy,
    leak: EchoDetector,
    verdict: EchoVerdict,
    report: EchoReport,
    /// Frames with sound from the far end since the canceller began.
    sounded: u32,
}

impl EchoChoice {
    pub(super) fn new() -> Self {
        Self {
            policy: EchoPolicy::Off,
            leak: EchoDetector::new(),
            verdict: EchoVerdict::Unknown,
            report: EchoReport {
                on: false,
                why: EchoWhy::Asked,
            },
            sounded: 0,
        }
    }

    /// Another wish; says what follows if that is something new. A change of the speaker forgets what was heard.
    pub(super) fn set_policy(&mut self, policy: EchoPolicy) -> Option<EchoReport> {
        if policy != self.policy {
            self.policy = policy;
            self.forget();
        }
        self.decide()
    }

    /// Another stream: what was heard through the one before says nothing of it.
    pub(super) fn forget(&mut self) {
        self.leak = EchoDetector::new();
        self.verdict = EchoVerdict::Unknown;
        self.sounded = 0;
    }

    /// Takes in what the microphone heard and what sounded; says what follows if that is something new.
    pub(super) fn push(
        &mut self,
        near: &[f32; FRAME_SAMPLES],
        far: &[f32; FRAME_SAMPLES],
    ) -> Option<EchoReport> {
        if self.report.on && Dbfs::rms(far) > SOUNDS {
            self.sounded = self.sounded.saturating_add(1);
        }
        if !self.listens() {
            return None;
        }
        self.verdict = self.leak.push(near, far)?;
        tracing::debug!(verdict = ?self.verdict, "echo");
        self.decide()
    }

    /// Whether it is to be found out if the reply is heard.
    pub(super) fn listens(&self) -> bool {
        matches!(self.policy, EchoPolicy::Auto { .. })
    }

    pub(super) fn is_on(&self) -> bool {
        self.report.on
    }

    /// Whether the canceller still learns, so that what it lets through may be the reply.
    pub(super) fn is_learning(&self) -> bool {
        self.report.on && self.sounded < CONVERGES && self.report.why != EchoWhy::Asked
    }

    /// Whether the reply cannot reach the microphone.
    pub(super) fn is_apart(&self) -> bool {
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
            self.sounded = 0;
        }
        (before != report).then_some(report)
    }
}
