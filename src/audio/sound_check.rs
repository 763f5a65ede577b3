//! The sound check on the worker: feeds it with frames of the microphone and with what the speaker played meanwhile.
//!
//! ```text
//! microphone ── frames, held back 300 ms ──▶ ┌────────────┐ ──▶ phase, progress, report
//! speaker ── instant of the first sound ───▶ │ SoundCheck │ ──▶ a chirp to play
//!            the chirp, at the working rate ▶└────────────┘
//! ```
//!
//! The far end is the chirp itself, aligned to the instant at which the device played its first sound.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::event::{CheckEvent, VoiceEvent};
use super::leading_silence::first_sound;
use super::positioned_resampler::PositionedResampler;
use crate::base::frame::{FRAME_SAMPLES, Frame, Pcm};
use crate::base::ids::TurnId;
use crate::base::units::SampleRate;
use crate::dsp::sound_check::{SoundCheck, SoundCheckPhase, Step};

/// Frames held back until the speaker has reported what was audible during their capture: it reports when it sounds,
/// within a period and a tick of the worker.
const HELD_BACK: usize = 30;
/// Frames between two progress events: ten per second.
const REPORT_EVERY: usize = 10;
/// Taps of the filter that resamples the chirp to the working rate, as in the best profile.
const TAPS: u32 = 128;
/// Longest durations of the phases, for the progress; the chirp's is its usual one.
const QUIET: Duration = Duration::from_secs(1);
const SPEAK: Duration = Duration::from_secs(5);
const CHIRP: Duration = Duration::from_millis(1_500);

pub(super) struct RunningCheck {
    check: SoundCheck,
    /// Turn id of the chirp.
    turn: TurnId,
    volume: f32,
    held: VecDeque<Frame>,
    chirp: Vec<f32>,
    /// Index of its first sound, which the speaker reports.
    first_sound: usize,
    sounded: Option<Instant>,
    /// Sequence number of a frame, and the position in the chirp at which it starts.
    anchor: Option<(u64, i64)>,
    phase: SoundCheckPhase,
    frames: usize,
}

impl RunningCheck {
    /// Creates a check whose chirp is played as this turn, at this volume.
    pub(super) fn new(with_voice: bool, turn: TurnId, volume: f32) -> Self {
        Self {
            check: SoundCheck::new(with_voice),
            turn,
            volume,
            held: VecDeque::with_capacity(HELD_BACK + 1),
            chirp: Vec::new(),
            first_sound: 0,
            sounded: None,
            anchor: None,
            phase: SoundCheckPhase::Quiet,
            frames: 0,
        }
    }

    /// Removes events of the chirp: it is no reply.
    pub(super) fn take_own(&mut self, events: &mut Vec<VoiceEvent>) {
        events.retain(|event| {
            if let VoiceEvent::FirstAudible { turn, at, .. } = event
                && *turn == self.turn
            {
                self.sounded = Some(*at);
                return false;
            }
            !matches!(event, VoiceEvent::Played { turn, .. } if *turn == self.turn)
        });
    }

    /// Processes a frame of the microphone. Returns audio to play, and whether the check continues.
    pub(super) fn push(
        &mut self,
        frame: Frame,
        events: &mut Vec<VoiceEvent>,
    ) -> (Option<Pcm>, bool) {
        self.held.push_back(frame);
        if self.held.len() <= HELD_BACK {
            return (None, true);
        }
        let Some(frame) = self.held.pop_front() else {
            return (None, true);
        };
        self.frames += 1;
        let render_frame = self.render_frame(&frame);
        let step = self.check.push(&frame.samples, &render_frame);
        match step {
            Step::Nothing => {
                if self.frames.is_multiple_of(REPORT_EVERY) {
                    events.push(self.progress_event());
                }
            }
            Step::Prompt(phase) => {
                (self.phase, self.frames) = (phase, 0);
                events.push(self.progress_event());
            }
            Step::Play(samples) => return (Some(self.play(samples)), true),
            Step::Done(report) => {
                events.push(VoiceEvent::Check(CheckEvent::Done(Box::new(report))));
                return (None, false);
            }
        }
        (None, true)
    }

