//! Notes that go by themselves: they lie over the free row below the newest words, so that nothing moves when they come or
//! go. The pointer holds them. What lasts is told above the conversation instead (`banners`).

use std::time::{Duration, Instant};

use eframe::egui::{
    Align, Button, Frame, Id, Label, Layout, Margin, Rect, Sense, Stroke, Ui, UiBuilder, pos2, vec2,
};

use super::icons::{Icon, Sign};
use super::theme::{RADIUS_CARD, Weight, font, is_low, space, text, tokens};
use super::widgets::{focus_ring, icon_button, sign};
use super::{announcements, format};
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::Notice;

/// How long a note stands, and one that warns. Longer ones stand until they can be read, at 16 characters a second.
const INFORMATION_STANDS: Duration = Duration::from_secs(6);
const WARNING_STANDS: Duration = Duration::from_secs(12);
const PER_CHARACTER: Duration = Duration::from_millis(60);

/// At once; older ones have been seen. In low windows one, in one line, until more is asked for.
const MOST: usize = 3;

/// Stands for the id of a note of the window itself; those of the session count from one.
const OWN: u64 = u64::MAX;

/// Whether a notice is one that goes by itself.
pub(super) fn is_toast(notice: &Notice) -> bool {
    notice.severity != Severity::Error && !notice.lasts
}

/// The notes that are shown.
#[derive(Debug, Default)]
pub(super) struct Toasts {
    shown: Vec<Toast>,
    /// The newest that was ever shown.
    newest: u64,
    /// The pointer is over them.
    held: bool,
    /// In a low window: all of them are shown, in full.
    open: bool,
}

#[derive(Debug)]
struct Toast {
    notice: Notice,
    until: Instant,
    left: Duration,
}

impl Toasts {
    /// Takes in what is new, and dismisses what has stood long enough; returns when the next one goes.
    pub(super) fn update(
        &mut self,
        notices: &[Notice],
        now: Instant,
        commands: &mut Vec<Command>,
    ) -> Option<Duration> {
        let held = self.held;
        for toast in self.shown.iter_mut().filter(|_| held) {
            toast.until = now + toast.left;
        }
        self.shown.retain(|toast| {
            let id = toast.notice.id;
            let stands = held || now < toast.until;
            let is_own = id == OWN;
            let is_there = notices.iter().any(|notice| notice.id == id);
            if !stands && is_there {
                commands.push(Command::Dismiss(id));
            }
            stands && (is_there || held || is_own)
        });
        for notice in notices.iter().filter(|notice| is_toast(notice)) {
            if notice.id > self.newest {
                self.newest = notice.id;
                self.show(notice.clone(), now);
            }
        }
        for toast in &mut self.shown {
            toast.left = toast.until.saturating_duration_since(now);
        }
        self.open &= !self.shown.is_empty();
        let next = self.shown.iter().map(|toast| toast.left).min();
        next.filter(|_| !held)
    }

    /// Shows a note of the window itself.
    pub(super) fn tell(&mut self, text: String, now: Instant) {
        let notice = Notice {
            id: OWN,
            severity: Severity::Info,
            text: text.into(),
            remedy: None,
            lasts: false,
        };
        self.show(notice, now);
    }

    fn show(&mut self, notice: Notice, now: Instant) {
        let least = if notice.severity == Severity::Warning {
            WARNING_STANDS
        } else {
            INFORMATION_STANDS
        };
        let characters = notice.text.to_string().chars().count().min(500) as u32;
        let left = least.max(PER_CHARACTER * characters);
        self.shown.push(Toast {
            notice,
            until: now + left,
            left,
        });
    }
}

/// Draws the notes above the bottom of an area, the newest lowest.
pub(super) fn toasts_ui(ui: &mut Ui, area: Rect, toasts: &mut Toasts, commands: &mut Vec<Command>) {
    let mut bottom = area.bottom() - space::XS;
    let mut held = false;
    let is_line = is_low(ui) && !toasts.open;
    let most = if is_line { 1 } else { MOST };
    let first = toasts.shown.len().saturating_sub(most);
    let (mut opens, mut own_goes) = (false, false);
    for toast in toasts.shown.iter().skip(first).rev() {
        let id = Id::unique(("toast", toast.notice.id, is_line));
        let height = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(42.0);
        let rect = Rect::from_min_size(
            pos2(area.left(), bottom - height),
            vec2(area.width(), height),
        );
        let mut line = is_line.then_some((first, &mut opens));
        let (drawn, dismissed) = toast_ui(ui, id, rect, &toast.notice, line.as_mut());
        if (drawn.height() - height).abs() >= 0.5 {
            ui.data_mut(|data| data.insert_temp(id, drawn.height()));
            ui.ctx().request_repaint();
        }
        held |= ui.rect_contains_pointer(drawn);
        if dismissed && toast.notice.id == OWN {
            own_goes = true;
        } else {
            commands.extend(dismissed.then_some(Command::Dismiss(toast.notice.id)));
        }
        bottom -= height + space::XS;
    }
    toasts.open |= opens;
    toasts
        .shown
        .retain(|toast| !own_goes || toast.notice.id != OWN);
    if toasts.held != held {
        toasts.held = held;
        // Its time goes on.
        ui.ctx().request_repaint();
    }
}

