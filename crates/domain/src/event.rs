//! What was decided: facts of an account, and the double entry that each stands for.

mod accrual;
mod postings;

use serde::{Deserialize, Serialize};

use crate::adjustment::{Adjustment, AdjustmentReason};
use crate::debt::Debt;
use crate::handover::Piece;
use crate::lot::{LotAllocation, LotKey};
use crate::{
    AccountId, AdjustmentId, Bought, BurnId, Command, Fingerprint, KeyId, Money, PartnerId, Points,
    ProgrammeId, Purpose, Rejection, RewardId, Role, RuleId, Timestamp, UnitPrice,
};

pub use accrual::Accrual;
pub use postings::{Book, Posting};

/// A decision as it is journaled: the command and what became of it.
///
/// Frozen in stored data, as are all types of this file: a change is a new variant at the end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// What was asked.
    pub command: Command,
    /// What was decided.
    pub outcome: Outcome,
}

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// It took effect.
    Applied(Applied),
    /// It did not, and why.
    Refused(Rejection),
    /// It came too early, and is decided again later.
    Waiting(Wait),
    /// The account was linked to this one, which decides it.
    Forwarded(AccountId),
}

/// How long a command waits, and what for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Wait {
    /// When it is decided at the latest.
    pub until: Timestamp,
    /// What would let it be decided earlier.
    pub waits_for: WaitsFor,
}

/// What has to come first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum WaitsFor {
    /// The member's consent.
    Consent(Purpose),
    /// The purchase, or the opening, that the event takes back, on this very account.
    Order,
    /// The same, on whatever account of the network: every shard is asked for it.
    OrderAnywhere,
}

impl WaitsFor {
    /// What the command is refused for if that does not come.
    pub fn missed(&self) -> Rejection {
        match self {
            Self::Consent(purpose) => Rejection::ConsentMissing(*purpose),
            Self::Order | Self::OrderAnywhere => Rejection::OrderNotFound,
        }
    }
}

/// A command that took effect.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Applied {
    /// The programme and its version by which it was judged, where one was.
    pub version: Option<VersionId>,
    /// What happened, in order; may be nothing.
    pub events: Vec<Event>,
}

/// A programme and the number of its version, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct VersionId {
    /// Which programme.
    pub programme: ProgrammeId,
    /// Which of its versions.
    pub number: u32,
}

