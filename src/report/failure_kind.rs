//! Faults of conversations in `bench` and `load`: names for reports, and remedies.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The connection was not set up within the time for it.
    NotConnected,
    /// The connection was refused, and trying again is of no use.
    Refused,
    /// A connection that had been set up broke off.
    Lost,
    /// An utterance was over, and nothing of an answer came within the time for it.
    NoReply,
    /// The same of an utterance whose conversation was ended with the run.
    NeverAnswered,
    /// The service closed a turn without a sound.
    Empty,
    /// The service, or this program, gave a turn up.
    Failed,
    /// The conversation's own engine ended.
    Broken,
}

impl FailureKind {
    pub const ALL: [Self; 8] = [
        Self::NotConnected,
        Self::Refused,
        Self::Lost,
        Self::NoReply,
        Self::NeverAnswered,
        Self::Empty,
        Self::Failed,
        Self::Broken,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::NotConnected => "not connected in time",
            Self::Refused => "connection refused",
            Self::Lost => "connection lost",
            Self::NoReply => "no reply in time",
            Self::NeverAnswered => "no reply by the end",
            Self::Empty => "turn without a reply",
            Self::Failed => "turn failed",
            Self::Broken => "engine ended",
        }
    }

    /// What to do about many of them.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Refused => {
                "the endpoint takes no more connections, or descriptors are too few; see its limits, and `ulimit -n`"
            }
            Self::NotConnected | Self::Lost => {
                "connections are not set up, or break off; see the endpoint's limits, and begin more slowly (--setups)"
            }
            Self::NoReply | Self::NeverAnswered | Self::Empty => {
                "what was said was not answered; see the endpoint's log, and ask for fewer answers at a time (--requests) or fewer conversations (--sessions)"
            }
            Self::Failed => {
                "why is told for each in the column `error` of the CSV (--report DIR); see the endpoint's log too"
            }
            Self::Broken => {
                "this program gave the conversation up; please report it with this report"
            }
        }
    }

    /// The fault that a report names so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_found_by_its_name() {
        for fault in FailureKind::ALL {
            assert_eq!(FailureKind::named(fault.name()), Some(fault));
        }
        assert_eq!(FailureKind::named("x"), None);
    }
}
