//! Points: whole, never negative, never silently out of range.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of points, 0 to 10^15. A lack of points is a debt and has its own name.
///
/// The bound leaves room to add up a thousand network totals in 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Points(u64);

/// A number outside the range of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("points lie between 0 and {}", Points::MAX.0)]
pub struct OutOfRange;

impl Points {
    /// None.
    pub const ZERO: Self = Self(0);
    /// The most points that anything holds.
    pub const MAX: Self = Self(1_000_000_000_000_000);

    /// Checks the range.
    pub const fn new(points: u64) -> Result<Self, OutOfRange> {
        if points > Self::MAX.0 { Err(OutOfRange) } else { Ok(Self(points)) }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number with a sign, as postings and wire formats need it.
    pub const fn signed(self) -> i64 {
        self.0 as i64 // at most 10^15
    }

    /// Whether there are none.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self + other`, unless it leaves the range.
    pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
        Self::new(self.0 + other.0)
    }

    /// `self - other`, unless that is below zero.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// `self * factor`, unless it leaves the range.
    pub fn times(self, factor: u32) -> Result<Self, OutOfRange> {
        self.0.checked_mul(u64::from(factor)).ok_or(OutOfRange).and_then(Self::new)
    }
}

impl TryFrom<u64> for Points {
    type Error = OutOfRange;

    fn try_from(points: u64) -> Result<Self, OutOfRange> {
        Self::new(points)
    }
}

impl From<Points> for u64 {
    fn from(points: Points) -> Self {
        points.0
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stay_in_their_range() {
        let max = Points::MAX;
        assert_eq!(Points::new(max.get() + 1), Err(OutOfRange));
        assert_eq!(max.plus(Points::new(1).unwrap()), Err(OutOfRange));
        assert_eq!(max.times(u32::MAX), Err(OutOfRange));
        assert_eq!(Points::ZERO.minus(Points::new(1).unwrap()), None);
        assert_eq!(max.minus(max), Some(Points::ZERO));
    }
}
