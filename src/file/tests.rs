use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn a_file_is_replaced_as_a_whole() {
    let folder = folder();
    let path = folder.path().join("deep/er/key");
    write_private(&path, b"one").expect("written");
    write_private(&path, b"two").expect("replaced");
    write_own(&path, b"three").expect("replaced");
    assert_eq!(read(&path).expect("readable"), b"three");
    let entries = fs::read_dir(path.parent().expect("has one")).expect("a folder");
    assert_eq!(entries.count(), 1, "nothing is left beside it");
    assert!(create_own(&path).is_err(), "there is one");
}

#[test]
fn a_long_file_is_read_no_further_than_needed_to_refuse_it() {
    let folder = folder();
    let path = folder.path().join("long");
    fs::write(&path, vec![b'x'; MAX_BYTES * 2]).expect("written");
    assert_eq!(read(&path).expect("readable").len(), MAX_BYTES + 1);
    assert_eq!(read_own(&path, 9).expect("readable").len(), 10);
}

#[test]
fn a_lock_leaves_the_bytes_alone_and_a_log_goes_on() {
    let folder = folder();
    let path = folder.path().join("file");
    append_own(&path)
        .expect("made")
        .write_all(b"one")
        .expect("written");
    open_lock(&path).expect("opened");
    append_own(&path)
        .expect("opened")
        .write_all(b"two")
        .expect("written");
    assert_eq!(read_own(&path, 99).expect("readable"), b"onetwo");
}

