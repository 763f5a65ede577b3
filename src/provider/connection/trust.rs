//! Which certificates are trusted: the platform's, or on Linux those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
//!
//! The variables are read here and not left to the library below: that one takes an empty variable for a file without a
//! name, and of a missing file it says only that there are no certificates.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::fault::{Fault, presentable};
use crate::base::text::t;
use crate::base::variable;

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";
/// The system's own have 0.3 MB.
const LARGEST_FILE: u64 = 16 << 20;

/// What the variables say.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    file: Option<OsString>,
    folders: Option<OsString>,
    /// A variable is there and holds nothing, which counts as unset.
    emptied: bool,
}

/// Certificates of the variables.
pub(super) struct Trusted {
    pub(super) store: RootCertStore,
    /// Where they come from, in words.
    pub(super) source: String,
    /// Variables that could not be used beside one that could.
    pub(super) ignored: Vec<Fault>,
}

impl Trust {
    pub(super) fn from_environment() -> Self {
        if cfg!(target_os = "linux") {
            Self::of(std::env::var_os(FILE), std::env::var_os(FOLDERS))
        } else {
            Self::default()
        }
    }

    pub(super) fn of(file: Option<OsString>, folders: Option<OsString>) -> Self {
        let meant = |value: &Option<OsString>| value.as_deref().and_then(variable::meant);
        let this = Self {
            file: meant(&file),
            folders: meant(&folders),
            emptied: false,
        };
        Self {
            emptied: file.is_some() != this.file.is_some(),
            ..this
        }
    }

    /// Reads the certificates that the variables name; `None` where they name none: the platform's count.
    pub(super) fn read(&self) -> Result<Option<Trusted>, Fault> {
        let mut trusted = Trusted {
            store: RootCertStore::empty(),
            source: String::new(),
            ignored: Vec::new(),
        };
        let file = self
            .file
            .as_ref()
            .map(|value| (FILE, value, vec![PathBuf::from(value)]));
        let folders = self.folders.as_ref().map(|value| {
            let folders = std::env::split_paths(value).filter(|path| !path.as_os_str().is_empty());
            (FOLDERS, value, folders.collect())
        });
        for (variable, value, paths) in file.into_iter().chain(folders) {
            match certificates(variable, &paths).and_then(|found| add(&mut trusted.store, found)) {
                Ok(()) => trusted.source = join(&trusted.source, variable, value),
                Err(why) => trusted.ignored.push(Fault::Variable {
                    variable,
                    value: presentable(&value.to_string_lossy(), None),
                    why,
                    hint: t!("name-the-certificates-of-your"),
                }),
            }
        }
        if !trusted.store.is_empty() {
            return Ok(Some(trusted));
        }
        if let Some(fault) = trusted.ignored.into_iter().next() {
            return Err(fault);
        }
        Ok(self.emptied.then(platform).flatten())
    }
}

fn join(before: &str, variable: &str, value: &OsString) -> String {
    let and = if before.is_empty() { "" } else { " and " };
    format!(
        "{before}{and}{} of {variable}",
        presentable(&value.to_string_lossy(), None)
    )
}

fn add(store: &mut RootCertStore, found: Vec<CertificateDer<'static>>) -> Result<(), String> {
    let (added, _) = store.add_parsable_certificates(found);
    if added == 0 {
        Err(t!("none-of-its-certificates-can").to_owned())
    } else {
        Ok(())
    }
}

/// The certificates at these paths, or why there are none.
#[cfg(target_os = "linux")]
fn certificates(variable: &str, paths: &[PathBuf]) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut found = Vec::new();
    let mut why = t!("it-holds-no-certificate-in").to_owned();
    for path in paths {
        if let Err(problem) = suitable(path, variable == FOLDERS) {
            why = problem;
            continue;
        }
        let read = if variable == FOLDERS {
            rustls_native_certs::load_certs_from_paths(None, Some(path))
        } else {
            rustls_native_certs::load_certs_from_paths(Some(path), None)
        };
        if let Some(error) = read.errors.first() {
            why = presentable(&error.to_string(), None);
        }
        found.extend(read.certs);
    }
    if found.is_empty() {
        Err(why)
    } else {
        Ok(found)
    }
}

#[cfg(not(target_os = "linux"))]
fn certificates(_: &str, _: &[PathBuf]) -> Result<Vec<CertificateDer<'static>>, String> {
    Err("this system has a store of its own".to_owned())
}

