//! The sources of a searched answer: a chip for each page and each search, opened in the browser.

use eframe::egui::{OpenUrl, Ui};

use super::format;
use super::theme::{Weight, space, text, tokens};
use super::widgets::plain_button;
use crate::base::text::t;
use crate::provider::grounding::{Grounding, search_address};

/// Height of a chip, so that the name of its row is beside its middle.
const CHIP_HEIGHT: f32 = 28.0;

/// The chips, in as many lines as they need.
pub(super) fn sources_ui(ui: &mut Ui, found: &Grounding) {
    let sources = found.sources.iter();
    row(
        ui,
        t!("sources"),
        sources.map(|page| (&page.title, page.uri.clone())),
    );
    let queries = found.queries.iter();
    row(
        ui,
        t!("searches"),
        queries.map(|query| (query, search_address(query))),
    );
}

fn row<'a>(ui: &mut Ui, name: &str, chips: impl ExactSizeIterator<Item = (&'a String, String)>) {
    if chips.len() == 0 {
        return;
    }
    let muted = tokens(ui).muted;
    ui.scope(|ui| {
        ui.spacing_mut().interact_size.y = CHIP_HEIGHT;
        ui.spacing_mut().item_spacing = [space::XS, space::XS].into();
        ui.horizontal_wrapped(|ui| {
            ui.label(text(name, Weight::Regular, 12.0, muted));
            for (title, address) in chips {
                chip(ui, title, &address);
            }
        });
    });
}

/// The address is shown before it is opened, because its author chooses the title.
fn chip(ui: &mut Ui, title: &str, address: &str) {
    let chip = plain_button(ui, &format::name(title)).on_hover_text(format::clean(address));
    if chip.clicked() {
        ui.ctx().open_url(OpenUrl::new_tab(address));
    }
}
