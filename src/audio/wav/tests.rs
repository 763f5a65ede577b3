use hound::{SampleFormat, WavSpec, WavWriter};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::sync::mpsc::channel;

use super::*;

/// Every width and kind of sample, every number of channels, odd rates.
#[test]
fn all_shapes_of_files_are_read_as_the_same_sound() {
    let folder = folder();
    for (bits, sample_format) in [
        (8, SampleFormat::Int),
        (16, SampleFormat::Int),
        (24, SampleFormat::Int),
        (32, SampleFormat::Int),
        (32, SampleFormat::Float),
    ] {
        for channels in [1, 2, 8] {
            for sample_rate in [8_000, 11_025, 44_100, 48_000, 192_000] {
                let spec = WavSpec {
                    channels,
                    sample_rate,
                    bits_per_sample: bits,
                    sample_format,
                };
                let path = folder.path().join("shape.wav");
                write_half(&path, spec, sample_rate / 10);
                let samples = read(&path).expect("a good file").samples;
                // A tenth of a second of a flat half of full scale.
                assert!(samples.len().abs_diff(1_600) <= 1, "{spec:?}");
                let middle = samples[800];
                assert!((middle - 0.5).abs() < 0.02, "{spec:?}: {middle}");
            }
        }
    }
}

#[test]
fn what_cannot_be_used_is_refused_in_words() {
    let folder = folder();
    let header = {
        let path = folder.path().join("header.wav");
        write_half(&path, spec(1, 16_000), 0);
        path
    };
    let nine = folder.path().join("nine.wav");
    write_half(&nine, spec(9, 16_000), 100);
    let slow = folder.path().join("slow.wav");
    write_half(&slow, spec(1, 4_000), 400);
    let fast = folder.path().join("fast.wav");
    write_half(&fast, spec(1, 384_000), 400);
    let empty = folder.path().join("empty.wav");
    std::fs::write(&empty, b"").expect("written");
    let text = folder.path().join("text.wav");
    std::fs::write(
        &text,
        b"This is no sound at all, but a text of some length.",
    )
    .expect("written");
    for (path, word) in [
        (header, "no sound"),
        (nine, "9 channels"),
        (slow, "4000"),
        (fast, "384000"),
        (empty, "empty"),
        (text, "as WAV"),
        (folder.path().to_owned(), "directory"),
        (folder.path().join("missing.wav"), "cannot be opened"),
        (PathBuf::from("-"), "standard input"),
    ] {
        let error = read(&path).expect_err("refused").to_string();
        assert!(error.contains(word), "{word}: {error}");
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}

/// Speech on one channel, or on two that are the negative of each other, is what is spoken.
#[test]
fn the_channel_that_carries_speech_is_spoken() {
    let rate = SampleRate::WORKING.hz();
    let mut seed = 1_u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / 8_388_608.0 - 1.0
    };
    // Four syllables a second of a buzz, from the first sample on.
    let voice: Vec<f32> = (0..2 * rate)
        .map(|n| {
            let syllable = (n as f32 / rate as f32 * 4.0).fract() < 0.6;
            if syllable {
                0.3 * (n as f32 * 0.06).sin()
            } else {
                0.0
            }
        })
        .collect();
    let hiss: Vec<f32> = voice.iter().map(|_| 0.6 * noise()).collect();
    let hum: Vec<f32> = (0..voice.len())
        .map(|n| 0.5 + 0.4 * (n as f32 * 0.02).sin())
        .collect();
    let minus: Vec<f32> = voice.iter().map(|s| -s).collect();
    let nothing = vec![0.0; voice.len()];
    for (name, left, right) in [
        ("noise beside it", &voice, &hiss),
        ("noise before it", &hiss, &voice),
        ("hum beside it", &hum, &voice),
        ("silence beside it", &nothing, &voice),
        ("opposite phase", &voice, &minus),
        ("twice the same", &voice, &voice),
    ] {
        let samples: Vec<u8> = left
            .iter()
            .zip(right)
            .flat_map(|(l, r)| [*l, *r])
            .flat_map(|s| ((s * 32_767.0) as i16).to_le_bytes())
            .collect();
        let mut file = wav::header(SampleRate::WORKING, samples.len() as u32);
        file[22] = 2;
        let spoken = decode(&[&file[..], &samples].concat()[..], Path::new("x"))
            .expect("two channels")
            .samples;
        let product: f32 = spoken.iter().zip(&voice).map(|(a, b)| a * b).sum();
        let energy = |s: &[f32]| s.iter().map(|s| s * s).sum::<f32>();
        let likeness = product / (energy(&spoken) * energy(&voice)).sqrt();
        assert!(likeness.abs() > 0.98, "{name}: {likeness}");
        assert!(
            (energy(&spoken) / energy(&voice) - 1.0).abs() < 0.1,
            "{name}: the level changes"
        );
    }
}

