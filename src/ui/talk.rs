//! The card at the bottom: the talk button, what to do now, the level, and buttons to mute, stop, repeat, find words and start a new conversation.

use eframe::egui::accesskit::Live;
use eframe::egui::{
    Align, Label, Layout, PointerButton, Rect, Response, Role, Sense, Stroke, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use super::format::{self, METER_FLOOR};
use super::icon_buttons::round_button;
use super::icons::{self, Icon};
use super::screen::Screen;
use super::theme::{Weight, is_low, space, text, tokens};
use super::ui_state::{Holder, MeterView, UiState};
use super::widgets::{card, focus_ring};
use crate::base::text::t;
use crate::base::units::Dbfs;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::settings::config::TalkKey;

/// Above this the bar says loud, and above the second it says too loud (the scale of common mixers).
const LOUD: f32 = -9.0;
const TOO_LOUD: f32 = -3.0;

/// Room in which the card is in one row, in points.
const ONE_ROW: f32 = 480.0;
/// Size of the buttons beside the talk button; below it in low windows.
const BUTTON: f32 = 40.0;
const SMALL_BUTTON: f32 = 32.0;

/// Share of full deflection of a level, 0 to 1.
pub(super) fn deflection(level: Dbfs) -> f32 {
    (1.0 - level.0 / METER_FLOOR).clamp(0.0, 1.0)
}

/// The card; `voice` is the level that the bars of the button move with.
pub(super) fn talk_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState, voice: Dbfs) {
    let is_low = is_low(ui);
    let margin = if is_low { 4 } else { 10 };
    card(tokens(ui)).inner_margin(margin).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let is_one_row = ui.available_width() >= ONE_ROW;
        let (size, button_size) = match (is_one_row, is_low) {
            (true, false) => (64.0, BUTTON),
            (false, false) => (56.0, BUTTON),
            (_, true) => (40.0, SMALL_BUTTON),
        };
        ui.spacing_mut().item_spacing.y = space::XS;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let button = talk_button(ui, size, snapshot, voice, view.hold.held());
            let (does, name) = format::talk_key(snapshot);
            // In the field Space is a blank.
            let button = button.on_hover_text(if view.draft.has_focus {
                t!("space-writes-a-blank-in").to_owned()
            } else {
                t!("talk-button", name, does)
            });
            let down = button.is_pointer_button_down_on();
            view.hold.set(Holder::Pointer, down, &mut view.commands);
            if snapshot.talk.key == TalkKey::Tap && pressed(&button) {
                view.hold.tap(&mut view.commands);
            }
            let beside = if is_one_row {
                let buttons = buttons(view) as f32;
                buttons * (button_size + space::S) - space::S + space::M
            } else {
                0.0
            };
            ui.vertical(|ui| {
                ui.set_width((ui.available_width() - beside).max(40.0));
                ui.spacing_mut().item_spacing.y = 6.0;
                ui.add_space(if is_one_row && !is_low { 10.0 } else { 2.0 });
                said_ui(ui, snapshot, view);
                meter_ui(ui, &view.meter, off(snapshot));
            });
            if is_one_row {
                ui.spacing_mut().item_spacing.x = space::S;
                buttons_ui(ui, snapshot, button_size, view);
            }
        });
        if !is_one_row {
            ui.horizontal(|ui| buttons_ui(ui, snapshot, button_size, view));
        }
    });
}

/// How many buttons there are: where the conversation is not shown, nothing can be found in it.
fn buttons(view: &UiState) -> u8 {
    4 + u8::from(view.page == Screen::Talk)
}

/// Mute, stop, once more, find, a new conversation.
fn buttons_ui(ui: &mut Ui, snapshot: &Snapshot, size: f32, view: &mut UiState) {
    let t = tokens(ui);
    let about = if snapshot.muted {
        t!("you-are-muted-nothing-is")
    } else {
        t!("nothing-is-heard-or-sent")
    };
    let on = snapshot.muted.then_some(t.bad);
    let icon = Icon::Microphone(snapshot.muted);
    let mute = round_button(ui, icon, size, on, t!("mute"));
    ui.ctx()
        .accesskit_node_builder(mute.id, |node| node.set_toggled(snapshot.muted.into()));
    if mute.on_hover_text(about).clicked() {
        view.commands.push(Command::SetMuted(!snapshot.muted));
    }
    let stop = round_button(ui, Icon::Stop, size, None, t!("stop-the-reply"));
    if stop.on_hover_text(t!("stops-the-reply-esc")).clicked() {
        view.commands.push(Command::StopReply);
    }
    repeat_ui(ui, snapshot, size, view);
    if view.page == Screen::Talk {
        let find = round_button(ui, Icon::Find, size, None, t!("find-words"));
        if find.on_hover_text(t!("find-words-ctrl-f")).clicked() {
            view.find.open();
        }
    }
    let new = round_button(ui, Icon::New, size, None, t!("new-conversation"));
    if new
        .on_hover_text(t!("begins-a-new-conversation-ctrl"))
        .clicked()
    {
        view.begin_conversation(snapshot);
    }
}

