//! What the cause of a slow or troubled conversation is likely to be, which part it sits in, and what helps.
//!
//! ```text
//! evidence (recent turns, what was usual, machine, settings) ─▶ one check per cause ─▶ findings, the dearest first
//! ```
//!
//! A finding is made where a figure says so, never because a setting could be at fault; each check names its threshold.

mod checks;
mod service;
mod shares;

use std::time::Duration;

use checks::{computer, conversation, downlink, narrowband, network, patience};
use service::service;
use shares::Shares;

/// A finding that costs less is nobody's concern.
const WORTH: Duration = Duration::from_millis(30);
/// Turns without which nothing is said about latencies.
pub const LEAST_TURNS: usize = 3;

/// The part of a turn that a cause sits in, in the order in which a turn passes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The user's silence before the turn is over.
    Patience,
    /// From the decision to the last byte on its way.
    Uplink,
    /// The way to the service and back.
    Network,
    /// The service itself.
    Service,
    /// From the first audio that arrived to the ear.
    Downlink,
    /// This computer as a whole.
    Computer,
    /// What is said, not how fast.
    Conversation,
    /// How microphone and speaker sound, not how fast they are.
    Sound,
}

impl Part {
    /// As the window calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patience => "patience before it",
            Self::Uplink => "to the service",
            Self::Network => "network",
            Self::Service => "service",
            Self::Downlink => "to your ear",
            Self::Computer => "this computer",
            Self::Conversation => "conversation",
            Self::Sound => "microphone and speaker",
        }
    }
}

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The line is long or slow.
    Distance,
    /// The line became slow.
    Congestion,
    /// A proxy stands in between.
    Proxy,
    /// What we send waits for the line.
    SlowUpload,
    /// The model may think before it answers.
    Thinking,
    /// The model searches the web.
    Search,
    /// The service decides when a turn is over, and waits.
    ServiceDetection,
    /// The conversation so far is long.
    Context,
    /// The instruction is long.
    Instruction,
    /// The service is slower than it was.
    ServiceBusy,
    /// The model takes its time.
    Model,
    /// Nothing stands out, and this computer has the largest share.
    OwnShare,
    /// Devices work in long periods.
    DevicePeriod,
    /// A wireless headset.
    WirelessDevice,
    /// The reply is gathered before it is played: the profile asks for it, or it came in bursts.
    Prebuffer,
    /// Answers are ready before patience is over.
    HeldForPatience,
    /// Patience is long.
    LongPatience,
    /// Patience is short.
    ShortPatience,
    /// Answers are long.
    LongAnswers,
    /// A headset in its telephone mode.
    Narrowband,
    /// This program takes the processor.
    OwnLoad,
    /// Other programs take the processor.
    OtherLoad,
    /// The processor is held back on battery.
    Battery,
    /// The processor is held back on mains: heat, or a setting.
    Heat,
    /// Memory is full.
    MemoryFull,
    /// This program's memory grows.
    Leak,
}

/// What a button can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Change to this profile.
    UseProfile(String),
    /// Make a new connection, at the next pause; the conversation goes on in it.
    Reconnect,
    /// Check microphone, speaker and echo.
    CheckSound,
    /// Switch echo cancellation back to automatic.
    EchoAutomatic,
    /// Write another model into the file of a profile.
    UseModel {
        /// The profile.
        profile: String,
        /// The model.
        model: String,
    },
    /// Send what was said last once more.
    AskAgain,
}

/// A cause that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it sits.
    pub part: Part,
    /// What it is.
    pub cause: Cause,
    /// What it costs per turn, where that can be told.
    pub costs: Option<Duration>,
    /// What was found, with figures.
    pub what: String,
    /// What helps.
    pub remedy: String,
    /// What a button can do.
    pub action: Option<Remedy>,
}

impl Finding {
    /// What helps. Where no setting makes the service faster, the other way out is to expect less of it: `key` is the
    /// setting of the profile that holds the limit which was missed.
    #[must_use]
    pub fn advice(&self, key: &str) -> String {
        let remedy = &self.remedy;
        if self.cause == Cause::Model {
            format!("{remedy} If it is fast enough for you, raise `{key}` in the profile.")
        } else {
            remedy.clone()
        }
    }
}

