//! The target of a trial: our own servers in separate processes, so that their processor and memory are measured separately;
//! or any endpoint.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use clap::Args;
use url::Url;

use super::spend_budget::{Budget, price};
use super::user_files::UserFiles;
use crate::base::counters::Counters;
use crate::base::problem::Problem;
use crate::base::supervise::Failures;
use crate::conversation::{Choice, Settings};
use crate::profile::Profile;
use crate::provider::ProviderEvent;
use crate::provider::choose;
use crate::provider::connection::dial::TcpDialer;
use crate::provider::turn_cost::Price;
use crate::settings::api_key::{ApiKey, KeyStore};
use crate::settings::endpoint;
use crate::settings::key_destination;
use crate::settings::watch::Watch;

/// The endpoint must answer within this time, as with `talk`.
const REACHED_WITHIN: Duration = Duration::from_secs(15);
/// Our own server prints its address within this time: it takes milliseconds, but all cores may be busy.
const SERVED_WITHIN: Duration = Duration::from_secs(10);
/// A server ends within this time; else it is ended.
const GONE_WITHIN: Duration = Duration::from_secs(2);
/// Connections for each server: one address has some 28 000 ports to connect from.
const FOR_EACH_SERVER: usize = 20_000;
/// Descriptors besides those of the connections.
const OTHER_FILES: u64 = 128;

/// Options of whoever talks to an endpoint that may cost something.
#[derive(Args, Clone, Debug, Default)]
pub struct TargetArgs {
    /// Our own server only: pause before each answer
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=60_000))]
    pub think_ms: Option<u64>,
    /// End when so much is spent; needed where a key is sent to another computer
    #[arg(long, value_name = "USD", requires = "price", value_parser = amount)]
    pub spend_limit_usd: Option<f64>,
    /// What a million tokens cost there, in US dollars: input/output, as 3/12
    #[arg(long, value_name = "IN/OUT", value_parser = price)]
    pub price: Option<Price>,
}

fn amount(text: &str) -> Result<f64, String> {
    let amount = text
        .parse::<f64>()
        .ok()
        .filter(|usd| usd.is_finite() && *usd > 0.0);
    amount.ok_or_else(|| "expected is an amount of US dollars above 0".to_owned())
}

/// Where a trial connects to. Dropping it ends the servers.
pub(crate) struct Target {
    /// For people.
    pub(crate) words: String,
    /// Pause of our own server.
    pub(crate) think_ms: Option<u64>,
    pub(crate) budget: Option<Budget>,
    urls: Vec<Url>,
    key: Option<ApiKey>,
    keys: KeyStore,
    config: crate::settings::config::ConfigFile,
    servers: Vec<Served>,
}

impl Target {
    /// Decides where to connect, and starts servers if that is where. `warn` takes what is wrong with the key.
    pub(crate) fn open(
        files: &UserFiles,
        endpoint: Option<&str>,
        args: &TargetArgs,
        connections: usize,
        warn: impl Fn(&str),
    ) -> Result<Self, Problem> {
        let keys = KeyStore::system(files.paths.key());
        raise_descriptors(connections)?;
        let mut this = Self {
            words: String::new(),
            think_ms: None,
            budget: args
                .price
                .zip(args.spend_limit_usd)
                .map(|(price, limit)| Budget::new(price, limit)),
            urls: Vec::new(),
            key: None,
            keys,
            config: files.config.clone(),
            servers: Vec::new(),
        };
        match endpoint {
            Some(address) => this.use_endpoint(address, args, warn)?,
            None => this.serve(args.think_ms, connections)?,
        }
        Ok(this)
    }

    fn use_endpoint(
        &mut self,
        address: &str,
        args: &TargetArgs,
        warn: impl Fn(&str),
    ) -> Result<(), Problem> {
        if args.think_ms.is_some() {
            return Err(Problem::usage(
                "--think-ms is for our own server: leave --endpoint out",
            ));
        }
        let url = endpoint::parse(address)
            .map_err(|error| Problem::usage(format!("--endpoint {error}")))?;
        let config = self.config.get().endpoint.clone();
        let found = self.keys.find();
        for warning in &found.warnings {
            warn(&format!("warning: {warning}"));
        }
        let may = |key: &ApiKey| key_destination::may_have_key(key.source, &url, config.as_deref());
        self.key = found.key.filter(may);
        // Only this computer is talked to without encryption (`endpoint::parse` sees to that), and costs nothing.
        if self.key.is_some() && url.scheme() == "wss" && self.budget.is_none() {
            let what = "a key would be sent to another computer, which may cost money: say how much it may be";
            let hint = "Add --spend-limit-usd 1 --price IN/OUT, the service's price in US dollars for a million tokens.";
            return Err(Problem::usage(what).hint(hint));
        }
        let host = url.host_str().unwrap_or("?");
        self.words = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        self.urls.push(url);
        Ok(())
    }

