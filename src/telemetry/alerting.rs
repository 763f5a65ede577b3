//! Runs the diagnosis, polls the alerts and delivers them, each with its remedy.

use std::time::Instant;

use serde_json::json;

use super::collector::Collector;
use super::event::Output;
use super::evidence::evidence;
use super::export::webhook::Post;
use crate::telemetry::alert::{Alert, AlertChange, AlertKind};
use crate::telemetry::diagnosis::{Finding, Part, Remedy, diagnose};

impl Collector<'_> {
    /// Runs the diagnosis.
    pub(super) fn find_causes(&mut self) {
        if let Some(evidence) = evidence(self) {
            let findings = diagnose(&evidence);
            if *self.store.findings != *findings {
                self.store.findings = findings.into();
            }
        }
    }

    pub(super) fn watch_alerts(&mut self, now: Instant) {
        for change in self.store.poll_alerts(now) {
            match change {
                AlertChange::Raised(alert) => {
                    let (remedy, action) = help(alert.kind, &self.store.findings);
                    tracing::warn!(
                        kind = alert.kind.name(),
                        value = alert.value,
                        limit = alert.limit,
                        n = alert.n,
                        remedy,
                        "alert"
                    );
                    let text = format!("{}. {remedy}", alert.what());
                    self.raised.push((alert.kind, text.clone()));
                    self.outlets.send(Output::AlertRaised(text, action));
                    self.post(&alert, &remedy);
                }
                AlertChange::Cleared(kind) => self.end_alert(kind),
                AlertChange::Shown => {}
            }
        }
    }

    /// Ends every raised alert: its values are no longer monitored.
    pub(super) fn end_alerts(&mut self) {
        let raised: Vec<AlertKind> = self.store.alerts.notified().collect();
        for kind in raised {
            self.end_alert(kind);
        }
    }

    /// Withdraws the notice, and sends the end of the alert to the log and the webhook.
    fn end_alert(&mut self, kind: AlertKind) {
        tracing::info!(kind = kind.name(), "alert is over");
        for (_, text) in self.raised.extract_if(.., |(of, _)| *of == kind) {
            self.outlets.send(Output::AlertCleared(text));
        }
        self.post_json(json!({
            "schema": "sovereign.alert/1", "state": "cleared", "kind": kind.name(),
            "profile": self.profile_name(), "version": env!("CARGO_PKG_VERSION"),
        }));
    }

    fn post(&self, alert: &Alert, remedy: &str) {
        self.post_json(json!({
            "schema": "sovereign.alert/1", "state": "raised", "kind": alert.kind.name(),
            "value": alert.value, "limit": alert.limit, "n": alert.n,
            "what": alert.what(), "remedy": remedy,
            "profile": self.profile_name(), "version": env!("CARGO_PKG_VERSION"),
        }));
    }

    fn profile_name(&self) -> Option<&str> {
        self.context.as_ref().map(|context| &*context.profile.name)
    }

    fn post_json(&self, body: serde_json::Value) {
        let address = self
            .context
            .as_ref()
            .and_then(|context| context.webhook.clone());
        if let Some(address) = address {
            let body = body.to_string();
            self.webhook.send(Post { address, body });
        }
    }
}

/// The remedy for an alert: from the finding of its part, else a general one.
fn help(kind: AlertKind, findings: &[Finding]) -> (String, Option<Remedy>) {
    let (parts, otherwise): (&[Part], &str) = match kind {
        AlertKind::FirstAudio | AlertKind::Response => (
            &[
                Part::Uplink,
                Part::Network,
                Part::Service,
                Part::Downlink,
                Part::Computer,
            ],
            "Look at the parts of the response for whose share is the largest.",
        ),
        AlertKind::Success => (
            &[],
            "`sovereign doctor --live` tells whether the service answers at all.",
        ),
        AlertKind::Memory => (
            &[],
            "A restart gives the memory back; if it grows again, please report it with \"Copy report\".",
        ),
        AlertKind::Cpu => (&[Part::Computer], "Close what you do not need."),
        AlertKind::Interruptions => (
            &[Part::Conversation],
            "Ask for short answers, or check microphone and echo.",
        ),
        AlertKind::CutOffs => (&[Part::Patience], "Take a profile with more patience."),
        AlertKind::Stutters => (
            &[Part::Downlink, Part::Computer],
            "The line delivers late, or this computer is busy: stop downloads, close what you do not need, or use a cable.",
        ),
    };
    let limit = format!("alerts.{}_ms", kind.name());
    findings
        .iter()
        .find(|finding| parts.contains(&finding.part))
        .map_or_else(
            || (otherwise.to_owned(), None),
            |finding| {
                (
                    format!("{} {}", finding.what, finding.advice(&limit)),
                    finding.action.clone(),
                )
            },
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::diagnosis::Cause;

    #[test]
    fn an_alert_names_the_limit_that_it_was_raised_by() {
        let slow = Finding {
            part: Part::Service,
            cause: Cause::Model,
            costs: None,
            what: "The model is slow.".to_owned(),
            remedy: "Choose another one.".to_owned(),
            action: None,
        };
        for (kind, key) in [
            (AlertKind::FirstAudio, "`alerts.first_audio_ms`"),
            (AlertKind::Response, "`alerts.response_ms`"),
        ] {
            let (text, _) = help(kind, std::slice::from_ref(&slow));
            assert!(text.contains(key) && !text.contains("target_ms"), "{text}");
        }
        assert!(slow.advice("target_ms").contains("raise `target_ms`"));
    }
}
