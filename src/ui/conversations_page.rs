//! The page Conversations: what was said earlier, to be found, read, gone on with and deleted.

use eframe::egui::accesskit::Live;
use eframe::egui::{
    Align, Button, ComboBox, FocusDirection, Id, Key, Label, Layout, Margin, Modifiers, TextEdit,
    Ui, vec2,
};
use jiff::Zoned;

use super::conversations_list::{list_ui, profile};
use super::conversations_state::{ConversationsState, Goal, MOST_FOUND, Period};
use super::icons::Sign;
use super::opened_conversation::opened_ui;
use super::page::{exported_ui, page_head};
use super::theme::{Weight, font, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{answers_ui, card, choose, list_choice, plain_button, signed_row};
use super::{bidi, format};
use crate::base::retention::Retention;
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;

/// Widest page: beyond it the columns of a row are too far from its title.
const WIDEST: f32 = 880.0;

/// The page; in surroundings that scroll, its own scrolling part is as high as `room`.
pub(super) fn page_ui(ui: &mut Ui, snapshot: &Snapshot, room: Option<f32>, view: &mut UiState) {
    view.conversations
        .update(&snapshot.kept, &Zoned::now(), &mut view.commands);
    let margin = ((ui.available_width() - WIDEST) / 2.0).max(0.0);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(margin);
        ui.vertical(|ui| {
            ui.set_width(WIDEST.min(ui.available_width()));
            ui.spacing_mut().item_spacing = vec2(space::S, space::S);
            if view.conversations.opened.is_some() {
                opened_ui(ui, snapshot, room, view);
            } else {
                overview_ui(ui, snapshot, room, view);
            }
        });
    });
}

fn overview_ui(ui: &mut Ui, snapshot: &Snapshot, room: Option<f32>, view: &mut UiState) {
    let t = tokens(ui);
    if page_head(
        ui,
        t!("conversations"),
        t!("to-the-conversation-from-conversations"),
    )
    .clicked()
    {
        view.leave();
    }
    let many = snapshot.kept.list.len() == MOST_FOUND && !view.conversations.text.trim().is_empty();
    let kept = match snapshot.kept.trouble {
        Some(_) => String::new(),
        None if many => t!("the-newest-are-shown-type", most_found = MOST_FOUND),
        None => format!("{}.", retention(snapshot.kept.retention)),
    };
    ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tooltip = t!("the-service-will-know-nothing");
            let begins = plain_button(ui, t!("new-conversation")).on_hover_text(tooltip);
            if begins.clicked() {
                view.begin_conversation(snapshot);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let kept = text(kept, Weight::Regular, 13.0, t.normal);
                ui.add(Label::new(kept).wrap());
            });
        });
    });
    if let Some(trouble) = &snapshot.kept.trouble {
        signed_row(ui, (Sign::Triangle, t.warn), &format::clean(trouble));
    }
    exported_ui(ui, snapshot, view);
    ui.add_space(space::XS);
    let mut deletes = false;
    let UiState {
        conversations: state,
        commands,
        ..
    } = view;
    filter_ui(ui, snapshot, state);
    const BELOW: f32 = 44.0;
    let height = room.unwrap_or_else(|| ui.available_height() - BELOW);
    card(t)
        .inner_margin(Margin::same(space::S as i8))
        .show(ui, |ui| {
            let height = (height - 2.0 * space::S).max(0.0);
            ui.set_width(ui.available_width());
            if snapshot.kept.list.is_empty() {
                ui.set_min_height(height);
                // The trouble above says why nothing is shown.
                if state.is_answered(&snapshot.kept) && snapshot.kept.trouble.is_none() {
                    empty_ui(ui, snapshot.kept.retention, height, state);
                }
            } else {
                list_ui(ui, snapshot, height, state, commands);
            }
        });
    if !snapshot.kept.list.is_empty() {
        deletes = below_ui(ui, snapshot, state);
    }
    if deletes {
        view.export(snapshot, Command::DeleteKept(None));
    }
}

/// How long conversations are kept.
fn retention(retention: Retention) -> String {
    const DAY: u64 = 24 * 60 * 60;
    match retention {
        Retention::Off => t!("nothing-new-is-kept-keep").to_owned(),
        Retention::Forever => t!("kept-until-you-delete-it").to_owned(),
        Retention::For(time) => t!(
            "kept-for-on-this-computer",
            time = t!("n-days", n = time.as_secs() / DAY)
        ),
    }
}

/// The search and the choices beside it, or below it where there is less room.
fn filter_ui(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConversationsState) {
    const CHOICES: f32 = 450.0;
    let width = ui.available_width();
    let beside = width > CHOICES + 240.0;
    if !beside {
        search_ui(ui, width, state);
    }
    ui.horizontal_wrapped(|ui| {
        if beside {
            search_ui(ui, width - CHOICES, state);
            ui.add_space(space::XS);
        }
        choices_ui(ui, snapshot, state);
    });
    ui.add_space(space::XS);
}

/// The field of the search.
pub(super) fn search_id() -> Id {
    Id::unique("the search of conversations")
}

