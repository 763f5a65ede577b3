//! The man page of packages, made from the options.

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::base::keys::tests::up_to_date;
use crate::cli::Cli;

#[test]
fn the_man_page_is_up_to_date() {
    let program = Cli::command().disable_help_subcommand(true);
    let man = Man::new(program.clone());
    let mut page = Vec::new();
    let parts = [
        Man::render_title,
        Man::render_name_section,
        Man::render_synopsis_section,
        Man::render_description_section,
        Man::render_options_section,
    ];
    for part in parts {
        part(&man, &mut page).expect("written to memory");
    }
    page.extend(b".SH COMMANDS\n");
    let shown = program.get_subcommands();
    for command in shown.filter(|command| !command.is_hide_set()) {
        add(&mut page, "sovereign", command);
    }
    let page = String::from_utf8(page).expect("text");
    // Lines of the sources end in no space, and neither does this page.
    let lines: Vec<_> = page.lines().map(str::trim_end).collect();
    up_to_date("packaging/sovereign.1", &(lines.join("\n") + "\n"));
}

/// A command and those below it, without the options that hold for every command.
fn add(page: &mut Vec<u8>, before: &str, command: &Command) {
    let name = format!("{before} {}", command.get_name());
    page.extend(format!(".SS \"{name}\"\n").bytes());
    let command = command
        .clone()
        .disable_help_flag(true)
        .disable_help_subcommand(true);
    let man = Man::new(command.clone());
    let mut part = Vec::new();
    man.render_description_section(&mut part)
        .expect("written to memory");
    if command.get_arguments().next().is_some() {
        man.render_options_section(&mut part)
            .expect("written to memory");
    }
    if command.get_after_long_help().is_some() {
        // It has its own lines.
        part.extend(b".PP\n.nf\n");
        man.render_extra_section(&mut part)
            .expect("written to memory");
        part.extend(b".fi\n");
    }
    let part = String::from_utf8(part).expect("text");
    for line in part.lines().filter(|line| !line.starts_with(".SH ")) {
        page.extend(format!("{line}\n").bytes());
    }
    for below in command.get_subcommands() {
        add(page, &name, below);
    }
}
