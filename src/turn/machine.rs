//! The turn machine: the only place where turns change.
//!
//! ```text
//!             speech                endpoint              reply audio
//!   (idle) ───────────▶ Speaking ───────────▶ Awaiting ───────────────▶ Replying ──▶ closed: completed
//!                          ▲   speech goes on    │  │ speech, Esc           │ speech, Esc
//!                          └─────────────────────┘  └──▶ closed: cancelled  └──▶ closed: interrupted
//! ```
//!
//! A turn that is spoken over before the service has shown any sign of it is not cancelled yet: it waits beside the open
//! turn (`unanswered`), is sent again in order if the connection turns out to be lost, and is closed as cancelled when the
//! service continues after it.
//!
//! A turn may be closed towards the service before patience is over; its reply is held back until then (`eager`).
//!
//! Pure: inputs and `now` go in, actions and a deadline come out. With manual detection our detector decides both edges of
//! a turn; with automatic detection the service does, and our detector only sets the marks.
//!
//! Each side has a file: `user`, `eager`, `typed`, `link`, `service`, `speaker`; `repeat` replays an earlier reply,
//! `ask_again` asks once more, `cut_off` tells when patience was too short; `open_turn` is the state of the open turn.

mod action;
mod ask_again;
mod cut_off;
mod eager;
mod input;
mod limits;
mod link;
mod open_turn;
mod repeat;
mod service;
mod speaker;
mod typed;
mod unanswered;
mod user;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::patience::{Endpointing, EndpointingSettings};
pub use super::reply_attribution::TokenOwner;
use super::reply_attribution::{Owner, ReplyAttribution};
use crate::base::ids::TurnId;
pub use action::{Action, Closed, Outcome, Retry};
pub use input::Input;
use limits::{
    BROKEN_OFFERS, CONSENT_AFTER, FIRST_SIGN_WITHIN, NEXT_SIGN_WITHIN, OFFERS, OWED_AT_LEAST,
    SILENT_OFFERS, SILENT_WITHIN,
};
use open_turn::OpenTurn;
pub use open_turn::Phase;

/// The machine; see the drawing above.
#[derive(Debug)]
pub struct Machine {
    manual: bool,
    connected: bool,
    last_id: u64,
    open: Option<OpenTurn>,
    /// Turns that are over for the user without any sign of the service; oldest first.
    unanswered: VecDeque<OpenTurn>,
    /// When the oldest unanswered end was sent: the connection has been silent since.
    owed: Option<Instant>,
    replies: ReplyAttribution,
    /// Turns whose end was sent but not flushed yet; `None`: the end was withdrawn.
    unflushed: VecDeque<Option<TurnId>>,
    /// Cut turns that wait for the speaker to fall silent.
    silencing: VecDeque<Silencing>,
    pace: Endpointing,
    /// Automatic detection: onset of speech over a reply, which the service may or may not treat as an interruption.
    overlap: Option<Instant>,
    /// Waiting turns are held back.
    held: bool,
    /// Whether the user can be asked before old words are sent.
    consent: bool,
    /// When the last connection was lost, until there is another.
    down_since: Option<Instant>,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
struct Silencing {
    turn: OpenTurn,
    /// The onset that cut it, if speech did.
    onset: Option<Instant>,
    since: Instant,
}

impl Machine {
    /// A machine without a connection. `manual`: our detector decides; otherwise the service does.
    pub fn new(manual: bool) -> Self {
        Self {
            manual,
            connected: false,
            last_id: 0,
            open: None,
            unanswered: VecDeque::new(),
            owed: None,
            replies: ReplyAttribution::default(),
            unflushed: VecDeque::new(),
            silencing: VecDeque::new(),
            pace: Endpointing::default(),
            overlap: None,
            held: false,
            consent: false,
            down_since: None,
            actions: VecDeque::new(),
        }
    }

