//! What has to be true when a case is over.

use coalition_domain::{Money, PartnerId, Points, ProgrammeId};
use serde::Deserialize;

use crate::value::{self, Who};

/// What holds in the end; what is left out may be anything.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// Of members.
    #[serde(default)]
    pub balances: Vec<BalanceIs>,
    /// Of partners.
    #[serde(default)]
    pub statements: Vec<StatementIs>,
    /// Whose points were burnt where.
    #[serde(default)]
    pub burnt: Vec<BurntIs>,
    /// What members can see of what has happened to them.
    #[serde(default)]
    pub histories: Vec<HistoryIs>,
}

/// A member's history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryIs {
    /// Who.
    pub who: Who,
    /// Of whose customers, where `who` is a number.
    pub partner: Option<PartnerId>,
    /// Newest first: `"redemption -500"`, `"purchase +499"`, `"redemption refused POINTS_SHORT"`.
    pub entries: Vec<String>,
}

/// What a member has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalanceIs {
    /// Who.
    pub who: Who,
    /// Of whose customers, where `who` is a number.
    pub partner: Option<PartnerId>,
    /// Of which programme.
    pub programme: ProgrammeId,
    /// Points that can be spent.
    pub available: Option<Points>,
    /// Points that can be spent later.
    pub pending: Option<Points>,
    /// Points that are held for rewards.
    pub held: Option<Points>,
    /// Points that are owed.
    pub debt: Option<Points>,
    /// Points that the next reward takes beyond those available.
    pub to_next_reward: Option<i64>,
}

/// What a partner's statement says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementIs {
    /// Whose.
    pub partner: PartnerId,
    /// In which programme.
    pub programme: ProgrammeId,
    /// Points that it funded, also those that were clawed back.
    pub issued: Option<i64>,
    /// Points that it was given back.
    pub clawed_back: Option<i64>,
    /// Points that were burnt at it.
    pub redeemed: Option<i64>,
    /// What it owes; below zero: is owed.
    #[serde(default, deserialize_with = "value::optional_money")]
    pub net: Option<Money>,
}

/// How many points of an issuer were burnt at a redeemer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BurntIs {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// Whose events the points came from.
    pub issuer: PartnerId,
    /// Who delivered the rewards.
    pub redeemer: PartnerId,
    /// How many.
    pub points: i64,
}
