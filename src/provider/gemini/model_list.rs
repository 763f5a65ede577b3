//! The list of models that a key may use, read from the service over HTTP.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tokio::time::timeout;

use super::open::check_key;
use crate::provider::ServiceEndpoint;
use crate::provider::connection::dial::Dialer;
use crate::provider::connection::fault::{Fault, Stage};
use crate::provider::connection::get::{HttpAnswer, get};
use crate::provider::connection::{address, upgrade};

/// Limit for one page: two round trips, and some hundred kilobytes on a slow line.
const WITHIN: Duration = Duration::from_secs(8);
/// The longest page that is read, in bytes.
const LONGEST_PAGE: usize = 8 << 20;
/// The most pages that are read: a server may name a next page for ever.
const MOST_PAGES: usize = 20;
/// The method of models that can be talked to.
const LIVE: &str = "bidiGenerateContent";

/// Asks for the names of the models that the key can use in a Live conversation, without `models/`, in the order of the
/// service; `None` where the server keeps no such list. `under_v1`: a conversation came about under this version of the
/// API alone.
pub async fn live_models(
    dialer: Arc<dyn Dialer>,
    target: ServiceEndpoint,
    under_v1: bool,
) -> Result<Option<Vec<String>>, Fault> {
    let is_v1 = under_v1 || target.url.path().contains(".v1.");
    let version = if is_v1 { "v1" } else { "v1beta" };
    check_key(&target)?;
    let (mut names, mut page) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let address = address::host_and_port(&target.url);
        let asked = ask(&*dialer, &target, version, page.as_deref());
        let late = Fault::TimedOut {
            address,
            stage: Stage::List,
            after: WITHIN,
        };
        let answer = timeout(WITHIN, asked).await.unwrap_or(Err(late))?;
        let Some(list) = answer else {
            return Ok(None);
        };
        let live = |model: &Listed| model.methods.iter().any(|method| method == LIVE);
        let found = list.models.into_iter().filter(live);
        names.extend(found.map(|model| match model.name.strip_prefix("models/") {
            Some(name) => name.to_owned(),
            None => model.name,
        }));
        page = list.next_page.filter(|page| !page.is_empty());
        if page.is_none() {
            break;
        }
    }
    Ok(Some(names))
}

/// A page of the list.
#[derive(Debug, Deserialize)]
struct List {
    #[serde(default)]
    models: Vec<Listed>,
    #[serde(default, rename = "nextPageToken")]
    next_page: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    name: String,
    #[serde(default, rename = "supportedGenerationMethods")]
    methods: Vec<String>,
}