/// A fact about one account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Event {
    /// The account has a member now.
    MemberEnrolled,
    /// The member permits something.
    ConsentGiven {
        /// What.
        purpose: Purpose,
    },
    /// The member permits it no longer.
    ConsentWithdrawn {
        /// What.
        purpose: Purpose,
    },
    /// A rule granted points: a new lot.
    PointsAccrued(Accrual),
    /// A rule looked at the event and granted nothing; or no rule looked at it.
    NothingEarned {
        /// Which rule; `None`: there is none for such an event at this partner.
        rule: Option<RuleId>,
        /// Why not.
        why: Nothing,
    },
    /// A lot can be spent now.
    LotActivated {
        /// Of which programme.
        programme: ProgrammeId,
        /// Which.
        lot: LotKey,
        /// All of its points.
        points: Points,
    },
    /// What was left of a lot has lapsed.
    LotExpired {
        /// Of which programme.
        programme: ProgrammeId,
        /// Which.
        lot: LotKey,
        /// What was left of it.
        points: Points,
        /// Whether it lapsed before it could be spent.
        pending: bool,
    },
    /// Points were burnt for a reward.
    RewardRedeemed(Redemption),
    /// Points were taken out of reach for a reward. The hold is named by the activity that has this fact.
    HoldCreated(Hold),
    /// Held points were burnt; the rest of the hold was given back. The redemption is named by the activity that has
    /// this fact.
    HoldCaptured {
        /// Which hold.
        hold: BurnId,
        /// What was burnt.
        redemption: Redemption,
        /// What was given back; may be nothing.
        released: Points,
    },
    /// Held points were given back.
    HoldReleased {
        /// Which hold.
        hold: BurnId,
        /// Of which programme.
        programme: ProgrammeId,
        /// All of its points.
        points: Points,
        /// Why.
        why: Release,
    },
    /// A redemption was undone: its points are back, in the lots from which they came.
    RedemptionRefunded {
        /// Which.
        of: BurnId,
        /// What it had burnt, at the price that the redeemer was paid.
        redemption: Redemption,
    },
    /// An order was returned, or a part of it; or an account was closed.
    OrderReturned(OrderReturn),
    /// Points of a rule were taken back.
    PointsClawedBack(Clawback),
    /// Points went to what earlier clawbacks could not recover.
    DebtRepaid {
        /// Of which programme.
        programme: ProgrammeId,
        /// From which lots.
        allocations: Vec<LotAllocation>,
        /// What was missing and no longer is; as many points as the allocations.
        debts: Vec<Debt>,
    },
    /// What points bought: stands behind the fact that took them for it, or gave them back.
    PointsExchanged(Exchange),
    /// An operator gives or takes points by hand. The adjustment is named by the activity that has this fact.
    AdjustmentCreated {
        /// What.
        adjustment: Adjustment,
        /// By which key.
        by: KeyId,
        /// Another operator has to agree before this instant; `None`: it takes effect at once.
        until: Option<Timestamp>,
    },
    /// Another operator agreed: it takes effect.
    AdjustmentApproved {
        /// Which.
        adjustment: AdjustmentId,
        /// By which key.
        by: KeyId,
        /// Why it was proposed, for those who see points and not proposals.
        reason: AdjustmentReason,
    },
    /// An operator turned a proposal down.
    AdjustmentRejected {
        /// Which.
        adjustment: AdjustmentId,
        /// By which key.
        by: KeyId,
    },
    /// Points were taken by hand.
    PointsTaken(Taking),
    /// The account was linked to a member's, and follows it from now on.
    AccountLinked {
        /// Which.
        to: AccountId,
    },
    /// A part of what a linked account has is on its way to the member's.
    HandedOver {
        /// To the account of which member.
        to: AccountId,
        /// What.
        piece: Piece,
    },
    /// An identifier was linked to the member, or orders or once-limits of its account came.
    RecordsAdopted {
        /// Which piece of the handover.
        piece: u32,
    },
    /// Points of a linked account came.
    PointsAdopted {
        /// Which piece of the handover.
        piece: u32,
        /// Of which programme.
        programme: ProgrammeId,
        /// How many can be spent.
        available: Points,
        /// How many can be spent later.
        pending: Points,
        /// How many are owed.
        debt: Points,
    },
    /// Points of a linked account came and could not be taken in: a person has to see what becomes of them.
    PointsSuspended {
        /// Which piece of the handover.
        piece: u32,
        /// Of which programme.
        programme: ProgrammeId,
        /// How many; below zero: more was owed than there was.
        points: i64,
    },
    /// Points that came with a link were granted before to the member, by a rule that grants once: they are taken back.
    GrantReversed(Reversal),
    /// The account follows no other one from now on: others can follow it.
    LinksAccepted,
    /// The account no longer follows a member's.
    AccountUnlinked {
        /// Which it followed.
        from: AccountId,
    },
    /// The account knows the order for which another one was asked, which hears of it.
    OrderKnown {
        /// Under which key.
        order: Fingerprint,
        /// The account where something waits for it.
        asker: AccountId,
    },
    /// Another account knows the order for which something waits here.
    OrderLocated {
        /// Under which key.
        order: Fingerprint,
        /// Which account.
        at: AccountId,
    },
}

/// What the points of a hold or redemption buy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exchange {
    /// Of which programme the points are.
    pub programme: ProgrammeId,
    /// For which reward.
    pub reward: RewardId,
    /// Who delivers it.
    pub redeemer: PartnerId,
    /// What they buy, by the version that decided the hold or redemption.
    pub bought: Bought,
    /// What became of it.
    pub state: ExchangeState,
}

/// What became of an exchange. Frozen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum ExchangeState {
    /// The points are held for it.
    Promised,
    /// The points are burnt for it.
    Bought,
    /// The points were given back, after they had been burnt for it.
    Undone,
}

/// Points taken by hand.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Taking {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// How many; the sum of the allocations and of what is owed.
    pub points: Points,
    /// From which lots, in burn order.
    pub allocations: Vec<LotAllocation>,
    /// What was not there, if anything.
    pub owed: Option<Debt>,
}

/// A lot that is taken back whole. Frozen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reversal {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// By which rule it was granted.
    pub rule: RuleId,
    /// What is left of it, and whose it was.
    pub allocation: LotAllocation,
    /// Whether it was still to be activated.
    pub pending: bool,
}

