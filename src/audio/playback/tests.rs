use proptest::prelude::*;

use super::*;
use crate::base::units::SampleRate;

const RATE: SampleRate = SampleRate::new(48_000).expect("not zero");
const FADE_SAMPLES: usize = 240;
/// Largest step of a raised cosine over 240 samples of full scale.
const FADE_STEP: f32 = 0.0066;

#[test]
fn what_is_written_sounds_once_on_all_channels() {
    let (mut body, mut end) = ends(3);
    let sound: Vec<f32> = (0..1_000).map(|i| i as f32 / 1_000.0).collect();
    end.ring.push(&sound);
    let mut block = vec![9.0; 3 * 700 + 1];
    body.run(&mut block, |s| s, Instant::now(), None);
    assert_eq!(block[3 * 699], block[3 * 699 + 2]);
    assert_eq!(block[3 * 699], sound[699]);
    assert_eq!(block[3 * 700], 0.0);
    assert_eq!(
        notes(&mut end),
        [Note::Started {
            index: 0,
            position: 0
        }]
    );
    assert_eq!(end.ring.taken(), 700);
}

#[test]
fn a_flush_is_silence_after_the_fade() {
    let (mut body, mut end) = ends(1);
    end.ring.push(&[1.0; 5_000]);
    pull(&mut body, 512);
    end.flush();
    // What comes after the flush is another reply and survives it.
    end.ring.push(&[0.5; 100]);
    let block = pull(&mut body, 512);
    assert!(block[0] > 0.99 && block[FADE_SAMPLES - 1] < 0.01);
    let position = 512 + FADE_SAMPLES as u64;
    assert_eq!(
        notes(&mut end)[1..3],
        [
            Note::Flushed {
                index: position,
                position
            },
            Note::Started {
                index: 5_000,
                position
            },
        ]
    );
    assert_steps(&block, FADE_STEP);
}

#[test]
fn a_flush_of_silence_is_answered_at_once() {
    let (mut body, mut end) = ends(1);
    end.flush();
    pull(&mut body, 64);
    assert_eq!(
        notes(&mut end),
        [Note::Flushed {
            index: 0,
            position: 0
        }]
    );
}

#[test]
fn a_flush_in_the_fade_in_turns_round() {
    let (mut body, mut end) = ends(1);
    end.ring.push(&[1.0; 5_000]);
    let mut all = pull(&mut body, 100);
    end.flush();
    all.extend(pull(&mut body, 512));
    assert_steps(&all, FADE_STEP);
    assert_eq!(all[200], 0.0);
}

#[test]
fn parts_separate_sound_from_silence() {
    let (mut body, mut end) = ends(1);
    end.ring.push(&[0.0; 300]);
    let mut seen = Vec::new();
    let mut block = [0.0; 512];
    body.run_parts(&mut block, Instant::now(), None, |part, sounding| {
        if !part.is_empty() {
            seen.push((part.len(), sounding));
        }
    });
    assert_eq!(seen, [(300, true), (212, false)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn running_dry_never_clicks_and_loses_nothing(
        pushes in prop::collection::vec(0_usize..700, 1..30),
        period in 1_usize..600,
    ) {
        let (mut body, mut end) = ends(1);
        let mut heard = Vec::new();
        let mut pushed = 0_usize;
        for n in pushes {
            // A slow tone: its own steps are small beside those of a click.
            let sound: Vec<f32> = (pushed..pushed + n).map(|i| (i as f32 * 0.004).sin()).collect();
            pushed += end.ring.push(&sound);
            heard.extend(pull(&mut body, period));
        }
        while !end.ring.is_empty() {
            heard.extend(pull(&mut body, period));
        }
        assert_steps(&heard, FADE_STEP + 0.004);
        prop_assert_eq!(end.ring.taken() as usize, pushed);
    }
}

fn ends(channels: u16) -> (PlaybackBody, PlaybackEnd) {
    let format = StreamFormat {
        rate: RATE,
        channels,
        period: None,
        held_blocks: 0,
    };
    playback(format, Instant::now(), None)
}

fn pull(body: &mut PlaybackBody, frames: usize) -> Vec<f32> {
    let mut block = vec![0.0; frames];
    body.run(&mut block, |s| s, Instant::now(), None);
    block
}

fn notes(end: &mut PlaybackEnd) -> Vec<Note> {
    std::iter::from_fn(|| end.notes.pop_one()).collect()
}

fn assert_steps(samples: &[f32], most: f32) {
    for (i, pair) in samples.windows(2).enumerate() {
        let step = (pair[1] - pair[0]).abs();
        assert!(step <= most, "step of {step} at {i}");
    }
}
