//! A second, quicker ear for the moment at which somebody talks over a reply: good enough to lower it until the profile's
//! detector has made up its mind.

use crate::base::frame::Frame;
use crate::vad::webrtc::Detector;
use crate::vad::{Detect as _, Kind};

/// How strict it is: it answers after 18 ms of clean speech (`tests/measured`), and lets less through than a laxer one.
const STRICT: u8 = 3;

/// See the [module](self).
pub(super) struct Quick {
    /// None beside a detector of the same kind: that is no later, and as lax as this or laxer
    /// (`tests/detection.rs`).
    ear: Option<Detector>,
}

impl Quick {
    pub(super) fn beside(kind: Kind) -> Self {
        Self {
            ear: is_needed(kind).then(|| Detector::new(STRICT)),
        }
    }

    /// Beside another detector from now on.
    pub(super) fn set_beside(&mut self, kind: Kind) {
        if is_needed(kind) != self.ear.is_some() {
            *self = Self::beside(kind);
        }
    }

    /// Whether it hears a voice that the detector may hear later. It wants every frame: fresh, or with the last
    /// interruption still in mind, it fires at anything.
    pub(super) fn voiced(&mut self, frame: &Frame) -> bool {
        self.ear.as_mut().is_some_and(|ear| ear.voiced(frame))
    }

    pub(super) fn reset(&mut self) {
        if let Some(ear) = &mut self.ear {
            ear.reset();
        }
    }
}

fn is_needed(kind: Kind) -> bool {
    match kind {
        Kind::Webrtc => false,
        Kind::Earshot => true,
    }
}
