//! Talkers, a segmenter without fault, a service and a speaker round the real turn machine, on simulated time.

use std::fmt;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use sovereign::base::ids::TurnId;
use sovereign::turn::early::TurnTokens;
use sovereign::turn::machine::{Action, Closed, Input, Machine};
use sovereign::turn::patience::EndpointingSettings;
use sovereign::vad::SILENCE_STARTED_AFTER;

use crate::voices::Noise;

/// The published curve of silence timers on real conversations: of so many of a hundred turns a pause is longer.
pub(crate) const PUBLISHED: [(f64, f64); 4] =
    [(300.0, 55.6), (600.0, 21.7), (1000.0, 10.0), (1600.0, 5.0)];
/// Think times, in milliseconds: an instant service, the quickest hosted ones, the quickest speech model measured.
pub(crate) const THINK: [u64; 3] = [0, 300, 630];
/// How long each stretch of speech takes, and the reply.
const SPEECH: Duration = Duration::from_millis(1_200);
const REPLY: Duration = Duration::from_millis(900);

/// A timer of so many milliseconds, that does not follow the user, and early closes without a limit.
pub(crate) fn fixed(patience: u64, eager: bool) -> EndpointingSettings {
    EndpointingSettings {
        patience: Duration::from_millis(patience),
        adaptive: false,
        eager,
        earliest: SILENCE_STARTED_AFTER,
        eager_waste_percent: 100,
        assumed_think: Duration::ZERO,
    }
}

/// How the pauses of turns are drawn.
#[derive(Clone, Copy)]
pub(crate) enum Talk {
    /// From the published curve: its points are met, and it is log-normal between and beyond them.
    Curve,
    /// From one person's log-normal ones: median in milliseconds, spread of the logarithm.
    Talker { median: f64, spread: f64 },
}

impl Talk {
    /// The pause that belongs to a draw from the standard normal distribution.
    fn pause(self, deviate: f64) -> Duration {
        let ms = match self {
            Self::Talker { median, spread } => median * (spread * deviate).exp(),
            Self::Curve => {
                static POINTS: LazyLock<[(f64, f64); 4]> = LazyLock::new(|| {
                    PUBLISHED.map(|(ms, longer)| (deviation(longer / 100.0), ms.ln()))
                });
                let points = &*POINTS;
                let inner = &points[1..points.len() - 1];
                let place = inner.iter().filter(|point| point.0 <= deviate).count();
                let ((z0, x0), (z1, x1)) = (points[place], points[place + 1]);
                (x0 + (x1 - x0) / (z1 - z0) * (deviate - z0)).exp()
            }
        };
        Duration::from_secs_f64(ms / 1e3)
    }
}

