//! Which provider a conversation talks through: the only place that chooses one.

use std::sync::Arc;

use super::connection::dial::Dialer;
use super::{ProviderHandle, ServiceEndpoint, SessionConfig, gemini};
use crate::base::counters::Counters;

/// Starts the provider for `target`: [`gemini`], which the built-in server speaks too. See [`gemini::spawn`].
#[must_use]
pub fn spawn(
    dialer: Arc<dyn Dialer>,
    target: impl Into<Option<ServiceEndpoint>>,
    config: SessionConfig,
    counters: Arc<Counters>,
) -> ProviderHandle {
    gemini::spawn(dialer, target, config, counters)
}
