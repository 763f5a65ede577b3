//! What a run takes from the user's files.

use crate::settings::config::ConfigFile;
use crate::settings::paths::Paths;
use crate::settings::profiles::Profiles;

/// The user's files, as far as a run needs them.
pub(crate) struct UserFiles {
    pub(crate) paths: Paths,
    pub(crate) config: ConfigFile,
    pub(crate) profiles: Profiles,
}
