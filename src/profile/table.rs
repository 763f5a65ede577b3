//! The table of keys of a profile: what each may hold, what is shipped and why, what it does, and when a change applies.
//!
//! Parsing, checks, messages, `profiles show`, the comments of the shipped files, the JSON Schema and `docs/profiles.md` come
//! from here. A new key is a row, and a field of the same group in `profile`.
//! `SOVEREIGN_BLESS=1 cargo test --lib up_to_date` writes the copies that are in the repository.
//!
//! Ranges are wider than what is wise (the shipped values say what is): they end where the thing cannot work or cannot be
//! meant. Where there are three shipped values and reasons, they are those of ultra-fast, balanced and high-quality; a fourth
//! is that of low-data, a fifth that of auto. A file without a value of its own has that of balanced.

use std::sync::LazyLock;

use super::settings::{
    AlertSettings, AudioSettings, AutoSettings, BUILTINS, BargeIn, DEFAULT, Detection,
    DetectorSettings, EchoCancellation, LiveSettings, NoiseSuppressor, Preference, Profile,
    TurnSettings, VadKind,
};
use super::text_shapes::{DEFAULT_WORD, LANGUAGE, LANGUAGES, MODEL, NAME, PROFILES, TERMS, VOICE};
use crate::base::keys::Effect::{NextConnection, NextPause};
use crate::base::keys::{Key, Keyed, Kind, Role, Scalar, Value, bind, number, whole};
use crate::provider::config::{AnswerLength, AutomaticSettings, Sensitivity, Thinking};

/// The word that switches an alert off.
const OFF_WORD: &str = "off";

/// The groups of keys, with what they are about.
pub const GROUPS: [(&str, &str); 7] = [
    ("audio", "Microphone and speaker."),
    ("detector", "When a sound is speech."),
    ("turn", "Whose turn it is."),
    (
        "turn.automatic",
        "The service's own detector, for `detection: automatic` only. `default` leaves a value to the service.",
    ),
    (
        "live",
        "What the service is asked for. `default` leaves a choice to it. A setting that a model does not know is not sent.",
    ),
    (
        "auto",
        "How the profile chooses among others. It has no other settings than these and its alerts.",
    ),
    (
        "alerts",
        "When you are alerted, in the window and in the log. The same alert is repeated after five minutes at the earliest.",
    ),
];

/// All keys, in the order of a file.
pub(super) static KEYS: LazyLock<Vec<&'static Key>> = LazyLock::new(|| {
    let (name, head) = HEAD.split_at(1);
    let groups: [&'static [Key]; 11] = [
        name, EXTENDS, head, AUDIO, DETECTOR, TURN, AUTOMATIC, LIVE, OLD, AUTO, ALERTS,
    ];
    groups.into_iter().flatten().collect()
});

/// The rows that have a field, in the order of the values of a [`Profile`].
pub fn fields() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().copied().filter(|key| key.role == Role::Field)
}

/// The rows of the table of keys.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().copied()
}

/// Why a key has its value in the shipped profile of this name; `None` where there is no reason besides what the key does.
pub fn reason(key: &Key, shipped: &str) -> Option<&'static str> {
    let file = BUILTINS.iter().position(|name| *name == shipped)?;
    let of_default = BUILTINS.iter().position(|name| *name == DEFAULT)?;
    let texts = key.why;
    texts.get(file).or(texts.get(of_default)).copied()
}

impl Profile {
    /// The values, in the order of [`fields`].
    pub fn values(&self) -> Vec<Value> {
        let mut values = Vec::new();
        self.give(&mut values);
        values
    }
}

/// What a key of profiles does.
pub fn about(name: &str) -> Option<&'static str> {
    key(name).map(|key| key.about)
}

pub(super) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().copied().find(|key| key.name == name)
}

