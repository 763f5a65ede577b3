//! Days and times as the language of the window writes them.

use jiff::Zoned;
use jiff::civil::Date;

use super::text::t;

/// A time of the day: 14:05.
pub fn clock(at: &Zoned) -> String {
    at.strftime("%H:%M").to_string()
}

/// A moment of this year: 3 Nov 14:05.
pub fn moment(at: &Zoned) -> String {
    let month = nth(t!("months-short"), at.month());
    t!("day-month-time", day = at.day(), month, time = clock(at))
}

/// A day by its name: Tuesday, 3 November; with its year where `in_year` is another.
pub fn day(date: Date, in_year: i16) -> String {
    let weekday = nth(t!("weekdays"), date.weekday().to_monday_one_offset());
    let month = nth(t!("months"), date.month());
    let day = t!("weekday-day-month", weekday, day = date.day(), month);
    if date.year() == in_year {
        day
    } else {
        format!("{day} {}", date.year())
    }
}

/// The name at this place, from one on, of those that blanks part.
fn nth(names: &'static str, place: i8) -> &'static str {
    let place = usize::try_from(place).unwrap_or(0).saturating_sub(1);
    names.split_whitespace().nth(place).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_have_names() {
        let date = jiff::civil::date(2026, 11, 3);
        assert_eq!(day(date, 2026), "Tuesday, 3 November");
        assert_eq!(day(date, 2027), "Tuesday, 3 November 2026");
        let at = date.at(14, 5, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
        assert_eq!(
            at.map(|at| moment(&at)).ok().as_deref(),
            Some("3 Nov 14:05")
        );
    }
}
