//! Where the socket is, and who owns it.

use std::fs::{File, TryLockError};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

use crate::file;

/// The files of a control socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlPlace {
    folder: PathBuf,
    name: String,
}

/// The right to listen, until it is dropped or the process ends.
pub struct Claim {
    pub(super) place: ControlPlace,
    _lock: File,
}

impl ControlPlace {
    /// The socket of assistants with this configuration file, or with the usual one. It lies in the folder that the system
    /// gives to running programs of the user, or in one for temporary files.
    pub fn find(config: Option<&Path>) -> Self {
        Self::of(file::folder_of_session(), config)
    }

    pub(super) fn of(folder: PathBuf, config: Option<&Path>) -> Self {
        let name = config.map_or_else(
            || "control".to_owned(),
            |config| {
                let whole = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
                let mut hash = DefaultHasher::new();
                whole.hash(&mut hash);
                format!("control-{:016x}", hash.finish())
            },
        );
        Self { folder, name }
    }

    /// The socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(format!("{}.sock", self.name))
    }

    /// Claims the socket; `None` if another program has it.
    ///
    /// # Errors
    /// A folder or file that cannot be made, or belongs to somebody else.
    pub fn claim(&self) -> io::Result<Option<Claim>> {
        file::own_folder(&self.folder)?;
        let lock = file::open_lock(&self.folder.join(format!("{}.lock", self.name)))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Claim {
                place: self.clone(),
                _lock: lock,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
