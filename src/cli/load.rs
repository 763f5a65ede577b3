//! `sovereign load`: many conversations at once.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::MissedTickBehavior;

use super::global::Global;
use super::output::say;
use super::profiles::put;
use super::signal::{self, Stop};
use super::trial;
use super::trial::output::Folder;
use super::trial::progress::Progress;
use crate::audio::virtual_devices::{JOINING, LATE, Lateness, PoolSchedule, VirtualDevicePool};
use crate::base::plural::count;
use crate::base::problem::Problem;
use crate::lab;
use crate::lab::aggregate::Aggregate;
use crate::lab::conversation::{Report, TrialContext};
use crate::lab::load_profile::{LoadProfile, Scenario};
use crate::lab::resource_sampler::ResourceSampler;
use crate::lab::session_pool::SessionPool;
use crate::lab::timeline::Recovery;
use crate::lab::trial_endpoint::{Target, TargetArgs};
use crate::lab::user_files::UserFiles;
use crate::probe::Probe;
use crate::profile::Profile;
use crate::provider::connection::dial::TcpDialer;
use crate::report::document::Document;
use crate::report::limit_verdict::{LimitCheck, Verdict};
use crate::report::load::{Load, LoadResults, RealTime, RunParameters, SCHEMA, scenario_words};
use crate::report::results::{Circumstances, TurnRow};

/// After a signal, the end of all conversations and the report must not take longer.
const ENDED_WITHIN: Duration = Duration::from_secs(60);
/// Capacity of the queue of reports.
const REPORTS: usize = 4_096;
/// Turns kept for percentiles and CSV: at most some 20 MB.
const TURNS: usize = 65_536;
/// The same if growth of memory is checked, to which the kept turns must not contribute.
const TURNS_OF_A_SOAK: usize = 4_096;
/// Growth is measured from this share of the run on, or this many seconds after the ramp if that is later: the first turns of
/// the newest conversations fill their buffers.
const SETTLED: (f64, f64) = (0.1, 20.0);
/// Conversations that were started this long before a run was cut short should be connected.
const CONNECTED_WITHIN: f64 = 5.0;
/// Interval of adjusting the number of conversations to the load profile.
const ADJUST_EVERY: Duration = Duration::from_millis(50);
/// Description of the audio in reports.
const SOUND: &str = "made-up microphones and speakers at 48 kHz, in steps of 10 ms; resampling, detection and playback as with devices";

/// What `load` can be told.
#[derive(Args, Clone, Debug, Default)]
pub struct LoadArgs {
    /// A shape of load with limits of its own [default: as many as --sessions says]
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<Scenario>,
    /// Conversations at a time [default: the scenario's, else 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub sessions: Option<u32>,
    /// Length of the run [default: the scenario's, else 30]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub seconds: Option<u64>,
    /// Conversations that may be set up at the same time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=JOINING as i64))]
    pub setups: u32,
    /// Utterances that may be under way at the same time; the next is spoken when one is answered [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50_000))]
    pub requests: Option<u32>,
    /// WAV files to speak, one utterance each [default: a bundled question]
    #[arg(long, num_args = 1.., value_name = "FILE.wav", value_parser = super::global::path())]
    pub input: Vec<PathBuf>,
    /// Folder for the report: load.html, .md, .csv, .json
    #[arg(long, value_name = "DIR", value_parser = super::global::path())]
    pub report: Option<PathBuf>,
    /// Compare with the JSON of an earlier report. Runs of another scenario, profile, size, limit, endpoint or pause are refused
    #[arg(long, value_name = "OLD.json", value_parser = super::global::path())]
    pub compare: Option<PathBuf>,
    /// The report as one line of JSON on standard output
    #[arg(long)]
    pub json: bool,
    /// Where to connect.
    #[command(flatten)]
    pub place: TargetArgs,
}

