//! How long the echo canceller learns: until so much of a reply has sounded since it was switched on.

use crate::base::frame::FRAME_SAMPLES;
use crate::base::units::Dbfs;

/// Frames of reply until the canceller's output is trusted: it converges within 1.5 s (`audio.md` §1.3).
const CONVERGES: u32 = 150;
/// Level from which a far-end frame counts as sound.
const SOUNDS: Dbfs = Dbfs(-50.0);

#[derive(Default)]
pub(super) struct EchoLearning {
    /// Frames with far-end sound.
    sounded: u32,
}

impl EchoLearning {
    /// Takes in a frame of the far end.
    pub(super) fn push(&mut self, far: &[f32; FRAME_SAMPLES]) {
        if Dbfs::rms(far) > SOUNDS {
            self.sounded = self.sounded.saturating_add(1);
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.sounded >= CONVERGES
    }
}
