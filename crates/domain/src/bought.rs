//! What points buy of rewards that are no things: units of an outside programme, or money.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Money, UnitId};

/// So many units, or so much money. Frozen in stored data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Bought {
    /// Units of an outside programme.
    Units {
        /// Of which kind.
        unit: UnitId,
        /// How many; above zero.
        count: u64,
    },
    /// Money that the redeemer pays to the member; above zero.
    Money(Money),
}

impl Bought {
    /// As much, `times` over; `None` beyond 64 bits.
    pub fn times(self, times: u64) -> Option<Self> {
        Some(match self {
            Self::Units { unit, count } => Self::Units { unit, count: count.checked_mul(times)? },
            Self::Money(Money { currency, micros }) => {
                Self::Money(Money { currency, micros: micros.checked_mul(i64::try_from(times).ok()?)? })
            }
        })
    }

    /// One of `parts` equal parts, where it was put together of so many; what is left over is dropped.
    pub(crate) fn one_of(self, parts: u32) -> Self {
        match self {
            Self::Units { unit, count } => Self::Units { unit, count: count / u64::from(parts) },
            Self::Money(Money { currency, micros }) => {
                Self::Money(Money { currency, micros: micros / i64::from(parts) })
            }
        }
    }
}

impl fmt::Display for Bought {
    /// `5000 sky-miles`, `12.50 EUR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Units { unit, count } => write!(f, "{count} {unit}"),
            Self::Money(money) => money.fmt(f),
        }
    }
}
