//! The controller looks at its figures: who is told, and what the cause is.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use serde_json::json;
use url::Url;

use super::controller::Controller;
use super::record::TurnRecord;
use super::snapshot::Severity;
use super::webhook::Post;
use crate::base::thread::aside;
use crate::client::setup::{self, Thinks};
use crate::metrics::alert::{Alert, Change, Kind};
use crate::metrics::diagnosis::{Evidence, Remedy, diagnose};
use crate::metrics::series::Reading;
use crate::probe::Usage;
use crate::profile::{AnswerLength, Detection, EchoCancellation, NoiseSuppression, Profile};

/// Sound that was lost is a reason to look at our own share of the load for so long.
const SUFFERS_FOR: Duration = Duration::from_secs(10);

/// How often causes are looked for although no turn was closed.
const DIAGNOSE_EVERY: u64 = 10;

impl Controller {
    /// A turn was closed.
    #[inline(never)] // what it costs is counted: tests/counts/measuring.rs
    pub(super) fn note_turn(&mut self, now: Instant, record: &TurnRecord) {
        self.insight.turn(now, record);
        self.find_causes();
        self.tell_alerts(now);
    }

    /// Once a second.
    #[inline(never)] // what it costs is counted: tests/counts/measuring.rs
    pub(super) fn look_at_figures(&mut self, now: Instant, usage: Option<&Usage>) {
        let process = self.statistics.process();
        let usage = usage.filter(|_| self.statistics.in_real_time());
        let reading = Reading {
            cpu_percent: usage.and(process.cpu_percent),
            machine_percent: process.machine.cpu_percent,
            rss: usage.map(|usage| usage.rss),
            threads: usage.and_then(|usage| usage.threads),
            round_trip: self.round_trip(),
            ..Reading::default()
        };
        let counts = [
            self.counters.underruns.get(),
            self.counters.bytes_sent.get(),
            self.counters.bytes_received.get(),
        ];
        let load = self.load_of_others(now);
        self.insight.reading(now, reading, counts, load);
        let (memory, threads) = (&self.insight.alerts, &self.insight.threads);
        self.statistics
            .set_growth(memory.growth(), threads.growth());
        self.looks += 1;
        if self.looks.is_multiple_of(DIAGNOSE_EVERY) {
            self.find_causes();
        }
        self.tell_alerts(now);
        self.changed |= self.insight.draw(now);
        self.keep_history(now, false);
    }

    /// The load of the machine that alerts judge, in percent of all processors: without what this program takes itself, above
    /// all to draw its window while the user scrolls, as long as the sound does not suffer from it.
    fn load_of_others(&mut self, now: Instant) -> Option<f64> {
        let process = self.statistics.process();
        let load = process.machine.cpu_percent.map(f64::from)?;
        let own = process.cpu_percent.map_or(0.0, f64::from) / process.cores.max(1) as f64;
        let lost = self.counters.underruns.get() + self.counters.capture_dropped.get();
        Some(self.insight.suffering.judged(now, lost, load, own))
    }

    /// From the demo to the service, or back: turns of the one say nothing of the other.
    pub(super) fn begin_figures_anew(&mut self) {
        self.keep_history(super::controller::now(), true);
        self.end_alerts();
        self.statistics.reset_all();
        let file = self.outlets.history(self.settings.is_demo());
        // As `adopt_profile`: a profile that chooses among others has limits of its own.
        let alerts = self.chosen_profile().alerts.clone();
        self.insight.begin_anew(&alerts, file);
        self.tell_trouble_of_history();
        self.changed = true;
    }

    /// Says why the history is not kept, once.
    pub(super) fn tell_trouble_of_history(&mut self) {
        if let Some(why) = self.insight.trouble.take() {
            self.notice(Severity::Warning, why);
        }
    }

