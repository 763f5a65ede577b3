//! The guided check of microphone, speaker and echo: what is wrong with the sound.
//!
//! ```text
//! Quiet (1 s) ──▶ Speak (until 2 s of voice, at most 5 s) ──▶ Chirp (0.3 to 3 s) ──▶ Done
//!  noise floor     level, clipping                              played? heard? when, how loud?
//! ```
//!
//! Its input is the microphone before any stage and what was played in the same 10 ms; its output is the next step. It
//! counts time in frames.

mod chirp;
mod report;

use std::time::Duration;

use self::chirp::{Finder, chirp};
pub use self::report::{SoundCheckFinding, SoundCheckReport};
use super::chain_stage::Samples;
use super::downmix::sanitise;
use crate::base::frame::FRAME_SAMPLES;
use crate::base::units::{Dbfs, SampleRate};

/// Frames of requested silence.
const QUIET_FRAMES: usize = 100;
/// Maximum number of frames to speak in, and of voiced frames after which this phase ends.
const SPEAK_FRAMES: usize = 500;
const VOICED_FRAMES: usize = 200;
/// Level over the quiet frames from which a frame is voiced.
const VOICE_OVER_NOISE_DB: f32 = 10.0;
/// Voiced frames needed for a level: half a second; fewer are a cough.
const ENOUGH_VOICE: usize = 50;
/// Amplitude from which a sample counts as clipped: converters stop a little below full scale.
const CLIPPED: f32 = 0.99;
/// Frames after which the chirp must have started.
const CHIRP_FRAMES: usize = 300;
/// Time to wait for the echo after the chirp's end in the far end: 500 ms, and 100 ms of reverberation.
const ECHO_SAMPLES: usize = 8_000;
const TAIL_SAMPLES: usize = 1_600;
/// Tolerance for an echo that seems to precede its cause because of clock errors.
const EARLY_SAMPLES: usize = 320;
/// Share of energy from which the played sound is the chirp: devices' rates and volume change little.
const PURE: f32 = 0.5;
/// Peak-to-mean ratio of the microphone's matches from which it is the chirp: noise and voices stay below 6.
const PROMINENT: f32 = 8.0;

/// Phases of the check: what the user should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundCheckPhase {
    Quiet,
    /// Say something, as loud as in a conversation.
    Speak,
    /// Be silent: a short sound will be played.
    Chirp,
}

/// What to do after a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Nothing,
    /// Prompt the user.
    Prompt(SoundCheckPhase),
    /// Play these samples, mono at [`SampleRate::REPLY`].
    Play(Vec<i16>),
    /// The check is over; later frames are ignored.
    Done(SoundCheckReport),
}

pub struct SoundCheck {
    with_voice: bool,
    state: State,
    frames: usize,
    heard: Heard,
}

enum State {
    Begin,
    Quiet,
    Speak,
    Play,
    Chirp(Box<Ears>),
    Over,
}

/// Correlators for both ends during the chirp.
struct Ears {
    near: Finder,
    far: Finder,
    /// Whether something was played since the chirp was handed over.
    sounds: bool,
    /// The last sample of the chirp in the far end.
    played: Option<usize>,
}

/// Statistics of the microphone before the chirp.
#[derive(Default)]
struct Heard {
    quiet: Vec<f32>,
    noise: Option<Dbfs>,
    voice_power: f64,
    voiced: usize,
    samples: usize,
    clipped: usize,
    not_zero: bool,
}

impl SoundCheck {
    /// Creates a check; without voice nobody needs to be at the microphone.
    pub fn new(with_voice: bool) -> Self {
        Self {
            with_voice,
            state: State::Begin,
            frames: 0,
            heard: Heard::default(),
        }
    }

    /// Processes the next 10 ms of both ends.
    pub fn push(&mut self, near: &[f32; FRAME_SAMPLES], far: &[f32; FRAME_SAMPLES]) -> Step {
        let (mut near, mut far) = (*near, *far);
        sanitise(&mut near);
        sanitise(&mut far);
        self.frames += 1;
        match &mut self.state {
            State::Begin => self.enter(State::Quiet, Step::Prompt(SoundCheckPhase::Quiet)),
            State::Quiet => self.quiet(&near),
            State::Speak => self.speak(&near),
            State::Play => {
                let played = chirp(SampleRate::REPLY)
                    .iter()
                    .map(|s| to_i16(*s))
                    .collect();
                self.enter(State::Chirp(Box::new(Ears::new())), Step::Play(played))
            }
            State::Chirp(ears) => {
                self.heard.count(&near);
                ears.push(&near, &far);
                let over = ears.complete() || self.frames >= CHIRP_FRAMES;
                if over { self.finish() } else { Step::Nothing }
            }
            State::Over => Step::Nothing,
        }
    }

    fn enter(&mut self, state: State, step: Step) -> Step {
        self.state = state;
        self.frames = 0;
        step
    }

    fn quiet(&mut self, near: &Samples) -> Step {
        self.heard.count(near);
        self.heard.quiet.push(Dbfs::rms(near).0);
        if self.frames < QUIET_FRAMES {
            return Step::Nothing;
        }
        self.heard.settle_noise();
        if self.with_voice {
            self.enter(State::Speak, Step::Prompt(SoundCheckPhase::Speak))
        } else {
            self.enter(State::Play, Step::Prompt(SoundCheckPhase::Chirp))
        }
    }

