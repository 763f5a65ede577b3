//! Where everything is.

use std::path::{Path, PathBuf};

use crate::base::keys::{Wrong, plain};
use crate::base::text::t;
use crate::file;

/// The files and folders of this user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    config_file: Option<PathBuf>,
    state: PathBuf,
}

impl Paths {
    /// The usual places, or those beside `config`, the file that `--config` names. Without a home (and without `config`)
    /// there is no configuration, and the state is kept in the folder for temporary files. A relative `HOME` counts as none:
    /// what is kept would lie somewhere else with every folder that the program is started in.
    pub fn find(config: Option<&Path>) -> Self {
        let usual = directories::ProjectDirs::from("", "", "sovereign");
        let absolute = |folder: &Path| folder.is_absolute().then(|| folder.to_owned());
        let folder = usual
            .as_ref()
            .and_then(|usual| absolute(usual.config_dir()));
        let state =
            usual.and_then(|usual| absolute(usual.state_dir().unwrap_or(usual.data_local_dir())));
        let here = std::env::current_dir().unwrap_or_default();
        Self::of(folder, state, config.map(|config| here.join(config)))
    }

    fn of(folder: Option<PathBuf>, state: Option<PathBuf>, config: Option<PathBuf>) -> Self {
        Self {
            config_file: config.or_else(|| folder.map(|folder| folder.join("config.yaml"))),
            state: state.unwrap_or_else(|| file::temporary_folder().to_owned()),
        }
    }

    /// Where a user looks for what they had written: their documents; without such a folder, their home.
    pub fn documents() -> PathBuf {
        let there =
            |folder: &Path| (folder.is_absolute() && folder.is_dir()).then(|| folder.to_owned());
        let user = directories::UserDirs::new();
        let found = user.as_ref().and_then(|user| {
            user.document_dir()
                .and_then(there)
                .or_else(|| there(user.home_dir()))
        });
        found.unwrap_or_else(|| file::temporary_folder().to_owned())
    }

    /// These paths with the state folder that the configuration file names, if it does; a relative one starts from the
    /// file's folder.
    #[must_use]
    pub fn with_state(mut self, state: Option<&Path>) -> Self {
        if let Some(state) = state {
            self.state = self
                .config_folder()
                .unwrap_or(Path::new(""))
                .join(expanded(state));
        }
        self
    }

    /// These paths with a state folder for temporary files, for where nobody knows which one the user wants.
    #[must_use]
    pub fn with_temporary_state(mut self) -> Self {
        self.state = file::temporary_folder().to_owned();
        self
    }

    pub fn config_folder(&self) -> Option<&Path> {
        self.config_file.as_deref().and_then(Path::parent)
    }

    /// `config.yaml`, or what `--config` names.
    pub fn config_file(&self) -> Option<PathBuf> {
        self.config_file.clone()
    }

    /// The folder of the user's profiles.
    pub fn profiles(&self) -> Option<PathBuf> {
        self.config_folder().map(|folder| folder.join("profiles"))
    }

    pub fn key(&self) -> Option<PathBuf> {
        self.config_folder().map(|folder| folder.join("key"))
    }

    /// The folder for logs and recordings.
    pub fn state(&self) -> &Path {
        &self.state
    }
}

/// A path that a person wrote: `~` at its beginning is the home folder, as in a shell (which leaves it alone in quotes and
/// behind `--option=`). Without a home it stays as it is.
pub fn expanded(path: &Path) -> PathBuf {
    let home = || Some(directories::BaseDirs::new()?.home_dir().to_owned());
    match path.strip_prefix("~") {
        Ok(rest) => home().map_or_else(|| path.to_owned(), |home| home.join(rest)),
        Err(_) => path.to_owned(),
    }
}

/// Checks the folder that the configuration file names.
pub(super) fn configured(text: &str) -> Result<String, Wrong> {
    plain(text)?;
    let refused = |allowed: &str| Err(Wrong::new(t!("is-value", value = text), allowed));
    if text.starts_with(['$', '%']) {
        return refused(t!("variables-have-no-meaning-here"));
    }
    if expanded(Path::new(text)).to_string_lossy().starts_with('~') {
        return refused(t!("is-your-own-home-folder"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder_and_variables_are_refused() {
        let home = directories::BaseDirs::new().expect("tests have a home");
        let home = home.home_dir();
        for (written, meant) in [
            ("~", home.to_owned()),
            ("~/x", home.join("x")),
            ("~/", home.join("")),
            ("x/~/y", "x/~/y".into()),
            ("/x", "/x".into()),
        ] {
            assert_eq!(expanded(Path::new(written)), meant, "{written}");
            assert_eq!(configured(written).as_deref(), Ok(written));
            let paths = Paths::find(Some(Path::new("/etc/config.yaml")));
            let paths = paths.with_state(Some(Path::new(written)));
            assert_eq!(paths.state(), Path::new("/etc").join(meant), "{written}");
        }
        assert_eq!(expanded(Path::new("~me/x")), Path::new("~me/x"));
        for written in [
            "~me/x",
            "$HOME/x",
            "${HOME}",
            "%APPDATA%",
            "",
            " ",
            "C:\new",
        ] {
            assert!(configured(written).is_err(), "{written}");
        }
    }

    #[test]
    fn everything_lies_beside_the_configuration_file() {
        let usual = Paths::of(
            Some("/home/me/.config/sovereign".into()),
            Some("/home/me/state".into()),
            None,
        );
        assert_eq!(
            usual.config_file(),
            Some("/home/me/.config/sovereign/config.yaml".into())
        );
        assert_eq!(
            usual.profiles(),
            Some("/home/me/.config/sovereign/profiles".into())
        );
        let named = Paths::of(
            Some("/home/me/.config/sovereign".into()),
            None,
            Some("/else/my.yaml".into()),
        );
        assert_eq!(named.config_file(), Some("/else/my.yaml".into()));
        assert_eq!(named.key(), Some("/else/key".into()));
        assert_eq!(
            named.with_state(Some(Path::new("here"))).state(),
            Path::new("/else/here")
        );
        assert_eq!(
            usual.with_state(Some(Path::new("/abs"))).state(),
            Path::new("/abs")
        );
    }

    #[test]
    fn without_a_home_there_is_no_configuration_and_a_state_folder_all_the_same() {
        let homeless = Paths::of(None, None, None);
        assert_eq!(
            (homeless.config_file(), homeless.profiles(), homeless.key()),
            (None, None, None)
        );
        assert!(homeless.state().starts_with(std::env::temp_dir()));
    }
}
