//! Patience that follows the user's pauses against a fixed one, for a quick and a slow talker.

use crate::table::{Table, full};
use crate::talk::{THINK, Talk, converse, deviates, fixed as timer};
use sovereign::turn::patience::EndpointingSettings;

#[test]
fn patience_follows_quick_and_slow_talkers() {
    let deviates = deviates(if full() { 20_000 } else { 2_000 });
    let mut table = Table::new(
        "patience-adaptive",
        "Patience that follows the user against a fixed one, profile's patience 500 ms, plain and eager. Talkers make one \
         log-normal pause in each turn; median and spread of its logarithm are given. The first 50 turns, in which the \
         user becomes known, count too. Think times vary by a quarter up and down. Early closes waste 10 % of the tokens at \
         most, as in the shipped profiles.",
        &[
            "talker",
            "think ms",
            "endpoint",
            "patience",
            "patience at the end ms",
            "wait ms",
            "cut off %",
            "in vain %",
        ],
    );
    for (name, median, spread) in [("quick", 180.0, 0.3), ("slow", 450.0, 0.4)] {
        for think in THINK {
            for eager in [false, true] {
                let talk = Talk::Talker { median, spread };
                let [fixed, adaptive] = [false, true].map(|adaptive| {
                    let pace = EndpointingSettings {
                        adaptive,
                        eager_waste_percent: 10,
                        ..timer(500, eager)
                    };
                    let got = converse(pace, talk, (think, 0.25), &deviates);
                    table.row(&[
                        format!("{name}: {median:.0} ms, {spread}"),
                        think.to_string(),
                        if eager { "eager" } else { "plain" }.into(),
                        if adaptive { "adaptive" } else { "fixed" }.into(),
                        got.patience.as_millis().to_string(),
                        format!("{:.0}", got.wait()),
                        format!("{:.1}", got.cut_off()),
                        format!("{:.1}", got.in_vain()),
                    ]);
                    got
                });
                match name {
                    // What patience is to outlast are 95 % of the pauses.
                    "quick" if !eager => {
                        let shorter = adaptive.patience < fixed.patience.mul_f64(0.75);
                        assert!(shorter, "{adaptive} {fixed}");
                        assert!(adaptive.cut_off() < 6.0, "{adaptive}");
                    }
                    "slow" => {
                        assert!(
                            adaptive.cut_off() <= 0.5 * fixed.cut_off(),
                            "{adaptive} {fixed}"
                        );
                    }
                    _ => assert!(adaptive.cut_off() < 6.0, "{adaptive}"),
                }
            }
        }
    }
    table.finish();
}
