use super::*;
use crate::vad::SILENCE_STARTED_AFTER;

#[test]
fn silence_starts_after_120_ms_whatever_the_detectors_tail() {
    for tail in [0, 5, 15, 25] {
        let mut bench = Bench::new();
        bench.run(50, SILENCE, NO);
        bench.run(50, VOICE, YES);
        bench.run(tail, SILENCE, YES);
        bench.run(60 - tail, SILENCE, NO);
        assert_eq!(bench.kinds(), "SLE");
        assert_eq!(bench.reported_at('L'), vec![bench.at_ms(1_120)], "{tail}");
        assert_eq!(bench.ended_at, vec![bench.at_ms(1_300)], "{tail}");
        let silence_started = SpeechEvent::SilenceStarted {
            last_voiced: bench.at_ms(1_000),
        };
        assert!(bench.out.contains(&silence_started));
    }
}

#[test]
fn in_noise_that_hides_the_voice_silence_waits_for_the_detector() {
    let mut bench = Bench::new();
    bench.run(50, 0.1, NO);
    bench.run(50, VOICE, YES);
    bench.run(20, 0.1, NO);
    assert_eq!(
        bench.reported_at('L'),
        vec![bench.at_ms(990) + SILENCE_STARTED_AFTER]
    );
}

#[test]
fn a_resumption_takes_30_ms_of_voice_within_60() {
    // Verdicts after `SilenceStarted`, and the frame at which the pause is over.
    let table = [
        ("xxx", Some(2)),
        ("xx...............", None),
        ("x.x.x", Some(4)),
        ("x..x.x", Some(5)),
        ("x...x.x..", None),
        ("x.....x.....x.....", None),
    ];
    for (verdicts, expected) in table {
        let mut bench = Bench::new();
        bench.segmenter.set_patience(Duration::from_secs(1));
        bench.run(50, SILENCE, NO);
        bench.run(50, VOICE, YES);
        bench.run(20, SILENCE, NO);
        for verdict in verdicts.chars() {
            let (sound, context) = if verdict == 'x' {
                (VOICE, YES)
            } else {
                (SILENCE, NO)
            };
            bench.run(1, sound, context);
        }
        let at = |frame: u64| bench.at_ms(1_200 + 10 * (frame + 1));
        let expected: Vec<Instant> = expected.into_iter().map(at).collect();
        assert_eq!(bench.reported_at('R'), expected, "{verdicts}");
    }
}

#[test]
fn level_and_detector_must_agree_on_a_resumption() {
    for (sound, context) in [(VOICE, NO), (SILENCE, YES)] {
        let mut bench = Bench::new();
        bench.run(50, SILENCE, NO);
        bench.run(50, VOICE, YES);
        bench.run(15, SILENCE, NO);
        bench.run(10, sound, context);
        assert_eq!(bench.kinds(), "SL", "{sound} {context:?}");
    }
}

#[test]
fn where_the_voice_goes_on_is_found_by_level_although_the_detector_is_late() {
    let mut bench = Bench::new();
    bench.segmenter.set_patience(Duration::from_millis(500));
    bench.run(50, SILENCE, NO);
    bench.run(50, VOICE, YES);
    bench.run(20, SILENCE, NO);
    bench.run(12, VOICE, NO);
    bench.run(10, VOICE, YES);
    bench.run(60, SILENCE, NO);
    assert_eq!(bench.kinds(), "SLRLE");
    let resumed = SpeechEvent::Resumed {
        first_voiced: bench.at_ms(1_200),
        pause: Duration::from_millis(200),
    };
    assert!(bench.out.contains(&resumed), "{:?}", bench.out);
    assert_eq!(bench.last_voiced(), vec![bench.at_ms(1_420)]);
    assert_eq!(bench.ended_at, vec![bench.at_ms(1_920)]);
}

#[test]
fn a_click_in_a_pause_neither_resumes_nor_extends() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.run(50, VOICE, YES);
    bench.run(15, SILENCE, NO);
    bench.run(2, VOICE, YES);
    bench.run(60, SILENCE, NO);
    assert_eq!(bench.kinds(), "SLE");
    assert_eq!(bench.last_voiced(), vec![bench.at_ms(1_000)]);
    assert_eq!(bench.ended_at, vec![bench.at_ms(1_300)]);
}

#[test]
fn a_voice_that_comes_back_as_patience_ends_is_waited_for() {
    // Frames of voice after 290 ms, and when it is over; the window of one click is all that is waited for.
    for (voiced, ended) in [(1, Some(1_360)), (3, None)] {
        let mut bench = Bench::new();
        bench.run(50, SILENCE, NO);
        bench.run(50, VOICE, YES);
        bench.run(29, SILENCE, NO);
        bench.run(voiced, VOICE, YES);
        bench.run(10, SILENCE, NO);
        let ended: Vec<Instant> = ended.into_iter().map(|ms| bench.at_ms(ms)).collect();
        assert_eq!(bench.ended_at, ended, "{voiced}");
    }
}

#[test]
fn the_key_takes_over_a_pause_and_reports_no_other() {
    let mut bench = Bench::new();
    bench.run(50, SILENCE, NO);
    bench.run(50, VOICE, YES);
    bench.run(15, SILENCE, NO);
    bench.run(100, SILENCE, HELD);
    assert_eq!(bench.kinds(), "SLR");
    assert_eq!(bench.reported_at('R'), vec![bench.at_ms(1_160)]);
    bench.run(1, SILENCE, NO);
    assert_eq!(bench.kinds(), "SLRE");
}

#[test]
fn patience_shorter_than_the_silence_threshold_reports_both_at_once() {
    let mut bench = Bench::new();
    bench.segmenter.set_patience(Duration::from_millis(80));
    bench.run(50, SILENCE, NO);
    bench.run(50, VOICE, YES);
    bench.run(20, SILENCE, NO);
    assert_eq!(bench.kinds(), "SLE");
    assert_eq!(bench.reported_at('L'), bench.ended_at);
    assert_eq!(bench.ended_at, vec![bench.at_ms(1_080)]);
}

#[test]
fn patience_can_be_changed_within_a_pause() {
    for (patience, expected) in [(200, 1_210), (700, 1_700)] {
        let mut bench = Bench::new();
        bench.run(50, SILENCE, NO);
        bench.run(50, VOICE, YES);
        bench.run(20, SILENCE, NO);
        bench
            .segmenter
            .set_patience(Duration::from_millis(patience));
        bench.run(80, SILENCE, NO);
        assert_eq!(bench.kinds(), "SLE");
        assert_eq!(bench.ended_at, vec![bench.at_ms(expected)]);
    }
}

#[test]
fn a_beginning_that_the_detector_missed_does_not_become_noise_within_an_utterance() {
    let mut bench = Bench::new();
    bench.segmenter.set_patience(Duration::from_secs(1));
    bench.run(50, 0.001, NO);
    for _ in 0..10 {
        bench.run(30, VOICE, YES);
        bench.run(30, 0.001, NO);
        // A late detector: what it missed again and again would end above the voice.
        bench.run(15, VOICE, NO);
    }
    bench.run(30, VOICE, YES);
    bench.run(110, 0.001, NO);
    assert_eq!(
        bench.ended_at,
        vec![bench.now() - Duration::from_millis(100)]
    );
}
