//! Candidate configurations for a device, best first.

use cpal::{
    BufferSize, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange,
};

use super::super::device::Direction;
use super::super::format::StreamFormat;
use super::super::stream_fault::{OpenError, StreamFault};
use crate::base::units::SampleRate;
use crate::dsp::resample::RATES_HZ;

/// Preferred rate, in which the periods of profiles are counted.
const PREFERRED_HZ: u32 = 48_000;
const MOST_CHANNELS: u16 = 8;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StreamPlan {
    pub(super) config: StreamConfig,
    pub(super) sample: SampleFormat,
    direction: Direction,
}

impl StreamPlan {
    pub(super) fn period(&self) -> u32 {
        match self.config.buffer_size {
            BufferSize::Fixed(frames) => frames,
            BufferSize::Default => 0,
        }
    }

    pub(super) fn format(&self) -> StreamFormat {
        let rate = SampleRate::new(self.config.sample_rate).unwrap_or(SampleRate::WORKING);
        // A host that reports no latency requests one block while another plays; captured blocks arrive at once.
        let held_blocks = match self.direction {
            Direction::Input => 0,
            Direction::Output => 1,
        };
        StreamFormat {
            rate,
            channels: self.config.channels,
            period: Some(self.period()),
            held_blocks,
        }
    }
}

/// Lists the candidates, best first: preferred rate, native channels, floats, the requested period or the nearest
/// supported.
pub(super) fn plans(
    ranges: Vec<SupportedStreamConfigRange>,
    preset: Option<(u16, u32)>,
    period: u32,
    direction: Direction,
) -> Result<Vec<StreamPlan>, OpenError> {
    let channels = preset.map_or(2, |(channels, _)| channels);
    let mut found: Vec<(u32, StreamPlan)> = ranges
        .iter()
        .filter(|r| (1..=MOST_CHANNELS).contains(&r.channels()) && !r.sample_format().is_dsd())
        .filter_map(|range| {
            let rate = nearest_rate(range)?;
            let penalty = u32::from(rate != PREFERRED_HZ) * 1_000
                + u32::from(range.channels().abs_diff(channels)) * 50
                + awkwardness(range.sample_format());
            let sizes = [1, 2, 4].into_iter().map(move |times| {
                let asked = scaled(period, rate) * times;
                let plan = StreamPlan {
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
    let mut plans: Vec<StreamPlan> = found.into_iter().map(|(_, plan)| plan).collect();
    plans.dedup();
    plans.truncate(24);
    if plans.is_empty() {
        return Err(OpenError {
            kind: StreamFault::UnsupportedConfig,
            what: StreamFault::UnsupportedConfig.words(direction.noun()),
        });
    }
    Ok(plans)
}

fn nearest_rate(range: &SupportedStreamConfigRange) -> Option<u32> {
    let low = range.min_sample_rate().max(*RATES_HZ.start());
    let high = range.max_sample_rate().min(*RATES_HZ.end());
    (low <= high).then(|| PREFERRED_HZ.clamp(low, high))
}

/// Scales the period to another rate: about as long, by a power of two.
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

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "cpal may add formats; those that are not known here come last"
)]
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
