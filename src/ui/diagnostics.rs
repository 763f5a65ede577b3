//! The section Diagnostics of the page Settings: what works and what does not, with a test or a way to it for each.

use eframe::egui::{Color32, Label, Ui};

use super::api_key_state::{self, KeyStatus};
use super::heading::heading;
use super::icons::Sign;
use super::screen::Screen;
use super::theme::{Weight, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{card, named_button, sign};
use super::{copy_button, format};
use crate::base::text::t;
use crate::conversation::snapshot::{Link, Port, Snapshot};
use crate::desktop::TrayState;

/// A part of what has to work, and what is known of it.
struct Part {
    mark: (Sign, Color32),
    name: &'static str,
    words: String,
    /// The button that tests it, or leads to where it is mended: its words, and the page that it opens.
    leads: Option<(&'static str, Screen)>,
}

pub(super) fn diagnostics_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    for part in parts(ui, snapshot, view)
        .into_iter()
        .chain(tray_part(ui, snapshot))
    {
        card(tokens(ui)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            part_ui(ui, part, view);
        });
    }
    ui.add_space(space::XS);
    ui.horizontal_wrapped(|ui| {
        copy_button::copy_report_ui(ui, snapshot, view);
        let words = text(
            t!("the-report-holds-no"),
            Weight::Regular,
            13.0,
            tokens(ui).muted,
        );
        ui.add(Label::new(words).wrap());
    });
}

fn part_ui(ui: &mut Ui, part: Part, view: &mut UiState) {
    let t = tokens(ui);
    ui.horizontal_wrapped(|ui| {
        sign(ui, part.mark.0, 10.0, part.mark.1);
        heading(ui, part.name, 14.0);
    });
    ui.add(Label::new(text(part.words, Weight::Regular, 13.0, t.normal)).wrap());
    let Some((words, screen)) = part.leads else {
        return;
    };
    let name = format!("{}: {words}", part.name);
    if named_button(ui, words, &name).clicked() {
        view.open(screen);
    }
}

fn parts(ui: &Ui, snapshot: &Snapshot, view: &UiState) -> [Part; 5] {
    let t = tokens(ui);
    let turns = &snapshot.figures.turns;
    let check = Some((t!("check-the-sound"), Screen::Check));
    let details = Some((t!("details"), Screen::Details));
    let (standing, key) = api_key_state::of(snapshot);
    let alerts = snapshot.alerts.len();
    [
        Part {
            mark: port_mark(ui, &snapshot.input, snapshot.muted),
            name: t!("microphone"),
            words: if snapshot.muted && snapshot.input.stream.is_none() {
                t!("microphone-released-while-muted").to_owned()
            } else {
                port_words(
                    &snapshot.input,
                    &t!("n-samples-lost", n = turns.capture_dropped),
                )
            },
            leads: check,
        },
        Part {
            mark: port_mark(ui, &snapshot.output, false),
            name: t!("speaker"),
            words: port_words(&snapshot.output, &t!("n-gaps", n = turns.underruns)),
            leads: check,
        },
        Part {
            mark: api_key_state::mark(standing, t),
            name: t!("key"),
            words: key,
            leads: Some((t!("change-the-key"), Screen::Key)),
        },
        Part {
            mark: match (&snapshot.link, standing) {
                (Link::Connected { .. }, _) => (Sign::Dot, t.ok),
                (Link::Connecting { .. }, _) => (Sign::Ring, t.muted),
                (Link::Down { .. }, KeyStatus::None) => (Sign::Ring, t.muted),
                (Link::Down { .. }, _) => (Sign::Cross, t.bad),
            },
            name: t!("connection"),
            words: link_words(snapshot, view),
            leads: details,
        },
        Part {
            mark: if alerts == 0 {
                (Sign::Dot, t.ok)
            } else {
                (Sign::Triangle, t.warn)
            },
            name: t!("alerts-heading"),
            words: if alerts == 0 {
                t!("no-alert-is-raised").to_owned()
            } else {
                let what = snapshot
                    .alerts
                    .iter()
                    .map(|alert| format::clean(&alert.what()));
                what.collect::<Vec<_>>().join("\n")
            },
            leads: details,
        },
    ]
}

/// The icon in the tray, where one is wanted.
fn tray_part(ui: &Ui, snapshot: &Snapshot) -> Option<Part> {
    let t = tokens(ui);
    let (mark, words) = match &snapshot.desktop.tray {
        TrayState::Off => return None,
        TrayState::Asking => ((Sign::Ring, t.muted), t!("tray-asking").to_owned()),
        TrayState::Shown => ((Sign::Dot, t.ok), t!("tray-shown").to_owned()),
        TrayState::NotShown { why } => ((Sign::Ring, t.muted), format::clean(why)),
    };
    Some(Part {
        mark,
        name: t!("key-window-tray"),
        words,
        leads: None,
    })
}

fn port_mark(ui: &Ui, port: &Port, released: bool) -> (Sign, Color32) {
    let t = tokens(ui);
    match (&port.trouble, &port.stream) {
        (Some(_), _) => (Sign::Cross, t.bad),
        (None, Some(_)) => (Sign::Dot, t.ok),
        (None, None) if released => (Sign::Ring, t.muted),
        (None, None) => (Sign::Triangle, t.warn),
    }
}

/// The device and how it is used, and how often it failed.
fn port_words(port: &Port, failures: &str) -> String {
    let Some(stream) = &port.stream else {
        let none = || t!("none-in-use").to_owned();
        return port.trouble.as_deref().map_or_else(none, format::clean);
    };
    let device = format::device(stream);
    let period = stream
        .period_frames
        .map(|frames| stream.rate.duration_of(frames.into()));
    let period = period.map_or_else(String::new, |period| {
        t!("blocks-of", time = format::millis_or_unknown(Some(period)))
    });
    let trouble = port
        .trouble
        .as_deref()
        .map(|what| format!("\n{}", format::clean(what)));
    format!(
        "{device}{period} · {failures}{}",
        trouble.unwrap_or_default()
    )
}

fn link_words(snapshot: &Snapshot, view: &UiState) -> String {
    match &snapshot.link {
        Link::Down { what, hint, .. } => format!("{} {}", format::clean(what), format::clean(hint)),
        Link::Connecting { .. } => format::link(snapshot, view.now),
        Link::Connected { .. } => {
            let meters = &snapshot.figures.meters;
            let lost = meters.loss_percent;
            t!(
                "connection-in-words",
                state = format::link(snapshot, view.now),
                place = format::name(&snapshot.place),
                trip = format::millis_or_unknown(meters.round_trip),
                lost = format::percent(lost.map(|lost| lost as f32))
            )
        }
    }
}
