//! The spend limit: what it closes and opens.

use super::actor::Conversation;
use super::event::Event;
use super::spending::LimitContext;
use crate::base::cost::Cost;
use crate::base::text::t;
use crate::provider::turn_cost::Pricing;
use crate::turn::machine::Phase;

impl Conversation {
    /// Something was billed.
    pub(super) fn spend(&mut self, cost: Option<Cost>) {
        if let Some(cost) = cost {
            self.spending.bill(cost);
        }
        self.apply_spend_limit();
    }

    /// Once a second.
    pub(super) fn check_spending(&mut self) {
        let of_day = self.settings.spend_limit().day.is_some();
        self.spending.look(of_day, &mut self.notices);
        self.apply_spend_limit();
    }

    /// Compares what was spent with the limits; the microphone may open again.
    pub(super) fn apply_spend_limit(&mut self) {
        let around = LimitContext {
            speaking: self.is_speaking(),
            files: self.playlist.is_some(),
            unknown_price: match self.pricing() {
                Pricing::Unpublished => Some(t!("no-price-is-published-for", model = self.model())),
                Pricing::Elsewhere => Some(t!("the-price-of-is-not", host = self.settings.host())),
                Pricing::Configured(_) | Pricing::Published(_) | Pricing::Free => None,
            },
        };
        let limits = self.settings.spend_limit();
        let opens = self.spending.compare(limits, &around, &mut self.notices);
        let reached = self.spending.is_reached();
        self.turns.machine.hold_waiting(reached);
        if opens {
            // The loop performs what it decides.
            self.turns.machine.handle_timeout(super::clock::now());
        }
    }

    /// Closes the microphone for a limit, as soon as nobody speaks, nor pauses in a sentence; a reply that sounds goes on.
    pub(super) fn close_if_spent(&mut self) {
        if self.spending.close(self.is_speaking()) {
            self.microphone.key.close();
        }
    }

    /// Whether the user speaks, or pauses in a sentence.
    pub(super) fn is_speaking(&self) -> bool {
        self.turns.machine.phase() == Phase::Speaking || self.turns.machine.is_closed_early()
    }

    /// The user wants to spend as much again.
    pub(super) fn spend_more(&mut self) {
        let limits = self.settings.spend_limit();
        self.spending.go_on(limits, &mut self.notices);
        self.apply_spend_limit();
    }

    /// Input files wait that may not be asked any more.
    pub(super) fn stop_files(&mut self) {
        let left = self.playlist.as_mut().map_or(0, |playlist| playlist.stop());
        if let Some(reached) = self.spending.reached(self.settings.spend_limit()) {
            self.emit(Event::LimitReached(t!(
                "files-not-sent",
                reached,
                n = left as u64
            )));
        }
    }

    /// A text was typed that may not be asked any more. The conversation shows it, so that it is not lost.
    pub(super) fn refuse_typed(&mut self, text: &str) {
        let turn = self.turns.machine.skip_turn();
        self.turns.captions.refuse(turn, text);
        if let Some(reached) = self.spending.reached(self.settings.spend_limit()) {
            self.emit(Event::LimitReached(t!("your-text-was-not-sent", reached)));
        }
    }
}
