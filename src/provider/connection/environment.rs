//! What the environment says about the way to the service, in words for people.

use url::Url;

use super::fault::Fault;
use super::proxy::rules::{ProxyRules, Way};
use super::trust::Trust;

/// What was found about a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentFinding {
    /// What is so, without any login.
    pub what: String,
    /// What to do, where it is not as it should be.
    pub hint: Option<String>,
    /// Whether nothing can be dialled because of it.
    pub fatal: bool,
}

impl EnvironmentFinding {
    fn good(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: None,
            fatal: false,
        }
    }

    fn of(fault: &Fault, fatal: bool) -> Self {
        Self {
            what: fault.to_string(),
            hint: Some(fault.hint().to_owned()),
            fatal,
        }
    }
}

/// The proxy in force for `url` (`None`: the demo), and settings that have no effect.
pub fn proxy(url: Option<&Url>) -> Vec<EnvironmentFinding> {
    described(&ProxyRules::from_environment(), url)
}

fn described(rules: &ProxyRules, url: Option<&Url>) -> Vec<EnvironmentFinding> {
    let host = url.and_then(Url::host_str).unwrap_or("the demo");
    let named = match rules.proxy() {
        None => String::new(),
        Some(Ok(proxy)) => proxy.describe(),
        Some(Err(fault)) => fault.to_string(),
    };
    let first = match url.map_or(Way::Here, |url| rules.way(url)) {
        Way::Broken(fault) => EnvironmentFinding::of(fault, true),
        Way::Through(_) => {
            EnvironmentFinding::good(format!("{named}: {host} is reached through it"))
        }
        _ if named.is_empty() => {
            EnvironmentFinding::good("none: neither HTTPS_PROXY nor ALL_PROXY names one")
        }
        Way::Exempt(variable) => EnvironmentFinding::good(format!(
            "{named}: not used, because {variable} exempts {host}"
        )),
        Way::Direct | Way::Here => EnvironmentFinding::good(format!(
            "{named}: not used, because {host} is on this computer"
        )),
    };
    let ignored = rules.ignored().into_iter().map(|what| EnvironmentFinding {
        what,
        hint: Some("Correct the variable, or unset it.".to_owned()),
        fatal: false,
    });
    std::iter::once(first).chain(ignored).collect()
}

/// The certificates that are trusted; a fault is fatal where `url` is encrypted.
pub fn certificates(url: Option<&Url>) -> Vec<EnvironmentFinding> {
    let fatal = url.is_some_and(|url| url.scheme() == "wss");
    match Trust::from_environment().read() {
        Err(fault) => vec![EnvironmentFinding::of(&fault, fatal)],
        Ok(None) => vec![EnvironmentFinding::good("the system's")],
        Ok(Some(trusted)) => {
            let source = match &trusted.source {
                none if none.is_empty() => "the system's",
                source => source,
            };
            let ignored = trusted
                .ignored
                .iter()
                .map(|fault| EnvironmentFinding::of(fault, false));
            std::iter::once(EnvironmentFinding::good(source))
                .chain(ignored)
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_in_force_is_named_without_its_login() {
        let google = Url::parse("wss://generativelanguage.googleapis.com/x").expect("an address");
        let here = Url::parse("ws://127.0.0.1:9/x").expect("an address");
        type Variables = &'static [(&'static str, &'static str)];
        let table: [(Variables, &Url, &str, bool); 7] = [
            (&[], &google, "none: neither", false),
            (
                &[("https_proxy", "http://me:canary@p.example:3128")],
                &google,
                "http://p.example:3128 from https_proxy, with a login: generativelanguage.googleapis.com is reached through it",
                false,
            ),
            (
                &[
                    ("ALL_PROXY", "socks5://p.example"),
                    ("no_proxy", ".googleapis.com"),
                ],
                &google,
                "socks5://p.example:1080 from ALL_PROXY, without a login: not used, because no_proxy exempts generativelanguage.googleapis.com",
                false,
            ),
            (
                &[("HTTPS_PROXY", "p.example:1")],
                &here,
                "not used, because 127.0.0.1 is on this computer",
                false,
            ),
            (
                &[("HTTPS_PROXY", "gopher://me:canary@p.example:70")],
                &google,
                "HTTPS_PROXY is set to `gopher://…@p.example:70`, which cannot be used",
                true,
            ),
            (
                &[("HTTPS_PROXY", "p.example:1"), ("NO_PROXY", "10.*")],
                &google,
                "`10.*` in NO_PROXY is not understood and ignored",
                false,
            ),
            (
                &[("HTTP_PROXY", "p.example:1")],
                &google,
                "HTTP_PROXY is for unencrypted addresses and ignored",
                false,
            ),
        ];
        for (variables, url, part, fatal) in table {
            let read = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.into())
            };
            let findings = described(&ProxyRules::from_variables(read), Some(url));
            let found = findings.iter().find(|finding| finding.what.contains(part));
            let found = found.unwrap_or_else(|| panic!("no `{part}` in {findings:?}"));
            assert_eq!(found.fatal, fatal, "{found:?}");
            assert!(!format!("{findings:?}").contains("canary"), "{findings:?}");
        }
    }
}
