//! The period of a statement, as arguments say it.

use coalition_domain::Timestamp;
use coalition_domain::calendar::Zone;

use crate::client::failure::Trouble;
use crate::client::names::{hour, proto_time};

/// Where a period begins or ends.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    /// At a full hour.
    Hour(Timestamp),
    /// When this day begins, wherever that is.
    Day(String),
}

/// The period, as calls carry it.
#[derive(Clone, Copy)]
pub(super) struct Period {
    pub(super) from: Option<prost_types::Timestamp>,
    pub(super) to: Option<prost_types::Timestamp>,
}

/// Reads a full hour, or a day.
pub(super) fn bound(text: &str) -> Result<Bound, String> {
    let start = hour(text)?;
    let is_day = text.len() == "1997-01-31".len();
    Ok(if is_day { Bound::Day(text.to_owned()) } else { Bound::Hour(start) })
}

impl Period {
    /// The period between two bounds, whose days begin where `zone` is.
    pub(super) fn of(from: Option<&Bound>, to: Option<&Bound>, zone: &Zone) -> Result<Self, Trouble> {
        let instant = |bound: &Bound| match bound {
            Bound::Hour(hour) => Ok(*hour),
            Bound::Day(day) => start(day, zone),
        };
        let (from, to) = (from.map(instant).transpose()?, to.map(instant).transpose()?);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(Trouble::Usage("--to lies before --from".to_owned()));
        }
        Ok(Self { from: from.map(proto_time), to: to.map(proto_time) })
    }
}

fn start(day: &str, zone: &Zone) -> Result<Timestamp, Trouble> {
    let start = zone.start_of_day(day).ok_or_else(|| Trouble::Usage(format!("{day} is no day")))?;
    if start.as_millis() % 3_600_000 == 0 {
        return Ok(start);
    }
    // India and others: their days begin within an hour of UTC, by which settlement adds up.
    Err(Trouble::Usage(format!(
        "{day} begins at {start} in {zone:?}, which is no full hour of UTC; settlement adds up by the hour: say an hour"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, to: &str, zone: &str) -> Result<[String; 2], String> {
        let [from, to] = [from, to].map(|text| bound(text).unwrap());
        let zone = zone.parse().unwrap();
        let text = |time: Option<prost_types::Timestamp>| time.unwrap().to_string();
        match Period::of(Some(&from), Some(&to), &zone) {
            Ok(period) => Ok([text(period.from), text(period.to)]),
            Err(trouble) => Err(trouble.to_string()),
        }
    }

    #[test]
    fn days_are_those_of_the_zone_and_hours_are_utc() {
        for (from, to, zone, expected) in [
            ("2026-03-29", "2026-03-30", "UTC", ["2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"]),
            // 23 and 25 hours: the clocks of Paris are put forward and back.
            ("2026-03-29", "2026-03-30", "Europe/Paris", ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]),
            ("2026-10-25", "2026-10-26", "Europe/Paris", ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]),
            (
                "2026-03-29T05:00:00Z",
                "2026-03-30",
                "Europe/Paris",
                ["2026-03-29T05:00:00Z", "2026-03-29T22:00:00Z"],
            ),
        ] {
            assert_eq!(period(from, to, zone), Ok(expected.map(str::to_owned)), "{from} {to} {zone}");
        }
        assert!(period("2026-03-30", "2026-03-29", "UTC").unwrap_err().contains("--to lies before"));
        let india = period("2026-03-29", "2026-03-30", "Asia/Kolkata").unwrap_err();
        assert!(india.contains("2026-03-29 begins at 2026-03-28T18:30:00Z in Asia/Kolkata"), "{india}");
        assert!(bound("2026-03-29T05:30:00Z").is_err() && bound("soon").is_err());
    }
}
