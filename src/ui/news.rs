//! What a screen reader is told once: words that stand on a page are no news when the page is shown again.

use std::collections::HashMap;

use eframe::egui::accesskit::Live;
use eframe::egui::{Id, Response, Ui};

/// The words on the page, each with the frame that showed it last, and whether it came while the page was shown.
#[derive(Clone, Debug, Default)]
struct News {
    page_shown: u64,
    words: HashMap<String, (u64, bool)>,
}

fn with<R>(ui: &Ui, act: impl FnOnce(&mut News, u64) -> R) -> R {
    let frame = ui.ctx().cumulative_frame_nr();
    ui.data_mut(|data| {
        let news = data.get_temp_mut_or_default::<News>(Id::unique("news"));
        act(news, frame)
    })
}

/// The page is shown in this frame. To be called before its words are drawn.
pub(super) fn page_is_shown(ui: &Ui) {
    with(ui, |news, frame| {
        let before = std::mem::replace(&mut news.page_shown, frame);
        if before + 1 >= frame {
            // What went while the page stayed is news when it comes again.
            news.words.retain(|_, (shown, _)| *shown + 1 >= before);
        }
    });
}

/// Has a screen reader say these words when it has finished what it is saying, unless they were on the page before.
pub(super) fn announce(ui: &Ui, told: &Response, words: &str) {
    let is_news = with(ui, |news, frame| {
        let (shown, is_news) = *news.words.get(words).unwrap_or(&(frame, true));
        let is_news = is_news && shown + 1 >= frame;
        news.words.insert(words.to_owned(), (frame, is_news));
        is_news
    });
    if is_news {
        ui.ctx()
            .accesskit_node_builder(told.id, |node| node.set_live(Live::Polite));
    }
}
