//! The turn machine: the only place where turns change.
//!
//! ```text
//!             speech                endpoint              reply audio
//!   (idle) ───────────▶ Speaking ───────────▶ Awaiting ───────────────▶ Replying ──▶ closed: completed
//!                          ▲   speech goes on    │  │ speech, Esc           │ speech, Esc
//!                          └─────────────────────┘  └──▶ closed: cancelled  └──▶ closed: interrupted
//! ```
//!
//! It is pure: inputs and `now` go in, actions and a deadline come out. With manual detection our detector decides
//! both edges of a turn; with automatic detection the service does, and our detector only stamps the marks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::replies::{Owner, Replies};
use super::timeline::Timeline;
use crate::base::ids::{Mark, TurnId};

/// Going on within this time after the endpoint means that patience was too short: a cut-off.
pub const CUT_OFF_WITHIN: Duration = Duration::from_secs(1);
/// The service may think this long before it gives any sign; the slowest hosted answers measured take 16 s.
const FIRST_SIGN_WITHIN: Duration = Duration::from_secs(20);
/// A reply that has begun may pause this long.
const NEXT_SIGN_WITHIN: Duration = Duration::from_secs(10);
/// `turnComplete` (with the token counts) may come this long after the reply was played out.
const COMPLETE_WITHIN: Duration = Duration::from_secs(1);
/// A flush must be confirmed within this time; it takes a device period plus a fade.
const SILENT_WITHIN: Duration = Duration::from_secs(1);
/// A turn is offered to this many connections before it counts as failed.
const OFFERS: u32 = 3;

/// What the machine is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// An utterance began.
    SpeechStarted {
        /// First voiced sample.
        first_voiced: Instant,
    },
    /// The utterance is over.
    SpeechEnded {
        /// Last voiced sample.
        last_voiced: Instant,
    },
    /// The user wants the reply to stop.
    StopPressed,
    /// The program ends: every turn is closed as it stands, without waiting for the speaker.
    Quit,
    /// Messages can be sent.
    LinkUp,
    /// The connection is gone.
    LinkDown,
    /// The turn's end was handed to the socket and flushed.
    Flushed {
        /// When.
        at: Instant,
    },
    /// Reply audio was read from the socket at this instant.
    ReplyAudio {
        /// When.
        at: Instant,
    },
    /// The service gave a sign of life for the current turn: words, a tool call.
    ReplySign,
    /// The service stopped its answer.
    Interrupted,
    /// The service has sent all of its answer.
    GenerationComplete,
    /// The service closed its turn.
    TurnComplete,
    /// A reply's first non-silent sample left the speaker.
    FirstAudible {
        /// The reply's turn.
        turn: TurnId,
        /// When.
        at: Instant,
        /// Leading silence that was not played.
        skipped_silence: Duration,
    },
    /// A reply was played out.
    Played {
        /// The reply's turn.
        turn: TurnId,
        /// How much was heard.
        heard: Duration,
    },
    /// A flush took effect.
    Silenced {
        /// When the speaker fell silent.
        at: Instant,
        /// How much of the reply was heard.
        heard: Duration,
    },
}

/// What the machine wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Begin a turn towards the service; the audio that is kept for it goes first.
    Begin(TurnId),
    /// End it towards the service.
    End(TurnId),
    /// Play the reply audio that was just reported, as this turn's. Without this action it is dropped.
    Play(TurnId),
    /// No more audio of this reply will come.
    EndReply(TurnId),
    /// Silence the speaker and drop what is queued.
    Flush,
    /// A turn is over.
    Close(Box<Closed>),
}

