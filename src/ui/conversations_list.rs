//! The list of kept conversations: days and rows. A frame lays out only those in view, however many there are.

use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{
    Color32, FocusDirection, Key, Modifiers, Pos2, Response, Role, ScrollArea, Sense, Ui,
    WidgetInfo, pos2, vec2,
};

use super::conversations_state::{ConversationsState, Goal, ListRow, clock_time};
use super::theme::{RADIUS_FIELD, Weight, caps, font, space, tokens};
use super::widgets::focus_ring;
use super::{bidi, format};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::store::ConversationSummary;

const ROW_HEIGHT: f32 = 38.0;

/// Columns from the right, with their widths in points; the first two go where there is less than so much room.
const PROFILE: (f32, f32) = (130.0, 560.0);
const RESPONSE: (f32, f32) = (84.0, 460.0);
const TURNS: f32 = 76.0;
const TIME: f32 = 58.0;

/// The rows in so much height; one that is clicked is opened.
pub(super) fn list_ui(
    ui: &mut Ui,
    snapshot: &Snapshot,
    height: f32,
    state: &mut ConversationsState,
    commands: &mut Vec<Command>,
) {
    take_keys(ui, state);
    let mut area = ScrollArea::vertical();
    let goal = match state.goal {
        Some(Goal::Row(at)) => {
            state.goal = None;
            area = area.vertical_scroll_offset(offset_with(at, state.scrolled));
            Some(at)
        }
        Some(Goal::Search) | None => None,
    };
    ui.spacing_mut().item_spacing.y = 0.0;
    let rows = &state.rows;
    let (mut focused, mut opened) = (None, None);
    let area = area
        .id_salt("conversations")
        .auto_shrink([false, false])
        .max_height(height)
        .min_scrolled_height(height)
        .show_rows(ui, ROW_HEIGHT, rows.rows.len(), |ui, range| {
            for at in range {
                let place = match &rows.rows[at] {
                    ListRow::Day(name) => {
                        day_ui(ui, name);
                        continue;
                    }
                    ListRow::Conversation(place) => *place,
                };
                let conversation = &rows.list()[place];
                let row = ui
                    .push_id(conversation.id.0, |ui| row_ui(ui, conversation, snapshot))
                    .inner;
                ui.ctx().accesskit_node_builder(row.id, |node| {
                    node.set_position_in_set(place + 1);
                    node.set_size_of_set(rows.list().len());
                });
                if goal == Some(at) {
                    row.request_focus();
                }
                if row.has_focus() {
                    focused = Some(at);
                }
                if row.clicked() {
                    opened = Some(conversation.clone());
                }
            }
        });
    state.row = focused;
    state.scrolled = (area.state.clamped_offset().y, area.inner_rect.height());
    if let Some(conversation) = opened {
        state.open(&conversation, commands);
    }
}

/// Moves the focus along the rows, also to those that are not laid out yet.
fn take_keys(ui: &Ui, state: &mut ConversationsState) {
    let Some(row) = state.row.take() else {
        return;
    };
    let screen = ((state.scrolled.1 / ROW_HEIGHT) as isize - 1).max(1);
    let far = isize::MAX;
    let keys = [
        (Key::ArrowDown, 1),
        (Key::ArrowUp, -1),
        (Key::PageDown, screen),
        (Key::PageUp, -screen),
        (Key::End, far),
        (Key::Home, -far),
    ];
    for (key, by) in keys {
        if !ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
            continue;
        }
        // The toolkit knows the rows in view only.
        ui.memory_mut(|memory| memory.move_focus(FocusDirection::None));
        let to = state.rows.step(row, by);
        let above = key == Key::ArrowUp && to == row;
        state.goal = Some(if above { Goal::Search } else { Goal::Row(to) });
    }
}

/// Where to scroll to, so that this row is in view with what stands above it.
fn offset_with(at: usize, (offset, height): (f32, f32)) -> f32 {
    let top = at as f32 * ROW_HEIGHT;
    let least = top + ROW_HEIGHT - height;
    offset.max(least).min((top - ROW_HEIGHT).max(0.0)).max(0.0)
}

fn day_ui(ui: &mut Ui, name: &str) {
    ui.allocate_ui(vec2(ui.available_width(), ROW_HEIGHT), |ui| {
        ui.set_min_height(ROW_HEIGHT);
        ui.add_space(ROW_HEIGHT - 22.0);
        ui.horizontal(|ui| {
            ui.add_space(space::M);
            ui.label(caps(name, tokens(ui)));
        });
    });
}

