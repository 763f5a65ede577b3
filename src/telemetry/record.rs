//! The record of a turn and its JSON (`sovereign.turn/1`).

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::stages::{STAGES, Stages};
use crate::base::cost::Cost;
use crate::base::ids::{Mark, TurnId};
use crate::base::tokens::TokenCounts;
use crate::provider::grounding::{Grounding, Source};
use crate::turn::early::TurnTokens;
use crate::turn::machine::Outcome;
use crate::turn::timeline::{Latencies, Timeline};

mod answerer;
pub(super) mod json_values;
mod unheard_reason;

pub use answerer::Answerer;
use json_values::{durations, known, ms, round, some, tokens, usd};
pub use unheard_reason::UnheardReason;

/// The record of a turn of the user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnRecord {
    /// Counts the user's turns from 1.
    pub number: u64,
    /// Its identifier in the turn machine.
    pub turn: TurnId,
    /// Whether it was typed, without speech.
    pub typed: bool,
    /// The input file of its speech.
    pub input: Option<String>,
    /// Active profile at its end.
    pub profile: String,
    /// The model that the connection was set up with.
    pub model: String,
    /// Who answered it.
    pub answerer: Option<Answerer>,
    /// Whether `auto` chose the profile.
    pub auto: bool,
    /// Target of its response, from the profile that the user had chosen.
    pub target: Duration,
    pub outcome: Outcome,
    pub timeline: Timeline,
    pub latencies: Latencies,
    /// Microphone audio sent to the service.
    pub sent: Duration,
    /// Reply audio that was heard.
    pub heard: Duration,
    /// Playback underruns during the reply.
    pub underruns: u64,
    /// Captured samples lost while it was open.
    pub capture_dropped: u64,
    /// How often the user went on after its endpoint.
    pub reopened: u32,
    /// How often because patience was too short.
    pub cut_offs: u32,
    /// From the interrupting onset to the lowered reply.
    pub ducked_after: Option<Duration>,
    /// Early closes after which the user went on.
    pub false_endpoints: u32,
    /// Tokens of the generations that were dropped because it went on, where the service counted them.
    pub wasted_tokens: TokenCounts,
    /// From the interrupting onset to silence.
    pub silenced_after: Option<Duration>,
    /// The user's words, as the service heard them.
    pub user: String,
    /// The assistant's words.
    pub assistant: String,
    /// Tokens of prompt and response, where the service counted them.
    pub tokens: Option<TokenCounts>,
    /// Of the prompt: the conversation as the service read it, at its longest.
    pub context_tokens: Option<u64>,
    /// Tokens that were counted since the turn before, for turns that were closed already.
    pub late_tokens: TokenCounts,
    /// Its stages, as far as known.
    pub stages: Stages,
    /// Round trip of the connection at its end, if the system reports it.
    pub round_trip: Option<Duration>,
    /// Functions that the service asked for.
    pub tool_calls: u32,
    /// How often the service searched the web for it.
    pub searches: u64,
    /// Its cost with dropped generations, if the price of the model is known.
    pub cost: Option<Cost>,
    /// The sources that the service named.
    pub grounding: Grounding,
    /// Level of the reply audio: root mean square in dB of full scale.
    pub reply_dbfs: Option<f64>,
    /// Why the service ended the turn, if it said so.
    pub complete_reason: Option<String>,
    /// Why no answer was heard, if the turn ended regularly without one.
    pub silence: Option<UnheardReason>,
    /// How often it had been asked before.
    pub asked_again: u32,
    /// It failed, and is asked again by itself: another turn follows.
    pub retried: bool,
    /// Its utterance was already counted as answered or lost in an earlier attempt.
    pub counted: bool,
    /// The service never received all of it, against the user's intent.
    pub lost: bool,
    /// When it was closed, on the wall clock.
    pub closed_at: Timestamp,
}

