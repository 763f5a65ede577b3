//! Rules that hold between two keys of a profile.

use super::read::ProfileReader;
use super::settings::Profile;

impl ProfileReader<'_> {
    /// Values that must fit each other. The fault is reported for the one that the file holds.
    pub(super) fn pairs(&mut self, profile: &Profile) {
        let (at, to) = (
            profile.live.compress_at_tokens,
            profile.live.compress_to_tokens,
        );
        if to >= at {
            self.order(
                ("live.compress_to_tokens", to.into()),
                ("live.compress_at_tokens", at.into()),
                ("less than", "more than"),
            );
        }
        let (idle, playing) = (
            profile.detector.onset_idle.as_millis(),
            profile.detector.onset_playing.as_millis(),
        );
        if playing < idle {
            self.order(
                ("detector.onset_idle_ms", idle),
                ("detector.onset_playing_ms", playing),
                ("at most", "at least"),
            );
        }
    }

    /// Refuses a pair of keys and values; the relations are that of the first to the second, and the opposite.
    fn order(&mut self, small: (&str, u128), large: (&str, u128), relations: (&str, &str)) {
        let (ours, other, relation) = if self.is_written(small.0) || !self.is_written(large.0) {
            (small, large, relations.0)
        } else {
            (large, small, relations.1)
        };
        let (key, value) = other;
        let allowed = format!("allowed is {relation} {value}, the value of {key}");
        self.refuse(ours.0, &format!("is {}", ours.1), &allowed);
    }
}
