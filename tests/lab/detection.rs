//! What each shipped profile hears of sentences in noise.

use sovereign::vad::VadKind;

use super::listen::{Ears, Heard, KINDS, SPEECH, Scene, Talk, Values, What, hear, profiles};
use super::noises::Kind;
use super::table::{Table, full};

/// Talk in its surroundings.
const SCENES: [Scene; 9] = [
    ("clean", SPEECH, None),
    ("quiet talker, −20 dB", SPEECH - 20.0, None),
    ("pink 20 dB", SPEECH, Some((Kind::Pink, 20.0))),
    ("pink 10 dB", SPEECH, Some((Kind::Pink, 10.0))),
    ("pink 0 dB", SPEECH, Some((Kind::Pink, 0.0))),
    ("fan 5 dB", SPEECH, Some((Kind::Fan, 5.0))),
    ("keyboard 10 dB", SPEECH, Some((Kind::Keyboard, 10.0))),
    ("music 10 dB", SPEECH, Some((Kind::Music, 10.0))),
    ("babble 10 dB", SPEECH, Some((Kind::Babble, 10.0))),
];
/// How long after the end of patience an utterance may be open without counting as false: the overtime.
const GRACE: f64 = 150.0;

#[test]
fn what_each_profile_hears_in_noise() {
    let rounds = if full() { 8 } else { 1 };
    let mut table = Table::new(
        "detection",
        "Six voices say a sentence each, over and over, 1.6 to 2.2 s apart; detector and segmenter listen, without the stages \
         that clean the sound. Speech at −26 dBFS in a room of −70 dBFS. missed: share of the speech that was not sent. \
         false: share of the rest (less patience and 150 ms after each sentence) in which an utterance was open. Onset: from the \
         first sample to the decision, idle and while a reply sounds. SilenceStarted, endpoint: from the last sample to the decision, the latter \
         beyond patience. merged: sentences that began in an open utterance. Milliseconds are p50 / p95.",
        &[
            "profile",
            "detector",
            "sound",
            "missed %",
            "false %",
            "onset",
            "onset playing",
            "lull",
            "endpoint",
            "merged",
            "split",
            "n",
        ],
    );
    let mut surveys = Vec::new();
    for profile in profiles() {
        let shipped = Ears::of(&profile);
        for kind in KINDS {
            let ears = Ears { kind, ..shipped };
            for (name, level, noise) in SCENES {
                let seen = survey(ears, level, noise, rounds);
                table.row(&seen.row(&profile.name, &shipped.name(kind), name));
                surveys.push((kind, name, seen));
            }
        }
    }
    table.finish();
    for (kind, scene, seen) in &surveys {
        hold(*kind, scene, seen);
    }
    for profile in surveys.chunks_exact(KINDS.len() * SCENES.len()) {
        let (webrtc, earshot) = profile.split_at(SCENES.len());
        compare(webrtc, earshot);
    }
}

/// Limits for talk that a detector must cope with: what was measured at full length, and as much again.
fn hold(kind: VadKind, scene: &str, seen: &Seen) {
    let place = format!("{kind:?}, {scene}");
    let earshot = kind == VadKind::Earshot;
    let calm = ["clean", "quiet talker, −20 dB", "pink 20 dB"].contains(&scene);
    if calm || scene == "pink 10 dB" {
        assert!(seen.missed <= 2.0, "{place}: {} % missed", seen.missed);
        assert!(seen.falsely <= 2.0, "{place}: {} % false", seen.falsely);
        assert_eq!(seen.merged, 0, "{place}");
        assert!(
            seen.endpoint.at(0.95) <= 30.0,
            "{place}: {}",
            seen.endpoint.text()
        );
    }
    if calm {
        assert_eq!(seen.split, 0, "{place}");
        assert!(seen.lull.at(0.95) <= 140.0, "{place}: {}", seen.lull.text());
        assert!(seen.lull.at(0.0) >= 80.0, "{place}: {:?}", seen.lull);
    }
    if scene == "clean" {
        let most = if earshot { 220.0 } else { 110.0 };
        assert!(
            seen.onset.at(0.95) <= most,
            "{place}: {}",
            seen.onset.text()
        );
    }
    if earshot && ["fan 5 dB", "keyboard 10 dB"].contains(&scene) {
        assert!(seen.missed <= 16.0, "{place}: {} % missed", seen.missed);
        assert!(
            seen.merged * 10 <= seen.sentences,
            "{place}: {}",
            seen.merged
        );
    }
}

