//! What the tests share: a clean home, the program in it, a server for it, and readers of what it says.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// After this a program hangs. A busy machine is slow; none of these runs needs more than a quarter of it.
const LIMIT: Duration = Duration::from_secs(240);

/// A home of its own, empty, where nothing of the machine's is seen.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary folder"));
        for folder in ["run", "tmp"] {
            std::fs::create_dir(home.path(folder)).expect("the home is writable");
        }
        home
    }

    /// A path in it.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file in it, with the folders above.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it is in the home")).expect("writable");
        std::fs::write(&path, bytes).expect("writable");
        path
    }

    /// Writes a file whose name is any bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn write_raw(&self, name: &[u8], bytes: &[u8]) -> PathBuf {
        let path = self.path(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name));
        std::fs::write(&path, bytes).expect("writable");
        path
    }

    /// The program, not started yet: no display, no sound server, no sound card, no key, no keyring, no proxy.
    pub(crate) fn sovereign<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sovereign"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path(""))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("TMPDIR", self.path("tmp"))
            .env(
                "PULSE_SERVER",
                format!("unix:{}", self.path("run/no-pulse").display()),
            )
            .env(
                "DBUS_SESSION_BUS_ADDRESS",
                format!("unix:path={}", self.path("run/no-bus").display()),
            )
            .env("ALSA_CONFIG_PATH", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ended {
        Running::start(&mut self.sovereign(args)).end()
    }

    /// Everything in the home that is a file, read as text: what the program left behind.
    pub(crate) fn everything_written(&self) -> String {
        let mut text = String::new();
        let mut folders = vec![self.path("")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let kind = entry.file_type().expect("it is there");
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() {
                    let bytes = std::fs::read(entry.path()).expect("our own file");
                    text += &String::from_utf8_lossy(&bytes);
                }
            }
        }
        text
    }
}

/// A program that runs. It is killed if a test fails first.
pub(crate) struct Running {
    child: Child,
    out: Option<std::thread::JoinHandle<String>>,
    err: Option<std::thread::JoinHandle<String>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the program was built");
        let out = child
            .stdout
            .take()
            .map(|mut out| reader(move |text| out.read_to_end(text)));
        let err = child
            .stderr
            .take()
            .map(|mut err| reader(move |text| err.read_to_end(text)));
        Self { child, out, err }
    }

    /// The number that the system gave it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                break status;
            }
            if Instant::now() > deadline {
                self.child.kill().ok();
                let text = |reader: Option<std::thread::JoinHandle<String>>| {
                    reader.and_then(|r| r.join().ok())
                };
                panic!(
                    "it hangs; it said {:?} and {:?}",
                    text(self.out.take()),
                    text(self.err.take())
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let text = |reader: Option<std::thread::JoinHandle<String>>| {
            reader.map_or_else(String::new, |reader| {
                reader.join().expect("a reader does not panic")
            })
        };
        let ended = Ended {
            status: status.code(),
            out: text(self.out.take()),
            err: text(self.err.take()),
        };
        assert!(!ended.err.contains("panicked"), "a panic: {}", ended.err);
        ended
    }

    /// Sends a signal by its name, as `kill` does.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.expect("kill is everywhere").success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn reader(
    mut read: impl FnMut(&mut Vec<u8>) -> std::io::Result<usize> + Send + 'static,
) -> std::thread::JoinHandle<String> {
    in_thread(move || {
        let mut bytes = Vec::new();
        read(&mut bytes).ok();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A thread with a name, whose end is waited for where its result counts.
pub(crate) fn in_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::thread::JoinHandle<T> {
    let thread = std::thread::Builder::new().name("test".into());
    thread.spawn(work).expect("the system has threads")
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// The lines of standard output, each a JSON object.
    pub(crate) fn json(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {self:?}")))
            .collect()
    }

    /// The turns and the summary of `talk --json`.
    pub(crate) fn turns(&self) -> (Vec<Value>, Value) {
        let mut lines = self.json();
        let summary = lines
            .pop()
            .unwrap_or_else(|| panic!("no summary: {self:?}"));
        assert_eq!(summary["schema"], "sovereign.summary/1", "{self:?}");
        assert!(
            lines
                .iter()
                .all(|turn| turn["schema"] == "sovereign.turn/1"),
            "{self:?}"
        );
        (lines, summary)
    }

    /// That it ended with `status`, and said each of `words` on standard error.
    #[track_caller]
    pub(crate) fn assert(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "no `{word}`: {self:?}");
        }
    }

    /// That it failed with `status`, with one error that says each of `words`, and one hint.
    #[track_caller]
    pub(crate) fn assert_fault(&self, status: i32, words: &[&str]) {
        self.assert(status, words);
        for kind in ["error: ", "hint: "] {
            let n = self
                .err
                .lines()
                .filter(|line| line.starts_with(kind))
                .count();
            assert_eq!(n, 1, "one line of `{kind}`: {self:?}");
        }
    }
}

/// `sovereign serve --json` on a free port.
pub(crate) struct Server {
    child: Child,
    _out: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn parrot(home: &Home) -> Self {
        Self::start(home, &[])
    }

    pub(crate) fn script(home: &Home, script: &str) -> Self {
        let name = format!("script-{:?}.yaml", Instant::now()).replace([' ', '{', '}', ':'], "");
        let file = home.write(&name, script);
        Self::start(home, &["--script", file.to_str().expect("our own name")])
    }

    pub(crate) fn start(home: &Home, args: &[&str]) -> Self {
        let mut command = home.sovereign(["serve", "--json", "--listen", "127.0.0.1:0"]);
        let mut child = command
            .args(args)
            .stderr(Stdio::inherit())
            .spawn()
            .expect("built");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        out.read_line(&mut line).expect("it says where it listens");
        let first: Value = serde_json::from_str(&line).expect("JSON");
        let url = first["listening"].as_str().expect("an address").to_owned();
        assert_eq!(url, format!("ws://127.0.0.1:{}", first["port"]), "{line}");
        Self {
            child,
            _out: out,
            url,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A recording of a voice.
pub(crate) fn voice(name: &str) -> String {
    format!(
        "{}/tests/fixtures/speech/{name}.wav",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// A WAV file of silence.
pub(crate) fn silence(home: &Home, name: &str, ms: u32) -> PathBuf {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let path = home.path(name);
    let mut writer = hound::WavWriter::create(&path, spec).expect("writable");
    for _ in 0..ms * 16 {
        writer.write_sample(0_i16).expect("writable");
    }
    writer.finalize().expect("writable");
    path
}

/// An address at which nothing listens.
pub(crate) fn nobody() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound")
}