/// The button that replays the last answer, with the reason if it is disabled.
fn repeat_ui(ui: &mut Ui, snapshot: &Snapshot, size: f32, view: &mut UiState) {
    let hindrance = match (snapshot.repeat.turn, snapshot.repeat.hindrance) {
        (None, None) => Some(t!("there-is-no-answer-yet")),
        (_, hindrance) => hindrance,
    };
    let button = ui
        .add_enabled_ui(hindrance.is_none(), |ui| {
            round_button(
                ui,
                Icon::Repeat,
                size,
                None,
                t!("hear-the-last-answer-again"),
            )
        })
        .inner;
    if button.clicked() {
        view.commands.push(Command::Repeat);
    }
    match hindrance {
        None => button.on_hover_text(t!("plays-the-last-answer-again-ctrl")),
        Some(hindrance) => {
            button.on_disabled_hover_text(t!("plays-the-last-answer-again", hindrance))
        }
    };
}

/// Whether a button was pressed without the pointer: with Enter, or by a screen reader.
fn pressed(button: &Response) -> bool {
    button.clicked() && !button.clicked_by(PointerButton::Primary)
}

/// The round button: it is the talk key.
fn talk_button(ui: &mut Ui, size: f32, snapshot: &Snapshot, voice: Dbfs, held: bool) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::click_and_drag());
    let (_, name) = format::talk_key(snapshot);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    // Quiet while it listens, blue for the user, gold for the answer, red while muted.
    let (_, ink) = icons::sign_of(snapshot.activity, t);
    let (painter, center, r) = (ui.painter(), rect.center(), size / 2.0);
    let halo = if held || response.hovered() {
        0.30
    } else {
        0.16
    };
    let ground = if ui.visuals().dark_mode {
        t.page
    } else {
        t.card
    };
    painter.circle_filled(center, r, ink.gamma_multiply(halo));
    painter.circle_filled(center, r * 0.83, ground);
    painter.circle_filled(center, r * 0.83, ink.gamma_multiply(0.14));
    painter.circle_stroke(center, r * 0.83, Stroke::new(2.0, ink));
    // At rest the bars have the shape of the logo; a voice makes them longer.
    let swing = 0.55 + 0.75 * deflection(voice);
    let heights = [0.28, 0.55, 0.85, 0.55, 0.28].map(|h: f32| (h * swing).min(1.0));
    let square = Rect::from_center_size(center, vec2(r * 0.9, r));
    icons::bars(painter, square, &heights, ink);
    if off(snapshot) {
        let d = vec2(r, -r) * 0.56;
        painter.line_segment([center - d, center + d], Stroke::new(5.0, t.card));
        painter.line_segment([center - d, center + d], Stroke::new(2.0, ink));
    }
    focus_ring(ui, &response, r);
    response
}

/// Whether no sound comes in.
pub(super) fn off(snapshot: &Snapshot) -> bool {
    snapshot.spending.closed || snapshot.muted || snapshot.input.stream.is_none()
}

/// What the user can do now, and the level as a number.
fn said_ui(ui: &mut Ui, snapshot: &Snapshot, view: &UiState) {
    let t = tokens(ui);
    // Who holds the talk key wants to be heard; the microphone itself is released, and hears nobody.
    let in_vain = snapshot.muted && (view.hold.held() || snapshot.talk.held_in_vain);
    ui.horizontal(|ui| {
        ui.set_min_height(20.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let figure = if off(snapshot) {
                format::UNKNOWN.to_owned()
            } else {
                format::decibels(view.meter.figure)
            };
            ui.label(text(figure, Weight::Regular, 12.0, t.muted))
                .on_hover_text(t!("level-of-the-microphone-in"));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let (words, ink) = if in_vain {
                    (t!("you-are-muted-press-the"), t.bad)
                } else {
                    (format::invitation(snapshot, view.draft.has_focus), t.strong)
                };
                let told = ui.add(Label::new(text(words, Weight::SemiBold, 14.0, ink)).wrap());
                if in_vain {
                    ui.ctx()
                        .accesskit_node_builder(told.id, |node| node.set_live(Live::Assertive));
                }
            });
        });
    });
}

/// The level as a bar from -60 to 0 dBFS, with a mark where it becomes loud and one at the highest of late.
pub(super) fn meter_ui(ui: &mut Ui, meter: &MeterView, off: bool) {
    let t = tokens(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 8.0), Sense::hover());
    let track = rect.shrink2(vec2(0.0, 1.0));
    let painter = ui.painter();
    painter.rect_filled(track, 3.0, t.field);
    let x = |level: f32| track.left() + track.width() * deflection(Dbfs(level));
    if !off {
        let level = meter.level.0;
        let ink = if level > TOO_LOUD {
            t.bad
        } else if level > LOUD {
            t.warn
        } else {
            t.ok
        };
        let bar = Rect::from_min_max(track.min, pos2(x(level), track.bottom()));
        if bar.width() > 1.0 {
            painter.rect_filled(bar, 3.0, ink);
        }
        if meter.peak_is_marked() {
            painter.vline(x(meter.peak.0), rect.y_range(), Stroke::new(2.0, ink));
        }
    }
    painter.vline(x(LOUD), rect.y_range(), Stroke::new(1.5, t.muted));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meter_runs_from_sixty_below_to_full_scale() {
        for (level, wanted) in [
            (-120.0, 0.0),
            (-60.0, 0.0),
            (-30.0, 0.5),
            (0.0, 1.0),
            (6.0, 1.0),
        ] {
            assert!((deflection(Dbfs(level)) - wanted).abs() < 1e-6, "{level}");
        }
    }
}
