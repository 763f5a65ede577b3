//! Raw PCM on the wire: what arrives becomes samples or is refused, what leaves becomes a message with one allocation.

use super::base64::{encode_into, letters};
use crate::base::units::SampleRate;

/// What an uplink message says before the sound. Nothing in it depends on the sound, so it is not serialised anew.
const PREFIX: &str = r#"{"realtimeInput":{"audio":{"data":""#;
/// What it says behind the sound: the working rate.
const SUFFIX: &str = r#"","mimeType":"audio/pcm;rate=16000"}}}"#;

/// MIME type of the uplink.
pub const UPLINK_MIME: &str = "audio/pcm;rate=16000";
/// MIME type of replies at [`SampleRate::REPLY`].
pub const REPLY_MIME: &str = "audio/pcm;rate=24000";
/// Rates that are played: telephone to studio. What lies outside is a mistake, and a mistaken rate is noise.
const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=48_000;

/// Samples as 16-bit little-endian bytes.
#[must_use]
pub fn to_bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// Puts samples together from chunks that may end in the middle of one.
#[derive(Debug, Default)]
pub struct PcmReader {
    half: Option<u8>,
    odd_chunks: u64,
}

impl PcmReader {
    /// The samples of this chunk; half a sample at its end waits for the next chunk.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<i16> {
        if bytes.len() % 2 == 1 {
            self.odd_chunks += 1;
        }
        let mut samples = Vec::with_capacity(bytes.len() / 2 + 1);
        let mut rest = bytes;
        if let (Some(low), Some((&high, after))) = (self.half, rest.split_first()) {
            samples.push(i16::from_le_bytes([low, high]));
            self.half = None;
            rest = after;
        }
        let (pairs, half) = rest.as_chunks::<2>();
        samples.extend(pairs.iter().map(|pair| i16::from_le_bytes(*pair)));
        if let Some(&half) = half.first() {
            self.half = Some(half);
        }
        samples
    }

    /// Forgets half a sample: another answer begins.
    pub fn reset(&mut self) {
        self.half = None;
    }

    /// How many chunks had an odd length.
    #[must_use]
    pub fn odd_chunks(&self) -> u64 {
        self.odd_chunks
    }
}

/// The rate that the MIME type of a reply names; [`SampleRate::REPLY`] if it names none.
///
/// # Errors
/// It is not mono 16-bit PCM of 8 to 48 kHz.
pub fn reply_rate(mime: &str) -> Result<SampleRate, NotPlayable> {
    if mime == REPLY_MIME {
        return Ok(SampleRate::REPLY);
    }
    rate_of(mime, SampleRate::REPLY)
}

/// The rate that a MIME type names, `otherwise` if it names none.
///
/// # Errors
/// It is not mono 16-bit PCM of 8 to 48 kHz.
pub fn rate_of(mime: &str, otherwise: SampleRate) -> Result<SampleRate, NotPlayable> {
    let refused = |why: &str| NotPlayable {
        mime: mime.chars().take(60).collect(),
        why: why.to_owned(),
    };
    let mut parts = mime.split(';').map(str::trim);
    if !parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("audio/pcm"))
    {
        return Err(refused("not audio/pcm"));
    }
    let mut rate = otherwise;
    for parameter in parts.filter(|p| !p.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "rate" => {
                rate = (value.trim().parse().ok())
                    .filter(|hz| RATES_HZ.contains(hz))
                    .and_then(SampleRate::new)
                    .ok_or_else(|| refused("the rate is not one of 8000 to 48000"))?;
            }
            "channels" if value.trim() != "1" => return Err(refused("not mono")),
            _ => {}
        }
    }
    Ok(rate)
}

/// Sound that is not played, because it would be noise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sound of type {mime:?} cannot be played: {why}")]
pub struct NotPlayable {
    mime: String,
    why: String,
}

