//! From what was written to what can be trusted: ranges, names, pairs of values, and gaps filled from a base.

mod alerts;
mod live;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::keys::{self, Allowed};
use super::raw::{Given, OrDefault, Raw, RawAudio, RawAuto, RawAutomatic, RawDetector, RawTurn};
use super::shape::is_name;
use super::{
    AUTO, AudioSettings, AutoSettings, AutomaticSettings, BUILTINS, DEFAULT, DetectorSettings,
    Profile, TurnSettings, builtin,
};
use crate::base::did_you_mean::nearest;
use crate::base::yaml::{Text, YamlError};

/// Checks a built-in profile, which must be complete.
pub(super) fn complete(text: &Text<'_>) -> Result<Profile, Vec<YamlError>> {
    let raw = read(text)?;
    Checker::new(text, None).profile(raw, "")
}

/// Checks a user's profile: what it leaves out comes from a built-in.
pub(super) fn user(file: &str, text: &Text<'_>) -> Result<Profile, Vec<YamlError>> {
    let raw = read(text)?;
    let stem = Path::new(file)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("");
    let base = base_of(text, &raw, stem)?;
    Checker::new(text, Some(&base)).profile(raw, stem)
}

/// Checks the built-in profile that chooses among the others.
pub(super) fn complete_auto(text: &Text<'_>) -> Result<Profile, Vec<YamlError>> {
    let raw = read(text)?;
    let base = builtin(DEFAULT).expect("the default profile is a built-in");
    Checker::new(text, Some(&base)).profile(raw, "")
}

fn read(text: &Text<'_>) -> Result<Raw, Vec<YamlError>> {
    text.read().map_err(|error| vec![say_more(error)])
}

/// Adds what a profile's key may hold, which the parser does not know.
fn say_more(mut error: YamlError) -> YamlError {
    // Of an item of a list the list says it.
    let key = error.key.split('[').next().unwrap_or_default();
    if let Some(allowed) = keys::allowed(key) {
        error.allowed = allowed.to_string();
    } else if error.suggestion.is_none() {
        // A key that stands in the wrong group.
        let word = error.key.rsplit('.').next().unwrap_or("");
        error.suggestion = keys::named(word).next().map(Into::into);
    }
    error
}

fn base_of(text: &Text<'_>, raw: &Raw, stem: &str) -> Result<Arc<Profile>, Vec<YamlError>> {
    if let Some(name) = &raw.extends.0 {
        return builtin(name).ok_or_else(|| {
            let mut fault = fault(text, "extends", format!("is `{name}`"));
            fault.suggestion = nearest(name, BUILTINS.map(|(name, _)| name)).map(Into::into);
            vec![fault]
        });
    }
    let name = raw.name.0.as_deref().unwrap_or(stem);
    let name = if raw.auto.0.is_some() { AUTO.0 } else { name };
    let base = builtin(name).or_else(|| builtin(DEFAULT));
    Ok(base.expect("the default profile is a built-in"))
}

fn fault(text: &Text<'_>, key: &str, what: String) -> YamlError {
    text.fault(
        key,
        what,
        keys::allowed(key)
            .map(|allowed| allowed.to_string())
            .unwrap_or_default(),
    )
}

/// Checks value by value, and goes on after a fault so that all are reported at once.
struct Checker<'a> {
    text: &'a Text<'a>,
    base: Option<&'a Profile>,
    faults: Vec<YamlError>,
}

impl<'a> Checker<'a> {
    fn new(text: &'a Text<'a>, base: Option<&'a Profile>) -> Self {
        Self {
            text,
            base,
            faults: Vec::new(),
        }
    }