/// Runs the load and reports. The status is 1 if a limit was missed; a run that was cut short is judged by what it has.
pub fn run(global: &Global, args: &LoadArgs) -> Result<ExitCode, Problem> {
    let files = UserFiles::read(global)?;
    let profile = files.profile(global.profile.as_deref())?;
    let plan = LoadProfile::new(
        args.scenario,
        args.sessions.map(|n| n as usize),
        args.seconds,
    );
    if args.requests.is_some() && !plan.talks {
        let what = format!("--requests: the conversations of {} say nothing", plan.name);
        return Err(Problem::usage(what).hint("Leave it out, or take another --scenario."));
    }
    let spoken_by = std::slice::from_ref(&profile);
    let (utterances, spoken) = lab::utterances(&args.input, spoken_by)?;
    let folder = args.report.as_deref().map(Folder::open).transpose()?;
    let earlier = args
        .compare
        .as_deref()
        .map(|file| trial::earlier::<Load>(file, SCHEMA))
        .transpose()?;
    let endpoint = global.endpoint.as_deref().filter(|_| !global.demo);
    let place = Target::open(&files, endpoint, &args.place, plan.most(), say)?;
    let run = lab::circumstances(&place, SOUND, spoken);
    if let Some(earlier) = &earlier {
        let asked = RunParameters {
            scenario: plan.name,
            profile: &profile.name,
            sessions: plan.most(),
            requests: args.requests,
        };
        trial::alike(earlier.unlike(&run, &asked))?;
    }
    let runtime = super::runtime::runtime_of_many()?;
    let ended = runtime.block_on(async {
        place.reach(&profile).await?;
        let servers = ResourceSampler::others(place.pids());
        let (reports, inbox) = mpsc::channel(REPORTS);
        let budget = place.budget;
        let stage = Arc::new(TrialContext {
            place,
            profiles: files.profiles,
            fleet: VirtualDevicePool::start(Probe::cores(), PoolSchedule::Steps)
                .map_err(anyhow::Error::from)?,
            dialer: Arc::new(TcpDialer::default()),
            utterances,
            setups: Semaphore::new(args.setups as usize),
            requests: args.requests.map(|n| Arc::new(Semaphore::new(n as usize))),
            began: Instant::now(),
            reports,
        });
        let kept = plan.limits.growth_mb.map_or(TURNS, |_| TURNS_OF_A_SOAK);
        let tally = Aggregate::new(budget, kept);
        let requests = args.requests;
        signal::hold(ENDED_WITHIN);
        let running = Running::new(stage, profile, plan, requests, tally, servers, inbox)?;
        running.run(run, earlier.as_ref()).await
    });
    // Pending work (a name look-up, say) is abandoned.
    runtime.shutdown_timeout(Duration::from_millis(200));
    let (load, turns) = ended?;
    let json = serde_json::to_string(&load).map_err(anyhow::Error::from)?;
    let report = folder
        .as_ref()
        .map(|folder| (folder, load.document(&turns), &turns[..]));
    publish((&json, &summary(&load)), args.json, "load", report)?;
    Ok(trial::status(&load.checks, &load.run))
}

struct Running {
    stage: Arc<TrialContext>,
    pool: SessionPool,
    plan: LoadProfile,
    profile: Arc<Profile>,
    tally: Aggregate,
    inbox: mpsc::Receiver<Report>,
    client: ResourceSampler,
    servers: ResourceSampler,
    /// Memory of client and servers before the first conversation, in megabytes.
    base_mb: (f64, f64),
    held: Held,
    /// The limit on utterances that are under way at the same time.
    requests: Option<u32>,
    stop: Stop,
}

/// Least number of open files and sockets of the servers, before and after a spike.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    before: Option<u64>,
    after: Option<u64>,
}

impl Held {
    fn sample(&mut self, plan: &LoadProfile, at_s: f64, held: Option<u64>) {
        let least = |seen: Option<u64>| seen.into_iter().chain(held).min();
        if plan.jumps.first().is_some_and(|jump| at_s < *jump) {
            self.before = least(self.before);
        }
        if plan.probe_from.is_some_and(|from| at_s > from) {
            self.after = least(self.after);
        }
    }

    /// Leaked connections. One belongs to the probe.
    fn left(self) -> Option<u64> {
        Some(self.after?.saturating_sub(self.before? + 1))
    }
}

