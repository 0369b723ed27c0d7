//! The holds and redemptions of one account, as the auditor keeps them.

use std::collections::BTreeMap;

use coalition_domain::event::{Exchange, ExchangeState, Hold, Redemption, Release};
use coalition_domain::lot::{LotAllocation, LotKey};
use coalition_domain::{
    BurnId, Command, Event, PartnerId, Points, RewardChange, RewardId, Role, Span, Timestamp, UnitPrice,
};

use super::account::{Account, At};
use super::expected::{buys, price};
use super::lot::Lot;
use super::registry::Registry;
use super::sums::{ByPrice, Sums};
use super::{Judgement, holds, same};
use crate::workload::{START, programme};

/// Points that were taken for a reward.
pub(super) struct Burn {
    reward: RewardId,
    redeemer: PartnerId,
    points: u64,
    /// When they were taken.
    since: Timestamp,
    /// What was taken of which lots, in burn order.
    slices: Vec<Lot>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Held {
        by: Role,
        until: Timestamp,
    },
    /// By time or not.
    Released {
        by: Role,
        until: Timestamp,
        late: bool,
    },
    Captured {
        by: Role,
    },
    Redeemed(UnitPrice),
    Refunded,
}

impl Burn {
    /// What one of its reward costs.
    fn one(&self) -> u64 {
        price(self.reward.as_str()).map_or(1, |(price, _)| price)
    }

    /// When it gives its points back, if they are held.
    pub(super) fn held_until(&self) -> Option<Timestamp> {
        match self.state {
            State::Held { until, .. } => Some(until),
            State::Released { .. } | State::Captured { .. } | State::Redeemed(_) | State::Refunded => None,
        }
    }
}

impl Account {
    /// How many points of a lot are spent.
    pub(super) fn spent_of(&self, lot: &LotKey) -> u64 {
        let spent = self.burns.values().filter(|burn| matches!(burn.state, State::Redeemed(_)));
        spent.flat_map(|burn| &burn.slices).filter(|slice| slice.key == *lot).map(|slice| slice.left).sum()
    }

    /// What is held, and how much of it has been given back by `at` and can be spent.
    pub(super) fn in_holds(&self, at: Timestamp) -> (u64, u64) {
        let holds = || self.burns.values().filter_map(|burn| Some((burn.held_until()?, burn)));
        let held = holds().filter(|(until, _)| *until > at).map(|(_, burn)| burn.points).sum();
        let over = holds().filter(|(until, _)| *until <= at).flat_map(|(_, burn)| &burn.slices);
        (held, over.filter(|slice| !slice.lapsed(at)).map(|slice| slice.left).sum())
    }

    /// The points of all holds that have not ended in the journal.
    pub(super) fn booked_holds(&self) -> i64 {
        let held = self.burns.values().filter(|burn| burn.held_until().is_some());
        held.map(|burn| burn.points).sum::<u64>().cast_signed()
    }

