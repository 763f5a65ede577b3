//! The detector that a profile selects, and the change between detectors while somebody speaks.
//!
//! ```text
//! verdicts   old old old old old old │ new new new
//! new                 └── listens ───┘
//!                   set_kind        one second later
//! ```
//!
//! A new detector fires at its first input and does not know the room. It listens for one second before its verdict
//! counts; until then the old one decides.

use super::detector_trait::Detect;
use super::earshot::EarshotVad;
use super::webrtc::WebrtcVad;
use crate::base::frame::Frame;

/// Warm-up of a new detector: libfvad takes the minimum over its last hundred blocks for the room; earshot settles long
/// before.
pub(crate) const LISTENING_FRAMES: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VadKind {
    /// webrtc-vad: the fastest, for quiet rooms.
    Webrtc,
    /// earshot: robust against fans, keyboards, music.
    Earshot,
}

/// A detector of either kind. It is not `Send`: create it on the thread that uses it.
pub struct Detector {
    kind: VadKind,
    aggressiveness: u8,
    active: Box<dyn Detect>,
    /// The successor, and the frames until it takes over.
    heir: Option<(Box<dyn Detect>, u32)>,
}

impl Detector {
    /// Creates a detector that lets much through (aggressiveness 0) or little (3).
    pub fn new(kind: VadKind, aggressiveness: u8) -> Self {
        Self {
            kind,
            aggressiveness,
            active: new_detector(kind, aggressiveness),
            heir: None,
        }
    }

    /// Changes the kind at a frame edge and without a gap: the old detector decides for one more second. Setting the
    /// current kind has no effect; setting the old one back within that second cancels the change.
    pub fn set_kind(&mut self, kind: VadKind) {
        if kind == self.kind {
            return;
        }
        self.kind = kind;
        // With two kinds, a pending successor is of the other kind, so this call selects the active one.
        if self.heir.take().is_none() {
            self.heir = Some((new_detector(kind, self.aggressiveness), LISTENING_FRAMES));
        }
    }
}

impl Detect for Detector {
    fn voiced(&mut self, frame: &Frame) -> bool {
        if let Some((heir, left)) = &mut self.heir {
            heir.voiced(frame);
            *left -= 1;
            if *left == 0 {
                let verdict = self.active.voiced(frame);
                self.take_over();
                return verdict;
            }
        }
        self.active.voiced(frame)
    }

    fn set_aggressiveness(&mut self, aggressiveness: u8) {
        self.aggressiveness = aggressiveness;
        self.active.set_aggressiveness(aggressiveness);
        if let Some((heir, _)) = &mut self.heir {
            heir.set_aggressiveness(aggressiveness);
        }
    }

    fn reset(&mut self) {
        self.take_over();
        self.active.reset();
    }
}

impl Detector {
    fn take_over(&mut self) {
        if let Some((heir, _)) = self.heir.take() {
            self.active = heir;
        }
    }
}

fn new_detector(kind: VadKind, aggressiveness: u8) -> Box<dyn Detect> {
    match kind {
        VadKind::Webrtc => Box::new(WebrtcVad::new(aggressiveness)),
        VadKind::Earshot => Box::new(EarshotVad::new(aggressiveness)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::base::frame::FRAME_SAMPLES;

    #[test]
    fn a_new_kind_listens_for_a_second_before_it_decides() {
        let mut changed = Detector::new(VadKind::Webrtc, 2);
        let mut old = WebrtcVad::new(2);
        let mut new = EarshotVad::new(2);
        let mut differ = 0;
        for frame in 0..600 {
            if frame == 150 {
                changed.set_kind(VadKind::Earshot);
            }
            let heard = buzz(frame);
            let verdict = changed.voiced(&heard);
            let (old, new) = (old.voiced(&heard), frame >= 150 && new.voiced(&heard));
            let expected = if frame < 250 { old } else { new };
            assert_eq!(verdict, expected, "frame {frame}");
            differ += u32::from(old != new);
        }
        assert!(differ > 50, "the two can be told apart: {differ}");
    }

    #[test]
    fn going_back_in_time_is_as_if_nothing_had_been_asked() {
        let mut changed = Detector::new(VadKind::Earshot, 2);
        let mut steady = Detector::new(VadKind::Earshot, 2);
        for frame in 0..400 {
            match frame {
                120 => changed.set_kind(VadKind::Webrtc),
                200 => changed.set_kind(VadKind::Earshot),
                _ => {}
            }
            assert_eq!(changed.voiced(&buzz(frame)), steady.voiced(&buzz(frame)));
        }
    }

    #[test]
    fn a_reset_completes_the_change() {
        let mut changed = Detector::new(VadKind::Earshot, 3);
        changed.voiced(&buzz(0));
        changed.set_kind(VadKind::Webrtc);
        changed.set_aggressiveness(1);
        changed.reset();
        let mut new = WebrtcVad::new(1);
        for frame in 0..200 {
            assert_eq!(changed.voiced(&buzz(frame)), new.voiced(&buzz(frame)));
        }
    }

    /// Every other 400 ms the sound of a machine: webrtc-vad takes it for speech, earshot hardly does.
    fn buzz(frame: u64) -> Frame {
        let on = (frame / 40).is_multiple_of(2);
        let sample = |i: usize| {
            let time = (frame as usize * FRAME_SAMPLES + i) as f32 / 16_000.0;
            let saw = (time * 125.0).fract() - 0.5;
            if on { 0.3 * saw } else { 0.0 }
        };
        Frame {
            samples: std::array::from_fn(sample),
            sequence: frame,
            captured: Instant::now(),
        }
    }
}
