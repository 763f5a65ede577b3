//! Questions of known length, and whether they were answered once and as a whole.

use std::time::Duration;

use sovereign::telemetry::record::TurnRecord;
use sovereign::turn::machine::Outcome;

use crate::support::{Running, voice};

/// A voice without a pause that would end a turn: multiples of its 1.5 s.
pub(crate) fn said(times: usize) -> Vec<f32> {
    let once = voice("american-man");
    std::iter::repeat_n(&once, times)
        .flatten()
        .copied()
        .collect()
}

/// How long that is.
pub(crate) fn seconds(times: usize) -> f64 {
    said(times).len() as f64 / 48_000.0
}

/// What the service heard of a turn, in seconds, as it wrote it down.
fn heard(turn: &TurnRecord) -> f64 {
    let words = turn.user.split(' ').next().unwrap_or_default();
    words.parse().unwrap_or(0.0)
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
