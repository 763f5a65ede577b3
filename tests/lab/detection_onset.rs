//! How soon an onset can be believed: the trigger against what it lets through.

use std::time::Duration;

use sovereign::vad::VadKind;

use super::listen::{Ears, SPEECH, Talk, Values, What, hear, profiles};
use super::noises::Kind;
use super::table::{Table, full};
use super::voices::at_level;

const TRIGGERS: [u64; 6] = [20, 30, 40, 60, 80, 100];

#[test]
fn onset_against_trigger() {
    let (rounds, minutes) = if full() { (8, 5.0) } else { (1, 0.25) };
    let talks = [
        Talk::new(SPEECH, rounds, 11),
        Talk::new(SPEECH, rounds, 11).with(Kind::Pink, 10.0, 23),
        Talk::new(SPEECH, rounds, 11).with(Kind::Fan, 5.0, 23),
    ];
    let noises = [Kind::Fan, Kind::Keyboard, Kind::Music, Kind::Cough].map(|kind| {
        let level = if kind == Kind::Cough { SPEECH } else { -40.0 };
        at_level(kind.make((minutes * 60.0 * 16_000.0) as usize, 7), level)
    });
    let mut table = Table::new(
        "detection-onset",
        "From the first sample of a sentence to the decision in milliseconds, p50 / p95, and starts per minute in noise alone (−40 dBFS; \
         30 coughs per minute as loud as a talker), by the voiced sound that is needed within half as much again.",
        &[
            "detector",
            "trigger",
            "clean",
            "pink 10 dB",
            "fan 5 dB",
            "starts/min fan",
            "keyboard",
            "music",
            "cough",
        ],
    );
    for kind in [VadKind::Webrtc, VadKind::Earshot] {
        let mut before = 0.0;
        for trigger in TRIGGERS {
            let mut ears = Ears {
                kind,
                ..Ears::of(&profiles()[1])
            };
            ears.settings.onset_idle = Duration::from_millis(trigger);
            let onsets: Vec<Values> = talks.iter().map(|talk| onsets(talk, ears)).collect();
            let mut cells = vec![format!("{kind:?}"), format!("{trigger} ms")];
            cells.extend(onsets.iter().map(Values::text));
            cells.extend(
                noises.iter().map(|noise| {
                    format!("{:.1}", hear(noise, ears, false).starts() as f64 / minutes)
                }),
            );
            table.row(&cells);
            let clean = onsets[0].at(0.5);
            assert!(
                clean >= before,
                "a longer trigger is no sooner: {clean}, {before}"
            );
            before = clean;
        }
    }
    table.finish();
}

/// From the beginning of each sentence that did not begin in an open utterance to the decision.
fn onsets(talk: &Talk, ears: Ears) -> Values {
    let heard = hear(&talk.samples, ears, false);
    let ms = |sample: usize| sample as f64 / 16.0;
    let mut onsets = Values::default();
    for &(begin, end) in &talk.spoken {
        if heard.frames[begin / 160 - 1].1 {
            continue;
        }
        let started = heard.within(What::Started, ms(begin), ms(end)).next();
        onsets.0.extend(started.map(|at| at - ms(begin)));
    }
    onsets
}
