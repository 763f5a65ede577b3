//! The totals of a conversation and their JSON (`sovereign.summary/1`).

mod model_usage;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::distribution::Distribution;
use super::history::OUTCOMES;
use super::link_quality::LinkTime;
use super::record::json_values::{known, ms, round, some, usd};
use super::record::{LateTokens, TurnRecord, latency_names};
use super::turn_counts::TurnCounts;
use crate::base::ids::Mark;
use crate::base::tokens::TokenCounts;
pub use model_usage::{ModelUsage, ModelsUsage};

#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub turns: TurnCounts,
    /// Latencies by name, in the order of [`latency_names`].
    pub latencies: [Distribution; 9],
    /// Pairs of marks in the wrong order: faults of the measurement.
    pub negative: u64,
    /// Utterances of the user.
    pub spoken: u64,
    /// Those that got an audible reply.
    pub answered: u64,
    /// Those that the service never received whole.
    pub lost: u64,
    /// Turns that ended regularly without an audible answer, by [`UnheardReason::name`](super::record::UnheardReason::name).
    pub unheard: BTreeMap<&'static str, u64>,
    /// Fresh starts of the conversation because the service rejected its answers.
    pub fresh_starts: u64,
    /// Connections that were set up.
    pub connections: u64,
    /// Planned changes of connection.
    pub rolls: u64,
    /// Connections that resumed an earlier conversation.
    pub resumes: u64,
    /// Playback underruns, also those of replies that belong to no turn.
    pub underruns: u64,
    /// Captured samples that were lost, also between turns.
    pub capture_dropped: u64,
    /// Bytes sent and received.
    pub bytes: (u64, u64),
    /// Segments sent and sent again.
    pub segments: (u64, u64),
    /// What the last connection took to come about.
    pub connect: Option<Duration>,
    /// Time with and without a connection.
    pub link: LinkTime,
    /// Processor seconds of this process, and over which time.
    pub cpu: Option<(Duration, Duration)>,
    /// Resident memory at the end and at its peak, in bytes.
    pub memory: Option<(u64, u64)>,
    /// Of all tokens, those counted after their turn was closed: in no turn's record.
    pub late_tokens: TokenCounts,
    /// Shared with the views, and copied when the next turn comes.
    pub models: Arc<ModelsUsage>,
}

impl Summary {
    pub fn add(&mut self, record: &TurnRecord) {
        self.turns += record.into();
        self.model(&record.profile, &record.model).add(record);
        for (all, one) in self.latencies.iter_mut().zip(record.comparable_values()) {
            if let Some(value) = one {
                all.record(value);
            }
        }
        if let Some(silence) = &record.silence {
            *self.unheard.entry(silence.name()).or_default() += 1;
        }
        self.lost += u64::from(record.lost);
        self.negative += u64::from(record.latencies.negative);
        let audible = record.timeline.get(Mark::FirstAudible).is_some();
        if !record.typed {
            self.spoken += u64::from(record.timeline.get(Mark::SpeechStart).is_some());
            self.answered += u64::from(audible && !record.counted);
        }
    }

    /// Takes in tokens that were counted after their turn was closed.
    pub(super) fn add_late_tokens(&mut self, late: &LateTokens) {
        self.turns += late.into();
        self.late_tokens += late.tokens;
        self.model(&late.profile, &late.model).turns += late.into();
    }

    fn model(&mut self, profile: &str, model: &str) -> &mut ModelUsage {
        let of = (profile.to_owned(), model.to_owned());
        Arc::make_mut(&mut self.models).entry(of).or_default()
    }

