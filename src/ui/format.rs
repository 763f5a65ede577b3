//! Formats numbers and states for the window. Pure: nothing is drawn here.

use std::time::{Duration, Instant};

use crate::audio::StreamInfo;
use crate::base::printable::is_hidden;
use crate::base::text::{decimal, t};
use crate::base::units::Dbfs;
use crate::conversation::snapshot::{
    Activity, CheckLine, CheckStatus, CheckStep, Link, Snapshot, TalkView,
};
use crate::settings::config::TalkKey;
use crate::telemetry::view::TurnStatistics;
use crate::turn::early::EarlyClose;
use crate::turn::timeline::Latencies;

/// The lowest level that the meter shows, in decibels of full scale.
pub(super) const METER_FLOOR: f32 = -60.0;

/// Placeholder of an unknown value; never 0.
pub(super) const UNKNOWN: &str = "–";

/// Longest foreign text in a label or a banner, in characters: some pages. Captions are shown whole.
const LONGEST_LABEL: usize = 4_000;

/// Milliseconds without the unit: none after the point from 10 on, one below.
pub(super) fn millis(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1e3;
    if ms < 9.95 {
        decimal(ms, 1)
    } else {
        grouped(ms.round() as u64)
    }
}

/// The same for a value that may be unknown, with the unit.
pub(super) fn millis_or_unknown(duration: Option<Duration>) -> String {
    duration.map_or_else(|| UNKNOWN.to_owned(), |d| format!("{} ms", millis(d)))
}

/// A length of time in the units that read best.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 9.95 {
        return format!("{} s", decimal(seconds, 1));
    }
    let whole = seconds.round() as u64;
    let (minutes, hours) = (whole / 60, whole / 3_600);
    match whole {
        0..120 => format!("{whole} s"),
        120..7_200 => format!("{minutes} min"),
        7_200..172_800 => format!("{hours} h {} min", minutes % 60),
        _ => t!("d-h", hours = hours / 24, rest = hours % 24),
    }
}

/// A count in groups of three digits.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

/// A device in use, and the rate of its sound.
pub(super) fn device(stream: &StreamInfo) -> String {
    let khz = f64::from(stream.rate.hz()) / 1e3;
    format!("{} · {khz} kHz", name(&stream.device.name))
}

/// Bytes in the unit that reads best, of 1000.
pub(super) fn bytes(count: u64) -> String {
    let value = count as f64;
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.0} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{} MB", decimal(value / 1e6, 1)),
        _ => format!("{} GB", decimal(value / 1e9, 2)),
    }
}

pub(super) fn megabytes(rss: Option<u64>) -> String {
    rss.map_or_else(
        || UNKNOWN.to_owned(),
        |rss| format!("{} MB", grouped((rss as f64 / 1e6).round() as u64)),
    )
}

/// Percent of one core.
pub(super) fn percent(value: Option<f32>) -> String {
    value.map_or_else(
        || UNKNOWN.to_owned(),
        |v| {
            if v < 10.0 {
                format!("{} %", decimal(v, 1))
            } else {
                format!("{v:.0} %")
            }
        },
    )
}

/// Formats a level; silence has no number.
pub(super) fn decibels(level: Dbfs) -> String {
    if level.0 <= -99.5 {
        format!("{UNKNOWN} dB")
    } else if level.0 < METER_FLOOR {
        // An empty bar shows no number that would contradict it.
        t!("under-db", value = format!("{:.0}", -METER_FLOOR))
    } else if level.0 >= -0.5 {
        "0 dB".to_owned()
    } else {
        format!("\u{2212}{:.0} dB", -level.0)
    }
}