    /// Round trip of the connection, where it is known.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        let micros = self.counters.round_trip_us.load(Relaxed);
        (micros > 0).then(|| Duration::from_micros(u64::from(micros)))
    }

    /// Writes the history, on a thread that may wait for the disk.
    pub(super) fn keep_history(&mut self, now: Instant, at_once: bool) {
        let Some((file, text)) = self.insight.take_unkept(now, at_once) else {
            return;
        };
        let write = move || {
            let kept = crate::file::keep(&file, text.as_bytes());
            kept.inspect_err(|error| tracing::warn!(%error, "the history is not kept"))
        };
        if !at_once {
            // What fails now is tried again, and said at the end.
            tokio::spawn(aside("history", write));
        } else if let Err(error) = write() {
            let what = format!("The figures of this conversation are not kept: {error}.");
            self.notice(Severity::Warning, what);
        }
    }

    fn find_causes(&mut self) {
        let findings = diagnose(&self.evidence());
        if *self.insight.findings != *findings {
            self.insight.findings = findings.into();
            self.changed = true;
        }
    }

    fn tell_alerts(&mut self, now: Instant) {
        let changes = self.insight.look(now);
        for change in changes {
            self.changed = true;
            match change {
                Change::Raised(alert) => {
                    let (remedy, action) = alert.kind.help(&self.insight.findings);
                    tracing::warn!(
                        kind = alert.kind.word(),
                        value = alert.value,
                        limit = alert.limit,
                        n = alert.n,
                        remedy,
                        "alert"
                    );
                    let text = format!("{}. {remedy}", alert.what());
                    self.alert_texts.push((alert.kind, text.clone()));
                    self.notice_with(Severity::Warning, text, action);
                    self.post(&alert, "raised", Some(&remedy));
                }
                Change::Cleared(kind) => self.end_alert(kind),
                Change::Shown => {}
            }
        }
    }

    /// Ends every alert that was announced: nobody watches its figures any more.
    pub(super) fn end_alerts(&mut self) {
        let told: Vec<Kind> = self.insight.alerts.told().collect();
        for kind in told {
            self.end_alert(kind);
        }
    }

    /// Takes the notice away, and sends the end of the alert to the log and the webhook.
    fn end_alert(&mut self, kind: Kind) {
        tracing::info!(kind = kind.word(), "alert is over");
        let (over, stand): (Vec<_>, Vec<_>) = std::mem::take(&mut self.alert_texts)
            .into_iter()
            .partition(|(of, _)| *of == kind);
        self.alert_texts = stand;
        for (_, text) in over {
            self.withdraw(&text);
        }
        self.post_over(kind);
    }

    fn post(&self, alert: &Alert, state: &str, remedy: Option<&str>) {
        self.post_json(json!({
            "schema": "sovereign.alert/1", "state": state, "kind": alert.kind.word(),
            "value": alert.value, "limit": alert.limit, "n": alert.n,
            "what": alert.what(), "remedy": remedy,
            "profile": self.profile.name, "version": env!("CARGO_PKG_VERSION"),
        }));
    }

    fn post_over(&self, kind: Kind) {
        self.post_json(json!({
            "schema": "sovereign.alert/1", "state": "cleared", "kind": kind.word(),
            "profile": self.profile.name, "version": env!("CARGO_PKG_VERSION"),
        }));
    }

    fn post_json(&self, body: serde_json::Value) {
        let address = self.settings.config().alert_webhook.as_ref();
        let address = address.filter(|_| self.settings.held().is_none());
        // It was checked when the file was read.
        if let Some(address) = address.and_then(|address| Url::parse(address.expose()).ok()) {
            let body = body.to_string();
            self.webhook.send(Post { address, body });
        }
    }

    fn evidence(&self) -> Evidence {
        let profile = &self.profile;
        let [recent, usual] = self.insight.typical(&profile.name, &self.model());
        let thinking = setup::thinks(&profile.live);
        let process = self.statistics.process();
        let machine = process.machine;
        let cores = process.cores.max(1) as f64;
        let own = process.cpu_percent.map(|own| f64::from(own) / cores);
        let faster = |other: &Profile| {
            let nearer = profile.target.checked_sub(other.target);
            nearer.filter(|nearer| !nearer.is_zero())
        };
        let narrow = |port: &super::snapshot::Port| {
            let stream = port.stream.as_ref();
            stream.is_some_and(crate::audio::StreamInfo::narrowband)
        };
        Evidence {
            // As the window judges: with a profile that chooses, by its own.
            target: self.chosen_profile().target,
            recent,
            usual,
            round_trip: self.round_trip(),
            shortest_trip: self.insight.shortest_trip,
            proxy: !self.settings.is_demo()
                && crate::client::dial::through_proxy(&self.settings.target.url),
            period: self.period(),
            narrow_microphone: narrow(&self.input),
            narrow_speaker: narrow(&self.output),
            underruns: self.insight.recent_underruns(),
            prebuffer: profile.audio.prebuffer,
            load: machine.cpu_percent.map(f64::from).zip(own),
            memory_percent: machine.memory_percent(),
            leak_per_hour: process.memory_growth.per_hour(),
            on_battery: machine.battery.is_some_and(|battery| battery.discharging),
            clock_share: machine.clock_share.map(f64::from),
            model: (!self.settings.is_local()).then(|| profile.live.model.clone()),
            instruction_chars: profile.live.instruction.chars().count(),
            thinks: matches!(thinking, Thinks::MoreThan(_) | Thinks::Always),
            least_thinking: match thinking {
                Thinks::MoreThan(least) => Some(least),
                Thinks::Not | Thinks::ByItself | Thinks::Always => None,
            },
            searches: profile.live.google_search && self.insight.mostly_searched(&profile.name),
            automatic_detection: self.settings.detection(profile) == Detection::Automatic,
            free_answers: profile.live.answer_length == AnswerLength::Free,
            echo_forced: self.settings.config().echo_cancellation == Some(EchoCancellation::On),
            cut_offs_percent: self.insight.alerts.cut_offs_percent(),
            interruptions_percent: self.insight.alerts.interruptions_percent(),
            faster_profile: self.neighbour(faster),
            shorter_prebuffer_profile: self.neighbour(|other| {
                faster(other).filter(|_| other.audio.prebuffer < profile.audio.prebuffer)
            }),
            cleans: cleans(profile),
            sparing_profile: self.neighbour(|other| {
                spares(other, profile).then(|| profile.target.abs_diff(other.target))
            }),
            patienter_profile: self.neighbour(|other| {
                let (more, now) = (other.turn.patience, profile.turn.patience);
                (more > now).then(|| more - now)
            }),
        }
    }

    /// The name of the profile that is nearest in what `apart` measures.
    fn neighbour(&self, apart: impl Fn(&Profile) -> Option<Duration>) -> Option<String> {
        if self.auto.is_some() {
            // It chooses by itself.
            return None;
        }
        let others = self.profiles.entries().iter();
        others
            .filter(|entry| entry.profile.auto.is_none())
            .filter_map(|entry| Some((apart(&entry.profile)?, &entry.profile.name)))
            .min()
            .map(|(_, name)| name.clone())
    }

    /// Period of the speaker, as asked for and as granted.
    fn period(&self) -> Option<(Duration, Duration)> {
        let stream = self.output.stream.as_ref()?;
        let length = |frames: u32| stream.rate.duration_of(u64::from(frames));
        Some((length(self.period), length(stream.period_frames?)))
    }

    /// Writes turns and history into the state folder, and says where.
    pub(super) fn export_csv(&mut self) {
        let Some(folder) = self.outlets.state.clone() else {
            return self.notice(
                Severity::Warning,
                "There is no folder to write the figures to.".into(),
            );
        };
        let stamp = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        let (turns, history) = self.insight.to_csv();
        let files = [
            (folder.join(format!("turns-{stamp}.csv")), turns),
            (folder.join(format!("history-{stamp}.csv")), history),
        ];
        let written = files
            .iter()
            .try_for_each(|(file, text)| crate::file::keep(file, text.as_bytes()));
        match written {
            Ok(()) => self.notice(
                Severity::Info,
                format!(
                    "Written: {} (the turns of this conversation) and {} (the last seven days).",
                    files[0].0.display(),
                    files[1].0.display()
                ),
            ),
            Err(error) => self.notice(
                Severity::Warning,
                format!(
                    "The figures cannot be written to {}: {error}.",
                    folder.display()
                ),
            ),
        }
    }

    /// Does what a button of an alert or a finding asks.
    pub(super) fn apply_remedy(&mut self, now: Instant, remedy: Remedy) {
        use super::command::Command;
        match remedy {
            Remedy::UseProfile(name) => self.on_command(now, Command::UseProfile(name)),
            Remedy::CheckSound => self.on_command(now, Command::CheckSound { with_voice: true }),
            Remedy::AskAgain => self.ask_again(now),
            Remedy::EchoAutomatic => self.on_command(now, Command::SetEchoCancellation(None)),
            // As when the service announces the end of a connection: another one at the next pause.
            Remedy::Reconnect if self.is_connected() => self.going_away = true,
            Remedy::Reconnect => self.on_command(now, Command::RetryNow),
            Remedy::UseModel { profile, model } => self.write_model(&profile, &model),
        }
    }
}

