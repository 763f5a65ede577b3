//! Audio settings besides the devices: echo, the talk key, and replaying the last answer.

use eframe::egui::{Align, Layout, Slider, Ui};

use super::format;
use super::heading::caps_heading;
use super::icons::Sign;
use super::switch::switch_row;
use super::theme::{Weight, space, text, tokens};
use super::widgets::{choose, focus_ring, signed_row};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{EchoView, TalkView};
use crate::profile::EchoCancellation;
use crate::settings::config::{MOST_RELEASE_DELAY, TalkKey};

/// Step of the slider: smaller differences are inaudible.
const DELAY_STEP_MS: f64 = 50.0;

/// Echo cancellation: the choice, and the present state with its reason.
pub(super) fn echo_ui(ui: &mut Ui, echo: &EchoView, commands: &mut Vec<Command>) {
    let choices: [(EchoCancellation, &str, &str, &str); 3] = [
        (
            EchoCancellation::Auto,
            t!("auto"),
            t!("echo-cancellation-auto"),
            "",
        ),
        (
            EchoCancellation::On,
            t!("on"),
            t!("echo-cancellation-on"),
            "",
        ),
        (
            EchoCancellation::Off,
            t!("off"),
            t!("echo-cancellation-off"),
            "",
        ),
    ];
    let t = tokens(ui);
    caps_heading(ui, t!("echo-of-the-reply"));
    ui.add_space(space::XS);
    if let Some(choice) = choose(ui, &choices, echo.choice) {
        commands.push(Command::set("echo_cancellation", &choice));
    }
    ui.add_space(space::XS);
    let mark = if echo.on {
        (Sign::Dot, t.ok)
    } else {
        (Sign::Ring, t.muted)
    };
    signed_row(ui, mark, &echo.why);
}

/// How the microphone is opened.
pub(super) fn talk_ui(ui: &mut Ui, talk: TalkView, commands: &mut Vec<Command>) {
    let choices: [(TalkKey, &str, &str, &str); 2] = [
        (
            TalkKey::Hold,
            t!("hold"),
            t!("talk-key-hold"),
            t!("the-microphone-is-open-while"),
        ),
        (
            TalkKey::Tap,
            t!("tap"),
            t!("talk-key-tap"),
            t!("one-press-of-space-opens"),
        ),
    ];
    caps_heading(ui, t!("talk-key"));
    ui.add_space(space::XS);
    if let Some(key) = choose(ui, &choices, talk.key) {
        commands.push(Command::set("talk_key", &key));
    }
    ui.add_space(space::S);
    delay_ui(ui, talk, commands);
    ui.add_space(space::XS);
    if switch_row(ui, talk.voice_activation, t!("speech-opens-the-microphone"))
        .on_hover_text(t!("off-only-the-talk-key"))
        .clicked()
    {
        commands.push(Command::set("voice_activation", &!talk.voice_activation));
    }
}

fn delay_ui(ui: &mut Ui, talk: TalkView, commands: &mut Vec<Command>) {
    let t = tokens(ui);
    let mut delay = talk.release_delay.as_secs_f64() * 1e3;
    let label = ui
        .horizontal(|ui| {
            let label = ui.label(text(t!("it-closes-after"), Weight::Regular, 13.0, t.normal));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let figure = format!("{} ms", format::grouped(delay.round() as u64));
                ui.label(text(figure, Weight::Medium, 12.0, t.strong));
            });
            label
        })
        .inner;
    ui.spacing_mut().slider_width = ui.available_width();
    let most = MOST_RELEASE_DELAY.as_secs_f64() * 1e3;
    let slider = Slider::new(&mut delay, 0.0..=most)
        .step_by(DELAY_STEP_MS)
        .show_value(false);
    let slider = ui.add(slider).labelled_by(label.id);
    focus_ring(ui, &slider, 6.0);
    if slider
        .on_hover_text(t!("how-long-the-microphone-stays"))
        .changed()
    {
        let delay = std::time::Duration::from_millis(delay.round() as u64);
        commands.push(Command::set("release_delay_ms", &delay));
    }
}
