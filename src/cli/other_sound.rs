//! Has the sound of other programs lowered while the assistant is talked with, if the configuration says so.

use std::future::pending;
use std::io::{self, BufReader};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, Lines};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::signal;
use crate::audio::other_sound::{KeeperOptions, LoweredFile, OtherSoundReport, keep_volumes};
use crate::base::localized_text::LocalizedText;
use crate::base::text::t;
use crate::conversation::Session;
use crate::conversation::command::Command;
use crate::conversation::snapshot::{Activity, Snapshot};

/// The key of the configuration.
const KEY: &str = "lower_other_sound";
/// Name of the hidden command.
const COMMAND: &str = "lower-other-sound";
/// Quiet after which the sound is restored. Shorter pauses, as between an answer and the next question, change nothing.
const QUIET: Duration = Duration::from_millis(800);
/// The process ends when nothing was lowered for so long.
const UNUSED: Duration = Duration::from_secs(30);
/// At the end restoring takes no longer.
const RESTORED_WITHIN: Duration = Duration::from_secs(10);

/// The arguments of the process that lowers.
#[derive(Args, Clone, Copy, Debug)]
pub struct LowerArgs {
    /// The process whose own sound stays as it is
    #[arg(long)]
    of: u32,
}

/// Lowers and restores as the standard input says.
pub(super) fn run(args: LowerArgs) -> ExitCode {
    signal::hold(RESTORED_WITHIN);
    let options = KeeperOptions {
        own: args.of,
        file: LoweredFile::find(),
        is_over: &signal::is_asked,
    };
    keep_volumes(&options, BufReader::new(io::stdin()), &mut io::stdout());
    ExitCode::SUCCESS
}

/// The task that follows the conversation; the sound is restored with its end.
pub(super) struct OtherSoundTask(JoinHandle<()>);

impl Drop for OtherSoundTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Follows this conversation; call it inside the runtime.
pub(super) fn follow(session: &Session) -> OtherSoundTask {
    let follower = Follower {
        commands: session.commands.clone(),
        start: start_keeper,
        keeper: None,
        is_lowered: false,
        was_restarted: false,
        due: None,
        trouble: false,
    };
    let snapshots = session.snapshots.clone();
    let is_left = LoweredFile::find().exists();
    OtherSoundTask(tokio::spawn(follower.run(snapshots, is_left)))
}

/// The process that lowers. It restores when its input is closed.
struct KeeperLink {
    input: Box<dyn AsyncWrite + Send + Unpin>,
    reports: Lines<tokio::io::BufReader<Box<dyn AsyncRead + Send + Unpin>>>,
}

impl KeeperLink {
    fn new(
        input: impl AsyncWrite + Send + Unpin + 'static,
        output: impl AsyncRead + Send + Unpin + 'static,
    ) -> Self {
        let output: Box<dyn AsyncRead + Send + Unpin> = Box::new(output);
        Self {
            input: Box::new(input),
            reports: tokio::io::BufReader::new(output).lines(),
        }
    }

    /// The next report; `None` when the process is gone.
    async fn next(&mut self) -> Option<OtherSoundReport> {
        loop {
            let line = self.reports.next_line().await.ok()??;
            let word = line.split(' ').next().unwrap_or_default();
            let mut all = OtherSoundReport::ALL.iter().copied();
            if let Some(report) = all.find(|report| report.word() == word) {
                return Some(report);
            }
        }
    }
}

