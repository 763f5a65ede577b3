//! The captions of both sides. The newest stays in view unless the user scrolls up.

use std::sync::Arc;
use std::time::Duration;

use eframe::egui::text::TextFormat;
use eframe::egui::{Align, Button, Color32, Label, Layout, Response, ScrollArea, Ui};

use super::audio_settings;
use super::format;
use super::icons::Sign;
use super::sources::sources_ui;
use super::theme::{RADIUS_FIELD, Weight, font, space, text, tokens};
use super::transcript::Entry;
use super::ui_state::{CaptionsAt, UiState};
use super::verdict::{TargetComparison, largest_share};
use super::widgets::{focus_ring, plain_button, sign};
use crate::base::plural::count;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Activity, Caption, Link, Snapshot, Speaker};
use crate::turn::timeline::Latencies;

/// Widest line of a caption: longer ones are hard to read.
const LINE_WIDTH: f32 = 600.0;

/// Captions in what room is left.
pub(super) fn captions_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState, height: f32) {
    if snapshot.captions.is_empty() {
        empty_ui(ui, snapshot, height);
        return;
    }
    view.transcript.update(&snapshot.captions);
    let (mut copied, mut corrected) = (None, None);
    let newest = newest_words(snapshot);
    let top = ui.cursor().top() - ui.max_rect().top();
    let mut area = ScrollArea::vertical();
    if let Some(offset) = stays_at(view, top) {
        area = area.vertical_scroll_offset(offset);
    }
    let area = area
        .id_salt("captions")
        .auto_shrink([false, false])
        .max_height(height)
        .min_scrolled_height(0.0)
        .stick_to_bottom(true)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            dropped_ui(ui, snapshot.captions_dropped);
            for (i, entry) in view.transcript.entries.iter_mut().enumerate() {
                if i > 0 && !entry.caption.continued {
                    ui.add_space(14.0);
                }
                // Places count from the first caption that there was: the oldest may go.
                ui.push_id(snapshot.captions_dropped + i as u64, |ui| {
                    entry.show(ui, |ui, entry| {
                        let correction = if newest == Some(i) {
                            Correction::Button
                        } else {
                            Correction::Menu
                        };
                        let ending = waits_for(&entry.caption, snapshot);
                        match caption_ui(ui, entry, ending, correction) {
                            Some(Wish::Copy) => copied = Some(i),
                            Some(Wish::Correct) => corrected = Some(i),
                            None => {}
                        }
                        let caption = &entry.caption;
                        let is_last = caption.speaker == Speaker::Assistant
                            && snapshot.repeat.turn == Some(caption.turn);
                        if is_last {
                            audio_settings::repeat_ui(ui, snapshot, &mut view.commands);
                        }
                        let says = caption.unspoken && snapshot.written == Some(caption.turn);
                        if says && plain_button(ui, "Say it").clicked() {
                            view.commands.push(Command::SayIt);
                        }
                        if let Some(found) = &caption.found {
                            sources_ui(ui, found);
                        }
                    });
                });
            }
            ui.add_space(space::M.min(0.15 * height));
        });
    view.captions_at = Some(CaptionsAt {
        rect: area.inner_rect,
        top,
        offset: area.state.clamped_offset().y,
        at_end: area.state.clamped_offset().y + area.inner_rect.height()
            >= area.content_size.y - 1.0,
    });
    if let Some(place) = copied {
        ui.ctx().copy_text(view.transcript.whole(place));
    }
    if let Some(place) = corrected {
        view.draft.correct(&view.transcript.whole(place));
    }
}

/// Where to scroll to, if the captions were pushed down or let up by what came or went above them: the words stay where
/// they are read. At the end they do so by themselves.
fn stays_at(view: &UiState, top: f32) -> Option<f32> {
    let before = view.captions_at.filter(|before| !before.at_end)?;
    let moved = top - before.top;
    (moved.abs() >= 0.5).then(|| (before.offset + moved).max(0.0))
}

/// Says that the oldest captions are gone.
fn dropped_ui(ui: &mut Ui, dropped: u64) {
    if dropped > 0 {
        let words = format!(
            "The beginning of this conversation is gone: {} were dropped, since it became too long to be kept in memory.",
            count(dropped, "caption")
        );
        let words = text(words, Weight::Regular, 12.0, tokens(ui).muted);
        ui.add(Label::new(words).wrap());
    }
}

fn empty_ui(ui: &mut Ui, snapshot: &Snapshot, height: f32) {
    let t = tokens(ui);
    let (head, body) = match snapshot.activity {
        Activity::NoMicrophone if snapshot.input.trouble.is_none() => (
            "There is no microphone",
            "A sample question is spoken instead. Type below, or connect one and start Sovereign again.",
        ),
        Activity::NoMicrophone => (
            "There is no microphone",
            "As soon as one is there, you can speak; meanwhile you can type. Nothing needs to be restarted.",
        ),
        Activity::Offline | Activity::Reconnecting => (
            "There is no connection",
            "What you and the assistant say appears here.",
        ),
        Activity::LimitReached => (
            "The spend limit is reached",
            "Nothing is heard until you choose Go on.",
        ),
        Activity::Muted => (
            "The microphone is off",
            "Press Ctrl M and say something, or type below.",
        ),
        Activity::Connecting
        | Activity::Listening
        | Activity::UserSpeaks
        | Activity::Held
        | Activity::Thinking
        | Activity::Answering
        | Activity::Repeating => ("Say something", format::first_words(snapshot.talk)),
    };
    ui.vertical_centered(|ui| {
        ui.set_min_height(height.max(0.0));
        ui.add_space((height * 0.32).clamp(0.0, 160.0));
        ui.label(text(head, Weight::SemiBold, 20.0, t.strong));
        ui.label(text(body, Weight::Regular, 14.0, t.normal));
    });
}

