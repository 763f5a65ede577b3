//! HTTP proxies of the environment: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, in either case.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::dial::Stream;
use super::error::Fault;
use super::upgrade::{self, NoHead};

/// A proxy that opens tunnels with CONNECT.
#[derive(Clone)]
pub(super) struct Proxy {
    /// Where it is.
    pub(super) url: Url,
    /// Hosts that are not asked through it, lower case.
    except: Vec<String>,
}

impl Proxy {
    /// The proxy that `variable` names; `None` without one, or with one of another kind than `http://`.
    pub(super) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let either = |name: &str| variable(name).or_else(|| variable(&name.to_ascii_lowercase()));
        let text = either("HTTPS_PROXY").or_else(|| either("ALL_PROXY"))?;
        let text = if text.contains("://") {
            text
        } else {
            format!("http://{text}")
        };
        let url = Url::parse(&text)
            .ok()
            .filter(|url| url.scheme() == "http")?;
        let except = either("NO_PROXY").unwrap_or_default();
        let except = except
            .split(',')
            .map(|name| name.trim().trim_start_matches('.').to_ascii_lowercase());
        Some(Self {
            url,
            except: except.filter(|name| !name.is_empty()).collect(),
        })
    }

    /// Whether a host is asked through it.
    pub(super) fn serves(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        !self.except.iter().any(|name| {
            let parent = host.strip_suffix(name.as_str());
            name == "*" || parent.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    /// Asks for a tunnel.
    ///
    /// # Errors
    /// It wants a login, or does not lead there.
    pub(super) async fn tunnel(&self, stream: &mut Stream, to: &Url) -> Result<(), Fault> {
        let (proxy, address) = (upgrade::address(&self.url), upgrade::address(to));
        let mut request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n");
        if !self.url.username().is_empty() {
            let login = format!(
                "{}:{}",
                self.url.username(),
                self.url.password().unwrap_or_default()
            );
            request.push_str(&format!(
                "Proxy-Authorization: Basic {}\r\n",
                STANDARD.encode(login)
            ));
        }
        request.push_str("\r\n");
        let answer = match upgrade::exchange(stream, request.as_bytes()).await {
            Ok(head) if (200..300).contains(&head.status) => return Ok(()),
            Ok(head) if head.status == 407 => return Err(Fault::ProxyLogin { proxy }),
            Ok(head) => format!("HTTP {}", head.status),
            Err(NoHead::Io(error)) => error.to_string(),
            Err(NoHead::NotHttp) => "something that is not HTTP".to_owned(),
        };
        Err(Fault::Proxy {
            proxy,
            address,
            answer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_a_proxy_and_its_exceptions() {
        let variables = |name: &str| match name {
            "https_proxy" => Some("proxy.example:3128".to_owned()),
            "NO_PROXY" => Some(".example.org, localhost".to_owned()),
            _ => None,
        };
        let proxy = Proxy::from_variables(variables).expect("named");
        assert_eq!(upgrade::address(&proxy.url), "proxy.example:3128");
        for (host, served) in [
            ("generativelanguage.googleapis.com", true),
            ("example.org", false),
            ("live.EXAMPLE.org", false),
            ("badexample.org", true),
        ] {
            assert_eq!(proxy.serves(host), served, "{host}");
        }
        let socks = |name: &str| (name == "ALL_PROXY").then(|| "socks5://127.0.0.1:1".to_owned());
        assert!(Proxy::from_variables(socks).is_none());
        assert!(Proxy::from_variables(|_| None).is_none());
    }
}
