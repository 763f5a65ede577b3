//! The sentences of `talk` about the conversation.

use std::time::Duration;

use crate::base::plural::sentence;
use crate::base::severity::Severity;
use crate::conversation::snapshot::{Activity, Link, Snapshot};
use crate::provider::grounding::{Grounding, search_address};
use crate::telemetry::summary::Summary;

/// The present state; `typed`: the questions are typed.
pub(super) fn state_words(snapshot: &Snapshot, typed: bool) -> String {
    match (&snapshot.link, snapshot.activity) {
        (Link::Down { what, hint, .. }, _) => {
            let what = sentence(what);
            match snapshot.no_link() {
                Some(state) => format!("{state}: {what} {hint}"),
                None => format!("{what} {hint}"),
            }
        }
        (_, Activity::Connecting | Activity::Reconnecting) => {
            let state = snapshot.no_link().unwrap_or_default();
            format!("{state} …")
        }
        (_, Activity::Listening | Activity::NoMicrophone) if typed => {
            "ready for what is typed".into()
        }
        (_, Activity::Listening) => "listening: speak whenever you like (Ctrl-C ends)".into(),
        (_, Activity::UserSpeaks | Activity::Held) => "you speak".into(),
        (_, Activity::Thinking) => "thinking …".into(),
        (_, Activity::Answering) => "answering".into(),
        (_, Activity::Repeating) => "repeating".into(),
        (_, Activity::Muted) => "muted".into(),
        (_, Activity::LimitReached) => "spend limit reached: nothing is heard (Ctrl-C ends)".into(),
        (_, Activity::Offline) => "offline".into(),
        (_, Activity::NoMicrophone) => snapshot
            .input
            .trouble
            .clone()
            .unwrap_or_else(|| "no microphone: files are spoken".into()),
    }
}

pub(super) fn closing_line(summary: &Summary) -> String {
    let [completed, interrupted, cancelled, empty, failed] = summary.turns.outcomes;
    let response = &summary.latencies[5];
    let ms = |d: Option<Duration>| d.map_or("–".into(), |d| d.as_millis().to_string());
    // Cost of false endpoints, if any.
    let vain = match (summary.turns.false_endpoints, summary.turns.wasted_tokens) {
        (0, _) => String::new(),
        (times, 0) => format!("; {times} times closed too early"),
        (times, tokens) => format!("; {times} times closed too early, {tokens} tokens"),
    };
    let typed = match summary.turns.typed {
        0 => String::new(),
        n => format!("; {n} typed"),
    };
    let cost = summary
        .turns
        .cost
        .map_or_else(String::new, |cost| format!("; cost {cost}"));
    format!(
        "{} turns: {completed} completed, {interrupted} interrupted, {cancelled} cancelled, {empty} empty, {failed} failed; \
         response p50 {} ms, p95 {} ms, n {}; {} of {} utterances answered, {} lost{typed}{vain}{cost}",
        summary.turns.all(),
        ms(response.quantile(0.5)),
        ms(response.quantile(0.95)),
        response.n(),
        summary.answered,
        summary.spoken,
        summary.lost,
    )
}

/// The sources of a searched answer, a line for each page and each search.
pub(super) fn found(grounding: &Grounding) -> Vec<String> {
    let sources = grounding.sources.iter();
    let sources = sources.map(|source| format!("source  {} — {}", source.title, source.uri));
    let queries = grounding.queries.iter();
    let queries = queries.map(|query| format!("search  {query} — {}", search_address(query)));
    sources.chain(queries).collect()
}

pub(super) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::grounding::Source;

    #[test]
    fn each_page_and_each_search_has_a_line_with_its_address() {
        let grounding = Grounding {
            sources: vec![Source {
                title: "A clock".into(),
                uri: "https://clock.example/".into(),
            }],
            queries: vec!["time now".into()],
        };
        assert_eq!(
            found(&grounding),
            [
                "source  A clock — https://clock.example/",
                "search  time now — https://www.google.com/search?q=time+now"
            ]
        );
        assert!(found(&Grounding::default()).is_empty());
    }
}
