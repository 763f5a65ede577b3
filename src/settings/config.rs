//! `config.yaml`: what the user chose, in the window or by hand.
//!
//! ```text
//! bytes ─ reading ─▶ Config and faults, key by key ─┐
//! *.choices.yaml ─ choices ─────────────────────────┴─▶ config_file::ConfigFile ─▶ what holds, what is wrong, what is held back
//! ```
//!
//! A choice made in the window is written back at once. Only its own value changes: comments, order and all that is not
//! understood stay. Where that is not possible the choice is kept in a file beside it, and the user's file is not touched.

mod choices;
mod config_file;
mod frame;
mod outlets;
mod protective_keys;
mod reading;
mod table;
#[cfg(test)]
mod tests;
mod values;
pub mod writer_task;

pub(in crate::settings) use choices::beside as choices_beside;
pub use config_file::{ConfigFile, Places, SaveError};
pub use frame::WindowFrame;
pub use outlets::{Hidden, MonitorSettings};
pub use table::keys;
pub use values::{
    Config, MOST_RELEASE_DELAY, Renderer, SpendLimit, TalkKey, Theme, WelcomeStep, Window,
};