    /// One line of JSON without the line's end.
    pub fn to_json(&self) -> String {
        let all = &self.turns;
        let turns: Map<String, Value> = OUTCOMES
            .into_iter()
            .map(String::from)
            .zip(all.outcomes.map(Value::from))
            .collect();
        let models = self.models.iter().map(|(of, figures)| figures.to_json(of));
        let cpu = self.cpu.map(|(used, wall)| {
            let percent = used.as_secs_f64() / wall.as_secs_f64().max(1e-9) * 100.0;
            json!({ "seconds": round(used.as_secs_f64(), 3), "percent_of_core": round(percent, 2) })
        });
        let mb = |bytes: u64| round(bytes as f64 / 1e6, 1);
        let memory = self
            .memory
            .map(|(rss, peak)| json!({ "rss": mb(rss), "peak": mb(peak) }));
        let (cost, is_bound) = usd(all.cost);
        let line = json!({
            "schema": "sovereign.summary/1",
            "turns": turns,
            "latency_ms": self.quantiles(),
            "cut_offs": all.cut_offs,
            "false_endpoints": all.false_endpoints,
            "wasted_tokens": all.wasted_tokens,
            "utterances": { "spoken": self.spoken, "answered": self.answered, "lost": self.lost },
            "typed": some(all.typed),
            "unheard": self.unheard,
            "fresh_starts": self.fresh_starts,
            "connections": self.connections,
            "rolls": self.rolls,
            "resumes": self.resumes,
            "underruns": self.underruns,
            "capture_dropped": self.capture_dropped,
            "negative_latencies": self.negative,
            "tokens": all.tokens,
            "thoughts": some(all.thoughts),
            "cost_usd": cost,
            "cost_is_upper_bound": is_bound,
            "models": models.collect::<Vec<_>>(),
            "bytes": known(json!({
                "sent": self.bytes.0, "received": self.bytes.1,
                "per_minute": per_minute(self.bytes.0 + self.bytes.1, self.link.connected),
            })),
            "link": self.link_json(),
            "cpu": cpu,
            "memory_mb": memory,
        });
        known(line).to_string()
    }

    fn link_json(&self) -> Value {
        let seconds = |span: Duration| round(span.as_secs_f64(), 1);
        let (sent, resent) = self.segments;
        known(json!({
            "observed_seconds": seconds(self.link.observed),
            "connected_seconds": seconds(self.link.connected),
            "outages": self.link.outages,
            "outage_seconds": seconds(self.link.outage),
            "connect_ms": self.connect.map(ms),
            "segments": { "sent": sent, "resent": resent },
        }))
    }

    fn quantiles(&self) -> Map<String, Value> {
        let all = latency_names().into_iter().zip(&self.latencies);
        all.filter_map(|(name, values)| {
            let [p50, p95] = [0.5, 0.95].map(|q| values.quantile(q).map(ms));
            let one = json!({
                "n": values.n(), "p50": p50, "p95": p95,
                "p99": values.p99().map(ms), "max": ms(values.max()?),
            });
            Some((name.to_owned(), known(one)))
        })
        .collect()
    }
}

/// Bytes for each minute of `time`.
pub(super) fn per_minute(bytes: u64, time: Duration) -> Option<u64> {
    (!time.is_zero()).then(|| (bytes as f64 / time.as_secs_f64() * 60.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;

    #[test]
    fn a_summary_counts_outcomes_and_shows_p99_from_a_hundred_turns_on() {
        let mut summary = Summary::default();
        for _ in 0..99 {
            summary.add(&record());
        }
        let few: Value = serde_json::from_str(&summary.to_json()).expect("JSON");
        assert_eq!(few["turns"]["completed"], 99);
        assert_eq!(
            (&few["false_endpoints"], &few["wasted_tokens"]),
            (&json!(198), &json!(6_930))
        );
        assert_eq!(few["latency_ms"]["response"]["n"], 99);
        assert!(few["latency_ms"]["response"].get("p99").is_none());
        summary.add(&record());
        let enough: Value = serde_json::from_str(&summary.to_json()).expect("JSON");
        assert!(enough["latency_ms"]["response"]["p99"].is_number());
        assert_eq!(
            enough["utterances"],
            json!({ "spoken": 100, "answered": 100, "lost": 0 })
        );
        let mut again = record();
        again.timeline.clear(Mark::SpeechStart);
        again.counted = true;
        summary.add(&again);
        assert_eq!(
            (summary.spoken, summary.answered),
            (100, 100),
            "asked again"
        );
    }
}
