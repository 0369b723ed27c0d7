//! What is asked of an account.

mod body;
mod fingerprints;

use serde::{Deserialize, Serialize};

use crate::adjustment::Adjustment;
use crate::handover::Handover;
use crate::{
    AccountId, AdjustmentId, BurnId, Channel, EngagementKind, Fingerprint, Identifier, KeyId, Money,
    PartnerId, Points, ProgrammeId, Purpose, Reference, RequestId, RewardId, Span, Timestamp,
};

pub use fingerprints::{event_key, request_key};

/// What a partner says happened, checked by intake and placed by its identifier.
///
/// Frozen in stored data, as are all types of this file: a change is a new variant at the end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PartnerEvent {
    /// Who says it: the owner of the topic that it came by.
    pub partner: PartnerId,
    /// The partner's own unique id of it.
    pub event_id: Reference,
    /// For which programme; `None`: the partner's default one.
    pub programme: Option<ProgrammeId>,
    /// Of whom.
    pub identifier: Identifier,
    /// When it happened, by the partner's clock.
    pub event_time: Timestamp,
    /// How it came about.
    pub channel: Option<Channel>,
    /// Raised by the partner to send a refused event again.
    pub revision: u32,
    /// What happened.
    pub body: EventBody,
}

/// The kinds of partner event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum EventBody {
    /// Joined the programme; enrols.
    SignUp {
        /// Given along with it.
        consents: Vec<Purpose>,
    },
    /// Permits something from now on.
    ConsentGiven {
        /// What.
        purpose: Purpose,
    },
    /// Permits it no longer.
    ConsentWithdrawn {
        /// What.
        purpose: Purpose,
    },
    /// Bought something.
    Purchase {
        /// The partner's name of the order.
        order: Reference,
        /// What it cost; not below zero.
        amount: Money,
    },
    /// Read a message.
    EmailRead {
        /// Which.
        message: Reference,
    },
    /// Opened an account at the partner.
    AccountOpening {
        /// The partner's name of the account.
        reference: Option<Reference>,
    },
    /// Did something else that may be worth points.
    Engagement {
        /// What.
        kind: EngagementKind,
        /// The partner's name of what it was done to.
        reference: Option<Reference>,
    },
    /// Bought several things, each of which can be returned by its name: judged as a purchase.
    Basket {
        /// The partner's name of the order.
        order: Reference,
        /// What it cost: the sum of its lines.
        amount: Money,
        /// Its lines, each with another name.
        lines: Vec<OrderLine>,
    },
    /// Gave back what was bought, or a part of it.
    Return {
        /// Of which order.
        order: Reference,
        /// What of it.
        what: Returned,
    },
    /// Closed an account at the partner.
    AccountClosing {
        /// The partner's name of the account, as its opening said it.
        reference: Reference,
    },
}

/// A line of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderLine {
    /// The partner's name of it in its order.
    pub line: Reference,
    /// What it cost, in the currency of the order; not below zero.
    pub amount: Money,
}

/// What is given back of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Returned {
    /// All that is left of it.
    Whole,
    /// A part of what it cost; above zero.
    Amount(Money),
    /// Lines of it, each another one.
    Lines(Vec<ReturnedLine>),
}

/// What is given back of a line of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReturnedLine {
    /// The partner's name of the line.
    pub line: Reference,
    /// A part of what it cost, above zero; `None`: all that is left of it.
    pub amount: Option<Money>,
}

/// As whom a key speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Role {
    /// The operator of the network: everything.
    Operator,
    /// One partner: what is its own.
    Partner(PartnerId),
    /// One member: what is their own.
    Member(AccountId),
}

/// Who asks: a role and the key that vouched for it, which the owner of the shard checks again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Caller {
    /// The key.
    pub key: KeyId,
    /// What the gateway took it for.
    pub role: Role,
}

