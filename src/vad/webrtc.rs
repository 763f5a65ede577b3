//! webrtc-vad as a detector: WebRTC's Gaussian mixture model, by libfvad.
//!
//! It is best with blocks of 20 ms (10 ms have several times the false starts in noise, 30 ms are later), yet every 10
//! ms frame needs a verdict. Two instances alternate, each on its own continuous sequence of 20 ms blocks:
//!
//! ```text
//! frames   0   1   2   3   4   5
//! even     └─ a ─┘ └─ a ─┘ └─ a ─┘     verdict with frames 1, 3, 5
//! odd          └─ b ─┘ └─ b ─┘         verdict with frames 2, 4
//! ```

use webrtc_vad::{SampleRate as VadRate, Vad, VadMode};

use super::detector_trait::{Detect, to_i16};
use crate::base::frame::{FRAME_SAMPLES, Frame};

/// The detector. It holds raw pointers and is not `Send`: create it on the thread that uses it.
pub struct WebrtcVad {
    halves: [Half; 2],
    aggressiveness: u8,
    /// Frames seen since the start or the last reset.
    seen: u64,
    verdict: bool,
}

struct Half {
    vad: Vad,
    block: [i16; 2 * FRAME_SAMPLES],
}

impl WebrtcVad {
    /// Creates a detector with webrtc-vad's mode: 0 lets much through, 3 little; larger values count as 3.
    pub fn new(aggressiveness: u8) -> Self {
        let half = || Half {
            vad: fresh(aggressiveness),
            block: [0; 2 * FRAME_SAMPLES],
        };
        Self {
            halves: [half(), half()],
            aggressiveness,
            seen: 0,
            verdict: false,
        }
    }
}

impl Detect for WebrtcVad {
    fn voiced(&mut self, frame: &Frame) -> bool {
        let samples = frame.samples.map(to_i16);
        let parity = usize::from(self.seen % 2 == 1);
        // One half's block begins with this frame, the other's ends with it.
        self.halves[parity].block[..FRAME_SAMPLES].copy_from_slice(&samples);
        if self.seen > 0 {
            let ending = &mut self.halves[1 - parity];
            ending.block[FRAME_SAMPLES..].copy_from_slice(&samples);
            // The only possible error is a wrong length.
            self.verdict = ending.vad.is_voice_segment(&ending.block).unwrap_or(false);
        }
        self.seen += 1;
        self.verdict
    }

    fn set_aggressiveness(&mut self, aggressiveness: u8) {
        if aggressiveness != self.aggressiveness {
            self.aggressiveness = aggressiveness;
            for half in &mut self.halves {
                half.vad.set_mode(mode(aggressiveness));
            }
        }
    }

    fn reset(&mut self) {
        for half in &mut self.halves {
            half.vad = fresh(self.aggressiveness);
        }
        self.seen = 0;
        self.verdict = false;
    }
}

fn fresh(aggressiveness: u8) -> Vad {
    Vad::new_with_rate_and_mode(VadRate::Rate16kHz, mode(aggressiveness))
}

fn mode(aggressiveness: u8) -> VadMode {
    match aggressiveness {
        0 => VadMode::Quality,
        1 => VadMode::LowBitrate,
        2 => VadMode::Aggressive,
        _ => VadMode::VeryAggressive,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn silence_is_no_speech_and_a_vowel_is() {
        for aggressiveness in 0..=3 {
            let mut detector = WebrtcVad::new(aggressiveness);
            let silence = run(&mut detector, 0..50, |_| 0.0);
            assert!(silence.iter().all(|voiced| !voiced), "{aggressiveness}");
            let vowel = run(&mut detector, 50..100, vowel);
            let voiced = vowel.iter().filter(|voiced| **voiced).count();
            assert!(voiced >= 45, "{aggressiveness}: {voiced} of 50");
        }
    }

    #[test]
    fn each_frame_gets_a_verdict_of_its_own() {
        let mut detector = WebrtcVad::new(2);
        run(&mut detector, 0..50, |_| 0.0);
        // Whether the vowel begins with an even or an odd frame, its first or second frame is called speech.
        for begin in [50, 101] {
            let verdicts = run(&mut detector, begin..begin + 2, vowel);
            assert!(verdicts[1], "{begin}: {verdicts:?}");
            run(&mut detector, begin + 2..begin + 51, |_| 0.0);
        }
    }

    #[test]
    fn verdicts_are_those_of_unbroken_20_ms_blocks() {
        let sound = |i: usize| if i % 5_000 < 2_500 { vowel(i) } else { 0.0 };
        let verdicts = run(&mut WebrtcVad::new(2), 0..301, sound);
        for first in [0, 1] {
            let mut plain = fresh(2);
            for frame in (first..300).step_by(2) {
                let begin = frame * FRAME_SAMPLES;
                let block: Vec<i16> = (begin..begin + 2 * FRAME_SAMPLES)
                    .map(|i| to_i16(sound(i)))
                    .collect();
                assert_eq!(
                    plain.is_voice_segment(&block),
                    Ok(verdicts[frame + 1]),
                    "{frame}"
                );
            }
        }
    }

    #[test]
    fn a_reset_detector_judges_as_a_new_one() {
        let mut detector = WebrtcVad::new(3);
        run(&mut detector, 0..73, vowel);
        detector.reset();
        let sound = |i: usize| if i % 8_000 < 4_000 { vowel(i) } else { 0.0 };
        assert_eq!(
            run(&mut detector, 0..200, sound),
            run(&mut WebrtcVad::new(3), 0..200, sound)
        );
    }

    #[test]
    fn a_change_of_aggressiveness_keeps_what_was_learnt() {
        let sound = |i: usize| if i % 8_000 < 4_000 { vowel(i) } else { 0.0 };
        let mut changed = WebrtcVad::new(2);
        let mut steady = WebrtcVad::new(2);
        run(&mut changed, 0..101, sound);
        run(&mut steady, 0..101, sound);
        changed.set_aggressiveness(0);
        changed.set_aggressiveness(2);
        assert_eq!(
            run(&mut changed, 101..300, sound),
            run(&mut steady, 101..300, sound)
        );
    }

    #[test]
    fn any_number_is_taken() {
        let mut detector = WebrtcVad::new(200);
        for sample in [f32::NAN, f32::INFINITY, -1e30, 2.0] {
            run(&mut detector, 0..4, |_| sample);
        }
    }

    fn run(
        detector: &mut WebrtcVad,
        frames: std::ops::Range<usize>,
        sound: impl Fn(usize) -> f32,
    ) -> Vec<bool> {
        let verdict = |frame: usize| {
            detector.voiced(&Frame {
                samples: std::array::from_fn(|i| sound(frame * FRAME_SAMPLES + i)),
                sequence: frame as u64,
                captured: Instant::now(),
            })
        };
        frames.map(verdict).collect()
    }

    /// Twenty harmonics of 125 Hz, falling.
    fn vowel(sample: usize) -> f32 {
        let phase = sample as f32 * 125.0 / 16_000.0 * std::f32::consts::TAU;
        (1..=20_u8)
            .map(f32::from)
            .map(|n| 0.2 / n * (n * phase).sin())
            .sum()
    }
}
