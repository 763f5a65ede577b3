//! Playback volume.

use std::time::Duration;

use crate::base::units::SampleRate;

/// Glide of a volume change, against clicks.
const VOLUME_GLIDE: Duration = Duration::from_millis(10);

/// A gain with a glide, limited at full scale.
pub(super) struct Volume {
    wanted: f32,
    gain: f32,
}

impl Default for Volume {
    fn default() -> Self {
        Self {
            wanted: 1.0,
            gain: 1.0,
        }
    }
}

impl Volume {
    pub(super) fn set(&mut self, volume: f32) {
        if volume.is_finite() {
            self.wanted = volume.clamp(0.0, 1.0);
        }
    }

    pub(super) fn apply(&mut self, samples: &mut [f32], rate: SampleRate) {
        if self.gain == self.wanted {
            // The common case, written to vectorise.
            let gain = self.gain;
            for sample in samples {
                *sample = (*sample * gain).clamp(-1.0, 1.0);
            }
            return;
        }
        let step = 1.0 / rate.samples_in(VOLUME_GLIDE) as f32;
        for sample in samples {
            self.gain += (self.wanted - self.gain).clamp(-step, step);
            *sample = (*sample * self.gain).clamp(-1.0, 1.0);
        }
    }
}
