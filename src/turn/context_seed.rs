//! What a new session is told of the conversation so far, where the service does not know it any more: the first two and the
//! last eight turns word for word, and a summary of what lies between, within a budget of tokens.
//!
//! Pure. A turn is condensed once, when it is put in, so that a seed is picked from short lines, however long the
//! conversation: below a millisecond for 1 000 turns (`scripts/count-instructions context-seed`).

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::base::ids::TurnId;

/// Turns at the beginning that are kept word for word: what the conversation is about.
const FIRST: usize = 2;
/// Turns at the end that are: what "that" and "it" refer to.
const LAST: usize = 8;
/// Condensed turns that are kept between; the oldest go first.
const MOST_BETWEEN: usize = 2_000;
/// Most that the summary takes of the budget, in percent: the words themselves say more.
const SUMMARY_PERCENT: usize = 40;
/// Characters of a sentence in the summary.
const LONGEST_SENTENCE: usize = 140;
/// Tokens that a turn takes besides its words: roles and structure.
const OVERHEAD: usize = 8;
/// What cut words end with.
const CUT: &str = " …";

/// A turn as a new session is told of it. One side may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryTurn {
    pub user: String,
    pub assistant: String,
}

/// The turns so far, condensed.
#[derive(Debug, Default)]
pub struct ContextSeed {
    first: Vec<(TurnId, HistoryTurn)>,
    between: VecDeque<Line>,
    last: VecDeque<(TurnId, HistoryTurn)>,
    /// Turns between that are not kept any more.
    forgotten: usize,
    rate: TokenRate,
}

/// A turn in one line of the summary.
#[derive(Debug)]
struct Line {
    text: String,
    quarters: usize,
    /// The same question has the same.
    question: u64,
    /// How much it tells.
    weight: usize,
}

impl ContextSeed {
    /// Puts in a turn that is over, or other words for one of the last.
    pub fn put(&mut self, id: TurnId, user: &str, assistant: &str) {
        let turn = HistoryTurn {
            user: user.trim().to_owned(),
            assistant: assistant.trim().to_owned(),
        };
        let mut known = self.first.iter_mut().chain(&mut self.last);
        if let Some((_, same)) = known.find(|(other, _)| *other == id) {
            *same = turn;
        } else if self.first.len() < FIRST {
            self.first.push((id, turn));
        } else {
            self.last.push_back((id, turn));
            if self.last.len() > LAST
                && let Some((_, oldest)) = self.last.pop_front()
            {
                self.between.push_back(Line::new(&oldest));
            }
            if self.between.len() > MOST_BETWEEN {
                self.between.pop_front();
                self.forgotten += 1;
            }
        }
    }

    /// Other words for a turn that is kept word for word. Says whether it is.
    pub fn correct(&mut self, id: TurnId, user: &str, assistant: &str) -> bool {
        let kept = self
            .first
            .iter()
            .chain(&self.last)
            .any(|(other, _)| *other == id);
        if kept {
            self.put(id, user, assistant);
        }
        kept
    }

    /// Forgets all turns; another conversation begins.
    pub fn clear(&mut self) {
        let rate = self.rate;
        *self = Self {
            rate,
            ..Self::default()
        };
    }