/// Draws one; returns its place, and whether it was dismissed. In one `line` there is a button where there is more to read,
/// in it or in others.
fn toast_ui(
    ui: &mut Ui,
    id: Id,
    rect: Rect,
    notice: &Notice,
    line: Option<&mut (usize, &mut bool)>,
) -> (Rect, bool) {
    let t = tokens(ui);
    let (mark, ink) = match notice.severity {
        Severity::Info => (Sign::Info, t.you),
        Severity::Warning => (Sign::Triangle, t.warn),
        Severity::Error => (Sign::Cross, t.bad),
    };
    let drawn = ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ui.interact(rect, id, Sense::CLICK);
        let frame = Frame::new()
            .fill(t.field)
            .stroke(Stroke::new(1.0, t.hairline))
            .shadow(ui.visuals().popup_shadow)
            .corner_radius(RADIUS_CARD)
            .inner_margin(Margin::symmetric(12, if line.is_some() { 1 } else { 6 }));
        let words = format::capitalised(&format::clean(&notice.text.to_string()));
        let framed = frame.show(ui, |ui| {
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                let closes = icon_button(ui, Icon::Close, 26.0, t!("dismiss")).clicked();
                let is_line = line.is_some();
                if let Some((others, opens)) = line {
                    **opens |= more_ui(ui, *others, &words);
                }
                ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
                    ui.spacing_mut().item_spacing.x = space::S;
                    ui.vertical(|ui| {
                        ui.add_space(8.0);
                        sign(ui, mark, 11.0, ink);
                    });
                    ui.vertical(|ui| {
                        ui.spacing_mut().item_spacing.y = 0.0;
                        ui.add_space(4.0);
                        let shown = text(&words, Weight::Regular, 13.0, t.strong);
                        let shown = Label::new(shown);
                        let told = ui.add(if is_line {
                            shown.truncate()
                        } else {
                            shown.wrap()
                        });
                        announcements::announce(ui, &told, &words);
                        ui.add_space(4.0);
                    });
                });
                closes
            })
            .inner
        });
        (framed.response.rect, framed.inner)
    });
    drawn.inner
}

/// The button at the end of a line, where its words do not fit or others wait; whether it was pressed.
fn more_ui(ui: &mut Ui, others: usize, words: &str) -> bool {
    let t = tokens(ui);
    let galley =
        ui.painter()
            .layout_no_wrap(words.to_owned(), font(Weight::Regular, 13.0), t.strong);
    let sign = 11.0 + 2.0 * space::S;
    if others == 0 && galley.size().x + sign <= ui.available_width() {
        return false;
    }
    let words = if others == 0 {
        t!("more").to_owned()
    } else {
        t!("banners-more", more = others)
    };
    let words = text(words, Weight::Medium, 12.0, t.you);
    let button = ui.add(Button::new(words).frame(false));
    focus_ring(ui, &button, 6.0);
    button.clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(id: u64, severity: Severity, lasts: bool) -> Notice {
        Notice {
            id,
            severity,
            text: "Switched.".into(),
            remedy: None,
            lasts,
        }
    }

    #[test]
    fn notes_go_by_themselves_and_what_lasts_is_none() {
        let (mut toasts, start, mut said) = (Toasts::default(), Instant::now(), Vec::new());
        let all = [
            notice(1, Severity::Info, false),
            notice(2, Severity::Warning, false),
            notice(3, Severity::Warning, true),
            notice(4, Severity::Error, false),
        ];
        let at = |seconds| start + Duration::from_secs(seconds);
        let shown = |toasts: &Toasts| -> Vec<u64> {
            toasts.shown.iter().map(|toast| toast.notice.id).collect()
        };
        assert_eq!(
            toasts.update(&all, start, &mut said),
            Some(INFORMATION_STANDS)
        );
        assert_eq!(shown(&toasts), [1, 2]);
        toasts.update(&all, at(5), &mut said);
        assert_eq!((shown(&toasts), said.len()), (vec![1, 2], 0));
        assert_eq!(
            toasts.update(&all, at(6), &mut said),
            Some(Duration::from_secs(6))
        );
        assert!(matches!(said[..], [Command::Dismiss(1)]));
        // What was shown does not come back while the session still has it.
        toasts.update(&all, at(7), &mut said);
        assert_eq!((shown(&toasts), said.len()), (vec![2], 1));
        assert_eq!(
            toasts.update(&all[2..], at(8), &mut said),
            None,
            "it was withdrawn"
        );
        assert!(shown(&toasts).is_empty() && said.len() == 1);
    }

    #[test]
    fn the_pointer_holds_them_and_then_their_time_goes_on() {
        let (mut toasts, start, mut said) = (Toasts::default(), Instant::now(), Vec::new());
        let all = [notice(1, Severity::Info, false)];
        let at = |seconds| start + Duration::from_secs(seconds);
        toasts.update(&all, start, &mut said);
        toasts.update(&all, at(4), &mut said);
        toasts.held = true;
        assert_eq!(toasts.update(&all, at(60), &mut said), None);
        assert_eq!(toasts.shown.len(), 1);
        toasts.held = false;
        assert_eq!(
            toasts.update(&all, at(60), &mut said),
            Some(Duration::from_secs(2))
        );
        toasts.update(&all, at(62), &mut said);
        assert!(toasts.shown.is_empty() && matches!(said[..], [Command::Dismiss(1)]));
    }

    #[test]
    fn a_long_note_stands_until_it_can_be_read() {
        let mut long = notice(1, Severity::Info, false);
        long.text = "long ".repeat(40).into();
        let next = Toasts::default().update(&[long], Instant::now(), &mut Vec::new());
        assert_eq!(next, Some(Duration::from_secs(12)));
    }
}
