//! Both sides of the conversation. The newest stays in view unless the user scrolls up.

use std::time::Duration;

use eframe::egui::text::{LayoutJob, TextFormat};
use eframe::egui::{Align, Color32, Label, Layout, ScrollArea, Ui, UiBuilder};

use super::choices;
use super::paint::Sign;
use super::theme::{Tokens, Weight, font, space, text, tokens};
use super::view::View;
use super::widgets::sign;
use super::words::{self, Verdict};
use crate::session::command::Command;
use crate::session::snapshot::{Activity, Caption, Snapshot, Speaker};
use crate::turn::timeline::Latencies;

/// Widest line of a caption: longer ones are hard to read.
const LINE_WIDTH: f32 = 600.0;

/// Captions in what room is left.
pub(super) fn captions_ui(
    ui: &mut Ui,
    snapshot: &Snapshot,
    view: &mut View,
    height: f32,
    commands: &mut Vec<Command>,
) {
    if snapshot.captions.is_empty() {
        empty_ui(ui, snapshot, height);
        return;
    }
    let target = snapshot
        .profiles
        .get(snapshot.active)
        .map(|profile| profile.target);
    let texts = view.captions.texts(&snapshot.captions);
    let room = ui.available_rect_before_wrap();
    // The scroll bar lies in the margin, beside the words.
    let with_bar = room.with_max_x(room.right() + space::M);
    ui.scope_builder(UiBuilder::new().max_rect(with_bar), |ui| {
        ScrollArea::vertical()
            .id_salt("captions")
            .auto_shrink([false, false])
            .max_height(height)
            .min_scrolled_height(0.0)
            .stick_to_bottom(true)
            .show(ui, |ui| {
                ui.set_max_width(room.width());
                ui.spacing_mut().item_spacing.y = space::XS;
                for (i, (caption, words)) in snapshot.captions.iter().zip(texts).enumerate() {
                    if i > 0 {
                        ui.add_space(14.0);
                    }
                    ui.push_id(i, |ui| {
                        caption_ui(ui, caption, words, words::speaker(snapshot), target);
                        let is_last = caption.speaker == Speaker::Assistant
                            && snapshot.repeat.turn == Some(caption.turn);
                        if is_last {
                            choices::repeat_ui(ui, snapshot, commands);
                        }
                    });
                }
                ui.add_space(space::M);
            });
    });
}

fn empty_ui(ui: &mut Ui, snapshot: &Snapshot, height: f32) {
    let t = tokens(ui);
    let (head, body) = match snapshot.activity {
        Activity::NoMicrophone => (
            "There is no microphone",
            "As soon as one is there, you can speak. Nothing needs to be restarted.",
        ),
        Activity::Offline | Activity::Reconnecting => (
            "There is no connection",
            "What you and the assistant say will stand here.",
        ),
        Activity::Muted => ("The microphone is off", "Press Ctrl M, and say something."),
        Activity::Connecting
        | Activity::Listening
        | Activity::UserSpeaks
        | Activity::Held
        | Activity::Thinking
        | Activity::Answering
        | Activity::Repeating => ("Say something", words::first_words(snapshot.talk)),
    };
    ui.vertical_centered(|ui| {
        ui.set_min_height(height.max(0.0));
        ui.add_space((height * 0.32).clamp(0.0, 160.0));
        ui.label(text(head, Weight::SemiBold, 20.0, t.strong));
        ui.label(text(body, Weight::Regular, 14.0, t.normal));
    });
}

fn caption_ui(
    ui: &mut Ui,
    caption: &Caption,
    words: &str,
    speaker: &str,
    target: Option<Duration>,
) {
    let t = tokens(ui);
    let (name, ink) = match caption.speaker {
        Speaker::User => ("You", t.you),
        Speaker::Assistant => (speaker, t.accent),
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 11.0;
        ui.label(text(name, Weight::SemiBold, 13.0, ink));
        let time = if caption.open { "now" } else { &caption.time };
        ui.label(text(time, Weight::Regular, 12.0, t.muted));
        if let (Some(latencies), Some(target)) = (&caption.latencies, target) {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                response_ui(ui, latencies, target);
            });
        }
    });
    ui.scope(|ui| {
        ui.set_max_width(LINE_WIDTH.min(ui.available_width()));
        let label = Label::new(words_job(caption, words, t))
            .selectable(true)
            .wrap();
        ui.add(label);
    });
}

/// The words, with what became of them.
fn words_job(caption: &Caption, words: &str, t: &Tokens) -> LayoutJob {
    let mut job = LayoutJob::default();
    let ink = if caption.open { t.muted } else { t.strong };
    job.append(words, 0.0, line(ink));
    if caption.stopped {
        job.append(" — stopped by you", 0.0, line(t.muted));
    }
    job
}

fn line(ink: Color32) -> TextFormat {
    TextFormat {
        font_id: font(Weight::Regular, 15.0),
        color: ink,
        line_height: Some(22.0),
        ..TextFormat::default()
    }
}

/// The turn's response; if it is over the target, with a triangle and whose it is. Laid out from the right.
fn response_ui(ui: &mut Ui, latencies: &Latencies, target: Duration) {
    let t = tokens(ui);
    let Some(response) = latencies.response else {
        return;
    };
    ui.spacing_mut().item_spacing.x = space::XS;
    let shown = if Verdict::of(response, target) == Verdict::OnTarget {
        ui.label(text(
            format!("{} ms", words::millis(response)),
            Weight::Medium,
            12.0,
            t.muted,
        ))
    } else {
        let whose = words::largest_share(latencies).unwrap_or_else(|| "over".into());
        let whose = ui.label(text(whose, Weight::Medium, 12.0, t.muted));
        sign(ui, Sign::Triangle, 10.0, t.warn);
        ui.add_space(3.0);
        ui.label(text(
            format!("{} ms", words::millis(response)),
            Weight::Medium,
            12.0,
            t.muted,
        )) | whose
    };
    shown.on_hover_text(format!(
        "End of your turn to the first audible sample: {}. Target {} ms.",
        words::sum_of_parts(latencies),
        words::millis(target)
    ));
}
