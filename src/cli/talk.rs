//! `sovereign talk`: a conversation in the terminal, or of files.

mod state;
mod typed;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use self::typed::{Questions, TypedLine, next_of};
use self::words::{closing_line, found, severity_word};
use super::control;
use super::exit_status::print_problem;
use super::global::Global;
use super::line_writer::Unwritten;
use super::output::say;
use super::output::{self, print};
use super::output_files::{self, is_same, may_write, remedy};
use super::start_conversation::{InputSource, Sink, Start, Voice};
use super::table::Table;
use super::{panics, signal};
use crate::base::printable::in_a_line;
use crate::base::problem::Problem;
use crate::conversation::{self, command::Command};
use crate::telemetry::record::TurnRecord;
use crate::telemetry::summary::Summary;
use crate::turn::machine::Outcome;

/// The endpoint must answer within this time.
const REACHED_WITHIN: Duration = Duration::from_secs(15);
/// After a signal, the end must not take longer, whatever hangs.
const ENDED_WITHIN: Duration = Duration::from_secs(10);
/// Ending the conversation must not take longer. It takes a fifth of a second; a busy machine must not cost the summary.
pub const OVER_WITHIN: Duration = Duration::from_secs(6);

/// What `talk` can be told.
#[derive(Args, Clone, Debug, Default)]
pub struct TalkArgs {
    /// `mic`, or WAV files that are spoken one after the other, one utterance each [default: mic, or a bundled
    /// question where there is no microphone]
    #[arg(long, num_args = 1.., value_name = "mic|FILE.wav", value_parser = super::global::path())]
    pub input: Vec<PathBuf>,
    /// Ask this in writing instead of talking; may be given several times, asked one after the other. `-` reads lines from
    /// standard input
    #[arg(long, value_name = "TEXT|-", conflicts_with = "input")]
    pub text: Vec<String>,
    /// `speaker`, a WAV file that gets the replies, or `none` [default: speaker, or a file where there is none]
    #[arg(long, value_name = "speaker|FILE.wav|none", value_parser = super::global::path())]
    pub output: Option<PathBuf>,
    /// Leave after so many turns, whatever their outcome
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub turns: Option<u64>,
    /// Files only: the next file starts so many milliseconds after a reply became audible
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(0..=600_000))]
    pub interrupt_after: Option<u64>,
    /// One line of JSON per turn on standard output, and a summary at the end
    #[arg(long)]
    pub json: bool,
    /// One row of comma-separated figures per turn into this file, which is written anew
    #[arg(long, value_name = "FILE", value_parser = super::global::path())]
    pub csv: Option<PathBuf>,
}

/// Talks, or sends typed questions, until the input is over, the number of turns is reached, or the user ends it.
pub fn run(global: &Global, args: &TalkArgs) -> Result<ExitCode, Problem> {
    signal::hold(ENDED_WITHIN);
    let voice = voice(args)?;
    let questions = Questions::new(&args.text)?;
    if let Some(file) = &args.csv {
        may_write("--csv", file, &args.input)?;
        if matches!(&voice.output, Some(Sink::File(replies)) if is_same(replies, file)) {
            let what = format!("--csv {}: this file gets the replies", file.display());
            return Err(Problem::usage(what).hint("Name another file after --csv."));
        }
    }
    let start = Start::new(global, &voice, control::claim(global))?;
    // Before the conversation starts, because without the file it would be useless; and after all checks.
    let table = args.csv.as_deref().map(Table::create).transpose()?;
    for line in start.announcement() {
        say(&line);
    }
    let runtime = super::runtime::runtime()?;
    let attended = start.hears_a_microphone() || questions.come_from_a_person();
    let held = start.is_held();
    let ended = runtime.block_on(async {
        let interrupt_after = args.interrupt_after.map(Duration::from_millis);
        let started = start.session(interrupt_after)?;
        started.partner.lines().for_each(say);
        let (session, _monitor, _controlled) = started.into_parts();
        let mut talk = Talk::new(session, args, attended, table);
        talk.held = held;
        talk.questions = (!args.text.is_empty()).then_some(questions);
        talk.run().await
    });
    // Pending work (a name look-up, say) is abandoned.
    runtime.shutdown_timeout(Duration::from_millis(100));
    ended
}

fn voice(args: &TalkArgs) -> Result<Voice, Problem> {
    let input = match args.input.as_slice() {
        [] if !args.text.is_empty() => Some(InputSource::Nothing),
        [] => None,
        [one] if one.as_os_str() == "mic" => Some(InputSource::Microphone),
        files if files.iter().any(|file| file.as_os_str() == "mic") => {
            return Err(Problem::usage(
                "--input takes either `mic` or files, not both",
            ));
        }
        files => Some(InputSource::Files(files.to_vec())),
    };
    if args.interrupt_after.is_some() && !matches!(input, Some(InputSource::Files(_))) {
        return Err(Problem::usage(
            "--interrupt-after needs files: add --input FIRST.wav SECOND.wav",
        ));
    }
    let output = args.output.as_ref().map(|output| match output.to_str() {
        Some("speaker") => Sink::Speaker,
        Some("none") => Sink::Nowhere,
        _ => Sink::File(output.clone()),
    });
    Ok(Voice {
        input,
        output,
        window: false,
    })
}

