//! Builds and starts the streams: one callback per sample format around the callback bodies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait as _, StreamTrait as _};
use cpal::{Device, Error, ErrorKind, FromSample, SampleFormat, SizedSample, Stream};

use super::super::backend::{DeviceStream, OpenedStream};
use super::super::capture::CaptureBody;
use super::super::device::{DeviceInfo, Direction, StreamInfo};
use super::super::playback::PlaybackBody;
use super::super::stream_fault::{FaultCounts, OpenError, StreamFault};
use super::plans::StreamPlan;

/// Time after which building a stream counts as hung.
const BUILD: Duration = Duration::from_secs(2);

/// A stream of cpal.
struct CpalStream {
    stream: Stream,
    direction: Direction,
}

impl DeviceStream for CpalStream {
    fn rest(&mut self, rests: bool) {
        if self.direction == Direction::Input {
            // It would miss what is said.
            return;
        }
        let done = if rests {
            self.stream.pause()
        } else {
            self.stream.play()
        };
        // Some sound cards cannot pause: their callbacks go on.
        if let Err(error) = done {
            tracing::debug!(%error, rests, "the device does not rest");
        }
    }
}

/// Tries the candidates in turn while the device reports them as unsupported.
pub(super) fn open_first(
    plans: Vec<StreamPlan>,
    direction: Direction,
    device: DeviceInfo,
    mut open: impl FnMut(&StreamPlan) -> Result<Stream, Error>,
) -> Result<OpenedStream, OpenError> {
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
                return Ok(OpenedStream {
                    info: StreamInfo {
                        device,
                        rate: format.rate,
                        channels: format.channels,
                        period_frames: granted,
                    },
                    stream: Box::new(CpalStream { stream, direction }),
                });
            }
            Err(error) => {
                tracing::debug!(?plan, %error, "device configuration refused");
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
            kind: StreamFault::UnsupportedConfig,
            what: StreamFault::UnsupportedConfig.words(direction.noun()),
        },
    })
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "one-bit formats are no samples; cpal may add others"
)]
pub(super) fn input_stream(
    device: &Device,
    plan: &StreamPlan,
    body: CaptureBody,
    faults: Arc<FaultCounts>,
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

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "one-bit formats are no samples; cpal may add others"
)]
pub(super) fn output_stream(
    device: &Device,
    plan: &StreamPlan,
    body: PlaybackBody,
    faults: Arc<FaultCounts>,
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
    plan: &StreamPlan,
    mut body: CaptureBody,
    faults: Arc<FaultCounts>,
) -> Result<Stream, Error>
where
    f32: FromSample<T>,
{
    let data = move |block: &[T], info: &cpal::InputCallbackInfo| {
        let stamp = info.timestamp();
        let age = stamp.callback.checked_duration_since(stamp.capture);
        capture_block(&mut body, block, Instant::now(), age);
    };
    let error = move |error: Error| faults.report(fault(error.kind()));
    device.build_input_stream::<T, _, _>(plan.config, data, error, Some(BUILD))
}

fn output<T: SizedSample + FromSample<f32>>(
    device: &Device,
    plan: &StreamPlan,
    mut body: PlaybackBody,
    faults: Arc<FaultCounts>,
) -> Result<Stream, Error> {
    let data = move |block: &mut [T], info: &cpal::OutputCallbackInfo| {
        let stamp = info.timestamp();
        let delay = stamp.playback.checked_duration_since(stamp.callback);
        play_block(&mut body, block, Instant::now(), delay);
    };
    let error = move |error: Error| faults.report(fault(error.kind()));
    device.build_output_stream::<T, _, _>(plan.config, data, error, Some(BUILD))
}

/// Passes a block of samples of any format to the body, as floats of full scale 1.
pub(super) fn capture_block<T: SizedSample>(
    body: &mut CaptureBody,
    block: &[T],
    now: Instant,
    age: Option<Duration>,
) where
    f32: FromSample<T>,
{
    body.run(block, f32::from_sample_, now, age);
}

/// Fills a block of samples of any format from the body.
pub(super) fn play_block<T: SizedSample + FromSample<f32>>(
    body: &mut PlaybackBody,
    block: &mut [T],
    now: Instant,
    delay: Option<Duration>,
) {
    body.run(block, T::from_sample_, now, delay);
}

