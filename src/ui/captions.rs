//! The conversation: the captions of both sides in a column. The newest stay in view unless the user scrolls up.
//!
//! Short conversations are at the bottom, where the next words come: what comes or goes above them moves nothing.

use std::sync::Arc;

use eframe::egui::{
    Align, Align2, Label, Layout, Rangef, Rect, Role, ScrollArea, Sense, Ui, UiBuilder, WidgetInfo,
    pos2, vec2,
};

use super::caption::{CaptionPlace, Correction, Wish, caption_ui};
use super::find::FoundPlace;
use super::format;
use super::icons::{self, Icon};
use super::sources::sources_ui;
use super::theme::{Weight, font, is_low, space, text, tokens};
use super::ui_state::{CaptionsAt, Scroll, UiState};
use super::widgets::{focus_ring, follow_focus, plain_button};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Activity, Caption, Link, Snapshot, Speaker};

/// The widest column: longer lines are hard to read.
pub(super) const COLUMN: f32 = 720.0;

/// Room below the newest words, where a note can lie without covering them.
const BELOW: f32 = 48.0;
const LOW_BELOW: f32 = 34.0;

/// Between two captions.
const BETWEEN: f32 = 18.0;

/// Draws in the middle, no wider than can be read.
pub(super) fn column_ui<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    let area = ui.available_rect_before_wrap();
    let rect = Rect::from_x_y_ranges(column(area), area.y_range());
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ui.set_width(rect.width());
        add(ui)
    })
    .inner
}

/// The column in the middle of an area, on whole points.
pub(super) fn column(area: Rect) -> Rangef {
    let width = area.width().min(COLUMN);
    let left = (area.left() + (area.width() - width) / 2.0).floor();
    Rangef::new(left, left + width)
}

/// Captions in what room is left.
pub(super) fn captions_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState, height: f32) {
    if snapshot.captions.is_empty() {
        view.captions_at = None;
        view.scroll = None;
        empty_ui(ui, snapshot, height);
        return;
    }
    view.transcript.update(&snapshot.captions);
    view.transcript.find(&mut view.find);
    let top = ui.cursor().top() - ui.max_rect().top();
    let before = view.captions_at;
    let above = before.map_or(0.0, |before| before.above);
    let middle = column(ui.available_rect_before_wrap());
    let mut area = ScrollArea::vertical();
    let wished = scrolled(view, height);
    if let Some(offset) = wished.or_else(|| stays_at(view, top)) {
        area = area.vertical_scroll_offset(offset);
    }
    let mut wish = None;
    let area = area
        .id_salt("captions")
        .auto_shrink([false, false])
        .max_height(height)
        .min_scrolled_height(0.0)
        // Who leaves the end by key is not held there.
        .stick_to_bottom(wished.is_none())
        .show(ui, |ui| {
            ui.add_space(above);
            let start = ui.cursor().top();
            // Not that of the room beside the scroll bar: it is one with what is below it.
            let right = middle.max.min(ui.max_rect().right());
            let rect = Rect::from_x_y_ranges(middle.min..=right, start..=f32::INFINITY);
            let words = ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
                ui.set_width(rect.width());
                wish = entries_ui(ui, snapshot, view);
                // Not by what banners leave: the words would move when those come.
                ui.add_space(if is_low(ui) {
                    (0.15 * height).clamp(LOW_BELOW, BELOW)
                } else {
                    BELOW
                });
            });
            follow_focus(ui);
            words.response.rect.bottom() - start
        });
    let offset = area.state.clamped_offset().y;
    let at_end = offset + area.inner_rect.height() >= area.content_size.y - 1.0;
    let free = (area.inner_rect.height() - area.inner).max(0.0).floor();
    view.captions_at = Some(CaptionsAt {
        rect: area.inner_rect,
        top,
        offset,
        at_end,
        most: (area.content_size.y - area.inner_rect.height()).max(0.0),
        above: free,
        seen: if at_end {
            newest_of(snapshot)
        } else {
            before.map_or_else(|| newest_of(snapshot), |before| before.seen)
        },
    });
    if (free - above).abs() >= 1.0 {
        ui.ctx().request_discard("the words move to the bottom");
    }
    if view.find.goes > 0 {
        ui.ctx().request_repaint();
    }
    view.find.goes = view.find.goes.saturating_sub(1);
    if let Some((place, wish)) = wish {
        follow(ui, place, wish, view);
    }
}

