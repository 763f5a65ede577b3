//! The API key: where it comes from, and how it is kept.
//!
//! ```text
//! GEMINI_API_KEY ─▶ GOOGLE_API_KEY ─▶ the system's keyring (own thread, 2 s) ─▶ the file `key` (0600 only)
//! ```
//!
//! The key itself leaves this module in a [`SecretString`], which nothing prints. A text that is no key is never repeated.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::base::text::t;
use crate::base::thread::quietly;
use crate::base::variable::{is_invisible, unquoted};
use crate::file::{self, Links, ReadError};

/// The variable that holds the key.
pub const VARIABLE: &str = "GEMINI_API_KEY";

/// The variables that are looked at, the first one first. Google's libraries know both.
pub const VARIABLES: [&str; 2] = [VARIABLE, "GOOGLE_API_KEY"];

/// How long the keyring may take. One that is locked, or whose service hangs, answers after minutes or never.
const KEYRING_LIMIT: Duration = Duration::from_secs(2);

/// What an entry in the keyring is found by.
const KEYRING_SERVICE: &str = "sovereign";
const KEYRING_USER: &str = "gemini-api-key";

/// Longest key that is taken. Google's have 39 characters, tokens of company sign-ons up to some thousand.
const MOST_CHARACTERS: usize = 8_000;

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// One of [`VARIABLES`].
    Environment(&'static str),
    Keyring,
    /// The file `key`.
    File,
}

impl KeySource {
    /// In words that fit behind "from".
    pub fn words(self) -> &'static str {
        match self {
            Self::Environment(variable) => variable,
            Self::Keyring => t!("the-systems-keyring"),
            Self::File => t!("the-key-file"),
        }
    }
}

/// A key and where it comes from.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub secret: SecretString,
    pub source: KeySource,
}

