//! Starting with the desktop: an entry in the user's autostart folder, as the desktops of Linux read it.

use std::io;
use std::path::{Path, PathBuf};

use crate::file;

/// The file in the autostart folder; desktops hide a system-wide entry of the same name behind it.
const NAME: &str = "sovereign.desktop";
const GROUP: &str = "[Desktop Entry]";

/// Whether the program starts with the desktop, as the system has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutostartState {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    On,
    Off,
    /// This system has no such folder, or it is not known how to use it.
    NotPossible,
}

/// The entry of this program.
#[derive(Clone, Debug, Default)]
pub struct Autostart {
    /// The entry, and what it starts; `None` where that is not possible.
    entry: Option<(PathBuf, Vec<String>)>,
}

impl Autostart {
    /// The entry for this program, with its window hidden and the configuration file that was named.
    #[must_use]
    pub fn find(config: Option<&Path>) -> Self {
        if !cfg!(all(unix, not(target_os = "macos"))) {
            return Self::default();
        }
        let folders = directories::BaseDirs::new();
        let folder = folders.map(|folders| folders.config_dir().join("autostart"));
        let folder = folder.filter(|folder| folder.is_absolute());
        let program = program().and_then(|program| program.to_str().map(str::to_owned));
        let config = config.map(|config| std::path::absolute(config).unwrap_or(config.to_owned()));
        let config = config.map(|config| config.to_str().map(str::to_owned));
        let entry = match (folder, program, config) {
            // A name that is no text cannot stand in the entry.
            (None, ..) | (_, None, _) | (.., Some(None)) => None,
            (Some(folder), Some(program), config) => {
                // Without --window it would talk in a terminal that nobody sees, where there is no display.
                let mut started = [program.as_str(), "--window", "--hidden"]
                    .map(str::to_owned)
                    .to_vec();
                if let Some(Some(config)) = config {
                    started.extend(["--config".to_owned(), config]);
                }
                Some((folder.join(NAME), started))
            }
        };
        Self { entry }
    }

    #[cfg(test)]
    fn at(folder: &Path, started: &[&str]) -> Self {
        let started = started.iter().map(|&word| word.to_owned()).collect();
        Self {
            entry: Some((folder.join(NAME), started)),
        }
    }

    /// How it stands: what the user or the desktop has done to the entry counts.
    #[must_use]
    pub fn look(&self) -> AutostartState {
        let Some((path, _)) = &self.entry else {
            return AutostartState::NotPossible;
        };
        let entry = std::fs::read_to_string(path);
        if entry.is_ok_and(|entry| is_in_force(&entry)) {
            AutostartState::On
        } else {
            AutostartState::Off
        }
    }

