//! The playback callback, in the middle of a reply and in silence.

use std::time::Instant;

use sovereign::audio::playback::playback;

use crate::capture::stereo;
use crate::sound::{at_rate, device_rate, reply};
use crate::{Done, Workload};

const BLOCK: usize = 480;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        workload(
            "playback-callback",
            "480 stereo frames of a reply; the ring filled, the tap emptied",
            true,
        ),
        workload(
            "playback-callback-silent",
            "480 stereo frames of silence; the tap emptied",
            false,
        ),
    ]
}

fn workload(name: &str, what: &str, sounds: bool) -> Workload {
    Workload {
        name: name.to_owned(),
        // Two cycles of the sound.
        units: 240,
        what: what.to_owned(),
        only: vec![],
        run: Box::new(move |units| play(units, sounds)),
    }
}

fn play(units: u32, sounds: bool) -> Done {
    let sound = at_rate(&reply(), device_rate());
    let (mut body, mut end) = playback(stereo(), Instant::now(), None);
    let (mut block, mut tapped) = ([0.0_f32; 2 * BLOCK], [0.0; BLOCK]);
    let (now, mut heard) = (Instant::now(), 0);
    for part in sound.chunks_exact(BLOCK).cycle().take(units as usize) {
        if sounds {
            end.ring.push(part);
        }
        body.run(&mut block, |s| s, now, None);
        end.tap.pop(&mut tapped);
        heard += u64::from(block.iter().any(|&s| s != 0.0));
        while end.notes.pop_one().is_some() {}
    }
    if sounds {
        // But for pauses between words that are nothing but zeros.
        Done::at_least(heard, u64::from(units) / 2)
    } else {
        Done::exactly(heard, 0)
    }
}
