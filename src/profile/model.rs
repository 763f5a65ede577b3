//! What is known of the model of a profile. Above this layer nobody asks the service's own tables.

use super::Profile;
use crate::provider::gemini::{models, setup};

pub use setup::Thinks;

/// What the model does before it answers, as the profile asks it.
pub fn thinks(profile: &Profile) -> Thinks {
    setup::thinks(&profile.live.model, profile.live.thinking)
}

/// The model and how it thinks, a sentence; `None` for a profile that chooses among others and has no model of its own.
pub fn in_words(profile: &Profile) -> Option<String> {
    let name = &profile.live.model;
    profile.auto.is_none().then(|| match models::known(name) {
        Some(model) => format!("Model: {name}, which {}.", model.thinking_in_words()),
        None => format!("Model: {name}, which this version does not know."),
    })
}
