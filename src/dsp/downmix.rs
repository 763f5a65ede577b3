//! Sanitising and down-mixing of captured samples: finite numbers, one channel.

use std::time::Duration;

use super::simd::widest;
use crate::base::units::SampleRate;

/// Amplitudes above it (24 dB over full scale) are a fault of the device or its driver.
const CEILING: f32 = 16.0;
/// Time constant of a channel's share: a few words.
const SHARE_MEMORY: Duration = Duration::from_millis(500);
/// Smoothing of the power that is compared with the noise: shorter than a syllable, long enough for steady noise.
const POWER_MEMORY: Duration = Duration::from_millis(25);
/// Power is that of the difference to the sample this long before, which removes rumble and offsets and attenuates hiss
/// above speech.
const STEP: Duration = Duration::from_nanos(62_500);
/// Window of the noise floor: the minimum power of one to two windows is noise, as every speaker pauses within them.
const FLOOR_WINDOW: Duration = Duration::from_secs(1);
/// Power ratio over the noise from which there is sound: 6 dB.
const RISE: f32 = 4.0;
/// Correlation with the loudest channel below which a channel is inverted; above 0 it is restored. Two separate
/// microphones stay above it.
const TURN: f32 = -0.3;
/// Block length for recordings, as of a device.
const BLOCK: Duration = Duration::from_millis(10);

/// Samples checked together, without a branch for each: nearly all are valid.
const CHUNK: usize = 64;

/// Sanitises samples: NaN and infinities become silence, amplitudes are limited to ±16, and denormals (slow in
/// arithmetic) become zero. Returns the number of faulty samples; denormals are ordinary ends of decays and do not
/// count.
pub fn sanitise(samples: &mut [f32]) -> usize {
    if all_fit(samples) {
        return 0;
    }
    let mut faulty = 0;
    for samples in samples.chunks_mut(CHUNK) {
        if !all_fit(samples) {
            faulty += replace(samples);
        }
    }
    faulty
}

/// Whether all samples are valid. Comparisons with NaN are false.
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

/// Mixes the channels of a device to one: the channel that carries speech, or the sum of those that do.
///
/// Each channel's share of the sum is its part of the signal in all channels: `mono = Σ share·channel`. A channel's
/// signal is its power above its own noise; until something rises out of the noise of any channel it is the whole
/// power. So
/// - equal channels are averaged, and nothing can clip;
/// - a silent channel (a mono microphone on a stereo device) has no share, and does not halve the level as a plain
///   average would;
/// - a channel of hum, hiss or offset beside one with a voice has no share either, however loud it is;
/// - between words the shares stay. There is no threshold at which the output could jump: shares glide within a block.
///
/// A channel that is the negative of the loudest (a balanced line on a stereo plug) is inverted before it is added.
#[derive(Clone, Debug)]
pub struct Downmixer {
    channels: Vec<Channel>,
    rate: SampleRate,
    /// [`STEP`] in frames.
    step: usize,
    /// Index of the channel that others are compared with.
    reference: usize,
    /// Frames since the noise floor window began.
    window: usize,
    /// Whether something has risen out of the noise.
    voiced: bool,
    fresh: bool,
}

/// State of a channel. All powers are mean squares of differences.
#[derive(Clone, Debug)]
struct Channel {
    /// Power of the newest block, and its product with the reference.
    block: (f32, f32),
    power: f32,
    /// Minimum power of this window and of the one before.
    least: [f32; 2],
    /// Signal, power and product with the reference, over about half a second.
    carried: f32,
    energy: f32,
    product: f32,
    turned: bool,
    share: f32,
    glide: f32,
}

impl Channel {
    /// Power above the noise.
    fn risen(&self) -> f32 {
        (self.power - RISE * self.least[0].min(self.least[1])).max(0.0)
    }
}

