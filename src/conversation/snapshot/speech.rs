//! The voice of the assistant, and the languages of the user.

use crate::profile::Languages;

/// Voice and languages: what the user chose, and what holds without a choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpeechView {
    /// The voice that the user chose; `None`: as the profile says.
    pub voice: Option<String>,
    /// The voice of the profile; `None`: the service's choice.
    pub profile_voice: Option<String>,
    /// The languages that the user chose; `None`: as the profile says.
    pub languages: Option<Languages>,
    /// The languages of the profile.
    pub profile_languages: Languages,
    /// BCP 47 codes of the system's languages, the usual one first; empty where it names none.
    pub system_languages: Vec<String>,
}
