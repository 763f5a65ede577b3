//! Messages: 20 ms of the user's voice into one, 20 ms of a reply out of one and on into the speaker's ring.
//!
//! The elastic queue between is no public part; the workloads of `whole` run through it.

use sovereign::base::ids::TurnId;
use sovereign::base::ring::{Reader, Writer, ring};
use sovereign::base::units::SampleRate;
use sovereign::dsp::resample::Resampler;
use sovereign::provider::gemini::message::{Blob, Content, ServerContent, ServerMessage};
use sovereign::provider::gemini::pcm::{PcmReader, REPLY_MIME, UplinkWriter, reply_rate, to_bytes};
use sovereign::turn::context_seed::ContextSeed;

use crate::sound::{Samples, at_rate, device_rate, reply, talk};
use crate::{Done, Workload};

/// 20 ms at the two rates of the wire.
const UP: usize = 320;
const DOWN: usize = 480;

pub(crate) fn workloads() -> Vec<Workload> {
    vec![
        workload("uplink-message", "20 ms of samples into a message", uplink),
        workload(
            "context-seed",
            "what a new session is told of 1 000 turns, within 8 000 tokens",
            |units| {
                let mut seed = ContextSeed::default();
                for turn in 1..=1_000 {
                    let question = format!(
                        "What is question number {turn}, about the roof of house {}?",
                        turn % 83
                    );
                    let answer = format!(
                        "The answer to it is {}. It is long enough for a second sentence.",
                        turn * 7
                    );
                    seed.put(TurnId(turn), &question, &answer);
                }
                let told = (0..units).map(|_| seed.build(8_000).0.len() as u64);
                Done {
                    evidence: told.sum(),
                    within: (u64::from(units) * 10, u64::from(units) * 12),
                }
            },
        ),
        workload(
            "downlink-message",
            "a message with 20 ms of sound into samples",
            |units| {
                let messages = messages();
                let mut reader = PcmReader::default();
                let texts = messages.iter().cycle().take(units as usize);
                let samples = texts.map(|text| read(text, &mut reader).len() as u64);
                Done::exactly(samples.sum(), u64::from(units) * DOWN as u64)
            },
        ),
        workload(
            "downlink-sound",
            "20 ms of samples at 24 kHz into the ring at 48 kHz, and out again",
            |units| {
                let pcm = pcm(&reply(), SampleRate::REPLY);
                let mut way = Way::new();
                for chunk in pcm.chunks_exact(DOWN).cycle().take(units as usize) {
                    way.play(chunk);
                }
                Done::exactly(way.played, u64::from(units) * 960)
            },
        ),
        workload(
            "downlink",
            "a message with 20 ms of sound into the ring, and out again",
            |units| {
                let messages = messages();
                let (mut reader, mut way) = (PcmReader::default(), Way::new());
                for text in messages.iter().cycle().take(units as usize) {
                    way.play(&read(text, &mut reader));
                }
                Done::exactly(way.played, u64::from(units) * 960)
            },
        ),
    ]
}

fn workload(name: &str, what: &str, run: fn(u32) -> Done) -> Workload {
    Workload {
        name: name.to_owned(),
        // A cycle of the sound.
        units: 60,
        what: what.to_owned(),
        only: vec![],
        run: Box::new(run),
    }
}

fn uplink(units: u32) -> Done {
    let pcm = pcm(&talk(), SampleRate::WORKING);
    let mut writer = UplinkWriter::default();
    let chunks = pcm.chunks_exact(UP).cycle().take(units as usize);
    let letters: u64 = chunks.map(|chunk| writer.message(chunk).len() as u64).sum();
    // 640 bytes are 856 letters, and the frame round them has 73.
    Done::exactly(letters, u64::from(units) * 929)
}

fn pcm(frames: &[Samples], rate: SampleRate) -> Vec<i16> {
    let samples = at_rate(frames, rate);
    samples.iter().map(|s| (s * 32_767.0) as i16).collect()
}

/// The messages of a cycle, as the service writes them.
fn messages() -> Vec<String> {
    let pcm = pcm(&reply(), SampleRate::REPLY);
    let message = |chunk: &[i16]| {
        let blob = Blob {
            data: to_bytes(chunk),
            mime_type: REPLY_MIME.to_owned(),
        };
        let content = ServerContent {
            model_turn: Some(Content::media(blob)),
            ..ServerContent::default()
        };
        ServerMessage {
            server_content: Some(content),
            ..ServerMessage::default()
        }
        .to_json()
    };
    pcm.chunks_exact(DOWN).map(message).collect()
}

fn read(text: &str, reader: &mut PcmReader) -> Vec<i16> {
    let message = ServerMessage::read(text.as_bytes()).expect("it was written by the same crate");
    let content = message.server_content.and_then(|c| c.model_turn);
    let mut samples = Vec::new();
    for part in content.map(|c| c.parts).unwrap_or_default() {
        let Some(blob) = part.inline_data else {
            continue;
        };
        assert_eq!(reply_rate(&blob.mime_type), Ok(SampleRate::REPLY));
        samples.append(&mut reader.read(&blob.data));
    }
    samples
}

/// From samples to the ring and out of it. What the callback does besides is in `playback-callback`.
struct Way {
    resampler: Resampler,
    input: Vec<f32>,
    converted: Vec<f32>,
    writer: Writer<f32>,
    reader: Reader<f32>,
    block: [f32; 960],
    played: u64,
}

impl Way {
    fn new() -> Self {
        // As large as that of an output stream.
        let (writer, reader) = ring(24_000);
        Self {
            resampler: Resampler::new(SampleRate::REPLY, device_rate(), 64).expect("allowed"),
            input: Vec::new(),
            converted: Vec::new(),
            writer,
            reader,
            block: [0.0; 960],
            played: 0,
        }
    }

    fn play(&mut self, chunk: &[i16]) {
        self.input.clear();
        let samples = chunk.iter().map(|&s| f32::from(s) / 32_768.0);
        self.input.extend(samples);
        self.converted.clear();
        self.resampler.push(&self.input, &mut self.converted);
        self.writer.push(&self.converted);
        self.played += self.reader.pop(&mut self.block) as u64;
    }
}