/// Makes uplink messages: a fixed prefix, base64, a fixed suffix. The same text as
/// [`ClientMessage::to_json`](super::message::ClientMessage::to_json) at a fraction of the instructions.
#[derive(Debug, Default)]
pub struct UplinkWriter {
    bytes: Vec<u8>,
}

impl UplinkWriter {
    /// The message that carries `samples` at [`SampleRate::WORKING`]. Allocates the message and nothing else.
    pub fn message(&mut self, samples: &[i16]) -> String {
        self.bytes.clear();
        self.bytes
            .extend(samples.iter().flat_map(|s| s.to_le_bytes()));
        let encoded = letters(self.bytes.len());
        let mut text = Vec::with_capacity(PREFIX.len() + encoded + SUFFIX.len());
        text.extend_from_slice(PREFIX.as_bytes());
        text.resize(PREFIX.len() + encoded, 0);
        encode_into(&self.bytes, &mut text[PREFIX.len()..]);
        text.extend_from_slice(SUFFIX.as_bytes());
        String::from_utf8(text).expect("base64 and the constants are ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    use crate::live::message::{Blob, ClientMessage, RealtimeInput};

    #[test]
    fn mime_types_are_played_or_refused() {
        let rate = |hz| SampleRate::new(hz).expect("not zero");
        let played = [
            ("audio/pcm", 24_000),
            ("audio/pcm;rate=24000", 24_000),
            ("Audio/PCM; Rate=16000 ; channels=1", 16_000),
            ("audio/pcm;rate=8000;", 8_000),
            ("audio/pcm;rate=48000;codec=x", 48_000),
        ];
        for (mime, hz) in played {
            assert_eq!(reply_rate(mime), Ok(rate(hz)), "{mime}");
        }
        let refused = [
            "",
            "audio/opus",
            "audio/pcmu",
            "audio/pcm;rate=0",
            "audio/pcm;rate=abc",
            "audio/pcm;rate=",
            "audio/pcm;rate",
            "audio/pcm;rate=-1",
            "audio/pcm;rate=4000000000",
            "audio/pcm;rate=99999999999999999999",
            "audio/pcm;rate=7999",
            "audio/pcm;rate=48001",
            "audio/pcm;rate=24000;channels=2",
        ];
        for mime in refused {
            assert!(reply_rate(mime).is_err(), "{mime}");
        }
    }

    #[test]
    fn half_a_sample_waits_for_the_rest() {
        let mut reader = PcmReader::default();
        assert_eq!(reader.read(&[1]), [0; 0]);
        assert_eq!(reader.read(&[]), [0; 0]);
        assert_eq!(reader.read(&[2, 3, 4]), [0x0201, 0x0403]);
        assert_eq!(reader.read(&[5]), [0; 0]);
        reader.reset();
        assert_eq!(reader.read(&[6, 7]), [0x0706]);
        assert_eq!(reader.odd_chunks(), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn cutting_a_stream_anywhere_changes_nothing(
            samples in proptest::collection::vec(any::<i16>(), 0..200),
            cuts in proptest::collection::vec(0_usize..400, 0..8),
        ) {
            let bytes = to_bytes(&samples);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut reader = PcmReader::default();
            let read: Vec<i16> = cuts
                .windows(2)
                .flat_map(|cut| reader.read(&bytes[cut[0]..cut[1]]))
                .collect();
            prop_assert_eq!(read, samples);
        }

        #[test]
        fn the_fast_way_writes_what_the_slow_way_writes(
            samples in proptest::collection::vec(any::<i16>(), 0..700),
        ) {
            let blob = Blob { data: to_bytes(&samples), mime_type: UPLINK_MIME.to_owned() };
            let slow = ClientMessage::from(RealtimeInput::Audio(blob)).to_json();
            let mut writer = UplinkWriter::default();
            prop_assert_eq!(writer.message(&samples), writer.message(&samples));
            prop_assert_eq!(writer.message(&samples), slow);
        }
    }
}
