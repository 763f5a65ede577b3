//! earshot as a detector: a small recurrent network on mel bands, robust against fans, keyboards and most music.
//!
//! It takes 16 ms at a time, and its recurrent state needs them without gap or overlap; frames are 10 ms. The verdict
//! for a frame is that of the newest complete 16 ms.
//!
//! ```text
//! frames   0    1    2    3    4    5    6    7      10 ms each
//! hops     ├──a────┼───b───┼───c───┼───d───┼───e──┤  16 ms each: 5 of them in 8 frames
//! verdict  –    a    a    b    c    c    d    e      0 to 14 ms old, 7 on average
//! ```
//!
//! Its input is normalised, see `input_normalizer`. A second instance 8 ms apart would lower the mean age to 3 ms, for
//! twice the work; the delay of an onset is dominated by the network's own caution, 30 ms and more.

use ::earshot::Detector as Network;

use super::detector_trait::{Detect, to_i16};
use super::input_normalizer::InputNormalizer;
use crate::base::frame::{FRAME_SAMPLES, Frame};

/// Samples of a hop: 16 ms.
const HOP: usize = 256;
/// Score from which a hop is speech, by aggressiveness. The authors recommend 0.5. Measured (table
/// `detection-detectors`): 0.3 takes steady noise for speech half of the time, 0.4 a fifth of the pauses of music; 0.6
/// admits hardly any noise and denies twice as much speech in noise as 0.5; 0.7 denies four times as much.
const THRESHOLDS: [f32; 4] = [0.4, 0.45, 0.5, 0.6];

pub struct EarshotVad {
    /// 8 kB, so it is boxed.
    network: Box<Network>,
    input_normalizer: InputNormalizer,
    hop: [i16; HOP],
    filled: usize,
    /// Score of the newest complete hop, 0 to 1.
    score: f32,
    threshold: f32,
}

impl EarshotVad {
    /// Creates a detector that lets much through (0) or little (3); larger values count as 3.
    pub fn new(aggressiveness: u8) -> Self {
        Self {
            network: Box::default(),
            input_normalizer: InputNormalizer::default(),
            hop: [0; HOP],
            filled: 0,
            score: 0.0,
            threshold: threshold(aggressiveness),
        }
    }

    /// Score of the newest complete hop, 0 to 1.
    pub fn score(&self) -> f32 {
        self.score
    }
}

impl Detect for EarshotVad {
    fn voiced(&mut self, frame: &Frame) -> bool {
        let gain = self.input_normalizer.gain(frame);
        let samples = frame.samples.map(|sample| to_i16(gain * sample));
        let (first, rest) = samples.split_at((HOP - self.filled).min(FRAME_SAMPLES));
        self.hop[self.filled..self.filled + first.len()].copy_from_slice(first);
        self.filled += first.len();
        if self.filled == HOP {
            self.score = self.network.predict_i16(&self.hop);
            self.hop[..rest.len()].copy_from_slice(rest);
            self.filled = rest.len();
        }
        self.score >= self.threshold
    }

    fn set_aggressiveness(&mut self, aggressiveness: u8) {
        self.threshold = threshold(aggressiveness);
    }

    fn reset(&mut self) {
        self.network.reset();
        self.input_normalizer = InputNormalizer::default();
        self.filled = 0;
        self.score = 0.0;
    }
}

fn threshold(aggressiveness: u8) -> f32 {
    THRESHOLDS[usize::from(aggressiveness).min(THRESHOLDS.len() - 1)]
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn silence_is_no_speech_and_a_syllable_is() {
        for aggressiveness in 0..=3 {
            let mut detector = EarshotVad::new(aggressiveness);
            let silence = run(&mut detector, 0..200, |_| 0.0);
            assert!(silence.iter().all(|voiced| !voiced), "{aggressiveness}");
            let speech = run(&mut detector, 200..325, syllables);
            let voiced = speech.iter().filter(|voiced| **voiced).count();
            assert!(voiced >= 20, "{aggressiveness}: {voiced} of 125");
        }
    }

    #[test]
    fn verdicts_are_those_of_unbroken_16_ms_hops() {
        // A second of silence first: the room is quiet, so nothing is levelled.
        let sound = |i: usize| if i < 16_000 { 0.0 } else { syllables(i) };
        let mut detector = EarshotVad::new(2);
        let verdicts = run(&mut detector, 0..400, sound);
        let mut plain = Network::default();
        let mut scores = Vec::new();
        for hop in 0..(400 * FRAME_SAMPLES / HOP) {
            let samples: Vec<i16> = (hop * HOP..(hop + 1) * HOP)
                .map(|i| to_i16(sound(i)))
                .collect();
            scores.push(plain.predict_i16(&samples));
        }
        for (frame, verdict) in verdicts.into_iter().enumerate() {
            let whole = (frame + 1) * FRAME_SAMPLES / HOP;
            let score = whole.checked_sub(1).map_or(0.0, |hop| scores[hop]);
            assert_eq!(verdict, score >= 0.5, "frame {frame}");
        }
        assert!(scores.iter().any(|s| *s >= 0.5) && scores.iter().any(|s| *s < 0.5));
    }

    #[test]
    fn a_reset_detector_judges_as_a_new_one() {
        let mut detector = EarshotVad::new(3);
        run(&mut detector, 0..73, syllables);
        detector.reset();
        assert_eq!(
            run(&mut detector, 0..200, syllables),
            run(&mut EarshotVad::new(3), 0..200, syllables)
        );
    }

    #[test]
    fn a_change_of_aggressiveness_moves_the_threshold_alone() {
        let mut changed = EarshotVad::new(0);
        let mut steady = EarshotVad::new(3);
        run(&mut changed, 0..101, syllables);
        run(&mut steady, 0..101, syllables);
        changed.set_aggressiveness(200);
        assert_eq!(
            run(&mut changed, 101..300, syllables),
            run(&mut steady, 101..300, syllables)
        );
    }

    #[test]
    fn any_number_is_taken() {
        let mut detector = EarshotVad::new(0);
        for sample in [f32::NAN, f32::INFINITY, -1e30, 2.0, -1.0] {
            run(&mut detector, 0..50, |_| sample);
            assert!((0.0..=1.0).contains(&detector.score()), "{sample}");
        }
        // As loud and as varied as can be: nothing in the network runs over.
        for period in 1..80 {
            run(&mut detector, 0..20, |i| {
                let up = (i / period).is_multiple_of(2);
                if up { 1.0 } else { -1.0 }
            });
        }
    }

    fn run(
        detector: &mut EarshotVad,
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

    /// Four syllables in a second and silence between: harmonics of a falling voice, those at 700 and 1200 Hz the loudest.
    fn syllables(sample: usize) -> f32 {
        let at = sample % 4_000;
        if at > 2_500 || sample % 32_000 > 20_000 {
            return 0.0;
        }
        let swell = (at as f32 / 2_500.0 * std::f32::consts::PI).sin();
        let time = at as f32 / 16_000.0;
        let phase = (140.0 - 60.0 * time) * time * std::f32::consts::TAU;
        let harmonic = |n: u8| {
            let hz = f32::from(n) * 130.0;
            let near = |centre: f32| 1.0 / (1.0 + ((hz - centre) / 120.0).powi(2));
            (near(700.0) + 0.6 * near(1_200.0) + 0.2 * near(2_600.0)) * (f32::from(n) * phase).sin()
        };
        0.2 * swell * (1..=25).map(harmonic).sum::<f32>()
    }
}
