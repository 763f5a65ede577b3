//! The samples of a WAV file and their coding.

use super::bytes::File;
use super::error::WavError;
use crate::base::units::SampleRate;

/// The tag that says "see the extension".
const EXTENSIBLE: u16 = 0xfffe;
/// How the identifiers of codings end that begin with a tag: those of Microsoft, and those of Ambisonic B-format.
const ENDINGS: [[u8; 8]; 2] = [
    [0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71],
    [0x86, 0x44, 0xc8, 0xc1, 0xca, 0x00, 0x00, 0x00],
];
/// Bits of the widest sample.
const WIDEST: u16 = 64;

/// How samples are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// Of one byte unsigned, of more signed.
    Integer,
    Float,
    ALaw,
    MuLaw,
}

/// The trusted fields of the format chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    pub(super) rate: SampleRate,
    pub(super) channels: u16,
    coding: Coding,
    /// Bytes of a sample.
    width: usize,
    /// Bits of a sample that count. They are the upper ones of its bytes; some writers use the lower ones.
    bits: u32,
    lower: bool,
    /// Bytes of a sample by the size of a block, which is trusted if the bytes agree.
    wider: Option<usize>,
    big_endian: bool,
}

impl Format {
    /// Reads the body of a format chunk. Its own size does not matter.
    pub(super) fn read(file: File<'_>, at: usize) -> Result<Self, WavError> {
        let (short, long) = (|nth| file.u16(at + nth), |nth| file.u32(at + nth));
        let fields = (short(0), short(2), long(4), short(12));
        let (Some(mut tag), Some(channels), Some(hz), Some(block)) = fields else {
            return Err(WavError::Header);
        };
        let rate = SampleRate::new(hz).ok_or(WavError::Header)?;
        if !(1..=8).contains(&channels) {
            return Err(WavError::Channels(channels));
        }
        let per_sample = if block % channels == 0 {
            block / channels
        } else {
            0
        };
        // The oldest headers have no bits; there the next chunk begins.
        let bits = short(14).filter(|bits| (1..=WIDEST).contains(bits));
        let bits = bits.unwrap_or(per_sample.saturating_mul(8));
        let mut valid = bits;
        if tag == EXTENSIBLE {
            let named = file
                .array(at + 32)
                .is_some_and(|end| ENDINGS.contains(&end));
            let sub_format = short(24).filter(|_| named);
            tag = sub_format.ok_or_else(|| WavError::Coding("of no named format".to_owned()))?;
            valid = short(18)
                .filter(|valid| (1..bits).contains(valid))
                .unwrap_or(bits);
        }
        let coding = coding(tag)?;
        let width = match coding {
            Coding::ALaw | Coding::MuLaw => 1,
            Coding::Float if matches!(bits, 32 | 64) => usize::from(bits / 8),
            Coding::Float if matches!(per_sample, 4 | 8) => usize::from(per_sample),
            Coding::Integer if (1..=WIDEST).contains(&bits) => usize::from(bits.div_ceil(8)),
            Coding::Integer | Coding::Float => {
                return Err(WavError::Coding(
                    format!("{coding:?}s of {bits} bits").to_lowercase(),
                ));
            }
        };
        // Whether the blocks are really wider than the bits need is seen by all of the samples.
        let wider = (coding == Coding::Integer).then_some(usize::from(per_sample));
        Ok(Self {
            rate,
            channels,
            coding,
            width,
            bits: u32::from(valid),
            lower: false,
            wider: wider.filter(|wider| (width + 1..=8).contains(wider)),
            big_endian: file.big_endian,
        })
    }

    /// Bytes of a sample of every channel.
    pub(super) fn frame(&self) -> usize {
        self.width * usize::from(self.channels)
    }

