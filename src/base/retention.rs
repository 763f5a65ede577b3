//! How long conversations are kept.

use std::fmt;
use std::time::Duration;

use super::keys::{Scalar, Value};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A hundred years: more is a mistake.
const MOST_DAYS: u64 = 36_500;

/// What is kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// Nothing, not even the words of the running conversation.
    Off,
    /// Until so much time has passed since the last turn.
    For(Duration),
    Forever,
}

impl Retention {
    /// Whole days: `30d` in files.
    pub const fn days(days: u64) -> Self {
        Self::For(Duration::from_secs(days * DAY.as_secs()))
    }

    /// What a file says: `30d`, `off` or `forever`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "forever" => Some(Self::Forever),
            days => {
                let days = days.strip_suffix('d')?;
                let is_number = days.bytes().all(|byte| byte.is_ascii_digit());
                let days = days.parse().ok().filter(|_| is_number)?;
                (1..=MOST_DAYS).contains(&days).then(|| Self::days(days))
            }
        }
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::For(time) => write!(f, "{}d", time.as_secs() / DAY.as_secs()),
            Self::Forever => f.write_str("forever"),
        }
    }
}

impl Scalar for Retention {
    fn from_value(value: Value) -> Option<Self> {
        Self::parse(&String::from_value(value)?)
    }

    fn to_value(&self) -> Value {
        Value::Text(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_words_are_read_and_nothing_else() {
        for text in ["off", "forever", "1d", "30d", "36500d"] {
            let read = Retention::parse(text).expect(text);
            assert_eq!(read.to_string(), text);
            assert_eq!(Retention::from_value(read.to_value()), Some(read));
        }
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "+1d",
            "36501d",
            "30",
            "30 d",
            "1h",
            "on",
            "Off",
            "of",
            "99999999999999999999d",
        ] {
            assert_eq!(Retention::parse(text), None, "{text}");
        }
    }
}