/// A turn that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// Which.
    pub turn: TurnId,
    /// Whether the user asked; what the service says unasked has no record.
    pub asked: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// Its instants.
    pub timeline: Timeline,
    /// How often the user went on after its endpoint.
    pub reopened: u32,
    /// How often within a second.
    pub cut_offs: u32,
    /// How much of the reply was heard.
    pub heard: Duration,
    /// From the interrupting onset to silence, where speech cut the reply.
    pub silenced_after: Option<Duration>,
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reply was played to its end.
    Completed,
    /// An audible reply was cut.
    Interrupted,
    /// It ended before it was audible.
    Cancelled,
    /// The service closed it without audio.
    Empty,
    /// It failed, for this reason.
    Failed(String),
}

impl Outcome {
    /// Its name in the JSON of a turn.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
            Self::Empty => "empty",
            Self::Failed(_) => "failed",
        }
    }
}

/// Where the open turn stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No turn is open.
    Idle,
    /// The user speaks.
    Speaking,
    /// The reply is awaited.
    Awaiting,
    /// The reply has begun to arrive.
    Replying,
}

/// The machine; see the drawing above.
#[derive(Debug)]
pub struct Machine {
    manual: bool,
    connected: bool,
    last_id: u64,
    open: Option<Turn>,
    replies: Replies,
    /// Turns whose end was sent but not flushed yet.
    unflushed: VecDeque<TurnId>,
    /// Cut turns that wait for the speaker to fall silent.
    silencing: VecDeque<Silencing>,
    /// Automatic detection: speech over a reply, which the service may or may not take for an interruption.
    overlap: Option<Instant>,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
struct Turn {
    id: TurnId,
    asked: bool,
    phase: Phase,
    timeline: Timeline,
    reopened: u32,
    cut_offs: u32,
    offers: u32,
    generated: bool,
    completed: bool,
    /// The reply broke off; what came of it is still played.
    broken: Option<String>,
    played: Option<(Instant, Duration)>,
    last_sign: Instant,
}

#[derive(Debug)]
struct Silencing {
    turn: Turn,
    /// The onset that cut it, if speech did.
    onset: Option<Instant>,
    since: Instant,
}

impl Machine {
    /// A machine without a connection. `manual`: our detector decides; otherwise the service does.
    #[must_use]
    pub fn new(manual: bool) -> Self {
        Self {
            manual,
            connected: false,
            last_id: 0,
            open: None,
            replies: Replies::default(),
            unflushed: VecDeque::new(),
            silencing: VecDeque::new(),
            overlap: None,
            actions: VecDeque::new(),
        }
    }

    /// Changes who detects activity; takes effect with the next connection, so call it while no turn is open.
    pub fn set_manual(&mut self, manual: bool) {
        self.manual = manual;
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::SpeechStarted { first_voiced } => self.speech_started(now, first_voiced),
            Input::SpeechEnded { last_voiced } => self.speech_ended(now, last_voiced),
            Input::StopPressed => self.stop(now),
            Input::Quit => self.quit(now),
            Input::LinkUp => self.link_up(now),
            Input::LinkDown => self.link_down(now),
            Input::Flushed { at } => self.flushed(at),
            Input::ReplyAudio { at } => self.reply_audio(now, at),
            Input::ReplySign => self.sign(now),
            Input::Interrupted => self.interrupted(now),
            Input::GenerationComplete => self.generation_complete(now),
            Input::TurnComplete => self.turn_complete(now),
            Input::FirstAudible {
                turn,
                at,
                skipped_silence,
            } => self.first_audible(turn, at, skipped_silence),
            Input::Played { turn, heard } => self.played(now, turn, heard),
            Input::Silenced { at, heard } => self.silenced(at, heard),
        }
    }

    /// The next thing to do, until there is none.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Machine::handle_timeout`] wants to be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let silence = self.silencing.front().map(|s| s.since + SILENT_WITHIN);
        [
            self.open.as_ref().and_then(|t| t.deadline(self.connected)),
            silence,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Gives up what has taken too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self
            .silencing
            .front()
            .is_some_and(|s| now >= s.since + SILENT_WITHIN)
        {
            self.silenced(now, Duration::ZERO);
        }
        let connected = self.connected;
        if let Some(turn) = self
            .open
            .as_ref()
            .filter(|t| t.deadline(connected).is_some_and(|at| now >= at))
        {
            self.give_up(now, turn.phase, turn.played.is_some());
        }
    }

