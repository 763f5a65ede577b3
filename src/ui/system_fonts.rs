//! Fonts of the system for the characters that those of the window lack, and the hint where there is none for a script.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use eframe::egui::epaint::text::{FallbackRequest, FontInsert, FontProvider};
use egui_system_font_provider::SystemFontProvider;

use crate::base::text::t;
use crate::base::thread::quietly;
use crate::conversation::snapshot::Caption;

/// The system's fonts. The library panics where there is none at all: then the window does with its own.
pub struct SystemFonts {
    provider: Box<dyn FontProvider>,
    has_none: AtomicBool,
    /// A bit for each of [`SCRIPTS`] that a letter was missing of.
    missing: AtomicU32,
}

impl Default for SystemFonts {
    fn default() -> Self {
        Self::of(SystemFontProvider::default())
    }
}

impl SystemFonts {
    /// Fonts from elsewhere: for tests.
    pub fn of(provider: impl FontProvider + 'static) -> Self {
        Self {
            provider: Box::new(provider),
            has_none: AtomicBool::default(),
            missing: AtomicU32::default(),
        }
    }

    fn find(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        if self.has_none.load(Ordering::Relaxed) {
            return None;
        }
        let found = quietly(|| self.provider.font_for(request));
        self.has_none.store(found.is_none(), Ordering::Relaxed);
        found.flatten()
    }
}

impl FontProvider for SystemFonts {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let found = self.find(request);
        let first = request.cluster.chars().next();
        if found.is_none()
            && let Some(script) = first.and_then(script_of)
        {
            self.missing.fetch_or(1 << script, Ordering::Relaxed);
        }
        found
    }
}

/// The hint that a font is missing for words of the conversation, once.
#[derive(Default)]
pub(super) struct FontHint {
    pub(super) fonts: Option<Arc<SystemFonts>>,
    /// What was looked at: where the captions were, and what was missing then.
    looked_at: (usize, u32),
    told: bool,
}

impl FontHint {
    /// What to tell now. Other words than those of the conversation, such as names of languages, need no hint.
    pub(super) fn look(&mut self, captions: &Arc<[Arc<Caption>]>) -> Option<String> {
        let fonts = self.fonts.as_ref().filter(|_| !self.told)?;
        let missing = fonts.missing.load(Ordering::Relaxed);
        let now = (captions.as_ptr().addr(), missing);
        if missing == 0 || std::mem::replace(&mut self.looked_at, now) == now {
            return None;
        }
        let letters = captions.iter().flat_map(|caption| caption.text.chars());
        let mut scripts = letters.filter_map(script_of);
        let script = scripts.find(|script| missing & (1 << script) != 0)?;
        self.told = true;
        let (name, font, package) = (SCRIPTS[script].about)();
        Some(t!("this-text-needs-a-font", name, font, package))
    }
}

/// Letters that the window's own fonts lack.
struct Script {
    letters: &'static [RangeInclusive<u32>],
    /// What it is called, a font for it, and the package of that on Debian and Ubuntu.
    about: fn() -> (&'static str, &'static str, &'static str),
}

const CJK: (&str, &str) = ("Noto Sans CJK", "fonts-noto-cjk");
const CORE: (&str, &str) = ("Noto Sans", "fonts-noto-core");
const EMOJI: (&str, &str) = ("Noto Color Emoji", "fonts-noto-color-emoji");

/// Blocks of Unicode by script; a sentence in Japanese has a letter of its own soon.
const SCRIPTS: [Script; 12] = [
    Script {
        letters: &[0x3040..=0x30FF, 0x31F0..=0x31FF],
        about: || (t!("script-japanese"), CJK.0, CJK.1),
    },
    Script {
        letters: &[0x1100..=0x11FF, 0x3130..=0x318F, 0xAC00..=0xD7FF],
        about: || (t!("script-korean"), CJK.0, CJK.1),
    },
    Script {
        letters: &[0x3400..=0x4DBF, 0x4E00..=0x9FFF, 0x20000..=0x323AF],
        about: || (t!("script-chinese"), CJK.0, CJK.1),
    },
    Script {
        letters: &[
            0x0600..=0x06FF,
            0x0750..=0x077F,
            0x08A0..=0x08FF,
            0xFB50..=0xFDFF,
        ],
        about: || (t!("script-arabic"), CORE.0, CORE.1),
    },
    Script {
        letters: &[0x0590..=0x05FF],
        about: || (t!("script-hebrew"), CORE.0, CORE.1),
    },
    Script {
        letters: &[0x0900..=0x097F],
        about: || (t!("script-devanagari"), CORE.0, CORE.1),
    },
    Script {
        letters: &[0x0980..=0x09FF],
        about: || (t!("script-bengali"), CORE.0, CORE.1),
    },
    Script {
        letters: &[0x0B80..=0x0BFF],
        about: || (t!("script-tamil"), CORE.0, CORE.1),
    },
    Script {
        letters: &[0x0E00..=0x0E7F],
        about: || (t!("script-thai"), CORE.0, CORE.1),
    },
    Script {
        letters: &[0x10A0..=0x10FF],
        about: || (t!("script-georgian"), CORE.0, CORE.1),
    },
    Script {
        letters: &[0x0530..=0x058F],
        about: || (t!("script-armenian"), CORE.0, CORE.1),
    },
    Script {
        letters: &[0x1F300..=0x1FAFF],
        about: || (t!("script-emoji"), EMOJI.0, EMOJI.1),
    },
];

/// Which of [`SCRIPTS`] a letter is of.
fn script_of(letter: char) -> Option<usize> {
    let letter = u32::from(letter);
    SCRIPTS.iter().position(|script| {
        let mut letters = script.letters.iter();
        letters.any(|range| range.contains(&letter))
    })
}
