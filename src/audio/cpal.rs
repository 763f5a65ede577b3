//! Real devices, through cpal. The only file that names it.
//!
//! Which sound system is chosen on Linux, because cpal's own choice is blind:
//!
//! ```text
//! PipeWire's socket answers, and it has audio nodes ──▶ PipeWire       devices and default asked through pipewire-pulse
//! else a PulseAudio that is no pipewire-pulse ────────▶ PulseAudio     (cpal's host loses capture on pipewire-pulse)
//! else a card ────────────────────────────────────────▶ ALSA           behind the owner's storm guard
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _};
use cpal::{
    BufferSize, Device, DeviceType, Error, ErrorKind, FromSample, Host, HostId, SampleFormat,
    SizedSample, Stream, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange,
};

use super::backend::{
    Backend, Fault, Faults, Format, MakeCapture, MakePlayback, OpenError, Opened, Wish,
};
use super::capture::CaptureBody;
use super::names::{is_headset, is_monitor, is_real_alsa};
use super::playback::PlaybackBody;
use super::{DeviceChoice, DeviceInfo, Devices, Direction, StreamInfo};
use crate::base::units::SampleRate;
use crate::dsp::resample::RATES_HZ;

/// Rate that is preferred where a device has it: what the periods of the profiles are counted in.
const PREFERRED_HZ: u32 = 48_000;
const MOST_CHANNELS: u16 = 8;
/// A host that does not build a stream within this hangs.
const BUILD: Duration = Duration::from_secs(2);
/// No host tells of devices that come and go.
const POLL: Duration = Duration::from_secs(1);

/// The sound system of this machine.
pub(super) struct Cpal {
    /// `None` while no sound system answers.
    host: Option<Host>,
    /// Asked for devices where the host itself cannot tell which is the default.
    guide: Option<Host>,
}

impl Cpal {
    pub(super) fn new() -> Self {
        let mut system = Self {
            host: None,
            guide: None,
        };
        system.find_host();
        system
    }

    fn find_host(&mut self) {
        (self.host, self.guide) = find_host();
        if let Some(host) = &self.host {
            tracing::info!(host = host.id().name(), "sound system");
        }
    }

    /// The host, looked for again if there was none.
    fn host(&mut self) -> Result<&Host, OpenError> {
        if self.host.is_none() {
            self.find_host();
        }
        self.host.as_ref().ok_or_else(|| OpenError {
            kind: Fault::HostUnavailable,
            what:
                "No sound system answers. Plug in a sound device, or start PipeWire or PulseAudio."
                    .to_owned(),
        })
    }

    /// The device to open, and what to tell of it.
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
            DeviceChoice::Default => list.iter().find(|d| d.is_default).or(list.first()),
            DeviceChoice::Id(id) => list.iter().find(|d| d.id == *id),
        };
        let noun = noun(direction);
        let info = chosen.cloned().ok_or_else(|| OpenError {
            kind: Fault::DeviceNotAvailable,
            what: match choice {
                DeviceChoice::Default => Fault::DeviceNotAvailable.words(noun),
                DeviceChoice::Id(id) => format!(
                    "The {noun} that was chosen ({id}) is not there. Plug it in, or choose another one."
                ),
            },
        })?;
        let host = self.host()?;
        let device = match (choice, is_pipewire(host)) {
            // Its synthetic default follows the session manager, and says so.
            (DeviceChoice::Default, true) => default_of(host, direction),
            _ => find(host, direction, &info.id),
        };
        let device = device.ok_or_else(|| OpenError {
            kind: Fault::DeviceNotAvailable,
            what: Fault::DeviceNotAvailable.words(noun),
        })?;
        Ok((device, info))
    }
}

