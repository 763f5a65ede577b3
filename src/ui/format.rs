//! Formats numbers and states for the window. Pure: nothing is drawn here.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::base::printable::is_hidden;
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
        format!("{ms:.1}")
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
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let (minutes, hours) = (whole / 60, whole / 3_600);
    match whole {
        0..120 => format!("{whole} s"),
        120..7_200 => format!("{minutes} min"),
        7_200..172_800 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} d {} h", hours / 24, hours % 24),
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

/// Bytes in the unit that reads best, of 1000.
pub(super) fn bytes(count: u64) -> String {
    let value = count as f64;
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.0} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.2} GB", value / 1e9),
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
                format!("{v:.1} %")
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
        format!("under \u{2212}{:.0} dB", -METER_FLOOR)
    } else if level.0 >= -0.5 {
        "0 dB".to_owned()
    } else {
        format!("\u{2212}{:.0} dB", -level.0)
    }
}

/// The state as one or two words.
pub(super) fn state(snapshot: &Snapshot, now: Instant) -> String {
    if is_checking(snapshot) {
        return "Checking the sound".into();
    }
    match snapshot.activity {
        Activity::Connecting => match retry_in(&snapshot.link, now) {
            Some(seconds) if seconds > 0 => format!("Connecting in {seconds} s"),
            _ => "Connecting".into(),
        },
        Activity::Listening if !snapshot.talk.voice_activation => "Press Space to talk".into(),
        Activity::Listening => "Listening".into(),
        Activity::UserSpeaks => "Hearing you".into(),
        Activity::Held if snapshot.talk.closing => "Finishing…".into(),
        Activity::Held => "Recording…".into(),
        Activity::Thinking => "Thinking".into(),
        Activity::Answering if snapshot.ducked => "Listening: go on to interrupt".into(),
        Activity::Answering => "Answering".into(),
        Activity::Repeating => "Repeating".into(),
        Activity::Muted => "Muted".into(),
        Activity::Reconnecting => match retry_in(&snapshot.link, now) {
            Some(seconds) if seconds > 0 => format!("Reconnecting in {seconds} s"),
            _ => "Reconnecting".into(),
        },
        Activity::Offline => "Offline".into(),
        Activity::NoMicrophone => "No microphone".into(),
        Activity::LimitReached => "Spend limit reached".into(),
    }
}

/// The hint for the user, as a sentence; `typing`: in the field, where Space is a blank.
pub(super) fn invitation(snapshot: &Snapshot, typing: bool) -> Cow<'static, str> {
    if let Activity::Connecting | Activity::Reconnecting | Activity::Offline = snapshot.activity
        && let Some(words) = snapshot.no_link()
    {
        return words.into();
    }
    invitation_to(snapshot, typing).into()
}

fn invitation_to(snapshot: &Snapshot, typing: bool) -> &'static str {
    match snapshot.activity {
        Activity::Connecting => "Connecting",
        Activity::Listening if !snapshot.talk.voice_activation => match snapshot.talk.key {
            _ if typing => "Press Enter to send, or Esc and then Space to speak",
            TalkKey::Hold => "Hold Space and speak",
            TalkKey::Tap => "Press Space, then speak",
        },
        Activity::Listening => "Speak whenever you like",
        Activity::UserSpeaks => "I'm listening",
        Activity::Held if snapshot.talk.closing => "The microphone closes in a moment",
        Activity::Held if snapshot.talk.key == TalkKey::Tap => {
            "Speak, and press Space when you are done"
        }
        Activity::Held => "Speak, and let go when you are done",
        Activity::Thinking => "The answer is on its way",
        Activity::Answering | Activity::Repeating if snapshot.ducked => "Go on to interrupt",
        Activity::Repeating => "The last answer again. Press Esc to stop it",
        Activity::Answering if snapshot.barge_in.0 => "Speak to interrupt, or press Esc",
        Activity::Answering => "Press Esc to stop the reply",
        Activity::Muted => "You are muted",
        Activity::LimitReached => "Nothing is heard until you choose Go on",
        Activity::Reconnecting => "Reconnecting…",
        Activity::Offline => "Not connected",
        Activity::NoMicrophone if snapshot.input.trouble.is_none() => {
            "No microphone: plug one in, and start again"
        }
        Activity::NoMicrophone => "No microphone: plug one in, or choose one under Sound",
    }
}

