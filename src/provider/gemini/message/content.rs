//! What both directions carry: text, media, calls and their answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::proto_json::{base64_bytes, is_false, nullable};

/// A JSON object of free form: arguments, answers, schemas.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// An object without fields of interest; what is in it is passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Media: bytes and what they are.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob {
    #[serde(with = "base64_bytes")]
    pub data: Vec<u8>,
    /// MIME type, as `audio/pcm;rate=16000`; empty where none was named.
    #[serde(
        default,
        alias = "mime_type",
        deserialize_with = "nullable",
        skip_serializing_if = "String::is_empty"
    )]
    pub mime_type: String,
}

impl fmt::Debug for Blob {
    /// Says how much it is: nobody can read the bytes, and they are somebody's voice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes of {:?})", self.data.len(), self.mime_type)
    }
}

/// What one side said in one go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Content {
    /// The pieces, in order.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// `user` or `model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

impl Content {
    /// One piece of text, said by `role`.
    pub fn text(role: &str, text: impl Into<String>) -> Self {
        let part = Part {
            text: Some(text.into()),
            ..Part::default()
        };
        Self {
            parts: vec![part],
            role: Some(role.to_owned()),
        }
    }

    pub fn media(blob: Blob) -> Self {
        let part = Part {
            inline_data: Some(blob),
            ..Part::default()
        };
        Self {
            parts: vec![part],
            role: Some("model".to_owned()),
        }
    }
}

/// A piece of content; one of its fields is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Part {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether this is a thought of the model, not part of the answer.
    #[serde(deserialize_with = "nullable", skip_serializing_if = "is_false")]
    pub thought: bool,
    /// Opaque; to be handed back with the thought.
    #[serde(alias = "thought_signature", skip_serializing_if = "Option::is_none")]
    pub thought_signature: Option<String>,
    /// Sound or an image.
    #[serde(alias = "inline_data", skip_serializing_if = "Option::is_none")]
    pub inline_data: Option<Blob>,
    /// A call, within a history.
    #[serde(alias = "function_call", skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCall>,
    /// An answer to a call, within a history.
    #[serde(alias = "function_response", skip_serializing_if = "Option::is_none")]
    pub function_response: Option<FunctionResponse>,
}

/// The model asks for a function to be called.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FunctionCall {
    /// Names the call; its answer carries the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "JsonObject::is_empty"
    )]
    pub args: JsonObject,
}

impl FunctionCall {
    /// Whether it can be answered: an answer carries the call's id.
    pub fn is_answerable(&self) -> bool {
        self.id.as_ref().is_some_and(|id| !id.is_empty())
    }
}

/// The answer to a [`FunctionCall`]. `id`, `name` and `response` are required by the service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FunctionResponse {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What came out, under `output` or `error` by convention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<JsonObject>,
    /// When the model should react; `None` is its default, refused by extended thinking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,
    /// Whether more answers to the same call follow.
    #[serde(alias = "will_continue", skip_serializing_if = "Option::is_none")]
    pub will_continue: Option<bool>,
}

/// When the model reacts to the answer of an asynchronous call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scheduling {
    SchedulingUnspecified,
    Silent,
    /// When nobody speaks.
    WhenIdle,
    Interrupt,
}