/// A running conversation as the terminal shows it.
struct Talk<'a> {
    session: conversation::Session,
    args: &'a TalkArgs,
    /// Typed questions, until the last one was sent.
    questions: Option<Questions>,
    /// How many of them were sent. Each becomes a turn, and nothing else does.
    asked: u64,
    /// How many of these turns have ended, and how many of all: the talk key may open others.
    answered: u64,
    closed: u64,
    /// Whether a user talks, who may wait for the network to come back; a script with files may not.
    attended: bool,
    /// Nothing is dialled before the configuration file is mended.
    held: bool,
    failed: bool,
    /// A requested file was not written, or a question was not sent.
    incomplete: bool,
    /// Files or texts were not sent, because the spend limit is reached.
    stopped: Option<String>,
    /// Gets a row for each turn.
    table: Option<Table>,
    last_state: String,
    /// When a script without working audio ends; a user may repair it.
    soundless: Option<(tokio::time::Instant, String)>,
    /// Why there was no connection the last time, and what to do.
    last_fault: Option<(String, String)>,
}

enum Next {
    Event(Option<conversation::Event>),
    State,
    Signal,
    /// Standard output has no reader or cannot be written: ends as with a signal.
    Unheard,
    /// An essential thread has ended.
    Broken,
    /// The next text, if any.
    Question(Option<TypedLine>),
    Unreached,
    /// A script's sound cannot be played or recorded.
    Soundless,
}

impl<'a> Talk<'a> {
    fn new(
        session: conversation::Session,
        args: &'a TalkArgs,
        attended: bool,
        table: Option<Table>,
    ) -> Self {
        Self {
            session,
            args,
            questions: None,
            asked: 0,
            answered: 0,
            closed: 0,
            attended,
            held: false,
            failed: false,
            incomplete: false,
            stopped: None,
            table,
            last_state: String::new(),
            soundless: None,
            last_fault: None,
        }
    }

    async fn run(mut self) -> Result<ExitCode, Problem> {
        let mut stop = super::signal::Stop::new()?;
        let unreached = tokio::time::sleep(REACHED_WITHIN);
        tokio::pin!(unreached);
        let mut reached = false;
        loop {
            let soundless = self.soundless.as_ref().map(|(at, _)| *at);
            let next = tokio::select! {
                biased;
                () = stop.wait() => Next::Signal,
                event = self.session.events.recv() => Next::Event(event),
                () = panics::lost().cancelled() => Next::Broken,
                () = output::gone().cancelled() => Next::Unheard,
                _ = self.session.snapshots.changed() => Next::State,
                () = &mut unreached, if !reached => Next::Unreached,
                () = until(soundless) => Next::Soundless,
                question = next_of(&mut self.questions), if reached && self.asked == self.answered => Next::Question(question),
            };
            match next {
                Next::Event(Some(event)) => {
                    if let Some(end) = self.on_event(event) {
                        return end;
                    }
                }
                Next::Event(None) => {
                    return Err(Problem::failed(anyhow!(
                        "the conversation ended without a summary"
                    )));
                }
                Next::Question(question) => self.ask(question),
                Next::Signal | Next::Unheard => return self.end(None).await,
                Next::Broken => {
                    let problem = Problem::failed(anyhow!(panics::LOST_A_PART)).hint(HINT_FAULT);
                    return self.end(Some(problem)).await;
                }
                // A user may take the time to correct the file.
                Next::Unreached if self.held && self.attended => {
                    let deadline = tokio::time::Instant::now() + REACHED_WITHIN;
                    unreached.as_mut().reset(deadline);
                }
                Next::Unreached => return self.unreachable().await,
                Next::Soundless => {
                    let what = self
                        .soundless
                        .take()
                        .map_or_else(String::new, |(_, what)| what);
                    let problem = Problem::failed(anyhow!(what)).hint(HINT_SOUND);
                    return self.end(Some(problem)).await;
                }
                Next::State => {
                    if self.on_state(&mut reached, unreached.as_mut()) {
                        return self.unreachable().await;
                    }
                }
            }
            if self.args.turns.is_some_and(|turns| self.closed >= turns) {
                return self.end(None).await;
            }
        }
    }

