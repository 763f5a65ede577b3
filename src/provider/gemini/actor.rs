//! The one task that owns the connection: it connects at once, stays connected, and is the only place that knows a socket.
//!
//! ```text
//!  commands ──► uplink ──► socket.write ──► flush ──► EndSent
//!  while there is room
//!                                            ▲                         │
//!  link.due ──► open (dial, upgrade, setup) ─┘   socket.turn ──► handle_message ──► outbox ──► events
//! ```
//!
//! Nothing in the loop waits for anything else: while the receiver of events is slow the socket is not read (the service is
//! held back by TCP), but controls are heard, and what is to be sent is sent. While the connection takes less than is said,
//! commands are left where they are: a replay goes at the speed of the link, and a link that moves is never taken for stuck.

mod happening;
mod refused_calls;
mod state;
mod way;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info, warn};
use url::Url;

use super::close_frame;
use super::handle_gate::HandleGate;
use super::hints::Hints;
use super::history::SessionHistory;
use super::lifetime::Lifetime;
use super::nonsense::Nonsense;
use super::open::{Open, Opener};
use super::service::GeminiLive;
use super::setup::setup;
use super::translate::Translator;
use super::uplink::Uplink;
use super::way_watch::WayWatch;
use crate::base::counters::Counters;
use crate::base::supervise::{RunOutcome, Supervisor};
use crate::base::units::SampleRate;
use crate::provider::config::DetectionConfig;
use crate::provider::connection::dial::Dialer;
use crate::provider::connection::fault::Fault;
use crate::provider::connection::reconnect::{Due, ReconnectPolicy};
use crate::provider::connection::socket::Turn;
use crate::provider::gemini::message::{ClientMessage, RealtimeInput};
use crate::provider::{
    Control, ProviderCommand, ProviderEvent, ProviderHandle, Ready, Service as _, ServiceEndpoint,
    SessionConfig,
};
use happening::{Happening, LinkHappening};
use refused_calls::RefusedCalls;
use state::ConnectionState;

/// Commands that may wait: the loop takes them at once, unless the connection is slower. A sender that finds it full keeps
/// what is said, and gives it in longer pieces.
const COMMANDS: usize = 4;
/// Controls that may wait. They are taken at once.
const CONTROLS: usize = 16;
/// Events that may wait; then the socket is not read any more.
const EVENTS: usize = 64;
/// Starts the client on the current runtime. It dials at once and stays connected; without a target it dials nothing before
/// the first [`Control::Redial`] names one.
///
/// **Contract.** Audio and signals that come while there is no connection are dropped and counted
/// ([`Counters::uplink_dropped`]): whoever keeps the utterances sends them again after [`ProviderEvent::Ready`], from their
/// `StartUtterance` on. With manual detection audio outside of an utterance is dropped in the same way, and signals that
/// would not be balanced are not sent, so that commands meant for a lost connection do no harm on the next one.
///
/// [`ProviderEvent::Connecting`] begins each attempt; [`ProviderEvent::Ready`] or [`ProviderEvent::Lost`] ends it, unless a
/// `Roll` or a `Redial` cuts it short: then the next `Connecting` does. A `Roll` that was asked for makes no `Lost`; to
/// another model it begins a new conversation. A connection that was announced to end and not rolled is left 2 s before its
/// time, with [`Fault::GoingAway`].
///
/// Calls of functions are answered here with an error, once each: no function is offered. The way is looked at with
/// the traffic, at most once a second; where the system does not tell it, or only of the way to a proxy, it is the time that
/// the handshake took.
#[must_use]
pub fn spawn(
    dialer: Arc<dyn Dialer>,
    target: impl Into<Option<ServiceEndpoint>>,
    config: SessionConfig,
    counters: Arc<Counters>,
) -> ProviderHandle {
    let (commands, command_receiver) = mpsc::channel(COMMANDS);
    let (controls, control_receiver) = mpsc::channel(CONTROLS);
    let (event_sender, events) = mpsc::channel(EVENTS);
    let (history, newest_history) = watch::channel(Arc::default());
    let actor = Actor {
        dialer,
        target: target.into(),
        config,
        counters,
        commands: command_receiver,
        controls: control_receiver,
        events: event_sender,
        outbox: VecDeque::new(),
        link: ReconnectPolicy::new(Instant::now().into_std()),
        hints: Hints::default(),
        history: SessionHistory::new(newest_history),
        under_v1: None,
        state: ConnectionState::Closed,
        uplink: Uplink::default(),
        refused: RefusedCalls::default(),
        nonsense: Nonsense::default(),
        way: WayWatch::default(),
        lifetime: Lifetime::default(),
        handles: HandleGate::default(),
        translator: Translator::default(),
    };
    let task = tokio::spawn(actor.run());
    ProviderHandle {
        commands,
        controls,
        events,
        task,
        history,
        service: Arc::new(GeminiLive),
    }
}

