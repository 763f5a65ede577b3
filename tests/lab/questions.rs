//! Questions of known length, and whether they were answered once and as a whole.

use std::sync::LazyLock;
use std::time::Duration;

use sovereign::base::units::SampleRate;
use sovereign::dsp::resample::Resampler;
use sovereign::profile::EchoCancellation;
use sovereign::server::Script;
use sovereign::telemetry::record::TurnRecord;
use sovereign::turn::machine::Outcome;

use crate::support::{Running, World, voice};

/// A voice without a pause that would end a turn: multiples of its 1.5 s.
pub(crate) fn said(times: usize) -> Vec<f32> {
    static VOICE: LazyLock<Vec<f32>> = LazyLock::new(|| voice("american-man"));
    VOICE.repeat(times)
}

/// The same for a microphone of 16 kHz.
pub(crate) fn said_at_16_khz(times: usize) -> Vec<f32> {
    static VOICE: LazyLock<Vec<f32>> = LazyLock::new(|| {
        let from = SampleRate::new(48_000).expect("not zero");
        let mut resampler = Resampler::new(from, SampleRate::WORKING, 64).expect("rates");
        let mut out = Vec::new();
        resampler.push(&said(1), &mut out);
        resampler.flush(&mut out);
        out
    });
    VOICE.repeat(times)
}

/// A world that takes as little of this computer as it can: no resampling, no cleaning of the sound, long steps.
pub(crate) fn cheap_world(script: &str) -> World {
    let mut world = World::new("ultra-fast");
    world.script = Script::parse("script.yaml".as_ref(), script.as_bytes()).expect("a script");
    world.profile.audio.echo_cancellation = EchoCancellation::Off;
    world.desk.microphone_rate = SampleRate::WORKING;
    world.desk.speaker_rate = SampleRate::REPLY;
    world.desk.keep_heard = false;
    world.desk.step = Duration::from_millis(10);
    world.wire = true;
    world
}

/// How long that is.
pub(crate) fn seconds(times: usize) -> f64 {
    said(times).len() as f64 / 48_000.0
}

/// What the service heard of a turn, in seconds, as it wrote it down.
fn heard(turn: &TurnRecord) -> f64 {
    let mut words = turn.user.split(' ');
    words.find_map(|word| word.parse().ok()).unwrap_or(0.0)
}

/// Whether a question of this length was answered as a whole.
pub(crate) fn answered(turn: &TurnRecord, times: usize) -> Result<(), String> {
    if turn.outcome != Outcome::Completed {
        return Err(format!("{:?}", turn.outcome));
    }
    let (is, was) = (heard(turn), seconds(times));
    ((is - was).abs() < 1.0)
        .then_some(())
        .ok_or_else(|| format!("{is} s of {was:.1} s were heard"))
}

/// The turn that ends a question: what is asked again by itself ends later.
pub(crate) async fn last_turn(world: &mut Running) -> Result<TurnRecord, String> {
    let last = async {
        loop {
            let turn = world.turn().await;
            if !turn.retried {
                return turn;
            }
        }
    };
    let within = Duration::from_secs(400);
    tokio::time::timeout(within, last)
        .await
        .map_err(|_| "no end of the turn".to_owned())
}

pub(crate) async fn sleep(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
