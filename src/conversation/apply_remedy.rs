//! What happens when the button of a remedy is pressed.

use std::time::Instant;

use super::actor::Conversation;
use super::command::Command;
use crate::base::keys::Value;
use crate::settings::profile_edit::ProfileEdit;
use crate::telemetry::diagnosis::Remedy;

impl Conversation {
    /// Does what a button of an alert or a finding asks.
    pub(super) fn apply_remedy(&mut self, now: Instant, remedy: Remedy) {
        match remedy {
            Remedy::UseProfile(name) => self.on_command(now, Command::UseProfile(name)),
            Remedy::CheckSound => self.on_command(now, Command::CheckSound { with_voice: true }),
            Remedy::AskAgain | Remedy::SendNow => self.ask_again(now),
            Remedy::EchoAutomatic => {
                self.on_command(now, Command::SetConfig("echo_cancellation", None));
            }
            // As when the service announces the end of a connection: another one at the next pause.
            Remedy::Reconnect if self.is_connected() => self.provider.going_away = true,
            Remedy::Reconnect => self.on_command(now, Command::RetryNow),
            Remedy::UseModel { profile, model } => {
                let edit = ProfileEdit::Set("live.model", Some(Value::Text(model)));
                self.edit_profile(profile, edit);
            }
        }
    }
}