bind!(HEAD: Profile {
    name: Key::new("name", NAME, &["ultra-fast", "balanced", "high-quality", "low-data", "auto"],
        "The name on the command line; that of the file where it is left out.", &[]).called("Name on the command line"),
    label: Key::new("label", Kind::Text(1, 40), &["Ultra-fast", "Balanced", "High quality", "Low data", "Auto"],
        "The name in the window.", &[]).called("Name"),
    description: Key::new("description", Kind::Text(1, 300), &[
            "\"The shortest wait: small buffers, little patience, short answers. For a headset and a quiet room.\"",
            "\"Quick, and patient enough for ordinary talk. The default.\"",
            "\"More patience, cleaner sound and a longer memory. For loudspeakers, noise, and long thoughts.\"",
            "\"Few bytes: short answers that are spoken only, and none that is dropped. For mobile and metered lines.\"",
            "\"Chooses among the first three by what the service, the network and this computer allow, and says why.\"",
        ],
        "What it is for, in a sentence.", &[]),
    target: Key::new("target_ms", whole(50, 10_000), &["200", "300", "400", "400", "300"],
        "The response time that a turn is judged by, in milliseconds: from the end of the turn to the first sound of the reply.",
        &[
            "200 is where talk between people feels like no wait at all; with the service's own share it is rarely reached.",
            "300 is about the pause that people leave between turns.",
            "400 is still taken for an attentive listener.",
            "400 is still taken for an attentive listener, and leaves a mobile line its 100 ms.",
            "300 is about the pause that people leave between turns. A profile is left for a faster one where that brings \
             responses nearer to it by more than the lost quality is worth.",
        ]).called("Reply time target");
    audio, detector, turn, live, auto, alerts
});

/// What a file may begin with, and no field holds.
const EXTENDS: &[Key] = &[Key::new("extends", Kind::Words(&BUILTINS), &[],
    "The shipped profile that fills what the file leaves out. Without it that is the shipped profile of the same name, else \
     balanced.", &[]).called("Built on")
    .role(Role::Directive)];

bind!(AUDIO: AudioSettings {
    period_frames: Key::new("audio.period_frames", whole(64, 8_192), &["256", "512", "1024"],
        "Frames that a device hands over at once; at 48 kHz, 480 frames are 10 ms. Sound waits for about one period on the way \
         in and one to two on the way out. A short period wakes the processor more often; a device that stutters is given a \
         longer one automatically.",
        &[
            "256 are 5.3 ms: what common devices hold without stutter.",
            "512 are 10.7 ms: half the wake-ups of 256, and calm on a busy machine.",
            "1024 are 21 ms: the fewest wake-ups, and safe with wireless devices.",
        ]).called("Sound buffer of the devices").applies(NextPause),
    resampler_taps: Key::new("audio.resampler_taps", Kind::Whole { from: 16, to: 512, step: 8 }, &["64", "64", "128"],
        "Length of the filter that changes sample rates. A longer one is cleaner and later.",
        &[
            "64 delay speech by 0.6 ms and damp what folds over from 10 kHz by 69 dB (measured).",
            "64 delay speech by 0.6 ms and damp what folds over from 10 kHz by 69 dB (measured).",
            "128 delay speech by 1.3 ms and damp what folds over from 10 kHz by more than 140 dB (measured).",
        ]).called("Length of the resampling filter"),
    prebuffer: Key::new("audio.prebuffer_ms", whole(0, 1_000), &["0", "20", "40", "40"],
        "Reply audio gathered before it is played, in milliseconds. It grows while replies stutter.",
        &[
            "0 plays the first packet at once: nothing is added, and a network that jitters is heard once.",
            "20 hides the spread with which packets usually arrive, and is not noticed.",
            "40 hides two late packets of 20 ms.",
            "40 hides two late packets of 20 ms: mobile lines jitter.",
        ]).called("Reply buffer"),
    preroll: Key::new("audio.preroll_ms", whole(0, 1_000), &["200", "300", "400", "200"],
        "Sound from before the onset that is sent along, in milliseconds, so that no first syllable is cut. It costs no time, \
         only 32 bytes per millisecond.",
        &[
            "200 covers the onset needed here (60 to 100 ms) and the voiceless consonant before it.",
            "300 keeps soft beginnings too.",
            "400 keeps a breath and soft beginnings.",
            "200 covers the onset needed here and the voiceless consonant before it, for 4 kB less an utterance than balanced.",
        ]).called("Sound kept from before you speak"),
    echo_cancellation: Key::new("audio.echo_cancellation", Kind::Words(EchoCancellation::WORDS), &["auto"],
        "Whether the reply is removed from the microphone signal: `auto` with loudspeakers, and with a headset that leaks. It \
         adds 8 ms. With a headset it would remove the first words.", &[]),
    noise_suppression: Key::new("audio.noise_suppression", Kind::Words(NoiseSuppressor::WORDS), &["off", "light", "on"],
        "Removes noise: `light` and `on` lower steady noise by about 6 and 12 dB and add 6 ms; `keyboard` also lowers noise \
         that comes and goes, by a neural network, and adds 10 ms.",
        &[
            "Off here: it would add 6 ms, and a headset hears little noise.",
            "Light here: 6 ms for a fan that is not sent along.",
            "On here: rooms with noise are what this profile is for.",
        ]),
    gain_control: Key::new("audio.gain_control", Kind::OnOff, &["off", "on", "on"],
        "Raises quiet voices and lowers loud ones.",
        &[
            "Off here: nothing is added to the sound.",
            "On here: who leans back is heard as well.",
            "On here: who leans back is heard as well.",
        ]).called("Even out your loudness"),
});