/// Medians of some turns; unknown is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Typical {
    /// How many turns.
    pub n: usize,
    /// What the user waited for the decision that the turn is over.
    pub endpointing: Option<Duration>,
    /// From there to the last byte on its way.
    pub uplink: Option<Duration>,
    /// From there to the first audio that arrived.
    pub server: Option<Duration>,
    /// From its arrival to samples.
    pub decode: Option<Duration>,
    /// How long it waited for patience.
    pub held: Option<Duration>,
    /// How long it waited for more of itself.
    pub buffer: Option<Duration>,
    /// From the ring to the ear.
    pub device: Option<Duration>,
    /// The response.
    pub response: Option<Duration>,
    /// How long answers were heard.
    pub heard: Option<Duration>,
    /// Tokens of the prompt, which grow with the conversation.
    pub prompt_tokens: Option<u64>,
}

/// Everything that is looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The target of the response.
    pub target: Duration,
    /// The newest turns.
    pub recent: Typical,
    /// The turns before them.
    pub usual: Typical,
    /// Round trip now.
    pub round_trip: Option<Duration>,
    /// The shortest one of this conversation.
    pub shortest_trip: Option<Duration>,
    /// The connection goes through a proxy.
    pub proxy: bool,
    /// Period of the speaker, as asked for and as granted.
    pub period: Option<(Duration, Duration)>,
    /// The microphone carries a telephone's band, as that of a Bluetooth headset does.
    pub narrow_microphone: bool,
    /// The speaker does, as a Bluetooth headset whose microphone is in use.
    pub narrow_speaker: bool,
    /// Stutters of the newest turns.
    pub underruns: u64,
    /// How much of a reply the profile gathers before it is played.
    pub prebuffer: Duration,
    /// Load of the machine and this program's share of it, in percent of all cores.
    pub load: Option<(f64, f64)>,
    /// Memory of the machine in use, in percent.
    pub memory_percent: Option<f64>,
    /// Growth of this program's memory in bytes per hour, where it leaks.
    pub leak_per_hour: Option<f64>,
    /// It runs on battery.
    pub on_battery: bool,
    /// The highest clock that the processor may run at, as a share of what it can.
    pub clock_share: Option<f64>,
    /// The name of the model; `None` where what answers runs on this computer, and need not have it.
    pub model: Option<String>,
    /// Length of the instruction in characters.
    pub instruction_chars: usize,
    /// The model may think before it answers.
    pub thinks: bool,
    /// As little as it can think, where it is asked for more.
    pub least_thinking: Option<&'static str>,
    /// The service may search the web, and did so for half of the newest turns at least.
    pub searches: bool,
    /// The service decides when a turn is over.
    pub automatic_detection: bool,
    /// The answer may be as long as it likes.
    pub free_answers: bool,
    /// Echo cancellation is switched on by hand.
    pub echo_forced: bool,
    /// Shares of the last turns, in percent, where there were enough.
    pub cut_offs_percent: Option<f64>,
    /// Interrupted replies among those that were heard.
    pub interruptions_percent: Option<f64>,
    /// The name of a faster profile, if there is one.
    pub faster_profile: Option<String>,
    /// The name of a faster profile that gathers less, if there is one.
    pub shorter_prebuffer_profile: Option<String>,
    /// Noise suppression or gain control is on.
    pub cleans: bool,
    /// The name of the nearest profile that goes without either, if this one does not.
    pub sparing_profile: Option<String>,
    /// The name of a profile with more patience, if there is one.
    pub patienter_profile: Option<String>,
}

/// The causes that the evidence speaks for: what costs most first, then the rest in the order of [`Part`]. While the typical
/// response is over the target, one of them at least is of its largest share.
#[must_use]
pub fn diagnose(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let enough = evidence.recent.n >= LEAST_TURNS;
    let shares = Shares::of(evidence).filter(|shares| enough && shares.response > evidence.target);
    if let Some(shares) = &shares {
        findings.extend(network(evidence));
        findings.extend(service(evidence, shares));
        findings.extend(downlink(evidence));
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
        findings.push(shares.plain(evidence));
    }
    findings.sort_by(|a, b| b.costs.cmp(&a.costs).then(a.part.cmp(&b.part)));
    findings
}

#[cfg(test)]
mod tests {
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

