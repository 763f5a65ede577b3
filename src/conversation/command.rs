//! Everything that a user can ask.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::audio::DeviceChoice;
use crate::base::keys::{Scalar, Value};
use crate::base::localized_text::LocalizedText;
use crate::desktop::TrayState;
use crate::global_key::GlobalKeyState;
use crate::newer_version::NewerVersion;
use crate::settings::profile_edit::ProfileEdit;
use crate::store::export::ExportFormat;
use crate::store::{ConversationId, Filter};
use crate::telemetry::diagnosis::Remedy;

/// What a test has panic.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailingPart {
    Audio(crate::audio::AudioThread),
    Connection,
    Telemetry,
    Server,
    Watch,
}

/// A wish of the user, from the window or the terminal.
#[derive(Clone, Debug)]
pub enum Command {
    /// Have a part panic.
    #[cfg(test)]
    Panic(FailingPart),
    /// The window is being opened (false): replies wait until its first picture is shown (true), for some seconds at most.
    SetShown(bool),
    /// Stop or resume listening.
    SetMuted(bool),
    /// The talk key went down (true) or up; what that means is the session's affair.
    HoldToTalk(bool),
    /// What has become of the talk key that works in any window.
    ShowGlobalKey(GlobalKeyState),
    /// Ask for that key once more.
    RetryGlobalKey,
    /// A media key was pressed; it does what is sensible now.
    PressMediaKey(crate::desktop::MediaKey),
    /// Whether media keys arrive.
    ShowMediaKeys(crate::desktop::MediaKeysState),
    /// Why the sound of other programs is not lowered although it is to be, if it is not.
    ShowOtherSound(Option<LocalizedText>),
    /// Stop the reply that is sounding or awaited; close a microphone that is open although the key is up.
    StopReply,
    /// Ask this in writing; how it is cleaned, and how long it may be, is told in [`super::typed`].
    SendText(String),
    /// Have the last answer spoken that came in writing alone.
    SayIt,
    /// Play the last reply that was heard again.
    Repeat,
    /// Change to the profile of this name.
    UseProfile(String),
    /// Use this microphone.
    UseInput(DeviceChoice),
    /// Use this speaker.
    UseOutput(DeviceChoice),
    /// Another value for a key of the configuration; without one, the usual.
    SetConfig(&'static str, Option<Value>),
    /// Change the profile of this name in the user's files.
    EditProfile(String, ProfileEdit),
    /// Keep this key (in the 0600 file) and connect to the service with it.
    SetKey(SecretString),
    /// Forget the stored key and return to the demo.
    RemoveKey,
    /// Do not wait for the next attempt to connect.
    RetryNow,
    /// Check microphone, speaker and echo; with or without a sentence of the user.
    CheckSound {
        /// Whether the user is asked to speak.
        with_voice: bool,
    },
    /// End the sound check, and take its results away.
    CancelCheck,
    /// Begin the statistics anew.
    ResetStatistics,
    /// Do what an alert or a finding offers.
    Apply(Remedy),
    /// Write turns and history as comma-separated values into the state folder.
    ExportCsv,
    /// Show kept conversations that this filter chooses, and keep the list up to date; `None` when nobody looks any more.
    ListKept(Option<Filter>),
    /// Read a kept conversation.
    OpenKept(ConversationId),
    /// Go on with a kept conversation: what was said there is told to a new session.
    ContinueKept(ConversationId),
    /// Write a kept conversation into a new file of this folder.
    ExportKept {
        id: ConversationId,
        format: ExportFormat,
        folder: PathBuf,
    },
    /// Delete a kept conversation, or all, for good.
    DeleteKept(Option<ConversationId>),
    /// Begin a new conversation; the service does not know of this one.
    BeginConversation,
    /// Spend as much again as the limit allows that is reached.
    SpendMore,
    /// See whether the program starts with the desktop.
    LookAtAutostart,
    /// Start with the desktop from now on, or not.
    SetAutostart(bool),
    /// What became of the icon in the tray.
    ShowTray(TrayState),
    /// The screen was locked, or unlocked.
    LockScreen(bool),
    /// Tell that a newer version was published.
    ShowNewerVersion(NewerVersion),
    /// Take away the notice with this id.
    Dismiss(u64),
    /// End: write what is to be written and stop.
    Quit,
}

impl Command {
    /// Another value for a key of the configuration.
    pub fn set(key: &'static str, value: &impl Scalar) -> Self {
        Self::SetConfig(key, Some(value.to_value()))
    }
}
