//! A message bus of its own, which starts no services.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// Set where a test runs again, on a bus of its own.
const MARK: &str = "SOVEREIGN_TEST_BUS";

/// The bus, while it is kept.
pub(crate) struct Bus {
    daemon: Child,
    pub(crate) address: String,
    _folder: tempfile::TempDir,
}

impl Bus {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}/bus</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            folder.path().display()
        );
        fs::write(&config, text).expect("written");
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon is installed (scripts/test installs it)");
        let mut address = String::new();
        let out = daemon.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut address).expect("read");
        let address = address.trim().to_owned();
        Self {
            daemon,
            address,
            _folder: folder,
        }
    }

    pub(crate) fn end(&mut self) {
        self.daemon.kill().expect("it runs");
        self.daemon.wait().expect("it ends");
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

/// For what finds the session bus by itself: runs the test of this name again, in a process whose session bus is at `address`.
/// Says whether this is that process, which is to do the work.
pub(crate) fn is_on(address: &str, test: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let program = std::env::current_exe().expect("this program");
    let again = Command::new(program)
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "yes")
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .output()
        .expect("started");
    let told = String::from_utf8_lossy(&again.stderr);
    let ran = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success(), "{ran}\n{told}");
    assert!(ran.contains("1 passed"), "there is no such test: {test}");
    false
}
