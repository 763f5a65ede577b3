//! Checks of a load against its limits, and remarks on the limits of the machine.

use super::super::failure_kind::FailureKind;
use super::super::limit_verdict::{LimitCheck, MOST_ERRORS, Verdict};
use super::super::results::{Circumstances, OWN, TEST_BUILD, interval, ms};
use super::measured::{LEAST_RATIO, Limits, LoadResults, MOST_DRY, MOST_LATE, Usage};

/// All checks, in the order of the report.
pub(super) fn checks(figures: &LoadResults, limits: &Limits) -> Vec<LimitCheck> {
    let mut found = Vec::new();
    if let Some(limit) = limits.response_p95_ms {
        found.push(response(figures, limit));
    }
    found.push(errors(figures));
    found.push(reached(figures));
    found.extend(places(figures));
    found.extend(sound(figures));
    if let Some(limit) = limits.recovery_s {
        let seconds = figures.recovery_s;
        let (seen, verdict) = if figures.never_well {
            (Some("never".to_owned()), Verdict::Missed)
        } else {
            (seconds.map(|s| format!("{s:.1} s")), below(seconds, limit))
        };
        let what = "well again after the jump";
        found.push(check(what, format!("{limit:.0} s"), seen, verdict));
        if let Some(left) = figures.connections_left {
            found.push(check(
                "connections left at the server after it",
                "0".to_owned(),
                Some(left.to_string()),
                kept(left == 0),
            ));
        }
    }
    if let Some(limit) = limits.growth_mb {
        let hour = figures.growth_mb_per_hour;
        let hour = hour.map_or_else(String::new, |mb| format!(" ({mb:.1} an hour)"));
        let gained = figures.growth_mb;
        found.push(check(
            "memory gained after the ramp",
            format!("{limit:.0} MB"),
            gained.map(|mb| format!("{mb:.1} MB{hour}")),
            below(gained, limit),
        ));
    }
    found
}

fn check(what: &str, limit: String, found: Option<String>, verdict: Verdict) -> LimitCheck {
    LimitCheck {
        what: what.to_owned(),
        limit,
        found: found.unwrap_or_else(|| "–".to_owned()),
        verdict,
    }
}

fn kept(is: bool) -> Verdict {
    if is { Verdict::Kept } else { Verdict::Missed }
}

