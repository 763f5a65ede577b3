//! Rules that hold between two keys of a profile.

use super::read::ProfileReader;
use super::settings::Profile;
use crate::base::text::t;

/// What is allowed beside the value of the other key.
type Relation = fn(u128, &str) -> String;

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
                (
                    |value, key| t!("allowed-is-less-than", value, key),
                    |value, key| t!("allowed-is-more-than", value, key),
                ),
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
                (
                    |value, key| t!("allowed-is-at-most", value, key),
                    |value, key| t!("allowed-is-at-least", value, key),
                ),
            );
        }
    }

    /// Refuses a pair of keys and values; the relations are that of the first to the second, and the opposite.
    fn order(&mut self, small: (&str, u128), large: (&str, u128), relations: (Relation, Relation)) {
        let (ours, other, relation) = if self.is_written(small.0) || !self.is_written(large.0) {
            (small, large, relations.0)
        } else {
            (large, small, relations.1)
        };
        let (key, value) = other;
        self.refuse(
            ours.0,
            &t!("is-kind", value = ours.1),
            &relation(value, key),
        );
    }
}