/// A conversation: time, title, turns, typical response, profile.
fn row_ui(ui: &mut Ui, of: &ConversationSummary, snapshot: &Snapshot) -> Response {
    let t = tokens(ui);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), ROW_HEIGHT), Sense::click());
    let title = title(of);
    let is_running = snapshot.kept.current == Some(of.id);
    let time = if is_running {
        t!("now").to_owned()
    } else {
        clock_time(of.ended)
    };
    // What was found, unless it is the title.
    let passage = of.passage.as_deref().map(format::clean);
    let passage = passage.filter(|passage| *passage != title);
    let found = passage.iter().map(String::as_str);
    let told: Vec<&str> = [&*time, &*title].into_iter().chain(found).collect();
    let name = || format!("{}, {}", told.join(", "), facts(of, snapshot).join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name()));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let ground = rect.shrink2(vec2(0.0, 1.0));
    if response.hovered() || response.has_focus() {
        let radius = f32::from(RADIUS_FIELD);
        ui.painter().rect_filled(ground, radius, t.field);
    }
    let middle = rect.center().y;
    let mut right = rect.right() - space::M;
    let mut cell = |words: String, width: f32, ink: Color32| {
        let galley = line(ui, &words, width, (Weight::Regular, 12.0), ink);
        let at = pos2(right - galley.size().x, middle - galley.size().y / 2.0);
        ui.painter().galley(at, galley, ink);
        right -= width;
    };
    if rect.width() >= PROFILE.1 {
        cell(profile(&of.profile, snapshot), PROFILE.0, t.muted);
    }
    if rect.width() >= RESPONSE.1 {
        let response = format::millis_or_unknown(of.response);
        cell(response, RESPONSE.0, t.muted);
    }
    cell(t!("n-turns", n = of.turns), TURNS, t.muted);
    let left = rect.left() + space::M;
    let (weight, ink) = if is_running {
        (Weight::SemiBold, t.accent)
    } else {
        (Weight::Regular, t.muted)
    };
    let galley = line(ui, &time, TIME, (weight, 12.0), ink);
    let at = pos2(left, middle - galley.size().y / 2.0);
    ui.painter().galley(at, galley, ink);
    let room = right - left - TIME - space::M;
    let galley = line(ui, &title, room, (Weight::Medium, 14.0), t.strong);
    let (wide, at) = (
        galley.size().x,
        pos2(left + TIME, middle - galley.size().y / 2.0),
    );
    ui.painter().galley(at, galley, t.strong);
    if let Some(passage) = &passage {
        let left = wide + space::M;
        let galley = line(ui, passage, room - left, (Weight::Regular, 12.0), t.muted);
        let at = pos2(at.x + left, middle - galley.size().y / 2.0);
        ui.painter().galley(at, galley, t.muted);
    }
    focus_ring(ui, &response.clone().with_new_rect(ground.shrink(4.0)), 3.0);
    // The title says enough; what the columns mean is said where they are.
    let is_at = |at: Pos2| at.x > right;
    if response.hover_pos().is_some_and(is_at) {
        response.on_hover_text_at_pointer(facts(of, snapshot).join(" · "))
    } else {
        response
    }
}

/// Words in one line of so much width.
fn line(
    ui: &Ui,
    words: &str,
    width: f32,
    (weight, size): (Weight, f32),
    ink: Color32,
) -> std::sync::Arc<eframe::egui::Galley> {
    let mut job = LayoutJob::simple_singleline(bidi::shown(words), font(weight, size), ink);
    job.wrap = TextWrapping::truncate_at_width(width.max(0.0));
    ui.painter().layout_job(job)
}

/// What a conversation is called.
pub(super) fn title(of: &ConversationSummary) -> String {
    let title = format::clean(&of.title);
    if title.trim().is_empty() {
        t!("without-words").to_owned()
    } else {
        title
    }
}

/// Turns, typical response, profile.
pub(super) fn facts(of: &ConversationSummary, snapshot: &Snapshot) -> Vec<String> {
    let mut facts = vec![t!("n-turns", n = of.turns)];
    if let Some(response) = of.response {
        facts.push(t!(
            "typical-reply-after-ms",
            response = format::millis(response)
        ));
    }
    facts.push(profile(&of.profile, snapshot));
    facts
}

/// A profile as the switch names it.
pub(super) fn profile(name: &str, snapshot: &Snapshot) -> String {
    let known = snapshot.profiles.iter().find(|known| known.name == name);
    format::name(known.map_or(name, |known| known.shown_label()))
}