    /// Turns that were put in.
    pub fn len(&self) -> usize {
        self.first.len() + self.forgotten + self.between.len() + self.last.len()
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The service counted so many tokens for what was estimated at `estimated`.
    pub fn learn(&mut self, estimated: usize, counted: u64) {
        self.rate.learn(estimated, counted);
    }

    /// What is told, oldest first, in at most `budget` tokens; and what it is estimated at.
    pub fn build(&self, budget: usize) -> (Vec<HistoryTurn>, usize) {
        let room = |between: bool| match between {
            true => budget * (100 - SUMMARY_PERCENT) / 100,
            false => budget,
        };
        let mut left = room(!self.between.is_empty());
        // The newest words count most, then those that the conversation began with.
        let mut last: Vec<HistoryTurn> = Vec::new();
        for (_, turn) in self.last.iter().rev() {
            last.extend(self.rate.fit(turn, &mut left));
        }
        last.reverse();
        let fitted = |(_, turn)| self.rate.fit(turn, &mut left);
        let first: Vec<HistoryTurn> = (self.first.iter().map(|(id, turn)| (id, turn)))
            .filter_map(fitted)
            .collect();
        let used = room(!self.between.is_empty()) - left;
        let (summary, taken) = self.summary((budget - used).min(budget * SUMMARY_PERCENT / 100));
        let told: Vec<HistoryTurn> = first.into_iter().chain(summary).chain(last).collect();
        (told, used + taken)
    }

    /// The turns between in short, in at most so many tokens.
    fn summary(&self, budget: usize) -> (Option<HistoryTurn>, usize) {
        let all = self.between.len() + self.forgotten;
        let head = format!("(In between there were {all} turns. In short:)");
        let mut left = budget.saturating_sub(self.rate.tokens(&head) + OVERHEAD);
        // Of a question that was repeated the last answer counts.
        let mut asked = HashSet::new();
        let newest_first = self.between.iter().enumerate().rev();
        let mut lines: Vec<(usize, &Line)> = newest_first
            .filter(|(_, line)| asked.insert(line.question) && !line.text.is_empty())
            .collect();
        lines.sort_by_key(|(at, line)| std::cmp::Reverse((line.weight, *at)));
        lines.retain(|(_, line)| {
            let tokens = self.rate.of(line.quarters) + 1;
            let fits = tokens <= left;
            left -= if fits { tokens } else { 0 };
            fits
        });
        if lines.is_empty() {
            return (None, 0);
        }
        lines.sort_by_key(|(at, _)| *at);
        let texts = lines.iter().map(|(_, line)| line.text.as_str());
        let user = std::iter::once(head.as_str())
            .chain(texts)
            .collect::<Vec<_>>()
            .join("\n");
        let summary = HistoryTurn {
            user,
            assistant: String::new(),
        };
        (Some(summary), budget - left)
    }
}

/// Tokens for text: an estimate by the kind of letters, corrected by what the service counts.
#[derive(Clone, Copy, Debug)]
struct TokenRate {
    /// Counted over estimated.
    factor: f64,
}

impl Default for TokenRate {
    fn default() -> Self {
        Self { factor: 1.0 }
    }
}

impl TokenRate {
    fn tokens(self, text: &str) -> usize {
        self.of(quarters(text))
    }

    /// Tokens for so many quarters of one.
    fn of(self, quarters: usize) -> usize {
        (quarters as f64 / 4.0 * self.factor).ceil() as usize
    }

    /// A count moves the factor half the way: other things may be counted with it.
    fn learn(&mut self, estimated: usize, counted: u64) {
        if estimated > 0 && counted > 0 {
            let seen = self.factor * counted as f64 / estimated as f64;
            self.factor = self.factor.midpoint(seen).clamp(0.5, 4.0);
        }
    }

    /// The turn in what is left of the budget: whole, with its words cut, or not at all.
    fn fit(self, turn: &HistoryTurn, left: &mut usize) -> Option<HistoryTurn> {
        let room = left.checked_sub(OVERHEAD).filter(|room| *room > 0)?;
        let user = self.cut(&turn.user, room);
        let assistant = self.cut(&turn.assistant, room - self.tokens(&user));
        if user.is_empty() && assistant.is_empty() {
            return None;
        }
        *left = room - self.tokens(&user) - self.tokens(&assistant);
        Some(HistoryTurn { user, assistant })
    }

