//! The API key: where it comes from, and how it is kept.
//!
//! ```text
//! GEMINI_API_KEY ─▶ else the system's keyring (own thread, 2 s) ─▶ else the file `key` (0600 only)
//! ```
//!
//! The key itself leaves this module in a [`SecretString`], which nothing prints. A text that is no key is never repeated.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use super::file::{self, ReadError};
use crate::base::thread::quietly;

/// The variable that holds the key.
pub const VARIABLE: &str = "GEMINI_API_KEY";

/// How long the keyring may take. One that is locked, or whose service hangs, answers after minutes or never.
const KEYRING_LIMIT: Duration = Duration::from_secs(2);

/// What an entry in the keyring is found by.
const KEYRING_SERVICE: &str = "sovereign";
const KEYRING_USER: &str = "gemini-api-key";

/// Longest key that is taken. Google's have 39 characters, tokens some hundred.
const MOST_CHARACTERS: usize = 1_000;

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// [`VARIABLE`].
    Environment,
    /// The system's keyring.
    Keyring,
    /// The file `key`.
    File,
}

impl Source {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Keyring => "keyring",
            Self::File => "file",
        }
    }
}

/// A key and where it comes from.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key.
    pub secret: SecretString,
    /// Where it comes from.
    pub source: Source,
}

impl Key {
    /// Its last four characters, to tell keys apart; nothing of one so short that they would give it away.
    #[must_use]
    pub fn ending(&self) -> String {
        let text = self.secret.expose_secret();
        if text.len() < 16 {
            String::new()
        } else {
            text[text.len() - 4..].to_owned()
        }
    }
}

/// A key, if there is one, and what went wrong on the way, in words.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The first good key.
    pub key: Option<Key>,
    /// What the user should know: a file that others can read, a keyring that does not answer.
    pub warnings: Vec<String>,
}

