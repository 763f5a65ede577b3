//! The page Settings: sections, a search, and a row for every key of the configuration and of the profile in use.

use std::path::Path;

use eframe::egui::accesskit::Live;
use eframe::egui::{
    Align, Context, Id, Layout, Margin, Response, Role, ScrollArea, Sense, TextEdit, Ui,
    WidgetInfo, pos2, vec2,
};

use super::heading::caps_heading;
use super::page::{exported_ui, page_head};
use super::setting_row::{RowRequest, row_ui};
use super::settings_search::{HeadedHit, SearchHit, SettingsFound};
use super::settings_state::{RowId, SettingsSection};
use super::theme::{RADIUS_FIELD, Weight, font, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{
    Segment, card, focus_ring, follow_focus, named_button, plain_button, segmented,
};
use super::{profile_editor, settings_search, settings_sections, theme};
use crate::base::keys::{Scalar as _, Value};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{SettingOrigin, SettingView, Snapshot};
use crate::profile::DEFAULT;
use crate::settings::config;
use crate::settings::profile_edit::ProfileEdit;

/// Widest column: beyond it a control is too far from its name.
const WIDEST: f32 = 720.0;
/// Width of the list of sections, and the least width and height of a page that has it at its side.
const SECTIONS: f32 = 168.0;
const LEAST_BESIDE: f32 = 760.0;
const LEAST_HIGH: f32 = 340.0;

/// The page. `key_file` is where a typed key is kept; `scrolls`: it has a scroll area of its own.
pub(super) fn page_ui(
    ui: &mut Ui,
    snapshot: &Snapshot,
    key_file: &Path,
    scrolls: bool,
    view: &mut UiState,
) {
    let room = ui.available_size();
    let is_beside = scrolls && room.x >= LEAST_BESIDE && room.y >= LEAST_HIGH;
    let beside = if is_beside { SECTIONS + 24.0 } else { 0.0 };
    // A bar stands beyond the column, so that all sections are as wide as the search.
    let bar = if is_beside {
        ui.spacing().scroll.allocated_width()
    } else {
        0.0
    };
    let column = WIDEST.min(room.x - beside - bar);
    let margin = ((room.x - column - beside - bar) / 2.0).max(0.0);
    let id = (
        "settings",
        view.settings.section,
        view.settings.search.is_empty(),
    );
    // Each section begins at its top.
    let area = || {
        let area = ScrollArea::vertical().id_salt(id).animated(false);
        area.auto_shrink([false, false])
    };
    let head = |ui: &mut Ui, view: &mut UiState| {
        if page_head(ui, t!("settings"), t!("to-the-conversation-from-settings")).clicked() {
            view.leave();
        }
        search_ui(ui, view);
        if !is_beside {
            tabs_ui(ui, view);
        }
        exported_ui(ui, snapshot, view);
    };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(margin);
        if is_beside {
            ui.vertical(|ui| {
                ui.set_width(SECTIONS);
                // Beside the search.
                ui.add_space(40.0);
                sections_ui(ui, view);
            });
            ui.add_space(24.0);
        }
        ui.vertical(|ui| {
            ui.set_width(column + bar);
            ui.spacing_mut().item_spacing = vec2(space::S, space::S);
            if is_beside {
                ui.scope(|ui| {
                    ui.set_max_width(column);
                    head(ui, view);
                });
                area().show(ui, |ui| {
                    ui.set_max_width(column);
                    content_ui(ui, snapshot, key_file, view);
                    follow_focus(ui);
                });
            } else if scrolls {
                // In a low window the head would leave no room for what it is about.
                area().show(ui, |ui| {
                    head(ui, view);
                    content_ui(ui, snapshot, key_file, view);
                    follow_focus(ui);
                });
            } else {
                head(ui, view);
                content_ui(ui, snapshot, key_file, view);
            }
        });
    });
}

/// The field of the search.
pub(super) fn search_id() -> Id {
    Id::unique("the search for settings")
}

