//! What the sound side reports.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::actor::Conversation;
use super::event::Event;
use super::notices::Topic;
use super::snapshot::Port;
use crate::audio::{self, Direction, Gate, VoiceSettings};
use crate::base::frame::{FRAME_SAMPLES, Frame};
use crate::base::ids::TurnId;
use crate::base::localized_text::LocalizedText;
use crate::base::severity::Severity;
use crate::base::supervise::restarted;
use crate::base::text::t;
use crate::profile::{BargeIn, EchoCancellation};
use crate::provider;
use crate::turn::machine::{Input, Phase};
use crate::vad::SpeechEvent;

/// Automatic detection: the service wants to be told when the microphone stops for longer than this.
const STREAM_STALLS_AFTER: Duration = Duration::from_secs(1);

/// Looks, one a second, after which sound is let go although no picture of the window was shown.
const SHOWN_WITHIN: u32 = 10;

impl Conversation {
    pub(super) fn on_audio(&mut self, now: Instant, event: audio::VoiceEvent) {
        match event {
            audio::VoiceEvent::Speech(event) => self.on_speech(now, event),
            audio::VoiceEvent::Heard(frame) => self.on_frame(now, &frame),
            audio::VoiceEvent::FirstAudible {
                turn,
                at,
                begun,
                skipped_silence,
            } => {
                if let Some(notes) = self.turns.notes.get_mut(&turn) {
                    notes.timings.begun.get_or_insert(begun);
                }
                self.on_first_audible(now, turn, at, skipped_silence);
            }
            audio::VoiceEvent::Played { turn, heard, .. } => {
                self.feed(now, Input::Played { turn, heard })
            }
            audio::VoiceEvent::ReplyStopped {
                at, ducked, heard, ..
            } => self.feed(now, Input::Silenced { at, ducked, heard }),
            audio::VoiceEvent::Echo(report) => {
                tracing::info!(?report, "echo cancellation");
                self.voice.echo = report;
            }
            audio::VoiceEvent::Ducked(ducked) => {
                self.voice.ducked = ducked;
                if ducked {
                    self.command_voice(audio::VoiceCommand::PollDevices);
                }
            }
            audio::VoiceEvent::Opened(direction, stream) => {
                let port = self.port(direction);
                (port.stream, port.trouble) = (Some(stream), None);
            }
            audio::VoiceEvent::Lost(direction, what) => {
                let port = self.port(direction);
                (port.stream, port.trouble) = (None, Some(what.clone()));
                // The window shows it at the port; who listens without a window is told.
                self.notices.announce(Severity::Warning, what);
            }
            audio::VoiceEvent::Moved {
                what,
                before,
                settled,
                ..
            } => self.on_moved(what, before, settled),
            audio::VoiceEvent::Devices(devices) => {
                self.voice.devices = Arc::new(devices);
            }
            audio::VoiceEvent::DetectorRearmed => {
                self.notice(Severity::Warning, t!("a-steady-sound-was-taken"));
            }
            audio::VoiceEvent::AllZero(zero) => self.on_all_zero(zero),
            audio::VoiceEvent::Restarted(thread) => self.on_restarted(now, thread),
            audio::VoiceEvent::Check(event) => self.on_check(event),
            audio::VoiceEvent::NotWritten(what) => {
                tracing::warn!(%what, "the recording stops");
                self.emit(Event::NotWritten(what));
            }
            audio::VoiceEvent::FileSpoken(file) => {
                if let Some(playlist) = &mut self.playlist {
                    playlist.spoken(file, now);
                }
            }
        }
    }

    /// An audio thread was restarted. What was said until then is an utterance; a reply that sounded ends.
    fn on_restarted(&mut self, now: Instant, thread: audio::AudioThread) {
        tracing::error!(?thread, "an audio thread was restarted");
        // All settings are sent again, and nothing is lowered any more.
        (self.voice.settings, self.voice.ducked) = (None, false);
        if self.turns.machine.phase() == Phase::Replying {
            self.feed(now, Input::StopPressed);
        } else {
            // Also for a turn that was closed early: the end of its patience is not reported any more.
            self.feed(now, Input::SpeechEnded { last_voiced: now });
        }
        let what = format!(
            "{} {}",
            restarted(t!("the-sound")),
            t!("a-reply-that-sounded-may")
        );
        self.notice(Severity::Warning, what);
    }

    /// Takes what befell the recording until the end; else it would end as if all had been written.
    pub(super) fn take_lost_recording(&mut self) {
        while let Ok(event) = self.voice.audio.events.try_recv() {
            if matches!(event, audio::VoiceEvent::NotWritten(_)) {
                self.on_audio(super::clock::now(), event);
            }
        }
    }

    fn on_first_audible(
        &mut self,
        now: Instant,
        turn: TurnId,
        at: Instant,
        skipped_silence: Duration,
    ) {
        let its = self.turns.machine.asked_turn() == Some(turn);
        if let Some(playlist) = self.playlist.as_mut().filter(|_| its) {
            playlist.audible(at);
        }
        self.feed(
            now,
            Input::FirstAudible {
                turn,
                at,
                skipped_silence,
            },
        );
        self.emit(Event::Audible { turn, at });
        self.turns.replay.heard(turn, at);
    }

