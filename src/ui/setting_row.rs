//! A row of the page Settings: name and meaning of a setting, its control, where its value comes from, and the way back to the
//! usual one.

use eframe::egui::{
    Align, Align2, ComboBox, Id, Label, Layout, Margin, Response, Sense, Slider, Stroke, TextEdit,
    Ui, vec2,
};

use super::global_key::global_key_ui;
use super::icons::Sign;
use super::setting_control::{self, SettingControl};
use super::settings_state::{RowId, SettingsState, TypedSetting};
use super::switch::switch;
use super::theme::{RADIUS_FIELD, Weight, font, space, text, tokens};
use super::widgets::{focus_ring, list_choice, named_button, signed_row};
use super::{bidi, format, key_texts, speech};
use crate::base::keys::{Key, Kind, Value};
use crate::base::text::t;
use crate::conversation::snapshot::{SettingOrigin, SettingView, Snapshot};
use crate::desktop::{MediaKeysState, TrayState};
use crate::profile::shown_label;

/// Widths of controls, in points; a row with less room has them below its text.
const CONTROL: f32 = 230.0;
const NUMBER: f32 = 84.0;
const UNIT: f32 = 46.0;
const LEAST_BESIDE: f32 = 480.0;
/// Height of a control.
const HEIGHT: f32 = 30.0;

/// What the user asked of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RowRequest {
    /// Another value.
    Set(Value),
    /// The usual one.
    Reset,
    /// What the setting asks of the system, once more.
    Retry,
}

/// A row; returns what was asked.
pub(super) fn row_ui(
    ui: &mut Ui,
    id: RowId,
    setting: &SettingView,
    snapshot: &Snapshot,
    state: &mut SettingsState,
) -> Option<RowRequest> {
    let control = SettingControl::of(ui, id, setting, snapshot);
    let is_small = !matches!(
        control,
        SettingControl::Line { wide: true } | SettingControl::Paragraph
    );
    let is_beside = is_small && ui.available_width() >= LEAST_BESIDE;
    let mut asked = None;
    let row = ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        if is_beside {
            ui.horizontal_top(|ui| {
                let room = ui.available_width() - CONTROL - space::L;
                let label = ui
                    .vertical(|ui| {
                        ui.set_width(room);
                        words_ui(ui, id, setting, snapshot)
                    })
                    .inner;
                ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                    asked = control_ui(ui, (id, setting), &control, &label, state);
                });
            });
        } else {
            let label = words_ui(ui, id, setting, snapshot);
            let mut add = |ui: &mut Ui| control_ui(ui, (id, setting), &control, &label, state);
            asked = if is_small {
                ui.horizontal(&mut add).inner
            } else {
                add(ui)
            };
        }
        if let Some(fault) = state.typed.get(&id).and_then(|typed| typed.fault.as_ref()) {
            let mark = (Sign::Cross, tokens(ui).bad);
            signed_row(ui, mark, &format::clean(fault));
        }
        if id.key == "window.close_to_tray"
            && let TrayState::NotShown { why } = &snapshot.desktop.tray
        {
            let mark = (Sign::Ring, tokens(ui).muted);
            let words = t!("no-icon-in-the-tray", why);
            signed_row(ui, mark, &format::clean(&words));
        }
        if id.key == "media_keys" {
            media_keys_ui(ui, &snapshot.desktop.media_keys);
        }
        if id.key == "global_key" && global_key_ui(ui, &snapshot.global_key) {
            asked = Some(RowRequest::Retry);
        }
        let is_number = matches!(control, SettingControl::Line { wide: false });
        if below_ui(ui, setting, is_number) {
            asked = Some(RowRequest::Reset);
        }
    });
    if state.goal == Some(id) {
        row.response.scroll_to_me(Some(Align::Center));
        state.goal = None;
    }
    if state.marked == Some(id) {
        let line = Stroke::new(2.0, tokens(ui).accent);
        let rect = row.response.rect.expand2(vec2(8.0, 6.0));
        ui.painter()
            .rect_stroke(rect, RADIUS_FIELD, line, eframe::egui::StrokeKind::Inside);
    }
    if asked.is_some() {
        state.typed.remove(&id);
    }
    asked
}

/// Whether media keys arrive.
fn media_keys_ui(ui: &mut Ui, state: &MediaKeysState) {
    let t = tokens(ui);
    match state {
        MediaKeysState::Off => {}
        MediaKeysState::Works => signed_row(ui, (Sign::Dot, t.ok), t!("media-keys-work")),
        MediaKeysState::NotPossible { why } => {
            let words = t!("media-keys-problem", why);
            signed_row(ui, (Sign::Cross, t.bad), &format::clean(&words));
        }
    }
}