    type Planted = (&'static str, fn(&mut Evidence), Part, Cause);

    #[test]
    fn every_planted_cause_is_named_first_with_its_part_and_a_remedy() {
        let planted: [Planted; 23] = [
            (
                "upload",
                |e| e.recent.uplink = Some(ms(300)),
                Part::Uplink,
                Cause::SlowUpload,
            ),
            (
                "distance",
                |e| {
                    e.recent.server = Some(ms(500));
                    e.round_trip = Some(ms(260));
                    e.shortest_trip = Some(ms(250));
                },
                Part::Network,
                Cause::Distance,
            ),
            (
                "congestion",
                |e| {
                    e.recent.server = Some(ms(500));
                    e.round_trip = Some(ms(260));
                },
                Part::Network,
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
                Part::Network,
                Cause::Proxy,
            ),
            (
                "search",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.searches = true;
                },
                Part::Service,
                Cause::Search,
            ),
            (
                "thinking",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.thinks = true;
                    e.least_thinking = Some("minimal");
                },
                Part::Service,
                Cause::Thinking,
            ),
            (
                "automatic",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.automatic_detection = true;
                },
                Part::Service,
                Cause::ServiceDetection,
            ),
            (
                "context",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.recent.prompt_tokens = Some(30_000);
                },
                Part::Service,
                Cause::Context,
            ),
            (
                "instruction",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.instruction_chars = 6_000;
                },
                Part::Service,
                Cause::Instruction,
            ),
            (
                "busy",
                |e| e.recent.server = Some(ms(1_100)),
                Part::Service,
                Cause::ServiceBusy,
            ),
            (
                "model",
                |e| {
                    e.recent.server = Some(ms(1_100));
                    e.usual.server = Some(ms(1_050));
                },
                Part::Service,
                Cause::Model,
            ),
            (
                "period",
                |e| {
                    e.recent.device = Some(ms(240));
                    e.period = Some((ms(11), ms(60)));
                },
                Part::Downlink,
                Cause::DevicePeriod,
            ),
            (
                "wireless",
                |e| e.recent.device = Some(ms(240)),
                Part::Downlink,
                Cause::WirelessDevice,
            ),
            (
                "prebuffer",
                |e| {
                    e.recent.buffer = Some(ms(240));
                    e.underruns = 4;
                },
                Part::Downlink,
                Cause::Prebuffer,
            ),
            (
                "decode",
                |e| {
                    e.recent.decode = Some(ms(300));
                    e.load = Some((70.0, 3.0));
                },
                Part::Downlink,
                Cause::OtherLoad,
            ),
            (
                "held",
                |e| e.recent.held = Some(ms(250)),
                Part::Patience,
                Cause::HeldForPatience,
            ),
            (
                "long patience",
                |e| e.recent.endpointing = Some(ms(1_600)),
                Part::Patience,
                Cause::LongPatience,
            ),
            (
                "hog",
                |e| e.load = Some((97.0, 4.0)),
                Part::Computer,
                Cause::OtherLoad,
            ),
            (
                "own load",
                |e| e.load = Some((97.0, 80.0)),
                Part::Computer,
                Cause::OwnLoad,
            ),
            (
                "battery",
                |e| {
                    e.clock_share = Some(0.5);
                    e.on_battery = true;
                },
                Part::Computer,
                Cause::Battery,
            ),
            (
                "heat",
                |e| e.clock_share = Some(0.5),
                Part::Computer,
                Cause::Heat,
            ),
            (
                "memory",
                |e| e.memory_percent = Some(93.0),
                Part::Computer,
                Cause::MemoryFull,
            ),
            (
                "leak",
                |e| e.leak_per_hour = Some(80e6),
                Part::Computer,
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
        let told = |microphone, speaker| {
            diagnose(&Evidence {
                narrow_microphone: microphone,
                narrow_speaker: speaker,
                ..Evidence::default()
            })
        };
        assert_eq!(told(false, false), []);
        for (microphone, speaker, remedy) in [
            (true, true, "Choose another microphone"),
            (true, false, "a wired microphone"),
            (false, true, "End what uses the headset's microphone"),
        ] {
            let findings = told(microphone, speaker);
            assert_eq!(findings.len(), 1, "{findings:?}");
            let found = &findings[0];
            assert_eq!((found.part, found.cause), (Part::Sound, Cause::Narrowband));
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
            (Part::Service, Cause::Model)
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
        // Nothing of ours stands out, and together it is the most.
        let small = diagnose(&slow(|e| {
            e.target = ms(150);
            e.recent.server = Some(ms(80));
            (e.recent.buffer, e.recent.device) = (Some(ms(50)), Some(ms(45)));
        }));
        assert_eq!(small.len(), 1, "{small:?}");
        assert_eq!(
            (small[0].part, small[0].cause),
            (Part::Downlink, Cause::OwnShare)
        );
        assert!(
            small[0].what.contains("97 ms of 177 ms, of which 50 ms"),
            "{small:?}"
        );
        // The way has the most, and is not long for a way.
        let way = diagnose(&slow(|e| {
            e.target = ms(150);
            e.recent.server = Some(ms(160));
            (e.round_trip, e.shortest_trip) = (Some(ms(110)), Some(ms(100)));
        }));
        assert_eq!(way.len(), 1, "{way:?}");
        assert_eq!(
            (way[0].part, way[0].cause),
            (Part::Network, Cause::Distance)
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
