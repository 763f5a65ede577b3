//! Speech, noise and level: what the simulations are made of.

use std::path::Path;

use sovereign::base::units::Dbfs;

/// The sentences in `tests/fixtures/speech` (espeak-ng, see `scripts/make-speech-fixtures`), mono, 16 kHz.
pub(crate) const VOICES: [&str; 6] = [
    "american-man",
    "british-woman",
    "german-man",
    "french-woman",
    "spanish-man",
    "american-child",
];

/// The samples of one of [`VOICES`], full scale 1.0, at the RMS level of `dbfs`.
pub(crate) fn voice(name: &str, dbfs: f32) -> Vec<f32> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/speech");
    let path = folder.join(format!("{name}.wav"));
    let mut reader = hound::WavReader::open(&path).expect("a fixture");
    let samples = reader
        .samples::<i16>()
        .map(|s| f32::from(s.expect("whole")) / 32_768.0);
    at_level(samples.collect(), dbfs)
}

/// The same samples with another RMS level.
pub(crate) fn at_level(mut samples: Vec<f32>, dbfs: f32) -> Vec<f32> {
    let gain = Dbfs(dbfs).amplitude() / Dbfs::rms(&samples).amplitude().max(1e-9);
    samples.iter_mut().for_each(|s| *s *= gain);
    samples
}

/// Numbers that are the same in every run: xorshift64*, uniform in -1..1.
#[derive(Clone, Debug)]
pub(crate) struct Noise(u64);

impl Noise {
    /// A sequence of its own for each seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        bits as f32 / 8_388_608.0 - 1.0
    }
}
