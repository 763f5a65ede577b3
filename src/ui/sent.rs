//! What was sent to the service, since the start and today: bytes, sound, tokens, money; in the demo, that it is free.

use std::time::Duration;

use eframe::egui::Ui;

use super::widgets::value_row;
use super::{explain, format};
use crate::base::cost::Cost;
use crate::base::text::t;
use crate::conversation::snapshot::Snapshot;

/// The two rows; none where a server on this computer answers.
pub(super) fn sent_ui(ui: &mut Ui, snapshot: &Snapshot) {
    if snapshot.demo {
        let free = t!("free-the-demo-sends-nothing");
        return value_row(
            ui,
            None,
            t!("sent-and-cost"),
            free,
            t!("the-demo-costs-nothing-what"),
        );
    }
    if snapshot.local {
        return;
    }
    let (meters, today) = (&snapshot.figures.meters, &snapshot.history.today);
    let turns = snapshot.models.values().map(|model| &model.turns);
    let since_start = words(
        meters.bytes_sent,
        meters.audio_sent,
        turns.clone().map(|turns| turns.tokens).sum(),
        turns
            .filter_map(|turns| turns.cost)
            .reduce(|mut all, cost| {
                all += cost;
                all
            }),
    );
    value_row(
        ui,
        None,
        t!("sent-since-the-start"),
        &since_start,
        t!("what-sent-means"),
    );
    let seconds = Duration::try_from_secs_f64(today.audio_sent_seconds).unwrap_or_default();
    let today = words(today.bytes_sent, seconds, today.tokens, today.cost());
    value_row(ui, None, t!("sent-today"), &today, t!("what-sent-means"));
}

fn words(bytes: u64, sound: Duration, tokens: u64, cost: Option<Cost>) -> String {
    t!(
        "bytes-sound-tokens-cost",
        bytes = format::bytes(bytes),
        sound = format::span(sound),
        tokens = format::grouped(tokens),
        cost = explain::cost(cost)
    )
}
