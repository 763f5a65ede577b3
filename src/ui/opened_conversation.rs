//! A kept conversation that was opened: both sides, and what can be done with it.

use eframe::egui::{Key, Margin, Modifiers, Popup, ScrollArea, Ui, vec2};
use jiff::Zoned;

use super::bidi;
use super::caption::{CaptionPlace, Correction, Wish, caption_ui};
use super::captions::column_ui;
use super::conversations_list::{facts, title};
use super::conversations_state::{OpenedConversation, clock_time, day};
use super::copy_button::copy_button_ui;
use super::find_bar::find_bar_ui;
use super::page::{exported_ui, page_head};
use super::theme::{Weight, space, text, tokens};
use super::ui_state::UiState;
use super::widgets::{answers_ui, card, follow_focus, plain_button, primary_button};
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Snapshot;
use crate::settings::paths::Paths;
use crate::store::ConversationSummary;
use crate::store::export::ExportFormat;

/// The opened conversation; in surroundings that scroll, its words are as high as `room`.
pub(super) fn opened_ui(ui: &mut Ui, snapshot: &Snapshot, room: Option<f32>, view: &mut UiState) {
    let Some(mut opened) = view.conversations.opened.take() else {
        return;
    };
    let is_read = opened.update(&snapshot.kept);
    let goes_back = head_ui(ui, snapshot, &mut opened);
    let stays = actions_ui(ui, snapshot, &mut opened, view);
    let height = room.unwrap_or_else(|| ui.available_height());
    let words = card(tokens(ui)).inner_margin(Margin::symmetric(20, 16));
    let words = words.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.set_min_height((height - 34.0).max(0.0));
        words_ui(ui, is_read, (height - 34.0).max(0.0), &mut opened);
    });
    let bar = words.response.rect.shrink(8.0);
    find_bar_ui(ui, bar, &mut opened.find);
    if stays {
        view.conversations.opened = Some(opened);
    }
    if goes_back {
        view.exported = None;
        view.conversations.close();
    }
}

/// The way back, title and facts. Returns whether to go back.
fn head_ui(ui: &mut Ui, snapshot: &Snapshot, opened: &mut OpenedConversation) -> bool {
    let t = tokens(ui);
    let name = bidi::shown(&title(&opened.summary));
    let back = page_head(ui, &name, t!("to-the-list-esc"));
    if std::mem::take(&mut opened.new) {
        back.request_focus();
    }
    let mut about = vec![when(&opened.summary)];
    about.extend(facts(&opened.summary, snapshot));
    ui.label(text(about.join(" · "), Weight::Regular, 13.0, t.muted));
    back.clicked()
}

/// From when to when it lasted.
fn when(of: &ConversationSummary) -> String {
    let now = Zoned::now();
    let local = |at: jiff::Timestamp| at.to_zoned(now.time_zone().clone()).date();
    let (first, last) = (local(of.begun), local(of.ended));
    let [from, to] = [of.begun, of.ended].map(clock_time);
    let begun = format!("{}, {from}", day(first, now.date()));
    if first != last {
        t!(
            "time-to-day-and-time",
            begun,
            date = day(last, now.date()),
            to
        )
    } else if from == to {
        begun
    } else {
        t!("time-to-time", begun, to)
    }
}

/// The buttons, or a question in their place. Returns whether the conversation stays open.
fn actions_ui(
    ui: &mut Ui,
    snapshot: &Snapshot,
    opened: &mut OpenedConversation,
    view: &mut UiState,
) -> bool {
    let t = tokens(ui);
    let id = opened.summary.id;
    let is_running = snapshot.kept.current == Some(id);
    let (mut stays, mut deleted) = (true, false);
    ui.horizontal_wrapped(|ui| {
        ui.set_min_height(36.0);
        if let Some(new) = &mut view.conversations.deletes {
            let question = if is_running {
                t!("delete-this-conversation-for-good-it")
            } else {
                t!("delete-this-conversation-for-good")
            };
            ui.label(text(question, Weight::Medium, 13.0, t.strong));
            if let Some(deletes) = answers_ui(ui, [t!("delete"), t!("keep-it")], new) {
                view.conversations.deletes = None;
                if deletes {
                    view.export(snapshot, Command::DeleteKept(Some(id)));
                    view.conversations.search();
                    deleted = true;
                    stays = false;
                }
            }
            return;
        }
        if is_running {
            if primary_button(ui, t!("back-to-this-conversation")).clicked() {
                view.leave();
                stays = false;
            }
        } else if primary_button(ui, t!("continue-this-conversation")).clicked() {
            view.commands.push(Command::ContinueKept(id));
            view.leave();
            stays = false;
        }
        let what = t!("the-words-of-both-sides");
        let mut copied_at = opened.copied_at;
        copy_button_ui(ui, [t!("copy"), what], view.now, &mut copied_at, || {
            opened.text()
        });
        opened.copied_at = copied_at;
        if let Some(format) = export_ui(ui) {
            let folder = Paths::documents();
            view.export(snapshot, Command::ExportKept { id, format, folder });
        }
        if plain_button(ui, t!("delete")).clicked() {
            view.conversations.deletes = Some(true);
        }
    });
    if stays {
        exported_ui(ui, snapshot, view);
    } else if !deleted {
        view.exported = None;
    }
    stays
}

