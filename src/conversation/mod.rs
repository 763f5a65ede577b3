//! Wires sound, turns and service together (see the crate's documentation). A [`Command`](command::Command) goes in, a
//! [`Snapshot`] comes out, and [`Event`]s for those to whom every one counts.

mod actor;
mod apply_remedy;
mod ask_again;
mod asking;
mod captions;
mod carry_over;
mod clock;
mod close_turn;
pub mod command;
mod event;
mod file_playlist;
mod files;
mod keeping;
mod media_keys;

pub mod link_words;
mod microphone;
mod models;
mod new_session;
mod notices;
mod notify;
mod on_command;
mod on_provider;
mod on_store;
mod on_telemetry;
mod on_voice;
mod overflow;
mod planned_reconnect;
mod profile_control;
mod profile_switch;
mod provider_link;
mod repeat;
mod replay;
mod resend_buffer;
mod screen_lock;
mod sending;
mod settings;
mod settings_builder;
mod shown_check;
mod shown_settings;
pub mod snapshot;
mod snapshot_builder;
mod sound_check;
pub mod sound_check_text;
mod spend_limit;
mod spending;
mod talk_key;
mod telemetry_link;
mod tokens;
mod turn_notes;
mod turn_record;
mod turn_settings;
mod turns;
pub mod typed;
pub mod unheard_answer;
mod voice_link;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::base::counters::Counters;
use crate::base::severity::Severity;
use crate::base::supervise::Failures;
use crate::desktop::Autostart;
use crate::profile::Profile;
use crate::settings::profiles::Profiles;
use crate::{audio, provider, store, telemetry};
use actor::Conversation;
pub use event::Event;
use file_playlist::FilePlaylist;
pub use settings::{Choice, Settings, session_config_now};
use snapshot::{Link, Snapshot};
pub use spending::spent_today;

/// Commands that may wait; a person cannot give more at once.
const COMMANDS: usize = 64;
/// Events that may wait for a listener; more than a conversation of hours has turns.
const EVENTS: usize = 1_024;

/// A conversation that runs; dropping it ends the conversation.
#[derive(Debug)]
pub struct Session {
    /// What the user asks.
    pub commands: mpsc::Sender<command::Command>,
    /// What the user can see; the newest value.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What a listener must not miss.
    pub events: mpsc::Receiver<Event>,
    /// Live meters and counters.
    pub counters: Arc<Counters>,
    /// What becomes of parts outside of it, such as the window; it shows them.
    pub failures: Failures,
}

/// The parts of a conversation, opened by a face.
pub struct ConversationDeps {
    /// The sound side.
    pub audio: audio::AudioHandle,
    /// The connection, dialling already.
    pub provider: provider::ProviderHandle,
    /// What both count into.
    pub counters: Arc<Counters>,
    /// All profiles.
    pub profiles: Profiles,
    /// The one to begin with.
    pub profile: Arc<Profile>,
    /// Endpoint, key, configuration file.
    pub settings: Settings,
    /// Names of the input files, where files are the microphone.
    pub files: Option<Vec<String>>,
    /// Files only: the next one starts so long after a reply became audible.
    pub interrupt_after: Option<Duration>,
    /// Volume of replies, 0.0 to 1.0.
    pub volume: f32,
    /// Devices chosen: microphone, speaker.
    pub choices: [audio::DeviceChoice; 2],
    /// What went wrong before the conversation began and the user should know.
    pub notices: Vec<(Severity, String)>,
    /// Statistics, alerts and exports; [`TelemetryHandle::off`](telemetry::TelemetryHandle::off) for a conversation without.
    pub telemetry: telemetry::TelemetryHandle,
    /// Whether the user can answer questions: in a window.
    pub window: bool,
    /// How the program is started with the desktop.
    pub autostart: Autostart,
    /// The folder that holds what was spent today.
    pub state: Option<PathBuf>,
}

/// Starts the conversation; call it inside the runtime.
#[must_use]
pub fn start(parts: ConversationDeps) -> Session {
    let (commands, commands_in) = mpsc::channel(COMMANDS);
    let (snapshots_in, snapshots) = watch::channel(Arc::new(Snapshot::default()));
    let (events_in, events) = mpsc::channel(EVENTS);
    let counters = Arc::clone(&parts.counters);
    let failures = parts.settings.failures();
    let mut conversation = assemble(parts, snapshots_in, events_in);
    conversation.name_assistant();
    conversation.publish(actor::Shows::Everything);
    tokio::spawn(conversation.run(commands_in));
    Session {
        commands,
        snapshots,
        events,
        counters,
        failures,
    }
}

fn assemble(
    mut parts: ConversationDeps,
    snapshots: watch::Sender<Arc<Snapshot>>,
    events: mpsc::Sender<Event>,
) -> Conversation {
    let config = parts.settings.session_config(&parts.profile);
    let can = parts.provider.service.capabilities(&config);
    let manual = can.turns == provider::TurnDetection::Client;
    let connecting = Link::Connecting { attempt: 1 };
    let link = parts.settings.held().map_or(connecting, on_command::hold);
    let files = parts.files;
    let file = parts.state.as_ref().map(|state| state.join(store::FILE));
    let keep = parts.settings.config().keep;
    let keeping = keeping::Keeping::new(file, keep, parts.window);
    let overflow = overflow::Overflow::new(parts.state.clone());
    let mut turns = turns::Turns::new(manual, keeping, overflow);
    turns.machine.set_consent(parts.window);
    let mut conversation = Conversation {
        turns,
        voice: voice_link::VoiceLink::new(parts.audio, parts.volume, parts.choices),
        provider: provider_link::ProviderLink::new(parts.provider, config, link),
        microphone: microphone::MicrophoneControl::default(),
        profiles: profile_control::ProfileControl::new(parts.profiles, parts.profile),
        playlist: files.map(|files| FilePlaylist::new(files, parts.interrupt_after)),
        check: None,
        notices: notices::Notices::default(),
        spending: spending::Spending::new(parts.state.as_deref()),
        files: files::Files::start(&mut parts.settings, parts.autostart),
        shown_settings: shown_settings::ShownSettings::new(parts.state),
        settings: parts.settings,
        telemetry: telemetry_link::TelemetryLink::new(parts.telemetry),
        counters: parts.counters,
        outputs: actor::Outputs { snapshots, events },
    };
    for (severity, text) in parts.notices {
        conversation
            .notices
            .show_about(notices::Topic::Files, severity, text);
    }
    conversation.apply_spend_limit();
    conversation.apply_keeping();
    conversation.begin_with_profile();
    conversation
}
