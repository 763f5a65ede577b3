//! What was spent on a calendar day, by all programs of this user.
//!
//! One small file a day in the state folder, to which each program appends a line for each turn that was billed, in one
//! write: several at once do not lose each other's sums, and a restart loses nothing.
//!
//! ```text
//! spent-2026-11-29:   2f0c91d2a41be07c 0.002955000 at-most
//!                     program          US dollars  where it is an upper bound
//! ```

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::base::cost::Cost;
use crate::base::text::t;
use crate::file::{self, ReadError};

/// What the name of a file begins with; the date follows.
const NAME: &str = "spent-";
/// Files of this many days are kept, for a clock that goes wrong for a while.
const KEPT_DAYS: i32 = 7;
/// Largest file that is read: some 40 bytes for each turn of a day.
const LARGEST: usize = 4 << 20;
const AT_MOST: &str = "at-most";

/// Today, by the local calendar.
pub(super) fn today() -> Date {
    jiff::Zoned::now().date()
}

/// The sum of a day.
#[derive(Debug)]
pub(super) struct Day {
    folder: Option<PathBuf>,
    /// This program among those that write.
    id: String,
    date: Date,
    own: Cost,
    others: Cost,
    /// That the sum is not kept was said.
    told: bool,
}

/// What is to be done with the file of a day, on a thread that may wait for the disk.
#[derive(Debug)]
pub(super) struct DayFileJob {
    file: PathBuf,
    date: Date,
    id: String,
    /// To be appended.
    cost: Option<Cost>,
    /// Old files are removed.
    tidies: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct DayFileResult {
    id: String,
    /// What others spent; `None` if that cannot be read.
    others: Option<Cost>,
    /// Why nothing could be appended, in words for the user.
    fault: Option<String>,
}

impl Day {
    /// What is kept of `date` in this folder; without one nothing is kept.
    pub(super) fn read(folder: Option<&Path>, date: Date) -> Self {
        let mut day = Self {
            folder: folder.map(Path::to_owned),
            id: fresh_id(),
            date,
            own: Cost::default(),
            others: Cost::default(),
            told: false,
        };
        if let Some(job) = day.open() {
            day.others = job.run().others.unwrap_or_default();
        }
        day
    }

    /// Spent on this day so far.
    pub(super) fn spent(&self) -> Cost {
        let mut spent = self.own;
        spent += self.others;
        spent
    }

    /// Begins another day, if it is one, with nothing spent until [`Self::open`] has run; says whether.
    pub(super) fn begin(&mut self, date: Date) -> bool {
        if self.date == date {
            return false;
        }
        // What it wrote before is read as that of another: a clock may come back to a day.
        (self.id, self.date) = (fresh_id(), date);
        (self.own, self.others) = Default::default();
        true
    }

    /// Adds what was billed on this day. The job keeps it.
    pub(super) fn add(&mut self, cost: Cost) -> Option<DayFileJob> {
        self.own += cost;
        self.job(Some(cost))
    }

    /// The job that reads what others spent since.
    pub(super) fn look(&self) -> Option<DayFileJob> {
        self.job(None)
    }

    /// Takes what came of a job.
    ///
    /// # Errors
    ///
    /// When something cannot be kept, in words for the user, once.
    pub(super) fn take(&mut self, done: DayFileResult) -> Result<(), String> {
        if let Some(others) = done.others.filter(|_| done.id == self.id) {
            self.others = others;
        }
        match done.fault {
            Some(fault) if !std::mem::replace(&mut self.told, true) => Err(fault),
            Some(_) | None => Ok(()),
        }
    }

    /// The job that begins a day: it reads what others spent, and removes old files.
    pub(super) fn open(&self) -> Option<DayFileJob> {
        let job = self.job(None)?;
        Some(DayFileJob {
            tidies: true,
            ..job
        })
    }

    fn job(&self, cost: Option<Cost>) -> Option<DayFileJob> {
        let folder = self.folder.as_ref()?;
        Some(DayFileJob {
            file: folder.join(format!("{NAME}{}", self.date)),
            date: self.date,
            id: self.id.clone(),
            cost,
            tidies: false,
        })
    }
}

impl DayFileJob {
    fn remove_old(&self) {
        let (Some(folder), Ok(oldest)) =
            (self.file.parent(), self.date.checked_sub(KEPT_DAYS.days()))
        else {
            return;
        };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let date = name.to_str().and_then(|name| name.strip_prefix(NAME));
            let date = date.and_then(|date| date.parse::<Date>().ok());
            if date.is_some_and(|date| date < oldest) {
                std::fs::remove_file(entry.path()).ok();
            }
        }
    }

    /// Runs it; may wait.
    pub(super) fn run(self) -> DayFileResult {
        if self.tidies {
            self.remove_old();
        }
        let kept = self.cost.map_or(Ok(()), |cost| self.append(cost));
        let fault = kept.err().map(|error| {
            tracing::warn!(%error, "what was spent is not kept");
            let file = self.file.display();
            t!("what-is-spent-today-cannot", file, error)
        });
        DayFileResult {
            others: sum_of_others(&self.file, &self.id),
            id: self.id,
            fault,
        }
    }

