use proptest::prelude::*;

use super::*;
use crate::base::frame::FRAME_SAMPLES;

mod pauses;

const SETTINGS: SegmentSettings = SegmentSettings {
    onset_idle: Duration::from_millis(60),
    onset_playing: Duration::from_millis(100),
    patience: Duration::from_millis(300),
    preroll: Duration::from_millis(200),
};
const NO: FrameContext = FrameContext {
    voiced: false,
    playing: false,
    held: false,
    blocked: false,
};
const YES: FrameContext = FrameContext { voiced: true, ..NO };
const HELD: FrameContext = FrameContext { held: true, ..NO };
const BLOCKED: FrameContext = FrameContext {
    blocked: true,
    ..NO
};
const VOICE: f32 = 0.2;
const SILENCE: f32 = 0.0;

#[test]
fn an_onset_takes_its_share_of_the_window() {
    // Verdicts after half a second of silence, whether a reply sounds, and the frame at which it starts.
    let table = [
        ("xxxxx...........", false, None),
        ("xxxxxx", false, Some(5)),
        ("xx.xx.xx", false, Some(7)),
        ("xxx...xxx", false, Some(8)),
        ("xxx....xxx", false, None),
        ("x.x.x.x.x.x.x.x.x", false, None),
        ("..xxxxxx", false, Some(7)),
        ("xxxxxxxxx.......", true, None),
        ("xxxxxxxxxx", true, Some(9)),
        ("xxxxx.....xxxxx", true, Some(14)),
        ("xxxxx......xxxxx", true, None),
        ("xxxx......xxxxx.", true, None),
    ];
    for (verdicts, playing, expected) in table {
        let mut bench = Bench::new();
        bench.run(50, SILENCE, NO);
        let mut started = None;
        for (place, verdict) in verdicts.chars().enumerate() {
            let voiced = verdict == 'x';
            let sound = if voiced { VOICE } else { SILENCE };
            bench.run(
                1,
                sound,
                FrameContext {
                    voiced,
                    playing,
                    ..NO
                },
            );
            if bench.segmenter.is_open() {
                started = Some(place);
                break;
            }
        }
        assert_eq!(started, expected, "{verdicts}");
    }
}

#[test]
fn the_lead_is_preroll_and_onset_without_a_gap() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.run(6, VOICE, YES);
    let SpeechEvent::Started { first_voiced, lead } = &bench.out[0] else {
        panic!("{:?}", bench.out);
    };
    assert_eq!(*first_voiced, bench.at_ms(500));
    let sequences: Vec<u64> = lead.iter().map(|frame| frame.sequence).collect();
    assert_eq!(sequences, (30..56).collect::<Vec<u64>>());
}

#[test]
fn the_voice_is_found_by_level_although_the_detector_is_late_at_both_ends() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.run(5, VOICE, NO);
    bench.run(45, VOICE, YES);
    bench.run(15, SILENCE, YES);
    bench.run(60, SILENCE, NO);
    assert_eq!(bench.first_voiced(), vec![bench.at_ms(500)]);
    assert_eq!(bench.last_voiced(), vec![bench.at_ms(1_000)]);
    assert_eq!(
        bench.ended_at,
        vec![bench.at_ms(1_300)],
        "patience, and no more"
    );
}

#[test]
fn hissing_ends_count_even_if_the_detector_denies_them() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.run(30, VOICE, YES);
    bench.run(2, SILENCE, YES);
    bench.run(1, SILENCE, NO);
    bench.run(15, VOICE / 5.0, NO);
    bench.run(60, SILENCE, NO);
    assert_eq!(bench.last_voiced(), vec![bench.at_ms(980)]);
}

#[test]
fn in_noise_that_hides_the_voice_the_detector_decides() {
    let mut bench = Bench::new();
    bench.run(50, 0.1, NO);
    bench.run(50, VOICE, YES);
    bench.run(60, 0.1, NO);
    // The window of the last yes is all that it is late.
    assert_eq!(bench.last_voiced(), vec![bench.at_ms(990)]);
    assert_eq!(bench.ended_at, vec![bench.at_ms(1_290)]);
}

