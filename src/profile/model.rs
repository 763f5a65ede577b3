//! What is known of the model of a profile. Above this layer nobody asks the service's own tables.

use super::Profile;
use crate::base::text::t;
use crate::provider::gemini::models::{self, ThinkingControl};
use crate::provider::gemini::setup;

pub use setup::Thinks;

/// What the model does before it answers, as the profile asks it.
pub fn thinks(profile: &Profile) -> Thinks {
    setup::thinks(&profile.live.model, profile.live.thinking)
}

/// The model and how it thinks, a sentence; `None` for a profile that chooses among others and has no model of its own.
pub fn in_words(profile: &Profile) -> Option<String> {
    let name = &profile.live.model;
    profile.auto.is_none().then(|| match models::known(name) {
        None => t!("model-not-known", name),
        Some(model) => match model.thinking {
            ThinkingControl::None => t!("model-does-not-think", name),
            ThinkingControl::Interleaved => t!("model-thinks-by-itself", name),
            ThinkingControl::Level(_) | ThinkingControl::Budget => t!("model-thinks-as-set", name),
        },
    })
}