/// The state as one or two words.
pub(super) fn state(snapshot: &Snapshot, now: Instant) -> String {
    if is_checking(snapshot) {
        return t!("checking-the-sound").into();
    }
    match snapshot.activity {
        Activity::Connecting => match retry_in(&snapshot.link, now) {
            Some(seconds) if seconds > 0 => t!("connecting-in", seconds),
            _ => t!("connecting-now").into(),
        },
        Activity::Listening if !snapshot.talk.voice_activation => t!("press-space-to-talk").into(),
        Activity::Listening => t!("listening").into(),
        Activity::UserSpeaks => t!("hearing-you").into(),
        Activity::Held if snapshot.talk.closing => t!("finishing").into(),
        Activity::Held => t!("recording").into(),
        Activity::Thinking => t!("thinking").into(),
        Activity::Answering if snapshot.ducked => t!("listening-go-on-to-interrupt").into(),
        Activity::Answering => t!("answering").into(),
        Activity::Repeating => t!("repeating").into(),
        Activity::Muted => t!("muted").into(),
        Activity::Reconnecting => match retry_in(&snapshot.link, now) {
            Some(seconds) if seconds > 0 => t!("reconnecting-in", seconds),
            _ => t!("reconnecting-now").into(),
        },
        Activity::Offline => t!("offline").into(),
        Activity::NoMicrophone => t!("no-microphone").into(),
        Activity::LimitReached => t!("spend-limit-reached").into(),
    }
}

/// The hint for the user, as a sentence; `typing`: in the field, where Space is a blank. The banner says why
/// there is no connection.
pub(super) fn invitation(snapshot: &Snapshot, typing: bool) -> &'static str {
    match snapshot.activity {
        Activity::Connecting => t!("connecting-now"),
        Activity::Listening if !snapshot.talk.voice_activation => match snapshot.talk.key {
            _ if typing => t!("press-enter-to-send-or"),
            TalkKey::Hold => t!("hold-space-and-speak"),
            TalkKey::Tap => t!("press-space-then-speak"),
        },
        Activity::Listening => t!("speak-whenever-you-like"),
        Activity::UserSpeaks => t!("im-listening"),
        Activity::Held if snapshot.talk.closing => t!("the-microphone-closes-in-a"),
        Activity::Held if snapshot.talk.by_media_key => t!("speak-and-press-again-when"),
        Activity::Held if snapshot.talk.key == TalkKey::Tap => {
            t!("speak-and-press-space-when")
        }
        Activity::Held => t!("speak-and-let-go-when"),
        Activity::Thinking => t!("the-answer-is-on-its"),
        Activity::Answering | Activity::Repeating if snapshot.ducked => t!("go-on-to-interrupt"),
        Activity::Repeating => t!("the-last-answer-again-press"),
        Activity::Answering if snapshot.barge_in.0 => t!("speak-to-interrupt-or-press"),
        Activity::Answering => t!("press-esc-to-stop-the"),
        Activity::Muted => t!("you-are-muted"),
        Activity::LimitReached => t!("nothing-is-heard-until-you-choose"),
        Activity::Reconnecting => t!("reconnecting"),
        Activity::Offline => t!("not-connected"),
        Activity::NoMicrophone if snapshot.input.trouble.is_none() => {
            t!("no-microphone-plug-one-in-and")
        }
        Activity::NoMicrophone => t!("no-microphone-plug-one-in"),
    }
}

/// What the service is called, in the middle of a sentence.
pub(super) fn service_name(snapshot: &Snapshot) -> &'static str {
    if snapshot.demo {
        t!("the-demo")
    } else if snapshot.local {
        t!("the-local-server")
    } else if snapshot.service.is_own {
        t!("your-server")
    } else {
        t!("gemini")
    }
}

/// What the talk key does: beside the name of the key, and as the name of a button.
pub(super) fn talk_key(snapshot: &Snapshot) -> (&'static str, &'static str) {
    let is_open = snapshot.activity == Activity::Held && !snapshot.talk.closing;
    match (snapshot.talk.key, is_open) {
        (TalkKey::Hold, _) => (t!("hold-to-talk-lower"), t!("hold-to-talk")),
        (TalkKey::Tap, false) => (t!("tap-to-talk-lower"), t!("tap-to-talk")),
        (TalkKey::Tap, true) => (t!("tap-to-end-lower"), t!("tap-to-end")),
    }
}

