//! The bottom of the window: the link, the microphone, whether speech interrupts, and where sound goes.

use std::time::Instant;

use eframe::egui::{Align, Label, Layout, Response, Ui};

use super::icons::Sign;
use super::theme::{Weight, space, text, tokens};
use super::ui_state::LayoutSize;
use super::widgets::{badge, sign};
use super::{bidi, format};
use crate::base::retention::Retention;
use crate::base::text::t;
use crate::conversation::snapshot::{Link, Snapshot};

/// The footer, in one row or, with less room, in as many as it takes.
pub(super) fn footer_ui(ui: &mut Ui, room: LayoutSize, snapshot: &Snapshot, now: Instant) {
    if room == LayoutSize::Wide {
        // Centred in its row, not in the height that the footer had with more rows.
        ui.horizontal(|ui| {
            facts_ui(ui, snapshot, now);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                privacy_ui(ui, snapshot);
            });
        });
    } else {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            facts_ui(ui, snapshot, now);
            privacy_ui(ui, snapshot);
        });
    }
}

fn privacy_ui(ui: &mut Ui, snapshot: &Snapshot) {
    fact(ui, format::privacy(snapshot));
    if snapshot.kept.retention == Retention::Off {
        ui.add_space(space::M);
        fact(ui, t!("nothing-is-kept-lower")).on_hover_text(t!("when-this-conversation-ends-its"));
    }
}

fn facts_ui(ui: &mut Ui, snapshot: &Snapshot, now: Instant) {
    let t = tokens(ui);
    let (mark, ink, detail) = match &snapshot.link {
        Link::Connected { host, .. } => (Sign::Dot, t.ok, host.clone()),
        Link::Connecting { .. } => (Sign::Ring, t.muted, String::new()),
        Link::Down { what, hint, .. } => (Sign::Cross, t.bad, format!("{what} {hint}")),
    };
    ui.spacing_mut().item_spacing.x = space::S;
    sign(ui, mark, 9.0, ink);
    let link = fact(ui, &format::link(snapshot, now));
    if !detail.is_empty() {
        link.on_hover_text(detail);
    }
    ui.add_space(space::M);
    fact(ui, &bidi::shown(&microphone(snapshot)));
    if format::is_narrowband(snapshot) {
        badge(ui, t!("narrowband")).on_hover_text(t!("a-hands-free-microphone-over"));
    }
    ui.add_space(space::M);
    fact(ui, &snapshot.barge_in.1).on_hover_text(t!("whether-an-answer-stops-when"));
    ui.add_space(space::M);
}

/// The microphone and its rate.
fn microphone(snapshot: &Snapshot) -> String {
    match &snapshot.input.stream {
        Some(stream) => format::device(stream),
        None if snapshot.muted => t!("microphone-released").into(),
        None => t!("no-microphone-lower").into(),
    }
}

/// A fact in one piece: a row that is full ends before it.
fn fact(ui: &mut Ui, words: &str) -> Response {
    let words = text(words, Weight::Regular, 12.0, tokens(ui).muted);
    ui.add(Label::new(words).extend())
}
