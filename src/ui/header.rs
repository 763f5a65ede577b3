//! The top of the window: name, state, profiles, sound, settings.

use std::time::Instant;

use eframe::egui::accesskit::Live;
use eframe::egui::{Align, Label, Layout, Sense, Ui, Vec2};

use super::icons::{self, Icon};
use super::screen::Screen;
use super::theme::{Weight, space, text, tokens};
use super::ui_state::{LayoutSize, UiState};
use super::widgets::{Segment, badge, icon_button, pill, segmented, segmented_width};
use super::{explain, format, overlay, sound};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{AutoView, Snapshot};

/// Room for name, buttons and the longest state beside the profiles, so that these do not jump while the user talks; and for
/// the badge of the demo.
const BESIDE: f32 = 500.0;
const DEMO_BADGE: f32 = 115.0;

/// The header, in one row or, with less room, in two.
pub(super) fn header_ui(ui: &mut Ui, room: LayoutSize, snapshot: &Snapshot, view: &mut UiState) {
    let mut segments = segments(snapshot);
    let badge = if snapshot.demo { DEMO_BADGE } else { 0.0 };
    let pill = if view.panel == 0 {
        overlay::pill_width(ui)
    } else {
        0.0
    };
    let needed = segmented_width(ui, &segments, snapshot.chosen) + BESIDE + badge + pill;
    let is_one_row = room == LayoutSize::Wide && needed <= ui.available_width();
    // Who sets up has not heard of them yet.
    let shows_profiles = view.page != Screen::Welcome;
    ui.horizontal(|ui| {
        ui.set_min_height(36.0);
        who_and_what_ui(ui, room, snapshot, view.now);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = if room == LayoutSize::Tight {
                space::S
            } else {
                space::M
            };
            buttons_ui(ui, snapshot, view);
            if is_one_row && shows_profiles {
                ui.add_space(space::XS);
                profiles_ui(ui, &mut segments, snapshot, &mut view.commands);
            }
        });
    });
    if !is_one_row && shows_profiles {
        ui.add_space(space::XS);
        profiles_ui(ui, &mut segments, snapshot, &mut view.commands);
    }
    if let Some(auto) = &snapshot.auto {
        auto_ui(ui, auto);
    }
}

/// The choice of `auto`, and its reason.
fn auto_ui(ui: &mut Ui, auto: &AutoView) {
    let t = tokens(ui);
    // A row of its own: a layout that is aligned to the middle would else take all the height that there is.
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            if auto.power_saving {
                badge(ui, t!("saving-power")).on_hover_text(t!("on-battery-longer-periods-of"));
            }
            let why = Label::new(text(
                t!("auto-uses", why = auto.why),
                Weight::Medium,
                12.0,
                t.muted,
            ));
            let changes = format::grouped(auto.changes);
            ui.add(why.truncate()).on_hover_text(t!(
                "auto-uses-changes-of-profile",
                why = auto.why,
                changes
            ));
        });
    });
}

fn who_and_what_ui(ui: &mut Ui, room: LayoutSize, snapshot: &Snapshot, now: Instant) {
    let t = tokens(ui);
    if room != LayoutSize::Tight {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(26.0), Sense::hover());
        icons::mark(ui.painter(), rect, t);
        ui.add_space(space::S);
        ui.label(text(t!("sovereign"), Weight::SemiBold, 15.0, t.strong));
        ui.add_space(space::S);
    }
    let (sign, ink) = icons::sign_of(snapshot.activity, t);
    let state = pill(ui, sign, ink, &format::state(snapshot, now));
    // A screen reader says the new state when it has finished what it is saying.
    ui.ctx()
        .accesskit_node_builder(state.id, |node| node.set_live(Live::Polite));
    if snapshot.demo {
        let words = if room == LayoutSize::Tight {
            t!("demo")
        } else {
            t!("demo-offline")
        };
        badge(ui, words).on_hover_text(t!("a-server-inside-this-program"));
    }
}

fn buttons_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    if icon_button(ui, Icon::Gear, 34.0, t!("settings-ctrl")).clicked() {
        view.toggle(Screen::Settings);
    }
    if icon_button(ui, Icon::Earlier, 34.0, t!("conversations-ctrl-h")).clicked() {
        view.toggle(Screen::Conversations);
    }
    let button = icon_button(ui, Icon::Sound, 34.0, t!("sound"));
    if button.clicked() {
        view.sound_open = !view.sound_open;
    }
    sound::popup_ui(&button, snapshot, view);
    if view.page == Screen::Talk {
        overlay::pill_ui(ui, snapshot, view);
    }
}

/// The profiles, each with its target.
fn segments(snapshot: &Snapshot) -> Vec<Segment<'_>> {
    snapshot
        .profiles
        .iter()
        .map(|profile| Segment {
            label: profile.shown_label(),
            name: profile.shown_label(),
            figure: format!("{} ms", format::grouped(profile.target.as_millis() as u64)),
            tooltip: t!(
                "target-of-the-response-ms",
                description = profile.shown_description(),
                target = format::millis(profile.target),
                profile = explain::model(profile)
            ),
        })
        .collect()
}

/// The profiles as one switch; without their targets where there is no room for these in one row.
fn profiles_ui(
    ui: &mut Ui,
    segments: &mut [Segment<'_>],
    snapshot: &Snapshot,
    commands: &mut Vec<Command>,
) {
    if segmented_width(ui, segments, snapshot.chosen) > ui.available_width() {
        for segment in segments.iter_mut() {
            segment.figure.clear();
        }
    }
    if let Some(taken) = segmented(ui, segments, snapshot.chosen)
        && let Some(profile) = snapshot.profiles.get(taken)
    {
        commands.push(Command::UseProfile(profile.name.clone()));
    }
}
