//! The button that applies a remedy: its label, what it does, and why it may be disabled.

use eframe::egui::Ui;

use super::screen::Screen;
use super::settings_state::{named_in, title};
use super::ui_state::UiState;
use super::widgets::plain_button;
use crate::base::text::t;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Link, Snapshot};
use crate::telemetry::diagnosis::Remedy;

/// The button that applies a remedy, with the reason if it is disabled.
pub(super) fn remedy_button(ui: &mut Ui, remedy: &Remedy, snapshot: &Snapshot, view: &mut UiState) {
    let hindrance = hindrance(remedy, snapshot);
    let button = ui
        .add_enabled_ui(hindrance.is_none(), |ui| {
            plain_button(ui, &label(remedy, snapshot))
        })
        .inner;
    let button = match hindrance {
        Some(hindrance) => button.on_disabled_hover_text(t!("not-now-because", hindrance)),
        None => button.on_hover_text(tooltip(remedy)),
    };
    if button.clicked() {
        if *remedy == Remedy::CheckSound {
            // Its page explains the steps and waits for the user.
            view.page = Screen::Check;
        } else {
            view.commands.push(Command::Apply(remedy.clone()));
        }
    }
}

/// A button for each setting that an advice names, which leads to it.
pub(super) fn setting_buttons(ui: &mut Ui, advice: &str, snapshot: &Snapshot, view: &mut UiState) {
    let rows = named_in(advice, &snapshot.settings);
    if rows.is_empty() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        for row in rows {
            let words = t!("change-row", row = title(row));
            let button = plain_button(ui, &words).on_hover_text(t!("leads-to-this-setting"));
            if button.clicked() {
                view.open_setting(row);
            }
        }
    });
}

/// The label of a button that applies a remedy.
fn label(remedy: &Remedy, snapshot: &Snapshot) -> String {
    match remedy {
        Remedy::UseProfile(name) => {
            let profile = snapshot
                .profiles
                .iter()
                .find(|profile| profile.name == *name);
            t!(
                "use-profile",
                label = profile.map_or(name.as_str(), |profile| profile.shown_label())
            )
        }
        Remedy::Reconnect if snapshot.renewing => t!("connects-at-the-next-pause").into(),
        Remedy::Reconnect => t!("connect-anew").into(),
        Remedy::CheckSound => t!("check-the-sound").into(),
        Remedy::EchoAutomatic => t!("echo-automatic").into(),
        Remedy::AskAgain => t!("ask-again").into(),
        Remedy::SendNow => t!("send-now").into(),
        Remedy::UseModel { model, .. } => t!("use-model", model),
    }
}

/// What such a button does.
fn tooltip(remedy: &Remedy) -> &'static str {
    match remedy {
        Remedy::UseProfile(_) => {
            t!("changes-to-this-profile-sound")
        }
        Remedy::Reconnect => {
            t!("opens-another-connection-at-the")
        }
        Remedy::CheckSound => {
            t!("leads-to-the-check-of")
        }
        Remedy::EchoAutomatic => {
            t!("takes-replies-out-of-what")
        }
        Remedy::AskAgain => t!("sends-what-you-said-last"),
        Remedy::SendNow => t!("sends-what-you-said-and"),
        Remedy::UseModel { .. } => {
            t!("writes-this-model-into-the")
        }
    }
}

/// Why a remedy cannot be applied now.
fn hindrance(remedy: &Remedy, snapshot: &Snapshot) -> Option<&'static str> {
    match remedy {
        Remedy::Reconnect => {}
        Remedy::AskAgain | Remedy::SendNow if snapshot.ask_again => return None,
        Remedy::AskAgain | Remedy::SendNow if snapshot.spending.reached.is_some() => {
            return Some(t!("the-spend-limit-is-reached-lower"));
        }
        Remedy::AskAgain | Remedy::SendNow => {
            return Some(t!("what-you-said-is-not"));
        }
        Remedy::UseProfile(_)
        | Remedy::CheckSound
        | Remedy::EchoAutomatic
        | Remedy::UseModel { .. } => return None,
    }
    match &snapshot.link {
        Link::Connected { .. } if snapshot.renewing => Some(t!("another-connection-is-opened-as")),
        Link::Connected { .. } => None,
        Link::Connecting { .. } => Some(t!("a-connection-is-being-opened")),
        Link::Down {
            retry_at: Some(_), ..
        } => Some(t!("there-is-no-connection-and")),
        Link::Down { retry_at: None, .. } => Some(t!("there-is-no-connection-retry")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_connection_can_be_had_where_there_is_one_and_none_is_due() {
        let mut snapshot = Snapshot::default();
        let reconnect = |snapshot: &Snapshot| hindrance(&Remedy::Reconnect, snapshot);
        assert_eq!(reconnect(&snapshot), Some("a connection is being opened"));
        assert_eq!(hindrance(&Remedy::CheckSound, &snapshot), None);
        snapshot.link = Link::Connected {
            since: std::time::Instant::now(),
            host: String::new(),
        };
        assert_eq!(reconnect(&snapshot), None);
        assert_eq!(label(&Remedy::Reconnect, &snapshot), "Connect anew");
        snapshot.renewing = true;
        assert!(reconnect(&snapshot).is_some_and(|why| why.contains("as soon as nobody speaks")));
        let words = label(&Remedy::Reconnect, &snapshot);
        assert_eq!(words, "Connects at the next pause");
        snapshot.link = Link::Down {
            what: String::new(),
            hint: String::new(),
            retry_at: None,
            key_refused: false,
        };
        assert!(reconnect(&snapshot).is_some_and(|why| why.contains("Retry now")));
    }

    #[test]
    fn what_is_not_kept_any_more_cannot_be_asked_again() {
        let mut snapshot = Snapshot::default();
        assert!(hindrance(&Remedy::AskAgain, &snapshot).is_some());
        snapshot.ask_again = true;
        assert_eq!(hindrance(&Remedy::AskAgain, &snapshot), None);
        (snapshot.ask_again, snapshot.spending.reached) = (false, Some("reached".into()));
        let why = hindrance(&Remedy::AskAgain, &snapshot);
        assert_eq!(why, Some("the spend limit is reached"));
    }
}
