//! The level of a stream of samples, for meters.

use crate::base::units::Dbfs;

/// Gathers peak and mean power until they are taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    peak: f32,
    power: f64,
    samples: u32,
}

/// What a [`Meter`] saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// The greatest amplitude.
    pub peak: Dbfs,
    /// The root of the mean power.
    pub rms: Dbfs,
}

impl Level {
    /// Nothing at all.
    pub const SILENCE: Self = Self {
        peak: Dbfs::SILENCE,
        rms: Dbfs::SILENCE,
    };
}

impl Meter {
    /// Adds samples (finite ones: sanitise before).
    pub fn push(&mut self, samples: &[f32]) {
        for sample in samples {
            self.peak = self.peak.max(sample.abs());
            self.power += f64::from(sample * sample);
        }
        let count = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        self.samples = self.samples.saturating_add(count);
    }

    /// The level since the last call; [`Level::SILENCE`] if nothing was added.
    pub fn take(&mut self) -> Level {
        let seen = std::mem::take(self);
        if seen.samples == 0 {
            return Level::SILENCE;
        }
        let mean = seen.power / f64::from(seen.samples);
        Level {
            peak: Dbfs::from_amplitude(seen.peak),
            rms: Dbfs::from_amplitude(mean.sqrt() as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_and_rms_cover_all_that_was_added_since() {
        let mut meter = Meter::default();
        assert_eq!(meter.take(), Level::SILENCE);
        meter.push(&[0.5, -0.5]);
        meter.push(&[0.0, -1.0]);
        let level = meter.take();
        assert!(level.peak.0.abs() < 1e-3);
        assert!((level.rms.0 + 4.26).abs() < 0.01, "{level:?}");
        meter.push(&[0.0; 10]);
        assert_eq!(meter.take(), Level::SILENCE);
    }
}
