//! Processor and memory of this process and of the servers, once a second.

use std::time::Duration;

use crate::probe::{Probe, Usage};

/// What was used since the reading before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::cli) struct Reading {
    /// Processor time, in percent of a core.
    pub(in crate::cli) cpu: f64,
    /// Resident memory, in megabytes.
    pub(in crate::cli) mb: f64,
}

/// Reads a group of processes as one.
pub(in crate::cli) struct Meter {
    probes: Vec<(Probe, Option<Usage>)>,
}

impl Meter {
    /// This process.
    pub(in crate::cli) fn own() -> Self {
        Self::of([Probe::default()])
    }

    /// The processes with these numbers.
    pub(in crate::cli) fn others(pids: impl IntoIterator<Item = u32>) -> Self {
        Self::of(pids.into_iter().map(Probe::of))
    }

    fn of(probes: impl IntoIterator<Item = Probe>) -> Self {
        let mut this = Self {
            probes: probes.into_iter().map(|probe| (probe, None)).collect(),
        };
        this.read();
        this
    }

    /// What they used since the last call; `None` where the system does not tell, or there is none.
    pub(in crate::cli) fn read(&mut self) -> Option<Reading> {
        let mut all = None;
        for (probe, before) in &mut self.probes {
            let Some(now) = probe.read() else { continue };
            let all: &mut Reading = all.get_or_insert_default();
            all.mb += now.rss as f64 / 1e6;
            if let Some(before) = before.replace(now) {
                all.cpu += percent(
                    now.cpu.saturating_sub(before.cpu),
                    now.wall.saturating_sub(before.wall),
                );
            }
        }
        all
    }
}

fn percent(used: Duration, wall: Duration) -> f64 {
    used.as_secs_f64() / wall.as_secs_f64().max(1e-3) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_can_be_read_from_outside() {
        let mut own = Meter::own();
        let mut same = Meter::others([std::process::id()]);
        let (own, same) = (
            own.read().expect("this one"),
            same.read().expect("this one"),
        );
        assert!(
            own.mb > 0.1 && (own.mb - same.mb).abs() < 0.5 * own.mb,
            "{own:?} {same:?}"
        );
        assert_eq!(Meter::others([]).read(), None);
    }
}
