//! The page of the sound check: steps, progress, results.

use eframe::egui::accesskit::Live;
use eframe::egui::{ProgressBar, Ui};

use super::icons::Sign;
use super::page::page;
use super::theme::{Weight, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{plain_button, primary_button, sign};
use super::{bidi, format};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{CheckLine, CheckStatus, CheckStep, CheckView, Snapshot};

/// Size of the title of a step: it is read from where one sits to speak.
const TITLE: f32 = 24.0;

pub(super) fn page_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    page(ui, "check page", |ui| match &snapshot.check {
        None => before_ui(ui, snapshot, view),
        Some(check) if check.step == CheckStep::Over => after_ui(ui, check, view),
        Some(check) => during_ui(ui, check, view),
    });
}

fn before_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let t = tokens(ui);
    ui.label(text(
        t!("check-the-sound"),
        Weight::SemiBold,
        TITLE,
        t.strong,
    ));
    let words = t!("it-listens-to-the-room");
    ui.label(text(words, Weight::Regular, 14.0, t.normal));
    let names = [
        (t!("microphone"), &snapshot.input),
        (t!("speaker"), &snapshot.output),
    ];
    for (what, port) in names {
        let stream = port.stream.as_ref();
        let name = stream.map_or_else(
            || t!("none").into(),
            |stream| format::name(&stream.device.name),
        );
        let line = format!("{what}: {}", bidi::shown(&name));
        ui.label(text(line, Weight::Regular, 13.0, t.muted));
    }
    ui.add_space(space::S);
    ui.horizontal_wrapped(|ui| {
        if primary_button(ui, t!("start")).clicked() {
            view.commands.push(Command::CheckSound { with_voice: true });
        }
        if plain_button(ui, t!("start-without-speaking")).clicked() {
            view.commands
                .push(Command::CheckSound { with_voice: false });
        }
        if plain_button(ui, t!("back")).clicked() {
            view.leave();
        }
    });
}

/// The steps; the one that is done now is large and announced.
fn during_ui(ui: &mut Ui, check: &CheckView, view: &mut UiState) {
    let t = tokens(ui);
    let steps = [CheckStep::Quiet, CheckStep::Speak, CheckStep::Chirp];
    let done_here = steps
        .into_iter()
        .filter(|step| check.with_voice || *step != CheckStep::Speak);
    for (nth, step) in done_here.enumerate() {
        let (title, what) = format::check_step(step);
        let title = format!("{} {title}", nth + 1);
        if step == check.step {
            let head = ui.label(text(title, Weight::SemiBold, TITLE, t.strong));
            ui.ctx()
                .accesskit_node_builder(head.id, |node| node.set_live(Live::Polite));
            ui.label(text(what, Weight::Regular, 14.0, t.normal));
            let bar = ProgressBar::new(check.progress.clamp(0.0, 1.0))
                .desired_height(6.0)
                .fill(t.accent);
            ui.add(bar).labelled_by(head.id);
            ui.add_space(space::S);
        } else {
            ui.horizontal(|ui| {
                let (mark, ink) = if step < check.step {
                    (Sign::Dot, t.ok)
                } else {
                    (Sign::Ring, t.muted)
                };
                sign(ui, mark, 10.0, ink);
                ui.label(text(title, Weight::Medium, 14.0, t.muted));
            });
        }
    }
    ui.add_space(space::S);
    if plain_button(ui, t!("cancel")).clicked() {
        view.leave();
    }
}

fn after_ui(ui: &mut Ui, check: &CheckView, view: &mut UiState) {
    let t = tokens(ui);
    let title = format::check_verdict(&check.lines);
    let head = ui.label(text(title, Weight::SemiBold, TITLE, t.strong));
    ui.ctx()
        .accesskit_node_builder(head.id, |node| node.set_live(Live::Polite));
    ui.add_space(space::XS);
    for line in check.lines.iter() {
        line_ui(ui, line);
        ui.add_space(space::XS);
    }
    ui.add_space(space::S);
    ui.horizontal_wrapped(|ui| {
        if primary_button(ui, t!("done")).clicked() {
            view.leave();
        }
        if plain_button(ui, t!("again")).clicked() {
            let with_voice = check.with_voice;
            view.commands.push(Command::CheckSound { with_voice });
        }
    });
}

/// One result: sign, name, word, finding and remedy.
fn line_ui(ui: &mut Ui, line: &CheckLine) {
    let t = tokens(ui);
    let (mark, ink, word) = match line.status {
        CheckStatus::Ok => (Sign::Dot, t.ok, t!("check-good")),
        CheckStatus::Warn => (Sign::Triangle, t.warn, t!("could-be-better")),
        CheckStatus::Bad => (Sign::Cross, t.bad, t!("does-not-work")),
    };
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.add_space(3.0);
            sign(ui, mark, 11.0, ink);
        });
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal_wrapped(|ui| {
                ui.label(text(line.name, Weight::SemiBold, 13.0, t.strong));
                ui.label(text(word, Weight::Medium, 12.0, ink));
            });
            let what = format::clean(&line.what);
            ui.label(text(what, Weight::Regular, 13.0, t.normal));
            if let Some(hint) = &line.hint {
                ui.label(text(format::clean(hint), Weight::Medium, 13.0, t.strong));
            }
        });
    });
}
