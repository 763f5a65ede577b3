//! What of a reply counts as heard: its level, and for how long.

use std::time::Duration;

/// Amplitude up to which samples are silence, -50 dBFS: at the start of a reply they are not played.
pub const INAUDIBLE: u16 = 104;
/// A reply is heard if it is louder than [`INAUDIBLE`] for so long in all. Replies of full length at an amplitude near zero
/// were 5.9 % of those of one deployment (a public report; seen there: 6 of 32 767). A click is shorter than this, and the
/// shortest voiced sound of speech takes 50 ms.
pub const AUDIBLE_FOR: Duration = Duration::from_millis(20);