    fn append(&self, cost: Cost) -> std::io::Result<()> {
        if let Some(folder) = self.file.parent() {
            file::own_folder(folder)?;
        }
        let bound = if cost.at_most { AT_MOST } else { "exact" };
        let line = format!("{} {:.9} {bound}\n", self.id, cost.usd);
        file::append_own(&self.file)?.write_all(line.as_bytes())
    }
}

/// What other programs spent, and this one before it was started; `None` if it cannot be read.
fn sum_of_others(file: &Path, own: &str) -> Option<Cost> {
    let bytes = match file::read_own(file, LARGEST) {
        Ok(bytes) => bytes,
        Err(ReadError::Missing) => return Some(Cost::default()),
        Err(error) => {
            tracing::warn!(%error, "what was spent today cannot be read");
            return None;
        }
    };
    let mut sum = Cost::default();
    for line in String::from_utf8_lossy(&bytes).lines() {
        sum += cost_of(line, own).unwrap_or_default();
    }
    Some(sum)
}

fn fresh_id() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// What a line says that another program than `own` wrote; nothing of one that is damaged.
fn cost_of(line: &str, own: &str) -> Option<Cost> {
    let mut words = line.split(' ');
    words.next().filter(|id| *id != own)?;
    let usd = words.next()?.parse::<f64>().ok();
    Some(Cost {
        usd: usd.filter(|usd| usd.is_finite() && *usd >= 0.0)?,
        at_most: words.next()? == AT_MOST,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn cost(usd: f64, at_most: bool) -> Cost {
        Cost { usd, at_most }
    }

    fn date(day: i8) -> Date {
        Date::new(2026, 11, day).expect("a date")
    }

    impl Day {
        fn keep(&mut self, cost: Cost, date: Date) -> Result<(), String> {
            self.begin_and_read(date);
            let job = self.add(cost).expect("there is a folder");
            self.take(job.run())
        }

        /// Begins a day as the actor does, which sends the job to the thread that writes.
        fn begin_and_read(&mut self, date: Date) -> bool {
            let begins = self.begin(date);
            if begins {
                let opening = self.open().expect("there is a folder");
                self.take(opening.run()).expect("it only reads");
            }
            begins
        }
    }

    #[test]
    fn programs_at_once_and_one_after_the_other_add_up() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = folder.path().join("state");
        let mut programs: Vec<Day> = (0..2).map(|_| Day::read(Some(&state), date(28))).collect();
        for nth in 0..100 {
            let one = &mut programs[nth % 2];
            one.keep(cost(0.01, nth == 7), date(28)).expect("kept");
        }
        for one in &mut programs {
            let look = one.look().expect("there is a folder");
            one.take(look.run()).expect("nothing is kept");
            assert!((one.spent().usd - 1.0).abs() < 1e-6, "{:?}", one.spent());
            assert!(one.spent().at_most);
        }
        let third = Day::read(Some(&state), date(28));
        assert!((third.spent().usd - 1.0).abs() < 1e-6);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let file = state.join("spent-2026-11-28");
            let mode = file.metadata().expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "nobody else's affair");
        }
    }

    #[test]
    fn another_day_begins_at_nothing_and_old_files_go() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut day = Day::read(Some(folder.path()), date(10));
        day.keep(cost(2.0, true), date(10)).expect("kept");
        assert!(!day.begin_and_read(date(10)));
        assert!(day.begin_and_read(date(11)) && day.spent() == Cost::default());
        day.keep(cost(0.5, false), date(11)).expect("kept");
        assert_eq!(
            Day::read(Some(folder.path()), date(11)).spent(),
            cost(0.5, false)
        );
        // Back, as with a clock that went wrong.
        assert!(day.begin_and_read(date(10)));
        assert_eq!(day.spent(), cost(2.0, true), "its own lines count");
        assert_eq!(
            Day::read(Some(folder.path()), date(10)).spent(),
            cost(2.0, true)
        );
        Day::read(Some(folder.path()), date(18));
        let left = std::fs::read_dir(folder.path()).expect("there").count();
        assert_eq!(left, 1, "the one of the 10th is older than a week");
    }

    #[test]
    fn a_damaged_line_costs_itself_alone_and_what_cannot_be_kept_is_said_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("spent-2026-11-28");
        let text = "a 0.25 exact\nb inf exact\nc -1 exact\nd 0.5\n\u{fffd}\ne 0.125 at-most\n";
        std::fs::write(&file, text).expect("written");
        let mut day = Day::read(Some(folder.path()), date(28));
        assert_eq!(day.spent(), cost(0.375, true));
        std::fs::remove_file(&file).expect("removed");
        std::fs::create_dir(&file).expect("made");
        let why = day.keep(cost(1.0, false), date(28)).expect_err("a folder");
        assert!(
            why.contains("spent-2026-11-28") && why.contains("a folder"),
            "{why}"
        );
        assert_eq!(day.keep(cost(1.0, false), date(28)), Ok(()), "once");
        assert_eq!(day.spent(), cost(2.375, true), "counted all the same");
        assert_eq!(Day::read(None, date(28)).spent(), Cost::default());
    }
}
