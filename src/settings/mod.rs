//! What the user has set: the configuration file, profiles, the key, where they are, and what happens when they change.
//!
//! ```text
//! paths ──▶ config.yaml ─▶ config::ConfigFile      endpoint: which address, from flag, file, key
//!      ├──▶ profiles/   ─▶ profiles::Profiles      api_key: environment ▶ keyring ▶ key file
//!      └──▶ key         ─▶ api_key::KeyStore        key_destination: who may have it
//! removal: everything of all that, and of the state folder, for good
//! watch: a thread that tells when config.yaml or profiles/ changed
//! ```
//!
//! Nothing here stops the program: what cannot be read leaves what was good before, or the defaults, and a sentence that
//! says so. What is there so that something does not happen is the exception: where that cannot be read, nothing is dialled
//! until it is mended (`config::ConfigFile::held`).

pub mod api_key;
pub mod config;
pub mod endpoint;
pub mod key_destination;
pub mod paths;
pub mod profile_edit;
pub mod profiles;
pub mod removal;
pub mod watch;
