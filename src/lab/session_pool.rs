//! Starts and stops conversations to follow the load profile.
//!
//! A failed conversation leaves a gap, which is filled after a back-off, a limited number of times. A ramp continues
//! independently, so that it reaches its target despite failures.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::conversation::{PROBE, TalkParameters, TrialContext, hold, talk};
use super::load_profile::LoadProfile;
use crate::profile::Profile;

/// Least time before a failed conversation is replaced.
const BACK_OFF: Duration = Duration::from_secs(1);
/// Most replacements per planned conversation; then places stay empty, which is reported and checked.
const REPLACEMENTS: u64 = 3;
/// Pause between turns.
const PAUSE: (Duration, Duration) = (Duration::from_millis(300), Duration::from_millis(2_000));
/// Pause before the utterance of a probe: its detector knows the room by then.
const SETTLED: Duration = Duration::from_secs(1);
/// What all together may take to end.
const END_WITHIN: Duration = Duration::from_secs(5);

pub(crate) struct SessionPool {
    stage: Arc<TrialContext>,
    profile: Arc<Profile>,
    talks: bool,
    tasks: JoinSet<u64>,
    /// Conversations that were not cancelled, oldest first.
    live: Vec<(u64, CancellationToken)>,
    begun: u64,
    gaps: Gaps,
    probes: JoinSet<()>,
    /// The newest probe, and when the next one may begin.
    probe: (CancellationToken, Instant),
}

/// Conversations that were begun, by what for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// All of them, probes included.
    pub(crate) begun: u64,
    /// In place of one that failed.
    pub(crate) replaced: u64,
    /// Places of failed conversations that are not filled again.
    pub(crate) given_up: u64,
}

/// Places of conversations that failed.
struct Gaps {
    /// When each may be filled, soonest first.
    open: VecDeque<Instant>,
    filled: u64,
    most: u64,
}

impl Gaps {
    fn new(most: u64) -> Self {
        Self {
            open: VecDeque::new(),
            filled: 0,
            most,
        }
    }

    fn leave(&mut self, now: Instant) {
        self.open.push_back(now + BACK_OFF);
    }

    /// How many are wanted beside those that live and those whose places are open.
    fn fresh(&self, live: usize, wanted: usize) -> usize {
        wanted.saturating_sub(live + self.open.len())
    }

    /// Drops places beyond `most`.
    fn shrink(&mut self, most: usize) {
        self.open.truncate(most);
    }

    /// Whether one is filled now.
    fn fill(&mut self, now: Instant) -> bool {
        let may = self.filled < self.most && self.open.front().is_some_and(|due| *due <= now);
        if may {
            self.open.pop_front();
            self.filled += 1;
        }
        may
    }

    /// Those that stay empty.
    fn given_up(&self) -> usize {
        if self.filled < self.most {
            0
        } else {
            self.open.len()
        }
    }
}

impl SessionPool {
    pub(crate) fn new(stage: Arc<TrialContext>, profile: Arc<Profile>, plan: &LoadProfile) -> Self {
        Self {
            stage,
            profile,
            talks: plan.talks,
            tasks: JoinSet::new(),
            live: Vec::new(),
            begun: 0,
            gaps: Gaps::new(REPLACEMENTS * plan.most() as u64),
            probes: JoinSet::new(),
            probe: (CancellationToken::new(), Instant::now()),
        }
    }

    /// Begins or ends conversations until there are `wanted`.
    pub(crate) fn adjust(&mut self, wanted: usize, now: Instant) {
        while let Some(ended) = self.tasks.try_join_next() {
            // A conversation that ended without cancellation has failed: it leaves a gap.
            if let Ok(id) = ended
                && let Some(at) = self.live.iter().position(|(live, _)| *live == id)
            {
                self.live.remove(at);
                self.gaps.leave(now);
            }
        }
        while self.live.len() > wanted {
            if let Some((_, stop)) = self.live.pop() {
                stop.cancel();
            }
        }
        self.gaps.shrink(wanted - self.live.len());
        // More are wanted than ever were there: those begin whatever happened to others.
        for _ in 0..self.gaps.fresh(self.live.len(), wanted) {
            self.begin();
        }
        while self.gaps.fill(now) {
            self.begin();
        }
    }

    /// Begins a probe, if none is under way: an utterance in a conversation of its own.
    pub(crate) fn probe(&mut self, now: Instant) {
        while self.probes.try_join_next().is_some() {}
        if !self.probes.is_empty() || now < self.probe.1 {
            return;
        }
        self.begun += 1;
        let stop = CancellationToken::new();
        self.probe = (stop.clone(), now + BACK_OFF);
        let part = TalkParameters {
            id: PROBE,
            profile: self.profile.clone(),
            utterances: Some(1),
            pause: (SETTLED, SETTLED),
        };
        self.probes.spawn(talk(self.stage.clone(), part, stop));
    }

    fn begin(&mut self) {
        self.begun += 1;
        let (id, stop) = (self.begun, CancellationToken::new());
        let part = TalkParameters {
            id,
            profile: self.profile.clone(),
            utterances: None,
            pause: PAUSE,
        };
        let (stage, stopped, talks) = (self.stage.clone(), stop.clone(), self.talks);
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

    /// How many were begun so far.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            begun: self.begun,
            replaced: self.gaps.filled,
            given_up: self.gaps.given_up() as u64,
        }
    }

    /// Ends all and waits for them; hanging ones are abandoned. The reports must still be received meanwhile.
    pub(crate) async fn end(mut self) {
        for (_, stop) in &self.live {
            stop.cancel();
        }
        self.probe.0.cancel();
        let all = async {
            while self.tasks.join_next().await.is_some() {}
            while self.probes.join_next().await.is_some() {}
        };
        if tokio::time::timeout(END_WITHIN, all).await.is_err() {
            tracing::warn!("some conversations did not end in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_filled_after_a_while_and_only_so_often() {
        let now = Instant::now();
        let mut gaps = Gaps::new(2);
        gaps.leave(now);
        assert!(!gaps.fill(now), "at once would be a storm");
        // Another failure does not put the first one off.
        gaps.leave(now + BACK_OFF / 2);
        assert!(gaps.fill(now + BACK_OFF) && !gaps.fill(now + BACK_OFF));
        assert_eq!(gaps.given_up(), 0, "it is still waited for");
        assert!(gaps.fill(now + 2 * BACK_OFF));
        gaps.leave(now);
        gaps.leave(now);
        assert!(!gaps.fill(now + 9 * BACK_OFF));
        assert_eq!(gaps.given_up(), 2, "two places stay empty");
        gaps.shrink(1);
        assert_eq!(gaps.given_up(), 1, "nobody wants the other any more");
    }

    #[test]
    fn a_ramp_goes_on_whatever_failed_before() {
        let now = Instant::now();
        let mut gaps = Gaps::new(0);
        gaps.leave(now);
        gaps.leave(now);
        // Of ten two have failed for good: eight live, and the ramp wants five more.
        assert_eq!(gaps.fresh(8, 10), 0);
        assert_eq!(gaps.fresh(8, 15), 5);
        assert_eq!(gaps.fresh(9, 3), 0);
    }
}
