//! The chain as its user sees it: delays, changes, and that nothing breaks it.

use proptest::prelude::*;

use super::*;
use crate::base::units::Dbfs;

const QUIET: Samples = [0.0; FRAME_SAMPLES];
const NOISES: [NoiseSuppressor; 4] = [
    NoiseSuppressor::Off,
    NoiseSuppressor::Light,
    NoiseSuppressor::On,
    NoiseSuppressor::Keyboard,
];

#[test]
fn with_all_off_every_bit_passes_at_once() {
    let mut chain = Chain::new(ChainSettings::default());
    assert_eq!(chain.delay(), Duration::ZERO);
    let mut bursts = Bursts::new(1);
    for _ in 0..100 {
        let given: Samples = bursts.frame().map(|s| s * 4.0);
        let mut taken = given;
        chain.process(&mut taken, &given);
        assert_eq!(given.map(f32::to_bits), taken.map(f32::to_bits));
    }
    assert_eq!(chain.echo_state(), EchoState::default());
}

#[test]
fn the_delay_is_as_reported_for_every_combination() {
    for settings in all_settings() {
        let mut chain = Chain::new(settings);
        let mut bursts = Bursts::new(7);
        let (mut given, mut taken) = (Vec::new(), Vec::new());
        for frame in 0..400 {
            let mut near = bursts.frame();
            let before = near;
            chain.process(&mut near, &QUIET);
            // What is learnt at first changes the shape.
            if frame >= 200 {
                given.extend(before);
                taken.extend(near);
            }
        }
        let late_ms = lag(&given, &taken) / 16.0;
        let told_ms = chain.delay().as_secs_f64() * 1e3;
        assert!(
            (late_ms - told_ms).abs() < 1.0,
            "{settings:?}: {late_ms} ms but {told_ms} ms"
        );
    }
}

#[test]
fn a_change_is_heard_without_a_click_and_without_a_lost_frame() {
    // A tone has no steps of its own: whatever steps are there, the change made them.
    let tone = |at: usize| 0.25 * (at as f32 / 16_000.0 * 440.0 * std::f32::consts::TAU).sin();
    let steepest = 0.25 * 440.0 * std::f32::consts::TAU / 16_000.0;
    let mut last_gain = false;
    for noise in NOISES {
        for echo in [true, false] {
            let mut chain = Chain::new(ChainSettings::default());
            let mut out = Vec::new();
            for frame in 0..220 {
                let on = ChainSettings {
                    echo,
                    noise,
                    gain: last_gain,
                };
                // At frame 40 to all that is on, at 160 back.
                chain.set(if (40..160).contains(&frame) {
                    on
                } else {
                    ChainSettings::default()
                });
                let mut near: Samples = std::array::from_fn(|i| tone(frame * FRAME_SAMPLES + i));
                chain.process(&mut near, &QUIET);
                out.extend(near);
            }
            assert_eq!(out.len(), 220 * FRAME_SAMPLES);
            let step = out
                .windows(2)
                .map(|w| (w[1] - w[0]).abs())
                .fold(0.0, f32::max);
            assert!(
                step < 1.6 * steepest,
                "{noise:?}, echo {echo}: a step of {step}"
            );
            // And back to every bit.
            let tail = out.len() - 30 * FRAME_SAMPLES;
            for (i, sample) in out[tail..].iter().enumerate() {
                assert_eq!(sample.to_bits(), tone(tail + i).to_bits());
            }
        }
        last_gain = !last_gain;
    }
}

/// All through a conversation, by what the three shipped profiles want: ten times a second, and once a second, so that
/// the suppressor has its turn.
#[test]
fn switching_all_the_time_keeps_every_frame_in_its_place() {
    let profiles = [
        ChainSettings::default(),
        ChainSettings {
            echo: true,
            noise: NoiseSuppressor::Light,
            gain: false,
        },
        ChainSettings {
            echo: true,
            noise: NoiseSuppressor::On,
            gain: true,
        },
    ];
    for every in [10, 100] {
        let mut chain = Chain::new(profiles[0]);
        let mut bursts = Bursts::new(11);
        let mut given = Vec::new();
        let mut delays = [Duration::MAX; 2];
        let mut seen = Vec::new();
        for frame in 0..3_000 {
            if frame % every == 0 {
                chain.set(profiles[frame / every % 3]);
            }
            let mut near = bursts.frame();
            given.extend(near);
            chain.process(&mut near, &QUIET);
            delays = [chain.delay(), delays[0]];
            // But for the cross-fades, a frame is what was given `delay` ago.
            let late = (delays[0].as_secs_f64() * 16_000.0).round() as usize;
            let first = (frame * FRAME_SAMPLES).saturating_sub(late);
            let then = &given[first..first + FRAME_SAMPLES];
            if delays[0] == delays[1] && Dbfs::rms(then).0 > -30.0 {
                let alike = likeness(then, &near);
                assert!(alike > 0.6, "every {every}, frame {frame}, {late}: {alike}");
                seen.push(late);
            }
        }
        assert!(seen.len() > 500, "{} frames compared", seen.len());
        seen.sort_unstable();
        seen.dedup();
        assert!(seen.len() >= 2, "the settings took turns: {seen:?}");
    }
}

