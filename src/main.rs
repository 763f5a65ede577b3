//! Chooses a face and turns its end into an exit status.

mod window;

use std::process::ExitCode;

use sovereign::cli::{self, ineffective_options::parse, panics, report, say, shutdown, signal};
use sovereign::ui::display;

fn main() -> ExitCode {
    cli::core_dumps::forbid();
    // Before anything else is opened, which could take the number that it names.
    let inherited = display::inherited();
    panics::listen();
    if let Err(error) = signal::listen() {
        say(&format!(
            "warning: signals end this program at once: {error}"
        ));
    }
    let cli = parse();
    let ended = match &cli.command {
        None => window::run(&cli.global, inherited),
        Some(command) => cli::run(&cli.global, command),
    };
    shutdown::end(ended.unwrap_or_else(|problem| report(&problem)))
}
