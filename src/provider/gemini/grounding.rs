//! `groundingMetadata`, read loosely. The service's own page for it (`searchEntryPoint.renderedContent`) is HTML of others and
//! is not looked at.

use serde_json::Value;

use crate::provider::grounding::Grounding;

/// Items that are looked at: what comes behind them is not waited for.
const MOST_LOOKED_AT: usize = 1_000;

/// What the service says of its searches.
pub(super) fn read(metadata: &Value) -> Grounding {
    let mut found = Grounding::default();
    for chunk in list(metadata, "groundingChunks", "grounding_chunks") {
        if let Some(web) = chunk.get("web")
            && let Some(uri) = web.get("uri").and_then(Value::as_str)
        {
            let title = web.get("title").and_then(Value::as_str);
            found.add_page(title.unwrap_or_default(), uri);
        }
    }
    for query in list(metadata, "webSearchQueries", "web_search_queries") {
        found.add_query(query.as_str().unwrap_or_default());
    }
    found
}

fn list<'a>(metadata: &'a Value, key: &str, other: &str) -> impl Iterator<Item = &'a Value> {
    let items = metadata.get(key).or_else(|| metadata.get(other));
    let items = items.and_then(Value::as_array).into_iter().flatten();
    items.take(MOST_LOOKED_AT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        grounding.add(read(&metadata));
        let titles: Vec<&str> = grounding.sources.iter().map(|s| s.title.as_str()).collect();
        assert_eq!(titles, ["One", "Two", "three.example"]);
        assert_eq!(grounding.sources[1].uri, "http://two.example/");
        assert_eq!(grounding.queries, ["rain in Rome"]);
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
            assert!(title.chars().count() <= 201, "{title}");
            assert!(!title.contains(['\n', '\u{202e}']), "{title}");
        }
        assert!(grounding.sources[0].title.starts_with("0 x"));
    }
}
