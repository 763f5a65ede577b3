//! A second, faster detector for speech over a reply: good enough to duck the reply until the profile's detector has
//! decided. It is unused beside a detector of the same kind, which is as fast, and as lax or laxer
//! (`tests/integration/detection.rs`).
//!
//! ```text
//! Off ──needed──▶ Listening ──a second──▶ On ──not needed──▶ Leaving ──a second──▶ Off
//!  ◀──not needed─────┘                     ◀──needed────────────┘
//! ```
//!
//! While a changed detector listens and the old one still decides, the old state of this one holds.

use crate::base::frame::Frame;
use crate::vad::webrtc::WebrtcVad;
use crate::vad::{Detect as _, LISTENING_FRAMES, VadKind};

/// Aggressiveness: positive after 18 ms of clean speech (`tests/measured`), with fewer false positives than a laxer
/// one.
const STRICT: u8 = 3;

pub(super) enum FastVad {
    Off,
    /// Warm-up frames left, whose verdicts are ignored: a new detector fires at anything.
    Listening(WebrtcVad, u32),
    On(WebrtcVad),
    /// Frames left in which it still counts.
    Leaving(WebrtcVad, u32),
}

impl FastVad {
    /// Creates the state for the start of a stream.
    pub(super) fn alongside(kind: VadKind) -> Self {
        if is_needed(kind) {
            Self::On(WebrtcVad::new(STRICT))
        } else {
            Self::Off
        }
    }

    /// Adapts to the kind of the profile's detector.
    pub(super) fn set_alongside(&mut self, kind: VadKind) {
        *self = match (std::mem::replace(self, Self::Off), is_needed(kind)) {
            (Self::Off, true) => Self::Listening(WebrtcVad::new(STRICT), LISTENING_FRAMES),
            (Self::On(vad), false) => Self::Leaving(vad, LISTENING_FRAMES),
            (Self::Leaving(vad, _), true) => Self::On(vad),
            (Self::Off | Self::Listening(..), false) => Self::Off,
            (same @ (Self::Listening(..) | Self::On(_)), true)
            | (same @ Self::Leaving(..), false) => same,
        };
    }

    /// Whether the frame is speech that the main detector may find later. Without an echo path it is asked for frames
    /// out of sequence: its last state makes it fire at anything.
    pub(super) fn voiced(&mut self, frame: &Frame) -> bool {
        match self {
            Self::Off => false,
            Self::On(vad) => vad.voiced(frame),
            Self::Listening(vad, left) => {
                vad.voiced(frame);
                *left -= 1;
                if *left == 0
                    && let Self::Listening(vad, _) = std::mem::replace(self, Self::Off)
                {
                    *self = Self::On(vad);
                }
                false
            }
            Self::Leaving(vad, left) => {
                let voiced = vad.voiced(frame);
                *left -= 1;
                if *left == 0 {
                    *self = Self::Off;
                }
                voiced
            }
        }
    }

    /// Resets the state for a new stream.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Off => {}
            Self::On(vad) | Self::Listening(vad, _) => {
                vad.reset();
            }
            Self::Leaving(..) => *self = Self::Off,
        }
    }
}

fn is_needed(kind: VadKind) -> bool {
    match kind {
        VadKind::Webrtc => false,
        VadKind::Earshot => true,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::base::frame::FRAME_SAMPLES;

    #[test]
    fn a_new_ear_listens_for_a_second_before_it_is_believed() {
        let mut fast_vad = FastVad::alongside(VadKind::Webrtc);
        assert!((0..50).all(|n| !fast_vad.voiced(&buzz(n))), "there is none");
        fast_vad.set_alongside(VadKind::Earshot);
        let heard: Vec<bool> = (50..300).map(|n| fast_vad.voiced(&buzz(n))).collect();
        let first = heard.iter().position(|voiced| *voiced);
        assert!(first.is_some_and(|first| first >= 100), "{first:?}");
        // And one that is not needed any more is believed for a second.
        fast_vad.set_alongside(VadKind::Webrtc);
        let heard: Vec<bool> = (300..550).map(|n| fast_vad.voiced(&buzz(n))).collect();
        let last = heard.iter().rposition(|voiced| *voiced);
        assert!(
            last.is_some_and(|last| (60..100).contains(&last)),
            "{last:?}"
        );
    }

    #[test]
    fn going_back_in_time_is_as_if_nothing_had_been_asked() {
        let (mut changed, mut steady) = (
            FastVad::alongside(VadKind::Earshot),
            FastVad::alongside(VadKind::Earshot),
        );
        for n in 0..400 {
            match n {
                100 => changed.set_alongside(VadKind::Webrtc),
                150 => changed.set_alongside(VadKind::Earshot),
                _ => {}
            }
            let frame = buzz(n);
            assert_eq!(changed.voiced(&frame), steady.voiced(&frame), "frame {n}");
        }
        let mut none = FastVad::alongside(VadKind::Webrtc);
        none.set_alongside(VadKind::Earshot);
        none.voiced(&buzz(0));
        none.set_alongside(VadKind::Webrtc);
        assert!((1..200).all(|n| !none.voiced(&buzz(n))));
    }

    /// Half a second of harmonics of 125 Hz, half a second of nothing.
    fn buzz(frame: usize) -> Frame {
        let sample = |i: usize| {
            let phase = i as f32 * 125.0 / 16_000.0 * std::f32::consts::TAU;
            let tone = (1_u8..=20)
                .map(f32::from)
                .map(|n| 0.2 / n * (n * phase).sin());
            tone.sum::<f32>()
        };
        let is_on = frame % 100 < 50;
        Frame {
            samples: std::array::from_fn(|i| {
                if is_on {
                    sample(frame * FRAME_SAMPLES + i)
                } else {
                    0.0
                }
            }),
            sequence: frame as u64,
            captured: Instant::now(),
        }
    }
}