    /// Where the open turn stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.open.as_ref().map_or(Phase::Idle, |turn| turn.phase)
    }

    /// The open turn, and whether the user asked.
    #[must_use]
    pub fn open_turn(&self) -> Option<(TurnId, bool)> {
        self.open.as_ref().map(|turn| (turn.id, turn.asked))
    }

    /// Whether the open turn's reply can be heard.
    #[must_use]
    pub fn is_audible(&self) -> bool {
        self.open.as_ref().is_some_and(Turn::is_audible)
    }

    /// Whose words the service is writing down now: the user's side.
    #[must_use]
    pub fn heard_turn(&self) -> Option<TurnId> {
        match self.replies.owner_of_content() {
            Owner::Turn(turn) => Some(turn),
            Owner::Old => None,
            Owner::Nobody => self.open.as_ref().map(|turn| turn.id),
        }
    }

    /// Whether nothing is going on: a good moment for another connection.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.open.is_none() && self.silencing.is_empty()
    }
}

/// The user's side.
impl Machine {
    fn speech_started(&mut self, now: Instant, first_voiced: Instant) {
        let Some(turn) = &self.open else {
            return self.begin(now, first_voiced);
        };
        match turn.phase {
            Phase::Idle | Phase::Speaking => {}
            Phase::Awaiting | Phase::Replying if turn.asked && self.goes_on(first_voiced) => {
                self.reopen(first_voiced)
            }
            Phase::Awaiting | Phase::Replying if self.manual => {
                self.cut(now, Some(first_voiced));
                self.begin(now, first_voiced);
            }
            Phase::Awaiting | Phase::Replying => self.overlap = Some(first_voiced),
        }
    }

    /// Whether speech continues the open turn: nothing of its reply was heard, and either the service has not got it,
    /// or the pause was short, or the service decides about turns and has said nothing yet.
    fn goes_on(&self, first_voiced: Instant) -> bool {
        self.open.as_ref().is_some_and(|turn| {
            let soon = turn.is_cut_off_by(first_voiced);
            !turn.is_audible()
                && (!self.connected || soon || (!self.manual && turn.phase == Phase::Awaiting))
        })
    }

    fn begin(&mut self, now: Instant, first_voiced: Instant) {
        self.last_id += 1;
        let mut turn = Turn::new(TurnId(self.last_id), true, Phase::Speaking, now);
        turn.timeline.set(Mark::SpeechStart, first_voiced);
        self.offer(&mut turn);
        self.open = Some(turn);
    }

    fn reopen(&mut self, first_voiced: Instant) {
        let Some(mut turn) = self.open.take() else {
            return;
        };
        turn.reopened += 1;
        turn.cut_offs += u32::from(turn.is_cut_off_by(first_voiced));
        if turn.phase == Phase::Replying {
            self.actions.push_back(Action::Flush);
        }
        for mark in [
            Mark::SpeechEnd,
            Mark::Endpoint,
            Mark::Sent,
            Mark::FirstAudio,
        ] {
            turn.timeline.clear(mark);
        }
        turn.phase = Phase::Speaking;
        (turn.generated, turn.completed, turn.played) = (false, false, None);
        if self.manual {
            self.replies.cut_all();
            self.unflushed.clear();
            if self.connected {
                self.actions.push_back(Action::Begin(turn.id));
            }
        }
        self.open = Some(turn);
    }

    fn speech_ended(&mut self, now: Instant, last_voiced: Instant) {
        self.overlap = None;
        let Some(turn) = self
            .open
            .as_mut()
            .filter(|turn| turn.phase == Phase::Speaking)
        else {
            return;
        };
        turn.timeline.set(Mark::SpeechEnd, last_voiced);
        if self.manual {
            turn.timeline.set(Mark::Endpoint, now);
        }
        turn.phase = Phase::Awaiting;
        turn.last_sign = now;
        let id = turn.id;
        if self.connected {
            self.end(id);
        }
    }

