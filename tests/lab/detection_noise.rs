//! What each shipped profile takes for speech when nobody speaks.

use sovereign::vad::VadKind;

use super::listen::{Ears, Heard, KINDS, SPEECH, hear, profiles};
use super::noises::Kind;
use super::table::{Table, full};
use super::voices::at_level;

/// Noise alone; all but the last two at −40 dBFS, those as loud as a talker.
const NOISES: [(Kind, f32); 7] = [
    (Kind::Pink, -40.0),
    (Kind::Fan, -40.0),
    (Kind::Keyboard, -40.0),
    (Kind::Music, -40.0),
    (Kind::Babble, -40.0),
    (Kind::Cough, SPEECH),
    (Kind::UhHuh, SPEECH),
];

#[test]
fn what_each_profile_takes_for_speech() {
    let minutes = if full() { 5.0 } else { 0.25 };
    let mut table = Table::new(
        "detection-noise",
        "Noise alone, at −40 dBFS; coughs and \"uh-huh\", every two seconds, as loud as a talker. Starts in a minute, idle and while a \
         reply sounds, and the share of the time in which an utterance was open, idle. Babble is speech, and so is \"uh-huh\".",
        &[
            "profile",
            "detector",
            "noise",
            "starts/min",
            "starts/min playing",
            "open %",
            "re-armed",
        ],
    );
    for profile in profiles() {
        let shipped = Ears::of(&profile);
        for kind in KINDS {
            let ears = Ears { kind, ..shipped };
            for (noise, level) in NOISES {
                let samples = at_level(noise.make((minutes * 60.0 * 16_000.0) as usize, 7), level);
                let idle = hear(&samples, ears, false);
                let playing = hear(&samples, ears, true);
                let per_minute = |heard: &Heard| heard.starts() as f64 / minutes;
                let open = idle.frames.iter().filter(|frame| frame.1).count();
                let open = 100.0 * open as f64 / idle.frames.len() as f64;
                table.row(&[
                    profile.name.clone(),
                    shipped.name(kind),
                    format!("{noise:?}"),
                    format!("{:.1}", per_minute(&idle)),
                    format!("{:.1}", per_minute(&playing)),
                    format!("{open:.1}"),
                    idle.rearmed.to_string(),
                ]);
                let calm = kind == VadKind::Earshot && noise == Kind::Keyboard;
                if calm || matches!(noise, Kind::Pink | Kind::Fan) {
                    let starts = idle.starts().max(playing.starts());
                    assert!(starts <= 1, "{kind:?}, {noise:?}: {starts} starts");
                }
            }
        }
    }
    table.finish();
}
