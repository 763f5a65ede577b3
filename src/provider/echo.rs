//! A provider in this process for tests: it answers with the voice of the user, without a socket, and decides itself when a
//! turn is over.
//!
//! ```text
//!  quiet ── loud frames ──▶ hearing ── silence, or the stream stops ──▶ answering ──▶ quiet
//!                              ▲────────── loud frames: interrupted ────────┘
//! ```

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::turn_cost::Pricing;
use super::{
    Capabilities, Control, ProviderCommand, ProviderEvent, ProviderHandle, Ready, ReplyAudio,
    Service, SessionConfig, Speaker, TurnDetection,
};
use crate::base::frame::FRAME_SAMPLES;
use crate::base::units::SampleRate;

/// Commands, controls and events that may wait.
const WAITING: usize = 64;
/// Root mean square of a frame that counts as voice: -44 dB of full scale.
const LOUD: u64 = 200;
/// Frames of voice that begin an utterance, and of silence that end it.
const ONSET_FRAMES: usize = 5;
const SILENT_FRAMES: usize = 60;
/// Frames from before the voice that belong to it.
const PREROLL_FRAMES: usize = 20;
/// A piece of an answer, and how often one is given: twice as fast as it sounds.
const PIECE: Duration = Duration::from_millis(100);
const PIECE_EVERY: Duration = Duration::from_millis(50);
/// What answers a text: a hum so long.
const HUM: Duration = Duration::from_millis(800);

/// Starts the provider on the current runtime. It is connected at once.
#[must_use]
pub fn spawn() -> ProviderHandle {
    let (commands, commands_in) = mpsc::channel(WAITING);
    let (controls, controls_in) = mpsc::channel(WAITING);
    let (events_in, events) = mpsc::channel(WAITING);
    let echo = Echo {
        commands: commands_in,
        controls: controls_in,
        events: events_in,
        connections: 0,
        heard: Vec::new(),
        loud: 0,
        silent: 0,
        answer: VecDeque::new(),
        due: Instant::now(),
    };
    ProviderHandle {
        commands,
        controls,
        events,
        task: tokio::spawn(async move {
            // Nobody listens any more: that is the end.
            echo.run().await;
        }),
        history: watch::Sender::default(),
        service: Arc::new(EchoService),
    }
}

struct EchoService;

impl Service for EchoService {
    fn capabilities(&self, _: &SessionConfig) -> Capabilities {
        Capabilities {
            turns: TurnDetection::Service,
        }
    }

    fn pricing(&self, _: &str, _: &str) -> Pricing {
        Pricing::Free
    }

    fn successor(&self, _: &str) -> Option<&'static str> {
        None
    }
}

struct Echo {
    commands: mpsc::Receiver<ProviderCommand>,
    controls: mpsc::Receiver<Control>,
    events: mpsc::Sender<ProviderEvent>,
    connections: u32,
    /// The utterance, or what may lead one.
    heard: Vec<i16>,
    /// Frames of voice in a row before the utterance; all of them once it has begun.
    loud: usize,
    silent: usize,
    /// Pieces that were not given yet.
    answer: VecDeque<Vec<i16>>,
    due: Instant,
}

impl Echo {
    /// Runs until its owner is gone.
    async fn run(mut self) -> Option<()> {
        self.connect(false).await?;
        loop {
            let (due, answers) = (self.due, !self.answer.is_empty());
            tokio::select! {
                biased;
                control = self.controls.recv() => self.control(control?).await?,
                command = self.commands.recv() => self.command(command?).await?,
                () = tokio::time::sleep_until(due), if answers => self.give().await?,
            }
        }
    }

    async fn tell(&self, event: ProviderEvent) -> Option<()> {
        self.events.send(event).await.ok()
    }

    async fn connect(&mut self, resumed: bool) -> Option<()> {
        self.connections += 1;
        (self.loud, self.silent) = (0, 0);
        self.heard.clear();
        self.answer.clear();
        self.tell(ProviderEvent::Connecting { attempt: 1 }).await?;
        let ready = Ready {
            connection: self.connections,
            resumed,
            told: 0,
            capabilities: EchoService.capabilities(&SessionConfig::default()),
            other_version: None,
        };
        self.tell(ProviderEvent::Ready(ready)).await
    }

