use proptest::prelude::*;

use super::*;

/// A file as somebody wrote it: every field that can be wrong.
#[derive(Clone, Debug)]
struct Written {
    kind: &'static [u8; 4],
    riff_size: u32,
    before: Vec<u8>,
    /// `None`: 16 and what follows.
    format_size: Option<u32>,
    tag: u16,
    channels: u16,
    rate: u32,
    per_second: u32,
    block: u16,
    bits: u16,
    extension: Vec<u8>,
    between: Vec<u8>,
    /// `None`: as it is.
    data_size: Option<u32>,
    after: Vec<u8>,
}

impl Written {
    fn good(tag: u16, channels: u16, bits: u16) -> Self {
        let block = channels * bits.div_ceil(8);
        Self {
            kind: b"RIFF",
            riff_size: 36,
            before: vec![],
            format_size: None,
            tag,
            channels,
            rate: 16_000,
            per_second: 16_000 * u32::from(block),
            block,
            bits,
            extension: vec![],
            between: vec![],
            data_size: None,
            after: vec![],
        }
    }

    fn extensible(tag: u16, channels: u16, bits: u16, valid: u16) -> Self {
        let mut extension = [22_u16, valid, 0, 0, tag].map(u16::to_le_bytes).concat();
        extension.extend(b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
        Self {
            extension,
            ..Self::good(EXTENSIBLE, channels, bits)
        }
    }

    fn with(&self, samples: &[u8]) -> Vec<u8> {
        let big = self.kind == b"RIFX";
        let short = |n: u16| {
            if big {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            }
        };
        let long = |n: u32| {
            if big {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            }
        };
        let mut file = self.kind.to_vec();
        file.extend(long(self.riff_size));
        file.extend(b"WAVE");
        file.extend(&self.before);
        file.extend(b"fmt ");
        file.extend(long(
            self.format_size.unwrap_or(16 + self.extension.len() as u32),
        ));
        file.extend([short(self.tag), short(self.channels)].concat());
        file.extend([long(self.rate), long(self.per_second)].concat());
        file.extend([short(self.block), short(self.bits)].concat());
        file.extend(&self.extension);
        file.extend(&self.between);
        file.extend(b"data");
        file.extend(long(self.data_size.unwrap_or(samples.len() as u32)));
        file.extend(samples);
        file.extend(&self.after);
        file
    }
}

const EXTENSIBLE: u16 = 0xfffe;

fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut chunk = unpadded(id, body);
    chunk.resize(chunk.len() + body.len() % 2, 0);
    chunk
}

/// As writers do who forget the pad byte.
fn unpadded(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&id[..], &(body.len() as u32).to_le_bytes(), body].concat()
}

fn pcm(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

fn read(file: &[u8]) -> Sound {
    decode(file).expect("a WAV file")
}

fn tone(frames: usize) -> Vec<i16> {
    let wave = (0..frames).map(|n| ((n as f32 * 0.3).sin() * 20_000.0) as i16);
    wave.collect()
}

fn numbers(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|&s| f32::from(s) / 32_768.0).collect()
}

/// What else real files hold, in every length, with the pad byte and without it.
fn chunks() -> impl Strategy<Value = Vec<u8>> {
    let ids = prop::sample::select(vec![
        *b"LIST", *b"JUNK", *b"bext", *b"fact", *b"cue ", *b"id3 ",
    ]);
    let one = (
        ids,
        prop::collection::vec(any::<u8>(), 0..40),
        any::<bool>(),
    );
    let some = prop::collection::vec(one, 0..4);
    some.prop_map(|some| {
        let chunks = some.iter().map(|(id, body, pad)| {
            if *pad {
                chunk(id, body)
            } else {
                unpadded(id, body)
            }
        });
        chunks.collect::<Vec<_>>().concat()
    })
}

fn wrong_size() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        Just(u32::MAX),
        Just(0x7fff_ffff),
        Just(1),
        Just(36),
        any::<u32>()
    ]
}