impl Downmixer {
    /// Creates a mixer for `channels` interleaved channels (0 counts as 1) at this rate.
    pub fn new(channels: u16, rate: SampleRate) -> Self {
        let channels = usize::from(channels.max(1));
        let channel = Channel {
            block: (0.0, 0.0),
            power: 0.0,
            least: [f32::INFINITY; 2],
            carried: 0.0,
            energy: 0.0,
            product: 0.0,
            turned: false,
            share: 1.0 / channels as f32,
            glide: 0.0,
        };
        Self {
            channels: vec![channel; channels],
            reference: 0,
            rate,
            step: rate.samples_in(STEP).max(1),
            window: 0,
            voiced: false,
            fresh: true,
        }
    }

    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Appends one mono sample per whole frame of `interleaved` to `mono`; ignores an incomplete last frame.
    ///
    /// Allocates only if `mono` lacks capacity.
    pub fn mix(&mut self, interleaved: &[f32], mono: &mut Vec<f32>) {
        let channels = self.channels();
        let frames = interleaved.len() / channels;
        if channels == 1 || frames == 0 {
            mono.extend_from_slice(&interleaved[..frames * channels]);
            return;
        }
        self.follow(interleaved, frames);
        if let [left, right] = &mut self.channels[..] {
            // Stereo is the common case. The loop is written to vectorise.
            let start = mono.len();
            mono.resize(start + frames, 0.0);
            let fresh = &mut mono[start..];
            let (from, to) = ((left.share, right.share), (left.glide, right.glide));
            widest(
                #[inline(always)]
                || {
                    let pairs = interleaved.as_chunks::<2>().0;
                    for ((mixed, pair), nth) in fresh.iter_mut().zip(pairs).zip(1_i32..) {
                        let nth = nth as f32;
                        *mixed = (from.0 + to.0 * nth) * pair[0] + (from.1 + to.1 * nth) * pair[1];
                    }
                },
            );
            left.share += left.glide * frames as f32;
            right.share += right.glide * frames as f32;
        } else {
            for frame in interleaved.chunks_exact(channels) {
                let mut sum = 0.0;
                for (channel, sample) in self.channels.iter_mut().zip(frame) {
                    channel.share += channel.glide;
                    sum += channel.share * sample;
                }
                mono.push(sum);
            }
        }
    }

    /// Updates the shares for a block, and the glide to them.
    fn follow(&mut self, interleaved: &[f32], frames: usize) {
        if frames <= self.step {
            // Too short to measure.
            for channel in &mut self.channels {
                channel.glide = 0.0;
            }
            return;
        }
        self.measure(&interleaved[..frames * self.channels()], frames);
        let risen: f32 = self.channels.iter().map(Channel::risen).sum();
        let is_voice = risen > f32::MIN_POSITIVE;
        // Between words the shares stay, and the first word outweighs all noise before it.
        if is_voice || !self.voiced {
            let begins = self.fresh || is_voice && !self.voiced;
            let keep = if begins {
                0.0
            } else {
                self.memory(frames, SHARE_MEMORY)
            };
            let mean = |known: f32, new: f32| keep * known + (1.0 - keep) * new;
            for channel in &mut self.channels {
                let (power, product) = channel.block;
                let carried = if is_voice { channel.risen() } else { power };
                channel.carried = mean(channel.carried, carried);
                channel.energy = mean(channel.energy, power);
                channel.product = mean(channel.product, product);
            }
            self.voiced |= is_voice;
            self.compare();
        }
        let total: f32 = self.channels.iter().map(|channel| channel.carried).sum();
        let equal = 1.0 / self.channels() as f32;
        for channel in &mut self.channels {
            let size = if total > f32::MIN_POSITIVE {
                channel.carried / total
            } else {
                equal
            };
            let share = if channel.turned { -size } else { size };
            if self.fresh {
                channel.share = share;
            }
            channel.glide = (share - channel.share) / frames as f32;
        }
        // Until the first sound there is no share to keep.
        self.fresh &= total <= f32::MIN_POSITIVE;
    }

    /// Share of the old average that remains after this many frames.
    fn memory(&self, frames: usize, of: Duration) -> f32 {
        (-(frames as f32) / (self.rate.hz() as f32 * of.as_secs_f32())).exp()
    }

