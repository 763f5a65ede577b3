//! WAV files: a tolerant reader and a strict writer.
//!
//! Recorders that stream, stop half-way or count wrongly leave arbitrary sizes and redundant fields behind, so the reader
//! trusts only fields without an alternative: coding, channels, rate and bits. It finds start and end of the sound from the
//! bytes that are present.
//!
//! ```text
//! RIFF size? WAVE   ID size? …pad?   fmt  size? …   ID size? …   data size? ▓▓▓▓▓▓▓▓   ID size? …
//!      │                 │                                            │         └ ends here
//!      └ not used        └ walked, and searched where the walk breaks └ believed while it fits what follows
//! ```

mod bytes;
mod error;
mod samples;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use super::units::SampleRate;
use bytes::File;
pub use error::{LARGEST, WavError};
use samples::Format;

/// What can be read, in words for the user.
pub const EXPECTED: &str =
    "use a WAV file of 8 to 192 kHz with 1 to 8 channels, not compressed, or as A-law or µ-law";
/// Chunks that real files hold beside `fmt `; only these are taken for the end of a sound whose size is unknown.
const KNOWN: [&[u8; 4]; 26] = [
    b"data", b"fmt ", b"fact", b"LIST", b"bext", b"cue ", b"id3 ", b"ID3 ", b"iXML", b"axml",
    b"JUNK", b"junk", b"PAD ", b"FLLR", b"PEAK", b"smpl", b"inst", b"plst", b"labl", b"note",
    b"DISP", b"_PMX", b"chna", b"umid", b"cart", b"afsp",
];
/// How the tags of music players begin. They follow the last chunk and are no chunk themselves.
const TAGS: [&[u8]; 3] = [b"ID3", b"TAG", b"APETAGEX"];
/// Trailing bytes up to this many are ignored; more are sound: 43 ms at 48 kHz mono, 16 bit. A recorder that updates the size
/// while it records does so about once a second, so what it leaves behind the stated end is usually longer.
const RUBBISH: usize = 4096;
/// What other files begin with.
const OTHERS: [(&[u8], &str); 10] = [
    (b"ID3", "an MP3 file"),
    (b"\xff\xfb", "an MP3 file"),
    (b"fLaC", "a FLAC file"),
    (b"OggS", "an Ogg file"),
    (b"FORM", "an AIFF file"),
    (b".snd", "an AU file"),
    (b"caff", "a CAF file"),
    (b"riff", "a Wave64 file"),
    (b"\x1a\x45\xdf\xa3", "a WebM or Matroska file"),
    (b"RIFF", "a RIFF file of another kind"),
];

#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Samples per second of each channel.
    pub rate: SampleRate,
    /// 1 to 8.
    pub channels: u16,
    /// Interleaved, whole frames, full scale 1.0. Floats may hold anything.
    pub samples: Vec<f32>,
    /// The header announces more sound than there is.
    pub ends_early: bool,
}

/// Reads a WAV file as far as it goes; no further than it is one.
pub fn decode(mut from: impl Read) -> Result<Sound, WavError> {
    let mut bytes = head(&mut from)?;
    if let Some(size) = size_of_tag(&bytes) {
        // Some programs put their tag in front of any file.
        let rest = (size + 10).saturating_sub(bytes.len() as u64);
        io::copy(&mut from.by_ref().take(rest), &mut io::sink())?;
        bytes = Some(head(&mut from)?)
            .filter(|bytes| is_wave(bytes))
            .unwrap_or(bytes);
    }
    if !is_wave(&bytes) {
        let known = OTHERS.iter().find(|(start, _)| bytes.starts_with(start));
        let mp4 = (bytes.get(4..8) == Some(b"ftyp")).then_some("an MP4 or M4A file");
        return Err(match known.map(|(_, name)| *name).or(mp4) {
            _ if bytes.starts_with(b"RIFF") && bytes.len() < 12 => WavError::Header,
            Some(name) => WavError::Other(name),
            None => WavError::Other("something else"),
        });
    }
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(WavError::TooLarge);
    }
    let file = File {
        all: &bytes,
        big_endian: bytes.starts_with(b"RIFX"),
    };
    file.sound()
}

/// Bytes of the header that [`header`] makes.
pub const HEADER: usize = 44;

