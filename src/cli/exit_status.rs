//! A problem that ends a command: what is said of it, and the exit status.

use std::process::ExitCode;

use super::output::say;
use crate::base::problem::{Problem, ProblemKind};

/// Says what happened and what to do, and gives the exit status.
pub fn report(problem: &Problem) -> ExitCode {
    print_problem(problem);
    ExitCode::from(match problem.kind {
        ProblemKind::Failed => 1,
        ProblemKind::Usage => 2,
        ProblemKind::NothingToRunOn => 3,
    })
}

/// Says what happened and what to do.
pub(crate) fn print_problem(problem: &Problem) {
    problem.lines().for_each(|line| say(&line));
}