impl TurnRecord {
    /// One line of JSON without the line's end.
    pub fn to_json(&self) -> String {
        let error = match &self.outcome {
            Outcome::Failed(why) => Some(why.english()),
            Outcome::Completed | Outcome::Interrupted | Outcome::Cancelled | Outcome::Empty => None,
        };
        let stages = durations(STAGES, self.stages.values());
        let interruption = self
            .silenced_after
            .map(|after| known(json!({ "duck": self.ducked_after.map(ms), "silence": ms(after) })));
        let words =
            json!({ "user": some_words(&self.user), "assistant": some_words(&self.assistant) });
        let source = |source: &Source| json!({ "title": source.title, "url": source.uri });
        let found = Some(&self.grounding).filter(|found| !found.is_empty());
        let sources = found.map(|found| found.sources.iter().map(source).collect::<Vec<_>>());
        let (cost, is_bound) = usd(self.cost);
        let line = json!({
            "schema": "sovereign.turn/1",
            "turn": self.number,
            "typed": some(self.typed),
            "input": self.input,
            "profile": self.profile,
            "model": self.model,
            "answerer": self.answerer.map(Answerer::name),
            "auto": some(self.auto),
            "outcome": self.outcome.name(),
            "error": error,
            "reason": self.silence.as_ref().map(UnheardReason::name),
            "complete_reason": self.complete_reason,
            "asked_again": some(self.asked_again),
            "retried": some(self.retried),
            "marks_ms": marks(&self.timeline),
            "latency_ms": durations(latency_names(), values(&self.latencies)),
            "stages_ms": some(stages),
            "round_trip_ms": self.round_trip.map(ms),
            "audio": {
                "sent_ms": ms(self.sent), "heard_ms": ms(self.heard),
                "underruns": self.underruns, "capture_dropped": self.capture_dropped,
            },
            "reply_dbfs": self.reply_dbfs.map(|level| round(level, 1)),
            "reopened": self.reopened,
            "false_endpoints": self.false_endpoints,
            "wasted_tokens": some(self.wasted_tokens.sum()),
            "interruption_ms": interruption,
            "transcript": known(words),
            "text": self.text(),
            "tokens": self.tokens.as_ref().map(tokens),
            "tool_calls": some(self.tool_calls),
            "searched": some(self.searches > 0),
            "searches": some(self.searches),
            "sources": sources,
            "queries": found.map(|found| &found.queries),
            "cost_usd": cost,
            "cost_is_upper_bound": is_bound,
        });
        known(line).to_string()
    }

    /// Text without speech: a written answer, or the user's typed text.
    fn text(&self) -> Option<&str> {
        if self.silence == Some(UnheardReason::TextOnly) {
            some_words(&self.assistant)
        } else {
            some_words(&self.user).filter(|_| self.typed)
        }
    }

    /// Its latencies in the order of [`latency_names`].
    pub fn latency_values(&self) -> [Option<Duration>; 9] {
        values(&self.latencies)
    }

    /// The same for statistics over many turns: a typed turn contains no patience, so its `total` does not compare with
    /// those of spoken turns.
    pub fn comparable_values(&self) -> [Option<Duration>; 9] {
        let mut latencies = self.latencies.clone();
        latencies.total = latencies.total.filter(|_| !self.typed);
        values(&latencies)
    }

    /// From the end of the turn to the first reply audio that arrived.
    pub fn first_audio(&self) -> Option<Duration> {
        // With automatic detection there is no uplink, and the value includes the silence that the service waits for.
        Some(self.latencies.server? + self.latencies.uplink.unwrap_or_default())
    }

    /// Billed tokens besides its own: of dropped generations, and late ones.
    pub fn other_tokens(&self) -> TokenCounts {
        let mut other = self.wasted_tokens;
        other += self.late_tokens;
        other
    }

    /// Tokens that it was billed for: its own and those of its dropped generations.
    pub fn all_tokens(&self) -> u64 {
        let own = self.tokens.unwrap_or_default().sum();
        own.saturating_add(self.wasted_tokens.sum())
    }