/// The text in place of a conversation that has not begun.
pub(super) fn first_words(talk: TalkView) -> &'static str {
    match talk.key {
        TalkKey::Hold => {
            t!("your-conversation-will-appear-here-just")
        }
        TalkKey::Tap => {
            t!("your-conversation-will-appear-here-tap")
        }
    }
}

/// The patience that the profile in use sets; `None` where one is chosen among others.
pub(super) fn set_patience(snapshot: &Snapshot) -> Option<Duration> {
    let chosen = snapshot.profiles.get(snapshot.chosen);
    let profile = chosen.filter(|_| snapshot.auto.is_none())?;
    Some(profile.turn.patience)
}

/// The patience now, where it has followed the user's pauses away from what is `set`.
fn followed(figures: &TurnStatistics, set: Option<Duration>) -> Option<(Duration, Duration)> {
    let (now, set) = (figures.patience?, set?);
    (now.abs_diff(set) >= Duration::from_millis(1)).then_some((now, set))
}

/// The patience, how early turns are closed, or why not, and the cost of false endpoints. `set`: what the profile says.
pub(super) fn early(figures: &TurnStatistics, set: Option<Duration>) -> String {
    let close = match figures.early {
        EarlyClose::After(silence) => t!(
            "closed-early-at",
            silence = millis_or_unknown(Some(silence))
        ),
        EarlyClose::Off => t!("not-closed-early").to_owned(),
        EarlyClose::Needless => t!("early-close-off-nothing-to").to_owned(),
        EarlyClose::Pauses => t!("early-close-off-your-pauses").to_owned(),
        // The smallest share that pays for a dropped answer: see `turn/early/budget.rs`.
        EarlyClose::Never => t!("early-close-off-eager-waste").to_owned(),
        EarlyClose::Spent => t!("early-close-off-it-did").to_owned(),
    };
    let patience = millis_or_unknown(figures.patience);
    let mut words = match followed(figures, set) {
        Some((_, set)) => t!("patience-that-follows", patience, set = millis(set), close),
        None => t!("patience-and-close", patience, close),
    };
    let wanted = !matches!(
        figures.early,
        EarlyClose::Off | EarlyClose::Needless | EarlyClose::Never
    );
    if wanted || figures.turns.false_endpoints > 0 {
        let tokens = match figures.turns.wasted_tokens {
            0 => String::new(),
            few @ 1..1_000 => t!("in-few-tokens", few),
            many => t!(
                "in-thousands-of-tokens",
                amount = decimal(many as f64 / 1e3, 1)
            ),
        };
        let vain = grouped(figures.turns.false_endpoints);
        words += &t!("closed-too-early", vain, tokens);
    }
    words
}

/// The tooltip that explains it in full.
pub(super) fn about_early(figures: &TurnStatistics, set: Option<Duration>) -> String {
    let now = match figures.early {
        EarlyClose::After(_) => "",
        EarlyClose::Off => {
            t!("now-it-is-off-the-profile")
        }
        EarlyClose::Needless => {
            t!("now-it-is-off-the")
        }
        EarlyClose::Pauses => {
            t!("now-it-is-off-you")
        }
        EarlyClose::Never => {
            t!("now-it-is-off-eager")
        }
        EarlyClose::Spent => {
            t!("now-it-is-off-in")
        }
    };
    let follows = followed(figures, set).map_or_else(String::new, |(now, set)| {
        t!(
            "patience-follows-your-pauses",
            now = millis(now),
            set = millis(set)
        )
    });
    follows + &t!("a-turn-is-closed-towards", now)
}

/// Whether a microphone gives a narrow band: hands-free Bluetooth gives half of 16 kHz at best, others take 44.1 or 48 kHz.
pub(super) fn is_narrowband(snapshot: &Snapshot) -> bool {
    const HANDS_FREE_HZ: u32 = 16_000;
    let stream = snapshot.input.stream.as_ref();
    stream.is_some_and(|stream| stream.rate.hz() <= HANDS_FREE_HZ)
}