    fn profile(mut self, raw: Raw, stem: &str) -> Result<Profile, Vec<YamlError>> {
        let base = self.base;
        let name = self.name(raw.name, stem);
        // The label of the base would be that of another profile.
        let label = raw.label.0.or_else(|| {
            base.map(|base| {
                if base.name == name {
                    base.label.clone()
                } else {
                    name.clone()
                }
            })
        });
        let profile = Profile {
            label: self.text("label", Given(label), None),
            name,
            description: self.text(
                "description",
                raw.description,
                base.map(|base| base.description.as_str()),
            ),
            target: self.millis("target_ms", raw.target_ms, base.map(|base| base.target)),
            audio: self.audio(raw.audio, base.map(|base| &base.audio)),
            detector: self.detector(raw.detector, base.map(|base| &base.detector)),
            turn: self.turn(raw.turn, base.map(|base| &base.turn)),
            live: self.live(raw.live, base.map(|base| &base.live)),
            auto: self.auto(raw.auto, base.and_then(|base| base.auto.as_ref())),
            alerts: self.alerts(&raw.alerts, base.map(|base| &base.alerts)),
        };
        self.pairs(&profile);
        if self.faults.is_empty() {
            Ok(profile)
        } else {
            Err(self.faults)
        }
    }

    fn audio(&mut self, raw: RawAudio, base: Option<&AudioSettings>) -> AudioSettings {
        let taps = self.whole(
            "audio.resampler_taps",
            raw.resampler_taps,
            base.map(|base| base.resampler_taps),
        );
        if !taps.is_multiple_of(8) {
            // rubato works on blocks of eight and would round up in silence.
            self.refuse(
                "audio.resampler_taps",
                format!("is {taps}"),
                "allowed is a multiple of 8",
            );
        }
        AudioSettings {
            period_frames: self.whole(
                "audio.period_frames",
                raw.period_frames,
                base.map(|base| base.period_frames),
            ),
            resampler_taps: taps,
            prebuffer: self.millis(
                "audio.prebuffer_ms",
                raw.prebuffer_ms,
                base.map(|base| base.prebuffer),
            ),
            preroll: self.millis(
                "audio.preroll_ms",
                raw.preroll_ms,
                base.map(|base| base.preroll),
            ),
            echo_cancellation: self.chosen(
                "audio.echo_cancellation",
                raw.echo_cancellation,
                base.map(|base| base.echo_cancellation),
                super::EchoCancellation::Auto,
            ),
            noise_suppression: self.chosen(
                "audio.noise_suppression",
                raw.noise_suppression,
                base.map(|base| base.noise_suppression),
                super::NoiseSuppression::Off,
            ),
            gain_control: self.chosen(
                "audio.gain_control",
                raw.gain_control,
                base.map(|base| base.gain_control),
                super::Switch::Off,
            ),
        }
    }

    fn detector(&mut self, raw: RawDetector, base: Option<&DetectorSettings>) -> DetectorSettings {
        let level = base.map(|base| u32::from(base.aggressiveness));
        let level = self.whole("detector.aggressiveness", raw.aggressiveness, level);
        DetectorSettings {
            kind: self.chosen(
                "detector.kind",
                raw.kind,
                base.map(|base| base.kind),
                super::DetectorKind::Webrtc,
            ),
            aggressiveness: u8::try_from(level).unwrap_or(u8::MAX),
            onset_idle: self.millis(
                "detector.onset_idle_ms",
                raw.onset_idle_ms,
                base.map(|base| base.onset_idle),
            ),
            onset_playing: self.millis(
                "detector.onset_playing_ms",
                raw.onset_playing_ms,
                base.map(|base| base.onset_playing),
            ),
        }
    }

    fn turn(&mut self, raw: RawTurn, base: Option<&TurnSettings>) -> TurnSettings {
        let fallback = super::Detection::Manual;
        TurnSettings {
            detection: self.chosen(
                "turn.detection",
                raw.detection,
                base.map(|base| base.detection),
                fallback,
            ),
            patience: self.millis(
                "turn.patience_ms",
                raw.patience_ms,
                base.map(|base| base.patience),
            ),
            eager_endpoint: self.chosen(
                "turn.eager_endpoint",
                raw.eager_endpoint,
                base.map(|base| base.eager_endpoint),
                super::Switch::Off,
            ),
            eager_waste_percent: self.whole(
                "turn.eager_waste_percent",
                raw.eager_waste_percent,
                base.map(|base| base.eager_waste_percent),
            ),
            adaptive_patience: self.chosen(
                "turn.adaptive_patience",
                raw.adaptive_patience,
                base.map(|base| base.adaptive_patience),
                super::Switch::Off,
            ),
            barge_in: self.chosen(
                "turn.barge_in",
                raw.barge_in,
                base.map(|base| base.barge_in),
                super::BargeIn::Auto,
            ),
            backchannel: self.millis(
                "turn.backchannel_ms",
                raw.backchannel_ms,
                base.map(|base| base.backchannel),
            ),
            automatic: self.automatic(raw.automatic, base.map(|base| &base.automatic)),
        }
    }

