//! A place in the chain: holds a stage or none, and changes from one to the other without a click.
//!
//! ```text
//!              old ────────────────╲
//! near ─┬────▶                      ╳──▶      the new stage first fills with sound, unheard, then takes over
//!       └────▶ new  (warming up) ──╱           within a frame
//! ```
//!
//! Old and new may have different delays, so for the length of the cross-fade the sound is heard twice, some
//! milliseconds apart; frames in and out stay in step, and none is lost.

use std::f32::consts::PI;
use std::time::Duration;

use super::stage::{Samples, Stage};
use crate::base::frame::FRAME_SAMPLES;

/// The place: `K` says which stage is wanted, `S` is that stage.
pub(super) struct CrossfadeSlot<K, S> {
    build: fn(K) -> Option<S>,
    wanted: K,
    kind: K,
    stage: Option<S>,
    change: Option<Change<K, S>>,
}

struct Change<K, S> {
    kind: K,
    stage: Option<S>,
    /// Frames that it is fed unheard.
    warm: u32,
}

impl<K: Copy + PartialEq, S: Stage> CrossfadeSlot<K, S> {
    pub(super) fn new(kind: K, build: fn(K) -> Option<S>) -> Self {
        Self {
            build,
            wanted: kind,
            kind,
            stage: build(kind),
            change: None,
        }
    }

    /// Another stage is wanted: the change begins with the next frame. One that is not heard yet is given up.
    pub(super) fn want(&mut self, kind: K) {
        self.wanted = kind;
    }

    /// Whether there is nothing to do: no stage, none coming.
    pub(super) fn idle(&self) -> bool {
        self.stage.is_none() && self.change.is_none() && self.wanted == self.kind
    }

    /// The stage that is heard.
    pub(super) fn stage(&self) -> Option<&S> {
        self.stage.as_ref()
    }

    pub(super) fn process(&mut self, near: &mut Samples, far: &Samples) {
        self.follow_wish();
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

    fn follow_wish(&mut self) {
        if self.change.as_ref().is_some_and(|c| c.kind != self.wanted) {
            self.change = None;
        }
        if self.change.is_none() && self.wanted != self.kind {
            let stage = (self.build)(self.wanted);
            self.change = Some(Change {
                kind: self.wanted,
                warm: stage.as_ref().map_or(0, Stage::warm_up),
                stage,
            });
        }
    }

    pub(super) fn delay(&self) -> Duration {
        self.stage.as_ref().map_or(Duration::ZERO, Stage::delay)
    }

    /// Begins a new stream, with the stage that is wanted.
    pub(super) fn reset(&mut self) {
        self.change = None;
        if self.wanted == self.kind {
            if let Some(stage) = &mut self.stage {
                stage.reset();
            }
        } else {
            *self = Self::new(self.wanted, self.build);
        }
    }
}

fn run<S: Stage>(stage: Option<&mut S>, near: &mut Samples, far: &Samples) {
    if let Some(stage) = stage {
        stage.process(near, far);
    }
}

/// From `near` to `coming` along half a cosine. The weights add up to one: the two are the same sound, so their sum is
/// never louder than either.
fn cross_fade(near: &mut Samples, coming: &Samples) {
    for (i, (sample, coming)) in near.iter_mut().zip(coming).enumerate() {
        let place = (i as f32 + 0.5) / FRAME_SAMPLES as f32;
        let weight = 0.5 - 0.5 * (PI * place).cos();
        *sample += (coming - *sample) * weight;
    }
}
