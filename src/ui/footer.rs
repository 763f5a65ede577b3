//! The bottom of the window: the link, the microphone, whether speech interrupts, and where sound goes.

use std::time::Instant;

use eframe::egui::{Align, Color32, Label, Layout, Popup, Ui};

use super::icons::{Icon, Sign};
use super::theme::{Tokens, Weight, font, space, text, tokens};
use super::widgets::{badge, icon_button, sign};
use super::{bidi, format};
use crate::base::retention::Retention;
use crate::base::text::t;
use crate::conversation::snapshot::{Link, Snapshot};

/// What the footer says of the conversation.
struct Fact {
    words: String,
    about: String,
    is_badge: bool,
    /// At the right end.
    is_right: bool,
}

impl Fact {
    fn new(words: impl Into<String>, about: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            about: about.into(),
            is_badge: false,
            is_right: false,
        }
    }

    fn right(self) -> Self {
        Self {
            is_right: true,
            ..self
        }
    }

    fn width(&self, ui: &Ui) -> f32 {
        let size = if self.is_badge { 13.0 } else { 12.0 };
        let words = ui.painter().layout_no_wrap(
            self.words.clone(),
            font(Weight::Medium, size),
            Color32::PLACEHOLDER,
        );
        let around = if self.is_badge { 2.0 * space::S } else { 0.0 };
        words.size().x + around + GAP
    }

    fn ui(&self, ui: &mut Ui) {
        let response = if self.is_badge {
            badge(ui, &self.words)
        } else {
            let words = text(&self.words, Weight::Regular, 12.0, tokens(ui).muted);
            ui.add(Label::new(words).truncate())
        };
        if !self.about.is_empty() {
            response.on_hover_text(&self.about);
        }
    }
}

/// Between two facts, and the width of the button that shows those without room.
const GAP: f32 = space::M + space::S;
const MORE: f32 = 20.0;

/// The footer, in one row: what finds no room there is behind a button.
pub(super) fn footer_ui(ui: &mut Ui, snapshot: &Snapshot, now: Instant) {
    let mut facts = facts(snapshot, now);
    let mut room = ui.available_width() - 9.0 - space::S;
    let widths: Vec<f32> = facts.iter().map(|fact| fact.width(ui)).collect();
    let all = facts.len();
    let shown = if widths.iter().sum::<f32>() <= room {
        all
    } else {
        room -= MORE + space::S;
        let fits = |width: &&f32| {
            room -= **width;
            room >= 0.0
        };
        widths.iter().take_while(fits).count().max(1)
    };
    let hidden = facts.split_off(shown);
    ui.horizontal(|ui| {
        ui.set_min_height(MORE);
        ui.spacing_mut().item_spacing.x = space::S;
        let (mark, ink) = link_sign(snapshot, tokens(ui));
        sign(ui, mark, 9.0, ink);
        for fact in facts.iter().filter(|fact| !fact.is_right) {
            fact.ui(ui);
            ui.add_space(space::M);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if !hidden.is_empty() {
                more_ui(ui, &hidden);
            }
            for (nth, fact) in facts.iter().filter(|fact| fact.is_right).enumerate() {
                if nth > 0 {
                    ui.add_space(space::M);
                }
                fact.ui(ui);
            }
        });
    });
}

/// The button that shows what found no room.
fn more_ui(ui: &mut Ui, hidden: &[Fact]) {
    let button = icon_button(ui, Icon::More, MORE, t!("more-about-the-conversation"));
    Popup::menu(&button).show(|ui| {
        ui.set_max_width(300.0_f32.min(ui.ctx().content_rect().width() - 40.0));
        ui.spacing_mut().item_spacing.y = space::XS;
        let t = tokens(ui);
        for fact in hidden {
            ui.label(text(&fact.words, Weight::Medium, 13.0, t.strong));
            if !fact.about.is_empty() {
                ui.label(text(&fact.about, Weight::Regular, 12.0, t.normal));
            }
        }
    });
}

const fn link_sign(snapshot: &Snapshot, t: &Tokens) -> (Sign, Color32) {
    match &snapshot.link {
        Link::Connected { .. } => (Sign::Dot, t.ok),
        Link::Connecting { .. } => (Sign::Ring, t.muted),
        Link::Down { .. } => (Sign::Cross, t.bad),
    }
}

/// The most important first.
fn facts(snapshot: &Snapshot, now: Instant) -> Vec<Fact> {
    let detail = match &snapshot.link {
        Link::Connected { host, .. } => host.clone(),
        Link::Connecting { .. } => String::new(),
        Link::Down { what, hint, .. } => format!("{what} {hint}"),
    };
    let mut facts = vec![
        Fact::new(format::link(snapshot, now), detail),
        Fact::new(format::privacy(snapshot), "").right(),
    ];
    if snapshot.kept.retention == Retention::Off {
        let about = t!("when-this-conversation-ends-its");
        facts.push(Fact::new(t!("nothing-is-kept-lower"), about).right());
    }
    facts.push(Fact::new(bidi::shown(&microphone(snapshot)), ""));
    if format::is_narrowband(snapshot) {
        facts.push(Fact {
            is_badge: true,
            ..Fact::new(t!("narrowband"), t!("a-hands-free-microphone-over"))
        });
    }
    let about = t!("whether-an-answer-stops-when");
    facts.push(Fact::new(&*snapshot.barge_in.1, about));
    facts
}

/// The microphone and its rate.
fn microphone(snapshot: &Snapshot) -> String {
    match &snapshot.input.stream {
        Some(stream) => format::device(stream),
        None if snapshot.muted => t!("microphone-released").into(),
        None => t!("no-microphone-lower").into(),
    }
}
