use std::fs;
use std::time::Duration;

use clap::Parser as _;
use jiff::Timestamp;

use super::super::{Cli, CliCommand};
use super::*;
use crate::base::printable::is_hidden;
use crate::base::units::SampleRate;
use crate::store::{Side, StoredAudio};

struct Home(tempfile::TempDir);

impl Home {
    /// Without conversations.
    fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary folder"));
        fs::write(home.0.path().join("config.yaml"), "state: state\n").expect("written");
        home
    }

    /// With two of them.
    fn kept() -> Self {
        let home = Self::new();
        let (mut database, _) =
            Database::open(&home.0.path().join("state").join(FILE)).expect("opened");
        let turn = |number, user: &str, assistant: &str| StoredTurn {
            number,
            at: "2026-11-29T12:00:00Z".parse().expect("a time"),
            profile: "balanced".into(),
            outcome: "completed".into(),
            user: user.into(),
            assistant: assistant.into(),
            response: Some(Duration::from_millis(480)),
            record: "{\"turn\":1}".into(),
            ..StoredTurn::default()
        };
        let turns = [
            turn(1, "How far is the Café?", "Five\nminutes."),
            turn(2, "\u{1b}[2J\u{202e}evil", ""),
        ];
        for conversation in [&turns[..], &[turn(1, "Something else", "Fine.")]] {
            database
                .write(|batch| {
                    let id = batch.begin(conversation[0].at)?;
                    conversation
                        .iter()
                        .try_for_each(|turn| batch.turn(id, turn))
                })
                .expect("kept");
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What a command prints.
    fn run(&self, line: &str) -> (String, String, Result<ExitCode, Problem>) {
        let config = self.path("config.yaml");
        let line = ["sovereign", "history"].into_iter().chain(line.split(' '));
        let cli = Cli::try_parse_from(line).expect("good arguments");
        let Some(CliCommand::History(args)) = cli.command else {
            panic!("another command");
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let profile = cli.global.profile.as_deref();
        let status = run(&args, Some(&config), profile, &mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).expect("we write text");
        (text(out), text(err), status)
    }

    fn out(&self, line: &str) -> String {
        let (out, err, status) = self.run(line);
        assert!(status.is_ok() && err.is_empty(), "{line}: {err}{status:?}");
        out
    }

    fn json(&self, line: &str) -> serde_json::Value {
        serde_json::from_str(&self.out(line)).expect("JSON")
    }

    fn problem(&self, line: &str) -> String {
        let (out, _, status) = self.run(line);
        let problem = status.expect_err("it fails");
        assert_eq!(out, "");
        problem.lines().collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn without_conversations_there_is_nothing_to_see() {
    let home = Home::new();
    for line in ["list", "search x", "delete --all --yes", "list --since 7d"] {
        assert_eq!(home.out(line), "No conversations are kept yet.\n", "{line}");
    }
    assert_eq!(
        home.json("list --json")["conversations"],
        serde_json::json!([])
    );
    assert!(
        home.problem("show 1")
            .contains("there is no conversation 1\nhint: `sovereign history list`")
    );
    assert!(!home.path("state").exists(), "nothing is made");
    fs::write(home.path("config.yaml"), "keep: off\nstate: state\n").expect("written");
    assert!(home.out("list").contains("`keep: off`"));
    fs::write(home.path("config.yaml"), "state: $HOME/x\n").expect("written");
    assert!(home.problem("list").contains("config.yaml:1:8: state"));
}

#[test]
fn conversations_are_listed_shown_and_found() {
    let home = Home::kept();
    let listed = home.out("list");
    let lines: Vec<&str> = listed.lines().collect();
    assert!(
        lines[0].starts_with("     2  2026-11-29 ")
            && lines[0].ends_with("     1 turn  balanced  Something else"),
        "{listed}"
    );
    assert!(
        lines[1].ends_with("    2 turns  balanced  How far is the Café?"),
        "{listed}"
    );
    assert_eq!(
        home.out("list --outcome completed --profile balanced"),
        listed
    );
    assert_eq!(home.out("list --profile other"), "No conversation fits.\n");
    assert_eq!(
        home.out("list --since 2026-11-30T12:00:00Z"),
        "No conversation fits.\n"
    );
    let json = home.json("list --json --since 2026-11-01");
    assert_eq!(
        (&json["schema"], &json["conversations"][1]["turn_count"]),
        (&"sovereign.history_list/1".into(), &2.into())
    );

    let shown = home.out("show 1");
    assert!(
        shown.starts_with("Conversation 1, 2026-11-29 ") && shown.contains(", 2 turns\n\nTurn 1, "),
        "{shown}"
    );
    assert!(
        shown.contains(
            "completed, response 480 ms\nYou: How far is the Café?\nAssistant: Five\n    minutes.\n"
        ),
        "{shown}"
    );
    assert!(shown.contains("You: \\u001b[2J\\u202eevil\n"), "{shown}");
    let json = home.json("show 1 --json");
    assert_eq!(
        json["turns"][1]["user"], "\u{1b}[2J\u{202e}evil",
        "as it is"
    );

    let found = home.out("search far cafe");
    assert!(
        found.starts_with("     1  2026-11-29 ")
            && found.ends_with("  You: How far is the Café?\n"),
        "{found}"
    );
    assert!(
        home.out("search minutes")
            .ends_with("  Assistant: Five minutes.\n")
    );
    let both = home.out("search cafe");
    assert_eq!(both.lines().count(), 2, "{both}");
    assert_eq!(home.out("search nowhere"), "Nothing is found.\n");
    let json = home.json("search --json fine");
    assert_eq!(
        (
            &json["hits"][0]["conversation"],
            &json["hits"][0]["assistant"]
        ),
        (&2.into(), &"Fine.".into())
    );
}

#[test]
fn conversations_are_exported() {
    let home = Home::kept();
    assert!(
        home.out("export 2 --format md")
            .ends_with("\n**You:** Something else\n\n**Assistant:** Fine.\n")
    );
    assert_eq!(
        home.out("export 1 --format json"),
        home.out("show 1 --json")
    );
    let file = home.path("out.md");
    let line = format!("export 2 --format md --output {}", file.display());
    assert_eq!(home.out(&line), format!("written to {}\n", file.display()));
    assert_eq!(
        home.json(&format!("{line} --json"))["bytes"],
        fs::metadata(&file).expect("there").len()
    );
    assert!(
        home.problem(&format!(
            "export 2 --format md --output {}",
            home.path("").display()
        ))
        .contains("--output")
    );
    let problem = home.problem("export 1 --format wav");
    assert!(
        problem.contains("is not kept\nhint: `keep_audio: on`"),
        "{problem}"
    );
    let (mut database, _) = Database::open(&home.path("state").join(FILE)).expect("opened");
    let audio = StoredAudio {
        number: 1,
        side: Side::User,
        rate: SampleRate::WORKING,
        samples: vec![9; 1_600],
    };
    database
        .write(|batch| batch.audio(ConversationId(1), Timestamp::now(), &audio))
        .expect("kept");
    let file = home.path("out.wav");
    home.out(&format!(
        "export 1 --format wav --output {}",
        file.display()
    ));
    assert!(fs::read(&file).expect("there").starts_with(b"RIFF"));
}

#[test]
fn an_export_never_replaces_what_the_program_keeps() {
    let home = Home::kept();
    fs::write(home.path("key"), "a key").expect("written");
    for name in ["state/conversations.db", "config.yaml", "key"] {
        let file = home.path(name);
        let before = fs::read(&file).expect("there");
        let told = home.problem(&format!("export 1 --format md --output {}", file.display()));
        assert!(told.contains("belongs to the program"), "{told}");
        let after = fs::read(&file).expect("there");
        assert!(after.starts_with(&before[..before.len().min(16)]), "{name}");
    }
}

#[test]
fn a_slip_in_keep_hides_no_conversation() {
    let home = Home::kept();
    let all = home.out("list");
    fs::write(home.path("config.yaml"), "keep: 30\nstate: state\n").expect("written");
    assert_eq!(home.out("list"), all);
    assert_eq!(home.out("search nowhere"), "Nothing is found.\n");
}

#[test]
fn conversations_are_deleted_when_that_is_wanted() {
    let home = Home::kept();
    let problem = home.problem("delete 1");
    assert!(
        problem.contains("conversation 1 (2 turns: How far is the Café?)")
            && problem.contains("--yes"),
        "{problem}"
    );
    assert_eq!(home.out("delete 1 --yes"), "deleted: 1 conversation\n");
    assert!(
        home.problem("delete 1 --yes")
            .contains("there is no conversation 1")
    );
    assert_eq!(home.json("delete --all --yes --json")["deleted"], 1);
    assert_eq!(home.out("list"), "No conversations are kept yet.\n");
}

#[test]
fn what_is_wrong_with_the_file_is_said() {
    let home = Home::kept();
    let file = home.path("state").join(FILE);
    fs::write(&file, vec![b'x'; 10_000]).expect("written");
    let (out, err, status) = home.run("list");
    assert_eq!(out, "No conversations are kept yet.\n");
    assert!(err.starts_with("warning: the file of conversations was damaged: 0 turns could be read; the old file is ") && status.is_ok(), "{err}");
    fs::remove_file(&file).expect("removed");
    fs::create_dir(&file).expect("made");
    let problem = home.problem("list");
    assert!(
        problem.contains("is a folder") && problem.contains("hint: "),
        "{problem}"
    );
}

#[test]
fn nothing_that_was_said_acts_on_the_terminal() {
    const ODD: &str = "a\u{1b}]0;title\u{7}\u{9b}31m\u{202e}b\rc\u{2028}d\u{0}e\u{85}f";
    let home = Home::kept();
    let file = home.path("state").join(FILE);
    let (mut database, _) = Database::open(&file).expect("opened");
    let odd = StoredTurn {
        number: 1,
        at: "2026-11-29T12:00:00Z".parse().expect("a time"),
        profile: ODD.into(),
        outcome: ODD.into(),
        user: format!("quokka {ODD}\n{ODD}"),
        assistant: ODD.into(),
        record: serde_json::json!({ODD: ODD}).to_string(),
        ..StoredTurn::default()
    };
    database
        .write(|batch| batch.turn(ConversationId(3), &odd))
        .expect("kept");
    drop(database);
    for line in [
        "list",
        "list --json",
        "show 3",
        "show 3 --json",
        "search quokka",
        "search quokka --json",
        "export 3 --format md",
        "export 3 --format json",
    ] {
        let (out, err, status) = home.run(line);
        assert!(status.is_ok(), "{line}: {status:?}");
        assert!(out.contains("31m") && err.is_empty(), "{line}: {out}");
        let acts = |c: char| is_hidden(c) && c != '\n';
        assert!(!out.contains(acts), "{line}: {out:?}");
    }
}
