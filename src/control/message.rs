//! What is asked over the socket, and what is answered: one line of JSON each.

use serde::{Deserialize, Serialize};

/// A request to the running assistant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum ControlRequest {
    /// The talk key went down.
    Press,
    /// The talk key went up.
    Release,
    /// The other of the two, for keys that only report going down.
    Toggle,
    /// Mute or listen; without a value, the other of the two.
    Mute { muted: Option<bool> },
    /// Stop the reply.
    Stop,
    /// Use the profile of this name.
    Profile { name: String },
    /// Show the window.
    Show,
    /// What the assistant is doing.
    Status,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "lowercase")]
pub enum ControlAnswer {
    Done,
    /// Muted or not, as it is now.
    Muted {
        muted: bool,
    },
    Status(ControlStatus),
    /// It cannot be done; what to do instead.
    Refused {
        what: String,
        hint: String,
    },
}

/// What the assistant is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlStatus {
    /// `sovereign.status/1`.
    pub schema: String,
    pub version: String,
    pub pid: u32,
    /// `connecting`, `listening`, `hearing`, `thinking`, `answering`, `repeating`, `muted`, `reconnecting`, `offline`,
    /// `no-microphone` or `limit-reached`.
    pub state: String,
    pub muted: bool,
    /// Whether the talk key is down.
    pub held: bool,
    pub profile: String,
    pub connected: bool,
    /// Whether the offline demo answers.
    pub demo: bool,
}
