//! Sound files in place of a microphone: when the next one is spoken. Pure; asked after everything that happens.

use std::time::{Duration, Instant};

/// Silence that leads each file.
const LEAD: Duration = Duration::from_millis(300);
/// After a file's last sample an onset at its very end may still be on its way through the detector.
const LATE_ONSET: Duration = Duration::from_millis(300);
/// A file that has begun no turn this long after its end holds no speech.
const WITHOUT_SPEECH: Duration = Duration::from_secs(3);

/// What the playlist wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaylistAction {
    /// Speak the file with this index after so much silence.
    Speak {
        /// Counts from 0.
        file: usize,
        /// Silence before it.
        lead: Duration,
    },
    /// The file with this index held no speech; go on.
    NoSpeech(usize),
    /// All files were spoken and answered.
    Over,
}

/// The files, and how far they are.
#[derive(Debug)]
pub(super) struct FilePlaylist {
    /// Their names, for people.
    files: Vec<String>,
    next: usize,
    current: Option<Current>,
    interrupt_after: Option<Duration>,
    over: bool,
}

#[derive(Debug)]
struct Current {
    file: usize,
    spoken: Option<Instant>,
    turns: u32,
    /// When a reply to it became audible.
    audible: Option<Instant>,
}

impl FilePlaylist {
    /// A playlist of so many files. With `interrupt_after` the next file begins so long after a reply became audible.
    #[must_use]
    pub(super) fn new(files: Vec<String>, interrupt_after: Option<Duration>) -> Self {
        Self {
            files,
            next: 0,
            current: None,
            interrupt_after,
            over: false,
        }
    }

    /// The file that is being spoken or answered.
    #[must_use]
    pub(super) fn file(&self) -> Option<usize> {
        self.current.as_ref().map(|current| current.file)
    }

    /// The name of a file.
    pub(super) fn name(&self, file: usize) -> Option<&str> {
        self.files.get(file).map(String::as_str)
    }

    /// A turn of the user began.
    pub(super) fn turn_opened(&mut self) {
        if let Some(current) = &mut self.current {
            current.turns += 1;
        }
    }

    /// The last sample of a file was delivered.
    pub(super) fn spoken(&mut self, file: usize, now: Instant) {
        if let Some(current) = self.current.as_mut().filter(|current| current.file == file) {
            current.spoken = Some(now);
        }
    }

    /// A reply became audible.
    pub(super) fn audible(&mut self, at: Instant) {
        if let Some(current) = &mut self.current {
            current.audible.get_or_insert(at);
        }
    }

    /// What to do now. `quiet`: connected, and no turn is open.
    pub(super) fn poll(&mut self, now: Instant, quiet: bool) -> Option<PlaylistAction> {
        let Some(current) = &self.current else {
            return if quiet { self.advance(LEAD) } else { None };
        };
        let spoken = current.spoken?;
        if let (Some(after), Some(audible), true) = (
            self.interrupt_after,
            current.audible,
            self.next < self.files.len(),
        ) {
            return self.advance((audible + after).saturating_duration_since(now));
        }
        if current.turns == 0 && now >= spoken + WITHOUT_SPEECH {
            let file = current.file;
            self.current = None;
            return Some(PlaylistAction::NoSpeech(file));
        }
        if current.turns > 0 && quiet && now >= spoken + LATE_ONSET {
            self.current = None;
            return self.advance(LEAD);
        }
        None
    }

    /// When, after `now`, [`FilePlaylist::poll`] may have something to say although nothing happened.
    #[must_use]
    pub(super) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let current = self.current.as_ref()?;
        let wait = if current.turns == 0 {
            WITHOUT_SPEECH
        } else {
            LATE_ONSET
        };
        Some(current.spoken? + wait).filter(|at| *at > now)
    }

    /// Speaks no more; says how many files it does not come to, the one among them that was wished for last.
    pub(super) fn stop(&mut self) -> usize {
        let wished = usize::from(self.current.take().is_some());
        let left = self.files.len() - self.next + wished;
        (self.next, self.over) = (self.files.len(), true);
        left
    }

    fn advance(&mut self, lead: Duration) -> Option<PlaylistAction> {
        if self.next == self.files.len() {
            return (!std::mem::replace(&mut self.over, true)).then_some(PlaylistAction::Over);
        }
        let file = self.next;
        self.next += 1;
        self.current = Some(Current {
            file,
            spoken: None,
            turns: 0,
            audible: None,
        });
        Some(PlaylistAction::Speak { file, lead })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(n: usize) -> Vec<String> {
        (0..n).map(|file| format!("{file}.wav")).collect()
    }

    fn ms(origin: Instant, ms: u64) -> Instant {
        origin + Duration::from_millis(ms)
    }

    #[test]
    fn the_next_file_waits_until_the_last_one_was_answered() {
        let t = Instant::now();
        let mut playlist = FilePlaylist::new(files(2), None);
        assert_eq!(playlist.poll(t, false), None, "not connected yet");
        assert_eq!(
            playlist.poll(t, true),
            Some(PlaylistAction::Speak {
                file: 0,
                lead: LEAD
            })
        );
        playlist.turn_opened();
        playlist.spoken(0, ms(t, 1_000));
        assert_eq!(
            playlist.poll(ms(t, 1_100), true),
            None,
            "a late onset may come"
        );
        assert_eq!(playlist.poll_timeout(ms(t, 1_100)), Some(ms(t, 1_300)));
        assert_eq!(playlist.poll(ms(t, 2_000), false), None, "the reply sounds");
        assert_eq!(
            playlist.poll(ms(t, 3_000), true),
            Some(PlaylistAction::Speak {
                file: 1,
                lead: LEAD
            })
        );
        playlist.turn_opened();
        playlist.spoken(1, ms(t, 4_000));
        assert_eq!(
            playlist.poll(ms(t, 5_000), true),
            Some(PlaylistAction::Over)
        );
        assert_eq!(playlist.poll(ms(t, 5_001), true), None);
    }

    #[test]
    fn a_file_without_speech_is_said_and_passed_over() {
        let t = Instant::now();
        let mut playlist = FilePlaylist::new(files(1), None);
        playlist.poll(t, true);
        playlist.spoken(0, ms(t, 500));
        assert_eq!(playlist.poll(ms(t, 3_499), true), None);
        assert_eq!(
            playlist.poll(ms(t, 3_500), true),
            Some(PlaylistAction::NoSpeech(0))
        );
        assert_eq!(
            playlist.poll(ms(t, 3_500), true),
            Some(PlaylistAction::Over)
        );
    }

    #[test]
    fn an_interruption_is_timed_from_the_first_audible_sample() {
        let t = Instant::now();
        let mut playlist = FilePlaylist::new(files(2), Some(Duration::from_millis(700)));
        playlist.poll(t, true);
        playlist.turn_opened();
        playlist.spoken(0, ms(t, 1_000));
        playlist.audible(ms(t, 1_500));
        let lead = Duration::from_millis(690);
        assert_eq!(
            playlist.poll(ms(t, 1_510), false),
            Some(PlaylistAction::Speak { file: 1, lead })
        );
        playlist.turn_opened();
        playlist.spoken(1, ms(t, 3_000));
        playlist.audible(ms(t, 3_500));
        assert_eq!(
            playlist.poll(ms(t, 3_600), false),
            None,
            "nothing is left to interrupt with"
        );
        assert_eq!(
            playlist.poll(ms(t, 4_600), true),
            Some(PlaylistAction::Over)
        );
    }
}
