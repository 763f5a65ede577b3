//! The banner above the conversation: what stands until something is done about it. One is shown, the most urgent; the others
//! are a press away. What goes by itself is told at the bottom instead (`toasts`).

use std::sync::Arc;

use eframe::egui::text::{LayoutJob, TextFormat, TextWrapping};
use eframe::egui::{
    Align, Button, Color32, Frame, Id, Label, Layout, Margin, ScrollArea, Stroke, TextWrapMode, Ui,
};

use super::icons::{Icon, Sign};
use super::remedy_button::remedy_button;
use super::screen::Screen;
use super::theme::{Tokens, Weight, font, is_low, space, text, tokens};
use super::toasts::is_toast;
use super::ui_state::UiState;
use super::widgets::{answers_ui, focus_ring, icon_button, plain_button, primary_button, sign};
use super::{announcements, format};
use crate::base::plural::sentence;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Link, Notice, Snapshot};

/// Height that banners leave to the captions; in low windows they share the space.
const LEAST_CAPTIONS: f32 = 84.0;

/// Height from which two of them leave enough to the conversation, in points.
const ROOM_FOR_TWO: f32 = 420.0;
/// Height of a banner in one line.
const LINE: f32 = 34.0;

/// What a banner is about, the most urgent first.
#[derive(Clone, Copy, Debug)]
enum Banner<'a> {
    Begin,
    Link,
    Limit,
    Microphone,
    Speaker,
    Notice(&'a Notice),
    Demo,
}

/// The most urgent banner and how many more there are, or all of them; nothing if there is nothing to say.
pub(super) fn banners_ui(ui: &mut Ui, snapshot: &Arc<Snapshot>, view: &mut UiState) {
    // Nothing moves under the pointer while it marks words.
    let marks = view.captions_at.is_some_and(|captions| {
        let pressed = ui.input(|input| {
            let pointer = &input.pointer;
            pointer.press_origin().filter(|_| pointer.primary_down())
        });
        pressed.is_some_and(|at| captions.rect.contains(at))
    });
    if !marks || view.banners_of.is_none() {
        view.banners_of = Some(Arc::clone(snapshot));
    }
    announcements::page_is_shown(ui);
    let Some(snapshot) = &view.banners_of.clone() else {
        return;
    };
    let banners = banners(snapshot, view);
    let more = banners.len().saturating_sub(1);
    if banners.is_empty() {
        view.all_banners = false;
        return;
    }
    // Some lines of the conversation stay in view.
    let room = ui.available_height();
    let most = (room - LEAST_CAPTIONS).max(room / 2.0 - space::S);
    ScrollArea::vertical()
        .id_salt("banners")
        .max_height(most)
        .min_scrolled_height(0.0)
        .auto_shrink([false, true])
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = space::S;
            if is_low(ui) && !view.all_banners {
                line_ui(ui, banners[0], more, snapshot, view);
                return;
            }
            // Who is new sees that this is the demo, whatever else there is to say.
            let has_room = room >= ROOM_FOR_TWO;
            let demo = banners.last().filter(|last| {
                matches!(last, Banner::Demo) && has_room && !view.all_banners && more > 0
            });
            let shown = if view.all_banners { banners.len() } else { 1 };
            for banner in banners.iter().take(shown).chain(demo) {
                banner_ui(ui, *banner, snapshot, view);
            }
            let more = more - usize::from(demo.is_some());
            if more > 0 || is_low(ui) {
                more_ui(ui, more, &mut view.all_banners);
            } else {
                view.all_banners = false;
            }
        });
    ui.add_space(if is_low(ui) { space::XS } else { space::S });
}

/// A banner in one line, with a button at its end where there is more to read.
fn line_ui(ui: &mut Ui, of: Banner<'_>, more: usize, snapshot: &Snapshot, view: &mut UiState) {
    // A row of its own: a layout that is aligned to the middle would else take all the height that there is.
    ui.horizontal(|ui| {
        ui.set_min_height(LINE);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let is_cut = ui.data(|data| data.get_temp(cut()).unwrap_or(false));
            if more > 0 || is_cut {
                more_ui(ui, more, &mut view.all_banners);
            }
            ui.style_mut().wrap_mode = Some(TextWrapMode::Truncate);
            let rest = Layout::left_to_right(Align::Center);
            ui.with_layout(rest, |ui| banner_ui(ui, of, snapshot, view));
        });
    });
}

/// Where it is kept whether the line of a low window ended before its sentence.
fn cut() -> Id {
    Id::unique("the banner is cut")
}

/// How many more there are, or that there is more to read, as a button that shows it.
fn more_ui(ui: &mut Ui, more: usize, all: &mut bool) {
    let words = match (*all, more) {
        (true, 0) => t!("show-less").to_owned(),
        (true, _) => t!("show-one-only").to_owned(),
        (false, 0) => t!("more").to_owned(),
        (false, _) => t!("banners-more", more),
    };
    let words = text(words, Weight::Medium, 12.0, tokens(ui).you);
    let button = ui.add(Button::new(words).frame(false));
    focus_ring(ui, &button, 6.0);
    if button.clicked() {
        *all = !*all;
    }
}

