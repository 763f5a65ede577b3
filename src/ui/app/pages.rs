//! The layouts of the window: side by side, in one column, small.

use eframe::egui::{CentralPanel, Frame, Margin, Panel, Rect, ScrollArea, Ui, vec2};

use super::UiApp;
use crate::ui::screen::Screen;
use crate::ui::theme::{self, space, tokens};
use crate::ui::ui_state::{LayoutSize, UiState};
use crate::ui::{
    api_key_page, banners, captions, check_page, conversations_page, details_page, find_bar,
    footer, header, latency_panel, overlay, settings_page, small_window, talk, toasts, typed_field,
    welcome_page, widgets,
};

/// Least height of a window, in points, whose set-up has its buttons pinned below what scrolls.
const LEAST_PINNED: f32 = 300.0;

impl UiApp {
    /// The small window.
    fn small_ui(&mut self, ui: &mut Ui) {
        let (snapshot, voice) = (self.snapshot.clone(), self.voice());
        let frame = Frame::new()
            .fill(tokens(ui).page)
            .inner_margin(Margin::same(8));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                header::who_and_what_ui(ui, LayoutSize::Tight, &snapshot, self.view.now);
                small_window::way_back_ui(ui, &mut self.view);
            });
            Panel::bottom("talk")
                .frame(Frame::new())
                .show_separator_line(false)
                .resizable(false)
                .show(ui, |ui| talk::talk_ui(ui, &snapshot, &mut self.view, voice));
            let whole = ui.available_rect_before_wrap();
            self.conversation_ui(ui, whole, whole.height());
        });
    }

    pub(super) fn window_ui(&mut self, ui: &mut Ui) {
        if self.view.whole.is_some() {
            return self.small_ui(ui);
        }
        let talks = self.view.page == Screen::Talk && self.view.panel < 2;
        let room = LayoutSize::of(ui.available_size(), talks);
        // The ways on of the set-up stay in view where there is room for more than them.
        let is_pinned = self.view.page == Screen::Welcome && ui.available_height() >= LEAST_PINNED;
        if room == LayoutSize::Tight && !is_pinned {
            self.column_ui(ui);
            return;
        }
        let (t, snapshot) = (tokens(ui), self.snapshot.clone());
        // The page itself is the colour that the frame was cleared with: one layer less to draw.
        let bar = |x: i8, y: i8| Frame::new().inner_margin(Margin::symmetric(x, y));
        let is_low = theme::is_low(ui);
        Panel::top("header")
            .frame(if is_low { bar(16, 4) } else { bar(20, 10) })
            .resizable(false)
            .show(ui, |ui| {
                header::header_ui(ui, room, &snapshot, &mut self.view);
            });
        Panel::bottom("footer")
            .frame(if is_low { bar(16, 2) } else { bar(20, 6) })
            .resizable(false)
            .show(ui, |ui| {
                ui.set_min_height(20.0);
                footer::footer_ui(ui, &snapshot, self.view.now);
            });
        if self.view.page == Screen::Talk && self.view.panel > 1 {
            let (width, margin) = if room == LayoutSize::Wide {
                (351.0, 16)
            } else {
                (276.0, 10)
            };
            Panel::right("latency")
                .frame(bar(margin, margin).fill(t.side))
                .resizable(false)
                .exact_size(width)
                .show(ui, |ui| {
                    Panel::bottom("panel_tools")
                        .frame(Frame::new().inner_margin(Margin {
                            top: 10,
                            ..Margin::ZERO
                        }))
                        .resizable(false)
                        .show_separator_line(false)
                        .show(ui, |ui| {
                            latency_panel::tools_ui(ui, &snapshot, &mut self.view);
                        });
                    ScrollArea::vertical()
                        .id_salt("panel")
                        .auto_shrink([false, false])
                        .show(ui, |ui| latency_panel::panel_ui(ui, &snapshot, &self.view));
                });
        }
        let margin = if room == LayoutSize::Wide { 24 } else { 16 };
        CentralPanel::default()
            .frame(bar(margin, if is_low { 4 } else { 16 }))
            .show(ui, |ui| match self.view.page {
                Screen::Key => api_key_page::page_ui(ui, &snapshot, &self.key_file, &mut self.view),
                Screen::Settings => {
                    settings_page::page_ui(ui, &snapshot, &self.key_file, true, &mut self.view);
                }
                Screen::Check => check_page::page_ui(ui, &snapshot, &mut self.view),
                Screen::Details => {
                    details_page::page_ui(ui, &snapshot, &mut self.view);
                }
                Screen::Conversations => {
                    conversations_page::page_ui(ui, &snapshot, None, &mut self.view);
                }
                Screen::Welcome => self.welcome_ui(ui),
                Screen::Talk => self.talk_page_ui(ui),
            });
    }

    fn welcome_ui(&mut self, ui: &mut Ui) {
        let voice = self.voice();
        welcome_page::page_ui(ui, &self.snapshot, &self.key_file, voice, &mut self.view);
    }

    /// The words of both sides in a height, and what lies over them; `whole` is the area down from its top.
    fn conversation_ui(&mut self, ui: &mut Ui, whole: Rect, height: f32) {
        let snapshot = self.snapshot.clone();
        let area = Rect::from_min_size(ui.cursor().left_top(), vec2(ui.available_width(), height));
        captions::captions_ui(ui, &snapshot, &mut self.view, height);
        captions::latest_ui(ui, &snapshot, &mut self.view);
        let column = Rect::from_x_y_ranges(captions::column(area), area.y_range());
        let UiState {
            toasts, commands, ..
        } = &mut self.view;
        toasts::toasts_ui(ui, column, toasts, commands);
        overlay::card_ui(ui, whole, &snapshot, &mut self.view);
        find_bar::find_bar_ui(ui, column, &mut self.view.find);
    }

    /// The conversation in the room that header, footer and panel leave.
    fn talk_page_ui(&mut self, ui: &mut Ui) {
        let snapshot = self.snapshot.clone();
        let voice = self.voice();
        if theme::is_low(ui) {
            ui.spacing_mut().item_spacing.y = 2.0;
        }
        Panel::bottom("talk")
            .frame(Frame::new())
            .show_separator_line(false)
            .resizable(false)
            .show(ui, |ui| {
                captions::column_ui(ui, |ui| {
                    typed_field::writing_ui(ui, &snapshot, false, &mut self.view);
                    talk::talk_ui(ui, &snapshot, &mut self.view, voice);
                });
            });
        let whole = ui.available_rect_before_wrap();
        overlay::row_ui(ui, &snapshot, &mut self.view);
        captions::column_ui(ui, |ui| {
            banners::banners_ui(ui, &snapshot, &mut self.view);
        });
        let height = ui.available_height() - ui.spacing().item_spacing.y;
        self.conversation_ui(ui, whole, height);
    }

    /// The layout of low or narrow windows: one scrolling column.
    fn column_ui(&mut self, ui: &mut Ui) {
        let (t, snapshot) = (tokens(ui), self.snapshot.clone());
        let frame = Frame::new().fill(t.page).inner_margin(Margin::same(12));
        CentralPanel::default().frame(frame).show(ui, |ui| {
            let height = ui.available_height();
            let step = self.view.welcome.as_ref().map(|welcome| welcome.step);
            ScrollArea::vertical()
                // Each page has its own scroll position, starting at the top.
                .id_salt(("column", self.view.page, step))
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = space::M;
                    header::header_ui(ui, LayoutSize::Tight, &snapshot, &mut self.view);
                    match self.view.page {
                        Screen::Key => {
                            api_key_page::page_ui(ui, &snapshot, &self.key_file, &mut self.view)
                        }
                        Screen::Settings => {
                            let (key, view) = (&self.key_file, &mut self.view);
                            settings_page::page_ui(ui, &snapshot, key, false, view);
                        }
                        Screen::Check => {
                            check_page::page_ui(ui, &snapshot, &mut self.view);
                        }
                        Screen::Details => details_page::content_ui(ui, &snapshot, &mut self.view),
                        Screen::Conversations => {
                            let room = Some((height * 0.6).max(120.0));
                            conversations_page::page_ui(ui, &snapshot, room, &mut self.view);
                        }
                        Screen::Welcome => self.welcome_ui(ui),
                        Screen::Talk => {
                            overlay::row_ui(ui, &snapshot, &mut self.view);
                            banners::banners_ui(ui, &snapshot, &mut self.view);
                            let height = (height * 0.5).max(96.0);
                            let whole = ui.available_rect_before_wrap();
                            let whole = Rect::from_min_size(whole.min, vec2(whole.width(), height));
                            self.conversation_ui(ui, whole, height);
                            typed_field::writing_ui(ui, &snapshot, true, &mut self.view);
                            let voice = self.voice();
                            talk::talk_ui(ui, &snapshot, &mut self.view, voice);
                            if self.view.panel > 1 {
                                latency_panel::panel_ui(ui, &snapshot, &self.view);
                                latency_panel::tools_ui(ui, &snapshot, &mut self.view);
                            }
                        }
                    }
                    footer::footer_ui(ui, &snapshot, self.view.now);
                    widgets::follow_focus(ui);
                });
        });
    }
}
