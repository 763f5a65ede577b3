//! Announces words to a screen reader once: not again when a page that still has them is opened again.

use std::collections::HashMap;

use eframe::egui::accesskit::Live;
use eframe::egui::{Id, Response, Ui};

/// The words on the page, each with the frame that showed it last, and whether it came while the page was open.
#[derive(Clone, Debug, Default)]
struct Announcements {
    /// The frame that showed the page last.
    shown: u64,
    words: HashMap<String, (u64, bool)>,
}

fn with<R>(ui: &Ui, act: impl FnOnce(&mut Announcements, u64) -> R) -> R {
    let frame = ui.ctx().cumulative_frame_nr();
    ui.data_mut(|data| {
        let shown = data.get_temp_mut_or_default::<Announcements>(Id::unique("announcements"));
        act(shown, frame)
    })
}

/// The page is shown in this frame. To be called before its words are drawn.
pub(super) fn page_is_shown(ui: &Ui) {
    with(ui, |page, frame| {
        let before = std::mem::replace(&mut page.shown, frame);
        if before + 1 >= frame {
            // What went while the page stayed is announced when it comes again.
            page.words.retain(|_, (shown, _)| *shown + 1 >= before);
        }
    });
}

/// Has a screen reader say these words when it has finished what it is saying, unless they were on the page before.
pub(super) fn announce(ui: &Ui, told: &Response, words: &str) {
    let is_new = with(ui, |page, frame| {
        let (shown, is_new) = *page.words.get(words).unwrap_or(&(frame, true));
        let is_new = is_new && shown + 1 >= frame;
        page.words.insert(words.to_owned(), (frame, is_new));
        is_new
    });
    if is_new {
        ui.ctx()
            .accesskit_node_builder(told.id, |node| node.set_live(Live::Polite));
    }
}
