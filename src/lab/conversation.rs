//! One conversation: the ordinary session and client with virtual devices. Every wait has a limit, and faults are reported
//! by kind.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::trial_endpoint::Target;
use super::turn_row::turn_row;
use crate::audio::virtual_devices::{RATE, VirtualDevicePool, VirtualMicrophone};
use crate::base::counters::Counters;
use crate::conversation::{
    self, ConversationDeps, Session, Settings, command::Command, snapshot::Link,
};
use crate::desktop::Autostart;
use crate::profile::Profile;
use crate::provider::{ProviderEvent, ProviderHandle, choose, connection::dial::TcpDialer};
use crate::report::failure_kind::FailureKind;
use crate::report::results::TurnRow;
use crate::settings::profiles::Profiles;
use crate::telemetry::record::TurnRecord;
use crate::telemetry::{self, summary::Summary};
use crate::turn::machine::Outcome;

/// A connection must be set up within this time.
const CONNECTED_WITHIN: Duration = Duration::from_secs(15);
/// Limit from the end of an utterance to the end of its reply: a little longer than the turn machine waits for a sign of
/// the service.
const ANSWERED_WITHIN: Duration = Duration::from_secs(25);
/// Limit for the end; later reports are ignored.
const OVER_WITHIN: Duration = Duration::from_millis(500);
/// Silence before each utterance.
const LEAD: Duration = Duration::from_millis(300);
/// Interval of checking the connection.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Turns that a conversation keeps, since its statistics are not shown. A user's keeps a thousand.
const TURNS_KEPT: usize = 20;
/// After this many unanswered utterances in a row the conversation is given up.
const MOST_SILENT: u32 = 3;

/// The number of probing conversations, which do not count.
pub(crate) const PROBE: u64 = 0;

/// The context that all conversations of a trial share.
pub(crate) struct TrialContext {
    pub(crate) place: Target,
    pub(crate) profiles: Profiles,
    pub(crate) fleet: VirtualDevicePool,
    pub(crate) dialer: Arc<TcpDialer>,
    pub(crate) utterances: Vec<Arc<[f32]>>,
    /// Permits for concurrent connection set-ups.
    pub(crate) setups: Semaphore,
    /// Permits for concurrent utterances; `None` without a limit.
    pub(crate) requests: Option<Arc<Semaphore>>,
    pub(crate) began: Instant,
    pub(crate) reports: mpsc::Sender<Report>,
}

#[derive(Clone)]
pub(crate) struct TalkParameters {
    /// Its number, from 1; or [`PROBE`].
    pub(crate) id: u64,
    pub(crate) profile: Arc<Profile>,
    /// Leave after this many utterances; else when cancelled.
    pub(crate) utterances: Option<u64>,
    /// Pause between turns, at least and at most.
    pub(crate) pause: (Duration, Duration),
}

/// A report of a conversation.
pub(crate) enum Report {
    Connected,
    /// A closed turn, with the seconds of sent and heard audio.
    Turn(Box<TurnRow>, f64, f64),
    /// The wait of an utterance for its place among the requests.
    HeldBack(Duration),
    /// Something failed.
    Failure(FailureKind),
    Gone(Gone),
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Gone {
    pub(crate) connected: bool,
    /// It ended because of a fault.
    pub(crate) failed: bool,
    /// Seconds of sound for each second.
    pub(crate) ratio: Option<f64>,
    pub(crate) connections: u64,
    /// Time since its last utterance, unanswered when it was cancelled.
    pub(crate) waiting: Option<Duration>,
    /// How long its next utterance had waited for its permit by then.
    pub(crate) held_back: Option<Duration>,
}

impl TrialContext {
    /// Waits for a permit to connect, and gives it with the settings of this conversation.
    async fn set_up(&self, id: u64) -> Result<(SemaphorePermit<'_>, Settings), FailureKind> {
        let permit = self.setups.acquire().await;
        let permit = permit.map_err(|_| FailureKind::Broken)?;
        let settings = self.place.settings(id).map_err(|_| FailureKind::Broken)?;
        Ok((permit, settings))
    }