/// The menu of what the conversation can become.
fn export_ui(ui: &mut Ui) -> Option<ExportFormat> {
    let formats: [(ExportFormat, &str); 3] = [
        (ExportFormat::Md, t!("text-markdown")),
        (ExportFormat::Json, t!("data-json")),
        (ExportFormat::Wav, t!("sound-wav")),
    ];
    let button = plain_button(ui, t!("export"));
    let button = button.on_hover_text(t!("writes-it-as-a-file"));
    let menu = Popup::menu(&button).show(|ui| {
        let mut formats = formats.iter();
        let taken = formats.find(|(_, words)| plain_button(ui, words).clicked());
        taken.map(|(format, _)| *format)
    });
    menu.and_then(|menu| menu.inner)
}

fn words_ui(ui: &mut Ui, is_read: bool, height: f32, opened: &mut OpenedConversation) {
    let t = tokens(ui);
    if !is_read {
        return;
    }
    if opened.transcript.entries.is_empty() {
        let what = t!("no-words-of-this-conversation");
        ui.label(text(what, Weight::Regular, 14.0, t.normal));
        return;
    }
    let mut wish = None;
    let find = &opened.find;
    let is_wanted = |nth| find.goes > 0 && find.current().is_some_and(|found| found.entry == nth);
    ScrollArea::vertical()
        .id_salt(("kept words", opened.summary.id.0))
        .auto_shrink([false, false])
        .max_height(height)
        .min_scrolled_height(height)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            scroll_by_key(ui, height);
            column_ui(ui, |ui| {
                for (nth, entry) in opened.transcript.entries.iter_mut().enumerate() {
                    if nth > 0 {
                        ui.add_space(14.0);
                    }
                    let place = CaptionPlace {
                        nth,
                        find,
                        ending: opened.endings.get(nth).copied().flatten(),
                        correction: Correction::None,
                    };
                    if is_wanted(nth) {
                        entry.come_near(ui);
                    }
                    ui.push_id(nth, |ui| {
                        entry.show(ui, |ui, entry| {
                            wish = caption_ui(ui, entry, place)
                                .map(|wish| (nth, wish))
                                .or(wish);
                        });
                    });
                }
            });
            follow_focus(ui);
        });
    if opened.find.goes > 0 {
        ui.ctx().request_repaint();
    }
    opened.find.goes = opened.find.goes.saturating_sub(1);
    let words = &opened.transcript;
    let copied = wish.and_then(|(nth, wish)| match wish {
        Wish::Copy => Some(words.whole(nth)),
        Wish::CopyNamed => Some(words.named(nth)),
        Wish::CopyAll => Some(words.all()),
        Wish::Correct => None,
    });
    if let Some(copied) = copied {
        ui.ctx().copy_text(copied);
    }
}

/// No widget of a text has the focus that could scroll it.
fn scroll_by_key(ui: &Ui, height: f32) {
    let far = 1e9;
    let screen = (height - 40.0).max(40.0);
    let keys = [
        (Key::PageDown, -screen),
        (Key::PageUp, screen),
        (Key::End, -far),
        (Key::Home, far),
    ];
    for (key, by) in keys {
        if ui.input_mut(|input| input.consume_key(Modifiers::NONE, key)) {
            ui.scroll_with_delta(vec2(0.0, by));
        }
    }
}
