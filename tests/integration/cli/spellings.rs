//! Texts that are looked for, as they are and in the spellings that programs write texts in.

use std::fmt::Write as _;

use base64::Engine as _;

/// All of a text that is looked for: `doctor` shows the ending of a key.
const MOST: usize = 24;

/// A text as others may write it down, each with the name of the spelling.
fn spellings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let text = &text[..text.len().min(MOST)];
    let each = |format: fn(&mut String, u8)| {
        let mut out = String::new();
        text.bytes().for_each(|byte| format(&mut out, byte));
        out.into_bytes()
    };
    let rot13 = text.bytes().map(|byte| match byte {
        b'a'..=b'z' => (byte - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (byte - b'A' + 13) % 26 + b'A',
        other => other,
    });
    let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
    let mut all = vec![
        ("plain", text.as_bytes().to_vec()),
        ("capitals", text.to_uppercase().into_bytes()),
        ("small letters", text.to_lowercase().into_bytes()),
        ("reversed", text.bytes().rev().collect()),
        ("rot13", rot13.collect()),
        (
            "hexadecimal",
            each(|out, byte| write!(out, "{byte:02x}").expect("text")),
        ),
        (
            "HEXADECIMAL",
            each(|out, byte| write!(out, "{byte:02X}").expect("text")),
        ),
        (
            "hexadecimal in pairs",
            each(|out, byte| write!(out, "{byte:02x} ").expect("text")),
        ),
        (
            "percent",
            each(|out, byte| write!(out, "%{byte:02X}").expect("text")),
        ),
        (
            "percent, small",
            each(|out, byte| write!(out, "%{byte:02x}").expect("text")),
        ),
        (
            "JSON",
            each(|out, byte| write!(out, "\\u{byte:04x}").expect("text")),
        ),
        (
            "C",
            each(|out, byte| write!(out, "\\x{byte:02x}").expect("text")),
        ),
        (
            "octal",
            each(|out, byte| write!(out, "\\{byte:03o}").expect("text")),
        ),
        (
            "list of bytes",
            each(|out, byte| write!(out, "{byte}, ").expect("text")),
        ),
        (
            "HTML",
            each(|out, byte| write!(out, "&#{byte};").expect("text")),
        ),
        (
            "HTML, hexadecimal",
            each(|out, byte| write!(out, "&#x{byte:x};").expect("text")),
        ),
        (
            "quoted-printable",
            each(|out, byte| write!(out, "={byte:02X}").expect("text")),
        ),
        (
            "bits",
            each(|out, byte| write!(out, "{byte:08b}").expect("text")),
        ),
        ("UTF-16 LE", wide(u16::to_le_bytes)),
        ("UTF-16 BE", wide(u16::to_be_bytes)),
        (
            "UTF-32",
            text.chars()
                .flat_map(|c| u32::from(c).to_le_bytes())
                .collect(),
        ),
        ("base32", base32(text)),
        ("ascii85", ascii85(text)),
    ];
    // The letters depend on where in three bytes the text begins; those that its neighbours take part in are left out.
    for (before, name, url_name) in [
        (0, "base64", "base64 of addresses"),
        (
            1,
            "base64 behind one byte",
            "base64 of addresses behind one byte",
        ),
        (
            2,
            "base64 behind two bytes",
            "base64 of addresses behind two bytes",
        ),
    ] {
        let bytes = [&b"xx"[..before], text.as_bytes()].concat();
        let whole = bytes.len() / 3 * 4;
        let first = (before * 8).div_ceil(6);
        let standard = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let url = base64::engine::general_purpose::URL_SAFE.encode(&bytes);
        all.push((name, standard.as_bytes()[first..whole].to_vec()));
        all.push((url_name, url.as_bytes()[first..whole].to_vec()));
    }
    // The end of the text changes the last letters of these.
    for (name, bytes) in &mut all {
        let drops = match *name {
            "base32" => 8,
            "hexadecimal in pairs" => 1,
            "list of bytes" => 2,
            _ => 0,
        };
        bytes.truncate(bytes.len() - drops);
    }
    all
}

fn base32(text: &str) -> Vec<u8> {
    let bits: String = text
        .bytes()
        .fold(String::new(), |bits, byte| format!("{bits}{byte:08b}"));
    let letters = bits.as_bytes().chunks(5).map(|five| {
        let five = str::from_utf8(five).expect("digits");
        let number = usize::from_str_radix(five, 2).expect("digits") << (5 - five.len());
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[number]
    });
    letters.collect()
}

fn ascii85(text: &str) -> Vec<u8> {
    let (words, _) = text.as_bytes().as_chunks::<4>();
    let letters = words.iter().flat_map(|word| {
        let number = u32::from_be_bytes(*word);
        [4, 3, 2, 1, 0]
            .map(|power| u8::try_from(number / 85_u32.pow(power) % 85).expect("small") + b'!')
    });
    letters.collect()
}

/// Fails where one of these texts is found, in any spelling.
#[track_caller]
pub(super) fn assert_without(texts: &[&str], place: &str, bytes: &[u8]) {
    for text in texts {
        for (spelling, needle) in spellings(text) {
            if let Some(at) = memchr::memmem::find(bytes, &needle) {
                let around = at.saturating_sub(300)..(at + needle.len() + 100).min(bytes.len());
                let around = String::from_utf8_lossy(&bytes[around]).into_owned();
                panic!("`{text}` is in {place} ({spelling}): {around}");
            }
        }
    }
}

const TEXTS: [&str; 3] = [
    "AIzaSyCanaryKey-0123456789_abcdefghijkl",
    "a-password of 20 or so",
    "quokkawordspoken",
];

#[test]
fn every_spelling_is_found() {
    for text in TEXTS {
        let all = spellings(text);
        assert!(all.len() >= 20, "{}", all.len());
        for (spelling, needle) in all {
            assert!(needle.len() >= 12, "{text}: {spelling}");
            let found = std::panic::catch_unwind(|| {
                assert_without(&[text], "a text", &[b"ab", &needle[..], b"c"].concat())
            });
            assert!(found.is_err(), "{text}: {spelling}");
        }
        // Whatever stands before and behind it.
        for before in ["", "x", "xy"] {
            let coded = base64::engine::general_purpose::STANDARD
                .encode(format!("{before}{text} and more"));
            let found =
                std::panic::catch_unwind(|| assert_without(&[text], "a text", coded.as_bytes()));
            assert!(found.is_err(), "{text} behind {before:?}");
        }
    }
    assert_without(&TEXTS, "a text", b"another");
}
