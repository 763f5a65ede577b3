//! WAV files in place of devices: spoken like a microphone's input, and recorded like a speaker's output.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::backend::{Backend, MakeCapture, MakePlayback, OpenRequest, OpenedStream};
use super::device::Devices;
use super::error::AudioError;
use super::event::VoiceEvent;
use super::null::{device, format, info};
use super::positioned_resampler::PositionedResampler;
use super::stream_fault::{FaultCounts, OpenError, StreamFault};
use super::timer_stream::{SampleSink, SampleSource, TimerStream};
use crate::base::units::SampleRate;
use crate::base::wav::{self, EXPECTED, LARGEST, WavError};
use crate::dsp::downmix::{downmix, sanitise};

/// Filter for files, which are resampled once, ahead of time.
const TAPS: u32 = 128;
/// Interval of header updates; it is also updated at the end of a reply.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Queue length for requests to speak.
const CUES: usize = 64;

/// A decoded file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WavUtterance {
    /// Mono at the working rate.
    pub(super) samples: Vec<f32>,
}

/// Reads all files; fails for the first that is unusable.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Vec<WavUtterance>, AudioError> {
    paths.iter().map(|path| read(path)).collect()
}

/// Reads one file as far as it is valid.
pub(super) fn read(path: &Path) -> Result<WavUtterance, AudioError> {
    let fail = |what: String| AudioError::File {
        path: path.to_owned(),
        what,
    };
    if path.as_os_str() == "-" {
        return Err(fail(
            "standard input cannot be spoken: name a file".to_owned(),
        ));
    }
    let data = std::fs::metadata(path).map_err(|e| fail(format!("it cannot be opened: {e}")))?;
    // Opening a pipe would wait for its writer, and a device may never end.
    let what = match data.file_type() {
        kind if kind.is_dir() => Some("it is a directory"),
        kind if !kind.is_file() => {
            Some("it is a pipe or a device: write the sound into a file first")
        }
        _ if data.len() == 0 => Some("it is empty"),
        // Checked before reading, which would take long and need the memory.
        _ if data.len() > LARGEST => return Err(fail(WavError::TooLarge.to_string())),
        _ => None,
    };
    if let Some(what) = what {
        return Err(fail(format!("{what}; {EXPECTED}")));
    }
    let file = File::open(path).map_err(|e| fail(format!("it cannot be opened: {e}")))?;
    decode(file, path)
}

/// Decodes the bytes of a WAV file as far as they are valid; `path` names it in messages.
pub(super) fn decode(bytes: impl Read, path: &Path) -> Result<WavUtterance, AudioError> {
    let fail = |what: String| AudioError::File {
        path: path.to_owned(),
        what: format!("{what}; {EXPECTED}"),
    };
    let mut sound = wav::decode(bytes).map_err(|error| fail(error.to_string()))?;
    if sound.ends_early {
        tracing::warn!(file = %path.display(), "truncated file: speaking what is there");
    }
    sanitise(&mut sound.samples);
    let mono = downmix(sound.channels, sound.rate, &sound.samples);
    let mut samples = Vec::new();
    let mut resampler = PositionedResampler::new(sound.rate, SampleRate::WORKING, TAPS)
        .map_err(|error| fail(error.to_string()))?;
    resampler.push(&mono, &mut samples);
    resampler.finish(&mut samples);
    Ok(WavUtterance { samples })
}

/// The sender of requests for the next file.
#[derive(Clone)]
pub(super) struct Cue(SyncSender<Duration>);

impl Cue {
    /// Requests the next file after `lead` of silence; returns false if the queue is full.
    pub(super) fn speak_next(&self, lead: Duration) -> bool {
        self.0.try_send(lead).is_ok()
    }
}

/// Files as input.
pub(super) struct WavInput {
    reader: Arc<Mutex<FileReader>>,
}

/// Speaks the files in order, with silence before, between and after.
pub(super) struct FileReader {
    files: Vec<WavUtterance>,
    /// The current or next file.
    file: usize,
    speaking: Option<Speaking>,
    cues: Receiver<Duration>,
    events: Sender<VoiceEvent>,
    /// Files whose end was not reported yet, because the event queue was full.
    unreported: Vec<usize>,
}