/// The captions one below the other. Returns which of them something is wanted of.
fn entries_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) -> Option<(usize, Wish)> {
    let mut wish = None;
    let newest = newest_words(snapshot);
    ui.spacing_mut().item_spacing.y = space::XS;
    dropped_ui(ui, snapshot.captions_dropped);
    for (nth, entry) in view.transcript.entries.iter_mut().enumerate() {
        if nth > 0 && !entry.caption.continued {
            ui.add_space(BETWEEN);
        }
        let place = CaptionPlace {
            nth,
            find: &view.find,
            ending: waits_for(&entry.caption, snapshot),
            correction: if newest == Some(nth) {
                Correction::Button
            } else {
                Correction::Menu
            },
        };
        let is_wanted = |found: &FoundPlace| found.entry == nth;
        if view.find.goes > 0 && view.find.current().is_some_and(is_wanted) {
            entry.come_near(ui);
        }
        // Places count from the first caption that there was: the oldest may go.
        ui.push_id(snapshot.captions_dropped + nth as u64, |ui| {
            entry.show(ui, |ui, entry| {
                let wanted = caption_ui(ui, entry, place);
                wish = wanted.map(|wanted| (nth, wanted)).or(wish);
                let caption = &entry.caption;
                let is_written = caption.unspoken && snapshot.written == Some(caption.turn);
                if is_written && plain_button(ui, t!("say-it")).clicked() {
                    view.commands.push(Command::SayIt);
                }
                if let Some(found) = &caption.found {
                    sources_ui(ui, found);
                }
            });
        });
    }
    wish
}

fn follow(ui: &Ui, place: usize, wish: Wish, view: &mut UiState) {
    let words = &view.transcript;
    match wish {
        Wish::Copy => ui.ctx().copy_text(words.whole(place)),
        Wish::CopyNamed => ui.ctx().copy_text(words.named(place)),
        Wish::CopyAll => ui.ctx().copy_text(words.all()),
        Wish::Correct => view.draft.correct(&words.whole(place)),
    }
}

/// The newest words: which caption they are in, and how many they are.
fn newest_of(snapshot: &Snapshot) -> (u64, usize) {
    let captions = &snapshot.captions;
    let length = captions.last().map_or(0, |caption| caption.text.len());
    (snapshot.captions_dropped + captions.len() as u64, length)
}

/// Where a key scrolls to.
fn scrolled(view: &mut UiState, height: f32) -> Option<f32> {
    let (wish, before) = (view.scroll.take()?, view.captions_at?);
    let screen = (height - 40.0).max(40.0);
    Some(match wish {
        Scroll::PageUp => (before.offset - screen).max(0.0),
        Scroll::PageDown => (before.offset + screen).min(before.most),
        Scroll::Start => 0.0,
        Scroll::End => before.most,
    })
}

/// Where to scroll to, if the captions were pushed down or let up by what came or went above them: the words stay where
/// they are read. At the end they do so by themselves.
fn stays_at(view: &UiState, top: f32) -> Option<f32> {
    let before = view.captions_at.filter(|before| !before.at_end)?;
    let moved = top - before.top;
    (moved.abs() >= 0.5).then(|| (before.offset + moved).max(0.0))
}

