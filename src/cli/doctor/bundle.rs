//! `doctor --bundle FILE.zip`: a support bundle without keys and without words of the conversation.
//!
//! The content is an allow list, and all text goes through [`redact`].

mod redact;

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use self::redact::Secrets;
use super::check::Check;
use crate::cli::output_files::{is_pipe, remedy};
use crate::file;
use crate::settings::config::ConfigFile;
use crate::settings::paths::Paths;
use crate::store::{self, Database};

/// Of a log the newest part is taken.
const MOST_OF_A_LOG: u64 = 1 << 20;
/// Number of the newest logs in the bundle.
const LOGS: usize = 3;

/// Writes the bundle and reports the result.
pub(super) fn check(file: &Path, paths: &Paths, report: &str) -> Check {
    let name = "bundle";
    let written = if is_pipe(file) {
        Err(io::Error::other("a pipe takes no zip file"))
    } else {
        write(file, paths, report)
    };
    match written {
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
            remedy(&error),
        ),
    }
}

fn write(file: &Path, paths: &Paths, report: &str) -> io::Result<usize> {
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    // The log is text of some hundred kilobytes: compression is not worth a crate.
    let plain = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut parts = 0;
    for (name, text) in contents(paths, report) {
        zip.start_file(name, plain)?;
        zip.write_all(text.as_bytes())?;
        parts += 1;
    }
    let bytes = zip.finish()?.into_inner();
    file::write_own(file, &bytes)?;
    Ok(parts)
}

/// Names and texts. Parsed files come first: secrets found in them are removed from all other texts.
fn contents(paths: &Paths, report: &str) -> Vec<(String, String)> {
    let config_file = paths.config_file();
    let (config, _) = ConfigFile::load(config_file.clone());
    let paths = paths.clone().with_state(config.get().state.as_deref());
    let mut secrets = Secrets::default();
    note_kept(&mut secrets, &paths);
    let mut settings = Vec::new();
    let config_file = config_file.map(|file| ("config.yaml".to_owned(), file));
    let profiles = listed(paths.profiles().as_deref(), &["yaml", "yml"]);
    let profiles = profiles
        .into_iter()
        .filter_map(|file| Some((format!("profiles/{}", name_of(&file)?), file)));
    for (name, file) in config_file.into_iter().chain(profiles) {
        if let Ok(bytes) = file::read(&file) {
            settings.push((name, secrets.parsed(&bytes)));
        }
    }
    secrets.sort();
    let mut all = vec![
        ("versions.txt".to_owned(), versions()),
        (
            "doctor.json".to_owned(),
            report_without_secrets(&secrets, report),
        ),
    ];
    for (name, value) in settings {
        let text = match value {
            Ok(value) => redact::written(&secrets.out_of_value(value)),
            Err(place) => format!("# This file is left out: it cannot be read, see {place}.\n"),
        };
        all.push((secrets.out_of(&name), text));
    }
    let state = paths.state();
    if let Some(figures) = figures(&state.join(store::FILE)) {
        let text = secrets.out_of_value(figures).to_string();
        all.push(("figures.json".to_owned(), text));
    }
    let mut logs = listed(Some(&state.join("logs")), &["log"]);
    // Their names hold the day.
    logs.sort();
    for file in logs.iter().rev().take(LOGS) {
        if let (Some(name), Some(text)) = (name_of(file), text_of(file, MOST_OF_A_LOG)) {
            let text = secrets.out_of(&without_words(&text));
            all.push((format!("logs/{}", secrets.out_of(&name)), text));
        }
    }
    all
}

/// The history of figures, which holds no words.
fn figures(file: &Path) -> Option<Value> {
    if !file.exists() {
        return None;
    }
    let (database, _) = Database::open(file).ok()?;
    serde_json::from_str(&database.figures().ok()??).ok()
}

/// Secrets of files outside the bundle, and of the environment.
fn note_kept(secrets: &mut Secrets, paths: &Paths) {
    const TELLING: [&str; 5] = ["KEY", "TOKEN", "SECRET", "PASS", "PROXY"];
    let token = paths.state().join("monitor-token");
    for file in paths.key().into_iter().chain([token]) {
        if let Ok(bytes) = file::read(&file) {
            secrets.note(&String::from_utf8_lossy(&bytes));
        }
    }
    for (name, value) in std::env::vars_os() {
        let name = name.to_string_lossy().to_uppercase();
        if TELLING.iter().any(|part| name.contains(part)) {
            let value = value.to_string_lossy();
            secrets.note(&value);
            secrets.note_address(&value);
        }
    }
}

