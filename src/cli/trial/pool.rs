//! Begins and ends conversations so that there are as many as the plan wants.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::conversation::{Part, Stage, hold, talk};
use super::plan::Plan;
use crate::profile::Profile;

/// A conversation that failed is begun anew after this time at least.
const BACK_OFF: Duration = Duration::from_secs(1);
/// So many are begun anew for each that is wanted; then the rest of the run goes on with fewer.
const REPLACEMENTS: u64 = 3;
/// Pause between turns.
const PAUSE: (Duration, Duration) = (Duration::from_millis(300), Duration::from_millis(2_000));
/// What all together may take to end.
const END_WITHIN: Duration = Duration::from_secs(5);

/// The conversations that run.
pub(in crate::cli) struct Pool {
    stage: Arc<Stage>,
    profile: Arc<Profile>,
    plan: Plan,
    tasks: JoinSet<u64>,
    /// Those that were not told to end, oldest first.
    live: Vec<(u64, CancellationToken)>,
    begun: u64,
    replaced: u64,
    /// Places of failed ones, which are not filled before this time.
    gaps: u64,
    again: Instant,
}

impl Pool {
    pub(in crate::cli) fn new(stage: Arc<Stage>, profile: Arc<Profile>, plan: Plan) -> Self {
        Self {
            stage,
            profile,
            plan,
            tasks: JoinSet::new(),
            live: Vec::new(),
            begun: 0,
            replaced: 0,
            gaps: 0,
            again: Instant::now(),
        }
    }

    /// Begins or ends conversations until there are `wanted`.
    pub(in crate::cli) fn adjust(&mut self, wanted: usize, now: Instant) {
        while let Some(ended) = self.tasks.try_join_next() {
            // One that nobody ended has failed: it leaves a gap.
            if let Ok(id) = ended
                && let Some(at) = self.live.iter().position(|(live, _)| *live == id)
            {
                self.live.remove(at);
                self.gaps += 1;
                self.again = now + BACK_OFF;
            }
        }
        while self.live.len() > wanted {
            if let Some((_, stop)) = self.live.pop() {
                stop.cancel();
            }
        }
        while self.live.len() < wanted && self.may_begin(wanted, now) {
            self.begin();
        }
    }

    fn may_begin(&mut self, wanted: usize, now: Instant) -> bool {
        if self.gaps == 0 {
            return true;
        }
        if now < self.again || self.replaced >= REPLACEMENTS * wanted as u64 {
            return false;
        }
        self.gaps -= 1;
        self.replaced += 1;
        true
    }

    fn begin(&mut self) {
        self.begun += 1;
        let (id, stop) = (self.begun, CancellationToken::new());
        let part = Part {
            id,
            profile: self.profile.clone(),
            utterances: None,
            pause: PAUSE,
        };
        let (stage, stopped, talks) = (self.stage.clone(), stop.clone(), self.plan.talks);
        self.tasks.spawn(async move {
            if talks {
                talk(stage, part, stopped).await;
            } else {
                hold(stage, part, stopped).await;
            }
            id
        });
        self.live.push((id, stop));
    }

    /// Conversations begun, and those of them that took the place of a failed one.
    pub(in crate::cli) fn counts(&self) -> (u64, u64) {
        (self.begun, self.replaced)
    }

    /// Ends all, and waits for them; one that hangs is left behind. Somebody must go on taking the reports.
    pub(in crate::cli) async fn end(mut self) {
        for (_, stop) in &self.live {
            stop.cancel();
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(END_WITHIN, all).await.is_err() {
            tracing::warn!("some conversations did not end in time");
        }
    }
}
