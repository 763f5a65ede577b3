//! Classes of `N`: the network, and how the service ends a connection.

use std::time::Duration;

use super::{Class, Fault};
use crate::support::line::Mode;
use crate::support::tcp::{NameServer, Way};

const fn line(id: &'static str, what: &'static str, mode: Mode, ms: u64) -> Class {
    Class(id, what, Fault::Line(mode, ms))
}

const fn cut(id: &'static str, what: &'static str, ms: u64) -> Class {
    Class(id, what, Fault::Cut(ms))
}

const fn closes(id: &'static str, what: &'static str, code: u16, reason: &'static str) -> Class {
    Class(id, what, Fault::Closes(code, reason))
}

const fn answers(id: &'static str, what: &'static str, head: &'static str) -> Class {
    Class(id, what, Fault::Away(Mode::Says(head), 3_000))
}

const fn names(what: &'static str, names: NameServer) -> Class {
    Class("N1", what, Fault::Names(names))
}

const fn way(id: &'static str, what: &'static str, way: Way, ms: u64) -> Class {
    Class(id, what, Fault::Way(way, ms))
}

/// A way of 50 ms, which the rows change.
const WAY: Way = Way {
    one_way: Duration::from_millis(25),
    jitter: Duration::ZERO,
    lost: 0.0,
    piece: 1_448,
    every: Duration::ZERO,
};

const fn loss(lost: f64) -> Way {
    Way { lost, ..WAY }
}

const fn jitter(ms: u64) -> Way {
    Way {
        jitter: Duration::from_millis(ms),
        ..WAY
    }
}

pub(super) const CLASSES: &[Class] = &[
    names("the name is not found", NameServer::NotFound),
    names("the name server fails", NameServer::Fails),
    names("the name server is silent", NameServer::Hangs),
    names("a dead address comes first", NameServer::NamesADeadOne),
    cut("N2", "cut, back at once", 0),
    cut("N2", "cut, refused for 1 s", 1_000),
    cut("N2", "cut, refused for 5 s", 5_000),
    cut("N7", "cut, refused for 25 s", 25_000),
    cut("N7", "cut, refused for 60 s", 60_000),
    Class(
        "N2",
        "cut, no route for 3 s",
        Fault::Away(Mode::NoRoute, 3_000),
    ),
    Class(
        "N2",
        "cut, no route for 20 s",
        Fault::Away(Mode::NoRoute, 20_000),
    ),
    Class(
        "N2",
        "cut, filtered for 3 s",
        Fault::Away(Mode::Silent, 3_000),
    ),
    Class(
        "N2",
        "cut, filtered for 20 s",
        Fault::Away(Mode::Silent, 20_000),
    ),
    way(
        "N4",
        "a byte at a time for 5 s",
        Way { piece: 1, ..WAY },
        5_000,
    ),
    way(
        "N4",
        "a byte every 2 ms for 10 s",
        Way {
            piece: 1,
            every: Duration::from_millis(2),
            ..WAY
        },
        10_000,
    ),
    line("N5", "half open for 5 s", Mode::Swallows, 5_000),
    line("N5", "half open for 30 s", Mode::Swallows, 30_000),
    line("N6", "stands still for 0.2 s", Mode::Stands, 200),
    line("N6", "stands still for 2 s", Mode::Stands, 2_000),
    line("N6", "stands still for 5 s", Mode::Stands, 5_000),
    line("N7", "stands still for 15 s", Mode::Stands, 15_000),
    Class("N7", "no route for 0.5 s", Fault::Line(Mode::NoRoute, 500)),
    Class("N7", "silent for 2 s", Fault::Line(Mode::Silent, 2_000)),
    Class("N7", "silent for 15 s", Fault::Line(Mode::Silent, 15_000)),
    way("N8", "1 % lost for 30 s", loss(0.01), 30_000),
    way("N8", "5 % lost for 30 s", loss(0.05), 30_000),
    way("N8", "20 % lost for 10 s", loss(0.2), 10_000),
    way("N9", "jitter of 100 ms for 30 s", jitter(100), 30_000),
    way("N9", "jitter of 400 ms for 30 s", jitter(400), 30_000),
    way(
        "N9",
        "a round trip of 800 ms for 30 s",
        Way {
            one_way: Duration::from_millis(400),
            ..WAY
        },
        30_000,
    ),
    line("N10", "32 kbit/s for 10 s", Mode::Slow(4_000), 10_000),
    line("N10", "64 kbit/s for 10 s", Mode::Slow(8_000), 10_000),
    line("N10", "128 kbit/s for 10 s", Mode::Slow(16_000), 10_000),
    Class(
        "N11",
        "each connection is cut at once for 15 s",
        Fault::Storm(15_000),
    ),
    Class("N12", "another network", Fault::Line(Mode::Swallows, 100)),
    answers(
        "N13",
        "a login page",
        "HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\nContent-Length: 0\r\n\r\n",
    ),
    answers(
        "N13",
        "a page instead of an answer",
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
    ),
    closes("N14", "close 1000", 1000, ""),
    closes("N14", "close 1001", 1001, "going away"),
    closes("N14", "close 1002", 1002, ""),
    closes("N14", "close 1003", 1003, ""),
    closes(
        "N14",
        "close 1007",
        1007,
        "Request contains an invalid argument.",
    ),
    closes("N14", "close 1008", 1008, "Operation is not implemented"),
    closes("N14", "close 1009", 1009, ""),
    closes("N14", "close 1011", 1011, "Internal error encountered."),
    closes("N14", "close 1012", 1012, ""),
    closes("N14", "close 1013", 1013, ""),
    closes("N14", "close 4000", 4000, "custom"),
    Class("N14", "a close without a code", Fault::Bytes(&[0x88, 0])),
    Class(
        "N14",
        "a close whose reason is no UTF-8",
        Fault::Bytes(&[0x88, 4, 0x03, 0xf3, 0xff, 0xfe]),
    ),
    Class("N2", "an end without a close frame", Fault::Cut(0)),
    Class("N15", "goAway, 60 s", Fault::GoesAway(Some(60))),
    Class("N15", "goAway, 5 s", Fault::GoesAway(Some(5))),
    Class("N15", "goAway, 0 s", Fault::GoesAway(Some(0))),
    Class("N15", "goAway without a time", Fault::GoesAway(None)),
    Class("N17", "no handle", Fault::Resumes("false")),
    Class(
        "N17",
        "resumed without what was said",
        Fault::Resumes("forgetful"),
    ),
    closes(
        "N17",
        "the session is not found",
        1008,
        "BidiGenerateContent session not found",
    ),
    closes(
        "N17",
        "the session expired",
        1011,
        "BidiGenerateContent session expired",
    ),
    closes("N18", "quota", 1011, "You exceeded your current quota"),
    answers(
        "N18",
        "429",
        "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
    ),
    answers(
        "N18",
        "503",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    ),
    closes(
        "N19",
        "the key is not valid",
        1007,
        "API key not valid. Please pass a valid API key.",
    ),
    answers(
        "N19",
        "403",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    ),
    closes(
        "N20",
        "the place",
        1007,
        "User location is not supported for the API use.",
    ),
    closes(
        "N20",
        "the model is gone",
        1008,
        "models/x is not found for API version v1beta, or is not supported for bidiGenerateContent",
    ),
    Class("N22", "all at once", Fault::Script("{speed: 0}")),
    Class(
        "N9",
        "replies with jitter of 400 ms",
        Fault::Script("{jitter: 400}"),
    ),
    Class("N23", "pongs after 30 s", Fault::Pongs(Some(30))),
    Class("N23", "no pongs", Fault::Pongs(None)),
];