    /// Whether a hold may be captured or released, or a redemption refunded, or the code of the refusal.
    pub(super) fn may_settle(
        &self,
        role: Role,
        change: &RewardChange,
        at: At,
        registry: &Registry,
    ) -> Result<(), &'static str> {
        let (id, unknown) = match change {
            RewardChange::Capture { hold, .. } | RewardChange::Release { hold } => (hold, "UNKNOWN_HOLD"),
            RewardChange::Refund { redemption } => (redemption, "UNKNOWN_REDEMPTION"),
            RewardChange::Hold { .. } => return Ok(()),
        };
        let burn = self.burns.get(&id.0).ok_or(unknown)?;
        let refund = matches!(change, RewardChange::Refund { .. });
        let holder = match burn.state {
            State::Held { by, .. } | State::Released { by, .. } | State::Captured { by } => Some(by),
            State::Redeemed(_) | State::Refunded => None,
        };
        if refund == holder.is_some() {
            return Err(unknown);
        }
        let own = matches!(change, RewardChange::Release { .. }) && holder == Some(role);
        match role {
            Role::Operator => {}
            _ if own => {}
            Role::Partner(partner) if partner == burn.redeemer => {}
            Role::Partner(_) => return Err(unknown),
            Role::Member(_) => return Err("PERMISSION_DENIED"),
        }
        match burn.state {
            State::Held { until, .. } if until <= at.decided_at => return Err("HOLD_EXPIRED"),
            State::Released { late: true, .. } => return Err("HOLD_EXPIRED"),
            State::Released { late: false, .. } | State::Captured { .. } => return Err("HOLD_NOT_OPEN"),
            State::Refunded => return Err("REDEMPTION_REFUNDED"),
            State::Held { .. } | State::Redeemed(_) => {}
        }
        if let RewardChange::Capture { points, .. } = change {
            let points = points.map_or(burn.points, Points::get);
            if points == 0 {
                return Err("INVALID_ARGUMENT");
            } else if points > burn.points {
                return Err("CAPTURE_TOO_LARGE");
            } else if buys(burn.reward.as_str(), 1).is_some() && !points.is_multiple_of(burn.one()) {
                return Err("INVALID_ARGUMENT");
            }
            registry.redemption(&burn.redeemer, at.decided_at).ok_or("NO_CONTRACT")?;
        }
        Ok(())
    }

    /// Judges what happened to the points of a reward, and takes it in; gives what has to be said next of what they buy.
    pub(super) fn burn(
        &mut self,
        command: &Command,
        event: &Event,
        at: At,
        registry: &Registry,
        sums: &mut Sums,
    ) -> Result<Option<Exchange>, String> {
        let number = u32::try_from(self.decisions.len()).expect("few decisions");
        let asked = || format!("{command:?} does not ask for {event:?}");
        let change = match command {
            Command::Reward { change, .. } => Some(change),
            Command::PartnerEvent(_)
            | Command::Enrol { .. }
            | Command::Redeem { .. }
            | Command::TimePassed { .. }
            | Command::Adjust { .. }
            | Command::Link { .. }
            | Command::Consent { .. }
            | Command::Unlink { .. }
            | Command::AcceptLinks { .. }
            | Command::Adopt(_)
            | Command::FindOrder { .. }
            | Command::LocateOrder { .. }
            | Command::OrderLocated { .. }
            | Command::Forwarded { .. } => None,
        };
        match event {
            Event::RewardRedeemed(redemption) => {
                let Command::Redeem { reward, quantity, .. } = command else { return Err(asked()) };
                self.costs(reward.as_str(), *quantity, (redemption.points, redemption.redeemer))?;
                let slices = self.take(redemption.points, &redemption.allocations, at)?;
                self.redeemed(redemption, slices, number, at, registry, sums)?;
                Ok(self.exchange(number, ExchangeState::Bought))
            }
            Event::HoldCreated(hold) => {
                let (Command::Reward { caller, .. }, Some(RewardChange::Hold { reward, quantity, ttl, .. })) =
                    (command, change)
                else {
                    return Err(asked());
                };
                let Hold { points, redeemer, by, until, allocations, .. } = hold;
                self.costs(reward.as_str(), *quantity, (*points, *redeemer))?;
                same("who holds", by, &caller.role)?;
                same("until when", until, &at.decided_at.plus(*ttl))?;
                let slices = self.take(*points, allocations, at)?;
                let state = State::Held { by: *by, until: *until };
                let (reward, since) = (*reward, at.decided_at);
                let burn = Burn { reward, redeemer: *redeemer, points: points.get(), since, slices, state };
                self.burns.insert(number, burn);
                Ok(self.exchange(number, ExchangeState::Promised))
            }
            Event::HoldCaptured { hold, redemption, released } => {
                let Some(RewardChange::Capture { points, .. }) = change else { return Err(asked()) };
                let (held, slices) = self.end_hold(*hold, |by, _| State::Captured { by })?;
                let wanted = points.map_or(held, Points::get);
                same("what is captured", &redemption.points.get(), &wanted)?;
                same("what is given back", &released.get(), &(held - wanted))?;
                let (burnt, rest) = cut(slices, wanted);
                same("the lots that are burnt", &named(&redemption.allocations), &told(&burnt))?;
                self.put_back(rest);
                let reward = self.burns.get(&hold.0).map(|burn| burn.reward);
                same("what for", &Some(redemption.reward), &reward)?;
                self.redeemed(redemption, burnt, number, at, registry, sums)?;
                Ok(self.exchange(number, ExchangeState::Bought))
            }
            Event::HoldReleased { hold, points, why, .. } => {
                let until = self.burns.get(&hold.0).and_then(Burn::held_until);
                let late = until.is_some_and(|until| until <= at.decided_at);
                let is_asked = matches!(change, Some(RewardChange::Release { hold: asked }) if asked == hold);
                same("whether it is time", &(*why == Release::TimedOut), &late)?;
                holds(late || is_asked, asked)?;
                let (held, slices) = self.end_hold(*hold, |by, until| State::Released { by, until, late })?;
                same("what is given back", &points.get(), &held)?;
                self.put_back(slices);
                Ok(None)
            }
            Event::RedemptionRefunded { of, redemption } => {
                holds(change == Some(&RewardChange::Refund { redemption: *of }), asked)?;
                let burn = self.burns.get_mut(&of.0).ok_or_else(asked)?;
                same("what is refunded", &burn.state, &State::Redeemed(redemption.unit_price))?;
                let slices = std::mem::take(&mut burn.slices);
                burn.state = State::Refunded;
                same("what is given back", &redemption.points.get(), &burn.points)?;
                same("the lots", &named(&redemption.allocations), &told(&slices))?;
                add(&mut sums.refunded, redemption, &slices);
                self.put_back(slices);
                Ok(self.exchange(of.0, ExchangeState::Undone))
            }
            Event::MemberEnrolled
            | Event::ConsentGiven { .. }
            | Event::ConsentWithdrawn { .. }
            | Event::PointsAccrued(_)
            | Event::NothingEarned { .. }
            | Event::LotActivated { .. }
            | Event::LotExpired { .. }
            | Event::OrderReturned(_)
            | Event::PointsClawedBack(_)
            | Event::AdjustmentCreated { .. }
            | Event::AdjustmentApproved { .. }
            | Event::AdjustmentRejected { .. }
            | Event::PointsTaken(_)
            | Event::PointsExchanged(_)
            | Event::AccountLinked { .. }
            | Event::HandedOver { .. }
            | Event::RecordsAdopted { .. }
            | Event::PointsAdopted { .. }
            | Event::PointsSuspended { .. }
            | Event::GrantReversed(_)
            | Event::LinksAccepted
            | Event::AccountUnlinked { .. }
            | Event::OrderKnown { .. }
            | Event::OrderLocated { .. }
            | Event::DebtRepaid { .. } => Err("no event of a reward".to_owned()),
        }
    }

    fn costs(&self, reward: &str, quantity: u32, (points, redeemer): (Points, PartnerId)) -> Judgement {
        let (price, delivers) = price(reward).ok_or("an unknown reward")?;
        same("what it costs", &points.get(), &(price * u64::from(quantity)))?;
        same("the redeemer", &redeemer, &delivers)
    }

    fn redeemed(
        &mut self,
        redemption: &Redemption,
        slices: Vec<Lot>,
        number: u32,
        at: At,
        registry: &Registry,
        sums: &mut Sums,
    ) -> Judgement {
        let Redemption { reward, redeemer, points, unit_price, .. } = redemption;
        let price = registry.redemption(redeemer, at.decided_at);
        same("the price", &Some(*unit_price), &price)?;
        add(&mut sums.redeemed, redemption, &slices);
        let state = State::Redeemed(*unit_price);
        let (reward, since) = (*reward, at.decided_at);
        let burn = Burn { reward, redeemer: *redeemer, points: points.get(), since, slices, state };
        self.burns.insert(number, burn);
        Ok(())
    }

    /// What is to be said of what the points of a hold or redemption buy.
    fn exchange(&self, number: u32, state: ExchangeState) -> Option<Exchange> {
        let Burn { reward, redeemer, points, .. } = self.burns.get(&number)?;
        let bought = buys(reward.as_str(), points / self.burns[&number].one())?;
        Some(Exchange { programme: programme(), reward: *reward, redeemer: *redeemer, bought, state })
    }

    /// Whether so many points may be spent on a reward, or the code of the refusal: at once, and in the calendar year.
    pub(super) fn is_within_limits(&self, reward: &str, points: u64, at: At) -> Result<(), &'static str> {
        if reward != "flight" {
            return Ok(());
        }
        if points > 200 {
            return Err("REWARD_ABOVE_MAXIMUM");
        }
        // A run begins with a year, and ends in it; a clock may be a little behind.
        let year = if at.decided_at < START { Timestamp::MIN } else { START };
        let counts = |burn: &&Burn| match burn.state {
            State::Held { until, .. } => until > at.decided_at,
            State::Redeemed(_) => true,
            State::Released { .. } | State::Captured { .. } | State::Refunded => false,
        };
        let on_it = self.burns.values().filter(|burn| burn.reward.as_str() == reward && burn.since >= year);
        let spent: u64 = on_it.filter(counts).map(|burn| burn.points).sum();
        if points + spent > 400 { Err("REWARD_LIMIT_REACHED") } else { Ok(()) }
    }

    /// Takes points from the lots in burn order.
    fn take(&mut self, points: Points, found: &[LotAllocation], at: At) -> Result<Vec<Lot>, String> {
        let (slices, missing) = self.take_first(points.get(), at, |lot| !lot.pending);
        same("points that are missing", &missing, &0)?;
        same("the lots that are burnt", &named(found), &told(&slices))?;
        Ok(slices)
    }

    fn put_back(&mut self, slices: Vec<Lot>) {
        for slice in slices {
            match self.lots.iter_mut().find(|lot| lot.key == slice.key) {
                Some(lot) => lot.left += slice.left,
                None => self.lots.push(slice),
            }
        }
    }

    fn end_hold(
        &mut self,
        id: BurnId,
        end: impl FnOnce(Role, Timestamp) -> State,
    ) -> Result<(u64, Vec<Lot>), String> {
        let burn = self.burns.get_mut(&id.0).ok_or_else(|| format!("there is no hold {id}"))?;
        let State::Held { by, until } = burn.state else {
            return Err(format!("hold {id} gives its points away twice: {:?}", burn.state));
        };
        burn.state = end(by, until);
        Ok((burn.points, std::mem::take(&mut burn.slices)))
    }
}