impl Backend for Cpal {
    fn devices(&mut self) -> Devices {
        let fresh = self.host.as_ref().is_none_or(is_pipewire) && self.guide.is_none();
        if fresh {
            // This host lists what there was when it was made.
            self.find_host();
        }
        let listed = self.guide.as_ref().or(self.host.as_ref()).map(list);
        match (listed, &self.host) {
            (Some(Ok((inputs, outputs))), Some(host)) => Devices {
                host: host.id().name().to_owned(),
                inputs: renamed(inputs, host),
                outputs: renamed(outputs, host),
            },
            (Some(Err(error)), _) => {
                tracing::debug!(%error, "the sound system went away");
                self.host = None;
                self.guide = None;
                Devices::default()
            }
            _ => Devices::default(),
        }
    }

    fn poll_every(&self) -> Option<Duration> {
        Some(POLL)
    }

    fn open_input(
        &mut self,
        wish: &Wish,
        make: MakeCapture<'_>,
        faults: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        let (device, info) = self.resolve(Direction::Input, &wish.choice)?;
        let ranges = device
            .supported_input_configs()
            .map_err(refused(Direction::Input))?;
        let preset = device
            .default_input_config()
            .ok()
            .map(|c| (c.channels(), c.sample_rate()));
        let plans = plans(ranges.collect(), preset, wish.period, Direction::Input)?;
        open_first(plans, Direction::Input, info, |plan| {
            let body = make(plan.format());
            input_stream(&device, plan, body, faults.clone())
        })
    }

    fn open_output(
        &mut self,
        wish: &Wish,
        make: MakePlayback<'_>,
        faults: &Arc<Faults>,
    ) -> Result<Opened, OpenError> {
        let (device, info) = self.resolve(Direction::Output, &wish.choice)?;
        let ranges = device
            .supported_output_configs()
            .map_err(refused(Direction::Output))?;
        let preset = device
            .default_output_config()
            .ok()
            .map(|c| (c.channels(), c.sample_rate()));
        let plans = plans(ranges.collect(), preset, wish.period, Direction::Output)?;
        open_first(plans, Direction::Output, info, |plan| {
            let body = make(plan.format());
            output_stream(&device, plan, body, faults.clone())
        })
    }
}

#[cfg(target_os = "linux")]
fn find_host() -> (Option<Host>, Option<Host>) {
    use super::names::{alsa_has_cards, pipewire_answers, pulse_answers, pulse_is_pipewire};

    let pipewire = pipewire_answers();
    #[cfg(feature = "pipewire")]
    if pipewire && let Ok(host) = cpal::host_from_id(HostId::PipeWire) {
        return (Some(host), guide());
    }
    // Without audio nodes PipeWire serves video only, and PulseAudio is the real one; without its host compiled in
    // nobody can tell, and the safe way to it is ALSA's plugin.
    let disguised = pulse_is_pipewire() || (pipewire && !cfg!(feature = "pipewire"));
    #[cfg(feature = "pulseaudio")]
    if pulse_answers()
        && !disguised
        && let Ok(host) = cpal::host_from_id(HostId::PulseAudio)
    {
        return (Some(host), None);
    }
    let reachable = alsa_has_cards() || (disguised && pulse_answers());
    (
        reachable
            .then(|| cpal::host_from_id(HostId::Alsa).ok())
            .flatten(),
        None,
    )
}

#[cfg(not(target_os = "linux"))]
fn find_host() -> (Option<Host>, Option<Host>) {
    // One host to choose from.
    (Some(cpal::default_host()), None)
}

/// pipewire-pulse knows names, monitors and defaults, which PipeWire's host does not tell.
#[cfg(all(target_os = "linux", feature = "pipewire"))]
fn guide() -> Option<Host> {
    #[cfg(feature = "pulseaudio")]
    if super::names::pulse_answers() {
        return cpal::host_from_id(HostId::PulseAudio).ok();
    }
    None
}

fn is_pipewire(host: &Host) -> bool {
    host.id().name().eq_ignore_ascii_case("pipewire")
}

