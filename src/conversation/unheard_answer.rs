//! Why nothing of an answer was heard: what came in place of it, and what can be done. One reason for a turn.

use std::time::Duration;

use crate::audio::{AUDIBLE_FOR, INAUDIBLE};
use crate::base::printable::{clipped, escaped, in_a_line};
use crate::base::units::SampleRate;
use crate::provider::grounding::Grounding;
use crate::provider::{EndKind, EndReason};
use crate::telemetry::record::UnheardReason;
use crate::turn::machine::{Closed, Outcome};

/// Bytes of text that are kept of an answer; the longest that a model gives today has a tenth of that.
const MOST_TEXT: usize = 256 << 10;
/// Characters of a reason of the service.
const LONGEST_REASON: usize = 80;

/// What has come of the answer to a turn, besides its transcript.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Text that is neither a transcript nor a thought.
    pub(super) text: String,
    /// Why the service ended the turn, as it named it.
    pub(super) complete_reason: Option<String>,
    /// The kind of that.
    end: Option<EndKind>,
    /// Where a searched answer comes from.
    pub(super) grounding: Grounding,
    /// Samples that were played.
    samples: u64,
    /// The sum of their squares.
    squares: u64,
    /// How much of it was louder than what is silence, up to [`AUDIBLE_FOR`].
    loud: Duration,
    /// What sound was called that cannot be played.
    unplayable: Option<String>,
}

impl Answer {
    /// Takes in sound that is played.
    pub(super) fn hear(&mut self, rate: SampleRate, samples: &[i16]) {
        self.samples += samples.len() as u64;
        let square = |sample: &i16| u64::from(sample.unsigned_abs()).pow(2);
        self.squares += samples.iter().map(square).sum::<u64>();
        if !self.is_audible() {
            let is_loud = |sample: &&i16| sample.unsigned_abs() > INAUDIBLE;
            let loud = samples.iter().filter(is_loud).count();
            self.loud += rate.duration_of(loud as u64);
        }
    }

    /// Takes in text.
    pub(super) fn read(&mut self, text: &str) {
        let room = MOST_TEXT.saturating_sub(self.text.len());
        self.text.push_str(&text[..text.floor_char_boundary(room)]);
    }

    /// Sound came that cannot be played.
    pub(super) fn refuse(&mut self, mime: &str) {
        self.unplayable = Some(escaped(mime).into_owned());
    }

    /// The service says why it ends the turn.
    pub(super) fn end(&mut self, reason: &EndReason) {
        let name = in_a_line(&escaped(&clipped(&reason.name, LONGEST_REASON)));
        (self.complete_reason, self.end) = (Some(name), reason.kind);
    }

    /// Whether it can be heard.
    pub(super) fn is_audible(&self) -> bool {
        self.loud >= AUDIBLE_FOR
    }

    /// Why nothing of it was heard in a turn that ended so, unless it was, or the user did not want it, or it failed.
    /// `written`: words of it are in the conversation, from its transcript.
    pub(super) fn silence(
        &self,
        closed: &Closed,
        tool_calls: u32,
        written: bool,
    ) -> Option<UnheardReason> {
        let silent = match closed.outcome {
            Outcome::Empty => true,
            Outcome::Completed => !self.is_audible(),
            Outcome::Interrupted | Outcome::Cancelled | Outcome::Failed(_) => false,
        };
        silent.then(|| {
            if closed.broken_off {
                UnheardReason::BrokenOff
            } else if self.samples > 0 && !self.is_audible() {
                UnheardReason::NearSilent
            } else if let Some(mime) = &self.unplayable {
                UnheardReason::Unplayable(mime.clone())
            } else if written || !self.text.trim().is_empty() {
                UnheardReason::TextOnly
            } else if let Some(kind) = self.end {
                UnheardReason::Ended(kind)
            } else if tool_calls > 0 {
                UnheardReason::Tool
            } else {
                UnheardReason::Nothing
            }
        })
    }

    /// Its root mean square in dB of full scale (32 768), where there is any sound in it.
    pub(super) fn dbfs(&self) -> Option<f64> {
        let mean = self.squares as f64 / self.samples as f64;
        (self.squares > 0).then(|| 10.0 * (mean / f64::from(1 << 30)).log10())
    }