pub(super) fn refused(direction: Direction) -> impl Fn(Error) -> OpenError {
    move |error| {
        tracing::debug!(%error, ?direction, "cannot open the device");
        let kind = fault(error.kind());
        OpenError {
            kind,
            what: kind.words(direction.noun()),
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "cpal may add kinds; what is not known here is some other fault"
)]
fn fault(kind: ErrorKind) -> StreamFault {
    match kind {
        ErrorKind::DeviceBusy => StreamFault::DeviceBusy,
        ErrorKind::DeviceChanged => StreamFault::DeviceChanged,
        ErrorKind::DeviceNotAvailable => StreamFault::DeviceNotAvailable,
        ErrorKind::HostUnavailable => StreamFault::HostUnavailable,
        ErrorKind::InvalidInput => StreamFault::InvalidInput,
        ErrorKind::PermissionDenied => StreamFault::PermissionDenied,
        ErrorKind::RealtimeDenied => StreamFault::RealtimeDenied,
        ErrorKind::ResourceExhausted => StreamFault::ResourceExhausted,
        ErrorKind::StreamInvalidated => StreamFault::StreamInvalidated,
        ErrorKind::UnsupportedConfig => StreamFault::UnsupportedConfig,
        ErrorKind::UnsupportedOperation => StreamFault::UnsupportedOperation,
        ErrorKind::Xrun => StreamFault::Xrun,
        ErrorKind::BackendError => StreamFault::BackendError,
        _ => StreamFault::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    /// What cpal's kinds are taken for. [`fault`] cannot list them all for the compiler: cpal may add some.
    const KNOWN: [(&str, ErrorKind, StreamFault); 14] = [
        ("DeviceBusy", ErrorKind::DeviceBusy, StreamFault::DeviceBusy),
        (
            "DeviceChanged",
            ErrorKind::DeviceChanged,
            StreamFault::DeviceChanged,
        ),
        (
            "DeviceNotAvailable",
            ErrorKind::DeviceNotAvailable,
            StreamFault::DeviceNotAvailable,
        ),
        (
            "HostUnavailable",
            ErrorKind::HostUnavailable,
            StreamFault::HostUnavailable,
        ),
        (
            "InvalidInput",
            ErrorKind::InvalidInput,
            StreamFault::InvalidInput,
        ),
        (
            "PermissionDenied",
            ErrorKind::PermissionDenied,
            StreamFault::PermissionDenied,
        ),
        (
            "RealtimeDenied",
            ErrorKind::RealtimeDenied,
            StreamFault::RealtimeDenied,
        ),
        (
            "ResourceExhausted",
            ErrorKind::ResourceExhausted,
            StreamFault::ResourceExhausted,
        ),
        (
            "StreamInvalidated",
            ErrorKind::StreamInvalidated,
            StreamFault::StreamInvalidated,
        ),
        (
            "UnsupportedConfig",
            ErrorKind::UnsupportedConfig,
            StreamFault::UnsupportedConfig,
        ),
        (
            "UnsupportedOperation",
            ErrorKind::UnsupportedOperation,
            StreamFault::UnsupportedOperation,
        ),
        ("Xrun", ErrorKind::Xrun, StreamFault::Xrun),
        (
            "BackendError",
            ErrorKind::BackendError,
            StreamFault::BackendError,
        ),
        ("Other", ErrorKind::Other, StreamFault::Other),
    ];

    #[test]
    fn every_kind_that_cpal_knows_has_a_fault_of_its_own() {
        for (name, kind, expected) in KNOWN {
            assert_eq!(fault(kind), expected, "{name}");
        }
        let mut listed: Vec<&str> = KNOWN.iter().map(|(name, ..)| *name).collect();
        let source = std::fs::read_to_string(cpal_source()).expect("cpal's source");
        let mut theirs = variants(&source, "pub enum ErrorKind {");
        listed.sort_unstable();
        theirs.sort();
        assert_eq!(theirs, listed, "cpal changed its kinds: give each a policy");
    }

    #[test]
    fn variants_are_read_from_source() {
        let source = "enum A { X }\n/// B\npub enum B {\n  /// Words, more words\n  One,\n  #[x]\n  Two(u8),\n}\nThree,";
        assert_eq!(variants(source, "pub enum B {"), ["One", "Two"]);
    }

    /// Names of the variants of an enum that is written one variant a line.
    fn variants(source: &str, head: &str) -> Vec<String> {
        let (_, rest) = source.split_once(head).expect("the enum is there");
        let (body, _) = rest.split_once("\n}").expect("it ends");
        let first_word = |line: &str| {
            let name: String = line
                .trim()
                .chars()
                .take_while(|c| c.is_alphanumeric())
                .collect();
            name.starts_with(char::is_uppercase).then_some(name)
        };
        body.lines().filter_map(first_word).collect()
    }

    /// The system that this is built on, as the compiler calls it.
    fn host() -> String {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let out = Command::new(rustc).arg("-vV").output();
        let told = String::from_utf8(out.expect("rustc runs").stdout).expect("text");
        let host = told.lines().find_map(|line| line.strip_prefix("host: "));
        host.expect("it tells").to_owned()
    }

    /// The file that declares the kinds, of the version that is locked.
    fn cpal_source() -> PathBuf {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let out = Command::new(cargo)
            .args(["metadata", "--offline", "--locked", "--format-version", "1"])
            // What other systems need is not on this disk.
            .args(["--filter-platform", &host()])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
        let packages = metadata["packages"].as_array().expect("a list");
        let cpal = packages
            .iter()
            .find(|p| p["name"] == "cpal")
            .expect("cpal is used");
        let manifest = cpal["manifest_path"].as_str().expect("a path");
        PathBuf::from(manifest)
            .with_file_name("src")
            .join("error.rs")
    }
}
