//! The set-up at the first start, in five steps. Each can be skipped and gone back from; the one that was reached is kept.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use eframe::egui::accesskit::Live;
use eframe::egui::{
    Align, Align2, Color32, Id, Label, Role, Sense, Stroke, Ui, UiBuilder, Vec2, WidgetInfo, vec2,
};

use super::api_key_state::{self, KeyStatus};
use super::heading::heading;
use super::icons::Sign;
use super::page::page_with_foot;
use super::screen::Screen;
use super::theme::{Weight, space, text, tokens};
use super::ui_state::UiState;
use super::welcome_state::{StepEnd, WelcomeState};
use super::widgets::{
    focus_ring, named_for_the_eye, plain_button, primary_button, sign, small_text,
};
use super::{api_key_page, banners, bidi, format, sound, speech, talk};
use crate::base::text::t;
use crate::base::units::Dbfs;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::settings::config::{TalkKey, WelcomeStep};

const PRICES: &str = "https://ai.google.dev/gemini-api/docs/pricing";
const TERMS: &str = "https://ai.google.dev/gemini-api/terms";

/// Room in which all steps are named, in points; with less, the present one is.
const ALL_STEPS: f32 = 520.0;
/// Diameter of the number of a step.
const NUMBER: f32 = 22.0;

/// The page. `key_file` is where a typed key is kept; `voice` is the level that the talk button moves with.
pub(super) fn page_ui(
    ui: &mut Ui,
    snapshot: &Arc<Snapshot>,
    key_file: &Path,
    voice: Dbfs,
    view: &mut UiState,
) {
    let Some(state) = &mut view.welcome else {
        return;
    };
    let (step, is_new) = (state.step, std::mem::take(&mut state.is_new));
    let ended = state.ended.clone();
    // Two parts that are drawn one after the other.
    let view = RefCell::new(view);
    let content = |ui: &mut Ui| {
        let view = &mut **view.borrow_mut();
        steps_ui(ui, step, &ended);
        ui.add_space(space::M);
        match step {
            WelcomeStep::New | WelcomeStep::Welcome | WelcomeStep::Done => {
                welcome_ui(ui, snapshot, view);
            }
            WelcomeStep::Microphone => microphone_ui(ui, snapshot, view),
            WelcomeStep::Speaker => speaker_ui(ui, snapshot, view),
            WelcomeStep::Connect => connect_ui(ui, snapshot, key_file, view),
            WelcomeStep::Try => try_ui(ui, snapshot, voice, view),
        }
    };
    let ways_on = |ui: &mut Ui| {
        let view = &mut **view.borrow_mut();
        // Whatever appears above them, they keep the focus.
        let here = UiBuilder::new().scope_id(Id::unique(("the ways on", step)));
        ui.scope_builder(here, |ui| {
            ui.horizontal_wrapped(|ui| buttons_ui(ui, snapshot, step, is_new, view));
        });
    };
    page_with_foot(ui, step.word(), content, ways_on);
}

fn title(step: WelcomeStep) -> &'static str {
    match step {
        WelcomeStep::New | WelcomeStep::Welcome | WelcomeStep::Done => t!("welcome"),
        WelcomeStep::Microphone => t!("microphone"),
        WelcomeStep::Speaker => t!("speaker"),
        WelcomeStep::Connect => t!("connect-to-gemini-title"),
        WelcomeStep::Try => t!("try-it"),
    }
}

/// The numbers of all steps and their titles; those that were done are ticked, those that were skipped have a dash.
fn steps_ui(ui: &mut Ui, shown: WelcomeStep, ended: &BTreeMap<WelcomeStep, StepEnd>) {
    let t = tokens(ui);
    let all = ui.available_width() >= ALL_STEPS;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        for (nth, step) in (1..).zip(WelcomeState::steps()) {
            let ended = ended.get(&step).filter(|_| step != shown);
            number_ui(ui, nth, step, (ended.copied(), step == shown));
            if step == shown {
                let told = ui.label(text(title(step), Weight::SemiBold, 13.0, t.strong));
                ui.ctx().accesskit_node_builder(told.id, |node| {
                    node.set_value(t!("step-nth", nth, step = title(step)));
                    node.set_live(Live::Polite);
                });
            } else if all {
                ui.label(text(title(step), Weight::Regular, 13.0, t.muted));
            }
            ui.add_space(if all { space::S } else { 0.0 });
        }
    });
}