proptest! {
    /// Sizes and redundant fields say whatever they like: the samples are the same.
    #[test]
    fn what_is_redundant_changes_nothing(
        frames in 50_usize..300,
        channels in 1_u16..=3,
        riff_size in wrong_size(),
        before in chunks(),
        between in chunks(),
        after in chunks(),
        per_second in any::<u32>(),
        block in prop_oneof![Just(0_u16), any::<u16>()],
        (extension, format_size) in prop_oneof![
            Just((vec![], None)),
            Just((vec![0, 0], None)),
            Just((vec![0, 0], Some(16))),
            Just((vec![9, 7, 1, 2, 3], None)),
            Just((vec![0; 24], None)),
            Just((vec![], Some(18))),
            Just((vec![], Some(0))),
            Just((vec![], Some(u32::MAX))),
        ],
        size in prop_oneof![Just(None), Just(Some(0)), Just(Some(u32::MAX)), Just(Some(0x7fff_f000)), Just(Some(1))],
        more in 0_usize..2,
    ) {
        let samples = tone(frames * usize::from(channels));
        let mut bytes = pcm(&samples);
        // A frame that was not finished; where a chunk follows, its size is what tells.
        if after.is_empty() {
            bytes.resize(bytes.len() + more, 7);
        }
        let written = Written {
            riff_size,
            before,
            between: if extension.len() % 2 == 1 && format_size.is_none() {
                [vec![0], between].concat()
            } else {
                between
            },
            per_second,
            block,
            extension,
            format_size,
            data_size: size,
            after,
            ..Written::good(1, channels, 16)
        };
        let sound = read(&written.with(&bytes));
        prop_assert_eq!(sound.channels, channels);
        prop_assert_eq!(sound.samples, numbers(&samples));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        damage in prop::collection::vec((0_usize..200, any::<u8>()), 0..12),
        kind in prop::sample::select(vec![b"RIFF", b"RIFX", b"RF64"]),
        length in 0_usize..244,
    ) {
        let written = Written { kind, between: chunk(b"ds64", &[1; 28]), ..Written::good(1, 1, 16) };
        let mut file = written.with(&pcm(&tone(90)));
        for (at, byte) in damage {
            file[at] = byte;
        }
        file.truncate(length);
        if let Ok(sound) = decode(&file[..]) {
            prop_assert_eq!(sound.samples.len() % usize::from(sound.channels), 0);
        }
    }
}

