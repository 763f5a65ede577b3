//! Where a searched answer comes from, kept within bounds.

use url::Url;

use crate::base::printable::{clipped, in_a_line, visible};

/// Sources that are kept, and searches: more than an answer rests on, and few enough to be shown.
const MOST_SOURCES: usize = 20;
const MOST_QUERIES: usize = 10;
/// Characters of a title or a query.
const LONGEST_TITLE: usize = 200;
/// Bytes of an address; longer ones are no links that a browser is given.
const LONGEST_ADDRESS: usize = 2_048;

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
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.queries.is_empty()
    }

    /// Adds a page, if its address is one that a browser may be given.
    pub fn add_page(&mut self, title: &str, uri: &str) {
        if let Some(source) = source(title, uri) {
            self.push_source(source);
        }
    }

    pub fn add_query(&mut self, query: &str) {
        self.push_query(one_line(query));
    }

    /// Adds what is known of further searches.
    pub fn add(&mut self, found: Self) {
        found.sources.into_iter().for_each(|s| self.push_source(s));
        found.queries.into_iter().for_each(|q| self.push_query(q));
    }

    fn push_query(&mut self, query: String) {
        let is_new = !query.is_empty() && !self.queries.contains(&query);
        if is_new && self.queries.len() < MOST_QUERIES {
            self.queries.push(query);
        }
    }

    fn push_source(&mut self, source: Source) {
        let is_new = self.sources.iter().all(|known| known.uri != source.uri);
        if is_new && self.sources.len() < MOST_SOURCES {
            self.sources.push(source);
        }
    }
}

/// Where a query can be searched for.
pub fn search_address(query: &str) -> String {
    let address = Url::parse_with_params("https://www.google.com/search", [("q", query)]);
    address.map_or_else(|_| "https://www.google.com/".to_owned(), String::from)
}

fn source(title: &str, uri: &str) -> Option<Source> {
    if uri.len() > LONGEST_ADDRESS {
        return None;
    }
    let address = Url::parse(uri).ok()?;
    let has_login = !address.username().is_empty() || address.password().is_some();
    if !matches!(address.scheme(), "http" | "https") || has_login {
        return None;
    }
    let title = Some(one_line(title)).filter(|title| !title.is_empty());
    let host = || address.host_str().unwrap_or_default().to_owned();
    Some(Source {
        title: title.unwrap_or_else(host),
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
    use super::*;

    #[test]
    fn a_query_is_escaped_in_its_address() {
        assert_eq!(
            search_address("rain & \"snow\""),
            "https://www.google.com/search?q=rain+%26+%22snow%22"
        );
    }
}
