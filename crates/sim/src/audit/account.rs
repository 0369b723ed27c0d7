//! One account, by the auditor's own arithmetic: what each command should come to, and what it leaves behind.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::event::{Accrual, Release};
use coalition_domain::lot::LotKey;
use coalition_domain::{
    Command, Decision, Event, EventBody, Outcome, PartnerId, Place, Span, Timestamp, UnitPrice, WaitsFor,
};

use coalition_ledger::inbox::Source;

use super::burn::Burn;
use super::expected::Grant;
use super::lot::Lot;
use super::registry::Registry;
use super::waiting::{WAITING_MAX, Waiting};
use super::{Judgement, holds, same, time};

/// Where and when a decision was taken.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) place: Place,
    pub(super) decided_at: Timestamp,
    pub(super) horizon: Timestamp,
}

/// What points have become, over an account or a shard.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Sums {
    pub(super) issued: BTreeMap<(PartnerId, PartnerId, UnitPrice), (i64, u64)>,
    pub(super) redeemed: BTreeMap<(PartnerId, PartnerId, UnitPrice), (i64, u64)>,
    pub(super) refunded: BTreeMap<(PartnerId, PartnerId, UnitPrice), (i64, u64)>,
    pub(super) expired: i64,
}

/// An account.
#[derive(Default)]
pub(super) struct Account {
    pub(super) enrolled: bool,
    pub(super) consent: Option<(bool, Timestamp)>,
    pub(super) lots: Vec<Lot>,
    pub(super) claims: BTreeSet<String>,
    /// The holds and redemptions, by the number of the decision that created them.
    pub(super) burns: BTreeMap<u32, Burn>,
    /// Every decision, in order.
    pub(super) decisions: Vec<(At, Decision)>,
    known: BTreeMap<String, Vec<usize>>,
    /// Events that wait, in the order in which they came.
    pub(super) waiting: Vec<Waiting>,
    /// How many events that waited were applied, and how many were not.
    pub(super) waited: (usize, usize),
}

/// What counts as one command.
fn key(command: &Command) -> String {
    match command {
        Command::PartnerEvent(event) => format!("event {} {}", event.partner, event.event_id),
        Command::Enrol { caller, request, .. }
        | Command::Redeem { caller, request, .. }
        | Command::Reward { caller, request, .. } => {
            format!("request {:?} {request}", caller.role)
        }
        // It has no id, and never counts as the same.
        Command::TimePassed { .. } => "time".to_owned(),
    }
}

impl Account {
    /// Whether this very command was decided.
    pub(super) fn knows(&self, command: &Command) -> bool {
        self.earlier(command).any(|decision| decision.command == *command)
    }

    fn earlier(&self, command: &Command) -> impl Iterator<Item = &Decision> {
        let known = self.known.get(&key(command)).into_iter().flatten();
        known.map(|number| &self.decisions[*number].1)
    }

