//! Files in place of a device that is missing.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::file;
use crate::settings::paths::Paths;

/// Input if there is no microphone: mono, 16 bit.
const BUNDLED_QUESTION: &[u8] = include_bytes!("../../assets/speech/question.wav");

/// The bundled question as a file, which the file microphone can speak.
pub(super) fn bundled_question(paths: &Paths) -> anyhow::Result<PathBuf> {
    in_a_folder(paths, |folder| {
        let question = folder.join("question.wav");
        // Written atomically: another program of this user may be reading it.
        file::write_own(&question, BUNDLED_QUESTION)?;
        Ok(question)
    })
}

/// A new file, so that two programs that start in the same second have one each.
pub(super) fn reply_file(paths: &Paths) -> anyhow::Result<PathBuf> {
    let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    let name = |nth: u32| match nth {
        1 => format!("reply-{now}.wav"),
        nth => format!("reply-{now}-{nth}.wav"),
    };
    in_a_folder(paths, |folder| {
        let mut nth = 1;
        loop {
            let reply = folder.join(name(nth));
            match file::create_own(&reply) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => nth += 1,
                Err(error) => return Err(error),
                Ok(_) => return Ok(reply),
            }
        }
    })
}

/// Creates a file in the state folder, else in a temporary folder, so that the program works with a read-only home.
fn in_a_folder(
    paths: &Paths,
    make: impl Fn(&Path) -> io::Result<PathBuf>,
) -> anyhow::Result<PathBuf> {
    let made = |folder: &Path| {
        file::own_folder(folder)?;
        make(folder)
    };
    let temporary = file::temporary_folder();
    made(paths.state())
        .or_else(|_| made(temporary))
        .with_context(|| {
            let state = paths.state().display();
            format!("neither {state} nor {} can be written", temporary.display())
        })
}
