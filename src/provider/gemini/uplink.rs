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

/// Gathers audio of one connection and turns it into messages.
#[derive(Default)]
pub(super) struct Uplink {
    writer: UplinkWriter,
    waiting: Vec<i16>,
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

    /// Takes audio. Returns false, and takes none, where it would be outside of an utterance: it was meant for a
    /// connection that is gone.
    pub(super) fn audio(&mut self, samples: &[i16]) -> bool {
        let wanted = self.active || !self.manual;
        if wanted {
            self.waiting.extend_from_slice(samples);
        }
        wanted
    }

    /// Takes the start or the end of an utterance, or any other message, behind the audio that waits.
    /// Gives nothing for a signal that would not be balanced.
    pub(super) fn message(
        &mut self,
        message: &ClientMessage,
        out: &mut impl FnMut(OutgoingMessage),
    ) {
        let (wanted, report) = self.judge(message);
        self.flush(out);
        if wanted {
            let text = message.to_json();
            out(OutgoingMessage { text, report });
        }
    }

    /// Turns the audio that waits into messages of equal length, none longer than 30 ms.
    pub(super) fn flush(&mut self, out: &mut impl FnMut(OutgoingMessage)) {
        let frames = self.waiting.len().div_ceil(FRAME_SAMPLES);
        let messages = frames.div_ceil(MOST_FRAMES);
        let mut start = 0;
        for number in 1..=messages {
            let end = (number * frames / messages * FRAME_SAMPLES).min(self.waiting.len());
            let text = self.writer.message(&self.waiting[start..end]);
            out(OutgoingMessage {
                text,
                report: false,
            });
            start = end;
        }
        self.waiting.clear();
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
            assert!(uplink.audio(&vec![7; frames * FRAME_SAMPLES]));
            assert_eq!(lengths_of(&drain(&mut uplink)), lengths, "{frames}");
            assert!(drain(&mut uplink).is_empty());
        }
    }

    #[test]
    fn signals_stay_balanced_and_audio_goes_first() {
        let mut uplink = Uplink::new(true);
        assert!(!uplink.audio(&[1; 160]), "nobody speaks");
        assert!(send(&mut uplink, RealtimeInput::ActivityEnd).is_empty());
        assert!(send(&mut uplink, RealtimeInput::AudioStreamEnd).is_empty());
        assert_eq!(send(&mut uplink, RealtimeInput::ActivityStart).len(), 1);
        assert!(send(&mut uplink, RealtimeInput::ActivityStart).is_empty());
        assert!(uplink.audio(&[1; 320]));
        let end = send(&mut uplink, RealtimeInput::ActivityEnd);
        assert!(end[0].text.contains("audio/pcm") && !end[0].report);
        assert!(end[1].text.contains("activityEnd") && end[1].report);
        assert!(!uplink.audio(&[1; 160]));
    }

    #[test]
    fn the_service_detects_by_itself_without_our_signals() {
        let mut uplink = Uplink::new(false);
        assert!(send(&mut uplink, RealtimeInput::ActivityStart).is_empty());
        assert!(uplink.audio(&[1; 160]));
        let end = send(&mut uplink, RealtimeInput::AudioStreamEnd);
        assert_eq!((end.len(), end[1].report), (2, false));
    }

    #[test]
    fn text_is_reported_where_nothing_else_ends_its_turn() {
        let text = || RealtimeInput::Text("hello".into());
        let mut automatic = Uplink::new(false);
        let sent = send(&mut automatic, text());
        assert!(sent.len() == 1 && sent[0].report, "{sent:?}");
        let mut uplink = Uplink::new(true);
        assert!(
            send(&mut uplink, text()).is_empty(),
            "meant for a connection that is gone"
        );
        send(&mut uplink, RealtimeInput::ActivityStart);
        let sent = send(&mut uplink, text());
        assert!(sent.len() == 1 && !sent[0].report, "{sent:?}");
        assert!(send(&mut uplink, RealtimeInput::ActivityEnd)[0].report);
    }

    fn send(uplink: &mut Uplink, input: RealtimeInput) -> Vec<OutgoingMessage> {
        let mut sent = Vec::new();
        uplink.message(&input.into(), &mut |message| sent.push(message));
        sent
    }

    fn drain(uplink: &mut Uplink) -> Vec<OutgoingMessage> {
        let mut sent = Vec::new();
        uplink.flush(&mut |message| sent.push(message));
        sent
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
