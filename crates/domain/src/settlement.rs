//! Settlement: who issued, who redeemed, who owes whom.
//!
//! Each shard keeps sums by line and hour of recorded time; a statement adds the sums of all shards up and rounds once
//! for each of its lines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::debt::Debt;
use crate::event::{Accrual, Clawback, Decision, Event, Outcome, Redemption, Reversal, Taking};
use crate::lot::LotAllocation;
use crate::{Fingerprint, Money, PartnerId, ProgrammeId, Timestamp, UnitPrice};

/// An hour of recorded time: hours since 1970-01-01T00:00:00Z, UTC. Frozen in stored data, as are all types here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hour(pub i64);

impl Hour {
    /// The hour that `time` lies in.
    pub fn of(time: Timestamp) -> Self {
        Self(time.as_millis().div_euclid(3_600_000))
    }
}

/// What a sum adds up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum LineKey {
    /// Points issued: the funder pays.
    Issued {
        /// Whose events.
        issuer: PartnerId,
        /// Who pays.
        funder: PartnerId,
        /// How much for a point.
        unit_price: UnitPrice,
    },
    /// Points burnt: the redeemer is paid.
    Redeemed {
        /// Where the points came from.
        issuer: PartnerId,
        /// Who delivered.
        redeemer: PartnerId,
        /// How much for a point.
        unit_price: UnitPrice,
    },
    /// Burnt points given back: the redeemer pays back what it was paid.
    Refunded {
        /// Where the points came from.
        issuer: PartnerId,
        /// Who had delivered.
        redeemer: PartnerId,
        /// How much for a point, as it was paid.
        unit_price: UnitPrice,
    },
    /// Points taken back, as they are recovered: the funder gets back what it paid.
    ClawedBack {
        /// Whose events.
        issuer: PartnerId,
        /// Who paid.
        funder: PartnerId,
        /// How much for a point.
        unit_price: UnitPrice,
    },
}

impl LineKey {
    /// Whose statement the line stands on.
    pub fn partner(&self) -> PartnerId {
        match self {
            Self::Issued { funder, .. } | Self::ClawedBack { funder, .. } => *funder,
            Self::Redeemed { redeemer, .. } | Self::Refunded { redeemer, .. } => *redeemer,
        }
    }

    /// How much for a point.
    pub fn unit_price(&self) -> &UnitPrice {
        match self {
            Self::Issued { unit_price, .. }
            | Self::Redeemed { unit_price, .. }
            | Self::Refunded { unit_price, .. }
            | Self::ClawedBack { unit_price, .. } => unit_price,
        }
    }

    /// What a statement calls the line: the same in every period. Frozen, as what partners keep names lines so.
    pub fn id(&self, programme: &ProgrammeId) -> Fingerprint {
        let (kind, issuer, partner, unit_price) = match self {
            Self::Issued { issuer, funder, unit_price } => (1, issuer, funder, unit_price),
            Self::Redeemed { issuer, redeemer, unit_price } => (2, issuer, redeemer, unit_price),
            Self::Refunded { issuer, redeemer, unit_price } => (3, issuer, redeemer, unit_price),
            Self::ClawedBack { issuer, funder, unit_price } => (4, issuer, funder, unit_price),
        };
        Fingerprint::of("settlement-line")
            .field(1, programme.as_str().as_bytes())
            .field(2, &[kind])
            .field(3, issuer.as_str().as_bytes())
            .field(4, partner.as_str().as_bytes())
            .field(5, unit_price.currency().code().as_bytes())
            .field(6, &unit_price.micros().to_be_bytes())
            .done()
    }
}

/// A sum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineSum {
    /// Points: no number of events that a partner can send reaches 128 bits; 64 it could.
    pub points: i128,
    /// How many accruals, or redemptions or refunds of points of this issuer.
    pub count: u64,
    /// The journal position of the first of them.
    pub first: u64,
    /// The journal position of the last of them.
    pub last: u64,
}

