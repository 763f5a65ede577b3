//! What the server tells whoever watches it. No words and no keys are in it.

use std::time::Duration;

use serde::Serialize;

/// One thing that happened on a connection; `sovereign serve --json` prints each as a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ServerEvent {
    /// A handshake was accepted. Connections count from 1.
    Connected { connection: u64 },
    /// A handshake failed or was refused.
    TurnedAway { connection: u64, reason: String },
    /// The list of models was asked for and given; the connection is over.
    Listed { connection: u64 },
    Setup {
        connection: u64,
        model: String,
        /// `manual` or `automatic`.
        detection: &'static str,
        /// Whether it goes on with an earlier conversation.
        resumed: bool,
    },
    /// A turn of the user is over.
    Turn {
        connection: u64,
        /// Turns count from 1 in each conversation.
        turn: u64,
        /// What ended it: `activity_end`, `silence`, `audio_stream_end`, `text` or `client_content`.
        trigger: &'static str,
        /// Sound that came with it, in milliseconds.
        heard_ms: f64,
        /// From the first to the last voiced sample; absent when there was no voice.
        #[serde(skip_serializing_if = "Option::is_none")]
        voice_ms: Option<f64>,
        /// Mean level of the voice.
        #[serde(skip_serializing_if = "Option::is_none")]
        level_dbfs: Option<f64>,
    },
    Answer {
        connection: u64,
        /// The turn that it answered; 0 is what was said unasked.
        turn: u64,
        outcome: AnswerOutcome,
        /// Audio that was sent, in milliseconds.
        spoken_ms: f64,
    },
    Closed {
        connection: u64,
        /// The close code; absent when there was no close frame.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOutcome {
    Completed,
    /// New speech or text ended it.
    Interrupted,
    /// The script left it without an end.
    Stalled,
    /// The script ended the connection.
    Disconnected,
}

/// Milliseconds, to a tenth.
pub(super) fn ms(length: Duration) -> f64 {
    (length.as_secs_f64() * 10_000.0).round() / 10.0
}

impl std::fmt::Display for ServerEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connected { connection } => write!(f, "{connection}: connected"),
            Self::TurnedAway { connection, reason } => {
                write!(f, "{connection}: turned away: {reason}")
            }
            Self::Setup {
                connection,
                model,
                detection,
                resumed,
            } => {
                let how = if *resumed { "resumed" } else { "new" };
                write!(
                    f,
                    "{connection}: {how} conversation, {model}, {detection} detection"
                )
            }
            Self::Turn {
                connection,
                turn,
                trigger,
                heard_ms,
                ..
            } => {
                write!(
                    f,
                    "{connection}: turn {turn} over ({trigger}), {heard_ms:.0} ms of sound"
                )
            }
            Self::Answer {
                connection,
                turn,
                outcome,
                spoken_ms,
            } => {
                let how = match outcome {
                    AnswerOutcome::Completed => "completed",
                    AnswerOutcome::Interrupted => "interrupted",
                    AnswerOutcome::Stalled => "left without an end",
                    AnswerOutcome::Disconnected => "ended the connection",
                };
                write!(
                    f,
                    "{connection}: answer {turn} {how}, {spoken_ms:.0} ms of sound"
                )
            }
            Self::Closed {
                connection,
                code: Some(code),
                reason,
            } => {
                write!(f, "{connection}: closed with {code} {reason}")
            }
            Self::Closed {
                connection,
                code: None,
                reason,
            } => write!(f, "{connection}: closed: {reason}"),
            Self::Listed { connection } => write!(f, "{connection}: asked for the models"),
        }
    }
}
