//! Diagnosis: the likely causes of slow or disturbed conversations, where they are, and what helps.
//!
//! ```text
//! evidence (recent turns, earlier turns, machine, settings) ─▶ one rule per cause ─▶ findings, largest cost first
//! ```
//!
//! A finding needs a measured value; a setting that could be at fault is not enough. Each rule names its threshold.

mod remedy;
mod rules;
mod service_causes;
mod shares;
mod types;

pub use remedy::Remedy;
use rules::{computer, conversation, downlink, narrowband, network, patience, unsteady};
use service_causes::{cause_of, service};
use shares::{LargestShare, Shares};
use types::WORTH;
pub use types::{Cause, Evidence, Finding, LEAST_TURNS, TurnPart, Typical};

/// Finds causes: largest cost first, then in the order of [`TurnPart`]. While the typical response is over the target, at least
/// one finding concerns its largest share.
pub fn diagnose(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let enough = evidence.recent.n >= LEAST_TURNS;
    let shares = Shares::of(evidence).filter(|shares| enough && shares.response > evidence.target);
    if let Some(shares) = &shares {
        findings.extend(network(evidence));
        findings.extend(service(evidence, shares));
        findings.extend(downlink(evidence));
    }
    if shares.is_some() || evidence.underruns > 0 {
        findings.extend(unsteady(evidence));
    }
    if enough {
        findings.extend(patience(evidence));
        findings.extend(conversation(evidence));
    }
    findings.extend(computer(evidence));
    findings.extend(narrowband(evidence));
    findings.retain(|finding| finding.costs.is_none_or(|costs| costs >= WORTH));
    if let Some(shares) = &shares
        && !findings
            .iter()
            .any(|finding| shares.largest().is_named_by(finding))
    {
        findings.push(cause_of_largest_share(evidence, shares));
    }
    findings.sort_by(|a, b| b.costs.cmp(&a.costs).then(a.part.cmp(&b.part)));
    findings
}