fn start_keeper() -> io::Result<KeeperLink> {
    let program = std::env::current_exe().ok().filter(|path| path.exists());
    // After an upgrade the file of this program is gone, and the system still has it.
    let program = program.unwrap_or_else(|| "/proc/self/exe".into());
    let mut command = tokio::process::Command::new(program);
    command
        .args([COMMAND, "--of", &std::process::id().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // Ctrl+C in the terminal is for the assistant alone.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    match (child.stdin.take(), child.stdout.take()) {
        (Some(input), Some(output)) => Ok(KeeperLink::new(input, output)),
        _ => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// What the conversation asks for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OtherSoundWish {
    Off,
    AsUsual,
    Lowered,
}

impl OtherSoundWish {
    fn of(snapshot: &Snapshot) -> Self {
        if !snapshot.settings.is_on(KEY) {
            return Self::Off;
        }
        match snapshot.activity {
            Activity::UserSpeaks
            | Activity::Held
            | Activity::Thinking
            | Activity::Answering
            | Activity::Repeating => Self::Lowered,
            Activity::Connecting
            | Activity::Listening
            | Activity::Muted
            | Activity::Reconnecting
            | Activity::Offline
            | Activity::NoMicrophone
            | Activity::LimitReached => Self::AsUsual,
        }
    }
}

struct Follower<S> {
    commands: mpsc::Sender<Command>,
    start: S,
    keeper: Option<KeeperLink>,
    is_lowered: bool,
    /// Since the last wish.
    was_restarted: bool,
    /// When the sound is restored, or else the process ended.
    due: Option<Instant>,
    /// A notice says that nothing is lowered.
    trouble: bool,
}

impl<S: Fn() -> io::Result<KeeperLink>> Follower<S> {
    async fn run(mut self, mut snapshots: watch::Receiver<Arc<Snapshot>>, is_left: bool) {
        if is_left {
            // It restores what an earlier one left lowered.
            self.keeper = (self.start)().ok();
            self.due = Some(Instant::now() + UNUSED);
        }
        snapshots.mark_changed();
        loop {
            let (due, keeper) = (self.due, &mut self.keeper);
            let passed = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => pending().await,
                }
            };
            let report = async {
                match keeper {
                    Some(keeper) => keeper.next().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                changed = snapshots.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let wish = OtherSoundWish::of(&snapshots.borrow_and_update());
                    self.follow(wish).await;
                }
                () = passed => self.be_quiet().await,
                report = report => self.take(report).await,
            }
        }
    }

    async fn follow(&mut self, wish: OtherSoundWish) {
        match wish {
            OtherSoundWish::Lowered if self.is_lowered => self.due = None,
            OtherSoundWish::Lowered => self.tell(true).await,
            OtherSoundWish::AsUsual if self.is_lowered => {
                self.due.get_or_insert(Instant::now() + QUIET);
            }
            OtherSoundWish::Off if self.is_lowered => self.tell(false).await,
            OtherSoundWish::AsUsual | OtherSoundWish::Off => {}
        }
        if wish == OtherSoundWish::Off {
            self.show(None).await;
        }
    }

    /// The time of a pause is over.
    async fn be_quiet(&mut self) {
        if self.is_lowered {
            self.tell(false).await;
        } else {
            (self.keeper, self.due) = (None, None);
        }
    }

    async fn tell(&mut self, lower: bool) {
        self.is_lowered = lower;
        self.was_restarted = false;
        self.due = (!lower).then(|| Instant::now() + UNUSED);
        if !self.write().await {
            self.restart().await;
        }
    }

    /// Writes the wish to the process; returns whether one took it.
    async fn write(&mut self) -> bool {
        let Some(keeper) = &mut self.keeper else {
            return false;
        };
        let line = if self.is_lowered {
            "lower\n"
        } else {
            "restore\n"
        };
        keeper.input.write_all(line.as_bytes()).await.is_ok() && keeper.input.flush().await.is_ok()
    }

    /// Starts the process, which first restores what an earlier one left, and tells it the wish.
    async fn restart(&mut self) {
        match (self.start)() {
            Ok(keeper) => {
                self.keeper = Some(keeper);
                self.write().await;
            }
            Err(error) => {
                self.keeper = None;
                let error = error.to_string();
                let text = LocalizedText::new(move || t!("other-sound-not-started", error));
                self.show(Some(text)).await;
            }
        }
    }

    async fn take(&mut self, report: Option<OtherSoundReport>) {
        match report {
            Some(OtherSoundReport::Done) => self.show(None).await,
            Some(OtherSoundReport::Unreachable) => {
                let text = LocalizedText::new(|| t!("other-sound-unreachable").to_owned());
                self.show(Some(text)).await;
            }
            None => {
                self.keeper = None;
                if !self.was_restarted {
                    self.was_restarted = true;
                    self.restart().await;
                }
            }
        }
    }

    async fn show(&mut self, trouble: Option<LocalizedText>) {
        if self.trouble != trouble.is_some() {
            self.trouble = trouble.is_some();
            self.commands
                .send(Command::ShowOtherSound(trouble))
                .await
                .ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::conversation::snapshot::SettingsView;

    /// A follower whose processes are read and spoken for by the test.
    struct Desk {
        snapshots: watch::Sender<Arc<Snapshot>>,
        commands: mpsc::Receiver<Command>,
        started: mpsc::Receiver<Process>,
        _task: OtherSoundTask,
    }

    struct Process {
        input: Lines<tokio::io::BufReader<DuplexStream>>,
        output: DuplexStream,
    }

    impl Process {
        /// The next line within a second; `None` at the end of the input.
        async fn line(&mut self) -> Option<String> {
            let line = timeout(Duration::from_secs(1), self.input.next_line()).await;
            line.expect("a line").expect("text")
        }

        async fn is_told_nothing_for(&mut self, ms: u64) {
            let line = timeout(Duration::from_millis(ms), self.input.next_line()).await;
            assert!(line.is_err(), "{line:?}");
        }

        async fn says(&mut self, report: &str) {
            let line = format!("{report}\n");
            self.output.write_all(line.as_bytes()).await.expect("heard");
        }
    }

    impl Desk {
        fn new(is_left: bool) -> Self {
            let (snapshots, seen) = watch::channel(Arc::default());
            let (sender, commands) = mpsc::channel(8);
            let (tell, started) = mpsc::channel(8);
            let start = move || {
                let (input, theirs) = tokio::io::duplex(64);
                let (output, ours) = tokio::io::duplex(64);
                let input_lines = tokio::io::BufReader::new(theirs).lines();
                let process = Process {
                    input: input_lines,
                    output,
                };
                tell.try_send(process).map_err(io::Error::other)?;
                Ok(KeeperLink::new(input, ours))
            };
            let follower = Follower {
                commands: sender,
                start,
                keeper: None,
                is_lowered: false,
                was_restarted: false,
                due: None,
                trouble: false,
            };
            Self {
                snapshots,
                commands,
                started,
                _task: OtherSoundTask(tokio::spawn(follower.run(seen, is_left))),
            }
        }

        async fn shows(&self, on: bool, activity: Activity) {
            let settings = SettingsView::of_switch(KEY, on);
            self.snapshots.send_replace(Arc::new(Snapshot {
                activity,
                settings: Arc::new(settings),
                ..Snapshot::default()
            }));
            sleep(Duration::from_millis(1)).await;
        }

        fn process(&mut self) -> Process {
            self.started.try_recv().expect("it was started")
        }

        /// Whether trouble is shown (true) or withdrawn.
        async fn trouble(&mut self) -> bool {
            match self.commands.recv().await {
                Some(Command::ShowOtherSound(trouble)) => trouble.is_some(),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lowered_from_the_first_word_to_a_pause_after_the_last() {
        let mut desk = Desk::new(false);
        desk.shows(true, Activity::Listening).await;
        assert!(desk.started.try_recv().is_err(), "not needed yet");
        desk.shows(true, Activity::UserSpeaks).await;
        let mut process = desk.process();
        assert_eq!(process.line().await.as_deref(), Some("lower"));
        // Without flutter between turns.
        for activity in [Activity::Thinking, Activity::Answering, Activity::Held] {
            desk.shows(true, activity).await;
            process.is_told_nothing_for(5_000).await;
            desk.shows(true, Activity::Listening).await;
            process.is_told_nothing_for(700).await;
        }
        assert_eq!(process.line().await.as_deref(), Some("restore"));
        desk.shows(true, Activity::Answering).await;
        assert_eq!(process.line().await.as_deref(), Some("lower"));
        // Switched off meanwhile.
        desk.shows(false, Activity::Answering).await;
        assert_eq!(process.line().await.as_deref(), Some("restore"));
        process.is_told_nothing_for(29_000).await;
        assert_eq!(process.line().await, None, "not needed any more");
        assert!(desk.started.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn switched_off_nothing_is_started() {
        let mut desk = Desk::new(false);
        for activity in [Activity::UserSpeaks, Activity::Answering] {
            desk.shows(false, activity).await;
        }
        sleep(Duration::from_secs(5)).await;
        assert!(desk.started.try_recv().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_left_lowered_is_restored_although_it_is_switched_off() {
        let mut desk = Desk::new(true);
        desk.shows(false, Activity::Listening).await;
        let mut process = desk.process();
        process.is_told_nothing_for(29_000).await;
        assert_eq!(process.line().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_is_killed_is_replaced_once() {
        let mut desk = Desk::new(false);
        desk.shows(true, Activity::UserSpeaks).await;
        let mut first = desk.process();
        assert_eq!(first.line().await.as_deref(), Some("lower"));
        drop(first);
        sleep(Duration::from_millis(10)).await;
        let mut second = desk.process();
        assert_eq!(second.line().await.as_deref(), Some("lower"));
        drop(second);
        sleep(Duration::from_secs(5)).await;
        assert!(desk.started.try_recv().is_err(), "it would end again");
        desk.shows(true, Activity::Listening).await;
        sleep(Duration::from_secs(1)).await;
        let mut third = desk.process();
        assert_eq!(third.line().await.as_deref(), Some("restore"));
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_is_told_and_withdrawn() {
        let mut desk = Desk::new(false);
        desk.shows(true, Activity::UserSpeaks).await;
        let mut process = desk.process();
        process.says("unreachable 0").await;
        assert!(desk.trouble().await);
        process.says("unreachable 0").await;
        process.says("what is this").await;
        process.says("done 1").await;
        assert!(!desk.trouble().await, "told once");
        process.says("unreachable 0").await;
        assert!(desk.trouble().await);
        desk.shows(false, Activity::UserSpeaks).await;
        assert!(!desk.trouble().await, "switched off");
    }
}
