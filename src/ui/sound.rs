//! The popup of the sound: microphone, speaker, volume, voice, language, echo and the talk key.

use eframe::egui::{
    Align, Frame, Key, Label, Layout, Margin, Popup, PopupCloseBehavior, RectAlign, Response,
    ScrollArea, Slider, Ui,
};

use super::format;
use super::icons::Sign;
use super::screen::Screen;
use super::theme::{Weight, caps, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{focus_ring, follow_focus, plain_button, radio_row, signed_row};
use super::{audio_settings, speech};
use crate::audio::{DeviceChoice, DeviceInfo};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Port, Snapshot};

/// The popup, while it is open, under its button.
pub(super) fn popup_ui(button: &Response, snapshot: &Snapshot, view: &mut UiState) {
    let mut wants_check = false;
    let frame = Frame::popup(&button.ctx.global_style()).inner_margin(Margin::same(16));
    // A click into an open list of the popup is no click outside.
    let close_behavior = if Popup::is_any_open(&button.ctx) {
        PopupCloseBehavior::IgnoreClicks
    } else {
        PopupCloseBehavior::CloseOnClickOutside
    };
    let was_open = view.sound_open;
    let by_key = button.ctx.input(|input| input.key_pressed(Key::Escape));
    // Until now the button was not within reach of the keyboard.
    let left = button.id.with("left by key");
    if button
        .ctx
        .data_mut(|data| data.remove_temp::<()>(left))
        .is_some()
    {
        button.request_focus();
    }
    Popup::from_response(button)
        .open_bool(&mut view.sound_open)
        .close_behavior(close_behavior)
        .align(RectAlign::BOTTOM_END)
        .accessible_name(t!("sound"))
        .frame(frame)
        .gap(6.0)
        .show(|ui| {
            // Tab stays within it, until it is closed.
            if !by_key {
                hold_focus(ui);
            }
            let room = ui.ctx().content_rect().size() - eframe::egui::vec2(60.0, 120.0);
            ui.set_width(320.0_f32.min(room.x));
            ScrollArea::vertical()
                .animated(false)
                .max_height(room.y.max(120.0))
                .min_scrolled_height(room.y.max(120.0))
                .show(ui, |ui| {
                    wants_check = top_ui(ui, &snapshot.devices.host);
                    ui.add_space(space::S);
                    devices_ui(
                        ui,
                        t!("microphone"),
                        &snapshot.input,
                        &snapshot.devices.inputs,
                        &mut |choice| {
                            view.commands.push(Command::UseInput(choice));
                        },
                    );
                    ui.add_space(space::M);
                    devices_ui(
                        ui,
                        t!("speaker"),
                        &snapshot.output,
                        &snapshot.devices.outputs,
                        &mut |choice| {
                            view.commands.push(Command::UseOutput(choice));
                        },
                    );
                    ui.add_space(space::M);
                    volume_ui(ui, snapshot.volume, &mut view.commands);
                    ui.add_space(space::M);
                    speech::speech_ui(ui, snapshot, &mut view.commands);
                    ui.add_space(space::M);
                    audio_settings::echo_ui(ui, &snapshot.echo, &mut view.commands);
                    ui.add_space(space::M);
                    audio_settings::talk_ui(ui, snapshot.talk, &mut view.commands);
                    follow_focus(ui);
                });
        });
    if was_open && !view.sound_open && by_key {
        button.ctx.data_mut(|data| data.insert_temp(left, ()));
        button.ctx.request_repaint();
    }
    if wants_check {
        view.sound_open = false;
        view.open(Screen::Check);
    }
}

/// Keeps the focus of the keyboard within this layer and what lies over it.
fn hold_focus(ui: &Ui) {
    let layer = ui.layer_id();
    ui.memory_mut(|memory| memory.set_modal_layer(layer));
}

/// The sound system, and the button of the sound check; returns whether it was pressed.
fn top_ui(ui: &mut Ui, host: &str) -> bool {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        let words = t!("sound-system-is", host = format::name(host));
        let words = text(words, Weight::Regular, 11.0, t.muted);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let checks = plain_button(ui, t!("check-the-sound")).clicked();
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(words).truncate());
            });
            checks
        })
        .inner
    })
    .inner
}

pub(super) fn devices_ui(
    ui: &mut Ui,
    title: &str,
    port: &Port,
    devices: &[DeviceInfo],
    choose: &mut dyn FnMut(DeviceChoice),
) {
    let t = tokens(ui);
    ui.label(caps(title, t));
    ui.spacing_mut().item_spacing.y = 2.0;
    if devices.is_empty() {
        trouble_ui(ui, t!("none-is-there-to-be"));
    }
    ui.push_id(title, |ui| {
        if devices.is_empty() {
            return;
        }
        let default = devices.iter().find(|device| device.is_default);
        let name = default.map_or_else(
            || t!("default").to_owned(),
            |device| t!("default-device", device = format::name(&device.name)),
        );
        if radio_row(ui, port.choice == DeviceChoice::Default, &name).clicked() {
            choose(DeviceChoice::Default);
        }
        for device in devices {
            let chosen = matches!(&port.choice, DeviceChoice::Id(id) if *id == device.id);
            if radio_row(ui, chosen, &format::name(&device.name)).clicked() {
                choose(DeviceChoice::Id(device.id.clone()));
            }
        }
    });
    if let DeviceChoice::Id(id) = &port.choice
        && !devices.iter().any(|device| device.id == *id)
    {
        trouble_ui(ui, t!("the-chosen-device-is-not"));
    }
    if let Some(trouble) = &port.trouble {
        trouble_ui(ui, trouble);
    }
}

fn trouble_ui(ui: &mut Ui, words: &str) {
    let ink = tokens(ui).warn;
    signed_row(ui, (Sign::Triangle, ink), &format::clean(words));
}

pub(super) fn volume_ui(ui: &mut Ui, volume: f32, commands: &mut Vec<Command>) {
    let t = tokens(ui);
    let mut percent = (volume.clamp(0.0, 1.0) * 100.0).round();
    let label = ui
        .horizontal(|ui| {
            let label = ui.label(caps(t!("volume"), t));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(text(format!("{percent} %"), Weight::Medium, 12.0, t.strong));
            });
            label
        })
        .inner;
    ui.spacing_mut().slider_width = ui.available_width();
    // Without a step an arrow key moves it by a pixel, which is rounded back.
    let slider = Slider::new(&mut percent, 0.0..=100.0)
        .integer()
        .show_value(false);
    let slider = ui.add(slider).labelled_by(label.id);
    focus_ring(ui, &slider, 6.0);
    if slider.changed() {
        commands.push(Command::set("volume", &(percent / 100.0)));
    }
}
