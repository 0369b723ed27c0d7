//! Debt: points that a clawback could not recover, as the member had spent them. Later points repay it first.

use serde::{Deserialize, Serialize};

use crate::{OutOfRange, PartnerId, Points, UnitPrice};

/// Points of one issuer, funder and price that are missing. Frozen in stored data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Debt {
    /// Whose event had granted them.
    pub issuer: PartnerId,
    /// Who paid for them.
    pub funder: PartnerId,
    /// What the funder paid for a point.
    pub unit_price: UnitPrice,
    /// How many; above zero.
    pub points: Points,
}

/// The debts of a purse, in the order in which they arose, which is that of their repayment. Those that differ in their
/// points alone are one, so that there are few however often something is returned.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Debts(Vec<Debt>);

impl Debts {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The points of all.
    pub fn total(&self) -> Points {
        let total = self.0.iter().map(|debt| debt.points.get()).sum();
        Points::new(total).expect("decide keeps debts in the range of points")
    }

    /// The total with `points` more, unless that leaves the range.
    pub fn with(&self, points: Points) -> Result<Points, OutOfRange> {
        self.total().plus(points)
    }

    /// The debts that `points` repay, `points` being no more than the total.
    pub fn first(&self, mut points: Points) -> Vec<Debt> {
        let mut repaid = Vec::new();
        for debt in &self.0 {
            let part = debt.points.min(points);
            points = points.minus(part).expect("the smaller of both");
            if !part.is_zero() {
                repaid.push(Debt { points: part, ..debt.clone() });
            }
        }
        repaid
    }

    /// Adds one.
    pub(crate) fn add(&mut self, debt: Debt) {
        match self.0.iter_mut().find(|known| known.is_like(&debt)) {
            Some(known) => known.points = known.points.plus(debt.points).expect("checked by decide"),
            None => self.0.push(debt),
        }
    }

    /// Takes one out that was repaid.
    ///
    /// # Panics
    /// If there is less of it: a broken invariant.
    pub(crate) fn repay(&mut self, debt: &Debt) {
        let known = self.0.iter_mut().find(|known| known.is_like(debt)).expect("what is repaid is owed");
        known.points = known.points.minus(debt.points).expect("no more is repaid than is owed");
        self.0.retain(|known| !known.points.is_zero());
    }
}

impl Debt {
    fn is_like(&self, other: &Self) -> bool {
        (self.issuer, self.funder, self.unit_price) == (other.issuer, other.funder, other.unit_price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debt(issuer: &str, points: u64) -> Debt {
        let unit_price = UnitPrice::new("USD".parse().unwrap(), 9_000).unwrap();
        let partner = |name: &str| name.parse().unwrap();
        Debt {
            issuer: partner(issuer),
            funder: partner("bank"),
            unit_price,
            points: Points::new(points).unwrap(),
        }
    }

    #[test]
    fn the_oldest_debt_is_repaid_first_and_equal_ones_are_one() {
        let mut debts = Debts::default();
        for one in [debt("cdnow", 10), debt("air", 5), debt("cdnow", 2)] {
            debts.add(one);
        }
        assert_eq!(debts.total().get(), 17);
        let repaid = debts.first(Points::new(14).unwrap());
        assert_eq!(repaid, [debt("cdnow", 12), debt("air", 2)]);
        repaid.iter().for_each(|one| debts.repay(one));
        assert_eq!(debts, Debts(vec![debt("air", 3)]));
    }
}
