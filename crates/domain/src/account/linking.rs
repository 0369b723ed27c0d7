//! How an account that is linked gives away what it has, and how the member's takes it in.

use super::{Account, Moment, SIGN_IN};
use crate::event::Event;
use crate::handover::{Forward, Handover, LINKS_MAX, Linked, Piece, adopted};
use crate::keys::{KeyEntry, KeyState};
use crate::order::{ORDER_BYTES_MAX, OrderRecord};
use crate::pages::Weigh;
use crate::{AccountId, Command, Fingerprint, Timestamp};

impl Account {
    /// Takes in what became of a link, or of a handover.
    pub(super) fn link(&mut self, event: &Event, command: &Command, at: &Moment) {
        match event {
            Event::AccountLinked { to } => {
                let orders = self.orders.iter().next().map(|(key, _)| *key);
                let claims = self.keys.claims(Fingerprint::MIN).next().copied();
                self.forward = Some(Box::new(Forward { to: *to, at: at.decided_at, orders, claims }));
            }
            Event::HandedOver { piece, .. } => self.give(piece, at.place.seq),
            Event::RecordsAdopted { piece } | Event::PointsAdopted { piece, .. } => {
                let Command::Adopt(handover) = command else {
                    unreachable!("nothing is adopted without a handover")
                };
                self.adopt(handover, &handover.pieces[*piece as usize], at);
            }
            Event::GrantReversed(reversal) => {
                let (lot, points) = (&reversal.allocation.lot, reversal.allocation.points);
                let order = self.lots(&reversal.programme).take(lot, points, at.place.seq).order;
                // What it was granted for does not take it back once more, and it pays for no other grant of the order.
                if let Some(order) = order.filter(|order| self.orders.get(order).is_some()) {
                    self.orders.change(&order, at.place.seq, |order| {
                        if let Some(grant) = order.grant(lot) {
                            let sum = grant.lapsed.plus(points);
                            grant.lapsed = sum.expect("no more is taken than was granted");
                        }
                    });
                }
            }
            Event::LinksAccepted => self.stays = true,
            Event::AccountUnlinked { .. } => self.unlink(at.place.seq),
            Event::PointsSuspended { .. } | Event::OrderKnown { .. } => {}
            Event::OrderLocated { order, at } => {
                let waiting = self.waiting.iter_mut().filter(|waiting| waiting.searches(order));
                waiting.for_each(|waiting| waiting.found = Some(*at));
            }
            Event::MemberEnrolled
            | Event::ConsentGiven { .. }
            | Event::ConsentWithdrawn { .. }
            | Event::PointsAccrued(_)
            | Event::NothingEarned { .. }
            | Event::LotActivated { .. }
            | Event::LotExpired { .. }
            | Event::RewardRedeemed(_)
            | Event::HoldCreated(_)
            | Event::HoldCaptured { .. }
            | Event::HoldReleased { .. }
            | Event::RedemptionRefunded { .. }
            | Event::OrderReturned(_)
            | Event::PointsClawedBack(_)
            | Event::DebtRepaid { .. }
            | Event::PointsExchanged(_)
            | Event::AdjustmentCreated { .. }
            | Event::AdjustmentApproved { .. }
            | Event::AdjustmentRejected { .. }
            | Event::PointsTaken(_) => unreachable!("not about a link"),
        }
    }

    /// What was handed over is the member's, whose decisions on it nobody says here: orders that were returned since, consents
    /// that were withdrawn. What rules don't grant again they don't grant here either.
    fn unlink(&mut self, seq: u64) {
        self.forward = None;
        self.own_since = self.activities;
        self.orders.clear(seq);
        self.consents.clear();
        self.sign_in.clear();
    }

    fn give(&mut self, piece: &Piece, seq: u64) {
        match piece {
            Piece::Identifier { .. } | Piece::Unlinked => {}
            // What is known of them stays until the account is unlinked; nothing is decided by it any more.
            Piece::Orders { next, .. } => self.following().orders = *next,
            Piece::Claims { next, .. } => self.following().claims = *next,
            Piece::Points { programme, lots, debts } => {
                let purse =
                    self.purses.get_mut(programme).expect("points that are handed over lie in a purse");
                for lot in lots {
                    purse.lots.take(&lot.key, lot.left, seq);
                }
                debts.iter().for_each(|debt| purse.debts.repay(debt));
            }
        }
    }