/// A step of the sound check as a title, and what happens in it.
pub(super) fn check_step(step: CheckStep) -> (&'static str, &'static str) {
    match step {
        CheckStep::Quiet => (t!("be-quiet"), t!("measuring-background-noise")),
        CheckStep::Speak => (t!("say-a-sentence"), t!("speak-as-you-would-to")),
        CheckStep::Chirp => (
            t!("a-sound-from-the-speaker"),
            t!("the-microphone-listens-for-it"),
        ),
        CheckStep::Over => (t!("done"), ""),
    }
}

/// What was found, in a few words.
pub(super) fn check_verdict(lines: &[CheckLine]) -> &'static str {
    let has = |status| lines.iter().any(|line| line.status == status);
    if has(CheckStatus::Bad) {
        t!("something-does-not-work")
    } else if has(CheckStatus::Warn) {
        t!("works-with-room-to-improve")
    } else {
        t!("everything-works")
    }
}

/// Whether the sound is being checked now.
pub(super) fn is_checking(snapshot: &Snapshot) -> bool {
    let check = snapshot.check.as_ref();
    check.is_some_and(|check| check.step != CheckStep::Over)
}

/// The link in the footer.
pub(super) fn link(snapshot: &Snapshot, now: Instant) -> String {
    match &snapshot.link {
        Link::Connecting { attempt: 0 | 1 } => t!("connecting").into(),
        Link::Connecting { attempt } => t!("connecting-attempt", attempt),
        Link::Connected { since, .. } => {
            let minutes = now.saturating_duration_since(*since).as_secs() / 60;
            match minutes {
                0 => t!("connected").into(),
                1..120 => t!("connected-minutes", minutes),
                _ => t!(
                    "connected-hours",
                    minutes = minutes / 60,
                    rest = minutes % 60
                ),
            }
        }
        Link::Down { .. } => t!("not-connected-lower").into(),
    }
}

/// Where sound goes.
pub(super) fn privacy(snapshot: &Snapshot) -> &'static str {
    if snapshot.demo || snapshot.local {
        t!("nothing-leaves-this-computer")
    } else if snapshot.muted {
        t!("muted-no-audio-leaves-this")
    } else if snapshot.spending.closed {
        t!("spend-limit-reached-no-audio")
    } else if !matches!(snapshot.link, Link::Connected { .. }) {
        t!("not-connected-no-audio-leaves")
    } else if snapshot.input.stream.is_none() {
        t!("no-microphone-no-audio-leaves")
    } else if !snapshot.talk.voice_activation {
        t!("audio-leaves-this-computer-only")
    } else {
        t!("audio-leaves-this-computer-while")
    }
}

/// Whole seconds until the next attempt, rounded up.
pub(super) fn retry_in(link: &Link, now: Instant) -> Option<u64> {
    match link {
        Link::Down {
            retry_at: Some(at), ..
        } => Some(
            at.saturating_duration_since(now)
                .as_millis()
                .div_ceil(1_000) as u64,
        ),
        Link::Down { .. } | Link::Connecting { .. } | Link::Connected { .. } => None,
    }
}

/// How long the user waited since the last word, as the end of a tooltip; nothing where no silence was waited for.
pub(super) fn whole_wait(latencies: &Latencies) -> String {
    match (latencies.endpointing, latencies.total) {
        (Some(_), Some(total)) => t!("with-that-silence-you-waited", total = millis(total)),
        (None, _) | (_, None) => String::new(),
    }
}