/// Actions on the words of a caption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Copy,
    Correct,
}

/// How the user's words can be put into the field again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Correction {
    /// They cannot: this is another conversation.
    None,
    Menu,
    /// And by a button beside them.
    Button,
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

/// Draws a caption, with what became of it behind its words; else with `ending`. Returns the user's action.
pub(super) fn caption_ui(
    ui: &mut Ui,
    entry: &mut Entry,
    ending: Option<&str>,
    correction: Correction,
) -> Option<Wish> {
    let t = tokens(ui);
    let caption = entry.caption.clone();
    let mut wish = None;
    let corrects = correction == Correction::Button;
    if !caption.continued && head_ui(ui, &caption, corrects) {
        wish = Some(Wish::Correct);
    }
    let ink = if caption.open && !caption.typed {
        t.muted
    } else {
        t.strong
    };
    let ending = if caption.unwritten && caption.stopped {
        Some("Spoken, not written down — stopped by you")
    } else if caption.unwritten {
        Some("Spoken, not written down")
    } else if caption.stopped {
        Some(" — stopped by you")
    } else if caption.cut_off {
        Some(" — cut off, asked for again")
    } else if caption.unsent {
        Some(" — not sent")
    } else if caption.unspoken {
        Some(" — not spoken")
    } else {
        ending
    };
    let ending = ending.map(|words| (words, line(t.muted)));
    ui.scope(|ui| {
        ui.set_max_width(LINE_WIDTH.min(ui.available_width()));
        entry.words_ui(ui, &line(ink), ending, |words| {
            words.context_menu(|ui| {
                if plain_button(ui, "Copy").clicked() {
                    wish = Some(Wish::Copy);
                    ui.close();
                }
                let users = caption.speaker == Speaker::User && correction != Correction::None;
                if users && plain_button(ui, "Correct and send again").clicked() {
                    wish = Some(Wish::Correct);
                    ui.close();
                }
            });
        });
    });
    wish
}

/// Speaker, time and response; returns whether the words are to be corrected.
fn head_ui(ui: &mut Ui, caption: &Caption, corrects: bool) -> bool {
    let t = tokens(ui);
    let ink = match caption.speaker {
        Speaker::User => t.you,
        Speaker::Assistant => t.accent,
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 11.0;
        ui.label(text(caption.name, Weight::SemiBold, 13.0, ink));
        let time = if caption.open { "now" } else { &caption.time };
        ui.label(text(time, Weight::Regular, 12.0, t.muted));
        if let Some(latencies) = &caption.latencies {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                response_ui(ui, latencies, caption.target);
            });
        }
        corrects && correct_button(ui).clicked()
    })
    .inner
}

fn correct_button(ui: &mut Ui) -> Response {
    let words = text("Correct", Weight::Regular, 12.0, tokens(ui).you);
    let response = ui.add(Button::new(words).frame(false));
    focus_ring(ui, &response, f32::from(RADIUS_FIELD));
    response.on_hover_text("Puts these words into the field below, to be changed and sent again.")
}

/// Why an open caption has no words, or no answer, if that is not obvious.
fn waits_for(caption: &Caption, snapshot: &Snapshot) -> Option<&'static str> {
    let silent = caption.open && caption.text.trim().is_empty();
    let typed = caption.open && caption.typed;
    match (&snapshot.link, caption.speaker) {
        (Link::Connected { .. }, _) | (_, Speaker::Assistant) => None,
        (Link::Connecting { .. } | Link::Down { .. }, Speaker::User) if typed => {
            Some(" — sent as soon as there is a connection")
        }
        (Link::Connecting { .. } | Link::Down { .. }, Speaker::User) => {
            let again = caption.open && snapshot.activity == Activity::Thinking;
            if silent {
                Some("What you said is sent as soon as there is a connection.")
            } else {
                again.then_some(" — sent again as soon as there is a connection")
            }
        }
    }
}

fn line(ink: Color32) -> TextFormat {
    TextFormat {
        font_id: font(Weight::Regular, 15.0),
        color: ink,
        line_height: Some(22.0),
        ..TextFormat::default()
    }
}

/// The turn's response; if over the target, with a triangle and the largest share. Laid out from the right.
fn response_ui(ui: &mut Ui, latencies: &Latencies, target: Option<Duration>) {
    let t = tokens(ui);
    let Some(response) = latencies.response else {
        return;
    };
    ui.spacing_mut().item_spacing.x = space::XS;
    let figure = |ui: &mut Ui| {
        let ms = format!("{} ms", format::millis(response));
        ui.label(text(ms, Weight::Medium, 12.0, t.muted))
    };
    let Some(target) = target else {
        figure(ui).on_hover_text("How long you waited for the answer.");
        return;
    };
    let shown = if TargetComparison::of(response, target) == TargetComparison::OnTarget {
        figure(ui)
    } else {
        let whose = largest_share(latencies).unwrap_or_else(|| "over".into());
        let whose = ui.label(text(whose, Weight::Medium, 12.0, t.muted));
        sign(ui, Sign::Triangle, 10.0, t.warn);
        ui.add_space(3.0);
        figure(ui) | whose
    };
    shown.on_hover_text(format!(
        "End of your turn to the first audible sample: {}. Target {} ms.",
        format::sum_of_parts(latencies),
        format::millis(target)
    ));
}
