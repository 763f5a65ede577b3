//! What of the resend buffer does not fit into memory: a file without a name, for this user alone, gone with the program.
//!
//! It is written and read where the conversation runs, a second of speech at a time (32 kB): only who speaks for more than a
//! minute without an answer comes to it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use crate::file;

/// Samples of 16 bit, by their places.
#[derive(Debug, Default)]
pub(super) struct Overflow {
    folder: Option<PathBuf>,
    file: Option<File>,
    end: u64,
}

impl Overflow {
    /// In this folder; without one nothing is taken.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folder,
            ..Self::default()
        }
    }

    /// Writes samples; gives their place.
    pub(super) fn put(&mut self, samples: &[i16]) -> io::Result<u64> {
        if self.file.is_none() {
            let folder = self.folder.as_ref().ok_or(io::ErrorKind::NotFound)?;
            self.file = Some(file::create_unnamed(folder)?);
        }
        let mut file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        let place = self.end;
        file.seek(SeekFrom::Start(place))?;
        file.write_all(&bytes)?;
        self.end += bytes.len() as u64;
        Ok(place)
    }

    /// Reads so many samples from a place.
    pub(super) fn get(&self, place: u64, many: usize) -> io::Result<Vec<i16>> {
        let mut file = self.file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = vec![0; 2 * many];
        file.seek(SeekFrom::Start(place))?;
        file.read_exact(&mut bytes)?;
        let pairs = bytes.as_chunks::<2>().0;
        Ok(pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect())
    }

    /// Nothing in it is needed any more.
    pub(super) fn clear(&mut self) {
        // The room is given back with the file.
        (self.file, self.end) = (None, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_found_and_nobody_else_finds_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut overflow = Overflow::new(Some(folder.path().to_owned()));
        let places: Vec<u64> = [[1_i16, -2], [i16::MIN, i16::MAX]]
            .iter()
            .map(|samples| overflow.put(samples).expect("room"))
            .collect();
        assert_eq!(
            overflow.get(places[1], 2).expect("there"),
            [i16::MIN, i16::MAX]
        );
        assert_eq!(overflow.get(places[0], 2).expect("there"), [1, -2]);
        overflow.get(places[1], 3).expect_err("behind the end");
        let names = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(names, 0, "it has no name");
        overflow.clear();
        overflow.get(places[0], 2).expect_err("gone");
        Overflow::default().put(&[1]).expect_err("no folder");
    }
}
