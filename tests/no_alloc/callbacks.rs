//! The bodies of the audio callbacks allocate nothing, whatever the block, the channels and the sample format.

use std::time::{Duration, Instant};

use assert_no_alloc::assert_no_alloc;
use proptest::prelude::*;
use sovereign::audio::StreamFormat;
use sovereign::audio::capture::capture;
use sovereign::audio::playback::playback;
use sovereign::base::units::SampleRate;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn capture_allocates_nothing(
        channels in 1_u16..=8,
        frames in prop::collection::vec(0_usize..5_000, 1..20),
        ragged in 0_usize..8,
    ) {
        // A worker to wake is part of the body.
        let worker = std::thread::current();
        let (mut body, mut end) = capture(format(channels), Instant::now(), Some(worker));
        let most = 5_000 * usize::from(channels) + ragged;
        let (floats, shorts, bytes) = (vec![0.5_f32; most], vec![7_i16; most], vec![200_u8; most]);
        let mut out = vec![0.0; most];
        for n in frames {
            let n = n * usize::from(channels) + ragged;
            assert_no_alloc(|| {
                let now = Instant::now();
                body.run(&floats[..n], |s| s, now, None);
                body.run(&shorts[..n], |s| f32::from(s) / 32_768.0, now, Some(Duration::from_millis(3)));
                body.run(&bytes[..n], |s| (f32::from(s) - 128.0) / 128.0, now, None);
                end.ring.pop(&mut out);
            });
        }
    }

    #[test]
    fn playback_allocates_nothing(
        channels in 1_u16..=8,
        steps in prop::collection::vec((0_usize..5_000, 0_usize..3_000, any::<bool>()), 1..30),
        ragged in 0_usize..8,
    ) {
        let worker = std::thread::current();
        let (mut body, mut end) = playback(format(channels), Instant::now(), Some(worker));
        end.wake_below(1_000);
        let sound = vec![0.7_f32; 3_000];
        let most = 5_000 * usize::from(channels) + ragged;
        let (mut floats, mut shorts) = (vec![0.0_f32; most], vec![0_i16; most]);
        for (frames, pushed, flush) in steps {
            let n = frames * usize::from(channels) + ragged;
            assert_no_alloc(|| {
                end.ring.push(&sound[..pushed]);
                if flush {
                    end.flush();
                }
                let now = Instant::now();
                body.run(&mut floats[..n], |s| s, now, Some(Duration::from_millis(3)));
                body.run(&mut shorts[..n], |s| (s * 32_767.0) as i16, now, None);
                while end.notes.pop_one().is_some() {}
            });
        }
    }
}

/// Callbacks of each body. At 128 frames and 48 kHz that is more than seven hours.
const CALLBACKS: usize = 10_000_000;
/// As short as hosts make them: PulseAudio gives 12 to 20 frames at a time.
const SHORT: usize = 24;
/// What is done between two looks at the other end.
const BATCH: usize = 50;

#[test]
fn ten_million_captures_allocate_nothing_and_lose_nothing() {
    let worker = std::thread::current();
    let (mut body, mut end) = capture(format(2), Instant::now(), Some(worker));
    let block = [0.5_f32; 2 * SHORT];
    let mut out = [0.0; 2 * SHORT * BATCH];
    let (now, mut given, mut taken) = (Instant::now(), 0, 0);
    for batch in 0..CALLBACKS / BATCH {
        assert_no_alloc(|| {
            for n in 0..BATCH {
                let frames = (batch * 7 + n * 5) % (SHORT + 1);
                body.run(&block[..2 * frames], |s| s, now, None);
                given += 2 * frames;
            }
            taken += end.ring.pop(&mut out);
        });
    }
    assert_eq!(end.timestamps.callbacks(), CALLBACKS as u64);
    assert_eq!((given, end.ring.dropped()), (taken, 0));
}

#[test]
fn ten_million_playbacks_allocate_nothing_in_every_state() {
    let worker = std::thread::current();
    let (mut body, mut end) = playback(format(2), Instant::now(), Some(worker));
    end.wake_below(1_000);
    let sound = [0.7_f32; SHORT * BATCH];
    let mut block = [0.0_f32; 2 * SHORT];
    let (now, mut notes) = (Instant::now(), 0);
    for batch in 0..CALLBACKS / BATCH {
        assert_no_alloc(|| {
            // Plays, runs dry, is flushed: in the fade-in, in the middle, in the tail.
            end.ring.push(&sound[..(batch * 37) % sound.len()]);
            for n in 0..BATCH {
                if (batch * BATCH + n).is_multiple_of(977) {
                    end.flush();
                }
                let frames = (batch * 7 + n * 5) % (SHORT + 1);
                body.run(&mut block[..2 * frames], |s| s, now, None);
            }
            while end.notes.pop_one().is_some() {
                notes += 1;
            }
        });
    }
    assert_eq!(end.timestamps.callbacks(), CALLBACKS as u64);
    assert!(notes > CALLBACKS / 1_000, "{notes} changes of state");
}

#[test]
fn the_guard_bites() {
    let this = std::env::current_exe().expect("a test knows its own file");
    let run = |name: &str| {
        let mut child = std::process::Command::new(&this);
        child
            .args(["--exact", &format!("callbacks::{name}"), "--ignored"])
            .output()
            .expect("a test can be run again")
            .status
    };
    assert!(!run("allocate_under_the_guard").success());
    assert!(run("allocate_beside_the_guard").success());
}

#[test]
#[ignore = "ends the process: run by the_guard_bites"]
fn allocate_under_the_guard() {
    assert_no_alloc(|| std::hint::black_box(vec![0_u8; 100]));
}

#[test]
#[ignore = "run by the_guard_bites"]
fn allocate_beside_the_guard() {
    std::hint::black_box(vec![0_u8; 100]);
}

fn format(channels: u16) -> StreamFormat {
    StreamFormat {
        rate: SampleRate::new(48_000).expect("not zero"),
        channels,
        period: Some(512),
        held_blocks: 0,
    }
}