#[test]
fn a_pause_shorter_than_patience_ends_nothing() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    for _ in 0..3 {
        bench.run(20, VOICE, YES);
        bench.run(29, SILENCE, NO);
    }
    assert!(bench.ended_at.is_empty());
    bench.run(1, SILENCE, NO);
    assert_eq!(bench.ended_at, vec![bench.now()]);
    // And the next one needs its trigger again.
    bench.run(5, VOICE, YES);
    bench.run(20, SILENCE, NO);
    assert_eq!(bench.starts(), 1);
    bench.run(6, VOICE, YES);
    assert_eq!(bench.starts(), 2);
}

#[test]
fn a_detector_that_goes_on_past_patience_is_waited_for_but_not_for_ever() {
    for (yes, expected) in [(10, 1_300), (35, 1_360), (100, 1_450)] {
        let mut bench = Bench::new();
        bench.run(50, SILENCE, NO);
        bench.run(50, VOICE, YES);
        bench.run(yes, SILENCE, YES);
        bench.run(60, SILENCE, NO);
        assert_eq!(
            bench.ended_at,
            vec![bench.at_ms(expected)],
            "{yes} frames of tail"
        );
    }
}

#[test]
fn what_an_utterance_took_is_not_in_the_next_ones_lead() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.run(20, VOICE, YES);
    bench.run(32, SILENCE, NO);
    bench.run(20, VOICE, YES);
    let SpeechEvent::Ended { .. } = bench.out[bench.out.len() - 16] else {
        panic!("{:?}", kinds(&bench.out));
    };
    let sequences = bench.sequences();
    assert!(
        sequences.windows(2).all(|w| w[0] + 1 == w[1]),
        "{sequences:?}"
    );
}

#[test]
fn the_first_200_ms_start_nothing() {
    let mut bench = Bench::new();
    bench.run(1, VOICE / 10.0, YES);
    bench.run(24, VOICE, YES);
    assert_eq!(bench.starts(), 0);
    bench.run(1, VOICE, YES);
    assert_eq!(bench.starts(), 1, "six frames after those, it does");
    bench.segmenter.reset(&mut bench.out);
    assert_eq!(bench.kinds(), "SE");
    bench.run(1, VOICE / 10.0, YES);
    bench.run(24, VOICE, YES);
    assert_eq!(bench.starts(), 1, "a reset begins anew");
}

#[test]
fn the_talk_key_opens_and_closes_at_once() {
    let mut bench = Bench::new();
    bench.run(5, SILENCE, NO);
    bench.run(1, SILENCE, HELD);
    let SpeechEvent::Started { first_voiced, lead } = &bench.out[0] else {
        panic!("{:?}", bench.out);
    };
    assert_eq!((*first_voiced, lead.len()), (bench.at_ms(50), 6));
    // Silence much longer than patience is part of it.
    bench.run(
        20,
        VOICE,
        FrameContext {
            voiced: true,
            ..HELD
        },
    );
    bench.run(200, SILENCE, HELD);
    assert!(bench.ended_at.is_empty());
    bench.run(1, SILENCE, NO);
    assert_eq!(bench.last_voiced(), vec![bench.at_ms(260)]);
    assert!(
        matches!(bench.out.last(), Some(SpeechEvent::Ended { .. })),
        "without the frame"
    );
}

#[test]
fn the_keys_preroll_is_short_and_without_blocked_frames() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.run(1, SILENCE, HELD);
    assert_eq!(bench.sequences(), (35..51).collect::<Vec<u64>>());
    let mut bench = Bench::new();
    bench.run(50, SILENCE, BLOCKED);
    bench.run(5, SILENCE, NO);
    bench.run(5, SILENCE, BLOCKED);
    bench.run(2, SILENCE, NO);
    bench.run(1, SILENCE, HELD);
    assert_eq!(bench.sequences(), [60, 61, 62]);
    let mut bench = Bench::new();
    bench.run(5, SILENCE, BLOCKED);
    bench.run(
        2,
        SILENCE,
        FrameContext {
            blocked: true,
            ..HELD
        },
    );
    assert_eq!(
        bench.sequences(),
        [5, 6],
        "the key is stronger than the block"
    );
}