impl LineSum {
    /// Adds another sum of the same line, of whatever hour or shard.
    pub fn add(&mut self, other: &Self) {
        self.points += other.points;
        self.count += other.count;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// The lines that an event adds to, with what it adds.
pub fn lines(event: &Event, seq: u64) -> Vec<(ProgrammeId, LineKey, LineSum)> {
    let sum = |points: i64| LineSum { points: points.into(), count: 1, first: seq, last: seq };
    match event {
        Event::PointsAccrued(Accrual { programme, points, issuer, funder, unit_price, .. }) => {
            let key = LineKey::Issued { issuer: *issuer, funder: *funder, unit_price: *unit_price };
            vec![(*programme, key, sum(points.signed()))]
        }
        Event::RewardRedeemed(redemption) | Event::HoldCaptured { redemption, .. } => {
            let Redemption { programme, redeemer, unit_price, .. } = *redemption;
            let line = |(issuer, points)| {
                (programme, LineKey::Redeemed { issuer, redeemer, unit_price }, sum(points))
            };
            by_issuer(redemption).into_iter().map(line).collect()
        }
        Event::RedemptionRefunded { redemption, .. } => {
            let Redemption { programme, redeemer, unit_price, .. } = *redemption;
            let line = |(issuer, points)| {
                (programme, LineKey::Refunded { issuer, redeemer, unit_price }, sum(points))
            };
            by_issuer(redemption).into_iter().map(line).collect()
        }
        Event::PointsClawedBack(Clawback { version, issuer, funder, unit_price, points, debt, .. }) => {
            // What the member has spent by then is paid back by their later points.
            let recovered = points.signed() - debt.signed();
            let key = LineKey::ClawedBack { issuer: *issuer, funder: *funder, unit_price: *unit_price };
            if recovered > 0 { vec![(version.programme, key, sum(recovered))] } else { Vec::new() }
        }
        Event::DebtRepaid { programme, debts, .. } => {
            let line = |debt: &Debt| {
                let Debt { issuer, funder, unit_price, points } = *debt;
                (*programme, LineKey::ClawedBack { issuer, funder, unit_price }, sum(points.signed()))
            };
            debts.iter().map(line).collect()
        }
        Event::PointsTaken(Taking { programme, allocations, .. }) => {
            // What is owed is paid back as it is repaid.
            let mut sums: BTreeMap<LineKey, i64> = BTreeMap::new();
            for LotAllocation { issuer, funder, unit_price, points, .. } in allocations {
                let (issuer, funder, unit_price) = (*issuer, *funder, *unit_price);
                *sums.entry(LineKey::ClawedBack { issuer, funder, unit_price }).or_default() +=
                    points.signed();
            }
            sums.into_iter().map(|(key, points)| (*programme, key, sum(points))).collect()
        }
        Event::GrantReversed(Reversal { programme, allocation, .. }) => {
            let LotAllocation { issuer, funder, unit_price, points, .. } = *allocation;
            vec![(*programme, LineKey::ClawedBack { issuer, funder, unit_price }, sum(points.signed()))]
        }
        Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::NothingEarned { .. }
        | Event::LotActivated { .. }
        | Event::LotExpired { .. }
        | Event::HoldCreated(_)
        | Event::HoldReleased { .. }
        | Event::OrderReturned(_)
        | Event::PointsExchanged(_)
        | Event::AdjustmentCreated { .. }
        | Event::AdjustmentApproved { .. }
        | Event::AdjustmentRejected { .. }
        | Event::AccountLinked { .. }
        | Event::HandedOver { .. }
        | Event::RecordsAdopted { .. }
        | Event::PointsAdopted { .. }
        | Event::PointsSuspended { .. }
        | Event::LinksAccepted
        | Event::AccountUnlinked { .. }
        | Event::OrderKnown { .. }
        | Event::OrderLocated { .. } => Vec::new(),
    }
}

/// The lines that a decision adds to, as [`lines`] has them.
pub fn lines_of(decision: &Decision, seq: u64) -> Vec<(ProgrammeId, LineKey, LineSum)> {
    match &decision.outcome {
        Outcome::Applied(applied) => applied.events.iter().flat_map(|event| lines(event, seq)).collect(),
        Outcome::Refused(_) | Outcome::Waiting(_) | Outcome::Forwarded(_) => Vec::new(),
    }
}

fn by_issuer(redemption: &Redemption) -> BTreeMap<PartnerId, i64> {
    let mut sums = BTreeMap::new();
    for allocation in &redemption.allocations {
        *sums.entry(allocation.issuer).or_default() += allocation.points.signed();
    }
    sums
}

/// A line of a statement: money moves once between a partner and the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatementLine {
    /// What it adds up.
    pub key: LineKey,
    /// The sum, over hours and shards; its positions are meaningful for one shard only.
    pub sum: LineSum,
    /// What it comes to, rounded once, half to even: above zero, the partner is paid; below, it pays.
    pub amount: Money,
}

impl StatementLine {
    /// A line; `None` if its amount is beyond 64 bits.
    pub fn new(key: LineKey, sum: LineSum) -> Option<Self> {
        let amount = match &key {
            LineKey::Issued { unit_price, .. } | LineKey::Refunded { unit_price, .. } => {
                unit_price.amount(-sum.points)?
            }
            LineKey::Redeemed { unit_price, .. } | LineKey::ClawedBack { unit_price, .. } => {
                unit_price.amount(sum.points)?
            }
        };
        Some(Self { key, sum, amount })
    }

    /// Whose statement it stands on.
    pub fn partner(&self) -> PartnerId {
        self.key.partner()
    }
}

#[cfg(test)]
mod tests;
