//! `doctor --bundle FILE.zip`: all that helps to find a fault, without keys and without words of the conversation.
//!
//! What is let in is listed here, and all text goes through [`clean`]: a file of another kind never comes along.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::Check;
use crate::settings::config::ConfigFile;
use crate::settings::paths::Paths;

/// Of a log the newest part is taken.
const MOST_OF_A_LOG: u64 = 1 << 20;
/// Logs that are taken, the newest ones.
const LOGS: usize = 3;
/// Of any other file no more is taken.
const MOST: u64 = 1 << 20;
/// What stands in place of what is not told.
const REMOVED: &str = "(removed)";
/// Values of these names are not told, in whatever notation.
const SECRET_NAMES: [&str; 11] = [
    "token",
    "alert_webhook",
    "key",
    "api_key",
    "access_token",
    "apikey",
    "password",
    "authorization",
    "secret",
    "handle",
    "instruction",
];

/// Writes the bundle and says what became of it.
pub(super) fn check(file: &Path, paths: &Paths, report: &str) -> Check {
    let name = "bundle";
    match write(file, paths, report) {
        Ok(parts) => Check::ok(
            name,
            format!(
                "{} holds {parts} files, without keys and without what was said",
                file.display()
            ),
        ),
        Err(error) => Check::bad(
            name,
            format!("{} cannot be written: {error}", file.display()),
            "Name a file in a folder that you can write to.",
        ),
    }
}

fn write(file: &Path, paths: &Paths, report: &str) -> io::Result<usize> {
    let mut zip = ZipWriter::new(File::create(file)?);
    // The log is text of some hundred kilobytes: what compression would save is not worth a crate.
    let plain = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut parts = 0;
    for (name, text) in contents(paths, report) {
        zip.start_file(name, plain).map_err(io::Error::other)?;
        zip.write_all(text.as_bytes())?;
        parts += 1;
    }
    zip.finish().map_err(io::Error::other)?.sync_all()?;
    Ok(parts)
}

/// Names and texts.
fn contents(paths: &Paths, report: &str) -> Vec<(String, String)> {
    let mut all = vec![
        ("versions.txt".to_owned(), versions()),
        ("doctor.json".to_owned(), clean(report)),
    ];
    let config_file = paths.config_file();
    let (config, _) = ConfigFile::load(config_file.clone());
    let paths = paths.clone().with_state(config.get().state.as_deref());
    if let Some(text) = config_file.and_then(|file| text_of(&file, MOST)) {
        all.push(("config.yaml".to_owned(), clean(&text)));
    }
    for file in listed(paths.profiles().as_deref(), "yaml") {
        if let (Some(name), Some(text)) = (name_of(&file), text_of(&file, MOST)) {
            all.push((format!("profiles/{name}"), clean(&text)));
        }
    }
    if let Some(text) = text_of(&paths.state().join("history.json"), MOST) {
        all.push(("history.json".to_owned(), clean(&text)));
    }
    let mut logs = listed(Some(&paths.state().join("logs")), "log");
    // Their names hold the day.
    logs.sort();
    for file in logs.iter().rev().take(LOGS) {
        if let (Some(name), Some(text)) = (name_of(file), text_of(file, MOST_OF_A_LOG)) {
            all.push((format!("logs/{name}"), clean(&without_words(&text))));
        }
    }
    all
}

