//! Which streams are lowered, from which volume, and what becomes of them.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::stream::{OtherStream, StreamVolumes};
use crate::base::yaml::MAX_BYTES;
use crate::file;

/// Steps from the usual volume to the lowered one.
pub(super) const STEPS: u32 = 6;
/// What is left of a volume on the server's cubic scale: a tenth of the amplitude, -20 dB, about a quarter as loud.
const LEFT: f64 = 0.464_158_883;
/// Servers convert volumes, and round.
const ROUNDING: u32 = 32;

/// A stream whose volume was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LoweredStream {
    pub(super) index: u32,
    identity: Option<String>,
    pub(super) usual: Vec<u32>,
    places: Vec<u8>,
    muted: bool,
}

impl LoweredStream {
    fn new(stream: &OtherStream, usual: Vec<u32>) -> Self {
        Self {
            index: stream.index,
            identity: stream.identity.clone(),
            usual,
            places: stream.places.clone(),
            muted: stream.muted,
        }
    }

    /// The volume after some of the [`STEPS`].
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a volume times at most one"
    )]
    pub(super) fn after(&self, steps: u32) -> Vec<u32> {
        let factor = 1.0 - (1.0 - LEFT) * f64::from(steps) / f64::from(STEPS);
        let scaled = |volume: &u32| (f64::from(*volume) * factor).round() as u32;
        self.usual.iter().map(scaled).collect()
    }

    /// Whether we gave a stream this volume. One that lags behind may still have that of an earlier step.
    fn is_ours(&self, volume: &[u32]) -> bool {
        (0..=STEPS).any(|steps| {
            let ours = self.after(steps);
            ours.len() == volume.len()
                && ours
                    .iter()
                    .zip(volume)
                    .all(|(a, b)| a.abs_diff(*b) <= ROUNDING)
        })
    }

    /// Whether this may be another stream of the same program, which the server gave the volume that it remembered.
    fn is_of_the_same(&self, stream: &OtherStream) -> bool {
        self.identity.is_some() && self.identity == stream.identity
    }

    fn as_it_was(&self) -> OtherStream {
        OtherStream {
            index: self.index,
            identity: self.identity.clone(),
            volume: self.usual.clone(),
            places: self.places.clone(),
            muted: self.muted,
            ..OtherStream::default()
        }
    }
}

/// All that is lowered.
#[derive(Debug, Default)]
pub(super) struct LoweredStreams {
    streams: Vec<LoweredStream>,
    /// Ended while they were lowered: another stream of the program may have begun as quiet as they were.
    ended: Vec<LoweredStream>,
    /// Somebody else changed their volume.
    left_alone: BTreeSet<u32>,
}

impl LoweredStreams {
    pub(super) fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    /// Lowers what is not lowered yet, in these steps. What it will change it writes to the file first.
    pub(super) fn lower(
        &mut self,
        service: &mut dyn StreamVolumes,
        own: u32,
        file: &LoweredFile,
        steps: impl Iterator<Item = u32>,
        mut pause: impl FnMut(),
    ) -> Result<(), String> {
        let found = service.streams()?;
        self.let_go(service, &found)?;
        let known = |stream: &&OtherStream| {
            let is_lowered = self.streams.iter().any(|its| its.index == stream.index);
            !is_lowered && !self.left_alone.contains(&stream.index) && stream.gives_way_to(own)
        };
        let new: Vec<_> = found
            .iter()
            .filter(known)
            .map(|stream| self.begin(stream))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        self.streams.extend(new.iter().cloned());
        file.write(&self.streams);
        for step in steps {
            for stream in &new {
                service.set(stream.index, stream.after(step))?;
            }
            pause();
        }
        Ok(())
    }

