//! How short patience can be before sentences without a pause are cut in two.

use std::time::Duration;

use sovereign::vad::VadKind;

use super::listen::{Ears, KINDS, SPEECH, Talk, Values, What, hear, profiles};
use super::noises::Kind;
use super::table::{Table, full};

const PATIENCE: [u64; 5] = [100, 160, 200, 300, 500];

#[test]
fn splits_against_patience() {
    let rounds = if full() { 20 } else { 2 };
    let mut table = Table::new(
        "detection-hangover",
        "Sentences that ended before their last word, of all, and the end of a sentence to the decision in milliseconds, p50 / \
         p95. The sentences are short and read without a pause: people pause for 200 to 500 ms within theirs.",
        &[
            "detector", "sound", "100 ms", "160 ms", "200 ms", "300 ms", "500 ms",
        ],
    );
    let mut held = Vec::new();
    for kind in KINDS {
        for (name, snr) in [("clean", None), ("pink 10 dB", Some(10.0))] {
            let mut talk = Talk::new(SPEECH, rounds, 11);
            if let Some(snr) = snr {
                talk = talk.with(Kind::Pink, snr, 23);
            }
            let mut cells = vec![format!("{kind:?}"), name.to_owned()];
            let mut splits = Vec::new();
            for patience in PATIENCE {
                let mut ears = Ears {
                    kind,
                    ..Ears::of(&profiles()[0])
                };
                ears.settings.patience = Duration::from_millis(patience);
                let (split, delay) = cut(&talk, ears);
                cells.push(format!(
                    "{split} of {}, {}",
                    talk.spoken.len(),
                    delay.text()
                ));
                splits.push(split);
            }
            table.row(&cells);
            held.push((kind, name, splits));
        }
    }
    table.finish();
    for (kind, name, splits) in held {
        let place = format!("{kind:?}, {name}: {splits:?}");
        assert!(
            splits.is_sorted_by(|a, b| a >= b),
            "patience does not cut: {place}"
        );
        let whole = if name == "clean" { 0 } else { 3 };
        assert!(splits[whole..].iter().all(|split| *split == 0), "{place}");
        let earshot = kind == VadKind::Earshot;
        assert!(!earshot || splits[1] * 20 <= 6 * rounds, "{place}");
    }
}

/// Sentences that were cut, and how late the decision came after their end.
fn cut(talk: &Talk, ears: Ears) -> (usize, Values) {
    let heard = hear(&talk.samples, ears, false);
    let ms = |sample: usize| sample as f64 / 16.0;
    let mut delay = Values::default();
    let mut split = 0;
    for (n, &(begin, end)) in talk.spoken.iter().enumerate() {
        let next = talk
            .spoken
            .get(n + 1)
            .map_or(f64::INFINITY, |next| ms(next.0));
        let (begin, end) = (ms(begin), ms(end));
        // A decision in the last moment of a sentence cuts nothing.
        split += usize::from(
            heard
                .within(What::Ended, begin, end - 50.0)
                .next()
                .is_some(),
        );
        let ended = heard.within(What::Ended, end - 50.0, next).next();
        delay.0.extend(ended.map(|at| at - end));
    }
    (split, delay)
}