    /// The beginning of a text that takes at most so many tokens.
    fn cut(self, text: &str, most: usize) -> String {
        if self.tokens(text) <= most {
            return text.to_owned();
        }
        let room = most.saturating_sub(self.tokens(CUT) + 1);
        let (mut quarters, most) = (0, (room as f64 / self.factor * 4.0) as usize);
        let end = text.char_indices().find(|(_, c)| {
            quarters += quarters_of(*c);
            quarters > most
        });
        let kept = end.map_or(text, |(at, _)| &text[..at]).trim_end();
        match kept {
            "" => String::new(),
            kept => format!("{kept}{CUT}"),
        }
    }
}

impl Line {
    /// A turn in one line: what was asked, and the sentence of the answer that tells most.
    fn new(turn: &HistoryTurn) -> Self {
        let asked = sentences(&turn.user).next().unwrap_or_default();
        let answered = sentences(&turn.assistant)
            .max_by_key(|sentence| substance(sentence))
            .unwrap_or_default();
        let weight = substance(asked) + substance(answered);
        let text = match (clipped(asked), clipped(answered)) {
            (asked, answered) if asked.is_empty() && answered.is_empty() => String::new(),
            (asked, answered) if answered.is_empty() => format!("- I said: {asked}"),
            (asked, answered) if asked.is_empty() => format!("- You said: {answered}"),
            (asked, answered) => format!("- I said: {asked} You said: {answered}"),
        };
        let mut question = DefaultHasher::new();
        let letters = turn.user.chars().filter(|c| c.is_alphanumeric());
        letters
            .flat_map(char::to_lowercase)
            .for_each(|c| c.hash(&mut question));
        Self {
            quarters: quarters(&text),
            question: question.finish(),
            weight,
            text,
        }
    }
}

/// A token for each letter, in quarters: four letters of Latin script are one on average, a letter of another is up to one.
fn quarters(text: &str) -> usize {
    text.chars().map(quarters_of).sum()
}

fn quarters_of(letter: char) -> usize {
    if letter.is_ascii() { 1 } else { 4 }
}

/// The sentences of a text. A point within a number or an address ends none.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    let next = move || {
        let mut chars = rest.char_indices().peekable();
        let end = std::iter::from_fn(|| chars.next().map(|(at, c)| (at, c, chars.peek().copied())))
            .find(|(_, c, next)| match c {
                '.' | '!' | '?' => next.is_none_or(|(_, next)| next.is_whitespace()),
                c => matches!(c, '\n' | '。' | '！' | '？' | '؟' | '।'),
            });
        let end = end.map_or(rest.len(), |(at, c, _)| at + c.len_utf8());
        let (sentence, after) = rest.split_at(end);
        rest = after;
        (!sentence.is_empty()).then_some(sentence.trim())
    };
    std::iter::from_fn(next).filter(|sentence| sentence.chars().any(char::is_alphanumeric))
}

/// How much a sentence tells: numbers, names and long words, each once.
fn substance(sentence: &str) -> usize {
    let mut seen = HashSet::new();
    let words = sentence
        .split_whitespace()
        .filter(|word| seen.insert(*word));
    words
        .map(|word| {
            let number = word.contains(char::is_numeric);
            let name = word.starts_with(char::is_uppercase);
            let long = word.chars().nth(5).is_some();
            3 * usize::from(number) + 2 * usize::from(name) + usize::from(long)
        })
        .sum()
}

