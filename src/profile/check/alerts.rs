//! The limits of alerts.

use std::time::Duration;

use super::super::AlertSettings;
use super::super::keys::{self, Allowed};
use super::super::raw::{Given, OrOff, RawAlerts};
use super::Checker;

impl Checker<'_> {
    pub(super) fn alerts(
        &mut self,
        raw: &RawAlerts,
        base: Option<&AlertSettings>,
    ) -> AlertSettings {
        let mut limit = |key: &str, given: &Given<OrOff>, base: Option<Option<u32>>| {
            let base = base.map(|base| OrOff(base.map(u64::from)));
            self.limit(&format!("alerts.{key}"), given, base)
        };
        let ms = |limit: Option<u32>| limit.map(|ms| Duration::from_millis(u64::from(ms)));
        let from_ms = |base: Option<Duration>| {
            base.map(|base| u32::try_from(base.as_millis()).unwrap_or(u32::MAX))
        };
        AlertSettings {
            first_audio: ms(limit(
                "first_audio_ms",
                &raw.first_audio_ms,
                base.map(|base| from_ms(base.first_audio)),
            )),
            response: ms(limit(
                "response_ms",
                &raw.response_ms,
                base.map(|base| from_ms(base.response)),
            )),
            success_percent: limit(
                "success_percent",
                &raw.success_percent,
                base.map(|base| base.success_percent),
            ),
            memory_mb: limit("memory_mb", &raw.memory_mb, base.map(|base| base.memory_mb)),
            memory_growth_mb: limit(
                "memory_growth_mb",
                &raw.memory_growth_mb,
                base.map(|base| base.memory_growth_mb),
            ),
            cpu_percent: limit(
                "cpu_percent",
                &raw.cpu_percent,
                base.map(|base| base.cpu_percent),
            ),
            interruptions_percent: limit(
                "interruptions_percent",
                &raw.interruptions_percent,
                base.map(|base| base.interruptions_percent),
            ),
            cut_offs_percent: limit(
                "cut_offs_percent",
                &raw.cut_offs_percent,
                base.map(|base| base.cut_offs_percent),
            ),
            stutters: limit("stutters", &raw.stutters, base.map(|base| base.stutters)),
        }
    }

    fn limit(&mut self, key: &str, given: &Given<OrOff>, base: Option<OrOff>) -> Option<u32> {
        let limit = self.chosen(key, Given(given.0), base, OrOff(None)).0?;
        if let Some(Allowed::WholeOrOff(least, most)) = keys::allowed(key)
            && !(least..=most).contains(&limit)
        {
            self.fault(key, format!("is {limit}"));
        }
        Some(u32::try_from(limit).unwrap_or(u32::MAX))
    }
}
