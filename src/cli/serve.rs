//! `sovereign serve`: the Live-compatible server on its own, for other programs and for tests.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use secrecy::SecretString;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::output::{gone, print};
use super::panics;
use super::signal::{self, Stop};
use crate::base::problem::Problem;
use crate::server::{Access, Options, Script, ScriptError, Server, ServerError, ServerEvent};

/// Capacity of the queue of events; beyond, the newest are dropped.
const EVENTS: usize = 1024;
/// After a signal, the end must not take longer, whatever hangs.
const ENDED_WITHIN: Duration = Duration::from_secs(5);
/// Connections at a time: as many as `sovereign load` opens.
const CONNECTIONS: usize = 65_536;

/// Serve the Live protocol on this computer: parrot, or answer by a script
///
/// Any Live client may connect: point it at ws://127.0.0.1:PORT. Without a script each turn is answered with the user's
/// own voice.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = SCRIPT_HELP)]
pub struct ServeArgs {
    /// Where to listen: a loopback address; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9090")]
    pub listen: SocketAddr,
    /// Answer by this script (YAML; see below)
    #[arg(long, value_name = "FILE", value_parser = super::global::path())]
    pub script: Option<PathBuf>,
    /// Events as JSON lines; the first line tells the address
    #[arg(long)]
    pub json: bool,
    /// Close connections with another key, as the service does (1007)
    #[arg(long, value_name = "KEY")]
    pub require_key: Option<String>,
    /// Pause before each answer
    #[arg(long, value_name = "MS")]
    pub think_ms: Option<u64>,
    /// Greet each new conversation
    #[arg(long)]
    pub greet: bool,
    /// Send text frames; the service sends binary ones
    #[arg(long)]
    pub text_frames: bool,
    /// Tell nothing but the address, and end when standard input does: for whoever starts it as a part of itself
    #[arg(long, hide = true)]
    pub attached: bool,
}

const SCRIPT_HELP: &str = "\
Events with --json, one object per line, after {\"listening\":\"ws://127.0.0.1:PORT\",\"port\":PORT}:
  connected, turned_away, listed (models), setup, turn (of the user), answer, closed; each with its connection

A script:
  think_ms: 150            pause before each answer (0)
  setup_delay_ms: 0        pause before setupComplete
  transcripts: true        false: none, although asked for
  turn_complete: playback  after the assumed end of playback; or: immediate
  resumption: true         false: no handles
  refuse_setup: {code: 1008, reason: TEXT, versions: [v1beta], models: [NAME]}
                           close in answer to setups; without versions and models, to all
  transcription_hints: true  false: languages and words to expect are refused (1007)
  greeting: false          true: greet each new conversation
  repeat: true             begin again after the last turn; else parrot from there on
  turns:                   one list of actions for each turn of the user
    - - say: First reply.
        ms: 1200
    - - call: get_time
        args: {zone: UTC}
      - parrot

Actions:
  parrot                   the user's own voice
  say: TEXT                a tone of hz (440) for ms (1000), or the file wav; TEXT is its transcript
  wait: MS                 pause
  call: NAME               tool call with args; waits timeout_ms (20000) unless async: true
  thought: TEXT            a part marked as thought
  stall | empty | drop     never answer | a turn without content | cut the connection
  close: CODE              close, with reason
  go_away: MS              announce the end, close (1008) after MS
  late_audio: N            N chunks after interrupted
  phantom_interrupt        interrupted although nobody spoke
  raw: TEXT                one frame as it is, JSON or not
  speed: X, chunk_ms: MS   pace of audio from here on (4 times real time; 40), speed 0: at once
  jitter: MS               random delay of each chunk, drawn from seed (1)
  pad: MS                  silence before the next sound
  odd_pcm                  chunks end in the middle of a sample";

/// The first line of `--json`.
#[derive(Serialize)]
struct Listening {
    listening: String,
    port: u16,
}

/// Serves until Ctrl-C, SIGTERM or SIGHUP, or until the reader of standard output is gone.
pub async fn run(args: ServeArgs) -> Result<ExitCode, Problem> {
    let (watcher, mut events) = mpsc::channel(EVENTS);
    let script = args.script.as_deref().map(Script::load).transpose();
    let mut script = script.map_err(bad_script)?.unwrap_or_default();
    script.think_ms = args.think_ms.unwrap_or(script.think_ms);
    script.greeting |= args.greet;
    let options = Options {
        script: Arc::new(script),
        access: args
            .require_key
            .map_or(Access::Open, |key| Access::Key(SecretString::from(key))),
        text_frames: args.text_frames,
        most_connections: CONNECTIONS,
        watcher: (!args.attached).then_some(watcher),
        ..Options::default()
    };
    signal::hold(ENDED_WITHIN);
    let mut stop = Stop::new()?;
    let input_over = CancellationToken::new();
    if args.attached {
        cancel_with_input(input_over.clone())?;
    }
    let server = Server::start(args.listen, options).map_err(not_started)?;
    print(&listening(&server, args.json)?);
    loop {
        tokio::select! {
            biased;
            () = stop.wait() => break,
            () = input_over.cancelled() => break,
            () = gone().cancelled() => break,
            () = server.ended() => return Err(anyhow::anyhow!(panics::LOST_A_PART).into()),
            () = panics::lost().cancelled() => return Err(anyhow::anyhow!(panics::LOST_A_PART).into()),
            Some(event) = events.recv() => print(&line(&event, args.json)?),
        }
    }
    server.stop();
    // What the end itself brought about.
    while let Ok(event) = events.try_recv() {
        print(&line(&event, args.json)?);
    }
    Ok(ExitCode::SUCCESS)
}

/// Cancels at the end of standard input: the parent process has ended, in whatever way.
fn cancel_with_input(over: CancellationToken) -> anyhow::Result<()> {
    let read = move || {
        io::copy(&mut io::stdin().lock(), &mut io::sink()).ok();
        over.cancel();
    };
    let thread = std::thread::Builder::new().name("serve-input".to_owned());
    thread.spawn(read).context("the system gives no thread")?;
    Ok(())
}

fn listening(server: &Server, json: bool) -> anyhow::Result<String> {
    let address = server.address();
    let listening = format!("ws://{address}");
    if json {
        let port = address.port();
        return Ok(serde_json::to_string(&Listening { listening, port })?);
    }
    Ok(format!("listening on {listening}; Ctrl-C ends it"))
}

fn line(event: &ServerEvent, json: bool) -> anyhow::Result<String> {
    Ok(if json {
        serde_json::to_string(event)?
    } else {
        event.to_string()
    })
}

fn bad_script(error: ScriptError) -> Problem {
    Problem::usage(format!("{:#}", anyhow::Error::from(error)))
        .hint("`sovereign serve --help` shows what a script can say.")
}

fn not_started(error: ServerError) -> Problem {
    if matches!(error, ServerError::NotLoopback(_)) {
        return Problem::usage(error.to_string());
    }
    let error = anyhow::Error::from(error).context("the server did not start");
    Problem::failed(error).hint("--listen 127.0.0.1:0 picks a free port.")
}
