//! What the user should know: each notice stays as long as its kind is of use.
//!
//! ```text
//! Info               until it was read: some seconds, or until another key or profile is chosen
//! Warning, Error     while it is true: until it is withdrawn or dismissed (the window dismisses warnings that do not last)
//! ```

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::{Duration, Instant};

use super::clock::now;
use super::snapshot::Notice;
use crate::base::localized_text::LocalizedText;
use crate::base::severity::Severity;
use crate::base::text::{in_english, t};
use crate::newer_version::NewerVersion;
use crate::telemetry::diagnosis::Remedy;

/// Notices that are kept; the oldest go first.
const MOST: usize = 8;
/// How long information stands: to be noticed, and to be read at half the usual 15 to 20 characters a second.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);
const PER_CHARACTER: Duration = Duration::from_millis(100);

/// What a notice is about: those of a topic are withdrawn together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    /// A raised alert.
    Alert,
    /// What is wrong with a file.
    Files,
    /// Models of the profiles in use.
    Models,
    /// A profile that could not be chosen.
    Profile,
    /// Conversations that are not kept.
    Store,
    /// A key or an endpoint that could not be used.
    Key,
    /// A microphone that does not hear as it should.
    Sound,
    /// The sound of other programs, which is not lowered.
    OtherSound,
    /// A network that carries nothing.
    Network,
    /// A newer version of the program.
    Version,
    /// Anything else.
    Other,
}

/// The notices that are shown, and what listeners are yet to hear.
#[derive(Debug, Default)]
pub(super) struct Notices {
    standing: VecDeque<(Notice, Topic, Option<Instant>)>,
    announced: VecDeque<(Severity, String)>,
    last: u64,
}

impl Notices {
    /// Shows a notice; the same text is not shown twice.
    pub(super) fn show(&mut self, severity: Severity, text: impl Into<LocalizedText>) {
        self.show_with(severity, text, None);
    }

    /// The same with something that a button can do about it.
    pub(super) fn show_with(
        &mut self,
        severity: Severity,
        text: impl Into<LocalizedText>,
        remedy: Option<Remedy>,
    ) {
        self.add(now(), severity, text.into(), remedy, Topic::Other);
    }

    /// Shows a notice that is withdrawn with its topic.
    pub(super) fn show_about(
        &mut self,
        topic: Topic,
        severity: Severity,
        text: impl Into<LocalizedText>,
    ) {
        self.add(now(), severity, text.into(), None, topic);
    }

    /// Shows a warning about a model: it stays while it is true of a profile in use.
    pub(super) fn show_model(&mut self, text: impl Into<LocalizedText>, remedy: Option<Remedy>) {
        self.add(now(), Severity::Warning, text.into(), remedy, Topic::Models);
    }

    /// Tells of a newer version, until it is dismissed.
    pub(super) fn show_newer_version(&mut self, NewerVersion { version, page }: NewerVersion) {
        let this = env!("CARGO_PKG_VERSION");
        let text = LocalizedText::new(move || t!("a-newer-version-is-there", version, this, page));
        self.show_about(Topic::Version, Severity::Warning, text);
    }

    /// Shows an alert: it stays until it is withdrawn.
    pub(super) fn show_alert(&mut self, text: impl Into<LocalizedText>, remedy: Option<Remedy>) {
        self.add(now(), Severity::Warning, text.into(), remedy, Topic::Alert);
    }

    /// Tells listeners only: the window shows it in another place.
    pub(super) fn announce(&mut self, severity: Severity, text: String) {
        self.announced.push_back((severity, text));
    }

    /// The next announcement for listeners.
    pub(super) fn next_announced(&mut self) -> Option<(Severity, String)> {
        self.announced.pop_front()
    }

    /// Adds a notice; one with the same text stands as long as a new one.
    fn add(
        &mut self,
        now: Instant,
        severity: Severity,
        text: LocalizedText,
        remedy: Option<Remedy>,
        topic: Topic,
    ) {
        let until = (severity == Severity::Info).then(|| {
            let characters = text.to_string().chars().count();
            let characters = u32::try_from(characters).unwrap_or(u32::MAX);
            now + NOTICED_WITHIN + PER_CHARACTER.saturating_mul(characters.min(300))
        });
        let same = |(notice, ..): &&mut (Notice, Topic, Option<Instant>)| notice.text == text;
        // What is withdrawn with its topic is true until then.
        let lasts = severity != Severity::Info && (topic != Topic::Other || remedy.is_some());
        if let Some((notice, _, stands)) = self.standing.iter_mut().find(same) {
            (notice.severity, notice.remedy, *stands) = (severity, remedy, until);
            notice.lasts = lasts;
            return;
        }
        if self.standing.len() == MOST {
            self.make_room();
        }
        self.last += 1;
        self.announce(severity, text.to_string());
        let notice = Notice {
            id: self.last,
            severity,
            text,
            remedy,
            lasts,
        };
        self.standing.push_back((notice, topic, until));
    }

    /// Drops the oldest information, else the oldest.
    fn make_room(&mut self) {
        let information = |(.., until): &(Notice, Topic, Option<Instant>)| until.is_some();
        let oldest = self.standing.iter().position(information).unwrap_or(0);
        self.standing.remove(oldest);
    }

    /// Takes away what has stood long enough.
    pub(super) fn forget_old(&mut self, now: Instant) {
        self.retain_all(|_, _, until| until.is_none_or(|until| now < until));
    }