    /// Powers, products and noise floors of a block.
    fn measure(&mut self, interleaved: &[f32], frames: usize) {
        let (channels, reference) = (self.channels(), self.reference);
        let late = &interleaved[self.step * channels..];
        let early = &interleaved[..late.len()];
        if let [left, right] = &mut self.channels[..] {
            let [both, of_left, of_right] = products(late, early);
            left.block = (of_left, if reference == 0 { of_left } else { both });
            right.block = (of_right, if reference == 1 { of_right } else { both });
        } else {
            for (nth, channel) in self.channels.iter_mut().enumerate() {
                let frames = late
                    .chunks_exact(channels)
                    .zip(early.chunks_exact(channels));
                channel.block = frames.fold((0.0, 0.0), |(power, product), (late, early)| {
                    let [own, other] = [nth, reference].map(|nth| late[nth] - early[nth]);
                    (power + own * own, product + own * other)
                });
            }
        }
        self.window += frames;
        let is_next = self.window >= self.rate.samples_in(FLOOR_WINDOW);
        if is_next {
            self.window = 0;
        }
        let keep = if self.fresh {
            0.0
        } else {
            self.memory(frames, POWER_MEMORY)
        };
        for channel in &mut self.channels {
            let (power, product) = channel.block;
            channel.block = (power / frames as f32, product / frames as f32);
            channel.power = keep * channel.power + (1.0 - keep) * channel.block.0;
            if is_next {
                channel.least = [f32::INFINITY, channel.least[0]];
            }
            channel.least[0] = channel.least[0].min(channel.power);
        }
    }

    /// Finds the reference channel and the inverted ones.
    fn compare(&mut self) {
        let most = (0..self.channels()).max_by(|&one, &other| {
            let carried = |nth: usize| self.channels[nth].carried;
            carried(one).total_cmp(&carried(other))
        });
        let most = most.unwrap_or(self.reference);
        // The reference stays among nearly equal channels.
        if self.channels[most].carried > 4.0 * self.channels[self.reference].carried {
            let turned = self.channels[most].turned;
            for channel in &mut self.channels {
                channel.turned ^= turned;
                channel.product = 0.0;
            }
            self.reference = most;
        }
        let reference = self.channels[self.reference].energy;
        for (nth, channel) in self.channels.iter_mut().enumerate() {
            let scale = (channel.energy * reference).sqrt();
            let limit = if channel.turned { 0.0 } else { TURN };
            let unsure = scale <= f32::MIN_POSITIVE || channel.product == 0.0;
            channel.turned = nth != self.reference
                && if unsure {
                    channel.turned
                } else {
                    channel.product < limit * scale
                };
        }
    }
}

/// Mixes a whole recording to one channel. Two passes: the shares are right from the first word on.
pub fn downmix(channels: u16, rate: SampleRate, interleaved: &[f32]) -> Vec<f32> {
    let mut mixer = Downmixer::new(channels, rate);
    let block = rate.samples_in(BLOCK).max(1) * mixer.channels();
    let mut mono = Vec::new();
    for _ in 0..2 {
        mono.clear();
        for block in interleaved.chunks(block) {
            mixer.mix(block, &mut mono);
        }
    }
    mono
}