    fn automatic(
        &mut self,
        raw: RawAutomatic,
        base: Option<&AutomaticSettings>,
    ) -> AutomaticSettings {
        let at = "turn.automatic";
        let start = base.map(|base| base.start_sensitivity);
        let end = base.map(|base| base.end_sensitivity);
        let padding = base.map(|base| base.prefix_padding);
        let silence = base.map(|base| base.silence);
        AutomaticSettings {
            start_sensitivity: self.optional(
                &format!("{at}.start_sensitivity"),
                raw.start_sensitivity,
                start,
            ),
            end_sensitivity: self.optional(
                &format!("{at}.end_sensitivity"),
                raw.end_sensitivity,
                end,
            ),
            prefix_padding: self.optional_millis(
                &format!("{at}.prefix_padding_ms"),
                raw.prefix_padding_ms,
                padding,
            ),
            silence: self.optional_millis(&format!("{at}.silence_ms"), raw.silence_ms, silence),
        }
    }

    /// A profile that chooses among others holds nothing of its own that they hold.
    fn auto(&mut self, raw: Given<RawAuto>, base: Option<&AutoSettings>) -> Option<AutoSettings> {
        let raw = match (raw.0, base) {
            (None, None) => return None,
            (raw, _) => raw.unwrap_or_default(),
        };
        for key in ["extends", "audio", "detector", "turn", "live"] {
            if self.text.place(key).is_some() {
                let allowed = "a profile with `auto` has this from those that it chooses among: write it there";
                self.refuse(key, "is written".to_owned(), allowed);
            }
        }
        let among = self.chosen(
            "auto.among",
            raw.among,
            base.map(|base| base.among.clone()),
            Vec::new(),
        );
        if !(2..=8).contains(&among.len()) {
            let plural = if among.len() == 1 { "" } else { "s" };
            self.fault("auto.among", format!("has {} name{plural}", among.len()));
        }
        for (place, name) in among.iter().enumerate() {
            if !is_name(name) {
                self.fault("auto.among", format!("holds `{name}`"));
            } else if among[..place].contains(name) {
                self.fault("auto.among", format!("holds `{name}` twice"));
            }
        }
        Some(AutoSettings {
            among,
            prefer: self.chosen(
                "auto.prefer",
                raw.prefer,
                base.map(|base| base.prefer),
                super::Preference::Balance,
            ),
            changes_per_hour: self.whole(
                "auto.changes_per_hour",
                raw.changes_per_hour,
                base.map(|base| base.changes_per_hour),
            ),
            power_saving: self.chosen(
                "auto.power_saving",
                raw.power_saving,
                base.map(|base| base.power_saving),
                super::Switch::On,
            ),
        })
    }

    fn name(&mut self, given: Given<String>, stem: &str) -> String {
        let written = given.0.is_some();
        let name = given.0.unwrap_or_else(|| stem.to_owned());
        if !is_name(&name) && written {
            self.fault("name", is(&name));
        } else if !is_name(&name) {
            self.refuse(
                "name",
                "is missing".to_owned(),
                "the file's name cannot stand for it: add a line such as `name: my-own`",
            );
        }
        name
    }