/// What the service is called, in the middle of a sentence.
pub(super) fn service_name(snapshot: &Snapshot) -> &'static str {
    if snapshot.demo {
        "the demo"
    } else if snapshot.local {
        "the local server"
    } else if snapshot.service.is_own {
        "your server"
    } else {
        "Gemini"
    }
}

/// What the talk key does: beside the name of the key, and as the name of a button.
pub(super) fn talk_key(snapshot: &Snapshot) -> (&'static str, &'static str) {
    let is_open = snapshot.activity == Activity::Held && !snapshot.talk.closing;
    match (snapshot.talk.key, is_open) {
        (TalkKey::Hold, _) => ("hold to talk", "Hold to talk"),
        (TalkKey::Tap, false) => ("tap to talk", "Tap to talk"),
        (TalkKey::Tap, true) => ("tap to end", "Tap to end"),
    }
}

/// The text in place of a conversation that has not begun.
pub(super) const fn first_words(talk: TalkView) -> &'static str {
    match talk.key {
        TalkKey::Hold => {
            "Your conversation will appear here. Just speak, or hold Space to talk, press / to type and Esc to stop a reply."
        }
        TalkKey::Tap => {
            "Your conversation will appear here. Tap Space to talk and again to end; press / to type and Esc to stop a reply."
        }
    }
}

/// How early turns are closed, or why not, and the cost of false endpoints.
pub(super) fn early(figures: &TurnStatistics) -> String {
    let close = match figures.early {
        EarlyClose::After(silence) => format!("closed at {}", millis_or_unknown(Some(silence))),
        EarlyClose::Off => "not closed early".to_owned(),
        EarlyClose::Needless => "early close off: nothing to gain".to_owned(),
        EarlyClose::Pauses => "early close off: your pauses last as long".to_owned(),
        // The smallest share that pays for a dropped answer: see `turn/early/budget.rs`.
        EarlyClose::Never => "early close off: eager_waste_percent is below 9".to_owned(),
        EarlyClose::Spent => "early close off: it did not pay in the last 20 turns".to_owned(),
    };
    let mut words = format!("patience {}, {close}", millis_or_unknown(figures.patience));
    let wanted = !matches!(
        figures.early,
        EarlyClose::Off | EarlyClose::Needless | EarlyClose::Never
    );
    if wanted || figures.turns.false_endpoints > 0 {
        let tokens = match figures.turns.wasted_tokens {
            0 => String::new(),
            few @ 1..1_000 => format!(" ({few} tokens)"),
            many => format!(" ({:.1} k tokens)", many as f64 / 1e3),
        };
        let vain = grouped(figures.turns.false_endpoints);
        words += &format!(" · {vain} closed too early{tokens}");
    }
    words
}

/// The tooltip that explains it in full.
pub(super) fn about_early(figures: &TurnStatistics) -> String {
    let now = match figures.early {
        EarlyClose::After(_) => "",
        EarlyClose::Off => {
            "Now it is off: the profile says so, or the service finds the ends of turns itself. "
        }
        EarlyClose::Needless => {
            "Now it is off: the service answers so soon that nothing would be gained. "
        }
        EarlyClose::Pauses => {
            "Now it is off: you often go on after pauses as long as patience. It comes back by itself when you pause less. "
        }
        EarlyClose::Never => {
            "Now it is off: `eager_waste_percent` is below 9, which does not pay for one dropped answer in 20 turns. "
        }
        EarlyClose::Spent => {
            "Now it is off: in the last 20 turns, dropped answers have used all the tokens that the profile allows. It comes \
             back by itself after some turns. "
        }
    };
    format!(
        "A turn is closed towards the service early, and its answer held until your silence has lasted as long as patience. \
         If you go on, the answer is dropped unheard: closed too early. {now}In the profile's file, under `turn:`, \
         `eager_waste_percent` limits what that may cost, and `eager_endpoint: off` switches it off."
    )
}