/// The findings. A fault of a file is given by its position only, because its text quotes the file.
fn report_without_secrets(secrets: &Secrets, report: &str) -> String {
    let Ok(mut report) = serde_json::from_str::<serde_json::Value>(report) else {
        return String::new();
    };
    let checks = report
        .get_mut("checks")
        .and_then(|checks| checks.as_array_mut());
    for check in checks.into_iter().flatten() {
        let of_a_file = matches!(check["name"].as_str(), Some("configuration" | "profiles"));
        if let (true, Some(what)) = (
            of_a_file && check["status"] == "bad",
            check["what"].as_str(),
        ) {
            check["what"] = format!("{} {}", place_in(what), redact::REMOVED).into();
        }
    }
    secrets.out_of_value(report).to_string()
}

/// `FILE:LINE:COLUMN:` of a message that begins with it, else nothing.
fn place_in(what: &str) -> &str {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    what.match_indices(':')
        .find_map(|(at, _)| {
            let line = digits(&what[at + 1..]);
            let column_at = at + 1 + line;
            let column = digits(what.get(column_at..)?.strip_prefix(':')?);
            let end = column_at + 1 + column;
            let is_place = line > 0 && column > 0 && what[end..].starts_with(':');
            is_place.then(|| &what[..=end])
        })
        .unwrap_or_default()
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

/// Removes lines at DEBUG and TRACE, which may hold spoken words, with their continuation lines.
fn without_words(log: &str) -> String {
    let mut kept = String::new();
    let mut keeps = false;
    for line in log.lines() {
        let level = line.split_whitespace().nth(1);
        match level {
            Some("ERROR" | "WARN" | "INFO") if starts_with_time(line) => keeps = true,
            _ => {
                keeps =
                    keeps && !starts_with_time(line) && level.is_some_and(|_| line.starts_with(' '))
            }
        }
        if keeps {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn starts_with_time(line: &str) -> bool {
    line.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

fn listed(folder: Option<&Path>, extensions: &[&str]) -> Vec<PathBuf> {
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
    let files = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let is_one = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        path.is_file() && extension.is_some_and(|extension| extensions.contains(&extension))
    };
    files.filter(is_one).take(200).collect()
}

fn name_of(file: &Path) -> Option<String> {
    Some(file.file_name()?.to_string_lossy().into_owned())
}

/// The newest `most` bytes of a file of ours, as text.
fn text_of(path: &Path, most: u64) -> Option<String> {
    let mut file = file::open_own(path).ok()?;
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
    use crate::store::StoredTurn;

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
        let turn = StoredTurn {
            user: words.into(),
            ..StoredTurn::default()
        };
        let (mut kept, _) =
            Database::open(&folder.path().join("state").join(store::FILE)).expect("opened");
        let written = kept.write(|batch| {
            batch.turn(batch.begin(jiff::Timestamp::now())?, &turn)?;
            batch.figures("{\"schema\":\"sovereign.history/1\",\"slices\":[]}")
        });
        written.expect("written");
        drop(kept);
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
        for found in [
            "versions.txt",
            "doctor.json",
            "config.yaml",
            "profiles/mine.yaml",
            "figures.json",
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
            assert!(all.contains(found), "{found} is missing:\n{all}");
        }
    }

    /// The texts of a bundle of these files, with `report` as the findings.
    fn bundled(files: &[(&str, String)], report: &str) -> String {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("has one")).expect("made");
            fs::write(path, text).expect("written");
        }
        let paths = Paths::find(Some(&folder.path().join("config.yaml")));
        let zip = folder.path().join("bundle.zip");
        let done = check(&zip, &paths, report);
        assert_eq!(done.status, super::super::Status::Ok, "{done:?}");
        String::from_utf8_lossy(&fs::read(&zip).expect("written")).into_owned()
    }

    #[test]
    fn no_notation_of_yaml_hides_a_secret() {
        let (token, instruction) = ("tok-canary-0123456789", "a canary instruction for nobody");
        let forms = [
            format!("volume: 0.5\nmonitor:\n  ? token\n  : {token}\n"),
            format!("volume: 0.5\nmonitor:\n  token:\n    {token}\n"),
            format!("volume: 0.5\nmonitor: {{\"token\": {token}}}\n"),
            format!("volume: 0.5\nmonitor: {{'token' : '{token}'}}\n"),
            format!("volume: 0.5\nmonitor: {{token: &a {token}}}\nprofile: *a\n"),
            format!(
                "volume: 0.5\nmonitor: {{\"tok\\x65n\": \"tok\\x2dcanary-0123456789\"}} # {token}\n"
            ),
            format!("volume: 0.5\nmonitor: {{token: >-\n   {token}\n   }}\n"),
            format!("volume: 0.5\nmonitor:\n  tokn: {token}\n"),
            format!("volume: 0.5\nmonitor: {token}\n"),
            format!("volume: 0.5\n{token}: 1\n"),
            format!("volume: 0.5\nmonitor: [{token}, [{token}]]\n"),
            format!("volume: 0.5\nmonitor: {{token: {token}\n"),
            format!("volume: 0.5\n---\nmonitor:\n  token: {token}\n"),
            format!("volume: 0.5\nmonitor: !!str {token}\n"),
            format!("volume: 0.5\nmonitor:\n\ttoken: {token}\n"),
            format!("- {token}\n"),
            token.to_owned(),
        ];
        let profiles = [
            format!("target_ms: 250\nlive:\n  ? instruction\n  : {instruction}\n"),
            "target_ms: 250\nlive:\n  instruction: a canary\n    instruction for\n    nobody\n"
                .to_owned(),
            "target_ms: 250\nlive: {instruction: \"a canary \\\n  instruction for nobody\"}\n"
                .to_owned(),
            format!("target_ms: 250\ndescription: {instruction}\nlabel: {instruction}\n"),
            format!("target_ms: 250\nlive:\n  voice: {instruction}\n"),
            format!("target_ms: 250\nlive: &all\n  instruction: {instruction}\nturn: *all\n"),
        ];
        for (form, profile) in forms.iter().zip(profiles.iter().cycle()) {
            let files = [
                ("config.yaml", form.clone()),
                ("profiles/mine.yml", profile.clone()),
            ];
            let report = serde_json::json!({"checks": [
                {"name": "configuration", "status": "bad", "what": format!("/x/config.yaml:3:2: monitor: is the text \"{token}\", allowed is")},
                {"name": "profiles", "status": "bad", "what": format!("/x/mine.yml:3:2: live: {instruction}")},
            ]});
            let all = bundled(&files, &report.to_string());
            for secret in [token, "canary", "0123456789", "nobody"] {
                assert!(
                    !all.contains(secret),
                    "{secret} of {form} {profile}:\n{all}"
                );
            }
            assert!(all.contains("config.yaml:3:2:"), "{all}");
        }
        let good = bundled(&[("config.yaml", forms[0].clone())], "{}");
        assert!(
            good.contains("volume: 0.5\n") && good.contains("token: (removed)"),
            "{good}"
        );
    }

    #[test]
    fn no_encoding_in_a_log_hides_a_secret() {
        use base64::Engine as _;
        use base64::engine::general_purpose::{STANDARD, URL_SAFE};
        let token = "tok/canary+0123\"456ü789";
        let hex = |format: fn(u8) -> String| token.bytes().map(format).collect::<String>();
        let forms = [
            token.to_owned(),
            token.to_uppercase(),
            token.chars().rev().collect(),
            format!("{token:?}"),
            serde_json::to_string(token).expect("text"),
            hex(|b| format!("{b:02x}")),
            hex(|b| format!("{b:02X}")),
            hex(|b| format!("%{b:02X}")),
            url::form_urlencoded::byte_serialize(token.as_bytes()).collect(),
            STANDARD.encode(token),
            STANDARD.encode(format!("x{token}y")),
            STANDARD.encode(format!("xx{token}y")),
            URL_SAFE.encode(token),
        ];
        for form in forms {
            let log = format!("2026-11-25T10:00:00Z  WARN sovereign: met value {form} there\n");
            let files = [
                ("config.yaml", "state: state\n".to_owned()),
                ("profiles/mine.yaml", format!("description: '{token}'\n")),
                ("state/logs/sovereign.2026-11-25.log", log),
            ];
            let all = bundled(&files, "{}");
            assert!(all.contains("met value"), "{all}");
            let middle: String = form.chars().skip(6).take(8).collect();
            assert!(!all.contains(&middle), "{form}: {all}");
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
