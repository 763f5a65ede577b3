//! Alerts of the last seven days, without words of the conversation.

use super::past_alert::PastAlert;
use super::{History, TIERS};
use crate::telemetry::alert::{Alert, AlertKind, AlertSeverity};

/// Alerts that are kept; the oldest give way.
const MOST: usize = 200;

impl History {
    /// An alert was raised at `now`.
    pub fn alert_raised(&mut self, now: u64, alert: &Alert) {
        if self.alerts.len() >= MOST {
            self.alerts.pop_front();
        }
        self.alerts.push_back(PastAlert {
            at: now,
            until: None,
            kind: alert.kind.word().to_owned(),
            severity: alert.severity(),
            what: alert.what(),
        });
    }

    /// An alert that stands is critical by now.
    pub fn alert_is_critical(&mut self, alert: &Alert) {
        if let Some(last) = self.standing(alert.kind)
            && last.severity != AlertSeverity::Critical
        {
            (last.severity, last.what) = (AlertSeverity::Critical, alert.what());
        }
    }

    /// An alert was over at `now`.
    pub fn alert_cleared(&mut self, now: u64, kind: AlertKind) {
        if let Some(last) = self.standing(kind) {
            last.until = Some(now.max(last.at));
        }
    }

    /// The alerts of the last seven days, newest first.
    pub fn alerts(&self) -> impl Iterator<Item = &PastAlert> {
        self.alerts.iter().rev()
    }

    /// Drops what is too old, and what is in the future after the clock was set back.
    pub(super) fn prune_alerts(&mut self, now: u64) {
        let [.., (reach, _)] = TIERS;
        let is_kept = |alert: &PastAlert| alert.at <= now && now - alert.at <= reach;
        self.alerts.retain(is_kept);
    }

    fn standing(&mut self, kind: AlertKind) -> Option<&mut PastAlert> {
        let mut newest = self.alerts.iter_mut().rev();
        let last = newest.find(|alert| alert.kind == kind.word())?;
        last.until.is_none().then_some(last)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::START;
    use super::*;

    fn alert(value: f64) -> Alert {
        Alert {
            kind: AlertKind::Response,
            value,
            limit: 5_000.0,
            n: 5,
            trend: None,
        }
    }

    #[test]
    fn alerts_outlive_the_process_for_seven_days_with_their_highest_severity() {
        let mut history = History::default();
        history.alert_raised(START, &alert(6_000.0));
        history.alert_is_critical(&alert(9_000.0));
        history.alert_cleared(START + 90, AlertKind::Response);
        history.alert_is_critical(&alert(99_000.0));
        let text = history.to_text();
        let read = History::from_text(text.as_bytes(), START + 100).expect("good");
        let alerts: Vec<&PastAlert> = read.alerts().collect();
        assert_eq!(alerts.len(), 1);
        assert_eq!(
            (alerts[0].severity, alerts[0].until),
            (AlertSeverity::Critical, Some(START + 90))
        );
        assert!(alerts[0].what.contains("9.0 s"), "{alerts:?}");
        let later = START + 8 * 86_400;
        let read = History::from_text(text.as_bytes(), later).expect("good");
        assert_eq!(read.alerts().count(), 0, "eight days later");
        for n in 0..1_000 {
            history.alert_raised(START + n, &alert(6_000.0));
        }
        assert_eq!(history.alerts().count(), MOST);
        let bad = text.replace("\"kind\":\"response\"", "\"kind\":\"nonsense\"");
        assert!(History::from_text(bad.as_bytes(), START).is_err());
    }
}