impl Running {
    fn new(
        stage: Arc<TrialContext>,
        profile: Arc<Profile>,
        plan: LoadProfile,
        requests: Option<u32>,
        tally: Aggregate,
        mut servers: ResourceSampler,
        inbox: mpsc::Receiver<Report>,
    ) -> Result<Self, Problem> {
        let mut client = ResourceSampler::own();
        let mb = |meter: &mut ResourceSampler| meter.read().map_or(0.0, |reading| reading.mb);
        Ok(Self {
            pool: SessionPool::new(stage.clone(), profile.clone(), &plan),
            base_mb: (mb(&mut client), mb(&mut servers)),
            stage,
            plan,
            profile,
            tally,
            inbox,
            client,
            servers,
            held: Held::default(),
            requests,
            stop: Stop::new()?,
        })
    }

    async fn run(
        mut self,
        mut run: Circumstances,
        earlier: Option<&Load>,
    ) -> Result<(Load, Vec<TurnRow>), Problem> {
        run.cut_short = self.go_on().await;
        let seconds = self.stage.began.elapsed().as_secs_f64();
        // Reports from before the end count in full.
        while let Ok(report) = self.inbox.try_recv() {
            self.tally.take(report);
        }
        let counts = self.pool.counts();
        let Self {
            stage,
            pool,
            plan,
            profile,
            mut tally,
            mut inbox,
            base_mb,
            held,
            requests,
            ..
        } = self;
        // Ending conversations send last reports, which are still taken.
        let mut ending = std::pin::pin!(pool.end());
        loop {
            tokio::select! {
                biased;
                Some(report) = inbox.recv() => tally.take_late(report),
                () = &mut ending => break,
            }
        }
        while let Ok(report) = inbox.try_recv() {
            tally.take_late(report);
        }
        run.spent_usd = tally.budget.map(|budget| budget.spent().usd);
        let unanswered = tally.settle_unanswered(plan.limits.response_p95_ms.unwrap_or(0.0));
        let (share, after) = SETTLED;
        // The second half of a shorter run.
        let settled = (plan.ramp + after).max(share * seconds).min(seconds / 2.0);
        let limit = plan.limits.growth_mb;
        let growth = limit.and_then(|_| tally.timeline.growth(settled));
        let asked = match run.cut_short {
            None => plan.most(),
            Some(_) => tally.timeline.most_wanted(seconds - CONNECTED_WITHIN),
        };
        let whole = run.cut_short.is_none();
        let recovery = tally.timeline.recovery(&plan.jumps, plan.probe_from, whole);
        let figures = LoadResults {
            scenario: plan.name.to_owned(),
            profile: profile.name.clone(),
            sessions: plan.most(),
            asked,
            seconds,
            conversations: tally.conversations(counts),
            errors: std::mem::take(&mut tally.errors),
            unanswered,
            real_time: tally
                .real_time()
                .map(|real| with_lateness(real, stage.fleet.lateness())),
            client: tally.usage(base_mb.0, |s| s.client_cpu.zip(s.client_mb)),
            server: tally.usage(base_mb.1, |s| s.server_cpu.zip(s.server_mb)),
            recovery_s: match recovery {
                Recovery::After(seconds) => Some(seconds),
                Recovery::Never | Recovery::NotShown => None,
            },
            requests,
            held_back: requests.map(|_| tally.held_back),
            never_well: recovery == Recovery::Never,
            connections_left: held.left(),
            growth_mb: growth.map(|growth| growth.gained),
            growth_mb_per_hour: growth.and_then(|growth| growth.per_hour),
            timeline: tally.timeline.seconds().to_vec(),
            ..tally.figures()
        };
        Ok((Load::new(run, figures, &plan.limits, earlier), tally.turns))
    }