struct Actor {
    dialer: Arc<dyn Dialer>,
    /// `None`: nothing may be dialled yet.
    target: Option<ServiceEndpoint>,
    config: SessionConfig,
    counters: Arc<Counters>,
    commands: mpsc::Receiver<ProviderCommand>,
    controls: mpsc::Receiver<Control>,
    events: mpsc::Sender<ProviderEvent>,
    /// Events that found no room yet; nothing is read while there are any.
    outbox: VecDeque<ProviderEvent>,
    link: ReconnectPolicy,
    hints: Hints,
    history: SessionHistory,
    /// The address that was asked for, where the last connection came about under `v1` instead.
    under_v1: Option<Url>,
    state: ConnectionState,
    uplink: Uplink,
    refused: RefusedCalls,
    nonsense: Nonsense,
    way: WayWatch,
    lifetime: Lifetime,
    handles: HandleGate,
    translator: Translator,
}

impl Actor {
    /// Serves until nobody is there any more. After a panic the connection is lost like any other.
    async fn run(mut self) {
        let mut supervisor = Supervisor::default();
        loop {
            let outcome = supervisor.run_async(self.serve()).await;
            if outcome == RunOutcome::Done(()) {
                break;
            }
            let repeatedly = outcome == RunOutcome::GiveUp;
            // What panicked may not be polled again.
            self.state = ConnectionState::Closed;
            self.lost(Fault::Internal { repeatedly });
            if repeatedly {
                // It may not be the connection that panics.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        self.state.close().await;
    }

    async fn serve(&mut self) {
        loop {
            match self.tick().await {
                Happening::Command(command) => self.handle_commands(command),
                Happening::Control(control) => self.handle_control(control),
                Happening::Link(LinkHappening::Opened(Ok(open))) => self.handle_open(open),
                Happening::Link(LinkHappening::Opened(Err(fault))) => self.handle_not_opened(fault),
                Happening::Link(LinkHappening::Closed) => self.state = ConnectionState::Closed,
                Happening::Link(LinkHappening::Turn(turn)) => self.handle_turn(turn),
                Happening::Due => self.handle_due(),
                Happening::Stuck => self.handle_stuck(),
                Happening::Look => self.look_at_way(),
                Happening::Aged => self.announce_end(),
                Happening::Delivered => {}
                Happening::Stopped => return,
            }
        }
    }

    async fn tick(&mut self) -> Happening {
        let due = self.link.poll_timeout().filter(|_| self.target.is_some());
        let (room, stuck_at) = self.state.uplink();
        let look_at = self.way.look_at(self.uplink.is_speaking());
        let aged_at = self.lifetime.due_at();
        let (waiting, read) = (!self.outbox.is_empty(), self.outbox.is_empty());
        tokio::select! {
            biased;
            Some(control) = self.controls.recv() => Happening::Control(control),
            command = self.commands.recv(), if room => command.map_or(Happening::Stopped, Happening::Command),
            permit = self.events.reserve(), if waiting => match (permit, self.outbox.pop_front()) {
                (Ok(permit), Some(event)) => {
                    permit.send(event);
                    Happening::Delivered
                }
                _ => Happening::Stopped,
            },
            happening = self.state.next(read) => Happening::Link(happening),
            () = sleep_until(due.map_or_else(Instant::now, Instant::from_std)), if due.is_some() => Happening::Due,
            () = sleep_until(stuck_at.unwrap_or_else(Instant::now)), if stuck_at.is_some() => Happening::Stuck,
            () = sleep_until(look_at.unwrap_or_else(Instant::now)), if look_at.is_some() => Happening::Look,
            () = sleep_until(aged_at.unwrap_or_else(Instant::now)), if aged_at.is_some() => Happening::Aged,
            () = self.events.closed() => Happening::Stopped,
        }
    }

    /// What is there leaves in one flush.
    fn handle_commands(&mut self, first: ProviderCommand) {
        self.handle_command(first);
        for _ in 1..COMMANDS {
            let Ok(next) = self.commands.try_recv() else {
                return;
            };
            self.handle_command(next);
        }
    }

    fn handle_command(&mut self, command: ProviderCommand) {
        match command {
            ProviderCommand::Audio(samples) => {
                let taken = if let ConnectionState::Open(socket) = &mut self.state {
                    (self.uplink).audio(&samples, &mut |message| socket.write(message))
                } else {
                    false
                };
                if taken {
                    self.counters.audio_sent.add(samples.len() as u64);
                } else {
                    let dropped = SampleRate::WORKING.duration_of(samples.len() as u64);
                    debug!(?dropped, "no connection takes this audio");
                    self.counters.uplink_dropped.add(samples.len() as u64);
                }
            }
            ProviderCommand::StartUtterance => self.send(&RealtimeInput::ActivityStart.into()),
            ProviderCommand::ContinueUtterance => {
                self.handles.continued();
                self.send(&RealtimeInput::ActivityStart.into());
            }
            ProviderCommand::EndUtterance => self.end_turn(RealtimeInput::ActivityEnd),
            // A reply may be on its way.
            ProviderCommand::StopStream => self.send(&RealtimeInput::AudioStreamEnd.into()),
            ProviderCommand::Text(text) => self.end_turn(RealtimeInput::Text(text)),
        }
    }

    /// Another answer is due.
    fn end_turn(&mut self, input: RealtimeInput) {
        self.translator.reset();
        self.handles.ended();
        self.send(&input.into());
    }

    fn handle_control(&mut self, control: Control) {
        let now = Instant::now().into_std();
        match control {
            #[cfg(test)]
            Control::Panic => panic!("asked to"),
            Control::RetryNow => {
                self.hints.tried_again();
                self.link.retry_now(now);
            }
            Control::Replace => {
                if matches!(self.state, ConnectionState::Open(_)) {
                    self.lost(Fault::Unanswered);
                }
            }
            Control::Roll(config) => {
                // A handle belongs to its model.
                if config.model == self.config.model {
                    self.link.roll(now);
                } else {
                    self.link.redial(now);
                }
                self.config = *config;
                self.hang_up();
            }
            Control::Redial(target, config) => {
                let last = self.target.replace(*target);
                // Another service may take what the last one refused.
                if last.map(|last| last.url)
                    != self.target.as_ref().map(|target| target.url.clone())
                {
                    self.hints = Hints::default();
                }
                self.hints.tried_again();
                self.config = *config;
                self.link.redial(now);
                self.hang_up();
            }
        }
    }

    fn send(&mut self, message: &ClientMessage) {
        if let ConnectionState::Open(socket) = &mut self.state {
            if let Some(message) = self.uplink.message(message) {
                socket.write(message);
            }
        } else {
            debug!("no connection takes this message");
        }
    }

    /// It was due when it was looked at; something may have got away since.
    fn handle_stuck(&mut self) {
        let (_, stuck_at) = self.state.uplink();
        if stuck_at.is_some_and(|at| Instant::now() >= at) {
            self.lost(Fault::stuck());
        }
    }

    fn handle_due(&mut self) {
        match self.link.due(Instant::now().into_std()) {
            Some(Due::Dial) => self.begin(),
            Some(Due::Roll) => self.lost(Fault::GoingAway),
            None => {}
        }
    }

    /// Begins an attempt, after the last socket is closed: its handle is refused before.
    fn begin(&mut self) {
        let Some(target) = self.target.clone() else {
            return;
        };
        let attempt = self.link.dial(Instant::now().into_std());
        let setup = setup(&self.config, attempt.handle.as_deref());
        let (setup, history) = self.history.applied(self.hints.applied(setup));
        info!(attempt = attempt.number, "connecting");
        self.outbox.push_back(ProviderEvent::Connecting {
            attempt: attempt.number,
        });
        let opener = Opener {
            dialer: Arc::clone(&self.dialer),
            v1_first: self.under_v1.as_ref() == Some(&target.url),
            target,
            setup,
            history,
            counters: Arc::clone(&self.counters),
        };
        let last = std::mem::replace(&mut self.state, ConnectionState::Closed);
        self.state = ConnectionState::Opening(match last {
            ConnectionState::Closing(closing) => Box::pin(async move {
                closing.await;
                opener.open().await
            }),
            ConnectionState::Closed | ConnectionState::Opening(_) | ConnectionState::Open(_) => {
                Box::pin(opener.open())
            }
        });
    }

    fn handle_open(&mut self, open: Open) {
        let connection = self.link.ready(Instant::now().into_std());
        let (connection, resumed) = (connection.number, connection.resumed);
        info!(connection, resumed, "connected");
        self.way.opened(&self.counters.link, &open);
        self.lifetime.opened();
        self.handles = HandleGate::default();
        self.under_v1 = open.under_v1;
        self.uplink = Uplink::new(self.config.detection == DetectionConfig::Client);
        self.refused = RefusedCalls::default();
        self.nonsense = Nonsense::default();
        self.translator = Translator::default();
        self.state = ConnectionState::Open(open.socket);
        self.outbox.push_back(ProviderEvent::Ready(Ready {
            connection,
            resumed,
            told: self.history.told(),
            capabilities: GeminiLive.capabilities(&self.config),
            other_version: self.under_v1.as_ref().map(|_| "v1"),
        }));
        if self.hints.taken() {
            info!(model = %self.config.model, "this model is not told these languages and names in this run");
            self.outbox.push_back(ProviderEvent::HintsRefused);
        }
    }

    /// What was refused may be the hints, or the form of the history: once more without, at once and with the same handle.
    fn handle_not_opened(&mut self, fault: Fault) {
        let end = fault.retry();
        if !self.hints.failed(end) && !self.history.failed(end) {
            return self.lost(fault);
        }
        warn!(%fault, "the setup was refused; once more in another form");
        self.hang_up();
        self.link.again(Instant::now().into_std());
    }

    fn handle_turn(&mut self, turn: Turn) {
        self.look_at_way();
        match turn {
            Turn::Message(bytes) => self.handle_message(&bytes),
            Turn::Flushed => self.outbox.push_back(ProviderEvent::EndSent {
                at: Instant::now().into_std(),
            }),
            Turn::Delivered(at) => self
                .outbox
                .push_back(ProviderEvent::EndDelivered { at: at.into_std() }),
            // The next tick takes commands again.
            Turn::Room => {}
            Turn::Ended(fault) => self.lost(fault),
            Turn::Closed { code, reason } => {
                let key = self.target.as_ref().and_then(|target| target.key.as_ref());
                self.lost(close_frame::fault(code, &reason, key));
            }
        }
    }

    fn handle_message(&mut self, bytes: &[u8]) {
        let at = Instant::now().into_std();
        let Some(message) = self.nonsense.read(at, bytes, &self.counters) else {
            // What the user is saying would be sent, and paid for, once more.
            if self.nonsense.is_too_much(at) && !self.uplink.is_speaking() {
                let what = "several in a row are no messages of a Live service".to_owned();
                self.lost(Fault::Malformed { what });
            }
            return;
        };
        if let Some(update) = &message.session_resumption_update {
            let handle = update.new_handle.as_deref().filter(|_| update.resumable);
            let usable = handle.and_then(|handle| self.handles.given(handle));
            self.link.resumption(usable.as_deref(), true);
        }
        if message
            .server_content
            .as_ref()
            .is_some_and(|content| content.turn_complete)
        {
            self.link.served();
            let usable = self.handles.turn_over();
            self.link.resumption(usable.as_deref(), true);
        }
        for call in message
            .tool_call
            .iter()
            .flat_map(|call| &call.function_calls)
        {
            if let Some(answer) = self.refused.refuse(call) {
                self.send(&answer);
            }
        }
        let go_away = message.go_away.clone();
        let (counters, outbox) = (&self.counters, &mut self.outbox);
        self.translator.translate(at, message, counters, outbox);
        if let Some(go_away) = go_away {
            let time_left = self.link.go_away(at, go_away.time_left);
            self.lifetime.announced();
            info!(?time_left, "the service will end this connection");
            self.outbox
                .push_back(ProviderEvent::GoingAway { time_left });
        }
    }

    fn lost(&mut self, fault: Fault) {
        self.hang_up();
        let now = Instant::now().into_std();
        let retry_in = self.link.lost(now, fault.retry(), rand::random());
        warn!(%fault, ?retry_in, "no connection");
        let fault = fault.into();
        self.outbox
            .push_back(ProviderEvent::Lost { fault, retry_in });
    }

    /// Begins to close what is open, and forgets what was meant for it and what was known of its way.
    fn hang_up(&mut self) {
        self.uplink = Uplink::default();
        let open = if let ConnectionState::Open(socket) = &self.state {
            Some(&**socket)
        } else {
            None
        };
        self.way.closed(&self.counters.link, open);
        self.lifetime.closed();
        self.state = match std::mem::replace(&mut self.state, ConnectionState::Closed) {
            ConnectionState::Open(socket) => ConnectionState::Closing(Box::pin(socket.close())),
            closing @ ConnectionState::Closing(_) => closing,
            ConnectionState::Closed | ConnectionState::Opening(_) => ConnectionState::Closed,
        };
    }
}

#[cfg(test)]
mod peer;
#[cfg(test)]
mod tests;
