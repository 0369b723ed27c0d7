//! Links: what an identifier's account hands over, all of it and once, and what the member's account takes in.

use std::collections::BTreeSet;

use coalition_domain::event::{Event, Reversal};
use coalition_domain::handover::{Handover, Piece};
use coalition_domain::lot::{Lot as Given, LotKey};
use coalition_domain::{AccountId, Command, Decision, Outcome, Wait, WaitsFor};

use super::account::{Account, At};
use super::debt::Debt;
use super::lot::Lot;
use super::order::taken_back;
use super::sums::Sums;
use super::{Judgement, holds, same};

/// What a decision asks of another account.
pub(super) fn asks(decision: &Decision) -> Option<Command> {
    match &decision.outcome {
        Outcome::Forwarded(account) => {
            let event = decision.command.event()?.clone();
            Some(Command::Forwarded { event, account: *account })
        }
        Outcome::Waiting(Wait { until, waits_for: WaitsFor::OrderAnywhere }) => {
            let order = taken_back(decision.command.event()?)?;
            Some(Command::FindOrder { order, asker: decision.command.account(), until: *until })
        }
        Outcome::Applied(applied) if matches!(decision.command, Command::LocateOrder { .. }) => {
            let [Event::OrderKnown { order, asker }] = applied.events[..] else { return None };
            let at = decision.command.account();
            Some(Command::OrderLocated { account: asker, order, at })
        }
        Outcome::Applied(applied) => {
            let mut to = None;
            let mut pieces = Vec::new();
            for event in &applied.events {
                if let Event::HandedOver { to: member, piece } = event {
                    to = Some(*member);
                    pieces.push(piece.clone());
                }
            }
            Some(Command::Adopt(Handover { from: decision.command.account(), to: to?, pieces }))
        }
        Outcome::Refused(_) | Outcome::Waiting(_) => None,
    }
}

/// The name of a lot at the member's, as the `nth` link brought it.
fn renamed(key: LotKey, nth: u32) -> LotKey {
    LotKey { nth: (nth << 16) + key.nth, ..key }
}

impl Account {
    /// Judges what is said of a link or a handover, and takes it in.
    pub(super) fn link(&mut self, command: &Command, event: &Event, at: At, sums: &mut Sums) -> Judgement {
        match (command, event) {
            (Command::Link { member, .. }, Event::AccountLinked { to }) => {
                same("whose it is", to, member)?;
                holds(self.forward.replace(*to).is_none(), || "it is linked twice".to_owned())
            }
            (Command::AcceptLinks { .. }, Event::LinksAccepted) => Ok(()),
            (Command::Unlink { .. }, Event::AccountUnlinked { .. }) => {
                self.forward = None;
                self.own_since = self.decisions.len();
                self.consent = None;
                self.orders.clear();
                self.handed.clear();
                Ok(())
            }
            (Command::Unlink { .. }, Event::HandedOver { piece: Piece::Unlinked, .. }) => Ok(()),
            (Command::Link { .. } | Command::TimePassed { .. }, Event::HandedOver { to, piece }) => {
                same("who gets it", &Some(*to), &self.forward)?;
                self.hand_over(command, piece, sums)
            }
            (
                Command::Adopt(handover),
                Event::RecordsAdopted { piece: number } | Event::PointsAdopted { piece: number, .. },
            ) => {
                same("the next piece", &(*number as usize), &self.adopted)?;
                self.adopted += 1;
                let piece = handover.pieces.get(*number as usize).ok_or("it has no such piece")?;
                self.adopt(handover.from, piece, event, sums)
            }
            (Command::Adopt(_), Event::GrantReversed(Reversal { allocation, pending, .. })) => {
                let lot = self.reversed.pop_first().ok_or("it was not granted before")?;
                same("what is reversed", &(allocation.lot, *pending), &lot)?;
                let place = self.lots.iter().position(|lot| lot.key == allocation.lot).ok_or("no lot")?;
                let lot = self.lots.remove(place);
                same("how much is reversed", &allocation.points.get(), &lot.left)?;
                self.note_reversal(&lot.key, lot.left);
                sums.returned(lot.issuer, lot.left);
                let paid = (allocation.funder, allocation.unit_price);
                same("who had paid", &paid, &lot.paid)?;
                sums.recovered((lot.issuer, paid.0, paid.1), lot.left);
                sums.counts.reversed += 1;
                Ok(())
            }
            (Command::LocateOrder { order, asker, .. }, Event::OrderKnown { order: known, asker: told }) => {
                same("who hears of which order", &(known, told), &(order, asker))?;
                let known = self.forward.is_some() || self.orders.contains_key(order);
                holds(known, || format!("{order:?} was not bought here"))
            }
            (Command::OrderLocated { order, at, .. }, Event::OrderLocated { order: known, at: told }) => {
                same("where which order is", &(known, told), &(order, at))?;
                let found = self.searching(*order).map(|waiting| waiting.found = Some(*at)).count();
                sums.counts.found += found;
                holds(found > 0, || format!("nothing waits for {order:?}"))
            }
            _ => Err(format!("{event:?} at {}", at.decided_at)),
        }
    }

