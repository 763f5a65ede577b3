//! Another connection that the program opens by itself: before the service ends this one, for other settings, or for a new
//! session. It waits until nothing is being said or answered.

use tracing::info;

use super::actor::Conversation;
use super::snapshot::Link;
use crate::base::text::t;
use crate::turn::machine::Input;

impl Conversation {
    /// Opens the connection that is due, if nothing is being said or answered: because the service ends this one, because the
    /// settings want another, or because a new session is to begin.
    pub(super) fn reconnect_if_due(&mut self) {
        let (going_away, new_session) = (
            self.provider.going_away,
            self.turns.carry_over.due.is_some(),
        );
        let changed = self.provider.wanted != self.provider.config;
        let due = going_away || changed || new_session;
        if !due || !self.is_connected() || !self.turns.machine.is_quiet() {
            return;
        }
        info!(
            going_away,
            changed, new_session, "planned change of connection"
        );
        self.provider.going_away = false;
        if changed {
            self.turns.machine.forget_thinking();
        }
        self.counters.rolls.add(1);
        self.reconnect();
    }

    /// Where nothing is tried by itself any more, another set-up is tried at once: the last one may be what was refused. There
    /// is no connection whose end could cut anything off.
    pub(super) fn retry_with_new_setup(&mut self) {
        let changed = self.provider.wanted != self.provider.config;
        let given_up = matches!(self.provider.link, Link::Down { retry_at: None, .. });
        if changed && given_up && self.settings.held().is_none() {
            self.reconnect();
        }
    }

    /// Dials with what the settings want now.
    pub(super) fn reconnect(&mut self) {
        self.settings.refresh_user_context();
        self.provider.wanted = self.settings.session_config(&self.profiles.profile);
        self.provider.config = self.provider.wanted.clone();
        self.withdraw(|| t!("the-new-profile-applies-to"));
        self.withdraw(|| t!("the-new-voice-or-language"));
        self.feed(super::clock::now(), Input::LinkDown);
        self.provider.link = Link::Connecting { attempt: 1 };
        self.provider.outbox.clear();
        let control = self.reconnect_control();
        self.control(control);
    }
}