/// All usable inputs and outputs of a host.
fn list(host: &Host) -> Result<(Vec<DeviceInfo>, Vec<DeviceInfo>), Error> {
    let default_id = |device: Option<Device>| device.and_then(|d| d.id().ok());
    let default_input = default_id(host.default_input_device());
    let default_output = default_id(host.default_output_device());
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for device in host.devices()? {
        let Some(told) = describe(host, &device) else {
            continue;
        };
        let id = device.id().ok();
        if told.input && !is_monitor(&told.info.name, &told.info.id) {
            inputs.push(DeviceInfo {
                is_default: id == default_input,
                ..told.info.clone()
            });
        }
        if told.output {
            outputs.push(DeviceInfo {
                is_default: id == default_output,
                ..told.info
            });
        }
    }
    Ok((inputs, outputs))
}

struct Told {
    info: DeviceInfo,
    input: bool,
    output: bool,
}

/// What is known of a device; `None` if it is no device for people.
fn describe(host: &Host, device: &Device) -> Option<Told> {
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
        // Sinks are duplex here because their monitor can be recorded; other programs' streams are one-way, and a
        // stream has no driver.
        input &= !output;
        output &= description.supports_input();
        description.driver()?;
    }
    if !name.eq_ignore_ascii_case("alsa") && !input && !output {
        // Hosts that do not tell: ask the device.
        input = device.supports_input();
        output = device.supports_output();
    }
    let worn = matches!(
        description.device_type(),
        DeviceType::Headphones | DeviceType::Headset | DeviceType::Earpiece | DeviceType::Handset
    );
    let first_line = description.name().lines().next().unwrap_or_default();
    Some(Told {
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

/// Ids of the guide as ids of the host: the names of nodes are the same.
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
    // Made anew where the list is as old as the host.
    let renewed = is_pipewire(host)
        .then(|| cpal::host_from_id(host.id()).ok())
        .flatten();
    renewed.as_ref().unwrap_or(host).devices().ok()?.find(fits)
}

/// A way to open a device.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Plan {
    config: StreamConfig,
    sample: SampleFormat,
    direction: Direction,
}

impl Plan {
    fn period(&self) -> u32 {
        match self.config.buffer_size {
            BufferSize::Fixed(frames) => frames,
            BufferSize::Default => 0,
        }
    }

    fn format(&self) -> Format {
        let rate = SampleRate::new(self.config.sample_rate).unwrap_or(SampleRate::WORKING);
        // One period is queued ahead of the one that is asked for; what is captured is handed over at once.
        let queued = match self.direction {
            Direction::Input => 0,
            Direction::Output => self.period(),
        };
        Format {
            rate,
            channels: self.config.channels,
            period: Some(self.period()),
            latency: rate.duration_of(u64::from(queued)),
        }
    }
}

/// The ways to open a device, best first: the preferred rate, the device's own channels, floats, the period that was
/// asked for or the nearest that is supported.
fn plans(
    ranges: Vec<SupportedStreamConfigRange>,
    preset: Option<(u16, u32)>,
    period: u32,
    direction: Direction,
) -> Result<Vec<Plan>, OpenError> {
    let channels = preset.map_or(2, |(channels, _)| channels);
    let mut found: Vec<(u32, Plan)> = ranges
        .iter()
        .filter(|r| (1..=MOST_CHANNELS).contains(&r.channels()) && !r.sample_format().is_dsd())
        .filter_map(|range| {
            let rate = nearest_rate(range)?;
            let penalty = u32::from(rate != PREFERRED_HZ) * 1_000
                + u32::from(range.channels().abs_diff(channels)) * 50
                + awkwardness(range.sample_format());
            let sizes = [1, 2, 4].into_iter().map(move |times| {
                let asked = scaled(period, rate) * times;
                let plan = Plan {
                    config: StreamConfig {
                        channels: range.channels(),
                        sample_rate: rate,
                        buffer_size: BufferSize::Fixed(clamped(asked, range.buffer_size())),
                    },
                    sample: range.sample_format(),
                    direction,
                };
                (penalty + (times - 1) * 10, plan)
            });
            Some(sizes)
        })
        .flatten()
        .collect();
    found.sort_by_key(|(penalty, _)| *penalty);
    let mut plans: Vec<Plan> = found.into_iter().map(|(_, plan)| plan).collect();
    plans.dedup();
    plans.truncate(24);
    if plans.is_empty() {
        return Err(OpenError {
            kind: Fault::UnsupportedConfig,
            what: Fault::UnsupportedConfig.words(noun(direction)),
        });
    }
    Ok(plans)
}

