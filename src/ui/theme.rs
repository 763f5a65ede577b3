//! The theme: colours, fonts and spaces. The only file with literal colours.

use std::sync::Arc;

use eframe::egui::{
    self, Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, RichText,
    Stroke, TextStyle, Theme, ThemePreference,
};

use crate::base::printable::visible;
use crate::settings::config;

/// Steps of space in points.
pub(super) mod space {
    pub(crate) const XS: f32 = 4.0;
    pub(crate) const S: f32 = 8.0;
    pub(crate) const M: f32 = 12.0;
    pub(crate) const L: f32 = 16.0;
}

/// Width of a tooltip where there is room, in points.
pub(super) const WIDEST_TOOLTIP: f32 = 320.0;

/// In windows that are lower than this, in points, what surrounds the conversation is small.
const LOW_WINDOW: f32 = 540.0;

pub(super) fn is_low(ui: &egui::Ui) -> bool {
    ui.ctx().content_rect().height() < LOW_WINDOW
}

/// Radius of fields and buttons; of cards.
pub(super) const RADIUS_FIELD: u8 = 6;
pub(super) const RADIUS_CARD: u8 = 12;

/// Width of lines around layers and buttons, in points.
const HAIRLINE: f32 = 1.0;

/// The colours of one theme. Three layers, three greys of text, one accent; the rest is for state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Behind everything.
    pub page: Color32,
    /// Behind the latency panel.
    pub side: Color32,
    /// A group of things.
    pub card: Color32,
    /// Something to press or to fill in.
    pub field: Color32,
    /// Something to press under the pointer.
    pub hover: Color32,
    /// Thin lines around layers.
    pub hairline: Color32,
    /// Text to be read first.
    pub strong: Color32,
    /// Ordinary text.
    pub normal: Color32,
    /// What can be read.
    pub muted: Color32,
    /// Selection, the assistant, the one primary button.
    pub accent: Color32,
    /// A tint of the accent, behind the talk button and badges.
    pub accent_tint: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// The user's side.
    pub you: Color32,
    /// Good, with a dot.
    pub ok: Color32,
    /// Not as it should be, with a triangle.
    pub warn: Color32,
    /// Bad, with a cross.
    pub bad: Color32,
}

/// Colours on dark.
pub(super) const DARK: Tokens = Tokens {
    page: rgb(0x10_13_18),
    side: rgb(0x12_16_1C),
    card: rgb(0x17_1B_22),
    field: rgb(0x1F_25_2E),
    hover: rgb(0x2A_31_3C),
    hairline: rgb(0x2A_31_3C),
    strong: rgb(0xF1_F3_F6),
    normal: rgb(0xB4_BC_C8),
    muted: rgb(0x8C_96_A5),
    accent: rgb(0xE5_B4_54),
    accent_tint: rgb(0x34_2B_1A),
    on_accent: rgb(0x1C_15_05),
    you: rgb(0x7F_B2_FF),
    ok: rgb(0x2F_B5_8F),
    warn: rgb(0xE6_9F_00),
    bad: rgb(0xEF_6F_4A),
};

/// Colours on light.
const LIGHT: Tokens = Tokens {
    page: rgb(0xF4_F5_F7),
    side: rgb(0xF8_F9_FB),
    card: rgb(0xFF_FF_FF),
    field: rgb(0xEC_EF_F3),
    hover: rgb(0xD9_DE_E5),
    hairline: rgb(0xD9_DE_E5),
    strong: rgb(0x16_1A_20),
    normal: rgb(0x43_4C_59),
    muted: rgb(0x5F_69_78),
    accent: rgb(0x8A_5E_00),
    accent_tint: rgb(0xF6_E9_CD),
    on_accent: rgb(0xFF_FF_FF),
    you: rgb(0x1B_5F_C1),
    ok: rgb(0x00_70_56),
    warn: rgb(0x8A_5C_00),
    bad: rgb(0xB0_36_12),
};

const fn rgb(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}

/// High contrast: text of every kind at 7:1 and more on every layer (WCAG 2.2, 1.4.6).
const HIGH_DARK: Tokens = Tokens {
    page: rgb(0x00_00_00),
    side: rgb(0x00_00_00),
    card: rgb(0x00_00_00),
    field: rgb(0x14_14_14),
    hover: rgb(0x33_33_33),
    hairline: rgb(0xC8_C8_C8),
    strong: rgb(0xFF_FF_FF),
    normal: rgb(0xFF_FF_FF),
    muted: rgb(0xE2_E2_E2),
    accent: rgb(0xFF_D5_4F),
    accent_tint: rgb(0x2A_22_00),
    on_accent: rgb(0x00_00_00),
    you: rgb(0x9C_C8_FF),
    ok: rgb(0x5C_F0_C4),
    warn: rgb(0xFF_C1_3D),
    bad: rgb(0xFF_A5_8C),
};

