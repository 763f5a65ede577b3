//! Sample rates, sample counts and levels, and their conversion to time.

use std::time::Duration;

/// In a second.
const NANOS: u64 = 1_000_000_000;
/// Squares that are added side by side.
const LANES: usize = 8;

/// Samples per second of one channel, in hertz. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleRate(u32);

impl SampleRate {
    /// What the detector, the stages and the uplink work at: the Live API's native input rate.
    pub const WORKING: Self = Self(16_000);
    /// What the Live API sends unless its MIME type names another rate.
    pub const REPLY: Self = Self(24_000);

    /// A rate in hertz; `None` for zero.
    pub const fn new(hz: u32) -> Option<Self> {
        if hz == 0 { None } else { Some(Self(hz)) }
    }

    /// The rate in hertz.
    pub const fn hz(self) -> u32 {
        self.0
    }

    /// How many whole samples of one channel begin within `duration` (rounded to the nearest sample).
    pub fn samples_in(self, duration: Duration) -> usize {
        // Seconds apart from the rest: neither product needs 128 bits, which are slow to divide.
        let rate = u64::from(self.0);
        let whole = duration.as_secs().saturating_mul(rate);
        let rest = (u64::from(duration.subsec_nanos()) * rate + NANOS / 2) / NANOS;
        usize::try_from(whole.saturating_add(rest)).unwrap_or(usize::MAX)
    }

    /// How long `samples` of one channel last.
    pub fn duration_of(self, samples: u64) -> Duration {
        let rate = u64::from(self.0);
        let rest = samples % rate * NANOS / rate;
        Duration::from_secs(samples / rate) + Duration::from_nanos(rest)
    }
}

/// A level in decibels relative to full scale: 0 is an amplitude of 1.0, silence is [`Dbfs::SILENCE`].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Dbfs(pub f32);

impl Dbfs {
    /// The floor that meters and guards use for "nothing at all".
    pub const SILENCE: Self = Self(-120.0);

    /// The level of a linear amplitude (peak or RMS) of full scale 1.0.
    pub fn from_amplitude(amplitude: f32) -> Self {
        if amplitude > 1e-6 {
            Self(20.0 * amplitude.log10())
        } else {
            Self::SILENCE
        }
    }

    /// The RMS level of a block of samples; [`Dbfs::SILENCE`] for an empty one.
    pub fn rms(samples: &[f32]) -> Self {
        Self::from_amplitude(mean_power(samples).sqrt())
    }

    /// The linear amplitude of this level.
    pub fn amplitude(self) -> f32 {
        10.0_f32.powf(self.0 / 20.0)
    }
}

/// Mean of the squares of a block of samples; zero for an empty one.
pub fn mean_power(samples: &[f32]) -> f32 {
    if samples.is_empty() {
        return 0.0;
    }
    // In several sums: the compiler may not reorder the additions of one, and each of them waits for the one before.
    let (blocks, rest) = samples.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for block in blocks {
        for (sum, sample) in sums.iter_mut().zip(block) {
            *sum += sample * sample;
        }
    }
    let rest: f32 = rest.iter().map(|s| s * s).sum();
    (sums.iter().sum::<f32>() + rest) / samples.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_and_durations_are_exact(hz in 1..=u32::MAX, nanos in any::<u64>(), samples in any::<u64>()) {
            let rate = SampleRate::new(hz).expect("not zero");
            let duration = Duration::from_nanos(nanos);
            let exact = (u128::from(nanos) * u128::from(hz) + 500_000_000) / 1_000_000_000;
            prop_assert_eq!(rate.samples_in(duration) as u128, exact.min(usize::MAX as u128));
            let exact = u128::from(samples) * 1_000_000_000 / u128::from(hz);
            prop_assert_eq!(rate.duration_of(samples).as_nanos(), exact);
        }

        #[test]
        fn power_is_the_mean_of_the_squares(samples in prop::collection::vec(-1.0_f32..1.0, 0..300)) {
            let sum: f64 = samples.iter().map(|&s| f64::from(s).powi(2)).sum();
            let exact = sum / samples.len().max(1) as f64;
            prop_assert!((f64::from(mean_power(&samples)) - exact).abs() <= 1e-6 * exact);
        }
    }

    #[test]
    fn samples_and_durations_convert_both_ways() {
        let rate = SampleRate::WORKING;
        assert_eq!(rate.samples_in(Duration::from_millis(10)), 160);
        assert_eq!(rate.duration_of(160), Duration::from_millis(10));
        let odd = SampleRate::new(44_100).expect("not zero");
        assert_eq!(odd.samples_in(Duration::from_millis(10)), 441);
        assert_eq!(odd.samples_in(odd.duration_of(123_457)), 123_457);
    }

    #[test]
    fn levels_are_decibels_of_full_scale() {
        assert!((Dbfs::from_amplitude(0.5).0 + 6.02).abs() < 0.01);
        assert!((Dbfs::rms(&[0.5, -0.5]).0 + 6.02).abs() < 0.01);
        assert_eq!(Dbfs::rms(&[]), Dbfs::SILENCE);
        assert!((Dbfs(-20.0).amplitude() - 0.1).abs() < 1e-6);
    }
}