    async fn control(&mut self, control: Control) -> Option<()> {
        match control {
            Control::Roll(_) | Control::Replace => self.connect(true).await,
            Control::Redial(..) => self.connect(false).await,
            Control::RetryNow => Some(()),
            #[cfg(test)]
            Control::Panic => panic!("asked to"),
        }
    }

    async fn command(&mut self, command: ProviderCommand) -> Option<()> {
        match command {
            ProviderCommand::Audio(samples) => {
                for frame in samples.chunks(FRAME_SAMPLES) {
                    self.hear(frame).await?;
                }
                Some(())
            }
            ProviderCommand::StopStream if self.is_hearing() => self.answer().await,
            ProviderCommand::Text(text) => {
                let at = Instant::now().into_std();
                self.tell(ProviderEvent::EndSent { at }).await?;
                self.interrupt().await?;
                let speaker = Speaker::Assistant;
                self.tell(ProviderEvent::Transcript { speaker, text })
                    .await?;
                let samples = SampleRate::WORKING.samples_in(HUM);
                self.say((0..samples).map(|n| if n / 40 % 2 == 0 { 4_000 } else { -4_000 }));
                Some(())
            }
            // This program does not decide about turns here.
            ProviderCommand::StartUtterance
            | ProviderCommand::ContinueUtterance
            | ProviderCommand::EndUtterance
            | ProviderCommand::StopStream => Some(()),
        }
    }

    fn is_hearing(&self) -> bool {
        self.loud >= ONSET_FRAMES
    }

    async fn hear(&mut self, frame: &[i16]) -> Option<()> {
        let square = |sample: &i16| u64::from(sample.unsigned_abs()).pow(2);
        let power = frame.iter().map(square).sum::<u64>() / frame.len().max(1) as u64;
        self.heard.extend(frame);
        if power >= LOUD * LOUD {
            let was_hearing = self.is_hearing();
            (self.loud, self.silent) = (self.loud + 1, 0);
            if self.is_hearing() && !was_hearing {
                self.interrupt().await?;
            }
        } else if self.is_hearing() {
            self.silent += 1;
            if self.silent >= SILENT_FRAMES {
                self.answer().await?;
            }
        } else {
            self.loud = 0;
            let over = self
                .heard
                .len()
                .saturating_sub(PREROLL_FRAMES * FRAME_SAMPLES);
            self.heard.drain(..over);
        }
        Some(())
    }

    /// The user speaks, or writes, into the answer.
    async fn interrupt(&mut self) -> Option<()> {
        if self.answer.is_empty() {
            return Some(());
        }
        self.answer.clear();
        self.tell(ProviderEvent::Interrupted).await?;
        self.tell(ProviderEvent::TurnComplete { goes_on: false })
            .await
    }

    async fn answer(&mut self) -> Option<()> {
        let heard = std::mem::take(&mut self.heard);
        let voiced = heard.len().saturating_sub(self.silent * FRAME_SAMPLES);
        (self.loud, self.silent) = (0, 0);
        for speaker in [Speaker::User, Speaker::Assistant] {
            let text = "echo".to_owned();
            self.tell(ProviderEvent::Transcript { speaker, text })
                .await?;
        }
        self.say(heard.into_iter().take(voiced));
        Some(())
    }

    fn say(&mut self, samples: impl Iterator<Item = i16>) {
        let samples: Vec<i16> = samples.collect();
        let piece = SampleRate::WORKING.samples_in(PIECE);
        self.answer = samples.chunks(piece).map(<[i16]>::to_vec).collect();
        self.due = Instant::now() + PIECE_EVERY;
    }

    /// Gives the next piece of the answer.
    async fn give(&mut self) -> Option<()> {
        let samples = self.answer.pop_front()?;
        self.due += PIECE_EVERY;
        let now = Instant::now().into_std();
        let audio = ReplyAudio {
            rate: SampleRate::WORKING,
            samples,
            read_at: now,
            decoded_at: now,
        };
        self.tell(ProviderEvent::ReplyAudio(audio)).await?;
        if self.answer.is_empty() {
            self.tell(ProviderEvent::GenerationComplete).await?;
            self.tell(ProviderEvent::TurnComplete { goes_on: false })
                .await?;
        }
        Some(())
    }
}