fn clipped(sentence: &str) -> String {
    crate::base::printable::clipped(sentence, LONGEST_SENTENCE).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seed(turns: impl IntoIterator<Item = (String, String)>) -> ContextSeed {
        let mut seed = ContextSeed::default();
        for (id, (user, assistant)) in (1..).zip(turns) {
            seed.put(TurnId(id), &user, &assistant);
        }
        seed
    }

    fn numbered(turns: u64) -> ContextSeed {
        seed((1..=turns).map(|n| (format!("Question {n}?"), format!("Answer {n}."))))
    }

    #[test]
    fn a_short_conversation_is_told_word_for_word() {
        assert_eq!(ContextSeed::default().build(1_000), (vec![], 0));
        let (told, estimated) = numbered(10).build(1_000);
        assert_eq!(told.len(), 10);
        assert_eq!(told[9].user, "Question 10?");
        assert!((100..200).contains(&estimated), "{estimated}");
    }

    #[test]
    fn of_a_long_one_the_first_two_and_the_last_eight_stay_and_the_rest_is_summed_up() {
        let (told, _) = numbered(30).build(2_000);
        let questions: Vec<&str> = told.iter().map(|turn| turn.user.as_str()).collect();
        assert_eq!(questions[..2], ["Question 1?", "Question 2?"]);
        assert_eq!(
            (questions[3], questions[10]),
            ("Question 23?", "Question 30?")
        );
        let lines: Vec<&str> = questions[2].lines().collect();
        assert_eq!(lines[0], "(In between there were 20 turns. In short:)");
        assert_eq!(lines[1], "- I said: Question 3? You said: Answer 3.");
        assert_eq!((lines.len(), told.len()), (21, 11));
    }

    #[test]
    fn a_small_budget_keeps_what_tells_most_and_the_newest_words() {
        let mut turns = vec![("Hm.".to_owned(), "Yes. And so on, and on.".to_owned()); 40];
        turns[20] = (
            "When does it leave?".to_owned(),
            "One moment. The train to Hamburg leaves at 14:05 from platform 9.5!".to_owned(),
        );
        turns[39].0 = "And then?".to_owned();
        let (told, estimated) = seed(turns).build(200);
        assert!(estimated <= 200, "{estimated}");
        assert_eq!(
            told.last().map(|turn| turn.user.as_str()),
            Some("And then?")
        );
        let summary = told
            .iter()
            .find(|turn| turn.user.starts_with("(In"))
            .expect("a summary");
        assert!(
            summary.user.contains("14:05 from platform 9.5!"),
            "{}",
            summary.user
        );
        assert_eq!(
            summary.user.matches("Hm.").count(),
            1,
            "repeated questions are told once"
        );
    }

    #[test]
    fn words_that_come_late_replace_those_that_were_known() {
        let mut seed = numbered(3);
        seed.put(TurnId(3), "Question three?", "Answer 3.");
        let (told, _) = seed.build(1_000);
        assert_eq!((told.len(), told[2].user.as_str()), (3, "Question three?"));
        seed.clear();
        assert!(seed.is_empty() && seed.build(1_000).0.is_empty());
    }

    #[test]
    fn what_the_service_counts_corrects_the_estimate() {
        let mut seed = numbered(6);
        let (_, estimated) = seed.build(1_000);
        seed.learn(estimated, estimated as u64 * 3);
        let (_, corrected) = seed.build(1_000);
        assert!(corrected > estimated, "{corrected} after {estimated}");
        seed.learn(1, u64::MAX);
        assert!(seed.build(100).1 <= 100);
    }

    proptest! {
        #[test]
        fn the_budget_holds_and_the_newest_turn_is_told(
            turns in proptest::collection::vec(("\\PC{0,80}", "[a-z漢.? 0-9]{0,300}"), 1..60),
            budget in 0_usize..3_000,
            counted in 1_u64..5_000,
        ) {
            let mut seed = seed(turns.clone());
            seed.learn(1_000, counted);
            let (told, estimated) = seed.build(budget);
            prop_assert!(estimated <= budget);
            let measured: usize = told
                .iter()
                .map(|turn| seed.rate.tokens(&turn.user) + seed.rate.tokens(&turn.assistant))
                .sum();
            prop_assert!(measured <= estimated, "{measured} of {estimated}");
            let newest = turns.last().expect("one").0.trim();
            if budget >= 1_000 && !newest.is_empty() {
                let last = &told.last().expect("one").user;
                prop_assert!(last == newest || last.ends_with(CUT), "{last:?}");
            }
        }
    }
}
