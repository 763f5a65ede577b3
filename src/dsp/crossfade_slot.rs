//! A slot of the chain: holds a stage or none, and changes between them without a click.
//!
//! ```text
//!              old ────────────────╲
//! near ─┬────▶                      ╳──▶      the new stage first fills with sound, unheard, then takes over
//!       └────▶ new  (warming up) ──╱           within a frame
//! ```
//!
//! Old and new stage may have different delays, so during the cross-fade the sound is heard twice, some milliseconds
//! apart. Input and output frames stay in step, and none is lost.

use std::f32::consts::PI;
use std::time::Duration;

use super::chain_stage::{ChainStage, Samples};
use crate::base::frame::FRAME_SAMPLES;

/// The slot. `K` selects the stage, `S` is the stage.
pub(super) struct CrossfadeSlot<K, S> {
    build: fn(K) -> Option<S>,
    selected: K,
    kind: K,
    stage: Option<S>,
    change: Option<Change<K, S>>,
}

struct Change<K, S> {
    kind: K,
    stage: Option<S>,
    /// Warm-up frames left, whose output is discarded.
    warm: u32,
}

impl<K: Copy + PartialEq, S: ChainStage> CrossfadeSlot<K, S> {
    pub(super) fn new(kind: K, build: fn(K) -> Option<S>) -> Self {
        Self {
            build,
            selected: kind,
            kind,
            stage: build(kind),
            change: None,
        }
    }

    /// Selects another stage; the change begins with the next frame. A change that is not audible yet is abandoned.
    pub(super) fn select(&mut self, kind: K) {
        self.selected = kind;
    }

    /// Whether the slot is empty and stays empty.
    pub(super) fn idle(&self) -> bool {
        self.stage.is_none() && self.change.is_none() && self.selected == self.kind
    }

    pub(super) fn stage(&self) -> Option<&S> {
        self.stage.as_ref()
    }

    pub(super) fn stage_mut(&mut self) -> Option<&mut S> {
        self.stage.as_mut()
    }

    pub(super) fn process(&mut self, near: &mut Samples, far: &Samples) {
        self.start_change();
        let Some(change) = &mut self.change else {
            return run(self.stage.as_mut(), near, far);
        };
        let mut coming = *near;
        run(change.stage.as_mut(), &mut coming, far);
        run(self.stage.as_mut(), near, far);
        if change.warm > 0 {
            change.warm -= 1;
        } else {
            cross_fade(near, &coming);
            self.kind = change.kind;
            self.stage = change.stage.take();
            self.change = None;
        }
    }

    fn start_change(&mut self) {
        if self
            .change
            .as_ref()
            .is_some_and(|c| c.kind != self.selected)
        {
            self.change = None;
        }
        if self.change.is_none() && self.selected != self.kind {
            let stage = (self.build)(self.selected);
            self.change = Some(Change {
                kind: self.selected,
                warm: stage.as_ref().map_or(0, ChainStage::warm_up),
                stage,
            });
        }
    }

    pub(super) fn delay(&self) -> Duration {
        self.stage
            .as_ref()
            .map_or(Duration::ZERO, ChainStage::delay)
    }

    /// Starts a new stream with the selected stage.
    pub(super) fn reset(&mut self) {
        self.change = None;
        if self.selected == self.kind {
            if let Some(stage) = &mut self.stage {
                stage.reset();
            }
        } else {
            *self = Self::new(self.selected, self.build);
        }
    }
}

fn run<S: ChainStage>(stage: Option<&mut S>, near: &mut Samples, far: &Samples) {
    if let Some(stage) = stage {
        stage.process(near, far);
    }
}

/// Cross-fades from `near` to `coming` along half a cosine. The weights add up to 1: both are the same sound, so their
/// sum is never louder than either.
fn cross_fade(near: &mut Samples, coming: &Samples) {
    for (i, (sample, coming)) in near.iter_mut().zip(coming).enumerate() {
        let place = (i as f32 + 0.5) / FRAME_SAMPLES as f32;
        let weight = 0.5 - 0.5 * (PI * place).cos();
        *sample += (coming - *sample) * weight;
    }
}
