//! What this process uses of the machine: processor time and memory (the only user of sysinfo).

use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// One reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Processor time of all threads since the process began.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Wall time since the process began to be watched.
    pub wall: Duration,
}

/// Reads this process; once a second is enough.
#[derive(Debug)]
pub struct Probe {
    system: Option<System>,
    pid: Option<Pid>,
    since: Instant,
    peak: u64,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            system: System::new().ok(),
            pid: sysinfo::get_current_pid().ok(),
            since: Instant::now(),
            peak: 0,
        }
    }
}

impl Probe {
    /// Reads another process of this user.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        Self {
            pid: Some(Pid::from_u32(pid)),
            ..Self::default()
        }
    }

    /// Reads nothing.
    #[must_use]
    pub fn off() -> Self {
        Self {
            system: None,
            pid: None,
            since: Instant::now(),
            peak: 0,
        }
    }

    /// Reads now; `None` where the system does not tell.
    pub fn read(&mut self) -> Option<Usage> {
        let pid = self.pid?;
        let system = self.system.as_mut()?;
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
        let process = system.process(pid)?;
        self.peak = self.peak.max(process.memory());
        let cpu = Duration::from_millis(process.accumulated_cpu_time());
        Some(Usage {
            cpu,
            rss: process.memory(),
            wall: self.since.elapsed(),
        })
    }

    /// The largest resident memory read so far, in bytes.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.peak
    }

    /// Cores of the machine, 1 where the system does not tell.
    #[must_use]
    pub fn cores() -> usize {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_processor_time_and_memory_is_resident() {
        let mut probe = Probe::default();
        let before = probe.read().expect("this process exists");
        let mut sum = 0_u64;
        // Until the clock of the accounting has moved: it counts in steps of 10 ms.
        while probe.read().expect("still exists").cpu == before.cpu {
            sum = std::hint::black_box((0..100_000_u64).fold(sum, |a, b| a ^ b.wrapping_mul(31)));
        }
        assert!(
            before.rss > 100_000 && probe.peak() >= before.rss,
            "{before:?} {sum}"
        );
    }
}
