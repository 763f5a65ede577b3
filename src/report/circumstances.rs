//! The section on the circumstances of a run, for both reports.

use super::document::Section;
use super::results::{Circumstances, some_ms};

/// What ran, where and when.
pub(super) fn circumstances(run: &Circumstances) -> Section {
    let mut rows = vec![
        ("begun", run.made.clone()),
        (
            "program",
            format!("sovereign {}, {} build", run.version, run.build),
        ),
        ("system", format!("{}, {} cores", run.system, run.cores)),
        ("talked to", run.endpoint.clone()),
        ("sound", run.sound.clone()),
    ];
    if !run.spoken.is_empty() {
        rows.push(("spoken", run.spoken.clone()));
    }
    if let Some(think) = run.think_ms {
        rows.push((
            "pause of the server before each answer",
            some_ms(Some(think as f64)),
        ));
    }
    if let Some(spent) = run.spent_usd {
        rows.push(("spent, estimated", format!("{spent:.4} USD")));
    }
    if let Some(why) = &run.cut_short {
        rows.push(("ended before its time", why.clone()));
    }
    let rows = rows
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    Section::new("Circumstances").table(&["", ""], rows)
}
