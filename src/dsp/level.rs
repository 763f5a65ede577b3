//! Level meter of a stream of samples.

use crate::base::units::Dbfs;

/// Accumulates peak and mean power until they are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelMeter {
    peak: f32,
    power: f64,
    samples: u32,
}

/// A reading of a [`LevelMeter`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    pub peak: Dbfs,
    pub rms: Dbfs,
}

impl Level {
    pub const SILENCE: Self = Self {
        peak: Dbfs::SILENCE,
        rms: Dbfs::SILENCE,
    };
}

impl LevelMeter {
    /// Adds samples, which must be finite.
    pub fn push(&mut self, samples: &[f32]) {
        for sample in samples {
            self.peak = self.peak.max(sample.abs());
            self.power += f64::from(sample * sample);
        }
        let count = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        self.samples = self.samples.saturating_add(count);
    }

    /// Returns the level since the last call; [`Level::SILENCE`] if nothing was added.
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
        let mut meter = LevelMeter::default();
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