/// The deviate that the standard normal distribution exceeds with this probability, by bisection.
fn deviation(exceeded: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if 1.0 - normal(middle) > exceeded {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The standard normal distribution, by Simpson's rule from 0.
fn normal(z: f64) -> f64 {
    const STEPS: i32 = 100;
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let h = z / f64::from(STEPS);
    let weight = |i| match i {
        0 | STEPS => 1.0,
        i => f64::from(2 + 2 * (i % 2)),
    };
    let sum: f64 = (0..=STEPS)
        .map(|i| weight(i) * density(f64::from(i) * h))
        .sum();
    0.5 + sum * h / 3.0
}

/// So many draws from the standard normal distribution: one from each of as many equal parts of it, in an order that is the
/// same in every run. The curve is met without the error of a sample.
pub(crate) fn deviates(count: usize) -> Vec<f64> {
    let mut all: Vec<f64> = (0..count)
        .map(|i| deviation((i as f64 + 0.5) / count as f64))
        .collect();
    let mut chance = Noise::new(7);
    for last in (1..count).rev() {
        let share = f64::from(chance.next() + 1.0) / 2.0;
        all.swap(last, (share * (last + 1) as f64) as usize);
    }
    all
}

/// What became of a conversation.
#[derive(Default)]
pub(crate) struct Outcome {
    turns: usize,
    pub(crate) cut: usize,
    pub(crate) vain: u64,
    /// Milliseconds from the last word to the reply, of the turns that were not cut off.
    waits: Vec<f64>,
    /// Patience at the end.
    pub(crate) patience: Duration,
}

impl Outcome {
    pub(crate) fn wait(&self) -> f64 {
        let mut sorted = self.waits.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    pub(crate) fn mean_wait(&self) -> f64 {
        self.waits.iter().sum::<f64>() / self.waits.len() as f64
    }

    pub(crate) fn cut_off(&self) -> f64 {
        100.0 * self.cut as f64 / self.turns as f64
    }

    pub(crate) fn in_vain(&self) -> f64 {
        100.0 * self.vain as f64 / self.turns as f64
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[patience {:?}, wait {:.1} ms, {:.2} % cut off, {:.2} % in vain]",
            self.patience,
            self.wait(),
            self.cut_off(),
            self.in_vain()
        )
    }
}

/// A conversation of a turn for each deviate, with a pause in each. `think`: milliseconds, and the share by which they vary.
pub(crate) fn converse(
    pace: EndpointingSettings,
    talk: Talk,
    think: (u64, f64),
    deviates: &[f64],
) -> Outcome {
    let mut desk = Desk::new(pace, think);
    // It begins with a question without a pause, after which the think time is known.
    desk.turn(&[], SPEECH);
    let mut outcome = Outcome {
        turns: deviates.len(),
        ..Outcome::default()
    };
    for &deviate in deviates {
        let closed = desk.turn(&[(SPEECH, talk.pause(deviate))], SPEECH);
        // Ended in its pause: it became two turns, or patience was too short by the machine's own count.
        let cut = closed.len() > 1 || closed.iter().any(|c| c.cut_offs > 0);
        outcome.cut += usize::from(cut);
        outcome.vain += closed
            .iter()
            .map(|c| u64::from(c.false_endpoints))
            .sum::<u64>();
        if !cut {
            let latencies = closed[0].timeline.latencies();
            let wait = latencies.total.expect("it was answered");
            outcome.waits.push(wait.as_secs_f64() * 1e3);
        }
    }
    outcome.patience = desk.machine.patience();
    outcome
}

/// What happens next, besides the machine's own deadline.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Next {
    SilenceStarted(Instant),
    Resumed(Duration),
    Ended(Instant),
    /// The service has thought; it sends the whole reply at once.
    Reply,
    /// It stopped an answer.
    Stopped,
    Audible(TurnId),
    Played(TurnId),
    Silenced,
}

/// A machine with all that is round it.
pub(crate) struct Desk {
    machine: Machine,
    now: Instant,
    think: (u64, f64),
    chance: Noise,
    agenda: Vec<(Instant, Next)>,
    /// A reply that waits for its release.
    ready: Option<TurnId>,
    closed: Vec<Closed>,
    counts: Counts,
    /// What was counted for each turn.
    pub(crate) bills: Vec<TurnTokens>,
}

impl Desk {
    pub(crate) fn new(pace: EndpointingSettings, think: (u64, f64)) -> Self {
        let mut machine = Machine::new(true);
        machine.set_endpointing(pace);
        let now = Instant::now();
        machine.handle(now, Input::LinkUp);
        Self {
            machine,
            now,
            think,
            chance: Noise::new(11),
            agenda: Vec::new(),
            ready: None,
            closed: Vec::new(),
            counts: Counts::default(),
            bills: Vec::new(),
        }
    }

    /// Stretches of speech with the pause behind each, the last stretch, the end; then until everything is answered.
    pub(crate) fn turn(&mut self, parts: &[(Duration, Duration)], last: Duration) -> Vec<Closed> {
        let onset = self.now + Duration::from_secs(2);
        self.run_until(onset);
        self.start(onset);
        let mut from = onset;
        for &(speech, pause) in parts {
            self.counts.spoken(speech);
            let end = from + speech;
            from = end + pause;
            self.silence(end, Some(from));
        }
        self.counts.spoken(last);
        self.silence(from + last, None);
        while let Some(at) = self.next_at() {
            self.run_until(at);
        }
        std::mem::take(&mut self.closed)
    }

    fn start(&mut self, first_voiced: Instant) {
        self.tell(Input::SpeechStarted { first_voiced });
    }

    /// The voice is silent from `end` to `onset`, or for good. Patience is what it is once the silence was told.
    fn silence(&mut self, end: Instant, onset: Option<Instant>) {
        self.run_until(end);
        if let Some(onset) = onset.filter(|onset| *onset - end <= SILENCE_STARTED_AFTER) {
            return self.run_until(onset);
        }
        self.agenda
            .push((end + SILENCE_STARTED_AFTER, Next::SilenceStarted(end)));
        self.run_until(end + SILENCE_STARTED_AFTER);
        let over = end + self.machine.patience().max(SILENCE_STARTED_AFTER);
        match onset {
            None => self.agenda.push((over, Next::Ended(end))),
            Some(onset) if onset > over => {
                self.agenda.push((over, Next::Ended(end)));
                self.run_until(onset);
                self.start(onset);
            }
            Some(onset) => {
                self.agenda.push((onset, Next::Resumed(onset - end)));
                self.run_until(onset);
            }
        }
    }

    fn next_at(&self) -> Option<Instant> {
        let agenda = self.agenda.iter().map(|(at, _)| *at);
        agenda.chain(self.machine.poll_timeout()).min()
    }

    /// Lets everything happen up to `until`, in order of time, and of making where times are equal.
    fn run_until(&mut self, until: Instant) {
        while let Some(at) = self.next_at().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.machine.handle_timeout(self.now);
            self.perform();
            if let Some(place) = self.agenda.iter().position(|(when, _)| *when <= at) {
                let (_, next) = self.agenda.remove(place);
                self.happen(next);
            }
        }
        self.now = self.now.max(until);
    }

    fn happen(&mut self, next: Next) {
        let at = self.now;
        match next {
            Next::SilenceStarted(last_voiced) => self.tell(Input::SilenceStarted { last_voiced }),
            Next::Resumed(pause) => self.tell(Input::Resumed {
                first_voiced: at,
                pause,
            }),
            Next::Ended(last_voiced) => self.tell(Input::SpeechEnded { last_voiced }),
            Next::Reply => {
                self.tell(Input::ReplyAudio { at });
                self.tell(Input::GenerationComplete);
                self.tell(Input::TurnComplete);
            }
            Next::Stopped => {
                self.tell(Input::Interrupted);
                self.tell(Input::TurnComplete);
            }
            Next::Audible(turn) => {
                self.agenda.push((at + REPLY, Next::Played(turn)));
                self.tell(Input::FirstAudible {
                    turn,
                    at,
                    skipped_silence: Duration::ZERO,
                });
            }
            Next::Played(turn) => self.tell(Input::Played { turn, heard: REPLY }),
            Next::Silenced => self.tell(Input::Silenced {
                at,
                ducked: None,
                heard: Duration::ZERO,
            }),
        }
    }

    fn tell(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        self.perform();
    }

    fn perform(&mut self) {
        while let Some(action) = self.machine.poll_action() {
            match action {
                Action::Begin(_) => {
                    self.interrupt();
                }
                Action::Continue(_) => {
                    let thinks = self.interrupt();
                    self.counts.dropped(thinks);
                }
                Action::End(_) => self.ask(),
                Action::Play(turn) => self.ready = Some(turn),
                Action::StopReply => {
                    self.ready = None;
                    self.agenda
                        .retain(|(_, next)| !matches!(next, Next::Audible(_) | Next::Played(_)));
                    self.agenda.push((self.now, Next::Silenced));
                }
                Action::EndReply(_) | Action::Replay(_) | Action::Replace(_) => {}
                Action::Close(closed) => {
                    let tokens = self.counts.closed(&closed);
                    self.machine.billed(tokens);
                    self.bills.push(tokens);
                    self.closed.push(*closed);
                }
            }
        }
        let held = self.machine.is_closed_early();
        if let Some(turn) = self.ready.take_if(|_| !held) {
            self.agenda.push((self.now, Next::Audible(turn)));
        }
    }

    /// Activity begins: an answer that the service thinks of is stopped. Says whether there was one.
    fn interrupt(&mut self) -> bool {
        let before = self.agenda.len();
        self.agenda.retain(|(_, next)| *next != Next::Reply);
        let thinks = self.agenda.len() < before;
        if thinks {
            self.agenda.push((self.now, Next::Stopped));
        }
        thinks
    }

    fn ask(&mut self) {
        self.counts.asked();
        let (ms, share) = self.think;
        let think = ms as f64 * (1.0 + share * f64::from(self.chance.next()));
        let reply = self.now + Duration::from_secs_f64(think / 1e3);
        self.agenda.push((reply, Next::Reply));
        self.machine
            .handle(self.now, Input::EndSent { at: self.now });
    }
}