    /// Detects from the bytes whether samples are padded, and on which side.
    pub(super) fn detect_padding(&mut self, bytes: &[u8]) {
        if let Some(width) = self.wider.take() {
            let wide = Self { width, ..*self };
            if wide.is_padded(bytes, false) || wide.is_padded(bytes, true) {
                *self = wide;
            }
        }
        let is_integer = self.coding == Coding::Integer && self.width > 1;
        if is_integer && self.bits < 8 * self.width as u32 {
            self.lower = !self.is_padded(bytes, false) && self.is_padded(bytes, true);
        }
    }

    /// Whether the unused bits are empty in all samples: those below are zero, those above are the sign.
    fn is_padded(&self, bytes: &[u8], above: bool) -> bool {
        let spare = 8 * self.width as u32 - self.bits;
        bytes.chunks_exact(self.width).all(|sample| {
            let value = self.whole(sample);
            let top = 64 - self.bits;
            let kept = if above {
                value << top >> top
            } else {
                value >> spare << spare
            };
            value == kept
        })
    }

    /// The integer in all bytes of a sample.
    fn whole(&self, sample: &[u8]) -> i64 {
        let mut upper = [0; 8];
        let width = sample.len();
        upper[8 - width..].copy_from_slice(sample);
        if self.big_endian {
            upper[8 - width..].reverse();
        }
        i64::from_le_bytes(upper) >> (64 - 8 * width)
    }

    /// Whole frames as numbers.
    pub(super) fn decode(&self, bytes: &[u8]) -> Vec<f32> {
        let samples = bytes.chunks_exact(self.width);
        let scale = |bits: u32| 0.5_f64.powi(bits as i32 - 1);
        match self.coding {
            Coding::Integer if self.width == 1 => {
                samples.map(|s| (f32::from(s[0]) - 128.0) / 128.0).collect()
            }
            Coding::Integer => {
                let full = if self.lower {
                    self.bits
                } else {
                    8 * self.width as u32
                };
                let scale = scale(full);
                samples
                    .map(|s| (self.whole(s) as f64 * scale) as f32)
                    .collect()
            }
            Coding::Float => samples.map(|s| self.float(s)).collect(),
            Coding::ALaw => bytes.iter().map(|&byte| a_law(byte)).collect(),
            Coding::MuLaw => bytes.iter().map(|&byte| mu_law(byte)).collect(),
        }
    }

    fn float(&self, sample: &[u8]) -> f32 {
        let bits = self.whole(sample);
        if sample.len() == 4 {
            f32::from_bits(bits as u32)
        } else {
            f64::from_bits(bits as u64) as f32
        }
    }
}

fn coding(tag: u16) -> Result<Coding, WavError> {
    let name = match tag {
        0x0001 => return Ok(Coding::Integer),
        0x0003 => return Ok(Coding::Float),
        0x0006 => return Ok(Coding::ALaw),
        0x0007 => return Ok(Coding::MuLaw),
        0x0002 => "compressed as Microsoft ADPCM",
        0x0011 => "compressed as IMA ADPCM",
        0x0031 => "compressed as GSM 6.10",
        0x0040 | 0x0045 | 0x0064 => "compressed as G.721 or G.726",
        0x0050 | 0x0055 => "compressed as MP3",
        0x00ff | 0x1610 => "compressed as AAC",
        0x0160..=0x0163 => "compressed as Windows Media",
        _ => "of an unknown format",
    };
    Err(WavError::Coding(format!("{name} (0x{tag:04x})")))
}

/// ITU-T G.711, A-law.
fn a_law(byte: u8) -> f32 {
    let code = i32::from(byte ^ 0x55);
    let (segment, step) = (code >> 4 & 7, (code & 15) << 4 | 8);
    let size = if segment == 0 {
        step
    } else {
        (step | 0x100) << (segment - 1)
    };
    let value = if code & 0x80 == 0 { -size } else { size };
    value as f32 / 32_768.0
}

/// ITU-T G.711, µ-law.
fn mu_law(byte: u8) -> f32 {
    let code = i32::from(!byte);
    let size = (((code & 15) << 3 | 0x84) << (code >> 4 & 7)) - 0x84;
    let value = if code & 0x80 == 0 { size } else { -size };
    value as f32 / 32_768.0
}
