//! Instants: seconds and billionths on the wire, milliseconds inside.

use coalition_domain::Timestamp;
use coalition_proto::r#type::v1::ErrorReason;

use crate::Refusal;

const NANOS_PER_MILLI: i32 = 1_000_000;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z in seconds: the range of `google.protobuf.Timestamp`.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Reads an instant, cut to the millisecond.
///
/// # Errors
/// `INVALID_ARGUMENT` outside the years 1 to 9999, or with billionths below 0 or from 10^9 on.
pub fn timestamp_from_proto(time: &prost_types::Timestamp, field: &str) -> Result<Timestamp, Refusal> {
    let invalid = |part: &str, message| {
        Err(Refusal::new(ErrorReason::InvalidArgument, &format!("{field}.{part}"), message))
    };
    if !SECONDS.contains(&time.seconds) {
        return invalid("seconds", "an instant lies in the years 1 to 9999");
    }
    if !(0..=999_999_999).contains(&time.nanos) {
        return invalid("nanos", "nanos lie between 0 and 999999999");
    }
    Ok(Timestamp::from_millis(time.seconds * 1_000 + i64::from(time.nanos / NANOS_PER_MILLI)))
}

/// Writes an instant.
pub fn timestamp_to_proto(time: Timestamp) -> prost_types::Timestamp {
    let millis = time.as_millis();
    let rest = i32::try_from(millis.rem_euclid(1_000)).expect("below a thousand");
    prost_types::Timestamp { seconds: millis.div_euclid(1_000), nanos: rest * NANOS_PER_MILLI }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_before_and_after_the_epoch_lead_back() {
        for (millis, seconds, nanos) in [
            (853_027_200_001, 853_027_200, 1_000_000),
            (-1, -1, 999_000_000),
            (-62_135_596_800_000, -62_135_596_800, 0),
        ] {
            let proto = prost_types::Timestamp { seconds, nanos };
            assert_eq!(timestamp_to_proto(Timestamp::from_millis(millis)), proto);
            assert_eq!(timestamp_from_proto(&proto, "time").unwrap(), Timestamp::from_millis(millis));
        }
    }
}