    pub(super) async fn report(&self, report: Report) {
        // Without a receiver the trial is over.
        self.reports.send(report).await.ok();
    }

    async fn fail(&self, kind: FailureKind) {
        self.report(Report::Failure(kind)).await;
    }
}

/// Talks until it is cancelled, its utterances are over, or it fails permanently. A [`PROBE`] does not count as connected.
pub(crate) async fn talk(stage: Arc<TrialContext>, part: TalkParameters, stop: CancellationToken) {
    let mut gone = Gone::default();
    let ended = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(None),
        begun = begin(&stage, &part) => begun.map(Some),
    };
    match ended {
        Ok(None) => {}
        Ok(Some(mut talk)) => {
            gone.connected = talk.part.id != PROBE;
            if gone.connected {
                stage.report(Report::Connected).await;
            }
            match talk.converse(&stop).await {
                Ok(()) => {
                    gone.waiting = talk.waiting(Instant::now());
                    gone.held_back = talk.held_since.map(|since| since.elapsed());
                }
                Err(fault) => {
                    stage.fail(fault).await;
                    gone.failed = true;
                }
            }
            gone.ratio = talk.mouth.reading().real_time_ratio(Instant::now());
            gone.connections = talk.end().await.map_or(1, |summary| summary.connections);
        }
        Err(fault) => {
            stage.fail(fault).await;
            gone.failed = true;
        }
    }
    stage.report(Report::Gone(gone)).await;
}

/// Holds a connection without speech until it is cancelled or the connection is lost.
pub(crate) async fn hold(stage: Arc<TrialContext>, part: TalkParameters, stop: CancellationToken) {
    let mut gone = Gone::default();
    let mut client = None;
    let begun = tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        begun = connect(&stage, &part, &mut client) => begun,
    };
    let ended = match begun {
        Ok(()) if stop.is_cancelled() => Ok(()),
        Ok(()) => {
            gone.connected = true;
            gone.connections = 1;
            stage.report(Report::Connected).await;
            tokio::select! {
                biased;
                () = stop.cancelled() => Ok(()),
                () = lost(&mut client) => Err(FailureKind::Lost),
            }
        }
        Err(fault) => Err(fault),
    };
    if let Err(fault) = ended {
        stage.fail(fault).await;
        gone.failed = true;
    }
    stage.report(Report::Gone(gone)).await;
}

async fn connect(
    stage: &TrialContext,
    part: &TalkParameters,
    client: &mut Option<ProviderHandle>,
) -> Result<(), FailureKind> {
    let (_permit, settings) = stage.set_up(part.id).await?;
    let (target, setup) = (
        settings.target.clone(),
        settings.session_config(&part.profile),
    );
    let client = client.insert(choose::spawn(
        stage.dialer.clone(),
        target,
        setup,
        Arc::default(),
    ));
    let ready = async {
        loop {
            match client.events.recv().await {
                Some(ProviderEvent::Ready(_)) => return Ok(()),
                Some(ProviderEvent::Lost { retry_in: None, .. }) => {
                    return Err(FailureKind::Refused);
                }
                Some(_) => {}
                None => return Err(FailureKind::Broken),
            }
        }
    };
    timeout(CONNECTED_WITHIN, ready)
        .await
        .unwrap_or(Err(FailureKind::NotConnected))
}

/// Returns when the connection is gone.
async fn lost(client: &mut Option<ProviderHandle>) {
    let Some(client) = client else { return };
    while let Some(event) = client.events.recv().await {
        if matches!(event, ProviderEvent::Lost { .. }) {
            return;
        }
    }
}