fn search_ui(ui: &mut Ui, view: &mut UiState) {
    let field = TextEdit::singleline(&mut view.settings.search)
        .id(search_id())
        .font(font(Weight::Regular, 14.0))
        .char_limit(100)
        .hint_text(t!("search-a-word-of-the"))
        .margin(Margin::symmetric(12, 8))
        .desired_width(f32::INFINITY);
    let response = ui.add(field);
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_label(t!("search-settings")));
}

fn sections_ui(ui: &mut Ui, view: &mut UiState) {
    ui.spacing_mut().item_spacing.y = 2.0;
    for section in SettingsSection::ALL {
        let is_shown = view.settings.search.is_empty() && view.settings.section == section;
        if section_ui(ui, section, is_shown).clicked() {
            view.show_section(section);
        }
    }
}

fn section_ui(ui: &mut Ui, section: SettingsSection, is_shown: bool) -> Response {
    let t = tokens(ui);
    let size = vec2(ui.available_width(), 34.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let title = section.title();
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_shown, title));
    if ui.is_rect_visible(rect) {
        if is_shown || response.hovered() {
            let fill = if is_shown { t.field } else { t.card };
            ui.painter()
                .rect_filled(rect, f32::from(RADIUS_FIELD), fill);
        }
        let (weight, ink) = if is_shown {
            (Weight::SemiBold, t.strong)
        } else {
            (Weight::Regular, t.normal)
        };
        let words = ui
            .painter()
            .layout_no_wrap(title.to_owned(), font(weight, 14.0), ink);
        let at = pos2(rect.left() + 12.0, rect.center().y - words.size().y / 2.0);
        ui.painter().galley(at, words, ink);
        focus_ring(ui, &response, f32::from(RADIUS_FIELD));
    }
    response
}

/// The sections above the column.
fn tabs_ui(ui: &mut Ui, view: &mut UiState) {
    let tabs = SettingsSection::ALL.map(|section| Segment {
        label: section.title(),
        name: section.title(),
        figure: String::new(),
        tooltip: String::new(),
    });
    let shown = SettingsSection::ALL
        .iter()
        .position(|section| *section == view.settings.section);
    let shown = shown.filter(|_| view.settings.search.is_empty());
    if let Some(taken) = segmented(ui, &tabs, shown.unwrap_or(usize::MAX)) {
        view.show_section(SettingsSection::ALL[taken]);
    }
}

fn content_ui(ui: &mut Ui, snapshot: &Snapshot, key_file: &Path, view: &mut UiState) {
    ui.spacing_mut().item_spacing.y = space::S;
    if !view.settings.search.trim().is_empty() {
        return found_ui(ui, snapshot, view);
    }
    settings_sections::before_ui(ui, snapshot, key_file, view);
    if view.settings.section == SettingsSection::Profile {
        profile_editor::editor_ui(ui, snapshot, view);
    }
    let rows = view.settings.rows(&snapshot.settings).into_iter();
    let rows: Vec<_> = rows
        .map(|(heading, id, setting)| (heading, SearchHit::Row(id, setting)))
        .collect();
    groups_ui(ui, rows, snapshot, view);
    settings_sections::after_ui(ui, snapshot, view);
}

/// What the search finds.
fn found_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let told = |ui: &mut Ui, words: &str, size| {
        let words = text(words, Weight::Regular, size, tokens(ui).normal);
        let told = ui.label(words);
        ui.ctx()
            .accesskit_node_builder(told.id, |node| node.set_live(Live::Polite));
    };
    match &*settings_search::search(ui, &view.settings.search, snapshot) {
        SettingsFound::Hits(hits) => {
            told(ui, &t!("n-found", n = hits.len() as u64), 12.0);
            groups_ui(ui, hits.clone(), snapshot, view);
        }
        SettingsFound::Nothing(None) => told(ui, t!("nothing-is-called-so-try"), 14.0),
        SettingsFound::Nothing(Some(nearest)) => {
            ui.horizontal_wrapped(|ui| {
                told(ui, t!("nothing-is-called-so-nearest"), 14.0);
                if plain_button(ui, nearest).clicked() {
                    view.settings.search.clone_from(nearest);
                }
            });
        }
    }
}

