//! Who answers, by a name that a kept turn can be read back by.

use crate::base::text::t;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerer {
    /// The server inside this program.
    Demo,
    /// A server on this computer.
    Local,
    /// Google's service.
    Gemini,
    /// Another server of the user; what model answers there is not known.
    Own,
}

impl Answerer {
    const ALL: [Self; 4] = [Self::Demo, Self::Local, Self::Gemini, Self::Own];

    /// Its name in the JSON of a turn.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Local => "local",
            Self::Gemini => "gemini",
            Self::Own => "own",
        }
    }

    /// Who answered a turn, by its JSON; `None` where that does not say so, as of earlier versions or of a turn that runs.
    pub fn of_record(json: &str) -> Option<Self> {
        let record: serde_json::Value = serde_json::from_str(json).ok()?;
        let name = record.get("answerer")?.as_str()?;
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// What people call it.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Demo => t!("demo-place"),
            Self::Local => t!("local-server"),
            Self::Gemini => t!("gemini"),
            Self::Own => t!("own-server"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::TurnRecord;
    use super::*;

    #[test]
    fn a_record_tells_who_answered() {
        for answerer in Answerer::ALL {
            let record = TurnRecord {
                answerer: Some(answerer),
                ..TurnRecord::default()
            };
            assert_eq!(Answerer::of_record(&record.to_json()), Some(answerer));
        }
        let unknown = TurnRecord::default().to_json();
        for json in [
            &*unknown,
            "",
            "{}",
            r#"{"answerer":"x"}"#,
            r#"{"answerer":7}"#,
        ] {
            assert_eq!(Answerer::of_record(json), None, "{json}");
        }
    }
}
