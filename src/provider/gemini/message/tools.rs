//! What a model may use besides its own knowledge.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::{Empty, JsonObject};
use super::proto_json::nullable;

/// Something the model may use; one field is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Tool {
    #[serde(
        alias = "function_declarations",
        deserialize_with = "nullable",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub function_declarations: Vec<FunctionDeclaration>,
    /// The service's own web search.
    #[serde(alias = "google_search", skip_serializing_if = "Option::is_none")]
    pub google_search: Option<GoogleSearch>,
    /// Pages that the user names; unread.
    #[serde(alias = "url_context", skip_serializing_if = "Option::is_none")]
    pub url_context: Option<JsonObject>,
    /// Programs that the model writes; unread.
    #[serde(alias = "code_execution", skip_serializing_if = "Option::is_none")]
    pub code_execution: Option<JsonObject>,
    /// Maps; unread.
    #[serde(alias = "google_maps", skip_serializing_if = "Option::is_none")]
    pub google_maps: Option<JsonObject>,
    /// Files that were handed in; unread.
    #[serde(alias = "file_search", skip_serializing_if = "Option::is_none")]
    pub file_search: Option<JsonObject>,
}

/// The service's own web search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GoogleSearch {
    /// What is searched for; pages without.
    #[serde(alias = "search_types", skip_serializing_if = "Option::is_none")]
    pub search_types: Option<SearchTypes>,
    /// When the pages were written.
    #[serde(alias = "time_range_filter", skip_serializing_if = "Option::is_none")]
    pub time_range_filter: Option<TimeRange>,
    /// Vertex only: how dangerous a page may be.
    #[serde(alias = "blocking_confidence", skip_serializing_if = "Option::is_none")]
    pub blocking_confidence: Option<String>,
    /// Vertex only: sites that are left out.
    #[serde(alias = "exclude_domains", skip_serializing_if = "Option::is_none")]
    pub exclude_domains: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SearchTypes {
    #[serde(alias = "web_search", skip_serializing_if = "Option::is_none")]
    pub web_search: Option<Empty>,
    #[serde(alias = "image_search", skip_serializing_if = "Option::is_none")]
    pub image_search: Option<Empty>,
}

/// A span of time; both ends are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TimeRange {
    #[serde(alias = "start_time", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// The first instant behind it.
    #[serde(alias = "end_time", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
}

/// A function of the client that the model may call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FunctionDeclaration {
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the model waits for the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Behavior>,
    /// OpenAPI schema of the arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<JsonObject>,
    /// JSON schema of the arguments, instead.
    #[serde(
        alias = "parameters_json_schema",
        skip_serializing_if = "Option::is_none"
    )]
    pub parameters_json_schema: Option<Value>,
    /// OpenAPI schema of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<JsonObject>,
    /// JSON schema of the answer, instead.
    #[serde(
        alias = "response_json_schema",
        skip_serializing_if = "Option::is_none"
    )]
    pub response_json_schema: Option<Value>,
}

/// Whether the model waits for the answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Behavior {
    /// The model's default.
    Unspecified,
    Blocking,
    NonBlocking,
}