async fn ask(
    dialer: &dyn Dialer,
    target: &ServiceEndpoint,
    version: &str,
    page: Option<&str>,
) -> Result<Option<List>, Fault> {
    let address = address::host_and_port(&target.url);
    let mut url = target.url.clone();
    url.set_path(&format!("/{version}/models"));
    url.set_query(None);
    // The largest page: the list has some hundred models at most.
    url.query_pairs_mut().append_pair("pageSize", "1000");
    if let Some(page) = page {
        url.query_pairs_mut().append_pair("pageToken", page);
    }
    // The key is checked; the rest of it is text that a request may hold.
    let key = target.key.as_ref();
    let key = key.map(|key| ("x-goog-api-key", key.expose_secret()));
    let headers: Vec<_> = key.into_iter().collect();
    let HttpAnswer { status, body, .. } = get(dialer, &url, &headers, LONGEST_PAGE).await?;
    match status {
        200 => Ok(serde_json::from_slice(&body).ok()),
        // The service's answer to a wrong key.
        400 if String::from_utf8_lossy(&body).contains("API key not valid") => {
            let detail = "HTTP 400: API key not valid".to_owned();
            Err(Fault::KeyRefused { detail })
        }
        401 | 403 | 407 | 408 | 425 | 429 | 500 | 502.. => {
            Err(upgrade::refused(status, address, target.key.as_ref()))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use url::Url;

    use super::*;
    use crate::provider::connection::dial::TcpDialer;

    #[tokio::test]
    async fn all_pages_are_read_and_only_models_for_live_talk_are_told() {
        let first = r#"{"models":[{"name":"models/gemini-3.8-live","supportedGenerationMethods":["bidiGenerateContent"],"inputTokenLimit":131072},
            {"name":"models/gemini-3.8-pro","supportedGenerationMethods":["generateContent","countTokens"]},{"name":"models/odd"}],"nextPageToken":"a b&c"}"#;
        let last = r#"{"models":[{"name":"models/gemini-9-live","supportedGenerationMethods":["generateContent","bidiGenerateContent"]}]}"#;
        let (names, asked) = listed(&[(200, first), (200, last)], Some("canary-1")).await;
        let names = names.expect("a list").expect("a list");
        assert_eq!(names, ["gemini-3.8-live", "gemini-9-live"]);
        assert!(asked[0].starts_with("GET /v1beta/models?pageSize=1000 HTTP/1.1\r\n"));
        assert!(
            asked[1].starts_with("GET /v1beta/models?pageSize=1000&pageToken=a+b%26c HTTP/1.1\r\n")
        );
        for request in asked {
            assert!(
                request.contains("\r\nx-goog-api-key: canary-1\r\n"),
                "{request}"
            );
            assert_eq!(request.matches("canary-1").count(), 1);
            assert!(request.contains("\r\nhost: 127.0.0.1:"), "{request}");
        }
    }

    #[tokio::test]
    async fn the_list_is_that_of_the_version_that_talks() {
        let (_, asked) = listed_under(true, &[(200, "{}")], None).await;
        assert!(asked[0].starts_with("GET /v1/models?pageSize=1000 HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn a_list_without_an_end_is_left() {
        let page = r#"{"models":[{"name":"models/a","supportedGenerationMethods":["bidiGenerateContent"]}],"nextPageToken":"x"}"#;
        let pages = [(200, page); MOST_PAGES + 1];
        let (names, asked) = listed(&pages, None).await;
        let names = names.expect("a list").expect("a list");
        assert_eq!((names.len(), asked.len()), (MOST_PAGES, MOST_PAGES));
    }

    #[tokio::test]
    async fn servers_without_a_list_are_no_fault_and_refusals_are() {
        let refused =
            r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}"#;
        for (status, body, told) in [
            (404, "", None),
            (405, "", None),
            (200, "<html>", None),
            (400, "{}", None),
            (
                400,
                refused,
                Some("the service refuses the API key (HTTP 400: API key not valid)"),
            ),
            (403, "", Some("the service refuses the API key (HTTP 403)")),
            (
                429,
                "",
                Some("the quota of this API key is used up (HTTP 429)"),
            ),
            (503, "", Some("has trouble of its own (HTTP 503)")),
        ] {
            let (names, _) = listed(&[(status, body)], Some("canary-1")).await;
            match (names, told) {
                (Ok(names), None) => assert_eq!(names, None, "{status} {body}"),
                (Err(fault), Some(told)) => {
                    assert!(fault.to_string().ends_with(told), "{fault}");
                }
                (names, _) => panic!("{status} {body}: {names:?}"),
            }
        }
    }

    #[tokio::test]
    async fn google_is_not_asked_without_a_key() {
        let target = ServiceEndpoint {
            url: Url::parse(&format!(
                "wss://{}/",
                crate::provider::gemini::models::GOOGLE_HOST
            ))
            .expect("an address"),
            key: None,
        };
        let asked = live_models(Arc::new(TcpDialer::default()), target, false).await;
        assert!(matches!(asked, Err(Fault::KeyMissing { .. })), "{asked:?}");
    }

    /// What is made of these answers, one to a connection, and what was asked.
    async fn listed(
        answers: &[(u16, &str)],
        key: Option<&str>,
    ) -> (Result<Option<Vec<String>>, Fault>, Vec<String>) {
        listed_under(false, answers, key).await
    }

    async fn listed_under(
        under_v1: bool,
        answers: &[(u16, &str)],
        key: Option<&str>,
    ) -> (Result<Option<Vec<String>>, Fault>, Vec<String>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let answers: Vec<_> = (answers.iter())
            .map(|(status, body)| {
                let length = body.len();
                format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}")
            })
            .collect();
        let (tell, mut told) = tokio::sync::mpsc::channel(64);
        let service = tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    stream.read_buf(&mut request).await.expect("a request");
                }
                stream.write_all(answer.as_bytes()).await.expect("taken");
                let request = String::from_utf8(request).expect("text");
                tell.send(request).await.expect("heard");
            }
        });
        let target = ServiceEndpoint {
            url: Url::parse(&format!("ws://127.0.0.1:{port}/live")).expect("an address"),
            key: key.map(SecretString::from),
        };
        let names = live_models(Arc::new(TcpDialer::default()), target, under_v1).await;
        service.abort();
        let mut asked = Vec::new();
        while let Ok(request) = told.try_recv() {
            asked.push(request);
        }
        (names, asked)
    }
}