/// Every coding, width and byte order of the same ramp.
#[test]
fn every_coding_is_the_same_sound() {
    let ramp: Vec<f64> = (-100..100).map(|n| f64::from(n) / 128.0).collect();
    let scaled = |bits: u32, shift: u32| {
        let full = 2_f64.powi(bits as i32 - 1);
        ramp.iter().map(move |s| ((s * full) as i64 | 1) << shift)
    };
    let bytes = |values: &mut dyn Iterator<Item = i64>, width: usize| -> Vec<u8> {
        values
            .flat_map(|v| v.to_le_bytes()[..width].to_vec())
            .collect()
    };
    let unsigned: Vec<u8> = ramp.iter().map(|s| (s * 128.0 + 128.0) as u8).collect();
    let single: Vec<u8> = ramp
        .iter()
        .flat_map(|s| (*s as f32).to_le_bytes())
        .collect();
    let double: Vec<u8> = ramp.iter().flat_map(|s| s.to_le_bytes()).collect();
    let wide = |bits| Written {
        // Two fields that agree say that each sample has four bytes.
        block: 4,
        per_second: 64_000,
        ..Written::good(1, 1, bits)
    };
    let big = |written: Written| Written {
        kind: b"RIFX",
        ..written
    };
    let turned = |bytes: Vec<u8>, width: usize| -> Vec<u8> {
        bytes
            .chunks(width)
            .flat_map(|sample| sample.iter().rev().copied().collect::<Vec<_>>())
            .collect()
    };
    let cases = [
        ("8", Written::good(1, 1, 8), unsigned.clone()),
        ("16", Written::good(1, 1, 16), bytes(&mut scaled(16, 0), 2)),
        ("24", Written::good(1, 1, 24), bytes(&mut scaled(24, 0), 3)),
        ("32", Written::good(1, 1, 32), bytes(&mut scaled(32, 0), 4)),
        ("64", Written::good(1, 1, 64), bytes(&mut scaled(60, 4), 8)),
        (
            "12 in 16",
            Written::good(1, 1, 12),
            bytes(&mut scaled(12, 4), 2),
        ),
        (
            "20 in 24",
            Written::extensible(1, 1, 24, 20),
            bytes(&mut scaled(20, 4), 3),
        ),
        (
            "20 in 24, plain",
            Written::good(1, 1, 20),
            bytes(&mut scaled(20, 4), 3),
        ),
        (
            "20 in 24, below",
            Written::extensible(1, 1, 24, 20),
            bytes(&mut scaled(20, 0), 3),
        ),
        (
            "24 in 32",
            Written::extensible(1, 1, 32, 24),
            bytes(&mut scaled(24, 8), 4),
        ),
        (
            "24 in 32, below",
            Written::extensible(1, 1, 32, 24),
            bytes(&mut scaled(24, 0), 4),
        ),
        ("24 in 32, plain", wide(24), bytes(&mut scaled(24, 8), 4)),
        (
            "24 in 32, plain, below",
            wide(24),
            bytes(&mut scaled(24, 0), 4),
        ),
        (
            "32 said to be 24",
            Written::extensible(1, 1, 32, 24),
            bytes(&mut scaled(32, 0), 4),
        ),
        (
            "no valid bits",
            Written::extensible(1, 1, 16, 0),
            bytes(&mut scaled(16, 0), 2),
        ),
        (
            "too many valid bits",
            Written::extensible(1, 1, 16, 99),
            bytes(&mut scaled(16, 0), 2),
        ),
        ("8, extensible", Written::extensible(1, 1, 8, 8), unsigned),
        ("float", Written::good(3, 1, 32), single.clone()),
        (
            "float, extensible",
            Written::extensible(3, 1, 32, 32),
            single.clone(),
        ),
        ("double", Written::good(3, 1, 64), double),
        (
            "bits missing",
            Written {
                bits: 0,
                ..Written::good(1, 1, 16)
            },
            bytes(&mut scaled(16, 0), 2),
        ),
        (
            "float, bits missing",
            Written {
                bits: 0,
                ..Written::good(3, 1, 32)
            },
            single.clone(),
        ),
        (
            "16, RIFX",
            big(Written::good(1, 1, 16)),
            turned(bytes(&mut scaled(16, 0), 2), 2),
        ),
        (
            "24, RIFX",
            big(Written::good(1, 1, 24)),
            turned(bytes(&mut scaled(24, 0), 3), 3),
        ),
        (
            "float, RIFX",
            big(Written::good(3, 1, 32)),
            turned(single, 4),
        ),
    ];
    for (name, written, bytes) in cases {
        let sound = read(
            &Written {
                bits: written.bits,
                ..written
            }
            .with(&bytes),
        );
        assert_eq!(sound.samples.len(), ramp.len(), "{name}");
        for (found, wanted) in sound.samples.iter().zip(&ramp) {
            assert!(
                (f64::from(*found) - wanted).abs() < 1e-3,
                "{name}: {found}, {wanted} wanted"
            );
        }
    }
}

/// Figures of ITU-T G.711, as ffmpeg decodes them.
#[test]
fn telephone_codings_are_decoded() {
    let cases: [(u16, &[(u8, i16)]); 2] = [
        (
            6,
            &[
                (0xd5, 8),
                (0x55, -8),
                (0x2a, -32_256),
                (0xaa, 32_256),
                (0x85, 4_224),
                (0x00, -5_504),
            ],
        ),
        (
            7,
            &[
                (0xff, 0),
                (0x7f, 0),
                (0x00, -32_124),
                (0x80, 32_124),
                (0xf0, 120),
                (0x70, -120),
            ],
        ),
    ];
    for (tag, codes) in cases {
        let bytes: Vec<u8> = codes.iter().map(|(code, _)| *code).collect();
        let values: Vec<i16> = codes.iter().map(|(_, value)| *value).collect();
        // Their bits are always 8, whatever is written.
        for bits in [8, 16, 0] {
            let sound = read(
                &Written {
                    bits,
                    ..Written::good(tag, 1, 8)
                }
                .with(&bytes),
            );
            assert_eq!(sound.samples, numbers(&values), "{tag} of {bits} bits");
        }
    }
}