fn below(found: Option<f64>, limit: f64) -> Verdict {
    found.map_or(Verdict::Unknown, |found| kept(found <= limit))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn response(figures: &LoadResults, limit: f64) -> LimitCheck {
    let found = figures.latency_ms.get("response");
    check(
        "response, p95",
        format!("{} ms", ms(limit)),
        found.map(|latency| format!("{} ms", interval(&latency.p95))),
        Verdict::of_p95(found, limit),
    )
}

fn errors(figures: &LoadResults) -> LimitCheck {
    let verdict = match (figures.conversations.connected, figures.errors.is_empty()) {
        // No conversation and no failure: the run was ended before.
        (0, true) => Verdict::Unknown,
        (0, false) => Verdict::Missed,
        _ => below(Some(figures.error_rate), MOST_ERRORS),
    };
    let found = format!("{:.2} %", figures.error_rate * 100.0);
    check("errors", percent(MOST_ERRORS), Some(found), verdict)
}

/// As many conversations at a time as were asked for: a load that was not there was not carried.
fn reached(figures: &LoadResults) -> LimitCheck {
    let (asked, most) = (figures.asked, figures.conversations.most);
    let (least, verdict) = match asked {
        0 => (figures.sessions, Verdict::Unknown),
        _ => (asked, kept(most >= asked)),
    };
    check(
        "conversations at a time, at most",
        format!("{least} or more"),
        Some(most.to_string()),
        verdict,
    )
}

/// Whether each failed conversation was replaced; only where any failed.
fn places(figures: &LoadResults) -> Option<LimitCheck> {
    let (replaced, empty) = (
        figures.conversations.replaced,
        figures.conversations.given_up,
    );
    (replaced + empty > 0).then(|| {
        check(
            "places of failed conversations left empty",
            "0".to_owned(),
            Some(format!("{empty}, after {replaced} tries to fill them")),
            kept(empty == 0),
        )
    })
}

/// Three limits for the sound side. The ratio forgives a stall of less than two seconds; of the rounds a stall counts all
/// that it took.
fn sound(figures: &LoadResults) -> Vec<LimitCheck> {
    let Some(real) = &figures.real_time else {
        return Vec::new();
    };
    // Cut off, not rounded up to the limit.
    let ratio = format!("{:.4}", (real.worst_ratio * 1e4).floor() / 1e4);
    let mut found = vec![
        check(
            "sound keeps up with time, worst conversation",
            format!("{LEAST_RATIO}"),
            Some(ratio),
            kept(real.worst_ratio >= LEAST_RATIO),
        ),
        check(
            &format!(
                "rounds of the sound threads {} ms late or more",
                ms(real.late_from_ms)
            ),
            percent(MOST_LATE),
            Some(format!("{:.2} %", real.late_share * 100.0)),
            kept(real.late_share <= MOST_LATE),
        ),
    ];
    let replies = figures.turns.replied();
    if replies > 0 {
        let dry = figures.ran_dry as f64 / replies as f64;
        found.push(check(
            "replies that ran dry",
            percent(MOST_DRY),
            Some(format!("{:.2} %", dry * 100.0)),
            kept(dry <= MOST_DRY),
        ));
    }
    found
}

/// What to do about limits that were missed.
fn advice(figures: &LoadResults, limits: &Limits) -> Vec<String> {
    let mut found = Vec::new();
    let late = |real: &super::measured::RealTime| real.late_share > MOST_LATE;
    let cores_full = figures.real_time.as_ref().is_some_and(late);
    let slow = limits
        .response_p95_ms
        .is_some_and(|limit| response(figures, limit).verdict == Verdict::Missed);
    let p95 = |name: &str| figures.latency_ms.get(name).map_or(0.0, |l| l.p95.value);
    // Our own server has the same cores: where those are full, it is late because of them.
    let of_service = p95("server") > p95(OWN) && !(cores_full && figures.server.is_some());
    if slow && of_service {
        let what = "The service and the network took most of the late responses: one of them is full, or far. Look there";
        found.push(if figures.server.is_some() {
            format!("{what}: our own server answers on one thread (--endpoint takes another one).")
        } else {
            format!("{what}, or ask it for fewer answers at a time (--requests).")
        });
    } else if slow {
        found.push("Responses are late because the sound is: see to the cores first (fewer conversations, a cheaper profile, more cores, or the server on another machine by --endpoint).".to_owned());
    }
    found.extend(of_sound(figures));
    if figures.asked > figures.conversations.most {
        found.push(format!(
            "Only {} of {} conversations were connected at a time: those that failed are told under errors; where none did, begin more of them at once (--setups), or let the run last longer (--seconds).",
            figures.conversations.most, figures.asked
        ));
    }
    let nothing = figures.turns.all() == 0 && figures.errors.is_empty();
    if nothing && limits.response_p95_ms.is_some() {
        found.push(
            "No turn came to its end in this run: let it last longer (--seconds).".to_owned(),
        );
    }
    let most = figures.errors.iter().max_by_key(|(_, count)| **count);
    if let Some((name, count)) = most.filter(|_| errors(figures).verdict == Verdict::Missed) {
        let remedy = FailureKind::named(name).map_or("see the endpoint's log", FailureKind::remedy);
        found.push(format!("Most errors were \"{name}\" ({count}): {remedy}."));
    }
    let grown = |limit: f64| figures.growth_mb.is_some_and(|mb| mb > limit);
    if limits.growth_mb.is_some_and(grown) {
        found.push(
            "Memory grew more than it may. Run the soak for longer (--seconds): what goes on growing is a leak; please report it with this report.".to_owned(),
        );
    }
    let slowly = |limit| figures.recovery_s.is_some_and(|took| took > limit);
    if limits.recovery_s.is_some_and(slowly) {
        found.push("After the jump it took long until all was well again: the course by the second shows what was late or failed meanwhile; what the crowd left behind has to be worked off, by the endpoint or on the cores.".to_owned());
    }
    if figures.connections_left.is_some_and(|left| left > 0) {
        found.push("Our server still held connections when the crowd had left: they were not closed, or not yet. Run it again; if it stays so, please report it with this report.".to_owned());
    }
    if figures.never_well {
        found.push("After the jump it did not become well again: what the crowd left behind hinders new conversations. The course by the second shows when; look at what the endpoint keeps.".to_owned());
    }
    found
}

/// Sound that fell behind, and replies that ran dry.
fn of_sound(figures: &LoadResults) -> Option<String> {
    let missed = sound(figures);
    let missed: Vec<&LimitCheck> = missed
        .iter()
        .filter(|check| check.verdict == Verdict::Missed)
        .collect();
    let names: Vec<&str> = missed.iter().map(|check| check.what.as_str()).collect();
    (!missed.is_empty()).then(|| {
        format!(
            "Limits of the sound that were missed: {}. Other work, or too many conversations, had the cores; fewer conversations, a cheaper profile or more cores help. A machine that stood still for a moment does the same.",
            names.join("; ")
        )
    })
}

/// Remarks: likely limits of the machine, and notes on reading the results.
pub(super) fn remarks(run: &Circumstances, figures: &LoadResults, limits: &Limits) -> Vec<String> {
    let mut found = advice(figures, limits);
    let cpu = |usage: &Option<Usage>| {
        usage
            .as_ref()
            .map_or(0.0, |usage| usage.cpu_percent_of_core)
    };
    let (client, server) = (cpu(&figures.client), cpu(&figures.server));
    let all = 100.0 * run.cores as f64;
    if client + server > 0.9 * all {
        found.push(format!(
            "The {} cores are full: the conversations take {client:.0} % of a core and our server {server:.0} %. More conversations need more cores, or a server on another machine (--endpoint).",
            run.cores
        ));
    } else if server > 90.0 {
        found.push(format!(
            "Our server answers on one thread, and that is full ({server:.0} % of a core): responses are later than the conversations' own share makes them."
        ));
    }
    if let Some(real) = figures
        .real_time
        .as_ref()
        .filter(|real| real.late_share > MOST_LATE)
    {
        found.push(format!(
            "The sound threads came too late in {:.1} % of their rounds, by {} ms at most: other work had the cores.",
            real.late_share * 100.0,
            ms(real.latest_ms)
        ));
    }
    let empty = figures.conversations.given_up;
    if empty > 0 {
        found.push(format!(
            "Places of failed conversations that were left empty: {empty}. Too many had failed to begin ever more of them, and the run went on with fewer than were asked for."
        ));
    }
    if let Some((held, limit)) = figures.held_back.zip(figures.requests) {
        let waited = if held.n == 0 {
            "none had to wait for that".to_owned()
        } else {
            format!(
                "{} waited for that, {:.1} s on average and {:.1} s at most, which is in no response",
                held.n,
                held.all_s / held.n as f64,
                held.longest_s
            )
        };
        found.push(format!(
            "Utterances under way at the same time: {limit} at most (--requests); {waited}."
        ));
    }
    if figures.unanswered > 0 {
        found.push(format!(
            "At their end {} conversations still waited for an answer, no longer than one may take: those utterances are neither turns nor errors.",
            figures.unanswered
        ));
    }
    if figures.turns_kept_every > 1 {
        found.push(format!(
            "The run was long: percentiles and CSV are of every {}th turn, the counts of all.",
            figures.turns_kept_every
        ));
    }
    if run.build != "optimised" {
        found.push(TEST_BUILD.to_owned());
    }
    found
}
