//! Whether a newer version was published.
//!
//! The list of checksums beside the packages of a release names its version, and a signature (minisign) vouches for it. A build
//! knows where its releases are, and by which key they are signed, from `SOVEREIGN_RELEASES` and `SOVEREIGN_RELEASE_KEY` while
//! it is compiled; `.github/workflows/release.yml` sets them. Other builds never ask: a distribution updates its packages by
//! itself. Nothing is downloaded but the list, and nothing is installed.

use std::time::Duration;

use minisign_verify::{PublicKey, Signature};
use tokio::time::timeout;
use url::Url;

use crate::base::text::t;
use crate::provider::connection::dial::Dialer;
use crate::provider::connection::fault::Fault;
use crate::provider::connection::get::{HttpAnswer, get};

/// The list of checksums, and its signature beside it.
const LIST: &str = "SHA256SUMS";
const SIGNATURE: &str = "SHA256SUMS.minisig";
/// How the packages of a release begin, before their version.
const PACKAGE: &str = "sovereign-";
/// The longest list, in bytes: it has a line for each package.
const LONGEST: usize = 64 * 1024;
/// How often a server may send us elsewhere.
const MOST_HOPS: usize = 4;
/// Limit for an answer, on a slow line.
const WITHIN: Duration = Duration::from_secs(20);

/// Where the releases of a build are, and who signs them.
#[derive(Debug)]
pub struct ReleaseSource {
    /// The newest release, for people; its files are in `download/`.
    page: Url,
    key: PublicKey,
}

/// A version that was published after this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewerVersion {
    pub version: String,
    /// Where it is, for people.
    pub page: String,
}

/// Why it is not known whether there is a newer version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    #[error("{0}")]
    Connection(#[from] Fault),
    #[error("{}", t!("the-releases-answer-with", status = *.0))]
    Status(u16),
    #[error("{}", t!("the-releases-do-not-answer"))]
    Late,
    /// A signature that is not that of the key, or none at all.
    #[error("{}", t!("the-list-of-releases-is-not-signed"))]
    NotSigned,
    #[error("{}", t!("the-list-of-releases-names-no-version"))]
    NoVersion,
}

impl ReleaseSource {
    /// That of this build; `None` for a build that is updated otherwise.
    pub fn of_this_build() -> Option<Self> {
        Self::new(
            option_env!("SOVEREIGN_RELEASES")?,
            option_env!("SOVEREIGN_RELEASE_KEY")?,
        )
    }

    /// `page` is `https://…`, `key` a public key of minisign in base64; `None` where one is none.
    fn new(page: &str, key: &str) -> Option<Self> {
        let page = Url::parse(page.trim_end_matches('/')).ok()?;
        let key = PublicKey::from_base64(key).ok()?;
        Some(Self { page, key })
    }

    /// The newest version, where it is newer than `current`.
    ///
    /// # Errors
    /// No connection, or a list that cannot be trusted.
    pub async fn newer_than(
        &self,
        current: &str,
        dialer: &dyn Dialer,
    ) -> Result<Option<NewerVersion>, NotFound> {
        let list = self.file(LIST, dialer).await?;
        let signature = self.file(SIGNATURE, dialer).await?;
        let signature = Signature::decode(&String::from_utf8_lossy(&signature));
        let signature = signature.map_err(|_| NotFound::NotSigned)?;
        let verified = self.key.verify(&list, &signature, false);
        verified.map_err(|_| NotFound::NotSigned)?;
        let list = String::from_utf8_lossy(&list);
        let newest = newest(&list).ok_or(NotFound::NoVersion)?;
        let is_newer = numbers(newest) > numbers(current);
        Ok(is_newer.then(|| NewerVersion {
            version: newest.to_owned(),
            page: self.page.to_string(),
        }))
    }

    async fn file(&self, name: &str, dialer: &dyn Dialer) -> Result<Vec<u8>, NotFound> {
        let mut url = self.page.clone();
        url.set_path(&format!("{}/download/{name}", url.path()));
        let mut hops = 0;
        loop {
            let asked = as_dialled(url.clone());
            let answer = timeout(WITHIN, get(dialer, &asked, &[], LONGEST)).await;
            let HttpAnswer {
                status,
                location,
                body,
            } = answer.map_err(|_| NotFound::Late)??;
            // Releases are often on another server than their page. What it sends is checked, wherever it comes from.
            match location.and_then(|to| url.join(&to).ok()) {
                None if status == 200 => return Ok(body),
                Some(to) if (300..400).contains(&status) && hops < MOST_HOPS => url = to,
                Some(_) | None => return Err(NotFound::Status(status)),
            }
            hops += 1;
        }
    }
}

/// The address as dialers know it: with `wss` for `https`.
fn as_dialled(mut url: Url) -> Url {
    let scheme = match url.scheme() {
        "https" => "wss",
        "http" => "ws",
        other => other,
    }
    .to_owned();
    // Between these it always can be set; others are refused by the dialer.
    url.set_scheme(&scheme).ok();
    url
}

/// The highest version that a list of checksums names.
fn newest(list: &str) -> Option<&str> {
    let version = |line| {
        let (_, name) = str::split_once(line, char::is_whitespace)?;
        let (version, _) = name.trim_start().strip_prefix(PACKAGE)?.split_once('-')?;
        numbers(version).map(|_| version)
    };
    list.lines()
        .filter_map(version)
        .max_by_key(|version| numbers(version))
}

