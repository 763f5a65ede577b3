//! The process that lowers and restores.

use std::fs::File;
use std::io::{BufRead, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::Duration;

use super::lowered_streams::{LoweredFile, LoweredStreams, STEPS};
use super::stream::StreamVolumes;
use crate::base::keys::words;

/// Times of one step. Down it is quick, because the first words are on their way; up it sounds like a fade.
const STEP_DOWN: Duration = Duration::from_millis(10);
const STEP_UP: Duration = Duration::from_millis(25);
/// A stream that has just begun is given its remembered volume first.
const SETTLED: Duration = Duration::from_millis(60);
/// While something is lowered, commands are looked for this often.
const LOOK: Duration = Duration::from_millis(50);
/// Pause between attempts to reach the server, and to notice a signal while nothing is lowered.
const RETRY: Duration = Duration::from_millis(500);
/// Attempts to restore at the end; after that it is the next process that restores.
const LAST_ATTEMPTS: u32 = 10;

/// What the keeper tells, a word in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherSoundReport {
    /// The wish to lower or to restore was fulfilled.
    Done,
    /// No server answers that could lower; it is tried again.
    Unreachable,
}

words!(OtherSoundReport { Done = "done", Unreachable = "unreachable" });

/// How a keeper works.
pub struct KeeperOptions<'a> {
    /// The process of the assistant, whose own streams stay as they are.
    pub own: u32,
    pub file: LoweredFile,
    /// Whether the process was asked to end.
    pub is_over: &'a dyn Fn() -> bool,
}

/// Obeys `lower` and `restore`, a line each, until the input ends; then restores. Reports to `out`.
pub fn keep_volumes(
    options: &KeeperOptions<'_>,
    input: impl BufRead + Send + 'static,
    out: &mut dyn Write,
) {
    let (wishes, wished) = sync_channel(8);
    let reader = std::thread::Builder::new().name("other-sound-wishes".to_owned());
    let started = reader.spawn(move || {
        for line in input.lines().map_while(Result::ok) {
            if wishes.send(line == "lower").is_err() {
                break;
            }
        }
    });
    if started.is_ok() {
        VolumeKeeper::new(options, out, server::connect).run(&wished);
    }
}

/// Whether a server answers that can lower; the number of streams that would be.
///
/// # Errors
/// Why it does not.
pub fn look() -> Result<u64, String> {
    let streams = server::connect()?.streams()?;
    let own = std::process::id();
    Ok(streams.iter().filter(|its| its.gives_way_to(own)).count() as u64)
}

pub(super) struct VolumeKeeper<'a, C> {
    options: &'a KeeperOptions<'a>,
    out: &'a mut dyn Write,
    connect: C,
    service: Option<Box<dyn StreamVolumes>>,
    claim: Option<File>,
    lowered: LoweredStreams,
    wanted: bool,
    told: Option<OtherSoundReport>,
    pub(super) pause: fn(Duration),
}

impl<'a, C: FnMut() -> Result<Box<dyn StreamVolumes>, String>> VolumeKeeper<'a, C> {
    pub(super) fn new(options: &'a KeeperOptions<'a>, out: &'a mut dyn Write, connect: C) -> Self {
        Self {
            options,
            out,
            connect,
            service: None,
            claim: None,
            lowered: LoweredStreams::default(),
            wanted: false,
            told: None,
            pause: std::thread::sleep,
        }
    }

    pub(super) fn run(&mut self, wishes: &Receiver<bool>) {
        loop {
            self.attempt();
            match self.next(wishes) {
                Ok(Some(wish)) => (self.wanted, self.told) = (wish, None),
                Ok(None) => {}
                Err(()) => break,
            }
        }
        self.wanted = false;
        for _ in 0..LAST_ATTEMPTS {
            if self.attempt() {
                break;
            }
            (self.pause)(RETRY);
        }
    }

    /// The next wish, after a while or a change of the streams; an error at the end.
    fn next(&mut self, wishes: &Receiver<bool>) -> Result<Option<bool>, ()> {
        if (self.options.is_over)() {
            return Err(());
        }
        let Some(service) = &mut self.service else {
            return match wishes.recv_timeout(RETRY) {
                Ok(wish) => Ok(Some(wish)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(()),
            };
        };
        match service.wait(LOOK) {
            Ok(true) => (self.pause)(SETTLED),
            Ok(false) => {}
            Err(_) => self.service = None,
        }
        match wishes.try_recv() {
            Ok(wish) => Ok(Some(wish)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(()),
        }
    }

    /// Does what is wanted; returns whether it is done.
    fn attempt(&mut self) -> bool {
        let has_work = self.wanted
            || self.service.is_some()
            || !self.lowered.is_empty()
            || self.options.file.exists();
        let done = if has_work { self.work() } else { Ok(true) };
        if done.is_err() {
            self.service = None;
        }
        match done {
            Ok(true) => self.tell(OtherSoundReport::Done),
            Ok(false) => {}
            Err(_) => self.tell(OtherSoundReport::Unreachable),
        }
        done == Ok(true)
    }

    fn work(&mut self) -> Result<bool, String> {
        let file = &self.options.file;
        if self.claim.is_none() {
            self.claim = file.claim().map_err(|error| error.to_string())?;
            if self.claim.is_none() {
                return Ok(false);
            }
        }
        let is_new = self.service.is_none();
        let service = match &mut self.service {
            Some(service) => service,
            None => self.service.insert((self.connect)()?),
        };
        if is_new {
            // Of an earlier process, or of ours before the connection was lost.
            self.lowered.recover(&mut **service, file)?;
        }
        if self.wanted {
            let first = if is_new { 1 } else { STEPS };
            let steps = first..=STEPS;
            let pause = || (self.pause)(STEP_DOWN);
            self.lowered
                .lower(&mut **service, self.options.own, file, steps, pause)?;
        } else {
            let pause = || (self.pause)(STEP_UP);
            self.lowered.restore(&mut **service, file, pause)?;
            (self.service, self.claim) = (None, None);
        }
        Ok(true)
    }

    /// Tells it once for each wish. Nobody may be listening any more.
    fn tell(&mut self, report: OtherSoundReport) {
        if self.told != Some(report) {
            self.told = Some(report);
            let (word, count) = (report.word(), self.lowered.len());
            writeln!(self.out, "{word} {count}")
                .and_then(|()| self.out.flush())
                .ok();
        }
    }
}

#[cfg(all(target_os = "linux", feature = "pulseaudio"))]
mod server {
    use super::StreamVolumes;
    use crate::audio::pulse::PulseVolumes;

    pub(super) fn connect() -> Result<Box<dyn StreamVolumes>, String> {
        Ok(Box::new(PulseVolumes::connect()?))
    }
}

#[cfg(not(all(target_os = "linux", feature = "pulseaudio")))]
mod server {
    use super::StreamVolumes;

    pub(super) fn connect() -> Result<Box<dyn StreamVolumes>, String> {
        Err("this program speaks with no such server".to_owned())
    }
}
