//! Tokens that a service counted, by kind: each kind has its own price.

use std::ops::AddAssign;

/// Tokens of one side, read or written, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    pub text: u64,
    pub audio: u64,
    /// Images and frames of video.
    pub image: u64,
    /// Counted without a kind.
    pub unassigned: u64,
}

impl Kinds {
    pub const fn sum(&self) -> u64 {
        self.text
            .saturating_add(self.audio)
            .saturating_add(self.image)
            .saturating_add(self.unassigned)
    }

    /// Whether the kind of any of them is known.
    pub const fn is_known(&self) -> bool {
        self.text > 0 || self.audio > 0 || self.image > 0
    }
}

impl AddAssign for Kinds {
    fn add_assign(&mut self, more: Self) {
        for (to, more) in [
            (&mut self.text, more.text),
            (&mut self.audio, more.audio),
            (&mut self.image, more.image),
            (&mut self.unassigned, more.unassigned),
        ] {
            *to = to.saturating_add(more);
        }
    }
}

/// Everything that is billed for an answer, or for several. Counts of turns sum up to the bill within 3 %; several counts
/// within a turn are taken for parts of it, which can be too much, never too little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Input tokens: the conversation so far, and results of tools.
    pub prompt: Kinds,
    /// What was answered, without thoughts.
    pub response: Kinds,
    /// What was thought before it was answered.
    pub thoughts: u64,
    /// Cached input tokens, which are cheaper.
    pub cached: u64,
    /// Web searches; each has its own price.
    pub searches: u64,
}

impl TokenCounts {
    /// Output tokens: answers and thoughts.
    pub const fn written(&self) -> u64 {
        self.response.sum().saturating_add(self.thoughts)
    }

    pub const fn sum(&self) -> u64 {
        self.prompt.sum().saturating_add(self.written())
    }

    /// Whether nothing was counted.
    pub const fn is_empty(&self) -> bool {
        self.sum() == 0 && self.searches == 0
    }
}

impl AddAssign for TokenCounts {
    fn add_assign(&mut self, more: Self) {
        self.prompt += more.prompt;
        self.response += more.response;
        for (to, more) in [
            (&mut self.thoughts, more.thoughts),
            (&mut self.cached, more.cached),
            (&mut self.searches, more.searches),
        ] {
            *to = to.saturating_add(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_added_to_its_own_and_nothing_runs_over() {
        let one = TokenCounts {
            prompt: Kinds {
                text: 1,
                audio: 2,
                image: 3,
                unassigned: 4,
            },
            response: Kinds {
                audio: 5,
                ..Kinds::default()
            },
            thoughts: 6,
            cached: 7,
            searches: 8,
        };
        let mut all = one;
        all += one;
        assert_eq!(
            (all.prompt.sum(), all.written(), all.sum()),
            (20, 22, 42),
            "what is cached is among what was read"
        );
        assert_eq!((all.thoughts, all.cached, all.searches), (12, 14, 16));
        all.prompt.audio = u64::MAX;
        all += one;
        assert_eq!(all.sum(), u64::MAX);
        let searched = TokenCounts {
            searches: 1,
            ..TokenCounts::default()
        };
        assert!(TokenCounts::default().is_empty() && !searched.is_empty());
    }
}
