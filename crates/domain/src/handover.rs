//! Links: an identifier's account hands what it has over to a member's, and what comes for it later follows.
//!
//! A handover goes from shard to shard, and can't be refused there: while it is on its way its points stand in transit, and
//! what its destination can't take in goes to suspense. Points are handed over once at the most, as an account that others
//! follow has said before that it stays where it is.

use serde::{Deserialize, Serialize};

use crate::account::Consent;
use crate::debt::Debt;
use crate::decide::search;
use crate::event::{Decision, Event, Outcome, Wait, WaitsFor};
use crate::lot::{Lot, LotKey};
use crate::order::OrderRecord;
use crate::{AccountId, Command, Fingerprint, Identifier, Points, ProgrammeId, Purpose, Timestamp};

/// Identifiers that are linked to a member at most, beside the one that they enrolled on.
pub const LINKS_MAX: usize = 32;

/// What one decision hands over, in bytes and about; the rest follows in the next ones.
pub(crate) const HANDOVER_BYTES_MAX: usize = 128 * 1024;

/// What a piece holds, in bytes and about.
pub(crate) const PIECE_BYTES_MAX: usize = 24 * 1024;

/// What an account hands over at once. Frozen in stored data, as are all types of this file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handover {
    /// Which account.
    pub from: AccountId,
    /// To the account of which member.
    pub to: AccountId,
    /// In this order.
    pub pieces: Vec<Piece>,
}

/// A piece of what an account has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Piece {
    /// The identifier itself, which comes first, and what was said on consents.
    Identifier {
        /// Of which account it was.
        identifier: Identifier,
        /// Consents and their withdrawals. Partners' leave to sign the member in stays behind: it was given to others.
        consents: Vec<(Purpose, Consent)>,
    },
    /// Orders, before their points.
    Orders {
        /// Under their keys.
        orders: Vec<(Fingerprint, OrderRecord)>,
        /// The key of the next one; `None`: these are the last.
        next: Option<Fingerprint>,
    },
    /// Points of one programme.
    Points {
        /// Which.
        programme: ProgrammeId,
        /// As lots, under the names that they had.
        lots: Vec<Lot>,
        /// What is owed.
        debts: Vec<Debt>,
    },
    /// What rules will not grant again, behind all points.
    Claims {
        /// Fingerprints of once-limits.
        claims: Vec<Fingerprint>,
        /// The next one; `None`: these are the last.
        next: Option<Fingerprint>,
    },
    /// Nothing more: the account no longer follows. It comes alone, behind all others.
    Unlinked,
}

/// What another account has to be asked as this was decided here.
pub fn outgoing(decision: &Decision) -> Option<Command> {
    match &decision.outcome {
        Outcome::Forwarded(account) => {
            let event = decision.command.event().expect("nothing but events is forwarded").clone();
            Some(Command::Forwarded { event, account: *account })
        }
        Outcome::Applied(applied) => {
            if let [Event::OrderKnown { order, asker }] = applied.events[..] {
                let at = decision.command.account();
                return Some(Command::OrderLocated { account: asker, order, at });
            }
            let mut handed = applied.events.iter().filter_map(|event| {
                if let Event::HandedOver { to, piece } = event { Some((*to, piece.clone())) } else { None }
            });
            let (to, first) = handed.next()?;
            let pieces = std::iter::once(first).chain(handed.map(|(_, piece)| piece)).collect();
            Some(Command::Adopt(Handover { from: decision.command.account(), to, pieces }))
        }
        Outcome::Waiting(Wait { until, waits_for: WaitsFor::OrderAnywhere }) => {
            search::question(&decision.command, *until)
        }
        Outcome::Refused(_)
        | Outcome::Waiting(Wait { waits_for: WaitsFor::Consent(_) | WaitsFor::Order, .. }) => None,
    }
}

/// The sums of points that are handed over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) available: Points,
    pub(crate) pending: Points,
    pub(crate) debt: Points,
}

impl Sums {
    /// Of lots and debts; `None`: beyond the range of points.
    pub(crate) fn of(lots: &[Lot], debts: &[Debt]) -> Option<Self> {
        let mut sums = Self::default();
        for lot in lots {
            let sum = if lot.pending { &mut sums.pending } else { &mut sums.available };
            *sum = sum.plus(lot.left).ok()?;
        }
        for debt in debts {
            sums.debt = sums.debt.plus(debt.points).ok()?;
        }
        Some(sums)
    }

    /// What moves: below zero, more is owed than there is.
    pub(crate) fn net(&self) -> i64 {
        self.available.signed() + self.pending.signed() - self.debt.signed()
    }
}

/// Where an account's things went, and what is still to go. Frozen in stored data, until the format of the rows is raised.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Forward {
    /// To which member's account.
    pub to: AccountId,
    /// When it was linked.
    pub at: Timestamp,
    /// The next order to hand over; `None`: all were.
    pub orders: Option<Fingerprint>,
    /// The next once-limit to hand over; `None`: all were.
    pub claims: Option<Fingerprint>,
}

/// An identifier that was linked to a member. Frozen as [`Forward`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Linked {
    /// Which.
    pub identifier: Identifier,
    /// Its own account.
    pub account: AccountId,
    /// When this account heard of it last.
    pub at: Timestamp,
    /// Whether it was unlinked since. It keeps its place: the names of lots that came with it have it.
    pub ended: bool,
}

/// The name of a lot in the account that it was handed over to, as the `nth` account linked to it, from 1. A decision makes
/// fewer than 65,536 lots, as it fits into a record: so a name stands for one lot. Frozen.
pub(crate) fn adopted(key: LotKey, nth: u32) -> LotKey {
    LotKey { nth: key.nth | nth << 16, ..key }
}

impl LotKey {
    /// With which of the account's links it came, from 0, if it did with one; and which of the lots of the decision that
    /// granted it it is, in the account that was linked.
    pub fn origin(&self) -> (Option<usize>, u32) {
        let link = usize::try_from(self.nth >> 16).expect("16 bits");
        (link.checked_sub(1), self.nth & 0xffff)
    }
}
