//! One account, by the auditor's own arithmetic: what each command should come to, and what it leaves behind.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::WaitsFor;
use coalition_domain::event::Release;
use coalition_domain::lot::LotKey;
use coalition_domain::{
    AccountId, Command, Decision, Event, EventBody, Fingerprint, Outcome, PartnerEvent, Place, Span,
    Timestamp,
};

use coalition_ledger::inbox::Source;

use super::adjust::Adjusted;
use super::burn::Burn;
use super::debt::Debt;
use super::expected::Grant;
use super::lapsing::repaying;
use super::lot::Lot;
use super::order::{Order, taken_back};
use super::registry::Registry;
use super::returns::Returning;
use super::sums::Sums;
use super::waiting::{WAITING_MAX, Waiting, healed_by};
use super::{Judgement, holds, same, time};

/// Where and when a decision was taken.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) place: Place,
    pub(super) decided_at: Timestamp,
    pub(super) horizon: Timestamp,
}

/// An account.
#[derive(Default)]
pub(super) struct Account {
    pub(super) enrolled: bool,
    pub(super) consent: Option<(bool, Timestamp)>,
    pub(super) lots: Vec<Lot>,
    pub(super) claims: BTreeSet<Fingerprint>,
    /// Those of them that went to the account that it follows.
    pub(super) handed: BTreeSet<Fingerprint>,
    /// Whether it is never linked away.
    pub(super) stays: bool,
    /// How many decisions there were when it was unlinked last.
    pub(super) own_since: usize,
    /// Which member's account it follows.
    pub(super) forward: Option<AccountId>,
    /// The accounts that ever followed this one, in the order in which they came first.
    pub(super) links: Vec<AccountId>,
    /// Those of them that do.
    pub(super) followers: BTreeSet<AccountId>,
    /// Of the handover that is being judged: pieces that were taken in, and lots that were granted before.
    pub(super) adopted: usize,
    pub(super) reversed: BTreeSet<(LotKey, bool)>,
    /// What was bought or opened, by its name.
    pub(super) orders: BTreeMap<Fingerprint, Order>,
    /// The oldest first.
    pub(super) debts: Vec<Debt>,
    /// The holds and redemptions, by the number of the decision that created them.
    pub(super) burns: BTreeMap<u32, Burn>,
    /// What was given or taken by hand, or proposed, by the number of the decision that created it.
    pub(super) adjusted: BTreeMap<u32, Adjusted>,
    /// Every decision, in order.
    pub(super) decisions: Vec<(At, Decision)>,
    known: BTreeMap<String, Vec<usize>>,
    /// The same at the end of the journal, by the ids that the network knows.
    by_id: OnceCell<BTreeMap<Fingerprint, Vec<usize>>>,
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
        | Command::Reward { caller, request, .. }
        | Command::Adjust { caller, request, .. } => {
            format!("request {:?} {request}", caller.role)
        }
        Command::Forwarded { event, .. } => format!("event {} {}", event.partner, event.event_id),
        Command::Link { caller, request, .. }
        | Command::Consent { caller, request, .. }
        | Command::Unlink { caller, request, .. }
        | Command::AcceptLinks { caller, request, .. } => format!("request {:?} {request}", caller.role),
        // They have no id, and never count as the same.
        Command::TimePassed { .. }
        | Command::Adopt(_)
        | Command::FindOrder { .. }
        | Command::LocateOrder { .. }
        | Command::OrderLocated { .. } => "time".to_owned(),
    }
}

impl Account {
    /// Whether this very command was decided.
    pub(super) fn knows(&self, command: &Command) -> bool {
        let mut earlier = self.earlier(command).filter(|decision| decision.command == *command);
        if !matches!(command, Command::Forwarded { .. }) {
            return earlier.next().is_some();
        }
        // What went on from here, also after it had waited, and comes back since its order or a link has moved, is decided again.
        let (ended, waits) =
            earlier.fold((false, false), |(ended, waits), decision| match decision.outcome {
                Outcome::Applied(_) | Outcome::Refused(_) => (true, waits),
                Outcome::Waiting(_) => (ended, true),
                Outcome::Forwarded(_) => (ended, false),
            });
        ended || waits
    }

    /// Where this very command was decided.
    pub(super) fn place_of(&self, command: &Command) -> Option<Place> {
        let known = self.known.get(&key(command)).into_iter().flatten();
        let mut known = known.map(|number| &self.decisions[*number]);
        known.find(|(_, decision)| decision.command == *command).map(|(at, _)| at.place)
    }

