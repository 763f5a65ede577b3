//! Profiles: every choice that trades speed for quality, checked.
//!
//! ```text
//! table of keys ─▶ shipped profiles, as YAML with comments
//! YAML text ─▶ read (values by the table, gaps filled from a shipped profile, key_pairs) ─▶ Profile
//! shipped profiles and the user's files ─▶ store ─▶ Arc<Profile> by name
//! ```
//!
//! A user's file may leave out everything. It starts from the built-in that `extends:` names, else from the built-in of its
//! own name, else from `balanced`. Its name is `name:`, else the name of the file.

mod key_pairs;
pub mod model;
mod read;
mod settings;
mod show;
mod shown;
pub mod store;
mod table;
#[cfg(test)]
mod tests;
mod text_shapes;
mod warnings;

pub use crate::provider::config::{
    AnswerLength, AutomaticSettings, Languages, Sensitivity, Thinking,
};
pub use read::{Faults, ProfileOrigin, builtin};
pub use settings::{
    AUTO, AlertSettings, AudioSettings, AutoSettings, BUILTINS, BargeIn, DEFAULT, Detection,
    DetectorSettings, EchoCancellation, LiveSettings, NoiseSuppressor, Preference, Profile, SWITCH,
    TurnSettings, VadKind,
};
pub use show::{schema, shipped};
pub use shown::shown_label;
pub use table::{GROUPS, about, fields, keys, reason};
pub(crate) use text_shapes::{LANGUAGES, VOICE};