#[test]
fn each_process_has_one_temporary_folder() {
    assert_eq!(temporary_folder(), temporary_folder());
    assert!(temporary_folder().starts_with(std::env::temp_dir()) && !temporary_folder().exists());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        mode(&fs::metadata(path).expect("there"))
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    }

    /// Each way of opening or replacing a file of ours, and what it gives.
    fn ours(path: &Path) -> [(&'static str, io::Result<()>); 5] {
        [
            ("read", read_own(path, 9).map(drop).map_err(Into::into)),
            (
                "secret",
                read_secret(path, Links::Refused)
                    .map(drop)
                    .map_err(Into::into),
            ),
            ("append", append_own(path).map(drop)),
            ("lock", open_lock(path).map(drop)),
            ("write", write_own(path, b"new")),
        ]
    }

    /// What can be in the place of a file, and what it is called.
    fn no_files(folder: &Path) -> Vec<(PathBuf, &'static str)> {
        let at = |name: &str| folder.join(name);
        let made = std::process::Command::new("mkfifo")
            .arg(at("pipe"))
            .status();
        assert!(made.expect("mkfifo is everywhere").success());
        let socket = std::os::unix::net::UnixListener::bind(at("socket"));
        socket.expect("a short path");
        fs::create_dir(at("folder")).expect("made");
        fs::write(at("victim"), "precious").expect("written");
        symlink(at("victim"), at("link")).expect("linked");
        symlink(at("none"), at("dangling")).expect("linked");
        symlink(at("loop"), at("loop")).expect("linked");
        symlink(at("pipe"), at("to-pipe")).expect("linked");
        vec![
            (at("pipe"), "a pipe or a device"),
            (at("socket"), "a pipe or a device"),
            (at("folder"), "a folder"),
            (at("link"), "a link"),
            (at("dangling"), "a link"),
            (at("loop"), "a link"),
            (at("to-pipe"), "a link"),
        ]
    }

    #[test]
    fn what_is_no_file_of_ours_is_refused_without_waiting() {
        let folder = folder();
        for (path, called) in no_files(folder.path()) {
            for (way, result) in ours(&path) {
                let told = result.expect_err(way).to_string();
                assert!(told.contains(called), "{way} {}: {told}", path.display());
            }
            assert!(create_own(&path).is_err(), "{}", path.display());
        }
        assert_eq!(
            fs::read(folder.path().join("victim")).expect("there"),
            b"precious"
        );
        assert!(!folder.path().join("none").exists());
    }

    #[test]
    fn a_link_to_what_is_no_file_is_told_too() {
        let folder = folder();
        no_files(folder.path());
        let read = |name: &str| read(&folder.path().join(name));
        assert_eq!(read("link").expect("followed"), b"precious");
        assert!(matches!(
            read("to-pipe"),
            Err(ReadError::NotAFile("a pipe or a device"))
        ));
        assert!(matches!(read("loop"), Err(ReadError::Refused(_))));
        assert!(matches!(read("dangling"), Err(ReadError::Missing)));
        for name in ["pipe", "to-pipe", "socket", "folder", "loop"] {
            let told = write_private(&folder.path().join(name), b"new");
            assert!(told.is_err(), "{name}");
        }
        // Only read: who replaces what it finds there, as root, would take it from the whole machine.
        for device in ["/dev/zero", "/dev/tty"]
            .map(Path::new)
            .into_iter()
            .filter(|device| device.exists())
        {
            assert!(matches!(super::read(device), Err(ReadError::NotAFile(_))));
            assert!(matches!(read_own(device, 9), Err(ReadError::NotAFile(_))));
        }
    }

    #[test]
    fn a_link_that_the_user_made_stays_one() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("real"), "old").expect("written");
        symlink("real", at("link")).expect("linked");
        symlink("made", at("dangling")).expect("linked");
        for (link, real) in [("link", "real"), ("dangling", "made")] {
            write_private(&at(link), b"new").expect("replaced");
            assert!(fs::symlink_metadata(at(link)).expect("there").is_symlink());
            assert_eq!(fs::read(at(real)).expect("there"), b"new");
        }
    }

    #[test]
    fn what_is_made_is_private_and_what_was_open_is_closed() {
        let folder = folder();
        let state = folder.path().join("sub/state");
        own_folder(&state).expect("made");
        assert_eq!(mode_of(&state), 0o700);
        set_mode(&state, 0o755);
        let files = ["conversations.db", "conversations.lock", "monitor-token"]
            .map(|name| state.join(name));
        for (way, result) in ours(&files[0]) {
            assert_eq!(
                result.is_err(),
                matches!(way, "read" | "secret"),
                "{way}: {result:?}"
            );
        }
        for file in &files {
            fs::write(file, "of an earlier version").expect("written");
            set_mode(file, 0o644);
        }
        assert!(matches!(
            read_secret(&files[2], Links::Refused),
            Err(ReadError::Readable(0o644))
        ));
        read_own(&files[0], 99).expect("ours");
        open_lock(&files[1]).expect("ours");
        write_own(&files[2], b"another").expect("ours");
        own_folder(&state).expect("ours");
        assert_eq!(mode_of(&state), 0o700);
        for file in &files {
            assert_eq!(mode_of(file), 0o600, "{}", file.display());
        }
    }

    #[test]
    fn a_folder_with_other_things_in_it_keeps_its_rights() {
        let folder = folder();
        set_mode(folder.path(), 0o755);
        fs::write(folder.path().join("thesis.odt"), "").expect("written");
        own_folder(folder.path()).expect("ours");
        assert_eq!(mode_of(folder.path()), 0o755);
        fs::write(folder.path().join("file"), "").expect("written");
        assert!(own_folder(&folder.path().join("file")).is_err());
    }

    /// As root only: another user is needed.
    #[test]
    fn what_belongs_to_another_user_is_refused() {
        use std::os::unix::fs::{chown, lchown};
        let folder = folder();
        let (theirs, file) = (folder.path().join("theirs"), folder.path().join("file"));
        let link = folder.path().join("link");
        fs::create_dir(&theirs).expect("made");
        symlink(folder.path(), &link).expect("linked");
        fs::write(&file, "theirs").expect("written");
        const NOBODY: Option<u32> = Some(65_534);
        if chown(&theirs, NOBODY, None).is_err() {
            return;
        }
        chown(&file, NOBODY, None).expect("as before");
        lchown(&link, NOBODY, None).expect("as before");
        set_mode(&file, 0o600);
        for refused in [&theirs, &link] {
            let told = own_folder(refused).expect_err("theirs").to_string();
            assert!(told.contains("another user"), "{told}");
        }
        for (way, result) in ours(&file) {
            let told = result.expect_err(way).to_string();
            assert!(told.contains("another user"), "{way}: {told}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_process_left_is_removed_and_what_another_writes_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str| folder.path().join(name);
    let (left, theirs, other) = (
        file(".key.4194305.tmp"), // above the largest number that Linux gives
        file(".key.1.tmp"),
        file(".other.4194305.tmp"),
    );
    for path in [&left, &theirs, &other] {
        fs::write(path, "half").expect("written");
    }
    write_private(&file("key"), b"whole").expect("written");
    assert!(!left.exists() && theirs.exists() && other.exists());
}
