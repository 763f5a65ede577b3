//! Finds a display that answers. Variables may name a session that has ended, or a socket that is not mounted in a container.
//! So each named display is asked, and the first that answers is used.

use std::fmt;

/// What the window shall use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Display {
    /// What the system prefers.
    Preferred,
    /// X11, although a variable names a Wayland display: that one does not answer, for this reason.
    X11 {
        /// The variable, and why.
        silent: String,
    },
}

/// The display that each variable names, and why it does not answer; empty without variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoDisplay(pub Vec<String>);

impl fmt::Display for NoDisplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "no display");
        }
        write!(f, "no display answers: {}", self.0.join("; "))
    }
}

impl std::error::Error for NoDisplay {}

#[cfg(all(unix, not(target_os = "macos")))]
pub use asked::{find, inherited};

/// Nothing is inherited on this system.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub fn inherited() -> bool {
    false
}

/// On this system there always is a display.
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[expect(clippy::unnecessary_wraps, reason = "on other systems it may fail")]
pub fn find(_: bool) -> Result<Display, NoDisplay> {
    Ok(Display::Preferred)
}

#[cfg(all(unix, not(target_os = "macos")))]
mod asked {
    use std::ffi::OsString;
    use std::io::{self, Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc;
    use std::time::Duration;

    use crate::ui::display::{Display, NoDisplay};

    /// A display that is asked answers within a millisecond; on a machine that starts everything at once it may take longer.
    const ANSWER_WITHIN: Duration = Duration::from_secs(2);

    /// Whether `WAYLAND_SOCKET` names an open socket. To be asked before the program opens anything: the number may be free.
    pub fn inherited() -> bool {
        let named = variable("WAYLAND_SOCKET");
        named.is_some_and(|number| {
            let Some(number) = number.to_str().and_then(|text| text.parse::<u32>().ok()) else {
                return false;
            };
            match std::fs::read_link(format!("/proc/self/fd/{number}")) {
                Ok(target) => target.to_string_lossy().starts_with("socket:"),
                // Without /proc it is believed.
                Err(_) => !Path::new("/proc/self/fd").exists(),
            }
        })
    }

    /// Asks the displays that the variables name, Wayland first. `inherited`: what [`inherited`] said at the start.
    pub fn find(inherited: bool) -> Result<Display, NoDisplay> {
        let wayland = match (variable("WAYLAND_SOCKET"), variable("WAYLAND_DISPLAY")) {
            (Some(number), _) if !inherited => Some(Err(format!(
                "WAYLAND_SOCKET={} (not an open socket)",
                number.display()
            ))),
            (Some(_), _) => Some(Ok(())),
            (None, Some(name)) => Some(wayland(&name)),
            (None, None) => None,
        };
        let mut silent = Vec::new();
        match wayland {
            Some(Ok(())) => return Ok(Display::Preferred),
            Some(Err(why)) => silent.push(why),
            None => {}
        }
        match variable("DISPLAY").map(x11) {
            Some(Ok(())) if silent.is_empty() => return Ok(Display::Preferred),
            Some(Ok(())) => {
                return Ok(Display::X11 {
                    silent: silent.join("; "),
                });
            }
            Some(Err(why)) => silent.push(why),
            None => {}
        }
        Err(NoDisplay(silent))
    }

    fn variable(name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| !value.is_empty())
    }

    fn wayland(name: &OsString) -> Result<(), String> {
        let named = |why: String| format!("WAYLAND_DISPLAY={} ({why})", name.display());
        let socket = socket_of(Path::new(name), variable("XDG_RUNTIME_DIR"));
        let socket = socket.ok_or_else(|| named("XDG_RUNTIME_DIR is not set".to_owned()))?;
        in_time(move || greet(&socket).map_err(|error| words(&error))).map_err(named)
    }

