//! A whole conversation on simulated time: desk, sound side, session, client, embedded server, in one paused runtime.

#![expect(
    unreachable_pub,
    reason = "shared by test files, each of which is a crate"
)]

pub mod bus;
pub mod line;
pub mod tcp;
pub mod wire;

use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use sovereign::audio::{self, Desk, SimulatedDesk};
use sovereign::base::counters::Counters;
use sovereign::base::supervise::Failures;
use sovereign::conversation::{
    self, Choice, ConversationDeps, Event, Session, Settings, command::Command,
};
use sovereign::desktop::Autostart;
use sovereign::monitor::PageRequests;
use sovereign::profile::Profile;
use sovereign::provider::connection::dial::{Dialer, Opened, TcpDialer};
use sovereign::provider::connection::fault::Fault;
use sovereign::provider::{echo, gemini};
use sovereign::server::{Options, Script, StreamServer};
use sovereign::settings::api_key::{KeyStore, Keyring};
use sovereign::settings::config::ConfigFile;
use sovereign::settings::profiles::Profiles;
use sovereign::settings::watch::Watch;
use sovereign::telemetry;
use sovereign::telemetry::record::TurnRecord;
use sovereign::telemetry::summary::Summary;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// What a test may choose.
pub struct World {
    pub desk: SimulatedDesk,
    pub profile: Profile,
    pub script: Script,
    pub files: Option<usize>,
    pub interrupt_after: Option<Duration>,
    /// The text of the configuration file, which is written here.
    pub config: Option<(std::path::PathBuf, String)>,
    /// What is kept is kept here; nothing is without.
    pub state: Option<std::path::PathBuf>,
    /// Takes what is posted to the address of alerts; none is configured without.
    pub hook: Option<Hook>,
    /// Tells when a page of the monitor is wanted.
    pub pages: PageRequests,
    /// It begins as the demo; a key that is set is kept in this file.
    pub demo: Option<std::path::PathBuf>,
    /// A key in the environment.
    pub key: Option<String>,
    /// The folder of the user's profiles.
    pub profiles: Option<std::path::PathBuf>,
    /// Who answers.
    pub provider: Answers,
    /// The way to the server, with names, TCP and the dialler of the program; streams in memory without.
    pub way: Option<tcp::Way>,
    /// Whether a test may put frames between those of the server, and hold pings back.
    pub wire: bool,
    /// Whether there are statistics, alerts and exports.
    pub telemetry: bool,
    /// Whether the user can answer questions.
    pub window: bool,
    /// Tells of files that change; nothing does without.
    pub changes: Watch,
    /// What becomes of parts that have no channel to the conversation of their own.
    pub failures: Failures,
}

/// Who answers in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// The embedded server, by the protocol of Gemini Live.
    Server,
    /// The voice of the user, without a connection.
    Echo,
    /// The server of the demo, over loopback: not on simulated time.
    Demo,
}

impl World {
    /// A headset, a built-in profile, the parrot.
    pub fn new(profile: &str) -> Self {
        Self {
            desk: SimulatedDesk::default(),
            profile: Profile::clone(&sovereign::profile::builtin(profile).expect("built in")),
            script: Script::default(),
            files: None,
            interrupt_after: None,
            config: None,
            state: None,
            hook: None,
            pages: PageRequests::default(),
            demo: None,
            key: None,
            profiles: None,
            provider: Answers::Server,
            way: None,
            wire: false,
            telemetry: true,
            window: false,
            changes: Watch::nothing(),
            failures: Failures::default(),
        }
    }

    /// Starts the conversation. Call it within a `LocalSet` of a paused runtime.
    pub fn start(self) -> Running {
        let counters = Arc::new(Counters::default());
        let profile = Arc::new(self.profile);
        let (audio, desk) =
            audio::simulate(self.desk, Arc::clone(&counters), &profile).expect("a thread");
        let environment = self.key.map(|key| ("GEMINI_API_KEY", key.into()));
        let keys = KeyStore::new(environment, Arc::new(NoKeyring), self.demo.clone());
        let settings = settings(
            self.hook.is_some(),
            match (self.demo.is_some(), self.way) {
                (true, _) => None,
                (false, None) => Some("ws://127.0.0.1:1"),
                (false, Some(_)) => Some("ws://localhost:1"),
            },
            keys,
            self.config,
            self.changes,
            self.failures,
        );
        let deps = telemetry::Deps {
            probe: sovereign::probe::Probe::default(),
            dialer: self.hook.map(|hook| Arc::new(hook) as Arc<dyn Dialer>),
            pages: self.pages,
            state: self.state.clone(),
            ..telemetry::Deps::new(Arc::clone(&counters))
        };
        let telemetry = if self.telemetry {
            telemetry::start(deps)
        } else {
            telemetry::TelemetryHandle::off()
        };
        let stop = CancellationToken::new();
        let cut = Rc::new(Notify::new());
        let line = Rc::new(line::Line::default());
        let provider = match self.provider {
            Answers::Echo => echo::spawn(),
            Answers::Server | Answers::Demo => {
                let dialer: Arc<dyn Dialer> = if self.provider == Answers::Demo {
                    Arc::new(TcpDialer::default())
                } else {
                    let (stop, cut) = (stop.clone(), cut.clone());
                    serve(self.script, stop, cut, &line, self.way, self.wire)
                };
                let config = settings.session_config(&profile);
                let target = settings.target.clone();
                gemini::spawn(dialer, target, config, Arc::clone(&counters))
            }
        };
        let files = self
            .files
            .map(|n| (0..n).map(|i| format!("{i}.wav")).collect());
        let session = conversation::start(ConversationDeps {
            audio,
            provider,
            counters,
            profiles: Profiles::load(self.profiles),
            profile,
            settings,
            files,
            interrupt_after: self.interrupt_after,
            volume: 1.0,
            choices: Default::default(),
            notices: Vec::new(),
            telemetry,
            window: self.window,
            autostart: Autostart::default(),
            state: self.state,
        });
        Running {
            session,
            desk,
            line,
            stop,
            cut,
        }
    }
}