fn nearest_rate(range: &SupportedStreamConfigRange) -> Option<u32> {
    let low = range.min_sample_rate().max(*RATES_HZ.start());
    let high = range.max_sample_rate().min(*RATES_HZ.end());
    (low <= high).then(|| PREFERRED_HZ.clamp(low, high))
}

/// The period at another rate than it is counted in: as long, a power of two times it.
fn scaled(period: u32, rate: u32) -> u32 {
    match rate {
        0..12_000 => period / 4,
        12_000..32_000 => period / 2,
        32_000..64_000 => period,
        64_000..128_000 => period * 2,
        _ => period * 4,
    }
}

fn clamped(frames: u32, supported: &SupportedBufferSize) -> u32 {
    match supported {
        SupportedBufferSize::Range { min, max } if min <= max && *max > 0 => {
            frames.clamp((*min).max(1), *max)
        }
        SupportedBufferSize::Range { .. } | SupportedBufferSize::Unknown => frames.max(1),
    }
}

fn awkwardness(format: SampleFormat) -> u32 {
    match format {
        SampleFormat::F32 => 0,
        SampleFormat::I32 | SampleFormat::I24 => 1,
        SampleFormat::I16 => 2,
        SampleFormat::F64 | SampleFormat::I64 => 3,
        SampleFormat::U16 | SampleFormat::U24 | SampleFormat::U32 | SampleFormat::U64 => 4,
        _ => 9,
    }
}

/// Tries the plans in turn as long as the device says that it does not support them.
fn open_first(
    plans: Vec<Plan>,
    direction: Direction,
    device: DeviceInfo,
    mut open: impl FnMut(&Plan) -> Result<Stream, Error>,
) -> Result<Opened, OpenError> {
    let mut last = None;
    for plan in plans {
        let started = open(&plan).and_then(|stream| {
            stream.play()?;
            Ok(stream)
        });
        match started {
            Ok(stream) => {
                let granted = stream.buffer_size().ok().filter(|&frames| frames > 0);
                let format = plan.format();
                return Ok(Opened {
                    info: StreamInfo {
                        device,
                        rate: format.rate,
                        channels: format.channels,
                        period_frames: granted,
                    },
                    stream: Box::new(stream),
                });
            }
            Err(error) => {
                tracing::debug!(?plan, %error, "a way to open the device was refused");
                let other_may_do = matches!(
                    error.kind(),
                    ErrorKind::UnsupportedConfig | ErrorKind::InvalidInput
                );
                last = Some(error);
                if !other_may_do {
                    break;
                }
            }
        }
    }
    Err(match last {
        Some(error) => refused(direction)(error),
        None => OpenError {
            kind: Fault::UnsupportedConfig,
            what: Fault::UnsupportedConfig.words(noun(direction)),
        },
    })
}

fn input_stream(
    device: &Device,
    plan: &Plan,
    body: CaptureBody,
    faults: Arc<Faults>,
) -> Result<Stream, Error> {
    match plan.sample {
        SampleFormat::I8 => input::<i8>(device, plan, body, faults),
        SampleFormat::I16 => input::<i16>(device, plan, body, faults),
        SampleFormat::I24 => input::<cpal::I24>(device, plan, body, faults),
        SampleFormat::I32 => input::<i32>(device, plan, body, faults),
        SampleFormat::I64 => input::<i64>(device, plan, body, faults),
        SampleFormat::U8 => input::<u8>(device, plan, body, faults),
        SampleFormat::U16 => input::<u16>(device, plan, body, faults),
        SampleFormat::U24 => input::<cpal::U24>(device, plan, body, faults),
        SampleFormat::U32 => input::<u32>(device, plan, body, faults),
        SampleFormat::U64 => input::<u64>(device, plan, body, faults),
        SampleFormat::F32 => input::<f32>(device, plan, body, faults),
        SampleFormat::F64 => input::<f64>(device, plan, body, faults),
        _ => Err(Error::new(ErrorKind::UnsupportedConfig)),
    }
}

