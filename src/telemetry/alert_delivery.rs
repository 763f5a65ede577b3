//! Runs the diagnosis, polls the alerts and delivers them, each with its remedy.

use std::time::Instant;

use serde_json::json;

use super::collector::Collector;
use super::diagnosis_evidence::evidence;
use super::event::TelemetryOutput;
use super::export::webhook::Post;
use crate::base::localized_text::LocalizedText;
use crate::base::text::in_english;
use crate::telemetry::alert::{Alert, AlertChange, AlertKind};
use crate::telemetry::diagnosis::diagnose;

impl Collector<'_> {
    pub(super) fn find_causes(&mut self) {
        if let Some(evidence) = evidence(self) {
            let findings = diagnose(&evidence);
            if *self.store.findings != *findings {
                self.store.findings = findings.into();
            }
        }
    }

    pub(super) fn watch_alerts(&mut self, now: Instant) {
        for change in self.store.alerts.poll(now) {
            match change {
                AlertChange::Raised(alert) => {
                    self.store.alert_raised(&alert);
                    let (remedy, action) = alert.kind.help(&self.store.findings);
                    tracing::warn!(
                        kind = alert.kind.word(),
                        value = alert.value,
                        limit = alert.limit,
                        n = alert.n,
                        remedy,
                        "alert"
                    );
                    let text = LocalizedText::now(|| {
                        let [what, remedy] = self.words(&alert);
                        format!("{what}. {remedy}")
                    });
                    self.raised.push((alert.kind, text.clone()));
                    self.outlets
                        .send(TelemetryOutput::AlertRaised(text, action));
                    self.post(&alert);
                }
                AlertChange::Cleared(kind) => self.end_alert(kind),
                AlertChange::Shown => {}
            }
        }
        self.store.note_critical();
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
        tracing::info!(kind = kind.word(), "alert is over");
        self.store.alert_cleared(kind);
        for (_, text) in self.raised.extract_if(.., |(of, _)| *of == kind) {
            self.outlets.send(TelemetryOutput::AlertCleared(text));
        }
        self.post_json(json!({
            "schema": "sovereign.alert/1", "state": "cleared", "kind": kind.word(),
            "profile": self.profile_name(), "version": env!("CARGO_PKG_VERSION"),
        }));
    }

    fn post(&self, alert: &Alert) {
        let [what, remedy] = in_english(|| self.words(alert));
        self.post_json(json!({
            "schema": "sovereign.alert/1", "state": "raised", "kind": alert.kind.word(),
            "severity": alert.severity().word(), "value": alert.value, "limit": alert.limit, "n": alert.n,
            "what": what, "remedy": remedy,
            "profile": self.profile_name(), "version": env!("CARGO_PKG_VERSION"),
        }));
    }

    /// What happened and what helps, in the language of this thread.
    fn words(&self, alert: &Alert) -> [String; 2] {
        let findings = evidence(self).map_or_else(Vec::new, |evidence| diagnose(&evidence));
        [alert.what(), alert.kind.help(&findings).0]
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