fn versions() -> String {
    let cores = crate::probe::Probe::cores();
    format!(
        "sovereign {}\nsystem {} {}\nprocessors {cores}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

/// Lines at DEBUG and TRACE may hold what was said: they stay here, with the lines that continue them.
fn without_words(log: &str) -> String {
    let mut kept = String::new();
    let mut tells = false;
    for line in log.lines() {
        let level = line.split_whitespace().nth(1);
        match level {
            Some("ERROR" | "WARN" | "INFO") if starts_with_time(line) => tells = true,
            _ => {
                tells =
                    tells && !starts_with_time(line) && level.is_some_and(|_| line.starts_with(' '))
            }
        }
        if tells {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn starts_with_time(line: &str) -> bool {
    line.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// A text without secrets: values of telling names, keys by their shape, logins and queries of addresses, the rest of a
/// text in YAML that is written over several lines, and the name of the home folder.
fn clean(text: &str) -> String {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().display().to_string());
    let mut cleaned = String::with_capacity(text.len());
    let mut hidden_below: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let below = |depth: usize| line.trim().is_empty() || indent > depth;
        if hidden_below.is_some_and(below) {
            continue;
        }
        let (line, goes_on) = without_values(line);
        hidden_below = goes_on.then_some(indent);
        cleaned.push_str(&without_shapes(&line));
    }
    match home.filter(|home| home.len() > 1) {
        Some(home) => cleaned.replace(&home, "~"),
        None => cleaned,
    }
}

/// A line without the values of [`SECRET_NAMES`], and whether such a value may go on in the next lines.
fn without_values(line: &str) -> (String, bool) {
    let lower = line.to_ascii_lowercase();
    let mut cut = None;
    for name in SECRET_NAMES {
        for (at, _) in lower.match_indices(name) {
            let before = lower[..at].chars().next_back();
            let starts = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
            let rest = &lower[at + name.len()..];
            let quote = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
            let value = quote.trim_start();
            let separator = value.starts_with(':') || value.starts_with('=');
            if starts && separator {
                let value_at = line.len() - value.len() + 1;
                cut = Some(cut.map_or(value_at, |earlier: usize| earlier.min(value_at)));
            }
        }
    }
    match cut {
        None => (line.to_owned(), false),
        Some(at) => {
            let is_yaml = line[at..].starts_with([' ', '\n', '\r']);
            // To the end of the line: what stands behind it may be part of it.
            (format!("{} {REMOVED}\n", &line[..at]), is_yaml)
        }
    }
}

/// Words that look like keys, and what in addresses may be secret.
fn without_shapes(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let separator = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '"' | '\'' | ',' | '(' | ')' | '<' | '>' | '[' | ']' | '{' | '}'
            )
    };
    for piece in line.split_inclusive(separator) {
        let word = piece.trim_end_matches(separator);
        let end = &piece[word.len()..];
        out.push_str(&without_shape(word));
        out.push_str(end);
    }
    out
}

fn without_shape(word: &str) -> String {
    if let Some((scheme, rest)) = word.split_once("://") {
        let rest = rest.split(['?', '#']).next().unwrap_or("");
        let (place, path) = rest
            .split_once('/')
            .map_or((rest, ""), |(place, path)| (place, path));
        let host = place.rsplit('@').next().unwrap_or(place);
        let login = if place.contains('@') {
            "(removed)@"
        } else {
            ""
        };
        let slash = if path.is_empty() { "" } else { "/" };
        let path = path
            .split('/')
            .map(|part| if looks_secret(part) { REMOVED } else { part });
        return format!(
            "{scheme}://{login}{host}{slash}{}",
            path.collect::<Vec<_>>().join("/")
        );
    }
    let parts: Vec<&str> = word.split(['=', ':', ';']).collect();
    if parts.iter().any(|part| looks_secret(part)) {
        return REMOVED.to_owned();
    }
    word.to_owned()
}

/// The shapes of Google's keys and tokens, and long words of chance: letters and digits mixed, 32 or more.
fn looks_secret(word: &str) -> bool {
    let known = ["AIza", "AQ.", "ya29.", "auth_tokens/", "sk-"];
    let signs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let chance = word.len() >= 32
        && word.chars().all(signs)
        && word.contains(|c: char| c.is_ascii_digit())
        && word.contains(|c: char| c.is_ascii_alphabetic());
    chance
        || known
            .iter()
            .any(|start| word.starts_with(start) && word.len() >= start.len() + 8)
}

fn listed(folder: Option<&Path>, extension: &str) -> Vec<PathBuf> {
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
    let files = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let is_one =
        |path: &PathBuf| path.is_file() && path.extension().is_some_and(|e| e == extension);
    files.filter(is_one).take(200).collect()
}

fn name_of(file: &Path) -> Option<String> {
    Some(file.file_name()?.to_string_lossy().into_owned())
}

/// The newest `most` bytes of a plain file, as text.
fn text_of(path: &Path, most: u64) -> Option<String> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: [&str; 7] = [
        "AIzaSyCanary-0123456789_abcdefghijklmnop",
        "tok-canary-0123456789",
        "hooks-canary-path-T0123456789012345678901234",
        "canary-login",
        "canary-password",
        "canary words that were said",
        "a canary instruction",
    ];

    #[test]
    fn no_planted_secret_is_in_the_bundle() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [key, token, hook, login, password, words, instruction] = SECRETS;
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("has one")).expect("made");
            fs::write(path, text).expect("written");
        };
        write(
            "config.yaml",
            &format!(
                "profile: mine\nstate: state\n# endpoint: wss://{login}:{password}@gate.example/x?key={key}\n\
             monitor:\n  listen: 127.0.0.1:9464\n  token: {token}\nalert_webhook: \"https://hooks.example/{hook}\"\n"
            ),
        );
        write("key", key);
        write("state/monitor-token", token);
        write(
            "profiles/mine.yaml",
            &format!(
                "target_ms: 250\nlive:\n  instruction: |\n    {instruction}\n    {words}\n  voice: Puck\n"
            ),
        );
        write(
            "profiles/other.yaml",
            &format!("live: {{instruction: \"{instruction}\", voice: Puck}}\n"),
        );
        write(
            "state/logs/sovereign.2026-11-25.log",
            &format!(
                "2026-11-25T10:00:00Z  INFO sovereign: connected host=gate.example\n\
             2026-11-25T10:00:01Z DEBUG sovereign: words {words}\n  {words}\n\
             2026-11-25T10:00:02Z  WARN sovereign: refused url=wss://{login}:{password}@gate.example/?key={key} key={key}\n\
             2026-11-25T10:00:03Z TRACE sovereign: {words}\n\
             2026-11-25T10:00:04Z  INFO sovereign: proxy http://{login}:{password}@proxy.example:3128 {key}\n"
            ),
        );
        write(
            "state/history.json",
            "{\"schema\":\"sovereign.history/1\",\"slices\":[]}",
        );
        let paths = Paths::find(Some(&folder.path().join("config.yaml")));
        let file = folder.path().join("bundle.zip");
        let report = format!(
            "{{\"checks\":[{{\"what\":\"the proxy http://{login}:{password}@x refuses {key}\"}}]}}"
        );
        let done = check(&file, &paths, &report);
        assert_eq!(done.status, super::super::Status::Ok, "{done:?}");
        // Stored without compression, so the bytes of the file are the texts.
        let bytes = fs::read(&file).expect("written");
        let all = String::from_utf8_lossy(&bytes);
        for secret in SECRETS {
            assert!(!all.contains(secret), "{secret} is in it:\n{all}");
        }
        for told in [
            "versions.txt",
            "doctor.json",
            "config.yaml",
            "profiles/mine.yaml",
            "history.json",
            "logs/sovereign.2026-11-25.log",
            "target_ms: 250",
            "voice: Puck",
            "gate.example",
            "listen: 127.0.0.1:9464",
            "connected",
            "refused",
            "proxy.example:3128",
            "sovereign.history/1",
        ] {
            assert!(all.contains(told), "{told} is missing:\n{all}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paths = Paths::find(Some(&folder.path().join("config.yaml")));
        let done = check(&folder.path().join("none/bundle.zip"), &paths, "{}");
        assert_eq!(done.status, super::super::Status::Bad);
        assert!(
            done.hint.is_some() && done.what.contains("bundle.zip"),
            "{done:?}"
        );
    }
}