fn output_stream(
    device: &Device,
    plan: &Plan,
    body: PlaybackBody,
    faults: Arc<Faults>,
) -> Result<Stream, Error> {
    match plan.sample {
        SampleFormat::I8 => output::<i8>(device, plan, body, faults),
        SampleFormat::I16 => output::<i16>(device, plan, body, faults),
        SampleFormat::I24 => output::<cpal::I24>(device, plan, body, faults),
        SampleFormat::I32 => output::<i32>(device, plan, body, faults),
        SampleFormat::I64 => output::<i64>(device, plan, body, faults),
        SampleFormat::U8 => output::<u8>(device, plan, body, faults),
        SampleFormat::U16 => output::<u16>(device, plan, body, faults),
        SampleFormat::U24 => output::<cpal::U24>(device, plan, body, faults),
        SampleFormat::U32 => output::<u32>(device, plan, body, faults),
        SampleFormat::U64 => output::<u64>(device, plan, body, faults),
        SampleFormat::F32 => output::<f32>(device, plan, body, faults),
        SampleFormat::F64 => output::<f64>(device, plan, body, faults),
        _ => Err(Error::new(ErrorKind::UnsupportedConfig)),
    }
}

fn input<T: SizedSample>(
    device: &Device,
    plan: &Plan,
    mut body: CaptureBody,
    faults: Arc<Faults>,
) -> Result<Stream, Error>
where
    f32: FromSample<T>,
{
    let data = move |block: &[T], info: &cpal::InputCallbackInfo| {
        let stamp = info.timestamp();
        let age = stamp.callback.checked_duration_since(stamp.capture);
        body.run(block, f32::from_sample_, Instant::now(), age);
    };
    let error = move |error: Error| faults.report(fault(error.kind()));
    device.build_input_stream::<T, _, _>(plan.config, data, error, Some(BUILD))
}

fn output<T: SizedSample + FromSample<f32>>(
    device: &Device,
    plan: &Plan,
    mut body: PlaybackBody,
    faults: Arc<Faults>,
) -> Result<Stream, Error> {
    let data = move |block: &mut [T], info: &cpal::OutputCallbackInfo| {
        let stamp = info.timestamp();
        let delay = stamp.playback.checked_duration_since(stamp.callback);
        body.run(block, T::from_sample_, Instant::now(), delay);
    };
    let error = move |error: Error| faults.report(fault(error.kind()));
    device.build_output_stream::<T, _, _>(plan.config, data, error, Some(BUILD))
}

fn refused(direction: Direction) -> impl Fn(Error) -> OpenError {
    move |error| {
        tracing::debug!(%error, ?direction, "the device cannot be opened");
        let kind = fault(error.kind());
        OpenError {
            kind,
            what: kind.words(noun(direction)),
        }
    }
}

fn fault(kind: ErrorKind) -> Fault {
    match kind {
        ErrorKind::DeviceBusy => Fault::DeviceBusy,
        ErrorKind::DeviceChanged => Fault::DeviceChanged,
        ErrorKind::DeviceNotAvailable => Fault::DeviceNotAvailable,
        ErrorKind::HostUnavailable => Fault::HostUnavailable,
        ErrorKind::InvalidInput => Fault::InvalidInput,
        ErrorKind::PermissionDenied => Fault::PermissionDenied,
        ErrorKind::RealtimeDenied => Fault::RealtimeDenied,
        ErrorKind::ResourceExhausted => Fault::ResourceExhausted,
        ErrorKind::StreamInvalidated => Fault::StreamInvalidated,
        ErrorKind::UnsupportedConfig => Fault::UnsupportedConfig,
        ErrorKind::UnsupportedOperation => Fault::UnsupportedOperation,
        ErrorKind::Xrun => Fault::Xrun,
        ErrorKind::BackendError => Fault::BackendError,
        _ => Fault::Other,
    }
}

fn noun(direction: Direction) -> &'static str {
    match direction {
        Direction::Input => "microphone",
        Direction::Output => "speaker",
    }
}
