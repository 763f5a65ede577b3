//! What the test found out, and what is wrong with it.

use std::time::Duration;

use crate::base::units::Dbfs;

/// A voice below it is lost in the noise of most rooms; ordinary microphones give -35 to -20.
const QUIET_VOICE: Dbfs = Dbfs(-45.0);
/// Noise above it is heard by a detector as sound for good (a fan beside the laptop).
const LOUD_NOISE: Dbfs = Dbfs(-45.0);
/// A voice less than this above the noise is not told apart from it.
const LEAST_OVER_NOISE_DB: f32 = 15.0;
/// One clipped sample in a thousand is heard as a crackle.
const MUCH_CLIPPED: f32 = 0.001;
/// Less loss means that the echo is as loud as a voice: the canceller will cut what is said over it.
const LITTLE_LOSS_DB: f32 = 6.0;
/// Longer ways belong to wireless speakers, or to buffers of a sound server that are too long.
const LONG_DELAY: Duration = Duration::from_millis(150);

/// What is wrong, or worth knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SoundCheckFinding {
    /// Nothing but zeros: muted by the system, or not permitted.
    AllZero,
    /// No voice was heard while there was time to speak.
    NoVoice,
    /// The voice is too quiet.
    TooQuiet,
    /// The voice is cut off at full scale.
    Clipping,
    /// The room, or the microphone, is loud.
    Noisy,
    /// The chirp was never played: no speaker, or it does not run.
    NotPlayed,
    /// The chirp was played, and the microphone did not hear it: a headset, or a muted speaker.
    NoEcho,
    /// The microphone hears the speaker about as loud as a voice.
    EchoStrong,
    /// The way from speaker to microphone takes long.
    DelayLong,
}

/// What the test found out; what is unknown is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoundCheckReport {
    /// The microphone's level while nobody spoke.
    pub noise: Option<Dbfs>,
    /// The voice's level, pauses not counted.
    pub voice: Option<Dbfs>,
    /// Which part of all samples is at full scale, 0..1.
    pub clipped: Option<f32>,
    /// Whether the chirp came out of the program at all.
    pub played: bool,
    /// From the far end to the microphone.
    pub echo_delay: Option<Duration>,
    /// Far end to echo.
    pub echo_loss_db: Option<f32>,
    /// What is wrong, gravest first.
    pub findings: Vec<SoundCheckFinding>,
}

impl SoundCheckReport {
    pub(super) fn judge(&mut self, all_zero: bool, voice_wanted: bool) {
        let mut found = Vec::new();
        let noise = self.noise.unwrap_or(Dbfs::SILENCE);
        if all_zero {
            found.push(SoundCheckFinding::AllZero);
        } else {
            match self.voice {
                None if voice_wanted => found.push(SoundCheckFinding::NoVoice),
                Some(voice) if voice < QUIET_VOICE => found.push(SoundCheckFinding::TooQuiet),
                _ => {}
            }
            if self.clipped.is_some_and(|share| share > MUCH_CLIPPED) {
                found.push(SoundCheckFinding::Clipping);
            }
            let drowned = self
                .voice
                .is_some_and(|voice| voice.0 - noise.0 < LEAST_OVER_NOISE_DB);
            if noise > LOUD_NOISE || drowned {
                found.push(SoundCheckFinding::Noisy);
            }
        }
        if !self.played {
            found.push(SoundCheckFinding::NotPlayed);
        } else if self.echo_delay.is_none() && !all_zero {
            found.push(SoundCheckFinding::NoEcho);
        }
        if self.echo_loss_db.is_some_and(|loss| loss < LITTLE_LOSS_DB) {
            found.push(SoundCheckFinding::EchoStrong);
        }
        if self.echo_delay.is_some_and(|delay| delay > LONG_DELAY) {
            found.push(SoundCheckFinding::DelayLong);
        }
        self.findings = found;
    }
}