    /// Values that must fit each other. The fault is told of the one that the file holds.
    fn pairs(&mut self, profile: &Profile) {
        let (at, to) = (
            profile.live.compress_at_tokens,
            profile.live.compress_to_tokens,
        );
        if to >= at {
            self.order(
                ("live.compress_to_tokens", to.into()),
                ("live.compress_at_tokens", at.into()),
                "less than",
            );
        }
        let (idle, playing) = (
            profile.detector.onset_idle.as_millis(),
            profile.detector.onset_playing.as_millis(),
        );
        if playing < idle {
            self.order(
                ("detector.onset_idle_ms", idle),
                ("detector.onset_playing_ms", playing),
                "at most",
            );
        }
    }

    /// Refuses a pair of which `small` should be `relation` than (or as) `large`.
    fn order(&mut self, small: (&str, u128), large: (&str, u128), relation: &str) {
        let opposite = if relation == "less than" {
            "more than"
        } else {
            "at least"
        };
        let written = |key: &str| self.text.place(key).is_some();
        let (ours, other, relation) = if written(small.0) || !written(large.0) {
            (small, large, relation)
        } else {
            (large, small, opposite)
        };
        self.refuse(
            ours.0,
            format!("is {}", ours.1),
            &format!(
                "allowed is {relation} {}, the value of {}",
                other.1, other.0
            ),
        );
    }

    /// A whole number within the range of its key.
    fn whole(&mut self, key: &str, given: Given<u64>, base: Option<u32>) -> u32 {
        let value = self.chosen(key, given, base.map(u64::from), 0);
        if let Some(Allowed::Whole(least, most) | Allowed::WholeOrDefault(least, most)) =
            keys::allowed(key)
            && !(least..=most).contains(&value)
        {
            self.fault(key, format!("is {value}"));
        }
        u32::try_from(value).unwrap_or(u32::MAX)
    }

    fn millis(&mut self, key: &str, given: Given<u64>, base: Option<Duration>) -> Duration {
        let base = base.map(|base| u32::try_from(base.as_millis()).unwrap_or(u32::MAX));
        Duration::from_millis(u64::from(self.whole(key, given, base)))
    }

    fn optional_millis(
        &mut self,
        key: &str,
        given: Given<OrDefault<u64>>,
        base: Option<Option<Duration>>,
    ) -> Option<Duration> {
        let base =
            base.map(|base| base.map(|base| u64::try_from(base.as_millis()).unwrap_or(u64::MAX)));
        let value = self.optional(key, given, base)?;
        Some(self.millis(key, Given(Some(value)), None))
    }

    fn text(&mut self, key: &str, given: Given<String>, base: Option<&str>) -> String {
        let text = self.chosen(key, given, base.map(str::to_owned), String::new());
        if let Some(Allowed::Text(least, most)) = keys::allowed(key) {
            let count = text.trim().chars().count();
            if !(least..=most).contains(&count) && self.faults.iter().all(|fault| fault.key != key)
            {
                self.fault(key, format!("has {count} characters"));
            }
        }
        text.trim().to_owned()
    }

    fn optional<T>(
        &mut self,
        key: &str,
        given: Given<OrDefault<T>>,
        base: Option<Option<T>>,
    ) -> Option<T> {
        self.chosen(key, Given(given.0.map(|value| value.0)), base, None)
    }

    /// The given value, else that of the base; without either the key is missed, and `fallback` stands in.
    fn chosen<T>(&mut self, key: &str, given: Given<T>, base: Option<T>, fallback: T) -> T {
        given.0.or(base).unwrap_or_else(|| {
            self.fault(key, "is missing".to_owned());
            fallback
        })
    }

    fn refuse_unless(&mut self, good: bool, key: &str, value: &str) {
        // An empty value stands in for one that is missing, which has been said.
        if !good && self.faults.last().is_none_or(|fault| fault.key != key) {
            self.fault(key, is(value));
        }
    }

    fn fault(&mut self, key: &str, what: String) {
        let fault = fault(self.text, key, what);
        self.faults.push(fault);
    }

    fn refuse(&mut self, key: &str, what: String, allowed: &str) {
        if self.faults.iter().all(|fault| fault.key != key) {
            self.faults.push(self.text.fault(key, what, allowed));
        }
    }
}

fn is(value: &str) -> String {
    if value.is_empty() {
        "is empty".to_owned()
    } else {
        format!("is `{value}`")
    }
}