#[test]
fn a_key_without_speech_ends_where_it_was_released() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, HELD);
    bench.segmenter.close(&mut bench.out);
    assert_eq!(bench.last_voiced(), vec![bench.at_ms(500)]);
}

#[test]
fn a_key_pressed_in_mid_utterance_takes_it_over() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.run(20, VOICE, YES);
    bench.run(100, SILENCE, HELD);
    assert_eq!((bench.starts(), bench.ended_at.len()), (1, 0));
    bench.run(1, SILENCE, NO);
    assert_eq!(bench.last_voiced(), vec![bench.at_ms(700)]);
}

#[test]
fn nothing_starts_while_blocked_nor_reaches_back_into_it() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.run(
        100,
        VOICE,
        FrameContext {
            blocked: true,
            ..YES
        },
    );
    assert!(bench.out.is_empty());
    bench.run(5, VOICE, YES);
    assert!(
        bench.out.is_empty(),
        "the trigger counts from the end of the block"
    );
    bench.run(1, VOICE, YES);
    assert_eq!(bench.sequences(), (150..156).collect::<Vec<u64>>());
    bench.run(
        10,
        VOICE,
        FrameContext {
            blocked: true,
            ..YES
        },
    );
    assert_eq!(
        bench.sequences(),
        (150..166).collect::<Vec<u64>>(),
        "an open utterance goes on"
    );
}

#[test]
fn closing_ends_an_open_utterance_once() {
    let mut bench = Bench::new();
    bench.segmenter.close(&mut bench.out);
    assert!(bench.out.is_empty());
    bench.run(50, SILENCE, NO);
    bench.run(20, VOICE, YES);
    bench.segmenter.close(&mut bench.out);
    bench.segmenter.close(&mut bench.out);
    assert_eq!(bench.last_voiced(), vec![bench.at_ms(700)]);
}

#[test]
fn a_gap_in_the_stream_is_not_bridged_by_the_preroll() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.next += 7;
    bench.run(3, SILENCE, NO);
    bench.run(6, VOICE, YES);
    assert_eq!(bench.sequences(), (57..66).collect::<Vec<u64>>());
}

#[test]
fn a_stuck_detector_is_rearmed_and_relaxed() {
    let mut bench = Bench::new();
    bench.run(100, SILENCE, NO);
    bench.run(900, 0.05, YES);
    let (at, note) = bench.notes[0];
    // Nine tenths of the eight seconds that are looked at.
    assert!(
        (819..=900).contains(&at) && note == SegmentNote::Rearm,
        "{:?}",
        bench.notes
    );
    assert_eq!((bench.starts(), bench.last_voiced().len()), (1, 1));
    // It stays stuck: no other utterance, no other note.
    bench.run(2_000, 0.05, YES);
    assert_eq!((bench.starts(), bench.notes.len()), (1, 1));
    // A voice above the noise is still heard.
    bench.run(50, 0.5, YES);
    bench.run(100, 0.05, YES);
    assert_eq!((bench.starts(), bench.last_voiced().len()), (2, 2));
    bench.run(499, SILENCE, NO);
    assert_eq!(bench.notes.len(), 1);
    bench.run(1, SILENCE, NO);
    assert_eq!(
        bench.notes.last().map(|note| note.1),
        Some(SegmentNote::Relax)
    );
}

#[test]
fn a_minute_of_speech_is_not_taken_for_a_stuck_detector() {
    // Syllables of different lengths around four in a second, without a breath.
    let mut bench = Bench::new();
    for count in 0..240 {
        let length = 20 + (count * 7) % 11;
        for place in 0..length {
            let rise = (place as f32 / length as f32 * std::f32::consts::PI).sin();
            bench.run(1, 0.02 + 0.2 * rise, YES);
        }
    }
    assert_eq!((bench.starts(), bench.notes.len()), (1, 0));
    assert!(bench.ended_at.is_empty());
}

