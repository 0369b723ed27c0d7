//! Days and months by the calendar of a place, whose days are 23 to 25 hours long where its clocks change.
//!
//! What they come to is journaled as an instant, so that a later release with other time zones changes nothing that was
//! decided.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::{Span, Timestamp};

/// A time zone of the IANA database, such as `Europe/Paris`.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A text that names no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no time zone of the IANA database, such as \"Europe/Paris\"")]
pub struct NoZone;

/// A time that points live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Term {
    /// So many days.
    Days(u32),
    /// So many months; from the 31st to the last day of a month that has none.
    Months(u32),
}

/// What a term is stretched to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndOf {
    /// The last day of the month that it ends in.
    Month,
    /// The last day of the year that it ends in.
    Year,
}

impl FromStr for Zone {
    type Err = NoZone;

    fn from_str(name: &str) -> Result<Self, NoZone> {
        TimeZone::get(name).map(Self).map_err(|_| NoZone)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or_default())
    }
}

impl Zone {
    /// The first instant of the day that comes `days` days after the one that `time` lies in.
    pub fn start_of_day_after(&self, time: Timestamp, days: u32) -> Timestamp {
        let start = |date: Date| self.start(date.checked_add(jiff::Span::new().try_days(days)?)?);
        self.date(time).and_then(start).unwrap_or_else(|_| time.plus(Span::from_days(days.into())))
    }

    /// The instant at which a term from `time` on is over: the end of its last day.
    pub fn end_of(&self, time: Timestamp, term: Term, end_of: Option<EndOf>) -> Timestamp {
        let end = |from: Date| {
            let last = from.checked_add(match term {
                Term::Days(days) => jiff::Span::new().try_days(days)?,
                Term::Months(months) => jiff::Span::new().try_months(months)?,
            })?;
            let last = match end_of {
                None => last,
                Some(EndOf::Month) => last.last_of_month(),
                Some(EndOf::Year) => last.last_of_year(),
            };
            self.start(last.tomorrow()?)
        };
        // Beyond the year 9999 they never lapse, as far as anybody can say.
        self.date(time).and_then(end).unwrap_or(*Timestamp::SAYABLE.end())
    }

    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The calendar year that `time` lies in.
    pub fn year(&self, time: Timestamp) -> Range<Timestamp> {
        let start = self.date(time).and_then(|date| self.start(date.first_of_year()));
        start.unwrap_or(time)..self.end_of(time, Term::Days(0), Some(EndOf::Year))
    }

    /// The calendar month that `time` lies in.
    pub fn month(&self, time: Timestamp) -> Range<Timestamp> {
        let start = self.date(time).and_then(|date| self.start(date.first_of_month()));
        start.unwrap_or(time)..self.end_of(time, Term::Days(0), Some(EndOf::Month))
    }

    /// The first instant of a day that is written like `2026-01-31`; `None` if it is none.
    pub fn start_of_day(&self, day: &str) -> Option<Timestamp> {
        self.start(day.parse().ok()?).ok()
    }

    fn date(&self, time: Timestamp) -> Result<Date, jiff::Error> {
        Ok(jiff::Timestamp::from_millisecond(time.as_millis())?.to_zoned(self.0.clone()).date())
    }

