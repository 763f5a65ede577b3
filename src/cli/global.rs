//! Options of every command.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
pub struct Global {
    /// Profile to begin with: ultra-fast, balanced, high-quality, or one of your own
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// Live endpoint to talk to (wss://…, or ws:// on this computer)
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,
    /// The offline demo, even if there is a key
    #[arg(long, global = true)]
    pub demo: bool,
    /// Configuration file; its folder then holds profiles/ and key
    #[arg(long, global = true, value_name = "FILE", value_parser = path())]
    pub config: Option<PathBuf>,
    /// Microphone, by its id (see `sovereign devices`)
    #[arg(long, global = true, value_name = "ID")]
    pub input_device: Option<String>,
    /// Speaker, by its id
    #[arg(long, global = true, value_name = "ID")]
    pub output_device: Option<String>,
    /// Insist on the window: without a display this fails instead of talking in the terminal
    #[arg(long, global = true)]
    pub window: bool,
    /// Start without showing the window: the icon in the tray shows it, or another start
    #[arg(long, global = true)]
    pub hidden: bool,
    /// Figures for Prometheus and a health page on this port of this computer, behind a token
    #[arg(long, global = true, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub monitor: Option<u16>,
    /// How much is logged: error, warn, info, debug, trace, or a filter as `sovereign=debug`
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
}

/// Parser of paths: expands `~` to the home folder, as a shell does.
pub(super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|path| crate::settings::paths::expanded(&path))
}
