//! Every reader of what others wrote, against thousands of texts that are nearly right: none panics, none hangs, and what is
//! read keeps its promises. The corpus is what the repository ships, and `tests/fixtures/protocol/odd.jsonl`.

use std::path::Path;

use proptest::prelude::*;
use sovereign::provider::gemini::pcm::PcmReader;

use super::fuzz_targets;

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
    fn messages_of_either_side(json in mutant(&[SERVER, ODD, CLIENT])) {
        fuzz_targets::server_message(&json);
    }

    #[test]
    fn sound_and_what_it_is_called(
        mime in mutant(&[MIMES]),
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9),
    ) {
        fuzz_targets::mime_type(&mime);
        let mut reader = PcmReader::default();
        let samples: usize = chunks.iter().map(|chunk| reader.read(chunk).len()).sum();
        prop_assert_eq!(samples, chunks.iter().map(Vec::len).sum::<usize>() / 2);
    }

    #[test]
    fn reasons_of_a_close(
        code in prop_oneof![any::<u16>(), 1_000_u16..1_015],
        reason in mutant(&[REASONS]),
    ) {
        let mut bytes = code.to_le_bytes().to_vec();
        bytes.extend(reason);
        fuzz_targets::close_reason(&bytes);
    }

    #[test]
    fn what_happens_to_a_link(steps in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_targets::reconnect_policy(&steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn files_of_the_user(text in changed(vec![PROFILE, CONFIG, SCRIPT])) {
        fuzz_targets::profile(&text);
        fuzz_targets::script(&text);
    }
}

/// What the fuzzer begins with, and what it has found (`scripts/fuzz`).
#[test]
fn the_corpus_of_the_fuzzer_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in fuzz_targets::TARGETS {
        let files = std::fs::read_dir(corpus.join(name)).expect(name);
        let files: Vec<_> = files.map(|file| file.expect("listed").path()).collect();
        assert!(!files.is_empty(), "{name}");
        for file in files {
            let bytes = std::fs::read(&file).expect("readable");
            let held = std::panic::catch_unwind(|| target(&bytes));
            assert!(held.is_ok(), "{}", file.display());
        }
    }
}
