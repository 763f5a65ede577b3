//! Processor and memory of this process and of the servers, once a second.

use std::time::Duration;

use crate::probe::{Probe, ProcessReading};

/// What was used since the reading before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ResourceSample {
    /// Processor time, in percent of a core.
    pub(crate) cpu: f64,
    /// Resident memory, in megabytes.
    pub(crate) mb: f64,
}

/// Reads a group of processes as one.
pub(crate) struct ResourceSampler {
    probes: Vec<(Probe, Option<ProcessReading>)>,
    pids: Vec<u32>,
}

impl ResourceSampler {
    pub(crate) fn own() -> Self {
        Self::of([Probe::default()])
    }

    /// The processes with these numbers.
    pub(crate) fn others(pids: impl IntoIterator<Item = u32>) -> Self {
        let pids: Vec<u32> = pids.into_iter().collect();
        Self {
            pids: pids.clone(),
            ..Self::of(pids.into_iter().map(Probe::of))
        }
    }

    /// Open files and sockets of those processes; `None` if unknown or without processes.
    pub(crate) fn open_files(&self) -> Option<u64> {
        let count = |pid: &u32| std::fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count);
        let each: Result<Vec<usize>, _> = self.pids.iter().map(count).collect();
        let each = each.ok().filter(|each| !each.is_empty())?;
        Some(each.iter().sum::<usize>() as u64)
    }

    fn of(probes: impl IntoIterator<Item = Probe>) -> Self {
        let mut this = Self {
            probes: probes.into_iter().map(|probe| (probe, None)).collect(),
            pids: Vec::new(),
        };
        this.read();
        this
    }

    /// Usage since the last call; `None` if unknown or without processes.
    pub(crate) fn read(&mut self) -> Option<ResourceSample> {
        let mut all = None;
        for (probe, before) in &mut self.probes {
            let Some(now) = probe.read() else { continue };
            let all: &mut ResourceSample = all.get_or_insert_default();
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
        let mut own = ResourceSampler::own();
        let mut same = ResourceSampler::others([std::process::id()]);
        let (own, same) = (
            own.read().expect("this one"),
            same.read().expect("this one"),
        );
        assert!(
            own.mb > 0.1 && (own.mb - same.mb).abs() < 0.5 * own.mb,
            "{own:?} {same:?}"
        );
        assert_eq!(ResourceSampler::others([]).read(), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn open_sockets_of_a_process_are_counted() {
        let meter = ResourceSampler::others([std::process::id()]);
        let bound: Vec<_> = (0..200)
            .map(|_| std::net::UdpSocket::bind("127.0.0.1:0").expect("bound"))
            .collect();
        let with = meter.open_files().expect("told");
        drop(bound);
        let without = meter.open_files().expect("told");
        assert!(with >= without + 100, "{with} {without}");
        assert_eq!(ResourceSampler::others([]).open_files(), None);
    }
}
