//! The connection: its figures now and over a span, marked where they are beyond their limits, with the cause in words.

use std::time::Duration;

use eframe::egui::Ui;

use super::format::{self, UNKNOWN};
use super::icons::Sign;
use super::theme::tokens;
use super::widgets::{marked_row, signed_row, value_row};
use crate::base::text::{decimal, t};
use crate::telemetry::history::Slice;
use crate::telemetry::link_quality::{LARGE_VARIATION, LONG_ROUND_TRIP, MUCH_LOSS_PERCENT};
use crate::telemetry::view::Meters;

/// A figure of the connection.
pub(super) struct LinkFigure {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// What is usually behind it, where it is beyond its limit.
    pub(super) cause: Option<String>,
    /// What it means.
    about: &'static str,
}

/// The figures of this moment.
pub(super) fn now(meters: &Meters) -> [LinkFigure; 6] {
    let connections = match (meters.connections, meters.rolls) {
        (0, _) => t!("none-yet").to_owned(),
        (all, 0) => format::grouped(all),
        (all, planned) => t!(
            "connections-planned",
            all = format::grouped(all),
            planned = format::grouped(planned)
        ),
    };
    [
        round_trip(meters.round_trip, t!("round-trip-of-the-connection")),
        variation(meters.variation, t!("how-much-the-round-trips-differ")),
        loss(meters.loss_percent, t!("how-much-of-what-was-sent")),
        LinkFigure::plain(
            t!("time-to-connect"),
            format::millis_or_unknown(meters.connect),
            t!("what-the-last-connection-took"),
        ),
        LinkFigure::plain(
            t!("connections"),
            connections,
            t!("connections-since-the-start-planned"),
        ),
        a_minute(meters.bytes_per_minute),
    ]
}

/// The round trip, and whatever else is beyond its limit now.
pub(super) fn brief(meters: &Meters) -> Vec<LinkFigure> {
    let [trip, more @ ..] = now(meters);
    let beyond = more.into_iter().filter(|figure| figure.cause.is_some());
    std::iter::once(trip).chain(beyond).collect()
}

/// The figures of a span.
pub(super) fn over(total: &Slice) -> [LinkFigure; 9] {
    let of_ms = |ms: Option<f64>| Duration::try_from_secs_f64(ms? / 1e3).ok();
    let time = |time: Option<Duration>| time.map_or_else(|| UNKNOWN.to_owned(), format::span);
    let percent = |share: Option<f64>| {
        share.map_or_else(
            || UNKNOWN.to_owned(),
            // Rounded down: 100 % is all of the time, and nothing less.
            |share| format!("{} %", decimal((share * 1_000.0).floor() / 10.0, 1)),
        )
    };
    let on_target = match (total.on_target_share(), total.judged) {
        (Some(share), n) => t!(
            "share-of-answers",
            share = percent(Some(share)),
            on_target = format::grouped(total.on_target),
            n = format::grouped(n)
        ),
        (None, _) => UNKNOWN.to_owned(),
    };
    [
        LinkFigure::plain(
            t!("within-the-target"),
            on_target,
            t!("answers-that-you-heard-no"),
        ),
        LinkFigure::plain(
            t!("available"),
            percent(total.availability()),
            t!("the-share-of-the-time"),
        ),
        LinkFigure::plain(
            t!("back-after"),
            time(total.time_to_recovery()),
            t!("how-long-it-took-on"),
        ),
        LinkFigure::plain(
            t!("lost-every"),
            time(total.time_between_failures()),
            t!("how-long-a-connection-lasted"),
        ),
        round_trip(
            of_ms(total.round_trip_ms.mean()),
            t!("mean-round-trip-of-the"),
        ),
        variation(
            of_ms(total.variation_ms.mean()),
            t!("how-much-the-round-trips"),
        ),
        loss(total.loss_percent(), t!("how-much-of-what-was")),
        LinkFigure::plain(
            t!("time-to-connect"),
            format::millis_or_unknown(of_ms(total.connect_ms.mean())),
            t!("what-a-connection-took-on"),
        ),
        a_minute(total.bytes_per_minute().map(|bytes| bytes as u64)),
    ]
}

/// Rows of the figures that are known.
pub(super) fn known_ui(ui: &mut Ui, figures: &[LinkFigure]) {
    let is_known = |figure: &&LinkFigure| figure.value != UNKNOWN;
    figures
        .iter()
        .filter(is_known)
        .for_each(|figure| row_ui(ui, figure));
}