const HIGH_LIGHT: Tokens = Tokens {
    page: rgb(0xFF_FF_FF),
    side: rgb(0xFF_FF_FF),
    card: rgb(0xFF_FF_FF),
    field: rgb(0xF0_F0_F0),
    hover: rgb(0xD4_D4_D4),
    hairline: rgb(0x3A_3A_3A),
    strong: rgb(0x00_00_00),
    normal: rgb(0x00_00_00),
    muted: rgb(0x2B_2B_2B),
    accent: rgb(0x5C_3D_00),
    accent_tint: rgb(0xFF_F2_D0),
    on_accent: rgb(0xFF_FF_FF),
    you: rgb(0x00_36_8C),
    ok: rgb(0x00_48_37),
    warn: rgb(0x5C_3B_00),
    bad: rgb(0x82_1E_00),
};

/// The colours of a theme.
const fn tokens_of(theme: Theme, high_contrast: bool) -> &'static Tokens {
    match (theme, high_contrast) {
        (Theme::Dark, false) => &DARK,
        (Theme::Light, false) => &LIGHT,
        (Theme::Dark, true) => &HIGH_DARK,
        (Theme::Light, true) => &HIGH_LIGHT,
    }
}

/// The preference of the settings, as the toolkit has it.
pub(super) const fn preference(theme: config::Theme) -> ThemePreference {
    match theme {
        config::Theme::System => ThemePreference::System,
        config::Theme::Dark => ThemePreference::Dark,
        config::Theme::Light => ThemePreference::Light,
    }
}

/// And back.
pub(super) const fn chosen(preference: ThemePreference) -> config::Theme {
    match preference {
        ThemePreference::System => config::Theme::System,
        ThemePreference::Dark => config::Theme::Dark,
        ThemePreference::Light => config::Theme::Light,
    }
}

/// The colours of the theme of `ui`.
pub(super) fn tokens(ui: &egui::Ui) -> &'static Tokens {
    let visuals = ui.visuals();
    let theme = if visuals.dark_mode {
        Theme::Dark
    } else {
        Theme::Light
    };
    tokens_of(theme, visuals.window_stroke.width > HAIRLINE)
}

/// The three weights of the face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Medium,
    SemiBold,
}

impl Weight {
    const ALL: [Self; 3] = [Self::Regular, Self::Medium, Self::SemiBold];

    const fn name(self) -> &'static str {
        match self {
            Self::Regular => "Inter Regular",
            Self::Medium => "Inter Medium",
            Self::SemiBold => "Inter SemiBold",
        }
    }

    fn data(self) -> FontData {
        FontData::from_static(match self {
            Self::Regular => include_bytes!("../../assets/fonts/Inter-Regular.otf"),
            Self::Medium => include_bytes!("../../assets/fonts/Inter-Medium.otf"),
            Self::SemiBold => include_bytes!("../../assets/fonts/Inter-SemiBold.otf"),
        })
    }

    fn family(self) -> FontFamily {
        match self {
            Self::Regular => FontFamily::Proportional,
            Self::Medium | Self::SemiBold => FontFamily::Name(self.name().into()),
        }
    }
}

/// The face in a weight and size.
pub(super) fn font(weight: Weight, size: f32) -> FontId {
    FontId::new(size, weight.family())
}

/// Text of a weight, size and colour.
pub(super) fn text(words: impl AsRef<str>, weight: Weight, size: f32, color: Color32) -> RichText {
    RichText::new(visible(words.as_ref()))
        .font(font(weight, size))
        .color(color)
}

/// A small heading: muted capitals, spaced.
pub(super) fn caps(words: &str, tokens: &Tokens) -> RichText {
    text(words.to_uppercase(), Weight::Medium, 11.0, tokens.muted).extra_letter_spacing(0.8)
}

/// Installs the font and both themes. The system decides which theme is shown.
pub(super) fn install(ctx: &egui::Context, high_contrast: bool) {
    ctx.set_fonts(fonts());
    for theme in [Theme::Dark, Theme::Light] {
        ctx.set_style_of(theme, Arc::new(style(theme, high_contrast)));
    }
}

/// The face of fixed width.
const FIXED: &str = "Hack";

/// Inter alone; what it lacks comes from the system.
fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    for weight in Weight::ALL {
        let name = weight.name().to_owned();
        fonts.families.insert(weight.family(), vec![name.clone()]);
        fonts.font_data.insert(name, Arc::new(weight.data()));
    }
    // For code in answers: the fixed face that comes with the toolkit.
    let mut fixed = vec![Weight::Regular.name().to_owned()];
    if let Some(data) = FontDefinitions::default().font_data.remove(FIXED) {
        fonts.font_data.insert(FIXED.to_owned(), data);
        fixed.insert(0, FIXED.to_owned());
    }
    fonts.families.insert(FontFamily::Monospace, fixed);
    fonts
}

