//! What the user sees, made of what the conversation knows.

use std::sync::Arc;

use super::actor::{Conversation, Shows};
use super::snapshot::{Activity, EchoView, GlobalKeyView, Link, Snapshot, TalkView};
use crate::audio;
use crate::base::text::t;
use crate::base::units::SampleRate;
use crate::profile::Profile;
use crate::telemetry::view::{Meters, TurnStatistics};
use crate::turn::machine::Phase;

impl Conversation {
    /// Publishes a snapshot, if it shows something else than the last one.
    pub(super) fn publish(&mut self, shows: Shows) {
        let profiles = self.profiles.shared();
        self.send_context(&profiles);
        let mut snapshot = self.snapshot(profiles);
        self.outputs.snapshots.send_if_modified(|last| {
            let meters = snapshot.figures.meters;
            if shows == Shows::Changes {
                snapshot.figures.meters = last.figures.meters;
            }
            let differs = snapshot != **last;
            if differs {
                snapshot.figures.meters = meters;
                *last = Arc::new(snapshot);
            }
            differs
        });
    }

    fn snapshot(&mut self, profiles: Arc<[Arc<Profile>]>) -> Snapshot {
        let telemetry = self.telemetry.handle.view();
        let active = profiles
            .iter()
            .position(|profile| profile.name == self.profiles.chosen().name)
            .unwrap_or(0);
        Snapshot {
            activity: self.activity(),
            link: self.provider.link.clone(),
            place: match self.settings.held() {
                None => self.settings.host(),
                // Which service is meant is not known.
                Some(_) => t!("the-service").to_owned(),
            },
            was_connected: self.provider.was_connected,
            demo: self.settings.is_demo(),
            local: self.settings.is_local(),
            muted: self.microphone.muted,
            input: self.microphone(),
            output: self.voice.output.clone(),
            devices: self.shown_devices(),
            volume: self.voice.volume,
            speech: self.settings.speech(&self.profiles.profile),
            ducked: self.voice.ducked,
            talk: self.talk(),
            global_key: GlobalKeyView {
                chord: self.settings.config().global_key.clone(),
                ..self.microphone.global_key.clone()
            },
            repeat: self.repeat(),
            written: self.written(),
            ask_again: self.may_ask_again(),
            echo: self.echo(),
            check: self.check.as_ref().map(|check| check.view.clone()),
            barge_in: self.shown_barge_in(),
            profiles,
            chosen: active,
            auto: self
                .profiles
                .auto
                .as_ref()
                .map(super::profile_control::Auto::view),
            captions: self.turns.captions.shared(),
            captions_dropped: self.turns.captions.dropped(),
            pricing: self.pricing(),
            models: Arc::clone(&telemetry.models),
            spending: self
                .spending
                .view(self.settings.spend_limit(), self.is_speaking()),
            renewing: self.provider.going_away && self.is_connected(),
            figures: self.figures(&telemetry.figures),
            process: telemetry.process.clone(),
            alerts: Arc::clone(&telemetry.alerts),
            findings: Arc::clone(&telemetry.findings),
            turns: Arc::clone(&telemetry.turns),
            history: Arc::clone(&telemetry.history),
            kept: Arc::clone(&self.turns.keeping.page.view),
            notices: self.notices.iter().cloned().collect(),
            key: self.settings.key_info(),
            service: self.settings.service_view(),
            settings: self.settings_view(),
            desktop: self.shown_settings.desktop.clone(),
        }
    }

    /// Captions are called after who answers from now on.
    pub(super) fn name_assistant(&mut self) {
        self.turns
            .captions
            .call_assistant(self.settings.answerer().shown());
    }

    /// Whose turn it is, as the user sees it: while patience runs still the user's, whatever the service has been told.
    pub(super) fn shown_phase(&self) -> Phase {
        if self.turns.machine.is_closed_early() {
            Phase::Speaking
        } else {
            self.turns.machine.phase()
        }
    }

    fn activity(&self) -> Activity {
        match (self.shown_phase(), &self.provider.link) {
            (Phase::Idle | Phase::Speaking, _) if self.microphone.muted => Activity::Muted,
            (Phase::Speaking, _) if self.microphone.key.is_open() => Activity::Held,
            (Phase::Speaking, _) => Activity::UserSpeaks,
            (Phase::Replying, _) if self.turns.machine.is_repeating() => Activity::Repeating,
            (Phase::Replying, _) => Activity::Answering,
            (_, Link::Down { retry_at: None, .. }) => Activity::Offline,
            (_, Link::Down { .. } | Link::Connecting { .. }) if self.provider.was_connected => {
                Activity::Reconnecting
            }
            (_, Link::Down { .. } | Link::Connecting { .. }) => Activity::Connecting,
            (Phase::Awaiting, Link::Connected { .. }) => Activity::Thinking,
            (Phase::Idle, _) if self.spending.is_closed() => Activity::LimitReached,
            // What nobody can speak into does not listen, files least of all.
            (Phase::Idle, Link::Connected { .. })
                if self.voice.input.trouble.is_some() || self.playlist.is_some() =>
            {
                Activity::NoMicrophone
            }
            (Phase::Idle, Link::Connected { .. }) => Activity::Listening,
        }
    }

    fn talk(&self) -> TalkView {
        let config = self.settings.config();
        TalkView {
            key: config.talk_key,
            release_delay: config.release_delay,
            voice_activation: self.settings.voice_activation(),
            closing: self.microphone.key.is_closing(),
            by_media_key: self.microphone.key.is_by_media_key(),
            held_in_vain: self.microphone.held_in_vain,
        }
    }

    /// What the choice, the profile and the device say; what the microphone hears says more.
    fn echo(&self) -> EchoView {
        let choice = self.settings.echo_cancellation(&self.profiles.profile);
        let on = self.voice.echo.on;
        let why = match (self.voice.echo.why, on) {
            _ if self.voice.output.stream.is_none() => t!("no-speaker-not-needed"),
            _ if self.microphone().stream.is_none() => t!("no-microphone-not-needed"),
            (audio::EchoWhy::Asked, true) => t!("switched-on"),
            (audio::EchoWhy::Asked, false) => t!("switched-off"),
            (audio::EchoWhy::Headset, _) => t!("headset-not-needed"),
            (audio::EchoWhy::Loudspeaker, _) => t!("loudspeaker-needed"),
            (audio::EchoWhy::Heard, _) => t!("the-microphone-hears-the-reply"),
            (audio::EchoWhy::NotHeard, _) => t!("the-microphone-does-not-hear"),
        };
        EchoView {
            choice,
            on,
            why: why.into(),
        }
    }

    /// Those of telemetry, with the meters of now.
    fn figures(&self, figures: &TurnStatistics) -> TurnStatistics {
        TurnStatistics {
            patience: Some(self.turns.machine.patience()),
            early: self.turns.machine.early_close(),
            meters: Meters {
                round_trip: self.counters.link.round_trip(),
                bytes_sent: self.counters.bytes_sent.get(),
                audio_sent: SampleRate::WORKING.duration_of(self.counters.audio_sent.get()),
                capture_queued: self.counters.capture_queued.get(),
                outbox: self.provider.outbox.len(),
                reply_queued: self.counters.reply_queued.get(),
                ..figures.meters
            },
            ..figures.clone()
        }
    }
}
