//! `sovereign history`: lists, shows, searches, exports and deletes kept conversations.

use std::io::{self, BufRead as _, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use serde::Serialize;

mod arguments;

pub use arguments::{HistoryArgs, HistoryCommand};

use super::output_files::{lost, may_not_be_ours, may_write, not_begun};
use super::profiles::put;
use crate::base::plural::count;
use crate::base::printable::{clipped, in_a_line};
use crate::base::problem::Problem;
use crate::base::retention::Retention;
use crate::file;
use crate::settings::config::ConfigFile;
use crate::settings::paths::Paths;
use crate::store::export::{self, ExportFormat, NotExported, SummaryJson, TurnJson, local_time};
use crate::store::{
    ConversationId, ConversationSummary, Database, FILE, Filter, SetAside, StoreError, StoredTurn,
};

/// Words of a hit that a line shows.
const SHOWN: usize = 300;
/// Files and folders beside the configuration that an export never replaces.
const SETTINGS: [&str; 4] = ["config.yaml", "config.choices.yaml", "key", "profiles"];
const NOTHING: &str = "No conversations are kept yet.";

/// Runs the command; `config` is what `--config` says, `profile` what `--profile` says.
pub fn run(
    args: &HistoryArgs,
    config: Option<&Path>,
    profile: Option<&str>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<ExitCode, Problem> {
    let mut history = History::find(config, out, err)?;
    match &args.command {
        HistoryCommand::List {
            since,
            outcome,
            json,
        } => history.list(
            &Filter {
                since: *since,
                profile: profile.map(str::to_owned),
                outcomes: outcome
                    .iter()
                    .map(|outcome| (*outcome).to_owned())
                    .collect(),
                ..Filter::default()
            },
            *json,
        ),
        HistoryCommand::Show { id, json } => history.show(ConversationId(*id), *json),
        HistoryCommand::Search { text, json } => history.search(&text.join(" "), *json),
        HistoryCommand::Export {
            id,
            format,
            output,
            json,
        } => history.export(ConversationId(*id), *format, output.as_deref(), *json),
        HistoryCommand::Delete { id, yes, json, .. } => {
            history.delete(id.map(ConversationId), *yes, *json)
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

/// The store, and where results and messages go.
struct History<'a> {
    path: PathBuf,
    /// The folder of the configuration.
    settings: Option<PathBuf>,
    /// `None` where there is no file.
    database: Option<Database>,
    off: bool,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
}

impl<'a> History<'a> {
    fn find(
        config: Option<&Path>,
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
    ) -> Result<Self, Problem> {
        let paths = Paths::find(config);
        let (config, _) = ConfigFile::load(paths.config_file());
        if config.is_state_unknown() {
            let faults = config.faults().join("\n");
            let what = format!(
                "the configuration file has to be read to find the conversations: {faults}"
            );
            return Err(Problem::usage(what).hint("Correct the configuration file."));
        }
        let paths = paths.with_state(config.get().state.as_deref());
        let mut history = Self {
            path: paths.state().join(FILE),
            settings: paths.config_folder().map(Path::to_owned),
            database: None,
            off: config.get().keep == Retention::Off && config.faults().is_empty(),
            out,
            err,
        };
        // A link to nowhere is there, and is refused.
        if history.path.symlink_metadata().is_ok() {
            let (database, aside) =
                Database::open(&history.path).map_err(|error| history.problem(&error))?;
            history.warn(aside);
            history.database = Some(database);
        }
        Ok(history)
    }

    fn list(&mut self, filter: &Filter, json: bool) -> Result<(), Problem> {
        #[derive(Serialize)]
        struct List<'a> {
            schema: &'static str,
            conversations: Vec<SummaryJson<'a>>,
        }
        let found = self.with(|database| database.list(filter))?;
        if json {
            return self.put_json(&List {
                schema: "sovereign.history_list/1",
                conversations: found.iter().map(SummaryJson::from).collect(),
            });
        }
        if found.is_empty() {
            let is_any = *filter != Filter::default()
                && !self
                    .with(|database| {
                        database.list(&Filter {
                            most: 1,
                            ..Filter::default()
                        })
                    })?
                    .is_empty();
            return if is_any {
                self.put(["No conversation fits."])
            } else {
                self.nothing()
            };
        }
        let widest = found
            .iter()
            .map(|found| found.profile.len())
            .max()
            .unwrap_or(0);
        let lines: Vec<String> = found
            .iter()
            .map(|found| {
                format!(
                    "{:>6}  {}  {:>10}  {:widest$}  {}",
                    found.id.0,
                    local_time(found.ended),
                    count(found.turns, "turn"),
                    found.profile,
                    found.title
                )
            })
            .collect();
        self.put(lines)
    }

    fn show(&mut self, id: ConversationId, json: bool) -> Result<(), Problem> {
        let (conversation, turns) = self.conversation(id)?;
        if json {
            return self.put([export::json(&conversation, &turns)]);
        }
        let mut lines = vec![format!(
            "Conversation {}, {}, {}",
            id.0,
            local_time(conversation.begun),
            count(conversation.turns, "turn")
        )];
        for turn in &turns {
            lines.push(String::new());
            let response = turn.response.map_or_else(String::new, |response| {
                format!(", response {} ms", response.as_millis())
            });
            lines.push(format!(
                "Turn {}, {}, {}, {}{response}",
                turn.number,
                local_time(turn.at),
                turn.profile,
                turn.outcome
            ));
            for (speaker, words) in sides(turn) {
                let said = words.lines().map(|line| line.trim_end());
                lines.extend(said.enumerate().map(|(number, line)| match number {
                    0 => format!("{speaker}: {line}"),
                    _ => format!("    {line}"),
                }));
            }
        }
        self.put(lines)
    }

    fn search(&mut self, text: &str, json: bool) -> Result<(), Problem> {
        #[derive(Serialize)]
        struct Found<'a> {
            schema: &'static str,
            hits: Vec<HitJson<'a>>,
        }
        #[derive(Serialize)]
        struct HitJson<'a> {
            conversation: i64,
            #[serde(flatten)]
            turn: TurnJson<'a>,
        }
        let hits = self.with(|database| database.search(text, 0))?;
        if json {
            let hits = hits.iter().map(|hit| HitJson {
                conversation: hit.conversation.0,
                turn: TurnJson::from(&hit.turn),
            });
            return self.put_json(&Found {
                schema: "sovereign.history_search/1",
                hits: hits.collect(),
            });
        }
        if self.database.is_none() {
            return self.nothing();
        }
        if hits.is_empty() {
            return self.put(["Nothing is found."]);
        }
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let has_one = |said: &str| {
            let said = said.to_lowercase();
            words.iter().any(|word| said.contains(word))
        };
        let mut lines = Vec::new();
        for hit in &hits {
            let all: Vec<_> = sides(&hit.turn).collect();
            // Accents do not count in the search: where nothing is spelt so, both sides are shown.
            let is_spelt_so = all.iter().any(|(_, said)| has_one(said));
            let shown = all
                .into_iter()
                .filter(|(_, said)| !is_spelt_so || has_one(said));
            lines.extend(shown.map(|(speaker, said)| {
                let said = in_a_line(said);
                let (id, time) = (hit.conversation.0, local_time(hit.turn.at));
                format!("{id:>6}  {time}  {speaker}: {}", clipped(&said, SHOWN))
            }));
        }
        self.put(lines)
    }

    fn export(
        &mut self,
        id: ConversationId,
        format: ExportFormat,
        output: Option<&Path>,
        json: bool,
    ) -> Result<(), Problem> {
        #[derive(Serialize)]
        struct Exported {
            schema: &'static str,
            id: i64,
            file: String,
            bytes: usize,
        }
        let bytes = self.exported(id, format)?;
        let Some(file) = output else {
            if format == ExportFormat::Wav && io::stdout().is_terminal() {
                let what = "a sound is nothing for a terminal";
                return Err(Problem::usage(what).hint("Name a file with --output."));
            }
            // A closed pipe is no failure.
            return match self.out.write_all(&bytes).and_then(|()| self.out.flush()) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(lost(&error)),
                _ => Ok(()),
            };
        };
        may_write("--output", file, &[])?;
        let state = self.path.parent().map(Path::to_owned);
        let settings = self
            .settings
            .iter()
            .flat_map(|folder| SETTINGS.map(|name| folder.join(name)));
        may_not_be_ours("--output", file, state.into_iter().chain(settings))?;
        file::write_private(file, &bytes)
            .map_err(|error| not_begun(format!("--output {}", file.display()), &error))?;
        if json {
            return self.put_json(&Exported {
                schema: "sovereign.history_export/1",
                id: id.0,
                file: file.display().to_string(),
                bytes: bytes.len(),
            });
        }
        self.put([format!("written to {}", file.display())])
    }

    fn exported(&mut self, id: ConversationId, format: ExportFormat) -> Result<Vec<u8>, Problem> {
        let found = self.with(|database| export::export(database, id, format).map(Some))?;
        let why = match found.unwrap_or(Err(NotExported::Unknown)) {
            Ok(bytes) => return Ok(bytes),
            Err(why) => why,
        };
        Err(match why {
            NotExported::Unknown => unknown(id),
            NotExported::NoSound => {
                let what = anyhow!("the sound of conversation {} is not kept", id.0);
                let hint =
                    "`keep_audio: on` in config.yaml keeps it from the next conversation on.";
                Problem::failed(what).hint(hint)
            }
            NotExported::Sound(_) => Problem::failed(why.into()),
        })
    }

    fn delete(&mut self, id: Option<ConversationId>, yes: bool, json: bool) -> Result<(), Problem> {
        #[derive(Serialize)]
        struct Deleted {
            schema: &'static str,
            deleted: u64,
        }
        let what = match id {
            Some(id) => {
                let (conversation, _) = self.conversation(id)?;
                let turns = count(conversation.turns, "turn");
                format!("conversation {} ({turns}: {})", id.0, conversation.title)
            }
            None => "all conversations".to_owned(),
        };
        if !yes && self.database.is_some() && !self.is_wanted(&what)? {
            return self.put(["Nothing is deleted."]);
        }
        let deleted = self.with(|database| match id {
            Some(id) => database.delete(id).map(u64::from),
            None => database.delete_all(),
        })?;
        if self.database.as_ref().is_some_and(Database::is_unscrubbed) {
            let line = "warning: another Sovereign is reading: its log file may hold the words until it ends";
            put(self.err, [line]).ok();
        }
        if json {
            let schema = "sovereign.history_delete/1";
            return self.put_json(&Deleted { schema, deleted });
        }
        if self.database.is_none() {
            return self.nothing();
        }
        self.put([format!("deleted: {}", count(deleted, "conversation"))])
    }

    /// Asks the user at a terminal.
    fn is_wanted(&mut self, what: &str) -> Result<bool, Problem> {
        if !io::stdin().is_terminal() {
            let what = format!("{what} would be deleted for good, and nobody can be asked");
            return Err(Problem::usage(what).hint("Add --yes."));
        }
        put(self.err, [format!("Delete {what} for good? Type yes:")]).ok();
        let mut answer = String::new();
        io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|error| Problem::failed(error.into()))?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    fn conversation(
        &mut self,
        id: ConversationId,
    ) -> Result<(ConversationSummary, Vec<StoredTurn>), Problem> {
        let found = self.with(|database| {
            let conversation = database.conversation(id)?;
            Ok(conversation.into_iter().zip([database.turns(id)?]).next())
        })?;
        found.ok_or_else(|| unknown(id))
    }

    /// What the store says; nothing where there is none. One that shows damage is set aside.
    fn with<T: Default>(
        &mut self,
        work: impl Fn(&mut Database) -> Result<T, StoreError>,
    ) -> Result<T, Problem> {
        let Some(database) = &mut self.database else {
            return Ok(T::default());
        };
        let mut done = work(database);
        if done.as_ref().is_err_and(StoreError::is_damage)
            && let Some(database) = self.database.take()
        {
            let (mut database, aside) = database.repair().map_err(|error| self.problem(&error))?;
            done = work(&mut database);
            self.database = Some(database);
            self.warn(aside);
        }
        done.map_err(|error| self.problem(&error))
    }

    fn problem(&self, error: &StoreError) -> Problem {
        let path = self.path.display();
        let hint = match error {
            StoreError::Busy => "Try again in a moment.",
            StoreError::Newer { .. } => "Use the newer version of this program.",
            StoreError::Place { .. }
            | StoreError::Foreign
            | StoreError::Damaged(_)
            | StoreError::Disk(_)
            | StoreError::Failed(_) => {
                "Move the file away, or correct what is wrong with its folder."
            }
        };
        Problem::failed(anyhow!(
            "the conversations in {path} cannot be used: {error}"
        ))
        .hint(hint)
    }

    fn warn(&mut self, aside: Option<SetAside>) {
        if let Some(SetAside { path, turns }) = aside {
            let (path, turns) = (path.display(), count(turns, "turn"));
            let line = format!(
                "warning: the file of conversations was damaged: {turns} could be read; the old file is {path}"
            );
            put(self.err, [line]).ok();
        }
    }

    fn nothing(&mut self) -> Result<(), Problem> {
        let off = self.off.then_some("`keep: off` in config.yaml keeps none.");
        self.put(std::iter::once(NOTHING).chain(off))
    }

    fn put_json(&mut self, value: &impl Serialize) -> Result<(), Problem> {
        let text = serde_json::to_string(value).map_err(|error| Problem::failed(error.into()))?;
        self.put([text])
    }

    fn put<L: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = L>) -> Result<(), Problem> {
        put(self.out, lines).map_err(|error| lost(&error))
    }
}

fn unknown(id: ConversationId) -> Problem {
    let what = format!("there is no conversation {}", id.0);
    Problem::usage(what).hint("`sovereign history list` shows their numbers.")
}

/// Who said what in a turn, without those who said nothing.
fn sides(turn: &StoredTurn) -> impl Iterator<Item = (&'static str, &str)> {
    let sides = [
        ("You", turn.user.as_str()),
        ("Assistant", turn.assistant.as_str()),
    ];
    sides
        .into_iter()
        .filter(|(_, words)| !words.trim().is_empty())
}

#[cfg(test)]
mod tests;
