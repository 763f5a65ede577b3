//! The first request of a connection: an upgrade to a WebSocket, or a request for the list of models.
//!
//! The WebSocket library can do the upgrade by itself, but it refuses any other request.

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse as _;
use tokio_tungstenite::tungstenite::handshake::server::{Request, create_response, write_response};
use tokio_tungstenite::tungstenite::http::{Response, StatusCode};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Error};

use super::access::{self, Access, TurnedAway, Welcome};
use crate::provider::gemini::models::{MODELS, ModelState};

/// The longest request head that is read, in bytes.
const LONGEST_HEAD: usize = 16 << 10;

/// The longest message that is taken: two minutes of audio in one.
const MOST_BYTES: usize = 4 << 20;

/// How a connection's first request was answered.
pub(super) enum Accepted<S> {
    /// A WebSocket.
    Talk {
        socket: Box<WebSocketStream<S>>,
        /// Whether its key is right.
        welcome: Welcome,
        /// The version of the API in its path, as `v1beta`.
        version: String,
    },
    /// With the list of models, or the refusal of a wrong key.
    Listed,
}

/// Why a connection was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAccepted {
    #[error("{}: {}", .0.status, .0.why)]
    TurnedAway(TurnedAway),
    #[error(transparent)]
    Broken(#[from] Box<tungstenite::Error>),
}

/// Reads the request and answers it.
pub(super) async fn accept<S>(mut io: S, access: &Access) -> Result<Accepted<S>, NotAccepted>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let request = read(&mut io).await.map_err(Box::new)?;
    let upgrade = if access::asks_for_models(request.uri().path()) {
        None
    } else {
        Some(create_response(&request).map_err(Box::new)?)
    };
    let welcome = match access::admit(&request, access) {
        Ok(welcome) => welcome,
        Err(turned) => {
            let kind = "text/plain; charset=utf-8";
            answer(&mut io, turned.status, kind, &turned.why).await?;
            return Err(NotAccepted::TurnedAway(turned));
        }
    };
    let Some(upgrade) = upgrade else {
        let (status, body) = match welcome {
            Welcome::Come => (StatusCode::OK, models()),
            Welcome::WrongKey => (StatusCode::BAD_REQUEST, wrong_key()),
        };
        answer(&mut io, status, "application/json", &body).await?;
        return Ok(Accepted::Listed);
    };
    send(&mut io, &upgrade, "").await?;
    // Small buffers: many connections are idle most of the time.
    let config = WebSocketConfig::default()
        .read_buffer_size(8 << 10)
        .write_buffer_size(8 << 10)
        .max_write_buffer_size(2 * MOST_BYTES)
        .max_message_size(Some(MOST_BYTES))
        .max_frame_size(Some(MOST_BYTES));
    let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
    Ok(Accepted::Talk {
        socket: Box::new(socket),
        welcome,
        version: access::live_version(request.uri().path())
            .unwrap_or_default()
            .to_owned(),
    })
}

/// Reads the head of the request. A client that sends more before the answer is refused.
async fn read<S: AsyncRead + Unpin>(io: &mut S) -> Result<Request, Error> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if io.read_buf(&mut bytes).await? == 0 {
            return Err(ProtocolError::HandshakeIncomplete.into());
        }
        match Request::try_parse(&bytes)? {
            Some((length, request)) if length == bytes.len() => return Ok(request),
            Some(_) => return Err(ProtocolError::JunkAfterRequest.into()),
            None if bytes.len() > LONGEST_HEAD => {
                return Err(Error::AttackAttempt);
            }
            None => {}
        }
    }
}

async fn answer<S: AsyncWrite + Unpin>(
    io: &mut S,
    status: StatusCode,
    kind: &str,
    body: &str,
) -> Result<(), Box<Error>> {
    let response = Response::builder()
        .status(status)
        .header("Content-Type", kind)
        .header("Content-Length", body.len())
        .header("Connection", "close")
        .body(())
        .map_err(|error| Box::new(error.into()))?;
    send(io, &response, body).await?;
    io.shutdown().await.map_err(|error| Box::new(error.into()))
}

async fn send<S: AsyncWrite + Unpin>(
    io: &mut S,
    response: &Response<()>,
    body: &str,
) -> Result<(), Box<Error>> {
    let mut bytes = Vec::with_capacity(256 + body.len());
    write_response(&mut bytes, response)?;
    bytes.extend_from_slice(body.as_bytes());
    let written = async {
        io.write_all(&bytes).await?;
        io.flush().await
    };
    written.await.map_err(|error| Box::new(error.into()))
}

/// The models that have not ended, in the service's format.
fn models() -> String {
    let is_there = |state| matches!(state, ModelState::Stable | ModelState::Preview);
    let listed: Vec<_> = (MODELS.iter().filter(|model| is_there(model.state)))
        .map(|model| {
            json!({
                "name": format!("models/{}", model.name),
                "supportedGenerationMethods": ["bidiGenerateContent"],
            })
        })
        .collect();
    json!({ "models": listed }).to_string()
}

/// The service's answer to a wrong key.
fn wrong_key() -> String {
    let message = "API key not valid. Please pass a valid API key.";
    json!({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}).to_string()
}