    /// Whether the service kept its answer back, for a reason that it named.
    pub(super) fn is_rejected(&self) -> bool {
        self.end.is_some_and(EndKind::is_rejection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::TurnId;
    use crate::base::localized_text::LocalizedText;
    use crate::turn::machine::Retry;
    use crate::turn::timeline::Timeline;

    fn closed(outcome: Outcome) -> Closed {
        Closed {
            turn: TurnId(1),
            asked: true,
            typed: false,
            outcome,
            timeline: Timeline::default(),
            received: true,
            reopened: 0,
            cut_offs: 0,
            false_endpoints: 0,
            broken_off: false,
            retry: Retry::None,
            heard: Duration::ZERO,
            ducked_after: None,
            silenced_after: None,
        }
    }

    fn with_sound(samples: &[i16]) -> Answer {
        let mut answer = Answer::default();
        for piece in samples.chunks(960) {
            answer.hear(SampleRate::REPLY, piece);
        }
        answer
    }

    #[test]
    fn a_reply_is_heard_if_it_is_louder_than_silence_for_longer_than_a_click() {
        let tone = |amplitude: f64, samples: u32| -> Vec<i16> {
            let wave = (0..samples).map(|n| (f64::from(n) * 0.11).sin() * amplitude);
            wave.map(|sample| sample as i16).collect()
        };
        let mut click = tone(6.0, 36_000);
        click[9_000..9_200].fill(20_000);
        for (samples, audible) in [
            (tone(6.0, 36_000), false),
            (tone(104.0, 36_000), false),
            (vec![0; 36_000], false),
            (click, false),
            (tone(1_000.0, 2_400), true),
            ([tone(6.0, 36_000), tone(8_000.0, 1_200)].concat(), true),
        ] {
            let answer = with_sound(&samples);
            assert_eq!(answer.is_audible(), audible);
            let silence = answer.silence(&closed(Outcome::Completed), 0, false);
            assert_eq!(silence, (!audible).then_some(UnheardReason::NearSilent));
            assert!(
                (answer.dbfs() > Some(-50.0)) >= audible,
                "{:?}",
                answer.dbfs()
            );
        }
    }

    #[test]
    fn the_level_of_a_reply_is_its_root_mean_square() {
        assert_eq!(with_sound(&[]).dbfs(), None);
        assert_eq!(with_sound(&[0; 480]).dbfs(), None);
        for (samples, level) in [
            (vec![i16::MIN; 9_600], 0.0),
            (vec![-16_384; 480], -6.02),
            ([[0; 480], [16_384; 480]].concat(), -9.03),
        ] {
            let measured = with_sound(&samples).dbfs().expect("sound");
            assert!((measured - level).abs() < 0.01, "{measured}");
        }
    }

    #[test]
    fn each_silent_turn_has_one_reason_and_one_thing_to_do() {
        let faint = with_sound(&[6; 2_400]);
        let (mut text, mut rejected, mut unplayable) =
            (Answer::default(), Answer::default(), Answer::default());
        text.read("Hi.");
        let reason = EndReason {
            name: "RESPONSE_REJECTED".to_owned(),
            kind: Some(EndKind::Rejected),
        };
        text.end(&reason);
        rejected.end(&reason);
        unplayable.refuse("audio/wav\u{1b}");
        unplayable.read("Hi.");
        let mut broken = closed(Outcome::Empty);
        broken.broken_off = true;
        let empty = closed(Outcome::Empty);
        let nothing = Answer::default();
        for (answer, closed, calls, name) in [
            (&faint, &broken, 0, "broken_off"),
            (&faint, &empty, 0, "near_silent"),
            (&unplayable, &empty, 1, "unplayable"),
            (&text, &empty, 1, "text_only"),
            (&rejected, &empty, 1, "rejected"),
            (&nothing, &empty, 1, "tool"),
            (&nothing, &empty, 0, "nothing"),
        ] {
            let silence = answer.silence(closed, calls, false).expect(name);
            assert_eq!(silence.name(), name);
            assert!(silence.what().starts_with("the service "), "{name}");
            assert!(!silence.what().contains('\u{1b}') && silence.help().ends_with('.'));
        }
        let transcribed = nothing.silence(&empty, 0, true);
        assert_eq!(transcribed, Some(UnheardReason::TextOnly));
        assert!(rejected.is_rejected() && !nothing.is_rejected());
        for outcome in [
            Outcome::Interrupted,
            Outcome::Cancelled,
            Outcome::Failed(LocalizedText::default()),
        ] {
            assert_eq!(nothing.silence(&closed(outcome), 0, false), None);
        }
    }

    #[test]
    fn text_without_end_is_kept_within_bounds() {
        let mut answer = Answer::default();
        for _ in 0..10 {
            answer.read(&"ä".repeat(50_000));
        }
        assert!(answer.text.len() <= MOST_TEXT && answer.text.len() > MOST_TEXT - 3);
    }
}