#[test]
fn what_is_around_the_sound_is_not_spoken() {
    let samples = tone(200);
    let bytes = pcm(&samples);
    let good = Written::good(1, 1, 16);
    let tag = [&b"TAG"[..], &[b'x'; 125]].concat();
    let id3 = [&b"ID3\x04\0\0\0\0\0\x14"[..], &[9; 20]].concat();
    let long = [
        &8_000_u64.to_le_bytes()[..],
        &400_u64.to_le_bytes(),
        &200_u64.to_le_bytes(),
        &[0; 4],
    ]
    .concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        (
            "an ID3v1 tag behind",
            [good.with(&bytes), tag.clone()].concat(),
        ),
        (
            "the same behind a stream",
            [
                Written {
                    data_size: Some(u32::MAX),
                    ..good.clone()
                }
                .with(&bytes),
                tag,
            ]
            .concat(),
        ),
        (
            "an ID3v2 tag behind",
            [good.with(&bytes), id3.clone()].concat(),
        ),
        ("an ID3v2 tag in front", [id3, good.with(&bytes)].concat()),
        (
            "rubbish behind",
            [good.with(&bytes), vec![0x55; 99]].concat(),
        ),
        (
            "a chunk whose size is too large",
            Written {
                before: [&b"LIST\xff\xff\0\0"[..], &[1; 9]].concat(),
                ..good.clone()
            }
            .with(&bytes),
        ),
        (
            "a chunk whose size is too small",
            Written {
                between: [&b"LIST\x02\0\0\0"[..], &[1; 30]].concat(),
                ..good.clone()
            }
            .with(&bytes),
        ),
        (
            "64 bit sizes",
            Written {
                kind: b"RF64",
                before: chunk(b"ds64", &long),
                data_size: Some(u32::MAX),
                after: vec![0x55; 99],
                ..good.clone()
            }
            .with(&bytes),
        ),
        (
            "64 bit sizes that are missing",
            Written {
                kind: b"RF64",
                data_size: Some(u32::MAX),
                ..good.clone()
            }
            .with(&bytes),
        ),
        (
            "a size that was never brought up to date",
            Written {
                data_size: Some(40),
                ..good.clone()
            }
            .with(&bytes),
        ),
    ];
    for (name, file) in cases {
        assert_eq!(read(&file).samples, numbers(&samples), "{name}");
    }
    // Sound that begins like the name of a chunk is sound.
    let sly = [&b"LIST"[..], &bytes].concat();
    let sound = read(
        &Written {
            data_size: Some(0),
            ..good
        }
        .with(&sly),
    );
    assert_eq!(sound.samples.len(), 202);
}

#[test]
fn an_outdated_size_hides_no_sound() {
    let samples = tone(20_000);
    let artwork = [&b"ID3\x04\0\0\0\0\x7f\x76"[..], &[9; 16_374]].concat();
    let file = |size, after| {
        Written {
            data_size: size,
            after,
            ..Written::good(1, 1, 16)
        }
        .with(&pcm(&samples))
    };
    // 40 000 bytes are there. The last 1 000 could be rubbish; 16 000 are sound.
    for (size, after, spoken) in [
        (Some(24_000), vec![], 20_000),
        (Some(39_000), vec![], 19_500),
        (None, artwork, 20_000),
    ] {
        let sound = read(&file(size, after));
        assert_eq!(sound.samples.len(), spoken, "{size:?}");
    }
}

