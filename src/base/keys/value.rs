//! Values of keys, and the fields that hold them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing was chosen, or the word of the row that says so.
    None,
    Whole(u64),
    Number(f64),
    Flag(bool),
    Text(String),
    List(Vec<String>),
}

/// A field with one value.
pub trait Scalar: Sized {
    /// The field; `None` where the value is of another kind.
    fn from_value(value: Value) -> Option<Self>;
    fn to_value(&self) -> Value;
}

/// A struct with a value for each of its rows.
pub trait Keyed: Sized {
    /// The struct, from the values of its rows in order; `None` where one is of another kind, or is missing.
    fn take(values: &mut dyn Iterator<Item = Value>) -> Option<Self>;
    /// Its values, in the order of its rows.
    fn give(&self, to: &mut Vec<Value>);
}

/// Defines the rows of a table, `field: row`, and ties them to the fields of a struct in this order. Fields after the
/// semicolon are structs with rows of their own.
macro_rules! bind {
    ($rows:ident: $settings:ty { $($field:ident: $row:expr),* $(,)? $(; $($inner:ident),*)? }) => {
        pub(super) const $rows: &[Key] = &[$($row),*];

        impl Keyed for $settings {
            fn take(values: &mut dyn Iterator<Item = Value>) -> Option<Self> {
                Some(Self {
                    $($field: Scalar::from_value(values.next()?)?,)*
                    $($($inner: Keyed::take(values)?,)*)?
                })
            }

            fn give(&self, to: &mut Vec<Value>) {
                to.extend([$(self.$field.to_value()),*]);
                $($(self.$inner.give(to);)*)?
            }
        }
    };
}
pub(crate) use bind;

/// Gives the variants of an enum the words that stand for them in files.
macro_rules! words {
    ($choice:ty { $($variant:ident = $word:literal),* $(,)? }) => {
        impl $choice {
            /// The words that stand for the variants in files.
            pub const WORDS: &[&str] = &[$($word),*];
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word that stands for it in files.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),*
                }
            }
        }

        impl $crate::base::keys::Scalar for $choice {
            fn from_value(value: $crate::base::keys::Value) -> Option<Self> {
                let $crate::base::keys::Value::Text(word) = value else {
                    return None;
                };
                Self::ALL.iter().copied().find(|choice| choice.word() == word)
            }

            fn to_value(&self) -> $crate::base::keys::Value {
                $crate::base::keys::Value::Text(self.word().to_owned())
            }
        }
    };
}
pub(crate) use words;

/// A field type that one kind of value holds.
macro_rules! scalar {
    ($($field:ty = $kind:ident($value:ident): $from:expr, $this:ident => $to:expr;)*) => {
        $(impl Scalar for $field {
            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::$kind($value) => $from,
                    _ => None,
                }
            }

            fn to_value(&self) -> Value {
                let $this = self;
                Value::$kind($to)
            }
        })*
    };
}

scalar! {
    u8 = Whole(number): number.try_into().ok(), this => (*this).into();
    u32 = Whole(number): number.try_into().ok(), this => (*this).into();
    Duration = Whole(ms): Some(Self::from_millis(ms)), this => this.as_millis().try_into().unwrap_or(u64::MAX);
    bool = Flag(flag): Some(flag), this => *this;
    String = Text(text): Some(text), this => this.clone();
    PathBuf = Text(text): Some(text.into()), this => this.to_string_lossy().into_owned();
    SocketAddr = Text(text): text.parse().ok(), this => this.to_string();
    Vec<String> = List(items): Some(items), this => this.clone();
    f64 = Number(number): Some(number), this => *this;
    // By way of the shortest text: 0.3 stays 0.3 in more digits.
    f32 = Number(number): number.to_string().parse().ok(), this => this.to_string().parse().unwrap_or_default();
}

impl<T: Scalar> Scalar for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        if value == Value::None {
            return Some(None);
        }
        T::from_value(value).map(Some)
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::None, Scalar::to_value)
    }
}
