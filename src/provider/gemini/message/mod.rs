//! Every message of the Gemini Live WebSocket protocol, as types that both sides use.
//!
//! The notation is Protobuf JSON. Written: camelCase, absent fields left out, bytes as padded standard base64,
//! durations as `"1.25s"`. Read: camelCase and `snake_case` mixed at every level, `null` as absent, both base64 alphabets
//! with or without padding, 64-bit integers as numbers or text. One JSON object per WebSocket frame.
//!
//! What the service says is read leniently ([`ServerMessage::read`]: unknown keys are passed over, and a field that is
//! wrong costs nothing but itself). What a client says is read strictly ([`ClientMessage::read`]: an unknown key or a wrong type is refused with its path).

mod audio_decode;
mod client;
mod content;
mod lenient;
mod proto_json;
mod server;
mod setup;
mod speech;
mod tools;

pub use self::client::{
    ClientContent, ClientMessage, ContextTools, ContextUpdate, RealtimeInput, Refusal, ToolResponse,
};
pub use self::content::{
    Blob, Content, Empty, FunctionCall, FunctionResponse, JsonObject, Part, Scheduling,
};
pub use self::lenient::LeftOut;
pub use self::server::{
    GoAway, InteractionStatus, ModalityTokens, ResumptionUpdate, ServerContent, ServerMessage,
    SetupComplete, ToolCall, ToolCallCancellation, Transcription, Unreadable, UsageMetadata,
    VoiceActivity,
};
pub use self::setup::{
    ActivityDetection, ActivityHandling, Compression, EndSensitivity, GenerationConfig,
    HistoryConfig, MediaResolution, Modality, Proactivity, RealtimeInputConfig, Resumption, Setup,
    SlidingWindow, StartSensitivity, ThinkingConfig, ThinkingLevel, TranslationConfig,
    TurnCoverage,
};
pub use self::speech::{
    ConsentSignature, LanguageHints, PrebuiltVoice, ReplicatedVoice, SpeechConfig,
    TranscriptionConfig, TranscriptionMode, VoiceConfig,
};
pub use self::tools::{Behavior, FunctionDeclaration, GoogleSearch, SearchTypes, TimeRange, Tool};
