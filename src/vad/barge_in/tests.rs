use super::*;
use crate::base::frame::{FRAME_DURATION, FRAME_SAMPLES};

/// Orders by the frame that they came with, abandonments, and the kinds of events that went out.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    orders: Vec<(u32, ReplyAction)>,
    abandoned: Option<u32>,
    out: String,
}

/// Frames of which `voiced` says yes; the segmenter is imagined: onset after ten voiced frames, end after thirty
/// unvoiced ones.
fn run(
    machine: &mut BargeInDetector,
    frames: u32,
    around: BargeInContext,
    voiced: impl Fn(u32) -> bool,
) -> Seen {
    let base = Instant::now();
    let mut seen = Seen::default();
    let (mut count, mut silence, mut open, mut last) = (0, 0, false, None);
    for n in 0..frames {
        let frame = Frame {
            samples: [0.0; FRAME_SAMPLES],
            sequence: u64::from(n),
            captured: base + FRAME_DURATION * n,
        };
        let yes = voiced(n);
        (count, silence) = if yes {
            (count + 1, 0)
        } else {
            (0, silence + 1)
        };
        let mut events = Vec::new();
        if open && silence >= 30 {
            open = false;
            events.push(SpeechEvent::Ended {
                last_voiced: frame.captured,
            });
        } else if open {
            events.push(SpeechEvent::Frame(frame.clone()));
        } else if count == 10 {
            open = true;
            events.push(SpeechEvent::Started {
                first_voiced: frame.end() - FRAME_DURATION * 10,
                lead: vec![frame.clone()],
            });
        }
        if yes {
            last = Some(frame.end());
        }
        let around = BargeInContext {
            voiced: yes,
            last_voiced: last.filter(|_| open),
            ..around
        };
        let decision = machine.push(&frame, around, &mut events);
        seen.orders
            .extend(decision.action.map(|action| (n, action)));
        if decision.abandon {
            open = false;
            seen.abandoned = Some(n);
        }
        seen.out.extend(events.iter().map(|event| match event {
            SpeechEvent::Started { .. } => 'S',
            SpeechEvent::Frame(_) => 'f',
            SpeechEvent::SilenceStarted { .. } | SpeechEvent::Resumed { .. } => '?',
            SpeechEvent::Ended { .. } => 'E',
        }));
    }
    seen
}

const PLAYING: BargeInContext = BargeInContext {
    voiced: false,
    playing: true,
    apart: false,
    last_voiced: None,
    tail: false,
};
const BACKCHANNEL: Duration = Duration::from_millis(400);

#[test]
fn a_click_ducks_and_restores_and_nothing_goes_out() {
    let mut machine = BargeInDetector::new(BACKCHANNEL);
    let seen = run(&mut machine, 100, PLAYING, |n| (10..13).contains(&n));
    assert_eq!(
        seen.orders,
        [(11, ReplyAction::Duck), (27, ReplyAction::Restore)]
    );
    assert_eq!((seen.abandoned, seen.out.as_str()), (None, ""));
    let seen = run(&mut machine, 100, PLAYING, |n| n == 10);
    assert_eq!(seen.orders, [], "one frame is nothing");
}

#[test]
fn a_short_sound_pauses_the_reply_and_gives_it_back() {
    let mut machine = BargeInDetector::new(BACKCHANNEL);
    // An "uh-huh": two syllables of 120 ms, 100 ms apart.
    let seen = run(&mut machine, 200, PLAYING, |n| {
        (10..22).contains(&n) || (32..44).contains(&n)
    });
    let orders: Vec<ReplyAction> = seen.orders.iter().map(|(_, action)| *action).collect();
    assert_eq!(
        orders,
        [ReplyAction::Duck, ReplyAction::Pause, ReplyAction::Restore],
        "{seen:?}"
    );
    assert_eq!(seen.out, "");
    assert!(seen.abandoned.is_some());
}

#[test]
fn speech_is_an_interruption_and_nothing_of_it_is_missing() {
    let mut machine = BargeInDetector::new(BACKCHANNEL);
    let seen = run(&mut machine, 200, PLAYING, |n| (10..110).contains(&n));
    assert_eq!(
        seen.orders,
        [
            (11, ReplyAction::Duck),
            (19, ReplyAction::Pause),
            (79, ReplyAction::Restore)
        ]
    );
    // 90 voiced frames behind the onset, 29 of silence.
    assert_eq!(seen.out, format!("S{}E", "f".repeat(90 + 29)));
    assert_eq!(machine.state, State::Quiet);
}