    /// Writes the entry, or removes it.
    ///
    /// # Errors
    /// The folder or the file cannot be written; or it is not possible on this system.
    pub fn set(&self, on: bool) -> io::Result<()> {
        let Some((path, started)) = &self.entry else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        if on {
            return file::write_private(path, entry(started).as_bytes());
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Removes the entry if it is the one that [`set`](Self::set) writes: for the end of everything that is kept.
    ///
    /// # Errors
    /// As `set`.
    pub fn remove_own(&self) -> io::Result<()> {
        let Some((path, started)) = &self.entry else {
            return Ok(());
        };
        match std::fs::read(path) {
            Ok(found) if found == entry(started).as_bytes() => self.set(false),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// What to start: the image that this program was started from, else the program itself, also when a newer one has taken its
/// place since.
fn program() -> Option<PathBuf> {
    if let Some(image) = std::env::var_os("APPIMAGE") {
        return Some(image.into());
    }
    let program = std::env::current_exe().ok()?;
    let replaced = program
        .to_str()
        .and_then(|it| it.strip_suffix(" (deleted)"));
    Some(replaced.map_or_else(|| program.clone(), PathBuf::from))
}

fn entry(started: &[String]) -> String {
    let exec: Vec<String> = started.iter().map(|word| quoted(word)).collect();
    format!(
        "{GROUP}\nType=Application\nName=Sovereign\nIcon=sovereign\nTerminal=false\nExec={}\n",
        exec.join(" ")
    )
}

/// A word of `Exec`: in quotes, as its own rules want it, and then as any text of an entry.
fn quoted(word: &str) -> String {
    let mut quoted = String::from('"');
    for character in word.chars() {
        match character {
            '\\' => quoted += r"\\\\",
            '"' | '`' | '$' => quoted.extend(['\\', '\\', character]),
            '%' => quoted += "%%",
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

/// The program that an entry starts.
fn started(exec: &str) -> String {
    let mut program = String::new();
    let mut characters = exec.trim().chars().peekable();
    let in_quotes = characters.next_if_eq(&'"').is_some();
    while let Some(character) = characters.next() {
        match character {
            '"' if in_quotes => break,
            ' ' if !in_quotes => break,
            '%' => drop(characters.next_if_eq(&'%').map(|_| program.push('%'))),
            '\\' => {
                // Two for one of the text, which in turn quotes the next character, itself included.
                let run = 1 + std::iter::from_fn(|| characters.next_if_eq(&'\\')).count();
                program.extend(std::iter::repeat_n('\\', run / 4));
                if run % 4 != 0 {
                    program.extend(characters.next());
                }
            }
            _ => program.push(character),
        }
    }
    program
}

/// Whether a desktop would start what the entry says: it is not switched off, and its program is there.
fn is_in_force(entry: &str) -> bool {
    let lines = entry.lines().map(str::trim);
    let group = lines.skip_while(|line| *line != GROUP).skip(1);
    let mut exec = None;
    for line in group.take_while(|line| !line.starts_with('[')) {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        match (key.trim_end(), value.trim_start()) {
            ("Hidden", "true") | ("X-GNOME-Autostart-enabled", "false") => return false,
            ("Exec", value) => exec = Some(started(value)),
            _ => {}
        }
    }
    exec.is_some_and(|program| {
        // One without a folder is looked for by the desktop.
        let program = Path::new(&program);
        !program.as_os_str().is_empty() && (!program.is_absolute() || program.exists())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_is_written_read_from_the_system_and_removed() {
        let home = tempfile::tempdir().expect("a folder");
        let program = home.path().join(r#"my "new" $tools 100%\sovereign"#);
        let program = program.to_str().expect("a text");
        let folder = home.path().join("config/autostart");
        let autostart = Autostart::at(&folder, &[program, "--hidden"]);
        assert_eq!(autostart.look(), AutostartState::Off);
        autostart.set(false).expect("nothing to remove");
        autostart.set(true).expect("written");
        assert_eq!(autostart.look(), AutostartState::Off, "it is not there");
        std::fs::write(program, "").expect("written");
        assert_eq!(autostart.look(), AutostartState::On);
        let file = folder.join(NAME);
        let entry = std::fs::read_to_string(&file).expect("readable");
        for off in ["Hidden=true", "X-GNOME-Autostart-enabled=false"] {
            std::fs::write(&file, format!("{entry}{off}\n")).expect("written");
            assert_eq!(autostart.look(), AutostartState::Off, "{off}");
            autostart.set(true).expect("written");
            assert_eq!(autostart.look(), AutostartState::On);
        }
        autostart.set(false).expect("removed");
        assert!(!file.exists());
        assert_eq!(autostart.look(), AutostartState::Off);
    }

    #[test]
    fn the_program_is_quoted_as_the_specification_wants_it() {
        let entry = entry(&["/opt/a b/sovereign".to_owned(), "--hidden".to_owned()]);
        assert!(entry.contains("\nExec=\"/opt/a b/sovereign\" \"--hidden\"\n"));
        assert_eq!(quoted(r#"a"b$c%d\e"#), r#""a\\"b\\$c%%d\\\\e""#);
        for word in [r#"a"b$c%d\e`"#, "/plain", r"\\", "a b"] {
            assert_eq!(started(&quoted(word)), word);
        }
        assert_eq!(started("sovereign --hidden"), "sovereign");
    }

    #[test]
    fn without_a_place_it_is_not_possible() {
        let none = Autostart::default();
        assert_eq!(none.look(), AutostartState::NotPossible);
        assert!(none.set(true).is_err());
    }
}
