//! Timeouts and retry limits of the turn machine.

use std::time::Duration;

/// The service may think this long before it gives any sign; the slowest hosted answers measured take 16 s.
pub(super) const FIRST_SIGN_WITHIN: Duration = Duration::from_secs(20);
/// A reply that has begun may pause this long.
pub(super) const NEXT_SIGN_WITHIN: Duration = Duration::from_secs(10);
/// Least wait for the newest turn on a connection that owes answers to older ones.
pub(super) const OWED_AT_LEAST: Duration = Duration::from_secs(5);
/// `turnComplete` (with the token counts) may come this long after the reply was played out.
pub(super) const COMPLETE_WITHIN: Duration = Duration::from_secs(1);
/// An end without content that may be another turn's is accepted after this time: the model thinks 0.3 to 1 s, rarely more.
pub(super) const CONTENT_WITHIN: Duration = Duration::from_secs(2);
/// An answer may follow a call that cannot be answered, within this time: the model thinks 0.3 to 1 s, rarely more.
pub(super) const UNANSWERABLE_WITHIN: Duration = Duration::from_secs(5);
/// A flush must be confirmed within this time; it takes a device period plus a fade.
pub(super) const SILENT_WITHIN: Duration = Duration::from_secs(1);
/// What was said longer ago than this, without a connection, is not sent unless the user agrees.
pub(super) const CONSENT_AFTER: Duration = Duration::from_secs(30);
/// Connections that may end after a completely sent turn before it fails: each of its answers may have been billed.
pub(super) const OFFERS: u32 = 4;
/// Connections that may end while a closed turn is being sent: a part gets no answer, so this costs less.
pub(super) const BROKEN_OFFERS: u32 = 12;
/// Connections that may leave a turn without any sign before it fails.
pub(super) const SILENT_OFFERS: u32 = 3;