    fn hand_over(&mut self, command: &Command, piece: &Piece, sums: &mut Sums) -> Judgement {
        match piece {
            Piece::Identifier { identifier, consents } => {
                let Command::Link { identifier: named, .. } = command else { return Err("once".to_owned()) };
                same("the identifier", identifier, named)?;
                let said = consents.iter().map(|(_, consent)| (consent.given, consent.since));
                same("its consents", &said.collect::<Vec<_>>(), &self.consent.into_iter().collect())
            }
            Piece::Orders { orders, .. } => orders.iter().try_for_each(|(name, record)| {
                let order = self.orders.remove(name).ok_or("an order that was not placed")?;
                order.is_kept(Some(record), record.placed)
            }),
            Piece::Points { lots, debts, .. } => {
                for given in lots {
                    let place = self.lots.iter().position(|lot| lot.key == given.key);
                    let lot = self.lots.remove(place.ok_or_else(|| format!("there is no {given:?}"))?);
                    let found =
                        (given.left.get(), given.pending, given.issuer, (given.funder, given.unit_price));
                    let expected = (lot.left, lot.pending, lot.issuer, lot.paid);
                    same("a lot that is handed over", &found, &expected)?;
                }
                let owed = std::mem::take(&mut self.debts);
                same("what is owed", &debts.iter().map(Debt::of).collect(), &owed)?;
                sums.in_transit += net(lots, &owed);
                Ok(())
            }
            Piece::Claims { claims, .. } => {
                self.handed.extend(claims);
                holds(self.handed.is_subset(&self.claims), || "a once-limit that was not used".to_owned())
            }
            Piece::Unlinked => Err("it ends with the link".to_owned()),
        }
    }

    fn adopt(&mut self, from: AccountId, piece: &Piece, event: &Event, sums: &mut Sums) -> Judgement {
        if let Piece::Identifier { consents, .. } = piece {
            if !self.links.contains(&from) {
                self.links.push(from);
            }
            holds(self.followers.insert(from), || "it was linked before".to_owned())?;
            sums.counts.links += 1;
            for (_, consent) in consents {
                if self.consent.is_none_or(|(_, since)| since < consent.since) {
                    self.consent = Some((consent.given, consent.since));
                }
            }
            return Ok(());
        }
        let nth = self.links.iter().position(|link| *link == from).ok_or("its identifier comes first")?;
        let nth = u32::try_from(nth).expect("few links") + 1;
        match piece {
            Piece::Identifier { .. } => {}
            Piece::Orders { orders, .. } => {
                for (name, record) in orders {
                    self.adopt_order(*name, record, |lot| renamed(lot, nth));
                }
            }
            Piece::Points { lots, debts, .. } => {
                let debts: Vec<Debt> = debts.iter().map(Debt::of).collect();
                let Event::PointsAdopted { available, pending, debt, .. } = event else {
                    return Err(format!("points came as {event:?}"));
                };
                let found = [available.get(), pending.get(), debt.get()];
                let expected =
                    [sum(lots, false), sum(lots, true), debts.iter().map(|debt| debt.points).sum()];
                same("the points that came", &found, &expected)?;
                sums.in_transit -= net(lots, &debts);
                let before = self.claims.clone();
                for given in lots {
                    let (key, pending) = (renamed(given.key, nth), given.pending);
                    if given.claim.is_some_and(|claim| before.contains(&claim)) {
                        self.reversed.insert((key, pending));
                    }
                    self.claims.extend(given.claim);
                    let (issuer, paid) = (given.issuer, (given.funder, given.unit_price));
                    self.lots.push(Lot { key, left: given.left.get(), pending, issuer, paid });
                }
                debts.into_iter().for_each(|debt| self.owe(debt));
            }
            Piece::Claims { claims, .. } => self.claims.extend(claims),
            Piece::Unlinked => {
                sums.counts.unlinks += 1;
                holds(self.followers.remove(&from), || "it was not linked".to_owned())?;
            }
        }
        Ok(())
    }

    /// Judges what is said about the link itself, whole.
    pub(super) fn has_linked(&self, command: &Command, events: &[Event]) -> Judgement {
        match command {
            Command::AcceptLinks { .. } => {
                let said: &[Event] = if self.stays { &[] } else { &[Event::LinksAccepted] };
                same("whether it stays", &events, &said)
            }
            Command::Unlink { member, .. } => {
                let (from, to, piece) = (*member, *member, Piece::Unlinked);
                let said: &[Event] = &[Event::AccountUnlinked { from }, Event::HandedOver { to, piece }];
                same("what an unlink says", &events, &said)
            }
            Command::PartnerEvent(_)
            | Command::Forwarded { .. }
            | Command::Enrol { .. }
            | Command::Redeem { .. }
            | Command::Reward { .. }
            | Command::Adjust { .. }
            | Command::TimePassed { .. }
            | Command::Link { .. }
            | Command::Adopt(_)
            | Command::Consent { .. }
            | Command::FindOrder { .. }
            | Command::LocateOrder { .. }
            | Command::OrderLocated { .. } => Ok(()),
        }
    }

    /// A handover was taken in whole.
    pub(super) fn has_adopted(&mut self, command: &Command) -> Judgement {
        if let Command::Adopt(handover) = command {
            same("pieces that were taken in", &std::mem::take(&mut self.adopted), &handover.pieces.len())?;
        }
        same("what came twice", &self.reversed, &BTreeSet::new())
    }

    /// A linked account has nothing left, when all is over.
    pub(super) fn has_handed_over(&self) -> Judgement {
        holds(self.forward.is_none() || self.has_nothing_left(), || "it keeps something".to_owned())
    }
}

fn sum(lots: &[Given], pending: bool) -> u64 {
    lots.iter().filter(|lot| lot.pending == pending).map(|lot| lot.left.get()).sum()
}

fn net(lots: &[Given], debts: &[Debt]) -> i64 {
    let owed: u64 = debts.iter().map(|debt| debt.points).sum();
    (sum(lots, true) + sum(lots, false)).cast_signed() - owed.cast_signed()
}