    /// Whether the chirp may be on its way to the speaker.
    pub(super) fn plays(&self) -> bool {
        !self.chirp.is_empty()
    }

    /// Whether the chirp still waits for the speaker.
    pub(super) fn waits(&self) -> bool {
        self.plays() && self.sounded.is_none()
    }

    fn progress_event(&self) -> VoiceEvent {
        let length = match self.phase {
            SoundCheckPhase::Quiet => QUIET,
            SoundCheckPhase::Speak => SPEAK,
            SoundCheckPhase::Chirp => CHIRP,
        };
        let spent = SampleRate::WORKING.duration_of((self.frames * FRAME_SAMPLES) as u64);
        VoiceEvent::Check(CheckEvent::Step {
            phase: self.phase,
            progress: (spent.as_secs_f32() / length.as_secs_f32()).min(1.0),
        })
    }

    fn play(&mut self, samples: Vec<i16>) -> Pcm {
        let rate = SampleRate::REPLY;
        let sound: Vec<f32> = samples
            .iter()
            .map(|s| f32::from(*s) / 32_768.0 * self.volume)
            .collect();
        let first = first_sound(&samples).unwrap_or(0) as u64;
        match PositionedResampler::new(rate, SampleRate::WORKING, TAPS) {
            Ok(mut resampler) => {
                self.first_sound = resampler.place_of(first) as usize;
                resampler.push(&sound, &mut self.chirp);
                resampler.finish(&mut self.chirp);
            }
            Err(error) => tracing::error!(%error, "cannot resample the chirp"),
        }
        Pcm {
            turn: self.turn,
            rate,
            samples,
        }
    }

    /// Far-end samples of the 10 ms of this frame.
    ///
    /// The instant counts for the first frame alone, the others follow sample by sample: instants vary by some samples
    /// while the clock of the stream settles, which would break up the chirp.
    fn render_frame(&mut self, frame: &Frame) -> [f32; FRAME_SAMPLES] {
        let mut render_frame = [0.0; FRAME_SAMPLES];
        let Some(sounded) = self.sounded else {
            return render_frame;
        };
        let first = self.first_sound as i64;
        let (sequence, start) = *self.anchor.get_or_insert_with(|| {
            let start = samples_between(sounded, frame.captured) + first;
            (frame.sequence, start)
        });
        let since = frame.sequence.saturating_sub(sequence) as i64;
        let start = start + since * FRAME_SAMPLES as i64;
        for (n, sample) in render_frame.iter_mut().enumerate() {
            let place = usize::try_from(start + n as i64).ok();
            *sample = place
                .and_then(|place| self.chirp.get(place).copied())
                .unwrap_or(0.0);
        }
        render_frame
    }
}

