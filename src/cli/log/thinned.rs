//! Rate limit for log lines: for each call site a burst is written, then one line at intervals with the number of lines that
//! were left out.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::registry::LookupSpan;

use crate::base::text::in_english;

/// Burst of one call site: enough to see what happens.
const BURST: u32 = 20;
/// Interval after a burst: with some tens of call sites this is below 5 lines a second.
const ONE_EACH: Duration = Duration::from_secs(10);

/// Formats the lines that pass, with `format`.
pub(super) struct Thinned<F> {
    format: F,
    sites: Arc<Sites>,
}

/// The kinds of lines that were seen.
#[derive(Default)]
pub(super) struct Sites(Mutex<HashMap<Identifier, Site>>);

struct Site {
    metadata: &'static Metadata<'static>,
    /// Token bucket: remaining lines, and the time of the last refill.
    left: u32,
    since: Instant,
    left_out: u64,
}

impl<F> Thinned<F> {
    pub(super) fn new(format: F, sites: Arc<Sites>) -> Self {
        Self { format, sites }
    }
}

impl<S, N, F> FormatEvent<S, N> for Thinned<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self.sites.admit(event.metadata(), Instant::now()) {
            // Nothing is written for it.
            None => return Ok(()),
            Some(0) => {}
            Some(left_out) => write_omission(&mut writer, event.metadata(), left_out)?,
        }
        in_english(|| self.format.format_event(context, writer, event))
    }
}

impl Sites {
    /// Whether a line is written now, and how many before it were not.
    fn admit(&self, metadata: &'static Metadata<'static>, now: Instant) -> Option<u64> {
        // More is written only on request, and the size of the files is bounded.
        if *metadata.level() > Level::INFO {
            return Some(0);
        }
        let mut sites = self.sites();
        let site = sites.entry(metadata.callsite()).or_insert(Site {
            metadata,
            left: BURST,
            since: now,
            left_out: 0,
        });
        site.admit(now)
    }

    /// Summary lines for omissions that were not reported yet.
    pub(super) fn rest(&self) -> String {
        let mut text = String::new();
        for site in self.sites().values_mut() {
            let left_out = std::mem::take(&mut site.left_out);
            if left_out > 0 {
                write_omission(&mut Writer::new(&mut text), site.metadata, left_out).ok();
            }
        }
        text
    }

    fn sites(&self) -> MutexGuard<'_, HashMap<Identifier, Site>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Site {
    fn admit(&mut self, now: Instant) -> Option<u64> {
        let earned = now.saturating_duration_since(self.since).as_secs() / ONE_EACH.as_secs();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(BURST);
            self.left = self.left.saturating_add(earned).min(BURST);
            self.since = now;
        }
        if self.left == 0 {
            self.left_out += 1;
            return None;
        }
        if self.left == BURST {
            // A full bucket is not refilled.
            self.since = now;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

/// A line in the form of the others.
fn write_omission(writer: &mut Writer<'_>, metadata: &Metadata<'_>, left_out: u64) -> fmt::Result {
    SystemTime.format_time(writer)?;
    let (level, target) = (metadata.level(), metadata.target());
    let line = metadata.line().unwrap_or(0);
    writeln!(
        writer,
        " {level:>5} {target}: {left_out} more lines of this kind (line {line} of its source) were left out"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt as _;

    fn site(now: Instant) -> Site {
        Site {
            metadata: tracing::callsite::Callsite::metadata(&CALLSITE),
            left: BURST,
            since: now,
            left_out: 0,
        }
    }

    static CALLSITE: tracing::callsite::DefaultCallsite = {
        static META: Metadata<'static> = tracing::metadata! {
            name: "test", target: "test", level: Level::WARN, fields: &[],
            callsite: &CALLSITE, kind: tracing::metadata::Kind::EVENT
        };
        tracing::callsite::DefaultCallsite::new(&META)
    };

    #[test]
    fn a_storm_of_hours_is_a_few_lines_with_the_true_number() {
        let start = Instant::now();
        let mut site = site(start);
        let (mut written, mut found) = (0_u64, 0);
        // A hundred a second, for an hour.
        for nth in 0..360_000_u32 {
            if let Some(left_out) = site.admit(start + nth * Duration::from_millis(10)) {
                written += 1;
                found += left_out;
            }
        }
        assert!((370..=385).contains(&written), "{written} lines");
        assert_eq!(written + found + site.left_out, 360_000);
    }

    #[test]
    fn what_comes_now_and_then_is_always_written() {
        let start = Instant::now();
        let mut site = site(start);
        for nth in 0..1_000_u32 {
            assert_eq!(site.admit(start + nth * ONE_EACH), Some(0));
        }
    }

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Page {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("sound").extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_kind_is_thinned_by_itself_and_the_rest_is_told_at_the_end() {
        let (page, sites) = (Page::default(), Arc::<Sites>::default());
        let write_to = page.clone();
        let format = tracing_subscriber::fmt::format::Format::default().with_ansi(false);
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(move || write_to.clone())
            .event_format(Thinned::new(format, Arc::clone(&sites)));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            for n in 0..500 {
                tracing::warn!(n, "storm");
                tracing::debug!("asked for");
            }
            tracing::warn!("alone");
        });
        let bytes = page.0.lock().expect("sound").clone();
        let text = String::from_utf8(bytes).expect("text");
        let count = |word: &str| text.lines().filter(|line| line.contains(word)).count();
        assert_eq!((count("storm"), count("alone")), (BURST as usize, 1));
        assert_eq!(count("asked for"), 500, "what was asked for is all there");
        let rest = sites.rest();
        assert!(
            rest.contains("WARN") && rest.contains(": 480 more lines of this kind"),
            "{rest}"
        );
        assert_eq!(sites.rest(), "", "told once");
    }
}