/// Opens audio, connection and session, and waits until it is connected.
async fn begin(stage: &Arc<TrialContext>, part: &TalkParameters) -> Result<Talk, FailureKind> {
    let (_permit, settings) = stage.set_up(part.id).await?;
    let counters = Arc::new(Counters::default());
    let joined = stage.fleet.join(counters.clone(), &part.profile);
    let (audio, mouth) = joined.map_err(|_| FailureKind::Broken)?;
    let setup = settings.session_config(&part.profile);
    let client = choose::spawn(
        stage.dialer.clone(),
        settings.target.clone(),
        setup,
        counters.clone(),
    );
    let telemetry = telemetry::start(telemetry::Deps {
        turns_kept: TURNS_KEPT,
        ..telemetry::Deps::new(counters.clone())
    });
    let session = conversation::start(ConversationDeps {
        audio,
        provider: client,
        counters,
        profiles: stage.profiles.clone(),
        profile: part.profile.clone(),
        settings,
        files: None,
        interrupt_after: None,
        volume: 1.0,
        choices: Default::default(),
        notices: Vec::new(),
        telemetry,
        window: false,
        autostart: Autostart::default(),
        state: None,
    });
    let mut talk = Talk {
        session,
        mouth,
        stage: stage.clone(),
        part: part.clone(),
        down: false,
        silent: 0,
        said: 0,
        open_since: None,
        held_since: None,
    };
    match timeout(CONNECTED_WITHIN, talk.connected()).await {
        Ok(Ok(())) => Ok(talk),
        Ok(Err(fault)) => Err(fault),
        Err(_) => Err(FailureKind::NotConnected),
    }
}

struct Talk {
    session: Session,
    mouth: VirtualMicrophone,
    stage: Arc<TrialContext>,
    part: TalkParameters,
    /// The connection was down at the last check.
    down: bool,
    /// Utterances without an answer, in a row.
    silent: u32,
    /// Utterances before the present one.
    said: u64,
    /// The end of the present utterance, while its answer has not been heard.
    open_since: Option<Instant>,
    /// Since when the next utterance has waited for its permit.
    held_since: Option<Instant>,
}

impl Talk {
    async fn connected(&mut self) -> Result<(), FailureKind> {
        loop {
            match self.session.snapshots.borrow_and_update().link {
                Link::Connected { .. } => return Ok(()),
                Link::Down { retry_at: None, .. } => return Err(FailureKind::Refused),
                Link::Down { .. } | Link::Connecting { .. } => {}
            }
            self.session
                .snapshots
                .changed()
                .await
                .map_err(|_| FailureKind::Broken)?;
        }
    }

