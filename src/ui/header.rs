//! The top of the window: name, state, profiles, sound, settings.

use std::time::Instant;

use eframe::egui::accesskit::Live;
use eframe::egui::text::{LayoutJob, TextWrapping};
use eframe::egui::{
    Align, Label, Layout, Popup, Rect, Role, Sense, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::icons::{self, Icon};
use super::screen::Screen;
use super::theme::{Weight, font, is_low, space, text, tokens};
use super::ui_state::{LayoutSize, UiState};
use super::widgets::{
    Segment, badge, focus_ring, icon_button, named_for_the_eye, pill, radio_row, segmented,
    segmented_width,
};
use super::{bidi, explain, format, overlay, small_window, sound};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{AutoView, Snapshot};

/// Room for name, buttons and the longest state beside the profiles, so that these do not jump while the user talks; and for
/// the badge of the demo.
const BESIDE: f32 = 500.0;
/// Room for the button of the small window.
const SMALL_BUTTON: f32 = 46.0;
const DEMO_BADGE: f32 = 115.0;

/// Least width of a header in one row with the profiles in a menu.
const MENU: f32 = 380.0;

/// Sizes of a button; in low windows.
const BUTTON: f32 = 34.0;
const LOW_BUTTON: f32 = 30.0;

/// The header, in one row or, with less room, in two; in low windows the profiles are in a menu instead.
pub(super) fn header_ui(ui: &mut Ui, room: LayoutSize, snapshot: &Snapshot, view: &mut UiState) {
    let mut segments = segments(snapshot);
    let is_low = is_low(ui);
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
    let is_menu = is_low && !is_one_row && ui.available_width() >= MENU;
    // Where there is no room for it, the key has it.
    let beside = if is_one_row { needed } else { BESIDE + badge };
    let can_be_small = room == LayoutSize::Wide
        && shows_profiles
        && !is_menu
        && beside + SMALL_BUTTON <= ui.available_width();
    ui.horizontal(|ui| {
        ui.set_min_height(if is_low { LOW_BUTTON } else { 36.0 });
        who_and_what_ui(ui, room, snapshot, view.now);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = if room == LayoutSize::Tight || is_low {
                space::S
            } else {
                space::M
            };
            let size = if is_low { LOW_BUTTON } else { BUTTON };
            buttons_ui(ui, size, snapshot, view);
            if can_be_small {
                small_window::button_ui(ui, size, view);
            }
            if is_menu && shows_profiles {
                profile_menu_ui(ui, &segments, snapshot.chosen, |taken| {
                    use_profile(snapshot, taken, &mut view.commands);
                });
            } else if is_one_row && shows_profiles {
                ui.add_space(space::XS);
                profiles_ui(ui, &mut segments, snapshot, &mut view.commands);
            }
        });
    });
    if !is_one_row && !is_menu && shows_profiles {
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

pub(super) fn who_and_what_ui(ui: &mut Ui, room: LayoutSize, snapshot: &Snapshot, now: Instant) {
    let t = tokens(ui);
    // In low windows the profiles take the room of the name.
    if room != LayoutSize::Tight {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(26.0), Sense::hover());
        icons::mark(ui.painter(), rect, t);
        ui.add_space(space::S);
    }
    if room == LayoutSize::Wide || room == LayoutSize::Narrow && !is_low(ui) {
        ui.label(text(t!("sovereign"), Weight::SemiBold, 15.0, t.strong));
        ui.add_space(space::S);
    }
    let (sign, ink) = icons::sign_of(snapshot.activity, t);
    let state = pill(ui, sign, ink, &format::state(snapshot, now));
    // A screen reader says the new state when it has finished what it is saying.
    ui.ctx()
        .accesskit_node_builder(state.id, |node| node.set_live(Live::Polite));
    if snapshot.demo {
        let words = if room == LayoutSize::Tight || is_low(ui) {
            t!("demo")
        } else {
            t!("demo-offline")
        };
        badge(ui, words).on_hover_text(t!("a-server-inside-this-program"));
    }
}

fn buttons_ui(ui: &mut Ui, size: f32, snapshot: &Snapshot, view: &mut UiState) {
    if icon_button(ui, Icon::Gear, size, t!("settings-ctrl")).clicked() {
        view.toggle(Screen::Settings);
    }
    if icon_button(ui, Icon::Earlier, size, t!("conversations-ctrl-h")).clicked() {
        view.toggle(Screen::Conversations);
    }
    let button = icon_button(ui, Icon::Sound, size, t!("sound"));
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
    if let Some(taken) = segmented(ui, segments, snapshot.chosen) {
        use_profile(snapshot, taken, commands);
    }
}

fn use_profile(snapshot: &Snapshot, taken: usize, commands: &mut Vec<Command>) {
    if let Some(profile) = snapshot.profiles.get(taken) {
        commands.push(Command::UseProfile(profile.name.clone()));
    }
}

/// The profiles behind a button that names the chosen one, shortened to the room that there is.
fn profile_menu_ui(
    ui: &mut Ui,
    segments: &[Segment<'_>],
    chosen: usize,
    mut take: impl FnMut(usize),
) {
    const ARROW: f32 = 10.0;
    let t = tokens(ui);
    let name = segments.get(chosen).map_or("", |segment| segment.label);
    let shown = bidi::shown(&format::name(name));
    let mut job = LayoutJob::simple_singleline(shown, font(Weight::SemiBold, 13.0), t.strong);
    let room = ui.available_width() - ARROW - 3.0 * space::S;
    job.wrap = TextWrapping::truncate_at_width(room.max(0.0));
    let words = ui.painter().layout_job(job);
    let size = vec2(words.size().x + ARROW + 3.0 * space::S, LOW_BUTTON);
    let (rect, button) = ui.allocate_exact_size(size, Sense::click());
    let spoken = t!("profile-is", name);
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
    let fill = if button.hovered() { t.hover } else { t.field };
    ui.painter().rect_filled(rect, 8.0, fill);
    let at = pos2(
        rect.left() + space::S,
        rect.center().y - words.size().y / 2.0,
    );
    ui.painter().galley(at, words, t.strong);
    let arrow = pos2(rect.right() - space::S - ARROW / 2.0, rect.center().y);
    let arrow = Rect::from_center_size(arrow, Vec2::splat(ARROW));
    icons::icon(ui.painter(), arrow, Icon::Down, t.normal);
    focus_ring(ui, &button, 8.0);
    let button = named_for_the_eye(button, &spoken);
    Popup::menu(&button).show(|ui| {
        ui.set_width(220.0);
        for (nth, segment) in segments.iter().enumerate() {
            let row = radio_row(ui, nth == chosen, segment.label);
            if row.on_hover_text(&segment.tooltip).clicked() && nth != chosen {
                take(nth);
            }
        }
    });
}