/// Whether the sound suffered lately.
#[derive(Debug, Default)]
pub(super) struct Suffering {
    /// Stutters and lost samples so far.
    lost: u64,
    at: Option<Instant>,
}

impl Suffering {
    /// The load that counts, of that of the machine and our own part of it.
    fn judged(&mut self, now: Instant, lost: u64, load: f64, own: f64) -> f64 {
        if lost > self.lost {
            (self.lost, self.at) = (lost, Some(now));
        }
        let since = |at: Instant| now.saturating_duration_since(at);
        if self.at.is_some_and(|at| since(at) <= SUFFERS_FOR) {
            load
        } else {
            (load - own).max(0.0)
        }
    }
}

/// Whether the microphone's sound goes through noise suppression or gain control.
fn cleans(profile: &Profile) -> bool {
    let audio = &profile.audio;
    audio.noise_suppression != NoiseSuppression::Off || audio.gain_control.is_on()
}

/// Whether one takes less of the processor than the other, by what costs the most (`tests/measured/instructions.md`).
fn spares(other: &Profile, than: &Profile) -> bool {
    let forced = |profile: &Profile| profile.audio.echo_cancellation == EchoCancellation::On;
    cleans(than) && !cleans(other) && (forced(than) || !forced(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Switch, builtin};

    #[test]
    fn our_own_drawing_is_no_busy_computer_unless_sound_is_lost() {
        let (mut suffering, start) = (Suffering::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        // The window scrolls in software: 53 of 85 % are its own.
        assert!((suffering.judged(start, 0, 85.0, 53.0) - 32.0).abs() < 1e-9);
        assert!((suffering.judged(start, 0, 95.0, 2.0) - 93.0).abs() < 1e-9);
        assert!((suffering.judged(after(1), 3, 85.0, 53.0) - 85.0).abs() < 1e-9);
        assert!((suffering.judged(after(11), 3, 85.0, 53.0) - 85.0).abs() < 1e-9);
        assert!((suffering.judged(after(12), 3, 85.0, 53.0) - 32.0).abs() < 1e-9);
        assert!(
            suffering.judged(after(13), 3, 10.0, 53.0) >= 0.0,
            "they are not read at the same time"
        );
    }

    #[test]
    fn a_profile_spares_the_processor_by_its_settings_and_not_by_its_name() {
        let [fast, balanced, high] =
            ["ultra-fast", "balanced", "high-quality"].map(|name| builtin(name).expect("built in"));
        assert!(spares(&fast, &high) && spares(&fast, &balanced));
        assert!(!spares(&balanced, &high) && !spares(&high, &balanced));
        assert!(!spares(&fast, &fast) && !spares(&balanced, &fast));
        let mut mine = Profile::clone(&high);
        mine.audio.noise_suppression = NoiseSuppression::Off;
        assert!(!spares(&mine, &balanced), "gain control is the dearer one");
        mine.audio.gain_control = Switch::Off;
        assert!(spares(&mine, &balanced));
        mine.audio.echo_cancellation = EchoCancellation::On;
        assert!(!spares(&mine, &balanced));
    }
}
