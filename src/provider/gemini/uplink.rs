//! The microphone's way out: audio into messages, and the order that the service insists on.
//!
//! Where the service does not detect activity by itself, "the client must send activity signals" (API reference of the Live
//! API, `automaticActivityDetection.disabled`): text too is sent between them.

use crate::base::frame::FRAME_SAMPLES;
use crate::provider::connection::socket::OutgoingMessage;
use crate::provider::gemini::message::{ClientMessage, RealtimeInput};
use crate::provider::gemini::pcm::UplinkWriter;

/// Frames in a message at most: 30 ms in base64 and JSON, encrypted, fit one TCP segment; 40 ms would need two.
const MOST_FRAMES: usize = 3;

/// Turns audio and signals of one connection into messages.
#[derive(Default)]
pub(super) struct Uplink {
    writer: UplinkWriter,
    /// Whether we say when speech begins and ends.
    manual: bool,
    /// Whether it has begun, in that case.
    active: bool,
}

impl Uplink {
    /// `manual`: we say when speech begins and ends.
    pub(super) fn new(manual: bool) -> Self {
        Self {
            manual,
            ..Self::default()
        }
    }

    /// Whether an utterance has begun and is not over, as far as we decide about it.
    pub(super) fn is_speaking(&self) -> bool {
        self.active
    }

    /// Turns audio into messages of equal length, none longer than 30 ms. Returns false, and gives none, where it would be
    /// outside of an utterance: it was meant for a connection that is gone.
    pub(super) fn audio(&mut self, samples: &[i16], out: &mut impl FnMut(OutgoingMessage)) -> bool {
        if self.manual && !self.active {
            return false;
        }
        let frames = samples.len().div_ceil(FRAME_SAMPLES);
        let messages = frames.div_ceil(MOST_FRAMES);
        let mut start = 0;
        for number in 1..=messages {
            let end = (number * frames / messages * FRAME_SAMPLES).min(samples.len());
            let text = self.writer.message(&samples[start..end]);
            out(OutgoingMessage {
                text,
                report: false,
            });
            start = end;
        }
        true
    }

    /// The start or the end of an utterance, or any other message. `None` for a signal that would not be balanced.
    pub(super) fn message(&mut self, message: &ClientMessage) -> Option<OutgoingMessage> {
        let (wanted, report) = self.judge(message);
        wanted.then(|| OutgoingMessage {
            text: message.to_json(),
            report,
        })
    }

    /// Whether a message may be sent, and whether its flush is to be reported.
    fn judge(&mut self, message: &ClientMessage) -> (bool, bool) {
        let ClientMessage::RealtimeInput(input) = message else {
            return (true, false);
        };
        match input {
            RealtimeInput::ActivityStart => (
                self.manual && !std::mem::replace(&mut self.active, true),
                false,
            ),
            RealtimeInput::ActivityEnd => (
                self.manual && std::mem::replace(&mut self.active, false),
                true,
            ),
            RealtimeInput::AudioStreamEnd => (!self.manual, false),
            // Where we decide, text is part of an utterance, whose end is reported; else it is a turn of its own.
            RealtimeInput::Text(_) => (self.active || !self.manual, !self.manual),
            RealtimeInput::Audio(_) | RealtimeInput::Video(_) => (true, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_becomes_messages_of_20_or_30_ms() {
        let table: [(usize, &[usize]); 8] = [
            (1, &[160]),
            (2, &[320]),
            (3, &[480]),
            (4, &[320, 320]),
            (5, &[320, 480]),
            (7, &[320, 320, 480]),
            (9, &[480, 480, 480]),
            (0, &[]),
        ];
        for (frames, lengths) in table {
            let mut uplink = Uplink::new(false);
            let sent = audio(&mut uplink, frames * FRAME_SAMPLES);
            assert_eq!(lengths_of(&sent.expect("taken")), lengths, "{frames}");
        }
    }

    #[test]
    fn signals_stay_balanced_and_audio_belongs_between_them() {
        let mut uplink = Uplink::new(true);
        assert_eq!(audio(&mut uplink, 160), None, "nobody speaks");
        assert_eq!(send(&mut uplink, RealtimeInput::ActivityEnd), None);
        assert_eq!(send(&mut uplink, RealtimeInput::AudioStreamEnd), None);
        let start = send(&mut uplink, RealtimeInput::ActivityStart).expect("sent");
        assert!(start.text.contains("activityStart") && !start.report);
        assert_eq!(send(&mut uplink, RealtimeInput::ActivityStart), None);
        let said = audio(&mut uplink, 320).expect("taken");
        assert!(said[0].text.contains("audio/pcm") && !said[0].report);
        let end = send(&mut uplink, RealtimeInput::ActivityEnd).expect("sent");
        assert!(end.text.contains("activityEnd") && end.report);
        assert_eq!(audio(&mut uplink, 160), None);
    }

    #[test]
    fn the_service_detects_by_itself_without_our_signals() {
        let mut uplink = Uplink::new(false);
        assert_eq!(send(&mut uplink, RealtimeInput::ActivityStart), None);
        assert!(audio(&mut uplink, 160).is_some());
        let end = send(&mut uplink, RealtimeInput::AudioStreamEnd).expect("sent");
        assert!(!end.report);
    }

    #[test]
    fn text_is_reported_where_nothing_else_ends_its_turn() {
        let text = || RealtimeInput::Text("hello".into());
        let mut automatic = Uplink::new(false);
        assert!(send(&mut automatic, text()).expect("sent").report);
        let mut uplink = Uplink::new(true);
        let early = send(&mut uplink, text());
        assert_eq!(early, None, "meant for a connection that is gone");
        send(&mut uplink, RealtimeInput::ActivityStart);
        assert!(!send(&mut uplink, text()).expect("sent").report);
        let end = send(&mut uplink, RealtimeInput::ActivityEnd);
        assert!(end.expect("sent").report);
    }

    fn send(uplink: &mut Uplink, input: RealtimeInput) -> Option<OutgoingMessage> {
        uplink.message(&input.into())
    }

    /// What becomes of so many samples; `None` if they are not taken.
    fn audio(uplink: &mut Uplink, samples: usize) -> Option<Vec<OutgoingMessage>> {
        let mut sent = Vec::new();
        let taken = uplink.audio(&vec![7; samples], &mut |message| sent.push(message));
        taken.then_some(sent)
    }

    fn lengths_of(messages: &[OutgoingMessage]) -> Vec<usize> {
        let samples = |message: &OutgoingMessage| match ClientMessage::read(message.text.as_bytes())
        {
            Ok(ClientMessage::RealtimeInput(RealtimeInput::Audio(blob))) => blob.data.len() / 2,
            other => panic!("{other:?}"),
        };
        messages.iter().map(samples).collect()
    }
}
