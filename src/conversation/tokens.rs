//! Tokens that the service counts: whose they are, and what they cost.

use tracing::debug;

use super::actor::Conversation;
use crate::base::cost::Cost;
use crate::base::tokens::TokenCounts;
use crate::provider::TokenUsage;
use crate::provider::turn_cost::Pricing;
use crate::telemetry::{self, LateTokens};
use crate::turn::machine::TokenOwner;

impl Conversation {
    /// The service counted.
    pub(super) fn note_tokens(&mut self, usage: &TokenUsage) {
        let counted = usage.billed;
        if let Some(prompt) = usage.context {
            self.check_context(prompt, counted.prompt.text);
        }
        let bill = self.turns.machine.bill();
        let open = self.turns.machine.asked_turn();
        let notes = open.and_then(|turn| self.turns.notes.get_mut(&turn));
        match (bill, notes) {
            (TokenOwner::Open, Some(notes)) => {
                *notes.tokens.get_or_insert_default() += counted;
                notes.context_tokens = notes.context_tokens.max(usage.context);
            }
            _ => self.note_tokens_of_other(counted),
        }
    }

    /// What was counted for an answer that is not awaited any more.
    pub(super) fn note_tokens_of_other(&mut self, mut counted: TokenCounts) {
        let vain = self.turns.machine.bill() == TokenOwner::Dropped;
        let open = self.turns.machine.asked_turn();
        let notes = open.and_then(|turn| self.turns.notes.get_mut(&turn));
        if let (true, Some(notes)) = (vain, notes) {
            notes.searches_in_vain += std::mem::take(&mut counted.searches);
            notes.wasted_tokens += counted;
        } else {
            // Its turn is closed: an answer was interrupted, or dropped in vain and nothing was said after it.
            self.note_late_tokens(counted, vain);
        }
    }

    fn note_late_tokens(&mut self, tokens: TokenCounts, vain: bool) {
        debug!(?tokens, vain, "counted after the turn was closed");
        // Profile and model may be others since; whose turn it was is not known any more.
        let cost = self.cost(&tokens);
        self.telemetry
            .send(telemetry::TelemetryEvent::LateTokens(Box::new(
                LateTokens {
                    profile: self.profiles.profile.name.clone(),
                    model: self.model(),
                    tokens,
                    wasted: vain,
                    cost,
                },
            )));
        self.turns.late_tokens += tokens;
        self.spend(cost);
    }

    /// What was counted, in US dollars, where the price is known.
    pub(super) fn cost(&self, counts: &TokenCounts) -> Option<Cost> {
        self.pricing().cost(counts)
    }

    /// The model that the connection was asked for. What answers at an endpoint of the user's own may
    /// be another one.
    pub(super) fn model(&self) -> String {
        self.provider.config.model.clone()
    }

    /// What is known of the price now.
    pub(super) fn pricing(&self) -> Pricing {
        let settings = &self.settings;
        let service = &self.provider.handle.service;
        let published = service.pricing(&settings.host(), &self.provider.config.model);
        let configured = settings.config().price_usd_per_million;
        Pricing::new(settings.is_demo(), configured, published)
    }
}
