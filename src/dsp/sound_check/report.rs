//! The report of the sound check.

use std::time::Duration;

use crate::base::units::Dbfs;

/// Voice level below which it is lost in the noise of most rooms; ordinary microphones give -35 to -20.
const QUIET_VOICE: Dbfs = Dbfs(-45.0);
/// Noise level above which a detector may stay on for good (a fan beside the laptop).
const LOUD_NOISE: Dbfs = Dbfs(-45.0);
/// Least level of the voice over the noise.
const LEAST_OVER_NOISE_DB: f32 = 15.0;
/// Share of clipped samples that is audible as crackle.
const MUCH_CLIPPED: f32 = 0.001;
/// Echo return loss below which the echo is as loud as a voice: the canceller will suppress what is said over it.
const LITTLE_LOSS_DB: f32 = 6.0;
/// Echo delay above which a wireless speaker or long buffers of a sound server are likely.
const LONG_DELAY: Duration = Duration::from_millis(150);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SoundCheckFinding {
    /// Nothing but zeros: muted by the system, or not permitted.
    AllZero,
    /// No voice while there was time to speak.
    NoVoice,
    /// The voice is too quiet.
    TooQuiet,
    Clipping,
    /// The room or the microphone is noisy.
    Noisy,
    /// The chirp was not played: no speaker, or it does not run.
    NotPlayed,
    /// The chirp was played but not picked up: a headset, or a muted speaker.
    NoEcho,
    /// The echo is about as loud as a voice.
    EchoStrong,
    /// The echo delay is long.
    DelayLong,
}

/// Results of the check; unknown values are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoundCheckReport {
    /// Level of the microphone while nobody spoke.
    pub noise: Option<Dbfs>,
    /// Level of the voice, without pauses.
    pub voice: Option<Dbfs>,
    /// Share of samples at full scale, 0 to 1.
    pub clipped: Option<f32>,
    /// Whether the chirp left the program.
    pub played: bool,
    /// Delay from far end to microphone.
    pub echo_delay: Option<Duration>,
    /// Echo return loss.
    pub echo_loss_db: Option<f32>,
    /// Problems, most severe first.
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