#[test]
fn a_headset_lets_the_reply_pause_within_a_syllable() {
    let mut machine = BargeInDetector::new(BACKCHANNEL);
    let apart = BargeInContext {
        apart: true,
        ..PLAYING
    };
    let seen = run(&mut machine, 200, apart, |n| (10..110).contains(&n));
    assert_eq!(
        seen.orders[..2],
        [(11, ReplyAction::Duck), (13, ReplyAction::Pause)]
    );
}

#[test]
fn what_is_said_again_is_meant() {
    let twice = |n| (10..30).contains(&n) || (90..110).contains(&n);
    let apart = BargeInContext {
        apart: true,
        ..PLAYING
    };
    let mut machine = BargeInDetector::new(BACKCHANNEL);
    let seen = run(&mut machine, 300, apart, twice);
    assert_eq!(seen.out, format!("S{}E", "f".repeat(10 + 29)), "{seen:?}");
    // Where it could be echo it has to last.
    let mut machine = BargeInDetector::new(BACKCHANNEL);
    let short = |n| (10..30).contains(&n) || (90..105).contains(&n);
    assert_eq!(run(&mut machine, 300, PLAYING, short).out, "");
    let mut machine = BargeInDetector::new(BACKCHANNEL);
    let longer = |n| (10..30).contains(&n) || (90..115).contains(&n);
    let seen = run(&mut machine, 300, PLAYING, longer);
    assert_eq!(seen.out, format!("S{}E", "f".repeat(15 + 29)), "{seen:?}");
}

#[test]
fn without_backchannels_every_onset_interrupts() {
    let mut machine = BargeInDetector::new(Duration::ZERO);
    let seen = run(&mut machine, 100, PLAYING, |n| (10..25).contains(&n));
    assert_eq!(seen.out, format!("S{}E", "f".repeat(5 + 29)));
    assert_eq!(
        seen.orders,
        [(11, ReplyAction::Duck), (49, ReplyAction::Restore)]
    );
}

#[test]
fn while_nothing_plays_everything_passes() {
    let mut machine = BargeInDetector::new(BACKCHANNEL);
    let seen = run(&mut machine, 100, BargeInContext::default(), |n| {
        (10..25).contains(&n)
    });
    assert_eq!((seen.orders.len(), seen.out.chars().next()), (0, Some('S')));
}

#[test]
fn in_the_tail_of_a_reply_a_rest_of_echo_is_nothing_and_a_yes_is_speech() {
    let tail = BargeInContext {
        tail: true,
        ..BargeInContext::default()
    };
    for (length, out) in [
        (15, String::new()),
        (30, format!("S{}E", "f".repeat(20 + 29))),
    ] {
        let mut machine = BargeInDetector::new(BACKCHANNEL);
        let seen = run(&mut machine, 100, tail, |n| (10..10 + length).contains(&n));
        assert_eq!(seen.out, out);
    }
}

#[test]
fn the_talk_key_lets_out_what_is_held() {
    let mut machine = BargeInDetector::new(BACKCHANNEL);
    run(&mut machine, 30, PLAYING, |n| n >= 10);
    assert!(matches!(machine.state, State::Holding { .. }));
    let mut events = Vec::new();
    assert_eq!(machine.release(&mut events), Some(ReplyAction::Restore));
    assert!(is_start(&events[0]) && events.len() > 5);
    assert_eq!(machine.state, State::Passing);
}

#[test]
fn a_noise_that_no_onset_follows_gives_the_reply_back() {
    let apart = BargeInContext {
        voiced: true,
        apart: true,
        ..PLAYING
    };
    let mut machine = BargeInDetector::new(BACKCHANNEL);
    let base = Instant::now();
    let mut push = |n: u32, voiced: bool| {
        let frame = Frame {
            samples: [0.0; FRAME_SAMPLES],
            sequence: u64::from(n),
            captured: base + FRAME_DURATION * n,
        };
        let around = BargeInContext { voiced, ..apart };
        let decision = machine.push(&frame, around, &mut Vec::new());
        decision.action.map(|action| (n, action))
    };
    let orders: Vec<_> = (0..300).filter_map(|n| push(n, true)).collect();
    let kinds: Vec<ReplyAction> = orders.iter().map(|(_, action)| *action).collect();
    assert_eq!(
        kinds,
        [ReplyAction::Duck, ReplyAction::Pause, ReplyAction::Restore]
    );
    assert!((50..53).contains(&orders[2].0), "{orders:?}");
    // Once it has stopped, the next sound is suspected again.
    let again: Vec<_> = (300..340).filter_map(|n| push(n, n > 330)).collect();
    assert_eq!(
        again.first().map(|(_, action)| *action),
        Some(ReplyAction::Duck)
    );
}