/// What the service counts. It reads the whole conversation with each turn, and forgets half of it when it is long.
#[derive(Default)]
struct Counts {
    context: u64,
    /// What was said since the last answer.
    said: u64,
    /// Of the newest request.
    prompt: u64,
    dropped: u64,
}

impl Counts {
    /// The service's rate for speech: 25 tokens a second.
    const PER_SECOND: f64 = 25.0;
    /// The instruction, an answer, and what is left of one that is stopped while it is thought of.
    const INSTRUCTION: u64 = 300;
    const ANSWER: u64 = 150;
    const STOPPED: u64 = 30;
    /// What the default profile sets.
    const COMPRESS: (u64, u64) = (24_000, 12_000);

    fn spoken(&mut self, speech: Duration) {
        self.said += (speech.as_secs_f64() * Self::PER_SECOND) as u64;
    }

    fn asked(&mut self) {
        self.prompt = Self::INSTRUCTION + self.context + self.said;
    }

    fn dropped(&mut self, thinks: bool) {
        self.dropped += self.prompt + if thinks { Self::STOPPED } else { Self::ANSWER };
    }

    fn closed(&mut self, closed: &Closed) -> TurnTokens {
        let answered = closed.timeline.latencies().total.is_some();
        let answer = if answered {
            Self::ANSWER
        } else {
            Self::STOPPED
        };
        self.context += std::mem::take(&mut self.said) + answer;
        if self.context > Self::COMPRESS.0 {
            self.context = Self::COMPRESS.1;
        }
        TurnTokens {
            own: Some(self.prompt + answer),
            dropped: std::mem::take(&mut self.dropped),
            reopened: closed.reopened,
            false_endpoints: closed.false_endpoints,
        }
    }
}
