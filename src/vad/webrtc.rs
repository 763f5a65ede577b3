//! webrtc-vad as a detector: the Gaussian mixture model of WebRTC, by way of libfvad.
//!
//! It judges 20 ms at a time best (10 ms has several times the false starts in noise, 30 ms is later), yet a
//! verdict is wanted for each 10 ms frame. Two instances take turns, each on its own unbroken run of 20 ms blocks:
//!
//! ```text
//! frames   0   1   2   3   4   5
//! even     └─ a ─┘ └─ a ─┘ └─ a ─┘     verdict with frames 1, 3, 5
//! odd          └─ b ─┘ └─ b ─┘         verdict with frames 2, 4
//! ```

use webrtc_vad::{SampleRate as VadRate, Vad, VadMode};

use super::Detect;
use crate::base::frame::{FRAME_SAMPLES, Frame};

/// The detector. It holds raw pointers and is not `Send`: make it on the thread that uses it.
pub struct Detector {
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

impl Detector {
    /// A detector with webrtc-vad's mode: 0 lets much through, 3 little; more than 3 is taken for 3.
    #[must_use]
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

impl Detect for Detector {
    fn voiced(&mut self, frame: &Frame) -> bool {
        let samples = frame.samples.map(to_i16);
        let parity = usize::from(self.seen % 2 == 1);
        // The half whose block begins with this frame, and the one whose block ends with it.
        self.halves[parity].block[..FRAME_SAMPLES].copy_from_slice(&samples);
        if self.seen > 0 {
            let ending = &mut self.halves[1 - parity];
            ending.block[FRAME_SAMPLES..].copy_from_slice(&samples);
            // It can only complain of the length, which is right.
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

/// Full scale 1.0 to 16 bit; louder is limited, NaN becomes 0.
fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}
