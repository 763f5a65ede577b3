//! What telemetry shows and asks: views, alerts, the plan of `auto`; and what it is sent.

use std::sync::Arc;

use url::Url;

use super::actor::Conversation;
use super::snapshot::Link;
use crate::profile::{EchoCancellation, Profile};
use crate::store::{Query, Write};
use crate::telemetry::{Context, LinkState, Signal, TelemetryOutput};

impl Conversation {
    pub(super) fn on_telemetry(&mut self, signal: Signal) {
        match signal {
            // Shown with the next snapshot, which every event but a frame makes.
            Signal::View => {}
            Signal::Output(output) => self.on_output(output),
        }
    }

    pub(super) fn on_output(&mut self, output: TelemetryOutput) {
        match output {
            TelemetryOutput::AlertRaised(text, remedy) => self.notices.show_alert(text, remedy),
            TelemetryOutput::AlertCleared(text) => self.withdraw(|| &text),
            TelemetryOutput::Notice(severity, text) => self.notice(severity, text),
            TelemetryOutput::ReadFigures => self.turns.keeping.store.ask(Query::Figures),
            TelemetryOutput::KeepFigures(text) => {
                self.turns.keeping.store.write(Write::Figures(text));
            }
            TelemetryOutput::Plan(choice, plan, changes) => {
                self.follow_plan(&choice, plan, changes)
            }
        }
    }

    /// Sends what telemetry must know of profile, devices and service, if anything of it changed.
    pub(super) fn send_context(&mut self, profiles: &Arc<[Arc<Profile>]>) {
        let context = self.telemetry_context(Arc::clone(profiles));
        self.telemetry.send_context(context);
    }

    fn telemetry_context(&self, profiles: Arc<[Arc<Profile>]>) -> Context {
        let settings = &self.settings;
        let config = settings.config();
        let webhook = config.alert_webhook.as_ref();
        let webhook = webhook.filter(|_| settings.held().is_none());
        Context {
            profile: Arc::clone(&self.profiles.profile),
            chosen: Arc::clone(self.profiles.chosen()),
            profiles,
            auto: self
                .profiles
                .auto
                .as_ref()
                .map(|auto| Arc::clone(auto.choice())),
            model: self.model(),
            keep: config.keep,
            demo: settings.is_demo(),
            local: settings.is_local(),
            url: settings.target.url.clone(),
            detection: settings.detection(&self.profiles.profile),
            echo_forced: config.echo_cancellation == Some(EchoCancellation::On),
            // It was checked when the file was read.
            webhook: webhook.and_then(|address| Url::parse(address.expose()).ok()),
            link: match self.provider.link {
                Link::Connecting { .. } => LinkState::Connecting,
                Link::Connected { since, .. } => LinkState::Connected(since),
                Link::Down { .. } => LinkState::Down,
            },
            input: self.voice.input.stream.clone(),
            files: self.playlist.is_some(),
            output: self.voice.output.stream.clone(),
            period_frames: self
                .voice
                .settings
                .as_ref()
                .map_or(self.profiles.profile.audio.period_frames, |voice| {
                    voice.period_frames
                }),
        }
    }
}