    fn stop(&mut self, now: Instant) {
        if self
            .open
            .as_ref()
            .is_some_and(|turn| turn.phase != Phase::Speaking)
        {
            self.cut(now, None);
        }
    }

    fn quit(&mut self, now: Instant) {
        self.cut(now, None);
        while !self.silencing.is_empty() {
            self.silenced(now, Duration::ZERO);
        }
    }

    /// Ends the open turn because the user has no use for its reply any more.
    fn cut(&mut self, now: Instant, onset: Option<Instant>) {
        let Some(mut turn) = self.open.take() else {
            return;
        };
        if let Some(onset) = onset {
            turn.cut_offs += u32::from(turn.is_cut_off_by(onset));
        }
        self.replies.cut_all();
        if turn.phase == Phase::Replying && turn.played.is_none() {
            self.actions.push_back(Action::Flush);
            self.silencing.push_back(Silencing {
                turn,
                onset,
                since: now,
            });
        } else {
            let outcome = if turn.played.is_some() {
                Outcome::Completed
            } else {
                Outcome::Cancelled
            };
            self.close(turn, outcome, None);
        }
    }
}

/// The link.
impl Machine {
    fn link_up(&mut self, now: Instant) {
        self.connected = true;
        let Some(mut turn) = self.open.take() else {
            return;
        };
        let ended = match turn.phase {
            Phase::Speaking => false,
            Phase::Awaiting => true,
            Phase::Idle | Phase::Replying => return self.open = Some(turn),
        };
        if turn.offers >= OFFERS {
            let why = format!("{OFFERS} connections in a row ended before it was answered");
            return self.close(turn, Outcome::Failed(why), None);
        }
        turn.last_sign = now;
        self.offer(&mut turn);
        let id = turn.id;
        self.open = Some(turn);
        if ended {
            self.end(id);
        }
    }

    fn link_down(&mut self, now: Instant) {
        self.connected = false;
        self.replies.clear();
        self.unflushed.clear();
        let Some(turn) = &mut self.open else { return };
        if turn.phase != Phase::Replying {
            return;
        }
        if turn.generated {
            turn.completed = true;
            return self.close_if_over();
        }
        if turn.is_audible() || !turn.asked {
            turn.broken = Some("the connection was lost in the middle of the reply".into());
            turn.last_sign = now;
            self.actions.push_back(Action::EndReply(turn.id));
        } else {
            // Nothing of it was heard: the question is asked again, as a whole.
            turn.phase = Phase::Awaiting;
            turn.timeline.clear(Mark::FirstAudio);
            turn.timeline.clear(Mark::Sent);
            self.actions.push_back(Action::Flush);
        }
    }

    fn offer(&mut self, turn: &mut Turn) {
        if self.connected {
            turn.offers += 1;
            self.actions.push_back(Action::Begin(turn.id));
        }
    }

    fn end(&mut self, id: TurnId) {
        if self.manual {
            self.replies.expect(id);
            self.unflushed.push_back(id);
        }
        self.actions.push_back(Action::End(id));
    }

    fn flushed(&mut self, at: Instant) {
        let Some(id) = self.unflushed.pop_front() else {
            return;
        };
        if let Some(turn) = self.turn_mut(id) {
            turn.timeline.set(Mark::Sent, at);
            turn.last_sign = turn.last_sign.max(at);
        }
    }
}