/// Rows, those with one heading in one card.
fn groups_ui(ui: &mut Ui, mut rows: Vec<HeadedHit>, snapshot: &Snapshot, view: &mut UiState) {
    for (_, hit) in &mut rows {
        if let SearchHit::Row(id, setting) = hit
            && !id.of_profile
            && let Some(value) = look(ui.ctx(), id.key, view)
            && value != setting.value
        {
            // By keyboard: it is written when the window is closed.
            (setting.value, setting.origin) = (value, SettingOrigin::Chosen);
        }
    }
    for group in rows.chunk_by(|(a, _), (b, _)| a == b) {
        if let Some((heading, _)) = group.first()
            && !heading.is_empty()
        {
            ui.add_space(space::XS);
            caps_heading(ui, heading);
        }
        card(tokens(ui)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            for (nth, (_, hit)) in group.iter().enumerate() {
                if nth > 0 {
                    ui.add_space(2.0);
                    ui.separator();
                    ui.add_space(2.0);
                }
                match hit {
                    SearchHit::Row(id, setting) => {
                        let asked = row_ui(ui, *id, setting, snapshot, &mut view.settings);
                        if let Some(asked) = asked {
                            ask(ui.ctx(), snapshot, (*id, setting), asked, view);
                        }
                    }
                    SearchHit::Place(section, title) => {
                        if place_ui(ui, title) {
                            view.show_section(*section);
                            view.settings.place = Some(title);
                        }
                    }
                }
            }
        });
    }
}

/// Something that a section has, and whether to go there.
fn place_ui(ui: &mut Ui, title: &str) -> bool {
    let shown = ui.horizontal(|ui| {
        ui.label(text(title, Weight::SemiBold, 14.0, tokens(ui).strong));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            named_button(ui, t!("go-there"), &t!("go-to", title)).clicked()
        })
        .inner
    });
    shown.inner
}

/// The look of the window as it is: the conversation knows how it was when it was kept last.
fn look(ctx: &Context, key: &str, view: &UiState) -> Option<Value> {
    match key {
        "window.theme" => {
            let theme = ctx.options(|options| options.theme_preference);
            Some(theme::chosen(theme).to_value())
        }
        "window.zoom_percent" => {
            let percent = (ctx.zoom_factor() * 100.0).round();
            Some(Value::Number(f64::from(percent)))
        }
        "window.panel" => Some(view.panel.to_value()),
        _ => None,
    }
}

/// Does what a row was asked for.
fn ask(
    ctx: &Context,
    snapshot: &Snapshot,
    (id, setting): (RowId, &SettingView),
    asked: RowRequest,
    view: &mut UiState,
) {
    let value = match asked {
        RowRequest::Set(value) => Some(value),
        RowRequest::Reset => None,
        RowRequest::Retry => {
            view.commands.push(Command::RetryGlobalKey);
            return;
        }
    };
    let command = if id.of_profile {
        let profile = snapshot.settings.profile.name.clone();
        Command::EditProfile(profile, ProfileEdit::Set(id.key, value))
    } else {
        take_look(ctx, id.key, value.as_ref().unwrap_or(&setting.usual), view);
        match (id.key, value) {
            ("profile", Some(Value::Text(name))) => Command::UseProfile(name),
            ("profile", _) => Command::UseProfile(DEFAULT.to_owned()),
            (key, value) => Command::SetConfig(key, value),
        }
    };
    // Where it is not possible, a newer notice says why.
    view.export(snapshot, command);
}

/// What the window itself follows.
fn take_look(ctx: &Context, key: &str, value: &Value, view: &mut UiState) {
    match (key, value) {
        ("window.theme", value) => {
            if let Some(theme) = config::Theme::from_value(value.clone()) {
                ctx.set_theme(theme::preference(theme));
            }
        }
        ("window.zoom_percent", Value::Number(percent)) => {
            ctx.set_zoom_factor(*percent as f32 / 100.0);
        }
        ("window.panel", Value::Whole(panel)) => view.panel = (*panel).min(3) as u8,
        _ => {}
    }
}
