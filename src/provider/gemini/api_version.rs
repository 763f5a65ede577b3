//! The version of the API that a connection is opened under: `v1beta`, or `v1` for a model that only it has.

use tracing::{info, warn};
use url::Url;

use super::open::{Open, Opener, check_key};
use crate::provider::connection::fault::Fault;

/// What the path of the Live API begins with, up to the version.
const SERVICE: &str = "/ws/google.ai.generativelanguage";

impl Opener {
    /// Opens the connection. Where the service does not know the model under `v1beta`, tries `v1` once; where `v1` had the
    /// last one, begins with it.
    pub(super) async fn open(self) -> Result<Open, Fault> {
        check_key(&self.target)?;
        let beta = &self.target.url;
        let Some(v1) = v1_of(beta) else {
            return self.open_at(beta).await;
        };
        let mut versions = [("v1beta", beta), ("v1", &v1)];
        if self.v1_first {
            versions.reverse();
        }
        let [(version, url), (other, other_url)] = versions;
        let first = match self.open_at(url).await {
            Err(Fault::Model {
                detail,
                other_version: true,
            }) => detail,
            opened => return opened,
        };
        warn!(detail = %first, "the model is not available under {version} of the API: {other} is tried");
        let second = match self.open_at(other_url).await {
            Ok(open) => {
                info!("{other} of the API has the model, and stays in use for this endpoint");
                return Ok(open);
            }
            Err(fault) => fault,
        };
        let second = if let Fault::Model { detail, .. } = second {
            detail
        } else if matches!(second, Fault::NotForTalk { .. } | Fault::NotLive { .. }) {
            second.to_string()
        } else {
            // Trouble on the way, or with the rest of the setup: it says nothing about the model.
            return Err(second);
        };
        Err(Fault::Model {
            detail: format!("API {version}: {first}; API {other}: {second}"),
            other_version: false,
        })
    }
}

/// The same address under `v1`, where it is Google's path under `v1beta`.
fn v1_of(url: &Url) -> Option<Url> {
    let path = url.path();
    let version = format!("{SERVICE}.v1beta.");
    let is_live = path.trim_start_matches('/').starts_with(&version[1..]);
    let mut v1 = url.clone();
    v1.set_path(&path.replacen(&version, &format!("{SERVICE}.v1."), 1));
    is_live.then_some(v1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_googles_path_under_v1beta_has_another_version() {
        let path =
            |version: &str| format!("{SERVICE}.{version}.GenerativeService.BidiGenerateContent");
        for (asked, other) in [
            (path("v1beta"), Some(path("v1"))),
            (path("v1"), None),
            (path("v1alpha"), None),
            ("/live/v1beta".to_owned(), None),
            (format!("/gate{}", path("v1beta")), None),
        ] {
            let url = format!("ws://127.0.0.1:9{asked}?team=1");
            let v1 = v1_of(&Url::parse(&url).expect("an address"));
            let expected = other.map(|other| format!("ws://127.0.0.1:9{other}?team=1"));
            assert_eq!(v1.map(String::from), expected, "{asked}");
        }
    }
}
