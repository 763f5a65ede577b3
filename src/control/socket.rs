//! The two ends of the socket on Unix.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::message::{ControlAnswer, ControlRequest};
use super::place::{Claim, ControlPlace};

/// Longest message in bytes.
const LONGEST: u64 = 4_096;
/// Time in which a program that connects must send its request.
const PATIENCE: Duration = Duration::from_secs(2);
/// Connections served at the same time; others wait.
const AT_ONCE: usize = 8;

/// A request, and where its answer goes.
pub struct ControlQuestion {
    pub request: ControlRequest,
    pub answer: oneshot::Sender<ControlAnswer>,
}

/// A socket that is listened on; dropping it removes it.
pub struct ControlSocket {
    task: JoinHandle<()>,
    path: PathBuf,
    _claim: Claim,
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        self.task.abort();
        std::fs::remove_file(&self.path).ok();
    }
}

impl Claim {
    /// Listens; call it inside the runtime. Every request goes to `asked`.
    ///
    /// # Errors
    /// A socket that cannot be made: a path that is too long, a full or read-only folder.
    pub fn listen(self, asked: mpsc::Sender<ControlQuestion>) -> io::Result<ControlSocket> {
        let path = self.place.socket();
        // One that is left there belongs to a process that has ended: this one holds the lock.
        std::fs::remove_file(&path).ok();
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(ControlSocket {
            task: tokio::spawn(accept(listener, asked)),
            path,
            _claim: self,
        })
    }
}

async fn accept(listener: UnixListener, asked: mpsc::Sender<ControlQuestion>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let asked = asked.clone();
                tokio::spawn(async move {
                    tokio::time::timeout(PATIENCE, serve(stream, asked))
                        .await
                        .ok();
                    drop(place);
                });
            }
            Err(error) => {
                // Too many open files, say: it passes.
                tracing::debug!(%error, "a control connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: UnixStream, asked: mpsc::Sender<ControlQuestion>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = tokio::io::BufReader::new(read.take(LONGEST));
    reader.read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Ok(request) => {
            let (answer, answered) = oneshot::channel();
            asked.send(ControlQuestion { request, answer }).await.ok();
            answered.await.unwrap_or_else(|_| ControlAnswer::Refused {
                what: "it is ending".to_owned(),
                hint: "Start it again.".to_owned(),
            })
        }
        Err(error) => ControlAnswer::Refused {
            what: format!("the request is not understood: {error}"),
            hint: "Use the command of the same version as the running program.".to_owned(),
        },
    };
    write.write_all(&line_of(&answer)).await
}

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("it is not running")]
    NotRunning,
    #[error("it does not answer: {0}")]
    Silent(io::Error),
}

/// Sends a request to the program that listens at this place, and waits for the answer.
///
/// # Errors
/// Nobody listens there, or no answer came in time.
pub fn ask(
    place: &ControlPlace,
    request: &ControlRequest,
    within: Duration,
) -> Result<ControlAnswer, AskError> {
    let gone = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused];
    let mut stream = std::os::unix::net::UnixStream::connect(place.socket()).map_err(|error| {
        if gone.contains(&error.kind()) {
            AskError::NotRunning
        } else {
            AskError::Silent(error)
        }
    })?;
    let mut answer = || {
        stream.set_read_timeout(Some(within))?;
        stream.set_write_timeout(Some(within))?;
        stream.write_all(&line_of(request))?;
        let mut line = String::new();
        BufReader::new((&mut stream).take(LONGEST)).read_line(&mut line)?;
        serde_json::from_str(&line).map_err(io::Error::from)
    };
    answer().map_err(AskError::Silent)
}

