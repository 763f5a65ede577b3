//! Parses the arguments. Global options are accepted everywhere, but some have no effect on some commands: those are left out
//! of the command's help, and reported if given.

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use clap::error::ContextValue;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use super::output::say;
use super::{Cli, output, shutdown, signal};
use crate::base::printable::escaped;

/// Global options without effect on a command. (`--config` is never reported: it also says where nothing is kept.)
const MEANINGLESS: [(&str, &[&str]); 15] = [
    ("talk", &["window", "hidden"]),
    ("serve", &ALONE),
    ("bench", &TRIAL),
    ("load", &TRIAL),
    ("doctor", &["window", "hidden", "monitor", "log"]),
    ("profiles", &ALONE),
    ("history", ALONE.split_at(1).1),
    ("devices", &ALONE),
    ("press", &ALONE),
    ("release", &ALONE),
    ("toggle", &ALONE),
    ("mute", &ALONE),
    ("stop", &ALONE),
    ("profile", &ALONE),
    ("status", &ALONE),
];
/// The same for commands without a conversation. `history` has a use for the first one.
const ALONE: [&str; 9] = [
    "profile",
    "endpoint",
    "demo",
    "input_device",
    "output_device",
    "window",
    "hidden",
    "monitor",
    "log",
];
/// And for both trials, which have made-up devices.
const TRIAL: [&str; 6] = [
    "input_device",
    "output_device",
    "window",
    "hidden",
    "monitor",
    "log",
];

/// The arguments of the process. Wrong ones, `--help` and `--version` end it.
pub fn parse() -> Cli {
    let matches = command()
        .try_get_matches()
        .unwrap_or_else(|error| print_and_exit(printable(error)));
    for option in meaningless(&matches).into_iter().chain(outdone(&matches)) {
        say(&option);
    }
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| print_and_exit(printable(error)))
}

/// Prints help, the version, or the error, and exits.
fn print_and_exit(error: clap::Error) -> ! {
    signal::nothing_to_lose();
    let text = error.render();
    let (mut to, on_terminal): (Box<dyn Write>, _) = if error.use_stderr() {
        (Box::new(output::err()), io::stderr().is_terminal())
    } else {
        (Box::new(output::out()), io::stdout().is_terminal())
    };
    let colours = on_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = if colours {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    to.write_all(text.as_bytes()).ok();
    let status = shutdown::end(ExitCode::SUCCESS);
    let is_written = status == ExitCode::SUCCESS;
    std::process::exit(if is_written { error.exit_code() } else { 1 })
}

/// An error whose words from the command line cannot act on the terminal: an argument may come from a link or a script.
fn printable(mut error: clap::Error) -> clap::Error {
    let shown = |text: &String| escaped(text).into_owned();
    let cleaned: Vec<_> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(shown(text)))),
            ContextValue::Strings(texts) => Some((
                kind,
                ContextValue::Strings(texts.iter().map(shown).collect()),
            )),
            // The rest holds no words of the command line; the enum may grow.
            ContextValue::None
            | ContextValue::Bool(_)
            | ContextValue::StyledStr(_)
            | ContextValue::StyledStrs(_)
            | ContextValue::Number(_)
            | _ => None,
        })
        .collect();
    for (kind, value) in cleaned {
        error.insert(kind, value);
    }
    error
}

/// All commands, each with the help that is its own.
fn command() -> clap::Command {
    let mut command = Cli::command();
    // The options of all commands are handed on to each of them here.
    command.build();
    command.mut_subcommands(|sub| {
        let nothing = nothing_to(sub.get_name());
        without(sub, nothing)
    })
}

/// A command whose help, and that of its own commands, does not show these options.
fn without(command: clap::Command, options: &'static [&'static str]) -> clap::Command {
    let command = command.mut_args(|arg| {
        let is_hidden = arg.is_hide_set() || options.contains(&arg.get_id().as_str());
        arg.hide(is_hidden)
    });
    command.mut_subcommands(|sub| without(sub, options))
}

fn nothing_to(command: &str) -> &'static [&'static str] {
    let found = MEANINGLESS.iter().find(|(name, _)| *name == command);
    found.map_or(&[], |(_, options)| options)
}