/// Why a key is not taken, kept or removed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nothing but blanks.
    #[error("the key is empty")]
    Empty,
    /// A character that no key has.
    #[error(
        "the key holds a blank, a line break or another character that no key has: copy it again, and nothing around it"
    )]
    NotAKey,
    /// Too long.
    #[error("the key has more than {MOST_CHARACTERS} characters: copy the key alone")]
    TooLong,
    /// There is no home folder to keep it in.
    #[error(
        "there is no folder to keep the key in: set {VARIABLE}, or name a configuration file with --config"
    )]
    Homeless,
    /// The system refused.
    #[error("{path} cannot be changed: {error}")]
    Refused {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// A place and what is in it: a key, nothing, or a fault in words.
type Look<'a> = &'a dyn Fn() -> Result<Option<SecretString>, String>;

/// What reads the system's keyring; a test has its own.
pub trait Keyring: Send + Sync {
    /// The stored key; `None` where there is none or no keyring at all; else what is wrong, in words without any secret.
    fn get(&self) -> Result<Option<SecretString>, String>;
}

/// All places that a key can be in.
#[derive(Clone)]
pub struct KeyStore {
    environment: Option<OsString>,
    keyring: Arc<dyn Keyring>,
    file: Option<PathBuf>,
    limit: Duration,
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStore")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl KeyStore {
    /// The places of this system; `file` is the key file.
    #[must_use]
    pub fn system(file: Option<PathBuf>) -> Self {
        Self::new(std::env::var_os(VARIABLE), Arc::new(SystemKeyring), file)
    }

    /// Places of one's own: the variable's value, a keyring, the key file.
    #[must_use]
    pub fn new(
        environment: Option<OsString>,
        keyring: Arc<dyn Keyring>,
        file: Option<PathBuf>,
    ) -> Self {
        Self {
            environment,
            keyring,
            file,
            limit: KEYRING_LIMIT,
        }
    }

    /// Looks for a key. Blocks for as long as the keyring takes, two seconds at most; not for a thread that draws or plays.
    #[must_use]
    pub fn find(&self) -> Found {
        let mut found = Found::default();
        let places: [(Source, Look<'_>); 3] = [
            (Source::Environment, &|| self.in_environment()),
            (Source::Keyring, &|| self.in_keyring()),
            (Source::File, &|| self.in_file()),
        ];
        for (source, look) in places {
            match look() {
                Ok(Some(secret)) => {
                    found.key = Some(Key { secret, source });
                    break;
                }
                Ok(None) => {}
                Err(warning) => found.warnings.push(warning),
            }
        }
        found
    }

    /// Keeps a key in the key file, which only the user can read.
    pub fn save(&self, key: &SecretString) -> Result<Key, KeyError> {
        let secret = check(key.expose_secret())?;
        let path = self.file.as_ref().ok_or(KeyError::Homeless)?;
        let line = SecretString::from(format!("{}\n", secret.expose_secret()));
        file::write_private(path, line.expose_secret().as_bytes())
            .map_err(|error| refused(path, error))?;
        Ok(Key {
            secret,
            source: Source::File,
        })
    }

    /// Removes the key file; a key in the environment or in the keyring is not ours to remove.
    pub fn remove(&self) -> Result<(), KeyError> {
        let Some(path) = &self.file else {
            return Ok(());
        };
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused(path, error)),
            _ => Ok(()),
        }
    }

    /// A variable that is set to nothing counts as not set: that is how scripts switch it off.
    fn in_environment(&self) -> Result<Option<SecretString>, String> {
        let Some(value) = &self.environment else {
            return Ok(None);
        };
        match check(&value.to_string_lossy()) {
            Ok(secret) => Ok(Some(secret)),
            Err(KeyError::Empty) => Ok(None),
            Err(error) => Err(format!("{VARIABLE} is not used: {error}.")),
        }
    }

    /// Asks on a thread of its own. One that never gets an answer stays behind, once per call: nothing can end it.
    fn in_keyring(&self) -> Result<Option<SecretString>, String> {
        let (answer, answered) = mpsc::sync_channel(1);
        let keyring = Arc::clone(&self.keyring);
        let thread = std::thread::Builder::new().name("keyring".to_owned());
        // Its library panics where the system refuses what it needs.
        let started = thread.spawn(move || {
            if let Some(found) = quietly(|| keyring.get()) {
                answer.send(found).ok();
            }
        });
        if started.is_err() {
            return Ok(None);
        }
        let secret = match answered.recv_timeout(self.limit) {
            Ok(answer) => answer?,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let seconds = self.limit.as_secs_f32();
                return Err(format!(
                    "The system's keyring did not answer within {seconds} s: unlock it, or set {VARIABLE}."
                ));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err("The system's keyring cannot be asked.".to_owned());
            }
        };
        let checked = secret
            .map(|secret| check(secret.expose_secret()))
            .transpose();
        checked.map_err(|error| format!("The key in the system's keyring is not used: {error}."))
    }

    fn in_file(&self) -> Result<Option<SecretString>, String> {
        let Some(path) = &self.file else {
            return Ok(None);
        };
        let bytes = match file::read(path) {
            Ok(bytes) => bytes,
            Err(ReadError::Missing) => return Ok(None),
            Err(error) => return Err(format!("{}: {error}.", path.display())),
        };
        private(path)?;
        let text = SecretString::from(String::from_utf8_lossy(&bytes).into_owned());
        let checked = check(text.expose_secret());
        checked
            .map(Some)
            .map_err(|error| format!("{} is not used: {error}.", path.display()))
    }
}

/// The system's keyring through the `keyring` crate.
struct SystemKeyring;

impl Keyring for SystemKeyring {
    fn get(&self) -> Result<Option<SecretString>, String> {
        let entry = keyring::Entry::new(KEYRING_SERVICE, KEYRING_USER);
        match entry.and_then(|entry| entry.get_password()) {
            Ok(key) => Ok(Some(SecretString::from(key))),
            Err(keyring::Error::NoStorageAccess(_)) => Err(format!(
                "The system's keyring is locked or cannot be reached: unlock it, or set {VARIABLE}."
            )),
            Err(keyring::Error::Ambiguous(_)) => Err(format!(
                "The system's keyring holds more than one key for {KEYRING_SERVICE}: leave one."
            )),
            // No entry, or no keyring on this system, which is no fault.
            Err(_) => Ok(None),
        }
    }
}

/// A text as a key, without the blanks around it.
pub fn check(text: &str) -> Result<SecretString, KeyError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(KeyError::Empty);
    }
    if text.len() > MOST_CHARACTERS {
        return Err(KeyError::TooLong);
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(KeyError::NotAKey);
    }
    Ok(SecretString::from(text))
}

#[cfg(unix)]
fn private(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode =
        std::fs::metadata(path).map_or(0o777, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(format!(
        "{path} can be read by others (mode {mode:04o}), so its key is not used: run `chmod 600 {path}`."
    ))
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have modes to refuse"
)]
fn private(_: &Path) -> Result<(), String> {
    Ok(())
}

