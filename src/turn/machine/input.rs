//! The inputs of the turn machine.

use std::time::{Duration, Instant};

use crate::base::ids::TurnId;

/// An event that the machine takes in.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    SpeechStarted {
        /// First voiced sample.
        first_voiced: Instant,
    },
    /// The voice has been silent for a moment; patience runs.
    SilenceStarted {
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
    /// The utterance is over: patience has run out, or was not needed.
    SpeechEnded {
        /// Last voiced sample.
        last_voiced: Instant,
    },
    /// The user wants the reply to stop.
    StopPressed,
    /// The user wants to hear the last reply again.
    Repeat,
    /// The user asks the last question again: in the open turn, if its answer is awaited, else in a new one.
    AskAgain,
    /// The program ends: every turn is closed in its present state, without waiting for the speaker.
    Quit,
    /// Messages can be sent.
    LinkUp,
    LinkDown,
    /// The turn's end was handed to the socket and flushed.
    EndSent {
        at: Instant,
    },
    /// The end that was flushed last got through a slow line at this instant only.
    EndDelivered {
        at: Instant,
    },
    /// Reply audio was read from the socket at this instant.
    ReplyAudio {
        at: Instant,
    },
    /// The service gave a sign of life for the current turn: words, a tool call.
    ReplySign,
    /// A piece of an answer without audio: text, a function call.
    ReplyContent,
    /// The service called a function in a way that cannot be answered, and may wait forever.
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
        turn: TurnId,
        at: Instant,
        /// Leading silence that was not played.
        skipped_silence: Duration,
    },
    /// A reply was played out.
    Played {
        turn: TurnId,
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