#[test]
fn a_held_key_is_never_taken_for_a_stuck_detector() {
    let mut bench = Bench::new();
    bench.run(
        3_000,
        0.05,
        FrameContext {
            voiced: true,
            ..HELD
        },
    );
    assert!(bench.notes.is_empty() && bench.ended_at.is_empty());
}

#[test]
fn new_settings_hold_from_the_next_frame_on() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.run(20, VOICE, YES);
    bench.run(25, SILENCE, NO);
    bench.segmenter.set_settings(SegmentSettings {
        patience: Duration::from_millis(700),
        ..SETTINGS
    });
    bench.run(44, SILENCE, NO);
    assert!(bench.ended_at.is_empty());
    bench.run(1, SILENCE, NO);
    assert_eq!(bench.ended_at, vec![bench.at_ms(1_400)]);
    let sequences = bench.sequences();
    assert_eq!(sequences, (30..140).collect::<Vec<u64>>());
}

#[test]
fn no_setting_is_too_large_or_too_small() {
    for duration in [Duration::ZERO, Duration::MAX] {
        let mut bench = Bench::new();
        bench.segmenter.set_settings(SegmentSettings {
            onset_idle: duration,
            onset_playing: duration,
            patience: duration,
            preroll: duration,
        });
        bench.run(1, SILENCE, NO);
        bench.next = u64::from(u32::MAX);
        bench.run(50, SILENCE, NO);
        bench.run(20, VOICE, YES);
        bench.run(20, SILENCE, NO);
        assert_eq!(bench.starts(), usize::from(duration.is_zero()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_is_lost_repeated_or_left_open(steps in prop::collection::vec(step(), 1..40)) {
        let mut bench = Bench::new();
        for step in steps {
            match step {
                Step::Hear { frames, sound, context } => {
                    for _ in 0..frames {
                        bench.checked(sound, context)?;
                    }
                }
                Step::Use(settings) => bench.segmenter.set_settings(settings),
                Step::Wait(patience) => bench.segmenter.set_patience(patience),
                Step::Close => bench.segmenter.close(&mut bench.out),
                Step::Reset => bench.segmenter.reset(&mut bench.out),
                Step::Gap => bench.next += 3,
            }
        }
        bench.segmenter.close(&mut bench.out);
        let kinds = bench.kinds();
        let talk = kinds.replace("LR", "").replace("LE", "E");
        prop_assert_eq!(talk.replace("SE", ""), "", "every start has its end, every resumption its SilenceStarted: {}", kinds);
        let sequences = bench.sequences();
        prop_assert!(sequences.windows(2).all(|w| w[0] < w[1]), "no frame goes out twice");
        let mut first = None;
        for event in &bench.out {
            match event {
                SpeechEvent::Started { first_voiced, lead } => {
                    let ordered = lead.windows(2).all(|w| w[0].sequence + 1 == w[1].sequence);
                    prop_assert!(ordered && !lead.is_empty(), "the lead has no gap");
                    prop_assert!(*first_voiced >= lead[0].captured);
                    first = Some(*first_voiced);
                }
                SpeechEvent::Frame(_) => {}
                SpeechEvent::SilenceStarted { last_voiced } => {
                    prop_assert!(Some(*last_voiced) >= first);
                    first = Some(*last_voiced);
                }
                SpeechEvent::Resumed { first_voiced, pause } => {
                    prop_assert_eq!(first.map(|last| *first_voiced - last), Some(*pause));
                    first = Some(*first_voiced);
                }
                SpeechEvent::Ended { last_voiced } => prop_assert!(Some(*last_voiced) >= first),
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Hear {
        frames: u32,
        sound: f32,
        context: FrameContext,
    },
    Use(SegmentSettings),
    Wait(Duration),
    Close,
    Reset,
    Gap,
}

fn step() -> impl Strategy<Value = Step> {
    let likely = || prop::bool::weighted(0.85);
    let rarely = || prop::bool::weighted(0.1);
    let hear = (
        1_u32..60,
        likely(),
        any::<bool>(),
        any::<bool>(),
        rarely(),
        rarely(),
    )
        .prop_map(
            |(frames, agrees, voiced, playing, held, blocked)| Step::Hear {
                frames,
                sound: if agrees == voiced { VOICE } else { 0.001 },
                context: FrameContext {
                    voiced,
                    playing,
                    held,
                    blocked,
                },
            },
        );
    let ms = |range: std::ops::Range<u64>| range.prop_map(Duration::from_millis);
    let settings = (ms(0..200), ms(0..200), ms(0..900), ms(0..600)).prop_map(
        |(onset_idle, onset_playing, patience, preroll)| {
            Step::Use(SegmentSettings {
                onset_idle,
                onset_playing,
                patience,
                preroll,
            })
        },
    );
    prop_oneof![
        20 => hear,
        3 => settings,
        1 => (0_u64..900).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        1 => Just(Step::Close),
        1 => Just(Step::Reset),
        1 => Just(Step::Gap),
    ]
}

struct Bench {
    segmenter: Segmenter,
    base: Instant,
    next: u64,
    out: Vec<SpeechEvent>,
    ended_at: Vec<Instant>,
    /// Kind of each event except frames, and the end of the frame at which it was reported.
    told: Vec<(char, Instant)>,
    notes: Vec<(u64, SegmentNote)>,
    /// Of the last frame: whether it may hold voice, and how long nothing had been voiced at its end, and patience.
    before: (bool, Duration, Duration),
}

impl Bench {
    fn new() -> Self {
        Self {
            segmenter: Segmenter::new(SETTINGS),
            base: Instant::now(),
            next: 0,
            out: Vec::new(),
            ended_at: Vec::new(),
            told: Vec::new(),
            notes: Vec::new(),
            before: (false, Duration::ZERO, Duration::ZERO),
        }
    }

    /// Lets it hear frames of the highest tone: every block has the same power, and no filter rings after it.
    fn run(&mut self, frames: u32, amplitude: f32, context: FrameContext) {
        for _ in 0..frames {
            let sequence = self.next;
            let frame = Frame {
                samples: std::array::from_fn::<f32, FRAME_SAMPLES, _>(|i| {
                    if i % 2 == 0 { amplitude } else { -amplitude }
                }),
                sequence,
                captured: self.at_ms(sequence * 10),
            };
            self.next += 1;
            let seen = self.out.len();
            let note = self.segmenter.push(frame, context, &mut self.out);
            self.notes.extend(note.map(|note| (sequence, note)));
            let ended = |event: &SpeechEvent| matches!(event, SpeechEvent::Ended { .. });
            if self.out[seen..].iter().any(ended) {
                self.ended_at.push(self.now());
            }
            let told = kinds(&self.out[seen..]);
            let told = told.chars().filter(|kind| *kind != 'F');
            let now = self.now();
            self.told.extend(told.map(|kind| (kind, now)));
        }
    }

    /// One frame, with a check of the invariants.
    fn checked(&mut self, amplitude: f32, context: FrameContext) -> Result<(), TestCaseError> {
        let seen = self.out.len();
        let notes = self.notes.len();
        let was_open = self.segmenter.is_open();
        let was_held = self.segmenter.open.as_ref().is_some_and(Utterance::is_held);
        self.run(1, amplitude, context);
        let new = &self.out[seen..];
        let newest = self.next - 1;
        let released = was_held && !context.held;
        if was_open && !released {
            let goes_on = matches!(&new[0], SpeechEvent::Frame(frame) if frame.sequence == newest);
            prop_assert!(goes_on, "every frame of an open utterance goes out");
        }
        if let Some(SpeechEvent::Started { lead, .. }) =
            new.iter().find(|e| !matches!(e, SpeechEvent::Ended { .. }))
        {
            prop_assert_eq!(lead.last().map(|frame| frame.sequence), Some(newest));
            prop_assert!(
                context.held || !context.blocked,
                "nothing starts while blocked"
            );
        }
        let patience = self.segmenter.settings.patience;
        let end = self.now();
        match new.last() {
            Some(SpeechEvent::Ended { last_voiced }) if !released && self.notes.len() == notes => {
                prop_assert!(end - *last_voiced >= patience, "patience is kept");
                let before_it = kinds(&self.out[..self.out.len() - 1]).replace('F', "");
                prop_assert!(
                    before_it.ends_with('L'),
                    "SilenceStarted comes before an end"
                );
                let (yes, silence, then) = self.before;
                let late = !yes
                    && silence >= patience.max(then)
                    && silence + FRAME_DURATION == end - *last_voiced;
                prop_assert!(!late || patience < FRAME_DURATION, "and no more than kept");
            }
            _ => {}
        }
        let open = self.segmenter.open.as_ref();
        let silence = open.map(|open| end.saturating_duration_since(open.last_voiced()));
        self.before = (
            context.voiced || context.held || open.is_some_and(Utterance::may_resume),
            silence.unwrap_or_default(),
            patience,
        );
        Ok(())
    }

    fn at_ms(&self, ms: u64) -> Instant {
        self.base + Duration::from_millis(ms)
    }

    /// The end of the newest frame.
    fn now(&self) -> Instant {
        self.at_ms(self.next * 10)
    }

    /// All events except frames, reported by frames or in between.
    fn kinds(&self) -> String {
        kinds(&self.out).replace('F', "")
    }

    /// When events of a kind were reported.
    fn reported_at(&self, kind: char) -> Vec<Instant> {
        let told = self.told.iter().filter(|told| told.0 == kind);
        told.map(|told| told.1).collect()
    }

    fn starts(&self) -> usize {
        kinds(&self.out).matches('S').count()
    }

    fn first_voiced(&self) -> Vec<Instant> {
        let starts = self.out.iter().filter_map(|event| match event {
            SpeechEvent::Started { first_voiced, .. } => Some(*first_voiced),
            SpeechEvent::Frame(_)
            | SpeechEvent::SilenceStarted { .. }
            | SpeechEvent::Resumed { .. }
            | SpeechEvent::Ended { .. } => None,
        });
        starts.collect()
    }

    fn last_voiced(&self) -> Vec<Instant> {
        let ends = self.out.iter().filter_map(|event| match event {
            SpeechEvent::Ended { last_voiced } => Some(*last_voiced),
            SpeechEvent::Frame(_)
            | SpeechEvent::SilenceStarted { .. }
            | SpeechEvent::Resumed { .. }
            | SpeechEvent::Started { .. } => None,
        });
        ends.collect()
    }

    /// Sequence numbers of all frames that went out.
    fn sequences(&self) -> Vec<u64> {
        let mut sequences = Vec::new();
        for event in &self.out {
            match event {
                SpeechEvent::Started { lead, .. } => {
                    sequences.extend(lead.iter().map(|frame| frame.sequence));
                }
                SpeechEvent::Frame(frame) => sequences.push(frame.sequence),
                SpeechEvent::SilenceStarted { .. }
                | SpeechEvent::Resumed { .. }
                | SpeechEvent::Ended { .. } => {}
            }
        }
        sequences
    }
}

/// S, F and E for the events, L and R for pauses.
fn kinds(events: &[SpeechEvent]) -> String {
    let kind = |event: &SpeechEvent| match event {
        SpeechEvent::Started { .. } => 'S',
        SpeechEvent::Frame(_) => 'F',
        SpeechEvent::SilenceStarted { .. } => 'L',
        SpeechEvent::Resumed { .. } => 'R',
        SpeechEvent::Ended { .. } => 'E',
    };
    events.iter().map(kind).collect()
}