/// Whether a microphone gives a narrow band: hands-free Bluetooth gives half of 16 kHz at best, others take 44.1 or 48 kHz.
pub(super) fn is_narrowband(snapshot: &Snapshot) -> bool {
    const HANDS_FREE_HZ: u32 = 16_000;
    let stream = snapshot.input.stream.as_ref();
    stream.is_some_and(|stream| stream.rate.hz() <= HANDS_FREE_HZ)
}

/// A step of the sound check as a title, and what happens in it.
pub(super) const fn check_step(step: CheckStep) -> (&'static str, &'static str) {
    match step {
        CheckStep::Quiet => ("Be quiet", "Measuring background noise…"),
        CheckStep::Speak => ("Say a sentence", "Speak as you would to the assistant."),
        CheckStep::Chirp => (
            "A sound from the speaker",
            "The microphone listens for it. Be quiet again.",
        ),
        CheckStep::Over => ("Done", ""),
    }
}

/// What was found, in a few words.
pub(super) fn check_verdict(lines: &[CheckLine]) -> &'static str {
    let has = |status| lines.iter().any(|line| line.status == status);
    if has(CheckStatus::Bad) {
        "Something does not work"
    } else if has(CheckStatus::Warn) {
        "Works, with room to improve"
    } else {
        "Everything works"
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
        Link::Connecting { attempt: 0 | 1 } => "connecting".into(),
        Link::Connecting { attempt } => format!("connecting, attempt {attempt}"),
        Link::Connected { since, .. } => {
            let minutes = now.saturating_duration_since(*since).as_secs() / 60;
            match minutes {
                0 => "connected".into(),
                1..120 => format!("connected {minutes} min"),
                _ => format!("connected {} h {} min", minutes / 60, minutes % 60),
            }
        }
        Link::Down { .. } => "not connected".into(),
    }
}

/// Where sound goes.
pub(super) fn privacy(snapshot: &Snapshot) -> &'static str {
    if snapshot.demo || snapshot.local {
        "nothing leaves this computer"
    } else if snapshot.muted {
        "muted: no audio leaves this computer"
    } else if snapshot.spending.closed {
        "spend limit reached: no audio leaves this computer"
    } else if !matches!(snapshot.link, Link::Connected { .. }) {
        "not connected: no audio leaves this computer"
    } else if snapshot.input.stream.is_none() {
        "no microphone: no audio leaves this computer"
    } else if !snapshot.talk.voice_activation {
        "audio leaves this computer only for the talk key"
    } else {
        "audio leaves this computer while you speak"
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

/// The parts of a reply time, and what comes before it.
pub(super) const SENDING: &str = "sending";
pub(super) const SERVICE: &str = "service and internet";
pub(super) const PLAYING: &str = "playing";
pub(super) const WAITING: &str = "waiting for you to finish";

/// The parts as a sum, for those who cannot see the bar.
pub(super) fn sum_of_parts(latencies: &Latencies) -> String {
    let parts = [
        (SENDING, latencies.uplink),
        (SERVICE, latencies.server),
        (PLAYING, latencies.downlink),
    ];
    let sum: Vec<String> = parts
        .into_iter()
        .filter_map(|(name, part)| Some(format!("{name} {}", millis(part?))))
        .collect();
    if sum.is_empty() {
        return "no reply yet".into();
    }
    format!(
        "{} = reply time {}",
        sum.join(" + "),
        millis_or_unknown(latencies.response)
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
        out.push_str(&format!(" … ({} more characters)", grouped(rest)));
    }
    out
}

/// The name of something, made safe to show in one line: shortened, still distinguishable, and never empty.
pub(super) fn name(name: &str) -> String {
    const MOST: usize = 80;
    let clean = clean(name);
    let clean = clean.trim().replace('\n', " ");
    match clean.char_indices().nth(MOST) {
        _ if clean.is_empty() => "(without a name)".to_owned(),
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