/// That reading a path comes to an end: a pipe or a device might never.
fn suitable(path: &Path, folder: bool) -> Result<(), String> {
    let metadata = std::fs::metadata(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            let what = if folder {
                t!("there-is-no-such-folder")
            } else {
                t!("there-is-no-such-file")
            };
            what.to_owned()
        } else {
            error.to_string()
        }
    })?;
    match (folder, metadata.is_dir(), metadata.is_file()) {
        (true, true, _) => Ok(()),
        (true, false, _) => Err(t!("it-is-not-a-folder").to_owned()),
        (false, true, _) => Err(t!("it-is-a-folder").to_owned()),
        (false, false, true) if metadata.len() <= LARGEST_FILE => Ok(()),
        (false, false, true) => Err(t!("it-is-too-large-to").to_owned()),
        (false, false, false) => Err(t!("it-is-not-a-file").to_owned()),
    }
}

/// The system's certificates, where the variables would keep the platform's own verifier from finding them.
#[cfg(target_os = "linux")]
fn platform() -> Option<Trusted> {
    let places = openssl_probe::probe();
    let mut store = RootCertStore::empty();
    let file = places.cert_file.as_deref();
    store.add_parsable_certificates(rustls_native_certs::load_certs_from_paths(file, None).certs);
    for folder in &places.cert_dir {
        let read = rustls_native_certs::load_certs_from_paths(None, Some(folder));
        store.add_parsable_certificates(read.certs);
    }
    (!store.is_empty()).then(|| Trusted {
        store,
        source: String::new(),
        ignored: Vec::new(),
    })
}

#[cfg(not(target_os = "linux"))]
fn platform() -> Option<Trusted> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_unset() {
        for empty in ["", " ", "\"\"", "''"] {
            let unset = Trust::of(Some(empty.into()), Some(empty.into()));
            let read = unset
                .read()
                .map_err(|fault| fault.to_string())
                .expect("the system's");
            assert!(
                read.is_none_or(|read| read.source.is_empty()),
                "{empty:?} names nothing"
            );
        }
        assert!(Trust::default().read().is_ok_and(|read| read.is_none()));
    }

    #[test]
    fn what_holds_no_certificate_is_said_with_the_variable_and_its_value() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("empty.pem"), "").expect("written");
        std::fs::write(path("text.pem"), "no certificate at all\n").expect("written");
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(path("broken.pem"), broken).expect("written");
        std::fs::create_dir(path("void")).expect("made");
        let large = std::fs::File::create(path("large.pem")).expect("made");
        large.set_len(LARGEST_FILE + 1).expect("sparse");
        let table: [(PathBuf, bool, &str); 9] = [
            (path("nowhere.pem"), false, "there is no such file"),
            (path("nowhere"), true, "there is no such folder"),
            (path("empty.pem"), false, "no certificate in PEM form"),
            (path("text.pem"), false, "no certificate in PEM form"),
            (
                path("broken.pem"),
                false,
                t!("none-of-its-certificates-can"),
            ),
            (path("void"), false, "SSL_CERT_DIR"),
            (path("void"), true, "no certificate in PEM form"),
            (path("large.pem"), false, "too large"),
            ("/dev/zero".into(), false, t!("it-is-not-a-file")),
        ];
        for (value, is_folder, why) in table {
            let written = Some(value.clone().into_os_string());
            let trust = if is_folder {
                Trust::of(None, written)
            } else {
                Trust::of(written, None)
            };
            let Err(fault) = trust.read() else {
                panic!("{} was taken", value.display())
            };
            let variable = if is_folder { FOLDERS } else { FILE };
            let said = fault.to_string();
            for part in [variable, &value.display().to_string(), why] {
                assert!(said.contains(part), "no `{part}`: {said}");
            }
            assert!(fault.hint().contains("unset"), "{}", fault.hint());
        }
    }

    #[test]
    fn certificates_of_either_variable_are_enough_and_the_other_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key = rcgen::KeyPair::generate().expect("randomness");
        let params = rcgen::CertificateParams::new(["x".to_owned()]).expect("a name");
        let pem = params.self_signed(&key).expect("valid").pem();
        let file = folder.path().join("a.pem");
        std::fs::write(&file, format!("# comment\n{pem}junk\n")).expect("written");
        let quoted = format!("\"{}\"", file.display());
        let trust = Trust::of(Some(quoted.into()), Some("/nowhere".into()));
        let trusted = trust.read().ok().flatten().expect("one certificate");
        assert_eq!((trusted.store.len(), trusted.ignored.len()), (1, 1));
        assert!(
            trusted.source.ends_with("a.pem of SSL_CERT_FILE"),
            "{}",
            trusted.source
        );
        assert!(
            trusted.ignored[0]
                .to_string()
                .contains("SSL_CERT_DIR is set to `/nowhere`")
        );
        let folders = std::env::join_paths([Path::new("/nowhere"), folder.path()]).expect("two");
        assert!(
            Trust::of(None, Some(folders))
                .read()
                .is_ok_and(|read| read.is_some())
        );
    }
}
