//! Files in place of devices: WAV files spoken as if into a microphone, replies written as if by a recorder.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use super::backend::{Backend, Fault, Faults, MakeCapture, MakePlayback, OpenError, Opened, Wish};
use super::convert::Converter;
use super::null::{device, format, info};
use super::paced::{Paced, Sink, Source};
use super::{AudioError, Devices, Event};
use crate::base::units::SampleRate;
use crate::dsp::mix::{Mixer, sanitise};

/// What a file has to be.
const EXPECTED: &str = "expected is a WAV file of 8 to 192 kHz, 1 to 8 channels, 8 to 32 bit integers or 32 bit floats";
/// Filter for files: they are converted once, ahead of time.
const TAPS: u32 = 128;
/// The header of a recording is brought up to date this often.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// Requests to speak that can wait.
const CUES: usize = 64;

/// A file that was read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Utterance {
    /// Mono, working rate.
    pub(super) samples: Vec<f32>,
}

/// Reads all files, or says what is wrong with the first that cannot be used.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Vec<Utterance>, AudioError> {
    paths.iter().map(|path| read(path)).collect()
}

/// Reads one file as far as it goes.
pub(super) fn read(path: &Path) -> Result<Utterance, AudioError> {
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
    if data.is_dir() {
        return Err(fail(format!("it is a directory; {EXPECTED}")));
    }
    if data.len() == 0 {
        return Err(fail(format!("it is empty; {EXPECTED}")));
    }
    let file = File::open(path).map_err(|e| fail(format!("it cannot be opened: {e}")))?;
    decode(BufReader::new(file), path)
}

/// Reads the text of a WAV file as far as it goes; `path` is what it is called in words.
pub(super) fn decode(text: impl Read, path: &Path) -> Result<Utterance, AudioError> {
    let fail = |what: String| AudioError::File {
        path: path.to_owned(),
        what,
    };
    let reader = hound::WavReader::new(text)
        .map_err(|e| fail(format!("it cannot be read as WAV ({e}); {EXPECTED}")))?;
    let spec = reader.spec();
    let rate = SampleRate::new(spec.sample_rate)
        .filter(|_| (1..=8).contains(&spec.channels))
        .ok_or_else(|| {
            fail(format!(
                "it has {} channels at {} Hz; {EXPECTED}",
                spec.channels, spec.sample_rate
            ))
        })?;
    let announced = reader.len() as usize;
    let mut interleaved = samples(reader, spec);
    if interleaved.is_empty() {
        return Err(fail(format!("it holds no sound; {EXPECTED}")));
    }
    if interleaved.len() < announced {
        tracing::warn!(file = %path.display(), announced, found = interleaved.len(), "the file ends early: it is spoken as far as it goes");
    }
    sanitise(&mut interleaved);
    let mut mono = Vec::new();
    Mixer::new(spec.channels).mix(&interleaved, &mut mono);
    let mut samples = Vec::new();
    let mut converter = Converter::new(rate, SampleRate::WORKING, TAPS)
        .map_err(|e| fail(format!("{e}; {EXPECTED}")))?;
    converter.push(&mono, &mut samples);
    converter.finish(&mut samples);
    Ok(Utterance { samples })
}

/// The samples up to the first that cannot be read.
fn samples(mut reader: hound::WavReader<impl Read>, spec: hound::WavSpec) -> Vec<f32> {
    match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().map_while(Result::ok).collect(),
        hound::SampleFormat::Int => {
            let full = (1_i64 << (spec.bits_per_sample.max(1) - 1)) as f32;
            let samples = reader.samples::<i32>().map_while(Result::ok);
            samples.map(|s| s as f32 / full).collect()
        }
    }
}

/// Where the caller asks for the next file.
#[derive(Clone)]
pub(super) struct Cue(SyncSender<Duration>);

impl Cue {
    /// Asks for the next file after `lead` of silence; false if too many wait already.
    pub(super) fn speak_next(&self, lead: Duration) -> bool {
        self.0.try_send(lead).is_ok()
    }
}

/// Files as a microphone.
pub(super) struct WavInput {
    reader: Arc<Mutex<FileReader>>,
}

/// Speaks the files one after the other; silence before, between and after.
pub(super) struct FileReader {
    files: Vec<Utterance>,
    /// The file that is spoken or comes next.
    file: usize,
    speaking: Option<Speaking>,
    cues: Receiver<Duration>,
    events: Sender<Event>,
    /// Files whose end was not told yet: the session did not take its events.
    untold: Vec<usize>,
}

struct Speaking {
    /// Samples of silence left.
    lead: usize,
    /// Samples spoken.
    at: usize,
}

