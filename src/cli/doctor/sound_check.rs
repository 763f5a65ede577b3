//! The sound check in the terminal, without speech.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::check::Check;
use crate::audio::{
    self, CheckEvent, DeviceChoice, Devices, InputKind, OutputKind, VoiceCommand, VoiceEvent,
};
use crate::base::counters::Counters;
use crate::conversation::snapshot::CheckStatus;
use crate::conversation::sound_check_text::{self, CheckContext};
use crate::dsp::sound_check::SoundCheckReport;
use crate::profile::Profile;

/// Opening devices takes a second at most, the check without voice four; a sound server may be slow.
const OVER_AFTER: Duration = Duration::from_secs(12);
/// Interval of polling the audio threads.
const POLL_EVERY: Duration = Duration::from_millis(20);
const NAME: &str = "sound check";

/// Measured values; unknown ones are absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct SoundFigures {
    #[serde(skip_serializing_if = "Option::is_none")]
    noise_dbfs: Option<f32>,
    /// Share of all samples that are at full scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    clipped: Option<f32>,
    played: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    echo_delay_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    echo_loss_db: Option<f32>,
}

impl SoundFigures {
    pub(super) fn of(report: &SoundCheckReport) -> Self {
        Self {
            noise_dbfs: report.noise.map(|level| level.0),
            clipped: report.clipped,
            played: report.played,
            echo_delay_ms: report.echo_delay.map(|delay| delay.as_secs_f64() * 1e3),
            echo_loss_db: report.echo_loss_db,
        }
    }
}

/// The results on these devices, and whether the speaker is a headset.
pub(super) fn listen(
    profile: &Arc<Profile>,
    [input, output]: [DeviceChoice; 2],
) -> Result<(SoundCheckReport, bool), String> {
    let setup = audio::AudioSetup {
        input: InputKind::Device(input),
        output: OutputKind::Device(output),
    };
    let mut sound = audio::spawn(setup, Arc::new(Counters::default()), profile)
        .map_err(|error| error.to_string())?;
    let sent = sound.send(VoiceCommand::CheckSound { with_voice: false });
    sent.map_err(|error| error.to_string())?;
    let until = Instant::now() + OVER_AFTER;
    let mut headset = false;
    let mut trouble = None;
    while Instant::now() < until {
        match sound.events.try_recv() {
            Ok(VoiceEvent::Check(CheckEvent::Done(report))) => {
                sound.shut_down();
                return Ok((*report, headset));
            }
            Ok(VoiceEvent::Opened(audio::Direction::Output, stream)) => {
                headset = stream.device.headset
            }
            Ok(VoiceEvent::Lost(_, what)) => trouble = Some(what),
            Ok(_) => {}
            Err(_) => std::thread::sleep(POLL_EVERY),
        }
    }
    Err(trouble.unwrap_or_else(|| "the microphone gave no sound".into()))
}

/// Whether there are a microphone and a speaker.
pub(super) fn is_possible(devices: &Devices) -> bool {
    !devices.inputs.is_empty() && !devices.outputs.is_empty()
}

/// What was heard, as checks.
pub(super) fn checks(heard: &Result<(SoundCheckReport, bool), String>) -> Vec<Check> {
    let (report, headset) = match heard {
        Ok((report, headset)) => (report, *headset),
        Err(what) => {
            let hint =
                "Look at the sound settings of the system, or skip it with --no-sound-check.";
            return vec![Check::warn(NAME, what.clone(), hint)];
        }
    };
    let around = CheckContext {
        with_voice: false,
        headset,
    };
    let lines = sound_check_text::lines(report, around).into_iter();
    lines
        .map(|line| {
            let what = format!("{}: {}", line.name.to_lowercase(), line.what);
            let hint = line.hint.unwrap_or_default();
            match line.status {
                CheckStatus::Ok => Check::ok(NAME, what),
                // A silent or muted device may be intended; it is no fault of this program.
                CheckStatus::Warn | CheckStatus::Bad => Check::warn(NAME, what, hint),
            }
        })
        .collect()
}
