//! What a device delivers, made fit for the rest: finite numbers, one channel.

use super::wide::widest;

/// Amplitudes beyond it (24 dB over full scale) are a fault of the device or its driver, not sound.
const CEILING: f32 = 16.0;
/// How fast a channel's share follows its power.
const SHARE_MEMORY_FRAMES: f32 = 24_000.0;

/// Samples that are looked at together: all are fit nearly always, and that is found without a branch for each.
const LOOK: usize = 64;

/// Replaces what is no sound: NaN and infinities become silence, absurd amplitudes are limited to ±16, numbers too
/// small to be normal (they make arithmetic slow) become zero. Returns how many samples were faulty; tiny numbers
/// are ordinary ends of decays and are not counted.
pub fn sanitise(samples: &mut [f32]) -> usize {
    if all_fit(samples) {
        return 0;
    }
    let mut faulty = 0;
    for samples in samples.chunks_mut(LOOK) {
        if !all_fit(samples) {
            faulty += replace(samples);
        }
    }
    faulty
}

/// Whether all stay as they are. Comparisons with NaN are false.
fn all_fit(samples: &[f32]) -> bool {
    widest(
        #[inline(always)]
        || {
            let unfit = samples.iter().map(|sample| {
                let amplitude = sample.abs();
                let normal = (amplitude >= f32::MIN_POSITIVE) | (amplitude == 0.0);
                i32::from(!((amplitude <= CEILING) & normal))
            });
            unfit.fold(0, |any, one| any | one) == 0
        },
    )
}

fn replace(samples: &mut [f32]) -> usize {
    let mut faulty = 0;
    for sample in samples {
        if !sample.is_finite() {
            *sample = 0.0;
            faulty += 1;
        } else if sample.abs() > CEILING {
            *sample = CEILING.copysign(*sample);
            faulty += 1;
        } else if sample.is_subnormal() {
            *sample = 0.0;
        }
    }
    faulty
}

/// Makes one channel of many.
///
/// Each channel has a share in the sum that is its part of the channels' power over about half a second:
/// `mono = Σ share·channel`, `share = power / Σ power`. Equal channels are averaged, so nothing can clip; a silent
/// channel (a mono microphone on a stereo device) has no share, so it does not halve the level as a plain average
/// would; and there is no threshold at which the sound could jump. Shares glide within a block.
///
/// Channels of opposite phase cancel, as in every sum.
#[derive(Clone, Debug)]
pub struct Mixer {
    power: Vec<f32>,
    shares: Vec<f32>,
    glide: Vec<f32>,
    fresh: bool,
}

impl Mixer {
    /// A mixer for `channels` interleaved channels (none is taken for one).
    #[must_use]
    pub fn new(channels: u16) -> Self {
        let channels = usize::from(channels.max(1));
        Self {
            power: vec![0.0; channels],
            shares: vec![1.0 / channels as f32; channels],
            glide: vec![0.0; channels],
            fresh: true,
        }
    }

    /// How many channels it takes.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.power.len()
    }

    /// Appends one mono sample per whole frame of `interleaved` to `mono`; an incomplete last frame is passed over.
    ///
    /// Allocates only if `mono` lacks room.
    pub fn mix(&mut self, interleaved: &[f32], mono: &mut Vec<f32>) {
        let channels = self.channels();
        let frames = interleaved.len() / channels;
        if channels == 1 || frames == 0 {
            mono.extend_from_slice(&interleaved[..frames * channels]);
            return;
        }
        self.follow(interleaved, frames);
        if let (&[left, right], &[to_left, to_right]) = (&self.shares[..], &self.glide[..]) {
            // Nearly all devices. Each sample by itself, so that many are made at once.
            let start = mono.len();
            mono.resize(start + frames, 0.0);
            let fresh = &mut mono[start..];
            widest(
                #[inline(always)]
                || {
                    let pairs = interleaved.as_chunks::<2>().0;
                    for ((mixed, pair), nth) in fresh.iter_mut().zip(pairs).zip(1_i32..) {
                        let nth = nth as f32;
                        *mixed =
                            (left + to_left * nth) * pair[0] + (right + to_right * nth) * pair[1];
                    }
                },
            );
            for (share, glide) in self.shares.iter_mut().zip(&self.glide) {
                *share += glide * frames as f32;
            }
        } else {
            for frame in interleaved.chunks_exact(channels) {
                let mut sum = 0.0;
                for (channel, sample) in frame.iter().enumerate() {
                    self.shares[channel] += self.glide[channel];
                    sum += self.shares[channel] * sample;
                }
                mono.push(sum);
            }
        }
    }

    /// Updates the channels' powers from a block and sets out from the present shares to the new ones.
    fn follow(&mut self, interleaved: &[f32], frames: usize) {
        let channels = self.channels();
        let keep = if self.fresh {
            0.0
        } else {
            (-(frames as f32) / SHARE_MEMORY_FRAMES).exp()
        };
        let whole = &interleaved[..frames * channels];
        let two = (channels == 2).then(|| energies(whole));
        for (channel, known) in self.power.iter_mut().enumerate() {
            let energy = match two {
                Some(two) => two[channel],
                None => (whole.iter().skip(channel).step_by(channels))
                    .map(|s| s * s)
                    .sum(),
            };
            *known = keep * *known + (1.0 - keep) * energy / frames as f32;
        }
        let total: f32 = self.power.iter().sum();
        for channel in 0..channels {
            let share = if total > f32::MIN_POSITIVE {
                self.power[channel] / total
            } else {
                1.0 / channels as f32
            };
            if self.fresh {
                self.shares[channel] = share;
            }
            self.glide[channel] = (share - self.shares[channel]) / frames as f32;
        }
        // Until the first sound there is no share worth keeping.
        self.fresh &= total <= f32::MIN_POSITIVE;
    }
}