/// What there is to say, the most urgent first, of equal ones the newest.
fn banners<'a>(snapshot: &'a Snapshot, view: &UiState) -> Vec<Banner<'a>> {
    let here = |is_there: bool, banner| is_there.then_some(banner);
    let notices = |severity: Severity| {
        let stands = move |notice: &&Notice| notice.severity == severity && !is_toast(notice);
        snapshot
            .notices
            .iter()
            .rev()
            .filter(stands)
            .map(Banner::Notice)
    };
    // The field of a refused key says so itself.
    let is_down = match snapshot.link {
        Link::Down { key_refused, .. } => !(key_refused && view.page == Screen::Welcome),
        Link::Connecting { .. } | Link::Connected { .. } => false,
    };
    let first = [
        here(view.begins.is_some(), Banner::Begin),
        here(is_down, Banner::Link),
        here(snapshot.spending.reached.is_some(), Banner::Limit),
        here(snapshot.input.trouble.is_some(), Banner::Microphone),
        here(snapshot.output.trouble.is_some(), Banner::Speaker),
    ];
    let is_demo = snapshot.demo && snapshot.key.is_none();
    let demo = here(is_demo && view.page == Screen::Talk, Banner::Demo);
    first
        .into_iter()
        .flatten()
        .chain(notices(Severity::Error))
        .chain(notices(Severity::Warning))
        .chain(demo)
        .collect()
}

fn banner_ui(ui: &mut Ui, of: Banner<'_>, snapshot: &Snapshot, view: &mut UiState) {
    match of {
        Banner::Begin => begin_ui(ui, view),
        Banner::Link => link_ui(ui, snapshot, view),
        Banner::Limit => limit_ui(ui, snapshot, &mut view.commands),
        Banner::Microphone => microphone_ui(ui, snapshot, view),
        Banner::Speaker => speaker_ui(ui, snapshot, view),
        Banner::Notice(notice) => notice_ui(ui, notice, snapshot, view),
        Banner::Demo => demo_ui(ui, view),
    }
}

/// The question before words are gone.
fn begin_ui(ui: &mut Ui, view: &mut UiState) {
    let Some(new) = &mut view.begins else {
        return;
    };
    let head = (
        Sign::Triangle,
        tokens(ui).warn,
        t!("begin-a-new-conversation"),
    );
    let what = t!("this-one-is-not-kept");
    let mut answer = None;
    banner(ui, head, what, 210.0, |ui| {
        answer = answers_ui(ui, [t!("begin"), t!("go-on-with-this")], new);
    });
    if let Some(begins) = answer {
        view.begins = None;
        view.commands
            .extend(begins.then_some(Command::BeginConversation));
    }
}

fn link_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let Link::Down {
        what,
        hint,
        key_refused,
        ..
    } = &snapshot.link
    else {
        return;
    };
    let head = snapshot.no_link().unwrap_or_default();
    let t = tokens(ui);
    let what = format::clean(what);
    let said = format!(
        "{} {}",
        sentence(&what),
        format::capitalised(&format::clean(hint))
    );
    let width = if *key_refused { 240.0 } else { 100.0 };
    banner(ui, (Sign::Cross, t.bad, &head), &said, width, |ui| {
        if plain_button(ui, t!("retry-now")).clicked() {
            view.commands.push(Command::RetryNow);
        }
        if *key_refused && plain_button(ui, t!("enter-another-key")).clicked() {
            view.page = Screen::Key;
        }
    });
}

/// Shown until the user goes on, or the limit changes.
fn limit_ui(ui: &mut Ui, snapshot: &Snapshot, commands: &mut Vec<Command>) {
    let Some(what) = &snapshot.spending.reached else {
        return;
    };
    let head = (Sign::Triangle, tokens(ui).warn, t!("spend-limit-reached"));
    banner(ui, head, what, 100.0, |ui| {
        let does = t!("opens-the-microphone-until-the");
        if primary_button(ui, t!("go-on"))
            .on_hover_text(does)
            .clicked()
        {
            commands.push(Command::SpendMore);
        }
    });
}

fn microphone_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let t = tokens(ui);
    // Where there was none at the start, a notice says so, and that one that comes now is not heard.
    if let Some(what) = &snapshot.input.trouble {
        let words = format::clean(what);
        banner(
            ui,
            (Sign::Cross, t.bad, t!("no-microphone")),
            &words,
            180.0,
            |ui| {
                if plain_button(ui, t!("choose-a-microphone")).clicked() {
                    view.sound_open = true;
                }
            },
        );
    }
}

fn speaker_ui(ui: &mut Ui, snapshot: &Snapshot, view: &mut UiState) {
    let t = tokens(ui);
    if let Some(trouble) = &snapshot.output.trouble {
        let words = t!(
            "answers-are-shown-as-text",
            trouble = format::clean(trouble)
        );
        banner(
            ui,
            (Sign::Cross, t.bad, t!("no-speaker")),
            &words,
            180.0,
            |ui| {
                if plain_button(ui, t!("choose-a-speaker")).clicked() {
                    view.sound_open = true;
                }
            },
        );
    }
}