    fn following(&mut self) -> &mut Forward {
        self.forward.as_mut().expect("what is handed over has a destination")
    }

    fn adopt(&mut self, handover: &Handover, piece: &Piece, at: &Moment) {
        let seq = at.place.seq;
        let nth = self.nth_link(&handover.from);
        match piece {
            Piece::Identifier { identifier, consents } => {
                self.stays = true;
                let (identifier, account) = (identifier.clone(), handover.from);
                let linked = Linked { identifier, account, at: at.decided_at, ended: false };
                match self.linked.iter_mut().find(|known| known.account == account) {
                    Some(known) => *known = linked,
                    None => self.linked.push(linked),
                }
                for (purpose, consent) in consents {
                    let known = self.consents.get(purpose);
                    let newer = known.is_none_or(|known| known.since < consent.since);
                    let room = known.is_some() || self.consents.len() < super::CONSENTS_MAX as usize;
                    if newer && room && purpose.as_str() != SIGN_IN {
                        self.consents.insert(*purpose, *consent);
                    }
                }
            }
            Piece::Orders { orders, .. } => {
                for (key, order) in orders {
                    let mut order = order.clone();
                    for grant in &mut order.grants {
                        self.purses.or_default(grant.version.programme);
                        grant.lot = adopted(grant.lot, nth);
                    }
                    self.adopt_order(*key, order, seq);
                }
            }
            Piece::Points { programme, lots, debts } => {
                for lot in lots {
                    self.claim(lot.claim, at);
                    let lot = crate::lot::Lot { key: adopted(lot.key, nth), ..lot.clone() };
                    self.purses.or_default(*programme).lots.insert(lot, seq);
                }
                let purse = self.purses.or_default(*programme);
                debts.iter().for_each(|debt| purse.debts.add(debt.clone()));
            }
            Piece::Claims { claims, .. } => claims.iter().for_each(|claim| self.claim(Some(*claim), at)),
            Piece::Unlinked => {
                let mut linked = self.linked.iter_mut();
                linked
                    .find(|known| known.account == handover.from)
                    .into_iter()
                    .for_each(|known| known.ended = true);
            }
        }
    }

    /// An order of which both know a part is one; where the row has no room for it, the member's own part stays alone.
    fn adopt_order(&mut self, key: Fingerprint, order: OrderRecord, seq: u64) {
        match self.orders.get(&key) {
            None => self.orders.insert(key, order, seq),
            Some(known) if known.weight() + order.weight() <= ORDER_BYTES_MAX => {
                self.orders.change(&key, seq, |known| known.merge(order));
            }
            Some(_) => {}
        }
    }

    fn claim(&mut self, claim: Option<Fingerprint>, at: &Moment) {
        if let Some(key) = claim.filter(|claim| !self.keys.claimed(claim)) {
            let (activity, state) = (self.activities, KeyState::Claimed);
            self.note(KeyEntry { key, content: key, activity, state, keep_until: Timestamp::MAX }, at);
        }
    }

    /// Which of the linked accounts it is, from 1.
    pub(crate) fn nth_link(&self, account: &AccountId) -> u32 {
        let known = self.linked.iter().position(|linked| linked.account == *account);
        // The identifier comes first of all, so it is known to everything that follows.
        u32::try_from(known.unwrap_or(self.linked.len())).expect("links are few") + 1
    }

    /// Whether another identifier can be linked to this member: those that were unlinked count, too.
    pub fn may_link(&self) -> bool {
        self.linked.len() < LINKS_MAX
    }

    /// Whether everything was handed over that the account had when it was linked; also if it never was.
    pub(crate) fn is_handed_over(&self) -> bool {
        let gone = |purse: &super::Purse| purse.debts.is_empty() && purse.lots.iter().next().is_none();
        self.forward.as_ref().is_none_or(|forward| {
            forward.orders.is_none() && forward.claims.is_none() && self.purses.values().all(gone)
        })
    }
}