    fn on_event(&mut self, event: conversation::Event) -> Option<Result<ExitCode, Problem>> {
        match event {
            conversation::Event::Closed(record) => {
                // What is asked again by itself counts at its end.
                if !record.retried {
                    self.closed += 1;
                    self.answered += u64::from(record.typed);
                    self.failed |= matches!(record.outcome, Outcome::Failed(_));
                }
                self.show_turn(&record);
                None
            }
            conversation::Event::Notice(severity, text) => {
                say(&format!("{}: {text}", severity_word(severity)));
                None
            }
            conversation::Event::NotWritten(what) => {
                let problem = Problem::failed(anyhow!("{what}; the replies end there"));
                self.not_written(&problem.hint(output_files::MAKE_ROOM));
                None
            }
            conversation::Event::InputOver => {
                self.session.commands.try_send(Command::Quit).ok();
                None
            }
            conversation::Event::LimitReached(what) => {
                self.stopped = Some(what);
                self.session.commands.try_send(Command::Quit).ok();
                None
            }
            conversation::Event::Over(summary) => {
                self.finish(&summary);
                Some(match self.stopped.take() {
                    Some(what) => Err(Problem::failed(anyhow!(what)).hint(HINT_LIMIT)),
                    None => Ok(self.status()),
                })
            }
            conversation::Event::Broken(what) => Some(Err(Problem::failed(anyhow!(what)))),
            conversation::Event::Audible { .. } => None,
        }
    }

    /// Ends the conversation and waits for its summary.
    async fn end(mut self, because: Option<Problem>) -> Result<ExitCode, Problem> {
        self.session.commands.try_send(Command::Quit).ok();
        let summary = tokio::time::timeout(OVER_WITHIN, async {
            while let Some(event) = self.session.events.recv().await {
                match event {
                    conversation::Event::Over(summary) => return Some(summary),
                    other @ (conversation::Event::Audible { .. }
                    | conversation::Event::Closed(_)
                    | conversation::Event::Notice(..)
                    | conversation::Event::NotWritten(_)
                    | conversation::Event::InputOver
                    | conversation::Event::LimitReached(_)
                    | conversation::Event::Broken(_)) => drop(self.on_event(other)),
                }
            }
            None
        });
        let summary = summary.await.ok().flatten();
        if let Some(summary) = &summary {
            self.finish(summary);
        }
        match (because, summary) {
            (Some(problem), _) => Err(problem),
            (None, Some(_)) => Ok(self.status()),
            (None, None) => Err(Problem::failed(anyhow!(
                "the conversation did not end in time"
            ))),
        }
    }

    async fn unreachable(self) -> Result<ExitCode, Problem> {
        let (what, hint) = self.last_fault.clone().unwrap_or_else(|| {
            let seconds = REACHED_WITHIN.as_secs();
            let what = format!("the service did not answer within {seconds} s");
            (what, "Check the network, or try --demo.".into())
        });
        let problem = if self.held {
            Problem::usage(what)
        } else {
            Problem::failed(anyhow!(what))
        };
        let problem = problem.hint(hint);
        self.end(Some(problem)).await
    }

    /// Reports output that could not be written; the conversation continues, and fails at its end.
    fn not_written(&mut self, problem: &Problem) {
        print_problem(problem);
        self.incomplete = true;
    }

    fn finish(&mut self, summary: &Summary) {
        if self.args.json {
            print(&summary.to_json());
        } else {
            print(&closing_line(summary));
        }
        if let Some(table) = &self.table
            && let Err(why) = table.finish()
        {
            self.lose_table(&why);
        }
    }

    fn lose_table(&mut self, why: &Unwritten) {
        if let Some(table) = self.table.take() {
            let file = table.path.display();
            let problem = Problem::failed(anyhow!(
                "{file} cannot be written: {why}; its figures end there"
            ));
            self.not_written(&match why {
                Unwritten::Refused(error) => problem.hint(remedy(error)),
                Unwritten::Gone | Unwritten::Stuck(_) => problem.hint(output_files::MAKE_ROOM),
            });
        }
    }

    fn status(&self) -> ExitCode {
        if self.failed {
            // The error was said with the turn.
            say("hint: `sovereign doctor --live` tells whether the service answers at all.");
        }
        if self.failed || self.incomplete {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }

    fn show_turn(&mut self, record: &TurnRecord) {
        if let Some(table) = &self.table
            && let Err(why) = table.add(record)
        {
            self.lose_table(&why);
        }
        if self.args.json {
            return print(&record.to_json());
        }
        for (who, words) in [("you", &record.user), ("reply", &record.assistant)] {
            let unspoken = who == "reply" && record.silence.is_some();
            let mark = if unspoken { " (not spoken)" } else { "" };
            if !words.is_empty() {
                print(&format!("{who:>6}  {}{mark}", in_a_line(words)));
            }
        }
        let response = record
            .latencies
            .response
            .map_or("no response".into(), |r| format!("{} ms", r.as_millis()));
        for line in found(&record.grounding) {
            print(&line);
        }
        let why = match (&record.outcome, &record.silence) {
            (Outcome::Failed(why), _) => format!(": {why}"),
            (_, Some(silence)) => format!(": {}", silence.what()),
            _ => String::new(),
        };
        let cost = record
            .cost
            .map_or_else(String::new, |cost| format!(", {cost}"));
        print(&format!(
            "        {response}, {}{cost}{why}",
            record.outcome.name()
        ));
    }
}

async fn until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

const HINT_SOUND: &str =
    "Close other programs, raise the limits of this one (ulimit), or see `sovereign doctor`.";
const HINT_LIMIT: &str = "Raise `spend_limit_usd` in config.yaml, and send what is left again.";
const HINT_FAULT: &str =
    "This is a fault of the program: start it again, and please report the lines above.";
