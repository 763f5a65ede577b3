//! One caption: who speaks and when, the words, and what can be done with them.

use std::time::Duration;

use eframe::egui::{Align, Button, Layout, Response, Ui};

use super::find::Search;
use super::format;
use super::icon_buttons::quiet_icon_button;
use super::icons::{Icon, Sign};
use super::styled_text::{Look, TextSize};
use super::theme::{RADIUS_FIELD, Weight, space, text, tokens};
use super::transcript::Entry;
use super::verdict::{self, ReplyVerdict};
use super::widgets::{focus_ring, plain_button, sign};
use crate::base::text::t;
use crate::conversation::snapshot::{Caption, CaptionEnd, Speaker};
use crate::turn::timeline::Latencies;

/// Answers are what is read; the user knows the own words.
const ANSWER: TextSize = TextSize {
    size: 17.0,
    line: 26.0,
};
const QUESTION: TextSize = TextSize {
    size: 15.0,
    line: 23.0,
};

/// Actions on the words of a caption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// The words alone.
    Copy,
    /// With the name of who says them.
    CopyNamed,
    /// Both sides, with their names.
    CopyAll,
    Correct,
}

/// How the user's words can be put into the field again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Correction {
    /// They cannot: this is another conversation.
    None,
    Menu,
    /// And by a button beside them.
    Button,
}

/// What surrounds a caption.
#[derive(Clone, Copy, Debug)]
pub(super) struct CaptionPlace<'a> {
    /// Which one it is, and what is looked for.
    pub(super) nth: usize,
    pub(super) find: &'a Search,
    /// What is said behind its words, if nothing became of them.
    pub(super) ending: Option<&'a str>,
    pub(super) correction: Correction,
}

/// Draws a caption, with what became of it behind its words. Returns the user's action.
pub(super) fn caption_ui(ui: &mut Ui, entry: &mut Entry, place: CaptionPlace<'_>) -> Option<Wish> {
    let t = tokens(ui);
    let caption = entry.caption.clone();
    let under_pointer = entry.is_under_pointer(ui);
    let mut wish = None;
    if !caption.continued {
        wish = head_ui(ui, entry, place.correction, under_pointer);
    }
    let assistant = caption.speaker == Speaker::Assistant;
    let ink = match () {
        () if caption.open && !caption.typed => t.muted,
        () if assistant => t.strong,
        () => t.normal,
    };
    let look = Look {
        text: if assistant { ANSWER } else { QUESTION },
        ink,
        ending: fate(&caption).or(place.ending),
        found: &[],
        current: None,
        goes: false,
    };
    entry.words_ui(ui, (place.nth, place.find), &look, |words| {
        words.context_menu(|ui| {
            let users = caption.speaker == Speaker::User && place.correction != Correction::None;
            let entries = [
                (t!("copy"), Wish::Copy, true),
                (t!("copy-the-whole-conversation"), Wish::CopyAll, true),
                (t!("change-what-i-said-and-send"), Wish::Correct, users),
            ];
            for (words, wanted, is_there) in entries {
                if is_there && plain_button(ui, words).clicked() {
                    wish = Some(wanted);
                    ui.close();
                }
            }
        });
    });
    wish
}

/// What became of a caption, said behind its words.
fn fate(caption: &Caption) -> Option<&'static str> {
    if caption.unwritten && caption.end == CaptionEnd::Stopped {
        Some(t!("spoken-not-written-down-stopped"))
    } else if caption.unwritten {
        Some(t!("spoken-not-written-down"))
    } else if caption.end == CaptionEnd::Stopped {
        Some(t!("stopped-by-you"))
    } else if caption.end == CaptionEnd::CutOff {
        Some(t!("cut-off-asked-for-again"))
    } else if caption.unsent {
        Some(t!("not-sent"))
    } else if caption.unspoken {
        Some(t!("not-spoken"))
    } else {
        None
    }
}

/// Speaker, time and reply time, of which the last two are shown when the pointer is there or they matter.
fn head_ui(
    ui: &mut Ui,
    entry: &Entry,
    correction: Correction,
    under_pointer: bool,
) -> Option<Wish> {
    let (t, caption) = (tokens(ui), &entry.caption);
    let (ink, whose) = match caption.speaker {
        Speaker::User => (t.you, t!("what-you-said").to_owned()),
        Speaker::Assistant => (t.accent, t!("what-assistant-said", name = caption.name)),
    };
    let mut wish = None;
    ui.horizontal(|ui| {
        ui.set_min_height(22.0);
        ui.spacing_mut().item_spacing.x = 10.0;
        ui.label(text(caption.name, Weight::SemiBold, 13.0, ink));
        if caption.open || entry.is_timed || under_pointer {
            let time = if caption.open {
                t!("now")
            } else {
                &caption.time
            };
            ui.label(text(time, Weight::Regular, 12.0, t.muted));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // First, as the next one is not seen without the pointer.
            if correction == Correction::Button && correct_button(ui).clicked() {
                wish = Some(Wish::Correct);
            }
            let name = t!("copy-whose", whose);
            if quiet_icon_button(ui, Icon::Copy, 22.0, under_pointer, &name).clicked() {
                wish = Some(Wish::CopyNamed);
            }
            if let Some(latencies) = &caption.latencies {
                response_ui(ui, latencies, caption.target, under_pointer);
            }
        });
    });
    wish
}

fn correct_button(ui: &mut Ui) -> Response {
    let words = text(
        t!("change-what-i-said"),
        Weight::Regular,
        12.0,
        tokens(ui).you,
    );
    let response = ui.add(Button::new(words).frame(false));
    focus_ring(ui, &response, f32::from(RADIUS_FIELD));
    response.on_hover_text(t!("puts-these-words-into-the"))
}

/// The turn's reply time; with a triangle where this computer made it slow, which stays in sight. Laid out from the right.
fn response_ui(ui: &mut Ui, latencies: &Latencies, target: Option<Duration>, under_pointer: bool) {
    let t = tokens(ui);
    let Some(response) = latencies.response else {
        return;
    };
    let slow_here = target.and_then(|target| verdict::slowed_here(latencies, target));
    if !under_pointer && slow_here.is_none() {
        return;
    }
    ui.spacing_mut().item_spacing.x = space::XS;
    let figure = |ui: &mut Ui| {
        let ms = format!("{} ms", format::millis(response));
        ui.label(text(ms, Weight::Medium, 12.0, t.muted))
    };
    let shown = match slow_here {
        None => figure(ui),
        Some(ours) => {
            let words = ReplyVerdict::ThisComputer(ours).words("");
            let whose = ui.label(text(words, Weight::Medium, 12.0, t.muted));
            sign(ui, Sign::Triangle, 10.0, t.warn);
            ui.add_space(3.0);
            figure(ui) | whose
        }
    };
    let target = target.map_or_else(String::new, |target| {
        t!("target-ms", target = format::millis(target))
    });
    shown.on_hover_text(t!(
        "from-the-end-of-your",
        sum = format::sum_of_parts(latencies),
        total = format::whole_wait(latencies),
        target
    ));
}
