//! Real devices, through cpal; only this module uses it. Streams of a PulseAudio server bypass it (see
//! `audio/pulse.rs`).

mod choose_sound_server;
#[cfg(test)]
mod formats_tests;
mod plans;
#[cfg(all(target_os = "linux", feature = "pulseaudio"))]
mod pulse_device;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{Device, DeviceType, Error, Host};

use self::choose_sound_server::find_host;
use self::plans::plans;
use self::streams::{input_stream, open_first, output_stream, refused};
use super::backend::{Backend, MakeCapture, MakePlayback, OpenRequest, OpenedStream};
use super::device::{DeviceChoice, DeviceInfo, Devices, Direction};
use super::device_classification::{is_headset, is_monitor, is_real_alsa};
use super::device_selection::select_device;
#[cfg(all(target_os = "linux", feature = "pulseaudio"))]
use super::pulse::DeviceEvents;
use super::stream_fault::{FaultCounts, OpenError, StreamFault};
use crate::base::text::t;

/// Polling interval for devices: no host of cpal reports changes.
const POLL: Duration = Duration::from_secs(1);
/// The same while no sound system answers.
const POLL_NOTHING: Duration = Duration::from_millis(500);
/// The same where a PulseAudio server, or pipewire-pulse, reports them: in case one is lost.
const POLL_REPORTED: Duration = Duration::from_secs(10);

/// The sound system of this machine.
pub(super) struct Cpal {
    /// `None` while no sound system is available.
    host: Option<Host>,
    /// Host for device lists, if the main host does not know the default device.
    guide: Option<Host>,
    /// Reports of the PulseAudio server that lists the devices, if there is one.
    #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
    events: Option<DeviceEvents>,
}

impl Cpal {
    pub(super) fn new() -> Self {
        let mut system = Self {
            host: None,
            guide: None,
            #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
            events: None,
        };
        system.find_host();
        system
    }

    fn find_host(&mut self) {
        let name = |host: &Option<Host>| host.as_ref().map(|host| host.id().name());
        let before = name(&self.host);
        (self.host, self.guide) = find_host();
        // PipeWire's host without a guide is recreated for every poll.
        if let Some(host) = name(&self.host)
            && before != Some(host)
        {
            tracing::info!(host, "sound system");
        }
    }

    /// Subscribes to changes of the devices, where that is possible and was not done.
    #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
    fn watch(&mut self) {
        let lists = self.guide.as_ref().or(self.host.as_ref());
        let pulse = lists.is_some_and(|host| host.id() == cpal::HostId::PulseAudio);
        let watches = self.events.as_ref().is_some_and(DeviceEvents::is_alive);
        if !pulse {
            self.events = None;
        } else if !watches {
            self.events = DeviceEvents::subscribe(std::thread::current());
        }
    }

    #[cfg(not(all(target_os = "linux", feature = "pulseaudio")))]
    fn watch(&mut self) {}

    #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
    fn is_pulse(&self) -> bool {
        let pulse = |host: &Host| host.id() == cpal::HostId::PulseAudio;
        self.host.as_ref().is_some_and(pulse)
    }

    /// Returns the host, probing again if there was none.
    fn host(&mut self) -> Result<&Host, OpenError> {
        if self.host.is_none() {
            self.find_host();
        }
        self.host.as_ref().ok_or_else(|| OpenError {
            kind: StreamFault::HostUnavailable,
            what:
                "No sound system answers. Plug in a sound device, or start PipeWire or PulseAudio."
                    .to_owned(),
        })
    }