    /// Keeps the notices that `stays` says.
    pub(super) fn retain(&mut self, stays: impl Fn(&Notice) -> bool) {
        self.retain_all(|notice, _, _| stays(notice));
    }

    /// Takes a notice away that is not true any more, whatever language it was shown in.
    pub(super) fn withdraw<T: Display>(&mut self, begins_with: impl Fn() -> T) {
        let begin = in_english(|| begins_with().to_string());
        self.retain(|notice| !notice.text.english().starts_with(&begin));
    }

    /// Whether a notice about a topic stands.
    pub(super) fn are_about(&self, topic: Topic) -> bool {
        self.standing.iter().any(|(_, its, _)| *its == topic)
    }

    /// Another key or profile is in use: information about the last one is over.
    pub(super) fn withdraw_information(&mut self) {
        self.retain(|notice| notice.severity != Severity::Info);
    }

    /// Takes all notices about a topic away, but for those with one of these texts.
    pub(super) fn withdraw_about(&mut self, topic: Topic, but: &[LocalizedText]) {
        self.retain_all(|notice, its, _| its != topic || but.contains(&notice.text));
    }

    fn retain_all(&mut self, stays: impl Fn(&Notice, Topic, Option<Instant>) -> bool) {
        self.standing
            .retain(|(notice, topic, until)| stays(notice, *topic, *until));
    }

    /// For the snapshot.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.standing.iter().map(|(notice, ..)| notice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::{Locale, within};

    fn texts(notices: &Notices) -> Vec<String> {
        let notices = notices.iter();
        notices.map(|notice| notice.text.to_string()).collect()
    }

    fn add(notices: &mut Notices, now: Instant, severity: Severity, text: &str) {
        notices.add(now, severity, text.to_owned().into(), None, Topic::Other);
    }

    #[test]
    fn information_goes_by_itself_and_what_is_true_stays() {
        let (mut notices, start) = (Notices::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        add(&mut notices, start, Severity::Info, "Read again.");
        add(&mut notices, start, Severity::Warning, "A limit is faulty.");
        add(&mut notices, start, Severity::Error, "The key is not kept.");
        notices.forget_old(after(5));
        assert_eq!(texts(&notices).len(), 3, "time to read it");
        let wrong = ["A limit is faulty.", "The key is not kept."];
        for seconds in [8, 100_000] {
            notices.forget_old(after(seconds));
            assert_eq!(texts(&notices), wrong);
        }
        // Shown again, it stays as long again, and once.
        add(&mut notices, after(10), Severity::Info, "Read again.");
        add(&mut notices, after(15), Severity::Info, "Read again.");
        notices.forget_old(after(20));
        assert_eq!(texts(&notices).len(), 3);
        notices.forget_old(after(23));
        assert_eq!(texts(&notices), wrong);
        let announced = std::iter::from_fn(|| notices.next_announced());
        assert_eq!(announced.count(), 4, "each once, and the one that was gone");
    }

    #[test]
    fn long_information_stands_long_enough_to_be_read_and_not_for_ever() {
        let (mut notices, start) = (Notices::default(), Instant::now());
        add(&mut notices, start, Severity::Info, &"long ".repeat(10_000));
        notices.forget_old(start + Duration::from_secs(30));
        assert_eq!(texts(&notices).len(), 1);
        notices.forget_old(start + Duration::from_secs(60));
        assert!(texts(&notices).is_empty());
    }

    #[test]
    fn alerts_and_warnings_that_are_still_true_outlast_a_reread_of_the_files() {
        let mut notices = Notices::default();
        notices.show_alert("Slow.".to_owned(), None);
        notices.show_model("The model ends.".to_owned(), None);
        let faulty = "A line is faulty.".to_owned();
        notices.show_about(Topic::Files, Severity::Warning, faulty);
        let again = Some(Remedy::AskAgain);
        notices.show_with(Severity::Warning, "No answer.".to_owned(), again);
        notices.withdraw_about(Topic::Files, &[]);
        assert_eq!(texts(&notices), ["Slow.", "The model ends.", "No answer."]);
        notices.withdraw_about(Topic::Models, &["The model ends.".into()]);
        assert_eq!(texts(&notices).len(), 3, "it is still true");
        notices.withdraw(|| "Slow");
        assert_eq!(texts(&notices), ["The model ends.", "No answer."]);
    }

    #[test]
    fn a_notice_goes_although_the_language_was_changed_meanwhile() {
        let mut notices = Notices::default();
        let text = LocalizedText::new(|| format!("{} 8 s.", t!("no-answer-after")));
        notices.show_with(Severity::Warning, text, Some(Remedy::AskAgain));
        let german = within(Locale::German, || texts(&notices));
        assert!(german[0].starts_with("Keine Antwort"), "{german:?}");
        assert!(texts(&notices)[0].starts_with("No answer"));
        notices.withdraw(|| t!("the-answer-failed"));
        assert_eq!(texts(&notices).len(), 1);
        notices.withdraw(|| t!("no-answer-after"));
        assert!(texts(&notices).is_empty());
    }

    #[test]
    fn information_makes_room_for_what_is_wrong() {
        let (mut notices, start) = (Notices::default(), Instant::now());
        add(&mut notices, start, Severity::Error, "an old error");
        for n in 0..20 {
            add(&mut notices, start, Severity::Info, &format!("note {n}"));
        }
        let shown = texts(&notices);
        assert_eq!((shown.len(), &*shown[0]), (MOST, "an old error"));
        assert_eq!(shown.last().map(String::as_str), Some("note 19"));
    }
}