/// The service's side.
impl Machine {
    fn reply_audio(&mut self, now: Instant, at: Instant) {
        let id = match self.replies.owner_of_content() {
            Owner::Old => return,
            Owner::Turn(id) => id,
            Owner::Nobody => match self.adopt(now) {
                Some(id) => id,
                None => return,
            },
        };
        let Some(turn) = self.open.as_mut().filter(|turn| turn.id == id) else {
            return;
        };
        turn.phase = Phase::Replying;
        turn.timeline.set_first(Mark::FirstAudio, at);
        turn.last_sign = now;
        self.actions.push_back(Action::Play(id));
    }

    /// The turn that content belongs to while none is in line: the open one with automatic detection, else a new one
    /// that nobody asked for. None while the user speaks: it would talk over them.
    fn adopt(&mut self, now: Instant) -> Option<TurnId> {
        let id = match &self.open {
            None => {
                self.last_id += 1;
                let turn = Turn::new(TurnId(self.last_id), false, Phase::Replying, now);
                self.open.insert(turn).id
            }
            Some(turn) if !self.manual => turn.id,
            Some(_) => return None,
        };
        self.replies.expect(id);
        Some(id)
    }

    fn sign(&mut self, now: Instant) {
        if let Some(turn) = &mut self.open {
            turn.last_sign = now;
        }
    }

    fn interrupted(&mut self, now: Instant) {
        let Owner::Turn(id) = self.replies.interrupted() else {
            return;
        };
        if self
            .open
            .as_ref()
            .is_none_or(|turn| turn.id != id || turn.phase == Phase::Speaking)
        {
            return;
        }
        let onset = self.overlap.take();
        self.cut(now, onset);
        if let Some(onset) = onset {
            self.begin(now, onset);
        }
    }

    fn generation_complete(&mut self, now: Instant) {
        let Owner::Turn(id) = self.replies.owner_of_content() else {
            return;
        };
        let Some(turn) = self.open.as_mut().filter(|turn| turn.id == id) else {
            return;
        };
        turn.last_sign = now;
        turn.end_reply(&mut self.actions);
    }

    fn turn_complete(&mut self, now: Instant) {
        let owner = self.replies.complete();
        let Some(turn) = &mut self.open else { return };
        let its = match owner {
            Owner::Old => return,
            Owner::Turn(id) => turn.id == id,
            Owner::Nobody => !self.manual && turn.phase == Phase::Awaiting,
        };
        if !its {
            return;
        }
        turn.last_sign = now;
        turn.completed = true;
        if turn.phase == Phase::Replying {
            turn.end_reply(&mut self.actions);
            self.close_if_over();
        } else if turn.phase == Phase::Awaiting
            && let Some(turn) = self.open.take()
        {
            self.close(turn, Outcome::Empty, None);
        }
    }
}

/// The speaker's side.
impl Machine {
    fn first_audible(&mut self, id: TurnId, at: Instant, skipped_silence: Duration) {
        if let Some(turn) = self.turn_mut(id) {
            turn.timeline.set_first(Mark::FirstAudible, at);
            turn.timeline.skipped_silence = skipped_silence;
        }
    }

    fn played(&mut self, now: Instant, id: TurnId, heard: Duration) {
        if let Some(turn) = self
            .open
            .as_mut()
            .filter(|turn| turn.id == id && turn.phase == Phase::Replying)
        {
            turn.played = Some((now, heard));
            self.close_if_over();
        }
    }

    fn silenced(&mut self, at: Instant, heard: Duration) {
        let Some(Silencing { turn, onset, .. }) = self.silencing.pop_front() else {
            return;
        };
        let outcome = if turn.is_audible() {
            Outcome::Interrupted
        } else {
            Outcome::Cancelled
        };
        let silenced_after = onset
            .filter(|_| turn.is_audible())
            .and_then(|onset| at.checked_duration_since(onset));
        let turn = Turn {
            played: Some((at, heard)),
            ..turn
        };
        self.close(turn, outcome, silenced_after);
    }
}

