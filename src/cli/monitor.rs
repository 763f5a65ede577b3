//! Starts the monitoring endpoint if configured.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use crate::file::{self, Links, ReadError};
use crate::monitor::{self, Monitor, PageRequests, token};
use crate::settings::config::MonitorSettings;

/// A running endpoint, and its page requests.
pub(super) struct Running {
    pub(super) asked: PageRequests,
    pub(super) monitor: Monitor,
    /// Prints where the token is, for the set-up of the collector.
    pub(super) announcement: String,
}

/// Listens on the address of `--monitor` or the configuration; `None` without either. Call it inside the runtime.
///
/// # Errors
///
/// When the port is taken, or the token cannot be stored: the program continues without the endpoint.
pub(super) fn start(
    flag: Option<u16>,
    settings: &MonitorSettings,
    state: &Path,
) -> anyhow::Result<Option<Running>> {
    let of_flag = flag.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let Some(address) = of_flag.or(settings.listen) else {
        return Ok(None);
    };
    let (token, whence) = match &settings.token {
        Some(token) => (
            SecretString::from(token.expose()),
            "that of the configuration file".to_owned(),
        ),
        None => {
            let (token, file) = kept_token(state)?;
            (token, format!("in {}", file.display()))
        }
    };
    let (asked, pages) = monitor::page_channel();
    let monitor = Monitor::start(address, token, pages)?;
    let address = monitor.address();
    Ok(Some(Running {
        asked,
        announcement: format!(
            "figures for Prometheus: http://{address}/metrics, health: http://{address}/health; the token is {whence}"
        ),
        monitor,
    }))
}

/// The token of the state folder; a new one if there is none, or an invalid one.
fn kept_token(state: &Path) -> anyhow::Result<(SecretString, PathBuf)> {
    let path = state.join("monitor-token");
    let cannot = || {
        let path = path.display();
        format!("the token of the monitor cannot be kept in {path}")
    };
    // A token that others could read is no secret: it is replaced.
    let text = match file::read_secret(&path, Links::Refused) {
        Ok(bytes) => Some(bytes),
        Err(ReadError::Missing | ReadError::Readable(_)) => None,
        Err(error) => return Err(error).with_context(cannot),
    };
    let kept = text.and_then(|bytes| String::from_utf8(bytes).ok());
    let kept = kept.map(SecretString::from);
    if let Some(kept) = kept.as_ref().map(|kept| kept.expose_secret().trim())
        && token::is_token(kept)
    {
        return Ok((SecretString::from(kept), path));
    }
    let fresh = token::fresh();
    file::keep(&path, fresh.expose_secret().as_bytes()).with_context(cannot)?;
    Ok((fresh, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (one, path) = kept_token(folder.path()).expect("kept");
        let (again, _) = kept_token(folder.path()).expect("read");
        assert_eq!(one.expose_secret(), again.expose_secret());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path)
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(&path, "short").expect("written");
        let (other, _) = kept_token(folder.path()).expect("made anew");
        assert!(
            token::is_token(other.expose_secret()) && other.expose_secret() != one.expose_secret()
        );
    }

    #[tokio::test]
    async fn nothing_listens_unless_it_is_asked_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let none = start(None, &MonitorSettings::default(), folder.path()).expect("no fault");
        assert!(none.is_none() && folder.path().read_dir().expect("a folder").next().is_none());
    }
}