/// The parts as a sum, for those who cannot see the bar.
pub(super) fn sum_of_parts(latencies: &Latencies) -> String {
    let parts = [
        (t!("sending"), latencies.uplink),
        (t!("service-and-internet"), latencies.server),
        (t!("playing"), latencies.downlink),
    ];
    let sum: Vec<String> = parts
        .into_iter()
        .filter_map(|(name, part)| Some(format!("{name} {}", millis(part?))))
        .collect();
    if sum.is_empty() {
        return t!("no-reply-yet").into();
    }
    t!(
        "sum-is-reply-time",
        parts = sum.join(" + "),
        response = millis_or_unknown(latencies.response)
    )
}

/// The same text with its first letter in capitals, unless it begins with a name that is written as it is: a file, an
/// address, something quoted.
pub(super) fn capitalised(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    let plain = first.trim_end_matches([':', ',', '.', '!', '?', '…']);
    let is_word = plain
        .chars()
        .all(|c| c.is_alphabetic() || matches!(c, '\'' | '’' | '-'));
    let mut rest = text.chars();
    match rest
        .next()
        .filter(|_| is_word && !plain.chars().skip(1).any(char::is_uppercase))
    {
        Some(letter) => letter.to_uppercase().chain(rest).collect(),
        None => text.to_owned(),
    }
}

/// Words of a stranger, made safe to show: nothing that moves the cursor, turns the direction of the text or cannot be
/// seen. Shortened to some pages.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST_LABEL * 4));
    let mut chars = without_escapes(text);
    for c in chars.by_ref().take(LONGEST_LABEL) {
        out.push(c);
    }
    let rest = chars.count() as u64;
    if rest > 0 {
        out.push_str(&t!("more-characters-left", rest = grouped(rest)));
    }
    out
}

/// The name of something, made safe to show in one line: shortened, still distinguishable, and never empty.
pub(super) fn name(name: &str) -> String {
    const MOST: usize = 80;
    let clean = clean(name);
    let clean = clean.trim().replace('\n', " ");
    match clean.char_indices().nth(MOST) {
        _ if clean.is_empty() => t!("without-a-name").to_owned(),
        Some((end, _)) => format!("{}…", &clean[..end]),
        None => clean,
    }
}

/// The same of a text that is shown whole, however long it is.
pub(super) fn clean_whole(text: &str) -> String {
    without_escapes(text).collect()
}