fn line_of(message: &impl serde::Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("texts and truths become JSON");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    fn place(folder: &tempfile::TempDir) -> ControlPlace {
        ControlPlace::of(folder.path().join("run"), None)
    }

    /// Answers every request with a refusal that repeats it.
    fn echo() -> mpsc::Sender<ControlQuestion> {
        let (asked, mut asks) = mpsc::channel::<ControlQuestion>(1);
        tokio::spawn(async move {
            while let Some(ControlQuestion { request, answer }) = asks.recv().await {
                let what = format!("{request:?}");
                let hint = String::new();
                answer.send(ControlAnswer::Refused { what, hint }).ok();
            }
        });
        asked
    }

    async fn asked(place: &ControlPlace, request: ControlRequest) -> Result<String, AskError> {
        let place = place.clone();
        let answer = tokio::task::spawn_blocking(move || ask(&place, &request, SOON));
        answer.await.expect("no panic").map(|answer| match &answer {
            ControlAnswer::Refused { what, .. } => what.clone(),
            ControlAnswer::Done | ControlAnswer::Muted { .. } | ControlAnswer::Status(_) => {
                format!("{answer:?}")
            }
        })
    }

    #[tokio::test]
    async fn a_thousand_requests_are_answered_each_with_its_own_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(&folder);
        let claim = place.claim().expect("a place").expect("free");
        let _socket = claim.listen(echo()).expect("listens");
        let mode = |path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(place.socket()), 0o600);
        assert_eq!(mode(folder.path().join("run")), 0o700);
        for n in 0..1_000 {
            let name = format!("profile {n}");
            let request = ControlRequest::Profile { name: name.clone() };
            let answer = asked(&place, request).await.expect("answered");
            assert!(answer.contains(&name), "{answer}");
        }
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused_and_delays_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(&folder);
        let claim = place.claim().expect("a place").expect("free");
        let _socket = claim.listen(echo()).expect("listens");
        // These never say anything, and one place is left.
        let silent: Vec<_> = (1..AT_ONCE)
            .map(|_| std::os::unix::net::UnixStream::connect(place.socket()).expect("taken"))
            .collect();
        let long = "x".repeat(100_000);
        for line in ["\n", "press\n", "\u{0}\n", &long] {
            let mut stream = UnixStream::connect(place.socket()).await.expect("taken");
            // The rest of a long line is not taken.
            stream.write_all(line.as_bytes()).await.ok();
            let mut answer = String::new();
            let read = stream.read_to_string(&mut answer).await;
            assert!(
                answer.contains("not understood") || read.is_err(),
                "{line:.20}: {answer}"
            );
        }
        let answer = asked(&place, ControlRequest::Stop).await.expect("answered");
        assert_eq!(answer, "Stop");
        drop(silent);
    }

    #[tokio::test]
    async fn one_program_has_the_place_and_what_a_crash_leaves_is_no_obstacle() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(&folder);
        assert!(matches!(
            asked(&place, ControlRequest::Status).await,
            Err(AskError::NotRunning)
        ));
        let claim = place.claim().expect("a place").expect("free");
        assert!(place.claim().expect("a place").is_none(), "taken");
        // A socket that nobody listens at, as after a crash.
        drop(UnixListener::bind(place.socket()).expect("made"));
        assert!(matches!(
            asked(&place, ControlRequest::Status).await,
            Err(AskError::NotRunning)
        ));
        let socket = claim.listen(echo()).expect("listens");
        assert!(asked(&place, ControlRequest::Status).await.is_ok());
        drop(socket);
        assert!(!place.socket().exists());
        assert!(place.claim().expect("a place").is_some(), "free again");
    }

    #[test]
    fn each_configuration_has_a_place_of_its_own() {
        let of = |config: &str| ControlPlace::of("/run/me".into(), Some(config.as_ref()));
        assert_eq!(of("/a/config.yaml"), of("/a/config.yaml"));
        assert_ne!(of("/a/config.yaml"), of("/b/config.yaml"));
        let usual = ControlPlace::of("/run/me".into(), None);
        assert_eq!(usual.socket(), PathBuf::from("/run/me/control.sock"));
    }
}