impl WavInput {
    /// Files that were read, and the place to ask for the next.
    pub(super) fn new(files: Vec<Utterance>, events: Sender<Event>) -> (Self, Cue) {
        let (reader, cue) = FileReader::new(files, events);
        let reader = Arc::new(Mutex::new(reader));
        (Self { reader }, cue)
    }
}

impl FileReader {
    pub(super) fn new(files: Vec<Utterance>, events: Sender<Event>) -> (Self, Cue) {
        let (sender, cues) = sync_channel(CUES);
        let reader = Self {
            files,
            file: 0,
            speaking: None,
            cues,
            events,
            untold: Vec::new(),
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
            self.untold.push(self.file);
            self.file += 1;
            self.speaking = None;
        }
    }
}

impl Source for FileReader {
    fn fill(&mut self, out: &mut [f32], _: Instant) {
        // What was spoken in the block before has been delivered now.
        let events = &self.events;
        self.untold
            .retain(|&file| events.try_send(Event::FileSpoken(file)).is_err());
        self.fill_block(out);
    }
}

impl Source for Arc<Mutex<FileReader>> {
    fn fill(&mut self, out: &mut [f32], start: Instant) {
        self.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill(out, start);
    }
}

impl Backend for WavInput {
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
        wish: &Wish,
        make: MakeCapture<'_>,
        _: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        let format = format(SampleRate::WORKING, wish);
        let source = Box::new(self.reader.clone());
        let stream = Paced::input(format, make(format), source, Instant::now());
        Ok(Opened {
            info: info(device("files", "WAV files"), format),
            stream: Box::new(stream.spawn("files-in")?),
        })
    }

    fn open_output(
        &mut self,
        _: &Wish,
        _: MakePlayback<'_>,
        _: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        Err(one_way("Files that are spoken take no sound."))
    }
}

/// A WAV file as a speaker: the reply audio alone, 24 kHz mono 16 bit.
pub(super) struct WavOutput {
    recorder: Arc<Mutex<Recorder>>,
    name: String,
}

/// Writes what sounds, and nothing else.
pub(super) struct Recorder {
    /// `None` after the disk refused.
    writer: Option<hound::WavWriter<BufWriter<File>>>,
    flushed: Option<Instant>,
    dirty: bool,
}

impl WavOutput {
    /// Creates the file, or says why that cannot be.
    pub(super) fn create(path: &Path) -> Result<Self, AudioError> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: SampleRate::REPLY.hz(),
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(path, spec).map_err(|e| AudioError::File {
            path: path.to_owned(),
            what: format!("it cannot be written: {e}. Choose another place"),
        })?;
        // A file without a reply is a valid file too.
        writer.flush().ok();
        let recorder = Recorder {
            writer: Some(writer),
            flushed: None,
            dirty: false,
        };
        Ok(Self {
            recorder: Arc::new(Mutex::new(recorder)),
            name: path.display().to_string(),
        })
    }
}

impl Recorder {
    fn attempt(
        &mut self,
        act: impl FnOnce(&mut hound::WavWriter<BufWriter<File>>) -> hound::Result<()>,
    ) {
        if let Some(writer) = &mut self.writer
            && let Err(error) = act(writer)
        {
            tracing::error!(%error, "the recording stops: the file cannot be written");
            self.writer = None;
        }
    }
}

impl Sink for Arc<Mutex<Recorder>> {
    fn take(&mut self, block: &[f32], sounding: bool, _: Instant) {
        if !sounding {
            return;
        }
        let mut recorder = self.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.dirty = true;
        recorder.attempt(|writer| {
            block.iter().try_for_each(|&s| {
                writer.write_sample((s * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16)
            })
        });
    }

    fn tick(&mut self, now: Instant) {
        let mut recorder = self.lock().unwrap_or_else(PoisonError::into_inner);
        let due = recorder
            .flushed
            .is_none_or(|at| now.saturating_duration_since(at) >= FLUSH_EVERY);
        if recorder.dirty && due {
            recorder.dirty = false;
            recorder.flushed = Some(now);
            recorder.attempt(hound::WavWriter::flush);
        }
    }
}

impl Backend for WavOutput {
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
        _: &Wish,
        _: MakeCapture<'_>,
        _: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        Err(one_way("A file that is written gives no sound."))
    }

    fn open_output(
        &mut self,
        wish: &Wish,
        make: MakePlayback<'_>,
        _: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        let format = format(SampleRate::REPLY, wish);
        let sink = Box::new(self.recorder.clone());
        let stream = Paced::output(format, make(format), sink, Duration::ZERO, Instant::now());
        Ok(Opened {
            info: info(device("file", &self.name), format),
            stream: Box::new(stream.spawn("file-out")?),
        })
    }
}

fn one_way(what: &str) -> OpenError {
    OpenError {
        kind: Fault::UnsupportedOperation,
        what: what.to_owned(),
    }
}
