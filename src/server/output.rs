//! What a conversation asks of its connection.

use std::time::Duration;

use super::context_window::ContextWindow;
use super::protocol_rules::CloseReason;
use crate::base::units::Dbfs;
use crate::provider::gemini::message::{ServerContent, ServerMessage};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum DialogueOutput {
    /// Send this text as a frame.
    Send(String),
    /// Make a handle for this state of the conversation and send it.
    Handle(ContextWindow),
    Close(CloseReason),
    /// Cut the connection without one.
    Cut,
    /// Tell who watches.
    Tell(Told),
}

/// What happened, for who watches.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// A turn of the user is over.
    Asked {
        turn: u64,
        trigger: &'static str,
        heard: Duration,
        voice: Option<(Duration, Dbfs)>,
    },
    /// The answer to it is over, or was cut.
    Answered {
        turn: u64,
        outcome: AnswerOutcome,
        spoken: Duration,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
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

/// A message of server content alone.
pub(super) fn content(content: ServerContent) -> ServerMessage {
    ServerMessage {
        server_content: Some(content),
        ..ServerMessage::default()
    }
}