    async fn converse(&mut self, stop: &CancellationToken) -> Result<(), FailureKind> {
        let mut said = 0;
        loop {
            if self.part.utterances == Some(said) {
                return Ok(());
            }
            let (least, most) = self.part.pause;
            let pause = if most > least {
                rand::random_range(least..most)
            } else {
                least
            };
            let finished = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                finished = self.exchange(pause, said) => finished,
            };
            finished?;
            said += 1;
        }
    }

    /// An utterance and what comes of it.
    async fn exchange(&mut self, pause: Duration, said: u64) -> Result<(), FailureKind> {
        sleep(pause).await;
        let _place = self.request().await?;
        let choices = &self.stage.utterances;
        let nth =
            usize::try_from(self.part.id.wrapping_add(said)).unwrap_or(0) % choices.len().max(1);
        let utterance = choices.get(nth).cloned().ok_or(FailureKind::Broken)?;
        let length = RATE.duration_of(utterance.len() as u64);
        if !self.mouth.speak(utterance, LEAD) {
            return Err(FailureKind::Broken);
        }
        self.said = said;
        self.open_since = Some(Instant::now() + LEAD + length);
        let deadline = tokio::time::Instant::now() + LEAD + length + ANSWERED_WITHIN;
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                event = self.session.events.recv() => match event {
                    Some(conversation::Event::Closed(record)) => {
                        self.closed(*record).await;
                        if self.is_said() {
                            self.silent = 0;
                            self.open_since = None;
                            return Ok(());
                        }
                    }
                    Some(conversation::Event::Audible { .. }) => if self.is_said() {
                        self.open_since = None;
                    },
                    Some(conversation::Event::Notice(..) | conversation::Event::NotWritten(_) | conversation::Event::InputOver | conversation::Event::LimitReached(_)) => {}
                    Some(conversation::Event::Broken(_) | conversation::Event::Over(_)) | None => return Err(FailureKind::Broken),
                },
                _ = look.tick() => self.check_link().await?,
                () = tokio::time::sleep_until(deadline) => return self.unanswered().await,
            }
        }
    }

    /// A permit for an utterance, released when the guard is dropped.
    async fn request(&mut self) -> Result<Option<OwnedSemaphorePermit>, FailureKind> {
        let Some(places) = self.stage.requests.clone() else {
            return Ok(None);
        };
        if let Ok(place) = places.clone().try_acquire_owned() {
            return Ok(Some(place));
        }
        let since = *self.held_since.insert(Instant::now());
        let mut free = pin!(places.acquire_owned());
        let mut look = tokio::time::interval(LOOK_EVERY);
        let place = loop {
            tokio::select! {
                place = &mut free => break place.map_err(|_| FailureKind::Broken)?,
                // Of an abandoned utterance: the answer is too late.
                event = self.session.events.recv() => match event {
                    Some(conversation::Event::Closed(record)) => self.closed(*record).await,
                    Some(
                        conversation::Event::Audible { .. }
                        | conversation::Event::Notice(..)
                        | conversation::Event::NotWritten(_)
                        | conversation::Event::InputOver
                        | conversation::Event::LimitReached(_),
                    ) => {}
                    Some(conversation::Event::Broken(_) | conversation::Event::Over(_)) | None => {
                        return Err(FailureKind::Broken);
                    }
                },
                _ = look.tick() => self.check_link().await?,
            }
        };
        self.held_since = None;
        self.stage.report(Report::HeldBack(since.elapsed())).await;
        Ok(Some(place))
    }

    async fn unanswered(&mut self) -> Result<(), FailureKind> {
        self.session.commands.try_send(Command::StopReply).ok();
        self.silent += 1;
        // From here on it counts as a fault, not as a pending answer.
        self.open_since = None;
        if self.silent >= MOST_SILENT {
            return Err(FailureKind::NoReply);
        }
        self.stage.fail(FailureKind::NoReply).await;
        Ok(())
    }

    /// Whether the newest utterance was spoken to its end.
    fn is_said(&self) -> bool {
        self.mouth.reading().spoken > self.said
    }

    /// Time since the end of the newest utterance, unless its answer was heard.
    fn waiting(&self, now: Instant) -> Option<Duration> {
        let since = self.open_since.filter(|_| self.is_said())?;
        now.checked_duration_since(since)
    }

    /// A lost connection counts as a fault, although the client reconnects.
    async fn check_link(&mut self) -> Result<(), FailureKind> {
        let down = match self.session.snapshots.borrow().link {
            Link::Down { retry_at: None, .. } => return Err(FailureKind::Lost),
            Link::Down { .. } => true,
            Link::Connecting { .. } | Link::Connected { .. } => false,
        };
        if down && !std::mem::replace(&mut self.down, down) {
            self.stage.fail(FailureKind::Lost).await;
        }
        self.down = down;
        Ok(())
    }

    async fn closed(&self, record: TurnRecord) {
        match &record.outcome {
            Outcome::Failed(_) => self.stage.fail(FailureKind::Failed).await,
            Outcome::Empty => self.stage.fail(FailureKind::Empty).await,
            Outcome::Completed | Outcome::Interrupted | Outcome::Cancelled => {}
        }
        let (sent, heard) = (record.sent.as_secs_f64(), record.heard.as_secs_f64());
        let turn = turn_row(&record, self.part.id, self.stage.began.elapsed());
        self.stage
            .report(Report::Turn(Box::new(turn), sent, heard))
            .await;
    }

    /// Ends the conversation; open turns do not count.
    async fn end(mut self) -> Option<Summary> {
        self.session.commands.try_send(Command::Quit).ok();
        let over = async {
            while let Some(event) = self.session.events.recv().await {
                if let conversation::Event::Over(summary) = event {
                    return Some(*summary);
                }
            }
            None
        };
        timeout(OVER_WITHIN, over).await.ok().flatten()
    }
}
