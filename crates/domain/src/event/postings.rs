//! The double entry that each fact stands for.

use serde::{Deserialize, Serialize};

use super::{Accrual, Clawback, Event, Hold, Redemption, Reversal, Taking};
use crate::handover::{Piece, Sums};
use crate::lot::LotAllocation;
use crate::{PartnerId, ProgrammeId};

/// One side of a double entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Book {
    /// What a partner has issued; its sum is below zero.
    Issued(PartnerId),
    /// What members can spend.
    Available,
    /// What members will be able to spend.
    Pending,
    /// What was burnt at a partner.
    Redeemed(PartnerId),
    /// What has lapsed.
    Expired,
    /// What is held for rewards.
    Held,
    /// What was taken back of what a partner has issued.
    ClawedBack(PartnerId),
    /// What clawbacks could not recover yet; its sum is never above zero.
    Debt,
    /// What is between an account that was linked and the member's. In one shard what came from others counts below zero; over
    /// all shards it is what is under way.
    InTransit,
    /// What came and could not be taken in.
    Suspense,
}

/// Points added to a book, or taken from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Posting {
    /// Which book.
    pub book: Book,
    /// Added; below zero: taken.
    pub points: i64,
}

impl Event {
    /// The programme and the postings of the event; empty where no points move.
    ///
    /// # Panics
    /// If they don't sum to zero: invariant 1.
    pub fn postings(&self) -> Option<(ProgrammeId, Vec<Posting>)> {
        let post = |book, points| Posting { book, points };
        let sum = |of: &[LotAllocation]| of.iter().map(|slice| slice.points.signed()).sum::<i64>();
        let waiting = |pending| if pending { Book::Pending } else { Book::Available };
        let (programme, postings) = match self {
            Self::PointsAccrued(Accrual { programme, points, issuer, pending, .. }) => (
                *programme,
                vec![post(Book::Issued(*issuer), -points.signed()), post(waiting(*pending), points.signed())],
            ),
            Self::LotActivated { programme, points, .. } => (
                *programme,
                vec![post(Book::Pending, -points.signed()), post(Book::Available, points.signed())],
            ),
            Self::LotExpired { programme, points, pending, .. } => (
                *programme,
                vec![post(waiting(*pending), -points.signed()), post(Book::Expired, points.signed())],
            ),
            Self::RewardRedeemed(Redemption { programme, redeemer, points, allocations, .. }) => (
                *programme,
                vec![
                    post(Book::Available, -sum(allocations)),
                    post(Book::Redeemed(*redeemer), points.signed()),
                ],
            ),
            Self::HoldCreated(Hold { programme, points, allocations, .. }) => (
                *programme,
                vec![post(Book::Available, -sum(allocations)), post(Book::Held, points.signed())],
            ),
            Self::HoldCaptured { redemption, released, .. } => (
                redemption.programme,
                vec![
                    post(Book::Held, -sum(&redemption.allocations) - released.signed()),
                    post(Book::Redeemed(redemption.redeemer), redemption.points.signed()),
                    post(Book::Available, released.signed()),
                ],
            ),
            Self::HoldReleased { programme, points, .. } => {
                (*programme, vec![post(Book::Held, -points.signed()), post(Book::Available, points.signed())])
            }
            Self::RedemptionRefunded { redemption, .. } => (
                redemption.programme,
                vec![
                    post(Book::Redeemed(redemption.redeemer), -redemption.points.signed()),
                    post(Book::Available, sum(&redemption.allocations)),
                ],
            ),
            Self::PointsClawedBack(Clawback { version, issuer, points, taken, debt, .. }) => {
                let of = |pending: bool| {
                    let slices = taken.iter().filter(|slice| slice.pending == pending);
                    slices.map(|slice| slice.allocation.points.signed()).sum::<i64>()
                };
                (
                    version.programme,
                    vec![
                        post(Book::ClawedBack(*issuer), points.signed()),
                        post(Book::Available, -of(false)),
                        post(Book::Pending, -of(true)),
                        post(Book::Debt, -debt.signed()),
                    ],
                )
            }
            Self::DebtRepaid { programme, allocations, debts } => {
                let taken: i64 = allocations.iter().map(|allocation| allocation.points.signed()).sum();
                let repaid: i64 = debts.iter().map(|debt| debt.points.signed()).sum();
                (*programme, vec![post(Book::Available, -taken), post(Book::Debt, repaid)])
            }
            Self::PointsTaken(Taking { programme, points, allocations, owed }) => {
                let issuers = allocations.iter().map(|slice| (slice.issuer, slice.points));
                let owed = owed.iter().map(|debt| (debt.issuer, debt.points));
                let back = issuers
                    .chain(owed)
                    .map(|(issuer, points)| post(Book::ClawedBack(issuer), points.signed()));
                let taken = sum(allocations);
                let mut postings: Vec<Posting> = back.collect();
                postings.extend([post(Book::Available, -taken), post(Book::Debt, taken - points.signed())]);
                (*programme, postings)
            }
            Self::HandedOver { piece: Piece::Points { programme, lots, debts }, .. } => {
                let sums = Sums::of(lots, debts).expect("they were in one purse");
                (
                    *programme,
                    vec![
                        post(Book::Available, -sums.available.signed()),
                        post(Book::Pending, -sums.pending.signed()),
                        post(Book::Debt, sums.debt.signed()),
                        post(Book::InTransit, sums.net()),
                    ],
                )
            }
            Self::PointsAdopted { programme, available, pending, debt, .. } => {
                let sums = Sums { available: *available, pending: *pending, debt: *debt };
                (
                    *programme,
                    vec![
                        post(Book::InTransit, -sums.net()),
                        post(Book::Available, available.signed()),
                        post(Book::Pending, pending.signed()),
                        post(Book::Debt, -debt.signed()),
                    ],
                )
            }
            Self::PointsSuspended { programme, points, .. } => {
                (*programme, vec![post(Book::InTransit, -points), post(Book::Suspense, *points)])
            }
            Self::GrantReversed(Reversal { programme, allocation, pending, .. }) => (
                *programme,
                vec![
                    post(waiting(*pending), -allocation.points.signed()),
                    post(Book::ClawedBack(allocation.issuer), allocation.points.signed()),
                ],
            ),
            Self::MemberEnrolled
            | Self::ConsentGiven { .. }
            | Self::ConsentWithdrawn { .. }
            | Self::NothingEarned { .. }
            | Self::OrderReturned(_)
            | Self::PointsExchanged(_)
            | Self::AdjustmentCreated { .. }
            | Self::AdjustmentApproved { .. }
            | Self::AdjustmentRejected { .. }
            | Self::AccountLinked { .. }
            | Self::HandedOver {
                piece:
                    Piece::Identifier { .. } | Piece::Orders { .. } | Piece::Claims { .. } | Piece::Unlinked,
                ..
            }
            | Self::RecordsAdopted { .. }
            | Self::LinksAccepted
            | Self::AccountUnlinked { .. }
            | Self::OrderKnown { .. }
            | Self::OrderLocated { .. } => return None,
        };
        assert_eq!(postings.iter().map(|posting| posting.points).sum::<i64>(), 0, "postings sum to zero");
        Some((programme, postings))
    }
}
