//! `sovereign bench`: latency by profile.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::global::Global;
use super::load::{check_line, publish};
use super::output::say;
use super::signal::{self, Stop};
use super::trial;
use super::trial::output::Folder;
use super::trial::progress::Progress;
use crate::audio::virtual_devices::{PoolSchedule, VirtualDevicePool};
use crate::base::plural::count;
use crate::base::problem::Problem;
use crate::lab;
use crate::lab::aggregate::Aggregate;
use crate::lab::conversation::{Report, TalkParameters, TrialContext, talk};
use crate::lab::resource_sampler::ResourceSampler;
use crate::lab::trial_endpoint::{Target, TargetArgs};
use crate::lab::user_files::UserFiles;
use crate::profile::Profile;
use crate::provider::connection::dial::TcpDialer;
use crate::report::bench::ProfileResults;
use crate::report::bench::{Bench, SCHEMA};
use crate::report::results::{Circumstances, OWN, TurnRow, interval};

/// The shipped profiles with their budgets: limits of the 95th percentile of our own share, in milliseconds, including the
/// latency of the devices.
const BUDGETS: [(&str, f64); 3] = [
    ("ultra-fast", 20.0),
    ("balanced", 35.0),
    ("high-quality", 90.0),
];
/// After a signal, the report must not take longer.
const ENDED_WITHIN: Duration = Duration::from_secs(60);
/// Reports that may wait.
const REPORTS: usize = 64;
/// Pause between turns, as with files.
const PAUSE: Duration = Duration::from_millis(300);
/// Restarts of a failed conversation.
const RETRIES: u32 = 2;
/// Warm-up turns of a conversation, which do not count: clocks settle in the first second, detectors learn the room.
const WARM_UP: u64 = 1;
/// Description of the audio in reports.
const SOUND: &str = "made-up microphone and speaker at 48 kHz with the profile's period and no delay of their own; resampling, detection and playback as with devices";

/// What `bench` can be told.
#[derive(Args, Clone, Debug, Default)]
pub struct BenchArgs {
    /// Turns for each profile
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub turns: u64,
    /// WAV files to speak, one utterance each [default: a bundled question]
    #[arg(long, num_args = 1.., value_name = "FILE.wav", value_parser = super::global::path())]
    pub input: Vec<PathBuf>,
    /// Folder for the report: bench.html, .md, .csv, .json
    #[arg(long, value_name = "DIR", value_parser = super::global::path())]
    pub report: Option<PathBuf>,
    /// Compare with the JSON of an earlier report: what is worse, and certainly so, is a missed limit. Runs of another
    /// endpoint, pause or profile are refused
    #[arg(long, value_name = "OLD.json", value_parser = super::global::path())]
    pub compare: Option<PathBuf>,
    /// The report as one line of JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Where to connect.
    #[command(flatten)]
    pub place: TargetArgs,
}