    /// Resolves the device to open and its description.
    fn resolve(
        &mut self,
        direction: Direction,
        choice: &DeviceChoice,
    ) -> Result<(Device, DeviceInfo), OpenError> {
        let listed = self.devices();
        self.host()?;
        let list = match direction {
            Direction::Input => listed.inputs,
            Direction::Output => listed.outputs,
        };
        let chosen = match choice {
            DeviceChoice::Default => select_device(direction, choice, &list),
            // The stream manager has selected the fallback.
            DeviceChoice::Id(id) => list.iter().find(|d| d.id == *id),
        };
        let noun = direction.noun();
        let info = chosen.cloned().ok_or_else(|| OpenError {
            kind: StreamFault::DeviceNotAvailable,
            what: match choice {
                DeviceChoice::Default => StreamFault::DeviceNotAvailable.words(noun),
                DeviceChoice::Id(id) => t!("the-chosen-device-plug-it", device = noun, id),
            },
        })?;
        let host = self.host()?;
        let device = match (choice, is_pipewire(host)) {
            // PipeWire's synthetic default follows the session manager and reports changes.
            (DeviceChoice::Default, true) => default_of(host, direction),
            _ => find(host, direction, &info.id),
        };
        let device = device.ok_or_else(|| OpenError {
            kind: StreamFault::DeviceNotAvailable,
            what: StreamFault::DeviceNotAvailable.words(noun),
        })?;
        Ok((device, info))
    }
}

impl Backend for Cpal {
    fn devices(&mut self) -> Devices {
        let fresh = self.host.as_ref().is_none_or(is_pipewire) && self.guide.is_none();
        if fresh {
            // This host lists the devices at its creation.
            self.find_host();
        }
        // Before the list, so that no change falls between.
        self.watch();
        let listed = self.guide.as_ref().or(self.host.as_ref()).map(list);
        match (listed, &self.host) {
            (Some(Ok((inputs, outputs))), Some(host)) => Devices {
                host: host.id().name().to_owned(),
                inputs: renamed(inputs, host),
                outputs: renamed(outputs, host),
            },
            (Some(Err(error)), _) => {
                tracing::debug!(%error, "sound system disappeared");
                self.host = None;
                self.guide = None;
                Devices::default()
            }
            _ => Devices::default(),
        }
    }

    fn poll_every(&self) -> Option<Duration> {
        #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
        if self.events.as_ref().is_some_and(DeviceEvents::is_alive) {
            return Some(POLL_REPORTED);
        }
        Some(if self.host.is_none() {
            POLL_NOTHING
        } else {
            POLL
        })
    }

    #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
    fn take_changed(&mut self) -> bool {
        self.events.as_ref().is_some_and(DeviceEvents::take_changed)
    }

    fn open_input(
        &mut self,
        request: &OpenRequest,
        make: MakeCapture<'_>,
        faults: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        let (device, info) = self.resolve(Direction::Input, &request.choice)?;
        let ranges = device
            .supported_input_configs()
            .map_err(refused(Direction::Input))?;
        let preset = device
            .default_input_config()
            .ok()
            .map(|c| (c.channels(), c.sample_rate()));
        let plans = plans(ranges.collect(), preset, request.period, Direction::Input)?;
        #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
        if self.is_pulse() {
            return pulse_device::open(&plans, Direction::Input, info, |name, format| {
                super::pulse::open_input(name, format, make(format), faults.clone())
            });
        }
        open_first(plans, Direction::Input, info, |plan| {
            let body = make(plan.format());
            input_stream(&device, plan, body, faults.clone())
        })
    }

    fn open_output(
        &mut self,
        request: &OpenRequest,
        make: MakePlayback<'_>,
        faults: &Arc<FaultCounts>,
    ) -> Result<OpenedStream, OpenError> {
        let (device, info) = self.resolve(Direction::Output, &request.choice)?;
        let ranges = device
            .supported_output_configs()
            .map_err(refused(Direction::Output))?;
        let preset = device
            .default_output_config()
            .ok()
            .map(|c| (c.channels(), c.sample_rate()));
        let plans = plans(ranges.collect(), preset, request.period, Direction::Output)?;
        #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
        if self.is_pulse() {
            return pulse_device::open(&plans, Direction::Output, info, |name, format| {
                super::pulse::open_output(name, format, make(format), faults.clone())
            });
        }
        open_first(plans, Direction::Output, info, |plan| {
            let body = make(plan.format());
            output_stream(&device, plan, body, faults.clone())
        })
    }
}