/// The finding for the largest share, if no rule has found a cause in it.
fn cause_of_largest_share(e: &Evidence, shares: &Shares) -> Finding {
    match shares.largest() {
        LargestShare::Service => cause_of(e, shares),
        LargestShare::Network => shares.network(e),
        LargestShare::Ours => shares.ours(e),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A conversation of ten good turns.
    fn good() -> Evidence {
        let typical = Typical {
            n: 10,
            endpointing: Some(ms(500)),
            uplink: Some(ms(1)),
            server: Some(ms(240)),
            decode: Some(ms(1)),
            held: Some(ms(0)),
            buffer: Some(ms(20)),
            device: Some(ms(12)),
            response: Some(ms(275)),
            heard: Some(ms(4_000)),
            prompt_tokens: Some(3_000),
        };
        Evidence {
            target: ms(300),
            recent: typical,
            usual: typical,
            round_trip: Some(ms(30)),
            shortest_trip: Some(ms(28)),
            period: Some((ms(11), ms(11))),
            load: Some((20.0, 1.0)),
            memory_percent: Some(50.0),
            clock_share: Some(1.0),
            model: Some("gemini-3.1-live".into()),
            instruction_chars: 300,
            cut_offs_percent: Some(0.0),
            interruptions_percent: Some(5.0),
            faster_profile: Some("ultra-fast".into()),
            patienter_profile: Some("high-quality".into()),
            ..Evidence::default()
        }
    }

    /// The same with what the caller plants; the response is the sum of its parts.
    fn slow(plant: impl FnOnce(&mut Evidence)) -> Evidence {
        let mut evidence = good();
        plant(&mut evidence);
        let typical = &mut evidence.recent;
        let parts = [
            typical.uplink,
            typical.server,
            typical.decode,
            typical.held,
            typical.buffer,
            typical.device,
        ];
        typical.response = Some(parts.into_iter().flatten().sum());
        evidence
    }

    #[test]
    fn a_good_conversation_has_no_finding_and_a_new_one_neither() {
        assert_eq!(diagnose(&good()), []);
        assert_eq!(diagnose(&Evidence::default()), []);
        let mut new = slow(|e| e.recent.server = Some(ms(1_100)));
        new.recent.n = 2;
        assert_eq!(diagnose(&new), [], "two turns");
    }

    type Planted = (&'static str, fn(&mut Evidence), TurnPart, Cause);

    #[test]
    fn every_planted_cause_is_named_first_with_its_part_and_a_remedy() {
        let planted: [Planted; 25] = [
            (
                "upload",
                |e| e.recent.uplink = Some(ms(300)),
                TurnPart::Uplink,
                Cause::SlowUpload,
            ),
            (
                "distance",
                |e| {
                    e.recent.server = Some(ms(500));
                    e.round_trip = Some(ms(260));
                    e.shortest_trip = Some(ms(250));
                },
                TurnPart::Network,
                Cause::Distance,
            ),
            (
                "congestion",
                |e| {
                    e.recent.server = Some(ms(500));
                    e.round_trip = Some(ms(260));
                },
                TurnPart::Network,
                Cause::Congestion,
            ),
            (
                "proxy",
                |e| {
                    e.recent.server = Some(ms(500));
                    e.round_trip = Some(ms(260));
                    e.shortest_trip = Some(ms(250));
                    e.proxy = true;
                },
                TurnPart::Network,
                Cause::Proxy,
            ),
            (
                "search",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.searches = true;
                },
                TurnPart::Service,
                Cause::Search,
            ),
            (
                "thinking",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.thinks = true;
                    e.least_thinking = Some("minimal");
                },
                TurnPart::Service,
                Cause::Thinking,
            ),
            (
                "automatic",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.automatic_detection = true;
                },
                TurnPart::Service,
                Cause::ServiceDetection,
            ),
            (
                "context",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.recent.prompt_tokens = Some(30_000);
                },
                TurnPart::Service,
                Cause::Context,
            ),
            (
                "instruction",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.instruction_chars = 6_000;
                },
                TurnPart::Service,
                Cause::Instruction,
            ),
            (
                "busy",
                |e| e.recent.server = Some(ms(1_100)),
                TurnPart::Service,
                Cause::ServiceBusy,
            ),
            (
                "model",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.usual.server = Some(ms(1_050));
                },
                TurnPart::Service,
                Cause::Model,
            ),
            (
                "period",
                |e| {
                    e.recent.device = Some(ms(240));
                    e.period = Some((ms(11), ms(60)));
                },
                TurnPart::Downlink,
                Cause::DevicePeriod,
            ),
            (
                "wireless",
                |e| e.recent.device = Some(ms(240)),
                TurnPart::Downlink,
                Cause::WirelessDevice,
            ),
            (
                "prebuffer",
                |e| {
                    e.recent.buffer = Some(ms(240));
                    e.underruns = 4;
                },
                TurnPart::Downlink,
                Cause::Prebuffer,
            ),
            (
                "jitter",
                |e| (e.variation, e.underruns) = (Some(ms(35)), 3),
                TurnPart::Network,
                Cause::Jitter,
            ),
            (
                "loss",
                |e| (e.loss_percent, e.underruns) = (Some(4.0), 3),
                TurnPart::Network,
                Cause::Loss,
            ),
            (
                "decode",
                |e| {
                    e.recent.decode = Some(ms(300));
                    e.load = Some((70.0, 3.0));
                },
                TurnPart::Downlink,
                Cause::OtherLoad,
            ),
            (
                "held",
                |e| e.recent.held = Some(ms(250)),
                TurnPart::Patience,
                Cause::HeldForPatience,
            ),
            (
                "long patience",
                |e| e.recent.endpointing = Some(ms(1_600)),
                TurnPart::Patience,
                Cause::LongPatience,
            ),
            (
                "hog",
                |e| e.load = Some((97.0, 4.0)),
                TurnPart::Computer,
                Cause::OtherLoad,
            ),
            (
                "own load",
                |e| e.load = Some((97.0, 80.0)),
                TurnPart::Computer,
                Cause::OwnLoad,
            ),
            (
                "battery",
                |e| {
                    e.clock_share = Some(0.5);
                    e.on_battery = true;
                },
                TurnPart::Computer,
                Cause::Battery,
            ),
            (
                "heat",
                |e| e.clock_share = Some(0.5),
                TurnPart::Computer,
                Cause::Heat,
            ),
            (
                "memory",
                |e| e.memory_percent = Some(93.0),
                TurnPart::Computer,
                Cause::MemoryFull,
            ),
            (
                "leak",
                |e| e.leak_per_hour = Some(80e6),
                TurnPart::Computer,
                Cause::Leak,
            ),
        ];
        for (name, plant, part, cause) in planted {
            let findings = diagnose(&slow(plant));
            let first = findings
                .first()
                .unwrap_or_else(|| panic!("{name}: nothing was found"));
            assert_eq!(
                (first.part, first.cause),
                (part, cause),
                "{name}: {findings:?}"
            );
            assert_eq!(
                findings.len(),
                1,
                "{name}: nothing else was planted: {findings:?}"
            );
            assert!(
                first.what.ends_with('.') && first.remedy.ends_with('.'),
                "{name}: {first:?}"
            );
        }
    }

    #[test]
    fn what_the_profile_gathers_is_told_as_its_wish_and_stutters_where_there_were_some() {
        let gathered = |wish: u64, underruns: u64| {
            let mut findings = diagnose(&slow(|e| {
                e.recent.buffer = Some(ms(210));
                (e.prebuffer, e.underruns) = (ms(wish), underruns);
                e.shorter_prebuffer_profile = Some("ultra-fast".into());
            }));
            assert_eq!(findings.len(), 1, "{findings:?}");
            findings.remove(0)
        };
        let faster = Some(Remedy::UseProfile("ultra-fast".into()));
        let wish = gathered(200, 0);
        assert!(
            wish.what.ends_with("the profile asks for 200 ms."),
            "{wish:?}"
        );
        assert!(wish.remedy.contains("`audio.prebuffer_ms`"), "{wish:?}");
        assert_eq!(wish.action, faster);
        let both = gathered(200, 4);
        assert!(both.what.contains("stuttered (4 times)"), "{both:?}");
        assert!(both.remedy.contains("cable"), "{both:?}");
        assert_eq!(both.action, None, "less would stutter more");
        let line = gathered(20, 1);
        assert!(
            line.what.ends_with("because they stuttered (once)."),
            "{line:?}"
        );
        assert!(!line.remedy.contains("prebuffer_ms"), "{line:?}");
        let bursts = gathered(20, 0);
        assert!(!bursts.what.contains("stutter"), "{bursts:?}");
    }

    #[test]
    fn own_load_offers_what_really_costs_less_and_else_no_button() {
        let busy = |plant: fn(&mut Evidence)| {
            let mut evidence = good();
            evidence.load = Some((97.0, 80.0));
            plant(&mut evidence);
            let mut findings = diagnose(&evidence);
            assert_eq!(findings.len(), 1, "{findings:?}");
            findings.remove(0)
        };
        // A faster one alone is no reason: `balanced` costs what `high-quality` costs.
        assert_eq!(
            busy(|e| e.faster_profile = Some("balanced".into())).action,
            None
        );
        let sparing = busy(|e| {
            e.cleans = true;
            e.faster_profile = Some("balanced".into());
            e.sparing_profile = Some("ultra-fast".into());
        });
        assert_eq!(
            sparing.action,
            Some(Remedy::UseProfile("ultra-fast".into()))
        );
        assert!(sparing.remedy.starts_with("Gain control"), "{sparing:?}");
        let alone = busy(|e| e.cleans = true);
        assert!(
            alone.remedy.contains("`audio.gain_control: off`"),
            "{alone:?}"
        );
        assert_eq!(alone.action, None);
        let forced = busy(|e| (e.cleans, e.echo_forced) = (true, true));
        assert_eq!(forced.action, Some(Remedy::EchoAutomatic));
    }

    #[test]
    fn a_headset_in_telephone_mode_is_told_before_any_turn() {
        let seen = |microphone, speaker| {
            diagnose(&Evidence {
                narrow_microphone: microphone,
                narrow_speaker: speaker,
                ..Evidence::default()
            })
        };
        assert_eq!(seen(false, false), []);
        for (microphone, speaker, remedy) in [
            (true, true, "Choose another microphone"),
            (true, false, "a wired microphone"),
            (false, true, "End what uses the headset's microphone"),
        ] {
            let findings = seen(microphone, speaker);
            assert_eq!(findings.len(), 1, "{findings:?}");
            let found = &findings[0];
            assert_eq!(
                (found.part, found.cause),
                (TurnPart::Sound, Cause::Narrowband)
            );
            assert!(found.remedy.contains(remedy), "{found:?}");
            assert!(found.what.contains("Bluetooth"), "{found:?}");
        }
    }

    #[test]
    fn what_is_said_and_how_long_has_causes_too() {
        let mut cut = good();
        cut.cut_offs_percent = Some(25.0);
        // Patience is short: that answers wait for it is then no fault.
        cut.recent.held = Some(ms(300));
        let findings = diagnose(&cut);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].cause, Cause::ShortPatience);
        assert_eq!(
            findings[0].action,
            Some(Remedy::UseProfile("high-quality".into()))
        );

        let mut long = good();
        (long.interruptions_percent, long.recent.heard) = (Some(40.0), Some(ms(30_000)));
        let findings = diagnose(&long);
        assert_eq!(findings[0].cause, Cause::LongAnswers);
        assert!(
            findings[0].remedy.contains("answer_length: short"),
            "{findings:?}"
        );
    }

    #[test]
    fn the_dearest_cause_comes_first() {
        let both = slow(|e| {
            e.recent.uplink = Some(ms(60));
            e.recent.device = Some(ms(400));
            e.load = Some((99.0, 1.0));
        });
        let causes: Vec<Cause> = diagnose(&both)
            .iter()
            .map(|finding| finding.cause)
            .collect();
        assert_eq!(
            causes,
            [Cause::WirelessDevice, Cause::SlowUpload, Cause::OtherLoad]
        );
    }

    /// A service of `own` and what else takes time, of a profile whose target is 300.
    fn served(own: u64, plant: impl FnOnce(&mut Evidence)) -> Vec<Finding> {
        diagnose(&slow(|e| {
            e.recent.server = Some(ms(own + 30));
            e.usual.server = e.recent.server;
            plant(e);
        }))
    }

    #[test]
    fn an_ordinary_service_is_named_where_it_has_the_largest_share() {
        // As the panel says: 640 ms, over 300.
        let plain = served(576, |_| {});
        assert_eq!(plain.len(), 1, "{plain:?}");
        assert_eq!(
            (plain[0].part, plain[0].cause),
            (TurnPart::Service, Cause::Model)
        );
        assert!(
            plain[0].what.contains("needs 576 ms of 640 ms"),
            "{plain:?}"
        );
        assert!(plain[0].remedy.contains("`live.model`"), "{plain:?}");
        for service in [576, 900] {
            let own = served(service, |e| e.model = None);
            assert!(own[0].what.contains("server on this computer needs"));
            assert!(!format!("{own:?}").contains("live.model"), "{own:?}");
        }
        type Plant = fn(&mut Evidence);
        let causes: [(Cause, Plant); 4] = [
            (Cause::Thinking, |e| e.thinks = true),
            (Cause::Instruction, |e| e.instruction_chars = 6_000),
            (Cause::Context, |e| e.recent.prompt_tokens = Some(30_000)),
            (Cause::ServiceBusy, |e| e.usual.server = Some(ms(250))),
        ];
        for (cause, plant) in causes {
            let findings = served(660, plant);
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert_eq!(findings[0].cause, cause);
        }
        // Within the target a fast service is no finding, whatever could be said of it.
        assert_eq!(
            served(200, |e| (e.thinks, e.instruction_chars) = (true, 6_000)),
            []
        );
    }

    #[test]
    fn the_service_is_not_blamed_where_another_share_is_larger() {
        let findings = served(400, |e| e.recent.device = Some(ms(450)));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].cause, Cause::WirelessDevice);
        // Unless it is slow by itself.
        let both = served(800, |e| e.recent.device = Some(ms(900)));
        let causes: Vec<Cause> = both.iter().map(|finding| finding.cause).collect();
        assert_eq!(causes, [Cause::WirelessDevice, Cause::Model]);
        // No single share of ours is large, but together they are the largest.
        let small = diagnose(&slow(|e| {
            e.target = ms(150);
            e.recent.server = Some(ms(80));
            (e.recent.buffer, e.recent.device) = (Some(ms(50)), Some(ms(45)));
        }));
        assert_eq!(small.len(), 1, "{small:?}");
        assert_eq!(
            (small[0].part, small[0].cause),
            (TurnPart::Downlink, Cause::OwnShare)
        );
        assert!(
            small[0].what.contains("97 ms of 177 ms, of which 50 ms"),
            "{small:?}"
        );
        // The way has the most, and is not long for a way.
        let way = diagnose(&slow(|e| {
            e.target = ms(150);
            e.recent.server = Some(ms(160));
            (e.round_trip, e.shortest_trip) = (Some(ms(95)), Some(ms(90)));
        }));
        assert_eq!(way.len(), 1, "{way:?}");
        assert_eq!(
            (way[0].part, way[0].cause),
            (TurnPart::Network, Cause::Distance)
        );
    }

    #[test]
    fn a_response_over_the_target_always_has_a_finding_of_its_largest_share() {
        let steps = [0, 10, 40, 90, 200, 500, 900].map(ms);
        for target in [50, 100, 300, 700].map(ms) {
            for (server, trip) in steps.into_iter().flat_map(|s| steps.map(|t| (s, t))) {
                for ours in steps {
                    for part in 0..6 {
                        let mut e = good();
                        (e.target, e.recent.server, e.round_trip) =
                            (target, Some(server), Some(trip));
                        e.shortest_trip = Some(trip);
                        let t = &mut e.recent;
                        for gone in [
                            &mut t.uplink,
                            &mut t.decode,
                            &mut t.held,
                            &mut t.buffer,
                            &mut t.device,
                        ] {
                            *gone = None;
                        }
                        match part {
                            0 => t.uplink = Some(ours),
                            1 => t.decode = Some(ours),
                            2 => t.held = Some(ours),
                            3 => t.buffer = Some(ours),
                            4 => t.device = Some(ours),
                            _ => {}
                        }
                        t.response = Some(server + ours);
                        let findings = diagnose(&e);
                        if server + ours > target {
                            let largest = Shares::of(&e).expect("a response").largest();
                            assert!(
                                findings.iter().any(|finding| largest.is_named_by(finding)),
                                "{e:?}: {findings:?}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn within_the_target_latency_has_no_cause_and_the_computer_has() {
        let mut fine = good();
        fine.round_trip = Some(ms(200));
        fine.shortest_trip = Some(ms(190));
        assert_eq!(diagnose(&fine), []);
        fine.load = Some((90.0, 2.0));
        assert_eq!(diagnose(&fine)[0].cause, Cause::OtherLoad);
    }
}