impl ApiKey {
    /// Its last four characters, to tell keys apart; nothing of one so short that they would give it away.
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
pub struct FoundKey {
    /// The first good key.
    pub key: Option<ApiKey>,
    /// What the user should know: a file that others can read, a keyring that does not answer.
    pub warnings: Vec<String>,
    /// A variable that holds another key, which is not used.
    pub unused: Option<&'static str>,
}

/// Why a key is not taken, kept or removed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Nothing but blanks.
    #[error("{}", t!("the-key-is-empty"))]
    Empty,
    /// A character that no key has.
    #[error("{}", t!("the-key-holds-a-blank"))]
    NotAKey,
    #[error("{}", t!("the-key-has-more-than", most = MOST_CHARACTERS))]
    TooLong,
    /// There is no home folder to keep it in.
    #[error("{}", t!("there-is-no-folder-to-keep", variable = VARIABLE))]
    Homeless,
    #[error("{}", t!("cannot-be-changed", path = path.display(), error))]
    Refused { path: PathBuf, error: io::Error },
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
    environment: Vec<(&'static str, OsString)>,
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
    pub fn system(file: Option<PathBuf>) -> Self {
        let set = |name: &'static str| std::env::var_os(name).map(|value| (name, value));
        Self::new(
            VARIABLES.into_iter().filter_map(set),
            Arc::new(SystemKeyring),
            file,
        )
    }

    /// Places of one's own: variables with their values, a keyring, the key file.
    pub fn new(
        environment: impl IntoIterator<Item = (&'static str, OsString)>,
        keyring: Arc<dyn Keyring>,
        file: Option<PathBuf>,
    ) -> Self {
        Self {
            environment: environment.into_iter().collect(),
            keyring,
            file,
            limit: KEYRING_LIMIT,
        }
    }

    /// Looks for a key. Blocks for as long as the keyring takes, two seconds at most; not for a thread that draws or plays.
    pub fn find(&self) -> FoundKey {
        let mut found = FoundKey::default();
        for (variable, value) in &self.environment {
            match in_variable(variable, value) {
                Ok(None) => {}
                Ok(Some(secret)) => match &found.key {
                    None => {
                        let source = KeySource::Environment(variable);
                        found.key = Some(ApiKey { secret, source });
                    }
                    Some(key) if key.secret.expose_secret() == secret.expose_secret() => {}
                    Some(_) => found.unused = Some(variable),
                },
                // One that is not needed may be anything.
                Err(_) if found.key.is_some() => {}
                Err(warning) => found.warnings.push(warning),
            }
        }
        if found.key.is_some() {
            return found;
        }
        let places: [(KeySource, Look<'_>); 2] = [
            (KeySource::Keyring, &|| self.in_keyring()),
            (KeySource::File, &|| self.in_file()),
        ];
        for (source, look) in places {
            match look() {
                Ok(Some(secret)) => {
                    found.key = Some(ApiKey { secret, source });
                    break;
                }
                Ok(None) => {}
                Err(warning) => found.warnings.push(warning),
            }
        }
        found
    }

    /// Keeps a key in the key file, which only the user can read. A link there is replaced by a file.
    pub fn save(&self, key: &SecretString) -> Result<ApiKey, KeyError> {
        let secret = check(key.expose_secret())?;
        let path = self.file.as_ref().ok_or(KeyError::Homeless)?;
        let line = SecretString::from(format!("{}\n", secret.expose_secret()));
        // A link is replaced, not followed: a key must not end up in a folder that is shared with others or kept in Git.
        if std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
            std::fs::remove_file(path).map_err(|error| refused(path, error))?;
        }
        file::write_private(path, line.expose_secret().as_bytes())
            .map_err(|error| refused(path, error))?;
        Ok(ApiKey {
            secret,
            source: KeySource::File,
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
                return Err(t!(
                    "the-systems-keyring-did-not",
                    seconds,
                    variable = VARIABLE
                ));
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                return Err(t!("the-systems-keyring-cannot-be").to_owned());
            }
        };
        let checked = secret
            .map(|secret| check(secret.expose_secret()))
            .transpose();
        checked.map_err(|error| t!("the-key-in-the-systems", error))
    }

    fn in_file(&self) -> Result<Option<SecretString>, String> {
        let Some(path) = &self.file else {
            return Ok(None);
        };
        // Managers of secrets put links here.
        let bytes = match file::read_secret(path, Links::Followed) {
            Ok(bytes) => SecretSlice::from(bytes),
            Err(ReadError::Missing) => return Ok(None),
            Err(error @ ReadError::Readable(_)) => {
                let path = path.display();
                return Err(t!("so-its-key-is-not", path, error));
            }
            Err(error) => return Err(format!("{}: {error}.", path.display())),
        };
        let text = SecretString::from(String::from_utf8_lossy(bytes.expose_secret()).as_ref());
        let checked = check(text.expose_secret());
        checked
            .map(Some)
            .map_err(|error| t!("is-not-used", name = path.display(), error))
    }
}

/// The system's keyring through the `keyring` crate.
struct SystemKeyring;

impl Keyring for SystemKeyring {
    fn get(&self) -> Result<Option<SecretString>, String> {
        let entry = keyring::Entry::new(KEYRING_SERVICE, KEYRING_USER);
        match entry.and_then(|entry| entry.get_password()) {
            Ok(key) => Ok(Some(SecretString::from(key))),
            Err(keyring::Error::NoStorageAccess(_)) => {
                Err(t!("the-systems-keyring-is-locked", variable = VARIABLE))
            }
            Err(keyring::Error::Ambiguous(_)) => Err(t!(
                "the-systems-keyring-holds-more",
                service = KEYRING_SERVICE
            )),
            // No entry, or no keyring on this system, which is no fault.
            Err(_) => Ok(None),
        }
    }
}

/// A variable that is set to nothing counts as not set: that is how scripts switch it off.
fn in_variable(variable: &str, value: &OsStr) -> Result<Option<SecretString>, String> {
    match check(&value.to_string_lossy()) {
        Ok(secret) => Ok(Some(secret)),
        Err(KeyError::Empty) => Ok(None),
        Err(error) => Err(t!("is-not-used", name = variable, error)),
    }
}

/// A text as a key, without what cannot be part of one: blanks, line breaks, quotes, invisible characters, and the name
/// that it had where it was copied (`export GEMINI_API_KEY=…`). Every key goes through here, wherever it comes from.
pub fn check(text: &str) -> Result<SecretString, KeyError> {
    let text = SecretString::from(
        text.chars()
            .filter(|c| !is_invisible(*c))
            .collect::<String>(),
    );
    // In a file, lines of comment may stand above it. (`#AIza…` is a key that somebody meant to switch off.)
    let is_comment = |line: &str| line == "#" || line.starts_with("# ");
    let is_key_line = |line: &&str| !line.is_empty() && !is_comment(line);
    let mut lines = text
        .expose_secret()
        .lines()
        .map(str::trim)
        .filter(is_key_line);
    let key = bare(lines.next().unwrap_or_default());
    if key.is_empty() {
        return Err(KeyError::Empty);
    }
    if lines.any(|line| !bare(line).is_empty()) {
        return Err(KeyError::NotAKey);
    }
    if key.len() > MOST_CHARACTERS {
        return Err(KeyError::TooLong);
    }
    if key.starts_with('#') || !key.bytes().all(may_be_in_a_key) {
        return Err(KeyError::NotAKey);
    }
    Ok(SecretString::from(key))
}

/// Takes off quotes, the ends of statements, the words before an assignment, and the name that is assigned to, until none
/// is left.
fn bare(line: &str) -> &str {
    let mut text = line;
    loop {
        let before = text.len();
        text = unquoted(text).trim_end_matches([';', ',']);
        for word in ["export ", "set ", "setx ", "$env:"] {
            if text
                .get(..word.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
            {
                text = &text[word.len()..];
            }
        }
        // `NAME: value` as in YAML and headers; `name:secret` without a blank is a form of token.
        let assigned = text.split_once('=').or_else(|| text.split_once(": "));
        if let Some((name, value)) = assigned
            && names_a_key(unquoted(name))
        {
            text = value;
        }
        if text.len() == before {
            return text;
        }
    }
}

/// Whether this is what a key is called, as `GEMINI_API_KEY`, `apiKey`, `x-goog-api-key` or `key`.
fn names_a_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let names = ["key", "api_key", "apikey", "x_goog_api_key"];
    is_name && (names.contains(&name.as_str()) || name.ends_with("_api_key"))
}

/// Google's keys have letters, digits, `-`, `_`, `.` and `/`; gateways have more. None has what shells and templates put
/// around a value or for one (`<your key>`, `${KEY}`).
fn may_be_in_a_key(byte: u8) -> bool {
    byte.is_ascii_graphic() && !br#""'`\$%<>(){}[],;"#.contains(&byte)
}

fn refused(path: &Path, error: io::Error) -> KeyError {
    KeyError::Refused {
        path: path.to_owned(),
        error,
    }
}

#[cfg(test)]
mod tests;
