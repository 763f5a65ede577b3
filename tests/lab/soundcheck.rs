//! The guided test of the sound, in rooms whose echo is known.

use sovereign::base::frame::FRAME_SAMPLES;
use sovereign::base::units::SampleRate;
use sovereign::dsp::resample::Resampler;
use sovereign::dsp::sound_check::{SoundCheck, SoundCheckFinding, SoundCheckReport, Step};

use crate::room::{Room, RoomSettings, Speaker};
use crate::table::Table;

#[test]
fn sound_check() {
    let mut table = Table::new(
        "sound-check",
        "The guided test: echo delay and loss as found with one chirp, and as they are. The room is that of `echo-loss`.",
        &["room", "delay, ms", "loss, dB", "findings"],
    );
    let room = RoomSettings::default();
    for (name, room, heard) in [
        (
            "5 ms",
            RoomSettings {
                delay_ms: 5.0,
                ..room
            },
            true,
        ),
        ("40 ms", room, true),
        (
            "120 ms, 30 dB lower",
            RoomSettings {
                delay_ms: 120.0,
                loss_db: 30.0,
                ..room
            },
            true,
        ),
        (
            "350 ms",
            RoomSettings {
                delay_ms: 350.0,
                ..room
            },
            true,
        ),
        (
            "noise -45 dBFS",
            RoomSettings {
                noise_dbfs: -45.0,
                ..room
            },
            true,
        ),
        (
            "linear speaker, 3 dB louder",
            RoomSettings {
                speaker: Speaker::Linear,
                loss_db: 3.0,
                ..room
            },
            true,
        ),
        (
            "small speaker",
            RoomSettings {
                speaker: Speaker::Hard,
                ..room
            },
            true,
        ),
        (
            "echoing room",
            RoomSettings {
                direct_db: -10.0,
                decay_s: 0.5,
                ..room
            },
            true,
        ),
        (
            "drift 300 ppm",
            RoomSettings {
                drift_ppm: 300.0,
                ..room
            },
            true,
        ),
        (
            "headset",
            RoomSettings {
                loss_db: 200.0,
                ..room
            },
            false,
        ),
        (
            "headset, noise -40 dBFS",
            RoomSettings {
                loss_db: 200.0,
                noise_dbfs: -40.0,
                ..room
            },
            false,
        ),
    ] {
        let report = run(room);
        let delay = report.echo_delay.map(|d| d.as_secs_f32() * 1e3);
        table.row(&[
            name.to_owned(),
            delay.map_or("-".into(), |ms| format!("{ms:.1} of {:.1}", room.delay_ms)),
            report
                .echo_loss_db
                .map_or("-".into(), |db| format!("{db:.1} of {:.1}", room.loss_db)),
            format!("{:?}", report.findings),
        ]);
        assert_eq!(delay.is_some(), heard, "{name}: {report:?}");
        assert_eq!(
            report.findings.contains(&SoundCheckFinding::NoEcho),
            !heard,
            "{name}"
        );
        if let (Some(ms), Some(db)) = (delay, report.echo_loss_db) {
            assert!((ms - room.delay_ms).abs() < 2.0, "{name}: {ms} ms");
            assert!((db - room.loss_db).abs() < 4.0, "{name}: {db} dB");
        }
    }
    table.finish();
}

fn run(settings: RoomSettings) -> SoundCheckReport {
    let mut room = Room::new(settings);
    let mut check = SoundCheck::new(false);
    let mut playing: Vec<f32> = Vec::new();
    for _ in 0..1_000 {
        let far: [f32; FRAME_SAMPLES] =
            std::array::from_fn(|i| playing.get(i).copied().unwrap_or(0.0));
        playing.drain(..FRAME_SAMPLES.min(playing.len()));
        match check.push(&room.push(&far), &far) {
            Step::Play(samples) => {
                let rate = SampleRate::WORKING;
                let mut down = Resampler::new(SampleRate::REPLY, rate, 64).expect("made");
                let full: Vec<f32> = samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
                // What the queue of the speaker holds back.
                playing = vec![0.0; 800];
                down.push(&full, &mut playing);
            }
            Step::Done(report) => return report,
            Step::Nothing | Step::Prompt(_) => {}
        }
    }
    panic!("it ends within ten seconds");
}