    fn words(error: &io::Error) -> String {
        let kind = error.kind();
        if matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
            no_answer()
        } else if kind == io::ErrorKind::UnexpectedEof {
            "it hangs up".to_owned()
        } else {
            error.to_string()
        }
    }

    fn no_answer() -> String {
        format!("no answer within {} s", ANSWER_WITHIN.as_secs())
    }

    /// The path of the socket of a Wayland display.
    fn socket_of(name: &Path, folder: Option<OsString>) -> Option<PathBuf> {
        if name.is_absolute() {
            return Some(name.to_owned());
        }
        Some(Path::new(&folder?).join(name))
    }

    /// Asks a compositor for the least that it can answer: `wl_display.sync`, answered with an event of the new object.
    fn greet(socket: &Path) -> io::Result<()> {
        const DISPLAY: u32 = 1;
        const SYNC: u32 = 0;
        const CALLBACK: u32 = 2;
        const LENGTH: u32 = 12;
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_write_timeout(Some(ANSWER_WITHIN))?;
        let request = [DISPLAY, LENGTH << 16 | SYNC, CALLBACK].map(u32::to_ne_bytes);
        stream.write_all(request.as_flattened())?;
        let mut object = [0; 4];
        stream.read_exact(&mut object)?;
        // An event of the display itself is an error.
        if u32::from_ne_bytes(object) == CALLBACK {
            return Ok(());
        }
        Err(io::Error::other("it does not speak Wayland"))
    }

    fn x11(name: OsString) -> Result<(), String> {
        let named = |why: String| format!("DISPLAY={} ({why})", name.display());
        in_time(|| {
            let connected = x11rb::rust_connection::RustConnection::connect(None);
            connected.map(drop).map_err(|error| error.to_string())
        })
        .map_err(named)
    }

    /// Asks on a separate thread, which is abandoned if nothing answers.
    fn in_time(ask: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
        let (answer, answered) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("display".to_owned());
        thread
            .spawn(move || answer.send(ask()).ok())
            .map_err(|error| error.to_string())?;
        answered
            .recv_timeout(ANSWER_WITHIN)
            .unwrap_or_else(|_| Err(no_answer()))
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::os::unix::net::UnixListener;

        #[test]
        fn a_name_is_a_path_or_below_the_runtime_folder() {
            let folder = || Some(OsString::from("/run/user/7"));
            assert_eq!(
                socket_of(Path::new("wayland-1"), folder()),
                Some(PathBuf::from("/run/user/7/wayland-1"))
            );
            assert_eq!(
                socket_of(Path::new("/tmp/way"), folder()),
                Some(PathBuf::from("/tmp/way"))
            );
            assert_eq!(socket_of(Path::new("wayland-1"), None), None);
        }

        /// Listens, and gives every caller the planned answer.
        fn server(answer: &'static [u32]) -> (tempfile::TempDir, PathBuf) {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("way");
            let listener = UnixListener::bind(&path).expect("bound");
            let serve = move || {
                let (mut stream, _) = listener.accept().expect("asked");
                let mut request = [0; 12];
                stream.read_exact(&mut request).expect("a request");
                for word in answer {
                    stream.write_all(&word.to_ne_bytes()).expect("read");
                }
            };
            let thread = std::thread::Builder::new().name("compositor".to_owned());
            thread.spawn(serve).expect("a thread");
            (folder, path)
        }

        #[test]
        fn a_socket_counts_only_if_somebody_speaks_wayland_behind_it() {
            let (_folder, path) = server(&[2, 12 << 16, 1]);
            greet(&path).expect("the event of our object");
            let (_folder, path) = server(&[1, 12 << 16, 1]);
            assert!(greet(&path).is_err(), "an error of the display");
            let (_folder, path) = server(&[]);
            assert!(greet(&path).is_err(), "it hangs up");
            assert!(greet(Path::new("/nonexistent")).is_err());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_answer_is_named() {
        assert_eq!(NoDisplay::default().to_string(), "no display");
        let silent = NoDisplay(vec!["DISPLAY=:7 (refused)".into(), "X=1 (y)".into()]);
        assert_eq!(
            silent.to_string(),
            "no display answers: DISPLAY=:7 (refused); X=1 (y)"
        );
    }
}