fn style(theme: Theme, high_contrast: bool) -> egui::Style {
    let t = tokens_of(theme, high_contrast);
    let mut style = egui::Style {
        visuals: visuals(theme, t, if high_contrast { 1.5 } else { HAIRLINE }),
        // No animation: it costs frames, and makes some people feel sick.
        animation_time: 0.0,
        ..Default::default()
    };
    style.scroll_animation = egui::style::ScrollAnimation::none();
    style.text_styles = [
        (TextStyle::Heading, font(Weight::SemiBold, 20.0)),
        (TextStyle::Body, font(Weight::Regular, 14.0)),
        (TextStyle::Button, font(Weight::Medium, 13.0)),
        (TextStyle::Small, font(Weight::Regular, 12.0)),
        (TextStyle::Monospace, font(Weight::Regular, 13.0)),
    ]
    .into();
    style.spacing.item_spacing = egui::vec2(space::S, space::S);
    style.spacing.button_padding = egui::vec2(space::M, 6.0);
    style.spacing.interact_size = egui::vec2(28.0, 20.0);
    style.spacing.menu_margin = Margin::same(16);
    style.spacing.window_margin = Margin::same(16);
    style.spacing.tooltip_width = WIDEST_TOOLTIP;
    style.spacing.scroll = egui::style::ScrollStyle {
        // Bars have room of their own, so that they lie over nothing that is read or pressed; thin ones are always seen
        // where there is more than fits.
        bar_width: 8.0,
        floating_width: 4.0,
        floating_allocated_width: 10.0,
        dormant_handle_opacity: 0.5,
        ..egui::style::ScrollStyle::floating()
    };
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.3;
    style
}

/// `line`: the width of lines around layers and buttons, in points; wider than [`HAIRLINE`] with high contrast.
fn visuals(theme: Theme, t: &Tokens, line: f32) -> egui::Visuals {
    let mut v = theme.default_visuals();
    v.panel_fill = t.page;
    v.window_fill = t.card;
    v.window_stroke = Stroke::new(line, t.hairline);
    v.window_corner_radius = CornerRadius::same(RADIUS_CARD);
    v.menu_corner_radius = CornerRadius::same(RADIUS_CARD);
    v.extreme_bg_color = t.field;
    v.text_edit_bg_color = Some(t.field);
    v.faint_bg_color = t.field;
    v.weak_text_color = Some(t.muted);
    v.hyperlink_color = t.you;
    v.warn_fg_color = t.warn;
    v.error_fg_color = t.bad;
    v.selection.bg_fill = t.you.gamma_multiply(0.35);
    v.selection.stroke = Stroke::new(1.0, t.strong);
    v.text_cursor.blink = false;
    v.handle_shape = egui::style::HandleShape::Circle;
    v.slider_trailing_fill = true;
    let radius = CornerRadius::same(RADIUS_FIELD);
    let w = &mut v.widgets;
    for (widget, fill, edge, ink) in [
        (&mut w.noninteractive, t.card, t.hairline, t.normal),
        (&mut w.inactive, t.field, t.hairline, t.strong),
        (&mut w.hovered, t.hover, t.muted, t.strong),
        (&mut w.active, t.hover, t.accent, t.strong),
        (&mut w.open, t.hover, t.hairline, t.strong),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(line, edge);
        widget.fg_stroke = Stroke::new(1.0, ink);
        widget.corner_radius = radius;
        widget.expansion = 0.0;
    }
    // What has the focus of the keyboard is drawn as active: its ring must be seen.
    w.active.bg_stroke.width = 2.0 * line;
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far two colours are apart, 1 to 21 (WCAG 2.2, "contrast ratio").
    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Relative luminance of an opaque sRGB colour (WCAG 2.2).
    fn luminance(color: Color32) -> f32 {
        let linear = |byte: u8| {
            let value = f32::from(byte) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
    }

    #[test]
    fn every_text_can_be_read_on_every_layer_it_is_put_on() {
        for (name, t, least) in [
            ("dark", &DARK, 4.5),
            ("light", &LIGHT, 4.5),
            ("high contrast, dark", &HIGH_DARK, 7.0),
            ("high contrast, light", &HIGH_LIGHT, 7.0),
        ] {
            let inks = [
                t.strong, t.normal, t.muted, t.accent, t.you, t.ok, t.warn, t.bad,
            ];
            let mut pairs: Vec<_> = [t.page, t.side, t.card, t.field]
                .into_iter()
                .flat_map(|layer| inks.map(|ink| (ink, layer)))
                .collect();
            pairs.extend([
                (t.on_accent, t.accent),
                (t.on_accent, t.bad),
                (t.accent, t.accent_tint),
                (t.strong, t.hover),
            ]);
            for (ink, layer) in pairs {
                let got = contrast(ink, layer);
                assert!(got >= least, "{name}: {ink:?} on {layer:?} is {got:.2}");
            }
        }
    }

    #[test]
    fn contrast_is_that_of_the_recommendation() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 0.01);
        assert!((contrast(rgb(0x77_77_77), Color32::WHITE) - 4.48).abs() < 0.01);
    }
}
