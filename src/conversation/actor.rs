//! The conversation: one task, one loop, one enum. It feeds the turn machine and performs what it decides.
//!
//! ```text
//!  user ── Command ──▶ ┌────────────┐ ──▶ audio::VoiceCommand        settings, play, stop
//!  audio ── Event ───▶ │conversation│ ──▶ provider::ProviderCommand  utterances, text
//!  provider ─ Event ─▶ │ (machine)  │ ──▶ Snapshot (newest wins), Event (every one counts)
//!  files ── change ──▶ └────────────┘
//! ```
//!
//! The handlers of each side are in `on_voice.rs`, `on_provider.rs`, `on_command.rs` and `on_telemetry.rs`; what the user sees is
//! made in `snapshot_builder.rs`.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tracing::debug;

use super::clock::now;
use super::command;
use super::event::Event;
use super::file_playlist::{FilePlaylist, PlaylistAction};
use super::files::{FileEvent, Files};
use super::microphone::MicrophoneControl;
use super::profile_control::ProfileControl;
use super::provider_link::ProviderLink;
use super::snapshot::Snapshot;
use super::snapshot::Speaker;
use super::telemetry_link::TelemetryLink;
use super::turn_notes::TurnNotes;
use super::turns::Turns;
use super::voice_link::VoiceLink;
use crate::audio;
use crate::base::counters::Counters;
use crate::base::frame::Pcm;
use crate::base::ids::TurnId;
use crate::base::severity::Severity;
use crate::base::text::t;
use crate::base::thread::aside;
use crate::provider::{self, ReplyAudio};
use crate::store::StoreEvent;
use crate::telemetry::Signal;
use crate::turn::machine::{Action, Input, Phase};

/// How often what has no event of its own is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How long the sound side may take to tell at the end how much of a reply was heard: a flush takes one or two periods.
const SILENT_WITHIN: Duration = Duration::from_millis(80);
/// How long the provider may take to close the connection at the end.
const GOODBYE_WITHIN: Duration = Duration::from_millis(150);

/// See the drawing above. Each part owns its state.
pub(super) struct Conversation {
    pub(super) turns: Turns,
    pub(super) voice: VoiceLink,
    pub(super) provider: ProviderLink,
    pub(super) microphone: MicrophoneControl,
    pub(super) profiles: ProfileControl,
    /// Files in place of a microphone.
    pub(super) playlist: Option<FilePlaylist>,
    pub(super) check: Option<super::shown_check::ShownCheck>,
    pub(super) notices: super::notices::Notices,
    pub(super) spending: super::spending::Spending,
    pub(super) settings: super::settings::Settings,
    pub(super) files: Files,
    pub(super) shown_settings: super::shown_settings::ShownSettings,
    pub(super) telemetry: TelemetryLink,
    pub(super) counters: Arc<Counters>,
    pub(super) outputs: Outputs,
}

/// Who sees and hears of the conversation.
pub(super) struct Outputs {
    pub(super) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(super) events: mpsc::Sender<Event>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on the stack: a box would allocate for each"
)]
enum LoopEvent {
    Command(Option<command::Command>),
    Audio(Option<audio::VoiceEvent>),
    Provider(Option<provider::ProviderEvent>),
    File(FileEvent),
    Deadline,
    Tick,
    Telemetry(Signal),
    Store(StoreEvent),
    /// The provider takes more.
    ProviderHasRoom,
}

/// What a snapshot is compared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// All but the meters, which move with every message.
    Changes,
    /// The meters too.
    Everything,
}

impl LoopEvent {
    /// What may look different after it. A frame of the microphone changes nothing by itself, and comes 100 times a second.
    const fn shows(&self) -> Option<Shows> {
        use crate::vad::SpeechEvent;
        use audio::VoiceEvent;
        let nothing = matches!(
            self,
            Self::ProviderHasRoom
                | Self::Audio(Some(
                    VoiceEvent::Heard(_) | VoiceEvent::Speech(SpeechEvent::Frame(_))
                ))
        );
        if nothing {
            None
        } else if matches!(self, Self::Tick) {
            Some(Shows::Everything)
        } else {
            Some(Shows::Changes)
        }
    }
}

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Over,
}

