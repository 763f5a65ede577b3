//! Removes files of ours for good.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::{is_ours, is_own, others_rights};

/// What could not be removed, and why.
pub type NotRemoved = (PathBuf, io::Error);

/// Removes the files of ours in a folder: those with a name that the program gives, which belong to this user alone. The
/// folder goes too if nothing else is in it. Links and folders in it stay.
pub fn remove_own(folder: &Path) -> Vec<NotRemoved> {
    let is_ours = |path: &Path, found: &Metadata| {
        let has_name = path.file_name().is_some_and(is_ours);
        has_name && is_own(found) && others_rights(found) == 0
    };
    remove_those(folder, is_ours)
}

/// Removes the plain files of a folder that are chosen, and the folder if nothing else is in it.
pub fn remove_those(
    folder: &Path,
    is_chosen: impl Fn(&Path, &Metadata) -> bool,
) -> Vec<NotRemoved> {
    let mut left = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let found = fs::symlink_metadata(&path);
        if found.is_ok_and(|found| found.is_file() && is_chosen(&path, &found)) {
            left.extend(remove(&path));
        }
    }
    remove_empty(folder);
    left
}

/// Removes a file, or a link; not what it names.
pub fn remove(path: &Path) -> Option<NotRemoved> {
    let error = fs::remove_file(path).err()?;
    (error.kind() != io::ErrorKind::NotFound).then(|| (path.to_owned(), error))
}

/// Removes a folder with nothing in it; another one stays.
pub fn remove_empty(folder: &Path) {
    fs::remove_dir(folder).ok();
}
