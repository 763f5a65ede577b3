//! Tests on simulated time, before a run, whether a virtual conversation would detect speech in an utterance.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::event::VoiceEvent;
use super::super::handle::AudioHandle;
use super::device::{RATE, VirtualMicrophone, room_noise};
use super::lateness::{Lateness, STEP};
use super::worker::{PoolSchedule, PoolWorker, VirtualAudio, member};
use crate::base::counters::Counters;
use crate::profile::Profile;
use crate::vad::SpeechEvent;

/// Time for the detector to learn the room, as before the first utterance of a conversation.
const SETTLING: Duration = Duration::from_secs(1);
/// Time for the decision after the last sample: onsets take a tenth of a second at most.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// Whether the detector of this profile finds speech in an utterance (mono, at [`RATE`]), as a member of a pool
/// captures it: in a quiet room, at the level of the file.
pub fn is_heard(utterance: &Arc<[f32]>, profile: &Arc<Profile>) -> bool {
    let mut now = Instant::now();
    let mut pool_worker = PoolWorker::new(PoolSchedule::Steps, now, Arc::new(Lateness::default()));
    let counters = Arc::new(Counters::default());
    let (parts, mut handle, microphone) = member(counters, profile, &room_noise(), 0, None);
    pool_worker.take_in(VirtualAudio::new(parts, now));
    let length = RATE.duration_of(utterance.len() as u64);
    let spoken_from = now + SETTLING;
    let until = spoken_from + length + AFTERWARDS;
    let mut spoken = false;
    while now < until {
        // Advances at least by a tenth of a step: time must pass.
        now = pool_worker.round(now).max(now + STEP / 10);
        let heard = starts(&mut handle);
        if spoken && heard {
            return true;
        }
        if !spoken && now >= spoken_from {
            spoken = speak(&microphone, utterance);
        }
    }
    false
}

fn speak(microphone: &VirtualMicrophone, utterance: &Arc<[f32]>) -> bool {
    microphone.speak(utterance.clone(), Duration::ZERO)
}

/// Whether an utterance started since the last call.
fn starts(handle: &mut AudioHandle) -> bool {
    let mut started = false;
    while let Ok(event) = handle.events.try_recv() {
        started |= matches!(event, VoiceEvent::Speech(SpeechEvent::Started { .. }));
    }
    started
}

#[cfg(test)]
mod tests {
    use super::super::device::utterance_of;
    use super::*;
    use crate::profile::builtin;

    const QUESTION: &[u8] = include_bytes!("../../../assets/speech/question.wav");

    #[test]
    fn speech_is_heard_by_each_profile_and_silence_noise_and_a_click_by_none() {
        let question = utterance_of(QUESTION).expect("a WAV file");
        let silence: Arc<[f32]> = vec![0.0; 96_000].into();
        let noise: Arc<[f32]> = room_noise().iter().map(|s| 3.0 * s).collect();
        let mut click = vec![0.0; 48_000];
        click[24_000..24_048].fill(0.5);
        let click: Arc<[f32]> = click.into();
        let whisper: Arc<[f32]> = question.iter().map(|s| s * 1e-4).collect();
        for name in ["ultra-fast", "balanced", "high-quality"] {
            let profile = builtin(name).expect("shipped");
            assert!(is_heard(&question, &profile), "{name}");
            for (what, sound) in [
                ("silence", &silence),
                ("noise", &noise),
                ("a click", &click),
                ("far below the noise", &whisper),
            ] {
                assert!(!is_heard(sound, &profile), "{name}: {what}");
            }
        }
    }
}