bind!(DETECTOR: DetectorSettings {
    kind: Key::new("detector.kind", Kind::Words(VadKind::WORDS), &["webrtc", "earshot", "earshot"],
        "`webrtc` (webrtc-vad) hears speech after 50 ms in quiet, but a fan or a keyboard can hold it on. `earshot`, a small \
         neural network, hears it 38 to 58 ms later (median, clean speech), and neither does.",
        &[
            "webrtc here: it is the quicker one.",
            "earshot here: rooms have fans and keyboards.",
            "earshot here: rooms have fans and keyboards.",
        ]).called("Speech detector"),
    aggressiveness: Key::new("detector.aggressiveness", whole(0, 3), &["2"],
        "Mode of webrtc-vad, or threshold of earshot: 0 lets much through, 3 little. Measured with webrtc on speech with known \
         bounds: 2 starts after about 50 ms of clean speech and misses 0.0 % of it; 0 takes a fan for speech ten times a \
         minute, 3 misses a tenth of a quiet talker.", &[]).called("Strictness of the detector"),
    onset_idle: Key::new("detector.onset_idle_ms", whole(10, 1_000), &["60", "40", "50"],
        "Voiced sound needed for an onset while nothing is played, in milliseconds.",
        &[
            "60 is the shortest that a click or a cough does not pass.",
            "40 with earshot: an onset after 96 ms of clean speech (median, measured), and none in a minute of keyboard or fan.",
            "50 with earshot: 10 ms more than balanced, for rooms with noise, where a false onset costs more than that.",
        ]).called("Speech that starts a turn"),
    onset_playing: Key::new("detector.onset_playing_ms", whole(10, 1_000), &["100", "60", "70"],
        "The same while a reply is played, where a false onset cuts the reply. Not less than `onset_idle_ms`.",
        &[
            "100 leaves some room for a reply that leaks into the microphone.",
            "60 with earshot: no onset in a minute of keyboard or fan.",
            "70 with earshot: 10 ms more than balanced.",
        ]).called("Speech that interrupts a reply"),
});

