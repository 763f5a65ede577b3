//! Chooses a face and turns its end into an exit status.

mod window;

use std::process::ExitCode;

use sovereign::cli::{self, parse::parse};

fn main() -> ExitCode {
    let cli = parse();
    let ended = match &cli.command {
        None => window::run(&cli.global),
        Some(command) => cli::run(&cli.global, command),
    };
    ended.unwrap_or_else(|problem| problem.report())
}
