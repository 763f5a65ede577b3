//! Whether conversations go on.

use serde::Deserialize;

/// Whether conversations go on over several connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "ResumptionText")]
pub enum ResumptionMode {
    Yes,
    No,
    /// They do by name: what was said is forgotten.
    Forgetful,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ResumptionText {
    Switch(bool),
    Word(String),
}

impl TryFrom<ResumptionText> for ResumptionMode {
    type Error = &'static str;

    fn try_from(text: ResumptionText) -> Result<Self, Self::Error> {
        match text {
            ResumptionText::Switch(true) => Ok(Self::Yes),
            ResumptionText::Switch(false) => Ok(Self::No),
            ResumptionText::Word(word) if word == "forgetful" => Ok(Self::Forgetful),
            ResumptionText::Word(_) => Err("allowed are true, false and forgetful"),
        }
    }
}