/// The characters of a text without terminal sequences (`ESC [ … letter`), control characters and marks of direction.
fn without_escapes(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        loop {
            match chars.next()? {
                '\u{1b}' => {
                    if chars.next_if_eq(&'[').is_some() {
                        while chars
                            .next_if(|c| !('\u{40}'..='\u{7e}').contains(c))
                            .is_some()
                        {}
                        chars.next();
                    }
                }
                '\t' => return Some(' '),
                '\n' => return Some('\n'),
                c if is_hidden(c) => {}
                c => return Some(c),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: f64) -> Duration {
        Duration::from_secs_f64(ms / 1e3)
    }

    #[test]
    fn milliseconds_have_one_decimal_below_ten() {
        let table = [
            (0.0, "0.0"),
            (0.84, "0.8"),
            (9.94, "9.9"),
            (9.96, "10"),
            (268.4, "268"),
            (12_345.0, "12\u{a0}345"),
        ];
        for (given, wanted) in table {
            assert_eq!(millis(ms(given)), wanted);
        }
        assert_eq!(millis_or_unknown(None), "–");
    }

    #[test]
    fn a_length_of_time_has_one_unit_or_two() {
        for (seconds, wanted) in [
            (0.42, "0.4 s"),
            (12.0, "12 s"),
            (119.4, "119 s"),
            (600.0, "10 min"),
            (7_560.0, "2 h 6 min"),
            (200_000.0, "2 d 7 h"),
        ] {
            assert_eq!(span(Duration::from_secs_f64(seconds)), wanted);
        }
    }

    #[test]
    fn counts_bytes_and_levels_read_well() {
        assert_eq!(grouped(8_140), "8\u{a0}140");
        assert_eq!(grouped(140), "140");
        assert_eq!(
            [bytes(12), bytes(93_000), bytes(1_230_000)],
            ["12 B", "93 kB", "1.2 MB"]
        );
        assert_eq!(megabytes(Some(61_400_000)), "61 MB");
        assert_eq!(
            [percent(Some(1.34)), percent(Some(42.4)), percent(None)],
            ["1.3 %", "42 %", "–"]
        );
        assert_eq!(decibels(Dbfs(-18.2)), "\u{2212}18 dB");
        assert_eq!(decibels(Dbfs::SILENCE), "– dB");
        assert_eq!(decibels(Dbfs(-74.0)), "under \u{2212}60 dB");
        assert_eq!(decibels(Dbfs(-59.6)), "\u{2212}60 dB");
        assert_eq!(decibels(Dbfs(0.0)), "0 dB");
    }

    #[test]
    fn the_sum_names_the_parts_that_exist() {
        let mut latencies = Latencies {
            uplink: Some(ms(1.0)),
            server: Some(ms(248.0)),
            downlink: Some(ms(19.0)),
            response: Some(ms(268.0)),
            ..Latencies::default()
        };
        assert_eq!(
            sum_of_parts(&latencies),
            "sending 1.0 + service and internet 248 + playing 19 = reply time 268 ms"
        );
        latencies.uplink = None;
        assert_eq!(
            sum_of_parts(&latencies),
            "service and internet 248 + playing 19 = reply time 268 ms"
        );
        assert_eq!(sum_of_parts(&Latencies::default()), "no reply yet");
    }

    #[test]
    fn strangers_cannot_move_the_cursor_or_turn_the_text() {
        assert_eq!(
            clean("a\u{1b}[31;1mred\u{1b}[0m\u{202e}b\u{7}\r\tc\nd"),
            "aredb c\nd"
        );
        assert_eq!(clean("\u{1b}["), "");
        assert_eq!(clean("👩\u{200d}🚀 שלום"), "👩\u{200d}🚀 שלום");
    }

    #[test]
    fn sentences_begin_with_a_capital_and_names_as_they_are_written() {
        for (text, found) in [
            ("the service refuses the key", "The service refuses the key"),
            (
                "configuration file: no profile",
                "Configuration file: no profile",
            ),
            ("über alles", "Über alles"),
            ("config.yaml:3: faulty", "config.yaml:3: faulty"),
            ("/home/me/x cannot be read", "/home/me/x cannot be read"),
            ("`panel` is 9", "`panel` is 9"),
            ("wss://gate.example is away", "wss://gate.example is away"),
            ("eGPU was unplugged", "eGPU was unplugged"),
            ("Already so", "Already so"),
            ("שלום", "שלום"),
            ("", ""),
        ] {
            assert_eq!(capitalised(text), found);
        }
    }

    #[test]
    fn a_name_is_one_short_line_and_never_empty() {
        assert_eq!(name("USB microphone"), "USB microphone");
        assert_eq!(name(" \u{1b}[31mred\nmic\u{202e} "), "red mic");
        assert_eq!([name(""), name("\u{7}")], ["(without a name)"; 2]);
        assert_eq!(name(&"é".repeat(10 << 10)).chars().count(), 81);
    }

    #[test]
    fn a_book_is_shortened_and_says_so() {
        let shown = clean(&"x".repeat(1 << 20));
        assert!(
            shown.ends_with("(1\u{a0}044\u{a0}576 more characters)"),
            "{}",
            &shown[LONGEST_LABEL..]
        );
    }

    #[test]
    fn the_countdown_ends_at_zero() {
        let now = Instant::now();
        let link = |retry_at| Link::Down {
            what: String::new(),
            hint: String::new(),
            retry_at,
            key_refused: false,
        };
        assert_eq!(retry_in(&link(Some(now + ms(3_400.0))), now), Some(4));
        assert_eq!(retry_in(&link(Some(now)), now + ms(5.0)), Some(0));
        assert_eq!(retry_in(&link(None), now), None);
    }
}
