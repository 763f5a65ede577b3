//! The program's steps as workloads, whose instructions `scripts/count-instructions` has callgrind count.
//!
//! ```text
//! counts --list                   the workloads, as the test runners want them
//! counts --workloads              name, units, what is counted, functions (if only these count, by |): one a line, by tabs
//! counts --machine                what the compiler and the libraries choose their instructions by
//! counts --units N NAME           does N units of one workload
//! counts [NAME…]                  does each once, as a test
//!
//! total(2 N) − total(N) = N units: start-up, set-up and first use are in both
//! ```
//!
//! Each workload gives evidence of what it did (samples, frames, bytes), which is held against what it must be: a step
//! that silently does nothing would count as cheap.

#![expect(
    clippy::print_stdout,
    reason = "lists are for the script, results for whoever runs it"
)]

mod capture;
mod measuring;
mod playback;
mod sound;
mod stages;
#[expect(
    dead_code,
    reason = "shared by test files, each of which is a crate and uses its part"
)]
#[path = "../support/mod.rs"]
mod support;
#[path = "../lab/voices.rs"]
mod voices;
mod whole;
mod wire;

use std::process::ExitCode;

/// Something that is done again and again.
pub(crate) struct Workload {
    /// What it is asked for by.
    pub(crate) name: String,
    /// Units that are done at least: whole cycles of the sound and of all blocks within.
    pub(crate) units: u32,
    /// What a unit is.
    pub(crate) what: String,
    /// Functions outside of which nothing counts, as callgrind takes them; none: everything counts.
    pub(crate) only: Vec<&'static str>,
    /// Does so many units; says what came of them.
    pub(crate) run: Box<dyn Fn(u32) -> Done>,
}

/// What came of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// What was counted to see that work was done.
    pub(crate) evidence: u64,
    /// Least and most that it may be.
    pub(crate) within: (u64, u64),
}

impl Done {
    /// There must have been exactly so many.
    pub(crate) fn exactly(evidence: u64, wanted: u64) -> Self {
        Self {
            evidence,
            within: (wanted, wanted),
        }
    }

    /// There must have been as many, or more.
    pub(crate) fn at_least(evidence: u64, wanted: u64) -> Self {
        Self {
            evidence,
            within: (wanted, u64::MAX),
        }
    }
}

fn workloads() -> Vec<Workload> {
    let parts = [
        capture::workloads(),
        stages::workloads(),
        playback::workloads(),
        wire::workloads(),
        whole::workloads(),
        measuring::workloads(),
    ];
    parts.into_iter().flatten().collect()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|a| a == name);
    let all = workloads();
    if has("--list") {
        // The runner asks for ignored tests separately: there are none.
        for workload in all.iter().filter(|_| !has("--ignored")) {
            println!("{}: test", workload.name);
        }
        return ExitCode::SUCCESS;
    }
    if has("--machine") {
        println!("{}", machine());
        return ExitCode::SUCCESS;
    }
    if has("--workloads") {
        for Workload {
            name,
            units,
            what,
            only,
            ..
        } in &all
        {
            println!("{name}\t{units}\t{what}\t{}", only.join("|"));
        }
        return ExitCode::SUCCESS;
    }
    let names: Vec<&String> = arguments
        .iter()
        .filter(|a| all.iter().any(|w| w.name == **a))
        .collect();
    let units = arguments
        .iter()
        .position(|a| a == "--units")
        .map(|at| arguments.get(at + 1).and_then(|n| n.parse::<u32>().ok()));
    match (units, names.as_slice()) {
        (None, names) => as_tests(&all, names),
        (Some(Some(units)), [name]) => one(&all, name, units),
        _ => {
            println!("--units wants a number and one workload");
            ExitCode::from(2)
        }
    }
}

/// Architecture and extensions as this process sees them: under valgrind those that valgrind knows.
fn machine() -> String {
    let mut seen = vec![std::env::consts::ARCH];
    #[cfg(target_arch = "x86_64")]
    seen.extend(
        [
            ("sse4.1", is_x86_feature_detected!("sse4.1")),
            ("avx", is_x86_feature_detected!("avx")),
            ("avx2", is_x86_feature_detected!("avx2")),
            ("fma", is_x86_feature_detected!("fma")),
            ("avx512f", is_x86_feature_detected!("avx512f")),
        ]
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name)),
    );
    seen.join(" ")
}

/// All or the named ones, in the words that test runners print.
fn as_tests(all: &[Workload], names: &[&String]) -> ExitCode {
    let chosen = |w: &&Workload| names.is_empty() || names.contains(&&w.name);
    let (mut passed, mut failed) = (0, 0);
    for workload in all.iter().filter(chosen) {
        let worked = did_its_work(workload, workload.units);
        *(if worked { &mut passed } else { &mut failed }) += 1;
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {verdict}. {passed} passed; {failed} failed; 0 ignored");
    ExitCode::from(u8::from(failed > 0))
}

fn one(all: &[Workload], name: &str, units: u32) -> ExitCode {
    let found = all.iter().find(|w| w.name == name);
    let worked = found.is_some_and(|workload| did_its_work(workload, units));
    ExitCode::from(u8::from(!worked))
}

fn did_its_work(workload: &Workload, units: u32) -> bool {
    let done = (workload.run)(units);
    let (least, most) = done.within;
    let worked = (least..=most).contains(&done.evidence);
    let verdict = if worked { "ok" } else { "FAILED" };
    println!(
        "test {} ... {verdict} ({} of {least} to {most})",
        workload.name, done.evidence
    );
    worked
}