    /// Runs until the load profile is over, the user ends it, or the budget is spent; returns why it ended early.
    async fn go_on(&mut self) -> Option<String> {
        let began = self.stage.began;
        let mut adjust = tokio::time::interval(ADJUST_EVERY);
        adjust.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.tick().await;
        let mut progress = Progress::new(self.plan.length().as_secs());
        let mut wanted = 0;
        loop {
            tokio::select! {
                biased;
                () = self.stop.wait() => return Some("it was ended by hand".to_owned()),
                _ = adjust.tick() => {
                    wanted = self.plan.wanted(began.elapsed())?;
                    self.pool.adjust(wanted, Instant::now());
                    if self.plan.probes(began.elapsed()) {
                        self.pool.probe(Instant::now());
                    }
                }
                _ = second.tick() => {
                    let at = began.elapsed().as_secs_f64();
                    self.tally.second(at, wanted, self.client.read(), self.servers.read());
                    if self.plan.probe_from.is_some() {
                        self.held.sample(&self.plan, at, self.servers.open_files());
                    }
                    progress.show(began.elapsed().as_secs(), &self.words());
                }
                Some(report) = self.inbox.recv() => self.tally.take(report),
            }
            if self.tally.budget.is_some_and(|budget| budget.is_empty()) {
                return Some("the spending limit was reached".to_owned());
            }
        }
    }

    fn words(&self) -> String {
        let last = self.tally.timeline.seconds().last();
        let p95 = last.and_then(|second| second.response_p95_ms);
        format!(
            "{}, {}, response p95 {}, {}",
            count(self.tally.live() as u64, "conversation"),
            count(self.tally.turns_so_far(), "turn"),
            crate::report::results::some_ms(p95),
            count(self.tally.errors.values().sum(), "error"),
        )
    }
}

fn with_lateness(mut real: RealTime, lateness: &Lateness) -> RealTime {
    real.late_share = lateness.late() as f64 / lateness.rounds().max(1) as f64;
    real.late_from_ms = LATE.as_secs_f64() * 1e3;
    real.latest_ms = lateness.worst().as_secs_f64() * 1e3;
    real
}

fn summary(load: &Load) -> Vec<String> {
    let f = &load.figures;
    let mut lines = vec![format!(
        "{}: {} at most, {} in {:.0} s",
        scenario_words(&f.scenario),
        count(f.conversations.most as u64, "conversation"),
        count(f.turns.all(), "turn"),
        f.seconds
    )];
    lines.extend(f.bill.sentence().map(|words| format!("  {words}")));
    lines.push(format!("  {}", load.headline()));
    lines.extend(load.checks.iter().map(check_line));
    lines.extend(
        f.errors
            .iter()
            .map(|(kind, n)| format!("  {}: {kind}", count(*n, "time"))),
    );
    let usage = [("conversations", &f.client), ("server", &f.server)];
    for (name, usage) in usage
        .into_iter()
        .filter_map(|(name, usage)| Some((name, usage.as_ref()?)))
    {
        lines.push(format!(
            "  {name}: {:.1} % of a core ({:.2} % each), {:.1} MB ({:.0} kB each)",
            usage.cpu_percent_of_core,
            usage.cpu_percent_each,
            usage.memory_mb,
            usage.memory_kb_each
        ));
    }
    lines.extend(load.remarks.iter().map(|remark| format!("  {remark}")));
    if !load.comparison.is_empty() {
        lines.extend(load.caveats.iter().map(|caveat| format!("  {caveat}")));
        lines.push(format!(
            "  {}",
            crate::report::compare::sentence(&load.comparison)
        ));
    }
    lines
}

/// A limit in a line.
pub(super) fn check_line(check: &LimitCheck) -> String {
    let sign = match check.verdict {
        Verdict::Kept => "ok",
        Verdict::Uncertain => "??",
        Verdict::Missed => "XX",
        Verdict::Unknown => "--",
    };
    format!(
        "  {sign} {}: {} (limit: {}), {}",
        check.what,
        check.found,
        check.limit,
        check.verdict.word()
    )
}

/// The result on standard output, JSON or words, and in the folder.
///
/// # Errors
///
/// When the folder cannot be written. A reader that has gone away is not missed; that standard output takes no more is said
/// at the end of the process.
pub(super) fn publish(
    (json, words): (&str, &[String]),
    as_json: bool,
    name: &str,
    report: Option<(&Folder, Document, &[TurnRow])>,
) -> Result<(), Problem> {
    let mut out = super::output::out();
    if as_json {
        put(&mut out, [json]).ok();
    } else {
        put(&mut out, words).ok();
    }
    if let Some((folder, document, turns)) = report {
        folder.write(name, &document, turns, json)?;
        let page = folder.path().join(format!("{name}.html"));
        say(&format!("the report is {}", page.display()));
    }
    Ok(())
}
