//! `sovereign profiles`: what there is, a profile in full, what is wrong with a file, and a schema for editors.
//!
//! All print on standard output, `check` its faults too: they are its result, to be counted or piped on.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::base::printable::escaped;
use crate::base::yaml::Text;
use crate::file;
use crate::profile::{self, Profile};
use crate::settings::paths::Paths;
use crate::settings::profiles::Profiles;

/// Profiles: every choice that trades speed for quality
#[derive(Args, Clone, Debug)]
pub struct ProfilesArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ProfilesCommand,
}

/// What to do with profiles.
#[derive(Clone, Debug, Subcommand)]
pub enum ProfilesCommand {
    /// All profiles, built-in and your own
    List {
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// A profile as complete YAML: the start of one of your own
    Show {
        /// Its name
        name: String,
    },
    /// What is wrong with profile files: a line per fault, and exit status 2; nothing for good ones, but warnings on standard
    /// error of what their model does not do
    Check {
        /// The files
        #[arg(required = true, value_parser = super::global::path())]
        files: Vec<PathBuf>,
    },
    /// The JSON Schema of a profile, for editors that complete and check YAML: keep it as `profile.schema.json` in the folder of
    /// your profiles, and `show` names it to the editor
    Schema,
}

/// Runs the command; `config` is what `--config` says.
pub fn run(
    args: &ProfilesArgs,
    config: Option<&Path>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<ExitCode> {
    let load = || Profiles::load(Paths::find(config).profiles());
    match &args.command {
        ProfilesCommand::List { json } => {
            let profiles = load();
            for fault in profiles.faults() {
                print_error(err, &format!("warning: {fault}"));
            }
            if *json {
                put(out, [list_json(&profiles)])?;
            } else {
                put(out, list(&profiles))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        ProfilesCommand::Show { name } => match load().show(name) {
            Ok(yaml) => put(out, yaml.lines()).map(|()| ExitCode::SUCCESS),
            Err(unknown) => {
                print_error(err, &format!("error: {unknown}"));
                Ok(ExitCode::from(2))
            }
        },
        ProfilesCommand::Schema => {
            let schema = serde_json::to_string_pretty(&profile::schema())?;
            put(out, schema.lines()).map(|()| ExitCode::SUCCESS)
        }
        ProfilesCommand::Check { files } => {
            let Checked { faults, warnings } = check(files);
            put(out, &faults)?;
            for warning in warnings {
                print_error(err, &format!("warning: {warning}"));
            }
            Ok(if faults.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(2)
            })
        }
    }
}

/// Writes lines with control characters escaped. A closed pipe is no failure: its reader has seen enough.
pub(super) fn put<L: AsRef<str>>(
    to: &mut dyn Write,
    lines: impl IntoIterator<Item = L>,
) -> io::Result<()> {
    let mut text = String::new();
    for line in lines {
        text += &escaped(line.as_ref());
        text.push('\n');
    }
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a message beside the result; a failure is ignored.
fn print_error(err: &mut dyn Write, words: &str) {
    put(err, [words]).ok();
}

fn list(profiles: &Profiles) -> Vec<String> {
    let widest = profiles
        .entries()
        .iter()
        .map(|entry| entry.profile.name.len())
        .max()
        .unwrap_or(0);
    let lines = profiles.entries().iter().map(|entry| {
        let Profile {
            name,
            description,
            target,
            ..
        } = &*entry.profile;
        let from = entry
            .file
            .as_ref()
            .map_or_else(String::new, |file| format!("  [{file}]"));
        format!(
            "{name:widest$}  {:>5} ms  {description}{from}",
            target.as_millis()
        )
    });
    lines.collect()
}

fn list_json(profiles: &Profiles) -> String {
    #[derive(Serialize)]
    struct List<'a> {
        schema: &'static str,
        profiles: Vec<Row<'a>>,
        faults: &'a [String],
    }
    #[derive(Serialize)]
    struct Row<'a> {
        name: &'a str,
        label: &'a str,
        description: &'a str,
        target_ms: u128,
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<&'a str>,
    }
    let rows = profiles.entries().iter().map(|entry| Row {
        name: &entry.profile.name,
        label: &entry.profile.label,
        description: &entry.profile.description,
        target_ms: entry.profile.target.as_millis(),
        file: entry.file.as_deref(),
    });
    let list = List {
        schema: "sovereign.profiles/1",
        profiles: rows.collect(),
        faults: profiles.faults(),
    };
    serde_json::to_string(&list).expect("texts and numbers become JSON")
}

/// Messages about files, one per line.
#[derive(Debug, Default)]
struct Checked {
    faults: Vec<String>,
    /// Of files that are good.
    warnings: Vec<String>,
}

fn check(files: &[PathBuf]) -> Checked {
    let mut names: Vec<(PathBuf, String)> = Vec::new();
    let Checked {
        mut faults,
        mut warnings,
    } = Checked::default();
    for path in files {
        let shown = path.display().to_string();
        let bytes = match file::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                faults.push(format!("{shown}:1:1: {error}"));
                continue;
            }
        };
        let profile = match Profile::parse(&shown, &bytes) {
            Ok(profile) => profile,
            Err(wrong) => {
                faults.extend(wrong.0.iter().map(ToString::to_string));
                continue;
            }
        };
        let found = profile.warnings(&shown, &bytes);
        warnings.extend(found.iter().map(ToString::to_string));
        // In one folder only: a file of the user's may replace a shipped one of its name.
        let twin = names.iter().find(|(other, name)| {
            *name == profile.name && other.parent() == path.parent() && other != path
        });
        if let (Some((other, name)), Ok(text)) = (twin, Text::new(&shown, &bytes)) {
            let what = format!("`{name}` is the name of {} too", other.display());
            let allowed = "each file of a folder needs a name of its own";
            faults.push(text.fault("name", what, allowed).to_string());
        }
        names.push((path.clone(), profile.name));
    }
    Checked { faults, warnings }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn good_files_are_passed_over_in_silence() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let good = write(folder.path(), "good.yaml", "target_ms: 250");
        let checked = check(&[good.clone(), good]);
        assert!(checked.faults.is_empty() && checked.warnings.is_empty());
    }

    #[test]
    fn each_fault_is_a_line_with_its_place() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bad = write(
            folder.path(),
            "bad.yaml",
            "target_ms: 5\nturn: {patience_ms: 5}",
        );
        let one = write(folder.path(), "one.yaml", "name: same");
        let two = write(folder.path(), "two.yaml", "label: x\nname: same");
        let missing = folder.path().join("missing.yaml");
        let faults = check(&[bad, one, two, missing, folder.path().to_owned()]).faults;
        let expected = [
            "bad.yaml:1:12: target_ms: is 5, allowed",
            "bad.yaml:2:21: turn.patience_ms: is 5, allowed",
            "two.yaml:2:7: name: `same` is the name of ",
            "missing.yaml:1:1: there is no such file",
            ":1:1: is a folder",
        ];
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        for (line, part) in faults.iter().zip(expected) {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn a_model_that_ended_is_a_warning_and_one_that_cannot_talk_a_fault() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("config.yaml");
        let file = |name: &str, model: &str| {
            write(folder.path(), name, &format!("live:\n  model: {model}"))
        };
        let old = file("old.yaml", "gemini-3.1-flash-live-preview");
        let (out, err, status) = ran(ProfilesCommand::Check { files: vec![old] }, &config);
        assert!(out.is_empty() && status == ExitCode::SUCCESS, "{out}");
        assert!(
            err.starts_with("warning: ") && err.contains("old.yaml:2:10: live.model: is `gemini-3.1-flash-live-preview`, which ended on 2026-11-17, use gemini-3.8-live\n"),
            "{err}"
        );
        let deaf = file("deaf.yaml", "gemini-3.5-transcribe-live");
        let (out, err, status) = ran(ProfilesCommand::Check { files: vec![deaf] }, &config);
        assert!(
            out.contains(
                "deaf.yaml:2:10: live.model: is `gemini-3.5-transcribe-live`, which writes"
            ),
            "{out}"
        );
        assert!(err.is_empty() && status == ExitCode::from(2), "{err}");
    }

    #[test]
    fn the_commands_print_and_give_their_status() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("config.yaml");
        fs::create_dir(folder.path().join("profiles")).expect("made");
        write(
            &folder.path().join("profiles"),
            "mine.yaml",
            "target_ms: 250\ndescription: My own",
        );
        let bad = write(
            &folder.path().join("profiles"),
            "bad.yaml",
            "tagret_ms: 250",
        );
        let (out, err, _) = ran(ProfilesCommand::List { json: false }, &config);
        assert!(
            out.starts_with("ultra-fast      200 ms  ")
                && out.contains("mine            250 ms  My own  ["),
            "{out}"
        );
        assert!(
            err.contains("bad.yaml:1:1: tagret_ms: unknown key"),
            "{err}"
        );
        let (out, ..) = ran(ProfilesCommand::List { json: true }, &config);
        let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(
            (&json["schema"], &json["profiles"][5]["target_ms"]),
            (&"sovereign.profiles/1".into(), &250.into())
        );
        assert_eq!(json["profiles"][0].get("file"), None);
        let (out, err, status) = ran(
            ProfilesCommand::Show {
                name: "mine".into(),
            },
            &config,
        );
        assert!(
            out.contains("target_ms: 250\n") && err.is_empty() && status == ExitCode::SUCCESS,
            "{out}{err}"
        );
        let (out, err, status) = ran(
            ProfilesCommand::Show {
                name: "fast".into(),
            },
            &config,
        );
        assert!(
            out.is_empty() && err.contains("did you mean `ultra-fast`?"),
            "{err}"
        );
        assert_eq!(status, ExitCode::from(2));
        assert_eq!(
            ran(ProfilesCommand::Check { files: vec![bad] }, &config).2,
            ExitCode::from(2)
        );
    }

    #[test]
    fn a_schema_beside_the_profiles_is_named_to_the_editor() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let profiles = folder.path().join("my folder/profiles");
        let config = folder.path().join("my folder/config.yaml");
        fs::create_dir_all(&profiles).expect("made");
        let show = || {
            let name = "balanced".into();
            ran(ProfilesCommand::Show { name }, &config).0
        };
        assert!(show().starts_with("# Balanced. "), "there is none");
        let (schema, err, _) = ran(ProfilesCommand::Schema, &config);
        let json: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
        assert!(json["properties"]["turn"].is_object() && err.is_empty());
        write(&profiles, "profile.schema.json", &schema);
        let shown = show();
        let first = shown.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("# yaml-language-server: $schema=file:///")
                && first.ends_with("/my%20folder/profiles/profile.schema.json"),
            "{first}"
        );
        Profile::parse("mine.yaml", shown.as_bytes()).expect("a comment changes nothing");
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        put(&mut Closed, ["text"]).expect("nobody reads");
    }

    fn ran(command: ProfilesCommand, config: &Path) -> (String, String, ExitCode) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = run(&ProfilesArgs { command }, Some(config), &mut out, &mut err)
            .expect("a vector takes all");
        let text = |bytes| String::from_utf8(bytes).expect("we write text");
        (text(out), text(err), status)
    }

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).expect("written");
        path
    }
}