bind!(TURN: TurnSettings {
    detection: Key::new("turn.detection", Kind::Words(Detection::WORDS), &["manual"],
        "Who finds the bounds of a turn: `manual` is our detector (sooner, and silence is not sent), `automatic` is that of the \
         service (everything that is heard is sent and paid for).", &[]).called("Who notices the end of your turn").applies(NextConnection),
    patience: Key::new("turn.patience_ms", whole(100, 5_000), &["300", "500", "700"],
        "Silence after which a turn is over, in milliseconds. All of it is waited for.",
        &[
            "300 is the least at which most pauses within a sentence (200 to 500 ms) are survived; who thinks aloud is cut off.",
            "500 is the upper end of the pauses within a sentence (200 to 500 ms).",
            "700 lets a speaker stop and think; every answer comes that much later.",
        ]).called("Pause that ends your turn"),
    eager_endpoint: Key::new("turn.eager_endpoint", Kind::OnOff, &["on", "on", "on", "off"],
        "Closes the turn early: as soon as the service's thinking hides the rest of the patience, after 120 ms of silence at \
         least. The reply is held until patience has run out; if you go on it is dropped and the turn continues. It costs \
         tokens for replies that nobody hears, which are counted. It learns your pauses, and waits for as long as they last.",
        &[
            "On here: answers come sooner.",
            "On here: answers come sooner.",
            "On here: answers come sooner.",
            "Off here: a reply that is dropped has come over the line all the same, at 64 kB a second.",
        ]).called("Answer early"),
    // Below 9, no turn could be closed early at all: the first false endpoint may cost as much (see `turn::early`).
    eager_waste_percent: Key::new("turn.eager_waste_percent", whole(0, 100), &["10"],
        "The most that such replies may cost, in percent of the tokens of the last 20 turns. Where another one might be too \
         many, turns are closed when patience is over, until enough turns went well. 10 is about one dropped reply in 17 turns; \
         below 9 no turn is closed early; 100 is no limit.", &[]).called("Most that early answers may waste"),
    adaptive_patience: Key::new("turn.adaptive_patience", Kind::OnOff, &["on"],
        "Lets patience follow the pauses that you make: from half of `patience_ms` to twice as much.", &[]).called("Follow my pauses"),
    hold_pauses: Key::new("turn.hold_pauses", Kind::OnOff, &["off", "off", "off", "on"],
        "Holds silence within your turn back until you go on, so that the silence at its end is never sent. For `detection: \
         manual` only: the service's own detector needs the silence.",
        &[
            "Off here: a pause is there already when you go on.",
            "Off here: a pause is there already when you go on.",
            "Off here: a pause is there already when you go on.",
            "On here: half a second of silence at the end of each turn is 23 kB.",
        ]).called("Hold silence back"),
    barge_in: Key::new("turn.barge_in", Kind::Words(BargeIn::WORDS), &["auto"],
        "Whether speech interrupts a reply: `auto` unless the microphone would hear the reply.", &[]).called("Interrupt by speaking"),
    backchannel: Key::new("turn.backchannel_ms", whole(0, 2_000), &["400"],
        "A sound over a reply that is over within so many milliseconds lowers the reply but does not end it: an \"uh-huh\", a \
         cough. 400 is longer than most of them.", &[]).called("Short sounds that do not interrupt");
    automatic
});

bind!(AUTOMATIC: AutomaticSettings {
    start_sensitivity: Key::new("turn.automatic.start_sensitivity", Kind::Words(Sensitivity::WORDS), &[DEFAULT_WORD],
        "How readily a start of speech is believed.", &[]).or(DEFAULT_WORD).applies(NextConnection),
    end_sensitivity: Key::new("turn.automatic.end_sensitivity", Kind::Words(Sensitivity::WORDS), &[DEFAULT_WORD],
        "How readily an end of speech is believed.", &[]).or(DEFAULT_WORD).applies(NextConnection),
    prefix_padding: Key::new("turn.automatic.prefix_padding_ms", whole(0, 2_000), &[DEFAULT_WORD],
        "Speech needed before a start counts, in milliseconds.", &[]).called("Speech before a start counts").or(DEFAULT_WORD).applies(NextConnection),
    silence: Key::new("turn.automatic.silence_ms", whole(50, 10_000), &["300", "500", "700"],
        "Silence needed before an end counts, in milliseconds. Long ones feel slow, short ones cut people off.",
        &["300 is the patience of above.", "500 is the patience of above.", "700 is the patience of above."]).called("Silence before an end counts")
        .or(DEFAULT_WORD).applies(NextConnection),
});

