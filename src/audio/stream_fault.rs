//! Faults of devices and streams: what hosts report, sorted by what can be done about it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::Thread;

/// A stream could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(super) struct OpenError {
    pub(super) kind: StreamFault,
    /// Message for the user.
    pub(super) what: String,
}

/// Faults that a host reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamFault {
    DeviceBusy,
    DeviceChanged,
    DeviceNotAvailable,
    HostUnavailable,
    InvalidInput,
    PermissionDenied,
    RealtimeDenied,
    ResourceExhausted,
    StreamInvalidated,
    UnsupportedConfig,
    UnsupportedOperation,
    Xrun,
    BackendError,
    Other,
}

/// Reaction to a fault of a running stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Count it; the stream continues.
    SpendMore,
    /// Count it; rebuild the stream after more than a few per second.
    RebuildIfMany,
    /// Rebuild the stream at once.
    Rebuild,
}

impl StreamFault {
    /// All kinds in declaration order.
    pub(super) const ALL: [Self; 14] = [
        Self::DeviceBusy,
        Self::DeviceChanged,
        Self::DeviceNotAvailable,
        Self::HostUnavailable,
        Self::InvalidInput,
        Self::PermissionDenied,
        Self::RealtimeDenied,
        Self::ResourceExhausted,
        Self::StreamInvalidated,
        Self::UnsupportedConfig,
        Self::UnsupportedOperation,
        Self::Xrun,
        Self::BackendError,
        Self::Other,
    ];

    /// Reaction when a running stream reports it.
    pub(super) fn policy(self) -> Policy {
        match self {
            // Sound continues, perhaps less smoothly.
            Self::RealtimeDenied => Policy::SpendMore,
            // Some hosts repeat these endlessly (libasound's pulse plugin: 100 000 per second).
            Self::Xrun | Self::BackendError | Self::Other => Policy::RebuildIfMany,
            // The host moved the stream (its rate and delay may have changed), or closed it.
            Self::DeviceChanged
            | Self::StreamInvalidated
            | Self::DeviceBusy
            | Self::DeviceNotAvailable
            | Self::HostUnavailable
            | Self::InvalidInput
            | Self::PermissionDenied
            | Self::ResourceExhausted
            | Self::UnsupportedConfig
            | Self::UnsupportedOperation => Policy::Rebuild,
        }
    }
}

/// Faults of a stream, counted by its error callback and read by the stream manager.
///
/// The callback only increments, and unparks the manager for the first fault after a poll: a host that reports
/// endlessly costs next to nothing.
#[derive(Default)]
pub(super) struct FaultCounts {
    counts: [AtomicU32; StreamFault::ALL.len()],
    manager: Option<Thread>,
}

impl FaultCounts {
    pub(super) fn new(manager: Option<Thread>) -> Self {
        Self {
            manager,
            ..Self::default()
        }
    }

    /// Counts a fault; for the error callback.
    pub(super) fn report(&self, fault: StreamFault) {
        if self.counts[fault as usize].fetch_add(1, Relaxed) == 0
            && let Some(manager) = &self.manager
        {
            manager.unpark();
        }
    }

    /// Returns and clears the counts.
    pub(super) fn take(&self) -> impl Iterator<Item = (StreamFault, u32)> + '_ {
        StreamFault::ALL
            .into_iter()
            .map(|fault| (fault, self.counts[fault as usize].swap(0, Relaxed)))
            .filter(|&(_, count)| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_place_and_a_policy() {
        for (i, fault) in StreamFault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, i);
        }
        assert_eq!(StreamFault::RealtimeDenied.policy(), Policy::SpendMore);
        assert_eq!(StreamFault::BackendError.policy(), Policy::RebuildIfMany);
        assert_eq!(StreamFault::StreamInvalidated.policy(), Policy::Rebuild);
    }

    #[test]
    fn faults_are_counted_and_taken_once() {
        let faults = FaultCounts::default();
        faults.report(StreamFault::Xrun);
        faults.report(StreamFault::Xrun);
        faults.report(StreamFault::Other);
        let taken: Vec<_> = faults.take().collect();
        assert_eq!(taken, [(StreamFault::Xrun, 2), (StreamFault::Other, 1)]);
        assert_eq!(faults.take().count(), 0);
    }
}