/// Samples at the working rate between two instants; negative if `to` is earlier.
fn samples_between(from: Instant, to: Instant) -> i64 {
    let after = to.saturating_duration_since(from).as_secs_f64();
    let before = from.saturating_duration_since(to).as_secs_f64();
    ((after - before) * f64::from(SampleRate::WORKING.hz())).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsp::sound_check::{SoundCheckFinding, SoundCheckReport};

    /// A room: when the chirp begins to sound after it was asked for, how much later the microphone hears it, how loud.
    struct Room {
        speaker: Duration,
        air: usize,
        gain: f32,
    }

    /// Runs a check in a room without voice; returns the reported phases and the report.
    fn run(room: &Room) -> (Vec<SoundCheckPhase>, SoundCheckReport) {
        let turn = TurnId(u64::MAX);
        let mut checking = RunningCheck::new(false, turn, 0.8);
        let origin = Instant::now();
        let (mut phases, mut asked, mut noise) = (Vec::new(), None, 1_u32);
        for nth in 0..1_000_usize {
            let at = origin + Duration::from_millis(10) * nth as u32;
            let sounds = asked.map(|asked: Instant| asked + room.speaker);
            let heard = echo(&checking, sounds, at, room);
            let samples = std::array::from_fn(|n| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                heard[n] + (noise >> 16) as f32 / 65_536.0 * 0.001
            });
            let frame = Frame {
                samples,
                sequence: nth as u64,
                // A clock that learns wavers.
                captured: at + Duration::from_micros(300) * (nth % 3) as u32,
            };
            let mut events = Vec::new();
            let (play, on) = checking.push(frame, &mut events);
            asked = asked.or(play.map(|_| at));
            if let Some(at) = sounds.filter(|sounds| *sounds <= at) {
                let skipped_silence = Duration::ZERO;
                let mut progress_event = vec![
                    VoiceEvent::FirstAudible {
                        turn,
                        at,
                        begun: at,
                        skipped_silence,
                    },
                    VoiceEvent::DetectorRearmed,
                ];
                checking.take_own(&mut progress_event);
                assert!(
                    matches!(progress_event[..], [VoiceEvent::DetectorRearmed]),
                    "{progress_event:?}"
                );
            }
            for event in events {
                let VoiceEvent::Check(progress_event) = event else {
                    panic!("{event:?}");
                };
                match progress_event {
                    CheckEvent::Step { phase, progress } => {
                        assert!((0.0..=1.0).contains(&progress));
                        phases.push(phase);
                    }
                    CheckEvent::Done(report) => {
                        assert!(!on);
                        phases.dedup();
                        return (phases, *report);
                    }
                }
            }
        }
        panic!("it does not end");
    }

    /// What the microphone hears of the chirp in a frame that begins at this instant.
    fn echo(
        checking: &RunningCheck,
        sounded: Option<Instant>,
        at: Instant,
        room: &Room,
    ) -> [f32; FRAME_SAMPLES] {
        let Some(sounded) = sounded else {
            return [0.0; FRAME_SAMPLES];
        };
        let first = checking.first_sound as i64 - room.air as i64;
        let start = samples_between(sounded, at) + first;
        std::array::from_fn(|n| {
            let place = usize::try_from(start + n as i64).ok();
            let sample = place.and_then(|place| checking.chirp.get(place));
            sample.copied().unwrap_or(0.0) * room.gain
        })
    }

    #[test]
    fn delay_and_loss_of_the_room_are_found() {
        for (air, gain) in [(0, 0.9), (592, 0.3), (1_920, 0.1)] {
            let room = Room {
                speaker: Duration::from_micros(23_456),
                air,
                gain,
            };
            let (phases, report) = run(&room);
            assert_eq!(phases, [SoundCheckPhase::Quiet, SoundCheckPhase::Chirp]);
            let wanted = air as f32 / 16.0;
            let delay = report.echo_delay.expect("heard").as_secs_f32() * 1e3;
            assert!((delay - wanted).abs() < 2.0, "{delay} for {wanted} ms");
            let loss = report.echo_loss_db.expect("heard");
            let wanted = -20.0 * gain.log10();
            assert!((loss - wanted).abs() < 1.5, "{loss} for {wanted} dB");
        }
    }

    #[test]
    fn a_headset_differs_from_a_speaker_that_does_not_run() {
        let deaf = |speaker| Room {
            speaker,
            air: 0,
            gain: 0.0,
        };
        let (_, headset) = run(&deaf(Duration::from_millis(20)));
        assert!(headset.played && headset.findings.contains(&SoundCheckFinding::NoEcho));
        let (_, dead) = run(&deaf(Duration::from_secs(60)));
        assert!(!dead.played && dead.findings.contains(&SoundCheckFinding::NotPlayed));
    }
}