/// Measures the three shipped profiles, or the one that `--profile` names, and reports. The status is 1 if a limit was
/// missed; a run that was cut short is judged by what it has.
pub fn run(global: &Global, args: &BenchArgs) -> Result<ExitCode, Problem> {
    let files = UserFiles::read(global)?;
    let named = match &global.profile {
        Some(name) => vec![name.as_str()],
        None => BUDGETS.iter().map(|(name, _)| *name).collect(),
    };
    let profiles: Result<Vec<_>, _> = named.iter().map(|name| files.profile(Some(name))).collect();
    let profiles = profiles?;
    let (utterances, spoken) = lab::utterances(&args.input, &profiles)?;
    let folder = args.report.as_deref().map(Folder::open).transpose()?;
    let earlier = args
        .compare
        .as_deref()
        .map(|file| trial::earlier::<Bench>(file, SCHEMA))
        .transpose()?;
    let endpoint = global.endpoint.as_deref().filter(|_| !global.demo);
    let place = Target::open(&files, endpoint, &args.place, 1, say)?;
    let run = lab::circumstances(&place, SOUND, spoken);
    if let Some(earlier) = &earlier {
        trial::alike(earlier.unlike(&run, &named))?;
    }
    let runtime = super::runtime::runtime()?;
    let ended = runtime.block_on(async {
        for profile in &profiles {
            place.reach(profile).await?;
        }
        let (reports, inbox) = mpsc::channel(REPORTS);
        let budget = place.budget;
        let stage = Arc::new(TrialContext {
            place,
            profiles: files.profiles,
            fleet: VirtualDevicePool::start(1, PoolSchedule::Prompt)
                .map_err(anyhow::Error::from)?,
            dialer: Arc::new(TcpDialer::default()),
            utterances,
            setups: Semaphore::new(1),
            requests: None,
            began: Instant::now(),
            reports,
        });
        signal::hold(ENDED_WITHIN);
        let running = Running {
            stage,
            inbox,
            tally: Aggregate::new(budget, usize::MAX),
            warm_up: BTreeMap::new(),
            client: ResourceSampler::own(),
            progress: Progress::new(args.turns * profiles.len() as u64),
            turns: args.turns,
            stop: Stop::new()?,
            conversations: 0,
            before: 0,
        };
        Ok::<_, Problem>(running.run(run, &profiles).await)
    });
    // Pending work (a name look-up, say) is abandoned.
    runtime.shutdown_timeout(Duration::from_millis(200));
    let (run, figures, turns) = ended?;
    let bench = Bench::new(run, args.turns, figures, earlier.as_ref());
    let json = serde_json::to_string(&bench).map_err(anyhow::Error::from)?;
    let report = folder
        .as_ref()
        .map(|folder| (folder, bench.document(&turns), &turns[..]));
    publish((&json, &summary(&bench)), args.json, "bench", report)?;
    Ok(trial::status(&bench.checks, &bench.run))
}

struct Running {
    stage: Arc<TrialContext>,
    inbox: mpsc::Receiver<Report>,
    tally: Aggregate,
    /// Faults of the warm-ups.
    warm_up: BTreeMap<String, u64>,
    client: ResourceSampler,
    progress: Progress,
    turns: u64,
    stop: Stop,
    conversations: u64,
    /// Turns of the profiles before this one.
    before: u64,
}

impl Running {
    async fn run(
        mut self,
        mut run: Circumstances,
        profiles: &[Arc<Profile>],
    ) -> (Circumstances, Vec<ProfileResults>, Vec<TurnRow>) {
        let (mut all, mut figures) = (Vec::new(), Vec::new());
        for profile in profiles {
            let began = Instant::now();
            self.client.read();
            run.cut_short = self.measure(profile).await;
            let reading = self.client.read();
            let turns = std::mem::take(&mut self.tally.turns);
            let warm_up = self.warm_up_of(!turns.is_empty());
            let budget = BUDGETS.iter().find(|(name, _)| *name == profile.name);
            let mut found = ProfileResults {
                profile: profile.name.clone(),
                target_ms: profile.target.as_secs_f64() * 1e3,
                budget_ms: budget.map(|(_, ms)| *ms),
                errors: std::mem::take(&mut self.tally.errors),
                warm_up,
                seconds: began.elapsed().as_secs_f64(),
                cpu_percent_of_core: reading.map(|reading| reading.cpu),
                memory_mb: reading.map(|reading| reading.mb),
                ..ProfileResults::default()
            };
            found.add(&turns);
            figures.push(found);
            self.before += self.turns;
            all.extend(turns);
            if run.cut_short.is_some() {
                break;
            }
        }
        run.spent_usd = self.tally.budget.map(|budget| budget.spent().usd);
        (run, figures, all)
    }