/// The way back to the newest words, where some came while older ones are read. In the row that is free below the words.
pub(super) fn latest_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let Some(at) = view
        .captions_at
        .filter(|at| !at.at_end && at.seen != newest_of(snapshot))
    else {
        return;
    };
    let t = tokens(ui);
    let words = ui.painter().layout_no_wrap(
        t!("latest").into(),
        font(Weight::SemiBold, 13.0),
        t.on_accent,
    );
    let size = vec2(words.size().x + 46.0, 32.0);
    let place = pos2(at.rect.center().x, at.rect.bottom() - 8.0);
    let rect = Align2::CENTER_BOTTOM.anchor_size(place, size);
    let button = ui.interact(rect, ui.scope_id().with("latest"), Sense::click());
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, t!("jump-to-the-latest")));
    ui.painter().rect_filled(rect, 16.0, t.accent);
    let arrow = Rect::from_center_size(rect.left_center() + vec2(20.0, 0.0), vec2(14.0, 14.0));
    icons::icon(ui.painter(), arrow, Icon::Down, t.on_accent);
    let at = pos2(rect.left() + 32.0, rect.center().y - words.size().y / 2.0);
    ui.painter().galley(at, words, t.on_accent);
    focus_ring(ui, &button, 16.0);
    if button
        .on_hover_text(t!("new-words-came-below-end"))
        .clicked()
    {
        view.scroll = Some(Scroll::End);
        ui.ctx().request_repaint();
    }
}

/// Says that the oldest captions are gone.
fn dropped_ui(ui: &mut Ui, dropped: u64) {
    if dropped > 0 {
        let words = t!(
            "the-beginning-of-this-conversation",
            count = t!("n-captions", n = dropped)
        );
        let words = text(words, Weight::Regular, 12.0, tokens(ui).muted);
        ui.add(Label::new(words).wrap());
    }
}

fn empty_ui(ui: &mut Ui, snapshot: &Snapshot, height: f32) {
    let t = tokens(ui);
    let (head, body) = match snapshot.activity {
        Activity::NoMicrophone if snapshot.input.trouble.is_none() => (
            t!("there-is-no-microphone"),
            t!("a-sample-question-is-spoken"),
        ),
        Activity::NoMicrophone => (t!("there-is-no-microphone"), t!("as-soon-as-one-is")),
        Activity::Offline | Activity::Reconnecting => (
            t!("not-connected"),
            t!("your-conversation-will-appear-here"),
        ),
        Activity::LimitReached => (
            t!("the-spend-limit-is-reached"),
            t!("nothing-is-heard-until-you"),
        ),
        Activity::Muted => (t!("you-are-muted"), t!("press-the-microphone-below-ctrl")),
        Activity::Connecting
        | Activity::Listening
        | Activity::UserSpeaks
        | Activity::Held
        | Activity::Thinking
        | Activity::Answering
        | Activity::Repeating => (t!("say-something"), format::first_words(snapshot.talk)),
    };
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), height.max(0.0)),
        Layout::top_down(Align::Center),
        |ui| {
            ui.set_min_height(height.max(0.0));
            ui.set_max_width(460.0_f32.min(ui.available_width()));
            ui.add_space((height * 0.34).clamp(0.0, 240.0));
            ui.label(text(head, Weight::SemiBold, 24.0, t.strong));
            ui.label(text(body, Weight::Regular, 15.0, t.normal));
        },
    );
}

/// The index of the user's last finished caption, which may have been misheard.
fn newest_words(snapshot: &Snapshot) -> Option<usize> {
    let users = |caption: &Arc<Caption>| caption.speaker == Speaker::User && !caption.continued;
    let place = snapshot.captions.iter().rposition(users)?;
    let caption = &snapshot.captions[place];
    let speaks = matches!(snapshot.activity, Activity::UserSpeaks | Activity::Held);
    let is_being_said = caption.open && speaks && !caption.typed;
    (!is_being_said && !caption.text.trim().is_empty()).then_some(place)
}

/// Why an open caption has no words, or no answer, if that is not obvious.
fn waits_for(caption: &Caption, snapshot: &Snapshot) -> Option<&'static str> {
    let silent = caption.open && caption.text.trim().is_empty();
    let typed = caption.open && caption.typed;
    match (&snapshot.link, caption.speaker) {
        (Link::Connected { .. }, _) | (_, Speaker::Assistant) => None,
        (Link::Connecting { .. } | Link::Down { .. }, Speaker::User) if typed => {
            Some(t!("sent-as-soon-as-there"))
        }
        (Link::Connecting { .. } | Link::Down { .. }, Speaker::User) => {
            let again = caption.open && snapshot.activity == Activity::Thinking;
            if silent {
                Some(t!("what-you-said-is-sent"))
            } else {
                again.then_some(t!("sent-again-as-soon-as"))
            }
        }
    }
}
