//! The card at the bottom: the talk button, hints, the level, and the keys.

use eframe::egui::{
    Align, Label, Layout, PointerButton, Rect, Response, Role, Sense, Stroke, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

use super::format::{self, METER_FLOOR};
use super::icons;
use super::theme::{Weight, space, text, tokens};
use super::ui_state::{Holder, MeterView, UiState};
use super::widgets::{card, focus_ring, key_hint};
use crate::base::units::Dbfs;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Activity, Snapshot};
use crate::settings::config::TalkKey;

/// Above this the bar says loud, and above the second it says too loud (the scale of common mixers).
const LOUD: f32 = -9.0;
const TOO_LOUD: f32 = -3.0;

/// Room in which all key hints are in a line, in points.
const WITH_NEW: f32 = 540.0;

/// Share of full deflection of a level, 0 to 1.
pub(super) fn deflection(level: Dbfs) -> f32 {
    (1.0 - level.0 / METER_FLOOR).clamp(0.0, 1.0)
}

/// The card; `voice` is the level that the bars of the button move with.
pub(super) fn talk_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState, voice: Dbfs) {
    card(tokens(ui)).inner_margin(10).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let size = if ui.available_width() < 420.0 {
                56.0
            } else {
                72.0
            };
            let button = talk_button(ui, size, snapshot, voice, view.hold.held());
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 6.0;
                ui.add_space(2.0);
                said_ui(ui, snapshot, view);
                meter_ui(ui, &view.meter, off(snapshot));
                let hint = keys_ui(ui, snapshot, view);
                let down = [&button, &hint].map(Response::is_pointer_button_down_on);
                view.hold
                    .set(Holder::Pointer, down.contains(&true), &mut view.commands);
                if snapshot.talk.key == TalkKey::Tap && (pressed(&button) || pressed(&hint)) {
                    view.hold.tap(&mut view.commands);
                }
            });
        });
    });
}

/// Whether a button was pressed without the pointer: with Enter, or by a screen reader.
fn pressed(button: &Response) -> bool {
    button.clicked() && !button.clicked_by(PointerButton::Primary)
}

/// The round button: it is the talk key.
fn talk_button(ui: &mut Ui, size: f32, snapshot: &Snapshot, voice: Dbfs, held: bool) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(size), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Talk"));
    let (_, state_ink) = icons::sign_of(snapshot.activity, t);
    let ink = match snapshot.activity {
        Activity::UserSpeaks | Activity::Held => t.you,
        Activity::Listening | Activity::Thinking | Activity::Answering | Activity::Repeating => {
            t.accent
        }
        Activity::Connecting
        | Activity::Muted
        | Activity::LimitReached
        | Activity::Reconnecting
        | Activity::Offline
        | Activity::NoMicrophone => state_ink,
    };
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
    response.on_hover_text(format::talk_key(snapshot).1)
}

/// Whether no sound comes in.
fn off(snapshot: &Snapshot) -> bool {
    snapshot.spending.closed || snapshot.muted || snapshot.input.stream.is_none()
}

/// The hint for the user, and the level as a number.
fn said_ui(ui: &mut Ui, snapshot: &Snapshot, view: &UiState) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(20.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let figure = if off(snapshot) {
                format::UNKNOWN.to_owned()
            } else {
                format::decibels(view.meter.figure)
            };
            ui.label(text(figure, Weight::Regular, 12.0, t.muted))
                .on_hover_text("Level of the microphone, in decibels below full scale.");
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let words = text(
                    format::invitation(snapshot, view.draft.has_focus),
                    Weight::SemiBold,
                    13.0,
                    t.strong,
                );
                ui.add(Label::new(words).wrap());
            });
        });
    });
}

/// The level as a bar from -60 to 0 dBFS, with a mark where it becomes loud and one at the highest of late.
fn meter_ui(ui: &mut Ui, meter: &MeterView, off: bool) {
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

/// The key hints, which the pointer can press too. Returns that of the talk key.
fn keys_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) -> Response {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(
            if ui.available_width() < 400.0 {
                10.0
            } else {
                space::L
            },
            space::XS,
        );
        let (does, name) = format::talk_key(snapshot);
        // In the field Space is a blank.
        let talk = if view.draft.has_focus {
            key_hint(ui, "Esc, Space", "talk", name)
                .on_hover_text("Space writes a blank in the field: press Esc first, or press here.")
        } else {
            key_hint(ui, "Space", does, name)
        };
        if key_hint(ui, "Esc", "stop the reply", "Stop the reply").clicked() {
            view.commands.push(Command::StopReply);
        }
        let (does, name) = if snapshot.muted {
            ("unmute", "Unmute")
        } else {
            ("mute", "Mute")
        };
        if key_hint(ui, "Ctrl M", does, name).clicked() {
            view.commands.push(Command::SetMuted(!snapshot.muted));
        }
        // Where it would take a line of its own, the page of conversations has it.
        let is_wide = ui.available_width() > WITH_NEW;
        if is_wide && key_hint(ui, "Ctrl N", "new", "New conversation").clicked() {
            view.begin_conversation(snapshot);
        }
        if key_hint(ui, "F12", "panel", "Latency panel").clicked() {
            view.panel = (view.panel + 1) % 4;
        }
        talk
    })
    .inner
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