    fn speak(&mut self, near: &Samples) -> Step {
        self.heard.count(near);
        self.heard.listen(near);
        if self.heard.voiced < VOICED_FRAMES && self.frames < SPEAK_FRAMES {
            return Step::Nothing;
        }
        self.enter(State::Play, Step::Prompt(SoundCheckPhase::Chirp))
    }

    fn finish(&mut self) -> Step {
        let State::Chirp(ears) = std::mem::replace(&mut self.state, State::Over) else {
            return Step::Nothing;
        };
        let mut report = SoundCheckReport {
            noise: self.heard.noise,
            voice: self.heard.voice(),
            clipped: self.heard.clipped(),
            played: ears.played.is_some(),
            ..SoundCheckReport::default()
        };
        if let Some((delay, loss_db)) = ears.echo() {
            report.echo_delay = Some(delay);
            report.echo_loss_db = Some(loss_db);
        }
        report.judge(!self.heard.not_zero, self.with_voice);
        Step::Done(report)
    }
}

impl Heard {
    fn count(&mut self, near: &Samples) {
        self.samples += near.len();
        self.clipped += near.iter().filter(|s| s.abs() >= CLIPPED).count();
        self.not_zero |= near.iter().any(|s| *s != 0.0);
    }

    /// The median is robust against a door or a click in the quiet second.
    fn settle_noise(&mut self) {
        self.quiet.sort_by(f32::total_cmp);
        self.noise = self.quiet.get(self.quiet.len() / 2).copied().map(Dbfs);
    }

    fn listen(&mut self, near: &Samples) {
        let level = Dbfs::rms(near);
        let noise = self.noise.unwrap_or(Dbfs::SILENCE).0;
        // If the system gates the noise to zero, -70 dBFS is still no voice.
        if level.0 > noise.max(-80.0) + VOICE_OVER_NOISE_DB {
            self.voiced += 1;
            self.voice_power += f64::from(level.amplitude()).powi(2);
        }
    }

    fn voice(&self) -> Option<Dbfs> {
        let mean = self.voice_power / self.voiced.max(1) as f64;
        (self.voiced >= ENOUGH_VOICE).then(|| Dbfs::from_amplitude(mean.sqrt() as f32))
    }

    fn clipped(&self) -> Option<f32> {
        (self.samples > 0).then(|| self.clipped as f32 / self.samples as f32)
    }
}

impl Ears {
    fn new() -> Self {
        Self {
            near: Finder::new(),
            far: Finder::new(),
            sounds: false,
            played: None,
        }
    }

    fn push(&mut self, near: &Samples, far: &Samples) {
        // Without playback there is nothing to find; this skips most of the work.
        self.sounds |= Dbfs::rms(far) > Dbfs(-60.0);
        self.near.push(near, self.sounds);
        self.far.push(far, self.sounds && self.played.is_none());
        // Searches the last two frames, so that the peak is not at the edge of the data.
        let recent = self.far.len().saturating_sub(2 * FRAME_SAMPLES)..self.far.len();
        if self.played.is_none()
            && let Some(found) = self.far.strongest(recent.clone())
        {
            let end = found.ends.round() as usize;
            let inside = end + FRAME_SAMPLES / 2 < recent.end;
            self.played = (inside && self.far.purity(end) >= PURE).then_some(end);
        }
    }

    /// Whether the echo must have arrived by now.
    fn complete(&self) -> bool {
        self.played
            .is_some_and(|end| self.far.len() >= end + ECHO_SAMPLES + TAIL_SAMPLES)
    }

    /// Delay of the echo, and its loss in decibels.
    fn echo(&self) -> Option<(Duration, f32)> {
        let end = self.played?;
        let played = self.far.strongest(end.saturating_sub(8)..end + 8)?;
        let range = end.saturating_sub(EARLY_SAMPLES)..end + ECHO_SAMPLES;
        let heard = self.near.strongest(range)?;
        if heard.prominence < PROMINENT {
            return None;
        }
        let late = (heard.ends - played.ends).max(0.0) / SampleRate::WORKING.hz() as f32;
        let loss_db = self.loss_db(end, heard.ends.round() as usize);
        Some((Duration::from_secs_f32(late), loss_db))
    }

    /// Energy of the chirp in the far end over that in the near end, with reverberation and without noise.
    fn loss_db(&self, played: usize, heard: usize) -> f32 {
        let chirp = self.far.chirp_len();
        let given = self
            .far
            .energy_of((played + 1).saturating_sub(chirp)..played + 1);
        let first = (heard + 1).saturating_sub(chirp);
        let sounding = first..heard + 1 + TAIL_SAMPLES;
        // Noise before the chirp arrives.
        let before = self.near.energy_of(0..first) / first.max(1) as f32;
        let total = self.near.energy_of(sounding.clone());
        let came = total - before * sounding.len() as f32;
        10.0 * (given / came.max(0.01 * total).max(1e-9)).log10()
    }
}

fn to_i16(sample: f32) -> i16 {
    (sample * 32_767.0).round() as i16
}

#[cfg(test)]
mod tests;