    /// Judges a decision and takes it in.
    pub(super) fn decide(
        &mut self,
        (decision, source): (&Decision, Option<Source>),
        at: At,
        registry: &Registry,
        sums: &mut Sums,
    ) -> Judgement {
        let command = &decision.command;
        let (mut codes, mut grants) = (Vec::new(), Vec::new());
        if let Some(first) = self.ready() {
            holds(*command == Command::PartnerEvent(first.clone()), || {
                format!("{command:?} comes before {first:?}, which has waited for a consent that is there")
            })?;
        }
        let reused = self.earlier(command).any(|earlier| matches!(earlier.outcome, Outcome::Applied(_)))
            || self.waiting.iter().any(|other| {
                let other = Command::PartnerEvent(other.event.clone());
                other != *command && key(&other) == key(command)
            });
        let (mut waited, mut waits) = (false, None);
        match command {
            Command::PartnerEvent(event) if self.waits(event).is_some() => {
                let place = self.waiting.iter().position(|waiting| waiting.event == *event);
                let waiting = self.waiting.remove(place.ok_or("it waits")?);
                match self.earns(event, at, registry) {
                    Ok(expected) => grants = expected,
                    Err(code) => codes.push(code),
                }
                holds(!codes.contains(&"CONSENT_MISSING") || waiting.until <= at.decided_at, || {
                    format!("{} is refused before {}, as it might have waited", key(command), waiting.until)
                })?;
                waited = true;
            }
            Command::PartnerEvent(event) => {
                let oldest = registry.max_event_age.map(|age| at.horizon.minus(age));
                let too_old = oldest.is_some_and(|oldest| event.event_time < oldest);
                if too_old {
                    // Whether the id is still known doesn't matter any more.
                    codes.push("EVENT_TOO_OLD");
                }
                holds(too_old || !self.knows(command), || format!("{} is decided twice", key(command)))?;
                if reused {
                    codes.push("ID_REUSED");
                } else if !too_old {
                    match self.earns(event, at, registry) {
                        Ok(expected) => grants = expected,
                        Err("CONSENT_MISSING") if self.waiting.len() < WAITING_MAX => {
                            let wait = registry.consent_wait.unwrap_or(Span::from_days(1));
                            waits = Some(at.decided_at.plus(wait));
                        }
                        Err(code) => codes.push(code),
                    }
                }
            }
            Command::Enrol { .. } | Command::Redeem { .. } | Command::Reward { .. } => {
                holds(!self.knows(command), || format!("{} is decided twice", key(command)))?;
                // Whatever became of it, a request's id stands for what it said first.
                let reused = self.earlier(command).next().is_some();
                codes.extend(if reused { Some("ID_REUSED") } else { self.may(command, at, registry).err() });
            }
            Command::TimePassed { .. } => time::brings_about(&decision.outcome)?,
        }
        match &decision.outcome {
            Outcome::Refused(rejection) => holds(codes.contains(&rejection.code()), || {
                format!("{command:?} is refused for {rejection}, expected {codes:?}")
            })?,
            Outcome::Waiting(wait) => {
                let WaitsFor::Consent(purpose) = &wait.waits_for else {
                    return Err("nothing is returned here".to_owned());
                };
                let found = (purpose.as_str(), Some(wait.until));
                same("what an event waits for", &found, &("marketing", waits))?;
                let Command::PartnerEvent(event) = command else { return Err("a request waits".to_owned()) };
                self.waiting.push(Waiting { event: event.clone(), until: wait.until, source });
            }
            Outcome::Applied(applied) => {
                holds(codes.is_empty() && waits.is_none(), || {
                    format!("{command:?} is applied, expected {codes:?} or to wait until {waits:?}")
                })?;
                self.apply(command, &applied.events, grants, at, registry, sums)?;
            }
        }
        match &decision.outcome {
            Outcome::Applied(_) => self.waited.0 += usize::from(waited),
            Outcome::Refused(_) => self.waited.1 += usize::from(waited),
            Outcome::Waiting(_) => {}
        }
        self.known.entry(key(command)).or_default().push(self.decisions.len());
        self.decisions.push((at, decision.clone()));
        Ok(())
    }

