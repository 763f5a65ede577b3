//! The price of patience: how often a timer cuts people off, against how long they wait; the plain timer, the eager
//! endpoint, and patience that follows the user. The real turn machine on simulated time.
//!
//! ```text
//! talker: speech, a pause within the turn, speech, the end ─┐
//! segmenter without fault: lull, resumed, ended ────────────┼─▶ Machine ─▶ when the reply is heard, who was cut off
//! service: first audio S after the end, whole at once ──────┘
//! ```

use crate::table::{Table, full};
use crate::talk::{PUBLISHED, THINK, Talk, converse, deviates, fixed};

/// Timers that are compared, in milliseconds.
const TIMERS: [u64; 7] = [120, 300, 500, 600, 750, 1000, 1600];

#[test]
fn eager_endpoint_waits_like_a_short_timer_and_cuts_off_like_a_patient_one() {
    let deviates = deviates(if full() { 30_000 } else { 3_000 });
    let mut table = Table::new(
        "patience",
        "The early close without a limit on waste (`eager_waste_percent: 100`; with it: `early-endpoint.md`). Median wait from \
         the last word to the first sound of the reply in ms (output excluded), turns cut off in %, and turns closed early in \
         vain in %. A turn has one pause, its longest, drawn from the published curve of silence timers \
         on real conversations (its four points are met exactly; log-normal between and beyond them). A turn counts as cut \
         off when it was closed in its pause and either its reply became audible before the user went on, or the timer was \
         plain. The segmenter is without fault, the think time is the same in every turn.",
        &[
            "timer ms",
            "published cut off",
            "think ms",
            "plain: wait",
            "cut off",
            "eager: wait",
            "cut off",
            "in vain",
        ],
    );
    for think in THINK {
        for timer in TIMERS {
            let plain = converse(fixed(timer, false), Talk::Curve, (think, 0.0), &deviates);
            let eager = converse(fixed(timer, true), Talk::Curve, (think, 0.0), &deviates);
            let published = PUBLISHED.iter().find(|(ms, _)| *ms == timer as f64);
            table.row(&[
                timer.to_string(),
                published.map_or(String::new(), |(_, percent)| format!("{percent:.1}")),
                think.to_string(),
                format!("{:.0}", plain.wait()),
                format!("{:.1}", plain.cut_off()),
                format!("{:.0}", eager.wait()),
                format!("{:.1}", eager.cut_off()),
                format!("{:.1}", eager.in_vain()),
            ]);
            if let Some((_, percent)) = published {
                let apart = (plain.cut_off() - percent).abs();
                assert!(apart < 0.1, "{timer} ms: {plain}");
            }
            assert!(
                eager.cut_off() <= plain.cut_off(),
                "{timer} {think}: {eager} {plain}"
            );
            assert!(
                eager.wait() <= plain.wait(),
                "{timer} {think}: {eager} {plain}"
            );
            if think == 0 {
                assert_eq!(
                    (eager.vain, eager.cut),
                    (0, plain.cut),
                    "nothing to hide behind"
                );
            }
        }
    }
    table.finish();
    let patient = converse(fixed(750, false), Talk::Curve, (630, 0.0), &deviates);
    let short = converse(fixed(120, false), Talk::Curve, (630, 0.0), &deviates);
    let eager = converse(fixed(750, true), Talk::Curve, (630, 0.0), &deviates);
    assert!(eager.wait() <= 1.02 * short.wait(), "{eager} {short}");
    assert!(
        eager.mean_wait() <= 1.02 * short.mean_wait(),
        "{eager} {short}"
    );
    assert!(eager.cut_off() <= patient.cut_off(), "{eager} {patient}");
}
