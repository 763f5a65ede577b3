//! Where a searched answer comes from: `groundingMetadata`, read loosely and kept within bounds. The service's own page for
//! it (`searchEntryPoint.renderedContent`) is HTML of others and is not looked at.

use serde_json::Value;
use url::Url;

use crate::base::printable::{clipped, in_a_line, visible};

/// Sources that are kept, and searches: more than an answer rests on, and few enough to be shown.
const MOST_SOURCES: usize = 20;
const MOST_QUERIES: usize = 10;
/// Characters of a title or a query.
const LONGEST_TITLE: usize = 200;
/// Bytes of an address; longer ones are no links that a browser is given.
const LONGEST_ADDRESS: usize = 2_048;
/// Items that are looked at: what comes behind them is not waited for.
const MOST_LOOKED_AT: usize = 1_000;

/// A page that an answer rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is called: one line, without marks that act on what shows it.
    pub title: String,
    /// Its address: `http` or `https`, without a login.
    pub uri: String,
}

/// What is known of the searches for one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grounding {
    /// The pages, in the service's order, each once.
    pub sources: Vec<Source>,
    /// What was searched for, each once.
    pub queries: Vec<String>,
}

impl Grounding {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.queries.is_empty()
    }

    /// Takes in what the service sent.
    pub fn add(&mut self, metadata: &Value) {
        for chunk in list(metadata, "groundingChunks", "grounding_chunks") {
            if let Some(source) = chunk.get("web").and_then(source)
                && self.sources.len() < MOST_SOURCES
                && self.sources.iter().all(|known| known.uri != source.uri)
            {
                self.sources.push(source);
            }
        }
        for query in list(metadata, "webSearchQueries", "web_search_queries") {
            let query = query.as_str().map(one_line).unwrap_or_default();
            let is_new = !query.is_empty() && !self.queries.contains(&query);
            if is_new && self.queries.len() < MOST_QUERIES {
                self.queries.push(query);
            }
        }
    }
}

/// Where a query can be searched for.
#[must_use]
pub fn search_address(query: &str) -> String {
    let address = Url::parse_with_params("https://www.google.com/search", [("q", query)]);
    address.map_or_else(|_| "https://www.google.com/".to_owned(), String::from)
}

fn list<'a>(metadata: &'a Value, key: &str, other: &str) -> impl Iterator<Item = &'a Value> {
    let items = metadata.get(key).or_else(|| metadata.get(other));
    let items = items.and_then(Value::as_array).into_iter().flatten();
    items.take(MOST_LOOKED_AT)
}

fn source(web: &Value) -> Option<Source> {
    let uri = web.get("uri")?.as_str()?;
    if uri.len() > LONGEST_ADDRESS {
        return None;
    }
    let address = Url::parse(uri).ok()?;
    let has_login = !address.username().is_empty() || address.password().is_some();
    if !matches!(address.scheme(), "http" | "https") || has_login {
        return None;
    }
    let title = web.get("title").and_then(Value::as_str).map(one_line);
    let host = || address.host_str().unwrap_or_default().to_owned();
    Some(Source {
        title: title.filter(|title| !title.is_empty()).unwrap_or_else(host),
        uri: address.into(),
    })
}

fn one_line(text: &str) -> String {
    // A text without end is not cleaned as a whole.
    let begin = clipped(text, 4 * LONGEST_TITLE);
    let clean = in_a_line(&visible(&begin));
    clipped(clean.trim(), LONGEST_TITLE).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(metadata: &Value) -> Grounding {
        let mut grounding = Grounding::default();
        grounding.add(metadata);
        grounding
    }

    #[test]
    fn pages_and_queries_are_kept_once_and_in_order() {
        let page = |title: &str, uri: &str| json!({"web": {"title": title, "uri": uri}});
        let metadata = json!({
            "groundingChunks": [page("One", "https://one.example/a?b=c"), page("Two", "http://two.example"),
                page("Again", "https://one.example/a?b=c"), page("", "https://three.example/x"), {"maps": {}}],
            "webSearchQueries": ["rain in Rome", "rain in Rome", "  "],
            "searchEntryPoint": {"renderedContent": "<script>alert(1)</script>"},
        });
        let mut grounding = read(&metadata);
        grounding.add(&metadata);
        let titles: Vec<&str> = grounding.sources.iter().map(|s| s.title.as_str()).collect();
        assert_eq!(titles, ["One", "Two", "three.example"]);
        assert_eq!(grounding.sources[1].uri, "http://two.example/");
        assert_eq!(grounding.queries, ["rain in Rome"]);
        assert_eq!(
            search_address("rain & \"snow\""),
            "https://www.google.com/search?q=rain+%26+%22snow%22"
        );
        let snake = json!({"grounding_chunks": [page("S", "https://s.example")], "web_search_queries": ["q"]});
        assert_eq!(read(&snake).sources.len() + read(&snake).queries.len(), 2);
    }

    #[test]
    fn addresses_that_are_no_pages_and_values_of_wrong_types_are_left_out() {
        for uri in [
            json!("javascript:alert(1)"),
            json!("JaVaScRiPt:alert(1)"),
            json!("data:text/html,x"),
            json!("file:///etc/passwd"),
            json!("ftp://x.example"),
            json!("https://good.example@evil.example/"),
            json!("//x.example"),
            json!("https://"),
            json!(format!("https://x.example/{}", "a".repeat(3_000))),
            json!(5),
            json!(null),
        ] {
            let metadata = json!({"groundingChunks": [{"web": {"title": "x", "uri": uri}}]});
            assert!(read(&metadata).is_empty(), "{uri}");
        }
        for metadata in [
            json!(null),
            json!([]),
            json!("x"),
            json!({"groundingChunks": {}, "webSearchQueries": "x"}),
            json!({"groundingChunks": [1, null, {"web": []}], "webSearchQueries": [1, {}]}),
        ] {
            assert!(read(&metadata).is_empty(), "{metadata}");
        }
    }

    #[test]
    fn thousands_of_pages_and_endless_titles_are_bounded_and_clean() {
        let chunks: Vec<Value> = (0..5_000)
            .map(|n| json!({"web": {"title": format!("\u{202e}{n}\n{}", "x".repeat(5_000)), "uri": format!("https://x.example/{n}")}}))
            .collect();
        let queries: Vec<String> = (0..5_000)
            .map(|n| format!("{n}{}", "q".repeat(500)))
            .collect();
        let grounding = read(&json!({"groundingChunks": chunks, "webSearchQueries": queries}));
        assert_eq!((grounding.sources.len(), grounding.queries.len()), (20, 10));
        for title in grounding
            .sources
            .iter()
            .map(|s| &s.title)
            .chain(&grounding.queries)
        {
            assert!(title.chars().count() <= LONGEST_TITLE + 1, "{title}");
            assert!(!title.contains(['\n', '\u{202e}']), "{title}");
        }
        assert!(grounding.sources[0].title.starts_with("0 x"));
    }
}
