//! What the environment says about proxies: which one, and for which addresses.
//!
//! | variables, in this order | |
//! | --- | --- |
//! | `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY`, `all_proxy` | the first that is not empty names the proxy |
//! | `NO_PROXY`, `no_proxy` | the first that is not empty names hosts that are dialled directly |
//!
//! `HTTP_PROXY` is for unencrypted addresses; those are on this computer, which no proxy leads to.

use std::ffi::{OsStr, OsString};
use std::net::IpAddr;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use secrecy::SecretSlice;
use url::{Host, Url};

use super::super::fault::{Fault, presentable};
use super::{Kind, Login, Proxy};
use crate::base::local_caller::is_loopback;
use crate::base::text::t;
use crate::base::variable;

const PROXY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const EXCEPT: [&str; 2] = ["NO_PROXY", "no_proxy"];
const UNUSED: [&str; 2] = ["HTTP_PROXY", "http_proxy"];

/// The proxy of the environment, and whom it is not for.
#[derive(Clone)]
pub(in super::super) struct ProxyRules {
    /// The proxy, or why what names it cannot be used; `None` where no variable names one.
    proxy: Option<Result<Proxy, Fault>>,
    except: Exceptions,
    /// A variable that is set and means nothing here.
    unused: Option<&'static str>,
}

/// How an address is reached.
pub(in super::super) enum Way<'a> {
    /// No variable names a proxy.
    Direct,
    /// It is on this computer: whatever the variables say, it is dialled directly.
    Here,
    /// This variable exempts it from this proxy.
    Exempt(&'static str),
    Through(&'a Proxy),
    /// A variable cannot be understood: it is not dialled at all.
    Broken(&'a Fault),
}

impl ProxyRules {
    pub(in super::super) fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var_os(name))
    }

    pub(in super::super) fn from_variables(read: impl Fn(&str) -> Option<OsString>) -> Self {
        let first = |names: &[&'static str]| {
            let value = |name: &&'static str| {
                let value = read(name).and_then(|value| variable::meant(&value));
                value.map(|value| (*name, value))
            };
            names.iter().find_map(value)
        };
        let except = first(&EXCEPT);
        Self {
            proxy: first(&PROXY).map(|(name, value)| parse(name, &value)),
            except: except.map_or_else(Exceptions::default, |(name, value)| {
                Exceptions::parse(name, &value)
            }),
            unused: first(&UNUSED).map(|(name, _)| name),
        }
    }

    /// How `url` is reached.
    pub(in super::super) fn way(&self, url: &Url) -> Way<'_> {
        let here = url.host().is_some_and(|host| is_loopback(&host));
        match &self.proxy {
            None => Way::Direct,
            Some(_) if here => Way::Here,
            Some(_) if self.except.hold(url) => Way::Exempt(self.except.variable),
            Some(Ok(proxy)) => Way::Through(proxy),
            Some(Err(fault)) => Way::Broken(fault),
        }
    }

    /// The proxy whether or not it is used.
    pub(in super::super) fn proxy(&self) -> Option<&Result<Proxy, Fault>> {
        self.proxy.as_ref()
    }

    /// What is set and has no effect, as sentences.
    pub(in super::super) fn ignored(&self) -> Vec<String> {
        let name = self.except.variable;
        let entry = |entry: &String| {
            format!(
                "`{}` in {name} is not understood and ignored: write a host, .domain, host:port, an address or a network as 10.0.0.0/8",
                presentable(
                    // `host:port` has the shape of a login as well.
                    &if entry.contains('@') {
                        without_login(entry)
                    } else {
                        entry.clone()
                    },
                    None
                )
            )
        };
        let mut ignored: Vec<_> = self.except.unknown.iter().map(entry).collect();
        if let (None, Some(name)) = (&self.proxy, self.unused) {
            ignored.push(format!(
                "{name} is for unencrypted addresses and ignored: set HTTPS_PROXY if the service is to be reached through it"
            ));
        }
        ignored
    }
}

/// Reads the value of a variable.
fn parse(variable: &'static str, value: &OsStr) -> Result<Proxy, Fault> {
    let bad = |why: String| Fault::Variable {
        variable,
        value: without_login(&value.to_string_lossy()),
        why,
        hint: t!("write-http-host-port"),
    };
    let text = value
        .to_str()
        .ok_or_else(|| bad(t!("it-is-not-text-in").to_owned()))?;
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let (kind, usual_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (Kind::Http, 80),
        "https" => (Kind::Https, 443),
        "socks5" => (Kind::Socks { names_there: false }, 1080),
        // Desktops write `socks`, and mean version 5.
        "socks5h" | "socks" => (Kind::Socks { names_there: true }, 1080),
        "socks4" | "socks4a" => {
            return Err(bad(t!("socks-version-4-is-not").to_owned()));
        }
        _ => {
            return Err(bad(t!("its-scheme-is-none-of").to_owned()));
        }
    };
    // As HTTP whatever it is: in other schemes the library takes an IPv4 address for a name.
    let url = Url::parse(&format!("http://{rest}")).map_err(|error| bad(error.to_string()))?;
    let host = url
        .host()
        .ok_or_else(|| bad(t!("the-proxy-names-no-host").to_owned()))?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(bad(t!("something-follows-the-host").to_owned()));
    }
    // The library leaves out the usual port of HTTP, also where it is written.
    let written_80 = rest.trim_end_matches('/').ends_with(":80");
    let port = url
        .port()
        .unwrap_or(if written_80 { 80 } else { usual_port });
    if port == 0 {
        return Err(bad(t!("port-0-cannot-be-dialled").to_owned()));
    }
    let login = login(&url);
    if let (Kind::Socks { .. }, Some(login)) = (kind, &login) {
        login.for_socks().map_err(|why| bad(why.to_owned()))?;
    }
    Ok(Proxy {
        kind,
        host: host.to_owned(),
        port,
        login,
        variable,
    })
}

