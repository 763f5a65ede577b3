//! What this process uses of the machine, and how the machine is: processors, memory, battery (the only user of sysinfo).

mod power;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

pub use power::Battery;
use power::Power;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessReading {
    /// Processor time of all threads since the process began.
    pub cpu: Duration,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Wall time since the process began to be watched.
    pub wall: Duration,
    /// Threads of the process, where the system tells.
    pub threads: Option<u32>,
    pub machine: SystemReading,
}

/// The machine as a whole; unknown is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SystemReading {
    /// Load of all processors since the last reading, in percent of all of them.
    pub cpu_percent: Option<f32>,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Of it what programs can still have.
    pub available: Option<u64>,
    /// The battery, where there is one.
    pub battery: Option<Battery>,
    /// The highest clock that the processors may run at, as a share of what they can (Linux): less than 1 when they are
    /// held back by heat, by a weak battery or by a setting.
    pub clock_share: Option<f32>,
}

impl SystemReading {
    /// Memory in use, in percent.
    pub fn memory_percent(&self) -> Option<f64> {
        let (all, free) = self.memory.zip(self.available)?;
        (all > 0).then(|| (all.saturating_sub(free)) as f64 / all as f64 * 100.0)
    }
}

/// The machine's memory is looked at every so many readings: to read it costs more than all the rest.
const MEMORY_EVERY: u32 = 30;

/// Reads this process and the machine; once a second is enough.
#[derive(Debug)]
pub struct Probe {
    system: Option<System>,
    pid: Option<Pid>,
    since: Instant,
    peak: u64,
    power: Power,
    /// Readings so far. The load is that since the reading before: the first one has none.
    readings: u32,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            system: System::new().ok(),
            pid: sysinfo::get_current_pid().ok(),
            since: Instant::now(),
            peak: 0,
            power: Power::default(),
            readings: 0,
        }
    }
}

impl Probe {
    /// Reads another process of this user.
    pub fn of(pid: u32) -> Self {
        Self {
            pid: Some(Pid::from_u32(pid)),
            ..Self::default()
        }
    }

    /// Reads nothing.
    pub fn off() -> Self {
        Self {
            system: None,
            pid: None,
            ..Self::default()
        }
    }

    /// Reads now; `None` where the system does not tell.
    pub fn read(&mut self) -> Option<ProcessReading> {
        let pid = self.pid?;
        let system = self.system.as_mut()?;
        // Its threads would be read one by one, and nobody asks for them.
        let what = ProcessRefreshKind::nothing()
            .with_cpu()
            .with_memory()
            .without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, what);
        if self.readings.is_multiple_of(MEMORY_EVERY) {
            system.refresh_memory();
        }
        system.refresh_cpu_usage();
        let process = system.process(pid)?;
        self.peak = self.peak.max(process.memory());
        let cpu = Duration::from_millis(process.accumulated_cpu_time());
        let known = |bytes: u64| Some(bytes).filter(|bytes| *bytes > 0);
        let load = system.global_cpu_usage();
        let machine = SystemReading {
            cpu_percent: Some(load).filter(|load| self.readings > 0 && load.is_finite()),
            memory: known(system.total_memory()),
            available: known(system.available_memory()),
            battery: self.power.battery(),
            clock_share: self.power.clock_share(),
        };
        self.readings = self.readings.wrapping_add(1);
        Some(ProcessReading {
            cpu,
            rss: process.memory(),
            wall: self.since.elapsed(),
            threads: threads(),
            machine,
        })
    }

    /// The largest resident memory read so far, in bytes.
    pub fn peak(&self) -> u64 {
        self.peak
    }

    /// Cores of the machine, 1 where the system does not tell.
    pub fn cores() -> usize {
        static CORES: OnceLock<usize> = OnceLock::new();
        *CORES
            .get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }
}

/// Linux counts a link for each thread beside the two of every folder (`proc_task_getattr` of its `fs/proc/base.c`); other
/// systems tell by ways that cost more than the figure is worth.
#[cfg(target_os = "linux")]
fn threads() -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let links = std::fs::metadata("/proc/self/task").ok()?.nlink();
    u32::try_from(links.checked_sub(2).filter(|threads| *threads > 0)?).ok()
}

#[cfg(not(target_os = "linux"))]
const fn threads() -> Option<u32> {
    None
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

    #[test]
    fn the_machine_is_larger_than_the_process() {
        let mut probe = Probe::default();
        let first = probe.read().expect("this process exists");
        assert_eq!(first.machine.cpu_percent, None, "since when?");
        let memory = first.machine.memory.expect("every system tells");
        assert!(memory > first.rss);
        let used = first.machine.memory_percent().expect("both are known");
        assert!((0.0..=100.0).contains(&used), "{used}");
        let (done, wait) = std::sync::mpsc::sync_channel::<()>(1);
        let waiting = std::thread::Builder::new()
            .spawn(move || wait.recv().is_err())
            .expect("a thread");
        let second = probe.read().expect("still exists");
        if cfg!(target_os = "linux") {
            assert!(second.threads >= Some(2), "{second:?}");
        }
        drop(done);
        assert!(waiting.join().expect("ends"));
        let load = second.machine.cpu_percent.expect("between two readings");
        assert!((0.0..=100.0).contains(&load), "{load}");
    }
}