bind!(LIVE: LiveSettings {
    model: Key::new("live.model", MODEL, &["gemini-3.8-live"],
        "Name of a Live model; `sovereign doctor --live` lists those that your key can talk to.", &[]).applies(NextConnection),
    voice: Key::new("live.voice", VOICE, &["Kore"],
        "One of the prebuilt voices (Zephyr, Puck, Charon, Kore, Fenrir, Leda, Orus, Aoede ...), or an id of the catalogue \
         such as en-us-tavi (gemini-3.8-live and newer).", &[]).called("Voice of this profile").or(DEFAULT_WORD).applies(NextConnection),
    languages: Key::new("live.languages", LANGUAGES, &[DEFAULT_WORD],
        "What you speak, and are answered in, the usual language first: [de, en-US]. `default` is the language of your system, \
         [] whatever you speak. Transcripts are spelled in these, and an unclear word changes no language.", &[]).called("Languages you speak, with this profile").applies(NextConnection),
    vocabulary: Key::new("live.vocabulary", TERMS, &["[]"],
        "Names and terms that you say and that are misheard: [Ada, Kubernetes].", &[]).called("Names and special words").applies(NextConnection),
    temperature: Key::new("live.temperature", number(0.0, 2.0), &[DEFAULT_WORD],
        "How freely it chooses its words, from 0 (the likeliest) to 2 (far-fetched).", &[]).called("Freedom of wording")
        .or(DEFAULT_WORD).applies(NextConnection),
    thinking: Key::new("live.thinking", Kind::Words(Thinking::WORDS), &[DEFAULT_WORD],
        "How much it thinks before it answers. Thinking costs response time, and only some models take this setting; \
         gemini-3.8-live decides by itself.", &[]).or(DEFAULT_WORD).applies(NextConnection),
    instruction: Key::new("live.instruction", Kind::Text(0, 8_000),
        &["\"You are Sovereign, a voice assistant. You are heard, not read: speak in plain sentences, without lists, markup or \
           emoji. If you did not understand, ask.\""],
        "The system instruction. Date, time zone and locale are added.", &[]).applies(NextConnection),
    answer_length: Key::new("live.answer_length", Kind::Words(AnswerLength::WORDS), &["short", "free", "free", "short"],
        "`short` asks for one or two sentences, `free` for as many as the question needs.",
        &[
            "Short ones are over sooner.",
            "Free ones take the time they need.",
            "Free ones take the time they need.",
            "Short ones here: a second of an answer is 64 kB, more than a second of a question.",
        ])
        .applies(NextConnection),
    reply_transcript: Key::new("live.reply_transcript", Kind::Flag, &["true", "true", "true", "false"],
        "Whether answers are written down as well as spoken. Without it an answer has no words in the window, in the terminal, in \
         JSON or in kept conversations, and cannot be searched for; yours are there. A new session is told what you said, not \
         what was answered. A model that writes its answers down all the same is shown as usual.",
        &[
            "On here: what was said can be read and found again.",
            "On here: what was said can be read and found again.",
            "On here: what was said can be read and found again.",
            "Off here: the words of an answer come over the line beside its sound.",
        ]).called("Write answers down").applies(NextConnection),
    google_search: Key::new("live.google_search", Kind::Flag, &["false"],
        "Whether it may search the web. A search takes a second or more and costs extra.", &[]).called("Search the web").applies(NextConnection),
    reply_deadline: Key::new("live.reply_deadline_ms", whole(2_000, 60_000), &["8000"],
        "After so many milliseconds without an answer a notice says so, and you can ask again. The answer is still awaited: the \
         slowest take 16 s.", &[]).called("Time until an answer is called late"),
    // The context window of the Live models is 131 072 tokens.
    compress_at_tokens: Key::new("live.compress_at_tokens", whole(5_000, 128_000), &["16000", "24000", "32000"],
        "When the conversation reaches so many tokens (speech has about 25 a second), the service drops the oldest turns. Each \
         turn is paid for with all that is kept.",
        &[
            "16000: some ten minutes of talk at most, for the least to read before each answer.",
            "24000: a quarter of an hour of talk, at one and a half times the cost of ultra-fast.",
            "32000: twenty minutes of talk, at twice the cost of ultra-fast.",
        ]).called("Forget the oldest turns from").applies(NextConnection),
    compress_to_tokens: Key::new("live.compress_to_tokens", whole(1_000, 127_000), &["8000", "12000", "16000"],
        "Tokens that are left then: fewer than `compress_at_tokens`.", &[]).called("Remember after forgetting").applies(NextConnection),
});

/// Read and checked, but neither shown nor documented.
const OLD: &[Key] = &[
    Key::new(
        "live.language",
        LANGUAGE,
        &[],
        "The old name of `live.languages`.",
        &[],
    )
    .or(DEFAULT_WORD)
    .applies(NextConnection)
    .role(Role::Old),
    Key::new(
        "live.media_resolution",
        Kind::Words(&["low", "medium", "high"]),
        &[],
        "How finely images are read. The program sends none yet.",
        &[],
    )
    .applies(NextConnection)
    .role(Role::Old),
];