    /// Another device was taken, or the chosen one is back.
    fn on_moved(&mut self, what: Option<String>, before: Option<String>, settled: bool) {
        if let Some(before) = before {
            self.withdraw(|| &before);
        }
        match what {
            // Nothing to keep in sight; who listens without a window is told.
            Some(what) if settled => self.notices.announce(Severity::Info, what),
            Some(what) => self.notice(Severity::Warning, what),
            None => {}
        }
    }

    fn on_all_zero(&mut self, zero: bool) {
        if zero {
            self.notices.show_about(
                Topic::Sound,
                Severity::Warning,
                LocalizedText::new(|| {
                    t!(
                        "look-for-a-mute-switch",
                        what = t!("the-microphone-gives-no-sound")
                    )
                }),
            );
        } else {
            self.withdraw(|| t!("the-microphone-gives-no-sound"));
        }
    }

    fn on_speech(&mut self, now: Instant, event: SpeechEvent) {
        match event {
            SpeechEvent::Started { first_voiced, lead } => {
                self.withdraw(|| t!("a-steady-sound-was-taken"));
                self.microphone.is_silent = false;
                self.feed(now, Input::SpeechStarted { first_voiced });
                // What leads a new turn has its pre-roll with it.
                self.join_pause(0);
                self.store_speech(&lead);
            }
            SpeechEvent::Frame(frame) => {
                self.turns.lag = Some(now.saturating_duration_since(frame.end()));
                self.store_speech(&[frame]);
            }
            SpeechEvent::SilenceStarted { last_voiced } if !self.microphone.key.is_open() => {
                self.microphone.is_silent = true;
                self.feed(now, Input::SilenceStarted { last_voiced });
            }
            SpeechEvent::SilenceStarted { .. } => {}
            SpeechEvent::Resumed {
                first_voiced,
                pause,
            } => {
                self.microphone.is_silent = false;
                self.resume(now, first_voiced, pause);
            }
            SpeechEvent::Ended { last_voiced } => {
                if let Some(turn) = self.turns.machine.asked_turn() {
                    self.keep_speech(turn, true);
                }
                self.feed(now, Input::SpeechEnded { last_voiced });
            }
        }
    }

    /// Frames of the open utterance: kept until it is answered, and sent as they come.
    pub(super) fn store_speech(&mut self, frames: &[Frame]) {
        let machine = &self.turns.machine;
        let speaking = machine
            .asked_turn()
            .filter(|_| machine.phase() == Phase::Speaking);
        let Some(turn) = speaking else {
            if self.is_manual() {
                self.turns.resend.set_aside(frames);
            }
            return;
        };
        self.turns.resend.add(turn, frames);
        if let Some(notes) = self.turns.notes.get_mut(&turn) {
            notes.samples += (frames.len() * FRAME_SAMPLES) as u64;
        }
        self.keep_speech(turn, false);
        self.warn_of_missing_speech(turn);
        if !self.is_connected() || !self.turns.machine.is_offered() {
            return;
        }
        if self.is_manual() || self.microphone.key.is_open() || !self.settings.voice_activation() {
            if !self.holds_pause() {
                self.send_speech(turn);
            }
        } else {
            // Automatic detection: they were streamed already.
            self.turns.resend.pass_over(turn);
        }
    }

    /// Automatic detection: everything that is heard is sent.
    fn on_frame(&mut self, now: Instant, frame: &Frame) {
        if self.is_manual() || !self.is_connected() {
            return;
        }
        self.provider.streaming = Some(now);
        let samples = super::resend_buffer::to_pcm(std::slice::from_ref(frame));
        self.stream(samples);
    }

    /// Automatic detection: a microphone that has stopped is reported once, so that the service flushes what it holds.
    pub(super) fn end_stalled_stream(&mut self, now: Instant) {
        if self
            .provider
            .streaming
            .is_some_and(|last| now.saturating_duration_since(last) > STREAM_STALLS_AFTER)
        {
            self.provider.streaming = None;
            if self.is_connected() {
                self.send(provider::ProviderCommand::StopStream);
            }
        }
    }

    fn port(&mut self, direction: Direction) -> &mut Port {
        match direction {
            Direction::Input => &mut self.voice.input,
            Direction::Output => &mut self.voice.output,
        }
    }

    /// Hands microphone and speaker what is wanted of them now, if that is another thing than before.
    pub(super) fn sync_voice(&mut self) {
        let settings = self.voice_settings();
        if self.voice.settings.as_deref() != Some(&settings) {
            tracing::debug!(gate = ?settings.gate, patience = ?settings.patience, "voice settings");
            let settings = Arc::new(settings);
            let sent = self.command_voice_now(audio::VoiceCommand::Settings(Arc::clone(&settings)));
            // What was not taken is sent again with the next event.
            self.voice.settings = Some(settings).filter(|_| sent);
        }
    }