struct Speaking {
    /// Samples of silence left.
    lead: usize,
    /// Samples spoken.
    at: usize,
}

impl WavInput {
    /// Creates an input of these files, and the sender for requests.
    pub(super) fn new(files: Vec<WavUtterance>, events: Sender<VoiceEvent>) -> (Self, Cue) {
        let (reader, cue) = FileReader::new(files, events);
        let reader = Arc::new(Mutex::new(reader));
        (Self { reader }, cue)
    }
}

impl FileReader {
    pub(super) fn new(files: Vec<WavUtterance>, events: Sender<VoiceEvent>) -> (Self, Cue) {
        let (sender, cues) = sync_channel(CUES);
        let reader = Self {
            files,
            file: 0,
            speaking: None,
            cues,
            events,
            unreported: Vec::new(),
        };
        (reader, Cue(sender))
    }

    fn begin_if_asked(&mut self) {
        if self.speaking.is_some() || self.file >= self.files.len() {
            return;
        }
        match self.cues.try_recv() {
            Ok(lead) => {
                self.speaking = Some(Speaking {
                    lead: SampleRate::WORKING.samples_in(lead),
                    at: 0,
                });
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
    }

    fn fill_block(&mut self, out: &mut [f32]) {
        out.fill(0.0);
        self.begin_if_asked();
        let Some(speaking) = &mut self.speaking else {
            return;
        };
        let lead = speaking.lead.min(out.len());
        speaking.lead -= lead;
        let samples = &self.files[self.file].samples[speaking.at..];
        let n = samples.len().min(out.len() - lead);
        out[lead..lead + n].copy_from_slice(&samples[..n]);
        speaking.at += n;
        if n == samples.len() && speaking.lead == 0 {
            self.unreported.push(self.file);
            self.file += 1;
            self.speaking = None;
        }
    }
}

impl SampleSource for FileReader {
    fn fill(&mut self, out: &mut [f32], _: Instant) {
        // The block before has been delivered now.
        let events = &self.events;
        self.unreported
            .retain(|&file| events.try_send(VoiceEvent::FileSpoken(file)).is_err());
        self.fill_block(out);
    }
}

impl SampleSource for Arc<Mutex<FileReader>> {
    fn fill(&mut self, out: &mut [f32], start: Instant) {
        self.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill(out, start);
    }
}

impl Backend for WavInput {
    fn takes_choice(&self) -> bool {
        false
    }

    fn devices(&mut self) -> Devices {
        Devices {
            host: "files".to_owned(),
            inputs: vec![device("files", "WAV files")],
            outputs: Vec::new(),
        }
    }

    fn poll_every(&self) -> Option<Duration> {
        None
    }

    fn open_input(
        &mut self,
        request: &OpenRequest,
        make: MakeCapture<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        let format = format(SampleRate::WORKING, request);
        let source = Box::new(self.reader.clone());
        let stream = TimerStream::input(format, make(format), source, Instant::now());
        Ok(OpenedStream {
            info: info(device("files", "WAV files"), format),
            stream: Box::new(stream.spawn("files-in")?),
        })
    }

    fn open_output(
        &mut self,
        _: &OpenRequest,
        _: MakePlayback<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        Err(one_way("Files that are spoken take no sound."))
    }
}

/// A WAV file as output: the reply audio alone, 24 kHz mono 16 bit.
pub(super) struct WavOutput {
    recorder: Arc<Mutex<Recorder>>,
    name: String,
}

/// Records sound only.
pub(super) struct Recorder {
    path: PathBuf,
    /// `None` after a write error.
    file: Option<File>,
    /// Bytes of samples in the file.
    written: u32,
    flushed: Option<Instant>,
    dirty: bool,
    events: Sender<VoiceEvent>,
    /// Reason of a write error, until it was reported.
    unreported: Option<String>,
}

impl WavOutput {
    /// Creates the file.
    pub(super) fn create(path: &Path, events: Sender<VoiceEvent>) -> Result<Self, AudioError> {
        // A file without a reply is valid too.
        let created =
            File::create(path).and_then(|mut file| write_header(&mut file, 0).map(|()| file));
        let file = created.map_err(|source| AudioError::NotWritten {
            path: path.to_owned(),
            source,
        })?;
        let recorder = Recorder {
            path: path.to_owned(),
            file: Some(file),
            written: 0,
            flushed: None,
            dirty: false,
            events,
            unreported: None,
        };
        Ok(Self {
            recorder: Arc::new(Mutex::new(recorder)),
            name: path.display().to_string(),
        })
    }
}

fn write_header(file: &mut File, written: u32) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&wav::header(SampleRate::REPLY, written))?;
    file.seek(SeekFrom::End(0)).map(drop)
}

