//! The worker: processes commands and captured sound, and reports events. It has no clock and no thread of its own:
//! [`Worker::tick`] is called with the time, by a thread in real life and by a driver on simulated time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender};

use super::capture::CaptureEnd;
use super::command::VoiceCommand;
use super::event::{AudioThread, VoiceEvent};
use super::microphone::{InputStream, Microphone, Surroundings};
use super::playback::{DuckLevel, PlaybackEnd};
use super::rest_switch::RestSwitch;
use super::settings::VoiceSettings;
use super::sound_check::RunningCheck;
use super::speaker::SpeakerPipeline;
use crate::base::counters::Counters;
use crate::base::frame::FRAME_SAMPLES;
use crate::base::ids::TurnId;
use crate::profile::Profile;
use crate::vad::SpeechEvent;
use crate::vad::barge_in::ReplyAction;

/// Maximum number of events that wait if the conversation does not read: five seconds of frames. Beyond it frames are
/// lost and counted; nothing else is ever dropped.
const WAITING: usize = 512;

pub(super) enum ToWorker {
    Command(VoiceCommand),
    /// From the stream manager: a stream was opened.
    Input {
        end: CaptureEnd,
        rest: Arc<RestSwitch>,
        /// Whether all-zero input is a fault.
        watch_zeros: bool,
    },
    /// From the stream manager: a stream was opened.
    Output {
        end: PlaybackEnd,
        rest: Arc<RestSwitch>,
    },
    /// From the stream manager: there is no microphone any more.
    NoInput,
    /// From the stream manager: there is no speaker any more.
    NoOutput,
}

pub(super) struct Worker {
    inbox: Receiver<ToWorker>,
    outbox: Outbox,
    microphone: Microphone,
    speaker: SpeakerPipeline,
    settings: Arc<VoiceSettings>,
    /// Last reported state of ducking.
    ducked: bool,
    /// The running sound check, and the number of checks so far.
    check: Option<RunningCheck>,
    checks: u64,
    counters: Arc<Counters>,
    events: Vec<VoiceEvent>,
}

impl Worker {
    pub(super) fn new(
        profile: &Arc<Profile>,
        counters: Arc<Counters>,
        inbox: Receiver<ToWorker>,
        events: Sender<VoiceEvent>,
    ) -> Self {
        let audio = &profile.audio;
        Self {
            inbox,
            outbox: Outbox {
                sender: events,
                waiting: VecDeque::new(),
                lost: 0,
            },
            microphone: Microphone::new(profile, counters.clone()),
            speaker: SpeakerPipeline::new(audio.resampler_taps, audio.prebuffer, counters.clone()),
            settings: Arc::new(VoiceSettings::new(Arc::clone(profile))),
            ducked: false,
            check: None,
            checks: 0,
            counters,
            events: Vec::new(),
        }
    }

    /// Does all that is due; returns the latest time of the next call.
    pub(super) fn tick(&mut self, now: Instant) -> Option<Instant> {
        while let Ok(message) = self.inbox.try_recv() {
            self.handle_message(message, now);
        }
        self.speaker
            .set_reference_mode(self.microphone.reference_mode());
        let deadline = self.speaker.tick(now, &mut self.events);
        if let Some(check) = &mut self.check {
            check.take_own(&mut self.events);
        }
        let playing = self.speaker.is_sounding(now);
        let in_the_room = self.speaker.is_in_the_room(now);
        let around = Surroundings {
            playing,
            tail: !playing && in_the_room,
            blocked: !self.settings.barge_in && in_the_room,
        };
        let mut lost = 0;
        let speaker = &mut self.speaker;
        let mut render_frame = |captured| speaker.render_frame(captured);
        // Before the ring is emptied: the fill is what callbacks delivered since the last tick.
        let waits = self.microphone.queued();
        self.microphone
            .tick(now, around, &mut render_frame, &mut lost, &mut self.events);
        self.counters.capture_queued.set(waits);
        self.counters.reply_queued.set(self.speaker.queued());
        // Most ticks have no new sound; the delay is that of sound.
        if !waits.is_zero() {
            self.counters.chain_delay.set(self.microphone.delay());
        }
        if let Some(action) = self.microphone.take_action() {
            self.speaker.set_level(level(action));
        }
        self.report_lowered();
        self.check_sound(now);
        let expected =
            self.settings.awaits_reply || self.microphone.is_hearing() || self.check.is_some();
        let rests = self.speaker.rest(expected, now);
        self.microphone.rest(rests);
        self.outbox.send(&mut self.events);
        lost += self.outbox.take_lost();
        if lost > 0 {
            self.counters.capture_dropped.add(lost);
        }
        deadline
    }

    fn handle_message(&mut self, message: ToWorker, now: Instant) {
        match message {
            ToWorker::Command(command) => self.handle_command(command, now),
            ToWorker::Input {
                end,
                rest,
                watch_zeros,
            } => {
                let new = InputStream::new(end, rest, watch_zeros);
                self.microphone.attach(new, now, &mut self.events);
                self.decide_echo();
            }
            ToWorker::Output { end, rest } => {
                self.speaker.attach(end, rest, now);
                self.microphone.speaker_changed();
                self.decide_echo();
            }
            ToWorker::NoInput => self.microphone.detach(&mut self.events),
            ToWorker::NoOutput => self.speaker.detach(now),
        }
    }

    /// Another device: what was heard of the last one says nothing of this one.
    fn decide_echo(&mut self) {
        self.microphone
            .set_echo(self.settings.echo, &mut self.events);
    }