/// Sums over the differences of two channels between a late and an early position: product of both, and square of each.
/// Several partial sums vectorise; long blocks use every second run of eight frames, which is as accurate for half of
/// the work.
fn products(late: &[f32], early: &[f32]) -> [f32; 3] {
    let every = if late.len() < CHUNK { 1 } else { 2 };
    let (late, late_rest) = late.as_chunks::<16>();
    let (early, early_rest) = early.as_chunks::<16>();
    let (mut squares, mut crossed) = ([0.0; 16], [0.0; 8]);
    widest(
        #[inline(always)]
        || {
            for (late, early) in late.iter().zip(early).step_by(every) {
                let mut steps = [0.0; 16];
                for ((step, late), early) in steps.iter_mut().zip(late).zip(early) {
                    *step = late - early;
                }
                for (sum, step) in squares.iter_mut().zip(&steps) {
                    *sum += step * step;
                }
                for (sum, pair) in crossed.iter_mut().zip(steps.as_chunks::<2>().0) {
                    *sum += pair[0] * pair[1];
                }
            }
        },
    );
    let mut sums = [crossed.iter().sum(), 0.0, 0.0];
    for (nth, square) in squares.iter().enumerate() {
        sums[1 + nth % 2] += square;
    }
    sums = sums.map(|sum| sum * every as f32);
    let rest = late_rest
        .as_chunks::<2>()
        .0
        .iter()
        .zip(early_rest.as_chunks::<2>().0);
    for (late, early) in rest {
        let (left, right) = (late[0] - early[0], late[1] - early[1]);
        sums[0] += left * right;
        sums[1] += left * left;
        sums[2] += right * right;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: SampleRate = SampleRate::new(48_000).expect("not zero");

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
                let mono = mixed_by(channels, |frame, channel| {
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
            assert_close(&mixed_by(channels, |frame, _| tone(frame)), 1.0);
        }
    }

    #[test]
    fn a_channel_that_wakes_up_is_heard_within_a_block() {
        let mut mixer = Downmixer::new(2, DEVICE);
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
        let mut mixer = Downmixer::new(0, DEVICE);
        let mut mono = Vec::new();
        mixer.mix(&[0.25], &mut mono);
        assert_eq!(mono, [0.25]);
        let mut mixer = Downmixer::new(2, DEVICE);
        mono.clear();
        mixer.mix(&[0.0, 0.0, 0.5], &mut mono);
        mixer.mix(&[], &mut mono);
        mixer.mix(&[0.5], &mut mono);
        let pulse: Vec<f32> = (0..8).flat_map(|n| [0.0, 0.1 * n as f32]).collect();
        mixer.mix(&pulse, &mut mono);
        // A block of one frame says nothing of its channels.
        mixer.mix(&[0.0, 0.8], &mut mono);
        let right: Vec<f32> = pulse.chunks_exact(2).map(|frame| frame[1]).collect();
        assert_eq!(mono, [&[0.0], &right[..], &[0.8]].concat());
    }

    /// Of opposite phase, in any number of channels, and when it begins late.
    #[test]
    fn channels_that_are_turned_over_do_not_cancel() {
        for channels in 2..=8_u16 {
            let signs = |channel: u16| if channel % 2 == 1 { -1.0 } else { 1.0 };
            assert_close(
                &mixed_by(channels, |frame, channel| signs(channel) * tone(frame)),
                1.0,
            );
            let late = |frame: usize, channel| {
                if frame < 960 {
                    0.0
                } else {
                    signs(channel) * tone(frame)
                }
            };
            assert_close(&mixed_by(channels, late)[960..], 1.0);
        }
    }

    /// The loudest of two that are turned over changes: nothing cancels, and nothing jumps.
    #[test]
    fn a_voice_that_moves_between_turned_channels_stays_as_loud() {
        let gain = |frame: usize| {
            if frame / 480 % 40 < 20 {
                [1.0, 0.2]
            } else {
                [0.2, 1.0]
            }
        };
        let samples: Vec<f32> = (0..480 * 80)
            .flat_map(|frame| {
                let [left, right] = gain(frame);
                [left * tone(frame), -right * tone(frame)]
            })
            .collect();
        let (mut mixer, mut mono) = (Downmixer::new(2, DEVICE), Vec::new());
        for block in samples.chunks(2 * 480) {
            mixer.mix(block, &mut mono);
        }
        for block in mono.chunks(480).skip(1) {
            let power = block.iter().map(|s| s * s).sum::<f32>() / block.len() as f32;
            assert!(power > 0.02, "{power}");
        }
    }

    fn mixed_by(channels: u16, sound: impl Fn(usize, u16) -> f32) -> Vec<f32> {
        let mut mixer = Downmixer::new(channels, DEVICE);
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
