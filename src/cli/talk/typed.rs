//! The questions of `--text`: texts of the command line, and lines of standard input, in order.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read};
use std::thread::Builder;

use tokio::sync::mpsc;

use crate::base::problem::Problem;
use crate::conversation::typed::{MOST_CHARACTERS, Unsendable, sendable};

/// The argument for lines of standard input.
const LINES: &str = "-";
/// Lines that are read ahead; the rest stays in standard input.
const AHEAD: usize = 4;
/// Bytes of a line that are kept: more than the longest text that can be sent, so that longer lines are detected.
const LONGEST_LINE: u64 = 4 * (MOST_CHARACTERS as u64 + 1);

#[derive(Debug)]
pub(super) struct Questions(VecDeque<Question>);

#[derive(Debug)]
enum Question {
    Text(String),
    Lines(mpsc::Receiver<TypedLine>),
}

/// A line of standard input that can be sent, or the reason against it.
pub(super) type TypedLine = Result<String, String>;

impl Questions {
    /// Checks the arguments of `--text`, and starts reading standard input.
    pub(super) fn new(texts: &[String]) -> Result<Self, Problem> {
        let wrong = |what: String| Problem::usage(format!("--text: {what}"));
        if texts.iter().filter(|text| *text == LINES).count() > 1 {
            return Err(wrong("`-` reads standard input, once".into()));
        }
        let question = |text: &String| match text.as_str() {
            LINES => lines(io::stdin()).map_err(|error| wrong(error.to_string())),
            text => match sendable(text) {
                Ok(text) => Ok(Question::Text(text)),
                Err(problem) => Err(wrong(problem.to_string())),
            },
        };
        texts
            .iter()
            .map(question)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether questions come from a user at a terminal.
    pub(super) fn come_from_a_person(&self) -> bool {
        let reads = |question: &Question| matches!(question, Question::Lines(_));
        self.0.iter().any(reads) && io::stdin().is_terminal()
    }

    /// The next question or its fault; `None` after the last one. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<TypedLine> {
        loop {
            match self.0.front_mut()? {
                Question::Lines(lines) => {
                    if let Some(line) = lines.recv().await {
                        return Some(line);
                    }
                    self.0.pop_front();
                }
                Question::Text(_) => {
                    if let Some(Question::Text(text)) = self.0.pop_front() {
                        return Some(Ok(text));
                    }
                }
            }
        }
    }
}

/// The next question; pending forever without questions.
pub(super) async fn next_of(questions: &mut Option<Questions>) -> Option<TypedLine> {
    match questions {
        Some(questions) => questions.next().await,
        None => std::future::pending().await,
    }
}

/// Reads lines on a separate thread, which may wait for input and ends with the program.
fn lines(input: impl Read + Send + 'static) -> io::Result<Question> {
    let (tell, found) = mpsc::channel(AHEAD);
    let read = move || {
        if let Err(error) = read_lines(input, &tell) {
            let what = format!("standard input cannot be read: {error}");
            tell.blocking_send(Err(what)).ok();
        }
    };
    Builder::new().name("text-lines".into()).spawn(read)?;
    Ok(Question::Lines(found))
}

/// Sends line after line, until the input is over or the receiver is gone. Empty lines are skipped.
fn read_lines(input: impl Read, tell: &mpsc::Sender<TypedLine>) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut bytes = Vec::new();
    for number in 1_u64.. {
        bytes.clear();
        let mut beginning = (&mut input).take(LONGEST_LINE);
        if beginning.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let whole = bytes.ends_with(b"\n") || (bytes.len() as u64) < LONGEST_LINE;
        if !whole {
            input.skip_until(b'\n')?;
        }
        let line = match sendable(&String::from_utf8_lossy(&bytes)) {
            Ok(line) if whole => Ok(line),
            Err(Unsendable::Empty) if whole => continue,
            Ok(_) | Err(_) => Err(format!(
                "line {number} of standard input is too long: {MOST_CHARACTERS} characters can be sent at once"
            )),
        };
        if tell.blocking_send(line).is_err() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that is asked, in order.
    fn all(mut questions: Questions) -> Vec<TypedLine> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(async {
            let mut all = Vec::new();
            while let Some(line) = questions.next().await {
                all.push(line);
            }
            all
        })
    }

    #[test]
    fn texts_and_lines_are_asked_in_the_order_in_which_they_were_given() {
        let input = b"one\r\n\n  \nt\xffwo\nlast without an end";
        let questions = Questions(VecDeque::from([
            Question::Text("first".into()),
            lines(&input[..]).expect("a thread"),
            Question::Text("after".into()),
        ]));
        let wanted = [
            "first",
            "one",
            "t\u{fffd}wo",
            "last without an end",
            "after",
        ];
        assert_eq!(all(questions), wanted.map(|line| Ok(line.to_owned())));
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_the_next_one_is_asked() {
        let long = "ä".repeat(MOST_CHARACTERS + 1);
        let endless = "\u{0}".repeat(100_000);
        let input = format!("{long}\n{endless}x\nnext\n").into_bytes();
        let lines = lines(io::Cursor::new(input)).expect("a thread");
        let found = all(Questions(VecDeque::from([lines])));
        let too_long = |number: u32| {
            Err(format!(
                "line {number} of standard input is too long: 8000 characters can be sent at once"
            ))
        };
        assert_eq!(found, [too_long(1), too_long(2), Ok("next".to_owned())]);
    }

    #[test]
    fn what_cannot_be_sent_is_wrong_usage() {
        for (texts, why) in [
            (vec!["ok", " \n"], "--text: there is nothing to send"),
            (
                vec!["-", "x", "-"],
                "--text: `-` reads standard input, once",
            ),
        ] {
            let texts: Vec<String> = texts.into_iter().map(str::to_owned).collect();
            let problem = Questions::new(&texts).expect_err("refused");
            assert_eq!(problem.error.to_string(), why);
        }
    }
}