impl Conversation {
    /// Runs until the user quits or a part that cannot be done without is gone.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<command::Command>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        self.apply_turn_settings();
        self.sync_voice();
        self.publish(Shows::Everything);
        loop {
            let event = self.next(&mut commands, &mut tick).await;
            let shows = event.shows();
            if self.dispatch(event) == Flow::Over {
                break;
            }
            self.perform();
            self.stop_turns_for_check(now());
            self.close_if_spent();
            self.ask_by_itself(now());
            self.poll_playlist();
            self.retry_with_new_setup();
            self.reconnect_if_due();
            self.sync_voice();
            let waiting = u32::try_from(self.provider.outbox.len()).unwrap_or(u32::MAX);
            self.counters.outbox.store(waiting, Relaxed);
            self.emit_announced();
            if let Some(shows) = shows {
                self.publish(shows);
            }
        }
        self.finish().await;
    }

    async fn next(
        &mut self,
        commands: &mut mpsc::Receiver<command::Command>,
        tick: &mut tokio::time::Interval,
    ) -> LoopEvent {
        let now = now();
        let playlist = self
            .playlist
            .as_ref()
            .and_then(|playlist| playlist.poll_timeout(now));
        let deadline = [
            self.turns.machine.poll_timeout(),
            playlist,
            self.microphone.key.poll_timeout(),
            self.late_at(),
        ];
        let deadline = deadline.into_iter().flatten().min();
        let sleep = deadline.map(|at| tokio::time::sleep_until(at.into()));
        tokio::select! {
            biased;
            command = commands.recv() => LoopEvent::Command(command),
            _ = self.provider.handle.commands.reserve(), if !self.provider.outbox.is_empty() => LoopEvent::ProviderHasRoom,
            event = self.provider.handle.events.recv() => LoopEvent::Provider(event),
            event = self.voice.audio.events.recv() => LoopEvent::Audio(event),
            event = self.files.next() => LoopEvent::File(event),
            () = async { if let Some(sleep) = sleep { sleep.await } }, if deadline.is_some() => LoopEvent::Deadline,
            _ = tick.tick() => LoopEvent::Tick,
            signal = self.telemetry.handle.next() => LoopEvent::Telemetry(signal),
            event = self.turns.keeping.store.next() => LoopEvent::Store(event),
        }
    }

    fn dispatch(&mut self, event: LoopEvent) -> Flow {
        let now = now();
        match event {
            LoopEvent::Command(None | Some(command::Command::Quit)) => return Flow::Over,
            LoopEvent::Command(Some(command)) => self.on_command(now, command),
            LoopEvent::Audio(None) => return self.lost_part(t!("the-sound-thread")),
            LoopEvent::Audio(Some(event)) => self.on_audio(now, event),
            LoopEvent::Provider(Some(event)) => self.on_provider(now, event),
            LoopEvent::File(event) => self.on_file(event),
            // Each of these tasks ends only when it is told to, or when it failed: nothing can go on without it.
            LoopEvent::Provider(None) => return self.lost_part(t!("the-connection-task")),
            LoopEvent::ProviderHasRoom => self.send_waiting(),
            LoopEvent::Deadline => {
                self.turns.machine.handle_timeout(now);
                self.close_in_time(now);
                self.show_late(now);
            }
            LoopEvent::Tick => self.tick(now),
            LoopEvent::Telemetry(signal) => self.on_telemetry(signal),
            LoopEvent::Store(event) => self.on_store(event),
        }
        Flow::On
    }

    /// Does what the machine decided, in its order.
    pub(super) fn perform(&mut self) {
        self.perform_with(None);
    }

    /// The same, where it was asked about a piece of a reply.
    pub(super) fn perform_with(&mut self, mut audio: Option<ReplyAudio>) {
        while let Some(action) = self.turns.machine.poll_action() {
            debug!(?action, "turn");
            match action {
                Action::Begin(turn) => self.begin_turn(turn),
                Action::Continue(turn) => self.continue_turn(turn),
                Action::End(turn) => self.end_turn(turn),
                Action::Play(turn) => self.play(turn, audio.take()),
                Action::EndReply(turn) => self.command_voice(audio::VoiceCommand::EndReply(turn)),
                Action::Replay(turn) => self.play_again(turn),
                Action::StopReply => {
                    self.turns.replay.flushed();
                    // Ahead of the settings, which may let go what is dropped here.
                    self.command_voice_now(audio::VoiceCommand::StopReply);
                }
                Action::Replace(silence) => self.replace_link(silence),
                Action::Close(closed) => self.close(*closed),
            }
        }
    }

    /// Sends a command to the audio threads, behind the settings that hold now. When they have ended, their event channel
    /// says so, and the loop ends with it.
    pub(super) fn command_voice(&mut self, command: audio::VoiceCommand) {
        self.sync_voice();
        self.command_voice_now(command);
    }

    /// The same without the settings. Says whether it was taken.
    pub(super) fn command_voice_now(&mut self, command: audio::VoiceCommand) -> bool {
        let sent = self.voice.audio.send(command);
        sent.inspect_err(|problem| tracing::warn!(%problem, "sound"))
            .is_ok()
    }

    /// Feeds the machine and performs what it decides.
    pub(super) fn feed(&mut self, now: Instant, input: Input) {
        self.turns.machine.handle(now, input);
        self.note_opened();
        self.perform();
    }

    /// Whether our detector decides about turns on this connection; another choice is for the next one.
    pub(super) fn is_manual(&self) -> bool {
        self.turns.machine.is_manual()
    }

    fn play(&mut self, turn: TurnId, audio: Option<ReplyAudio>) {
        if let Some(ReplyAudio { rate, samples, .. }) = audio {
            self.withdraw_late(turn);
            if let Some(notes) = self.turns.notes.get_mut(&turn) {
                notes.answer.hear(rate, &samples);
            }
            self.turns.replay.keep(turn, rate, &samples);
            self.command_voice(audio::VoiceCommand::Play(Pcm {
                turn,
                rate,
                samples,
            }));
        }
    }

    /// A turn of the user began: what is counted until its end is counted from here.
    pub(super) fn note_opened(&mut self) {
        let Some(turn) = self.turns.machine.asked_turn() else {
            return;
        };
        if self.turns.notes.contains_key(&turn) {
            return;
        }
        let notes = self.take_kept(turn).unwrap_or_else(|| {
            let playlist = self.playlist.as_ref();
            let name = playlist.and_then(|playlist| playlist.name(playlist.file()?));
            TurnNotes {
                input: name.map(str::to_owned),
                ..TurnNotes::default()
            }
        });
        self.begin_notes(turn, notes);
        if let Some(playlist) = &mut self.playlist {
            playlist.turn_opened();
        }
        self.turns.captions.add(turn, Speaker::User, "");
    }

    /// Counts a turn of the user, and begins what is noted of it.
    pub(super) fn begin_notes(&mut self, turn: TurnId, known: TurnNotes) {
        self.turns.count += 1;
        let notes = TurnNotes {
            number: self.turns.count,
            underruns: self.counters.underruns.get(),
            capture_dropped: self.counters.capture_dropped.get(),
            ..known
        };
        self.turns.notes.insert(turn, notes);
    }

    fn poll_playlist(&mut self) {
        let waits = self.turns.asking.kept.iter().any(|kept| kept.by_itself);
        let quiet = self.turns.machine.is_quiet() && self.is_connected() && !waits;
        while let Some(action) = self
            .playlist
            .as_mut()
            .and_then(|playlist| playlist.poll(now(), quiet))
        {
            match action {
                PlaylistAction::Speak { .. } if self.spending.is_reached() => {
                    return self.stop_files();
                }
                PlaylistAction::Speak { lead, .. } => {
                    self.command_voice(audio::VoiceCommand::SpeakNext { lead })
                }
                PlaylistAction::NoSpeech(file) => {
                    let playlist = self.playlist.as_ref();
                    let name = playlist.and_then(|playlist| playlist.name(file));
                    let name = name.unwrap_or_default();
                    self.notice(Severity::Warning, t!("no-speech-was-found-in", name));
                }
                PlaylistAction::Over => self.emit(Event::InputOver),
            }
        }
    }

    /// Tells a listener that every event counts for, behind what was announced before; one that has stopped listening is not
    /// waited for.
    pub(super) fn emit(&mut self, event: Event) {
        self.emit_announced();
        self.emit_now(event);
    }

    pub(super) fn emit_now(&mut self, event: Event) {
        if let Err(mpsc::error::TrySendError::Full(event)) = self.outputs.events.try_send(event) {
            // The kind alone: events hold what was said.
            tracing::warn!(event = event.name(), "nobody takes the events");
        }
    }

    fn lost_part(&mut self, what: &str) -> Flow {
        self.emit(Event::Broken(t!("ended-unexpectedly", what)));
        Flow::Over
    }

    /// Once a second: what has no event of its own.
    fn tick(&mut self, now: Instant) {
        for what in self.settings.failures().take() {
            self.notice(Severity::Warning, what);
        }
        self.check_spending();
        self.keep_open_turn();
        self.end_stalled_stream(now);
        self.notices.forget_old(now);
        self.turns.replay.forget_old(now);
        self.show_in_time();
        self.end_late_check(now);
    }

    /// Stops a reply that sounds and waits until the sound side has told how much of it was heard.
    async fn stop_reply_and_wait(&mut self) {
        if self.turns.machine.phase() == Phase::Replying {
            self.feed(now(), Input::StopPressed);
        }
        let silent_at = tokio::time::Instant::now() + SILENT_WITHIN;
        while self.turns.machine.is_silencing() {
            match tokio::time::timeout_at(silent_at, self.voice.audio.events.recv()).await {
                Ok(Some(event)) => self.on_audio(now(), event),
                Ok(None) | Err(_) => return,
            }
        }
    }

    async fn finish(mut self) {
        self.stop_reply_and_wait().await;
        self.take_lost_recording();
        self.turns.asking.over = true;
        self.turns.machine.handle(now(), Input::Quit);
        self.perform();
        self.count_unasked();
        for problem in self.files.finish().await {
            self.notice(Severity::Warning, problem);
        }
        self.spending.finish(&mut self.notices).await;
        let (summary, outputs) = self.telemetry.handle.finish().await;
        for output in outputs {
            self.on_output(output);
        }
        if let Some(problem) = self.turns.keeping.store.finish().await {
            self.notice(Severity::Warning, problem);
        }
        self.emit(Event::Over(Box::new(summary)));
        self.publish(Shows::Everything);
        // The provider says goodbye to the service when nobody gives it commands any more.
        let provider::ProviderHandle {
            commands,
            controls,
            events,
            task,
            ..
        } = self.provider.handle;
        drop((commands, controls, events));
        tokio::time::timeout(GOODBYE_WITHIN, task).await.ok();
        // Joins threads, for at most 300 ms: not on a worker of the runtime.
        aside("sound-end", move || self.voice.audio.shut_down()).await;
    }
}