fn notice_ui(ui: &mut Ui, notice: &Notice, snapshot: &Snapshot, view: &mut UiState) {
    let t = tokens(ui);
    let head = match notice.severity {
        Severity::Info => (Sign::Info, t.you, t!("note")),
        Severity::Warning => (Sign::Triangle, t.warn, t!("warning")),
        Severity::Error => (Sign::Cross, t.bad, t!("error")),
    };
    let width = if notice.remedy.is_some() { 180.0 } else { 32.0 };
    ui.push_id(notice.id, |ui| {
        banner(
            ui,
            head,
            &format::clean(&notice.text.to_string()),
            width,
            |ui| {
                if icon_button(ui, Icon::Close, 28.0, t!("dismiss")).clicked() {
                    view.commands.push(Command::Dismiss(notice.id));
                }
                if let Some(remedy) = &notice.remedy {
                    remedy_button(ui, remedy, snapshot, view);
                }
            },
        );
    });
}

fn demo_ui(ui: &mut Ui, view: &mut UiState) {
    let head = (Sign::Info, tokens(ui).accent, t!("this-is-the-demo"));
    let words = t!("say-something-and-youll-hear");
    banner(ui, head, words, 190.0, |ui| {
        if primary_button(ui, t!("connect-to-gemini")).clicked() {
            view.page = Screen::Key;
        }
    });
}

/// A banner: sign, word, sentence, and buttons of about `width` points, beside it if there is room.
fn banner(
    ui: &mut Ui,
    (mark, ink, head): (Sign, Color32, &str),
    words: &str,
    width: f32,
    buttons: impl FnOnce(&mut Ui),
) {
    let is_line = ui.wrap_mode() == TextWrapMode::Truncate;
    let layout = Layout::top_down(Align::Min);
    let content = |ui: &mut Ui| {
        let room = ui.available_width();
        ui.set_width(room);
        ui.spacing_mut().item_spacing.y = 2.0;
        let is_line = is_line && room >= width + 80.0;
        if !is_line {
            ui.style_mut().wrap_mode = Some(TextWrapMode::Wrap);
        }
        if is_line {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    buttons(ui);
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        sign(ui, mark, 11.0, ink);
                        sentence_ui(ui, head, words);
                    });
                });
            });
        } else if room >= width + 260.0 {
            ui.horizontal(|ui| {
                ui.vertical(|ui| {
                    ui.set_width(room - width - space::S);
                    ui.horizontal(|ui| head_ui(ui, mark, ink, head));
                    words_ui(ui, words);
                });
                ui.with_layout(Layout::right_to_left(Align::Center), buttons);
            });
        } else if room >= width + 150.0 {
            ui.horizontal(|ui| {
                head_ui(ui, mark, ink, head);
                ui.with_layout(Layout::right_to_left(Align::Center), buttons);
            });
            words_ui(ui, words);
        } else {
            ui.horizontal(|ui| head_ui(ui, mark, ink, head));
            words_ui(ui, words);
            ui.add_space(space::XS);
            ui.horizontal_wrapped(buttons);
        }
    };
    frame(tokens(ui), is_line).show(ui, |ui| ui.with_layout(layout, content));
}

/// Head and words in one line that ends where the room does.
fn sentence_ui(ui: &mut Ui, head: &str, words: &str) {
    let t = tokens(ui);
    let mut job = LayoutJob::default();
    let format = |weight, ink| TextFormat::simple(font(weight, 13.0), ink);
    job.append(head, 0.0, format(Weight::SemiBold, t.strong));
    let words = format::capitalised(words);
    job.append(&words, space::S, format(Weight::Regular, t.normal));
    job.wrap = TextWrapping::truncate_at_width(ui.available_width());
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let is_cut = galley.elided;
    if ui.data(|data| data.get_temp(cut())) != Some(is_cut) {
        ui.data_mut(|data| data.insert_temp(cut(), is_cut));
        ui.ctx().request_repaint();
    }
    announced(ui, Label::new(galley));
}

fn head_ui(ui: &mut Ui, mark: Sign, ink: Color32, head: &str) {
    sign(ui, mark, 11.0, ink);
    ui.label(text(head, Weight::SemiBold, 13.0, tokens(ui).strong));
}

fn words_ui(ui: &mut Ui, words: &str) {
    let words = text(
        format::capitalised(words),
        Weight::Regular,
        13.0,
        tokens(ui).normal,
    );
    announced(ui, Label::new(words));
}

/// Words that a screen reader says when it has finished what it is saying.
fn announced(ui: &mut Ui, words: Label) {
    let shown = words.text().to_owned();
    let told = ui.add(words);
    announcements::announce(ui, &told, &shown);
}

fn frame(t: &Tokens, is_low: bool) -> Frame {
    Frame::new()
        .fill(t.card)
        .stroke(Stroke::new(1.0, t.hairline))
        .corner_radius(super::theme::RADIUS_CARD)
        .inner_margin(if is_low {
            Margin::symmetric(10, 2)
        } else {
            Margin::symmetric(16, 10)
        })
}