fn refused(path: &Path, error: io::Error) -> KeyError {
    KeyError::Refused {
        path: path.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AIzaSyCanary-0123456789_abcdefghijklmnop";

    #[test]
    fn the_first_place_that_has_a_key_counts() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("key");
        let store = |environment: Option<&str>, keyring| {
            KeyStore::new(environment.map(Into::into), keyring, Some(file.clone()))
        };
        assert!(store(None, none()).find().key.is_none());
        store(None, none())
            .save(&KEY.to_owned().into())
            .expect("kept");
        let source = |store: KeyStore| store.find().key.expect("a key").source;
        assert_eq!(source(store(None, none())), Source::File);
        assert_eq!(
            source(store(Some("  "), none())),
            Source::File,
            "set to nothing"
        );
        assert_eq!(source(store(None, holding(KEY))), Source::Keyring);
        assert_eq!(
            source(store(Some(KEY), holding("another-key-of-the-keyring"))),
            Source::Environment
        );
        store(None, none()).remove().expect("removed");
        store(None, none()).remove().expect("gone is gone");
        assert!(store(None, none()).find().key.is_none());
    }

    #[test]
    fn blanks_around_a_key_are_no_part_of_it() {
        let key = check(&format!(" \t{KEY}\r\n")).expect("a key");
        assert_eq!(key.expose_secret(), KEY);
        let key = Key {
            secret: key,
            source: Source::File,
        };
        assert_eq!(key.ending(), "mnop");
        assert_eq!(
            Key {
                secret: "short".into(),
                source: Source::File
            }
            .ending(),
            ""
        );
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        for text in [
            "",
            " \n",
            "two words",
            "line\nbreak",
            "schlüssel",
            "nul\0",
            "\u{7f}bell",
            &"x".repeat(2000),
        ] {
            let error = check(text).expect_err(text).to_string();
            assert!(
                text.trim().is_empty() || !error.contains(text.trim()),
                "{error}"
            );
        }
        let store = KeyStore::new(Some("a b".into()), none(), None);
        let found = store.find();
        assert!(found.key.is_none());
        assert_eq!(found.warnings.len(), 1);
        assert!(
            found.warnings[0].starts_with("GEMINI_API_KEY is not used"),
            "{}",
            found.warnings[0]
        );
        assert!(matches!(
            store.save(&KEY.to_owned().into()),
            Err(KeyError::Homeless)
        ));
    }

    #[test]
    fn nothing_prints_the_key() {
        let store = KeyStore::new(Some(KEY.into()), none(), None);
        let found = store.find();
        for text in [
            format!("{store:?}"),
            format!("{found:?}"),
            format!("{:?}", found.key),
        ] {
            assert!(!text.contains("Canary"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused_with_what_to_do() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("key");
        let store = KeyStore::new(None, none(), Some(file.clone()));
        store.save(&KEY.to_owned().into()).expect("kept");
        assert_eq!(
            std::fs::metadata(&file)
                .expect("there")
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("ours");
        let found = store.find();
        assert!(found.key.is_none());
        assert!(
            found.warnings[0].contains("(mode 0640)") && found.warnings[0].contains("chmod 600"),
            "{}",
            found.warnings[0]
        );
    }

    #[test]
    fn a_keyring_that_hangs_or_fails_is_left_behind() {
        let (open, closed) = mpsc::sync_channel::<()>(1);
        let hung: Arc<dyn Keyring> = Arc::new(Hung(std::sync::Mutex::new(closed)));
        let mut store = KeyStore::new(None, hung, None);
        store.limit = Duration::from_millis(1);
        assert!(store.find().warnings[0].contains("did not answer"));
        drop(open);
        let store = KeyStore::new(None, Arc::new(Fake(Err("It is locked.".to_owned()))), None);
        assert_eq!(store.find().warnings, ["It is locked."]);
    }

    fn none() -> Arc<dyn Keyring> {
        Arc::new(Fake(Ok(None)))
    }

    fn holding(key: &str) -> Arc<dyn Keyring> {
        Arc::new(Fake(Ok(Some(key.to_owned()))))
    }

    struct Fake(Result<Option<String>, String>);

    impl Keyring for Fake {
        fn get(&self) -> Result<Option<SecretString>, String> {
            self.0.clone().map(|key| key.map(SecretString::from))
        }
    }

    /// Answers when the other end of its channel is gone.
    struct Hung(std::sync::Mutex<mpsc::Receiver<()>>);

    impl Keyring for Hung {
        fn get(&self) -> Result<Option<SecretString>, String> {
            self.0.lock().expect("nobody else holds it").recv().ok();
            Ok(None)
        }
    }
}