fn search_ui(ui: &mut Ui, width: f32, state: &mut ConversationsState) {
    let id = search_id();
    // Before the field takes them: they lead to the list.
    let is_in_it = ui.memory(|memory| memory.has_focus(id));
    let down = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if is_in_it && (down(Key::ArrowDown) || down(Key::Enter)) && !state.rows.rows.is_empty() {
        ui.memory_mut(|memory| memory.move_focus(FocusDirection::None));
        state.goal = Some(Goal::Row(state.rows.step(0, 0)));
    }
    let field = TextEdit::singleline(&mut state.text)
        .id(id)
        .font(font(Weight::Regular, 14.0))
        .desired_width(width)
        .char_limit(200)
        .margin(Margin::symmetric(12, 9))
        .hint_text(t!("search-what-was-said"));
    let response = ui.add(field);
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_label(t!("search-conversations"))
    });
    if state.goal == Some(Goal::Search) {
        state.goal = None;
        response.request_focus();
    }
}

fn choices_ui(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConversationsState) {
    let periods: [(Period, &str, &str, &str); 3] = [
        (Period::Today, t!("today"), t!("today"), ""),
        (Period::Week, t!("n-7-days"), t!("the-last-7-days"), ""),
        (Period::All, t!("all"), t!("all-days"), ""),
    ];
    if let Some(period) = choose(ui, &periods, state.period) {
        state.period = period;
    }
    let name = |profile_name: Option<&String>| {
        profile_name.map_or_else(
            || t!("all-profiles").to_owned(),
            |name| bidi::shown(&profile(name, snapshot)),
        )
    };
    let list = ComboBox::from_id_salt("profiles of conversations")
        .width(120.0)
        .truncate()
        .selected_text(name(state.profile.as_ref()))
        .show_ui(ui, |ui| {
            let each = state.rows.profiles.iter().map(Some);
            let mut taken = None;
            for choice in std::iter::once(None).chain(each) {
                let is_chosen = state.profile.as_ref() == choice;
                if list_choice(ui, is_chosen, name(choice)).clicked() {
                    taken = Some(choice.cloned());
                }
            }
            taken
        });
    ui.ctx()
        .accesskit_node_builder(list.response.id, |node| node.set_label(t!("profile")));
    if let Some(Some(taken)) = list.inner {
        state.profile = taken;
    }
    let words = text(t!("with-problems"), Weight::Medium, 13.0, tokens(ui).strong);
    let button = Button::new(words)
        .selected(state.failed)
        .corner_radius(8)
        .min_size(vec2(0.0, 28.0));
    let tooltip = t!("only-conversations-in-which-an");
    if ui.add(button).on_hover_text(tooltip).clicked() {
        state.failed = !state.failed;
    }
}

/// In place of the list: why there is none, and what to do.
fn empty_ui(ui: &mut Ui, retention: Retention, height: f32, state: &mut ConversationsState) {
    let t = tokens(ui);
    let (head, body) = if state.is_filtered() {
        let words = !state.text.trim().is_empty();
        let body = if words {
            t!("no-conversation-holds-all-these")
        } else {
            t!("there-is-no-such-conversation")
        };
        (t!("nothing-found"), body)
    } else if retention == Retention::Off {
        (t!("nothing-is-kept"), t!("write-keep-30d-into-config"))
    } else {
        (t!("no-conversation-yet"), t!("what-you-and-the-assistant"))
    };
    ui.vertical_centered(|ui| {
        ui.add_space((height * 0.3).clamp(0.0, 140.0));
        let head = ui.label(text(head, Weight::SemiBold, 18.0, t.strong));
        ui.ctx()
            .accesskit_node_builder(head.id, |node| node.set_live(Live::Polite));
        ui.label(text(body, Weight::Regular, 14.0, t.normal));
        if state.is_filtered() {
            ui.add_space(space::S);
            if plain_button(ui, t!("show-all")).clicked() {
                state.show_all();
            }
        }
    });
}

/// How many there are, and the button that deletes all. Whether that is to be done.
fn below_ui(ui: &mut Ui, snapshot: &Snapshot, state: &mut ConversationsState) -> bool {
    let t = tokens(ui);
    let mut deletes = false;
    ui.horizontal_wrapped(|ui| {
        ui.set_min_height(32.0);
        if let Some(new) = &mut state.deletes {
            let question = t!("delete-all-conversations-for-good");
            ui.label(text(question, Weight::Medium, 13.0, t.strong));
            if let Some(answer) = answers_ui(ui, [t!("delete-all"), t!("keep-them")], new) {
                state.deletes = None;
                deletes = answer;
            }
            return;
        }
        let n = snapshot.kept.list.len() as u64;
        let what = match (n, state.is_filtered()) {
            (1, true) => t!("n-1-conversation-found").to_owned(),
            (_, true) => t!("conversations-found", n = format::grouped(n)),
            (1, false) => t!("n-1-conversation").to_owned(),
            (_, false) => t!("conversations-counted", n = format::grouped(n)),
        };
        let found = ui.label(text(what, Weight::Regular, 12.0, t.muted));
        ui.ctx()
            .accesskit_node_builder(found.id, |node| node.set_live(Live::Polite));
        if state.is_filtered() {
            // "All" would be taken for those that were found.
            return;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if plain_button(ui, t!("delete-all")).clicked() {
                state.deletes = Some(true);
            }
        });
    });
    deletes
}