    /// Takes the next identifier, for a turn that the machine does not see.
    pub fn next_id(&mut self) -> TurnId {
        self.last_id += 1;
        TurnId(self.last_id)
    }

    /// Changes who detects activity; takes effect with the next connection, so call it while no turn is open.
    pub fn set_manual(&mut self, manual: bool) {
        self.manual = manual;
    }

    /// Holds waiting turns back or releases them; call [`Machine::handle_timeout`] after a release.
    pub fn hold_waiting(&mut self, held: bool) {
        self.held = held;
    }

    /// Whether the user can be asked before words are sent that are older than half a minute.
    pub fn set_consent(&mut self, consent: bool) {
        self.consent = consent;
    }

    /// The same.
    pub fn has_consent(&self) -> bool {
        self.consent
    }

    /// Whether our detector decides on this connection.
    pub fn is_manual(&self) -> bool {
        self.manual
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        self.note_sign(&input);
        self.take_in(now, input);
        self.ask_next(now);
    }

    fn take_in(&mut self, now: Instant, input: Input) {
        match input {
            Input::SpeechStarted { first_voiced } => self.speech_started(now, first_voiced),
            Input::SilenceStarted { last_voiced } => self.lull(now, last_voiced),
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
            Input::EndSent { at } => self.flushed(at),
            Input::EndDelivered { at } => self.delivered(at),
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

    /// The next action, if any.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next deadline for [`Machine::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        let silence = self.silencing.front().map(|s| s.since + SILENT_WITHIN);
        [self.deadline(), self.early_deadline(), silence]
            .into_iter()
            .flatten()
            .min()
    }

    /// Closes the turn early if due, and gives up turns that have taken too long.
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
        // Without a sent turn no answer is due; sending is up to the connection.
        let asked = turn.offered && (!self.manual || turn.is_sent());
        let deadline = turn.deadline(self.connected && asked)?;
        // A series of turns that are spoken over does not keep a silent connection alive.
        let silent = turn.phase == Phase::Awaiting && !turn.received && !turn.completed;
        let owed = self.owed.filter(|_| silent).map(|since| {
            let patience = since + FIRST_SIGN_WITHIN + turn.lag;
            patience.max(turn.last_sign + OWED_AT_LEAST)
        });
        Some(owed.map_or(deadline, |owed| owed.min(deadline)))
    }

    /// Phase of the open turn.
    pub fn phase(&self) -> Phase {
        self.open.as_ref().map_or(Phase::Idle, |turn| turn.phase)
    }

    /// The open turn.
    pub fn open_turn(&self) -> Option<TurnId> {
        self.open.as_ref().map(|turn| turn.id)
    }

    /// The open turn, if the user asked: the service may also begin one.
    pub fn asked_turn(&self) -> Option<TurnId> {
        let asked = self.open.as_ref().filter(|turn| turn.asked);
        asked.map(|turn| turn.id)
    }

    /// Whether this connection takes the words of the open turn as they come. It does not while there is none, or while
    /// earlier ones go first.
    pub fn is_offered(&self) -> bool {
        self.connected && self.open.as_ref().is_some_and(|turn| turn.offered)
    }

    /// Whether the open turn's reply can be heard.
    pub fn is_audible(&self) -> bool {
        self.open.as_ref().is_some_and(OpenTurn::is_audible)
    }

    /// The turn that the present transcript of the user belongs to.
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

    /// The owner of the token counts that arrive now.
    pub fn bill(&self) -> TokenOwner {
        self.replies.owner_of_usage()
    }

    /// Whether the machine is idle: a good moment to reconnect.
    pub fn is_quiet(&self) -> bool {
        self.open.is_none() && self.unanswered.is_empty() && self.silencing.is_empty()
    }

    /// Whether a reply was stopped and the report of how much was heard is pending.
    pub fn is_silencing(&self) -> bool {
        !self.silencing.is_empty()
    }
}

#[cfg(test)]
mod tests;