/// Sums of the squares of two channels; in sixteen sums, so that many are made at once.
fn energies(pairs: &[f32]) -> [f32; 2] {
    let (blocks, rest) = pairs.as_chunks::<16>();
    let mut sums = [0.0; 16];
    widest(
        #[inline(always)]
        || {
            for block in blocks {
                for (sum, sample) in sums.iter_mut().zip(block) {
                    *sum += sample * sample;
                }
            }
        },
    );
    let mut energies = [0.0; 2];
    for (nth, energy) in sums.iter().enumerate() {
        energies[nth % 2] += energy;
    }
    for (nth, sample) in rest.iter().enumerate() {
        energies[nth % 2] += sample * sample;
    }
    energies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faulty_samples_are_replaced_and_counted() {
        let mut samples = [
            0.5,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            -1e30,
            1e-42,
            -1.5,
        ];
        assert_eq!(sanitise(&mut samples), 4);
        assert_eq!(samples, [0.5, 0.0, 0.0, 0.0, -16.0, 0.0, -1.5]);
        assert_eq!(sanitise(&mut samples), 0);
    }

    #[test]
    fn a_fault_is_found_wherever_it_is() {
        let tone: Vec<f32> = (0..300).map(tone).collect();
        for at in 0..300 {
            for (fault, instead) in [(f32::NAN, 0.0), (17.0, 16.0), (-1e-40, 0.0)] {
                let mut samples = tone.clone();
                samples[at] = fault;
                sanitise(&mut samples);
                assert_eq!(samples[at], instead);
                samples[at] = tone[at];
                assert_eq!(samples, tone);
            }
        }
    }

    #[test]
    fn a_silent_channel_does_not_halve_the_level() {
        for channels in 1..=8_u16 {
            for speaking in 0..channels {
                let mono = mixed(channels, |frame, channel| {
                    if channel == speaking {
                        tone(frame)
                    } else {
                        0.0
                    }
                });
                assert_close(&mono, 1.0);
            }
        }
    }

    #[test]
    fn equal_channels_keep_their_level() {
        for channels in 1..=8_u16 {
            assert_close(&mixed(channels, |frame, _| tone(frame)), 1.0);
        }
    }

    #[test]
    fn a_channel_that_wakes_up_is_heard_within_a_block() {
        let mut mixer = Mixer::new(2);
        let mut mono = Vec::new();
        // Both hiss alike, then one speaks, 60 dB above.
        for block in 0..20 {
            let loud = if block >= 10 { 1.0 } else { 0.0 };
            let samples: Vec<f32> = (0..480)
                .flat_map(|i| {
                    let at = block * 480 + i;
                    let hiss = 0.001 * tone(at);
                    [hiss + loud * tone(at), hiss]
                })
                .collect();
            mixer.mix(&samples, &mut mono);
        }
        assert_close(&mono[11 * 480..], 1.0);
        // But for the step at which the voice sets in.
        let steps = mono[4_801..].windows(2).map(|w| (w[1] - w[0]).abs());
        assert!(
            steps.fold(0.0, f32::max) < 0.14,
            "shares glide, they do not jump"
        );
    }

    #[test]
    fn silence_and_broken_frames_do_no_harm() {
        let mut mixer = Mixer::new(0);
        let mut mono = Vec::new();
        mixer.mix(&[0.25], &mut mono);
        assert_eq!(mono, [0.25]);
        let mut mixer = Mixer::new(2);
        mono.clear();
        mixer.mix(&[0.0, 0.0, 0.5], &mut mono);
        mixer.mix(&[], &mut mono);
        mixer.mix(&[0.5], &mut mono);
        mixer.mix(&[0.0, 0.8], &mut mono);
        assert_eq!(mono, [0.0, 0.8]);
    }

    fn mixed(channels: u16, sound: impl Fn(usize, u16) -> f32) -> Vec<f32> {
        let mut mixer = Mixer::new(channels);
        let mut mono = Vec::new();
        for block in 0..4 {
            let frames = block * 480..(block + 1) * 480;
            let samples: Vec<f32> = frames
                .flat_map(|frame| (0..channels).map(move |channel| (frame, channel)))
                .map(|(frame, channel)| sound(frame, channel))
                .collect();
            mixer.mix(&samples, &mut mono);
        }
        mono
    }

    fn tone(frame: usize) -> f32 {
        (frame as f32 * 0.13).sin()
    }

    fn assert_close(mono: &[f32], gain: f32) {
        let power = mono.iter().map(|s| s * s).sum::<f32>() / mono.len() as f32;
        assert!((power - gain * gain / 2.0).abs() < 0.01, "power {power}");
    }
}