impl Recorder {
    fn write_samples(&mut self, block: &[f32]) {
        let whole = |s: f32| (s * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
        let bytes: Vec<u8> = block.iter().flat_map(|&s| whole(s).to_le_bytes()).collect();
        let Some(file) = &mut self.file else { return };
        match file.write_all(&bytes) {
            // Past 4 GiB the header holds the largest number, which readers take as "to the end".
            Ok(()) => self.written = self.written.saturating_add(bytes.len() as u32),
            Err(error) => self.stop(error),
        }
    }

    fn flush(&mut self) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = still_there(file).and_then(|()| write_header(file, self.written)) {
            self.stop(error);
        }
    }

    /// Stops writing; the file stays valid.
    fn stop(&mut self, source: io::Error) {
        if let Some(mut file) = self.file.take() {
            file.set_len(wav::HEADER as u64 + u64::from(self.written))
                .ok();
            write_header(&mut file, self.written).ok();
        }
        let path = self.path.clone();
        self.unreported = Some(AudioError::NotWritten { path, source }.to_string());
    }
}

/// Writes to a deleted file succeed and are lost.
#[cfg(unix)]
fn still_there(file: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if file.metadata()?.nlink() > 0 {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        "the file was deleted",
    ))
}

#[cfg(not(unix))]
fn still_there(_: &File) -> io::Result<()> {
    Ok(())
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.dirty {
            self.flush();
        }
    }
}

impl SampleSink for Arc<Mutex<Recorder>> {
    fn take(&mut self, block: &[f32], sounding: bool, _: Instant) {
        let mut recorder = self.lock().unwrap_or_else(PoisonError::into_inner);
        if sounding {
            recorder.dirty = true;
            recorder.write_samples(block);
        } else if recorder.dirty {
            // A reply ended or paused: update the header, so that a copy made now is complete.
            recorder.flushed = None;
        }
    }

    fn tick(&mut self, now: Instant) {
        let mut recorder = self.lock().unwrap_or_else(PoisonError::into_inner);
        let due = recorder
            .flushed
            .is_none_or(|at| now.saturating_duration_since(at) >= FLUSH_EVERY);
        if recorder.dirty && due {
            recorder.dirty = false;
            recorder.flushed = Some(now);
            recorder.flush();
        }
        if let Some(what) = recorder.unreported.take()
            && let Err(refused) = recorder.events.try_send(VoiceEvent::NotWritten(what))
            && let TrySendError::Full(VoiceEvent::NotWritten(what)) = refused
        {
            recorder.unreported = Some(what);
        }
    }
}

impl Backend for WavOutput {
    fn takes_choice(&self) -> bool {
        false
    }

    fn devices(&mut self) -> Devices {
        Devices {
            host: "files".to_owned(),
            inputs: Vec::new(),
            outputs: vec![device("file", &self.name)],
        }
    }

    fn poll_every(&self) -> Option<Duration> {
        None
    }

    fn open_input(
        &mut self,
        _: &OpenRequest,
        _: MakeCapture<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        Err(one_way("A file that is written gives no sound."))
    }

    fn open_output(
        &mut self,
        request: &OpenRequest,
        make: MakePlayback<'_>,
        _: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        let format = format(SampleRate::REPLY, request);
        let sink = Box::new(self.recorder.clone());
        let stream =
            TimerStream::output(format, make(format), sink, Duration::ZERO, Instant::now());
        Ok(OpenedStream {
            info: info(device("file", &self.name), format),
            stream: Box::new(stream.spawn("file-out")?),
        })
    }
}

fn one_way(what: &str) -> OpenError {
    OpenError {
        kind: StreamFault::UnsupportedOperation,
        what: what.to_owned(),
    }
}