/// A version as `1.20.3`; `None` for other texts, such as those of trial versions.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.split('.').map(|part| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| digits)
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::provider::connection::dial::TcpDialer;

    const KEY: &str = "RWR0ZXN0a2V5MdBNG02CfmNIYOC9KTNygnZwXFQmZy1+/369q9qk868n";
    const SIGNED: &str = "0123456789abcdef  sovereign-0.10.2-linux-x86_64.tar.gz\n0123456789abcdef  sovereign_0.10.2_amd64.deb\n";
    const ITS_SIGNATURE: &str = "untrusted comment: signature of a test\n\
        RUR0ZXN0a2V5MTaTDnzaaaNTuab+Ik8Ihh48XPMUzFbkge7J3OWDF+RIBxAgyXoluZBJ4M26dmUq+7h4tkpYBFD0Oy4J4TIsQg0=\n\
        trusted comment: file:SHA256SUMS\n\
        WUoPinfup1+mqKDrcKevUYEKNE16k2wNVt0nyenpThZlPMjIJu2IftSO5/NyMCWI6SA+X0iMsYzTVXK+0nPKBw==\n";

    /// What is found at a server with these answers, one after the other, and what it was asked for.
    async fn found(
        current: &str,
        answers: &[(&str, &str)],
    ) -> (Result<Option<NewerVersion>, NotFound>, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let answers: Vec<String> = answers
            .iter()
            .map(|(head, body)| {
                let length = body.len();
                format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}")
            })
            .collect();
        let served = tokio::spawn(async move {
            let mut asked = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.expect("a request");
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                asked.extend(request.lines().next().map(str::to_owned));
                stream.write_all(answer.as_bytes()).await.expect("room");
            }
            asked
        });
        let page = format!("http://127.0.0.1:{port}/of/it/latest/");
        let source = ReleaseSource::new(&page, KEY).expect("a source");
        let dialer: Arc<dyn Dialer> = Arc::new(TcpDialer::default());
        let found = source.newer_than(current, &*dialer).await;
        let asked = if served.is_finished() {
            served.await.expect("it ended")
        } else {
            served.abort();
            Vec::new()
        };
        (found, asked)
    }

    #[tokio::test]
    async fn a_newer_version_is_told_once_its_signature_is_good() {
        let good = [("200 OK", SIGNED), ("200 OK", ITS_SIGNATURE)];
        for (current, newer) in [
            ("0.9.9", true),
            ("0.10.1", true),
            ("0.10.2", false),
            ("0.11.0", false),
        ] {
            let (found, asked) = found(current, &good).await;
            let version = found.expect("good").map(|newer| newer.version);
            assert_eq!(version.as_deref(), newer.then_some("0.10.2"), "{current}");
            let path = "/of/it/latest/download/SHA256SUMS";
            let expected = ["", ".minisig"].map(|end| format!("GET {path}{end} HTTP/1.1"));
            assert_eq!(asked, expected);
        }
    }

    #[tokio::test]
    async fn nothing_is_told_that_the_key_has_not_signed() {
        let forged = SIGNED.replace("0.10.2", "9.10.2");
        let (sent, other) = (("200 OK", forged.as_str()), ("200 OK", SIGNED));
        for answers in [
            [sent, ("200 OK", ITS_SIGNATURE)],
            [other, ("200 OK", "no signature")],
            [other, ("200 OK", "")],
        ] {
            let (found, _) = found("0.1.0", &answers).await;
            assert_eq!(found, Err(NotFound::NotSigned), "{answers:?}");
        }
        let (found, _) = found("0.1.0", &[("404 Not Found", "")]).await;
        assert_eq!(found, Err(NotFound::Status(404)));
    }

    #[tokio::test]
    async fn it_follows_to_where_the_files_are_and_not_in_circles() {
        let moved = ("302 Found\r\nLocation: /elsewhere/list", "");
        let answers = [moved, ("200 OK", SIGNED), ("200 OK", ITS_SIGNATURE)];
        let (newer, asked) = found("0.1.0", &answers).await;
        assert!(newer.expect("good").is_some());
        assert_eq!(asked[1], "GET /elsewhere/list HTTP/1.1");
        let (found, _) = found("0.1.0", &[moved; MOST_HOPS + 1]).await;
        assert_eq!(found, Err(NotFound::Status(302)));
    }

    #[test]
    fn versions_are_compared_as_numbers_and_trial_versions_are_none() {
        assert!(numbers("0.10.0") > numbers("0.9.12"));
        for odd in ["", "1.2", "1.2.3.4", "1.2.3-rc1", "1.+2.3", "a.b.c", "1..3"] {
            assert_eq!(numbers(odd), None, "{odd}");
        }
        let list = "x  sovereign-0.9.0-linux-x86_64.tar.gz\nx  sovereign-0.10.0-macos-arm64.tar.gz\nx  other-9.0.0-x\n";
        assert_eq!(newest(list), Some("0.10.0"));
        assert_eq!(newest("sovereign-1.0.0-linux"), None, "no sum");
    }
}
