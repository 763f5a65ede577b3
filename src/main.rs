//! Chooses a face and turns its end into an exit status.

mod window;

use std::process::ExitCode;

use clap::Parser as _;
use sovereign::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match &cli.command {
        None => window::run(&cli.global),
        Some(command) => cli::run(&cli.global, command),
    };
    ended.unwrap_or_else(|problem| problem.report())
}