    /// The numbers of the decisions on each id.
    pub(super) fn by_id(&self) -> &BTreeMap<Fingerprint, Vec<usize>> {
        self.by_id.get_or_init(|| {
            let mut by_id: BTreeMap<Fingerprint, Vec<usize>> = BTreeMap::new();
            for (number, (_, decision)) in self.decisions.iter().enumerate() {
                // What has no id can't be asked for.
                let id = decision.command.key();
                id.into_iter().for_each(|id| by_id.entry(id).or_default().push(number));
            }
            by_id
        })
    }

    fn earlier(&self, command: &Command) -> impl Iterator<Item = &Decision> {
        let known = self.known.get(&key(command)).into_iter().flatten();
        known.map(|number| &self.decisions[*number].1)
    }

    /// Whether the id was forwarded before the account was unlinked: it may have taken effect there.
    fn left_behind(&self, command: &Command) -> bool {
        let known = self.known.get(&key(command)).into_iter().flatten();
        let before =
            known.filter(|number| **number < self.own_since).map(|number| &self.decisions[*number].1);
        let back = |decision: &Decision| {
            matches!(command, Command::Forwarded { .. }) && decision.command.event() == command.event()
        };
        let forwarded = |decision: &Decision| matches!(decision.outcome, Outcome::Forwarded(_));
        before.into_iter().any(|decision| forwarded(decision) && !back(decision))
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
            // Behind those before it whose time is over, or whose partner may be back.
            let before = self.waiting.iter().take_while(|waiting| waiting.event != *first);
            let mut over = before.filter(|it| it.held_back || it.until <= at.decided_at);
            let is = |event: &PartnerEvent| command.event() == Some(event);
            holds(is(first) || over.any(|waiting| is(&waiting.event)), || {
                format!("{command:?} comes before {first:?}, which no longer has to wait")
            })?;
        }
        let reused = self.earlier(command).any(|earlier| matches!(earlier.outcome, Outcome::Applied(_)))
            || self.left_behind(command)
            || self.waiting.iter().any(|other| {
                let known = (other.event.partner, &other.event.event_id);
                command
                    .event()
                    .is_some_and(|event| *event != other.event && known == (event.partner, &event.event_id))
            });
        let (mut waited, mut elsewhere) = (false, self.forward);
        match command {
            Command::PartnerEvent(event) | Command::Forwarded { event, .. }
                if self.waits(event).is_some() =>
            {
                let place = self.waiting.iter().position(|waiting| waiting.event == *event);
                let waiting = self.waiting.remove(place.ok_or("it waits")?);
                match self.earns(event, at, registry) {
                    _ if self.forward.is_some() => {}
                    Err("ORDER_NOT_FOUND") if waiting.found.is_some() => elsewhere = waiting.found,
                    Ok(expected) => grants = expected,
                    Err(code) => codes.push(code),
                }
                let heals = |code: &&str| healed_by(code).is_some() || *code == "PARTNER_SUSPENDED";
                let heals = codes.iter().any(heals);
                holds(!heals || waiting.until <= at.decided_at, || {
                    format!("{} is refused before {}, as it might have waited", key(command), waiting.until)
                })?;
                waited = true;
            }
            Command::PartnerEvent(event) | Command::Forwarded { event, .. } => {
                let oldest = registry.max_event_age.map(|age| at.horizon.minus(age));
                // What was sent here and goes on from here is judged where it arrives.
                let goes_on = matches!(command, Command::Forwarded { .. }) && self.forward.is_some();
                let too_old = !goes_on && oldest.is_some_and(|oldest| event.event_time < oldest);
                if too_old {
                    // Whether the id is still known doesn't matter any more.
                    codes.push("EVENT_TOO_OLD");
                }
                holds(too_old || !self.knows(command), || format!("{} is decided twice", key(command)))?;
                if reused {
                    codes.push("ID_REUSED");
                } else if !too_old {
                    match self.earns(event, at, registry) {
                        _ if self.forward.is_some() => {}
                        Ok(expected) => grants = expected,
                        Err(code) => {
                            codes.push(code);
                            // It may have been forgotten.
                            codes.extend((code == "RETURN_TOO_LATE").then_some("ORDER_NOT_FOUND"));
                        }
                    }
                }
            }
            Command::Enrol { .. }
            | Command::Redeem { .. }
            | Command::Reward { .. }
            | Command::Adjust { .. }
            | Command::Link { .. }
            | Command::Consent { .. }
            | Command::Unlink { .. }
            | Command::AcceptLinks { .. } => {
                holds(!self.knows(command), || format!("{} is decided twice", key(command)))?;
                // Whatever became of it, a request's id stands for what it said first.
                let reused = self.earlier(command).next().is_some();
                codes.extend(if reused { Some("ID_REUSED") } else { self.may(command, at, registry).err() });
            }
            Command::TimePassed { .. } => time::brings_about(&decision.outcome)?,
            Command::Adopt(_)
            | Command::FindOrder { .. }
            | Command::LocateOrder { .. }
            | Command::OrderLocated { .. } => {}
        }
        match &decision.outcome {
            Outcome::Refused(rejection) => {
                let code = rejection.code();
                let waits = healed_by(code).is_some() && !waited && self.waiting.len() < WAITING_MAX;
                holds(codes.contains(&code) && !waits, || {
                    format!("{command:?} is refused for {rejection}, expected {codes:?}, if not to wait")
                })?;
            }
            Outcome::Waiting(wait) => {
                let event = command.event().ok_or("a request waits")?;
                let heals = codes.iter().find_map(|code| self.needs(command, code)).filter(|_| !waited);
                same("what an event waits for", &Some(&wait.waits_for), &heals.as_ref())?;
                let until = at.decided_at.plus(registry.consent_wait.unwrap_or(Span::from_days(1)));
                same("how long it waits", &wait.until, &until)?;
                taken_back(event).and_then(|forgotten| self.orders.remove(&forgotten));
                let searched = wait.waits_for == WaitsFor::OrderAnywhere;
                let (event, found, held_back) = (event.clone(), None, false);
                self.waiting.push(Waiting { event, until, source, searched, found, held_back });
            }
            Outcome::Forwarded(to) => {
                holds(codes.is_empty(), || format!("{command:?} is forwarded, expected {codes:?}"))?;
                same("to whom it is forwarded", &Some(*to), &elsewhere)?;
            }
            Outcome::Applied(applied) => {
                let here = command.event().is_none() || elsewhere.is_none();
                holds(codes.is_empty() && here, || format!("{command:?} is applied, expected {codes:?}"))?;
                self.apply(command, &applied.events, grants, at, registry, sums)?;
            }
        }
        match &decision.outcome {
            Outcome::Applied(_) => self.waited.0 += usize::from(waited),
            Outcome::Refused(_) => self.waited.1 += usize::from(waited),
            Outcome::Waiting(_) | Outcome::Forwarded(_) => {}
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
                Command::PartnerEvent(event) | Command::Forwarded { event, .. } => {
                    matches!(event.body, EventBody::SignUp { .. })
                }
                Command::Enrol { .. } => true,
                Command::Redeem { .. }
                | Command::TimePassed { .. }
                | Command::Reward { .. }
                | Command::Adjust { .. }
                | Command::Link { .. }
                | Command::Consent { .. }
                | Command::Unlink { .. }
                | Command::AcceptLinks { .. }
                | Command::Adopt(_)
                | Command::FindOrder { .. }
                | Command::LocateOrder { .. }
                | Command::OrderLocated { .. } => false,
            };
        let (mut consents, mut done) = (self.consents(command), false);
        let (mut granted, mut returning, mut repaid) = (Vec::new(), None::<Returning>, 0);
        let (mut adjusted, mut by_hand, mut bought) = (0, None, None);
        for event in events {
            let said = if let Event::PointsExchanged(exchange) = event { Some(exchange) } else { None };
            same("what is bought", &said, &bought.take().as_ref())?;
            match event {
                Event::MemberEnrolled => self.enrolled = true,
                Event::ConsentGiven { .. } => same("a consent", &Some(true), &consents.take())?,
                Event::ConsentWithdrawn { .. } => same("a consent", &Some(false), &consents.take())?,
                Event::PointsAccrued(accrual) if matches!(command, Command::Adjust { .. }) => {
                    let adjustment =
                        by_hand.take().ok_or_else(|| format!("{accrual:?} was not asked for"))?;
                    self.give(&adjustment, accrual, (at, nth), registry, sums)?;
                    nth += 1;
                }
                Event::PointsAccrued(accrual) => {
                    let grant = grants.next().ok_or_else(|| format!("{accrual:?} should not be"))?;
                    granted.push(self.accrue(command, accrual, grant, (at, nth), registry, sums)?);
                    nth += 1;
                }
                Event::NothingEarned { rule, why } => {
                    if let Some(returning) = &mut returning {
                        self.keep(returning, rule.as_ref(), *why)?;
                    }
                }
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
                    let lapses = points.get() + repaying(events, &lot.key, at);
                    let whole =
                        lot.left == lapses || matches!(command, Command::Reward { .. }) && lapses < lot.left;
                    holds(due && whole, || format!("{event:?} is not due"))?;
                    lot.left -= points.get();
                    sums.expired += points.signed();
                    let key = lot.key;
                    self.note_lapse(&key, points.get());
                }
                Event::RewardRedeemed(_)
                | Event::HoldCreated(_)
                | Event::HoldCaptured { .. }
                | Event::HoldReleased { .. }
                | Event::RedemptionRefunded { .. } => {
                    bought = self.burn(command, event, at, registry, sums)?;
                    done |= !matches!(event, Event::HoldReleased { why: Release::TimedOut, .. });
                }
                Event::AccountLinked { .. }
                | Event::HandedOver { .. }
                | Event::RecordsAdopted { .. }
                | Event::PointsAdopted { .. }
                | Event::PointsSuspended { .. }
                | Event::GrantReversed(_)
                | Event::LinksAccepted
                | Event::AccountUnlinked { .. }
                | Event::OrderKnown { .. }
                | Event::OrderLocated { .. } => self.link(command, event, at, sums)?,
                Event::OrderReturned(part) => {
                    returning = Some(self.give_back(command, part, at, registry)?);
                    sums.counts.returns += 1;
                }
                Event::PointsClawedBack(clawback) => {
                    let returning = returning.as_mut().ok_or("a clawback without a return")?;
                    self.claw_back(returning, clawback, at, sums)?;
                }
                Event::DebtRepaid { .. } => {
                    self.repay(event, at, sums)?;
                    repaid += 1;
                }
                Event::PointsExchanged(_) => sums.counts.exchanged += 1,
                Event::AdjustmentCreated { .. }
                | Event::AdjustmentApproved { .. }
                | Event::AdjustmentRejected { .. } => {
                    by_hand = self.adjust(command, event, at, registry)?;
                    adjusted += 1;
                }
                Event::PointsTaken(taking) => {
                    let adjustment = by_hand.take().ok_or_else(|| format!("{taking:?} was not asked for"))?;
                    self.take_by_hand(&adjustment, taking, at, registry, sums)?;
                }
            }
            self.lots.retain(|lot| lot.left > 0);
        }
        self.has_adopted(command)?;
        self.has_linked(command, events)?;
        self.note_stay(command);
        if let Some(given) = self.consents(command) {
            same("a consent that should be noted", &consents, &None)?;
            self.consent = Some((given, command.event().map_or(at.decided_at, |event| event.event_time)));
        }
        same("what is bought in the end", &bought, &None)?;
        same("what is done by hand", &(adjusted, by_hand), &(usize::from(asks_by_hand(command)), None))?;
        if let Some(event) = command.event() {
            self.keep_order(event, granted);
            same("a return", &returning.is_some(), &taken_back(event).is_some())?;
        }
        returning.iter().try_for_each(|returning| self.has_returned(returning))?;
        self.owes_or_has(at)?;
        self.lapses_once(events, at, registry)?;
        holds(repaid < 3, || "it is repaid more than by what lapses and by what is freed".to_owned())?;
        let asks = matches!(command, Command::Redeem { .. } | Command::Reward { .. });
        same("what is done about a reward", &done, &asks)?;
        same("an enrolment", &events.contains(&Event::MemberEnrolled), &enrols)?;
        holds(grants.next().is_none(), || format!("{command:?} earns less than it should"))
    }

    /// What the command should say of the one consent that there is.
    fn consents(&self, command: &Command) -> Option<bool> {
        if let Command::Consent { given, .. } = command {
            return Some(*given);
        }
        let event = command.event()?;
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

    pub(super) fn lot(&mut self, key: &LotKey) -> Result<&mut Lot, String> {
        self.lots.iter_mut().find(|lot| lot.key == *key).ok_or_else(|| format!("there is no lot {key:?}"))
    }
}

fn asks_by_hand(command: &Command) -> bool {
    matches!(command, Command::Adjust { .. })
}