/// A command that one account answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Judge a partner's event.
    PartnerEvent(PartnerEvent),
    /// Make a member of the account of an identifier.
    Enrol {
        /// Whose request.
        caller: Caller,
        /// Repeats with the same id have no second effect.
        request: RequestId,
        /// Whose account.
        identifier: Identifier,
    },
    /// Burn points for a reward.
    Redeem {
        /// Whose request.
        caller: Caller,
        /// Repeats with the same id have no second effect.
        request: RequestId,
        /// Whose points.
        account: AccountId,
        /// Of which programme.
        programme: ProgrammeId,
        /// For what.
        reward: RewardId,
        /// How many of it, 1 to 1,000.
        quantity: u32,
    },
    /// Note what time has made true of the points of an account. The shard asks it of itself.
    TimePassed {
        /// Whose points.
        account: AccountId,
    },
    /// Hold points for a reward, or change what became of them.
    Reward {
        /// Whose request.
        caller: Caller,
        /// Repeats with the same id have no second effect.
        request: RequestId,
        /// Whose points.
        account: AccountId,
        /// What is asked.
        change: RewardChange,
    },
    /// Give or take points by hand.
    Adjust {
        /// Whose request.
        caller: Caller,
        /// Repeats with the same id have no second effect.
        request: RequestId,
        /// Whose points.
        account: AccountId,
        /// What is asked.
        change: AdjustmentChange,
    },
    /// Have an identifier's account follow a member's: what it has, and what comes for it later, is the member's.
    Link {
        /// Whose request.
        caller: Caller,
        /// Repeats with the same id have no second effect.
        request: RequestId,
        /// Whose account follows.
        identifier: Identifier,
        /// Which account it follows; somebody is enrolled there.
        member: AccountId,
    },
    /// Take in what another account hands over. A shard asks it of another: it can't be refused.
    Adopt(Handover),
    /// Judge a partner's event that came for an account which was linked to this one.
    Forwarded {
        /// What the partner said.
        event: PartnerEvent,
        /// This account.
        account: AccountId,
    },
    /// Note what the member permits, or permits no longer.
    Consent {
        /// Whose request.
        caller: Caller,
        /// Repeats with the same id have no second effect.
        request: RequestId,
        /// Whose consent.
        account: AccountId,
        /// To what.
        purpose: Purpose,
        /// Whether it is given or withdrawn.
        given: bool,
    },
    /// Have an identifier's account no longer follow a member's.
    Unlink {
        /// Whose request.
        caller: Caller,
        /// Repeats with the same id have no second effect.
        request: RequestId,
        /// Whose account is on its own again.
        identifier: Identifier,
        /// Which account it follows.
        member: AccountId,
    },
    /// Have the account of a member stay where it is for good, so that others can follow it.
    AcceptLinks {
        /// Whose request.
        caller: Caller,
        /// Repeats with the same id have no second effect.
        request: RequestId,
        /// Which account.
        account: AccountId,
    },
    /// Look for the account that knows an order. A shard asks it of every shard, which asks those of its accounts that may.
    FindOrder {
        /// Under which key an account would know it.
        order: Fingerprint,
        /// The account where something waits for it.
        asker: AccountId,
        /// Until when it waits.
        until: Timestamp,
    },
    /// Say whether it is this account that knows an order for which another one was asked. The shard asks it of itself.
    LocateOrder {
        /// This account.
        account: AccountId,
        /// Under which key an account would know it.
        order: Fingerprint,
        /// The account where something waits for it.
        asker: AccountId,
    },
    /// Hear which account knows an order. A shard asks it of another: it can't be refused.
    OrderLocated {
        /// This account, where something waits for it.
        account: AccountId,
        /// Under which key the other one knows it.
        order: Fingerprint,
        /// The other one.
        at: AccountId,
    },
}

/// What is asked about an adjustment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AdjustmentChange {
    /// Make it, or propose it if it is above the network's limit.
    Create(Adjustment),
    /// Make what another key has proposed.
    Approve {
        /// Which.
        adjustment: AdjustmentId,
    },
    /// Turn down what was proposed.
    Reject {
        /// Which.
        adjustment: AdjustmentId,
    },
}

