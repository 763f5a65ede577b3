//! The worker as it runs, in a simulated conversation: what it does in 10 ms, with all that surrounds the sound.
//!
//! The simulation has costs of its own (the desk, its clock, threads that wait for each other). They do not count: of
//! this, callgrind counts only what runs inside the named functions. The worker is called every ms here; a device with a
//! period of 256 frames calls it every 5 ms.

use std::sync::Arc;
use std::time::Duration;

use sovereign::audio::{
    EchoPolicy, SimulatedDesk, VoiceCommand, VoiceEvent, VoiceSettings, simulate,
};
use sovereign::base::counters::Counters;
use sovereign::base::frame::Pcm;
use sovereign::base::ids::TurnId;
use sovereign::base::units::SampleRate;
use sovereign::profile;
use sovereign::vad::SpeechEvent;

use crate::sound::{CYCLE, at_rate, device_rate, reply, talk};
use crate::{Done, Workload};

/// All that the worker does, in the two ways in which compilers spell a method.
pub(crate) const WORKER: [&str; 2] = [
    "sovereign::audio::worker::Worker::tick",
    "<sovereign::audio::worker::Worker>::tick",
];
/// What it does for the canceller: takes in what was played, reads it where the microphone is.
const REFERENCE: [&str; 4] = [
    "sovereign::audio::aec_reference::AecReference::take",
    "sovereign::audio::aec_reference::AecReference::render_frame",
    "<sovereign::audio::aec_reference::AecReference>::take",
    "<sovereign::audio::aec_reference::AecReference>::render_frame",
];

pub(crate) fn workloads() -> Vec<Workload> {
    let mut all: Vec<_> = profile::BUILTINS[..3]
        .iter()
        .map(|&name| workload(&format!("worker-{name}"), SPEAKS, &WORKER, name, false))
        .collect();
    let name = profile::DEFAULT;
    let with_reply = format!("worker-{name}-reply");
    all.push(workload(&with_reply, INTO_A_REPLY, &WORKER, name, true));
    all.push(workload(
        "reference",
        WHILE_IT_SOUNDS,
        &REFERENCE,
        name,
        true,
    ));
    all
}

const SPEAKS: &str = "10 ms of the worker while the user speaks";
const INTO_A_REPLY: &str = "10 ms of the worker while the user speaks into a reply, echo out";
const WHILE_IT_SOUNDS: &str = "10 ms of the canceller's reference while a reply sounds";

fn workload(
    name: &str,
    what: &str,
    only: &[&'static str],
    profile: &'static str,
    answered: bool,
) -> Workload {
    Workload {
        name: name.to_owned(),
        units: CYCLE,
        what: what.to_owned(),
        only: only.to_vec(),
        run: Box::new(move |units| converse(profile, units, answered)),
    }
}

/// Speaks for so many frames; says how many of them the worker handed on, or, with a reply, let sound.
fn converse(profile: &str, units: u32, answered: bool) -> Done {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread");
    let profile = profile::builtin(profile).expect("it is in the program");
    runtime.block_on(async {
        let desk = SimulatedDesk::default();
        let counters = Arc::new(Counters::default());
        let (mut handle, desk) = simulate(desk, counters, &profile).expect("a thread");
        let said = at_rate(&talk(), device_rate());
        let pcm = at_rate(&reply(), SampleRate::REPLY);
        let pcm: Vec<i16> = pcm.iter().map(|s| (s * 32_767.0) as i16).collect();
        let policy = if answered {
            EchoPolicy::On
        } else {
            EchoPolicy::Off
        };
        let settings = VoiceSettings {
            echo: policy,
            ..VoiceSettings::new(profile)
        };
        handle
            .send(VoiceCommand::Settings(Arc::new(settings)))
            .expect("it runs");
        let (mut frames, mut audible) = (0, 0);
        for _ in 0..units / CYCLE {
            desk.speak(&said);
            if answered {
                let (turn, rate) = (TurnId(1), SampleRate::REPLY);
                let samples = pcm.clone();
                handle
                    .send(VoiceCommand::Play(Pcm {
                        turn,
                        rate,
                        samples,
                    }))
                    .expect("it runs");
            }
            for _ in 0..CYCLE {
                tokio::time::sleep(Duration::from_millis(10)).await;
                while let Ok(event) = handle.events.try_recv() {
                    frames += u64::from(is_frame(&event));
                    audible += u64::from(matches!(event, VoiceEvent::FirstAudible { .. }));
                }
            }
        }
        handle.shut_down();
        if answered {
            Done::exactly(audible, 1)
        } else {
            Done::at_least(frames, u64::from(units / CYCLE * 40))
        }
    })
}

fn is_frame(event: &VoiceEvent) -> bool {
    matches!(event, VoiceEvent::Speech(SpeechEvent::Frame(_)))
}