/// A conversation that runs.
pub struct Running {
    pub session: Session,
    pub desk: Desk,
    /// The way to the server.
    pub line: Rc<line::Line>,
    stop: CancellationToken,
    cut: Rc<Notify>,
}

impl Running {
    /// Cuts the connection, as a cable that is pulled.
    pub fn cut(&self) {
        self.cut.notify_waiters();
    }

    /// Waits until the service can be spoken to and the detector has settled.
    pub async fn ready(&mut self) {
        let mut snapshots = self.session.snapshots.clone();
        let connected = |s: &Arc<conversation::snapshot::Snapshot>| {
            matches!(s.link, conversation::snapshot::Link::Connected { .. })
        };
        snapshots
            .wait_for(connected)
            .await
            .expect("the session runs");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    /// Speaks, in real time of the simulation; returns when the last sample was at the microphone.
    pub async fn speak(&self, samples: &[f32]) -> Instant {
        self.desk.speak(samples);
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if let Some(end) = self.desk.spoken_until() {
                return end;
            }
        }
    }

    /// The next closed turn; everything else that happens is passed over.
    pub async fn turn(&mut self) -> TurnRecord {
        loop {
            match self.event().await {
                Event::Closed(record) => return *record,
                Event::Broken(what) => panic!("{what}"),
                Event::Over(_) => panic!("the conversation ended without a turn"),
                Event::Audible { .. }
                | Event::Notice(..)
                | Event::NotWritten(_)
                | Event::InputOver
                | Event::LimitReached(_) => {}
            }
        }
    }

    /// Waits for a reply to become audible.
    pub async fn audible(&mut self) -> Instant {
        loop {
            if let Event::Audible { at, .. } = self.event().await {
                return at;
            }
        }
    }

    /// The next event, within ten simulated minutes.
    pub async fn event(&mut self) -> Event {
        let event = tokio::time::timeout(Duration::from_secs(600), self.session.events.recv());
        event
            .await
            .expect("something happens")
            .expect("the session runs")
    }

    /// Tells the session something.
    pub async fn tell(&self, command: Command) {
        self.session
            .commands
            .send(command)
            .await
            .expect("the session runs");
    }

    /// Ends the conversation.
    pub async fn quit(mut self) -> Summary {
        self.tell(Command::Quit).await;
        loop {
            if let Event::Over(summary) = self.event().await {
                self.stop.cancel();
                return *summary;
            }
        }
    }
}

/// A recording of a voice at 48 kHz, mono: the first sample is voiced.
pub fn voice(name: &str) -> Vec<f32> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/speech/{name}.wav"));
    let mut reader = hound::WavReader::open(path).expect("a fixture");
    let rate = sovereign::base::units::SampleRate::new(reader.spec().sample_rate).expect("a rate");
    let samples: Vec<f32> = reader
        .samples::<i16>()
        .map(|s| f32::from(s.expect("whole")) / 32_768.0)
        .collect();
    let to = sovereign::base::units::SampleRate::new(48_000).expect("a rate");
    let mut resampler = sovereign::dsp::resample::Resampler::new(rate, to, 64).expect("rates");
    let mut out = Vec::new();
    resampler.push(&samples, &mut out);
    resampler.flush(&mut out);
    let loud = |s: &f32| s.abs() > 0.003;
    let first = out.iter().position(loud).expect("a voice");
    let last = out.iter().rposition(loud).expect("a voice");
    out[first..=last].to_vec()
}

