//! The partner of the conversation, as the terminal names it.

use crate::conversation::Settings;
use crate::settings::endpoint::GOOGLE_HOST;

/// Whom the user talks to, where the words go, and how it ends.
pub(super) fn words(settings: &Settings) -> String {
    const ENDS: &str = "(Ctrl-C ends)";
    if settings.is_demo() {
        return format!(
            "talking to the offline demo: it repeats what you say, and nothing leaves this computer {ENDS}\n\
             to talk to Gemini, set GEMINI_API_KEY"
        );
    }
    if settings.held().is_some() {
        return format!(
            "not connected: nothing is sent until the configuration file is corrected {ENDS}"
        );
    }
    let host = settings.host();
    if settings.is_local() {
        return format!("talking to the server at {host}, on this computer {ENDS}");
    }
    let name = if host == GOOGLE_HOST {
        "Gemini Live"
    } else {
        "the service"
    };
    format!("talking to {name} at {host}: what you say is sent there {ENDS}")
}
