//! Keyboard shortcuts of the window. They are consumed before a widget sees them, so that Space talks and never presses the
//! focused button (Enter does). A text field with the focus keeps the keys that are characters.

use eframe::egui::{Context, Event, Id, Key, Modifiers, Popup};

use super::screen::Screen;
use super::ui_state::{Holder, Scroll, UiState};
use super::{conversations_page, find_bar, settings_page, typed_field};
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Activity, Snapshot};

/// Turns key presses into commands and changes of the view.
pub(super) fn handle(ctx: &Context, snapshot: &Snapshot, view: &mut UiState) {
    let mut typing = ctx.text_edit_focused();
    // The field that a key leads to; what is typed after that key in the same frame is for it already.
    let mut field = None;
    let busy = view.sound_open || ctx.any_popup_open() || Popup::is_any_open(ctx);
    ctx.input_mut(|input| {
        if !input.focused {
            view.hold.release(&mut view.commands);
        }
        input.events.retain(|event| {
            if let Event::Key {
                key,
                pressed,
                repeat,
                modifiers,
                ..
            } = event
            {
                let (key, pressed, repeat, modifiers) = (*key, *pressed, *repeat, *modifiers);
                let press = Press {
                    key,
                    pressed,
                    repeat,
                    modifiers,
                };
                let is_taken = press.take(snapshot, view, typing, busy);
                if is_taken && modifiers.command_only() && key == Key::F {
                    field = search_of(view);
                    typing |= field.is_some();
                }
                return !is_taken;
            }
            let Event::Text(words) = event else {
                return true;
            };
            // The character, wherever its key is on this keyboard.
            let begins = !typing && !busy && words == "/" && view.page == Screen::Talk;
            let is_kept = !begins && (typing || words != " ");
            if begins {
                view.draft.focus();
                field = Some(typed_field::field_id());
                typing = true;
            }
            is_kept
        });
    });
    if let Some(field) = field {
        ctx.memory_mut(|memory| memory.request_focus(field));
    }
}

/// The field that searches what a page shows.
fn search_of(view: &UiState) -> Option<Id> {
    match view.page {
        Screen::Conversations if view.conversations.opened.is_some() => Some(find_bar::field_id()),
        Screen::Talk => Some(find_bar::field_id()),
        Screen::Settings => Some(settings_page::search_id()),
        Screen::Conversations => Some(conversations_page::search_id()),
        Screen::Key | Screen::Check | Screen::Details | Screen::Welcome => None,
    }
}

#[derive(Clone, Copy)]
struct Press {
    key: Key,
    pressed: bool,
    repeat: bool,
    modifiers: Modifiers,
}

impl Press {
    /// Handles a key; returns whether it has a meaning here.
    fn take(self, snapshot: &Snapshot, view: &mut UiState, typing: bool, busy: bool) -> bool {
        if self.key == Key::Space && !self.modifiers.any() && !typing {
            if !self.repeat {
                view.hold
                    .set(Holder::Space, self.pressed, &mut view.commands);
            }
            return true;
        }
        // A release ends the hold wherever the focus went meanwhile.
        if self.key == Key::Space && !self.pressed {
            view.hold.set(Holder::Space, false, &mut view.commands);
        }
        if !self.pressed || self.repeat {
            return false;
        }
        if self.modifiers.command_only() {
            return self.take_with_ctrl(snapshot, view, typing);
        }
        if self.modifiers.any() {
            return false;
        }
        let own = self.key == Key::F12 || self.key == Key::Escape && !busy;
        let talks = own && self.key == Key::Escape && view.page == Screen::Talk;
        // It leaves the field: the toolkit has taken the focus from it already. A reply is stopped by the same press.
        let replies = matches!(
            snapshot.activity,
            Activity::Thinking | Activity::Answering | Activity::Repeating
        );
        if talks && view.begins.take().is_some() {
            return true;
        }
        if talks && view.find.is_open {
            view.find.close();
            return true;
        }
        if talks && std::mem::take(&mut view.draft.has_focus) {
            view.commands.extend(replies.then_some(Command::StopReply));
            return true;
        }
        if !typing && !busy && view.page == Screen::Talk && self.scrolls(view) {
            return true;
        }
        if self.key == Key::F12 {
            view.panel = (view.panel + 1) % 4;
        } else if own && view.page != Screen::Talk && !(replies && view.page == Screen::Welcome) {
            view.back();
        } else if own {
            view.commands.push(Command::StopReply);
        }
        own
    }

    /// Nothing in the conversation has the focus that could scroll it.
    fn scrolls(self, view: &mut UiState) -> bool {
        const KEYS: [(Key, Scroll); 4] = [
            (Key::PageUp, Scroll::PageUp),
            (Key::PageDown, Scroll::PageDown),
            (Key::Home, Scroll::Start),
            (Key::End, Scroll::End),
        ];
        let found = KEYS.iter().find(|(key, _)| *key == self.key);
        view.scroll = found.map(|(_, scroll)| *scroll).or(view.scroll);
        found.is_some()
    }

    fn take_with_ctrl(self, snapshot: &Snapshot, view: &mut UiState, typing: bool) -> bool {
        const PROFILES: [Key; 5] = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5];
        if self.key == Key::M {
            view.commands.push(Command::SetMuted(!snapshot.muted));
        } else if self.key == Key::L {
            let free = snapshot.repeat.hindrance.is_none();
            view.commands.extend(free.then_some(Command::Repeat));
        } else if self.key == Key::R {
            view.commands.push(Command::ResetStatistics);
        } else if self.key == Key::D && !typing {
            view.toggle(Screen::Details);
        } else if self.key == Key::H {
            view.toggle(Screen::Conversations);
        } else if self.key == Key::Comma {
            view.toggle(Screen::Settings);
        } else if self.key == Key::T {
            view.resizes = true;
        } else if self.key == Key::N {
            view.begin_conversation(snapshot);
        } else if self.key == Key::F && view.page == Screen::Conversations {
            view.conversations.find();
        } else if self.key == Key::F && view.page == Screen::Settings {
            // The field gets the focus.
        } else if self.key == Key::F && view.page == Screen::Talk {
            view.find.open();
        } else if let Some(nth) = PROFILES.iter().position(|key| *key == self.key) {
            let profile = snapshot.profiles.get(nth);
            view.commands
                .extend(profile.map(|profile| Command::UseProfile(profile.name.clone())));
        } else {
            return false;
        }
        true
    }
}