#[test]
fn a_file_that_was_cut_off_is_spoken_as_far_as_it_goes() {
    let folder = folder();
    let path = folder.path().join("cut.wav");
    write_half(&path, spec(1, 16_000), 1_600);
    let whole = std::fs::read(&path).expect("written");
    std::fs::write(&path, &whole[..44 + 1_000]).expect("written");
    assert_eq!(read(&path).expect("a part is there").samples.len(), 500);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_the_reader_panic(
        damage in prop::collection::vec((0_usize..200, any::<u8>()), 0..12),
        length in 0_usize..244,
    ) {
        let folder = folder();
        let path = folder.path().join("damaged.wav");
        write_half(&path, spec(1, 16_000), 100);
        let mut bytes = std::fs::read(&path).expect("written");
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        bytes.truncate(length);
        std::fs::write(&path, bytes).expect("written");
        if let Ok(utterance) = read(&path) {
            prop_assert!(utterance.samples.iter().all(|s| s.is_finite()));
        }
    }
}

#[test]
fn a_recording_is_a_valid_file_at_any_time_and_holds_sound_only() {
    let folder = folder();
    let path = folder.path().join("out.wav");
    let output = WavOutput::create(&path, channel(1).0).expect("created");
    assert_eq!(recorded(&path), [] as [i16; 0], "before any sound");
    let mut sink = output.recorder;
    let mut now = Instant::now();
    sink.take(&[0.5; 240], true, now);
    sink.tick(now);
    assert_eq!(recorded(&path), [16_384; 240], "while it runs");
    // Nothing to play: nothing is written. Full scale does not turn over.
    sink.take(&[0.0; 240], false, now);
    sink.take(&[1.0, -1.0, 2.0], true, now);
    now += FLUSH_EVERY;
    sink.tick(now);
    let sound = recorded(&path);
    assert_eq!(sound.len(), 243);
    assert_eq!(sound[240..], [32_767, -32_768, 32_767]);
    // Within a second of it, when the reply is over.
    sink.take(&[0.5; 240], true, now);
    sink.take(&[0.0; 240], false, now);
    sink.tick(now);
    assert_eq!(recorded(&path).len(), 483);
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_full_is_refused_at_once() {
    let error = WavOutput::create(Path::new("/dev/full"), channel(1).0).err();
    let error = error.expect("nothing can be written").to_string();
    assert!(
        error.contains("/dev/full cannot be written: No space"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_deleted_recording_is_reported_once_even_to_a_busy_conversation() {
    let folder = folder();
    let path = folder.path().join("out.wav");
    let (events, mut reported) = channel(1);
    events
        .try_send(VoiceEvent::DetectorRearmed)
        .expect("room for one");
    let mut sink = WavOutput::create(&path, events).expect("created").recorder;
    let now = Instant::now();
    sink.take(&[0.5; 240], true, now);
    std::fs::remove_file(&path).expect("there");
    sink.tick(now);
    assert!(matches!(
        reported.try_recv(),
        Ok(VoiceEvent::DetectorRearmed)
    ));
    for _ in 0..3 {
        sink.take(&[0.5; 240], true, now);
        sink.tick(now);
    }
    let Ok(VoiceEvent::NotWritten(what)) = reported.try_recv() else {
        panic!("it is not reported");
    };
    assert!(
        what.contains("out.wav") && what.contains("deleted"),
        "{what}"
    );
    assert!(reported.try_recv().is_err(), "once");
}

#[test]
fn a_recording_that_cannot_be_made_is_refused_with_its_name() {
    let folder = folder();
    let path = folder.path().join("no such folder").join("out.wav");
    let error = WavOutput::create(&path, channel(1).0).err();
    let error = error.expect("refused").to_string();
    assert!(
        error.contains("out.wav") && error.contains("cannot be written"),
        "{error}"
    );
}

fn recorded(path: &Path) -> Vec<i16> {
    let reader = hound::WavReader::open(path).expect("a valid file");
    let spec = reader.spec();
    assert_eq!(
        (spec.channels, spec.sample_rate, spec.bits_per_sample),
        (1, 24_000, 16)
    );
    reader.into_samples().map(|s| s.expect("whole")).collect()
}

fn write_half(path: &Path, spec: WavSpec, frames: u32) {
    let mut writer = WavWriter::create(path, spec).expect("created");
    for _ in 0..frames * u32::from(spec.channels) {
        match spec.sample_format {
            SampleFormat::Float => writer.write_sample(0.5_f32),
            SampleFormat::Int => writer.write_sample(1_i32 << (spec.bits_per_sample - 2)),
        }
        .expect("written");
    }
    writer.finalize().expect("finished");
}

fn spec(channels: u16, sample_rate: u32) -> WavSpec {
    WavSpec {
        channels,
        sample_rate,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}