    fn handle_command(&mut self, command: VoiceCommand, now: Instant) {
        match command {
            VoiceCommand::Settings(settings) => self.apply(settings),
            VoiceCommand::Play(pcm) => self.speaker.play(pcm, now),
            VoiceCommand::EndReply(turn) => self.speaker.end_reply(turn),
            VoiceCommand::StopReply => self.speaker.flush(now, &mut self.events),
            VoiceCommand::CheckSound { with_voice } => {
                self.cancel_check(now);
                self.begin_check(with_voice);
            }
            VoiceCommand::CancelCheck => self.cancel_check(now),
            // For the stream manager, or the files.
            #[cfg(test)]
            VoiceCommand::Panic(_) => panic!("asked to"),
            VoiceCommand::PollDevices | VoiceCommand::SpeakNext { .. } => {}
        }
    }

    /// Restarts after a panic with the current settings. The streams must be reopened.
    pub(super) fn restart(&mut self) {
        let (profile, counters) = (&self.settings.profile, &self.counters);
        let audio = &profile.audio;
        self.microphone = Microphone::new(profile, counters.clone());
        self.speaker =
            SpeakerPipeline::new(audio.resampler_taps, audio.prebuffer, counters.clone());
        (self.check, self.ducked) = (None, false);
        self.events.clear();
        self.events.push(VoiceEvent::Restarted(AudioThread::Worker));
        let settings = Arc::clone(&self.settings);
        self.settings = Arc::new(VoiceSettings::new(Arc::clone(&settings.profile)));
        self.apply(settings);
        self.outbox.send(&mut self.events);
    }

    /// Applies the differences to the previous settings. Frames are created between two calls of [`Self::tick`] only,
    /// so that each frame meets all of them or none.
    fn apply(&mut self, settings: Arc<VoiceSettings>) {
        let before = std::mem::replace(&mut self.settings, Arc::clone(&settings));
        let (microphone, events) = (&mut self.microphone, &mut self.events);
        if before.profile != settings.profile {
            microphone.set_profile(&settings.profile);
            let audio = &settings.profile.audio;
            self.speaker
                .set_profile(audio.resampler_taps, audio.prebuffer);
        }
        microphone.set_patience(settings.patience);
        if before.gate != settings.gate {
            microphone.set_gate(settings.gate, events);
        }
        if before.echo != settings.echo {
            microphone.set_echo(settings.echo, events);
        }
        self.speaker.set_volume(settings.volume);
        self.speaker.hold(settings.hold_replies);
    }

    fn report_lowered(&mut self) {
        let lowered = self.speaker.is_lowered();
        if lowered != self.ducked {
            self.ducked = lowered;
            self.events.push(VoiceEvent::Ducked(lowered));
        }
    }

    fn begin_check(&mut self, with_voice: bool) {
        // A new id each time, far from those of turns: the queue drops late chunks of flushed turns.
        self.checks += 1;
        let turn = TurnId(u64::MAX - self.checks);
        self.check = Some(RunningCheck::new(with_voice, turn, self.settings.volume));
        self.microphone.tap(true, &mut self.events);
    }

    fn cancel_check(&mut self, now: Instant) {
        if let Some(check) = self.check.take() {
            self.microphone.tap(false, &mut self.events);
            if check.plays() {
                self.speaker.flush(now, &mut self.events);
            }
        }
    }

    /// Feeds the check with the microphone's frames.
    fn check_sound(&mut self, now: Instant) {
        let Some(check) = &mut self.check else { return };
        let mut goes_on = true;
        for frame in self.microphone.take_tapped() {
            let (play, on) = check.push(frame, &mut self.events);
            if let Some(pcm) = play {
                let turn = pcm.turn;
                self.speaker.play(pcm, now);
                self.speaker.end_reply(turn);
            }
            goes_on &= on;
        }
        let waits = check.waits();
        if !goes_on {
            self.check = None;
            self.microphone.tap(false, &mut self.events);
            if waits {
                // Otherwise it would sound unexpectedly when a speaker is plugged in.
                self.speaker.flush(now, &mut self.events);
            }
        }
    }
}

fn level(action: ReplyAction) -> DuckLevel {
    match action {
        ReplyAction::Duck => DuckLevel::Ducked,
        ReplyAction::Pause => DuckLevel::Zero,
        ReplyAction::Restore => DuckLevel::Full,
    }
}

/// Ordered queue of events to the conversation.
struct Outbox {
    sender: Sender<VoiceEvent>,
    waiting: VecDeque<VoiceEvent>,
    /// Samples lost since the last call.
    lost: u64,
}

impl Outbox {
    fn send(&mut self, events: &mut Vec<VoiceEvent>) {
        if events.is_empty() && self.waiting.is_empty() {
            return;
        }
        self.waiting.extend(events.drain(..));
        while let Some(event) = self.waiting.pop_front() {
            match self.sender.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    break;
                }
                Err(TrySendError::Closed(_)) => {
                    self.waiting.clear();
                    break;
                }
            }
        }
        while self.waiting.len() > WAITING {
            let Some(oldest) = self.waiting.iter().position(is_frame) else {
                break;
            };
            self.waiting.remove(oldest);
            self.lost += FRAME_SAMPLES as u64;
        }
    }

    fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

fn is_frame(event: &VoiceEvent) -> bool {
    matches!(
        event,
        VoiceEvent::Heard(_) | VoiceEvent::Speech(SpeechEvent::Frame(_))
    )
}
