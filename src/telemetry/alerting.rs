//! Looks for causes and watches the alerts: who is told of them, and with which remedy.

use std::time::Instant;

use serde_json::json;

use super::collector::Collector;
use super::event::Output;
use super::evidence::evidence;
use super::export::webhook::Post;
use crate::telemetry::alert::{Alert, Change, Kind};
use crate::telemetry::diagnosis::diagnose;

impl Collector<'_> {
    /// Looks for likely causes of slow or troubled turns.
    pub(super) fn find_causes(&mut self) {
        if let Some(evidence) = evidence(self) {
            let findings = diagnose(&evidence);
            if *self.store.findings != *findings {
                self.store.findings = findings.into();
            }
        }
    }

    pub(super) fn watch_alerts(&mut self, now: Instant) {
        for change in self.store.look(now) {
            match change {
                Change::Raised(alert) => {
                    let (remedy, action) = alert.kind.help(&self.store.findings);
                    tracing::warn!(
                        kind = alert.kind.word(),
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
                Change::Cleared(kind) => self.end_alert(kind),
                Change::Shown => {}
            }
        }
    }

    /// Ends every alert that was raised: its figures are not watched any more.
    pub(super) fn end_alerts(&mut self) {
        let raised: Vec<Kind> = self.store.alerts.told().collect();
        for kind in raised {
            self.end_alert(kind);
        }
    }

    /// Withdraws the notice, and sends the end of the alert to the log and the webhook.
    fn end_alert(&mut self, kind: Kind) {
        tracing::info!(kind = kind.word(), "alert is over");
        for (_, text) in self.raised.extract_if(.., |(of, _)| *of == kind) {
            self.outlets.send(Output::AlertCleared(text));
        }
        self.post_json(json!({
            "schema": "sovereign.alert/1", "state": "cleared", "kind": kind.word(),
            "profile": self.profile_name(), "version": env!("CARGO_PKG_VERSION"),
        }));
    }

    fn post(&self, alert: &Alert, remedy: &str) {
        self.post_json(json!({
            "schema": "sovereign.alert/1", "state": "raised", "kind": alert.kind.word(),
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
