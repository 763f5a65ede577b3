//! Tokens that the service counts: whose they are, and what they cost.

use tracing::debug;

use super::controller::Controller;
use crate::live::message::UsageMetadata;
use crate::live::price::{Biller, Pricing};
use crate::settings::endpoint::GOOGLE_HOST;
use crate::turn::machine::Bill;

/// Tokens of prompt and response.
pub type Tokens = (u64, u64);

/// Adds to what was counted. The counts of turns sum up to the bill within 3 %; several counts within a turn are taken for
/// parts of it, which can be too much, never too little.
pub(super) fn add(to: &mut Tokens, more: Tokens) {
    (to.0, to.1) = (to.0.saturating_add(more.0), to.1.saturating_add(more.1));
}

/// Both together.
pub(super) fn sum(tokens: Tokens) -> u64 {
    tokens.0.saturating_add(tokens.1)
}

impl Controller {
    /// The service counted.
    pub(super) fn note_tokens(&mut self, usage: &UsageMetadata) {
        let counted = usage.billed();
        let bill = self.machine.bill();
        let open = self.machine.open_turn().filter(|(_, asked)| *asked);
        let notes = open.and_then(|(turn, _)| self.notes.get_mut(&turn));
        match (bill, notes) {
            (Bill::Open, Some(notes)) => {
                add(notes.tokens.get_or_insert_default(), counted);
                notes.context_tokens = notes.context_tokens.max(usage.prompt_token_count);
            }
            (Bill::Vain, Some(notes)) => add(&mut notes.vain_tokens, counted),
            // Their turn is closed: an answer was interrupted, or dropped in vain and nothing was said after it.
            (Bill::Open | Bill::Vain, None) | (Bill::Earlier, _) => {
                self.note_late_tokens(counted, bill == Bill::Vain);
            }
        }
    }

    fn note_late_tokens(&mut self, tokens: Tokens, vain: bool) {
        debug!(?tokens, vain, "counted after the turn was closed");
        // The profile may be another one since; whose turn it was is not known any more.
        let cost = self.cost(tokens);
        let profile = &self.profile.name;
        self.statistics.add_late_tokens(profile, tokens, vain, cost);
        self.insight.late_tokens(sum(tokens), cost);
        add(&mut self.late_tokens, tokens);
        self.changed = true;
    }

    /// US dollars, where the price is known.
    pub(super) fn cost(&self, tokens: Tokens) -> Option<f64> {
        self.pricing().of(tokens.0, tokens.1)
    }

    /// What is known of the price now.
    pub(super) fn pricing(&self) -> Pricing {
        let settings = &self.settings;
        let biller = if settings.is_demo() {
            Biller::Nobody
        } else if settings.host() == GOOGLE_HOST {
            Biller::Google
        } else {
            Biller::Other
        };
        let configured = settings.config().price_usd_per_million;
        Pricing::new(biller, configured, &self.profile.live.model)
    }
}
