//! Candidates, turns and conditions that `auto` chooses by.

use std::time::{Duration, Instant};

use crate::profile::Preference;

/// A profile that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub label: String,
    /// Its own share of a response (uplink + downlink) before any was measured.
    pub own_share: Duration,
    /// How much longer that is while power is saved.
    pub saving_share: Duration,
}

/// Goals and constraints of the choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AutoGoals {
    pub target: Duration,
    /// Value of a step of quality.
    pub preference: Preference,
    /// Changes of profile in an hour, at most.
    pub changes_per_hour: u32,
    /// Whether power is saved on battery.
    pub power_saving: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Time of its end.
    pub at: Instant,
    /// The active candidate.
    pub candidate: usize,
    /// Its response: client + server.
    pub response: Duration,
    /// Our share of it: uplink + downlink, without the time held for patience.
    pub own: Duration,
    /// Round trip of the connection at that time, if known: the network's share.
    pub round_trip: Option<Duration>,
}

/// State of the machine, sampled once a second. Unknown values are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Load of all processors together, 0.0 to 1.0.
    pub cpu: Option<f32>,
    /// Used memory of the machine, 0.0 to 1.0.
    pub memory: Option<f32>,
    /// Whether the machine runs on its battery.
    pub on_battery: Option<bool>,
    /// Round trip of the connection with the last traffic, which is at the end of the present turn.
    pub round_trip: Option<Duration>,
}