/// Rows of figures; below one beyond its limit, the cause.
pub(super) fn rows_ui(ui: &mut Ui, figures: &[LinkFigure]) {
    figures.iter().for_each(|figure| row_ui(ui, figure));
}

fn row_ui(ui: &mut Ui, figure: &LinkFigure) {
    let LinkFigure { name, value, .. } = figure;
    let Some(cause) = &figure.cause else {
        value_row(ui, None, name, value, figure.about);
        return;
    };
    let mark = (Sign::Triangle, tokens(ui).warn);
    marked_row(ui, name, value, mark, figure.about);
    signed_row(ui, mark, cause);
}

impl LinkFigure {
    fn plain(name: &'static str, value: String, about: &'static str) -> Self {
        Self {
            name,
            value,
            cause: None,
            about,
        }
    }
}

/// How long the way to the service and back takes.
fn round_trip(trip: Option<Duration>, about: &'static str) -> LinkFigure {
    let is_long = trip.is_some_and(|trip| trip > LONG_ROUND_TRIP);
    LinkFigure {
        name: t!("round-trip"),
        value: format::millis_or_unknown(trip),
        cause: is_long.then(|| {
            t!(
                "over-ms-every-answer-comes",
                value = LONG_ROUND_TRIP.as_millis()
            )
        }),
        about,
    }
}

fn variation(by: Option<Duration>, about: &'static str) -> LinkFigure {
    let is_large = by.is_some_and(|by| by > LARGE_VARIATION);
    LinkFigure {
        name: t!("variation"),
        value: format::millis_or_unknown(by),
        cause: is_large.then(|| t!("over-ms-the-line-is", value = LARGE_VARIATION.as_millis())),
        about,
    }
}

fn loss(percent: Option<f64>, about: &'static str) -> LinkFigure {
    let is_much = percent.is_some_and(|percent| percent > MUCH_LOSS_PERCENT);
    LinkFigure {
        name: t!("lost-on-the-way"),
        value: percent.map_or_else(
            || UNKNOWN.to_owned(),
            |percent| format!("{} %", decimal(percent, 1)),
        ),
        cause: is_much.then(|| {
            t!(
                "over-speech-arrives-in-fits",
                much_loss_percent = format!("{:.0}", MUCH_LOSS_PERCENT)
            )
        }),
        about,
    }
}

fn a_minute(bytes: Option<u64>) -> LinkFigure {
    LinkFigure::plain(
        t!("data-a-minute"),
        bytes.map_or_else(|| UNKNOWN.to_owned(), format::bytes),
        t!("bytes-to-and-from-the"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_figure_at_its_limit_is_well_and_one_beyond_it_names_a_cause() {
        let at = Meters {
            round_trip: Some(ms(100)),
            variation: Some(ms(20)),
            loss_percent: Some(2.0),
            connections: 1,
            ..Meters::default()
        };
        assert!(now(&at).iter().all(|figure| figure.cause.is_none()));
        let beyond = Meters {
            round_trip: Some(ms(101)),
            variation: Some(ms(21)),
            loss_percent: Some(2.1),
            ..at
        };
        let causes: Vec<_> = now(&beyond)
            .into_iter()
            .filter_map(|figure| Some((figure.name, figure.cause?)))
            .collect();
        let expected = [
            ("round trip", "Over 100 ms: "),
            ("variation", "Over 20 ms: "),
            ("lost on the way", "Over 2 %: "),
        ];
        assert_eq!(causes.len(), expected.len(), "{causes:?}");
        for ((name, cause), (wanted, begin)) in causes.iter().zip(expected) {
            assert!(*name == wanted && cause.starts_with(begin), "{causes:?}");
        }
    }

    #[test]
    fn what_is_not_known_of_a_span_is_a_dash_and_almost_all_is_not_all() {
        assert!(over(&Slice::default()).iter().all(|f| f.value == UNKNOWN));
        let slice = Slice {
            observed_seconds: 86_400.0,
            connected_seconds: 86_390.0,
            outages: 2,
            outage_seconds: 9.0,
            judged: 8,
            on_target: 6,
            bytes_received: 86_390_000,
            ..Slice::default()
        };
        let values = over(&slice).map(|figure| (figure.name, figure.value));
        for wanted in [
            ("within the target", "75.0 % · 6 of 8"),
            ("available", "99.9 %"),
            ("back after", "4.5 s"),
            ("lost every", "11 h 59 min"),
            ("data a minute", "60 kB"),
        ] {
            let has = |(name, value): &(&str, String)| (*name, value.as_str()) == wanted;
            assert!(values.iter().any(has), "{wanted:?}: {values:?}");
        }
    }
}
