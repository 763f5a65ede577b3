//! What the user should know: each notice stays as long as its kind is of use.
//!
//! ```text
//! Info               until it was read: some seconds, or until another key or profile is chosen
//! Warning, Error     while it is true: until it is withdrawn or dismissed
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Event;
use super::controller::{Controller, now};
use super::snapshot::Notice;
use crate::base::severity::Severity;
use crate::metrics::diagnosis::Remedy;

/// Notices that are kept; the oldest go first.
const MOST: usize = 8;
/// How long information stands: to be noticed, and to be read at half the usual 15 to 20 characters a second.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);
const PER_CHARACTER: Duration = Duration::from_millis(100);

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A raised alert.
    Alert,
    /// Anything else.
    Other,
}

/// The notices that stand.
#[derive(Debug, Default)]
pub(super) struct Notices {
    standing: VecDeque<(Notice, Source, Option<Instant>)>,
    last: u64,
}

impl Notices {
    /// Adds one; false if the same text stands already, which then stands as long as a new one.
    fn add(
        &mut self,
        now: Instant,
        severity: Severity,
        text: &str,
        remedy: Option<Remedy>,
        source: Source,
    ) -> bool {
        let until = (severity == Severity::Info).then(|| {
            let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            now + NOTICED_WITHIN + PER_CHARACTER.saturating_mul(characters.min(300))
        });
        let same = |(notice, ..): &&mut (Notice, Source, Option<Instant>)| notice.text == text;
        if let Some((.., stands)) = self.standing.iter_mut().find(same) {
            *stands = until;
            return false;
        }
        if self.standing.len() == MOST {
            self.make_room();
        }
        self.last += 1;
        let notice = Notice {
            id: self.last,
            severity,
            text: text.to_owned(),
            remedy,
        };
        self.standing.push_back((notice, source, until));
        true
    }

    /// Drops the oldest information, else the oldest.
    fn make_room(&mut self) {
        let information = |(.., until): &(Notice, Source, Option<Instant>)| until.is_some();
        let oldest = self.standing.iter().position(information).unwrap_or(0);
        self.standing.remove(oldest);
    }

    /// Takes away what has stood long enough; says whether there was something.
    pub(super) fn forget_old(&mut self, now: Instant) -> bool {
        let before = self.standing.len();
        self.standing
            .retain(|(.., until)| until.is_none_or(|until| now < until));
        before != self.standing.len()
    }

    pub(super) fn retain(&mut self, stays: impl Fn(&Notice) -> bool) {
        self.standing.retain(|(notice, ..)| stays(notice));
    }

    /// For the snapshot.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.standing.iter().map(|(notice, ..)| notice)
    }
}

impl Controller {
    /// Shows a notice; the same text is not shown twice.
    pub(super) fn notice(&mut self, severity: Severity, text: String) {
        self.notice_with(severity, text, None);
    }

    /// Shows what was noticed before the conversation began.
    pub(super) fn tell_all(&mut self, notices: Vec<(Severity, String)>) {
        for (severity, text) in notices {
            self.notice(severity, text);
        }
    }

    /// The same with something that a button can do about it.
    pub(super) fn notice_with(&mut self, severity: Severity, text: String, remedy: Option<Remedy>) {
        self.show(severity, text, remedy, Source::Other);
    }

    /// Shows an alert: it stays until it is withdrawn.
    pub(super) fn show_alert(&mut self, text: String, remedy: Option<Remedy>) {
        self.show(Severity::Warning, text, remedy, Source::Alert);
    }

    fn show(&mut self, severity: Severity, text: String, remedy: Option<Remedy>, source: Source) {
        if self.notices.add(now(), severity, &text, remedy, source) {
            self.tell(Event::Notice(severity, text));
            self.changed = true;
        }
    }

    /// Takes the warnings about files away: they have just been read again. Alerts stay, and what is still true of the models.
    pub(super) fn withdraw_warnings(&mut self) {
        self.spending.forget_told();
        let models = self.model_warnings();
        let is_of_model = |text: &str| models.iter().any(|(told, _)| told == text);
        self.notices.standing.retain(|(notice, source, _)| {
            *source == Source::Alert
                || notice.severity != Severity::Warning
                || is_of_model(&notice.text)
        });
    }

    /// Takes a notice away that is not true any more.
    pub(super) fn withdraw(&mut self, begins_with: &str) {
        self.notices
            .retain(|notice| !notice.text.starts_with(begins_with));
        self.changed = true;
    }

    /// Another key or profile is in use: warnings about the last one are over.
    pub(super) fn withdraw_information(&mut self) {
        self.notices
            .retain(|notice| notice.severity != Severity::Info);
        self.changed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(notices: &Notices) -> Vec<&str> {
        notices.iter().map(|notice| &*notice.text).collect()
    }

    #[test]
    fn information_goes_by_itself_and_what_is_true_stays() {
        let (mut notices, start) = (Notices::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        notices.add(start, Severity::Info, "Read again.", None, Source::Other);
        notices.add(
            start,
            Severity::Warning,
            "A limit is faulty.",
            None,
            Source::Other,
        );
        notices.add(
            start,
            Severity::Error,
            "The key is not kept.",
            None,
            Source::Other,
        );
        assert!(!notices.forget_old(after(5)), "time to read it");
        assert!(notices.forget_old(after(8)) && !notices.forget_old(after(9)));
        notices.forget_old(after(100_000));
        assert_eq!(
            texts(&notices),
            ["A limit is faulty.", "The key is not kept."]
        );
        // Told again, it stands as long again, and once.
        assert!(notices.add(
            after(10),
            Severity::Info,
            "Read again.",
            None,
            Source::Other
        ));
        assert!(!notices.add(
            after(15),
            Severity::Info,
            "Read again.",
            None,
            Source::Other
        ));
        assert!(!notices.forget_old(after(20)) && notices.forget_old(after(23)));
    }

    #[test]
    fn long_information_stands_long_enough_to_be_read_and_not_for_ever() {
        let (mut notices, start) = (Notices::default(), Instant::now());
        notices.add(
            start,
            Severity::Info,
            &"long ".repeat(10_000),
            None,
            Source::Other,
        );
        assert!(!notices.forget_old(start + Duration::from_secs(30)));
        assert!(notices.forget_old(start + Duration::from_secs(60)));
    }

    #[test]
    fn information_makes_room_for_what_is_wrong() {
        let (mut notices, start) = (Notices::default(), Instant::now());
        notices.add(start, Severity::Error, "an old error", None, Source::Other);
        for n in 0..20 {
            notices.add(
                start,
                Severity::Info,
                &format!("note {n}"),
                None,
                Source::Other,
            );
        }
        let shown = texts(&notices);
        assert_eq!((shown.len(), shown[0]), (MOST, "an old error"));
        assert_eq!(shown.last(), Some(&"note 19"));
    }
}