/// Name and meaning; the name is what the control is called.
fn words_ui(ui: &mut Ui, id: RowId, setting: &SettingView, snapshot: &Snapshot) -> Response {
    let (t, key) = (tokens(ui), setting.key);
    let title = Label::new(text(
        key_texts::title(key),
        Weight::SemiBold,
        14.0,
        t.strong,
    ))
    .wrap();
    let label = ui.add(title.sense(Sense::hover()));
    let base = &snapshot.settings.profile.base;
    let why = key_texts::why(key, &base.0).filter(|_| id.of_profile);
    let why = why.map_or_else(String::new, |why| {
        t!(
            "profile-has-value",
            value = shown_label(&base.0, &base.1),
            usual = setting_control::shown(key, &setting.usual),
            why = key_texts::readable(why, Some(key))
        )
    });
    let label = label.on_hover_text(t!("named-in-files", why, key = key.name));
    let about = text(
        key_texts::readable(key_texts::about(key), Some(key)),
        Weight::Regular,
        13.0,
        t.normal,
    );
    ui.add(Label::new(about).wrap());
    if matches!(id.key, "voice" | "live.voice") {
        speech::demo_voice_ui(ui, snapshot);
    }
    label
}

fn control_ui(
    ui: &mut Ui,
    (id, setting): (RowId, &SettingView),
    control: &SettingControl,
    label: &Response,
    state: &mut SettingsState,
) -> Option<RowRequest> {
    match control {
        SettingControl::Switch(on) => {
            let flips = switch(ui, *on, &key_texts::title(setting.key)).clicked();
            flips.then_some(RowRequest::Set(Value::Flag(!on)))
        }
        SettingControl::List(choices) => list_ui(ui, id, choices, &setting.value, label),
        SettingControl::Percent(share) => {
            let mut percent = (share * 100.0).round();
            let slider = Slider::new(&mut percent, 0.0..=100.0)
                .integer()
                .suffix(" %");
            ui.spacing_mut().slider_width = CONTROL - 70.0;
            let slider = ui.add(slider).labelled_by(label.id);
            focus_ring(ui, &slider, 6.0);
            let value = Value::Number(f64::from(percent.round()) / 100.0);
            slider.changed().then_some(RowRequest::Set(value))
        }
        SettingControl::Line { wide } => line_ui(ui, (id, setting), *wide, label, state),
        SettingControl::Paragraph => paragraph_ui(ui, (id, setting), label, state),
    }
}

/// A list that opens; a width that does not jump with the choice.
fn list_ui(
    ui: &mut Ui,
    id: RowId,
    choices: &[(Value, String)],
    chosen: &Value,
    label: &Response,
) -> Option<RowRequest> {
    let name = choices.iter().find(|(value, _)| value == chosen);
    let name = name.map_or("", |(_, name)| name);
    let mut taken = None;
    let list = ComboBox::from_id_salt(id)
        .width(CONTROL.min(ui.available_width()))
        .truncate()
        .selected_text(bidi::shown(name))
        .show_ui(ui, |ui| {
            for (value, name) in choices {
                let is_chosen = value == chosen;
                if list_choice(ui, is_chosen, bidi::shown(name)).clicked() {
                    taken = (!is_chosen).then(|| value.clone());
                    // By itself it closes for the pointer alone.
                    ui.close();
                }
            }
        });
    list.response.labelled_by(label.id);
    taken.map(|value| {
        if value == Value::None && !id.of_profile {
            RowRequest::Reset
        } else {
            RowRequest::Set(value)
        }
    })
}

/// A field of one line: Enter or leaving it takes what was typed.
fn line_ui(
    ui: &mut Ui,
    (id, setting): (RowId, &SettingView),
    wide: bool,
    label: &Response,
    state: &mut SettingsState,
) -> Option<RowRequest> {
    let key = setting.key;
    let unit = |ui: &mut Ui| {
        let unit = text(key.unit(), Weight::Regular, 13.0, tokens(ui).muted);
        ui.add_sized(vec2(UNIT, HEIGHT), Label::new(unit).halign(Align::Min));
    };
    let from_right = ui.layout().prefer_right_to_left();
    if !wide && from_right {
        unit(ui);
    }
    let mut typed = typed(state, id, setting);
    let field = TextEdit::singleline(&mut typed.text)
        .id(Id::unique(("setting", id)))
        .font(font(Weight::Medium, 13.0))
        .password(key.secret)
        .hint_text(hint(setting))
        .char_limit(2_000)
        .margin(Margin::symmetric(10, 7))
        .align(if wide {
            Align2::LEFT_CENTER
        } else {
            Align2::RIGHT_CENTER
        })
        .desired_width(if wide { f32::INFINITY } else { NUMBER });
    let response = ui.add(field).labelled_by(label.id);
    if response.changed() {
        typed.fault = None;
        state.typed.insert(id, typed);
    }
    let mut asked = None;
    if response.lost_focus() {
        asked = take(id, setting, state);
    }
    if !wide && !from_right {
        unit(ui);
    }
    if let (false, Some(none)) = (wide, key.none)
        && setting.value != Value::None
        && none_button(ui, key, none).clicked()
    {
        asked = Some(RowRequest::Set(Value::None));
    }
    asked
}