/// Points taken out of reach for a reward.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hold {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// What for.
    pub reward: RewardId,
    /// How many of it.
    pub quantity: u32,
    /// Who delivers it.
    pub redeemer: PartnerId,
    /// How many points; the sum of the allocations.
    pub points: Points,
    /// Who holds them.
    pub by: Role,
    /// When they are given back by themselves.
    pub until: Timestamp,
    /// From which lots, in burn order.
    pub allocations: Vec<LotAllocation>,
}

/// Why held points were given back. Frozen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Release {
    /// Somebody asked for it.
    Asked,
    /// The hold's time was over.
    TimedOut,
}

/// What was returned of an order. For good: what is returned is not bought again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderReturn {
    /// Which: [`crate::order::order_key`] or [`crate::order::opening_key`].
    pub order: Fingerprint,
    /// How much of what it cost; `None`: it is an account, that has no amount.
    pub amount: Option<Money>,
    /// How much of which lines, where lines were named.
    pub lines: Vec<LineReturn>,
    /// Nothing is left of it.
    pub whole: bool,
}

/// What was returned of a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineReturn {
    /// Which: [`crate::order::line_key`].
    pub line: Fingerprint,
    /// How much of what it cost.
    pub amount: Money,
}

/// Points taken back of what one rule granted for an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Clawback {
    /// The order, as of [`OrderReturn`].
    pub order: Fingerprint,
    /// By which version they were granted.
    pub version: VersionId,
    /// By which rule.
    pub rule: RuleId,
    /// As which lot.
    pub lot: LotKey,
    /// Whose event it was.
    pub issuer: PartnerId,
    /// Who paid.
    pub funder: PartnerId,
    /// How much for one.
    pub unit_price: UnitPrice,
    /// How many; above zero.
    pub points: Points,
    /// From which lots; the own one comes first.
    pub taken: Vec<TakenBack>,
    /// How many of the points were not there any more.
    pub debt: Points,
}

/// The slice of a lot that a clawback took.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TakenBack {
    /// The slice.
    pub allocation: LotAllocation,
    /// Whether the lot was still to be activated.
    pub pending: bool,
}

/// Why a rule granted nothing, or took nothing back. Frozen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Nothing {
    /// No rule of the programme looks at such an event at this partner.
    NoRule,
    /// Granted before, and the rule grants once.
    GrantedBefore,
    /// Another channel than the rule's.
    OtherChannel,
    /// Outside the rule's window.
    OutsideWindow,
    /// Another currency than the rule's.
    OtherCurrency,
    /// The amount is below what earns a point.
    AmountTooSmall,
    /// The consent that the rule asks for is missing.
    ConsentMissing,
    /// The rule grants once for each reference, and the event names none.
    NoReference,
    /// The event came so late that its points would have lapsed before they could be spent.
    LapsedAlready,
    /// An account was closed, and the rule leaves the points of its opening with the member.
    KeptOnClosing,
    /// An account was closed later than the rule would take the points of its opening back.
    OpenLongEnough,
}

impl Nothing {
    /// For people.
    pub fn explain(self) -> &'static str {
        match self {
            Self::NoRule => "no rule of the programme looks at such an event at this partner",
            Self::GrantedBefore => "granted before, and the rule grants once",
            Self::OtherChannel => "another channel than the rule's",
            Self::OutsideWindow => "outside the rule's window",
            Self::OtherCurrency => "another currency than the rule's",
            Self::AmountTooSmall => "the amount is below what earns a point",
            Self::ConsentMissing => "the consent that the rule asks for is missing",
            Self::NoReference => "the rule grants once for each reference, and the event names none",
            Self::LapsedAlready => {
                "the event came so late that its points would lapse before they could be spent"
            }
            Self::KeptOnClosing => "the rule takes nothing back when the account is closed",
            Self::OpenLongEnough => "the account was open for longer than the rule takes its points back",
        }
    }
}

/// A reward paid with points.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Redemption {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// What for.
    pub reward: RewardId,
    /// How many of it.
    pub quantity: u32,
    /// Who delivers it.
    pub redeemer: PartnerId,
    /// What the redeemer is paid for a point, at the time of the decision.
    pub unit_price: UnitPrice,
    /// How many points; the sum of the allocations.
    pub points: Points,
    /// From which lots, in burn order.
    pub allocations: Vec<LotAllocation>,
}
