//! Chooses a face and turns its end into an exit status.

use std::process::ExitCode;

use clap::Parser as _;
use sovereign::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli::run(&cli) {
        Ok(status) => status,
        Err(problem) => problem.report(),
    }
}
