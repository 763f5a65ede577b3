//! Where a searched answer comes from: a chip for each page and each search, which the browser opens.

use eframe::egui::{OpenUrl, Ui};

use super::theme::{Weight, space, text, tokens};
use super::widgets::plain_button;
use super::words;
use crate::live::grounding::{Grounding, search_address};

/// The chips, in as many lines as they need.
pub(super) fn sources_ui(ui: &mut Ui, found: &Grounding) {
    let muted = tokens(ui).muted;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = [space::XS, space::XS].into();
        if !found.sources.is_empty() {
            ui.label(text("Sources", Weight::Regular, 12.0, muted));
        }
        for source in &found.sources {
            chip(ui, &source.title, &source.uri);
        }
    });
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = [space::XS, space::XS].into();
        if !found.queries.is_empty() {
            ui.label(text("Search on", Weight::Regular, 12.0, muted));
        }
        for query in &found.queries {
            chip(ui, query, &search_address(query));
        }
    });
}

/// The address is shown before it is opened: a title says what its author likes.
fn chip(ui: &mut Ui, title: &str, address: &str) {
    let chip = plain_button(ui, &words::name(title)).on_hover_text(words::clean(address));
    if chip.clicked() {
        ui.ctx().open_url(OpenUrl::new_tab(address));
    }
}