#[test]
fn a_suppressor_that_comes_in_the_middle_of_a_word_does_not_take_it_for_noise() {
    for noise in [NoiseSuppressor::Light, NoiseSuppressor::On] {
        let mut chain = Chain::new(ChainSettings::default());
        let mut bursts = Bursts::new(11);
        let (mut given, mut taken) = (0.0, 0.0);
        for frame in 0..200 {
            if frame == 10 {
                chain.set(ChainSettings {
                    noise,
                    ..ChainSettings::default()
                });
            }
            let mut near = bursts.frame();
            given += near.iter().map(|s| s * s).sum::<f32>();
            chain.process(&mut near, &QUIET);
            taken += near.iter().map(|s| s * s).sum::<f32>();
        }
        let change = 10.0 * (taken / given).log10();
        assert!(change > -3.0, "{noise:?}: {change} dB");
    }
}

#[test]
fn a_wish_that_is_taken_back_changes_nothing() {
    let mut chain = Chain::new(ChainSettings::default());
    let mut bursts = Bursts::new(13);
    for frame in 0..300 {
        let noise = if frame % 40 < 20 {
            NoiseSuppressor::On
        } else {
            NoiseSuppressor::Off
        };
        chain.set(ChainSettings {
            noise,
            ..ChainSettings::default()
        });
        chain.process(&mut bursts.frame(), &QUIET);
        assert_eq!(chain.delay(), Duration::ZERO);
    }
}

#[test]
fn it_can_be_made_on_another_thread() {
    fn sendable<T: Send>(_: &T) {}
    sendable(&Chain::new(ChainSettings::default()));
}

#[test]
fn stages_that_stay_keep_what_they_learnt() {
    let mut steady = Chain::new(ChainSettings {
        echo: true,
        ..ChainSettings::default()
    });
    let mut switched = Chain::new(ChainSettings {
        echo: true,
        ..ChainSettings::default()
    });
    let mut bursts = Bursts::new(3);
    let mut line = [QUIET; 4];
    let mut left = [0.0_f32; 2];
    for frame in 0..600 {
        let far = bursts.frame();
        line.rotate_right(1);
        line[0] = far;
        // The echo of what was played 30 ms ago, 6 dB down.
        let near = line[3].map(|s| s * 0.5);
        if (300..340).contains(&frame) {
            let noise = if frame % 10 < 5 {
                NoiseSuppressor::On
            } else {
                NoiseSuppressor::Off
            };
            switched.set(ChainSettings {
                noise,
                ..switched.settings()
            });
        }
        for (chain, left) in [&mut steady, &mut switched].into_iter().zip(&mut left) {
            let mut out = near;
            chain.process(&mut out, &far);
            if frame >= 350 {
                *left = left.max(Dbfs::rms(&out).amplitude());
            }
        }
    }
    let [steady_left, switched_left] = left.map(|l| Dbfs::from_amplitude(l).0);
    assert!(
        switched_left < -45.0,
        "the canceller began anew: {switched_left} dBFS"
    );
    assert!(steady_left < -45.0);
    let state = switched.echo_state();
    assert!(state.converged, "{state:?}");
    let delay = state.delay.expect("the far end sounded").as_millis();
    assert!((20..=44).contains(&delay), "{state:?}");
}

#[test]
fn nothing_is_known_of_an_echo_before_anything_was_played() {
    let mut chain = Chain::new(ChainSettings {
        echo: true,
        ..ChainSettings::default()
    });
    let mut bursts = Bursts::new(5);
    for _ in 0..200 {
        chain.process(&mut bursts.frame(), &QUIET);
    }
    assert_eq!(chain.echo_state(), EchoState::default());
}