/// Why there are two detectors: where webrtc-vad is stuck, earshot is not.
fn compare(webrtc: &[Survey], earshot: &[Survey]) {
    for ((_, scene, webrtc), (_, _, earshot)) in webrtc.iter().zip(earshot) {
        let (webrtc, earshot) = (webrtc.falsely, earshot.falsely);
        if ["pink 0 dB", "fan 5 dB", "keyboard 10 dB", "music 10 dB"].contains(scene) {
            assert!(
                earshot * 2.5 <= webrtc,
                "{scene}: {earshot} % against {webrtc} %"
            );
        }
    }
}

/// What one detector made of one scene.
type Survey = (VadKind, &'static str, Seen);

/// What was measured of one profile in one scene.
#[derive(Default)]
struct Seen {
    sentences: usize,
    missed: f64,
    falsely: f64,
    onset: Values,
    playing: Values,
    lull: Values,
    endpoint: Values,
    merged: usize,
    split: usize,
}

impl Seen {
    fn row(&self, profile: &str, detector: &str, scene: &str) -> [String; 12] {
        [
            profile.to_owned(),
            detector.to_owned(),
            scene.to_owned(),
            format!("{:.1}", self.missed),
            format!("{:.1}", self.falsely),
            self.onset.text(),
            self.playing.text(),
            self.lull.text(),
            self.endpoint.text(),
            self.merged.to_string(),
            self.split.to_string(),
            self.sentences.to_string(),
        ]
    }
}

fn survey(ears: Ears, level: f32, noise: Option<(Kind, f32)>, rounds: usize) -> Seen {
    let mut talk = Talk::new(level, rounds, 11);
    if let Some((kind, snr)) = noise {
        talk = talk.with(kind, snr, 23);
    }
    let heard = hear(&talk.samples, ears, false);
    // Only a column of the table: the short run does without.
    let playing = full().then(|| hear(&talk.samples, ears, true));
    let ms = |sample: usize| sample as f64 / 16.0;
    let patience = ears.settings.patience.as_secs_f64() * 1e3;
    let mut seen = Seen {
        sentences: talk.spoken.len(),
        ..Seen::default()
    };
    let (mut spoken, mut missed, mut free) = (0, 0, vec![true; heard.frames.len()]);
    for (n, &(begin, end)) in talk.spoken.iter().enumerate() {
        let next = talk
            .spoken
            .get(n + 1)
            .map_or(f64::INFINITY, |next| ms(next.0));
        let (first, last) = (begin / 160, end.div_ceil(160));
        spoken += last - first;
        missed += heard.frames[first..last]
            .iter()
            .filter(|frame| !frame.0)
            .count();
        let over = last + ((patience + GRACE) / 10.0) as usize;
        free[first..over.min(heard.frames.len())].fill(false);
        let (begin, end) = (ms(begin), ms(end));
        let onset = |heard: &Heard| {
            let fresh = !heard.frames[first - 1].1;
            let started = heard.within(What::Started, begin, next).next();
            started.filter(|_| fresh).map(|at| at - begin)
        };
        seen.onset.0.extend(onset(&heard));
        seen.playing.0.extend(playing.as_ref().and_then(onset));
        seen.merged += usize::from(heard.frames[first - 1].1);
        seen.split += heard.within(What::Ended, begin, end).count();
        let lull = heard.within(What::SilenceStarted, end, next).next();
        seen.lull.0.extend(lull.map(|at| at - end));
        let ended = heard.within(What::Ended, end, next).next();
        seen.endpoint.0.extend(ended.map(|at| at - end - patience));
    }
    seen.missed = 100.0 * missed as f64 / spoken as f64;
    let outside = free.iter().filter(|free| **free).count();
    let open = heard.frames.iter().zip(&free);
    let open = open.filter(|(frame, free)| frame.1 && **free).count();
    seen.falsely = 100.0 * open as f64 / outside.max(1) as f64;
    seen
}
