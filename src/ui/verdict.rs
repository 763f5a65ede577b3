//! The verdict of a response: on target, or over it with the largest share.

use std::time::Duration;

use eframe::egui::{Color32, RichText, Ui};

use super::format::millis;
use super::icons::Sign;
use super::theme::{Tokens, Weight, font, text};
use super::widgets::sign;
use crate::turn::timeline::{Latencies, connection_wait};

/// How a response compares with its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetComparison {
    /// Within the target.
    OnTarget,
    /// Over it, by up to half.
    Over,
    /// Over it by more.
    FarOver,
}

impl TargetComparison {
    pub(super) fn of(response: Duration, target: Duration) -> Self {
        if response <= target {
            Self::OnTarget
        } else if response <= target.mul_f64(1.5) {
            Self::Over
        } else {
            Self::FarOver
        }
    }
}

/// The largest share of a response, with its milliseconds: "service 371".
pub(super) fn largest_share(latencies: &Latencies) -> Option<String> {
    let shares = [
        ("service", latencies.server?),
        (
            "connection",
            connection_wait(latencies.uplink).unwrap_or_default(),
        ),
        ("this computer", latencies.computer()?),
        ("patience", latencies.held),
    ];
    let mut shares = shares.into_iter();
    let first = shares.next()?;
    let (name, length) = shares.fold(
        first,
        |most, next| if next.1 > most.1 { next } else { most },
    );
    Some(format!("{name} {}", millis(length)))
}

/// The assessment of a response: sign, words and explanation.
pub(super) struct ResponseVerdict {
    sign: Option<Sign>,
    ink: Color32,
    words: String,
    explanation: String,
}

impl ResponseVerdict {
    pub(super) fn unknown(t: &Tokens) -> Self {
        Self {
            sign: None,
            ink: t.muted,
            words: "no answer was heard yet".into(),
            explanation: String::new(),
        }
    }

    pub(super) fn new(last: &Latencies, response: Duration, target: Duration, t: &Tokens) -> Self {
        let judged = TargetComparison::of(response, target);
        let (sign, ink) = match judged {
            TargetComparison::OnTarget => (Sign::Dot, t.ok),
            TargetComparison::Over => (Sign::Triangle, t.warn),
            TargetComparison::FarOver => (Sign::Cross, t.bad),
        };
        let limit = millis(target);
        let words = match (judged, largest_share(last)) {
            (TargetComparison::OnTarget, _) => "on target".to_owned(),
            (TargetComparison::Over | TargetComparison::FarOver, Some(share)) => {
                format!("over {limit}: {share}")
            }
            (TargetComparison::Over | TargetComparison::FarOver, None) => format!("over {limit}"),
        };
        let explanation = format!(
            "The target of this profile is {limit} ms. Where a response is over it, the larger share is named: the \
             service with the network, the connection that was slow or away, or this computer."
        );
        Self {
            sign: Some(sign),
            ink,
            words,
            explanation,
        }
    }

    fn text(&self) -> RichText {
        let weight = if self.sign.is_some() {
            Weight::SemiBold
        } else {
            Weight::Regular
        };
        text(&self.words, weight, 13.0, self.ink)
    }

    pub(super) fn width(&self, ui: &Ui) -> f32 {
        let font = font(Weight::SemiBold, 13.0);
        let words = ui
            .painter()
            .layout_no_wrap(self.words.clone(), font, self.ink);
        words.size().x + 20.0
    }

    pub(super) fn show(&self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            // The row is as high as its text, on a common baseline.
            ui.spacing_mut().interact_size.y = 0.0;
            ui.spacing_mut().item_spacing.x = 7.0;
            if let Some(mark) = self.sign {
                sign(ui, mark, 10.0, self.ink);
            }
            let label = ui.label(self.text());
            if !self.explanation.is_empty() {
                label.on_hover_text(&self.explanation);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: f64) -> Duration {
        Duration::from_secs_f64(ms / 1e3)
    }

    #[test]
    fn the_verdict_turns_at_the_target() {
        let target = ms(300.0);
        assert_eq!(
            TargetComparison::of(ms(300.0), target),
            TargetComparison::OnTarget
        );
        assert_eq!(
            TargetComparison::of(ms(300.1), target),
            TargetComparison::Over
        );
        assert_eq!(
            TargetComparison::of(ms(451.0), target),
            TargetComparison::FarOver
        );
    }

    #[test]
    fn the_larger_share_is_named() {
        let mut latencies = Latencies {
            server: Some(ms(371.0)),
            client: Some(ms(41.0)),
            ..Latencies::default()
        };
        assert_eq!(largest_share(&latencies).as_deref(), Some("service 371"));
        latencies.client = Some(ms(400.0));
        assert_eq!(
            largest_share(&latencies).as_deref(),
            Some("this computer 400")
        );
        latencies.uplink = Some(ms(380.0));
        assert_eq!(largest_share(&latencies).as_deref(), Some("connection 380"));
        latencies.server = None;
        assert_eq!(largest_share(&latencies), None);
    }
}