#[test]
fn loud_sound_stays_within_full_scale() {
    for settings in all_settings().filter(|s| s.any()) {
        let mut chain = Chain::new(settings);
        let mut bursts = Bursts::new(9);
        for _ in 0..100 {
            let mut near = bursts.frame().map(|s| s * 30.0);
            let far = bursts.frame().map(|s| s * 30.0);
            chain.process(&mut near, &far);
            assert!(near.iter().all(|s| s.abs() <= 1.0), "{settings:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_comes_in_finite_numbers_come_out(
        frames in prop::collection::vec((shape(), shape(), 0_usize..16), 1..40),
        seed in any::<u64>(),
    ) {
        let all: Vec<ChainSettings> = all_settings().collect();
        let mut chain = Chain::new(ChainSettings::default());
        let mut dice = Dice(seed | 1);
        for (near, far, settings) in frames {
            if dice.next() > 0.5 {
                chain.set(all[settings]);
            }
            let mut near = near.frame(&mut dice);
            let far = far.frame(&mut dice);
            chain.process(&mut near, &far);
            prop_assert!(near.iter().all(|s| s.is_finite()));
            prop_assert!(chain.delay() < Duration::from_millis(40));
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Sound,
    Constant(f32),
    Spikes(f32),
}

fn shape() -> impl Strategy<Value = Shape> {
    let odd = prop_oneof![
        Just(f32::NAN),
        Just(f32::INFINITY),
        Just(f32::NEG_INFINITY),
        Just(f32::MAX),
        Just(1e-40_f32),
        Just(0.0_f32),
        Just(1.0_f32),
        Just(-16.0_f32),
        any::<f32>(),
    ];
    prop_oneof![
        Just(Shape::Sound),
        odd.clone().prop_map(Shape::Constant),
        odd.prop_map(Shape::Spikes),
    ]
}

impl Shape {
    fn frame(self, dice: &mut Dice) -> Samples {
        std::array::from_fn(|i| match self {
            Self::Sound => dice.next(),
            Self::Constant(value) => value,
            Self::Spikes(value) if i % 17 == 3 => value,
            Self::Spikes(_) => dice.next() * 0.1,
        })
    }
}

fn all_settings() -> impl Iterator<Item = ChainSettings> {
    (0..16).map(|i| ChainSettings {
        echo: i & 1 > 0,
        gain: i & 2 > 0,
        noise: NOISES[i >> 2],
    })
}

/// Noise in words of 200 ms with pauses of 150 ms, about -26 dBFS: no suppressor takes it for a fan.
struct Bursts {
    dice: Dice,
    at: usize,
    last: f32,
}

impl Bursts {
    fn new(seed: u64) -> Self {
        Self {
            dice: Dice(seed | 1),
            at: 0,
            last: 0.0,
        }
    }

    fn frame(&mut self) -> Samples {
        std::array::from_fn(|_| {
            let place = (self.at % 5_600) as f32 / 3_200.0;
            self.at += 1;
            let swell = if place < 1.0 {
                (place * std::f32::consts::PI).sin()
            } else {
                0.0
            };
            // A voice has most of its power below 1 kHz.
            self.last = 0.8 * self.last + 0.2 * self.dice.next();
            swell * self.last * 0.5
        })
    }
}

struct Dice(u64);

impl Dice {
    /// Uniform in -1..1 (xorshift64).
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / 8_388_608.0 - 1.0
    }
}

/// By how many samples `late` is behind `early`: the peak of their correlation, between samples by a parabola.
fn lag(early: &[f32], late: &[f32]) -> f64 {
    let product = |lag: usize| -> f64 {
        let pairs = early.iter().zip(&late[lag..]);
        pairs.map(|(a, b)| f64::from(a * b)).sum()
    };
    let all: Vec<f64> = (0..800).map(product).collect();
    let best = (1..799)
        .max_by(|a, b| all[*a].total_cmp(&all[*b]))
        .unwrap_or(0);
    if all[0] > all[best] {
        return 0.0;
    }
    let (left, top, right) = (all[best - 1], all[best], all[best + 1]);
    best as f64 + 0.5 * (left - right) / (left - 2.0 * top + right)
}

/// The correlation of the treble of two frames, -1..1: high-passes turn the phase of the bass.
fn likeness(a: &[f32], b: &[f32]) -> f32 {
    let treble = |x: &[f32]| -> Vec<f32> { x.windows(2).map(|w| w[1] - w[0]).collect() };
    let (a, b) = (treble(a), treble(b));
    let sum = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    sum(&a, &b) / (sum(&a, &a) * sum(&b, &b)).sqrt().max(1e-12)
}
