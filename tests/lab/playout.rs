//! Replies that arrive in every way that was seen, through the real speaker on simulated time, against an oracle that
//! knows when each chunk will come.
//!
//! With the same start delay the oracle makes one gap at the most, at the first chunk that comes too late, as long as
//! all that follows needs: no player that starts then has fewer gaps, or less silence in them.

use std::sync::Arc;
use std::time::Duration;

use sovereign::audio::{Command, Desk, Event, Gate, Handle, SimulatedDesk, simulate};
use sovereign::base::frame::Pcm;
use sovereign::base::ids::TurnId;
use sovereign::base::units::SampleRate;
use sovereign::metrics::counters::Counters;
use sovereign::profile::builtin;

use super::arrivals::{Arrival, Pattern, least_delay};
use super::runs::follow;
use super::table::{Table, full};
use super::voices::Noise;

const PROFILES: [&str; 3] = ["ultra-fast", "balanced", "high-quality"];
const LENGTH_MS: u64 = 6_000;

#[test]
fn replies_run_dry_hardly_more_often_than_an_oracles() {
    let mut table = Table::new(
        "playout",
        "Replies of 6 s as they arrive in tests/lab/arrivals.rs, one after the other in a conversation (20 of each row), played \
         by the real queue, worker and callback. Underruns and gaps are those of all replies. `oracle`: a player that knows all \
         arrivals and starts when we do. Delays of the start are means, from the first chunk to the first sample at the device; \
         `for none`: what the oracle needs so that no reply has a gap.",
        &[
            "arrivals",
            "profile",
            "underruns",
            "oracle's",
            "gaps, ms",
            "oracle's, ms",
            "start, ms",
            "for none, ms",
        ],
    );
    for pattern in Pattern::ALL {
        for profile in PROFILES {
            let score = run(pattern, profile, if full() { 20 } else { 2 });
            table.row(&[
                pattern.name().to_owned(),
                profile.to_owned(),
                score.underruns.to_string(),
                score.least_underruns.to_string(),
                ms(score.gaps),
                ms(score.least_gaps),
                ms(score.start / score.replies),
                ms(score.for_none / score.replies),
            ]);
        }
    }
    table.finish();
}

#[derive(Default)]
struct Score {
    replies: u32,
    underruns: u64,
    least_underruns: u64,
    gaps: Duration,
    least_gaps: Duration,
    start: Duration,
    for_none: Duration,
}

fn ms(duration: Duration) -> String {
    format!("{:.0}", duration.as_secs_f64() * 1e3)
}

fn run(pattern: Pattern, profile: &str, replies: u64) -> Score {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(converse(pattern, profile, replies))
}

/// A reply as it arrived, and what was counted while it played.
struct Told {
    arrivals: Vec<Arrival>,
    asked: std::time::Instant,
    underruns: u64,
}

async fn converse(pattern: Pattern, profile: &str, replies: u64) -> Score {
    let mut rig = Rig::new(profile);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut chance = Noise::new(pattern as u64 + 1);
    let mut told = Vec::new();
    for turn in 1..=replies {
        let arrivals = pattern.reply(LENGTH_MS, &mut chance);
        told.push(rig.reply(TurnId(turn), arrivals).await);
    }
    judge(&rig, &told)
}

/// Everything sounded once and in order, without a click; sums up what it cost.
fn judge(rig: &Rig, told: &[Told]) -> Score {
    let heard = rig.desk.heard();
    let wanted: Vec<f32> = (0..rig.sent)
        .map(|i| f32::from(tone(i)) / 32_768.0)
        .collect();
    let found = follow(&heard, SampleRate::REPLY, &wanted, 1e-6).expect("what was sent");
    assert_eq!(found.samples, wanted.len(), "all of it");
    let mut score = Score::default();
    let mut place = 0;
    for reply in told {
        let end = place + reply.arrivals.iter().map(|a| a.samples).sum::<usize>();
        let first = found.starts.iter().find(|(at, _)| *at == place);
        let latency = SimulatedDesk::default().speaker_latency;
        let came = reply.asked + reply.arrivals[0].at + latency;
        let start = first.expect("it began").1.saturating_duration_since(came);
        let need = least_delay(&reply.arrivals);
        let inside = found
            .gaps
            .iter()
            .filter(|g| place < g.place && g.place < end);
        assert_eq!(
            inside.clone().count() as u64,
            reply.underruns,
            "what is counted is heard"
        );
        score.replies += 1;
        score.underruns += reply.underruns;
        score.least_underruns += u64::from(start < need);
        score.gaps += inside.map(|gap| gap.length).sum::<Duration>();
        score.least_gaps += need.saturating_sub(start);
        score.start += start;
        score.for_none += need;
        place = end;
    }
    score
}

struct Rig {
    handle: Handle,
    desk: Desk,
    counters: Arc<Counters>,
    /// Samples so far.
    sent: usize,
}

impl Rig {
    fn new(profile: &str) -> Self {
        let desk = SimulatedDesk {
            // Nothing is resampled: every sample is told apart.
            speaker_rate: SampleRate::REPLY,
            ..SimulatedDesk::default()
        };
        let counters = Arc::new(Counters::default());
        let profile = builtin(profile).expect("a built-in profile");
        let (handle, desk) = simulate(desk, counters.clone(), &profile).expect("a thread");
        let rig = Self {
            handle,
            desk,
            counters,
            sent: 0,
        };
        rig.send(Command::SetGate(Gate::Muted));
        rig
    }

    fn send(&self, command: Command) {
        self.handle.send(command).expect("the sound side lives");
    }

    /// Plays a reply as it arrives, until it has been heard.
    async fn reply(&mut self, turn: TurnId, arrivals: Vec<Arrival>) -> Told {
        let asked = tokio::time::Instant::now();
        let before = self.counters.underruns.get();
        for chunk in &arrivals {
            tokio::time::sleep_until(asked + chunk.at).await;
            let samples = (self.sent..self.sent + chunk.samples).map(tone).collect();
            self.sent += chunk.samples;
            self.send(Command::Play(Pcm {
                turn,
                rate: SampleRate::REPLY,
                samples,
            }));
        }
        self.send(Command::EndReply(turn));
        while !matches!(self.handle.events.recv().await, Some(Event::Played { .. })) {}
        tokio::time::sleep(Duration::from_millis(300)).await;
        Told {
            arrivals,
            asked: asked.into_std(),
            underruns: self.counters.underruns.get() - before,
        }
    }
}

/// Two tones that do not repeat together, at half of full scale.
fn tone(i: usize) -> i16 {
    let t = i as f64 / 24_000.0 * std::f64::consts::TAU;
    (((t * 220.0).sin() + (t * 347.3).sin()) * 8_000.0) as i16
}
