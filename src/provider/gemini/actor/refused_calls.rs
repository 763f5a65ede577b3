//! Calls of functions that nobody offered: each is answered once, with an error.

use std::collections::HashSet;

use serde_json::json;
use tracing::warn;

use crate::provider::gemini::message::{
    ClientMessage, FunctionCall, FunctionResponse, ToolResponse,
};

/// Calls answered in one connection; whoever calls more gets no answer.
const MOST_CALLS: usize = 1_000;

/// The calls of a connection that were answered.
#[derive(Default)]
pub(super) struct RefusedCalls(HashSet<String>);

impl RefusedCalls {
    /// The answer to a call, if it has none and can have one: a model would wait for it for ever.
    pub(super) fn refuse(&mut self, call: &FunctionCall) -> Option<ClientMessage> {
        let Some(id) = call.id.clone().filter(|_| call.is_answerable()) else {
            warn!("the model calls a function without an id: nobody can answer it");
            return None;
        };
        if self.0.len() >= MOST_CALLS || !self.0.insert(id.clone()) {
            return None;
        }
        warn!("the model calls a function that was not offered");
        let answer = FunctionResponse {
            id: Some(id),
            name: Some(call.name.clone()),
            // LocalizedText plainly that another try is in vain, a model answers without the tool.
            response: json!({
                "error": "no such tool", "status": "not_found", "retryable": false,
                "hint": "No tool is available. Answer without it.",
            })
            .as_object()
            .cloned(),
            ..FunctionResponse::default()
        };
        Some(ClientMessage::ToolResponse(ToolResponse {
            function_responses: vec![answer],
        }))
    }
}
