//! The user's silences, and the probability that a silence of some length is not the end of the turn.
//!
//! Similar sentences have similar pauses: a silence has more weight if the speech before it was similarly long. With few
//! sentences of this length, the probability is that of all sentences. Newer turns have more weight.

use std::collections::VecDeque;
use std::time::Duration;

/// Weight of a turn relative to the next newer one: half after seven turns, a tenth after twenty-two.
const FADE: f64 = 0.9;
/// Silences that are kept: those of some forty turns with two pauses each, the oldest of which count 1 %.
const KEPT: usize = 128;
/// Kernel width of the length of speech: a quarter (standard deviation of the difference of their logarithms).
const ALIKE: f64 = 0.25;
/// Weight of the probability over sentences of all lengths, in silences.
const OVERALL: f64 = 1.0;
/// Prior for an unknown user, in ends without a pause.
const UNKNOWN: f64 = 2.0;
/// The next pause of a kind may last a fifth longer, and its end is noticed some frames late (measured: 20 to 40 ms).
const LONGER: f64 = 1.2;
const NOTICED: Duration = Duration::from_millis(40);

/// The user's silences; see the [module](self).
#[derive(Clone, Debug, Default)]
pub(super) struct Habits {
    /// The newest last.
    silences: VecDeque<Silence>,
    /// Turns that have ended.
    turns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Silence {
    turn: u64,
    /// Logarithm of the speech before it, in seconds.
    spoken: f64,
    /// Its length with a margin; `None` if it ended the turn.
    pause: Option<Duration>,
}

/// A pause, and its weights among all silences and among those after similar speech.
struct Weighed {
    pause: Duration,
    overall: f64,
    alike: f64,
}

impl Habits {
    pub(super) fn went_on(&mut self, spoken: Duration, pause: Duration) {
        self.note(spoken, Some(pause.mul_f64(LONGER) + NOTICED));
    }

    pub(super) fn ended(&mut self, spoken: Duration) {
        self.note(spoken, None);
        self.turns += 1;
    }

    fn note(&mut self, spoken: Duration, pause: Option<Duration>) {
        if self.silences.len() == KEPT {
            self.silences.pop_front();
        }
        self.silences.push_back(Silence {
            turn: self.turns,
            spoken: logarithm(spoken),
            pause,
        });
    }

    /// The shortest silence from `first` to `last` after which the chance that the user goes on is `good`. `first` itself
    /// may be beyond `last`.
    pub(super) fn shortest(
        &self,
        spoken: Option<Duration>,
        first: Duration,
        last: Duration,
        good: impl Fn(f64) -> bool,
    ) -> Option<Duration> {
        let ends = self.silences.iter().rev().find(|it| it.pause.is_none());
        let spoken = spoken.map(logarithm).or(ends.map(|end| end.spoken));
        let (mut ends_overall, mut ends_alike) = (UNKNOWN, 0.0);
        let mut pauses = Vec::new();
        for silence in &self.silences {
            let age = i32::try_from(self.turns - silence.turn).unwrap_or(i32::MAX);
            let overall = FADE.powi(age);
            let apart = spoken.map_or(0.0, |spoken| (silence.spoken - spoken) / ALIKE);
            let alike = overall * (-apart * apart / 2.0).exp();
            match silence.pause {
                Some(pause) => pauses.push(Weighed {
                    pause,
                    overall,
                    alike,
                }),
                None => {
                    ends_overall += overall;
                    ends_alike += alike;
                }
            }
        }
        pauses.sort_by_key(|weighed| weighed.pause);
        let (mut overall, mut alike) = pauses.iter().fold((0.0, 0.0), |(overall, alike), one| {
            (overall + one.overall, alike + one.alike)
        });
        let mut silence = first;
        for weighed in &pauses {
            if weighed.pause >= silence {
                if good(chance((overall, alike), (ends_overall, ends_alike))) {
                    return Some(silence);
                }
                silence = weighed.pause + Duration::from_millis(1);
                if silence > last {
                    return None;
                }
            }
            overall -= weighed.overall;
            alike -= weighed.alike;
        }
        Some(silence)
    }
}

/// The chance of a pause, by pauses and ends among all silences and among those after as much speech.
fn chance(pauses: (f64, f64), ends: (f64, f64)) -> f64 {
    let overall = pauses.0 / (pauses.0 + ends.0);
    (pauses.1 + OVERALL * overall) / (pauses.1 + ends.1 + OVERALL)
}

fn logarithm(spoken: Duration) -> f64 {
    spoken.max(Duration::from_millis(1)).as_secs_f64().ln()
}
