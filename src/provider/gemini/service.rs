//! What is known of Gemini Live without a connection.

use super::setup::setup;
use super::{models, price_list};
use crate::provider::config::DetectionConfig;
use crate::provider::turn_cost::Pricing;
use crate::provider::{Capabilities, Service, SessionConfig, TurnDetection};

/// The service as the seam sees it.
pub(super) struct GeminiLive;

impl Service for GeminiLive {
    fn capabilities(&self, config: &SessionConfig) -> Capabilities {
        let turns = match &config.detection {
            DetectionConfig::Client => TurnDetection::Client,
            DetectionConfig::Service { .. } => TurnDetection::Service,
        };
        Capabilities { turns }
    }

    /// A wish that the model does not know, such as thinking, changes nothing.
    fn needs_reconnect(&self, old: &SessionConfig, new: &SessionConfig) -> bool {
        setup(old, None) != setup(new, None)
    }

    fn pricing(&self, host: &str, model: &str) -> Pricing {
        price_list::published(host, model)
    }

    fn successor(&self, model: &str) -> Option<&'static str> {
        models::model(model).successor()
    }
}