    fn serve(&mut self, think_ms: Option<u64>, connections: usize) -> Result<(), Problem> {
        let servers = connections.div_ceil(FOR_EACH_SERVER).max(1);
        for _ in 0..servers {
            let served = Served::start(think_ms).map_err(|error| {
                Problem::failed(error.context("our own server did not start"))
                    .hint("Name one with --endpoint ws://127.0.0.1:PORT.")
            })?;
            self.urls.push(served.url.clone());
            self.servers.push(served);
        }
        self.think_ms = Some(think_ms.unwrap_or(0));
        self.words = match servers {
            1 => "our own server, in a process of its own on this computer".to_owned(),
            n => format!("{n} servers of our own, in processes of their own on this computer"),
        };
        Ok(())
    }

    /// Numbers of the servers' processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.servers
            .iter()
            .map(|served| served.child.id())
            .collect()
    }

    /// Endpoint, key and configuration for a conversation.
    pub(crate) fn settings(&self, nth: u64) -> anyhow::Result<Settings> {
        let nth = usize::try_from(nth).unwrap_or(0) % self.urls.len().max(1);
        let url = self.urls.get(nth).context("there is no endpoint")?;
        let mut settings = Settings::new(Choice {
            demo: false,
            endpoint: Some(url.to_string()),
            greeting: false,
            config: self.config.clone(),
            keys: self.keys.clone(),
            key: self.key.clone(),
            changes: Watch::nothing(),
            failures: Failures::default(),
        })?;
        settings.open_by_speech();
        settings.limit_elsewhere();
        Ok(settings)
    }

    /// Opens and closes one connection, so that a fault is reported once before the run.
    pub(crate) async fn reach(&self, profile: &Profile) -> Result<(), Problem> {
        let settings = self.settings(0)?;
        let (target, setup) = (settings.target.clone(), settings.session_config(profile));
        let mut client = choose::spawn(
            Arc::new(TcpDialer::default()),
            target,
            setup,
            Arc::new(Counters::default()),
        );
        let mut last = None;
        let reached = tokio::time::timeout(REACHED_WITHIN, async {
            while let Some(event) = client.events.recv().await {
                if let ProviderEvent::Ready(_) = event {
                    return true;
                }
                if let ProviderEvent::Lost { fault, retry_in } = event {
                    last = Some(fault);
                    if retry_in.is_none() {
                        return false;
                    }
                }
            }
            false
        });
        if reached.await.unwrap_or(false) {
            return Ok(());
        }
        let (what, hint) = match last {
            Some(fault) => (fault.what.to_string(), fault.hint),
            None => (
                format!(
                    "the endpoint did not answer within {} s",
                    REACHED_WITHIN.as_secs()
                ),
                "Check the address, or leave --endpoint out.",
            ),
        };
        Err(Problem::failed(anyhow!(what)).hint(hint))
    }
}

/// Raises the limit of open files for this many connections, also for child processes.
fn raise_descriptors(connections: usize) -> Result<(), Problem> {
    let needed = connections as u64 + OTHER_FILES;
    let granted = rlimit::increase_nofile_limit(needed).unwrap_or(u64::MAX);
    if granted >= needed {
        return Ok(());
    }
    let most = granted.saturating_sub(OTHER_FILES);
    let what = format!(
        "{connections} connections need {needed} open files, and the system allows {granted}"
    );
    let hint = format!(
        "Ask for at most {most} with --sessions, or raise the limit first: ulimit -Hn {needed} (as root)."
    );
    Err(Problem::usage(what).hint(hint))
}

/// A server in a process of its own. It ends with its standard input, so also when this process is killed.
struct Served {
    child: Child,
    input: Option<ChildStdin>,
    url: Url,
}

impl Served {
    fn start(think_ms: Option<u64>) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's file is not known")?;
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--json", "--attached"]);
        if let Some(ms) = think_ms {
            command.args(["--think-ms", &ms.to_string()]);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // Ctrl-C is for us: a server that ended first would look like a fault of the service.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("it has no standard output")?;
        let mut this = Self {
            child,
            input,
            url: endpoint::google(),
        };
        this.url = address(output)?;
        Ok(this)
    }
}

/// The address in the first line. Further output is read and dropped, so that the server never blocks.
fn address(output: std::process::ChildStdout) -> anyhow::Result<Url> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    let read = move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        let read = output.read_line(&mut line).map(|_| line);
        sender.send(read).ok();
        let mut rest = [0; 4_096];
        while matches!(output.read(&mut rest), Ok(n) if n > 0) {}
    };
    std::thread::Builder::new()
        .name("server-output".to_owned())
        .spawn(read)?;
    let line = receiver
        .recv_timeout(SERVED_WITHIN)
        .context("it did not tell its address in time")??;
    let seen: serde_json::Value =
        serde_json::from_str(&line).context("it ended before it told its address")?;
    let address = seen.get("listening").and_then(serde_json::Value::as_str);
    Ok(endpoint::parse(address.context("it told no address")?)?)
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.input.take());
        let deadline = Instant::now() + GONE_WITHIN;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