    fn voice_settings(&self) -> VoiceSettings {
        // Another period reopens the devices: that waits for a pause.
        let running = self
            .voice
            .settings
            .as_ref()
            .map(|voice| voice.period_frames);
        let running = running.filter(|_| !self.turns.machine.is_quiet());
        VoiceSettings {
            profile: Arc::clone(&self.profiles.profile),
            period_frames: running.unwrap_or(self.profiles.profile.audio.period_frames),
            patience: self.turns.machine.patience(),
            gate: self.gate(),
            barge_in: self.barge_in().0,
            echo: self.echo_policy(),
            volume: self.voice.volume,
            hold_replies: self.voice.window_wait.is_some() || self.turns.machine.is_closed_early(),
            awaits_reply: !self.turns.machine.is_quiet(),
            input: self.voice.input.choice.clone(),
            output: self.voice.output.choice.clone(),
        }
    }

    /// What of the microphone is wanted.
    fn gate(&self) -> Gate {
        match (
            self.microphone.muted,
            self.microphone.key.is_open(),
            self.is_manual(),
        ) {
            (true, ..) => Gate::Muted,
            _ if self.spending.is_closed() => Gate::Closed,
            (_, true, _) => Gate::Held,
            _ if !self.settings.voice_activation() => Gate::Closed,
            (_, _, true) => Gate::Voice,
            (_, _, false) => Gate::Everything,
        }
    }

    fn echo_policy(&self) -> audio::EchoPolicy {
        match self.settings.echo_cancellation(&self.profiles.profile) {
            // What a file says is what it says: no speaker reaches it.
            _ if self.playlist.is_some() => audio::EchoPolicy::Off,
            EchoCancellation::On => audio::EchoPolicy::On,
            EchoCancellation::Off => audio::EchoPolicy::Off,
            EchoCancellation::Auto => audio::EchoPolicy::Auto {
                headset: self.has_headset(),
            },
        }
    }

    /// The same as the user sees it: whom the microphone does not hear cannot interrupt, whatever the profile says.
    pub(super) fn shown_barge_in(&self) -> (bool, String) {
        if self.microphone.muted {
            return (false, t!("muted-esc-stops-a-reply").into());
        }
        if self.spending.is_closed() {
            return (false, t!("spend-limit-reached-esc-stops").into());
        }
        if self.microphone().stream.is_none() {
            return (false, t!("no-microphone-esc-stops-a").into());
        }
        self.barge_in()
    }

    /// The microphone as it is open. Files that are spoken in its place are none.
    pub(super) fn microphone(&self) -> Port {
        let mut port = self.voice.input.clone();
        if self.playlist.is_some() {
            port.stream = None;
        }
        port
    }

    /// The devices that can be chosen; of files there is no choice.
    pub(super) fn shown_devices(&self) -> Arc<audio::Devices> {
        if self.playlist.is_none() {
            return Arc::clone(&self.voice.devices);
        }
        Arc::new(audio::Devices {
            host: "none".into(),
            inputs: Vec::new(),
            outputs: self.voice.devices.outputs.clone(),
        })
    }

    /// The window is on its way, and its sound waits for it; or its first picture is there.
    pub(super) fn set_shown(&mut self, shown: bool) {
        self.voice.window_wait = (!shown).then_some(SHOWN_WITHIN);
    }

    /// Once a second: a window that does not come keeps nobody silent.
    pub(super) fn show_in_time(&mut self) {
        self.voice.window_wait = self.voice.window_wait.map(|left| left.saturating_sub(1));
        if self.voice.window_wait == Some(0) {
            self.set_shown(true);
        }
    }

    /// Whether speech interrupts a reply, and why or why not.
    pub(super) fn barge_in(&self) -> (bool, String) {
        match self.profiles.profile.turn.barge_in {
            _ if !self.settings.voice_activation() => {
                (false, t!("the-talk-key-interrupts-speech").into())
            }
            BargeIn::On => (true, t!("speak-to-interrupt-always-on").into()),
            BargeIn::Off => (false, t!("speech-does-not-interrupt-switched").into()),
            BargeIn::Auto if self.playlist.is_some() => {
                (true, t!("speak-to-interrupt-sound-files").into())
            }
            BargeIn::Auto if self.has_headset() && !self.voice.echo.on => {
                (true, t!("speak-to-interrupt-headset").into())
            }
            BargeIn::Auto if self.voice.echo.on => {
                (true, t!("speak-to-interrupt-echo-cancellation").into())
            }
            BargeIn::Auto if self.voice.echo.is_safe() => {
                (true, t!("speak-to-interrupt-the-microphone").into())
            }
            BargeIn::Auto => (false, t!("speech-does-not-interrupt-over").into()),
        }
    }

    fn has_headset(&self) -> bool {
        let stream = self.voice.output.stream.as_ref();
        stream.is_some_and(|stream| stream.device.headset)
    }
}
