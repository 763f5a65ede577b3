//! Addresses of services: which may be dialled, and how messages show them.

use url::{Host, Url};

use super::fault::Fault;
use crate::base::local_caller::is_loopback;
use crate::base::text::t;

/// The host, and whether it is reached with TLS.
pub(in crate::provider) fn check(url: &Url) -> Result<(Host<String>, bool), Fault> {
    let bad = |why| Fault::BadAddress {
        url: format!("{}://{}", url.scheme(), host_and_port(url)),
        why,
    };
    let host = url
        .host()
        .ok_or_else(|| bad(t!("it-names-no-host")))?
        .to_owned();
    match url.scheme() {
        "wss" => Ok((host, true)),
        "ws" if is_loopback(&host) => Ok((host, false)),
        "ws" => Err(Fault::Unencrypted {
            host: host.to_string(),
        }),
        _ => Err(bad(t!("it-begins-neither-with-wss"))),
    }
}

/// Host and port, as they are shown and asked for.
pub(in crate::provider) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