/// Whether a hold may last so long.
pub(super) fn lasts(ttl: Span) -> bool {
    (60_000..=30 * 86_400_000).contains(&ttl.as_millis())
}

fn named(allocations: &[LotAllocation]) -> Vec<(coalition_domain::lot::LotKey, u64)> {
    allocations.iter().map(|slice| (slice.lot, slice.points.get())).collect()
}

fn told(slices: &[Lot]) -> Vec<(coalition_domain::lot::LotKey, u64)> {
    slices.iter().map(|slice| (slice.key, slice.left)).collect()
}

fn cut(slices: Vec<Lot>, points: u64) -> (Vec<Lot>, Vec<Lot>) {
    let (mut missing, mut first, mut rest) = (points, Vec::new(), Vec::new());
    for slice in slices {
        let taken = slice.left.min(missing);
        missing -= taken;
        if taken > 0 {
            first.push(Lot { left: taken, ..slice.clone() });
        }
        if slice.left > taken {
            rest.push(Lot { left: slice.left - taken, ..slice });
        }
    }
    (first, rest)
}

/// Adds points to the lines of their issuers.
fn add(sums: &mut ByPrice, redemption: &Redemption, slices: &[Lot]) {
    let mut issuers: BTreeMap<PartnerId, i64> = BTreeMap::new();
    for slice in slices {
        *issuers.entry(slice.issuer).or_default() += slice.left.cast_signed();
    }
    for (issuer, points) in issuers {
        let sum = sums.entry((issuer, redemption.redeemer, redemption.unit_price)).or_default();
        *sum = (sum.0 + points, sum.1 + 1);
    }
}
