//! The lots of one account, as the auditor keeps them.

use coalition_domain::lot::LotKey;
use coalition_domain::programme::Category;
use coalition_domain::{PartnerId, Place, Timestamp, UnitPrice};

use super::account::Account;

/// Points of one grant.
#[derive(Clone)]
pub(super) struct Lot {
    pub(super) key: LotKey,
    pub(super) left: u64,
    pub(super) pending: bool,
    pub(super) issuer: PartnerId,
    /// Who paid for a point, and how much.
    pub(super) paid: (PartnerId, UnitPrice),
}

impl Lot {
    pub(super) fn lapsed(&self, at: Timestamp) -> bool {
        self.key.expires_at.0.is_some_and(|expires_at| expires_at <= at)
    }

    /// Soonest expiry, promotional before bonus before base, longest available, then journal position.
    pub(super) fn order(&self) -> (Timestamp, u8, Timestamp, Place, u32) {
        let category = match self.key.category {
            Category::Promotional => 0,
            Category::Bonus => 1,
            Category::Base => 2,
            Category::Adjustment => 3,
            Category::Purchased => 4,
        };
        let expiry = self.key.expires_at.0.unwrap_or(Timestamp::MAX);
        (expiry, category, self.key.available_from, self.key.granted, self.key.nth)
    }
}

impl Account {
    /// What can be spent at a time, what only later, and what is owed then.
    pub(super) fn balance(&self, at: Timestamp) -> (u64, u64, u64) {
        let live = || self.lots.iter().filter(|lot| !lot.lapsed(at));
        let sum = |later: bool| {
            // What came with a link and could be spent there can be spent here, though the clock here may be behind.
            let waits = |lot: &&Lot| lot.pending && lot.key.available_from > at;
            live().filter(|lot| waits(lot) == later).map(|lot| lot.left).sum()
        };
        let (_, given_back) = self.in_holds(at);
        let repaid = self.owed().min(sum(false) + given_back);
        (sum(false) + given_back - repaid, sum(true), self.owed() - repaid)
    }

    /// What lies in lots that are marked as spendable, and what in others.
    pub(super) fn booked(&self) -> (i64, i64) {
        let sum = |pending: bool| -> u64 {
            self.lots.iter().filter(|lot| lot.pending == pending).map(|lot| lot.left).sum()
        };
        (sum(false).cast_signed(), sum(true).cast_signed())
    }
}
