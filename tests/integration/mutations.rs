//! Every reader of what others wrote, against thousands of texts that are nearly right: none panics, none hangs, and what is
//! read keeps its promises. The corpus is what the repository ships, and `tests/fixtures/protocol/odd.jsonl`.

use std::path::Path;

use proptest::prelude::*;
use sovereign::profile::Profile;
use sovereign::provider::gemini::close_frame::Close;
use sovereign::provider::gemini::message::{ClientMessage, ServerMessage};
use sovereign::provider::gemini::pcm::{PcmReader, reply_rate};
use sovereign::server::script::Script;
use sovereign::settings::config::Config;

/// Messages of a service that keeps no rule, one a line.
const ODD: &str = include_str!("../fixtures/protocol/odd.jsonl");
const SERVER: &str = include_str!("../fixtures/protocol/server.jsonl");
const CLIENT: &str = include_str!("../fixtures/protocol/client.jsonl");
const SCRIPT: &str = include_str!("../fixtures/scripts/tour.yaml");
const PROFILE: &str = include_str!("../../profiles/balanced.yaml");
const CONFIG: &str = "# mine\nendpoint: wss://gate.example\nprofile: balanced\nvolume: 0.5\ninput_device: a\nkeep: &k false\n";
const MIMES: &str = "audio/pcm;rate=24000\naudio/L16;rate=16000;channels=1\nAudio/PCM ; Rate = 8000\naudio/pcm;channels=2\naudio/wav";
const REASONS: &str = "API key not valid. Please pass a valid API key.\nmodels/x is not found\nYou exceeded your current quota\nInternal error\n\u{1b}[31m";

/// Pieces that texts like these stumble over.
const TOKENS: [&[u8]; 28] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"\\ud800",
    b"\\",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\0",
    b"\r\n",
    b"\t",
    b"&a ",
    b"*a",
    b"<<: ",
    b"- ",
    b"? ",
    b"| ",
    b"!!int ",
    b"---\n",
    b"4.5e1",
    b"=",
];

/// One change of a text.
#[derive(Clone, Debug)]
enum Change {
    Byte(prop::sample::Index, u8),
    Token(prop::sample::Index, prop::sample::Index),
    Drop(prop::sample::Index, prop::sample::Index),
    Double(prop::sample::Index, prop::sample::Index),
    Nest(prop::sample::Index, u16),
}

impl Change {
    fn apply(&self, text: &mut Vec<u8>) {
        let span = |text: &[u8], a: &prop::sample::Index, b: &prop::sample::Index| {
            let (a, b) = (a.index(text.len() + 1), b.index(text.len() + 1));
            a.min(b)..a.max(b)
        };
        match self {
            Self::Byte(at, byte) if !text.is_empty() => {
                let at = at.index(text.len());
                text[at] = *byte;
            }
            Self::Byte(..) => {}
            Self::Token(at, token) => {
                let at = at.index(text.len() + 1);
                text.splice(at..at, TOKENS[token.index(TOKENS.len())].iter().copied());
            }
            Self::Drop(from, to) => {
                text.drain(span(text, from, to));
            }
            Self::Double(from, to) => {
                let span = span(text, from, to);
                let copy = text[span.clone()].to_vec();
                text.splice(span.end..span.end, copy);
            }
            Self::Nest(at, times) => {
                let at = at.index(text.len() + 1);
                let nest = b"[".repeat(usize::from(*times));
                text.splice(at..at, nest);
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (index(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        6 => (index(), index()).prop_map(|(at, token)| Change::Token(at, token)),
        2 => (index(), index()).prop_map(|(from, to)| Change::Drop(from, to)),
        2 => (index(), index()).prop_map(|(from, to)| Change::Double(from, to)),
        1 => (index(), any::<u16>()).prop_map(|(at, times)| Change::Nest(at, times)),
    ]
}

/// One line of these texts, changed a few times.
fn mutant(corpus: &[&'static str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    changed(corpus.iter().flat_map(|text| text.lines()).collect())
}

/// One of these texts, changed a few times.
fn changed(texts: Vec<&'static str>) -> impl Strategy<Value = Vec<u8>> {
    let text = prop::sample::select(texts);
    (text, prop::collection::vec(change(), 0..6)).prop_map(|(text, changes)| {
        let mut text = text.as_bytes().to_vec();
        changes.iter().for_each(|change| change.apply(&mut text));
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn messages_of_a_service(json in mutant(&[SERVER, ODD])) {
        if let Ok((message, left_out)) = ServerMessage::read_counted(&json) {
            prop_assert_eq!(left_out.count == 0, left_out.first.is_empty());
            let written = message.to_json();
            prop_assert_eq!(ServerMessage::read_counted(written.as_bytes()), Ok((message, Default::default())));
        }
    }

    #[test]
    fn messages_of_a_client(json in mutant(&[CLIENT])) {
        if let Ok(message) = ClientMessage::read(&json) {
            prop_assert_eq!(ClientMessage::read(message.to_json().as_bytes()), Ok(message));
        }
    }

    #[test]
    fn sound_and_what_it_is_called(
        mime in mutant(&[MIMES]),
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9),
    ) {
        if let Ok(rate) = reply_rate(&String::from_utf8_lossy(&mime)) {
            prop_assert!((8_000..=48_000).contains(&rate.hz()));
        }
        let mut reader = PcmReader::default();
        let samples: usize = chunks.iter().map(|chunk| reader.read(chunk).len()).sum();
        prop_assert_eq!(samples, chunks.iter().map(Vec::len).sum::<usize>() / 2);
    }

    #[test]
    fn reasons_of_a_close(
        code in prop_oneof![any::<u16>(), 1_000_u16..1_015],
        reason in mutant(&[REASONS]),
    ) {
        let close = Close::of(code, &String::from_utf8_lossy(&reason));
        if !matches!(code, 1_007 | 1_008 | 1_011) {
            prop_assert_eq!(close, Close::of(code, ""), "its reason says nothing");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn files_of_the_user(text in changed(vec![PROFILE, CONFIG, SCRIPT])) {
        if let Ok(profile) = Profile::parse("mine.yaml", &text) {
            let again = Profile::parse("mine.yaml", profile.to_yaml().as_bytes());
            prop_assert_eq!(again.ok(), Some(profile));
        }
        Config::parse("config.yaml", &text).ok();
        Script::parse(Path::new("script.yaml"), &text).ok();
    }
}
