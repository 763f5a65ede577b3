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
pub fn to_bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// MIME type of PCM whose order of bytes its name does not settle.
const L16: &str = "audio/L16";

/// Puts samples together from chunks that may end in the middle of one.
#[derive(Debug, Default)]
pub struct PcmReader {
    half: Option<u8>,
    odd_chunks: u64,
    order: ByteOrder,
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

    /// The same of sound of this MIME type. RFC 2586 and RFC 3551 write `audio/L16` with the high byte first, Google's
    /// speech services write it with the low byte first. The wrong order is loud noise, so the sound itself decides.
    pub fn read_as(&mut self, mime: &str, bytes: &[u8]) -> Vec<i16> {
        let mut samples = self.read(bytes);
        if is_kind(mime, L16) {
            self.order.listen(&samples);
            if self.order.is_big() {
                samples
                    .iter_mut()
                    .for_each(|sample| *sample = sample.swap_bytes());
            }
        }
        samples
    }

    /// Forgets half a sample and the order of bytes: another answer begins.
    pub fn reset(&mut self) {
        self.half = None;
        self.order = ByteOrder::default();
    }

    /// How many chunks had an odd length.
    pub fn odd_chunks(&self) -> u64 {
        self.odd_chunks
    }
}

/// Which byte of a sample comes first. Neighbouring samples of a sound are near to each other; read in the wrong order they
/// are as far apart as those of noise.
#[derive(Debug, Default)]
struct ByteOrder {
    /// The steps between neighbours so far, read with the low byte first.
    little: u64,
    /// The same with the high byte first.
    big: u64,
}

impl ByteOrder {
    /// Takes in samples that were read with the low byte first.
    fn listen(&mut self, samples: &[i16]) {
        for pair in samples.array_windows::<2>() {
            let [one, next] = *pair;
            self.little += u64::from(one.abs_diff(next));
            self.big += u64::from(one.swap_bytes().abs_diff(next.swap_bytes()));
        }
    }

    fn is_big(&self) -> bool {
        self.big < self.little
    }
}

/// The rate that the MIME type of a reply names; [`SampleRate::REPLY`] if it names none.
pub fn reply_rate(mime: &str) -> Result<SampleRate, NotPlayable> {
    if mime == REPLY_MIME {
        return Ok(SampleRate::REPLY);
    }
    rate_of(mime, SampleRate::REPLY)
}

/// The rate that a MIME type names, `otherwise` if it names none. Refuses all but mono 16-bit PCM of 8 to 48 kHz.
pub fn rate_of(mime: &str, otherwise: SampleRate) -> Result<SampleRate, NotPlayable> {
    let refused = |why: &str| NotPlayable {
        mime: mime.chars().take(60).collect(),
        why: why.to_owned(),
    };
    if !is_kind(mime, "audio/pcm") && !is_kind(mime, L16) {
        return Err(refused("not audio/pcm"));
    }
    let mut rate = otherwise;
    let parameters = mime.split(';').skip(1).map(str::trim);
    for parameter in parameters.filter(|p| !p.is_empty()) {
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

/// Whether a MIME type is of this kind, whatever its parameters.
fn is_kind(mime: &str, kind: &str) -> bool {
    let name = mime.split(';').next().unwrap_or_default();
    name.trim().eq_ignore_ascii_case(kind)
}

/// Sound that is not played, because it would be noise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sound of type {mime:?} cannot be played: {why}")]
pub struct NotPlayable {
    /// What the service called it, at most 60 characters of it.
    pub mime: String,
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

    use crate::provider::gemini::message::{Blob, ClientMessage, RealtimeInput};

    #[test]
    fn mime_types_are_played_or_refused() {
        let rate = |hz| SampleRate::new(hz).expect("not zero");
        let played = [
            ("audio/pcm", 24_000),
            ("audio/pcm;rate=24000", 24_000),
            ("Audio/PCM; Rate=16000 ; channels=1", 16_000),
            ("audio/pcm;rate=8000;", 8_000),
            ("audio/pcm;rate=48000;codec=x", 48_000),
            ("audio/L16;codec=pcm;rate=24000", 24_000),
            ("audio/l16; rate=16000; channels=1", 16_000),
        ];
        for (mime, hz) in played {
            assert_eq!(reply_rate(mime), Ok(rate(hz)), "{mime}");
        }
        let refused = [
            "",
            "audio/opus",
            "audio/wav",
            "audio/L24;rate=24000",
            "audio/L16;rate=24000;channels=2",
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

    #[test]
    fn the_sound_tells_its_order_of_bytes() {
        let voice: Vec<i16> = (0..960)
            .map(|n| (f64::from(n) * 0.06).sin() * 9_000.0)
            .map(|sample| sample as i16)
            .collect();
        let faint: Vec<i16> = voice.iter().map(|sample| sample / 1_500).collect();
        for said in [voice, faint, vec![0; 480]] {
            let little = to_bytes(&said);
            let big: Vec<u8> = said.iter().flat_map(|s| s.to_be_bytes()).collect();
            for bytes in [&little, &big] {
                let mut reader = PcmReader::default();
                let read: Vec<i16> = bytes
                    .chunks(321)
                    .flat_map(|chunk| reader.read_as("audio/L16;rate=24000", chunk))
                    .collect();
                assert_eq!(read, said);
            }
            // `audio/pcm` has one order, whatever it sounds like.
            let read = PcmReader::default().read_as(REPLY_MIME, &big);
            let swapped: Vec<i16> = said.iter().map(|s| s.swap_bytes()).collect();
            assert_eq!(read, swapped);
        }
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
