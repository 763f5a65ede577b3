//! Battery and clock: what makes a machine slower than it is. They change slowly, and are looked at rarely.

use std::path::Path;
use std::time::{Duration, Instant};

use starship_battery::State;

const EVERY: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Battery {
    /// The machine runs on it.
    pub discharging: bool,
    /// How full it is, in percent.
    pub percent: f32,
}

#[derive(Debug, Default)]
pub(super) struct Power {
    at: Option<Instant>,
    battery: Option<Battery>,
    clock_share: Option<f32>,
}

impl Power {
    pub(super) fn battery(&mut self) -> Option<Battery> {
        self.refresh();
        self.battery
    }

    pub(super) fn clock_share(&mut self) -> Option<f32> {
        self.refresh();
        self.clock_share
    }

    fn refresh(&mut self) {
        if self.at.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.at = Some(Instant::now());
        self.battery = battery();
        self.clock_share = clock_share(Path::new("/sys/devices/system/cpu/cpu0/cpufreq"));
    }
}

/// The first battery that answers; a machine has one, or several that share the load.
fn battery() -> Option<Battery> {
    let manager = starship_battery::Manager::new().ok()?;
    let battery = manager.batteries().ok()?.find_map(Result::ok)?;
    Some(Battery {
        discharging: battery.state() == State::Discharging,
        percent: battery.state_of_charge().value * 100.0,
    })
}

/// The limit that the system has set, by what the processor can (Linux; elsewhere there is no such folder).
fn clock_share(folder: &Path) -> Option<f32> {
    let read = |name: &str| -> Option<f32> {
        let text = std::fs::read_to_string(folder.join(name)).ok()?;
        text.trim().parse().ok()
    };
    let (may, can) = (read("scaling_max_freq")?, read("cpuinfo_max_freq")?);
    (can > 0.0).then(|| (may / can).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_that_is_held_back_is_told_by_its_limit() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(clock_share(folder.path()), None);
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("written");
        };
        write("scaling_max_freq", "1200000\n");
        write("cpuinfo_max_freq", "4800000\n");
        assert_eq!(clock_share(folder.path()), Some(0.25));
        write("cpuinfo_max_freq", "nonsense");
        assert_eq!(clock_share(folder.path()), None);
    }
}