fn is_pipewire(host: &Host) -> bool {
    host.id().name().eq_ignore_ascii_case("pipewire")
}

/// Lists usable inputs and outputs of a host.
fn list(host: &Host) -> Result<(Vec<DeviceInfo>, Vec<DeviceInfo>), Error> {
    let default_id = |device: Option<Device>| device.and_then(|d| d.id().ok());
    let default_input = default_id(host.default_input_device());
    let default_output = default_id(host.default_output_device());
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for device in host.devices()? {
        let Some(described) = describe(host, &device) else {
            continue;
        };
        let id = device.id().ok();
        if described.input && !is_monitor(&described.info.name, &described.info.id) {
            inputs.push(DeviceInfo {
                is_default: id == default_input,
                ..described.info.clone()
            });
        }
        if described.output {
            outputs.push(DeviceInfo {
                is_default: id == default_output,
                ..described.info
            });
        }
    }
    Ok((inputs, outputs))
}

struct DescribedDevice {
    info: DeviceInfo,
    input: bool,
    output: bool,
}

/// Describes a device; `None` if it is not a device for users.
fn describe(host: &Host, device: &Device) -> Option<DescribedDevice> {
    let id = device.id().ok()?;
    let description = device.description().ok()?;
    let (mut input, mut output) = (description.supports_input(), description.supports_output());
    let name = host.id().name();
    if name.eq_ignore_ascii_case("alsa") && !is_real_alsa(id.id()) {
        return None;
    }
    if name.eq_ignore_ascii_case("pipewire") {
        let synthetic = ["sink_default", "input_default", "output_default"];
        if synthetic.contains(&id.id()) {
            return None;
        }
        // Sinks are duplex here because their monitor can be recorded. Streams of other programs are one-way and have
        // no driver.
        input &= !output;
        output &= description.supports_input();
        description.driver()?;
    }
    if !name.eq_ignore_ascii_case("alsa") && !input && !output {
        // The host does not report directions: ask the device.
        input = device.supports_input();
        output = device.supports_output();
    }
    let worn = matches!(
        description.device_type(),
        DeviceType::Headphones | DeviceType::Headset | DeviceType::Earpiece | DeviceType::Handset
    );
    let first_line = description.name().lines().next().unwrap_or_default();
    Some(DescribedDevice {
        info: DeviceInfo {
            id: id.to_string(),
            name: first_line.to_owned(),
            is_default: false,
            headset: worn || is_headset(first_line, id.id()),
        },
        input,
        output,
    })
}

/// Translates ids of the guide to ids of the host: the node names are the same.
fn renamed(mut list: Vec<DeviceInfo>, host: &Host) -> Vec<DeviceInfo> {
    for device in &mut list {
        if let Some((_, name)) = device.id.split_once(':') {
            device.id = format!("{}:{name}", host.id());
        }
    }
    list
}

fn default_of(host: &Host, direction: Direction) -> Option<Device> {
    match direction {
        Direction::Input => host.default_input_device(),
        Direction::Output => host.default_output_device(),
    }
}

fn find(host: &Host, direction: Direction, id: &str) -> Option<Device> {
    let fits = |device: &Device| {
        let same = device.id().is_ok_and(|found| found.to_string() == id);
        same && match direction {
            Direction::Input => device.supports_input(),
            Direction::Output => device.supports_output(),
        }
    };
    // Recreated where the list is as old as the host.
    let renewed = is_pipewire(host)
        .then(|| cpal::host_from_id(host.id()).ok())
        .flatten();
    renewed.as_ref().unwrap_or(host).devices().ok()?.find(fits)
}
