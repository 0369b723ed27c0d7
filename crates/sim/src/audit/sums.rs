//! What the points of a shard have become, by the auditor's own sums: for the books, and for settlement.

use std::collections::BTreeMap;

use coalition_domain::event::Book;
use coalition_domain::settlement::LineKey;
use coalition_domain::{PartnerId, UnitPrice};

use super::account::Account;
use super::lot::Lot;

/// Points with how many facts added to them, by partners and price.
pub(super) type ByPrice = BTreeMap<(PartnerId, PartnerId, UnitPrice), (i64, u64)>;

/// The sums over an account or a shard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Sums {
    /// By issuer and funder.
    pub(super) issued: ByPrice,
    /// By issuer and redeemer.
    pub(super) redeemed: ByPrice,
    /// By issuer and redeemer.
    pub(super) refunded: ByPrice,
    /// By issuer and funder: what was taken back, where it was there or was repaid.
    pub(super) recovered: ByPrice,
    /// By issuer: all that was taken back.
    returned: BTreeMap<PartnerId, i64>,
    pub(super) expired: i64,
    /// Handed over less taken in.
    pub(super) in_transit: i64,
    pub(super) counts: Seen,
}

/// How often the auditor has seen something.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Seen {
    pub(super) returns: usize,
    pub(super) debts: usize,
    pub(super) repaid: usize,
    pub(super) links: usize,
    pub(super) unlinks: usize,
    pub(super) reversed: usize,
    pub(super) found: usize,
    pub(super) adjusted: usize,
    pub(super) exchanged: usize,
}

impl Sums {
    /// Points that were taken back, or are to be.
    pub(super) fn returned(&mut self, issuer: PartnerId, points: u64) {
        *self.returned.entry(issuer).or_default() += points.cast_signed();
    }

    /// Points for which their funder gets the money back.
    pub(super) fn recovered(&mut self, of: (PartnerId, PartnerId, UnitPrice), points: u64) {
        if points > 0 {
            let sum = self.recovered.entry(of).or_default();
            *sum = (sum.0 + points.cast_signed(), sum.1 + 1);
        }
    }

    /// The same for slices of lots that one fact takes: each partner and price counts once.
    pub(super) fn recovered_of(&mut self, slices: &[Lot]) {
        let mut lines: BTreeMap<(PartnerId, PartnerId, UnitPrice), u64> = BTreeMap::new();
        for slice in slices {
            *lines.entry((slice.issuer, slice.paid.0, slice.paid.1)).or_default() += slice.left;
        }
        lines.into_iter().for_each(|(of, points)| self.recovered(of, points));
    }

    /// What the books should say, those of nothing left out.
    pub(super) fn books<'a>(&self, accounts: impl Iterator<Item = &'a Account>) -> BTreeMap<Book, i64> {
        let mut books: BTreeMap<Book, i64> = BTreeMap::new();
        let mut add = |book, points| *books.entry(book).or_default() += points;
        self.issued.iter().for_each(|((issuer, _, _), (points, _))| add(Book::Issued(*issuer), -points));
        let redeemed = self.redeemed.iter();
        redeemed.for_each(|((_, redeemer, _), (points, _))| add(Book::Redeemed(*redeemer), *points));
        let refunded = self.refunded.iter();
        refunded.for_each(|((_, redeemer, _), (points, _))| add(Book::Redeemed(*redeemer), -points));
        self.returned.iter().for_each(|(issuer, points)| add(Book::ClawedBack(*issuer), *points));
        add(Book::Expired, self.expired);
        add(Book::InTransit, self.in_transit);
        for account in accounts {
            let (available, pending) = account.booked();
            add(Book::Available, available);
            add(Book::Pending, pending);
            add(Book::Held, account.booked_holds());
            add(Book::Debt, -account.owed().cast_signed());
        }
        books.retain(|_, sum| *sum != 0);
        books
    }

    /// What settlement should say.
    pub(super) fn lines(&self) -> BTreeMap<LineKey, (i64, u64)> {
        let of = |sums: &ByPrice, line: fn(PartnerId, PartnerId, UnitPrice) -> LineKey| {
            let line = |((issuer, other, price), sum): (&_, &_)| (line(*issuer, *other, *price), *sum);
            sums.iter().map(line).collect::<Vec<_>>()
        };
        let issued =
            of(&self.issued, |issuer, funder, unit_price| LineKey::Issued { issuer, funder, unit_price });
        let redeemed = of(&self.redeemed, |issuer, redeemer, unit_price| LineKey::Redeemed {
            issuer,
            redeemer,
            unit_price,
        });
        let refunded = of(&self.refunded, |issuer, redeemer, unit_price| LineKey::Refunded {
            issuer,
            redeemer,
            unit_price,
        });
        let recovered = of(&self.recovered, |issuer, funder, unit_price| LineKey::ClawedBack {
            issuer,
            funder,
            unit_price,
        });
        [issued, redeemed, refunded, recovered].into_iter().flatten().collect()
    }
}
