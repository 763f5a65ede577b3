//! What a conversation asks of its connection.

use super::context_window::ContextWindow;
use super::protocol_rules::CloseReason;
use super::told_event::ServerEvent;
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
    Tell(ServerEvent),
}

/// A message of server content alone.
pub(super) fn content(content: ServerContent) -> ServerMessage {
    ServerMessage {
        server_content: Some(content),
        ..ServerMessage::default()
    }
}