    /// Tokens of its thoughts, those of dropped generations among them.
    pub fn thoughts(&self) -> u64 {
        let own = self.tokens.unwrap_or_default().thoughts;
        own.saturating_add(self.wasted_tokens.thoughts)
    }

    /// Tokens for the budget of early closes. Late tokens belong to an earlier turn, but are billed too.
    pub fn turn_tokens(&self) -> TurnTokens {
        let late = self.late_tokens.sum();
        let own = self.tokens.map(|tokens| tokens.sum());
        TurnTokens {
            own: own.or((late > 0).then_some(0)).map(|own| own + late),
            dropped: self.wasted_tokens.sum(),
            reopened: self.reopened,
            false_endpoints: self.false_endpoints,
        }
    }
}

/// The index of an outcome in the order completed, interrupted, cancelled, empty, failed.
pub(super) const fn place(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Completed => 0,
        Outcome::Interrupted => 1,
        Outcome::Cancelled => 2,
        Outcome::Empty => 3,
        Outcome::Failed(_) => 4,
    }
}

/// Names of the nine latencies in JSON.
pub const fn latency_names() -> [&'static str; 9] {
    [
        "endpointing",
        "uplink",
        "server",
        "downlink",
        "client",
        "response",
        "total",
        "skipped_silence",
        "held",
    ]
}

/// Milliseconds since the end of speech (of a text turn: since it was sent), which is 0.
fn marks(timeline: &Timeline) -> Value {
    let origin = [
        Mark::SpeechEnd,
        Mark::Sent,
        Mark::SpeechStart,
        Mark::FirstAudio,
    ]
    .into_iter()
    .find_map(|mark| timeline.get(mark));
    let since = |at: Instant, origin: Instant| {
        let after = at.saturating_duration_since(origin).as_secs_f64();
        let before = origin.saturating_duration_since(at).as_secs_f64();
        json!(round((after - before) * 1e3, 1))
    };
    let mut all = Map::new();
    for mark in Mark::ALL {
        if let (Some(at), Some(origin)) = (timeline.get(mark), origin) {
            all.insert(mark.name().into(), since(at, origin));
        }
    }
    all.into()
}

/// The nine values in the order of [`latency_names`]; the last two, outside the sums, exist once there is a response.
pub fn values(l: &Latencies) -> [Option<Duration>; 9] {
    let beside = |value: Duration| l.response.map(|_| value);
    [
        l.endpointing,
        l.uplink,
        l.server,
        l.downlink,
        l.client,
        l.response,
        l.total,
        beside(l.skipped_silence),
        beside(l.held),
    ]
}

fn some_words(words: &str) -> Option<&str> {
    Some(words.trim()).filter(|words| !words.is_empty())
}

/// Tokens that were counted after their turn was closed.
#[derive(Debug)]
pub struct LateTokens {
    /// Profile in force when they were counted.
    pub profile: String,
    /// The model in use then.
    pub model: String,
    /// How many of which kind.
    pub tokens: TokenCounts,
    /// They belong to a generation that was dropped.
    pub wasted: bool,
    /// What they cost, where the price is known.
    pub cost: Option<Cost>,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::localized_text::LocalizedText;

    /// Tokens without a kind.
    pub(crate) fn counts(prompt: u64, response: u64) -> TokenCounts {
        let of_no_kind = |unassigned| crate::base::tokens::Kinds {
            unassigned,
            ..Default::default()
        };
        TokenCounts {
            prompt: of_no_kind(prompt),
            response: of_no_kind(response),
            ..TokenCounts::default()
        }
    }