    /// The first instant of a day; where clocks go forward at midnight it isn't midnight.
    fn start(&self, date: Date) -> Result<Timestamp, jiff::Error> {
        let start = date.to_zoned(self.0.clone())?.start_of_day()?;
        Ok(Timestamp::from_millis(start.timestamp().as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_ends_at_the_place_s_midnight_across_changes_of_its_clocks() {
        // Clocks of 2026 after the EU's directive 2000/84: forward on 29 March, back on 25 October, at 01:00 UTC.
        for (name, time, days, end) in [
            ("Europe/Paris", "2026-03-28T22:59:59Z", 1, "2026-03-29T22:00:00Z"),
            ("Europe/Paris", "2026-03-28T23:00:00Z", 1, "2026-03-30T22:00:00Z"),
            ("Europe/Paris", "2026-10-24T12:00:00Z", 1, "2026-10-25T23:00:00Z"),
            ("UTC", "2026-03-28T23:00:00Z", 1, "2026-03-30T00:00:00Z"),
            // A half hour of its own, and no change of clocks.
            ("Asia/Kolkata", "2026-01-01T18:29:59Z", 1, "2026-01-02T18:30:00Z"),
            // Clocks went forward at midnight: 2018-11-04 began at 01:00, 03:00 UTC.
            ("America/Sao_Paulo", "2018-11-02T12:00:00Z", 1, "2018-11-04T03:00:00Z"),
        ] {
            assert_eq!(zone(name).end_of(at(time), Term::Days(days), None), at(end), "{name} {time}");
        }
        assert_eq!(
            zone("Europe/Paris").start_of_day_after(at("2026-03-28T12:00:00Z"), 2),
            at("2026-03-29T22:00:00Z")
        );
    }

    #[test]
    fn a_day_begins_at_the_place_s_own_midnight() {
        for (name, day, start) in [
            ("UTC", "2026-03-29", Some("2026-03-29T00:00:00Z")),
            ("Europe/Paris", "2026-03-29", Some("2026-03-28T23:00:00Z")),
            ("Europe/Paris", "2026-03-30", Some("2026-03-29T22:00:00Z")),
            ("America/Sao_Paulo", "2018-11-04", Some("2018-11-04T03:00:00Z")),
            ("Pacific/Kiritimati", "2026-01-01", Some("2025-12-31T10:00:00Z")),
            ("Asia/Kolkata", "2026-01-01", Some("2025-12-31T18:30:00Z")),
            ("UTC", "2026-02-29", None),
            ("UTC", "", None),
        ] {
            assert_eq!(zone(name).start_of_day(day), start.map(at), "{name} {day}");
        }
    }

    #[test]
    fn a_year_is_that_of_the_place() {
        for (name, time, start, end) in [
            ("UTC", "2026-12-31T23:30:00Z", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("Europe/Paris", "2026-12-31T22:59:59.999Z", "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"),
            ("Europe/Paris", "2026-12-31T23:00:00Z", "2026-12-31T23:00:00Z", "2027-12-31T23:00:00Z"),
        ] {
            assert_eq!(zone(name).year(at(time)), at(start)..at(end), "{name} {time}");
        }
    }

    #[test]
    fn a_month_is_that_of_the_place() {
        for (name, time, start, end) in [
            ("UTC", "2026-12-31T23:30:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("Europe/Paris", "2026-12-31T23:30:00Z", "2026-12-31T23:00:00Z", "2027-01-31T23:00:00Z"),
            // The clocks go back on the 25th.
            ("Europe/Paris", "2026-10-01T00:00:00Z", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
        ] {
            assert_eq!(zone(name).month(at(time)), at(start)..at(end), "{name} {time}");
        }
    }

    #[test]
    fn months_end_on_the_same_day_or_the_last_one() {
        let paris = zone("Europe/Paris");
        for (time, term, end_of, end) in [
            ("2026-01-31T12:00:00Z", Term::Months(1), None, "2026-02-28T23:00:00Z"),
            ("2026-01-31T12:00:00Z", Term::Months(12), None, "2027-01-31T23:00:00Z"),
            ("2024-02-29T12:00:00Z", Term::Months(12), None, "2025-02-28T23:00:00Z"),
            ("2026-01-10T12:00:00Z", Term::Months(12), Some(EndOf::Month), "2027-01-31T23:00:00Z"),
            ("2026-01-10T12:00:00Z", Term::Months(3), Some(EndOf::Month), "2026-04-30T22:00:00Z"),
            ("2026-06-10T12:00:00Z", Term::Days(30), Some(EndOf::Year), "2026-12-31T23:00:00Z"),
            // New Year's Eve in Paris is over an hour before it is in London.
            ("2026-12-31T23:30:00Z", Term::Days(1), Some(EndOf::Year), "2027-12-31T23:00:00Z"),
        ] {
            assert_eq!(paris.end_of(at(time), term, end_of), at(end), "{time} {term:?} {end_of:?}");
        }
    }

    #[test]
    fn the_end_of_time_is_none_to_fail_at() {
        let paris = zone("Europe/Paris");
        assert_eq!(paris.end_of(Timestamp::MAX, Term::Days(1), None), *Timestamp::SAYABLE.end());
        assert_eq!(
            paris.end_of(at("9999-12-30T00:00:00Z"), Term::Months(u32::MAX), None),
            *Timestamp::SAYABLE.end()
        );
        assert_eq!(
            paris.start_of_day_after(Timestamp::MIN, u32::MAX),
            Timestamp::MIN.plus(Span::from_days(u32::MAX.into()))
        );
    }

    #[test]
    fn a_zone_is_known_by_its_name() {
        assert_eq!(format!("{:?}", zone("Europe/Paris")), "Europe/Paris");
        for name in ["", "Paris", "Europe/Nowhere", "../../etc/passwd", "CET+1"] {
            assert_eq!(name.parse::<Zone>(), Err(NoZone), "{name}");
        }
    }
}