/// The number of a step, or in its place the sign of how it ended.
fn number_ui(
    ui: &mut Ui,
    nth: usize,
    step: WelcomeStep,
    (ended, is_shown): (Option<StepEnd>, bool),
) {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(NUMBER), Sense::hover());
    let (painter, center, r) = (ui.painter(), rect.center(), NUMBER / 2.0);
    let at = |x, y| center + vec2(x, y) * r;
    let ring = |ink| painter.circle_stroke(center, r - 1.0, Stroke::new(1.5, ink));
    let name = match ended {
        Some(StepEnd::Done) => {
            painter.circle_filled(center, r, t.ok);
            let line = Stroke::new(2.0, t.card);
            painter.line_segment([at(-0.42, 0.04), at(-0.1, 0.36)], line);
            painter.line_segment([at(-0.1, 0.36), at(0.45, -0.3)], line);
            t!("step-is-done", step = title(step))
        }
        Some(StepEnd::Skipped) => {
            ring(t.muted);
            let line = Stroke::new(2.0, t.muted);
            painter.line_segment([at(-0.4, 0.0), at(0.4, 0.0)], line);
            t!("step-is-skipped", step = title(step))
        }
        None => {
            let ink = if is_shown { t.accent } else { t.muted };
            ring(ink);
            small_text(ui, center, Align2::CENTER_CENTER, &nth.to_string(), ink);
            return;
        }
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
    named_for_the_eye(response, &name);
}

fn welcome_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    head_ui(ui, t!("talk-with-gemini"));
    words_ui(ui, t!("sovereign-lets-you-talk-with"));
    if !snapshot.demo {
        return words_ui(ui, t!("microphone-speaker-and-key-can"));
    }
    words_ui(ui, t!("nothing-leaves-this-computer-until"));
    hear_ui(ui, t!("hear-it"), snapshot, view);
    last_words_ui(ui, snapshot);
}

fn microphone_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let t = tokens(ui);
    head_ui(ui, t!("say-something"));
    let privacy = format::capitalised(format::privacy(snapshot));
    words_ui(
        ui,
        &if snapshot.demo {
            t!("say-a-sentence-then-stop", privacy)
        } else {
            t!("say-a-sentence-and-see", privacy)
        },
    );
    ui.add_space(space::S);
    let devices = &snapshot.devices.inputs;
    ui.scope(|ui| {
        sound::devices_ui(
            ui,
            t!("microphone"),
            &snapshot.input,
            devices,
            &mut |choice| {
                view.commands.push(Command::UseInput(choice));
            },
        );
    });
    ui.add_space(space::M);
    talk::meter_ui(ui, &view.meter, talk::off(snapshot));
    ui.add_space(space::XS);
    let hears_you = view.welcome.as_ref().is_some_and(WelcomeState::hears_you);
    if snapshot.muted {
        told_ui(
            ui,
            (Sign::Crossed, t.bad),
            t!("you-are-muted-nothing-is-heard"),
        );
        if plain_button(ui, t!("unmute")).clicked() {
            view.commands.push(Command::SetMuted(false));
        }
    } else if hears_you {
        told_ui(ui, (Sign::Dot, t.ok), t!("we-hear-you"));
    } else {
        told_ui(
            ui,
            (Sign::Ring, t.muted),
            format::invitation(snapshot, false),
        );
        words_ui(ui, t!("nothing-moves-look-for-a"));
    }
    last_words_ui(ui, snapshot);
}

fn speaker_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    head_ui(ui, t!("can-you-hear-it"));
    words_ui(ui, t!("play-a-sound-the-last"));
    ui.add_space(space::S);
    let devices = &snapshot.devices.outputs;
    ui.scope(|ui| {
        sound::devices_ui(
            ui,
            t!("speaker"),
            &snapshot.output,
            devices,
            &mut |choice| {
                view.commands.push(Command::UseOutput(choice));
            },
        );
    });
    ui.add_space(space::M);
    sound::volume_ui(ui, snapshot.volume, &mut view.commands);
    ui.add_space(space::S);
    hear_ui(ui, t!("play-a-sound"), snapshot, view);
    if view.welcome.as_ref().is_some_and(|state| state.is_silent) {
        words_ui(ui, t!("turn-up-the-volume-here"));
        let check = plain_button(ui, t!("check-the-sound"));
        // It may appear below the edge.
        let is_known = Id::unique("the advice about silence was scrolled to");
        if !ui.data_mut(|data| std::mem::replace(data.get_temp_mut_or(is_known, false), true)) {
            check.scroll_to_me(Some(Align::BOTTOM));
        }
        if check.clicked() {
            view.open(Screen::Check);
        }
    }
}

fn connect_ui(ui: &mut Ui, snapshot: &Arc<Snapshot>, key_file: &Path, view: &mut UiState) {
    banners::banners_ui(ui, snapshot, view);
    api_key_page::key_ui(ui, snapshot, key_file, view);
    ui.add_space(space::S);
    words_ui(ui, t!("google-may-charge-the-account"));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = space::L;
        for (words, address) in [(t!("prices"), PRICES), (t!("googles-terms"), TERMS)] {
            let link = ui.hyperlink_to(words, address);
            focus_ring(ui, &link, 4.0);
        }
    });
    ui.add_space(space::M);
    speech::speech_ui(ui, snapshot, &mut view.commands);
}

