//! The message field for typing instead of talking.

use eframe::egui::text::{CCursor, CCursorRange};
use eframe::egui::text_edit::TextEditState;
use eframe::egui::{
    Align, Button, Event, Id, Key, KeyboardShortcut, Layout, Margin, Modifiers, Response,
    ScrollArea, TextEdit, Ui, vec2,
};

use super::draft::Draft;
use super::icons::Sign;
use super::limited_text::{LimitedText, left_out_ui};
use super::theme::{RADIUS_FIELD, Weight, font, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{focus_ring, signed_row};
use crate::base::text::t;
use crate::conversation::snapshot::Snapshot;
use crate::conversation::typed::{MOST_CHARACTERS, Unsendable, sendable};

/// Least width of the button beside the field, and height of both in points.
const BUTTON: f32 = 64.0;
const HEIGHT: f32 = 36.0;
/// The field grows with its lines to this height, in low windows to less; beyond it scrolls.
const TALLEST: f32 = 104.0;
/// Limit of characters: more than can be sent, so that a long text can be shortened here, but not so many that the window
/// becomes slow.
const HOLDS: usize = 10 * MOST_CHARACTERS;

/// The field with the send button. `grows`: shows all lines, because its surroundings scroll.
pub(super) fn writing_ui(ui: &mut Ui, snapshot: &Snapshot, grows: bool, view: &mut UiState) {
    let draft = &mut view.draft;
    // A banner shows the reason and "Go on".
    let allowed = snapshot.spending.reached.is_none();
    let verdict = sendable(&draft.text);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = space::S;
        let button = button_width(ui);
        let width = ui.available_width() - button - space::S;
        let field = ui.allocate_ui(vec2(width, HEIGHT), |ui| field_ui(ui, grows, draft));
        if allowed && is_entered(ui, &field.inner) {
            draft.send(&mut view.commands);
        }
        if send_button(ui, button, allowed && verdict.is_ok()).clicked() {
            draft.send(&mut view.commands);
            draft.focus();
        }
    });
    if let Err(Unsendable::TooLong { over }) = verdict {
        let words = t!(
            "too-many-at-most-can",
            over = t!("n-characters", n = over as u64),
            most_characters = MOST_CHARACTERS
        );
        signed_row(ui, (Sign::Triangle, tokens(ui).warn), &words);
    }
    left_out_ui(ui, view.draft.left_out, HOLDS);
    ui.add_space(space::XS);
}

/// The field.
pub(super) fn field_id() -> Id {
    Id::unique("the message field")
}

fn field_ui(ui: &mut Ui, grows: bool, draft: &mut Draft) -> Response {
    let id = field_id();
    let taken = std::mem::take(&mut draft.wants_focus);
    if taken {
        let end = CCursor::new(draft.text.chars().count());
        let mut state = TextEditState::load(ui.ctx(), id).unwrap_or_default();
        state.cursor.set_char_range(Some(CCursorRange::one(end)));
        state.store(ui.ctx(), id);
    }
    let mut text = LimitedText {
        text: &mut draft.text,
        left_out: &mut draft.left_out,
    };
    let field = TextEdit::multiline(&mut text)
        .id(id)
        .font(font(Weight::Regular, 14.0))
        .desired_rows(1)
        .desired_width(f32::INFINITY)
        .char_limit(HOLDS)
        .margin(Margin::symmetric(12, 9))
        .hint_text(t!("type-instead-of-talking-press"))
        .return_key(KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter));
    // An area that scrolls within one that does would keep the outer from scrolling to the field.
    let response = if grows {
        ui.add(field)
    } else {
        let window = ui.ctx().content_rect().height();
        let area = ScrollArea::vertical()
            .id_salt("message")
            .max_height((0.25 * window - 72.0).clamp(HEIGHT, TALLEST))
            .auto_shrink([false, true]);
        area.show(ui, |ui| ui.add(field)).inner
    };
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_label(t!("message")));
    if taken {
        response.request_focus();
        response.scroll_to_me(None);
    }
    draft.has_focus = response.has_focus();
    response
}

/// Enter sends; with Shift it begins a line, and while words are being composed it is the composer's. What counts is Shift at
/// that moment: at the end of the frame it may be up again.
fn is_entered(ui: &Ui, field: &Response) -> bool {
    let sends = |event: &Event| matches!(event, Event::Key { key: Key::Enter, pressed: true, modifiers, .. } if !modifiers.shift);
    let composes = |event: &Event| matches!(event, Event::Ime(_));
    field.has_focus()
        && ui.input(|input| input.events.iter().any(sends) && !input.events.iter().any(composes))
}

/// The width of the button with its word in the language of the window.
fn button_width(ui: &Ui) -> f32 {
    let ink = tokens(ui).strong;
    let word = ui
        .painter()
        .layout_no_wrap(t!("send").into(), font(Weight::Medium, 13.0), ink);
    (word.size().x + 2.0 * ui.spacing().button_padding.x).max(BUTTON)
}

fn send_button(ui: &mut Ui, width: f32, enabled: bool) -> Response {
    let words = text(t!("send"), Weight::Medium, 13.0, tokens(ui).strong);
    let button = Button::new(words)
        .corner_radius(RADIUS_FIELD)
        .min_size(vec2(width, HEIGHT));
    let middle = Layout::left_to_right(Align::Center);
    let response = ui
        .allocate_ui_with_layout(vec2(width, HEIGHT), middle, |ui| {
            ui.add_enabled(enabled, button)
        })
        .inner;
    focus_ring(ui, &response, f32::from(RADIUS_FIELD));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_costs_nothing_that_was_written() {
        let mut draft = Draft::default();
        draft.correct(" What is the tallest tea? ");
        draft.correct("What is the tallest tea?");
        assert_eq!(draft.text, "What is the tallest tea?");
        draft.correct("And in Asia?");
        assert_eq!(draft.text, "What is the tallest tea?\nAnd in Asia?");
    }

    #[test]
    fn what_cannot_be_sent_stays_in_the_field() {
        let mut said = Vec::new();
        for text in ["  \n".to_owned(), "a".repeat(MOST_CHARACTERS + 1)] {
            let mut draft = Draft {
                text: text.clone(),
                ..Draft::default()
            };
            draft.send(&mut said);
            assert_eq!((draft.text, said.len()), (text, 0));
        }
    }
}