/// Messages about options without effect.
fn meaningless(matches: &ArgMatches) -> Vec<String> {
    let Some((name, given)) = matches.subcommand() else {
        return Vec::new();
    };
    let by_hand = |option: &&&str| given.value_source(option) == Some(ValueSource::CommandLine);
    let options = nothing_to(name).iter().filter(by_hand);
    options
        .map(|option| {
            let option = option.replace('_', "-");
            format!("--{option} means nothing to `sovereign {name}`: it goes on without")
        })
        .collect()
}

/// An endpoint beside `--demo`, in words.
fn outdone(matches: &ArgMatches) -> Option<String> {
    let given = |matches: &ArgMatches, option: &str| {
        let known = matches.try_contains_id(option).is_ok();
        known && matches.value_source(option) == Some(ValueSource::CommandLine)
    };
    let (name, matches) = matches.subcommand().unwrap_or(("", matches));
    let means = !nothing_to(name).contains(&"demo");
    let both = means && given(matches, "demo") && given(matches, "endpoint");
    both.then(|| "--demo goes before --endpoint: our own server answers".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(name: &str) -> String {
        let mut command = command();
        let sub = command.find_subcommand_mut(name).expect("a command");
        sub.render_long_help().to_string()
    }

    #[test]
    fn no_argument_acts_on_the_terminal() {
        let evil = "\u{1b}]0;x\u{7}\nerror: forged\u{202e}";
        for args in [
            vec![evil],
            vec!["talk", evil],
            vec!["talk", "--turns", evil],
            vec!["profiles", "show", "a", evil],
            vec!["--monitor", evil],
            vec!["serve", "--listen", evil],
        ] {
            let args = std::iter::once("sovereign").chain(args);
            let error = command().try_get_matches_from(args).expect_err("wrong");
            let text = printable(error).render().to_string();
            assert!(
                text.contains("\\u001b]0;x\\u0007\\nerror: forged\\u202e"),
                "{text}"
            );
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
        }
    }

    #[test]
    fn each_help_has_what_means_something_there() {
        let known = command();
        for (name, options) in MEANINGLESS {
            let sub = known.find_subcommand(name).expect("a command");
            for option in options {
                let mut arguments = sub.get_arguments();
                let found = arguments.find(|arg| arg.get_id() == option);
                assert!(found.is_some(), "{name} has no {option}");
                let given = format!("--{} ", option.replace('_', "-"));
                assert!(!help(name).contains(&given), "{name}: {given}");
            }
        }
        for (name, there, gone) in [
            ("load", "--endpoint <URL>", "--input-device "),
            ("doctor", "--input-device <ID>", "--monitor "),
            ("bench", "--profile <NAME>", "--window"),
            ("talk", "--input-device", "--window"),
            ("serve", "--listen", "--profile"),
            ("devices", "--json", "--monitor"),
        ] {
            let help = help(name);
            assert!(
                help.contains(there) && !help.contains(gone),
                "{name}: {help}"
            );
        }
    }

    #[test]
    fn what_means_nothing_is_taken_and_told() {
        let messages = |args: &str| {
            let matches = command().try_get_matches_from(args.split(' '));
            let matches = matches.expect("good arguments");
            Cli::from_arg_matches(&matches).expect("complete");
            meaningless(&matches)
        };
        assert!(messages("sovereign load --profile auto --demo").is_empty());
        assert!(messages("sovereign --window --monitor 9464").is_empty());
        let outdone = |args: &str| {
            let matches = command().try_get_matches_from(args.split(' '));
            outdone(&matches.expect("good arguments"))
        };
        assert!(outdone("sovereign --demo --endpoint ws://127.0.0.1:1").is_some());
        assert!(outdone("sovereign --demo talk --endpoint ws://127.0.0.1:1").is_some());
        assert!(outdone("sovereign devices --demo --endpoint ws://127.0.0.1:1").is_none());
        assert!(outdone("sovereign load --demo").is_none() && outdone("sovereign").is_none());
        let words = "--input-device means nothing to `sovereign load`: it goes on without";
        assert_eq!(messages("sovereign load --input-device x"), [words]);
        assert_eq!(messages("sovereign --input-device x load"), [words]);
    }
}