/// Ends of turns.
impl Machine {
    fn close_if_over(&mut self) {
        let Some(turn) = self
            .open
            .take_if(|t| t.played.is_some() && (t.completed || t.broken.is_some()))
        else {
            return;
        };
        let outcome = turn
            .broken
            .clone()
            .map_or(Outcome::Completed, Outcome::Failed);
        self.close(turn, outcome, None);
        self.take_up_overlap();
    }

    /// Automatic detection: the reply ended by itself while the user was speaking already.
    fn take_up_overlap(&mut self) {
        if let Some(onset) = self.overlap.take() {
            self.begin(onset, onset);
        }
    }

    fn give_up(&mut self, now: Instant, phase: Phase, played: bool) {
        if phase == Phase::Replying && !played {
            // Play what there is; the turn closes when that is over.
            if let Some(turn) = &mut self.open {
                if !turn.generated {
                    turn.broken = Some(format!(
                        "the reply stopped for {} s",
                        NEXT_SIGN_WITHIN.as_secs()
                    ));
                }
                turn.generated = true;
                turn.last_sign = now;
                self.actions.push_back(Action::EndReply(turn.id));
            }
            return;
        }
        let Some(turn) = self.open.take() else { return };
        self.replies.cut_all();
        let outcome = match turn.broken.clone() {
            Some(why) => Outcome::Failed(why),
            None if played => Outcome::Completed,
            None => Outcome::Failed(format!(
                "no answer within {} s",
                FIRST_SIGN_WITHIN.as_secs()
            )),
        };
        self.close(turn, outcome, None);
    }

    fn close(&mut self, turn: Turn, outcome: Outcome, silenced_after: Option<Duration>) {
        self.actions.push_back(Action::Close(Box::new(Closed {
            turn: turn.id,
            asked: turn.asked,
            outcome,
            reopened: turn.reopened,
            cut_offs: turn.cut_offs,
            heard: turn.played.map_or(Duration::ZERO, |(_, heard)| heard),
            timeline: turn.timeline,
            silenced_after,
        })));
    }

    fn turn_mut(&mut self, id: TurnId) -> Option<&mut Turn> {
        let cut = self.silencing.iter_mut().map(|s| &mut s.turn);
        self.open.iter_mut().chain(cut).find(|turn| turn.id == id)
    }
}

impl Turn {
    fn new(id: TurnId, asked: bool, phase: Phase, now: Instant) -> Self {
        Self {
            id,
            asked,
            phase,
            timeline: Timeline::default(),
            reopened: 0,
            cut_offs: 0,
            offers: 0,
            generated: false,
            completed: false,
            broken: None,
            played: None,
            last_sign: now,
        }
    }

    fn is_audible(&self) -> bool {
        self.timeline.get(Mark::FirstAudible).is_some()
    }

    fn is_cut_off_by(&self, onset: Instant) -> bool {
        let end = self
            .timeline
            .get(Mark::Endpoint)
            .or_else(|| self.timeline.get(Mark::SpeechEnd));
        end.is_some_and(|end| onset.saturating_duration_since(end) < CUT_OFF_WITHIN)
    }

    fn end_reply(&mut self, actions: &mut VecDeque<Action>) {
        if !self.generated && self.phase == Phase::Replying {
            self.generated = true;
            actions.push_back(Action::EndReply(self.id));
        }
    }

    /// When this turn has waited long enough for what comes next.
    fn deadline(&self, connected: bool) -> Option<Instant> {
        match (self.phase, self.played) {
            (Phase::Idle | Phase::Speaking, _) => None,
            (Phase::Awaiting, _) => connected.then(|| self.last_sign + FIRST_SIGN_WITHIN),
            (Phase::Replying, Some((at, _))) => Some(at + COMPLETE_WITHIN),
            // All of it has come: how long it plays is the speaker's affair, which reports `Played` in any case.
            (Phase::Replying, None) if self.generated || self.broken.is_some() => None,
            (Phase::Replying, None) => Some(self.last_sign + NEXT_SIGN_WITHIN),
        }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
