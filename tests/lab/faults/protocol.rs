//! Classes of `P`: messages and frames that are not as they should be.

use super::{Class, Fault};

const fn says(id: &'static str, what: &'static str, message: &'static str) -> Class {
    Class(id, what, Fault::Says(message))
}

/// The service itself ends the answer so: what was asked needs none.
const fn ends(id: &'static str, what: &'static str, message: &'static str) -> Class {
    Class(id, what, Fault::Ends(message))
}

const fn bytes(id: &'static str, what: &'static str, bytes: &'static [u8]) -> Class {
    Class(id, what, Fault::Bytes(bytes))
}

pub(super) const CLASSES: &[Class] = &[
    says("P1", "no JSON", r#"{"serverContent":"#),
    says("P2", "an empty frame", ""),
    says("P3", "null", "null"),
    says("P4", "a list", "[]"),
    says(
        "P5",
        "keys twice",
        r#"{"serverContent":{},"serverContent":{}}"#,
    ),
    says("P6", "a wrong type", r#"{"serverContent":[1,2]}"#),
    says("P6", "a byte order mark", "\u{feff}{\"serverContent\":{}}"),
    says(
        "P6",
        "a lone surrogate",
        r#"{"serverContent":{"outputTranscription":{"text":"\ud800"}}}"#,
    ),
    bytes("P6", "text that is no UTF-8", &[0x81, 2, 0xff, 0xfe]),
    Class("P6", "brackets 100 000 deep", Fault::Many("[", 100_000)),
    Class(
        "P6",
        "three broken messages",
        Fault::Repeats(r#"{"serverContent":"#, 3),
    ),
    bytes(
        "P7",
        "a frame of 64 MiB",
        &[0x82, 127, 0, 0, 0, 0, 4, 0, 0, 0, b'{'],
    ),
    says("P8", "unknown fields", r#"{"newsOfTomorrow":{"a":[1]}}"#),
    says("P8", "setupComplete once more", r#"{"setupComplete":{}}"#),
    says(
        "P9",
        "base64 that is none",
        r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm","data":"*!*"}}]}}}"#,
    ),
    Class("P10", "an odd number of bytes", Fault::Script("odd_pcm")),
    says(
        "P11",
        "rate=0",
        r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=0","data":"AAAA"}}]}}}"#,
    ),
    says(
        "P12",
        "audio/opus",
        r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/opus","data":"AAAA"}}]}}}"#,
    ),
    ends(
        "P14",
        "generationComplete without an answer",
        r#"{"serverContent":{"generationComplete":true}}"#,
    ),
    ends(
        "P14",
        "turnComplete without an answer",
        r#"{"serverContent":{"turnComplete":true}}"#,
    ),
    ends(
        "P13",
        "interrupted without speech",
        r#"{"serverContent":{"interrupted":true}}"#,
    ),
    says(
        "P15",
        "a transcript without sound",
        r#"{"serverContent":{"outputTranscription":{"text":"x"}}}"#,
    ),
    says(
        "P15",
        "words of nobody",
        r#"{"serverContent":{"inputTranscription":{"text":"x "}}}"#,
    ),
    says(
        "P19",
        "a cancelled unknown call",
        r#"{"toolCallCancellation":{"ids":["x"]}}"#,
    ),
    Class(
        "P16",
        "a call of an unknown function",
        Fault::Script(r#"{raw: '{"toolCall":{"functionCalls":[{"id":"1","name":"f"}]}}'}"#),
    ),
    Class(
        "P18",
        "the same call twice",
        Fault::Script(
            r#"{raw: '{"toolCall":{"functionCalls":[{"id":"1","name":"f"},{"id":"1","name":"f"}]}}'}"#,
        ),
    ),
    bytes("P20", "a masked frame", &[0x82, 0x82, 1, 2, 3, 4, 5, 6]),
    bytes("P20", "reserved bits", &[0xf2, 2, b'{', b'}']),
    bytes("P20", "an unknown kind of frame", &[0x83, 2, b'{', b'}']),
    bytes("P20", "a control frame in pieces", &[0x09, 0]),
    bytes("P20", "a continuation of nothing", &[0x80, 2, b'{', b'}']),
    bytes("P20", "a ping of 126 bytes", &[0x89, 126, 0, 126]),
    Class("P20", "a flood of pings", Fault::Pings(1_000)),
    says(
        "P21",
        "control and bidi marks",
        r#"{"serverContent":{"outputTranscription":{"text":"\u001b[31m\u202e"}}}"#,
    ),
];
