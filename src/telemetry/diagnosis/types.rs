//! Input and output of the diagnosis: evidence, parts of a turn, causes, findings.

use std::time::Duration;

use super::remedy::Remedy;
use crate::base::text::t;

/// Findings that cost less are dropped.
pub(super) const WORTH: Duration = Duration::from_millis(30);
/// Minimum sample size for findings about latencies.
pub const LEAST_TURNS: usize = 3;

/// The part of a turn with a cause, in the order in which a turn passes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TurnPart {
    /// The user's silence before the turn is over.
    Patience,
    /// From the decision to the last byte on its way.
    Uplink,
    /// The round trip to the service.
    Network,
    Service,
    /// From the first audio that arrived to the ear.
    Downlink,
    /// This computer as a whole.
    Computer,
    /// The content of the conversation, not its speed.
    Conversation,
    /// The sound of microphone and speaker, not their speed.
    Sound,
}

impl TurnPart {
    /// Its name in the window.
    pub fn name(self) -> &'static str {
        match self {
            Self::Patience => t!("patience-before-it"),
            Self::Uplink => t!("to-the-service"),
            Self::Network => t!("network"),
            Self::Service => t!("service"),
            Self::Downlink => t!("to-your-ear"),
            Self::Computer => t!("this-computer-label"),
            Self::Conversation => t!("conversation-lower"),
            Self::Sound => t!("microphone-and-speaker-lower"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The line is long or slow.
    Distance,
    /// The line became slow.
    Congestion,
    /// Round trips differ much.
    Jitter,
    /// Much of what is sent is lost on the way.
    Loss,
    /// The connection goes through a proxy.
    Proxy,
    /// Sending is slower than the audio.
    SlowUpload,
    /// The model may think before it answers.
    Thinking,
    /// The model searches the web.
    Search,
    /// The service decides when a turn is over, and waits.
    ServiceDetection,
    /// The conversation so far is long.
    Context,
    Instruction,
    /// The service is slower than it was.
    ServiceBusy,
    /// The model takes its time.
    Model,
    /// No single cause, and this computer has the largest share.
    OwnShare,
    DevicePeriod,
    WirelessDevice,
    /// The reply is buffered before it is played: by the profile, or because it came in bursts.
    Prebuffer,
    /// Answers are ready before patience is over.
    HeldForPatience,
    LongPatience,
    ShortPatience,
    LongAnswers,
    /// A headset in its telephone mode.
    Narrowband,
    /// This program takes the processor.
    OwnLoad,
    /// Other programs take the processor.
    OtherLoad,
    /// The processor is throttled on battery.
    Battery,
    /// The processor is throttled on mains: heat, or a setting.
    Heat,
    MemoryFull,
    /// This program's memory grows.
    Leak,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub part: TurnPart,
    pub cause: Cause,
    /// Its cost per turn, if known.
    pub costs: Option<Duration>,
    /// The finding as text, with the values.
    pub what: String,
    pub remedy: String,
    pub action: Option<Remedy>,
}

impl Finding {
    /// The remedy. If no setting makes the service faster, the alternative is a higher limit: `key` is its setting in the
    /// profile.
    pub fn advice(&self, key: &str) -> String {
        let remedy = &self.remedy;
        if self.cause == Cause::Model {
            t!("if-it-is-fast-enough", remedy, key)
        } else {
            remedy.clone()
        }
    }
}

/// Medians over some turns; unknown ones are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Typical {
    pub n: usize,
    /// From the end of speech to the decision that the turn is over.
    pub endpointing: Option<Duration>,
    /// From there to the last byte on its way.
    pub uplink: Option<Duration>,
    /// From there to the first audio that arrived.
    pub server: Option<Duration>,
    /// From its arrival to samples.
    pub decode: Option<Duration>,
    /// Time held for patience.
    pub held: Option<Duration>,
    /// Time in the jitter buffer.
    pub buffer: Option<Duration>,
    /// From the ring to the ear.
    pub device: Option<Duration>,
    pub response: Option<Duration>,
    /// How long answers were heard.
    pub heard: Option<Duration>,
    /// Tokens of the prompt, which grow with the conversation.
    pub prompt_tokens: Option<u64>,
}

/// The input of all rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    pub target: Duration,
    pub recent: Typical,
    /// The turns before them.
    pub usual: Typical,
    pub round_trip: Option<Duration>,
    /// Mean deviation of the round trips.
    pub variation: Option<Duration>,
    /// Percentage of what was sent lately that was lost.
    pub loss_percent: Option<f64>,
    /// The shortest round trip of this conversation.
    pub shortest_trip: Option<Duration>,
    /// The connection goes through a proxy.
    pub proxy: bool,
    /// Requested and granted period of the speaker.
    pub period: Option<(Duration, Duration)>,
    /// The microphone is narrowband, as that of a Bluetooth headset in telephone mode.
    pub narrow_microphone: bool,
    /// The speaker is narrowband, as a Bluetooth headset whose microphone is in use.
    pub narrow_speaker: bool,
    /// Stutters of the newest turns.
    pub underruns: u64,
    pub prebuffer: Duration,
    /// Load of the machine and this program's share of it, in percent of all cores.
    pub load: Option<(f64, f64)>,
    /// Memory of the machine in use, in percent.
    pub memory_percent: Option<f64>,
    /// Growth of this program's memory in bytes per hour, if it leaks.
    pub leak_per_hour: Option<f64>,
    pub on_battery: bool,
    /// The allowed maximum clock of the processor as a share of its maximum.
    pub clock_share: Option<f64>,
    /// The name of the model; `None` for a service on this computer, which need not have it.
    pub model: Option<String>,
    /// Length of the instruction in characters.
    pub instruction_chars: usize,
    /// The model may think before it answers.
    pub thinks: bool,
    /// The lowest thinking level of the model, if a higher one is set.
    pub least_thinking: Option<&'static str>,
    /// The service may search the web, and did so for at least half of the newest turns.
    pub searches: bool,
    /// The service decides when a turn is over.
    pub automatic_detection: bool,
    /// The length of answers is not limited.
    pub free_answers: bool,
    /// Echo cancellation is switched on by hand.
    pub echo_forced: bool,
    /// Percentage of cut-offs in the last turns, if there were enough.
    pub cut_offs_percent: Option<f64>,
    /// Percentage of audible replies that were interrupted.
    pub interruptions_percent: Option<f64>,
    /// The name of a faster profile, if there is one.
    pub faster_profile: Option<String>,
    /// The name of a faster profile with a shorter prebuffer, if there is one.
    pub shorter_prebuffer_profile: Option<String>,
    /// Noise suppression or gain control is on.
    pub cleans: bool,
    /// The name of the nearest profile that goes without either, if this one does not.
    pub sparing_profile: Option<String>,
    /// The name of a profile with more patience, if there is one.
    pub patienter_profile: Option<String>,
}