fn try_ui(ui: &mut Ui, snapshot: &Snapshot, voice: Dbfs, view: &mut UiState) {
    head_ui(ui, t!("say-good-morning-can-you"));
    let key = match snapshot.talk.key {
        _ if !snapshot.talk.voice_activation => t!("press-space-to-talk-sentence"),
        TalkKey::Hold => t!("just-speak-or-hold-space"),
        TalkKey::Tap => t!("just-speak-or-press-space"),
    };
    words_ui(ui, &t!("to-interrupt-an-answer-speak", key));
    ui.add_space(space::S);
    talk::talk_ui(ui, snapshot, view, voice);
    last_words_ui(ui, snapshot);
}

fn head_ui(ui: &mut Ui, words: &str) {
    heading(ui, words, 24.0);
}

fn words_ui(ui: &mut Ui, words: &str) {
    let ink = tokens(ui).normal;
    ui.add(Label::new(text(words, Weight::Regular, 14.0, ink)).wrap());
}

/// A state, announced when it changes.
fn told_ui(ui: &mut Ui, (mark, ink): (Sign, Color32), words: &str) {
    ui.horizontal_wrapped(|ui| {
        sign(ui, mark, 11.0, ink);
        let words = text(words, Weight::SemiBold, 14.0, tokens(ui).strong);
        let told = ui.label(words);
        ui.ctx()
            .accesskit_node_builder(told.id, |node| node.set_live(Live::Polite));
    });
}

/// What was said last by both sides.
fn last_words_ui(ui: &mut Ui, snapshot: &Snapshot) {
    let t = tokens(ui);
    let first = snapshot.captions.len().saturating_sub(2);
    for caption in &snapshot.captions[first..] {
        let words = format!("{}: {}", caption.name, format::clean(&caption.text));
        let words = text(bidi::shown(&words), Weight::Regular, 13.0, t.muted);
        ui.add(Label::new(words).wrap());
    }
}

/// A button that plays the last answer again, with the reason why it cannot.
fn hear_ui(ui: &mut Ui, name: &str, snapshot: &Snapshot, view: &mut UiState) {
    let hindrance = snapshot.repeat.hindrance;
    let is_possible = hindrance.is_none() && snapshot.repeat.turn.is_some();
    let button = ui.add_enabled_ui(is_possible, |ui| plain_button(ui, name));
    if button.inner.clicked() {
        view.commands.push(Command::Repeat);
    }
    if let Some(hindrance) = hindrance {
        button
            .inner
            .on_disabled_hover_text(t!("not-now-because", hindrance));
    }
}

/// The way on, first the button that is meant to be pressed.
fn buttons_ui(
    ui: &mut Ui,
    snapshot: &Snapshot,
    step: WelcomeStep,
    is_new: bool,
    view: &mut UiState,
) {
    let Some(state) = &mut view.welcome else {
        return;
    };
    let (before, next) = (state.before(), state.next());
    let mut ended = None;
    let is_taken = api_key_state::of(snapshot).0 == KeyStatus::Taken;
    let on = match step {
        WelcomeStep::New | WelcomeStep::Welcome | WelcomeStep::Done => Some(t!("set-up")),
        WelcomeStep::Microphone => Some(t!("next")),
        WelcomeStep::Speaker => Some(t!("i-heard-it")),
        WelcomeStep::Connect => is_taken.then_some(t!("next")),
        WelcomeStep::Try => Some(t!("start")),
    };
    let mut to = None;
    if let Some(on) = on {
        let button = primary_button(ui, on);
        if is_new {
            button.request_focus();
        }
        if button.clicked() {
            (to, ended) = (Some(next), Some(StepEnd::Done));
        }
    }
    if step == WelcomeStep::Speaker && plain_button(ui, t!("i-heard-nothing")).clicked() {
        state.is_silent = true;
    }
    if step != WelcomeStep::Try && plain_button(ui, t!("skip")).clicked() {
        (to, ended) = (Some(next), Some(StepEnd::Skipped));
    }
    if let Some(before) = before
        && plain_button(ui, t!("back")).clicked()
    {
        to = Some(before);
    }
    let leave = if snapshot.key.is_some() {
        t!("skip-all")
    } else {
        t!("skip-all-use-without-a")
    };
    if step != WelcomeStep::Try
        && plain_button(ui, leave)
            .on_hover_text(t!("to-the-conversation-settings-general"))
            .clicked()
    {
        to = Some(WelcomeStep::Done);
    }
    if let Some(ended) = ended {
        state.ended.insert(step, ended);
    }
    if let Some(to) = to {
        view.set_up(to);
    }
}