    pub(crate) fn record() -> TurnRecord {
        let origin = Instant::now();
        let mut timeline = Timeline::default();
        for (mark, ms) in Mark::ALL
            .into_iter()
            .zip([0, 1_840, 2_344, 2_345, 2_347, 2_365])
        {
            timeline.set(mark, origin + Duration::from_millis(ms));
        }
        TurnRecord {
            number: 1,
            turn: TurnId(1),
            input: Some("question.wav".into()),
            profile: "balanced".into(),
            model: "gemini-3.8-live".into(),
            target: Duration::from_millis(300),
            latencies: timeline.latencies(),
            timeline,
            sent: Duration::from_millis(2_140),
            heard: Duration::from_millis(1_980),
            false_endpoints: 2,
            wasted_tokens: counts(60, 10),
            user: " hello ".into(),
            tokens: Some(counts(45, 30)),
            context_tokens: Some(45),
            ..TurnRecord::default()
        }
    }

    #[test]
    fn a_turn_is_one_line_with_marks_since_the_end_of_speech() {
        let line: Value = serde_json::from_str(&record().to_json()).expect("JSON");
        assert_eq!(line["schema"], "sovereign.turn/1");
        assert_eq!(line["marks_ms"]["speech_start"], -1840.0);
        assert_eq!(line["marks_ms"]["speech_end"], 0.0);
        assert_eq!(line["latency_ms"]["total"], 525.0);
        assert_eq!(
            line["transcript"],
            json!({ "user": "hello" }),
            "unknown words are absent"
        );
        assert_eq!(line["tokens"], json!({ "prompt": 45, "response": 30 }));
        assert_eq!(
            (&line["false_endpoints"], &line["wasted_tokens"]),
            (&json!(2), &json!(70))
        );
        assert!(line.get("text").is_none(), "both sides spoke");
        let mut written = record();
        (written.typed, written.assistant) = (true, "Hi.".into());
        let text = |record: &TurnRecord| {
            let line: Value = serde_json::from_str(&record.to_json()).expect("JSON");
            line["text"].clone()
        };
        assert_eq!(text(&written), "hello");
        written.silence = Some(UnheardReason::TextOnly);
        assert_eq!(text(&written), "Hi.");
        assert!(line.get("error").is_none() && line.get("interruption_ms").is_none());
        for unknown in ["stages_ms", "round_trip_ms", "tool_calls", "cost_usd"] {
            assert!(line.get(unknown).is_none(), "{unknown}");
        }
        let mut known = record();
        known.stages.network = Some(Duration::from_micros(40_250));
        known.round_trip = Some(Duration::from_micros(40_250));
        known.tool_calls = 2;
        known.reply_dbfs = Some(-23.456);
        known.cost = Some(Cost {
            usd: 0.001_234_567,
            at_most: false,
        });
        let line: Value = serde_json::from_str(&known.to_json()).expect("JSON");
        assert_eq!(line["stages_ms"], json!({ "network": 40.3 }));
        assert_eq!(line["reply_dbfs"], -23.5);
        assert_eq!(
            [
                &line["round_trip_ms"],
                &line["tool_calls"],
                &line["cost_usd"]
            ],
            [&json!(40.3), &json!(2), &json!(0.001235)]
        );
        assert_eq!(line["model"], "gemini-3.8-live");
        assert!(line.get("cost_is_upper_bound").is_none(), "a plain number");
    }

    #[test]
    fn a_failed_turn_says_why_and_has_no_latency_that_did_not_happen() {
        let mut failed = record();
        failed.outcome = Outcome::Failed(LocalizedText::new(|| "no answer"));
        failed.timeline.clear(Mark::FirstAudio);
        failed.timeline.clear(Mark::FirstAudible);
        failed.latencies = failed.timeline.latencies();
        let line: Value = serde_json::from_str(&failed.to_json()).expect("JSON");
        assert_eq!(
            (&line["outcome"], &line["error"]),
            (&json!("failed"), &json!("no answer"))
        );
        assert_eq!(
            line["latency_ms"],
            json!({ "endpointing": 504.0, "uplink": 1.0 })
        );
    }
}
