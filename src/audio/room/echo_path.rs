//! The simulated echo path: the speaker's output returns to the microphone, with reflections and noise.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::base::units::SampleRate;

/// Duration of output kept: longer than any echo.
const KEPT: Duration = Duration::from_secs(2);
/// Reflections: delay in milliseconds after the direct sound, and gain. A small furnished room, about 60 ms long.
const REFLECTIONS: [(f64, f32); 7] = [
    (0.0, 1.0),
    (3.1, -0.42),
    (7.7, 0.33),
    (13.9, -0.22),
    (22.3, 0.15),
    (36.1, -0.09),
    (58.7, 0.05),
];

/// Parameters of the echo path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EchoPath {
    /// Delay from speaker to microphone.
    pub delay: Duration,
    /// Gain of the direct sound.
    pub gain: f32,
    /// Amplitude of the uniform noise of the room.
    pub noise: f32,
}

/// Recent output of the speaker.
#[derive(Default)]
pub(super) struct Played {
    blocks: VecDeque<(Instant, Vec<f32>)>,
    noise: u64,
}

impl Played {
    /// Adds output that sounds from `start` on.
    pub(super) fn push(&mut self, start: Instant, samples: &[f32]) {
        self.blocks.push_back((start, samples.to_vec()));
        while (self.blocks.front()).is_some_and(|(at, _)| *at + KEPT < start) {
            self.blocks.pop_front();
        }
    }

    /// Adds the echo from `start` on to the microphone, at the rates of speaker and microphone.
    pub(super) fn add_echo(
        &mut self,
        room: EchoPath,
        out: &mut [f32],
        start: Instant,
        rates: (SampleRate, SampleRate),
    ) {
        let (speaker, microphone) = rates;
        for (after, share) in REFLECTIONS {
            let delay = room.delay + Duration::from_secs_f64(after / 1e3);
            let gain = room.gain * share;
            self.add(gain, out, start, delay, speaker, microphone);
        }
        for sample in out {
            self.noise = self
                .noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let uniform = (self.noise >> 40) as f32 / 8_388_608.0 - 1.0;
            *sample += room.noise * uniform;
        }
    }

    /// Adds one path, with linear interpolation.
    fn add(
        &self,
        gain: f32,
        out: &mut [f32],
        start: Instant,
        delay: Duration,
        speaker: SampleRate,
        microphone: SampleRate,
    ) {
        let step = f64::from(speaker.hz()) / f64::from(microphone.hz());
        let mut done = 0;
        for (n, (at, block)) in self.blocks.iter().enumerate() {
            // Position in this block of the next sample.
            let since = |instant: Instant| {
                let ahead = instant.saturating_duration_since(*at).as_secs_f64();
                let behind = at.saturating_duration_since(instant).as_secs_f64();
                (ahead - behind) * f64::from(speaker.hz())
            };
            let origin = since(start) - delay.as_secs_f64() * f64::from(speaker.hz());
            let next = self.blocks.get(n + 1).and_then(|(_, block)| block.first());
            while let Some(sample) = out.get_mut(done) {
                let place = origin + done as f64 * step;
                if place < 0.0 {
                    done += 1;
                    continue;
                }
                let whole = place as usize;
                let Some(&low) = block.get(whole) else { break };
                let high = block.get(whole + 1).or(next).copied().unwrap_or(low);
                let part = (place - whole as f64) as f32;
                *sample += gain * (low + part * (high - low));
                done += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impulse_comes_back_after_the_delay_with_the_gain() {
        let rate = SampleRate::new(48_000).expect("not zero");
        let start = Instant::now();
        let mut played = Played::default();
        let mut block = vec![0.0; 480];
        block[100] = 1.0;
        played.push(start, &block);
        played.push(start + Duration::from_millis(10), &[0.0; 480]);
        let room = EchoPath {
            delay: Duration::from_millis(5),
            gain: 0.5,
            noise: 0.0,
        };
        let mut out = vec![0.0; 960];
        played.add_echo(room, &mut out, start, (rate, rate));
        let loudest = (0..960).max_by(|a, b| out[*a].abs().total_cmp(&out[*b].abs()));
        assert_eq!(loudest, Some(340));
        assert!((out[340] - 0.5).abs() < 1e-3, "{}", out[340]);
    }
}
