//! The turn machine: the only place where turns change.
//!
//! ```text
//!             speech                endpoint              reply audio
//!   (idle) ───────────▶ Speaking ───────────▶ Awaiting ───────────────▶ Replying ──▶ closed: completed
//!                          ▲   speech goes on    │  │ speech, Esc           │ speech, Esc
//!                          └─────────────────────┘  └──▶ closed: cancelled  └──▶ closed: interrupted
//! ```
//!
//! A turn that is spoken over before anything shows that the service has got it is no cancelled one: it waits beside the
//! open turn (`unanswered`), is asked again if the connection turns out to be lost, first things first, and is closed as
//! cancelled when the service shows that it goes on from it.
//!
//! A turn may be closed towards the service before patience is over; its reply is held unheard until then (`eager`).
//!
//! It is pure: inputs and `now` go in, actions and a deadline come out. With manual detection our detector decides
//! both edges of a turn; with automatic detection the service does, and our detector only stamps the marks.
//!
//! Each side has its file: `user`, `eager`, `typed`, `link`, `service`, `speaker`; `repeat` plays an earlier reply again,
//! `again` asks once more; `turn` is what is kept of the open turn.

mod again;
mod eager;
mod link;
mod repeat;
mod service;
mod speaker;
mod turn;
mod typed;
mod unanswered;
mod user;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::pace::{Pace, PaceSettings};
pub use super::replies::Bill;
use super::replies::{Owner, Replies};
use super::timeline::Timeline;
use crate::base::ids::TurnId;
use turn::Turn;

/// Going on within this time after the endpoint means that patience was too short: a cut-off.
pub const CUT_OFF_WITHIN: Duration = Duration::from_secs(1);
/// The service may think this long before it gives any sign; the slowest hosted answers measured take 16 s.
const FIRST_SIGN_WITHIN: Duration = Duration::from_secs(20);
/// A reply that has begun may pause this long.
const NEXT_SIGN_WITHIN: Duration = Duration::from_secs(10);
/// On a connection that owes older turns an answer, the newest one is waited for at least this long.
const OWED_AT_LEAST: Duration = Duration::from_secs(5);
/// `turnComplete` (with the token counts) may come this long after the reply was played out.
const COMPLETE_WITHIN: Duration = Duration::from_secs(1);
/// An end without content that may be another turn's is believed after this time: the model thinks 0.3 to 1 s, rarely more.
const CONTENT_WITHIN: Duration = Duration::from_secs(2);
/// A call that cannot be answered may be followed by an answer all the same, within this time: between the two lies a
/// thought of the model's, 0.3 to 1 s, rarely more.
const UNANSWERABLE_WITHIN: Duration = Duration::from_secs(5);
/// A flush must be confirmed within this time; it takes a device period plus a fade.
const SILENT_WITHIN: Duration = Duration::from_secs(1);
/// So many connections may end behind a turn that was sent as a whole before it counts as failed: its answer may have been
/// paid for as often.
const OFFERS: u32 = 4;
/// So many may end while a turn that is over is being sent: nobody answers a part, so this costs less.
const BROKEN_OFFERS: u32 = 12;
/// So many connections may leave a turn without any sign before it counts as failed.
const SILENT_OFFERS: u32 = 3;

/// What the machine is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// An utterance began.
    SpeechStarted {
        /// First voiced sample.
        first_voiced: Instant,
    },
    /// The voice has been silent for a moment; patience runs.
    Lull {
        /// Last voiced sample so far.
        last_voiced: Instant,
    },
    /// The voice goes on before patience ran out.
    Resumed {
        /// First voiced sample after the pause.
        first_voiced: Instant,
        /// The silence between.
        pause: Duration,
    },
    /// The utterance is over: patience has run out, or was not asked for.
    SpeechEnded {
        /// Last voiced sample.
        last_voiced: Instant,
    },
    /// The user wants the reply to stop.
    StopPressed,
    /// The user wants to hear the last reply again.
    Repeat,
    /// The user wants what was said last to be sent once more: of the open turn, if its answer is awaited, else as a new
    /// turn.
    AskAgain,
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
    /// A piece of an answer that is no sound: text, a call of a function.
    ReplyContent,
    /// The service called a function in a way that cannot be answered: it may wait for that for ever.
    Unanswerable,
    /// The service stopped its answer.
    Interrupted,
    /// The service has sent all of its answer.
    GenerationComplete,
    /// The service closed its turn.
    TurnComplete,
    /// The service closed a part of its turn, and will say more.
    TurnGoesOn,
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
        /// When the reply had been lowered, if it was before.
        ducked: Option<Instant>,
        /// How much of the reply was heard.
        heard: Duration,
    },
}