fn settings(
    with_hook: bool,
    endpoint: Option<&str>,
    keys: KeyStore,
    config: Option<(std::path::PathBuf, String)>,
    changes: Watch,
    failures: Failures,
) -> Settings {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let hook = "alert_webhook: \"http://127.0.0.1:9/hook\"\n";
    let config = config.or_else(|| with_hook.then(|| (file.path().to_owned(), hook.to_owned())));
    if let Some((path, text)) = &config {
        std::fs::write(path, text).expect("written");
    }
    let (config, fault) = ConfigFile::load(config.map(|(path, _)| path));
    assert_eq!(fault, None);
    Settings::new(Choice {
        demo: endpoint.is_none(),
        endpoint: endpoint.map(Into::into),
        greeting: false,
        config,
        keys,
        key: None,
        changes,
        failures,
    })
    .expect("an address")
}

/// Takes each post, answers 204 and hands its body on.
pub struct Hook(pub mpsc::Sender<serde_json::Value>);

impl Dialer for Hook {
    fn dial(&self, _: url::Url) -> Pin<Box<dyn Future<Output = Result<Opened, Fault>> + Send>> {
        let bodies = self.0.clone();
        Box::pin(async move {
            let (ours, mut theirs) = tokio::io::duplex(1 << 16);
            tokio::spawn(async move {
                let mut request = Vec::new();
                let body = loop {
                    let n = theirs.read_buf(&mut request).await.expect("readable");
                    let text = String::from_utf8_lossy(&request);
                    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
                    match serde_json::from_str(body) {
                        Ok(body) => break body,
                        Err(error) => assert!(n > 0, "{error}: {text}"),
                    }
                };
                let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                theirs.write_all(answer).await.expect("taken");
                bodies.send(body).await.ok();
            });
            Ok(Opened {
                stream: Box::new(ours),
                round_trip: None,
                proxied: false,
            })
        })
    }
}

/// The embedded server behind streams in memory, or at the end of a way.
fn serve(
    script: Script,
    stop: CancellationToken,
    cut: Rc<Notify>,
    line: &Rc<line::Line>,
    way: Option<tcp::Way>,
    wire: bool,
) -> Arc<dyn Dialer> {
    let (dialled, mut streams) = mpsc::channel::<DuplexStream>(8);
    let service = Rc::new(StreamServer::new(Options {
        script: Arc::new(script),
        ..Options::default()
    }));
    let there = line.clone();
    tokio::task::spawn_local(async move {
        while let Some(stream) = streams.recv().await {
            let (service, stop, cut) = (service.clone(), stop.clone(), cut.clone());
            let Some(mut stream) = there.carry(stream) else {
                continue;
            };
            if wire {
                stream = wire::connection(stream, &there.wire);
            }
            tokio::task::spawn_local(async move {
                tokio::select! {
                    () = service.serve_stream(stream, &stop) => {}
                    () = cut.notified() => {}
                }
            });
        }
    });
    let Some(way) = way else {
        return Arc::new(InMemory(dialled));
    };
    line.way.set(way);
    let (asked, mut asking) = mpsc::channel::<tcp::Asked>(64);
    let network = tcp::SimulatedNetwork {
        modes: line.modes(),
        names: line.names.subscribe(),
        asked,
    };
    let line = line.clone();
    tokio::task::spawn_local(async move {
        while let Some(tcp::Asked {
            far,
            waits,
            mut answer,
        }) = asking.recv().await
        {
            let (line, dialled) = (line.clone(), dialled.clone());
            tokio::task::spawn_local(async move {
                let opened = tokio::select! {
                    opened = tcp::open(&line) => opened,
                    () = answer.closed() => return,
                };
                if opened.is_ok() {
                    let server = tcp::connection(far, waits, &line);
                    dialled.send(server).await.expect("the server runs");
                }
                answer.send(opened).ok();
            });
        }
    });
    Arc::new(TcpDialer::on(Arc::new(network), Vec::new()))
}

struct InMemory(mpsc::Sender<DuplexStream>);

impl Dialer for InMemory {
    fn dial(&self, _: url::Url) -> Pin<Box<dyn Future<Output = Result<Opened, Fault>> + Send>> {
        let dialled = self.0.clone();
        Box::pin(async move {
            let (ours, theirs) = tokio::io::duplex(64 << 10);
            dialled.send(theirs).await.expect("the server runs");
            Ok(Opened {
                stream: Box::new(ours),
                round_trip: None,
                proxied: false,
            })
        })
    }
}

struct NoKeyring;

impl Keyring for NoKeyring {
    fn get(&self) -> Result<Option<SecretString>, String> {
        Ok(None)
    }
}

/// Runs a test on simulated time.
pub fn simulate<T>(test: impl Future<Output = T>) -> T {
    run(true, test)
}

/// Runs a test on simulated time, or as time passes: with threads and sockets of the system.
pub fn run<T>(simulated: bool, test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(simulated)
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, test)
}