#[test]
fn only_a_file_that_was_cut_off_ends_early() {
    let bytes = pcm(&tone(100));
    for (size, early) in [
        (None, false),
        (Some(0), false),
        (Some(u32::MAX), false),
        (Some(0x7fff_f000), false),
        (Some(400), true),
    ] {
        let sound = read(
            &Written {
                data_size: size,
                ..Written::good(1, 1, 16)
            }
            .with(&bytes),
        );
        assert_eq!(
            (sound.samples.len(), sound.ends_early),
            (100, early),
            "{size:?}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    let bytes = pcm(&tone(100));
    let good = Written::good(1, 1, 16);
    let of = |tag| {
        Written {
            tag,
            ..good.clone()
        }
        .with(&bytes)
    };
    let odd_float = Written {
        bits: 16,
        block: 2,
        ..Written::good(3, 1, 16)
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("Microsoft ADPCM", of(2)),
        ("IMA ADPCM", of(0x11)),
        ("GSM", of(0x31)),
        ("MP3", of(0x55)),
        ("unknown format (0x1234)", of(0x1234)),
        ("no named format", of(EXTENSIBLE)),
        ("floats of 16 bits", odd_float.with(&bytes)),
        (
            "0 channels",
            Written {
                channels: 0,
                ..good.clone()
            }
            .with(&bytes),
        ),
        (
            "9 channels",
            Written {
                channels: 9,
                ..good.clone()
            }
            .with(&bytes),
        ),
        (
            "header",
            Written {
                rate: 0,
                ..good.clone()
            }
            .with(&bytes),
        ),
        ("no sound", good.with(&[])),
        ("no sound", good.with(&[1])),
        (
            "no sound",
            Written {
                after: chunk(b"LIST", b"INFO"),
                ..good.clone()
            }
            .with(&[]),
        ),
        ("no sound", good.with(&bytes)[..36].to_vec()),
        ("header", good.with(&bytes)[..30].to_vec()),
        ("header", good.with(&bytes)[..10].to_vec()),
        ("header", b"RIFF\0\0\0\0WAVE".to_vec()),
        ("another kind", b"RIFF\0\0\0\0AVI LIST".to_vec()),
        ("FLAC", b"fLaC\0\0\0\x22\x10\0\x10\0\0\0".to_vec()),
        (
            "MP3",
            b"ID3\x04\0\0\0\0\0\x02xx\xff\xfb\x90\0 and so on".to_vec(),
        ),
        ("M4A", b"\0\0\0\x20ftypM4A \0\0".to_vec()),
        (
            "something else",
            b"hello there, this is no sound at all".to_vec(),
        ),
        ("something else", vec![]),
    ];
    for (word, file) in cases {
        let error = decode(&file[..]).expect_err(word).to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}

#[test]
fn reading_ends_with_what_is_no_wav_file_or_too_long() {
    let endless = io::repeat(0);
    assert!(matches!(decode(endless), Err(WavError::Other(_))));
    let head = Written::good(1, 1, 16).with(&[]);
    let endless = (&head[..]).chain(io::repeat(0).take(LARGEST + 1));
    assert!(matches!(decode(endless), Err(WavError::TooLarge)));
}

#[test]
fn what_is_written_is_a_good_file() {
    let samples = tone(100);
    let rate = SampleRate::REPLY;
    let file = [&header(rate, 200)[..], &pcm(&samples)].concat();
    let reader = hound::WavReader::new(&file[..]).expect("another reader takes it");
    assert_eq!(
        (
            reader.spec().sample_rate,
            reader.spec().bits_per_sample,
            reader.len()
        ),
        (24_000, 16, 100)
    );
    assert_eq!(read(&file).samples, numbers(&samples));
}

#[test]
fn a_word_in_a_text_is_no_chunk_of_sound() {
    let samples = tone(200);
    let bytes = pcm(&samples);
    let good = Written::good(1, 1, 16).with(&bytes);
    let at = good.windows(4).position(|id| id == b"data").expect("there");
    let text = b"ICMT\x1c\0\0\0metadata by some recorder  ";
    for wrong in [0_u32, 1, 1_000_000, u32::MAX] {
        let list = [&b"LIST"[..], &wrong.to_le_bytes(), &b"INFO"[..], &text[..]].concat();
        let file = [&good[..at], &list, &good[at..]].concat();
        assert_eq!(read(&file).samples.len(), samples.len(), "LIST of {wrong}");
    }
}

#[test]
fn a_chunk_that_nobody_knows_behind_the_sound_is_not_spoken() {
    let samples = tone(200);
    let bytes = pcm(&samples);
    let strange = [&b"ResU"[..], &64_000_u32.to_le_bytes(), &[0x5a; 64_000]].concat();
    let file = [Written::good(1, 1, 16).with(&bytes), strange].concat();
    assert_eq!(read(&file).samples.len(), samples.len());
}