/// User and password, percent-decoded.
fn login(url: &Url) -> Option<Login> {
    let decoded = |text| SecretSlice::from(percent_decode_str(text).collect::<Vec<u8>>());
    let is_there = !url.username().is_empty() || url.password().is_some();
    is_there.then(|| Login {
        user: decoded(url.username()),
        password: decoded(url.password().unwrap_or_default()),
    })
}

/// A proxy as it was written, without what may be a user or a password.
fn without_login(text: &str) -> String {
    let is_scheme = |scheme: &str| {
        let may_be = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        scheme.bytes().all(may_be)
    };
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (format!("{scheme}://"), rest),
        Some(_) | None => (String::new(), text),
    };
    let encoded = || rest.to_ascii_lowercase().rfind("%40").map(|at| at + 3);
    let behind_login = rest.rfind('@').map(|at| at + 1).or_else(encoded);
    let is_port = |port: &str| {
        port.trim_end_matches('/')
            .bytes()
            .all(|b| b.is_ascii_digit())
    };
    let shown = match (behind_login, rest.split_once(':')) {
        (Some(at), _) => format!("…@{}", &rest[at..]),
        // Nothing but a port is shown behind a colon: a login whose host was forgotten looks the same.
        (None, Some((host, port))) if !is_port(port) && !rest.starts_with('[') => {
            format!("{host}:…")
        }
        (None, _) => rest.to_owned(),
    };
    presentable(&format!("{scheme}{shown}"), None)
}

/// Hosts that are dialled directly.
#[derive(Clone, Default)]
struct Exceptions {
    variable: &'static str,
    everything: bool,
    entries: Vec<Entry>,
    unknown: Vec<String>,
}

/// A host, a domain, an address or a network, in a form that the matcher knows.
#[derive(Clone)]
struct Entry {
    pattern: String,
    /// The only port that it is about.
    port: Option<u16>,
}

impl Exceptions {
    fn parse(variable: &'static str, value: &OsStr) -> Self {
        let mut this = Self {
            variable,
            ..Self::default()
        };
        let text = value.to_string_lossy();
        let parts = text.split(|c: char| matches!(c, ',' | ';') || c.is_whitespace());
        for part in parts
            .map(variable::unquoted)
            .filter(|part| !part.is_empty())
        {
            match Entry::parse(part) {
                _ if matches!(part, "*" | "*:*") => this.everything = true,
                Some(entry) => this.entries.push(entry),
                None => this.unknown.push(part.to_owned()),
            }
        }
        this
    }

    /// Whether an address is dialled directly.
    fn hold(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        let Ok(uri) = format!("https://{host}/").parse::<Uri>() else {
            return self.everything;
        };
        let for_port = |entry: &&Entry| entry.port.is_none() || entry.port == port;
        let patterns: Vec<_> = self
            .entries
            .iter()
            .filter(for_port)
            .map(|entry| &*entry.pattern)
            .collect();
        let matcher = Matcher::builder()
            .all("http://proxy")
            .no(patterns.join(","))
            .build();
        self.everything || matcher.intercept(&uri).is_none()
    }
}

impl Entry {
    fn parse(part: &str) -> Option<Self> {
        let part = part
            .split_once("://")
            .map_or(part, |(_, host)| host)
            .trim_end_matches('/');
        if let Some(network) = network(part) {
            return Some(Self {
                pattern: network,
                port: None,
            });
        }
        let (host, port) = match part.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (part, None),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Some(Self {
                pattern: ip.to_string(),
                port,
            });
        }
        let name = host
            .strip_prefix('*')
            .filter(|rest| rest.starts_with('.'))
            .unwrap_or(host);
        let name = name.trim_matches('.');
        // In the letters that addresses have after parsing; what looks like a number is no name.
        match Host::parse(name).ok()? {
            Host::Domain(name) if !name.contains('*') => Some(Self {
                pattern: name,
                port,
            }),
            Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }
}

/// An address, with or without brackets, or a network as `10.0.0.0/8`.
fn network(part: &str) -> Option<String> {
    let bare = |text: &str| {
        text.trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>()
            .ok()
    };
    let Some((ip, bits)) = part.split_once('/') else {
        return bare(part).map(|ip| ip.to_string());
    };
    let (ip, bits) = (bare(ip)?, bits.trim_end_matches(']').parse::<u8>().ok()?);
    let most = if ip.is_ipv4() { 32 } else { 128 };
    (bits <= most).then(|| format!("{ip}/{bits}"))
}
