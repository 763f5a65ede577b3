//! The texts of the window in its language, from `locales/*.ftl` (Project Fluent).
//!
//! `t!` takes the id of a text, and gives a `&'static str` or, with arguments, a `String`. Until [`set`] names another
//! language it is English; only the window does, so that the terminal stays English. What the window's program writes for others
//! (log, exports, reports) is made [`in_english`], or told in any language ([`LocalizedText`](super::localized_text::LocalizedText)).

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use fluent_bundle::concurrent::FluentBundle;
pub use fluent_bundle::{FluentArgs, FluentValue};
use fluent_bundle::{FluentError, FluentResource};
use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

/// The language of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locale {
    /// The first of the system's languages that there is a catalogue for, else English.
    #[default]
    System,
    English,
    German,
}

impl Locale {
    /// What those who speak it call it; `""` for the system's.
    pub fn own_name(self) -> &'static str {
        super::languages::of(self.word()).map_or("", |language| language.own_name)
    }

    const fn source(self) -> &'static str {
        match self {
            Self::System | Self::English => include_str!("../../locales/en.ftl"),
            Self::German => include_str!("../../locales/de.ftl"),
        }
    }

    fn resolved(self) -> Self {
        let of = |tag: String| {
            let language = super::languages::of(&tag.replace('_', "-"))?.code;
            Self::ALL
                .iter()
                .copied()
                .find(|known| known.word() == language)
        };
        match self {
            Self::System => sys_locale::get_locales()
                .find_map(of)
                .unwrap_or(Self::English),
            Self::English | Self::German => self,
        }
    }
}

/// The text of an id. Arguments are named as in the catalogue: `t!("connecting-in", seconds)`,
/// `t!("key-from", source = key.source)`. `n` is a number, or a text of one, and chooses the plural; all others are shown
/// as they display.
macro_rules! t {
    ($id:literal) => {
        $crate::base::text::plain($id)
    };
    ($id:literal, $($name:ident $(= $value:expr)?),+ $(,)?) => {{
        let mut args = $crate::base::text::FluentArgs::new();
        $(args.set(stringify!($name), $crate::base::text::argument!($name $name $(= $value)?));)+
        $crate::base::text::filled($id, &args)
    }};
}
pub(crate) use t;

/// The name twice: once to tell `n`, and once to speak of the variable of that name.
macro_rules! argument {
    (n $n:ident) => {
        $crate::base::text::FluentValue::from($n)
    };
    (n $n:ident = $value:expr) => {
        $crate::base::text::FluentValue::from($value)
    };
    ($_:ident $name:ident) => {
        $crate::base::text::shown(&$name)
    };
    ($_:ident $name:ident = $value:expr) => {
        $crate::base::text::shown(&$value)
    };
}
pub(crate) use argument;

/// The language in use, as its place in [`Locale::ALL`].
static CHOSEN: AtomicUsize = AtomicUsize::new(Locale::English as usize);

/// Shows everything in this language from now on. What was said before stays as it is, but for what is a
/// [`LocalizedText`](super::localized_text::LocalizedText).
pub fn set(locale: Locale) {
    CHOSEN.store(locale.resolved() as usize, Relaxed);
}

thread_local! {
    /// The language of this thread, while it is another.
    static HERE: Cell<Option<Locale>> = const { Cell::new(None) };
}

/// Runs `say` with English texts: for what is written into files and logs, and for what other programs read.
pub fn in_english<T>(say: impl FnOnce() -> T) -> T {
    within(Locale::English, say)
}

/// Runs `say` with the texts of a language on this thread, whatever is [`set`].
pub fn within<T>(locale: Locale, say: impl FnOnce() -> T) -> T {
    /// A panic leaves the thread as it was too.
    struct Back(Option<Locale>);
    impl Drop for Back {
        fn drop(&mut self) {
            HERE.set(self.0);
        }
    }
    let _back = Back(HERE.replace(Some(locale.resolved())));
    say()
}

/// The language in use; never [`Locale::System`].
pub fn locale() -> Locale {
    let chosen = || Locale::ALL.get(CHOSEN.load(Relaxed)).copied();
    HERE.get().or_else(chosen).unwrap_or(Locale::English)
}

/// The text of an id without arguments; the id itself where no catalogue has it.
pub fn plain(id: &'static str) -> &'static str {
    of(locale(), id)
        .or_else(|| of(Locale::English, id))
        .unwrap_or(id)
}

/// The text of an id that is put together at run time, if the catalogue of the language in use has it.
pub fn plain_if_known(id: &str) -> Option<&'static str> {
    of(locale(), id)
}

fn of(locale: Locale, id: &str) -> Option<&'static str> {
    catalogue(locale).plain.get(id).map(String::as_str)
}

/// The text of an id with its arguments. What it lacks is shown as Fluent shows it: by the name of the argument.
pub fn filled(id: &'static str, args: &FluentArgs<'_>) -> String {
    let of = |locale| catalogue(locale).filled(id, args);
    of(locale())
        .or_else(|| of(Locale::English))
        .unwrap_or_else(|| id.to_owned())
}

/// An argument as it displays.
pub fn shown(value: &(impl Display + ?Sized)) -> FluentValue<'static> {
    value.to_string().into()
}

/// A number with so many places after the point, or what the language has for one.
pub fn decimal(value: impl Into<f64>, places: usize) -> String {
    let digits = format!("{:.places$}", value.into());
    match t!("decimal-separator") {
        "." => digits,
        separator => digits.replace('.', separator),
    }
}

struct Catalogue {
    bundle: FluentBundle<FluentResource>,
    /// Texts without arguments.
    plain: HashMap<String, String>,
}

/// The catalogues of the languages that were used so far.
static READ: [OnceLock<Catalogue>; Locale::ALL.len()] =
    [const { OnceLock::new() }; Locale::ALL.len()];

fn catalogue(locale: Locale) -> &'static Catalogue {
    READ[locale as usize].get_or_init(|| Catalogue::read(locale))
}

impl Catalogue {
    fn read(locale: Locale) -> Self {
        // A fault in a catalogue is found by the tests; what can be read of it is used.
        let source = locale.source().to_owned();
        let resource = FluentResource::try_new(source).unwrap_or_else(|(resource, _)| resource);
        let mut bundle = FluentBundle::new_concurrent(locale.word().parse().into_iter().collect());
        bundle.set_use_isolating(false);
        let mut plain = HashMap::new();
        for entry in resource.entries() {
            if let Entry::Message(message) = entry
                && let Some(text) = message.value.as_ref().and_then(without_arguments)
            {
                plain.insert(message.id.name.to_owned(), text);
            }
        }
        bundle.add_resource_overriding(resource);
        Self { bundle, plain }
    }

    fn filled(&self, id: &str, args: &FluentArgs<'_>) -> Option<String> {
        let pattern = self.bundle.get_message(id)?.value()?;
        let mut faults: Vec<FluentError> = Vec::new();
        Some(
            self.bundle
                .format_pattern(pattern, Some(args), &mut faults)
                .into_owned(),
        )
    }
}

/// The text of a pattern that takes no arguments.
fn without_arguments(pattern: &Pattern<&str>) -> Option<String> {
    let mut text = String::new();
    for element in &pattern.elements {
        text += match element {
            PatternElement::TextElement { value } => value,
            PatternElement::Placeable {
                expression: Expression::Inline(InlineExpression::StringLiteral { value }),
            } => value,
            PatternElement::Placeable { .. } => return None,
        };
    }
    Some(text)
}

#[cfg(test)]
mod tests;