    /// Faults of a profile's warm-ups. They count as errors if no turn followed.
    fn warm_up_of(&mut self, worked: bool) -> BTreeMap<String, u64> {
        let failed = std::mem::take(&mut self.warm_up);
        if worked {
            return failed;
        }
        for (kind, n) in failed {
            *self.tally.errors.entry(kind).or_default() += n;
        }
        BTreeMap::new()
    }

    /// Measures the requested number of turns of a profile in as few conversations as possible; returns why it ended early.
    async fn measure(&mut self, profile: &Arc<Profile>) -> Option<String> {
        for _ in 0..=RETRIES {
            let done = self.tally.turns.len() as u64;
            if done >= self.turns {
                break;
            }
            if let Some(why) = self.converse(profile, self.turns - done).await {
                return Some(why);
            }
        }
        let missing = self.turns.saturating_sub(self.tally.turns.len() as u64);
        if missing > 0 {
            *self
                .tally
                .errors
                .entry("not spoken".to_owned())
                .or_default() += missing;
        }
        None
    }

    async fn converse(&mut self, profile: &Arc<Profile>, turns: u64) -> Option<String> {
        self.conversations += 1;
        let part = TalkParameters {
            id: self.conversations,
            profile: profile.clone(),
            utterances: Some(turns + WARM_UP),
            pause: (PAUSE, PAUSE),
        };
        let stop = CancellationToken::new();
        let _ends_with_us = stop.clone().drop_guard();
        let mut warm = false;
        tokio::spawn(talk(self.stage.clone(), part, stop));
        loop {
            tokio::select! {
                biased;
                () = self.stop.wait() => return Some("it was ended by hand".to_owned()),
                report = self.inbox.recv() => match report? {
                    // Warm-up turns do not count, but are billed.
                    Report::Turn(mut turn, sent, heard) if turn.number <= WARM_UP => {
                        warm = true;
                        if let Some(budget) = &mut self.tally.budget {
                            budget.pay(&mut turn, sent, heard);
                        }
                    }
                    Report::Failure(fault) if !warm => {
                        *self.warm_up.entry(fault.name().to_owned()).or_default() += 1;
                    }
                    Report::Gone(_) => return None,
                    report @ (Report::Connected
                    | Report::Turn(..)
                    | Report::HeldBack(_)
                    | Report::Failure(_)) => {
                        self.tally.take(report);
                    }
                },
            }
            let done = self.tally.turns.len() as u64;
            self.progress.show(
                self.before + done,
                &format!("{}: {done} of {} turns", profile.name, self.turns),
            );
            if self.tally.budget.is_some_and(|budget| budget.is_empty()) {
                return Some("the spending limit was reached".to_owned());
            }
        }
    }
}

fn summary(bench: &Bench) -> Vec<String> {
    let mut lines = Vec::new();
    for figures in &bench.profiles {
        lines.push(format!(
            "{}: {} turns in {:.0} s",
            figures.profile,
            figures.turns.all(),
            figures.seconds
        ));
        for name in ["endpointing", "server", OWN, "client", "response"] {
            if let Some(latency) = figures.latency_ms.get(name) {
                lines.push(format!(
                    "  {name:<12} p50 {} ms, p95 {} ms, n {}",
                    interval(&latency.p50),
                    interval(&latency.p95),
                    latency.n
                ));
            }
        }
        lines.extend(figures.bill.sentence().map(|words| format!("  {words}")));
        lines.extend(
            figures
                .errors
                .iter()
                .map(|(kind, n)| format!("  {}: {kind}", count(*n, "time"))),
        );
        lines.extend(figures.warm_up.iter().map(|(kind, n)| {
            format!(
                "  {} in the warm-up, not counted: {kind}",
                count(*n, "time")
            )
        }));
    }
    lines.push(bench.headline());
    lines.extend(bench.checks.iter().map(check_line));
    if !bench.comparison.is_empty() {
        lines.extend(bench.caveats.iter().cloned());
        lines.push(crate::report::compare::sentence(&bench.comparison));
    }
    lines.extend(bench.recommendations.iter().cloned());
    lines
}