/// What is asked about a reward, apart from redeeming it in one call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RewardChange {
    /// Take points out of reach until it is known whether they are burnt.
    Hold {
        /// Of which programme.
        programme: ProgrammeId,
        /// For what.
        reward: RewardId,
        /// How many of it, 1 to 1,000.
        quantity: u32,
        /// After how long the points are given back by themselves.
        ttl: Span,
    },
    /// Burn held points; what is left of the hold is given back.
    Capture {
        /// Which.
        hold: BurnId,
        /// How many; `None`: all.
        points: Option<Points>,
    },
    /// Give held points back.
    Release {
        /// Which.
        hold: BurnId,
    },
    /// Undo a redemption, whole.
    Refund {
        /// Which.
        redemption: BurnId,
    },
}

impl Command {
    /// The account that answers it.
    pub fn account(&self) -> AccountId {
        match self {
            Self::PartnerEvent(event) => event.identifier.account(),
            Self::Enrol { identifier, .. }
            | Self::Link { identifier, .. }
            | Self::Unlink { identifier, .. } => identifier.account(),
            Self::Redeem { account, .. }
            | Self::TimePassed { account }
            | Self::Reward { account, .. }
            | Self::Adjust { account, .. }
            | Self::Forwarded { account, .. }
            | Self::Consent { account, .. }
            | Self::AcceptLinks { account, .. }
            | Self::FindOrder { asker: account, .. }
            | Self::LocateOrder { account, .. }
            | Self::OrderLocated { account, .. } => *account,
            Self::Adopt(handover) => handover.to,
        }
    }

    /// The command by which `account` judges `event`.
    pub fn of_event(event: PartnerEvent, account: AccountId) -> Self {
        if event.identifier.account() == account {
            Self::PartnerEvent(event)
        } else {
            Self::Forwarded { event, account }
        }
    }

    /// The partner's event that it is about, if it is.
    pub fn event(&self) -> Option<&PartnerEvent> {
        match self {
            Self::PartnerEvent(event) | Self::Forwarded { event, .. } => Some(event),
            Self::Enrol { .. }
            | Self::Redeem { .. }
            | Self::TimePassed { .. }
            | Self::Reward { .. }
            | Self::Adjust { .. }
            | Self::Link { .. }
            | Self::Adopt(_)
            | Self::Consent { .. }
            | Self::Unlink { .. }
            | Self::AcceptLinks { .. }
            | Self::FindOrder { .. }
            | Self::LocateOrder { .. }
            | Self::OrderLocated { .. } => None,
        }
    }

    /// Who asks it, and the id of the request; `None`: it is no request.
    pub fn request(&self) -> Option<(&Caller, RequestId)> {
        match self {
            Self::Enrol { caller, request, .. }
            | Self::Redeem { caller, request, .. }
            | Self::Reward { caller, request, .. }
            | Self::Adjust { caller, request, .. }
            | Self::Link { caller, request, .. }
            | Self::Consent { caller, request, .. }
            | Self::Unlink { caller, request, .. }
            | Self::AcceptLinks { caller, request, .. } => Some((caller, *request)),
            Self::PartnerEvent(_)
            | Self::TimePassed { .. }
            | Self::Adopt(_)
            | Self::Forwarded { .. }
            | Self::FindOrder { .. }
            | Self::LocateOrder { .. }
            | Self::OrderLocated { .. } => None,
        }
    }

    /// What it counts under: it takes effect once. `None`: it has no id, and is never a repeat.
    pub fn key(&self) -> Option<Fingerprint> {
        match self {
            Self::PartnerEvent(event) | Self::Forwarded { event, .. } => {
                Some(event_key(event.partner, &event.event_id))
            }
            Self::Enrol { .. }
            | Self::Redeem { .. }
            | Self::Reward { .. }
            | Self::Adjust { .. }
            | Self::Link { .. }
            | Self::Consent { .. }
            | Self::Unlink { .. }
            | Self::AcceptLinks { .. } => {
                self.request().map(|(caller, request)| request_key(caller.role, request))
            }
            Self::TimePassed { .. }
            | Self::Adopt(_)
            | Self::FindOrder { .. }
            | Self::LocateOrder { .. }
            | Self::OrderLocated { .. } => None,
        }
    }
}
