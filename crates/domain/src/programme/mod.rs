//! Programme documents: what operators write, checked, as the rules that [`crate::decide`] follows.

mod document;

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use self::document::{DOCUMENT_MAX_BYTES, ENTRIES_MAX, Fault, parse, parse_published};

use crate::calendar::{EndOf, Term, Zone};
use crate::{
    Bought, Channel, Currency, EngagementKind, PartnerId, Points, ProgrammeId, Purpose, Registry, RewardId,
    RuleId, Span, Timestamp,
};

/// One version of a programme: immutable once published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Programme {
    /// Which programme this is a version of.
    pub id: ProgrammeId,
    /// For people.
    pub name: String,
    /// Events at or after this instant, by their own time, are judged by this version (until a later one's instant).
    pub effective_from: Timestamp,
    /// By whose calendar its days and months go; `None`: days are 24 hours, from one instant on.
    pub time_zone: Option<Zone>,
    /// In the order of the document, which is the order in which their lots are granted.
    pub rules: Vec<Rule>,
    /// In the order of the document.
    pub rewards: Vec<Reward>,
}

/// What earns what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Unique in the document.
    pub id: RuleId,
    /// Which events it looks at.
    pub on: Trigger,
    /// Only events of these partners; `None`: of every partner.
    pub partners: Option<Vec<PartnerId>>,
    /// Only events of these channels; `None`: of every channel, also of none.
    pub channels: Option<Vec<Channel>>,
    /// Only events whose own time lies in `from <= t < until`; `None`: open.
    pub from: Option<Timestamp>,
    /// See `from`.
    pub until: Option<Timestamp>,
    /// What it grants.
    pub grant: Grant,
    /// What its lots are.
    pub category: Category,
    /// Who pays for its lots; `None`: the partner whose event it is.
    pub funder: Option<PartnerId>,
    /// How often it grants.
    pub once: Option<Once>,
    /// The consent that the member must have given.
    pub consent: Option<Purpose>,
    /// How many days after the decision its points can be spent first; zero: at once.
    pub available_after_days: u32,
    /// How long after the event's own time its points lapse; `None`: never.
    pub expires_after: Option<Life>,
    /// An account that is closed within this time after its opening gives the points of the opening back; `None`: never.
    /// Only of openings.
    pub clawback_within: Option<Life>,
}

/// How long points live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Life {
    /// So long; only in days where the programme has no time zone.
    pub term: Term,
    /// And on to the end of that; only in a time zone.
    pub end_of: Option<EndOf>,
}

impl Programme {
    /// The cheapest reward to be had at `now` that `available` points don't reach.
    pub fn next_reward(&self, registry: &Registry, available: Points, now: Timestamp) -> Option<&Reward> {
        let beyond =
            self.rewards.iter().filter(|reward| reward.can_be_had(now) && reward.least() > available);
        let delivers = |reward: &&Reward| registry.suspended(&reward.redeemer).is_none();
        let beyond = beyond.filter(|reward| reward.is_possible()).filter(delivers);
        beyond.min_by_key(|reward| (reward.least(), reward.id))
    }

    /// The calendar year that `time` lies in, by the programme's time zone, else by UTC.
    pub fn year(&self, time: Timestamp) -> Range<Timestamp> {
        self.time_zone.as_ref().unwrap_or(&Zone::utc()).year(time)
    }

    /// From when points can be spent that are granted at `now`, `days` days after it.
    pub fn available_from(&self, now: Timestamp, days: u32) -> Timestamp {
        match (&self.time_zone, days) {
            (Some(zone), 1..) => zone.start_of_day_after(now, days),
            (Some(_) | None, _) => now.plus(Span::from_days(days.into())),
        }
    }

    /// When points lapse that were earned at `time`.
    pub fn expires_at(&self, time: Timestamp, life: &Life) -> Timestamp {
        match (&self.time_zone, life.term) {
            (Some(zone), term) => zone.end_of(time, term, life.end_of),
            (None, Term::Days(days)) => time.plus(Span::from_days(days.into())),
            (None, Term::Months(_)) => unreachable!("a document with months has a time zone"),
        }
    }
}

/// The kind of event that a rule looks at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Trigger {
    /// `sign_up`
    SignUp,
    /// `purchase`
    Purchase,
    /// `email_read`
    EmailRead,
    /// `account_opening`
    AccountOpening,
    /// `engagement`, of the kind that the rule's `kind` names
    Engagement(EngagementKind),
}

/// How many points a rule grants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grant {
    /// As many for each event.
    Fixed(Points),
    /// `points` for each `per_micros` of the amount; only of purchases.
    PerAmount {
        /// Granted for each step of the amount.
        points: Points,
        /// The step, in millionths of the unit of the currency; above zero.
        per_micros: i64,
        /// An amount in another currency is not looked at.
        currency: Currency,
        /// What becomes of the part of a point: `amount * points / per`.
        rounding: Rounding,
    },
}

/// How a division ends in whole points.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rounding {
    /// The part is dropped.
    Down,
    /// The part counts as a whole point.
    Up,
    /// To the nearest, a half to the even one.
    HalfEven,
}

/// How often a rule grants points to a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Once {
    /// Once for each member.
    Member,
    /// Once for each member and partner.
    MemberAndPartner,
    /// Once for each member, partner and reference that the event names (message id, order id, reference).
    Reference,
}

/// What a lot's points are; the declared order is the order of burning among lots of one expiry. Frozen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Category {
    /// Given away to promote something.
    Promotional,
    /// On top of the base points.
    Bonus,
    /// The ordinary points of an event.
    Base,
    /// By hand.
    Adjustment,
    /// Bought by the member.
    Purchased,
}

/// Something that can be had for points.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reward {
    /// Unique in the document.
    pub id: RewardId,
    /// For people.
    pub name: String,
    /// Who delivers it, and is paid for the points.
    pub redeemer: PartnerId,
    /// Its price; above zero.
    pub points: Points,
    /// What one of it is worth elsewhere; `None`: it is a thing.
    pub buys: Option<Bought>,
    /// How much of it can be had.
    pub limits: Limits,
    /// To be had only in `from <= now < until`; `None`: open.
    pub from: Option<Timestamp>,
    /// See `from`.
    pub until: Option<Timestamp>,
}

/// How many points can be spent on a reward; `None`: no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// The least that is held or redeemed at once; less of a hold may be captured.
    pub min: Option<Points>,
    /// The most in one hold or redemption.
    pub max: Option<Points>,
    /// The most of a member in a calendar year, what is held included.
    pub max_a_year: Option<Points>,
}

impl Reward {
    /// Whether it can be had at `now`.
    pub fn can_be_had(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// What the least that can be had of it costs: one, or as many as its limits ask for.
    pub fn least(&self) -> Points {
        let count = self.limits.min.map_or(1, |min| min.get().div_ceil(self.points.get()).max(1));
        Points::new(self.points.get().saturating_mul(count)).unwrap_or(Points::MAX)
    }

    /// Whether the least lies within its limits: else nobody can ever have it.
    fn is_possible(&self) -> bool {
        let (least, Limits { max, max_a_year, .. }) = (self.least(), &self.limits);
        let most = self.points.get().saturating_mul(u64::from(crate::decide::QUANTITY_MAX));
        least.get() <= most && [max, max_a_year].into_iter().flatten().all(|most| least <= *most)
    }
}
