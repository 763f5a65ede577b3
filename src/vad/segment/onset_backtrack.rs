//! Finds the onset of a voice: backwards from the detector's first positive verdict, block by block.

use std::time::Instant;

use super::super::detector_trait::DETECTOR_WINDOW_FRAMES;
use super::super::loudness::{BLOCK_DURATION, BLOCKS, Powers};

/// Look-back before the first positive verdict: soft onsets ("f", "h") come before it with both detectors; earshot is
/// up to 120 ms late on a loud one (95th percentile, measured).
pub(super) const LOOK_BACK_FRAMES: usize = 20;
/// Gap in blocks that does not interrupt an onset: 30 ms, the stop after the first sound of a word. No word came before
/// it, or it would be part of an utterance.
const GAP_BLOCKS: usize = 12;

/// Returns the first voiced sample of a run of `frames` frames, whose start and powers `heard` returns. `first` is the
/// first frame with a positive verdict. Without a threshold only the window of the detector is known.
pub(super) fn find(
    frames: usize,
    first: usize,
    threshold: Option<f32>,
    heard: impl Fn(usize) -> (Instant, Powers),
) -> Instant {
    let judged = first.saturating_sub(DETECTOR_WINDOW_FRAMES - 1);
    let unknown = heard(judged).0;
    let Some(threshold) = threshold else {
        return unknown;
    };
    let loud = |block: usize| heard(block / BLOCKS).1[block % BLOCKS] >= threshold;
    let Some(mut begin) = (judged * BLOCKS..frames * BLOCKS).find(|&block| loud(block)) else {
        return unknown;
    };
    let limit = judged.saturating_sub(LOOK_BACK_FRAMES) * BLOCKS;
    for block in (limit..begin).rev() {
        if loud(block) {
            begin = block;
        } else if begin - block > GAP_BLOCKS {
            break;
        }
    }
    heard(begin / BLOCKS).0 + BLOCK_DURATION * (begin % BLOCKS) as u32
}