bind!(AUTO: AutoSettings {
    among: Key::new("auto.among", PROFILES, &["[ultra-fast, balanced, high-quality]"],
        "The profiles to choose from, from the fastest to the best.", &[]).called("Profiles to choose among"),
    prefer: Key::new("auto.prefer", Kind::Words(Preference::WORDS), &["balance"],
        "What a step to the next better profile is worth: `speed` 10 ms over the target, `balance` 20, `quality` 40. In \
         simulated days of talk `balance` costs 5 ms a turn more than the best choice in hindsight, a rule by the mean of ten \
         turns 19.", &[]).called("Preference"),
    changes_per_hour: Key::new("auto.changes_per_hour", whole(0, 60), &["6"],
        "Changes in an hour at most; 0 keeps the first choice. Most need another connection, which is made in a pause.", &[]).called("Changes in an hour"),
    power_saving: Key::new("auto.power_saving", Kind::OnOff, &["on"],
        "On battery: longer periods, no noise suppression and gain control, a slower redraw of the window.", &[]),
});

bind!(ALERTS: AlertSettings {
    first_audio: Key::new("alerts.first_audio_ms", whole(100, 60_000), &["2000"],
        "The median of your last five turns (three at least), in milliseconds: from the end of the turn to the first audio of \
         the answer that arrives. Beyond 2 seconds people ask whether they were heard.", &[]).called("Alert: first sound arrives after").or(OFF_WORD),
    response: Key::new("alerts.response_ms", whole(100, 60_000), &["5000"],
        "The median response of your last five turns (three at least), in milliseconds: from the end of the turn to the first \
         sound that you hear.", &[]).called("Alert: reply heard after").or(OFF_WORD),
    success_percent: Key::new("alerts.success_percent", whole(1, 100), &["90"],
        "The least share of your last 20 turns (ten at least) that got an answer, in percent. Those that you ended yourself do \
         not count.", &[]).called("Alert: answered turns below").or(OFF_WORD),
    memory_mb: Key::new("alerts.memory_mb", whole(50, 100_000), &["1000"],
        "Resident memory of this program, in millions of bytes. It needs 100 to 150 with the window.", &[]).called("Alert: memory above").or(OFF_WORD),
    memory_growth_mb: Key::new("alerts.memory_growth_mb", whole(10, 100_000), &["100"],
        "Growth of this memory since the start, in millions of bytes, while it continues (by its slope over 45 minutes).", &[]).called("Alert: memory grows by")
        .or(OFF_WORD),
    cpu_percent: Key::new("alerts.cpu_percent", whole(1, 100), &["80"],
        "The load of all processors together, as the mean of ten seconds, in percent; without this program's own share, unless \
         sound was lost. Beyond 80 sound begins to wait.", &[]).called("Alert: processor load above").or(OFF_WORD),
    interruptions_percent: Key::new("alerts.interruptions_percent", whole(1, 100), &["15"],
        "The share of the answers to your last 20 turns that you interrupt, in percent.", &[]).called("Alert: interrupted answers above").or(OFF_WORD),
    cut_offs_percent: Key::new("alerts.cut_offs_percent", whole(1, 100), &["10"],
        "The share of your last 20 turns that were closed too early, in percent: you went on within a second.", &[]).called("Alert: turns cut off above")
        .or(OFF_WORD),
    stutters: Key::new("alerts.stutters", whole(1, 100), &["3"],
        "Times within ten seconds that an answer ran dry before its end.", &[]).called("Alert: stutters").or(OFF_WORD),
});

/// A profile that does not choose among others has no values for its rows.
impl Keyed for Option<AutoSettings> {
    fn take(values: &mut dyn Iterator<Item = Value>) -> Option<Self> {
        let values: Vec<Value> = values.take(AUTO.len()).collect();
        if values.iter().all(|value| *value == Value::None) {
            return Some(None);
        }
        AutoSettings::take(&mut values.into_iter()).map(Some)
    }

    fn give(&self, to: &mut Vec<Value>) {
        match self {
            Some(auto) => auto.give(to),
            None => to.extend(AUTO.iter().map(|_| Value::None)),
        }
    }
}