    fn apply(
        &mut self,
        command: &Command,
        events: &[Event],
        grants: Vec<Grant>,
        at: At,
        registry: &Registry,
        sums: &mut Sums,
    ) -> Judgement {
        let (mut grants, mut nth) = (grants.into_iter(), 0);
        let enrols = !self.enrolled
            && match command {
                Command::PartnerEvent(event) => matches!(event.body, EventBody::SignUp { .. }),
                Command::Enrol { .. } => true,
                Command::Redeem { .. } | Command::TimePassed { .. } | Command::Reward { .. } => false,
            };
        let (mut consents, mut done) = (self.consents(command), false);
        for event in events {
            match event {
                Event::MemberEnrolled => self.enrolled = true,
                Event::ConsentGiven { .. } => same("a consent", &Some(true), &consents.take())?,
                Event::ConsentWithdrawn { .. } => same("a consent", &Some(false), &consents.take())?,
                Event::PointsAccrued(accrual) => {
                    let grant = grants.next().ok_or_else(|| format!("{accrual:?} should not be"))?;
                    self.accrue(command, accrual, grant, (at, nth), registry, sums)?;
                    nth += 1;
                }
                Event::NothingEarned { .. } => {}
                Event::LotActivated { lot, points, .. } => {
                    let lot = self.lot(lot)?;
                    let due = lot.pending && lot.key.available_from <= at.decided_at;
                    holds(due && lot.left == points.get(), || format!("{event:?} is not due"))?;
                    lot.pending = false;
                }
                Event::LotExpired { lot, points, pending, .. } => {
                    let lot = self.lot(lot)?;
                    let due = lot.lapsed(at.decided_at) && lot.pending == *pending;
                    // What is given back lapses by itself, beside what is left of the lot.
                    let whole = lot.left == points.get()
                        || matches!(command, Command::Reward { .. }) && points.get() < lot.left;
                    holds(due && whole, || format!("{event:?} is not due"))?;
                    lot.left -= points.get();
                    sums.expired += points.signed();
                }
                Event::RewardRedeemed(_)
                | Event::HoldCreated(_)
                | Event::HoldCaptured { .. }
                | Event::HoldReleased { .. }
                | Event::RedemptionRefunded { .. } => {
                    self.burn(command, event, at, registry, sums)?;
                    done |= !matches!(event, Event::HoldReleased { why: Release::TimedOut, .. });
                }
                Event::OrderReturned(_) | Event::PointsClawedBack(_) | Event::DebtRepaid { .. } => {
                    return Err(format!("{event:?}, though nothing is returned here"));
                }
            }
            self.lots.retain(|lot| lot.left > 0);
        }
        if let Command::PartnerEvent(event) = command
            && let Some(given) = self.consents(command)
        {
            same("a consent that should be noted", &consents, &None)?;
            self.consent = Some((given, event.event_time));
        }
        let asks = matches!(command, Command::Redeem { .. } | Command::Reward { .. });
        same("what is done about a reward", &done, &asks)?;
        same("an enrolment", &events.contains(&Event::MemberEnrolled), &enrols)?;
        holds(grants.next().is_none(), || format!("{command:?} earns less than it should"))
    }

    /// What the command should say of the one consent that there is.
    fn consents(&self, command: &Command) -> Option<bool> {
        let Command::PartnerEvent(event) = command else { return None };
        let newest = self.consent.is_none_or(|(_, since)| since <= event.event_time);
        match &event.body {
            EventBody::SignUp { consents } if !consents.is_empty() => newest.then_some(true),
            EventBody::ConsentGiven { .. } => newest.then_some(true),
            EventBody::ConsentWithdrawn { .. } => newest.then_some(false),
            EventBody::SignUp { .. }
            | EventBody::Purchase { .. }
            | EventBody::EmailRead { .. }
            | EventBody::AccountOpening { .. }
            | EventBody::Engagement { .. }
            | EventBody::Basket { .. }
            | EventBody::Return { .. }
            | EventBody::AccountClosing { .. } => None,
        }
    }

    fn accrue(
        &mut self,
        command: &Command,
        accrual: &Accrual,
        grant: Grant,
        (at, nth): (At, u32),
        registry: &Registry,
        sums: &mut Sums,
    ) -> Judgement {
        let Command::PartnerEvent(event) = command else { return Err("a request earns points".to_owned()) };
        same("the rule", &accrual.rule.as_str(), &grant.rule)?;
        same("the points", &accrual.points.get(), &grant.points)?;
        same("issuer and funder", &(accrual.issuer, accrual.funder), &(event.partner, grant.funder))?;
        same("the category", &accrual.category, &grant.category)?;
        same("the expiry", &accrual.expires_at.0, &grant.expires)?;
        same("when it can be spent", &accrual.available_from, &at.decided_at.plus(grant.waits))?;
        same("whether it waits", &accrual.pending, &(grant.waits != Span::ZERO))?;
        let price = registry.accrual(&grant.funder, at.decided_at);
        same("the price", &Some(accrual.unit_price), &price)?;
        let sum = sums.issued.entry((event.partner, grant.funder, accrual.unit_price)).or_default();
        *sum = (sum.0 + accrual.points.signed(), sum.1 + 1);
        self.claims.extend(grant.claim);
        self.lots.push(Lot {
            key: LotKey {
                expires_at: accrual.expires_at,
                category: accrual.category,
                available_from: accrual.available_from,
                granted: at.place,
                nth,
            },
            left: grant.points,
            pending: accrual.pending,
            issuer: event.partner,
        });
        Ok(())
    }

    fn lot(&mut self, key: &LotKey) -> Result<&mut Lot, String> {
        self.lots.iter_mut().find(|lot| lot.key == *key).ok_or_else(|| format!("there is no lot {key:?}"))
    }
}
