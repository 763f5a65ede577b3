//! A text of a field that holds so many characters and no more: it counts what a paste had besides.

use std::any::TypeId;
use std::ops::Range;

use eframe::egui::text::{CCursor, CharIndex};
use eframe::egui::{TextBuffer, Ui};

use super::icons::Sign;
use super::theme::tokens;
use super::widgets::signed_row;
use crate::base::text::t;

/// The text, for the time in which its field is drawn. `left_out` is what found no room in the last change.
pub(super) struct LimitedText<'a> {
    pub(super) text: &'a mut String,
    pub(super) left_out: &'a mut usize,
}

impl TextBuffer for LimitedText<'_> {
    fn is_mutable(&self) -> bool {
        true
    }

    fn as_str(&self) -> &str {
        self.text
    }

    fn insert_text(&mut self, text: &str, at: CharIndex) -> usize {
        self.text.insert_text(text, at)
    }

    fn delete_char_range(&mut self, range: Range<CharIndex>) {
        *self.left_out = 0;
        self.text.delete_char_range(range);
    }

    fn insert_text_at(&mut self, cursor: &mut CCursor, text: &str, limit: usize) {
        let before = self.text.chars().count();
        self.text.insert_text_at(cursor, text, limit);
        let taken = self.text.chars().count() - before;
        *self.left_out = text.chars().count().saturating_sub(taken);
    }

    fn type_id(&self) -> TypeId {
        TypeId::of::<LimitedText<'static>>()
    }
}

/// Says how much was left out, if anything was.
pub(super) fn left_out_ui(ui: &mut Ui, left_out: usize, holds: usize) {
    if left_out > 0 {
        let words = t!(
            "characters-left-out",
            left_out = t!("n-characters", n = left_out as u64),
            holds
        );
        signed_row(ui, (Sign::Triangle, tokens(ui).warn), &words);
    }
}