    /// Gives the streams their usual volume again. What cannot be restored now stays in the file.
    pub(super) fn restore(
        &mut self,
        service: &mut dyn StreamVolumes,
        file: &LoweredFile,
        mut pause: impl FnMut(),
    ) -> Result<(), String> {
        let found = service.streams()?;
        self.let_go(service, &found)?;
        for step in (0..STEPS).rev() {
            for stream in &self.streams {
                service.set(stream.index, stream.after(step))?;
            }
            pause();
        }
        let found = service.streams()?;
        self.let_go(service, &found)?;
        // What began meanwhile has the volume that the server remembered.
        for stream in &found {
            let usual = self.usual_of(stream);
            let is_lowered = self.streams.iter().any(|its| its.index == stream.index);
            if !is_lowered && usual != stream.volume {
                service.set(stream.index, usual)?;
            }
        }
        *self = Self::default();
        file.remove();
        Ok(())
    }

    /// Restores what was lowered over a connection that was lost, or by an earlier process: streams by their program, as the
    /// server may be another one.
    pub(super) fn recover(
        &mut self,
        service: &mut dyn StreamVolumes,
        file: &LoweredFile,
    ) -> Result<(), String> {
        if self.streams.is_empty() {
            self.streams = file.read();
        }
        if self.streams.is_empty() {
            return Ok(());
        }
        let found = service.streams()?;
        for stream in &self.streams {
            let is_it = |its: &&OtherStream| match &stream.identity {
                Some(_) => stream.is_of_the_same(its),
                None => its.index == stream.index,
            };
            let mut live = found.iter().filter(is_it).peekable();
            if live.peek().is_none() {
                service.remember(&stream.as_it_was())?;
            }
            for its in live.filter(|its| stream.is_ours(&its.volume)) {
                service.set(its.index, stream.usual.clone())?;
            }
        }
        *self = Self::default();
        file.remove();
        Ok(())
    }

    /// Drops what has ended, and what somebody else changed.
    fn let_go(
        &mut self,
        service: &mut dyn StreamVolumes,
        found: &[OtherStream],
    ) -> Result<(), String> {
        for stream in std::mem::take(&mut self.streams) {
            match found.iter().find(|its| its.index == stream.index) {
                Some(its) if stream.is_ours(&its.volume) => self.streams.push(stream),
                Some(its) => drop(self.left_alone.insert(its.index)),
                None => {
                    service.remember(&stream.as_it_was())?;
                    self.ended.push(stream);
                }
            }
        }
        Ok(())
    }

    fn begin(&self, stream: &OtherStream) -> LoweredStream {
        LoweredStream::new(stream, self.usual_of(stream))
    }

    /// The volume that a new stream would have if nothing had been lowered.
    fn usual_of(&self, stream: &OtherStream) -> Vec<u32> {
        let mut ours = self.streams.iter().chain(&self.ended);
        ours.find(|its| its.is_of_the_same(stream) && its.is_ours(&stream.volume))
            .map_or_else(|| stream.volume.clone(), |its| its.usual.clone())
    }
}

/// The file of what is lowered now; there is none while nothing is.
#[derive(Clone, Debug)]
pub struct LoweredFile(PathBuf);

impl LoweredFile {
    /// In the folder of what runs in this session.
    pub fn find() -> Self {
        Self::of(&file::folder_of_session())
    }

    pub(super) fn of(folder: &Path) -> Self {
        Self(folder.join("sovereign-lowered-sound.json"))
    }

    /// Whether something was left lowered, or is lowered now.
    pub fn exists(&self) -> bool {
        self.0.exists()
    }

    /// Claims the streams of this session; `None` while another process lowers them.
    pub(super) fn claim(&self) -> io::Result<Option<std::fs::File>> {
        if let Some(folder) = self.0.parent() {
            file::own_folder(folder)?;
        }
        let lock = file::open_lock(&self.0.with_extension("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn read(&self) -> Vec<LoweredStream> {
        let bytes = file::read_own(&self.0, MAX_BYTES).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Without the file a crash of the keeper itself is not made good; everything else works.
    fn write(&self, streams: &[LoweredStream]) {
        if let Ok(bytes) = serde_json::to_vec(streams) {
            file::keep(&self.0, &bytes).ok();
        }
    }

    fn remove(&self) {
        std::fs::remove_file(&self.0).ok();
    }
}