/// The header of a mono file of 16 bit integers that holds so many bytes of samples.
pub fn header(rate: SampleRate, bytes: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let mut at = 0;
    let mut put = |part: &[u8]| {
        header[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    };
    put(b"RIFF");
    put(&bytes.saturating_add(36).to_le_bytes());
    put(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    put(&rate.hz().to_le_bytes());
    put(&(rate.hz().saturating_mul(2)).to_le_bytes());
    put(b"\x02\0\x10\0data");
    put(&bytes.to_le_bytes());
    header
}

fn head(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(12).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_wave(head: &[u8]) -> bool {
    let known = [b"RIFF", b"RIFX", b"RF64", b"BW64"];
    known.iter().any(|kind| head.starts_with(*kind)) && head.get(8..12) == Some(b"WAVE")
}

/// Bytes behind the ten of an ID3v2 tag's header, seven bits to the byte.
fn size_of_tag(head: &[u8]) -> Option<u64> {
    let size = head.strip_prefix(b"ID3")?.get(3..7)?;
    Some(
        size.iter()
            .fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f)),
    )
}

/// Places of what matters: the body of the format, and of the samples with the size that is written there.
#[derive(Default)]
struct Places {
    format: Option<usize>,
    data: Option<(usize, u32)>,
    /// Size of the samples where 32 bits do not hold it.
    long: Option<u64>,
}

impl File<'_> {
    fn sound(self) -> Result<Sound, WavError> {
        let places = self.places();
        let mut format = Format::read(self, places.format.ok_or(WavError::Header)?)?;
        let (start, stated) = places.data.ok_or(WavError::Empty)?;
        let stated = match (stated, places.long) {
            (u32::MAX, Some(long)) => long,
            (size, _) => u64::from(size),
        };
        let end = self.end_of_sound(start, stated, format.frame());
        let bytes = &self.all[start..end];
        format.detect_padding(bytes);
        let samples = format.decode(&bytes[..bytes.len() / format.frame() * format.frame()]);
        if samples.is_empty() {
            return Err(WavError::Empty);
        }
        // What streams writes the largest number that it knows.
        let streamed = [0x7fff_0000..=u64::from(u32::MAX), u64::MAX..=u64::MAX];
        let known = !streamed.iter().any(|sizes| sizes.contains(&stated));
        Ok(Sound {
            rate: format.rate,
            channels: format.channels,
            samples,
            ends_early: known && stated > (end - start) as u64,
        })
    }

    /// Walks from chunk to chunk; where that leads nowhere, searches.
    fn places(self) -> Places {
        let mut places = Places::default();
        let mut at = 12;
        while let Some((id, size)) = self.chunk(at) {
            let body = at + 8;
            match &id {
                b"fmt " if places.format.is_none() => places.format = Some(body),
                b"ds64" => places.long = self.u64(body + 8),
                b"data" if places.data.is_none() => places.data = Some((body, size)),
                _ => {}
            }
            if places.format.is_some() && places.data.is_some() {
                return places;
            }
            at = self.behind(body, size);
        }
        let search = |id: &[u8; 4], from: usize| {
            let found = self.all.get(from..)?.windows(4).position(|at| at == id)?;
            Some(from + found + 8)
        };
        places.format = places.format.or_else(|| search(b"fmt ", 12));
        let from = places.format.map_or(12, |format| format + 16);
        // The word may stand in a text, as in "metadata": a size that is made of letters is none.
        let is_size = |size: u32| u64::from(size) <= LARGEST || size >= 0x7fff_0000;
        let mut next = from;
        while places.data.is_none()
            && let Some(body) = search(b"data", next)
        {
            let size = self.u32(body - 4).filter(|size| is_size(*size));
            places.data = size.map(|size| (body, size));
            next = body - 7;
        }
        places
    }

    /// Where the samples end: as stated if that fits what is there, else before the last chunks, else with the file.
    fn end_of_sound(self, start: usize, stated: u64, frame: usize) -> usize {
        let rest = self.all.len() - start;
        let stated = usize::try_from(stated).unwrap_or(usize::MAX);
        if (frame..=rest).contains(&stated) {
            // An outdated size is followed by more sound; other trailing bytes are few, a tag, or chunks.
            let (left, next) = (rest - stated, self.behind_bytes(start, stated));
            let is_tag = TAGS
                .iter()
                .any(|tag| self.all[start + stated..].starts_with(tag));
            let chunks_follow = self.chunk(next).is_some() && self.is_chain(next);
            if left <= stated.min(RUBBISH) || is_tag || self.is_known(next) || chunks_follow {
                return start + stated;
            }
        }
        let places = start..self.all.len();
        let chunks = places
            .clone()
            .find(|&at| self.chunk(at).is_some() && self.is_known(at) && self.is_chain(at));
        chunks.unwrap_or_else(|| {
            // An ID3v1 tag is the last 128 bytes.
            let tag = places.end.saturating_sub(128).max(start);
            let is_tag = self.all[tag..].starts_with(b"TAG");
            if is_tag { tag } else { places.end }
        })
    }

    /// Whether chunks follow each other from here to the end of the file.
    fn is_chain(self, mut at: usize) -> bool {
        while let Some((_, size)) = self.chunk(at) {
            at = self.behind(at + 8, size);
        }
        // The last pad byte may be missing.
        at == self.all.len() || at == self.all.len() + 1
    }

    /// Name and size of a chunk, if there may be one.
    fn chunk(self, at: usize) -> Option<([u8; 4], u32)> {
        let id = self.array::<4>(at)?;
        let is_name = id.iter().all(|byte| (b' '..=b'~').contains(byte));
        Some((id, self.u32(at + 4)?)).filter(|_| is_name)
    }

    /// Where the next chunk is.
    fn behind(self, body: usize, size: u32) -> usize {
        self.behind_bytes(body, usize::try_from(size).unwrap_or(usize::MAX))
    }

    /// Chunks begin at even places; some writers forget that.
    fn behind_bytes(self, body: usize, size: usize) -> usize {
        let end = body.saturating_add(size);
        let padded = end.saturating_add(1);
        let forgotten = !self.is_known(padded) && self.chunk(end).is_some();
        if size.is_multiple_of(2) || forgotten {
            end
        } else {
            padded
        }
    }

    fn is_known(self, at: usize) -> bool {
        self.array::<4>(at).is_some_and(|id| KNOWN.contains(&&id))
    }
}
