//! What the service sends and cannot be read, and when a connection is given up for it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::base::counters::Counters;
use crate::provider::gemini::message::{ServerMessage, Unreadable};

/// So many broken messages within [`WITHIN`], and none between that could be read, end a connection: a new one may help.
const MOST: usize = 3;
/// Older ones are forgotten: a connection lives for an hour, and a fault every few minutes is no reason to leave it.
const WITHIN: Duration = Duration::from_secs(10);
/// The longest word of a relay that keeps a connection alive.
const LONGEST_WORD: usize = 64;

/// The broken messages of one connection.
#[derive(Debug, Default)]
pub(super) struct Nonsense {
    /// When they came, since one could be read.
    broken: VecDeque<Instant>,
}

/// What a frame holds that is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// Blanks, or an object without anything in it.
    Nothing,
    /// A few letters such as `ping`: relays send them to keep a connection alive.
    Word,
    /// What began as a message.
    Broken,
}

impl Nonsense {
    /// Reads a message. `None` where there is none, which is counted unless the frame holds nothing.
    pub(super) fn read(
        &mut self,
        now: Instant,
        bytes: &[u8],
        counters: &Counters,
    ) -> Option<ServerMessage> {
        let (message, left_out) = match ServerMessage::read_counted(bytes) {
            Ok(read) => read,
            Err(unreadable) => {
                self.note(now, judge(bytes), &unreadable, counters);
                return None;
            }
        };
        self.broken.clear();
        if left_out.count > 0 {
            tracing::debug!(left_out.count, left_out.first, "fields that cannot be read");
        }
        // One without anything is of a kind that is not known here, unless it holds nothing at all.
        let known = message != ServerMessage::default();
        if left_out.count > 0 || (!known && judge(bytes) != Frame::Nothing) {
            counters.bad_messages.add(1);
        }
        known.then_some(message)
    }

    fn note(&mut self, now: Instant, frame: Frame, why: &Unreadable, counters: &Counters) {
        if frame != Frame::Nothing {
            tracing::debug!(%why, ?frame);
            counters.bad_messages.add(1);
        }
        if frame == Frame::Broken {
            if self.broken.len() == MOST {
                self.broken.pop_front();
            }
            self.broken.push_back(now);
        }
    }

    /// Whether there were too many of late.
    pub(super) fn is_too_much(&self, now: Instant) -> bool {
        let recent = |at: &&Instant| now.saturating_duration_since(**at) < WITHIN;
        self.broken.iter().filter(recent).count() >= MOST
    }
}

fn judge(bytes: &[u8]) -> Frame {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let mut inked = bytes.iter().filter(|byte| !blank(byte));
    match (inked.next(), inked.next(), inked.next()) {
        (None, ..) | (Some(b'{'), Some(b'}'), None) => Frame::Nothing,
        _ if bytes.len() <= LONGEST_WORD && is_word(bytes) => Frame::Word,
        _ => Frame::Broken,
    }
}

/// Two letters or more, and nothing that JSON is built of but quotes.
fn is_word(bytes: &[u8]) -> bool {
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic());
    let plain = |byte: &u8| byte.is_ascii() && !b"{}[]\\".contains(byte);
    letters.count() > 1 && bytes.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(counters: &Counters) -> u64 {
        counters.bad_messages.get()
    }

    #[test]
    fn nothing_is_nothing_and_a_word_ends_no_connection() {
        let (mut nonsense, counters, now) =
            (Nonsense::default(), Counters::default(), Instant::now());
        for blank in ["", " ", "\n", "\r\n\t", "\0", "{}", " { }\n"] {
            assert_eq!(nonsense.read(now, blank.as_bytes(), &counters), None);
        }
        assert_eq!(count(&counters), 0);
        let words = [
            "ping",
            "\"ping\"",
            "keepalive\n",
            ":heartbeat",
            "still here",
            "null",
        ];
        for word in words {
            assert_eq!(nonsense.read(now, word.as_bytes(), &counters), None);
            assert!(!nonsense.is_too_much(now), "{word}");
        }
        assert_eq!(count(&counters), words.len() as u64);
    }

    #[test]
    fn broken_messages_count_by_time_and_a_good_one_forgives_them() {
        let (mut nonsense, counters, start) =
            (Nonsense::default(), Counters::default(), Instant::now());
        let long = "x".repeat(LONGEST_WORD + 1);
        for none in [&b"{a"[..], b"[1", b"b", b"2", b"\"\xff\xff\""] {
            assert_eq!(judge(none), Frame::Broken);
        }
        let broken = [&b"{\"serverContent\":"[..], b"\xff\xfe{}", long.as_bytes()];
        let at = |second: u64| start + Duration::from_secs(second);
        for (second, frame) in [0, 4, 8].into_iter().zip(broken) {
            assert!(!nonsense.is_too_much(at(second)));
            assert_eq!(nonsense.read(at(second), frame, &counters), None);
        }
        assert!(nonsense.is_too_much(at(8)));
        assert!(!nonsense.is_too_much(at(10)), "the first one is forgotten");
        let good = br#"{"serverContent":{"turnComplete":true,"interactionStatus":{}}}"#;
        assert!(nonsense.read(at(9), good, &counters).is_some());
        assert!(!nonsense.is_too_much(at(9)));
        assert_eq!(count(&counters), 4, "a field that is left out counts too");
        for second in (20..3_600).step_by(6) {
            nonsense.read(at(second), b"{", &counters);
            assert!(!nonsense.is_too_much(at(second)), "one now and then");
        }
    }
}