/// What the machine wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Begin a turn towards the service; the audio that is kept for it goes first.
    Begin(TurnId),
    /// Begin its activity again on the same connection: the service keeps what it has heard of it.
    Continue(TurnId),
    /// End it towards the service.
    End(TurnId),
    /// Patience runs still: let nothing of this turn's reply be heard.
    Hold(TurnId),
    /// Patience is over, or nothing is left to be held.
    Release(TurnId),
    /// Play the reply audio that was just reported, as this turn's. Without this action it is dropped.
    Play(TurnId),
    /// Play the last reply that was heard again, all of it, as this turn's.
    Replay(TurnId),
    /// No more audio of this reply will come.
    EndReply(TurnId),
    /// Silence the speaker and drop what is queued.
    Flush,
    /// The service owes an answer and has given no sign for this long: replace the connection. What was said is offered to
    /// the next one.
    Replace(Duration),
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
    /// Whether the user typed it: it has no marks of speech.
    pub typed: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// Its instants.
    pub timeline: Timeline,
    /// Whether the service showed that all of it had arrived.
    pub received: bool,
    /// How often the user went on after its endpoint.
    pub reopened: u32,
    /// How often because patience was too short.
    pub cut_offs: u32,
    /// How often it had been closed early, in vain.
    pub closed_in_vain: u32,
    /// The service stopped its answer by itself: nobody had spoken or pressed anything.
    pub broken_off: bool,
    /// How much of the reply was heard.
    pub heard: Duration,
    /// From the interrupting onset to the lowered reply, where speech cut it.
    pub ducked_after: Option<Duration>,
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
    /// The service ended it, and nothing of an answer could be heard.
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
    /// Turns that are over for the user and that nothing shows the service to have got; oldest first.
    unanswered: VecDeque<Turn>,
    /// When the oldest end was sent that nothing has come behind: this connection has been silent since.
    owed: Option<Instant>,
    replies: Replies,
    /// Turns whose end was sent but not flushed yet; `None`: it was taken back.
    unflushed: VecDeque<Option<TurnId>>,
    /// Cut turns that wait for the speaker to fall silent.
    silencing: VecDeque<Silencing>,
    /// The turn whose reply the speaker holds back.
    holding: Option<TurnId>,
    pace: Pace,
    /// Automatic detection: speech over a reply, which the service may or may not take for an interruption.
    overlap: Option<Instant>,
    /// Turns that wait are not asked.
    held: bool,
    actions: VecDeque<Action>,
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
            unanswered: VecDeque::new(),
            owed: None,
            replies: Replies::default(),
            unflushed: VecDeque::new(),
            silencing: VecDeque::new(),
            holding: None,
            pace: Pace::default(),
            overlap: None,
            held: false,
            actions: VecDeque::new(),
        }
    }

    /// Changes who detects activity; takes effect with the next connection, so call it while no turn is open.
    pub fn set_manual(&mut self, manual: bool) {
        self.manual = manual;
    }

    /// Whether turns that wait are held back; call [`Machine::handle_timeout`] after they are not.
    pub fn hold_waiting(&mut self, held: bool) {
        self.held = held;
    }

    /// Whether our detector decides on this connection.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.manual
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.note_sign(&input);
        self.take_in(now, input);
        self.ask_next(now);
    }

    fn take_in(&mut self, now: Instant, input: Input) {
        match input {
            Input::SpeechStarted { first_voiced } => self.speech_started(now, first_voiced),
            Input::Lull { last_voiced } => self.lull(now, last_voiced),
            Input::Resumed {
                first_voiced,
                pause,
            } => self.resumed(now, first_voiced, pause),
            Input::SpeechEnded { last_voiced } => self.speech_ended(now, last_voiced),
            Input::StopPressed => self.stop(now),
            Input::Repeat => self.repeat(now),
            Input::AskAgain => self.ask_again(now),
            Input::Quit => self.quit(now),
            Input::LinkUp => self.link_up(now),
            Input::LinkDown => self.link_down(now),
            Input::Flushed { at } => self.flushed(at),
            Input::ReplyAudio { at } => self.reply_audio(now, at),
            Input::ReplySign => self.sign(now),
            Input::ReplyContent => self.content(now),
            Input::Unanswerable => self.unanswerable(now),
            Input::Interrupted => self.interrupted(now),
            Input::GenerationComplete => self.generation_complete(now),
            Input::TurnComplete => self.turn_complete(now),
            Input::TurnGoesOn => self.turn_goes_on(now),
            Input::FirstAudible {
                turn,
                at,
                skipped_silence,
            } => self.first_audible(turn, at, skipped_silence),
            Input::Played { turn, heard } => self.played(now, turn, heard),
            Input::Silenced { at, ducked, heard } => self.silenced(at, ducked, heard),
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
        [self.deadline(), self.early_deadline(), silence]
            .into_iter()
            .flatten()
            .min()
    }

    /// Closes early what is due, and gives up what has taken too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.close_early_if_due(now);
        while self
            .silencing
            .front()
            .is_some_and(|s| now >= s.since + SILENT_WITHIN)
        {
            self.silenced(now, None, Duration::ZERO);
        }
        if let Some(turn) = &self.open
            && self.deadline().is_some_and(|at| now >= at)
        {
            self.give_up(now, turn.phase, turn.played.is_some());
        }
        self.ask_next(now);
    }

    fn deadline(&self) -> Option<Instant> {
        let turn = self.open.as_ref()?;
        // Nobody owes an answer to what was not sent; that it is being sent is the connection's affair.
        let asked = turn.offered && (!self.manual || turn.is_sent());
        let deadline = turn.deadline(self.connected && asked)?;
        // Turns that are spoken over one after the other do not keep a silent connection alive.
        let silent = turn.phase == Phase::Awaiting && !turn.received && !turn.completed;
        let owed = self.owed.filter(|_| silent).map(|since| {
            let patience = since + FIRST_SIGN_WITHIN + turn.lag;
            patience.max(turn.last_sign + OWED_AT_LEAST)
        });
        Some(owed.map_or(deadline, |owed| owed.min(deadline)))
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

    /// Whether this connection takes the words of the open turn as they come. It does not while there is none, or while
    /// earlier ones go first.
    #[must_use]
    pub fn is_offered(&self) -> bool {
        self.connected && self.open.as_ref().is_some_and(|turn| turn.offered)
    }

    /// Whether the open turn's reply can be heard.
    #[must_use]
    pub fn is_audible(&self) -> bool {
        self.open.as_ref().is_some_and(Turn::is_audible)
    }

    /// Whose words the service is writing down now: the user's side.
    #[must_use]
    pub fn heard_turn(&self, now: Instant) -> Option<TurnId> {
        match self.replies.owner_of_content(now) {
            Owner::Turn(turn) => Some(turn),
            Owner::Older | Owner::OlderAfterAll => None,
            Owner::Nobody => self
                .open
                .as_ref()
                .filter(|turn| !turn.repeats)
                .map(|turn| turn.id),
        }
    }

    /// Whose the token counts are that arrive now.
    #[must_use]
    pub fn bill(&self) -> Bill {
        self.replies.owner_of_usage()
    }

    /// Whether nothing is going on: a good moment for another connection.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.open.is_none() && self.unanswered.is_empty() && self.silencing.is_empty()
    }

    /// Whether a reply was stopped, and how much of it was heard is still to be told.
    #[must_use]
    pub fn is_silencing(&self) -> bool {
        !self.silencing.is_empty()
    }
}

#[cfg(test)]
mod tests;
