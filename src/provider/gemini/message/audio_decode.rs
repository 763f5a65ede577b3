//! The message that comes most often, read without a parser: fifty times a second, one piece of sound and nothing else.
//!
//! ```text
//! {"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"…","data":"…"}}],"role":"model"}}}
//!                                                        either first                may be missing
//! ```
//!
//! White space may be anywhere. Whatever else there is, it is not this message, and is read by the parser.

use super::content::{Blob, Content};
use crate::provider::gemini::base64::decode;

/// The model's turn, if it is this message.
pub(super) fn read(json: &[u8]) -> Option<Content> {
    let mut text = Text(json);
    text.take(b"{")?;
    text.key("serverContent")?;
    text.take(b"{")?;
    text.key("modelTurn")?;
    text.take(b"{")?;
    text.key("parts")?;
    text.take(b"[")?;
    text.take(b"{")?;
    text.key("inlineData")?;
    text.take(b"{")?;
    let (mime, data) = if text.key("mimeType").is_some() {
        let mime = text.words()?;
        text.take(b",")?;
        text.key("data")?;
        (mime, text.plain()?)
    } else {
        text.key("data")?;
        let data = text.plain()?;
        text.take(b",")?;
        text.key("mimeType")?;
        (text.words()?, data)
    };
    for closing in [b"}", b"}", b"]"] {
        text.take(closing)?;
    }
    let role = if text.take(b",").is_some() {
        text.key("role")?;
        Some(text.words()?.to_owned())
    } else {
        None
    };
    for closing in [b"}", b"}", b"}"] {
        text.take(closing)?;
    }
    text.is_over().then_some(())?;
    let blob = Blob {
        data: decode(data).ok()?,
        mime_type: mime.to_owned(),
    };
    Some(Content {
        role,
        ..Content::media(blob)
    })
}

/// What is left of a message.
struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// Passes over white space and these letters; nothing is passed over if they are not there.
    fn take(&mut self, letters: &[u8]) -> Option<()> {
        self.0 = self.start().strip_prefix(letters)?;
        Some(())
    }

    /// Passes over a key and its colon.
    fn key(&mut self, name: &str) -> Option<()> {
        let rest = self.start().strip_prefix(b"\"")?;
        let rest = rest.strip_prefix(name.as_bytes())?.strip_prefix(b"\"")?;
        let mut after = Text(rest);
        after.take(b":")?;
        *self = after;
        Some(())
    }

    /// Passes over a short text that JSON allows as it stands.
    fn words(&mut self) -> Option<&'a str> {
        let words = str::from_utf8(self.plain()?).ok()?;
        (!words.bytes().any(|b| b < b' ')).then_some(words)
    }

    /// Passes over a text without escapes.
    fn plain(&mut self) -> Option<&'a [u8]> {
        let rest = self.start().strip_prefix(b"\"")?;
        let end = memchr::memchr2(b'"', b'\\', rest)?;
        let (inside, rest) = rest.split_at(end);
        self.0 = rest.strip_prefix(b"\"")?;
        Some(inside)
    }

    fn is_over(&self) -> bool {
        self.start().is_empty()
    }

    /// What is left behind white space, as JSON knows it.
    fn start(&self) -> &'a [u8] {
        let mut rest = self.0;
        while let [b' ' | b'\n' | b'\t' | b'\r', after @ ..] = rest {
            rest = after;
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    use crate::provider::gemini::message::server::{ServerContent, ServerMessage, read_fields};

    /// What the parser makes of it, if it is a model's turn and nothing else.
    fn parsed(json: &[u8]) -> Option<Content> {
        let (message, _) = read_fields(json).ok()?;
        let turn = message.server_content.clone()?.model_turn?;
        let alone = ServerMessage {
            server_content: Some(ServerContent {
                model_turn: Some(turn.clone()),
                ..ServerContent::default()
            }),
            ..ServerMessage::default()
        };
        (message == alone).then_some(turn)
    }

    const SHAPES: [&str; 4] = [
        r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"AAEC_w=="}}]}}}"#,
        r#"{ "serverContent" : {"modelTurn": {"parts": [ {"inlineData":{"data" : "AAEC/w", "mimeType":"audio/pcm"}}],"role":"model"}}}"#,
        "{\n  \"serverContent\": {\n    \"modelTurn\": {\n      \"parts\": [\n        {\n          \"inlineData\": {\n            \"mimeType\": \"audio/pcm;rate=24000\",\n            \"data\": \"AAEC/w==\"\n          }\n        }\n      ]\n    }\n  }\n}\n",
        r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"","data":""}}],"role":"é"}}}"#,
    ];

    #[test]
    fn sound_is_read_as_the_parser_reads_it() {
        for json in SHAPES {
            let message = read(json.as_bytes());
            assert!(message.is_some(), "{json}");
            assert_eq!(message, parsed(json.as_bytes()), "{json}");
        }
    }

    #[test]
    fn all_else_is_left_to_the_parser() {
        for json in [
            "",
            "{}",
            r#"{"serverContent":{"turnComplete":true}}"#,
            r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"a","data":"AA=="}}]},"turnComplete":true}}"#,
            r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"a","data":"AA=="}},{"text":"b"}]}}}"#,
            r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"a","data":"A\/=="}}]}}}"#,
            r#"{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"a","data":"AA=="}}]}}} x"#,
        ] {
            assert_eq!(read(json.as_bytes()), None, "{json}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn what_is_read_of_a_broken_message_is_what_the_parser_reads(
            shape in 0_usize..SHAPES.len(),
            faults in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 0..3),
        ) {
            let mut json = SHAPES[shape].as_bytes().to_vec();
            for (at, byte, kind) in faults {
                let at = at.index(json.len());
                match kind {
                    0 => json[at] = byte,
                    1 => json.insert(at, byte),
                    _ => { json.remove(at); }
                }
            }
            if let Some(message) = read(&json) {
                prop_assert_eq!(Some(message), parsed(&json));
            }
        }
    }
}
