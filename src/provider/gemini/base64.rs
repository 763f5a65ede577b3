//! Base64 as the service writes and reads it, with the widest instructions that the processor has.

use std::sync::LazyLock;

use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, PAD, URL_SAFE_PAD_INDIFFERENT,
};
use base64::{DecodeError, Engine as _};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Wide = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Wide = base64::engine::GeneralPurpose;

/// Writes padding, and reads with or without it.
const LENIENT: GeneralPurposeConfig = PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// For what is written in an unusual way: the last letter may hold more bits than are needed.
const LOOSE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    LENIENT.with_decode_allow_trailing_bits(true),
);

/// Made once: its tables take longer than a message.
static STANDARD: LazyLock<Wide> = LazyLock::new(|| {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    return Wide::standard(LENIENT);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return Wide::new(&base64::alphabet::STANDARD, LENIENT);
});

/// Letters that so many bytes become.
pub(super) const fn letters(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// The standard alphabet, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Writes `bytes` to the beginning of `text`, which has room for [`letters`].
pub(super) fn encode_into(bytes: &[u8], text: &mut [u8]) {
    STANDARD
        .encode_slice(bytes, text)
        .expect("three bytes become four letters, and so much room was made");
}

/// Reads both alphabets, with or without padding.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    STANDARD.decode(text).or_else(|error| {
        // The other one is looked for only where this one does not do.
        if text.iter().any(|b| matches!(b, b'-' | b'_')) {
            URL_SAFE_PAD_INDIFFERENT.decode(text)
        } else {
            Err(error)
        }
    })
}

/// Reads what Protobuf's parsers read besides: text in several lines, both alphabets mixed, padding of any length.
pub(super) fn decode_loosely(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
    decode(text).or_else(|_| {
        let letters = text.iter().filter(|letter| !letter.is_ascii_whitespace());
        let mut letters: Vec<u8> = letters
            .map(|letter| match letter {
                b'-' => b'+',
                b'_' => b'/',
                other => *other,
            })
            .collect();
        let end = letters.iter().rposition(|letter| *letter != b'=');
        letters.truncate(end.map_or(0, |last| last + 1));
        LOOSE.decode(letters)
    })
}