fn paragraph_ui(
    ui: &mut Ui,
    (id, setting): (RowId, &SettingView),
    label: &Response,
    state: &mut SettingsState,
) -> Option<RowRequest> {
    let mut typed = typed(state, id, setting);
    let field = TextEdit::multiline(&mut typed.text)
        .id(Id::unique(("setting", id)))
        .font(font(Weight::Regular, 13.0))
        .desired_rows(2)
        .char_limit(10_000)
        .margin(Margin::symmetric(10, 7))
        .desired_width(f32::INFINITY);
    let response = ui.add(field).labelled_by(label.id);
    if response.changed() {
        typed.fault = None;
        state.typed.insert(id, typed);
    }
    if response.lost_focus() {
        return take(id, setting, state);
    }
    None
}

/// What a field shows: what is being typed, else the value.
fn typed(state: &SettingsState, id: RowId, setting: &SettingView) -> TypedSetting {
    let typed = state.typed.get(&id).cloned();
    typed.unwrap_or_else(|| TypedSetting {
        text: if setting.key.secret {
            String::new()
        } else {
            setting_control::written(setting.key, &setting.value)
        },
        fault: None,
    })
}

/// What an empty field stands for.
fn hint(setting: &SettingView) -> &'static str {
    if setting.key.secret && setting.value != Value::None {
        return t!("one-is-set-and-not");
    }
    match setting.key.kind {
        Kind::List(_) => t!("several-with-commas-between-them"),
        Kind::Whole { .. } | Kind::Number { .. } => t!("none"),
        Kind::Flag | Kind::OnOff | Kind::Words(_) | Kind::Text(..) | Kind::Shaped(_) => {
            t!("nothing-is-set")
        }
    }
}

/// Takes what was typed; what is not allowed stays in the field, with the reason.
fn take(id: RowId, setting: &SettingView, state: &mut SettingsState) -> Option<RowRequest> {
    let typed = state.typed.get_mut(&id)?;
    if setting.key.secret && typed.text.is_empty() {
        // What is not shown is not deleted by looking at it.
        state.typed.remove(&id);
        return None;
    }
    match setting_control::read(setting.key, &typed.text) {
        Err(fault) => {
            typed.fault = Some(fault);
            None
        }
        Ok(value) => {
            state.typed.remove(&id);
            match value {
                Some(value) => (value != setting.value).then_some(RowRequest::Set(value)),
                None => (setting.value != setting.usual).then_some(RowRequest::Reset),
            }
        }
    }
}

/// Range, when a change applies, where the value comes from; and the way back. Whether that was taken.
fn below_ui(ui: &mut Ui, setting: &SettingView, is_number: bool) -> bool {
    let t = tokens(ui);
    let key = setting.key;
    let (origin, place) = origin(setting);
    let range = setting_control::range(key);
    let applies = t!("applies-when", words = key.effect.words());
    let differs = setting.value != setting.usual;
    let mut parts = vec![origin];
    if differs && !key.secret {
        let usual = setting_control::shown(key, &setting.usual);
        let short = !usual.is_empty() && usual.chars().count() < 40;
        parts.extend(short.then(|| t!("shipped-value", usual)));
    }
    parts.extend((is_number && !range.is_empty()).then_some(range));
    parts.push(applies);
    let can_reset = match setting.origin {
        SettingOrigin::File(_) => true,
        SettingOrigin::Chosen => differs,
        SettingOrigin::Shipped | SettingOrigin::Start => false,
    };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        if can_reset {
            // The words are beside the middle of the button.
            ui.set_min_height(24.0);
        }
        let words = text(parts.join("  ·  "), Weight::Regular, 12.0, t.muted);
        let words = ui.add(Label::new(words).wrap().sense(Sense::hover()));
        if let Some(place) = place {
            words.on_hover_text(place);
        }
        can_reset
            && named_button(
                ui,
                t!("reset"),
                &t!("reset-row", title = key_texts::title(key)),
            )
            .clicked()
    })
    .inner
}

/// Where a value comes from in words, and the whole path.
fn origin(setting: &SettingView) -> (String, Option<String>) {
    match &setting.origin {
        SettingOrigin::Shipped => (t!("as-shipped").to_owned(), None),
        SettingOrigin::File(place) => {
            let name = place.rsplit(['/', '\\']).next().unwrap_or(place);
            (
                t!("origin-file", name = format::name(name)),
                Some(place.clone()),
            )
        }
        SettingOrigin::Chosen => (t!("chosen-now-not-in-the").to_owned(), None),
        SettingOrigin::Start => {
            let why = t!("it-was-named-on-the");
            (t!("given-at-the-start").to_owned(), Some(why.to_owned()))
        }
    }
}

/// The button for the word that replaces a value.
fn none_button(ui: &mut Ui, key: &Key, none: &str) -> Response {
    let word = key_texts::word(key, none);
    let name = format!("{}: {word}", key_texts::title(key));
    named_button(ui, &word, &name)
}
